use super::*;
use crate::registry;
use crate::testing::{Canned, cbor};
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "list_lambda_functions", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn function(name: &str, runtime: &str) -> Value {
    json!({ "FunctionName": name, "FunctionArn": format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}"),
        "Runtime": runtime, "MemorySize": 512, "Timeout": 30, "CodeSize": 1024, "PackageType": "Zip", "Version": "$LATEST",
        "LastModified": "2026-11-19T22:26:39.000+0000", "Environment": { "Variables": { "DB_PASSWORD": "hunter2hunter2" } } })
}

const DENIED: &str =
    r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ACTION"}"#;

/// Answers a GetMetricData by the series asked for: `value(metric, function)`, once an hour.
fn metrics(value: fn(&str, &str) -> Option<f64>) -> impl Fn(&[(String, String, String)]) -> Value {
    move |asked| {
        let results = asked.iter().map(|(id, metric, function)| {
            let values: Vec<f64> = value(metric, function).into_iter().collect();
            let times: Vec<Value> = values.iter().map(|_| json!({ "$time": 1_795_143_600 })).collect();
            json!({ "Id": id, "Label": metric, "StatusCode": "Complete", "Timestamps": times, "Values": values })
        });
        json!({ "MetricDataResults": results.collect::<Vec<_>>() })
    }
}

/// Id, metric and function (empty: the account) of the series a request asks for, read off its CBOR: a short text is
/// its length (from 0x60) and its letters.
fn series(body: &str) -> Vec<(String, String, String)> {
    const METRICS: [&str; 6] = [
        "UnreservedConcurrentExecutions",
        "ConcurrentExecutions",
        "Invocations",
        "Errors",
        "Throttles",
        "Duration",
    ];
    let after = |part: &str, key: &str| -> String {
        let Some((_, rest)) = part.split_once(key) else { return String::new() };
        let mut rest = rest.chars();
        let length = rest.next().unwrap() as usize - 0x60;
        rest.take(length).collect()
    };
    let parts = body.split("bId").skip(1).map(|part| format!("bId{part}"));
    parts
        .map(|part| {
            let metric = METRICS.into_iter().find(|m| part.contains(m)).unwrap_or_default();
            (after(&part, "bId"), metric.to_owned(), after(&part, "eValue"))
        })
        .collect()
}

/// `orders` fails, `resize` is throttled, `report` is old and idle; a page each of two.
fn shop() -> Canned {
    let answer = metrics(|metric, function| match (metric, function) {
        ("Invocations", "orders") => Some(200.0),
        ("Errors", "orders") => Some(20.0),
        ("Invocations", "resize") => Some(90.0),
        ("Throttles", "resize") => Some(10.0),
        ("ConcurrentExecutions", "resize") => Some(5.0),
        ("ConcurrentExecutions", "orders") => Some(2.0),
        ("Duration", "orders") => Some(812.4),
        ("ConcurrentExecutions", "") => Some(40.0),
        ("UnreservedConcurrentExecutions", "") => Some(35.0),
        _ => None,
    });
    Canned::new()
        .with("lambda", "GET /2015-03-31/functions", |sent| {
            let second = sent.query.contains("Marker=two");
            let page = if second {
                json!({ "Functions": [function("report", "python3.9")] })
            } else {
                json!({ "Functions": [function("orders", "nodejs24.x"), function("resize", "python3.14")], "NextMarker": "two" })
            };
            (200, page.to_string().into_bytes())
        })
        .on("lambda", "GET /2016-08-19/account-settings", r#"{"AccountLimit":{"TotalCodeSize":1,"CodeSizeUnzipped":1,"CodeSizeZipped":1,"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":995},"AccountUsage":{"TotalCodeSize":1,"FunctionCount":3}}"#)
        .on("lambda", "GET /2019-09-30/functions/resize/concurrency", r#"{"ReservedConcurrentExecutions":5}"#)
        .on("lambda", "GET /2019-09-30/functions/orders/concurrency", "{}")
        .on("lambda", "GET /2019-09-30/functions/report/concurrency", "{}")
        .with("monitoring", "GetMetricData", move |sent| (200, cbor(&answer(&series(&sent.body)))))
}

#[tokio::test]
async fn functions_with_what_they_did_and_why_they_are_throttled() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert!(p.errors.is_empty(), "{:?}", p.errors);
    assert_eq!(
        p.summary,
        "3 Lambda functions in eu-west-1: 1 failing, 1 idle, 1 throttled in the last 1 h; worst: orders (20 of 200 failed), \
         resize (10 throttled); concurrency in eu-west-1 peaked at 40 of 1000."
    );
    let cell = |row: usize, column: &str| p.cell(&p.rows[row], column).unwrap().plain();
    assert_eq!([cell(0, "name"), cell(1, "name"), cell(2, "name")], ["orders", "resize", "report"]);
    assert_eq!(
        (cell(0, "why"), cell(0, "p99_ms")),
        ("10.0 % of its invocations failed".into(), "812".into())
    );
    assert_eq!(
        (cell(0, "errors"), cell(0, "invocations"), cell(0, "reserved")),
        ("20".into(), "200".into(), "none".into())
    );
    assert_eq!(cell(1, "why"), "throttled: its reserved concurrency of 5 was reached");
    assert_eq!(
        (cell(1, "reserved"), cell(1, "concurrent"), cell(1, "throttles")),
        ("5".into(), "5".into(), "10".into())
    );
    assert_eq!(cell(2, "runtime"), "python3.9 (deprecated since 2025-12-15)");
    assert_eq!((cell(2, "health"), cell(2, "modified")), ("idle".into(), "2026-11-19T22:26:39Z".into()));
    assert!(p.notes.iter().any(|n| n.contains("1 function on a deprecated runtime")), "{:?}", p.notes);
    assert!(!serde_json::to_string(&p).unwrap().contains("hunter2"), "the environment stays where it is");
    let asked = canned.sent().into_iter().filter(|s| s.operation == "GetMetricData");
    let asked: Vec<usize> = asked.map(|s| series(&s.body).len()).collect();
    assert_eq!(asked, [11, 4], "three of each and two of the account; then two of the two that were called");
}

#[tokio::test]
async fn only_the_failing_ones_and_counts_of_all() {
    let p = run(&shop(), &["eu-west-1"], json!({ "only_failing": true })).await.unwrap();
    assert_eq!(p.rows.len(), 2);
    assert_eq!(p.counts.of.iter().map(|(_, n)| n).sum::<u64>(), 3);
    let p = run(&shop(), &["eu-west-1"], json!({ "only_failing": true, "name": "rep*" })).await.unwrap();
    assert!(p.rows.is_empty() && p.summary.contains("none is failing"), "{}", p.summary);
}

#[tokio::test]
async fn without_metrics_nothing_is_billed() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({ "metrics": false })).await.unwrap();
    assert!(!canned.operations().contains(&"GetMetricData".to_owned()));
    assert!(p.rows.iter().all(|r| p.cell(r, "invocations") == Some(&Cell::Absent)));
    assert!(p.summary.starts_with("3 Lambda functions in eu-west-1"), "{}", p.summary);
    assert!(p.notes.iter().any(|n| n.contains("limit is 1000")), "{:?}", p.notes);
}

#[tokio::test]
async fn a_named_function_ends_the_reading() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({ "name": "orders" })).await.unwrap();
    assert_eq!(p.rows.len(), 1);
    let pages = canned.operations().into_iter().filter(|o| o == "GET /2015-03-31/functions").count();
    assert_eq!(pages, 1, "it is on the first page");
    let fault = run(&shop(), &["eu-west-1"], json!({ "name": "order" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.as_deref().is_some_and(|h| h.contains("orders")), "{fault:?}");
}

#[tokio::test]
async fn what_is_denied_is_not_known_and_not_zero() {
    let denied = |action: &str| DENIED.replace("ACTION", action);
    let canned = shop()
        .with("monitoring", "GetMetricData", |_| {
            (400, cbor(&json!({ "__type": "AccessDenied", "message": "not authorized to perform: cloudwatch:GetMetricData" })))
        })
        .failing("lambda", "GET /2016-08-19/account-settings", 403, &denied("lambda:GetAccountSettings"))
        .failing("lambda", "GET /2019-09-30/functions/orders/concurrency", 403, &denied("lambda:GetFunctionConcurrency"));
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(p.rows.len(), 3);
    assert!(p.rows.iter().all(|r| p.cell(r, "errors") == Some(&Cell::Absent)));
    let health: Vec<_> = p.counts.of.iter().map(|(h, n)| (h.as_str(), *n)).collect();
    assert_eq!(health, [("unknown", 3)]);
    let errors: Vec<(&str, Option<&str>)> =
        p.errors.iter().map(|e| (e.place.as_str(), e.fault.action.as_deref())).collect();
    assert_eq!(
        errors,
        [
            ("eu-west-1 the account's concurrency limit", Some("lambda:GetAccountSettings")),
            ("eu-west-1 metrics of 3 functions", Some("cloudwatch:GetMetricData")),
            ("eu-west-1 reserved concurrency of 1 functions", Some("lambda:GetFunctionConcurrency")),
        ]
    );
    assert!(p.summary.contains("not everything answered"), "{}", p.summary);
}

#[tokio::test]
async fn a_large_account_stays_within_the_limits() {
    let canned = Canned::new()
        .with("lambda", "GET /2015-03-31/functions", |sent| {
            let page: usize = sent
                .query
                .split("Marker=")
                .nth(1)
                .map_or(0, |m| m.split('&').next().unwrap().parse().unwrap());
            let functions: Vec<Value> =
                (0..50).map(|i| function(&format!("f-{:04}", page * 50 + i), "python3.14")).collect();
            let next = (page + 1 < 30).then(|| (page + 1).to_string());
            (200, json!({ "Functions": functions, "NextMarker": next }).to_string().into_bytes())
        })
        .on("lambda", "GET /2016-08-19/account-settings", r#"{"AccountLimit":{"ConcurrentExecutions":1000}}"#)
        .with("monitoring", "GetMetricData", |sent| {
            let busy = metrics(|metric, function| {
                (metric == "Invocations" && function.ends_with('0')).then_some(3.0)
            });
            (200, cbor(&busy(&series(&sent.body))))
        });
    let canned = (0..1_500).fold(canned, |canned, n| {
        canned.on("lambda", &format!("GET /2019-09-30/functions/f-{n:04}/concurrency"), "{}")
    });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((p.total, p.errors.len(), p.truncated.as_deref()), (1_500, 0, None));
    let counts: Vec<_> = p.counts.of.iter().map(|(h, n)| (h.as_str(), *n)).collect();
    assert_eq!(counts, [("idle", 1_350), ("ok", 150)]);
    let asked = canned.operations();
    let times = |what: &str| asked.iter().filter(|o| o.contains(what)).count();
    assert_eq!((times("/2015-03-31/functions"), times("concurrency"), times("GetMetricData")), (30, 50, 11));
    assert!(canned.sent().iter().all(|s| s.operation != "GetMetricData" || series(&s.body).len() <= 500));
    assert!(p.notes.iter().any(|n| n.contains("not known of 1450")), "{:?}", p.notes);
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let canned = Canned::new().on("lambda", "GET /2015-03-31/functions", r#"{"Functions":[]}"#).on(
        "lambda",
        "GET /2016-08-19/account-settings",
        "{}",
    );
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({ "name": "or*" })).await.unwrap();
    assert_eq!(p.summary, "No Lambda functions with name or* in eu-west-1, eu-west-2.");
}

#[test]
fn arguments_that_cannot_be_right() {
    let named = |name: &str| Args { name: Some(name.to_owned()), ..Args::default() };
    for (bad, says) in [
        (named("arn:aws:lambda:eu-west-1:123456789012:function:orders:live"), "perhaps \"orders\""),
        (named("orders:live"), "without alias"),
        (named("my function"), "64 letters"),
        (named(&"x".repeat(65)), "at most 64"),
        (Args { only_failing: true, metrics: false, ..Args::default() }, "leave `metrics` out"),
    ] {
        let fault = ListLambdaFunctions::check(&bad).unwrap_err();
        assert!(fault.hint.as_deref().unwrap().contains(says), "{fault:?}");
    }
    ListLambdaFunctions::check(&named("orders-*")).unwrap();
}
