//! Streams from recorded bytes, and whole requests against a scripted endpoint.

use super::Responses;
use super::decode::Decoder;
use crate::provider::Provider as _;
use crate::scripted_anthropic::{Reply, Scripted};
use crate::wire::failure::{Failure, Names};
use crate::wire::{Decode as _, replay};
use futures::StreamExt as _;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{
    Block, Input, ModelErrorKind, ModelEvent, Request, Stop, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const RECORDED: &[u8] = include_bytes!("recorded.sse");

fn decoder() -> Decoder {
    Decoder::new("openai", "m", Names::new("OPENAI_API_KEY", "OPENAI_BASE_URL"))
}

fn decoded(events: &[Value]) -> (Vec<ModelEvent>, Option<Failure>) {
    let text: String = events.iter().map(|e| format!("data: {e}\n\n")).collect();
    replay::decode(decoder(), &[text.as_bytes()])
}

#[test]
fn a_recorded_answer_decodes_to_these_events_wherever_it_is_cut() {
    let events = replay::holds(decoder, RECORDED);
    let call = |id: &str, name: &str, input: Value| {
        ModelEvent::BlockDone(Block::ToolCall { id: id.into(), name: name.into(), input: Input::Json(input) })
    };
    let start = |name: &str| ModelEvent::ToolCallStart { name: name.into() };
    let input = |text: &str| ModelEvent::ToolInputDelta(text.into());
    let thought = "Der Dienst ist déjà vu 🧯";
    let raw = json!({ "id": "rs_1", "type": "reasoning", "encrypted_content": "Z0FB",
        "summary": [{ "type": "summary_text", "text": thought }] });
    let want = vec![
        ModelEvent::Started,
        ModelEvent::ReasoningDelta(thought.into()),
        ModelEvent::BlockDone(Block::Reasoning { provider: "openai".into(), model: "m".into(), raw }),
        ModelEvent::TextDelta("Zwölf Tasks 👩‍🚀 ".into()),
        ModelEvent::TextDelta("stopped.".into()),
        ModelEvent::BlockDone(Block::Text { text: "Zwölf Tasks 👩‍🚀 stopped.".into() }),
        start("get_ecs_stopped_tasks"),
        start("get_active_alarms"),
        input("{\"cluster\": \"pr"),
        input("{}"),
        input("öd\"}"),
        call("call_b", "get_active_alarms", json!({})),
        call("call_a", "get_ecs_stopped_tasks", json!({ "cluster": "pröd" })),
        ModelEvent::Usage(Usage { input: 12, output: 90, cache_read: 400, cache_write: 0 }),
        ModelEvent::Done(Stop::ToolUse),
    ];
    assert_eq!(events, want);
}

#[test]
fn without_a_terminal_event_there_is_no_answer() {
    replay::never_done(decoder, RECORDED, |frame| {
        ["response.completed", "response.incomplete", "response.failed"].iter().any(|end| frame.contains(end))
    });
}

#[test]
fn a_stream_cut_short_at_any_byte_is_an_error() {
    let whole = replay::decode(decoder(), &[RECORDED]).0;
    for cut in 0..RECORDED.len() - 2 {
        let mut decoder = decoder();
        let mut events = decoder.push(&RECORDED[..cut]).events;
        if events.last() == whole.last() {
            continue;
        }
        let end = decoder.closed();
        events.extend(end.events);
        assert_eq!(end.failure.unwrap().error.kind, ModelErrorKind::Truncated, "cut at {cut}");
        assert_eq!(events, whole[..events.len()], "cut at {cut}");
    }
}

#[test]
fn items_that_are_told_only_at_the_end_are_not_lost() {
    let output = json!([
        { "type": "message", "content": [{ "type": "output_text", "text": "So." }] },
        { "type": "function_call", "id": "f", "call_id": "c", "name": "t", "arguments": "" }
    ]);
    let end = json!({ "type": "response.completed", "response": { "output": output } });
    let (events, _) = decoded(std::slice::from_ref(&end));
    let call = Block::ToolCall { id: "c".into(), name: "t".into(), input: Input::Json(json!({})) };
    assert_eq!(events[0], ModelEvent::BlockDone(Block::Text { text: "So.".into() }));
    assert_eq!(events[1..], [ModelEvent::BlockDone(call), ModelEvent::Done(Stop::ToolUse)]);
    // Told already: not told twice.
    let item = json!({ "type": "response.output_item.done", "item": output[0] });
    let (events, _) = decoded(&[item, end]);
    assert_eq!(events.iter().filter(|e| matches!(e, ModelEvent::BlockDone(_))).count(), 1);
}

#[test]
fn every_way_an_answer_ends() {
    let incomplete = |reason: &str| json!({ "type": "response.incomplete", "response": { "incomplete_details": { "reason": reason } } });
    for (event, want) in [
        (json!({ "type": "response.completed", "response": {} }), Stop::EndTurn),
        (incomplete("max_output_tokens"), Stop::MaxTokens),
        (incomplete("content_filter"), Stop::Refusal),
        (incomplete("new"), Stop::Other("new".into())),
    ] {
        assert_eq!(decoded(&[event]).0.last(), Some(&ModelEvent::Done(want)));
    }
    let refusal = json!({ "type": "response.output_item.done", "item": { "type": "message",
        "content": [{ "type": "refusal", "refusal": "I will not." }] } });
    let (events, _) = decoded(&[refusal, json!({ "type": "response.completed", "response": {} })]);
    assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::Refusal)));
    for (event, kind) in [
        (
            json!({ "type": "response.failed", "response": { "error": { "code": "rate_limit_exceeded", "message": "slow" } } }),
            ModelErrorKind::Overloaded,
        ),
        (json!({ "type": "response.failed", "response": {} }), ModelErrorKind::Unavailable),
        (json!({ "type": "error", "code": "invalid_prompt", "message": "no" }), ModelErrorKind::Invalid),
    ] {
        assert_eq!(decoded(&[event]).1.unwrap().error.kind, kind);
    }
    assert_eq!(decoder().closed().failure.unwrap().error.kind, ModelErrorKind::Truncated);
}

#[tokio::test]
async fn a_request_over_http() {
    let endpoint = Scripted::start(vec![Reply::Bytes(RECORDED.to_vec())]).await;
    let models = Arc::new(Models::embedded().clone());
    let request = Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "openai".into(),
        model: "m".into(),
        effort: None,
        system: "Be right.".into(),
        tools: [].into(),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] }].into(),
        max_tokens: 100,
    };
    let responses = Responses::new("openai", &endpoint.url(), Some("sk-test".into()), Arc::clone(&models));
    let events: Vec<_> = responses.stream(request.clone(), CancellationToken::new()).collect().await;
    assert_eq!(events.last().unwrap().as_ref().unwrap(), &ModelEvent::Done(Stop::ToolUse));
    let received = endpoint.received().pop().unwrap();
    assert_eq!(
        (received.path.as_str(), received.header("authorization")),
        ("/v1/responses", Some("Bearer sk-test"))
    );
    let keyless = Responses::new("openai", &endpoint.url(), None, models);
    let events: Vec<_> = keyless.stream(request, CancellationToken::new()).collect().await;
    let error = events.into_iter().next_back().unwrap().unwrap_err();
    assert!(error.kind == ModelErrorKind::Credentials && error.message.contains("OPENAI_API_KEY"), "{error}");
    assert_eq!(endpoint.received().len(), 1, "nothing is sent without a key");
}

#[tokio::test]
async fn tokens_are_counted_by_the_service() {
    let counted = r#"{"object":"response.input_tokens","input_tokens":11}"#;
    let endpoint = Scripted::start(vec![Reply::Status(200, Vec::new(), counted.to_owned())]).await;
    let models = Arc::new(Models::embedded().clone());
    let request = Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "openai".into(),
        model: "gpt-5.1".into(),
        effort: Some("low".into()),
        system: "Be right.".into(),
        tools: [].into(),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] }].into(),
        max_tokens: 100,
    };
    let responses = Responses::new("openai", &endpoint.url(), Some("sk-test".into()), models);
    assert_eq!(responses.count_tokens(request.clone()).await, Ok(Tokens::Exact(11)));
    let sent = endpoint.received().pop().unwrap();
    assert_eq!(sent.path, "/v1/responses/input_tokens");
    let fields: Vec<&str> = sent.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        ["input", "instructions", "model", "reasoning"],
        "what the endpoint takes, and no more"
    );
    assert!(responses.count_tokens(request).await.is_err(), "the script is over");
}
