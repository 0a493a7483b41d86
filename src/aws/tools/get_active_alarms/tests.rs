use super::*;
use crate::place::Place;
use crate::testing::{Canned, NOW, cbor};
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, ComparisonOperator, CompositeAlarm, Dimension, Metric, MetricAlarm, MetricDataQuery,
    MetricStat, Statistic,
};
use aws_smithy_types::DateTime;
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};

fn ago(seconds: u64) -> DateTime {
    DateTime::from_millis(NOW.minus(Duration::from_secs(seconds)).millis())
}

fn alarm(name: &str, state: StateValue, seconds: u64) -> MetricAlarm {
    MetricAlarm::builder()
        .alarm_name(name)
        .state_value(state)
        .state_reason(format!("{name} crossed"))
        .state_transitioned_timestamp(ago(seconds))
        .state_updated_timestamp(ago(1))
        .namespace("AWS/ApplicationELB")
        .metric_name("HTTPCode_Target_5XX_Count")
        .statistic(Statistic::Sum)
        .dimensions(Dimension::builder().name("LoadBalancer").value("app/web/1").build())
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .threshold(5.0)
        .evaluation_periods(3)
        .period(60)
        .actions_enabled(true)
        .build()
}

fn gathered(region: RegionAlarms) -> Gathered<RegionAlarms> {
    let place = Place { account: None, region: "eu-west-1".into() };
    Gathered { answers: vec![(place, region)], errors: vec![], many_accounts: false, many_regions: false }
}

fn shown(args: &Args, region: RegionAlarms) -> Projection {
    let projection = GetActiveAlarms::project(args, &gathered(region), NOW);
    assert!(projection.rows.iter().all(|row| row.cells.len() == projection.columns.len()));
    projection
}

fn cells(projection: &Projection, column: &str) -> Vec<Cell> {
    projection.rows.iter().map(|row| projection.cell(row, column).unwrap().clone()).collect()
}

#[test]
fn what_a_row_tells_of_an_alarm() {
    let region =
        RegionAlarms { metric: vec![alarm("checkout-5xx", StateValue::Alarm, 780)], ..Default::default() };
    let shown = shown(&Args::default(), region);
    for (column, expected) in [
        ("name", Cell::from("checkout-5xx")),
        ("state", "ALARM".into()),
        ("metric", "AWS/ApplicationELB HTTPCode_Target_5XX_Count (Sum)".into()),
        ("dimensions", "LoadBalancer=app/web/1".into()),
        ("threshold", "> 5 for 3 of 3 x 60 s".into()),
        ("since", NOW.minus(Duration::from_secs(780)).into()),
        ("reason", "checkout-5xx crossed".into()),
        ("actions_enabled", true.into()),
    ] {
        assert_eq!(cells(&shown, column), [expected], "{column}");
    }
    assert_eq!(shown.summary, "1 alarm in ALARM in eu-west-1; newest: checkout-5xx since 02:51:05 (13 m)");
}

#[test]
fn thresholds_and_metrics_of_every_kind() {
    let plain = || alarm("a", StateValue::Alarm, 1);
    let stat = |id: &str, name: &str| {
        let metric = Metric::builder()
            .namespace("N")
            .metric_name(name)
            .dimensions(Dimension::builder().name("Q").value("q").build())
            .build();
        let stat = MetricStat::builder().metric(metric).period(300).stat("p99").build();
        MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
    };
    let math = MetricDataQuery::builder().id("e1").expression("m1/m2").return_data(true).build();
    let band = MetricDataQuery::builder().id("ad1").expression("ANOMALY_DETECTION_BAND(m1, 2)").build();
    let mut at_least = plain();
    at_least.comparison_operator = Some(ComparisonOperator::GreaterThanOrEqualToThreshold);
    at_least.datapoints_to_alarm = Some(2);
    at_least.threshold = Some(0.05);
    at_least.statistic = None;
    at_least.extended_statistic = Some("p99.9".into());
    let mut expression = plain();
    (expression.metric_name, expression.namespace, expression.period) = (None, None, None);
    expression.dimensions = None;
    expression.metrics = Some(vec![math, stat("m1", "A"), stat("m2", "B")]);
    let mut anomaly = plain();
    (anomaly.metric_name, anomaly.threshold, anomaly.period) = (None, None, None);
    anomaly.comparison_operator = Some(ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold);
    anomaly.threshold_metric_id = Some("ad1".into());
    anomaly.metrics = Some(vec![stat("m1", "A"), band]);
    for (alarm, threshold, metric, dimensions) in [
        (
            at_least,
            ">= 0.05 for 2 of 3 x 60 s",
            "AWS/ApplicationELB HTTPCode_Target_5XX_Count (p99.9)",
            "LoadBalancer=app/web/1",
        ),
        (expression, "> 5 for 3 of 3 x 300 s", "m1/m2 where m1 = N A (p99), m2 = N B (p99)", "Q=q"),
        (
            anomaly,
            "outside the band ANOMALY_DETECTION_BAND(m1, 2) for 3 of 3 x 300 s",
            "ANOMALY_DETECTION_BAND(m1, 2) where m1 = N A (p99)",
            "LoadBalancer=app/web/1, Q=q",
        ),
    ] {
        let shown = shown(&Args::default(), RegionAlarms { metric: vec![alarm], ..Default::default() });
        assert_eq!(cells(&shown, "threshold"), [threshold.into()]);
        assert_eq!(cells(&shown, "metric"), [metric.into()]);
        assert_eq!(cells(&shown, "dimensions"), [dimensions.into()]);
    }
}

#[test]
fn the_loudest_and_newest_come_first_and_blind_ones_are_counted() {
    let mut silent = alarm("silent", StateValue::Alarm, 10);
    silent.actions_enabled = Some(false);
    let mut fallback = alarm("fallback", StateValue::Alarm, 900);
    fallback.state_transitioned_timestamp = None;
    let composite = CompositeAlarm::builder()
        .alarm_name("all-of-it")
        .alarm_rule("ALARM(a) AND ALARM(b)")
        .state_value(StateValue::Alarm)
        .state_transitioned_timestamp(ago(300))
        .build();
    let region = RegionAlarms {
        metric: vec![
            alarm("TargetTracking-service/prod/api-AlarmLow-1", StateValue::Alarm, 5),
            alarm("old", StateValue::Alarm, 7200),
            silent,
            alarm("blind", StateValue::InsufficientData, 60),
            fallback,
        ],
        composite: vec![composite],
        ..Default::default()
    };
    let shown = shown(&Args::default(), region);
    let names: Vec<String> = cells(&shown, "name").iter().map(Cell::plain).collect();
    assert_eq!(
        names,
        ["fallback", "all-of-it", "old", "silent", "TargetTracking-service/prod/api-AlarmLow-1"]
    );
    assert_eq!(shown.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [3, 3, 3, 2, 1]);
    assert_eq!(cells(&shown, "threshold")[1], "ALARM(a) AND ALARM(b)".into());
    assert_eq!(cells(&shown, "metric")[1], Cell::Absent);
    assert_eq!(shown.counts.of, [("ALARM".to_owned(), 5), ("INSUFFICIENT_DATA".to_owned(), 1)]);
    assert_eq!(shown.total, 5);
    assert!(shown.summary.contains("newest: fallback since 03:04:04 (1 s), silent"), "{}", shown.summary);
    assert!(shown.summary.ends_with("and 1 more; 1 more in INSUFFICIENT_DATA"), "{}", shown.summary);
    assert!(shown.notes.iter().any(|n| n.contains("1 alarm in ALARM with actions switched off")));
}

#[test]
fn flapping_is_part_of_the_reason() {
    let item = |name: &str, summary: &str| {
        AlarmHistoryItem::builder().alarm_name(name).history_summary(summary).build()
    };
    let region = RegionAlarms {
        metric: vec![alarm("a", StateValue::Alarm, 60), alarm("b", StateValue::Alarm, 90)],
        history: vec![
            item("a", "Alarm updated from OK to ALARM"),
            item("a", "Alarm updated from ALARM to OK"),
            item("a", "Alarm updated from OK to ALARM"),
            item("b", "Alarm updated from OK to ALARM"),
        ],
        ..Default::default()
    };
    let shown = shown(&Args::default(), region);
    assert_eq!(
        cells(&shown, "reason"),
        ["a crossed; flapping: went into ALARM 2 times in the last 3 h".into(), "b crossed".into()]
    );
}

#[test]
fn nothing_found_says_what_was_searched() {
    let none = |any| RegionAlarms { any, ..Default::default() };
    let named = Args { name: Some("pay".into()), ..Args::default() };
    let all = Args { state: State::All, ..Args::default() };
    for (args, any, summary) in [
        (&Args::default(), Some(true), "No alarm is in ALARM in eu-west-1"),
        (
            &Args::default(),
            Some(false),
            "No alarm is in ALARM in eu-west-1; there are no alarms there at all",
        ),
        (
            &named,
            Some(false),
            "No alarm whose name begins with \"pay\" is in ALARM in eu-west-1; no alarm has such a name, in whatever state",
        ),
        (&all, None, "No alarms in eu-west-1"),
    ] {
        assert_eq!(shown(args, none(any)).summary, summary);
    }
}

fn json_alarm(name: &str, state: &str) -> Value {
    json!({ "AlarmName": name, "StateValue": state, "StateReason": "r", "MetricName": "M", "Namespace": "N",
        "Threshold": 5.0, "EvaluationPeriods": 1, "Period": 60, "ComparisonOperator": "GreaterThanThreshold",
        "StateTransitionedTimestamp": { "$time": 1_795_143_000.0 }, "ActionsEnabled": true })
}

fn page(alarms: &[Value], next: Option<&str>) -> (u16, Vec<u8>) {
    let mut body = json!({ "MetricAlarms": alarms, "CompositeAlarms": [] });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    (200, cbor(&body))
}

fn failure(code: &str, message: &str) -> Vec<u8> {
    cbor(&json!({ "__type": format!("com.amazonaws.cloudwatch#{code}"), "message": message }))
}

const DENIED: &str = "User: x is not authorized to perform: cloudwatch:DescribeAlarms on resource: y";

async fn run(canned: &Canned, args: &Args) -> Result<Projection, Fault> {
    run_in("eu-west-1", canned, args).await
}

/// What was throttled keeps its region slow for the whole process, so it has one of its own.
async fn run_in(region: &str, canned: &Canned, args: &Args) -> Result<Projection, Fault> {
    let aws =
        canned.aws(&[region]).reads(const { &GetActiveAlarms::SPEC }, std::sync::Arc::new(|_| ())).await?;
    let out = GetActiveAlarms::call(&aws, args).await?;
    Ok(GetActiveAlarms::project(args, &out, NOW))
}

#[tokio::test]
async fn every_page_of_both_states_and_both_types() {
    let canned = Canned::new()
        .with("monitoring", "DescribeAlarms", |sent| {
            assert!(sent.body.contains("MetricAlarm") && sent.body.contains("CompositeAlarm"));
            match (sent.body.contains("INSUFFICIENT_DATA"), sent.body.contains("page2")) {
                (true, _) => page(&[json_alarm("blind", "INSUFFICIENT_DATA")], None),
                (false, false) => page(&[json_alarm("a", "ALARM")], Some("page2")),
                (false, true) => page(&[json_alarm("b", "ALARM")], None),
            }
        })
        .with("monitoring", "DescribeAlarmHistory", |_| {
            (403, failure("AccessDenied", &DENIED.replace("DescribeAlarms", "DescribeAlarmHistory")))
        });
    let shown = run(&canned, &Args::default()).await.unwrap();
    let names: Vec<String> = cells(&shown, "name").iter().map(Cell::plain).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(cells(&shown, "threshold")[0], "> 5 for 1 of 1 x 60 s".into());
    assert_eq!(shown.counts.of[1], ("INSUFFICIENT_DATA".to_owned(), 1));
    assert!(shown.errors.is_empty(), "a denied history costs nothing but a note");
    assert!(
        shown.notes.iter().any(|n| n.contains("needs cloudwatch:DescribeAlarmHistory")),
        "{:?}",
        shown.notes
    );
}

#[tokio::test]
async fn nothing_firing_needs_no_history_but_asks_whether_there_is_anything() {
    let canned = Canned::new().with("monitoring", "DescribeAlarms", |_| page(&[], None));
    let shown = run(&canned, &Args::default()).await.unwrap();
    assert!(shown.summary.ends_with("there are no alarms there at all"));
    assert!(!canned.operations().contains(&"DescribeAlarmHistory".to_owned()));
}

#[tokio::test]
async fn denied_is_the_fault() {
    let canned =
        Canned::new().with("monitoring", "DescribeAlarms", |_| (403, failure("AccessDenied", DENIED)));
    let fault = run(&canned, &Args::default()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("cloudwatch:DescribeAlarms")));
}

#[tokio::test(start_paused = true)]
async fn throttled_between_pages_keeps_what_was_read() {
    let canned = Canned::new()
        .with("monitoring", "DescribeAlarms", |sent| {
            match (sent.body.contains("INSUFFICIENT_DATA"), sent.body.contains("page2")) {
                (true, _) => page(&[], None),
                (false, false) => page(&[json_alarm("a", "ALARM")], Some("page2")),
                (false, true) => (400, failure("Throttling", "Rate exceeded")),
            }
        })
        .with("monitoring", "DescribeAlarmHistory", |_| (200, cbor(&json!({ "AlarmHistoryItems": [] }))));
    let shown = run_in("ap-south-1", &canned, &Args::default()).await.unwrap();
    assert_eq!(shown.rows.len(), 1);
    assert!(is_slow(shown.errors[0].fault.kind));
    assert_eq!(shown.errors[0].place, "ap-south-1 alarms in ALARM, after the first 1");
    assert!(shown.summary.ends_with("not everything answered"), "{}", shown.summary);
}

/// The SDK's limiter reads the real clock, which stands still while the paused one runs: which of the two ends first is
/// chance. On real clocks it is throttled, after some ten seconds.
fn is_slow(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Throttled | FaultKind::Timeout)
}
