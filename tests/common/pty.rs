//! The real binary in a real pseudo-terminal, read through a terminal emulator.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long anything on the screen may take; a bound against hanging, not a measurement.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running console.
pub struct Console {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    /// The journal's folder; shared with a second console to resume.
    pub state: Arc<tempfile::TempDir>,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    last: Instant,
}

/// What to start.
pub struct Start<'a> {
    pub args: &'a [&'a str],
    pub env: &'a [(&'a str, &'a str)],
    /// Rows, columns.
    pub size: (u16, u16),
    pub state: Option<Arc<tempfile::TempDir>>,
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { args: &["--demo"], env: &[], size: (40, 120), state: None }
    }
}

impl Console {
    pub fn start(start: Start<'_>) -> Self {
        let (rows, cols) = start.size;
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let state = start.state.unwrap_or_else(|| Arc::new(tempfile::tempdir().expect("a folder")));
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.args(start.args);
        for (name, _) in std::env::vars() {
            if name.starts_with("AWS_") || name.starts_with("ANTHROPIC_") || name.starts_with("QUARTERDECK_")
            {
                command.env_remove(name);
            }
        }
        command.env_remove("NO_COLOR");
        command.env_remove("TMUX");
        command.env("TERM", "xterm-256color");
        command.env("HOME", state.path());
        command.env("QUARTERDECK_STATE", state.path().join("state"));
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        for (name, value) in start.env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the console starts");
        drop(pair.slave);
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new(rows, cols, 0),
            raw: Vec::new(),
            last: Instant::now(),
        }));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let sink = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                let mut seen = sink.lock().expect("not poisoned");
                seen.parser.process(&buffer[..n]);
                seen.raw.extend_from_slice(&buffer[..n]);
                seen.last = Instant::now();
            }
        });
        Self { master: Some(pair.master), writer: Some(writer), child, seen, state }
    }

    /// Types, as fast as a terminal delivers it.
    pub fn keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("open");
        writer.write_all(keys.as_bytes()).expect("the console reads");
        writer.flush().expect("the console reads");
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.seen.lock().expect("not poisoned").parser.screen().contents()
    }

    /// Every byte the console wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().expect("not poisoned").raw.clone()
    }

    /// Waits until `wanted` stands on the screen.
    pub fn until(&self, wanted: &str) -> String {
        self.until_that(wanted, |text| text.contains(wanted))
    }

    /// Waits until the screen fulfils `is`.
    pub fn until_that(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is(&text) {
                return text;
            }
            assert!(Instant::now() < end, "never came: {what}\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nothing was written for `quiet`.
    pub fn settle(&self, quiet: Duration) {
        let end = Instant::now() + PATIENCE;
        while self.seen.lock().expect("not poisoned").last.elapsed() < quiet && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Changes the terminal's size: rows, columns.
    pub fn resize(&self, rows: u16, cols: u16) {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("open").resize(size).expect("a size");
        self.seen.lock().expect("not poisoned").parser.screen_mut().set_size(rows.max(1), cols.max(1));
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("running")
    }

    /// `kill -9`.
    pub fn kill_hard(&mut self) {
        signal(self.pid(), "KILL");
        let _ = self.child.wait();
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Hangs the terminal up.
    pub fn hang_up(&mut self) {
        self.writer = None;
        self.master = None;
    }

    /// Waits for the end; the exit code.
    pub fn wait(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.exit_code();
            }
            assert!(Instant::now() < end, "did not end\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok_and(|s| s.success()), "kill -{name} {pid}");
}
