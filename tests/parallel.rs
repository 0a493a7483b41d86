//! A round's reads run at the same time, and never more requests than the bounds allow.
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
#[path = "peers/scripted_anthropic.rs"]
mod scripted;

use common::console::{Begin, Console, StillClock};
use common::emulator::{Emulator, HERE, fresh};
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::http::{IN_ALL, PER_SCOPE};
use quarterdeck_core::journal::{Fact, Outcome};
use quarterdeck_core::models::Models;
use quarterdeck_core::scope::Mode;
use quarterdeck_model::anthropic;
use scripted::{Reply, Say, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;

/// One round of these calls against an emulator that takes its time; the most requests open at once.
async fn round(emulator: &mut Emulator, regions: &[&str], calls: &[(&'static str, Value)]) -> (u64, Value) {
    let say =
        |(n, (name, args)): (usize, &(&'static str, Value))| Say::Tool(format!("t{n}"), name, args.clone());
    let blocks = calls.iter().enumerate().map(say).collect();
    let server = Scripted::start(vec![Reply::Answer(blocks), Reply::Answer(vec![Say::Text("Done.")])]).await;
    let mut settings = anthropic::Settings::from_env(Arc::new(Models::embedded().clone()), |_| None);
    (settings.base_url, settings.api_key) = (server.url(), Some("not-a-key".to_owned()).into());
    let provider = Arc::new(anthropic::Anthropic::new(settings));
    let clock = StillClock::new();
    let aws = Aws::new(Settings { clock: clock.shared(), ..emulator.settings(regions) });
    let begin =
        Begin { aws, provider, model: "claude-sonnet-5-5".into(), mode: Mode::Execute, can_ask: true, clock };
    let mut console = Console::begin(begin).await;
    emulator.forget();
    emulator.rules(json!([{ "delay": 1.0, "times": -1 }]));
    console.ask("look at everything").await;
    console.turn_over().await;
    let failed = |f: &Fact| matches!(f, Fact::ToolFinished { outcome: Outcome::Failed { .. }, .. });
    assert_eq!(console.count(failed), 0, "{}", console.story());
    assert_eq!(console.count(|f| matches!(f, Fact::ToolFinished { .. })), calls.len());
    console.end().await;
    emulator.peak()
}

fn within_bounds(all: u64, scopes: &Value) {
    assert!(all <= u64::try_from(IN_ALL).unwrap(), "{all} at once in all");
    for (scope, peak) in scopes.as_object().unwrap() {
        assert!(peak.as_u64().unwrap() <= u64::try_from(PER_SCOPE).unwrap(), "{peak} at once in {scope}");
    }
}

#[tokio::test]
async fn the_reads_of_a_round_overlap() {
    let mut emulator = fresh().await;
    emulator.services("main", 1);
    let calls = [
        ("list_ec2_instances", json!({})),
        ("list_ecs_services", json!({})),
        ("get_ecs_stopped_tasks", json!({})),
        ("get_active_alarms", json!({})),
    ];
    let (all, scopes) = round(&mut emulator, &[HERE], &calls).await;
    assert!(all >= 4, "only {all} at once: {scopes}");
    within_bounds(all, &scopes);
}

#[tokio::test]
async fn a_burst_keeps_to_the_bounds() {
    let mut emulator = fresh().await;
    let regions = ["eu-west-1", "eu-west-2", "eu-central-1", "us-east-1", "us-east-2", "us-west-2"];
    // Sixteen different reads at once, each in six regions, each with a request for the instances.
    let calls: Vec<(&'static str, Value)> =
        (0..16).map(|n| ("list_ec2_instances", json!({ "name": format!("web-{n}-*") }))).collect();
    let (all, scopes) = round(&mut emulator, &regions, &calls).await;
    within_bounds(all, &scopes);
    assert!(all >= 16, "the bounds are used: {all} at once, {scopes}");
    assert!(scopes["ec2/eu-west-1"].as_u64().unwrap() >= 4, "{scopes}");
}
