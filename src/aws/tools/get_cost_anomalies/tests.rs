#![allow(clippy::needless_pass_by_value)]

use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    registry::read(&canned.aws(&["eu-west-1"]), "get_cost_anomalies", &args, Arc::new(|_| ()))
        .await
        .map(|(p, _)| p)
}

fn anomaly(id: &str, start: &str, end: &str, impact: f64, causes: Value) -> Value {
    json!({
        "AnomalyId": id, "AnomalyStartDate": start, "AnomalyEndDate": end, "DimensionValue": "Amazon EC2",
        "RootCauses": causes, "AnomalyScore": { "MaxScore": 0.9, "CurrentScore": 0.4 },
        "Impact": { "MaxImpact": impact, "TotalImpact": impact, "TotalActualSpend": impact + 10.0,
            "TotalExpectedSpend": 10.0, "TotalImpactPercentage": 300.0 },
        "MonitorArn": "arn:aws:ce::123456789012:anomalymonitor/1",
    })
}

fn cause(usage: &str, contribution: f64) -> Value {
    json!({ "Service": "EC2 - Other", "Region": "eu-west-1", "LinkedAccount": "123456789012",
        "LinkedAccountName": "shop", "UsageType": usage, "Impact": { "Contribution": contribution } })
}

fn monitor(evaluated: &str) -> Value {
    json!({ "MonitorArn": "arn:aws:ce::123456789012:anomalymonitor/1", "MonitorName": "services",
        "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE", "LastEvaluatedDate": evaluated })
}

fn total(start: &str, amount: &str) -> Value {
    json!({ "TimePeriod": { "Start": start, "End": start }, "Groups": [], "Estimated": true,
        "Total": { "UnblendedCost": { "Amount": amount, "Unit": "USD" } } })
}

/// Everything answers: these anomalies, these monitors.
fn account(anomalies: Value, monitors: Value) -> Canned {
    let costs = [
        total("2026-10-01", "30"),
        total("2026-10-25", "70"),
        total("2026-11-02", "40.5"),
        total("2026-11-20", "3"),
    ];
    Canned::new()
        .on("ce", "GetAnomalies", &json!({ "Anomalies": anomalies }).to_string())
        .on("ce", "GetAnomalyMonitors", &json!({ "AnomalyMonitors": monitors }).to_string())
        .on("ce", "GetCostAndUsage", &json!({ "ResultsByTime": costs }).to_string())
        .on(
            "ce",
            "GetCostForecast",
            r#"{"Total":{"Amount":"60.25","Unit":"USD"},"ForecastResultsByTime":[]}"#,
        )
}

fn refused(code: &str) -> String {
    json!({ "__type": code, "message": format!("{code} it is") }).to_string()
}

const MONTH: &str = "November so far 40.50 USD in 19 whole days (October's first 19: 30.00, +35.0 %); forecast for all of \
                     November 100.75 USD (October: 100.00)";

#[tokio::test]
async fn what_goes_on_comes_first_then_by_impact() {
    let mut dismissed = anomaly("d", "2026-11-01", "2026-11-20", 900.0, json!([]));
    dismissed["Feedback"] = json!("NO");
    let all = json!([
        dismissed,
        anomaly("over", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", 500.0, json!([])),
        anomaly("small", "2026-11-18", "2026-11-19", 5.5, json!([])),
        anomaly(
            "big",
            "2026-11-15",
            "2026-11-19",
            99.6,
            json!([cause("BoxUsage", 1.25), cause("NatGateway-Bytes", 90.0)])
        ),
    ]);
    let canned = account(all, json!([monitor("2026-11-20T01:00:00Z")]));
    let p = run(&canned, json!({})).await.unwrap();
    let column = |name: &str| p.rows.iter().map(|r| p.cell(r, name).unwrap().plain()).collect::<Vec<_>>();
    assert_eq!(column("impact"), ["99.6", "5.5", "500", "900"]);
    assert_eq!(column("state"), ["ongoing", "ongoing", "over", "dismissed"]);
    assert_eq!(column("usage_type"), ["NatGateway-Bytes", "", "", ""]);
    assert_eq!(column("service"), ["EC2 - Other", "Amazon EC2", "Amazon EC2", "Amazon EC2"]);
    assert_eq!(column("start")[2], "2026-11-01T00:00:00Z");
    assert_eq!(
        column("root_cause")[0],
        "EC2 - Other NatGateway-Bytes in eu-west-1 account 123456789012 (shop): 90.00; EC2 - Other BoxUsage in eu-west-1 \
         account 123456789012 (shop): 1.25; 109.60 spent, 10.00 expected"
    );
    assert!(column("root_cause")[1].starts_with("AWS names no root cause"), "{:?}", column("root_cause"));
    assert_eq!(column("monitor"), ["services"; 4]);
    assert_eq!(p.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [2, 2, 1, 0]);
    assert_eq!(
        p.summary,
        format!(
            "4 anomalies from 2026-10-22 through 2026-11-20 (30 days), 2 ongoing, impact 1,505.10 in all; first: EC2 - Other 99.60; {MONTH}"
        )
    );
    assert!(p.errors.is_empty(), "{:?}", p.errors);
    assert_eq!(p.series[0].points.len(), 4);
    let sent = |operation: &str| -> Value {
        let all = canned.sent();
        serde_json::from_str(&all.iter().find(|s| s.operation == operation).unwrap().body).unwrap()
    };
    assert_eq!(
        sent("GetAnomalies")["DateInterval"],
        json!({ "StartDate": "2026-10-22", "EndDate": "2026-11-20" })
    );
    assert_eq!(sent("GetCostAndUsage")["TimePeriod"], json!({ "Start": "2026-10-01", "End": "2026-11-21" }));
    assert_eq!(sent("GetCostForecast")["TimePeriod"], json!({ "Start": "2026-11-20", "End": "2026-12-01" }));
    assert_eq!(sent("GetCostForecast")["Filter"], sent("GetCostAndUsage")["Filter"], "like with like");
    assert_eq!(canned.operations().len(), 4);
    assert!(canned.sent().iter().all(|s| s.region == "us-east-1"));
}

#[tokio::test]
async fn none_found_and_nobody_watching_are_different_findings() {
    for (monitors, says, note) in [
        (
            json!([monitor("2026-11-19")]),
            "no anomalies from 2026-10-22 through 2026-11-20 (30 days); 1 monitor watches",
            "monitors: services",
        ),
        (json!([monitor("2026-11-01")]), "1 monitor watches", "last evaluated 2026-11-01"),
        (
            json!([{ "MonitorName": "new", "MonitorType": "DIMENSIONAL" }]),
            "1 monitor watches",
            "last evaluated never",
        ),
        (json!([]), "no anomaly monitor is set up, so nothing is watched", "set a monitor up"),
    ] {
        let p = run(&account(json!([]), monitors), json!({})).await.unwrap();
        assert!(
            p.rows.is_empty() && p.summary.starts_with(says) || p.summary.contains(says),
            "{}",
            p.summary
        );
        assert!(p.summary.ends_with(MONTH), "{}", p.summary);
        assert!(p.notes.iter().any(|n| n.contains(note)), "{note}: {:?}", p.notes);
    }
    let blind = account(json!([]), json!([])).failing(
        "ce",
        "GetAnomalyMonitors",
        400,
        &refused("AccessDeniedException"),
    );
    let p = run(&blind, json!({})).await.unwrap();
    assert!(p.summary.contains("whether any monitor watches is not known"), "{}", p.summary);
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("ce:GetAnomalyMonitors"));
}

#[tokio::test]
async fn each_part_may_be_missing() {
    let whole = || account(json!([]), json!([monitor("2026-11-20")]));
    for (operation, code, says, errors) in [
        ("GetCostForecast", "DataUnavailableException", "no forecast: DataUnavailableException it is", 0),
        ("GetCostForecast", "AccessDeniedException", "no forecast: denied", 1),
        (
            "GetCostAndUsage",
            "AccessDeniedException",
            "what November cost so far is not known; forecast for today and the rest 60.25 USD",
            1,
        ),
        ("GetAnomalies", "AccessDeniedException", "whether there were anomalies from 2026-10-22", 1),
    ] {
        let p = run(&whole().failing("ce", operation, 400, &refused(code)), json!({})).await.unwrap();
        assert!(p.summary.contains(says), "{operation} {code}: {}", p.summary);
        assert_eq!(p.errors.len(), errors, "{operation}: {:?}", p.errors);
        assert_eq!(p.summary.contains("not everything answered"), errors > 0, "{}", p.summary);
        if let Some(error) = p.errors.first() {
            assert_eq!(error.fault.action, Some(format!("ce:{operation}")));
        }
    }
    let mut nothing = Canned::new();
    for operation in ["GetAnomalies", "GetAnomalyMonitors", "GetCostAndUsage", "GetCostForecast"] {
        nothing = nothing.failing("ce", operation, 400, &refused("AccessDeniedException"));
    }
    assert_eq!(run(&nothing, json!({})).await.unwrap_err().kind, FaultKind::Denied);
}

#[tokio::test]
async fn every_page_of_anomalies() {
    let page = |fail: bool| {
        account(json!([]), json!([monitor("2026-11-20")])).with("ce", "GetAnomalies", move |sent| {
            let second = sent.body.contains("NextPageToken");
            if second && fail {
                return (400, refused("AccessDeniedException").into_bytes());
            }
            let one = anomaly(if second { "b" } else { "a" }, "2026-11-15", "2026-11-19", 1.0, json!([]));
            let mut answer = json!({ "Anomalies": [one] });
            if !second {
                answer["NextPageToken"] = json!("two");
            }
            (200, answer.to_string().into_bytes())
        })
    };
    assert_eq!(run(&page(false), json!({})).await.unwrap().rows.len(), 2);
    let p = run(&page(true), json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors[0].place.as_str()), (1, "anomalies after the first 1"));
    assert_ne!(p.rows[0].cells[0], Cell::Absent);
}

#[tokio::test]
async fn what_is_older_than_aws_keeps_is_said() {
    let p =
        run(&account(json!([]), json!([monitor("2026-11-20")])), json!({ "since": "200d" })).await.unwrap();
    assert!(p.notes.iter().any(|n| n.contains("90 days")), "{:?}", p.notes);
    for args in [json!({ "since": "soon" }), json!({ "since": "1d", "until": "9d" }), json!({ "until": "" })]
    {
        let canned = account(json!([]), json!([]));
        assert_eq!(run(&canned, args).await.unwrap_err().kind, FaultKind::Invalid);
        assert_eq!(canned.operations(), Vec::<String>::new());
    }
}
