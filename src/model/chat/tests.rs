//! Streams from recorded bytes, and whole requests against a scripted endpoint.
#![allow(clippy::needless_pass_by_value)]

use super::Chat;
use super::decode::Decoder;
use crate::provider::Provider as _;
use crate::scripted_anthropic::{Reply, Scripted};
use crate::wire::failure::Names;
use crate::wire::{Decode as _, replay};
use futures::StreamExt as _;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const RECORDED: &[u8] = include_bytes!("recorded.sse");

fn decoder() -> Decoder {
    Decoder::new(Names::new("A_KEY", "an address"))
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
    replay::never_done(decoder, RECORDED, |frame| {
        frame.contains("\"finish_reason\":\"") || frame.contains("\"finish_reason\": \"")
    });
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
    // The same id for two calls: the indexes tell them apart.
    let same_id = [
        piece(json!({ "index": 0, "id": "x", "function": named("a") })),
        piece(json!({ "index": 1, "id": "x", "function": named("b") })),
    ];
    assert_eq!(ids(&same_id), ["x:a", "x:b"]);
    // An id that is repeated with every piece, and one that is empty in all but the first.
    let repeated = [
        piece(json!({ "index": 0, "id": "x", "function": { "name": "a", "arguments": "{" } })),
        piece(json!({ "index": 0, "id": "x", "function": { "name": "a", "arguments": "}" } })),
        piece(json!({ "index": 0, "id": "", "function": { "name": null, "arguments": " " } })),
    ];
    assert_eq!(ids(&repeated), ["x:a"]);
    // Interleaved by index alone, and pieces without anything for the last.
    let interleaved = [
        piece(json!({ "index": 0, "id": "x", "function": { "name": "a", "arguments": "{" } })),
        piece(json!({ "index": 1, "id": "y", "function": { "name": "b", "arguments": "{" } })),
        piece(json!({ "index": 0, "function": { "arguments": "}" } })),
        piece(json!({ "function": { "arguments": "}" } })),
    ];
    assert_eq!(ids(&interleaved), ["x:a", "y:b"]);
    // Indexes without any id.
    let unnamed = [
        piece(json!({ "index": 0, "function": named("a") })),
        piece(json!({ "index": 1, "function": named("b") })),
    ];
    assert_eq!(ids(&unnamed), ["call_1:a", "call_2:b"]);
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

/// What is told of these bytes when the server then closes.
fn closed(bytes: &str) -> (Vec<ModelEvent>, Option<ModelError>) {
    let mut decoder = decoder();
    let first = decoder.push(bytes.as_bytes());
    if first.failure.is_some() || matches!(first.events.last(), Some(ModelEvent::Done(_))) {
        return (first.events, first.failure.map(|f| f.error));
    }
    let end = decoder.closed();
    ([first.events, end.events].concat(), end.failure.map(|f| f.error))
}

#[test]
fn errors_inside_a_200_in_every_servers_form() {
    for (bytes, kind) in [
        // OpenAI, vLLM, LiteLLM, OpenRouter after some output, LM Studio.
        ("data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n", ModelErrorKind::Overloaded),
        (
            "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"BadRequestError\",\"code\":400}\n\n",
            ModelErrorKind::Invalid,
        ),
        (
            "data: {\"error\":{\"message\":\"busy\",\"type\":\"None\",\"param\":\"None\",\"code\":\"503\"}}\n\n",
            ModelErrorKind::Overloaded,
        ),
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"upstream\"}}\n\n",
            ModelErrorKind::Unavailable,
        ),
        (
            "event: error\ndata: {\"error\":{\"message\":\"the model crashed\"}}\n\n",
            ModelErrorKind::Unavailable,
        ),
        // llama.cpp: a field of its own, and JSON instead of a stream.
        (
            "error: {\"code\":400,\"message\":\"the request exceeds the available context size\",\"type\":\"exceed_context_size_error\"}\n\n",
            ModelErrorKind::TooLong,
        ),
        (
            "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
            ModelErrorKind::Overloaded,
        ),
        ("{\"error\":\"model 'x' not found\"}", ModelErrorKind::Unavailable),
        // Something that is no model at all.
        ("data: <html>\n\n", ModelErrorKind::Unavailable),
        ("<!doctype html>\n<html>sign in</html>", ModelErrorKind::Unavailable),
        ("data: {\"choices\":[]}\n\ndata: [DONE]\n\n", ModelErrorKind::Truncated),
        ("", ModelErrorKind::Truncated),
    ] {
        let error = closed(bytes).1.unwrap();
        assert_eq!(error.kind, kind, "{bytes}: {error}");
    }
    assert!(closed("<html>sign in</html>").1.unwrap().message.contains("sign in"));
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    let answer = json!({ "object": "chat.completion", "choices": [{ "index": 0, "finish_reason": "tool_calls",
        "message": { "role": "assistant", "content": "Looking.", "reasoning_content": "hm",
            "tool_calls": [{ "id": "x", "type": "function", "function": { "name": "a", "arguments": "{\"n\":1}" } }] } }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 3, "prompt_cache_hit_tokens": 4 } });
    for text in [answer.to_string(), format!("\n{answer:#}\n")] {
        let (events, error) = closed(&text);
        assert_eq!(error, None);
        assert!(events.contains(&ModelEvent::ReasoningDelta("hm".into())));
        assert!(events.contains(&ModelEvent::Usage(Usage {
            input: 5,
            output: 3,
            cache_read: 4,
            cache_write: 0
        })));
        assert!(events.contains(&call("x", "a", Input::Json(json!({ "n": 1 })))));
        assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::ToolUse)));
    }
}

#[test]
fn what_ollama_deepseek_openrouter_and_mistral_send() {
    // Ollama: the whole call in one chunk, "stop" although it wants a tool run, usage without choices.
    let whole = json!({ "role": "assistant", "content": "", "tool_calls": [
        { "id": "call_9", "index": 0, "type": "function", "function": { "name": "a", "arguments": "{\"x\":1}" } } ] });
    let usage =
        json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 } });
    let text: String = [delta(whole, None), delta(json!({ "content": "" }), Some("stop")), usage]
        .iter()
        .map(|c| format!("data: {c}\n\n"))
        .collect();
    let (events, error) = closed(&(text + "data: [DONE]\n\n"));
    assert_eq!(error, None);
    assert!(events.contains(&call("call_9", "a", Input::Json(json!({ "x": 1 })))));
    assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::ToolUse)));
    // DeepSeek and OpenRouter: reasoning under either name, comments to keep the line open.
    for (field, comment) in [("reasoning_content", ""), ("reasoning", ": OPENROUTER PROCESSING\n\n")] {
        let thought = delta(json!({ "content": null, field: "hm" }), None);
        let (events, _) = closed(&format!(
            "{comment}data: {thought}\n\n{comment}data: {}\n\n",
            delta(json!({ "content": "So." }), Some("stop"))
        ));
        assert!(events.contains(&ModelEvent::ReasoningDelta("hm".into())), "{field}");
        assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::EndTurn)));
    }
    // Mistral: content in parts.
    let parts = delta(
        json!({ "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] }),
        Some("stop"),
    );
    let (events, _) = closed(&format!("data: {parts}\n\n"));
    assert!(events.contains(&ModelEvent::BlockDone(Block::Text { text: "ab".into() })));
}

#[test]
fn a_stream_cut_short_at_any_byte_is_an_error_until_it_said_why_it_stopped() {
    let text = String::from_utf8_lossy(RECORDED);
    let said = text.rfind("\"finish_reason\":\"").or_else(|| text.rfind("\"finish_reason\": \"")).unwrap();
    for cut in 0..said {
        let mut decoder = decoder();
        let first = decoder.push(&RECORDED[..cut]);
        assert_eq!(first.failure, None, "cut at {cut}");
        let end = decoder.closed();
        assert_eq!(end.failure.unwrap().error.kind, ModelErrorKind::Truncated, "cut at {cut}");
        assert!(!first.events.iter().chain(&end.events).any(|e| matches!(e, ModelEvent::Done(_))));
    }
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
