//! The cost tools: costs seeded into the emulator; forecasts and anomalies, which it lacks, canned in the wire format.

use crate::common::calls::{column, not_allowed, ok, read, refusal};
use crate::common::emulator::{Emulator, HERE, fresh};
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn day(start: &str, groups: &[(&str, &str)]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(key, amount)| json!({ "Keys": [key], "Metrics": { "UnblendedCost": { "Amount": amount, "Unit": "USD" } } }))
        .collect();
    json!({ "TimePeriod": { "Start": start, "End": start }, "Total": {}, "Groups": groups, "Estimated": false })
}

/// This week, then the week before, as the tool asks for them.
fn seed(emulator: &mut Emulator) {
    emulator.costs(json!([
        { "ResultsByTime": [day("2026-11-12", &[("Amazon RDS", "10.1"), ("AWS Lambda", "0.2")]),
            day("2026-11-13", &[("Amazon RDS", "10.2"), ("Refund", "-3")])] },
        { "ResultsByTime": [day("2026-11-05", &[("Amazon RDS", "29"), ("Amazon EKS", "2.4")])] },
    ]));
}

const PERIOD: &str = r#"{ "since": "2026-11-12", "until": "2026-11-14" }"#;

fn period() -> Value {
    serde_json::from_str(PERIOD).unwrap()
}

#[tokio::test]
async fn amounts_by_group_against_the_period_before() {
    let mut emulator = fresh().await;
    seed(&mut emulator);
    let aws = emulator.aws(&[HERE]);
    let (p, stats) = read(&aws, "get_cost_by_service", period()).await.unwrap();
    assert_eq!(column(&p, "group"), ["Amazon RDS", "AWS Lambda", "Amazon EKS", "Refund"]);
    assert_eq!(column(&p, "amount"), ["20.3", "0.2", "0", "-3"]);
    assert_eq!(column(&p, "change"), ["-30.0 %", "new", "gone", "new"]);
    assert!(p.summary.starts_with("17.50 USD (-44.3 %; 31.40 before)"), "{}", p.summary);
    assert!(p.errors.is_empty() && stats.requests == 2, "{stats:?}");
    assert!(emulator.calls().iter().all(|c| c["region"] == "us-east-1" && c["service"] == "ce"));
}

#[tokio::test]
async fn no_costs_says_what_was_searched() {
    let mut emulator = fresh().await;
    emulator.costs(
        json!([{ "ResultsByTime": [day("2026-11-12", &[])] }, { "ResultsByTime": [day("2026-11-10", &[])] }]),
    );
    let aws = emulator.aws(&[HERE]);
    let none = ok(&aws, "get_cost_by_service", period()).await;
    assert_eq!(
        none.summary,
        "no costs at all; from 2026-11-12 through 2026-11-13 (2 days), against as many days before"
    );
    assert!(none.rows.is_empty() && none.notes[0].contains("by SERVICE in the account"), "{:?}", none.notes);
}

#[tokio::test]
async fn every_page_is_read() {
    let mut emulator = fresh().await;
    let page = |n: usize| json!({ "ResultsByTime": [day("2026-11-12", &[("Amazon RDS", "0.1"), (&format!("Service {n}"), "1")])], "NextPageToken": "x" });
    emulator.canned(json!({ "ce:GetCostAndUsage": (0..7).map(page).collect::<Vec<_>>() }));
    let aws = emulator.aws(&[HERE]);
    let (all, stats) = read(&aws, "get_cost_by_service", period()).await.unwrap();
    assert_eq!((all.rows.len(), stats.requests), (8, 14));
    assert_eq!(column(&all, "amount").last().map(String::as_str), Some("0.7"), "seven tenths, exactly");
    assert!(all.truncated.is_none() && all.errors.is_empty(), "{all:?}");
    // Denied in the middle: what was read is told, and that it is not all.
    emulator.rules(
        json!([{ "operation": "GetCostAndUsage", "code": "AccessDeniedException", "after": 2, "times": 1 }]),
    );
    let half = ok(&aws, "get_cost_by_service", period()).await;
    assert_eq!((half.rows.len(), half.errors.len()), (8, 1), "{:?}", half.errors);
    assert!(half.truncated.is_some() && half.summary.contains("amounts are too low"), "{}", half.summary);
}

#[tokio::test]
async fn denied_names_the_action() {
    let mut emulator = fresh().await;
    seed(&mut emulator);
    let aws = emulator.aws(&[HERE]);
    for message in [not_allowed("ce:GetCostAndUsage"), "no".to_owned()] {
        emulator.rules(refusal("GetCostAndUsage", "AccessDeniedException", &message, -1));
        let fault = read(&aws, "get_cost_by_service", period()).await.unwrap_err();
        assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("ce:GetCostAndUsage")));
    }
}

/// Cost Explorer says "too many requests" with a code and status of its own.
#[tokio::test]
async fn throttled_once_recovers_and_always_does_not() {
    let mut emulator = fresh().await;
    seed(&mut emulator);
    let aws = emulator.aws(&[HERE]);
    let limit = |times| json!([{ "operation": "GetCost.*|GetAnomal.*", "code": "LimitExceededException", "status": 400, "times": times }]);
    emulator.rules(limit(1));
    let (p, stats) = read(&aws, "get_cost_by_service", period()).await.unwrap();
    assert_eq!((p.rows.len(), stats.requests, stats.retries), (4, 3, 1));
    emulator.forget();
    emulator.rules(limit(-1));
    for (tool, requests) in [("get_cost_by_service", 4), ("get_cost_anomalies", 16)] {
        let fault = read(&aws, tool, json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Throttled, "{tool}");
        assert!(
            fault.hint.is_some() && emulator.calls().len() <= requests,
            "{tool}: {}",
            emulator.calls().len()
        );
        emulator.forget();
    }
}

fn anomaly(id: &str, start: &str, impact: f64) -> Value {
    json!({ "AnomalyId": id, "AnomalyStartDate": start, "AnomalyEndDate": start, "DimensionValue": "EC2 - Other",
        "RootCauses": [{ "Service": "EC2 - Other", "Region": "eu-west-1", "UsageType": "EU-NatGateway-Bytes",
            "LinkedAccount": "123456789012", "LinkedAccountName": "shop" }],
        "AnomalyScore": { "MaxScore": 1.0, "CurrentScore": 1.0 },
        "Impact": { "MaxImpact": impact, "TotalImpact": impact },
        "MonitorArn": "arn:aws:ce::123456789012:anomalymonitor/m-1" })
}

fn canned(anomalies: Value) -> Value {
    let total = |start: &str, amount: &str| {
        json!({ "TimePeriod": { "Start": start, "End": start }, "Groups": [], "Estimated": true,
            "Total": { "UnblendedCost": { "Amount": amount, "Unit": "USD" } } })
    };
    let today = quarterdeck::engine::clock::system()().rfc3339()[..10].to_owned();
    json!({
        "ce:GetAnomalies": anomalies,
        "ce:GetAnomalyMonitors": { "AnomalyMonitors": [{ "MonitorArn": "arn:aws:ce::123456789012:anomalymonitor/m-1",
            "MonitorName": "services", "MonitorType": "DIMENSIONAL", "LastEvaluatedDate": format!("{today}T00:00:00Z") }] },
        "ce:GetCostAndUsage": { "ResultsByTime": [total(&today, "1.25")] },
        "ce:GetCostForecast": { "Total": { "Amount": "98.75", "Unit": "USD" }, "ForecastResultsByTime": [] },
    })
}

#[tokio::test]
async fn anomalies_with_their_causes_and_the_month() {
    let mut emulator = fresh().await;
    let pages = json!([
        { "Anomalies": [anomaly("a", "2026-01-05", 3.5)], "NextPageToken": "x" },
        { "Anomalies": [anomaly("b", "2026-01-06", 12.25)], "NextPageToken": "x" },
    ]);
    emulator.canned(canned(pages));
    let aws = emulator.aws(&[HERE]);
    let (p, stats) = read(&aws, "get_cost_anomalies", json!({})).await.unwrap();
    assert_eq!(column(&p, "impact"), ["12.25", "3.5"]);
    assert_eq!(column(&p, "usage_type"), ["EU-NatGateway-Bytes"; 2]);
    assert_eq!(column(&p, "monitor"), ["services"; 2]);
    assert_eq!(
        p.cell(&p.rows[0], "start"),
        Some(&Cell::Time(quarterdeck_core::Timestamp::parse("2026-01-06T00:00:00Z").unwrap()))
    );
    assert!(
        p.summary.starts_with("2 anomalies from ") && p.summary.contains("impact 15.75 in all"),
        "{}",
        p.summary
    );
    assert!(p.summary.contains("forecast for all of ") && p.summary.contains("98.75 USD"), "{}", p.summary);
    assert_eq!((stats.requests, p.errors.len()), (5, 0), "{:?}", p.errors);
    let mut unwatched = canned(json!({ "Anomalies": [] }));
    unwatched["ce:GetAnomalyMonitors"] = json!({ "AnomalyMonitors": [] });
    emulator.canned(unwatched);
    let p = ok(&aws, "get_cost_anomalies", json!({})).await;
    assert!(p.summary.starts_with("no anomaly monitor is set up"), "{}", p.summary);
    emulator.rules(refusal(
        "GetCostForecast",
        "DataUnavailableException",
        "Insufficient amount of historical data",
        -1,
    ));
    let p = ok(&aws, "get_cost_anomalies", json!({})).await;
    assert!(p.summary.contains("no forecast: Insufficient amount"), "{}", p.summary);
    assert!(p.errors.is_empty(), "there is none, which is no failure: {:?}", p.errors);
    for operation in ["GetAnomalies", "GetAnomalyMonitors", "GetCostAndUsage", "GetCostForecast"] {
        emulator.rules(refusal(
            operation,
            "AccessDeniedException",
            &not_allowed(&format!("ce:{operation}")),
            -1,
        ));
        let p = ok(&aws, "get_cost_anomalies", json!({})).await;
        assert_eq!(p.errors.len(), 1, "{operation}: {:?}", p.errors);
        assert_eq!(p.errors[0].fault.action, Some(format!("ce:{operation}")));
        assert!(p.summary.contains("not everything answered"), "{}", p.summary);
    }
}

/// Two accounts, told apart; one of them cannot be read.
#[tokio::test]
async fn one_of_two_accounts_may_fail() {
    let mut emulator = fresh().await;
    seed(&mut emulator);
    let settings = emulator.settings(&[HERE]);
    let accounts =
        BTreeMap::from([("prod".to_owned(), "prod".to_owned()), ("lab".to_owned(), "lab".to_owned())]);
    let aws = Aws::new(quarterdeck_aws::Settings { accounts, ..settings });
    emulator.rules(
        json!([{ "operation": "GetCostAndUsage", "code": "AccessDeniedException", "after": 2, "times": -1 }]),
    );
    let args = json!({ "accounts": ["prod", "lab"], "since": "2026-11-12", "until": "2026-11-14" });
    let part = registry::read(&aws, "get_cost_by_service", &args, std::sync::Arc::new(|_| ())).await;
    let part = part.unwrap().0;
    // Which of the two was asked first is not told; what was not read is.
    assert!(!part.errors.is_empty() && part.summary.contains("not everything answered"), "{part:?}");
    assert!(part.errors.iter().all(|e| e.account.is_some()), "{:?}", part.errors);
    assert!(column(&part, "account").iter().all(|a| a == "prod" || a == "lab"));
}
