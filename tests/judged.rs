//! Requests of every provider, judged by the vendors' own types.
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
#[path = "peers/journals.rs"]
mod journals;
#[path = "peers/rules.rs"]
mod rules;
#[path = "peers/scripted_anthropic.rs"]
mod scripted_anthropic;

use common::python::Program;
use journals::{
    ALL, Book, Who, called, compacted, failed, finished, intended, question, question_of, reasoning,
    recorded, refused, requested, responded, shortened, text, wants,
};
use quarterdeck_aws::registry;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::journal::{Fact, TurnEnd};
use quarterdeck_core::message::{Block, Input, ModelError, ModelErrorKind, Request, Stop, ToolDef};
use quarterdeck_core::models::Models;
use quarterdeck_core::tool::{FaultKind, Risk};
use quarterdeck_model::{Load, Provider, anthropic, bedrock, chat, responses};
use scripted_anthropic::{Reply, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;

const REQUIREMENTS: &str = include_str!("emulator/requirements-judge.txt");

type Rules = fn(&Value, &str) -> Result<(), String>;

/// The provider, the vendor's type that judges it, and what types cannot say.
fn provider((name, _): Who, models: &Arc<Models>) -> (Arc<dyn Provider>, &'static str, Rules) {
    let models = Arc::clone(models);
    let load: Load = Arc::new(|| Box::pin(async { Err("never asked".to_owned()) }));
    let settings = anthropic::Settings {
        provider: name.to_owned(),
        ..anthropic::Settings::from_env(Arc::clone(&models), |_| None)
    };
    match name {
        "anthropic" => (Arc::new(anthropic::Anthropic::new(settings)), "messages", rules::messages),
        "bedrock-messages" => {
            (Arc::new(anthropic::Anthropic::on_bedrock(settings, None, load)), "messages", rules::messages)
        }
        "bedrock" => (Arc::new(bedrock::Bedrock::new(name, models, None, load)), "converse", rules::converse),
        "openai" => (
            Arc::new(responses::Responses::new(name, "http://h", None, models)),
            "responses",
            rules::responses,
        ),
        _ => (Arc::new(chat::Chat::new(name, "http://h", None, models)), "chat", rules::chat),
    }
}

fn tools(read_only: bool) -> Arc<[ToolDef]> {
    let tools = registry::catalogue();
    let def = |t: &quarterdeck_core::tool::Tool| ToolDef {
        name: t.spec.name.to_owned(),
        description: t.spec.description.to_owned(),
        schema: t.schema.clone(),
    };
    tools.iter().filter(|t| !read_only || t.risk == Risk::Read).map(def).collect()
}

/// What a request is like besides its conversation.
#[derive(Clone, Copy, Default)]
struct Like {
    read_only: bool,
    without_tools: bool,
    without_system: bool,
    effort: Option<&'static str>,
    /// Added to the table of models.
    models: &'static str,
}

/// One situation of a session: its name, its journal as `who` is asked in it, and what else is special.
type Scenario = (&'static str, fn(Who) -> Vec<Fact>, Like);

const PLAIN: Like =
    Like { read_only: false, without_tools: false, without_system: false, effort: None, models: "" };

/// The question, and an answer with these blocks.
fn answered(blocks: Vec<Block>) -> Vec<Fact> {
    vec![question("why is checkout down?"), requested(1), responded(1, blocks, Stop::ToolUse)]
}

/// Two calls of one round, begun.
fn two_calls(who: Who) -> Vec<Fact> {
    let mut facts = answered(vec![
        reasoning(who),
        text("Looking at \u{1f9ef} checkout."),
        wants("call_1", "get_active_alarms", json!({ "state": "ALARM" })),
        wants("call_2", "list_ecs_services", json!({})),
    ]);
    facts.extend([called(1, 1, "get_active_alarms"), called(2, 1, "list_ecs_services")]);
    facts
}

/// A change that the model wants made, begun.
fn change(who: Who) -> Vec<Fact> {
    let stop = wants("call_1", "stop_instances", json!({ "instance_ids": ["i-1"], "reason": "it is idle" }));
    let mut facts = answered(vec![reasoning(who), stop]);
    facts.push(called(1, 1, "stop_instances"));
    facts
}

fn with(mut facts: Vec<Fact>, more: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    facts.extend(more);
    facts
}

const MANY_MODELS: &str = r#"
[providers.bedrock]
api = "converse"
window = 200000
max_output = 8192
guardrail = { id = "gr-abc123", version = "DRAFT" }
[providers.bedrock.quirks]
extra = { performanceConfig = { latency = "optimized" }, requestMetadata = { team = "oncall" }, toolConfig = { toolChoice = { any = {} } } }
[providers.openai-compatible]
api = "chat"
window = 32768
max_output = 8192
[providers.openai-compatible.quirks]
max_tokens_field = "max_completion_tokens"
system_role = "developer"
extra = { temperature = 0.2 }
"#;

/// The same thinking for every provider.
macro_rules! thinking {
    ($how:literal) => {
        concat!(
            "[[model]]\nid = \"claude-sonnet-5-5\"\nprovider = \"anthropic\"\nname = \"x\"\nwindow = 200000\nmax_output = 64000\nthinking = ",
            $how,
            "\n[[model]]\nid = \"claude-haiku-4-5\"\nprovider = \"anthropic\"\nname = \"x\"\nwindow = 200000\nmax_output = 64000\nthinking = ",
            $how,
            "\n[[model]]\nid = \"anthropic.claude-sonnet-5-5\"\nprovider = \"bedrock-messages\"\nname = \"x\"\nwindow = 200000\nmax_output = 64000\nthinking = ",
            $how,
            "\n[[model]]\nid = \"gpt-6.1-sol\"\nprovider = \"openai\"\nname = \"x\"\nwindow = 200000\nmax_output = 64000\nthinking = ",
            $how,
            "\n"
        )
    };
}

const SCENARIOS: &[Scenario] = &[
    ("the first question", |_| vec![question("why is checkout down?")], PLAIN),
    (
        "an answer and a further question",
        |who| with(answered(vec![reasoning(who), text("So **that** is why [#1].")]), [question("and now?")]),
        PLAIN,
    ),
    (
        "a round with several calls",
        |who| with(two_calls(who), [finished(2, "4 services"), finished(1, "2 alarms")]),
        PLAIN,
    ),
    (
        "calls that fail",
        |who| {
            with(
                two_calls(who),
                [
                    failed(1, FaultKind::Denied, "not authorized to perform: ecs:ListServices"),
                    failed(2, FaultKind::Throttled, ""),
                ],
            )
        },
        PLAIN,
    ),
    (
        "a change that is refused",
        |who| with(change(who), [refused(1), failed(1, FaultKind::Refused, "refused by the operator")]),
        PLAIN,
    ),
    (
        "a change whose effect is unknown",
        |who| {
            with(
                change(who),
                [
                    intended(1),
                    Fact::TurnEnded { turn: journals::TURN, reason: TurnEnd::Crashed },
                    question("what happened?"),
                ],
            )
        },
        PLAIN,
    ),
    (
        "a round that is cancelled",
        |who| {
            with(
                two_calls(who),
                [
                    finished(1, "2 alarms"),
                    Fact::TurnEnded { turn: journals::TURN, reason: TurnEnd::Cancelled },
                    question("go on"),
                ],
            )
        },
        PLAIN,
    ),
    (
        "a round that crashed before it began",
        |who| {
            with(
                answered(vec![reasoning(who), wants("a", "get_active_alarms", json!({}))]),
                [Fact::SessionResumed { version: "1".into() }, question("go on")],
            )
        },
        PLAIN,
    ),
    (
        "an answer that broke off",
        |who| {
            let error = ModelError { kind: ModelErrorKind::Truncated, message: "cut".into() };
            let partial = vec![reasoning(who), text("It is"), wants("a", "get_active_alarms", json!({}))];
            vec![
                question("why?"),
                requested(1),
                Fact::ModelFailed { turn: journals::TURN, iteration: 1, partial, error },
                question("go on"),
            ]
        },
        PLAIN,
    ),
    ("tracking mode", |who| with(two_calls(who), [recorded(1), recorded(2)]), PLAIN),
    (
        "a change in a session that is now read-only",
        |who| with(change(who), [failed(1, FaultKind::Refused, "read-only"), question("what else?")]),
        Like { read_only: true, ..PLAIN },
    ),
    (
        "calls in a request that offers no tools",
        |who| with(two_calls(who), [finished(1, "x"), finished(2, "y"), question("sum it up")]),
        Like { without_tools: true, ..PLAIN },
    ),
    ("no system prompt", |_| vec![question("why?")], Like { without_system: true, ..PLAIN }),
    (
        "every other model's turns",
        |_| {
            let mut facts = Vec::new();
            for (n, other) in (1..).zip(ALL) {
                facts.extend([
                    question("why?"),
                    requested(n),
                    responded(
                        n,
                        vec![reasoning(other), wants("same id", "get_active_alarms", json!({}))],
                        Stop::ToolUse,
                    ),
                    called(n.into(), n, "get_active_alarms"),
                    finished(n.into(), "2 alarms"),
                ]);
                facts.extend([
                    requested(n + 100),
                    responded(n + 100, vec![reasoning(other), text("So.")], Stop::EndTurn),
                ]);
            }
            with(facts, [question("and you?")])
        },
        PLAIN,
    ),
    (
        "a round that another model began",
        |_| with(two_calls(("somebody", "else")), [finished(1, "x"), finished(2, "y")]),
        PLAIN,
    ),
    (
        "a summary in place of old steps",
        |who| {
            let answer = responded(2, vec![text("So [#1].")], Stop::EndTurn);
            let second = TurnId(2);
            let more = [finished(1, "2 alarms"), requested(2), answer, question_of(second, "and now?")];
            with(two_calls(who), more.into_iter().chain([compacted(second)]))
        },
        PLAIN,
    ),
    (
        "old results in a line each",
        |who| {
            let answer = responded(2, vec![text("So [#1].")], Stop::EndTurn);
            let more = [finished(1, "2 alarms"), finished(2, "4 services"), requested(2), answer];
            with(two_calls(who), more.into_iter().chain([question("and now?"), shortened(&[1, 2], true)]))
        },
        PLAIN,
    ),
    (
        "a long session",
        |who| {
            let mut facts = vec![question("why?")];
            for n in 1..=60_u32 {
                facts.extend([
                    requested(n),
                    responded(
                        n,
                        vec![
                            reasoning(who),
                            wants("", "get_active_alarms", json!({})),
                            wants("", "list_ecs_services", json!({})),
                        ],
                        Stop::ToolUse,
                    ),
                ]);
                let call = u64::from(n) * 2;
                facts.extend([
                    called(call, n, "a"),
                    called(call + 1, n, "b"),
                    finished(call, "2 alarms"),
                    finished(call + 1, "4 services"),
                ]);
            }
            facts
        },
        PLAIN,
    ),
    (
        "what no vendor would send",
        |_| {
            let garbage = Block::ToolCall {
                id: String::new(),
                name: "made/up name".into(),
                input: Input::Garbage("{\"x\": ".into()),
            };
            with(
                answered(vec![
                    garbage,
                    wants("id with spaces", "", json!([1, 2])),
                    wants("ok", &"n".repeat(200), Value::Null),
                    wants("ok", "t", json!("x")),
                ]),
                [called(1, 1, "t"), finished(1, "")],
            )
        },
        PLAIN,
    ),
    (
        "words from everywhere",
        |who| {
            with(
                two_calls(who),
                [
                    finished(
                        1,
                        "\u{1b}]0;owned\u{7}\u{202e}\u{feff}\u{200b}\u{1f469}\u{200d}\u{1f680} gr\u{fc}n \\ \" \u{0}",
                    ),
                    finished(2, &"\u{1f9ef}".repeat(9_000)),
                    question("\u{1b}[2Jund nun?"),
                ],
            )
        },
        PLAIN,
    ),
    ("results without a word", |who| with(two_calls(who), [finished(1, ""), finished(2, " ")]), PLAIN),
    ("low effort", |who| with(two_calls(who), [finished(1, "x")]), Like { effort: Some("low"), ..PLAIN }),
    ("the highest effort", |_| vec![question("why?")], Like { effort: Some("xhigh"), ..PLAIN }),
    (
        "guardrail, performance, endpoint quirks",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: MANY_MODELS, effort: Some("high"), ..PLAIN },
    ),
    (
        "thinking unset",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: thinking!("\"unset\""), ..PLAIN },
    ),
    (
        "thinking adaptive",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: thinking!("\"adaptive\""), ..PLAIN },
    ),
    (
        "thinking between tools",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: thinking!("\"between_tools\""), ..PLAIN },
    ),
    (
        "thinking disabled",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: thinking!("\"disabled\""), ..PLAIN },
    ),
    (
        "thinking within a budget",
        |who| with(two_calls(who), [finished(1, "x")]),
        Like { models: thinking!("{ budget_tokens = 2048 }"), ..PLAIN },
    ),
    (
        "a budget in a round that another model began",
        |_| with(two_calls(("somebody", "else")), [finished(1, "x")]),
        Like { models: thinking!("{ budget_tokens = 2048 }"), ..PLAIN },
    ),
];

fn judged(judge: &mut Program, who: Who, request: &Request, models: &Arc<Models>, what: &str) {
    let (provider, kind, rules) = provider(who, models);
    let body = provider.encode(request).unwrap();
    let wrong = judge.control(&json!(["judge", kind, body]));
    assert_eq!(wrong, json!([]), "{} {}: {what}", who.0, who.1);
    let held = rules(&body, &journals::owner(who));
    assert!(held.is_ok(), "{} {}: {what}: {}", who.0, who.1, held.unwrap_err());
}

#[test]
fn every_request_is_what_its_vendor_takes() {
    let mut judge = Program::start("judge.py", REQUIREMENTS);
    // A judge that finds nothing wrong with this finds nothing at all.
    for kind in ["messages", "chat", "responses", "converse", "count", "input_tokens", "converse-count"] {
        let nonsense =
            judge.control(&json!(["judge", kind, { "messages": 7, "input": 7, "no_such_field": true }]));
        assert!(!nonsense.as_array().unwrap().is_empty(), "{kind} judges nothing");
    }
    let (all, reading) = (tools(false), tools(true));
    assert!(reading.len() < all.len());
    for (what, facts, like) in SCENARIOS {
        let models = Arc::new(Models::embedded().clone().extended(like.models).unwrap());
        for who in ALL {
            let offered = match (like.without_tools, like.read_only) {
                (true, _) => Arc::default(),
                (false, true) => Arc::clone(&reading),
                (false, false) => Arc::clone(&all),
            };
            let mut request = journals::request(who, offered, Book::of(facts(who)).turns(who));
            request.effort = like.effort.map(str::to_owned);
            request.system = if like.without_system { "" } else { quarterdeck_model::system_prompt() }.into();
            judged(&mut judge, who, &request, &models, what);
        }
    }
}

/// What has tokens counted, as it arrives at the service.
#[tokio::test]
async fn every_count_is_what_its_vendor_takes() {
    let mut judge = Program::start("judge.py", REQUIREMENTS);
    let models = Arc::new(Models::embedded().clone());
    let counted = Reply::Status(200, Vec::new(), r#"{"input_tokens":7}"#.to_owned());
    let service = Scripted::answering(move |_, _| counted.clone()).await;
    let direct = anthropic::Settings {
        base_url: service.url(),
        api_key: Some("k".to_owned()).into(),
        ..anthropic::Settings::from_env(Arc::clone(&models), |_| None)
    };
    let load: Load = Arc::new(|| Box::pin(async { Err("never asked".to_owned()) }));
    let converse = bedrock::Bedrock::new("bedrock", Arc::clone(&models), None, load);
    let over_http: [(Arc<dyn Provider>, Who, &str); 2] = [
        (Arc::new(anthropic::Anthropic::new(direct)), ("anthropic", "claude-haiku-4-5"), "count"),
        (
            Arc::new(responses::Responses::new("openai", &service.url(), Some("k".to_owned()), models)),
            ("openai", "gpt-6.1-sol"),
            "input_tokens",
        ),
    ];
    for (what, facts, like) in SCENARIOS {
        for (provider, who, kind) in &over_http {
            let mut request = journals::request(*who, tools(false), Book::of(facts(*who)).turns(*who));
            request.effort = like.effort.map(str::to_owned);
            assert_eq!(provider.count_tokens(request).await.unwrap().count(), 7, "{what}");
            let body = service.received().pop().unwrap().body;
            assert_eq!(judge.control(&json!(["judge", kind, body])), json!([]), "{kind}: {what}");
        }
        // The same body as what is sent, but for the answer's limits: its own tests see it arrive.
        let who = ("bedrock", "eu.anthropic.claude-sonnet-5-5");
        let mut body =
            converse.encode(&journals::request(who, tools(false), Book::of(facts(who)).turns(who))).unwrap();
        body.as_object_mut().unwrap().remove("inferenceConfig").unwrap();
        let body = json!({ "input": { "converse": body } });
        assert_eq!(judge.control(&json!(["judge", "converse-count", body])), json!([]), "{what}");
    }
}

/// Whatever a session may hold: a sample of journals that bytes decide.
#[test]
fn a_sample_of_any_journals_is_taken_too() {
    let mut judge = Program::start("judge.py", REQUIREMENTS);
    let models = Arc::new(Models::embedded().clone());
    let mut seed = 20_261_121_u32;
    let mut with_calls = 0;
    for n in 0..40 {
        let bytes: Vec<u8> = (0..20 + n * 7)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        let mut book = journals::any(&bytes);
        book.add(question("so?"));
        for who in ALL {
            let request = journals::request(who, journals::some_tools(), book.turns(who));
            judged(&mut judge, who, &request, &models, &format!("sample {n}"));
        }
        with_calls += usize::from(format!("{:?}", book.turns(ALL[0])).matches("ToolCall").count() > 1);
    }
    assert!(with_calls > 30, "a sample that is worth judging: {with_calls}");
}
