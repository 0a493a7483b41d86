//! The built binary in a real pseudo-terminal: it comes up, survives any size, and gives the terminal back.
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
#[path = "peers/scripted_anthropic.rs"]
mod scripted_anthropic;

use common::pty::{Console, Start};
use quarterdeck::config::{Config, Overrides};
use quarterdeck::engine::store::Database;
use quarterdeck_core::journal::{Entry, Fact, RefusedBy};
use scripted_anthropic::{Reply, Say, Scripted, answer_bytes};
use std::time::{Duration, Instant};

/// Nothing of ours is left in the terminal.
const RESTORED: [bool; 4] = [false; 4];
const PLACEHOLDER: &str = "ask, or : for a command";
const DIALOG: &str = "APPROVE THIS CHANGE?";
/// An instance of the embedded account that runs.
const INSTANCE: &str = "i-0aa10000000000003";

fn sized(rows: u16, columns: u16) -> Console {
    Console::start(Start { size: (rows, columns), ..Start::default() })
}

fn started() -> Console {
    let console = sized(40, 120);
    console.until(PLACEHOLDER);
    console
}

/// A console with an open dialog.
fn asked() -> Console {
    let mut console = started();
    console.palette(&format!("stop_instances --ids {INSTANCE}"));
    console.until(DIALOG);
    console
}

/// The journal of the console's only session.
fn journal(console: &Console) -> Vec<Entry> {
    let database = Database::open(&console.state.path().join("state")).unwrap();
    let sessions = database.sessions(true).unwrap();
    assert_eq!(sessions.len(), 1);
    database.load(&sessions[0].id).unwrap().0
}

fn refused_by(entries: &[Entry]) -> Vec<RefusedBy> {
    entries
        .iter()
        .filter_map(|e| if let Fact::Refused { by, .. } = e.fact { Some(by) } else { None })
        .collect()
}

fn approved(entries: &[Entry]) -> bool {
    entries.iter().any(|e| matches!(e.fact, Fact::Approved { .. } | Fact::WriteIntended { .. }))
}

#[test]
fn it_comes_up_at_every_usual_size() {
    for (rows, columns) in [(24, 80), (40, 120), (60, 200)] {
        let console = sized(rows, columns);
        let text = console.until(PLACEHOLDER);
        assert!(text.lines().next().unwrap().contains("DEMO"), "{text}");
        assert!(text.contains("Timeline"), "{text}");
        let [alternate, paste, mouse, _] = console.modes();
        assert!(alternate && paste && mouse);
    }
}

#[test]
fn a_window_too_small_is_said_and_survived() {
    let mut console = sized(5, 20);
    // The sentence is wrapped to the width.
    console.until("needs");
    console.keys("hello\r:?\x1b");
    console.resize(24, 80);
    console.until("DEMO");
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
}

#[test]
fn a_storm_of_resizes_leaves_a_right_screen() {
    let mut console = started();
    console.keys("list services\r");
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        u16::try_from(seed % below).unwrap()
    };
    for n in 0..200 {
        let (rows, columns) = match n % 20 {
            0 => (0, 0),
            7 => (1, 1),
            13 => (200, 500),
            _ => (random(100), random(300)),
        };
        console.resize(rows, columns);
        if n % 5 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    // The last size counts, also when it comes together with a key.
    console.resize(40, 120);
    console.keys("\x0c");
    let text = console.until_that("a whole screen", |text| {
        text.contains(PLACEHOLDER)
            && text.contains("Timeline")
            && text.contains("list_ecs_services")
            && text.contains("DEMO")
    });
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("harbor-demo") && lines.len() <= 40, "{text}");
    assert!(lines.iter().all(|l| l.chars().count() <= 120), "{text}");
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
}

#[test]
fn ctrl_c_twice_quits_and_restores() {
    let mut console = started();
    console.keys("\x03");
    console.until("again");
    console.keys("\x03");
    assert_eq!(console.wait(), 0);
    console.drained();
    assert_eq!(console.modes(), RESTORED);
}

#[test]
fn signals_end_it_with_their_number_and_restore() {
    for (name, code) in [("TERM", 143), ("QUIT", 131), ("INT", 130), ("HUP", 129)] {
        let mut console = started();
        console.signal(name);
        assert_eq!(console.wait(), code, "{name}");
        console.drained();
        assert_eq!(console.modes(), RESTORED, "{name}");
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_it_and_refuses_what_is_open() {
    let mut console = asked();
    let begin = Instant::now();
    console.hang_up();
    assert_ne!(console.wait(), 0);
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    let entries = journal(&console);
    assert!(matches!(*refused_by(&entries), [RefusedBy::FrontGone | RefusedBy::Cancelled]));
    assert!(!approved(&entries));
}

#[test]
fn a_signal_refuses_what_is_open() {
    let mut console = asked();
    console.signal("TERM");
    assert_eq!(console.wait(), 143);
    let entries = journal(&console);
    assert!(matches!(*refused_by(&entries), [RefusedBy::FrontGone | RefusedBy::Cancelled]));
    assert!(!approved(&entries));
}

#[test]
fn suspending_gives_the_terminal_back_and_continuing_takes_it_again() {
    let mut console = asked();
    console.keys("\x1a");
    let stopped = Instant::now();
    while console.process_state() != 'T' {
        assert!(stopped.elapsed() < Duration::from_secs(30), "it never stopped: {}", console.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    console.settle(Duration::from_millis(100));
    assert_eq!(console.modes(), RESTORED);
    console.signal("CONT");
    console.until(PLACEHOLDER);
    let [alternate, paste, mouse, _] = console.modes();
    assert!(alternate && paste && mouse);
    console.until_gone(DIALOG);
    console.keys("\x03");
    console.until("again");
    console.keys("\x03");
    assert_eq!(console.wait(), 0);
    let entries = journal(&console);
    assert_eq!(refused_by(&entries).len(), 1, "the open dialog was refused");
    assert!(!approved(&entries));
}

#[test]
fn pasting_into_the_dialog_does_nothing() {
    let mut console = asked();
    std::thread::sleep(Duration::from_millis(900));
    console.keys("\x1b[200~A\n\x1b[201~");
    console.keys("\x1b[200~A\x1b[201~");
    // Not until it is quiet: the time the plan was made is counted while it is open.
    std::thread::sleep(Duration::from_millis(500));
    assert!(console.text().contains(DIALOG), "{}", console.text());
    console.keys("\x1b");
    console.until_gone(DIALOG);
    console.signal("TERM");
    console.wait();
    let entries = journal(&console);
    assert_eq!(refused_by(&entries), [RefusedBy::Operator]);
    assert!(!approved(&entries));
}

#[test]
fn what_the_account_says_never_reaches_the_terminal_raw() {
    let mut console = sized(60, 300);
    console.until(PLACEHOLDER);
    console.palette("list_ec2_instances");
    console.until("instances in");
    // The whole table, in a pane that fills the screen, and each row's raw JSON.
    console.keys("\x1b");
    std::thread::sleep(Duration::from_millis(300));
    console.keys("3z");
    console.until("⟨U+202E⟩");
    console.keys("t\x04\x04t\x04\x04\x04\x04");
    console.settle(Duration::from_millis(200));
    console.keys("y");
    console.until("copied");
    let raw = console.raw();
    let has = |bytes: &[u8]| raw.windows(bytes.len()).any(|w| w == bytes);
    assert!(has("⟨U+202E⟩".as_bytes()));
    assert!(!has("\u{202e}".as_bytes()) && !has("\u{202c}".as_bytes()));
    assert!(!has(b"\x1b[31m-DO-NOT-TOUCH"));
    let copied = console.clipboard().pop().unwrap();
    assert!(copied.contains("⟨U+202E⟩") && !copied.contains(['\u{202e}', '\u{1b}']), "{copied}");
}

#[test]
fn esc_twice_and_ctrl_c_cancel_at_once_what_was_said_is_kept() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Scripted::answering(|_, _| {
        let whole = answer_bytes(&[Say::Text("So far the deploy looks guilty and more will follow.")]);
        Reply::Hang(whole[..whole.len() * 3 / 4].to_vec())
    }));
    let url = server.url();
    for keys in ["\x03", "\x1b\x1b\x1b"] {
        let env = [
            ("ANTHROPIC_API_KEY", "sk-test"),
            ("ANTHROPIC_BASE_URL", url.as_str()),
            ("NO_PROXY", "127.0.0.1"),
        ];
        let mut console = Console::start(Start { env: &env, ..Start::default() });
        console.until(PLACEHOLDER);
        console.keys("why?\r");
        console.until("So far the deploy");
        let begin = Instant::now();
        for key in keys.chars() {
            console.keys(&key.to_string());
            // A lone Esc must not be taken for the beginning of Alt-something.
            std::thread::sleep(Duration::from_millis(100));
        }
        console.until("cancelled");
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        assert!(console.text().contains("So far the deploy"), "{}", console.text());
        console.signal("TERM");
        console.wait();
    }
    let gone = Instant::now();
    while server.gone() < 2 {
        assert!(gone.elapsed() < Duration::from_secs(20), "the request was not given up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_keyboard_alone_reaches_help_and_quit() {
    let mut console = started();
    console.keys("?");
    console.until("keys: composer");
    console.keys("\x1b");
    console.until_gone("keys: composer");
    console.palette("quit");
    assert_eq!(console.wait(), 0);
    console.drained();
    assert_eq!(console.modes(), RESTORED);
}

#[test]
fn without_credentials_it_comes_up_says_so_and_every_tool_too() {
    let mut console = Console::start(Start { args: &[], ..Start::default() });
    console.until(PLACEHOLDER);
    console.until("aws sso login");
    assert!(!console.text().contains("DEMO"), "{}", console.text());
    console.palette("list_ec2_instances");
    console.until("no AWS credentials");
    console.keys("\x03\x03");
    assert_eq!(console.wait(), 0);
}

#[test]
fn an_aws_that_never_answers_delays_neither_the_first_frame_nor_the_end() {
    // Connections are taken and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let env = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let mut console = Console::start(Start { args: &[], env: &env, ..Start::default() });
    console.until(PLACEHOLDER);
    console.keys("still typing");
    console.until("still typing");
    let begin = Instant::now();
    console.keys("\x03");
    console.until("again");
    console.keys("\x03");
    assert_eq!(console.wait(), 0);
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
}

/// Runs this file's `name` test, which is ignored otherwise, as the program in the terminal.
fn inside(name: &str) -> Console {
    let program = std::env::current_exe().unwrap();
    let args = [name, "--exact", "--ignored", "--nocapture"];
    Console::start(Start { program: program.to_str().unwrap(), args: &args, ..Start::default() })
}

#[test]
#[ignore = "run in a terminal by a_panic_restores_the_terminal"]
fn panics_inside() {
    let (_tty, mut terminal) = quarterdeck::fronts::screen::Tty::enter("panics", true).unwrap();
    // A call's panic on another thread is that call's fault.
    let other = std::thread::spawn(|| panic!("quietly, elsewhere"));
    assert!(other.join().is_err());
    terminal.draw(|frame| frame.render_widget("still drawing", frame.area())).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    panic!("loudly, here");
}

#[test]
fn a_panic_restores_the_terminal() {
    let mut console = inside("panics_inside");
    console.until("still drawing");
    assert!(console.modes()[0], "a panic elsewhere took the screen away");
    assert_ne!(console.wait(), 0);
    console.drained();
    assert_eq!(console.modes(), RESTORED);
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(!raw.contains("quietly, elsewhere"), "{raw}");
    let left = raw.rfind("\x1b[?1049l").unwrap();
    let said = raw.find("loudly, here").unwrap();
    assert!(left < said, "the message must not be lost with the alternate screen: {raw}");
}

/// What is changed on the screen and saved is what the next console starts with; what else is in the file stays.
#[test]
fn settings_are_changed_and_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let mine = "# mine\ntheme = \"light\" # bright room\niterations = 3\n";
    std::fs::write(&file, mine).unwrap();
    let place = file.to_str().unwrap();
    let mut console = Console::start(Start { env: &[("QUARTERDECK_CONFIG", place)], ..Start::default() });
    console.until(PLACEHOLDER);
    // Only a session in which something was asked or called is listed.
    console.palette("list_ecs_services");
    console.until("list_ecs_services");
    console.palette("settings");
    console.until("logs query");
    console.keys("jjj\r\x15");
    console.keys("51\r");
    console.until("iterations takes a number from 1 to 50");
    console.keys("\x157\r");
    console.until("at most 7 iterations a turn");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), mine, "nothing is written unasked");
    console.keys("s");
    console.until("saved iterations to");
    console.keys("q");
    console.until_gone("logs query");
    console.palette("model bedrock eu.anthropic.claude-opus-5-5");
    console.until("bedrock eu.anthropic.claude-opus-5-5 from the next round on");
    console.palette("save-settings");
    console.until("saved provider, model to");

    let saved = std::fs::read_to_string(&file).unwrap();
    let wanted = "# mine\ntheme = \"light\" # bright room\niterations = 7\nprovider = \"bedrock\"\n\
                  model = \"eu.anthropic.claude-opus-5-5\"\n";
    assert_eq!(saved, wanted);
    let env = |name: &str| (name == "QUARTERDECK_CONFIG").then(|| place.to_owned());
    let next = Config::load(&env, &Overrides::default()).unwrap();
    assert_eq!((next.provider.as_str(), next.iterations), ("bedrock", 7));
    assert_eq!(next.model, "eu.anthropic.claude-opus-5-5");

    // The journal has what it began with and both changes, each once.
    console.signal("TERM");
    console.wait();
    let changed = journal(&console)
        .into_iter()
        .filter_map(|e| if let Fact::SettingsChanged { settings } = e.fact { Some(settings) } else { None })
        .collect::<Vec<_>>();
    let [_, first, second] = changed.as_slice() else { panic!("{changed:?}") };
    assert_eq!((first.iterations, second.iterations), (7, 7));
    assert_eq!((second.provider.as_str(), second.model.as_str()), ("bedrock", next.model.as_str()));
}

/// A file that is not TOML is left alone, and the console says which line it is.
#[test]
fn settings_are_not_saved_into_a_broken_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let place = file.to_str().unwrap();
    let mut console = Console::start(Start { env: &[("QUARTERDECK_CONFIG", place)], ..Start::default() });
    console.until(PLACEHOLDER);
    // Half edited in another window meanwhile.
    std::fs::write(&file, "# mine\niterations =\n").unwrap();
    console.palette("iterations 9");
    console.until("at most 9 iterations a turn");
    console.palette("save-settings");
    console.until("config.toml, line 2");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\niterations =\n");
    std::fs::write(&file, "# mine\n# and more\n").unwrap();
    console.palette("save-settings");
    console.until("saved iterations to");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n# and more\niterations = 9\n");
}
