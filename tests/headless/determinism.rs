//! `quarterdeck eval determinism`, and asking in tracking mode.

use super::scripted_anthropic::{Reply, Say, Scripted};
use super::{Place, keys, printable, runtime};
use quarterdeck_core::journal::{Fact, Outcome};
use quarterdeck_core::text;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

const QUESTION: &str = "why is checkout failing?";

fn refused() -> Reply {
    let body =
        json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no such model"}});
    Reply::Status(400, vec![("content-type", "application/json".into())], body.to_string())
}

#[test]
fn runbooks_agree_with_themselves() {
    let place = Place::new();
    let args = ["eval", "determinism", QUESTION, "--runs", "4", "--demo", "--provider", "offline"];
    let ran = place.run(&args);
    ran.is(0, "4 of 4 runs");
    assert!(ran.err.lines().count() >= 5, "a line a run: {}", ran.err);
    printable(&ran.out);
    assert!(ran.out.lines().all(|l| text::width(l) <= 80), "{}", ran.out);
    for said in [QUESTION, "offline", "nothing was executed", "first round: tools", "100 %", "runs 1-4"] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let ran = place.run(&[&args[..], &["--json", "--concurrency", "4"]].concat());
    ran.is(0, "");
    let report = ran.json();
    let wanted = [
        "question",
        "provider",
        "model",
        "prompt_hash",
        "mode",
        "runs",
        "levels",
        "failures",
        "usage",
        "cost_usd",
        "effort",
        "stopped",
        "duration_ms",
    ];
    assert_eq!(keys(&report), BTreeSet::from(wanted));
    assert_eq!(report["runs"], json!({"asked": 4, "completed": 4, "failed": 0, "cancelled": 0}));
    assert!(report["levels"].as_array().unwrap().iter().all(|l| l["agreement"] == 1.0 && l["distinct"] == 1));
    assert_eq!(report["mode"], "track");
    // Its sessions are nobody's: none is saved.
    assert_eq!(place.run(&["sessions", "--demo"]).out, "");
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let place = Place::new();
    for (args, says) in [
        (vec!["--runs", "0"], "1..=100"),
        (vec!["--runs", "101"], "1..=100"),
        (vec!["--concurrency", "9"], "1..=8"),
        (vec!["--read-only"], "tracking mode"),
    ] {
        let line = [vec!["eval", "determinism", "--demo", "why?"], args].concat();
        let ran = place.run(&line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{line:?}: {}", ran.err);
    }
    place.run(&["eval", "determinism", "--demo"]).is(2, "QUESTION");
    place
        .run(&["eval", "determinism", "why?", "--demo", "--provider", "anthropic"])
        .is(4, "ANTHROPIC_API_KEY");
}

#[test]
fn a_model_that_varies_is_measured_and_the_account_is_not_needed() {
    let runtime = runtime();
    let server = runtime.block_on(Scripted::answering(|_, body| {
        let rounds = body["messages"].as_array().unwrap().len();
        if rounds > 1 {
            return Reply::Answer(vec![Say::Text("I would look at the alarms.")]);
        }
        Reply::Answer(vec![Say::Tool("t1".into(), "get_active_alarms", json!({}))])
    }));
    // No credentials of AWS at all: an evaluation touches no account.
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let ran = Place::new().run_with(&["eval", "determinism", "why?", "--runs", "3", "--json"], &env);
    ran.is(0, "3 of 3 runs");
    let report = ran.json();
    assert_eq!(report["levels"][1]["variants"][0]["calls"][0][0]["args"]["state"], "ALARM");
    assert_eq!(report["provider"], "anthropic");
    let first: Vec<Value> = server
        .received()
        .iter()
        .map(|r| r.body.clone())
        .filter(|b| b["messages"].as_array().unwrap().len() == 1)
        .collect();
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|body| *body == first[0]), "every run is sent the same");
}

#[test]
fn the_exit_code_says_how_many_runs_failed() {
    let runtime = runtime();
    let run = |script: fn(usize) -> Reply, runs: &str| {
        let server = runtime.block_on(Scripted::answering(move |n, _| script(n)));
        let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
        let args = ["eval", "determinism", "why?", "--demo", "--runs", runs, "--concurrency", "1"];
        (Place::new().run_with(&args, &env), server.received().len())
    };
    let (ran, _) = run(|n| if n == 1 { refused() } else { Reply::Answer(vec![Say::Text("x")]) }, "3");
    ran.is(5, "2 of 3 runs, 1 failed");
    assert!(ran.out.contains("run 2") && ran.out.contains("no such model"), "{}", ran.out);
    let (ran, _) = run(|_| refused(), "2");
    ran.is(1, "0 of 2 runs, 2 failed");
    let (ran, asked) = run(
        |_| {
            let body = json!({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}});
            Reply::Status(401, vec![("content-type", "application/json".into())], body.to_string())
        },
        "40",
    );
    ran.is(4, "");
    assert!(ran.out.contains("stopped after 2 runs") && ran.out.contains("ANTHROPIC_API_KEY"), "{}", ran.out);
    assert_eq!(asked, 2);
}

#[test]
fn ctrl_c_prints_what_is_complete() {
    let runtime = runtime();
    let server = runtime.block_on(Scripted::answering(|n, _| match n {
        0 | 1 => Reply::Answer(vec![Say::Text("x")]),
        _ => Reply::Hang(Vec::new()),
    }));
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let place = Place::new();
    let mut command = place.command(&["eval", "determinism", "why?", "--demo", "--runs", "9"], &env);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    while !told.next().expect("two runs are told").unwrap().contains("2 of 9 runs") {}
    let pressed = Instant::now();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{out}");
    assert!(pressed.elapsed() < Duration::from_secs(3), "{:?}", pressed.elapsed());
    assert!(out.contains("2 of 9 runs, 7 cancelled") && out.contains("runs 1 2"), "{out}");
}

#[test]
fn asking_in_tracking_mode_ends_with_a_plan() {
    let place = Place::new();
    let ran = place.run(&["--track", "ask", "--demo", QUESTION]);
    ran.is(0, "recorded, not run");
    for said in [
        "Recorded, not executed: in tracking mode nothing is read and nothing is changed",
        "`get_active_alarms` [#",
        "Recorded calls:",
        "- get_active_alarms state=ALARM",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let ran = place.run(&["--track", "ask", "--demo", "--json", "stop instance i-0123456789abcdef0"]);
    ran.is(0, "");
    let entries = ran.entries();
    let args = entries.iter().find_map(|e| match &e.fact {
        Fact::ToolCalled { args, .. } => Some(args.clone()),
        _ => None,
    });
    assert_eq!(args.unwrap()["ids"], json!(["i-0123456789abcdef0"]));
    let recorded = |f: &Fact| matches!(f, Fact::ToolFinished { outcome: Outcome::Recorded, .. });
    assert!(entries.iter().any(|e| recorded(&e.fact)));
    assert!(!entries.iter().any(|e| matches!(e.fact, Fact::ApprovalAsked { .. } | Fact::Refused { .. })));
}
