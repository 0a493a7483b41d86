//! Programs in Python that stand in for AWS: each in a pinned environment the tests make themselves, told what to do
//! over its standard input.

use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running program; it ends when dropped, and with the process, whose end closes its input.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
}

impl Program {
    /// Starts `tests/emulator/SCRIPT` with the packages `requirements` pins; the first line it prints is its port.
    pub fn start(script: &str, requirements: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulator").join(script);
        let mut child = Command::new(python(requirements))
            .arg(script)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut port = String::new();
        output.read_line(&mut port).expect("the program says its port");
        let endpoint = format!("http://127.0.0.1:{}", port.trim().parse::<u16>().expect("a port"));
        Self { child, input, output, endpoint }
    }

    /// One line of JSON there, one back.
    pub fn control(&mut self, words: &Value) -> Value {
        let input = self.input.as_mut().expect("open until dropped");
        writeln!(input, "{words}").expect("the program listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the program answers");
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer.get("error").is_none(), "{words}: {answer}");
        answer["ok"].take()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter of an environment with exactly the pinned packages; made once, under `target/`.
fn python(requirements: &str) -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = tmp.join(format!("python-{}", &quarterdeck_core::journal::hash(requirements)[..12]));
    let lock = File::create(tmp.join("python.lock")).expect("target/ can be written");
    lock.lock().expect("a lock");
    let python = home.join("bin/python");
    if home.join("complete").exists() {
        return python;
    }
    let _ = fs::remove_dir_all(&home);
    run(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let list = home.join("requirements.txt");
    fs::write(&list, requirements).expect("a file");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(list));
    fs::write(home.join("complete"), "").expect("a file");
    python
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
