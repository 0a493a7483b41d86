//! Streams from recorded bytes, retries in paused time, and whole requests against a scripted endpoint.

use super::decode::Decoder;
use super::{Anthropic, Settings};
use crate::provider::{EventStream, Provider, streamed};
use crate::scripted_anthropic::{Reply, Say, Scripted, answer_bytes, event};
use crate::wire::client::Key;
use crate::wire::failure::{Again, Failure, Names};
use crate::wire::retry::{self, Body, Transport};
use crate::wire::{Decode as _, replay};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const RECORDED: &[u8] = include_bytes!("recorded.sse");
const KEY: &str = "sk-test-not-a-key";

fn names() -> Names {
    Names::new("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
}

fn decode(chunks: &[&[u8]]) -> (Vec<ModelEvent>, Option<Failure>) {
    replay::decode(Decoder::new("anthropic", "m", names()), chunks)
}

fn decoded(frames: &[Value]) -> (Vec<ModelEvent>, Option<Failure>) {
    let text: String = frames.iter().map(event).collect();
    decode(&[text.as_bytes()])
}

fn reasoning(raw: Value) -> ModelEvent {
    ModelEvent::BlockDone(Block::Reasoning { provider: "anthropic".into(), model: "m".into(), raw })
}

fn call(id: &str, name: &str, input: Input) -> ModelEvent {
    ModelEvent::BlockDone(Block::ToolCall { id: id.into(), name: name.into(), input })
}

#[test]
fn a_recorded_answer_decodes_to_these_events() {
    let (events, failure) = decode(&[RECORDED]);
    assert_eq!(failure, None);
    let usage = |output| ModelEvent::Usage(Usage { input: 412, output, cache_read: 9_000, cache_write: 128 });
    let start = |name: &str| ModelEvent::ToolCallStart { name: name.into() };
    let want = vec![
        ModelEvent::Started,
        usage(3),
        ModelEvent::ReasoningDelta("The service is ".into()),
        ModelEvent::ReasoningDelta("déjà vu 🧯".into()),
        reasoning(
            json!({ "type": "thinking", "thinking": "The service is déjà vu 🧯", "signature": "c2Vjb25k" }),
        ),
        reasoning(json!({ "type": "redacted_thinking", "data": "b3BhcXVl" })),
        ModelEvent::TextDelta("Zwölf Tasks 👩‍🚀 ".into()),
        ModelEvent::TextDelta("stopped.".into()),
        ModelEvent::BlockDone(Block::Text { text: "Zwölf Tasks 👩‍🚀 stopped.".into() }),
        start("get_ecs_stopped_tasks"),
        ModelEvent::ToolInputDelta("".into()),
        ModelEvent::ToolInputDelta("{\"cluster\": \"pr".into()),
        ModelEvent::ToolInputDelta("öd\"}".into()),
        call("toolu_1", "get_ecs_stopped_tasks", Input::Json(json!({ "cluster": "pröd" }))),
        start("get_active_alarms"),
        call("toolu_2", "get_active_alarms", Input::Json(json!({}))),
        start("get_metrics"),
        ModelEvent::ToolInputDelta("{\"namespace\": ".into()),
        call("toolu_3", "get_metrics", Input::Garbage("{\"namespace\": ".into())),
        usage(211),
        ModelEvent::Done(Stop::ToolUse),
    ];
    assert_eq!(events, want);
}

#[test]
fn cut_at_every_byte_and_damaged_it_holds() {
    let new = || Decoder::new("anthropic", "m", names());
    replay::holds(new, RECORDED);
    replay::never_done(new, RECORDED, |frame| frame.contains("message_stop"));
}

#[test]
fn every_stop_reason_is_known_or_kept() {
    for (reason, want) in [
        (json!("end_turn"), Stop::EndTurn),
        (json!("tool_use"), Stop::ToolUse),
        (json!("max_tokens"), Stop::MaxTokens),
        (json!("stop_sequence"), Stop::StopSequence),
        (json!("pause_turn"), Stop::PauseTurn),
        (json!("refusal"), Stop::Refusal),
        (json!("model_context_window_exceeded"), Stop::ContextExceeded),
        (json!("new_in_2027"), Stop::Other("new_in_2027".into())),
        (Value::Null, Stop::Other("no reason given".into())),
    ] {
        let (events, _) = decoded(&[
            json!({ "type": "message_delta", "delta": { "stop_reason": reason } }),
            json!({ "type": "message_stop" }),
        ]);
        assert_eq!(events.last(), Some(&ModelEvent::Done(want)));
    }
}

#[test]
fn usage_is_cumulative_and_absent_fields_keep_their_value() {
    let (events, _) = decoded(&[
        json!({ "type": "message_start", "message": { "usage": { "input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1 } } }),
        json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": 40, "cache_creation_input_tokens": null } }),
        json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": 50, "input_tokens": 6 } }),
    ]);
    assert_eq!(
        events.last(),
        Some(&ModelEvent::Usage(Usage { input: 6, output: 50, cache_read: 7, cache_write: 0 }))
    );
}

#[test]
fn a_terminal_event_inside_a_block_is_not_an_end() {
    let (events, failure) = decoded(&[
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "half" } }),
        json!({ "type": "message_stop" }),
    ]);
    assert_eq!(events, [ModelEvent::TextDelta("half".into())]);
    assert_eq!(failure.unwrap().error.kind, ModelErrorKind::Truncated);
}

#[test]
fn errors_that_gateways_put_into_an_answer() {
    for (bytes, kind) in [
        ("data: {\"error\": {\"message\": \"busy\", \"code\": \"529\"}}\n\n", ModelErrorKind::Overloaded),
        ("{\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\"}}", ModelErrorKind::Overloaded),
        (
            "{\"error\": {\"type\": \"authentication_error\", \"message\": \"x\"}}",
            ModelErrorKind::Credentials,
        ),
        ("<html>Blocked by policy</html>", ModelErrorKind::Unavailable),
        ("", ModelErrorKind::Truncated),
        (": ping\n\n", ModelErrorKind::Truncated),
    ] {
        let mut decoder = Decoder::new("anthropic", "m", names());
        let failure = decoder.push(bytes.as_bytes()).failure.or_else(|| decoder.closed().failure).unwrap();
        assert_eq!(failure.error.kind, kind, "{bytes}: {}", failure.error.message);
    }
}

#[test]
fn garbage_arguments_are_cut() {
    let long = format!("[{}", "ü".repeat(5_000));
    let (events, _) = decoded(&[
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "tool_use", "id": "a", "name": "b" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "input_json_delta", "partial_json": long } }),
        json!({ "type": "content_block_stop", "index": 0 }),
    ]);
    let Some(ModelEvent::BlockDone(Block::ToolCall { input: Input::Garbage(text), .. })) = events.last()
    else {
        panic!("{events:?}")
    };
    assert_eq!(text.chars().count(), 2_000);
}

#[test]
fn an_answer_that_is_not_the_protocol_is_an_error() {
    let (_, failure) = decode(&[b"data: <html>\n\n"]);
    assert!(failure.unwrap().error.message.contains("<html>"));
    let mut decoder = Decoder::new("anthropic", "m", names());
    let failure = decoder.push(&vec![b'x'; 5 * 1024 * 1024]).failure.unwrap();
    assert!(failure.error.message.contains("4 MB"), "{}", failure.error.message);
}

/// One scripted attempt of [`Script`].
enum Attempt {
    Fail(Failure),
    Chunks(Vec<Result<Bytes, String>>),
    ChunksThenSilence(Vec<Result<Bytes, String>>),
    Silence,
}

/// A transport without a network, so that time can be paused.
struct Script {
    attempts: Mutex<VecDeque<Attempt>>,
    sent: Mutex<Vec<Instant>>,
}

impl Transport for Script {
    fn send(&self, _: String) -> BoxFuture<'_, Result<Body, Failure>> {
        self.sent.lock().unwrap().push(Instant::now());
        let attempt = self.attempts.lock().unwrap().pop_front();
        Box::pin(async move {
            match attempt.expect("no more attempts than scripted") {
                Attempt::Fail(failure) => Err(failure),
                Attempt::Chunks(chunks) => Ok(stream::iter(chunks).boxed()),
                Attempt::ChunksThenSilence(chunks) => {
                    Ok(stream::iter(chunks).chain(stream::pending()).boxed())
                }
                Attempt::Silence => std::future::pending().await,
            }
        })
    }
}

fn scripted(attempts: Vec<Attempt>, cancel: &CancellationToken) -> (Arc<Script>, EventStream) {
    let script = Arc::new(Script { attempts: Mutex::new(attempts.into()), sent: Mutex::default() });
    let transport = Arc::clone(&script);
    let stream = streamed(cancel.clone(), move |output| {
        Box::pin(async move {
            retry::over_http(
                &*transport,
                || Decoder::new("anthropic", "m", names()),
                "{}".to_owned(),
                Duration::from_secs(120),
                &output,
            )
            .await
        })
    });
    (script, stream)
}

/// Everything a stream gives: its events, and its error.
async fn all(mut stream: EventStream) -> (Vec<ModelEvent>, Option<ModelError>) {
    let mut events = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

fn bytes(bytes: &[u8]) -> Result<Bytes, String> {
    Ok(Bytes::copy_from_slice(bytes))
}

fn overloaded() -> Attempt {
    Attempt::Fail(Failure::status(529, "busy", None, &names()))
}

fn waits(events: &[ModelEvent]) -> Vec<u64> {
    events
        .iter()
        .filter_map(|e| match e {
            ModelEvent::Retrying { wait_ms, .. } => Some(*wait_ms),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn early_end_at_every_byte_is_an_error_and_keeps_what_came() {
    let whole = decode(&[RECORDED]).0;
    let is_retry = |e: &ModelEvent| {
        matches!(e, ModelEvent::Retrying { .. } | ModelEvent::Started | ModelEvent::Usage(_))
    };
    for cut in 0..RECORDED.len() - 1 {
        let head = RECORDED.get(..cut).unwrap();
        let attempts = (0..4).map(|_| Attempt::Chunks(vec![bytes(head)])).collect();
        let (_, stream) = scripted(attempts, &CancellationToken::new());
        let (events, error) = all(stream).await;
        assert_eq!(error.unwrap().kind, ModelErrorKind::Truncated, "cut at {cut}");
        let kept: Vec<_> = events.into_iter().filter(|e| !is_retry(e)).collect();
        let want: Vec<_> = decode(&[head]).0.into_iter().filter(|e| !is_retry(e)).collect();
        assert_eq!(kept, want, "cut at {cut}");
        assert!(kept.len() < whole.len());
    }
}

#[tokio::test(start_paused = true)]
async fn overload_is_repeated_and_the_pauses_are_kept() {
    let (script, stream) = scripted(
        vec![overloaded(), overloaded(), Attempt::Chunks(vec![bytes(RECORDED)])],
        &CancellationToken::new(),
    );
    let (events, error) = all(stream).await;
    assert_eq!(error, None);
    let waits = waits(&events);
    assert_eq!(waits.len(), 2);
    assert!(matches!(&events[0], ModelEvent::Retrying { attempt: 1, why, .. } if why == "overloaded"));
    let sent = script.sent.lock().unwrap();
    for (pair, wait) in sent.windows(2).zip(waits) {
        assert_eq!((pair[1] - pair[0]).as_millis(), u128::from(wait));
    }
    assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::ToolUse)));
}

#[tokio::test(start_paused = true)]
async fn after_four_attempts_the_error_is_final() {
    let (script, stream) = scripted((0..4).map(|_| overloaded()).collect(), &CancellationToken::new());
    let (events, error) = all(stream).await;
    assert_eq!((script.sent.lock().unwrap().len(), waits(&events).len()), (4, 3));
    assert_eq!(error.unwrap().kind, ModelErrorKind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn a_pause_the_service_asks_for_is_kept_exactly() {
    let again = Some(Again::After(Duration::from_secs(17)));
    let attempts = vec![
        Attempt::Fail(Failure::status(429, "slow down", again, &names())),
        Attempt::Chunks(vec![bytes(RECORDED)]),
    ];
    let (script, stream) = scripted(attempts, &CancellationToken::new());
    let (events, _) = all(stream).await;
    let sent = script.sent.lock().unwrap();
    assert_eq!((sent[1] - sent[0]).as_secs(), 17);
    assert_eq!(waits(&events), [17_000]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_too_long_to_wait_is_told_instead() {
    let again = Some(Again::After(Duration::from_secs(3_600)));
    let (script, stream) = scripted(
        vec![Attempt::Fail(Failure::status(429, "quota", again, &names()))],
        &CancellationToken::new(),
    );
    let (_, error) = all(stream).await;
    assert_eq!(script.sent.lock().unwrap().len(), 1);
    let message = error.unwrap().message;
    assert!(message.contains("3600 s"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_the_stream_is_repeated_only_before_output() {
    let error =
        event(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }));
    let start = event(&json!({ "type": "message_start", "message": {} }));
    let before = Attempt::Chunks(vec![bytes(start.as_bytes()), bytes(error.as_bytes())]);
    let (script, stream) =
        scripted(vec![before, Attempt::Chunks(vec![bytes(RECORDED)])], &CancellationToken::new());
    assert_eq!(all(stream).await.1, None);
    assert_eq!(script.sent.lock().unwrap().len(), 2);

    let text = event(
        &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "half" } }),
    );
    let after = Attempt::Chunks(vec![bytes(text.as_bytes()), bytes(error.as_bytes())]);
    let (script, stream) = scripted(vec![after], &CancellationToken::new());
    let (events, failed) = all(stream).await;
    assert_eq!(events, [ModelEvent::TextDelta("half".into())]);
    assert_eq!(failed.unwrap().kind, ModelErrorKind::Overloaded);
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_after_output_is_not_repeated() {
    let text = event(
        &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "half" } }),
    );
    let lost = Attempt::Chunks(vec![bytes(text.as_bytes()), Err("connection reset".into())]);
    let (_, stream) = scripted(vec![lost], &CancellationToken::new());
    let (events, error) = all(stream).await;
    assert_eq!(events, [ModelEvent::TextDelta("half".into())]);
    assert!(error.unwrap().message.contains("connection reset"));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_after_two_minutes() {
    let text = event(
        &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "half" } }),
    );
    let begun = Instant::now();
    let (_, stream) =
        scripted(vec![Attempt::ChunksThenSilence(vec![bytes(text.as_bytes())])], &CancellationToken::new());
    let (_, error) = all(stream).await;
    assert_eq!(begun.elapsed().as_secs(), 120);
    assert!(error.unwrap().message.contains("silent for 120 s"));
}

#[tokio::test(start_paused = true)]
async fn cancel_ends_at_once_wherever_it_strikes() {
    let text = event(
        &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "half" } }),
    );
    for attempt in [Attempt::Silence, Attempt::ChunksThenSilence(vec![bytes(text.as_bytes())]), overloaded()]
    {
        let cancel = CancellationToken::new();
        let (_, stream) = scripted(vec![attempt], &cancel);
        let begun = Instant::now();
        let soon = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            soon.cancel();
        });
        let (_, error) = all(stream).await;
        assert_eq!(error.unwrap().kind, ModelErrorKind::Cancelled);
        assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    }
}

fn request() -> Request {
    Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "anthropic".into(),
        model: "claude-sonnet-5-5".into(),
        effort: None,
        system: "Be right.".into(),
        tools: Arc::from(Vec::new()),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] }].into(),
        max_tokens: 1_000,
    }
}

fn provider(base_url: &str, key: Option<&str>) -> Anthropic {
    Anthropic::new(Settings {
        provider: "anthropic".into(),
        base_url: base_url.to_owned(),
        api_key: key.map(str::to_owned).into(),
        api_version: None,
        models: Arc::new(Models::embedded().clone()),
    })
}

async fn ask(server: &Scripted) -> (Vec<ModelEvent>, Option<ModelError>) {
    all(provider(&server.url(), Some(KEY)).stream(request(), CancellationToken::new())).await
}

#[tokio::test]
async fn a_request_goes_out_whole_and_the_answer_comes_back() {
    let answer = vec![
        Say::Thinking("hm"),
        Say::Text("Zwölf."),
        Say::Tool("toolu_1".into(), "get_active_alarms", json!({ "state": "ALARM" })),
    ];
    let pieces = Reply::Pieces(answer_bytes(&answer), 7, Duration::ZERO);
    let server = Scripted::start(vec![pieces]).await;
    let (events, error) = ask(&server).await;
    assert_eq!(error, None);
    assert!(events.contains(&ModelEvent::BlockDone(Block::Text { text: "Zwölf.".into() })));
    assert_eq!(events.last(), Some(&ModelEvent::Done(Stop::ToolUse)));

    let received = server.received();
    assert_eq!(received[0].path, "/v1/messages");
    assert_eq!(received[0].header("x-api-key"), Some(KEY));
    assert_eq!(received[0].header("anthropic-version"), Some("2023-06-01"), "a gateway's version");
    assert_eq!(received[0].body, provider(&server.url(), None).encode(&request()).unwrap());
}

#[tokio::test]
async fn overload_over_the_wire_is_repeated_after_the_pause_it_asks_for() {
    let busy = |headers| Reply::Status(529, headers, r#"{"error":{"message":"Overloaded"}}"#.into());
    let server = Scripted::start(vec![
        busy(vec![("retry-after-ms", "3".into())]),
        Reply::Status(
            400,
            vec![("x-should-retry", "true".into()), ("retry-after", "0.002".into())],
            "".into(),
        ),
        Reply::Answer(vec![Say::Text("ok")]),
    ])
    .await;
    let (events, error) = ask(&server).await;
    assert_eq!((error, waits(&events)), (None, vec![3, 2]));

    let server = Scripted::start(vec![busy(vec![("x-should-retry", "false".into())])]).await;
    assert_eq!(ask(&server).await.1.unwrap().kind, ModelErrorKind::Overloaded);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_date_to_wait_for_is_waited_for() {
    let busy = |date: &str| Reply::Status(503, vec![("retry-after", date.into())], String::new());
    let server =
        Scripted::start(vec![busy("Wed, 21 Oct 2015 07:28:00 GMT"), Reply::Answer(vec![Say::Text("ok")])])
            .await;
    let (events, error) = ask(&server).await;
    assert_eq!((error, waits(&events)), (None, vec![0]), "a time that has come");
    let server = Scripted::start(vec![busy("Sat, 21 Oct 2090 07:28:00 GMT")]).await;
    let (events, error) = ask(&server).await;
    let error = error.unwrap();
    assert!(waits(&events).is_empty() && error.message.contains("asks to wait"), "{error}");
}

#[tokio::test]
async fn a_looked_up_key_that_is_refused_is_looked_up_again() {
    let denied = || Reply::Status(401, vec![], r#"{"error":{"message":"expired key-1"}}"#.into());
    let server = Scripted::start(vec![denied(), Reply::Answer(vec![Say::Text("ok")])]).await;
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let source = Key::Sought(Arc::new(move || {
        let n = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        Box::pin(async move { Ok(Some(format!("key-{n}"))) })
    }));
    let mut settings = Settings::from_env(Arc::new(Models::embedded().clone()), |_| None);
    (settings.base_url, settings.api_key) = (server.url(), source);
    let provider = Anthropic::new(settings);
    let refused = all(provider.stream(request(), CancellationToken::new())).await.1.unwrap();
    assert!(refused.kind == ModelErrorKind::Credentials && !refused.message.contains("key-1"), "{refused}");
    assert_eq!(all(provider.stream(request(), CancellationToken::new())).await.1, None);
    let keys: Vec<_> =
        server.received().iter().map(|r| r.header("x-api-key").unwrap_or_default().to_owned()).collect();
    assert_eq!(keys, ["key-1", "key-2"]);
}

#[tokio::test]
async fn cancel_does_not_wait_for_a_command_that_looks_for_the_key_or_for_a_host_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let never = Key::Sought(Arc::new(|| Box::pin(futures::future::pending())));
    for (base_url, api_key) in [(silent.clone(), never), (silent, Key::Known(KEY.into()))] {
        let mut settings = Settings::from_env(Arc::new(Models::embedded().clone()), |_| None);
        (settings.base_url, settings.api_key) = (base_url, api_key);
        let cancel = CancellationToken::new();
        let asking = tokio::spawn(all(Anthropic::new(settings).stream(request(), cancel.clone())));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let struck = std::time::Instant::now();
        cancel.cancel();
        assert_eq!(asking.await.unwrap().1.unwrap().kind, ModelErrorKind::Cancelled);
        assert!(struck.elapsed() < Duration::from_millis(200), "{:?}", struck.elapsed());
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_and_never_show_the_key() {
    for (status, body, kind, words) in [
        (401, format!("invalid x-api-key {KEY}"), ModelErrorKind::Credentials, "check ANTHROPIC_API_KEY"),
        (
            403,
            format!(r#"{{"error":{{"message":"{KEY} may not"}}}}"#),
            ModelErrorKind::Credentials,
            "… may not",
        ),
        (404, r#"{"error":{"message":"model: x"}}"#.into(), ModelErrorKind::Invalid, "model: x"),
        (400, r#"{"error":{"message":"max_tokens"}}"#.into(), ModelErrorKind::Invalid, "max_tokens"),
        (413, String::new(), ModelErrorKind::TooLong, "new session"),
        (307, String::new(), ModelErrorKind::Invalid, "redirects"),
    ] {
        let headers = vec![("location", "http://127.0.0.1:1/".to_owned())];
        let server = Scripted::start(vec![Reply::Status(status, headers, body)]).await;
        let (events, error) = ask(&server).await;
        let error = error.unwrap();
        assert_eq!((events.len(), error.kind), (0, kind), "{status}");
        assert!(error.message.contains(words), "{status}: {}", error.message);
        assert!(!format!("{error:?}").contains(KEY));
        assert_eq!(server.received().len(), 1, "{status} is not repeated");
    }
}

#[tokio::test]
async fn without_a_usable_key_nothing_is_sent() {
    let server = Scripted::start(Vec::new()).await;
    for key in [None, Some("two\nlines")] {
        let stream = provider(&server.url(), key).stream(request(), CancellationToken::new());
        let error = all(stream).await.1.unwrap();
        assert_eq!(error.kind, ModelErrorKind::Credentials);
        assert!(error.message.contains("ANTHROPIC_API_KEY"), "{}", error.message);
    }
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn an_unreachable_host_is_named_without_its_password() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let base = format!("http://user:hunter2@127.0.0.1:{port}/gateway/");
    let mut stream = provider(&base, Some(KEY)).stream(request(), CancellationToken::new());
    let Some(Ok(ModelEvent::Retrying { why, .. })) = stream.next().await else { panic!("a retry first") };
    assert_eq!(why, format!("cannot reach 127.0.0.1:{port}"));
    let error = all(stream).await.1.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    assert!(
        error.message.contains(&format!("127.0.0.1:{port}")) && !error.message.contains("hunter2"),
        "{}",
        error.message
    );

    let error =
        all(provider("not a url", Some(KEY)).stream(request(), CancellationToken::new())).await.1.unwrap();
    assert!(error.message.contains("ANTHROPIC_BASE_URL"), "{}", error.message);
}

#[tokio::test]
async fn cancel_hangs_up_within_200_ms() {
    let begun = answer_bytes(&[Say::Text("a long answer")]).into_iter().take(900).collect();
    let server = Scripted::start(vec![Reply::Hang(begun)]).await;
    let cancel = CancellationToken::new();
    let mut stream = provider(&server.url(), Some(KEY)).stream(request(), cancel.clone());
    while !matches!(stream.next().await, Some(Ok(ModelEvent::TextDelta(_)))) {}
    let struck = std::time::Instant::now();
    cancel.cancel();
    let (_, error) = all(stream).await;
    assert_eq!(error.unwrap().kind, ModelErrorKind::Cancelled);
    assert!(struck.elapsed() < Duration::from_millis(200), "{:?}", struck.elapsed());
    for _ in 0..200 {
        if server.gone() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the connection stayed open");
}

#[tokio::test]
async fn base_urls_of_gateways_are_taken_as_people_write_them() {
    for suffix in ["", "/", "/v1", "/v1/"] {
        let server = Scripted::start(vec![Reply::Answer(vec![Say::Text("ok")])]).await;
        let base = format!("{}/anthropic{suffix}", server.url());
        let (_, error) = all(provider(&base, Some(KEY)).stream(request(), CancellationToken::new())).await;
        assert_eq!(error, None);
        assert_eq!(server.received()[0].path, "/anthropic/v1/messages");
    }
}

#[test]
fn settings_come_from_the_environment_and_hide_the_key() {
    let models = Arc::new(Models::embedded().clone());
    let plain = Settings::from_env(Arc::clone(&models), |_| Some("  ".into()));
    assert_eq!(plain.base_url.as_str(), "https://api.anthropic.com");
    assert!(matches!(plain.api_key, Key::None));
    assert_eq!(plain.version(), "2026-10-21");
    let own = Settings::from_env(models, |name| {
        Some(if name == "ANTHROPIC_API_KEY" { KEY } else { "http://gw" }.into())
    });
    assert_eq!((own.base_url.as_str(), own.version().as_str()), ("http://gw", "2023-06-01"));
    assert!(!format!("{own:?} {:?}", Anthropic::new(own.clone())).contains(KEY));
}

#[tokio::test]
async fn on_bedrock_requests_are_signed_or_carry_the_token() {
    use crate::wire::sign::Load;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    let endpoint =
        Scripted::start(vec![Reply::Bytes(RECORDED.to_vec()), Reply::Bytes(RECORDED.to_vec())]).await;
    let mut models = Models::parse(&format!(
        "[providers.bedrock-messages]\napi = \"messages\"\nsign = \"bedrock-mantle\"\nbase_url = \"{}/anthropic\"\napi_version = \"2023-06-01\"\nwindow = 1000\nmax_output = 100\n",
        endpoint.url()
    ))
    .unwrap();
    let models = Arc::new(std::mem::take(&mut models));
    let load: Load = Arc::new(|| {
        let credentials = Credentials::new("AKID", "secret", Some("session".to_owned()), None, "test");
        let provider = SharedCredentialsProvider::new(credentials);
        let config = aws_types::SdkConfig::builder().credentials_provider(provider).build();
        Box::pin(async move { Ok(config) })
    });
    for token in [None, Some("abc".to_owned())] {
        let settings = Settings {
            provider: "bedrock-messages".into(),
            base_url: format!("{}/anthropic", endpoint.url()),
            api_key: token.clone().into(),
            api_version: None,
            models: Arc::clone(&models),
        };
        let provider = Anthropic::on_bedrock(settings, Some("eu-west-1".into()), Arc::clone(&load));
        assert_eq!(provider.name(), "bedrock-messages");
        let (events, error) = all(provider.stream(request(), CancellationToken::new())).await;
        assert_eq!((error, events.last()), (None, Some(&ModelEvent::Done(Stop::ToolUse))));
        let received = endpoint.received().pop().unwrap();
        assert_eq!(received.path, "/anthropic/v1/messages");
        let authorization = received.header("authorization").unwrap();
        match token {
            Some(token) => assert_eq!(authorization, format!("Bearer {token}")),
            None => {
                assert!(authorization.contains("/eu-west-1/bedrock-mantle/aws4_request"), "{authorization}");
                assert!(
                    received.header("x-amz-security-token").is_some()
                        && received.header("x-amz-date").is_some()
                );
            }
        }
    }
}

#[tokio::test]
async fn tokens_are_counted_by_the_service() {
    let reply = |body: &str| Reply::Status(200, Vec::new(), body.to_owned());
    let server = Scripted::start(vec![
        reply(r#"{"input_tokens": 2095}"#),
        reply(r#"{"input_tokens": "many"}"#),
        Reply::Status(404, Vec::new(), r#"{"error":{"message":"no such path"}}"#.into()),
        Reply::Close,
    ])
    .await;
    let provider = provider(&server.url(), Some(KEY));
    assert_eq!(provider.count_tokens(request()).await, Ok(Tokens::Exact(2095)));
    let sent = server.received().pop().unwrap();
    assert_eq!(sent.path, "/v1/messages/count_tokens");
    assert_eq!(sent.header("x-api-key"), Some(KEY));
    let mut body = provider.encode(&request()).unwrap();
    for field in ["max_tokens", "stream"] {
        assert!(body.as_object_mut().unwrap().remove(field).is_some());
    }
    assert_eq!(sent.body, body, "the same request, without what is about the answer");
    for _ in 0..3 {
        assert!(provider.count_tokens(request()).await.is_err());
    }
    assert_eq!(server.received().len(), 4, "counting is not repeated");
}
