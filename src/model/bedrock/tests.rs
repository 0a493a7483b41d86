//! Answers on the AWS event-stream codec, cut anywhere, through the SDK's own client.
#![allow(clippy::needless_pass_by_value)]

use super::{Bedrock, Load};
use crate::provider::Provider as _;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, stream};
use http_body_util::StreamBody;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, ToolDef, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// One reply: a status and the pieces of its body; `None` hangs.
type Reply = (u16, Vec<Option<Vec<u8>>>);

/// A connector that replies in order and remembers requests.
#[derive(Clone, Debug, Default)]
struct Canned {
    replies: Arc<Mutex<Vec<Reply>>>,
    seen: Arc<Mutex<Vec<(String, String, Value)>>>,
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let signed = request.headers().get("authorization").unwrap_or_default().to_owned();
        self.seen.lock().unwrap().push((request.uri().to_owned(), signed, body));
        let (status, pieces) = self.replies.lock().unwrap().remove(0);
        let pieces = stream::iter(pieces).then(|piece| async move {
            match piece {
                Some(piece) => Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(piece))),
                None => futures::future::pending().await,
            }
        });
        let body = SdkBody::from_body_1_x(StreamBody::new(pieces));
        let mut response = HttpResponse::new(status.try_into().unwrap(), body);
        let kind = match status {
            400 => "ValidationException",
            403 => "AccessDeniedException",
            _ => "ThrottlingException",
        };
        if status != 200 {
            response.headers_mut().insert("x-amzn-errortype", kind);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn bedrock(canned: &Canned) -> Bedrock {
    with(canned, Models::embedded().clone())
}

fn with(canned: &Canned, models: Models) -> Bedrock {
    let connector = SharedHttpConnector::new(canned.clone());
    let config = SdkConfig::builder()
        .behavior_version(aws_sdk_bedrockruntime::config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKID", "secret", None, None, "test",
        )))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let load: Load = Arc::new(move || {
        let config = config.clone();
        async move { Ok(config) }.boxed()
    });
    Bedrock::new("bedrock", Arc::new(models), None, load)
}

fn frame(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_string())
        .add_header(Header::new(":message-type", text(kind)))
        .add_header(Header::new(if kind == "event" { ":event-type" } else { ":exception-type" }, text(name)))
        .add_header(Header::new(":content-type", text("application/json")));
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}

fn event(name: &str, payload: Value) -> Vec<u8> {
    frame("event", name, &payload)
}

fn delta(index: u32, delta: Value) -> Vec<u8> {
    event("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta }))
}

fn stop(index: u32) -> Vec<u8> {
    event("contentBlockStop", json!({ "contentBlockIndex": index }))
}

/// Reasoning, text, two calls whose pieces interleave, one with arguments that are not JSON, usage after the end.
fn answer() -> Vec<Vec<u8>> {
    let tool = |index: u32, id: &str, name: &str| {
        event(
            "contentBlockStart",
            json!({ "contentBlockIndex": index, "start": { "toolUse": { "toolUseId": id, "name": name } } }),
        )
    };
    let input = |index: u32, text: &str| delta(index, json!({ "toolUse": { "input": text } }));
    vec![
        event("messageStart", json!({ "role": "assistant" })),
        delta(0, json!({ "reasoningContent": { "text": "déjà vu 🧯" } })),
        delta(0, json!({ "reasoningContent": { "signature": "c2ln" } })),
        stop(0),
        delta(1, json!({ "text": "Zwölf Tasks 👩‍🚀 " })),
        delta(1, json!({ "text": "stopped." })),
        stop(1),
        tool(2, "t_a", "get_ecs_stopped_tasks"),
        tool(3, "t_b", "get_active_alarms"),
        input(2, "{\"cluster\": \"pr"),
        input(3, "{\"state\": "),
        input(2, "öd\"}"),
        stop(2),
        stop(3),
        event("somethingNew", json!({ "x": 1 })),
        event("messageStop", json!({ "stopReason": "tool_use" })),
        event(
            "metadata",
            json!({ "usage": { "inputTokens": 5, "outputTokens": 7, "totalTokens": 15, "cacheReadInputTokens": 3 }, "metrics": { "latencyMs": 1 } }),
        ),
    ]
}

fn decoded() -> Vec<ModelEvent> {
    let start = |name: &str| ModelEvent::ToolCallStart { name: name.into() };
    let input = |text: &str| ModelEvent::ToolInputDelta(text.into());
    let raw =
        json!({ "reasoningContent": { "reasoningText": { "text": "déjà vu 🧯", "signature": "c2ln" } } });
    let call = |id: &str, name: &str, input| {
        ModelEvent::BlockDone(Block::ToolCall { id: id.into(), name: name.into(), input })
    };
    vec![
        ModelEvent::Started,
        ModelEvent::ReasoningDelta("déjà vu 🧯".into()),
        ModelEvent::BlockDone(Block::Reasoning {
            provider: "bedrock".into(),
            model: "a.model-v1:0".into(),
            raw,
        }),
        ModelEvent::TextDelta("Zwölf Tasks 👩‍🚀 ".into()),
        ModelEvent::TextDelta("stopped.".into()),
        ModelEvent::BlockDone(Block::Text { text: "Zwölf Tasks 👩‍🚀 stopped.".into() }),
        start("get_ecs_stopped_tasks"),
        start("get_active_alarms"),
        input("{\"cluster\": \"pr"),
        input("{\"state\": "),
        input("öd\"}"),
        call("t_a", "get_ecs_stopped_tasks", Input::Json(json!({ "cluster": "pröd" }))),
        call("t_b", "get_active_alarms", Input::Garbage("{\"state\": ".into())),
        ModelEvent::Usage(Usage { input: 5, output: 7, cache_read: 3, cache_write: 0 }),
        ModelEvent::Done(Stop::ToolUse),
    ]
}

fn request() -> Request {
    let schema = json!({ "type": "object", "properties": {} });
    Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "bedrock".into(),
        model: "a.model-v1:0".into(),
        effort: None,
        system: "Be right.".into(),
        tools: [ToolDef { name: "get_active_alarms".into(), description: "Alarms.".into(), schema }].into(),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] }].into(),
        max_tokens: 100,
    }
}

async fn ask(replies: Vec<Reply>) -> (Vec<ModelEvent>, Option<ModelError>, Canned) {
    let canned = Canned::default();
    let (events, error) = again(&bedrock(&canned), &canned, replies).await;
    (events, error, canned)
}

/// One more question to the same client.
async fn again(
    bedrock: &Bedrock,
    canned: &Canned,
    replies: Vec<Reply>,
) -> (Vec<ModelEvent>, Option<ModelError>) {
    *canned.replies.lock().unwrap() = replies;
    let mut events = Vec::new();
    let mut stream = bedrock.stream(request(), CancellationToken::new());
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

fn whole(bytes: Vec<u8>) -> Vec<Reply> {
    vec![(200, vec![Some(bytes)])]
}

#[tokio::test]
async fn what_is_encoded_is_what_is_sent_signed() {
    let (events, error, canned) = ask(whole(answer().concat())).await;
    assert_eq!((events, error), (decoded(), None));
    let (uri, signed, body) = canned.seen.lock().unwrap().remove(0);
    assert_eq!(
        uri,
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a.model-v1%3A0/converse-stream"
    );
    assert!(signed.contains("/eu-central-1/bedrock/aws4_request"), "{signed}");
    assert_eq!(body, bedrock(&canned).encode(&request()).unwrap());
}

#[tokio::test]
async fn cut_at_every_byte_the_events_are_the_same() {
    let bytes = answer().concat();
    let canned = Canned::default();
    let bedrock = bedrock(&canned);
    for cut in 0..=bytes.len() {
        let (a, b) = bytes.split_at(cut);
        let replies = vec![(200, vec![Some(a.to_vec()), Some(b.to_vec())])];
        let (events, error) = again(&bedrock, &canned, replies).await;
        assert_eq!((events, error), (decoded(), None), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_end_keeps_what_came_and_is_an_error() {
    let frames = answer();
    for kept in 2..frames.len() - 2 {
        let bytes = frames[..kept].concat();
        let (events, error, _) = ask(whole(bytes)).await;
        assert_eq!(error.unwrap().kind, ModelErrorKind::Truncated, "{kept} frames");
        assert_eq!(events, decoded()[..events.len()], "{kept} frames");
    }
    // Without usage an answer is still whole: the model said why it stopped.
    let (events, error, _) = ask(whole(frames[..frames.len() - 1].concat())).await;
    assert_eq!((events.last(), error), (Some(&ModelEvent::Done(Stop::ToolUse)), None));
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_short_at_any_byte_is_an_error() {
    let frames = answer();
    // Up to the end of messageStop: what follows is only the usage.
    let bytes = frames[..frames.len() - 1].concat();
    let canned = Canned::default();
    let bedrock = bedrock(&canned);
    for cut in 0..bytes.len() - frames[frames.len() - 2].len() {
        let reply = (200, vec![Some(bytes[..cut].to_vec())]);
        let (events, error) = again(&bedrock, &canned, vec![reply; 4]).await;
        let kept: Vec<_> = events.into_iter().filter(|e| !matches!(e, ModelEvent::Retrying { .. })).collect();
        assert_eq!(error.unwrap().kind, ModelErrorKind::Truncated, "cut at {cut}");
        let begun = |e: &&ModelEvent| !matches!(e, ModelEvent::Started);
        let (told, whole) = (kept.iter().filter(begun), decoded());
        assert!(whole.iter().filter(begun).zip(told.clone()).all(|(a, b)| a == b), "cut at {cut}");
        assert!(told.count() < whole.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_byte_is_never_taken_for_an_answer() {
    let bytes = answer().concat();
    let canned = Canned::default();
    let bedrock = bedrock(&canned);
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        let reply = (200, vec![Some(damaged)]);
        let (events, error) = again(&bedrock, &canned, vec![reply; 4]).await;
        assert!(error.is_some(), "byte {at}");
        assert!(!events.iter().any(|e| matches!(e, ModelEvent::Done(_))), "byte {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_exception_in_the_middle_ends_it_with_its_kind() {
    for (name, kind) in [
        ("modelStreamErrorException", ModelErrorKind::Unavailable),
        ("internalServerException", ModelErrorKind::Unavailable),
        ("throttlingException", ModelErrorKind::Overloaded),
        ("serviceUnavailableException", ModelErrorKind::Overloaded),
        ("validationException", ModelErrorKind::Invalid),
        ("somethingNewException", ModelErrorKind::Unavailable),
    ] {
        let mut frames = answer()[..6].to_vec();
        frames.push(frame("exception", name, &json!({ "message": "boom" })));
        let (events, error, canned) = ask(whole(frames.concat())).await;
        let error = error.unwrap();
        assert_eq!(error.kind, kind, "{name}: {error}");
        assert!(error.message.contains("boom") || name == "serviceUnavailableException", "{name}: {error}");
        assert_eq!(events.len(), 5, "what was shown stays");
        assert_eq!(canned.seen.lock().unwrap().len(), 1, "and is not asked for again");
    }
    let told =
        json!({ "message": "outer", "originalStatusCode": 503, "originalMessage": "the model fell over" });
    let (_, error, _) =
        ask(whole([answer()[..6].concat(), frame("exception", "modelStreamErrorException", &told)].concat()))
            .await;
    assert!(error.unwrap().message.contains("the model fell over"));
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_anything_is_shown_is_repeated() {
    let busy = (429, vec![Some(b"{\"message\":\"Too many requests\"}".to_vec())]);
    let early = frame("exception", "throttlingException", &json!({ "message": "slow down" }));
    let replies = vec![busy, (200, vec![Some(early)]), (200, vec![Some(answer().concat())])];
    let (events, error, canned) = ask(replies).await;
    assert_eq!(error, None);
    let retries =
        events.iter().filter(|e| matches!(e, ModelEvent::Retrying { why, .. } if why == "rate limited"));
    assert_eq!((retries.count(), canned.seen.lock().unwrap().len()), (2, 3));
}

#[tokio::test]
async fn an_answer_is_over_with_its_usage_even_when_the_connection_stays_open() {
    let (events, error, _) = ask(vec![(200, vec![Some(answer().concat()), None])]).await;
    assert_eq!((events, error), (decoded(), None));
}

#[tokio::test]
async fn reasoning_goes_back_byte_for_byte() {
    let secret = [0_u8, 255, 128, 7, 10];
    let (one, two) = secret.split_at(2);
    let redacted = |bytes: &[u8]| json!({ "reasoningContent": { "redactedContent": aws_smithy_types::base64::encode(bytes) } });
    let frames = [
        event("messageStart", json!({ "role": "assistant" })),
        delta(0, json!({ "reasoningContent": { "text": " a\n" } })),
        delta(0, json!({ "reasoningContent": { "text": "\u{1f914} " } })),
        delta(0, json!({ "reasoningContent": { "signature": "c2lnbmVk==" } })),
        stop(0),
        delta(1, redacted(one)),
        delta(1, redacted(two)),
        stop(1),
        delta(2, json!({ "text": "So." })),
        stop(2),
        event("messageStop", json!({ "stopReason": "end_turn" })),
    ];
    let (events, error, canned) = ask(whole(frames.concat())).await;
    assert_eq!((error, events.last()), (None, Some(&ModelEvent::Done(Stop::EndTurn))));
    let blocks: Vec<Block> = events
        .into_iter()
        .filter_map(|e| if let ModelEvent::BlockDone(block) = e { Some(block) } else { None })
        .collect();
    let mut next = request();
    let again = Turn::User { parts: vec![UserPart::Text { text: "and?".into() }] };
    next.turns.push(Turn::Assistant { blocks });
    next.turns.push(again);
    let body = bedrock(&canned).encode(&next).unwrap();
    let content = &body["messages"][1]["content"];
    assert_eq!(
        content[0],
        json!({ "reasoningContent": { "reasoningText": { "text": " a\n\u{1f914} ", "signature": "c2lnbmVk==" } } })
    );
    assert_eq!(content[1], redacted(&secret));
}

#[tokio::test]
async fn a_guardrail_that_steps_in_says_so_in_its_own_words() {
    let models = Models::embedded()
        .clone()
        .extended("[providers.bedrock]\napi = \"converse\"\nwindow = 1000\nmax_output = 100\nguardrail = { id = \"gr-1\", version = \"2\" }\n")
        .unwrap();
    let frames = [
        event("messageStart", json!({ "role": "assistant" })),
        delta(0, json!({ "text": "This is not for me to say." })),
        stop(0),
        event("messageStop", json!({ "stopReason": "guardrail_intervened" })),
        event(
            "metadata",
            json!({ "usage": { "inputTokens": 1, "outputTokens": 0, "totalTokens": 1 }, "metrics": { "latencyMs": 1 },
                "trace": { "guardrail": { "actionReason": "blocked" } } }),
        ),
    ];
    let canned = Canned { replies: Arc::new(Mutex::new(whole(frames.concat()))), ..Canned::default() };
    let events: Vec<_> = with(&canned, models).stream(request(), CancellationToken::new()).collect().await;
    let text = Block::Text { text: "This is not for me to say.".into() };
    assert!(events.contains(&Ok(ModelEvent::BlockDone(text))));
    assert_eq!(events.last(), Some(&Ok(ModelEvent::Done(Stop::Refusal))));
    let (_, _, body) = canned.seen.lock().unwrap().remove(0);
    assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "gr-1");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_after_five_minutes_and_not_before() {
    let begun = tokio::time::Instant::now();
    let (events, error, _) = ask(vec![(200, vec![Some(answer()[..4].concat()), None])]).await;
    assert_eq!(begun.elapsed().as_secs(), 300);
    assert!(error.unwrap().message.contains("silent for 300 s"));
    assert_eq!(events.len(), 3, "what was shown stays");
}

#[tokio::test]
async fn reaching_it_costs_nothing_and_says_what_was_not_tried() {
    let said = |text: &str| vec![Some(json!({ "message": text }).to_string().into_bytes())];
    let explicit = "User: x is not authorized to perform: bedrock:InvokeModel on resource: y with an explicit deny in an identity-based policy";
    let canned = Canned {
        replies: Arc::new(Mutex::new(vec![
            (400, said("A conversation must start with a user message.")),
            (403, said(explicit)),
        ])),
        ..Canned::default()
    };
    let found = bedrock(&canned).reach().await.unwrap();
    assert!(found.contains("eu-central-1") && found.contains("was not tried"), "{found}");
    let (uri, _, body) = canned.seen.lock().unwrap().remove(0);
    assert!(uri.ends_with("/converse"), "{uri}");
    assert!(body.get("messages").is_none(), "nothing is asked: {body}");
    let denied = bedrock(&canned).reach().await.unwrap_err();
    assert!(
        denied.kind == ModelErrorKind::Credentials && denied.message.contains("aws:SourceVpc"),
        "{denied}"
    );
}

#[tokio::test]
async fn cancelling_takes_no_time_and_silence_is_told() {
    let hang = || vec![(200, vec![Some(answer()[0].clone()), None])];
    let canned = Canned { replies: Arc::new(Mutex::new(hang())), ..Canned::default() };
    let cancel = CancellationToken::new();
    let mut stream = bedrock(&canned).stream(request(), cancel.clone());
    assert_eq!(stream.next().await.unwrap().unwrap(), ModelEvent::Started);
    cancel.cancel();
    let next = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert_eq!(next.unwrap().unwrap().unwrap_err().kind, ModelErrorKind::Cancelled);
}

#[tokio::test]
async fn missing_credentials_are_told_as_such() {
    let load: Load = Arc::new(|| async { Err("no AWS credentials: aws sso login".to_owned()) }.boxed());
    let bedrock = Bedrock::new("bedrock", Arc::new(Models::embedded().clone()), None, load);
    let mut stream = bedrock.stream(request(), CancellationToken::new());
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.kind == ModelErrorKind::Credentials && error.message.contains("aws sso login"), "{error}");
}

#[tokio::test]
async fn tokens_are_counted_by_the_service() {
    let replies = vec![
        (200, vec![Some(br#"{"inputTokens": 321}"#.to_vec())]),
        (429, vec![Some(b"{\"message\":\"Too many requests\"}".to_vec())]),
    ];
    let canned = Canned { replies: Arc::new(Mutex::new(replies)), ..Canned::default() };
    let bedrock = bedrock(&canned);
    assert_eq!(bedrock.count_tokens(request()).await, Ok(Tokens::Exact(321)));
    let (uri, signed, body) = canned.seen.lock().unwrap().remove(0);
    assert_eq!(uri, "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a.model-v1%3A0/count-tokens");
    assert!(signed.contains("/eu-central-1/bedrock/aws4_request"), "{signed}");
    let mut whole = bedrock.encode(&request()).unwrap();
    whole.as_object_mut().unwrap().remove("inferenceConfig").unwrap();
    assert_eq!(body, json!({ "input": { "converse": whole } }));
    let error = bedrock.count_tokens(request()).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Overloaded);
    assert_eq!(canned.seen.lock().unwrap().len(), 1, "counting is not repeated");
}
