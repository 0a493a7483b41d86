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
#[path = "peers/scripted_anthropic.rs"]
mod scripted;

use common::console::{Begin, Console, StillClock};
use common::python::Program;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::http;
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, TurnEnd};
use quarterdeck_core::message::{Block, ModelError, ModelErrorKind};
use quarterdeck_core::models::Models;
use quarterdeck_core::scope::Mode;
use quarterdeck_core::settings::Settings;
use quarterdeck_demo::Demo;
use quarterdeck_model::{Load, Provider, Several, anthropic, bedrock, chat, responses};
use scripted::{Reply, Say, Scripted, answer_bytes};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const JUDGE: &str = include_str!("emulator/requirements-judge.txt");
const GATEWAY: &str = include_str!("emulator/requirements-gateway.txt");
/// The gateway's own key.
const KEY: &str = "sk-gateway";

/// Name, model, judge's name, format of its answers.
type Kind = (&'static str, &'static str, &'static str, fn(&[Say]) -> Vec<u8>);

const KINDS: [Kind; 5] = [
    ("anthropic", "claude-sonnet-5-5", "messages", answer_bytes),
    ("bedrock", "eu.anthropic.claude-sonnet-5-5", "converse", answers::converse),
    ("openai", "gpt-5.1", "responses", answers::responses),
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
            credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
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

/// A gateway of somebody else's between the console and an endpoint that speaks Anthropic's API: what we send must mean
/// to it what we mean.
#[tokio::test]
async fn through_a_gateway_of_somebody_elses() {
    let server = Scripted::answering(|n, _| {
        let blocks = if n % 2 == 0 { calls() } else { vec![Say::Text("Checkout is down [#1].")] };
        Reply::Bytes(answer_bytes(&blocks))
    })
    .await;
    let url = server.url();
    let gateway = tokio::task::spawn_blocking(move || Program::start_with("gateway.py", GATEWAY, &[&url]))
        .await
        .unwrap();
    let urls = ["anthropic", "openai-compatible"].map(|name| (name, gateway.endpoint.clone()));
    let mut console = console(urls.into_iter().collect(), ("anthropic", "claude-sonnet-5-5")).await;
    for (n, name) in ["anthropic", "openai-compatible"].into_iter().enumerate() {
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
        let results: Vec<&Value> = messages
            .iter()
            .flat_map(|m| m["content"].as_array().into_iter().flatten())
            .filter(|block| block["type"] == "tool_result")
            .collect();
        assert_eq!(results.len(), 2 * (n + 1), "{name}: every call of the session has its result: {last}");
        assert!(results.iter().all(|r| !r["content"].to_string().is_empty()), "{last}");
        assert!(last["tools"].as_array().unwrap().len() > 20, "{name}");
        let answered = console.count(|f| {
            matches!(f, Fact::ModelResponded { blocks, .. } if blocks.iter().any(|b| matches!(b, Block::Text { text } if text == "Checkout is down [#1].")))
        });
        assert_eq!(answered, n + 1, "{name}: {}", console.story());
    }
    console.end().await;
}
