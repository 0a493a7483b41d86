//! A sweep of ten tools in two rounds: what the model is sent of it stays small in a small account and bounded in a large
//! one.

use crate::common::console::{Begin, Console, StillClock};
use crate::drills::account;
use futures::StreamExt as _;
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, Outcome};
use quarterdeck_core::message::{Block, Input, ModelError, ModelEvent, Request, Stop, Turn, UserPart};
use quarterdeck_core::scope::Mode;
use quarterdeck_demo::Drill;
use quarterdeck_model::{EventStream, Provider};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Calls two rounds of tools and remembers what it was told in the last request.
#[derive(Default)]
struct Sweeper {
    results: Mutex<Vec<(String, String)>>,
}

fn round(iteration: u32) -> Vec<(&'static str, Value)> {
    match iteration {
        1 => vec![
            ("get_active_alarms", json!({ "regions": ["all"] })),
            ("list_ecs_services", json!({ "only_unhealthy": true })),
            ("list_ec2_instances", json!({ "regions": ["all"] })),
            ("get_target_health", json!({ "only_unhealthy": true })),
            ("list_rds_instances", json!({})),
        ],
        2 => vec![
            ("get_ecs_stopped_tasks", json!({})),
            ("get_recent_changes", json!({ "since": "30m" })),
            ("list_lambda_functions", json!({})),
            ("audit_security_groups", json!({})),
            ("check_iam_key_age", json!({})),
        ],
        _ => Vec::new(),
    }
}

impl Provider for Sweeper {
    fn name(&self) -> &str {
        "scripted"
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(json!({ "turns": request.turns }))
    }

    fn stream(&self, request: Request, _: CancellationToken) -> EventStream {
        let parts = request.turns.iter().flat_map(|turn| match turn {
            Turn::User { parts } => parts.clone(),
            Turn::Assistant { .. } => Vec::new(),
        });
        *self.results.lock().unwrap() = parts
            .filter_map(|part| match part {
                UserPart::ToolResult { name, content, .. } => Some((name, content)),
                UserPart::Text { .. } => None,
            })
            .collect();
        let calls = round(request.iteration);
        let stop = if calls.is_empty() { Stop::EndTurn } else { Stop::ToolUse };
        let call = |(n, (name, args)): (usize, (&str, Value))| {
            let id = format!("t_{}_{n}", request.iteration);
            ModelEvent::BlockDone(Block::ToolCall { id, name: name.to_owned(), input: Input::Json(args) })
        };
        let mut events = vec![ModelEvent::BlockDone(Block::Text { text: "I look.".into() })];
        events.extend(calls.into_iter().enumerate().map(call));
        events.push(ModelEvent::Done(stop));
        futures::stream::iter(events.into_iter().map(Ok)).boxed()
    }
}

/// The results as the model is told them in the last request of the sweep, with the tools' names.
async fn sweep(drill: Drill) -> Vec<(String, String)> {
    let clock = StillClock::new();
    let (_demo, aws) = account(drill, &clock);
    let provider = Arc::new(Sweeper::default());
    let asked: Arc<dyn Provider> = provider.clone();
    let begin = Begin { aws, provider: asked, model: "m".into(), mode: Mode::Execute, can_ask: false, clock };
    let mut console = Console::begin(begin).await;
    console.send(Command::Ask("what is wrong?".into())).await;
    console.turn_over().await;
    let answered = |f: &Fact| matches!(f, Fact::ToolFinished { outcome: Outcome::Ok { .. }, .. });
    assert_eq!(console.count(answered), 10, "{}", console.story());
    console.end().await;
    provider.results.lock().unwrap().clone()
}

#[tokio::test]
async fn a_sweep_is_told_in_few_bytes() {
    let story = include_str!("../../assets/drills/checkout-outage.toml");
    let scale = "\n[overrides.scale]\ninstances = 1500\nservices = 400\nclusters = 30\nlog_groups = 2600\nalarms = 600\nusers = 600\n";
    for (what, text, most) in [
        ("the small account", story.to_owned(), 24_000),
        ("the large account", format!("{story}{scale}"), 40_960),
    ] {
        let results = sweep(Drill::parse(&text).unwrap()).await;
        let sizes: Vec<(&str, usize)> =
            results.iter().map(|(name, told)| (name.as_str(), told.len())).collect();
        let bytes: usize = sizes.iter().map(|(_, n)| n).sum();
        assert_eq!(sizes.len(), 10, "{what}: {sizes:?}");
        assert!(bytes <= most, "{what}: {bytes} bytes: {sizes:?}");
        println!("{what}: {bytes} bytes: {sizes:?}");
    }
}
