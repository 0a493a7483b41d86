//! A large account: every page is read, the model is told a bounded part with the most urgent first, and no request is made
//! for each of many things.

use crate::common::calls::column;
use crate::common::console::StillClock;
use crate::drills::account;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::tool::{Fault, Projection};
use quarterdeck_demo::{Demo, Drill};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a result that the model is told, at most: 2,000 tokens of four bytes.
const CAP: usize = 8_000;

fn large() -> (Demo, Aws) {
    let text = format!(
        "{}\n[overrides.scale]\ninstances = 1500\nservices = 400\nclusters = 30\nlog_groups = 2600\nalarms = 600\nusers = 600\n",
        include_str!("../../assets/drills/checkout-outage.toml")
    );
    account(Drill::parse(&text).unwrap(), &StillClock::new())
}

async fn read(aws: &Aws, tool: &str, args: Value) -> Result<Projection, Fault> {
    registry::read(aws, tool, &args, Arc::new(|_| ())).await.map(|(projection, _)| projection)
}

/// How often each operation was asked for.
fn requests(demo: &Demo) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for call in demo.calls() {
        *all.entry(call.operation).or_insert(0) += 1;
    }
    all
}

/// What the model is told: bounded, and saying how much of it is shown.
fn told(projection: &Projection) -> Value {
    let view = projection.for_model(CAP);
    assert!(view.json.len() <= CAP, "{} bytes", view.json.len());
    let told: Value = serde_json::from_str(&view.json).unwrap();
    assert_eq!(told["total"], projection.rows.len());
    assert_eq!(told["rows"].as_array().unwrap().len(), view.shown);
    assert!((5..projection.rows.len()).contains(&view.shown), "{} rows are shown", view.shown);
    told
}

#[tokio::test]
async fn instances() {
    let (demo, aws) = large();
    let found = read(&aws, "list_ec2_instances", json!({})).await.unwrap();
    assert_eq!(found.rows.len(), 1519);
    assert!(
        found.summary.starts_with("1519 instances in eu-west-1: 1480 running, 39 stopped; 24 failing"),
        "{}",
        found.summary
    );
    let told = told(&found);
    let shown = told["rows"].as_array().unwrap();
    assert!(!shown.is_empty());
    let text = |row: &Value| row.to_string();
    // Those that fail their checks come before all others.
    assert!(text(&shown[0]).contains("impaired"), "{}", shown[0]);
    let requests = requests(&demo);
    assert!(requests["DescribeInstances"] <= 3 && requests["DescribeInstanceStatus"] <= 16, "{requests:?}");
    let named = read(&aws, "list_ec2_instances", json!({ "name": "host-12*" })).await.unwrap();
    assert_eq!(named.rows.len(), 100);
}

#[tokio::test]
async fn services() {
    let (demo, aws) = large();
    let found = read(&aws, "list_ecs_services", json!({})).await.unwrap();
    assert_eq!(found.rows.len(), 414);
    let told = told(&found);
    assert!(told["rows"][0].to_string().contains("checkout-api"), "{}", told["rows"][0]);
    let requests = requests(&demo);
    // 32 clusters, at most ten services a request.
    assert_eq!(requests["ListClusters"], 1);
    assert!(requests["ListServices"] <= 40 && requests["DescribeServices"] <= 72, "{requests:?}");
    let unhealthy = read(&aws, "list_ecs_services", json!({ "only_unhealthy": true })).await.unwrap();
    assert_eq!(column(&unhealthy, "service"), ["checkout-api"]);
    let fault = read(&aws, "list_ecs_services", json!({ "cluster": "flet-07" })).await.unwrap_err();
    assert!(fault.hint.as_deref().unwrap_or_default().contains("fleet-07"), "{fault}");
}

#[tokio::test]
async fn log_groups() {
    let (demo, aws) = large();
    for (asked, near) in [
        ("/aws/lambda/fn-0123", "/aws/lambda/fn-01230"),
        ("checkout-api", "/ecs/shop/checkout-api"),
        ("/ecs/fleet-07/svc-0006", "/ecs/fleet-07/svc-00066"),
    ] {
        let before = demo.calls().len();
        let fault = read(&aws, "get_cloudwatch_logs", json!({ "log_group": asked })).await.unwrap_err();
        let hint = fault.hint.clone().unwrap_or_default();
        assert!(hint.contains(near), "{asked}: {fault}");
        let made = demo.calls().len() - before;
        assert!(made <= 25, "{made} requests to name what is near {asked}");
    }
    let lines = read(&aws, "get_cloudwatch_logs", json!({ "log_group": "/aws/lambda/fn-01230", "limit": 5 }))
        .await
        .unwrap();
    assert!(!lines.rows.is_empty());
}

#[tokio::test]
async fn alarms() {
    let (demo, aws) = large();
    let found = read(&aws, "get_active_alarms", json!({})).await.unwrap();
    let names = column(&found, "name");
    assert_eq!(names.iter().filter(|n| n.starts_with("alarm-")).count(), 30);
    assert!(names.iter().any(|n| n == "checkout-5xx"), "{names:?}");
    let told = told(&found);
    assert!(told["counts"].to_string().contains("ALARM"), "{told}");
    let requests = requests(&demo);
    assert!(requests["DescribeAlarms"] <= 8, "{requests:?}");
}

#[tokio::test]
async fn keys_and_users() {
    let (demo, aws) = large();
    let keys = read(&aws, "check_iam_key_age", json!({})).await.unwrap();
    let users = column(&keys, "user");
    assert_eq!(users.iter().filter(|u| u.starts_with("user-")).count(), 600);
    let told_keys = told(&keys);
    // What is worst comes first, whatever its name.
    let risks = column(&keys, "risk");
    let rank =
        |risk: &str| ["CRITICAL", "HIGH", "MEDIUM", "LOW", "OK"].iter().position(|r| *r == risk).unwrap_or(9);
    assert!(risks.is_sorted_by_key(|r| rank(r)), "{risks:?}");
    assert!(!told_keys["rows"][0].to_string().contains("\"OK\""), "{}", told_keys["rows"][0]);
    let made = requests(&demo);
    assert!(made["ListAccessKeys"] <= 21, "no request for each of 600 users: {made:?}");
    let before = demo.calls().len();
    let users = read(&aws, "audit_iam_users", json!({})).await.unwrap();
    assert!(users.rows.len() >= 600, "{}", users.summary);
    told(&users);
    assert!(demo.calls().len() - before <= 40, "{:?}", requests(&demo));
}
