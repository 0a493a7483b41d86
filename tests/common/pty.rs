//! The real binary in a real pseudo-terminal, read through a terminal emulator.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Set when the terminal is to hang up: the reading thread holds its end open until then.
    hangs_up: Arc<AtomicBool>,
    reading: Option<std::thread::JoinHandle<()>>,
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
    pub program: &'a str,
    pub args: &'a [&'a str],
    pub env: &'a [(&'a str, &'a str)],
    /// Rows, columns.
    pub size: (u16, u16),
    pub state: Option<Arc<tempfile::TempDir>>,
}

impl Default for Start<'_> {
    fn default() -> Self {
        let program = env!("CARGO_BIN_EXE_quarterdeck");
        Self { program, args: &["--demo"], env: &[], size: (40, 120), state: None }
    }
}

impl Console {
    pub fn start(start: Start<'_>) -> Self {
        let (rows, cols) = start.size;
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let state = start.state.unwrap_or_else(|| Arc::new(tempfile::tempdir().expect("a folder")));
        let mut command = CommandBuilder::new(start.program);
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
        let hangs_up = Arc::new(AtomicBool::new(false));
        let stop = hangs_up.clone();
        let reading = std::thread::spawn(move || {
            let mut buffer = [0u8; 65536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || stop.load(Ordering::SeqCst) {
                    break;
                }
                let mut seen = sink.lock().expect("not poisoned");
                seen.parser.process(&buffer[..n]);
                seen.raw.extend_from_slice(&buffer[..n]);
                seen.last = Instant::now();
            }
        });
        let (master, writer, reading) = (Some(pair.master), Some(writer), Some(reading));
        Self { master, writer, child, seen, hangs_up, reading, state }
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
        // The terminal emulator of the tests cannot be tiny; what it shows meanwhile does not matter.
        if rows >= 5 && cols >= 20 {
            self.seen.lock().expect("not poisoned").parser.screen_mut().set_size(rows, cols);
        }
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
        self.hangs_up.store(true, Ordering::SeqCst);
        // Whatever it draws now lets the reading thread see that it is over.
        self.keys("\x0c");
        if let Some(reading) = self.reading.take() {
            reading.join().expect("the reader ends");
        }
        self.writer = None;
        self.master = None;
        // A process that another test began at the wrong moment may have inherited our end, and the line stays up:
        // then the console gets what the kernel would send it.
        let end = Instant::now() + Duration::from_secs(5);
        while self.child.try_wait().expect("a child").is_none() {
            if Instant::now() > end {
                return self.signal("HUP");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `wanted` is gone from the screen.
    pub fn until_gone(&self, wanted: &str) -> String {
        self.until_that(&format!("{wanted} gone"), |text| !text.contains(wanted))
    }

    /// What of our modes the terminal is in: alternate screen, bracketed paste, mouse, hidden cursor.
    pub fn modes(&self) -> [bool; 4] {
        let seen = self.seen.lock().expect("not poisoned");
        let screen = seen.parser.screen();
        let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        [screen.alternate_screen(), screen.bracketed_paste(), mouse, screen.hide_cursor()]
    }

    /// Waits until everything the console wrote before it ended was read.
    pub fn drained(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.join().expect("the reader ends");
        }
    }

    /// The process's state as the kernel says: `S`, `T` (stopped), ...
    pub fn process_state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("a process");
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).expect("a state")
    }

    /// Runs a line of the palette.
    pub fn palette(&mut self, line: &str) {
        self.keys(":");
        self.until("commands and tools");
        self.keys(line);
        self.keys("\r");
    }

    /// What OSC 52 put on the clipboard, in order.
    pub fn clipboard(&self) -> Vec<String> {
        use base64::Engine as _;
        let raw = String::from_utf8_lossy(&self.raw()).into_owned();
        let copies = raw.split("\x1b]52;c;").skip(1).filter_map(|rest| rest.split_once('\x07'));
        let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
        copies.map(|(text, _)| String::from_utf8(decode(text)).expect("UTF-8")).collect()
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
