//! A whole incident from the keyboard: the built binary in a terminal, the embedded account, first without a model and
//! then with a scripted one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod buckets;
#[path = "../common/mod.rs"]
mod common;
mod drills;
mod large;
#[path = "../peers/scripted_anthropic.rs"]
mod scripted_anthropic;
mod security;
mod sweep;

use common::pty::{Console, Start};
use quarterdeck::engine::store::Database;
use quarterdeck_core::journal::{Entry, Fact, Outcome, TurnEnd, WriteEffect};
use scripted_anthropic::{Received, Reply, Say, Scripted, answer_bytes, event};
use serde_json::{Value, json};
use std::time::Duration;

const PLACEHOLDER: &str = "ask, or : for a command";
const DIALOG: &str = "APPROVE THIS CHANGE?";
const ARMED: &str = "approves exactly this, once";
/// Longer than the gate waits.
const WAIT: Duration = Duration::from_millis(900);

fn journal(console: &Console) -> Vec<Entry> {
    let database = Database::open(&console.state.path().join("state")).unwrap();
    let sessions = database.sessions(true).unwrap();
    assert!(sessions.len() <= 1);
    // A session is listed once something was asked.
    sessions.first().map_or_else(Vec::new, |session| database.load(&session.id).unwrap().0)
}

fn any(entries: &[Entry], is: impl Fn(&Fact) -> bool) -> bool {
    entries.iter().any(|e| is(&e.fact))
}

fn approved(entries: &[Entry]) -> bool {
    any(entries, |f| matches!(f, Fact::Approved { .. } | Fact::WriteIntended { .. }))
}

/// Keys that were typed ahead, and keys that never approve: the dialog stays and nothing is approved.
fn keys_that_do_nothing(console: &mut Console) {
    console.until(DIALOG);
    console.keys("AAA");
    console.keys("\r");
    console.keys("A");
    std::thread::sleep(WAIT);
    for key in ["\r", "y", " ", "a"] {
        console.keys(key);
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(console.text().contains(DIALOG), "{}", console.text());
    assert!(!approved(&journal(console)));
}

/// Types the code when one is asked for, and approves.
fn approve(console: &mut Console) {
    let ready = |text: &str| text.contains(ARMED) || text.contains("and the number of targets");
    let text = console.until_that("the gate asks for a decision", ready);
    if let Some((before, rest)) = text.split_once(" and the number of targets (") {
        let code = before.rsplit(' ').next().unwrap();
        let targets: String = rest.chars().take_while(char::is_ascii_digit).collect();
        // Without the code nothing happens.
        console.keys("A");
        std::thread::sleep(WAIT);
        console.until("and the number of targets");
        console.keys(&format!("{code}{targets}"));
        console.until(ARMED);
    }
    console.keys("A");
    console.until_gone(DIALOG);
}

/// The slow one: it lives through a rollout.
#[test]
fn an_incident_without_a_model_from_question_to_recovery() {
    let mut console = Console::start(Start { size: (50, 160), ..Start::default() });
    console.until(PLACEHOLDER);
    console.palette("alarms");
    console.until("checkout-5xx");
    console.keys("why is checkout failing?\r");
    console.until("(scrolled up)");
    let entries = journal(&console);
    // Several calls of one round ran side by side.
    let ran_together = entries.windows(2).any(|two| {
        let called =
            |e: &Entry| matches!(&e.fact, Fact::ToolCalled { tool, .. } if tool != "get_active_alarms");
        two.iter().all(called)
    });
    assert!(ran_together, "the first round's calls begin together");
    let answer = entries.iter().rev().find_map(|e| match &e.fact {
        Fact::ModelResponded { blocks, .. } => Some(format!("{blocks:?}")),
        _ => None,
    });
    let answer = answer.unwrap();
    for part in ["checkout-api", "payment-key", "[#", "ci-4711"] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    // To the timeline, to the step, copied as Markdown.
    console.keys("\t\t");
    std::thread::sleep(Duration::from_millis(100));
    console.palette("filter list_ecs_services");
    console.until_gone("commands and tools");
    console.keys("2g");
    console.keys("\r");
    console.until("checkout-api");
    console.keys("y");
    console.until("copied");
    let copied = console.clipboard().pop().unwrap();
    assert!(
        copied.replace('\\', "").contains("list_ecs_services")
            && copied.contains("| ")
            && copied.contains("checkout-api"),
        "{copied}"
    );
    console.palette("filter");
    // The repair.
    console.keys("i");
    console.keys("roll back service checkout-api\r");
    keys_that_do_nothing(&mut console);
    approve(&mut console);
    console.until("verified");
    console.until("is being rolled back");
    let entries = journal(&console);
    assert!(any(&entries, |f| matches!(f, Fact::Verified { reached: Some(true), .. })));
    assert!(any(&entries, |f| matches!(f, Fact::WriteConcluded { effect: WriteEffect::Done, .. })));
    assert_eq!(entries.iter().filter(|e| matches!(e.fact, Fact::WriteIntended { .. })).count(), 1);
    // The alarm recovers by itself.
    let mut calm = false;
    for _ in 0..30 {
        console.palette("alarms checkout-5xx");
        std::thread::sleep(Duration::from_secs(2));
        let last = journal(&console).into_iter().rev().find_map(|e| match e.fact {
            Fact::ToolFinished { outcome: Outcome::Ok { projection, .. }, .. } => Some(projection),
            _ => None,
        });
        calm = last.is_some_and(|p| p.rows.is_empty());
        if calm {
            break;
        }
    }
    assert!(calm, "the alarm never recovered\n{}", console.text());
}

/// A console whose model is the script.
struct Scene {
    /// The server lives as long as it.
    _runtime: tokio::runtime::Runtime,
    server: Scripted,
    console: Console,
}

impl Scene {
    fn new(replies: Vec<Reply>) -> Self {
        Self::with(&["--demo"], replies)
    }

    fn with(args: &[&str], replies: Vec<Reply>) -> Self {
        let over = || Reply::Status(500, Vec::new(), "the script is over".to_owned());
        Self::answering(args, move |n, _| replies.get(n).cloned().unwrap_or_else(over))
    }

    fn answering(args: &[&str], script: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(Scripted::answering(script));
        let url = server.url();
        let env = [
            ("ANTHROPIC_API_KEY", "sk-test"),
            ("ANTHROPIC_BASE_URL", url.as_str()),
            ("NO_PROXY", "127.0.0.1"),
        ];
        let console = Console::start(Start { args, env: &env, size: (50, 160), ..Start::default() });
        console.until(PLACEHOLDER);
        Self { _runtime: runtime, server, console }
    }

    fn ask(&mut self) {
        self.console.keys("why is checkout failing?\r");
    }

    fn received(&self) -> Vec<Received> {
        self.server.received()
    }

    /// Waits for the turn's end; the journal.
    fn ended(&self) -> Vec<Entry> {
        for _ in 0..1000 {
            let entries = journal(&self.console);
            if any(&entries, |f| matches!(f, Fact::TurnEnded { .. })) {
                return entries;
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        panic!("the turn never ended\n{}", self.console.text());
    }
}

fn tool(id: &str, name: &'static str, args: Value) -> Say {
    Say::Tool(id.to_owned(), name, args)
}

fn end_of(entries: &[Entry]) -> TurnEnd {
    entries
        .iter()
        .rev()
        .find_map(|e| if let Fact::TurnEnded { reason, .. } = &e.fact { Some(reason.clone()) } else { None })
        .unwrap()
}

/// The results of the last request, by id: content and whether it is an error.
fn results(received: &[Received]) -> Vec<(String, String, bool)> {
    let messages = received.last().unwrap().body["messages"].as_array().unwrap();
    let content = messages.last().unwrap()["content"].as_array().unwrap();
    content
        .iter()
        .filter(|b| b["type"] == "tool_result")
        .map(|b| {
            (b["tool_use_id"].as_str().unwrap().to_owned(), b["content"].to_string(), b["is_error"] == true)
        })
        .collect()
}

#[test]
fn a_model_reads_in_parallel_proposes_a_change_and_answers() {
    let mut scene = Scene::new(vec![
        Reply::Answer(vec![
            Say::Thinking("The services first."),
            Say::Text("I look at the services and their tasks."),
            tool("t1", "list_ecs_services", json!({"only_unhealthy": true})),
            tool("t2", "list_ec2_instances", json!({})),
            tool("t3", "get_ecs_stopped_tasks", json!({"cluster": "shop", "service": "checkout-api"})),
        ]),
        Reply::Answer(vec![
            Say::Text("legacy-web-1 is not needed [#6]. I propose to stop it."),
            tool("t4", "stop_instances", json!({"ids": ["i-0aa10000000000001"]})),
        ]),
        Reply::Answer(vec![Say::Text("It is stopped; that was all.")]),
    ]);
    assert!(scene.console.text().lines().next().unwrap().contains("anthropic"), "{}", scene.console.text());
    scene.ask();
    keys_that_do_nothing(&mut scene.console);
    let text = scene.console.text();
    assert!(text.contains("the model says (unverified)"), "{text}");
    approve(&mut scene.console);
    scene.console.until("that was all");
    let entries = scene.ended();
    assert_eq!(end_of(&entries), TurnEnd::Answered);
    assert!(any(&entries, |f| matches!(f, Fact::Verified { reached: Some(true), .. })));
    let received = scene.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|r| r.header("x-api-key") == Some("sk-test") && r.path == "/v1/messages"));
    let ids: Vec<String> = results(&received[..2])
        .into_iter()
        .map(|(id, _, failed)| {
            assert!(!failed);
            id
        })
        .collect();
    assert_eq!(ids, ["t1", "t2", "t3"]);
    let (id, content, failed) = results(&received).remove(0);
    assert_eq!((id.as_str(), failed), ("t4", false), "{content}");
}

#[test]
fn a_refused_change_is_told_to_the_model_and_not_made() {
    let mut scene = Scene::new(vec![
        Reply::Answer(vec![tool(
            "t1",
            "update_ecs_service",
            json!({"cluster": "shop", "service": "checkout-api", "roll_back": true}),
        )]),
        Reply::Answer(vec![Say::Text("Then I would do nothing.")]),
    ]);
    scene.ask();
    scene.console.until(DIALOG);
    scene.console.keys("\x1b");
    scene.console.until("Then I would do nothing.");
    let entries = scene.ended();
    assert!(!approved(&entries));
    let (_, content, failed) = results(&scene.received()).remove(0);
    assert!(failed && content.contains("the operator refused"), "{content}");
}

#[test]
fn an_overloaded_model_is_asked_again() {
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).to_string();
    let busy = Reply::Status(
        529,
        vec![("content-type", "application/json".into()), ("retry-after", "1".into())],
        overloaded,
    );
    let mut scene = Scene::new(vec![busy, Reply::Answer(vec![Say::Text("Now I answer.")])]);
    scene.ask();
    scene.console.until("Now I answer.");
    assert_eq!(end_of(&scene.ended()), TurnEnd::Answered);
    assert_eq!(scene.received().len(), 2);
}

#[test]
fn a_stream_that_ends_early_keeps_what_was_said_and_marks_it() {
    let mut bytes = answer_bytes(&[Say::Text("Half of what I wanted to say before the line broke.")]);
    bytes.truncate(bytes.len() * 3 / 4);
    let mut scene = Scene::answering(&["--demo"], move |_, _| Reply::Bytes(bytes.clone()));
    scene.ask();
    let entries = scene.ended();
    assert_eq!(end_of(&entries), TurnEnd::ModelFailed);
    let kept = |f: &Fact| matches!(f, Fact::ModelFailed { partial, .. } if format!("{partial:?}").contains("Half of what"));
    assert!(any(&entries, kept));
    let text = scene.console.until("cut off");
    assert!(text.contains("Half of what"), "{text}");
    // The console goes on.
    scene.console.keys("list\r");
    scene.console.until("turn 2");
}

#[test]
fn nonsense_calls_are_error_results() {
    let garbage = {
        let head = json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "scripted",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}});
        let mut out = event(&head);
        let calls = [
            ("t1", "list_ec2_instances", "{\"ids\": [\"i-1\", "),
            ("t2", "drop_all_tables", "{}"),
            ("t3", "list_ecs_services", "{}"),
            ("t3", "list_ecs_services", "{\"only_unhealthy\":true}"),
            ("t4", "list_ec2_instances", "{\"colour\": \"red\"}"),
        ];
        for (index, (id, name, args)) in calls.iter().enumerate() {
            out += &event(&json!({"type": "content_block_start", "index": index,
                "content_block": {"type": "tool_use", "id": id, "name": name, "input": {}}}));
            out += &event(
                &json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": args}}),
            );
            out += &event(&json!({"type": "content_block_stop", "index": index}));
        }
        out += &event(
            &json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        );
        out += &event(&json!({"type": "message_stop"}));
        out.into_bytes()
    };
    let mut scene =
        Scene::new(vec![Reply::Bytes(garbage), Reply::Answer(vec![Say::Text("I will do better.")])]);
    scene.ask();
    scene.console.until("I will do better.");
    assert_eq!(end_of(&scene.ended()), TurnEnd::Answered);
    let received = scene.received();
    let results = results(&received);
    assert_eq!(results.len(), 5, "each call has its result: {results:?}");
    let mut ids: Vec<&str> = results.iter().map(|(id, ..)| id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5, "no id twice: {ids:?}");
    let failed: Vec<bool> = results.iter().map(|(.., failed)| *failed).collect();
    assert!(failed[0] && failed[1] && !failed[2] && failed[4], "{results:?}");
    assert!(results[1].1.contains("drop_all_tables"), "{results:?}");
    assert!(results[4].1.contains("colour"), "{results:?}");
}

#[test]
fn the_same_call_again_and_again_ends_the_turn_with_an_explanation() {
    let mut scene = Scene::answering(&["--demo"], |n, _| {
        Reply::Answer(vec![Say::Tool(
            format!("t{n}"),
            "list_ec2_instances",
            json!({"ids": ["i-0aa10000000000001"]}),
        )])
    });
    scene.ask();
    let entries = scene.ended();
    assert!(
        matches!(end_of(&entries), TurnEnd::Loop(why) if why.contains("list_ec2_instances")),
        "{:?}",
        end_of(&entries)
    );
    scene.console.until("3 times");
    assert_eq!(scene.received().len(), 3);
}

#[test]
fn the_limit_of_iterations_ends_the_turn() {
    let mut scene = Scene::answering(&["--demo", "--iterations", "2"], |n, _| {
        Reply::Answer(vec![Say::Tool(format!("t{n}"), "list_ec2_instances", json!({"limit": n + 1}))])
    });
    scene.ask();
    let entries = scene.ended();
    assert_eq!(end_of(&entries), TurnEnd::Iterations(2));
    assert_eq!(scene.received().len(), 2);
    scene.console.until_that("the limit is said", |text| text.contains("iteration"));
}

#[test]
fn two_hundred_deltas_arrive_whole_and_in_order() {
    let words: Vec<String> = (0..200).map(|n| format!("w{n:03} ")).collect();
    let text: &'static str = Box::leak(words.concat().into_boxed_str());
    let bytes = answer_bytes(&[Say::Text(text)]);
    let mut scene =
        Scene::answering(&["--demo"], move |_, _| Reply::Pieces(bytes.clone(), 97, Duration::from_millis(1)));
    scene.ask();
    scene.console.until("w199");
    let entries = scene.ended();
    assert_eq!(end_of(&entries), TurnEnd::Answered);
    assert!(any(
        &entries,
        |f| matches!(f, Fact::ModelResponded { blocks, .. } if format!("{blocks:?}").contains(text.trim()))
    ));
    let shown = scene.console.text();
    let mut numbers: Vec<u32> = Vec::new();
    for line in shown.lines() {
        let chat = line.split('│').next().unwrap_or_default();
        numbers.extend(chat.split_whitespace().filter_map(|w| w.strip_prefix('w')?.parse::<u32>().ok()));
    }
    assert!(numbers.len() > 50 && numbers.windows(2).all(|two| two[1] == two[0] + 1), "{shown}");
}
