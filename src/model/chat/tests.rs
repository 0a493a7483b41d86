//! Streams from recorded bytes, and whole requests against a scripted endpoint.

use super::Chat;
use super::decode::Decoder;
use crate::provider::Provider as _;
use crate::wire::failure::{Failure, Names};
use crate::wire::{Decode as _, replay};
use futures::StreamExt as _;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use scripted_anthropic::{Reply, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[path = "../../../tests/peers/scripted_anthropic.rs"]
mod scripted_anthropic;

const RECORDED: &[u8] = include_bytes!("recorded.sse");

fn decoder() -> Decoder {
    Decoder::new(Names::new("A_KEY", "an address"))
}

fn decoded(chunks: &[Value]) -> (Vec<ModelEvent>, Option<Failure>) {
    let text: String = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    replay::decode(decoder(), &[text.as_bytes()])
}

fn delta(delta: Value, finish: Option<&str>) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
}

fn call(id: &str, name: &str, input: Input) -> ModelEvent {
    ModelEvent::BlockDone(Block::ToolCall { id: id.into(), name: name.into(), input })
}

#[test]
fn a_recorded_answer_decodes_to_these_events_wherever_it_is_cut() {
    let events = replay::holds(decoder, RECORDED);
    let start = |name: &str| ModelEvent::ToolCallStart { name: name.into() };
    let input = |text: &str| ModelEvent::ToolInputDelta(text.into());
    let want = vec![
        ModelEvent::Started,
        ModelEvent::ReasoningDelta("Der Dienst ist ".into()),
        ModelEvent::ReasoningDelta("déjà vu 🧯".into()),
        ModelEvent::TextDelta("Zwölf Tasks 👩‍🚀 ".into()),
        ModelEvent::TextDelta("stopped.".into()),
        start("get_ecs_stopped_tasks"),
        input("{\"cluster\": \"pr"),
        start("get_active_alarms"),
        input("{}"),
        input("öd\"}"),
        start("get_metrics"),
        input("{\"namespace\": "),
        input("\"AWS/"),
        ModelEvent::Usage(Usage { input: 12, output: 90, cache_read: 400, cache_write: 0 }),
        ModelEvent::BlockDone(Block::Text { text: "Zwölf Tasks 👩‍🚀 stopped.".into() }),
        call("call_a", "get_ecs_stopped_tasks", Input::Json(json!({ "cluster": "pröd" }))),
        call("call_2", "get_active_alarms", Input::Json(json!({}))),
        call("call_c", "get_metrics", Input::Garbage("{\"namespace\": \"AWS/".into())),
        ModelEvent::Done(Stop::ToolUse),
    ];
    assert_eq!(events, want);
}

#[test]
fn pieces_of_calls_find_their_call() {
    let piece = |call: Value| delta(json!({ "tool_calls": [call] }), None);
    let named = |name: &str| json!({ "name": name, "arguments": "{}" });
    let ids = |pieces: &[Value]| {
        let mut chunks = pieces.to_vec();
        chunks.push(delta(json!({}), Some("stop")));
        let text: String = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
        let (events, failure) = replay::decode(decoder(), &[text.as_bytes(), b"data: [DONE]\n\n"]);
        assert_eq!(failure, None);
        assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::ToolUse)), "whatever the server says");
        let id = |event| match event {
            ModelEvent::BlockDone(Block::ToolCall { id, name, .. }) => Some(format!("{id}:{name}")),
            _ => None,
        };
        events.into_iter().filter_map(id).collect::<Vec<_>>()
    };
    // Every call with index 0, as some servers send them: the ids tell them apart.
    let same_index = [
        piece(json!({ "index": 0, "id": "x", "function": named("a") })),
        piece(json!({ "index": 0, "id": "y", "function": named("b") })),
    ];
    assert_eq!(ids(&same_index), ["x:a", "y:b"]);
    // An id that comes after its index.
    let late = [
        piece(json!({ "index": 0, "function": { "name": "a" } })),
        piece(json!({ "index": 0, "id": "x", "function": { "arguments": "{}" } })),
    ];
    assert_eq!(ids(&late), ["x:a"]);
    // Neither, and arguments that are an object already.
    let bare = [piece(json!({ "function": { "name": "a", "arguments": { "n": 1 } } }))];
    assert_eq!(ids(&bare), ["call_1:a"]);
}

#[test]
fn an_answer_ends_once_it_said_why() {
    for (reason, want) in [
        ("stop", Stop::EndTurn),
        ("length", Stop::MaxTokens),
        ("content_filter", Stop::Refusal),
        ("eos", Stop::Other("eos".into())),
    ] {
        let mut decoder = decoder();
        let chunk = delta(json!({ "content": "so" }), Some(reason));
        decoder.push(format!("data: {chunk}\n\n").as_bytes());
        let end = decoder.closed();
        assert_eq!((end.failure, end.events.last()), (None, Some(&ModelEvent::Done(want))), "without [DONE]");
    }
    let mut decoder = decoder();
    decoder.push(format!("data: {}\n\n", delta(json!({ "content": "half" }), None)).as_bytes());
    assert_eq!(decoder.closed().failure.unwrap().error.kind, ModelErrorKind::Truncated);
}

#[test]
fn errors_inside_a_200() {
    for (error, kind) in [
        (json!({ "message": "slow down", "code": 429 }), ModelErrorKind::Overloaded),
        (json!({ "message": "no", "type": "invalid_request_error" }), ModelErrorKind::Invalid),
        (json!({ "message": "who", "code": "invalid_api_key" }), ModelErrorKind::Credentials),
        (json!("out of memory"), ModelErrorKind::Unavailable),
    ] {
        let (_, failure) = decoded(&[json!({ "error": error })]);
        assert_eq!(failure.unwrap().error.kind, kind, "{error}");
    }
    let (_, failure) = replay::decode(decoder(), &[b"data: <html>\n\n"]);
    assert!(failure.unwrap().error.message.contains("<html>"));
}

fn request(text: &str) -> Request {
    Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "openai-compatible".into(),
        model: "a-model".into(),
        effort: None,
        system: "Be right.".into(),
        tools: [].into(),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: text.into() }] }].into(),
        max_tokens: 100,
    }
}

fn chat(endpoint: &Scripted, key: Option<&str>) -> Chat {
    let models = Arc::new(Models::embedded().clone());
    Chat::new("openai-compatible", &endpoint.url(), key.map(str::to_owned), models)
}

async fn all(chat: &Chat) -> Vec<Result<ModelEvent, ModelError>> {
    chat.stream(request("why?"), CancellationToken::new()).collect().await
}

#[tokio::test]
async fn a_request_over_http_with_and_without_a_key() {
    let endpoint =
        Scripted::start(vec![Reply::Bytes(RECORDED.to_vec()), Reply::Bytes(RECORDED.to_vec())]).await;
    for (key, header) in [(Some("sk-test"), Some("Bearer sk-test")), (None, None)] {
        let events = all(&chat(&endpoint, key)).await;
        assert_eq!(events.last().unwrap().as_ref().unwrap(), &ModelEvent::Done(Stop::ToolUse));
        let received = endpoint.received().pop().unwrap();
        assert_eq!(
            (received.path.as_str(), received.header("authorization")),
            ("/v1/chat/completions", header)
        );
        assert_eq!(received.body["messages"][1], json!({ "role": "user", "content": "why?" }));
    }
}

#[tokio::test]
async fn a_refused_key_and_a_missing_model_say_what_to_check() {
    let body = |message: &str| json!({ "error": { "message": message } }).to_string();
    let endpoint = Scripted::start(vec![
        Reply::Status(401, vec![], body("bad key sk-test")),
        Reply::Status(404, vec![], body("model \"a-model\" not found, try pulling it first")),
    ])
    .await;
    let chat = chat(&endpoint, Some("sk-test"));
    let refused = all(&chat).await.pop().unwrap().unwrap_err();
    assert_eq!(refused.kind, ModelErrorKind::Credentials);
    assert!(
        refused.message.contains("OPENAI_COMPATIBLE_API_KEY") && !refused.message.contains("sk-test"),
        "{refused}"
    );
    let missing = all(&chat).await.pop().unwrap().unwrap_err();
    assert!(missing.message.contains("try pulling it first"), "{missing}");
}

#[tokio::test]
async fn cancelling_takes_no_time() {
    let endpoint = Scripted::start(vec![Reply::Hang(b"data: {\"choices\":[]}\n\n".to_vec())]).await;
    let cancel = CancellationToken::new();
    let mut stream = chat(&endpoint, None).stream(request("why?"), cancel.clone());
    assert_eq!(stream.next().await.unwrap().unwrap(), ModelEvent::Started);
    let begun = Instant::now();
    cancel.cancel();
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind, ModelErrorKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_millis(200));
}
