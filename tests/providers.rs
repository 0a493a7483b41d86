//! One session, every provider: each is asked, calls tools, is told their results, and hands over to the next.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "peers/answers.rs"]
mod answers;
mod common;
#[path = "providers/keys.rs"]
mod keys;
#[path = "providers/network.rs"]
mod network;
#[path = "peers/scripted_anthropic.rs"]
mod scripted;

use common::console::{Begin, Console, StillClock};
use common::python::Program;
use futures::StreamExt as _;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::http;
use quarterdeck_core::command::Command;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::journal::{Fact, Outcome, TurnEnd};
use quarterdeck_core::message::{
    Block, ModelError, ModelErrorKind, ModelEvent, Request, ToolDef, Turn, UserPart,
};
use quarterdeck_core::models::Models;
use quarterdeck_core::scope::Mode;
use quarterdeck_core::settings::Settings;
use quarterdeck_core::tokens::Tokens;
use quarterdeck_demo::Demo;
use quarterdeck_model::{Load, Provider, Several, anthropic, bedrock, chat, responses};
use scripted::{Received, Reply, Say, Scripted, answer_bytes};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const JUDGE: &str = include_str!("emulator/requirements-judge.txt");
const GATEWAY: &str = include_str!("emulator/requirements-gateway.txt");
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// The gateway's own key.
const KEY: &str = "sk-gateway";

/// Name, model, judge's name, format of its answers.
type Kind = (&'static str, &'static str, &'static str, fn(&[Say]) -> Vec<u8>);

const KINDS: [Kind; 5] = [
    ("anthropic", "claude-sonnet-5-5", "messages", answer_bytes),
    ("bedrock", "eu.anthropic.claude-sonnet-5-5", "converse", answers::converse),
    ("openai", "gpt-6.1-sol", "responses", answers::responses),
    ("openai-compatible", "qwen3", "chat", answers::chat),
    ("bedrock-messages", "anthropic.claude-sonnet-5-5", "messages", answer_bytes),
];

fn calls() -> Vec<Say> {
    vec![
        Say::Thinking("What hurts?"),
        Say::Text("Looking at alarms and services."),
        Say::Tool("t_1".into(), "get_active_alarms", json!({})),
        Say::Tool("t_2".into(), "list_ecs_services", json!({ "only_unhealthy": true })),
    ]
}

/// First the calls, then an answer, whatever is asked.
async fn endpoint(format: fn(&[Say]) -> Vec<u8>) -> Scripted {
    Scripted::answering(move |n, _| {
        let blocks = if n == 0 { calls() } else { vec![Say::Text("Checkout is down [#1].")] };
        Reply::Pieces(format(&blocks), 700, std::time::Duration::ZERO)
    })
    .await
}

fn load(endpoint: String) -> Load {
    Arc::new(move || {
        let settings = quarterdeck_aws::Settings {
            regions: vec!["eu-west-1".to_owned()],
            http: Some(http::https()),
            endpoint: Some(endpoint.clone()),
            credentials: Some(("AKIDEXAMPLE".into(), SECRET.into())),
            ..quarterdeck_aws::Settings::default()
        };
        Box::pin(async move {
            let account = Aws::new(settings).account(None).await.map_err(|f| f.to_string())?;
            Ok(account.config.clone())
        })
    })
}

fn provider(name: &str, url: &str) -> Arc<dyn Provider> {
    let models = Arc::new(Models::embedded().clone());
    let key = || Some(KEY.to_owned());
    match name {
        "anthropic" => {
            let mut settings = anthropic::Settings::from_env(models, |_| None);
            (settings.base_url, settings.api_key) = (url.to_owned(), key().into());
            Arc::new(anthropic::Anthropic::new(settings))
        }
        "bedrock" => Arc::new(bedrock::Bedrock::new(name, models, None, load(url.to_owned()))),
        "bedrock-messages" => {
            let mut settings = anthropic::Settings::from_env(models, |_| None);
            (settings.provider, settings.base_url) = (name.to_owned(), url.to_owned());
            let region = Some("eu-west-1".to_owned());
            Arc::new(anthropic::Anthropic::on_bedrock(settings, region, load(url.to_owned())))
        }
        "openai" => Arc::new(responses::Responses::new(name, url, key(), models)),
        _ => Arc::new(chat::Chat::new(name, url, key(), models)),
    }
}

/// A console on the embedded account that asks these endpoints.
async fn console(urls: BTreeMap<&'static str, String>, first: (&'static str, &'static str)) -> Console {
    let clock = StillClock::new();
    let demo = Demo::start("checkout-outage", clock.shared()).unwrap();
    let (id, secret) = demo.credentials();
    let aws = Aws::new(quarterdeck_aws::Settings {
        regions: vec![demo.region().to_owned()],
        http: Some(demo.http_client()),
        credentials: Some((id.to_owned(), secret.to_owned())),
        clock: clock.shared(),
        ..quarterdeck_aws::Settings::default()
    });
    let make = move |name: &str| match urls.get(name) {
        Some(url) => Ok(provider(name, url)),
        None => Err(ModelError { kind: ModelErrorKind::Invalid, message: format!("no {name} here") }),
    };
    let provider = Arc::new(Several::new(first.0, Box::new(make)));
    Console::begin(Begin { aws, provider, model: first.1.into(), mode: Mode::Execute, can_ask: true, clock })
        .await
}

/// What botocore finds wrong with a request's signature.
fn signed(judge: &mut Program, url: &str, request: &Received, secret: &str) -> Value {
    let headers: BTreeMap<&str, &str> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    judge.control(&json!(["signed", {
        "method": request.method, "url": format!("{url}{}", request.path), "headers": headers,
        "body": request.raw, "key": ["AKIDEXAMPLE", secret, Value::Null],
    }]))
}

/// Whether somebody's reasoning is in a request.
fn reasons(body: &Value) -> bool {
    let text = body.to_string();
    ["\"thinking\":\"What hurts?\"", "reasoningContent\":{", "encrypted_content\":\"Z0FB"]
        .iter()
        .any(|mark| text.contains(mark))
}

#[tokio::test]
async fn a_session_goes_through_every_provider() {
    let mut judge = Program::start("judge.py", JUDGE);
    let mut servers = BTreeMap::new();
    for (name, _, _, format) in KINDS {
        servers.insert(name, endpoint(format).await);
    }
    let urls = servers.iter().map(|(name, server)| (*name, server.url())).collect();
    let mut console = console(urls, (KINDS[0].0, KINDS[0].1)).await;
    for (n, (name, model, kind, _)) in KINDS.into_iter().enumerate() {
        console
            .send(Command::Set(Settings {
                provider: name.into(),
                model: model.into(),
                ..Settings::default()
            }))
            .await;
        console.ask("what is wrong?").await;
        console.turn_over().await;
        let ended = console.facts().filter_map(|f| match f {
            Fact::TurnEnded { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        assert_eq!(ended.last(), Some(TurnEnd::Answered), "{name}: {}", console.story());
        let received = servers[name].received();
        assert_eq!(received.len(), 2, "{name}: the calls and the answer");
        for request in &received {
            let wrong = judge.control(&json!(["judge", kind, request.body]));
            assert_eq!(wrong, json!([]), "{name}: {}", request.body);
            if name.starts_with("bedrock") {
                assert_eq!(signed(&mut judge, &servers[name].url(), request, SECRET), json!([]), "{name}");
                let wrong = signed(&mut judge, &servers[name].url(), request, "another secret");
                assert_ne!(wrong, json!([]), "a judge that finds nothing wrong with this judges nothing");
            }
        }
        let (first, second) = (&received[0].body, &received[1].body);
        assert!(!reasons(first), "{name} was sent somebody else's reasoning: {first}");
        assert_eq!(reasons(second), kind != "chat", "{name} gets its own back: {second}");
        // What tools found stays in the conversation, whoever asked for it.
        let told = |body: &Value| [&body["messages"], &body["input"]].map(Value::to_string).concat();
        let results = told(first).matches("checkout-api").count();
        assert_eq!(results > 0, n > 0, "{name}: {first}");
        assert!(told(second).contains("checkout-api"), "{name}: {second}");
    }
    let answers = console.count(|f| {
        matches!(f, Fact::ModelResponded { blocks, .. } if blocks.iter().any(|b| matches!(b, Block::Text { text } if text.contains("Checkout is down"))))
    });
    assert_eq!(answers, KINDS.len());
    console.end().await;
}

#[tokio::test]
async fn a_provider_that_cannot_be_made_is_an_error_and_the_session_goes_on() {
    let server = endpoint(answer_bytes).await;
    let mut console =
        console(BTreeMap::from([("anthropic", server.url())]), ("anthropic", "claude-sonnet-5-5")).await;
    console
        .send(Command::Set(Settings { provider: "nobody".into(), model: "x".into(), ..Settings::default() }))
        .await;
    console.ask("why?").await;
    console.turn_over().await;
    assert_eq!(
        console.count(|f| matches!(f, Fact::ModelFailed { error, .. } if error.message == "no nobody here")),
        1
    );
    console
        .send(Command::Set(Settings {
            provider: "anthropic".into(),
            model: "claude-sonnet-5-5".into(),
            ..Settings::default()
        }))
        .await;
    console.ask("why?").await;
    console.turn_over().await;
    assert_eq!(server.received().len(), 2, "{}", console.story());
    console.end().await;
}

/// Bedrock on a bad day: throttled, frames torn apart, and an answer that breaks off.
#[tokio::test]
async fn bedrock_is_asked_again_while_nothing_was_shown_and_keeps_what_was() {
    let server = Scripted::answering(|n, _| {
        let throttled = vec![("x-amzn-errortype", "ThrottlingException".to_owned())];
        match n {
            0 => Reply::Status(429, throttled, r#"{"message":"Too many requests, slow down"}"#.into()),
            1 => Reply::Pieces(answers::converse(&calls()), 3, std::time::Duration::ZERO),
            2 => Reply::Pieces(answers::converse(&[Say::Text("Checkout is down [#1].")]), 1, std::time::Duration::ZERO),
            3 => Reply::Bytes(answers::exception(&[Say::Text("It began at")], "modelStreamErrorException", "the model fell over")),
            _ => Reply::Status(403, vec![("x-amzn-errortype", "AccessDeniedException".to_owned())],
                json!({ "message": "User: arn:aws:sts::123456789012:assumed-role/oncall/sam is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:eu-west-1::foundation-model/x with an explicit deny in an identity-based policy" }).to_string()),
        }
    })
    .await;
    let (name, model, ..) = KINDS[1];
    let mut console = console(BTreeMap::from([(name, server.url())]), (name, model)).await;
    console.ask("what is wrong?").await;
    console.turn_over().await;
    assert_eq!(server.received().len(), 3, "{}", console.story());
    let answered = console.facts().filter_map(|f| match f {
        Fact::ModelResponded { blocks, usage, .. } => Some((blocks.clone(), *usage)),
        _ => None,
    });
    let (blocks, usage) = answered.last().unwrap();
    assert_eq!(blocks, [Block::Text { text: "Checkout is down [#1].".into() }]);
    assert_eq!((usage.input, usage.output), (10, 25));
    console.ask("since when?").await;
    console.turn_over().await;
    console.ask("and now?").await;
    console.turn_over().await;
    let failures: Vec<_> = console
        .facts()
        .filter_map(|f| match f {
            Fact::ModelFailed { partial, error, .. } => Some((partial.clone(), error.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(failures.len(), 2, "{}", console.story());
    assert_eq!(failures[0].0, [Block::Text { text: "It began at".into() }], "what came is kept");
    assert!(failures[0].1.message.contains("the model fell over"), "{}", failures[0].1);
    assert!(failures[1].1.kind == ModelErrorKind::Credentials, "{}", failures[1].1);
    assert!(failures[1].1.message.contains("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"), "{}", failures[1].1);
    assert_eq!(server.received().len(), 5, "neither is asked again");
    console.end().await;
}

/// A request is counted by the service itself, where it can, from the body it would be asked with.
#[tokio::test]
async fn requests_are_counted_as_their_vendors_count() {
    let mut judge = Program::start("judge.py", JUDGE);
    for (name, model, kind, _) in KINDS {
        let server = Scripted::answering(|_, _| {
            Reply::Status(200, Vec::new(), json!({ "input_tokens": 123, "inputTokens": 123 }).to_string())
        })
        .await;
        let schema = json!({ "type": "object", "properties": {} });
        let tool = ToolDef { name: "get_active_alarms".into(), description: "Alarms.".into(), schema };
        let request = Request { provider: name.into(), model: model.into(), tools: [tool].into(), ..asked() };
        let counted = provider(name, &server.url()).count_tokens(request).await.unwrap();
        if kind == "chat" {
            assert!(matches!(counted, Tokens::Estimate(_)) && server.received().is_empty(), "{name}");
            continue;
        }
        assert_eq!(counted, Tokens::Exact(123), "{name}");
        let received = server.received().remove(0);
        let ending = ["/v1/messages/count_tokens", "/v1/responses/input_tokens", "/count-tokens"];
        assert!(ending.iter().any(|end| received.path.ends_with(end)), "{}", received.path);
        let kind = format!("{kind}-count");
        assert_eq!(
            judge.control(&json!(["judge", kind, received.body])),
            json!([]),
            "{name}: {}",
            received.body
        );
        assert_ne!(judge.control(&json!(["judge", kind, { "input": 7, "nothing": 1 }])), json!([]), "{kind}");
    }
}

fn asked() -> Request {
    Request {
        turn: TurnId(1),
        iteration: 1,
        provider: "openai-compatible".into(),
        model: "claude-sonnet-5-5".into(),
        effort: Some("low".into()),
        system: "Be right.".into(),
        tools: [].into(),
        turns: vec![Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] }].into(),
        max_tokens: 500,
    }
}

/// What the last results in a request of Anthropic's say, in a model's words: the figures must survive everything between.
fn cited(body: &Value) -> String {
    let last = body["messages"].as_array().and_then(|m| m.last()).map(|m| m["content"].clone());
    let said = |block: &Value| match &block["content"] {
        Value::String(text) => text.clone(),
        parts => parts[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    let blocks = last.as_ref().and_then(Value::as_array).into_iter().flatten();
    let results = blocks.filter(|block| block["type"] == "tool_result").map(said);
    let summary = |text: String| {
        let (link, json) = text.split_once(' ').unwrap_or_default();
        let result: Value = serde_json::from_str(json).unwrap_or_default();
        format!("{} {link}", result["summary"].as_str().unwrap_or("nothing"))
    };
    results.map(summary).collect::<Vec<_>>().join("; ")
}

/// A gateway of somebody else's between the console and an endpoint that speaks Anthropic's API: what we send must mean
/// to it what we mean.
#[tokio::test]
async fn through_a_gateway_of_somebody_elses() {
    let server = Scripted::answering(|n, body| {
        // Other calls each time: what is known already is not read again.
        let tools = [
            ["get_active_alarms", "list_ecs_services"],
            ["list_ec2_instances", "list_rds_instances"],
            ["list_lambda_functions", "list_s3_buckets"],
        ];
        let call = |tool: &'static str| Say::Tool(format!("t_{n}_{tool}"), tool, json!({}));
        let [one, two] = tools[n / 2 % 3].map(call);
        let blocks = match n % 2 {
            0 => vec![Say::Thinking("What hurts?"), Say::Text("Looking."), one, two],
            _ => vec![Say::Text(cited(body).leak())],
        };
        Reply::Bytes(answer_bytes(&blocks))
    })
    .await;
    let url = server.url();
    let gateway = tokio::task::spawn_blocking(move || Program::start_with("gateway.py", GATEWAY, &[&url]))
        .await
        .unwrap();
    let names = ["anthropic", "openai-compatible", "openai"];
    let urls = names.map(|name| (name, gateway.endpoint.clone()));
    let mut console = console(urls.into_iter().collect(), ("anthropic", "claude-sonnet-5-5")).await;
    for (n, name) in names.into_iter().enumerate() {
        console
            .send(Command::Set(Settings {
                provider: name.into(),
                model: "claude-sonnet-5-5".into(),
                ..Settings::default()
            }))
            .await;
        console.ask("what is wrong?").await;
        console.turn_over().await;
        let received = server.received();
        assert_eq!(received.len(), 2 * (n + 1), "{name}: {}", console.story());
        let last = &received.last().unwrap().body;
        let messages = last["messages"].as_array().unwrap();
        let blocks = || messages.iter().flat_map(|m| m["content"].as_array().into_iter().flatten());
        let results: Vec<&Value> = blocks().filter(|block| block["type"] == "tool_result").collect();
        assert_eq!(results.len(), 2 * (n + 1), "{name}: every call of the session has its result: {last}");
        let calls = blocks().filter(|block| block["type"] == "tool_use");
        let pairs = calls.map(|c| &c["id"]).zip(results.iter().map(|r| &r["tool_use_id"]));
        assert!(pairs.into_iter().all(|(call, result)| call == result), "{name}: in order: {last}");
        assert!(last["tools"].as_array().unwrap().len() > 20, "{name}");
        // What the tools found is what the model was told, and what it says comes back.
        let found: Vec<String> = console
            .facts()
            .filter_map(|f| match f {
                Fact::ToolFinished { outcome: Outcome::Ok { projection, .. }, .. } => {
                    Some(projection.summary.clone())
                }
                _ => None,
            })
            .collect();
        let answer = console.facts().filter_map(|f| match f {
            Fact::ModelResponded { blocks, .. } => match blocks.last() {
                Some(Block::Text { text }) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        });
        let answer = answer.last().unwrap_or_default();
        for summary in found.iter().rev().take(2) {
            assert!(
                answer.contains(summary.as_str()),
                "{name}: {summary:?} is not in {answer:?}\n{}",
                console.story()
            );
        }
        if name == "anthropic" {
            assert!(reasons(last), "its thinking comes back through the gateway: {last}");
        }
    }
    console.end().await;
    // The gateway tells an Anthropic model's thinking in Chat's own field.
    let request = Request { effort: None, ..asked() };
    let chat = provider("openai-compatible", &gateway.endpoint);
    let events: Vec<_> = chat.stream(request, CancellationToken::new()).collect().await;
    let thought: String = events
        .iter()
        .filter_map(|e| if let Ok(ModelEvent::ReasoningDelta(text)) = e { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(thought, "What hurts?", "{events:?}");
    assert!(events.iter().any(|e| matches!(e, Ok(ModelEvent::Usage(u)) if u.output == 25)), "{events:?}");
}
