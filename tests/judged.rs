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

use common::python::Program;
use quarterdeck_aws::registry;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, UserPart};
use quarterdeck_core::models::Models;
use quarterdeck_model::{Provider, anthropic, bedrock, chat, responses};
use serde_json::{Value, json};
use std::sync::Arc;

const REQUIREMENTS: &str = include_str!("emulator/requirements-judge.txt");

/// A provider, the model asked, the type that judges.
fn providers() -> Vec<(Arc<dyn Provider>, &'static str, &'static str)> {
    let models = || Arc::new(Models::embedded().clone());
    let load: quarterdeck_model::Load = Arc::new(|| Box::pin(async { Err("never asked".to_owned()) }));
    let direct = anthropic::Settings::from_env(models(), |_| None);
    vec![
        (Arc::new(anthropic::Anthropic::new(direct)), "claude-sonnet-5-5", "messages"),
        (
            Arc::new(anthropic::Anthropic::on_bedrock(models(), "eu-west-1", None, Arc::clone(&load))),
            "anthropic.claude-sonnet-5-5",
            "messages",
        ),
        (Arc::new(bedrock::Bedrock::new(models(), None, load)), "eu.anthropic.claude-sonnet-5-5", "converse"),
        (Arc::new(responses::Responses::new("http://127.0.0.1", None, models())), "gpt-5.1", "responses"),
        (Arc::new(chat::Chat::new("openai-compatible", "http://127.0.0.1", None, models())), "qwen3", "chat"),
    ]
}

fn tools() -> Arc<[ToolDef]> {
    let tools = registry::catalogue();
    let def = |t: &quarterdeck_core::tool::Tool| ToolDef {
        name: t.spec.name.to_owned(),
        description: t.spec.description.to_owned(),
        schema: t.schema.clone(),
    };
    tools.iter().map(def).collect()
}

fn words(text: &str) -> Turn {
    Turn::User { parts: vec![said(text)] }
}

fn said(text: &str) -> UserPart {
    UserPart::Text { text: text.to_owned() }
}

fn call(id: &str, name: &str, input: Input) -> Block {
    Block::ToolCall { id: id.to_owned(), name: name.to_owned(), input }
}

fn result(id: &str, content: &str, is_error: bool) -> UserPart {
    UserPart::ToolResult { id: id.to_owned(), name: "t".to_owned(), content: content.to_owned(), is_error }
}

/// Reasoning as the provider's own stream gives it.
fn reasoning(provider: &str, model: &str) -> Block {
    let raw = match provider {
        "openai" => json!({ "type": "reasoning", "id": "rs_1", "encrypted_content": "Z0FB",
            "summary": [{ "type": "summary_text", "text": "hm" }] }),
        "bedrock" => {
            json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "c2ln" } } })
        }
        _ => json!({ "type": "thinking", "thinking": "hm", "signature": "c2ln" }),
    };
    Block::Reasoning { provider: provider.to_owned(), model: model.to_owned(), raw }
}

/// Conversations as the session has them, with everything a model or an operator can do to them.
fn conversations(provider: &str, model: &str) -> Vec<(&'static str, Vec<Turn>)> {
    let object = |value| Input::Json(value);
    let two_calls = Turn::Assistant {
        blocks: vec![
            reasoning(provider, model),
            Block::Text { text: "Looking at \u{1f9ef} checkout.".to_owned() },
            call("call_1", "get_active_alarms", object(json!({ "state": "ALARM" }))),
            call("call_2", "list_ecs_services", object(json!({}))),
        ],
    };
    let answered = Turn::User {
        parts: vec![
            result("call_1", "[#1] {\"summary\":\"2 alarms\"}", false),
            result("call_2", "denied: ecs:ListServices", true),
            said("and hurry"),
        ],
    };
    let odd = Turn::Assistant {
        blocks: vec![
            call("", "made/up name", Input::Garbage("{\"x\": ".to_owned())),
            call("id with spaces", "", object(json!([1, 2]))),
            call("ok", &"n".repeat(200), object(Value::Null)),
        ],
    };
    let odd_results = Turn::User {
        parts: vec![
            result("", "not run", true),
            result("id with spaces", " ", false),
            result("ok", &"x".repeat(50_000), false),
        ],
    };
    let other = Turn::Assistant {
        blocks: vec![
            reasoning("somebody", "else"),
            Block::Text { text: "So **that** is why [#1].".to_owned() },
        ],
    };
    vec![
        ("a question", vec![words("why is checkout down?")]),
        ("an answer and a further question", vec![words("why?"), other.clone(), words("and now?")]),
        ("calls and their results", vec![words("why?"), two_calls.clone(), answered.clone()]),
        ("what no vendor would send", vec![words("why?"), odd, odd_results, other.clone(), words("so?")]),
        (
            "a long session",
            std::iter::once(words("why?"))
                .chain((0..40).flat_map(|_| [two_calls.clone(), answered.clone()]))
                .chain([other, words("and now?")])
                .collect(),
        ),
    ]
}

#[test]
fn every_request_is_what_its_vendor_takes() {
    let mut judge = Program::start("judge.py", REQUIREMENTS);
    // A judge that finds nothing wrong with this finds nothing at all.
    for kind in ["messages", "chat", "responses", "converse"] {
        let nonsense =
            judge.control(&json!(["judge", kind, { "messages": 7, "input": 7, "no_such_field": true }]));
        assert!(!nonsense.as_array().unwrap().is_empty(), "{kind} judges nothing");
    }
    let with_tools = tools();
    for (provider, model, kind) in providers() {
        for (what, turns) in conversations(provider.name(), model) {
            for tools in [Arc::clone(&with_tools), Arc::default()] {
                // Without tools there are no calls either.
                let calls = turns.iter().any(|t| matches!(t, Turn::Assistant { blocks } if blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }))));
                if tools.is_empty() && calls {
                    continue;
                }
                let request = Request {
                    turn: TurnId(1),
                    iteration: 1,
                    provider: provider.name().to_owned(),
                    model: model.to_owned(),
                    effort: None,
                    system: quarterdeck_model::system_prompt().into(),
                    tools,
                    turns: turns.clone().into(),
                    max_tokens: 4_000,
                };
                let body = provider.encode(&request).unwrap();
                let wrong = judge.control(&json!(["judge", kind, body]));
                assert_eq!(wrong, json!([]), "{} {kind}: {what}", provider.name());
            }
        }
    }
}
