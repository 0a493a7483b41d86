use super::*;
use crate::clients::Aws;
use crate::registry;
use crate::settings::{GB, Settings};
use crate::testing::{Canned, NOW, Sent, cbor};
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const GROUP: &str = "/ecs/shop/checkout-api";

fn args(extra: Value) -> Value {
    let mut args = json!({ "log_groups": [GROUP], "query": "stats count(*) as n by bin(5m)" });
    if let (Some(args), Value::Object(extra)) = (args.as_object_mut(), extra) {
        args.extend(extra);
    }
    args
}

async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    registry::read(&canned.aws(&["eu-west-1"]), "query_logs_insights", &args, Arc::new(|_| ()))
        .await
        .map(|(p, _)| p)
}

/// What CloudWatch says came in: `bytes` in the last minute but one.
fn incoming(bytes: u64) -> Vec<u8> {
    let at = NOW.millis() / 1_000 - 120;
    cbor(&json!({ "MetricDataResults": [{ "Id": "m0", "Label": "x", "StatusCode": "Complete",
        "Timestamps": [{ "$time": at }], "Values": [bytes] }] }))
}

fn results(status: &str, bytes: u64, rows: &[&[(&str, &str)]]) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| row.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect())
        .collect();
    json!({ "status": status, "results": rows,
        "statistics": { "recordsMatched": 40.0, "recordsScanned": 1200.0, "bytesScanned": bytes } })
    .to_string()
}

fn canned(bytes: u64) -> Canned {
    let incoming = incoming(bytes);
    Canned::new()
        .with("monitoring", "GetMetricData", move |_| (200, incoming.clone()))
        .on("logs", "StartQuery", r#"{ "queryId": "q-1" }"#)
        .on("logs", "StopQuery", r#"{ "success": true }"#)
}

/// Looks answered one after the other; the last again and again.
fn looks(canned: Canned, answers: Vec<String>) -> Canned {
    let at = AtomicUsize::new(0);
    canned.with("logs", "GetQueryResults", move |_| {
        let n = at.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        (200, answers[n].clone().into_bytes())
    })
}

const BINS: [&[(&str, &str)]; 2] = [
    &[("bin(5m)", "2026-11-20 02:55:00.000"), ("n", "12")],
    &[("bin(5m)", "2026-11-20 03:00:00.000"), ("n", "28")],
];

#[tokio::test(start_paused = true)]
async fn rows_what_was_scanned_and_a_chart() {
    let complete = results("Complete", 1_400_000_000, &BINS);
    let canned = looks(
        canned(1_500_000_000),
        vec![results("Scheduled", 0, &[]), results("Running", 700, &BINS[..1]), complete],
    );
    let p = run(&canned, args(json!({}))).await.unwrap();
    let columns: Vec<(&str, quarterdeck_core::tool::ColumnKind)> =
        p.columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
    assert_eq!(
        columns,
        [
            ("bin(5m)", quarterdeck_core::tool::ColumnKind::Time),
            ("n", quarterdeck_core::tool::ColumnKind::Count)
        ]
    );
    assert_eq!(p.rows[1].cells[1], Cell::Int(28));
    assert_eq!((p.series.len(), p.series[0].points.len(), p.series[0].name.as_str()), (1, 2, "n"));
    for word in [
        "2 rows from /ecs/shop/checkout-api in eu-west-1",
        "40 of 1200 records matched",
        "scanned 1.4 GB (less than $0.01)",
    ] {
        assert!(p.summary.contains(word), "{word}: {}", p.summary);
    }
    assert!(
        p.notes[1].contains("estimated before: 1.5 GB") && p.notes[1].contains("may scan 10 GB"),
        "{:?}",
        p.notes
    );
    assert!(p.truncated.is_none() && p.errors.is_empty());
    let start = canned.sent().into_iter().find(|s| s.operation == "StartQuery").unwrap();
    let body: Value = serde_json::from_str(&start.body).unwrap();
    assert_eq!(body["logGroupNames"], json!([GROUP]));
    assert_eq!(
        (body["startTime"].as_i64(), body["endTime"].as_i64()),
        (Some(NOW.millis() / 1_000 - 3_600), Some(NOW.millis() / 1_000 - 1))
    );
    assert_eq!(body["limit"], 1_000);
    assert!(!canned.operations().contains(&"StopQuery".to_owned()), "it ended by itself");
}

#[tokio::test(start_paused = true)]
async fn over_the_budget_it_asks_and_starts_nothing() {
    let canned = looks(canned(38_200_000_000), vec![results("Complete", 38_000_000_000, &BINS)]);
    let aws = canned.aws(&["eu-west-1"]);
    let fault = run(&canned, args(json!({ "since": "3d" }))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert_eq!(
        fault.message,
        "the query would scan about 38.2 GB (about $0.19) in 1 log group over 3 d; without asking it may scan 10 GB"
    );
    assert_eq!(fault.allowance, Some(47_750_000_000), "a little more than the estimate: lines keep coming");
    assert_eq!(canned.operations(), ["GetMetricData"], "nothing was started");
    // What a person allowed is enough for it.
    let asked = args(json!({}));
    let allowed =
        registry::read_allowed(&aws, "query_logs_insights", &asked, fault.allowance, Arc::new(|_| ()));
    let (p, _) = allowed.await.unwrap();
    assert_eq!(p.rows.len(), 2);
    assert!(p.notes[1].contains("may scan 47.8 GB"), "{:?}", p.notes);
    // And a smaller budget in the settings asks sooner.
    let thrifty = Aws::new(Settings {
        regions: vec!["eu-west-1".into()],
        http: Some(canned.http()),
        credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
        clock: Arc::new(|| NOW),
        insights_budget: 0,
        ..Settings::default()
    });
    let fault = registry::read(&thrifty, "query_logs_insights", &args(json!({})), Arc::new(|_| ()))
        .await
        .unwrap_err();
    assert!(fault.allowance.is_some(), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn it_is_stopped_when_it_passes_the_budget_and_keeps_its_rows() {
    // The estimate was far too low: what came in was counted late.
    let running = results("Running", 10 * GB + 1, &BINS);
    let canned = looks(canned(5 * GB), vec![running, results("Cancelled", 10 * GB + 1, &[])]);
    let p = run(&canned, args(json!({}))).await.unwrap();
    assert_eq!(p.rows.len(), 2, "rows that were there stay although the stopped query answers none");
    assert!(
        p.summary.contains("stopped when it had scanned more than 10 GB: what had been found by then"),
        "{}",
        p.summary
    );
    assert!(p.truncated.as_ref().unwrap().contains("more than 10 GB"), "{:?}", p.truncated);
    assert_eq!(canned.operations().iter().filter(|o| *o == "StopQuery").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_stopped_when_time_is_up_and_keeps_its_rows() {
    let canned = looks(canned(GB), vec![results("Running", 1_000, &BINS[..1])]);
    let p = run(&canned, args(json!({}))).await.unwrap();
    assert_eq!(p.rows.len(), 1);
    assert!(p.summary.contains("stopped after 44 s"), "{}", p.summary);
    assert_eq!(canned.operations().iter().filter(|o| *o == "StopQuery").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_stops_its_query() {
    let canned = looks(canned(GB), vec![results("Running", 1_000, &[])]);
    let aws = canned.aws(&["eu-west-1"]);
    let mut farewells = aws.farewells().unwrap();
    {
        let query = args(json!({}));
        let call = registry::read(&aws, "query_logs_insights", &query, Arc::new(|_| ()));
        assert!(tokio::time::timeout(Duration::from_secs(5), call).await.is_err(), "it still runs");
    }
    assert!(!canned.operations().contains(&"StopQuery".to_owned()));
    farewells.try_recv().expect("a last request").await;
    let stop = canned.sent().into_iter().find(|s| s.operation == "StopQuery").unwrap();
    assert!(stop.body.contains("q-1"), "{}", stop.body);
    assert!(farewells.try_recv().is_err(), "one");
    // One that has ended leaves nothing.
    let done = looks(self::canned(GB), vec![results("Complete", 1, &[])]);
    let aws = done.aws(&["eu-west-1"]);
    let mut farewells = aws.farewells().unwrap();
    registry::read(&aws, "query_logs_insights", &args(json!({})), Arc::new(|_| ())).await.unwrap();
    assert!(farewells.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_query_that_cannot_be_read_says_where() {
    let body = json!({ "__type": "MalformedQueryException", "message": "unexpected symbol",
        "queryCompileError": { "location": { "startCharOffset": 7, "endCharOffset": 12 }, "message": "unexpected symbol found cnt" } });
    let canned = canned(GB).failing("logs", "StartQuery", 400, &body.to_string());
    let fault = run(&canned, args(json!({ "query": "stats (cnt by x" }))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.message.contains("at character 8 (\"cnt by x\"): unexpected symbol found cnt"), "{fault}");
    assert!(fault.hint.unwrap().contains("stats count(*)"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_group_is_answered_with_near_names() {
    let missing = json!({ "__type": "ResourceNotFoundException", "message": "Log group '/ecs/shop/chekout' does not exist" });
    let canned = canned(0).failing("logs", "StartQuery", 400, &missing.to_string()).on(
        "logs",
        "DescribeLogGroups",
        r#"{ "logGroups": [{ "logGroupName": "/ecs/shop/checkout-api" }] }"#,
    );
    let fault = run(&canned, args(json!({ "log_groups": ["/ecs/shop/chekout"] }))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.as_ref().unwrap().contains("/ecs/shop/checkout-api"), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_is_tried_again_when_it_was_throttled_and_only_then() {
    let throttled = r#"{ "__type": "ThrottlingException", "message": "Rate exceeded" }"#;
    let start = |answers: Vec<(u16, &'static str)>| {
        let at = AtomicUsize::new(0);
        looks(canned(GB), vec![results("Complete", 1, &BINS)]).with("logs", "StartQuery", move |_| {
            let n = at.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            (answers[n].0, answers[n].1.as_bytes().to_vec())
        })
    };
    let starts = |c: &Canned| c.operations().iter().filter(|o| *o == "StartQuery").count();
    let once = start(vec![(400, throttled), (200, r#"{ "queryId": "q" }"#)]);
    assert_eq!(run(&once, args(json!({}))).await.unwrap().rows.len(), 2);
    assert_eq!(starts(&once), 2);
    let always = start(vec![(400, throttled)]);
    assert_eq!(run(&always, args(json!({}))).await.unwrap_err().kind, FaultKind::Throttled);
    assert_eq!(starts(&always), 4);
    // It may have been started although AWS failed: a second one would be paid for, too.
    let broken = start(vec![(500, r#"{ "__type": "InternalFailure" }"#)]);
    assert_eq!(run(&broken, args(json!({}))).await.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!(starts(&broken), 1);
    let limit = start(vec![(400, r#"{ "__type": "LimitExceededException", "message": "too many" }"#)]);
    assert_eq!(run(&limit, args(json!({}))).await.unwrap_err().kind, FaultKind::Throttled);
}

#[tokio::test(start_paused = true)]
async fn what_it_would_scan_may_be_unknown() {
    let denied = cbor(
        &json!({ "__type": "AccessDenied", "message": "User: x is not authorized to perform: cloudwatch:GetMetricData" }),
    );
    let canned = looks(canned(0), vec![results("Complete", 5, &BINS)]).with(
        "monitoring",
        "GetMetricData",
        move |_| (403, denied.clone()),
    );
    let p = run(&canned, args(json!({}))).await.unwrap();
    assert_eq!(p.rows.len(), 2);
    let notes = p.notes.join("; ");
    assert!(
        notes.contains("would have been stopped at 10 GB") && notes.contains("cloudwatch:GetMetricData"),
        "{notes}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_region_of_three_may_fail_and_all_share_the_budget() {
    let by_region = |sent: &Sent| {
        match sent.region.as_str() {
        "us-east-1" => (400, br#"{ "__type": "AccessDeniedException", "message": "User: x is not authorized to perform: logs:StartQuery" }"#.to_vec()),
        _ => (200, br#"{ "queryId": "q" }"#.to_vec()),
    }
    };
    let canned =
        looks(canned(GB), vec![results("Complete", 2 * GB, &BINS)]).with("logs", "StartQuery", by_region);
    let aws = canned.aws(&["eu-west-1", "us-east-1", "eu-central-1"]);
    let (p, _) =
        registry::read(&aws, "query_logs_insights", &args(json!({})), Arc::new(|_| ())).await.unwrap();
    assert_eq!((p.rows.len(), p.errors.len()), (4, 1));
    assert_eq!((p.columns[0].name.as_str(), p.errors[0].place.as_str()), ("region", "us-east-1"));
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("logs:StartQuery"));
    assert!(
        p.summary.contains("scanned 4 GB") && p.summary.ends_with("not everything answered"),
        "{}",
        p.summary
    );
    assert!(p.notes[1].contains("estimated before: 3 GB"), "{:?}", p.notes);
    // Each 6 GB, together over ten: both are stopped.
    let canned = looks(self::canned(GB), vec![results("Running", 6 * GB, &BINS)]);
    let aws = canned.aws(&["eu-west-1", "eu-central-1"]);
    let (p, _) =
        registry::read(&aws, "query_logs_insights", &args(json!({})), Arc::new(|_| ())).await.unwrap();
    assert!(p.summary.contains("more than 10 GB"), "{}", p.summary);
    assert_eq!(canned.operations().iter().filter(|o| *o == "StopQuery").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn progress_says_how_much_was_scanned() {
    let canned =
        looks(canned(GB), vec![results("Running", 300_000_000, &BINS), results("Complete", GB, &BINS)]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        Arc::new(move |p: quarterdeck_core::event::Progress| seen.lock().unwrap().push((p.done, p.unit)))
    };
    registry::read(&canned.aws(&["eu-west-1"]), "query_logs_insights", &args(json!({})), sink).await.unwrap();
    assert_eq!(seen.lock().unwrap()[..2], [(300, "MB scanned"), (1_000, "MB scanned")]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let canned = Canned::new();
    for (args, word) in [
        (args(json!({ "log_groups": [] })), "has 0"),
        (args(json!({ "log_groups": vec!["/a"; 51] })), "has 51"),
        (args(json!({ "log_groups": ["/ecs/*"] })), "wildcards are not taken"),
        (args(json!({ "log_groups": ["arn:aws:s3:::bucket"] })), "no log group"),
        (args(json!({ "limit": 0 })), "1 to 10000"),
        (args(json!({ "limit": 10_001 })), "1 to 10000"),
        (args(json!({ "query": "" })), "`query` is empty"),
        (args(json!({ "query": "x".repeat(10_001) })), "10001 characters"),
        (args(json!({ "since": "later" })), "since"),
        (json!({ "log_groups": [GROUP] }), "missing field `query`"),
    ] {
        let fault = run(&canned, args.clone()).await.unwrap_err();
        let shown: String = args.to_string().chars().take(100).collect();
        assert!(fault.kind == FaultKind::Invalid && fault.to_string().contains(word), "{shown}: {fault}");
    }
    assert!(canned.operations().is_empty());
    // Another account's group would find our own of the same name.
    let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/shop/checkout-api:*";
    let fault = run(&canned, args(json!({ "log_groups": [arn] }))).await.unwrap_err();
    assert!(fault.kind == FaultKind::Invalid && fault.message.contains("111122223333"), "{fault}");
    assert!(!canned.operations().iter().any(|o| o == "StartQuery"));
    // Our own by its ARN is asked for by name, in its region.
    let arn = arn.replace("111122223333", "123456789012").replace("eu-west-1", "eu-central-1");
    let canned = looks(self::canned(1), vec![results("Complete", 1, &BINS)]);
    run(&canned, args(json!({ "log_groups": [arn] }))).await.unwrap();
    let start = canned.sent().into_iter().find(|s| s.operation == "StartQuery").unwrap();
    assert_eq!(start.region, "eu-central-1");
    assert!(start.body.contains(r#"["/ecs/shop/checkout-api"]"#), "{}", start.body);
}
