//! The built binary without its screen: what it prints, where, and how it exits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "peers/scripted_anthropic.rs"]
mod scripted_anthropic;

#[path = "headless/determinism.rs"]
mod determinism;
#[path = "headless/doctor.rs"]
mod doctor;
#[path = "headless/runbook.rs"]
mod runbook;

use quarterdeck_core::journal::{Chain, Entry, Fact};
use quarterdeck_core::tool::Risk;
use scripted_anthropic::{Reply, Say, Scripted};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::{Command, Stdio};

/// A folder of its own for settings, state and credentials: nothing of the machine is seen.
struct Place(tempfile::TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.0.path())
            .env("QUARTERDECK_STATE", self.0.path().join("state"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1")
            .envs(env.iter().copied())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let output = self.command(args, env).output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
        ran
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }
}

impl Ran {
    /// The exit code is this one, and stderr says this.
    fn is(&self, code: i32, says: &str) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(self.err.contains(says), "{says:?} is not in stderr: {}", self.err);
    }

    /// stdout as one JSON value on one line.
    fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{}\n{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }

    fn entries(&self) -> Vec<Entry> {
        self.out.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// No control, format or bidirectional character is printed raw.
fn printable(text: &str) {
    let hidden = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(c) = text.chars().find(hidden) {
        panic!("{c:?} was printed raw: {text}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn the_tools_are_the_registrys() {
    let place = Place::new();
    let ran = place.run(&["tools", "--json"]);
    ran.is(0, "");
    let listed = ran.json();
    let catalogue = quarterdeck_aws::registry::catalogue();
    assert_eq!(listed.as_array().unwrap().len(), catalogue.iter().count());
    for (line, tool) in listed.as_array().unwrap().iter().zip(catalogue.iter()) {
        for key in ["name", "description", "risk", "iam", "schema"] {
            assert!(line.get(key).is_some(), "{key}: {line}");
        }
        assert_eq!(line["name"], tool.spec.name);
        assert_eq!(line["description"], tool.spec.description);
        assert_eq!(line["schema"], tool.schema);
        assert_eq!(line["schema"]["additionalProperties"], false);
        assert_eq!(line["risk"], tool.risk.label(), "{line}");
        let iam: BTreeSet<&str> =
            line["iam"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let ops = tool.spec.reads.iter().chain(tool.spec.writes);
        assert_eq!(iam, ops.flat_map(|op| op.iam).copied().collect(), "{line}");
        assert!(!iam.is_empty());
    }
    let table = place.run(&["tools"]);
    table.is(0, "");
    assert_eq!(table.out.lines().count(), catalogue.iter().count());
    assert!(
        table.out.lines().zip(catalogue.iter()).all(|(l, t)| l.starts_with(t.spec.name)),
        "{}",
        table.out
    );
}

#[test]
fn ask_prints_one_entry_a_line_and_their_chain_holds() {
    let place = Place::new();
    let ran = place.run(&["ask", "--json", "--demo", "why is checkout failing?"]);
    assert!(matches!(ran.code, 0 | 5), "{}: {}", ran.code, ran.err);
    printable(&ran.out);
    Chain::verify(ran.out.lines()).unwrap();
    let entries = ran.entries();
    assert!(matches!(entries[0].fact, Fact::SessionStarted { .. }));
    assert!(matches!(entries.last().unwrap().fact, Fact::TurnEnded { .. }));
    let called = |e: &&Entry| matches!(e.fact, Fact::ToolCalled { .. });
    let finished = |e: &&Entry| matches!(e.fact, Fact::ToolFinished { .. });
    assert!(entries.iter().filter(called).count() >= 3);
    assert_eq!(entries.iter().filter(called).count(), entries.iter().filter(finished).count());
    // Progress goes to stderr, one line a step.
    assert!(ran.err.contains("list_ecs_services"), "{}", ran.err);
}

#[test]
fn ask_answers_with_evidence_and_writes_markdown() {
    let place = Place::new();
    let plain = place.run(&["ask", "--demo", "why is checkout failing?"]);
    assert!(matches!(plain.code, 0 | 5), "{}: {}", plain.code, plain.err);
    assert!(plain.out.contains("checkout-api") && plain.out.contains("[#"), "{}", plain.out);
    assert!(plain.out.contains("secret"), "the cause is not named: {}", plain.out);
    let marked = place.run(&["ask", "--markdown", "--demo", "why is checkout failing?"]);
    assert_eq!(marked.code, plain.code, "{}", marked.err);
    for part in ["why is checkout failing?", "list_ecs_services", "| ", "secret"] {
        assert!(marked.out.contains(part), "{part}: {}", marked.out);
    }
    printable(&plain.out);
    printable(&marked.out);
}

#[test]
fn a_tool_prints_one_object_with_exactly_its_keys() {
    let place = Place::new();
    let ran = place.run(&["tool", "list_ec2_instances", "--json", "--demo"]);
    ran.is(0, "");
    let value = ran.json();
    let wanted =
        ["summary", "columns", "rows", "total", "shown", "counts", "truncated", "next", "errors", "as_of"];
    let mut keys = keys(&value);
    keys.remove("notes");
    assert_eq!(keys, BTreeSet::from(wanted));
    let columns = value["columns"].as_array().unwrap();
    assert!(columns.iter().all(Value::is_string), "{columns:?}");
    let rows = value["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|r| r.as_array().unwrap().len() == columns.len()));
    assert_eq!(value["shown"], rows.len());
    assert_eq!(value["total"], rows.len());
    // The account holds a name made to deceive a terminal: it is data, and it is not printed raw.
    printable(&ran.out);
    assert!(ran.out.contains("\\u202e") && ran.out.contains("\\u001b"), "{}", ran.out);
    let name = columns.iter().position(|c| c == "name").unwrap();
    assert!(rows.iter().any(|r| r[name].as_str().is_some_and(|n| n.contains("\u{202e}gpj"))), "{rows:?}");
    let table = place.run(&["tool", "list_ec2_instances", "--demo"]);
    table.is(0, "");
    printable(&table.out);
    assert!(table.out.contains("⟨U+202E⟩"), "{}", table.out);
}

#[test]
fn flags_are_typed_and_lists_are_taken_either_way() {
    let place = Place::new();
    let ids = |ran: &Ran| -> Vec<String> {
        let value = ran.json();
        let at = value["columns"].as_array().unwrap().iter().position(|c| c == "id").unwrap();
        value["rows"].as_array().unwrap().iter().map(|r| r[at].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&place.run(&["tool", "list_ec2_instances", "--json", "--demo"]));
    let (one, two) = (all[0].as_str(), all[1].as_str());
    let list = format!("[\"{one}\",\"{two}\"]");
    for args in [
        vec!["--ids", one, "--ids", two],
        vec!["--ids", one, two],
        vec!["--ids", &list],
        vec![&*format!("--ids={list}")],
    ] {
        let mut line = vec!["tool", "list_ec2_instances", "--demo", "--json"];
        line.extend(args);
        let mut got = ids(&place.run(&line));
        got.sort();
        let mut wanted = vec![one.to_owned(), two.to_owned()];
        wanted.sort();
        assert_eq!(got, wanted, "{line:?}");
    }
    let unhealthy = place.run(&["tool", "list_ecs_services", "--only-unhealthy", "--json", "--demo"]);
    let every = place.run(&["tool", "list_ecs_services", "--json", "--demo"]);
    let count = |ran: &Ran| ran.json()["rows"].as_array().unwrap().len();
    assert!(count(&unhealthy) < count(&every) && count(&unhealthy) > 0);
}

#[test]
fn mistakes_on_the_command_line_are_named() {
    let place = Place::new();
    for (args, says) in [
        (vec!["tool", "list_ec2_instances", "--demo", "--stat", "running"], "state"),
        (vec!["tool", "list_ec2_instance", "--demo"], "list_ec2_instances"),
        (vec!["tool", "list_ec2_instances", "--demo", "running"], "stands alone"),
        (vec!["tool", "list_ec2_instances", "--demo", "--ids"], "--ids"),
        (vec!["tool", "list_ec2_instances", "--demo=checkout-outag"], "checkout-outage"),
        (vec!["ask", "--demo=nothing", "why?"], "checkout-outage"),
        (vec!["ask", "--demo"], "QUESTION"),
        (vec!["ask", "--json", "--markdown", "why?"], "--markdown"),
        (vec!["--read-only", "--track", "ask", "--demo", "why?"], "--track"),
        (vec!["frobnicate"], "frobnicate"),
        (vec!["tool"], "NAME"),
        (vec!["--iterations", "99", "ask", "--demo", "why?"], "1 to 50"),
        (vec!["--provider", "gpt", "ask", "--demo", "why?"], "anthropic"),
    ] {
        let ran = place.run(&args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?} does not say {says:?}: {}", ran.err);
    }
}

#[test]
fn a_drill_is_named_either_way() {
    let place = Place::new();
    for args in [
        vec!["--demo", "checkout-outage", "tool", "list_ec2_instances", "--json"],
        vec!["--demo=checkout-outage", "tool", "list_ec2_instances", "--json"],
        vec!["--demo", "tool", "list_ec2_instances", "--json"],
        vec!["tool", "list_ec2_instances", "--json", "--demo"],
        vec!["tool", "--demo", "list_ec2_instances", "--json"],
    ] {
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        assert_eq!(ran.json()["total"], 19, "{args:?}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    for (args, says) in [
        (vec!["--help"], "--demo"),
        (vec!["--version"], "quarterdeck 0"),
        (vec!["ask", "--help"], "question"),
        (vec!["tool", "list_ec2_instances", "--help"], "--ids"),
        (vec!["tool", "stop_instances", "--help"], "ec2:StopInstances"),
        (vec!["keys"], "Ctrl-c"),
    ] {
        let ran = place.run(&args);
        ran.is(0, "");
        assert!(ran.out.contains(says), "{args:?} does not say {says:?}: {}", ran.out);
    }
}

#[test]
fn a_change_is_proposed_and_not_made() {
    let place = Place::new();
    let list = place.run(&["tool", "list_ec2_instances", "--json", "--demo"]).json();
    let column = |name: &str| list["columns"].as_array().unwrap().iter().position(|c| c == name).unwrap();
    let (id, state) = (column("id"), column("state"));
    let rows = list["rows"].as_array().unwrap();
    let running = rows.iter().find(|r| r[state] == "running").unwrap()[id].as_str().unwrap();
    let ran = place.run(&["tool", "stop_instances", "--ids", running, "--demo"]);
    ran.is(3, "nothing was changed");
    for part in [running, "running", "stopped", "aws ec2 stop-instances", "123456789012"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = place.run(&["tool", "stop_instances", "--ids", running, "--demo", "--json"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let proposal = ran
        .out
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .find(|v| v.get("proposal").is_some());
    let proposal = proposal.unwrap();
    assert_eq!(proposal["proposal"]["tool"], "stop_instances");
    assert_eq!(proposal["proposal"]["targets"][0]["id"], running);
    assert_eq!(proposal["proposal"]["unknown"], json!([]), "the embedded account answers what a plan asks");
}

#[test]
fn a_question_that_orders_a_change_is_refused_and_nothing_is_sent() {
    let place = Place::new();
    let ran = place.run(&["ask", "--json", "--demo", "roll back service checkout-api"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    Chain::verify(ran.out.lines()).unwrap();
    let entries = ran.entries();
    assert!(entries.iter().any(|e| matches!(e.fact, Fact::Refused { .. })));
    assert!(!entries.iter().any(|e| matches!(e.fact, Fact::Approved { .. } | Fact::WriteIntended { .. })));
    let plain = place.run(&["ask", "--demo", "roll back service checkout-api"]);
    assert_eq!(plain.code, 3, "{}", plain.err);
}

#[test]
fn read_only_has_no_write_tools() {
    let place = Place::new();
    let ran = place.run(&["tool", "stop_instances", "--ids", "i-0123456789abcdef0", "--demo", "--read-only"]);
    ran.is(3, "does not allow changes");
    assert!(!ran.out.contains("aws ec2"), "{}", ran.out);
    let ran = place.run(&["--read-only", "ask", "--demo", "roll back service checkout-api"]);
    assert!(!ran.out.contains("is being rolled back"), "{}", ran.out);
    let (server, runtime) = {
        let runtime = runtime();
        (runtime.block_on(Scripted::start(vec![Reply::Answer(vec![Say::Text("Nothing.")])])), runtime)
    };
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    place.run_with(&["--read-only", "ask", "--demo", "why?"], &env).is(0, "");
    let body = server.received()[0].body.clone();
    let offered: Vec<&str> =
        body["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(offered.contains(&"list_ec2_instances"), "{offered:?}");
    for tool in quarterdeck_aws::registry::catalogue().iter().filter(|t| t.risk != Risk::Read) {
        assert!(!offered.contains(&tool.spec.name), "{offered:?}");
    }
    drop(runtime);
}

#[test]
fn missing_credentials_say_what_to_do_and_never_become_the_demo() {
    let place = Place::new();
    let region = [("AWS_REGION", "eu-west-1")];
    for args in [
        vec!["tool", "list_ec2_instances"],
        vec!["tool", "list_ec2_instances", "--json"],
        vec!["tool", "stop_instances", "--ids", "i-0123456789abcdef0"],
        vec!["--provider", "offline", "ask", "what is wrong?"],
    ] {
        for env in [&region[..], &[]] {
            let ran = place.run_with(&args, env);
            assert_eq!(ran.code, 4, "{args:?}: {} {}", ran.out, ran.err);
            let said = format!("{}{}", ran.out, ran.err);
            assert!(said.contains("aws sso login") && said.contains("--profile"), "{args:?}: {said}");
            assert!(!said.contains("checkout"), "{args:?}: {said}");
        }
    }
    let ran = place.run_with(&["tool", "list_ec2_instances", "--profile", "nowhere"], &region);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.err.contains("nowhere"), "{}", ran.err);
}

#[test]
fn a_missing_model_key_is_said() {
    let place = Place::new();
    place.run(&["ask", "why?"]).is(4, "ANTHROPIC_API_KEY");
    place.run(&["--provider", "anthropic", "ask", "--demo", "why?"]).is(4, "ANTHROPIC_API_KEY");
    place.run_with(&["ask", "why?"], &[("ANTHROPIC_API_KEY", " ")]).is(4, "ANTHROPIC_API_KEY");
}

#[test]
fn a_refused_model_key_is_a_matter_of_credentials() {
    let runtime = runtime();
    let body =
        json!({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}});
    let reply = Reply::Status(401, vec![("content-type", "application/json".into())], body.to_string());
    let server = runtime.block_on(Scripted::start(vec![reply]));
    let env = [("ANTHROPIC_API_KEY", "sk-secret-of-a-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let ran = Place::new().run_with(&["ask", "--demo", "why?"], &env);
    ran.is(4, "ANTHROPIC_API_KEY");
    assert!(!format!("{}{}", ran.out, ran.err).contains("sk-secret-of-a-test"));
    assert_eq!(server.received().len(), 1, "a refused key is not tried again");
}

#[test]
fn no_network_is_said() {
    let place = Place::new();
    let env = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-west-1"),
    ];
    for args in [vec!["tool", "list_ec2_instances"], vec!["tool", "list_ec2_instances", "--json"]] {
        let ran = place.run_with(&args, &env);
        assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains("unavailable") && said.contains("AWS_ENDPOINT_URL"), "{said}");
    }
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")];
    let ran = place.run_with(&["ask", "--demo", "why?"], &env);
    assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
    assert!(ran.err.contains("127.0.0.1"), "{}", ran.err);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    for args in
        [vec!["tools", "--json"], vec!["ask", "--json", "--demo", "why is checkout failing?"], vec!["keys"]]
    {
        let mut command = place.command(&args, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), Some(0 | 5)), "{args:?}: {status}: {err}");
        assert!(!err.contains("panicked") && !err.contains("Broken pipe"), "{args:?}: {err}");
    }
}

#[test]
fn sessions_are_listed_and_the_demos_stay_apart() {
    let place = Place::new();
    place.run(&["sessions"]).is(0, "");
    let called = place.run(&["tool", "list_ec2_instances", "--demo"]);
    called.is(0, "");
    assert!(place.run(&["sessions", "--demo"]).out.trim_end().ends_with(":list_ec2_instances"));
    let ran = place.run(&["ask", "--demo", "list services"]);
    assert!(matches!(ran.code, 0 | 5), "{}", ran.err);
    let listed = place.run(&["sessions", "--demo"]);
    listed.is(0, "");
    assert_eq!(listed.out.lines().count(), 2, "{}", listed.out);
    assert!(listed.out.lines().next().unwrap().ends_with("list services"), "newest first: {}", listed.out);
    assert_eq!(place.run(&["sessions"]).out, "");
}

#[test]
fn a_resumed_question_continues_its_chain() {
    let place = Place::new();
    let first = place.run(&["ask", "--demo", "--json", "list services"]);
    let id = place.run(&["sessions", "--demo"]).out.split_whitespace().next().unwrap().to_owned();
    let second = place.run(&["--resume", &id, "ask", "--demo", "--json", "list instances"]);
    assert!(matches!(second.code, 0 | 5), "{}", second.err);
    assert!(second.out.starts_with(&first.out), "the earlier entries come first, as they were");
    Chain::verify(second.out.lines()).unwrap();
    let none = place.run(&["--resume", "nonsense", "ask", "--demo", "list services"]);
    none.is(1, "nonsense");
}

#[test]
fn a_model_that_fails_half_way_keeps_what_it_said() {
    let runtime = runtime();
    let mut bytes = scripted_anthropic::answer_bytes(&[Say::Text("The cause is the deploy of revision 42.")]);
    bytes.truncate(bytes.len() * 2 / 3);
    let server = runtime.block_on(Scripted::answering(move |_, _| Reply::Bytes(bytes.clone())));
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let ran = Place::new().run_with(&["ask", "--demo", "why?"], &env);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("The cause"), "{} {}", ran.out, ran.err);
    assert!(!ran.err.trim().is_empty());
}

#[test]
fn parts_that_are_missing_make_a_partial_answer() {
    // A model that calls a tool with a region nobody enabled, and then answers.
    let runtime = runtime();
    let server = runtime.block_on(Scripted::start(vec![
        Reply::Answer(vec![Say::Tool(
            "t1".into(),
            "list_ec2_instances",
            json!({"regions": ["mars-north-1"]}),
        )]),
        Reply::Answer(vec![Say::Text("I could not look there.")]),
    ]));
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let ran = Place::new().run_with(&["ask", "--demo", "what runs on mars?"], &env);
    assert_eq!(ran.code, 5, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("I could not look there."));
    let result = &server.received()[1].body["messages"];
    assert!(result.to_string().contains("mars-north-1"), "{result}");
}

#[test]
fn a_console_without_a_terminal_says_so() {
    let ran = Place::new().run(&["--demo"]);
    ran.is(1, "quarterdeck ask");
}

#[test]
fn a_journal_that_cannot_be_written_is_said_and_reads_go_on() {
    let place = Place::new();
    std::fs::write(place.0.path().join("file"), "").unwrap();
    let state = place.0.path().join("file");
    let env = [("QUARTERDECK_STATE", state.to_str().unwrap())];
    let ran = place.run_with(&["tool", "list_ec2_instances", "--demo", "--json"], &env);
    ran.is(0, "journal");
    assert!(!ran.json()["rows"].as_array().unwrap().is_empty());
    let ran = place.run_with(&["ask", "--demo", "list instances"], &env);
    assert!(matches!(ran.code, 0 | 5), "{} {}", ran.code, ran.err);
    assert!(ran.err.contains("journal"), "{}", ran.err);
}
