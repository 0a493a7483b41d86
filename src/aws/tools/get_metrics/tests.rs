use super::*;
use crate::registry;
use crate::testing::{Canned, NOW, cbor};
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

async fn read(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    registry::read(&canned.aws(regions), "get_metrics", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn orders() -> Value {
    json!({ "namespace": "AWS/RDS", "metric": "DatabaseConnections", "dimensions": { "DBInstanceIdentifier": "orders-db" } })
}

fn with(extra: Value) -> Value {
    let mut args = orders();
    if let (Some(args), Value::Object(extra)) = (args.as_object_mut(), extra) {
        args.extend(extra);
    }
    args
}

/// Values at minutes before 03:04:00, the last whole minute.
fn data(points: &[(i64, f64)]) -> Vec<u8> {
    let end = NOW.millis() / 60_000 * 60;
    let times: Vec<Value> = points.iter().map(|(ago, _)| json!({ "$time": end - ago * 60 })).collect();
    let values: Vec<f64> = points.iter().map(|(_, v)| *v).collect();
    cbor(&json!({ "MetricDataResults": [{ "Id": "m0", "Label": "x", "StatusCode": "Complete",
        "Timestamps": times, "Values": values }] }))
}

fn canned(points: &[(i64, f64)]) -> Canned {
    let body = data(points);
    Canned::new().with("monitoring", "GetMetricData", move |_| (200, body.clone()))
}

/// 60 whole minutes: 120 until 33 minutes ago, 497 since; and the minute that has just begun.
fn step() -> Vec<(i64, f64)> {
    let wave = |ago: i64| if ago % 2 == 0 { 4.0 } else { -4.0 };
    let whole = (1..=60).rev().map(|ago| (ago, if ago > 33 { 120.0 } else { 497.0 } + wave(ago)));
    whole.chain([(0, 11.0)]).collect()
}

fn notes(p: &Projection) -> Vec<(String, String)> {
    let cell = |row, name| p.cell(row, name).unwrap().plain();
    p.rows.iter().map(|r| (cell(r, "note"), cell(r, "value"))).filter(|(note, _)| !note.is_empty()).collect()
}

#[tokio::test]
async fn figures_the_change_and_the_unfinished_minute() {
    let canned = canned(&step());
    let p = read(&canned, &["eu-west-1"], orders()).await.unwrap();
    for word in [
        "AWS/RDS DatabaseConnections (DBInstanceIdentifier=orders-db), Average per 1 m",
        "in eu-west-1 last 493 at 03:03:00",
        "min 116",
        "max 501",
        "rose from about 124 to about 493 at 02:31:00",
    ] {
        assert!(p.summary.contains(word), "{word}: {}", p.summary);
    }
    assert_eq!(p.rows.len(), 60, "at most sixty rows");
    assert_eq!(p.series[0].points.len(), 61, "every point in the chart");
    let told = notes(&p);
    assert_eq!(told[0], ("unfinished".into(), "11".into()), "newest first, marked, not in the figures");
    assert!(told.iter().any(|(note, _)| note == "level changed"), "{told:?}");
    assert!(p.notes.iter().any(|n| n.contains("has not ended")), "{:?}", p.notes);
    let sent = canned.sent();
    assert_eq!((sent.len(), sent[0].region.as_str()), (1, "eu-west-1"), "one request, no ListMetrics");
}

#[tokio::test]
async fn gaps_are_gaps_and_not_zeros() {
    let p =
        read(&canned(&[(5, 2.0), (4, 2.0), (1, 2.0)]), &["eu-west-1"], with(json!({ "statistic": "sum" })))
            .await
            .unwrap();
    assert!(p.summary.contains("min 2") && p.summary.contains("avg 2"), "{}", p.summary);
    let gap = p.rows.iter().find(|r| p.cell(r, "note") == Some(&Cell::from("no data"))).unwrap();
    assert_eq!(p.cell(gap, "value"), Some(&Cell::Absent));
    assert!(p.notes.iter().any(|n| n.contains("gaps, not zeros")), "{:?}", p.notes);
    assert!(p.series[0].points.iter().all(|(_, v)| *v == 2.0) && p.series[0].points.len() == 3);
}

#[tokio::test]
async fn a_long_period_is_thinned_for_the_model_and_whole_in_the_chart() {
    let day: Vec<(i64, f64)> = (1..=1_440).rev().map(|ago| (ago, 100.0 + (ago % 10) as f64)).collect();
    let p = read(&canned(&day), &["eu-west-1"], with(json!({ "since": "1d" }))).await.unwrap();
    assert!(p.rows.len() <= 60, "{}", p.rows.len());
    assert_eq!(p.series[0].points.len(), 1_440);
    assert!(p.notes.iter().any(|n| n.contains("the chart has all 1440 points")), "{:?}", p.notes);
    let view = p.for_model(quarterdeck_core::tool::RESULT_CAP);
    assert_eq!(view.shown, p.rows.len(), "all sixty fit");
}

#[tokio::test]
async fn compared_with_the_day_before() {
    let earlier: Vec<(i64, f64)> = (1..=60).rev().map(|ago| (ago + 1_440, 100.0)).collect();
    let (now, before) = (data(&step()), data(&earlier));
    let asked = std::sync::Mutex::new(0);
    let canned = Canned::new().with("monitoring", "GetMetricData", move |_| {
        // Both are asked for at once; the first is the period itself.
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        (200, if *asked == 1 { now.clone() } else { before.clone() })
    });
    let p = read(&canned, &["eu-west-1"], with(json!({ "compare": "day" }))).await.unwrap();
    assert!(
        p.summary.contains("the day before avg 100 (+2") || p.summary.contains("the day before avg 100 (+"),
        "{}",
        p.summary
    );
    let row = p.rows.iter().find(|r| p.cell(r, "note") == Some(&Cell::Absent)).unwrap();
    assert_eq!(p.cell(row, "day_before"), Some(&Cell::Float(100.0)));
    assert_eq!(p.series.len(), 2);
    assert!(p.series[1].name.ends_with("day before"), "{}", p.series[1].name);
    assert_eq!(canned.operations(), ["GetMetricData", "GetMetricData"]);
}

/// Namespace, metric, dimensions.
type Set<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn listed(sets: &[Set<'_>]) -> Vec<u8> {
    let metrics: Vec<Value> = sets
        .iter()
        .map(|(namespace, name, dimensions)| {
            let dimensions: Vec<Value> =
                dimensions.iter().map(|(n, v)| json!({ "Name": n, "Value": v })).collect();
            json!({ "Namespace": namespace, "MetricName": name, "Dimensions": dimensions })
        })
        .collect();
    cbor(&json!({ "Metrics": metrics }))
}

#[tokio::test]
async fn without_points_it_names_what_there_is() {
    let same: Set<'_> = ("AWS/RDS", "DatabaseConnections", &[("DBInstanceIdentifier", "orders-db")]);
    let checkout: Set<'_> = ("AWS/RDS", "DatabaseConnections", &[("DBInstanceIdentifier", "orders-db-2")]);
    let cpu: Set<'_> = ("AWS/RDS", "CPUUtilization", &[("DBInstanceIdentifier", "orders-db")]);
    for (by_name, in_namespace, everywhere, word) in [
        (vec![same], vec![], vec![], "the metric exists with these dimensions"),
        (vec![checkout], vec![], vec![], "the nearest: DBInstanceIdentifier=orders-db-2"),
        (vec![], vec![cpu], vec![], "no such metric in the namespace, the nearest: CPUUtilization"),
        (vec![], vec![], vec![cpu], "no such namespace, the nearest: AWS/RDS"),
        (vec![], vec![], vec![], "there are no metrics at all here"),
    ] {
        let answers = [listed(&by_name), listed(&in_namespace), listed(&everywhere)];
        let asked = std::sync::Mutex::new(0);
        let canned = canned(&[]).with("monitoring", "ListMetrics", move |_| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            (200, answers[*asked - 1].clone())
        });
        let p = read(&canned, &["eu-west-1"], orders()).await.unwrap();
        assert!(p.rows.is_empty() && p.series.is_empty());
        assert!(p.summary.starts_with("No points of AWS/RDS DatabaseConnections"), "{}", p.summary);
        assert!(p.summary.contains(word) && p.summary.contains("eu-west-1"), "{word}: {}", p.summary);
    }
    let denied = cbor(
        &json!({ "__type": "AccessDenied", "message": "User: x is not authorized to perform: cloudwatch:ListMetrics" }),
    );
    let canned = canned(&[]).with("monitoring", "ListMetrics", move |_| (403, denied.clone()));
    let p = read(&canned, &["eu-west-1"], orders()).await.unwrap();
    assert!(
        p.summary.contains("could not be looked up") && p.summary.contains("cloudwatch:ListMetrics"),
        "{}",
        p.summary
    );
}

#[tokio::test]
async fn one_region_of_three_may_fail() {
    let (good, bad) = (data(&step()), cbor(&json!({ "__type": "AccessDenied", "message": "no" })));
    let canned = Canned::new().with("monitoring", "GetMetricData", move |sent| match sent.region.as_str() {
        "us-east-1" => (403, bad.clone()),
        _ => (200, good.clone()),
    });
    let regions = ["eu-west-1", "us-east-1", "eu-central-1"];
    let p = read(&canned, &regions, orders()).await.unwrap();
    assert_eq!((p.errors.len(), p.errors[0].place.as_str()), (1, "us-east-1"));
    assert!(
        p.summary.contains("in eu-west-1 last") && p.summary.contains("in eu-central-1 last"),
        "{}",
        p.summary
    );
    assert!(p.summary.ends_with("not everything answered"), "{}", p.summary);
    assert_eq!(p.columns[0].name, "region");
    assert!(p.rows.len() <= 60, "sixty in all, not each: {}", p.rows.len());
    assert_eq!(p.series.len(), 2);
}

#[tokio::test]
async fn retention_decides_the_period() {
    for (args, period, note) in [
        (json!({}), 60, None),
        (json!({ "since": "20d" }), 3_600, None),
        (json!({ "since": "20d", "period": 60 }), 300, Some("a point is 5 m instead of 1 m")),
        // The week before is the older one: it decides.
        (json!({ "since": "9d", "compare": "week", "period": 60 }), 300, Some("5 m instead of 1 m")),
    ] {
        let canned =
            canned(&[]).with("monitoring", "ListMetrics", |_| (200, cbor(&json!({ "Metrics": [] }))));
        let p = read(&canned, &["eu-west-1"], with(args.clone())).await.unwrap();
        let said = p.notes.join("; ");
        assert_eq!(note.is_some(), said.contains("instead of"), "{args}: {said}");
        assert!(said.contains(note.unwrap_or("searched")), "{args}: {said}");
        let out = Out {
            period: Period::of(Some("1h"), None, Duration::ZERO, NOW).unwrap(),
            step: period,
            statistic: "Average".into(),
            places: Gathered { answers: vec![], errors: vec![], many_accounts: false, many_regions: false },
        };
        assert!(
            p.summary.contains(&format!(
                "per {}",
                crate::tools::reading::words::span(Duration::from_secs(out.step.into()))
            )),
            "{args}: {}",
            p.summary
        );
    }
    let canned = Canned::new();
    for args in [json!({ "since": "456d" }), json!({ "since": "450d", "compare": "week" })] {
        let fault = read(&canned, &["eu-west-1"], with(args)).await.unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.message.contains("455 days"), "{fault}");
    }
    assert!(canned.operations().is_empty());
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/943f017f100becff";
    let canned = Canned::new();
    for (args, word) in [
        (json!({ "namespace": "AWS/*", "metric": "x" }), "wildcard"),
        (json!({ "namespace": "arn:aws:rds:eu-west-1:123456789012:db:orders-db", "metric": "x" }), "ARN"),
        (json!({ "namespace": "AWS/RDS", "metric": "arn:aws:x:y:1:z" }), "ARN"),
        (json!({ "namespace": "AWS/RDS", "metric": "CPU?" }), "wildcard"),
        (json!({ "namespace": "AWS/RDS", "metric": "Größe" }), "not a name"),
        (with(json!({ "dimensions": { "DBInstanceIdentifier": "orders-*" } })), "wildcard"),
        (with(json!({ "dimensions": { "LoadBalancer": arn } })), "app/shop/50dc6c495c0c9188"),
        (with(json!({ "dimensions": { "TargetGroup": group } })), "targetgroup/checkout/943f017f100becff"),
        (
            with(
                json!({ "dimensions": { "DBInstanceIdentifier": "arn:aws:rds:eu-west-1:123456789012:db:orders-db" } }),
            ),
            "\"orders-db\"",
        ),
        (with(json!({ "dimensions": ["a"] })), "invalid type"),
        (with(json!({ "statistic": "p" })), "no \"p\""),
        (with(json!({ "statistic": "p101" })), "p99"),
        (with(json!({ "statistic": "median" })), "Average"),
        (with(json!({ "period": 90 })), "multiple"),
        (with(json!({ "period": 0 })), "1 to 86400"),
        (with(json!({ "compare": "month" })), "unknown variant"),
        (with(json!({ "since": "1h", "until": "2h" })), "before it begins"),
    ] {
        let fault = read(&canned, &["eu-west-1"], args.clone()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid, "{args}: {fault}");
        assert!(fault.to_string().contains(word), "{args}: {fault}");
    }
    assert!(canned.operations().is_empty(), "{:?}", canned.operations());
    // Dimensions that are ARNs exist.
    assert!(
        dimension("StateMachineArn", "arn:aws:states:eu-west-1:123456789012:stateMachine:orders").is_ok()
    );
}

#[test]
fn statistics_as_people_write_them() {
    for (given, sent) in [
        ("avg", "Average"),
        ("SUM", "Sum"),
        ("p99", "p99"),
        ("P99.9", "p99.9"),
        ("max", "Maximum"),
        ("count", "SampleCount"),
    ] {
        assert_eq!(statistic(given).unwrap(), sent);
    }
}
