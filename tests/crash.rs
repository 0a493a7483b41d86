//! What survives: a console killed in the middle of a change, resumed sessions, a journal that cannot be written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod common;

use common::emulator::Emulator;
use common::pty::{Console, Start};
use quarterdeck::engine::store::Database;
use quarterdeck_core::journal::{Entry, Fact, RefusedBy, WriteEffect};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PLACEHOLDER: &str = "ask, or : for a command";
const DIALOG: &str = "APPROVE THIS CHANGE?";
const ARMED: &str = "approves exactly this, once";
const REGION: &str = "eu-west-1";

fn entries(state: &tempfile::TempDir, demo: bool) -> Vec<Entry> {
    let database = Database::open(&state.path().join("state")).unwrap();
    let sessions = database.sessions(demo).unwrap();
    database.load(&sessions[0].id).unwrap().0
}

fn count(entries: &[Entry], is: impl Fn(&Fact) -> bool) -> usize {
    entries.iter().filter(|e| is(&e.fact)).count()
}

/// Types the code when one is asked for, and approves.
fn approve(console: &mut Console) {
    let ready = |text: &str| text.contains(ARMED) || text.contains("and the number of targets");
    let text = console.until_that("the gate asks for a decision", ready);
    if !text.contains(ARMED) {
        console.keys(&format!("{}1", code(&text)));
        console.until(ARMED);
    }
    console.keys("A");
    console.until_gone(DIALOG);
}

/// The letters before ` and the number of targets`.
fn code(text: &str) -> String {
    let before = text.split_once(" and the number of targets").unwrap().0;
    before.rsplit(' ').next().unwrap().to_owned()
}

/// An account with one instance that runs, and the environment of a console that looks at it.
struct Account {
    emulator: Emulator,
    id: String,
    endpoint: String,
}

impl Account {
    fn new() -> Self {
        let mut emulator = Emulator::start();
        let tags = json!([{"Key": "Name", "Value": "build-runner"}, {"Key": "env", "Value": "dev"}]);
        let run = json!({"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.small",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]});
        let made = emulator.boto("ec2", REGION, "run_instances", run);
        let id = made["Instances"][0]["InstanceId"].as_str().unwrap().to_owned();
        let endpoint = emulator.endpoint.clone();
        Self { emulator, id, endpoint }
    }

    fn open(&self, args: &[&str], state: Option<Arc<tempfile::TempDir>>) -> Console {
        let env = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_REGION", REGION),
            ("NO_PROXY", "127.0.0.1"),
        ];
        Console::start(Start { args, env: &env, state, ..Start::default() })
    }

    /// Opens a console and approves to stop the instance; AWS answers after `delay` seconds. Returns when the change
    /// has gone out.
    fn stopping(&mut self, delay: u32) -> Console {
        let mut console = self.open(&[], None);
        console.until(PLACEHOLDER);
        console.palette(&format!("stop_instances --ids {}", self.id));
        console.until(DIALOG);
        assert_eq!(self.emulator.count("StopInstances"), 0);
        // One more dry run, of the plan that is made again; then the change itself, which is answered late.
        self.emulator.rules(json!([{"operation": "StopInstances", "after": 1, "delay": delay}]));
        approve(&mut console);
        let begin = Instant::now();
        while self.emulator.count("StopInstances") == 0 {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "the change never went out\n{}",
                console.text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        console
    }
}

#[test]
fn a_console_killed_in_the_middle_of_a_change_never_repeats_it() {
    let mut account = Account::new();
    let mut console = account.stopping(6);
    console.kill_hard();
    let state = console.state.clone();
    let written = entries(&state, false);
    assert_eq!(
        count(&written, |f| matches!(f, Fact::WriteIntended { .. })),
        1,
        "the intent was durable before the call"
    );
    assert_eq!(count(&written, |f| matches!(f, Fact::WriteConcluded { .. })), 0);
    // The session's lock went with the process.
    let mut console = account.open(&["--resume"], Some(state.clone()));
    console.until("outcome unknown");
    let begin = Instant::now();
    let seen = loop {
        let seen = entries(&state, false);
        if count(&seen, |f| matches!(f, Fact::Verified { .. })) > 0 {
            break seen;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "its state was never read back\n{}",
            console.text()
        );
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(count(&seen, |f| matches!(f, Fact::WriteConcluded { effect: WriteEffect::Unknown, .. })), 1);
    assert_eq!(count(&seen, |f| matches!(f, Fact::WriteIntended { .. })), 1);
    assert_eq!(account.emulator.count("StopInstances"), 1, "it was sent a second time");
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
}

#[test]
fn a_console_told_to_end_lets_a_change_under_way_conclude() {
    let mut account = Account::new();
    let mut console = account.stopping(3);
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
    let written = entries(&console.state, false);
    assert_eq!(count(&written, |f| matches!(f, Fact::WriteConcluded { effect: WriteEffect::Done, .. })), 1);
    assert_eq!(account.emulator.count("StopInstances"), 1);
}

#[test]
fn a_call_that_hangs_keeps_nobody_from_cancelling_or_leaving() {
    let mut account = Account::new();
    account.emulator.rules(json!([{"operation": "DescribeInstances", "delay": 30, "times": -1}]));
    let mut console = account.open(&[], None);
    console.until(PLACEHOLDER);
    for keys in ["\x03", "\x1b\x1b"] {
        console.palette("list_ec2_instances");
        console.until("running");
        for key in keys.chars() {
            console.keys(&key.to_string());
            std::thread::sleep(Duration::from_millis(200));
        }
        console.until("cancelled");
        console.until_gone("running");
    }
    console.palette("list_ec2_instances");
    console.until("running");
    let begin = Instant::now();
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
}

#[test]
fn a_resumed_session_shows_what_was_said_and_is_open_once() {
    let mut first = Console::start(Start::default());
    first.until(PLACEHOLDER);
    first.keys("list services\r");
    first.until("(scrolled up)");
    // Open here: a second console cannot have it, but may begin its own.
    let state = first.state.clone();
    let mut locked = Console::start(Start {
        args: &["--demo", "--resume"],
        state: Some(state.clone()),
        ..Start::default()
    });
    assert_eq!(locked.wait(), 1);
    locked.drained();
    assert!(locked.text().contains("open in another console"), "{}", locked.text());
    first.kill_hard();
    let mut second = Console::start(Start {
        args: &["--demo", "--resume"],
        state: Some(state.clone()),
        ..Start::default()
    });
    second.until("list services");
    second.until("list_ecs_services");
    second.keys("list instances\r");
    second.until("turn 2");
    second.until("list_ec2_instances");
    second.signal("TERM");
    assert_eq!(second.wait(), 143);
    let journal = entries(&state, true);
    assert_eq!(count(&journal, |f| matches!(f, Fact::SessionResumed { .. })), 1);
    assert_eq!(count(&journal, |f| matches!(f, Fact::Question { .. })), 2);
}

#[test]
fn two_consoles_work_on_the_same_folder_at_once() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let start = || Console::start(Start { state: Some(state.clone()), ..Start::default() });
    let mut consoles = [start(), start()];
    for console in &mut consoles {
        console.until(PLACEHOLDER);
        console.keys("list services\r");
    }
    for console in &mut consoles {
        console.until("(scrolled up)");
        assert!(!console.text().contains("JOURNAL FAILED"), "{}", console.text());
        console.signal("TERM");
        assert_eq!(console.wait(), 143);
    }
    let database = Database::open(&state.path().join("state")).unwrap();
    let sessions = database.sessions(true).unwrap();
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        assert_eq!(count(&database.load(&session.id).unwrap().0, |f| matches!(f, Fact::TurnEnded { .. })), 1);
    }
}

#[test]
fn there_is_nothing_to_resume_is_said() {
    let mut console = Console::start(Start { args: &["--demo", "--resume"], ..Start::default() });
    assert_eq!(console.wait(), 1);
    console.drained();
    assert!(console.text().contains("no saved session"), "{}", console.text());
}

/// Reads go on; a change is refused before anything is asked or sent.
fn reads_but_does_not_change(console: &mut Console) {
    console.until("JOURNAL FAILED");
    console.keys("list services\r");
    console.until("(scrolled up)");
    console.palette("stop_instances --ids i-0aa10000000000001");
    let text = console.until("refused");
    assert!(!text.contains(DIALOG), "{text}");
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
}

#[test]
fn without_a_journal_it_reads_and_refuses_to_change() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    std::fs::write(state.path().join("state"), "a file where a folder should be").unwrap();
    let mut console = Console::start(Start { state: Some(state), ..Start::default() });
    console.until(PLACEHOLDER);
    reads_but_does_not_change(&mut console);
}

#[test]
fn a_journal_that_fails_later_is_said_and_an_open_dialog_changes_nothing() {
    let mut console = Console::start(Start::default());
    console.until(PLACEHOLDER);
    console.palette("stop_instances --ids i-0aa10000000000001");
    console.until(DIALOG);
    // Another program holds the file for writing and does not let go.
    let file = console.state.path().join("state/journal.db");
    let held = rusqlite::Connection::open(&file).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    approve(&mut console);
    console.until("JOURNAL FAILED");
    held.execute_batch("ROLLBACK").unwrap();
    drop(held);
    console.until("refused");
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
    let journal = entries(&console.state, true);
    let sent = |f: &Fact| {
        matches!(f, Fact::WriteIntended { .. } | Fact::WriteConcluded { effect: WriteEffect::Done, .. })
    };
    assert_eq!(count(&journal, sent), 0);
    assert_eq!(count(&journal, |f| matches!(f, Fact::Refused { by: RefusedBy::Operator, .. })), 0);
}
