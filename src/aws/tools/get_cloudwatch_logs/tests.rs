use super::*;
use crate::place::Place;
use crate::testing::{Canned, NOW, Sent};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};

const GROUP: &str = "/ecs/checkout-api";

fn args() -> Args {
    Args { log_group: GROUP.into(), limit: 200, ..Args::default() }
}

fn event(seconds: u64, stream: &str, message: &str) -> FilteredLogEvent {
    FilteredLogEvent::builder()
        .timestamp(NOW.minus(Duration::from_secs(seconds)).millis())
        .log_stream_name(stream)
        .message(message)
        .build()
}

fn lines(events: Vec<FilteredLogEvent>) -> RegionLines {
    let searched_from = NOW.minus(Duration::from_secs(3600));
    RegionLines { events, searched_from, stopped: None, unknown: false, errors: vec![] }
}

fn shown(args: &Args, region: RegionLines) -> Projection {
    let place = Place { account: None, region: "eu-west-1".into() };
    let places = Gathered {
        answers: vec![(place, region)],
        errors: vec![],
        many_accounts: false,
        many_regions: false,
    };
    let out = Out { period: args.period(NOW).unwrap(), places };
    let projection = GetCloudwatchLogs::project(args, &out, NOW);
    assert!(projection.rows.iter().all(|row| row.cells.len() == projection.columns.len()));
    projection
}

fn cells(projection: &Projection, column: &str) -> Vec<Cell> {
    projection.rows.iter().map(|row| projection.cell(row, column).unwrap().clone()).collect()
}

#[test]
fn newest_first_folded_counted_and_charted() {
    let shown = shown(
        &args(),
        lines(vec![
            event(10, "app/1", "ERROR order 17 failed\n"),
            event(70, "app/2", "ERROR order 4 failed\n"),
            event(80, "app/2", r#"{"level":"info","msg":"started","port":8080}"#),
            event(130, "app/1", "FATAL DB_URL is not set"),
        ]),
    );
    assert_eq!(
        cells(&shown, "message"),
        ["ERROR order 17 failed".into(), "INFO started port=8080".into(), "FATAL DB_URL is not set".into()]
    );
    assert_eq!(cells(&shown, "times_seen"), [2.into(), 1.into(), 1.into()]);
    assert_eq!(cells(&shown, "stream")[0], "app/1".into());
    assert_eq!(cells(&shown, "time")[0], NOW.minus(Duration::from_secs(10)).into());
    assert_eq!(shown.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [2, 0, 3]);
    assert_eq!(shown.counts.of, [("FATAL".into(), 1), ("ERROR".into(), 2), ("INFO".into(), 1)]);
    assert_eq!(
        shown.summary,
        "4 lines of /ecs/checkout-api in eu-west-1: 1 FATAL, 2 ERROR, 1 INFO; newest error 03:03:55 (10 s ago); 3 \
         different lines after folding"
    );
    let series = &shown.series[0];
    assert_eq!((series.name.as_str(), series.points.len()), ("lines per minute", 61));
    assert_eq!(series.points.iter().map(|(_, n)| n).sum::<f64>(), 4.0);
    assert!(series.points.is_sorted_by_key(|(at, _)| *at));
    assert!(shown.truncated.is_none() && shown.next.is_none());
}

#[test]
fn the_limit_keeps_the_newest_and_says_how_to_go_on() {
    let region = lines((0..9).map(|n| event(n, "s", &"ab".repeat(n as usize + 1))).collect());
    let shown = shown(&Args { limit: 3, ..args() }, region);
    assert_eq!(cells(&shown, "message"), ["ab".into(), "abab".into(), "ababab".into()]);
    assert_eq!(shown.next.as_deref(), Some("2026-11-20T03:04:03.001Z"));
    assert!(shown.truncated.unwrap().contains("until=2026-11-20T03:04:03.001Z"));
    assert!(shown.summary.starts_with("3 newest lines of"));
}

#[test]
fn nothing_found_says_what_was_searched() {
    let asked = Args { pattern: Some("ERROR".into()), stream_prefix: Some("app/".into()), ..args() };
    let shown = shown(&asked, lines(vec![]));
    assert_eq!(
        shown.summary,
        "No lines in /ecs/checkout-api in eu-west-1 matching \"ERROR\" in streams beginning with \"app/\", \
         2026-11-20T02:04:05Z to 2026-11-20T03:04:05Z (1 h)"
    );
    assert!(shown.notes.iter().any(|n| n.contains("case sensitive")) && shown.series.is_empty());
}

#[test]
fn a_line_of_megabytes_is_bounded() {
    let shown = shown(&args(), lines(vec![event(1, "s", &"ERROR word ".repeat(190_000))]));
    let text = cells(&shown, "message")[0].plain();
    assert!(text.len() < 70_000 && text.contains("[cut: "), "{}", text.len());
    assert!(shown.notes.iter().any(|n| n == "1 line longer than 64 KB, cut"), "{:?}", shown.notes);
}

#[test]
fn arguments_are_checked() {
    for bad in [
        Args { log_group: "  ".into(), ..args() },
        Args { limit: 0, ..args() },
        Args { limit: 10_001, ..args() },
        Args { since: Some("soon".into()), ..args() },
    ] {
        assert_eq!(GetCloudwatchLogs::check(&bad).unwrap_err().kind, FaultKind::Invalid, "{bad:?}");
    }
    let parsed: Args = crate::schema::parse(&json!({ "log_group": GROUP })).unwrap();
    assert_eq!(parsed, args());
}

/// A group with a line every ten seconds for an hour, three lines a page, that answers as FilterLogEvents does: oldest
/// first, an empty page at the beginning, the end of the period included.
fn group(sent: &Sent) -> (u16, Vec<u8>) {
    let asked: Value = serde_json::from_str(&sent.body).unwrap();
    let (start, end) = (asked["startTime"].as_i64().unwrap(), asked["endTime"].as_i64().unwrap());
    let all: Vec<i64> = (0..360)
        .map(|n| NOW.millis() - 5_000 - n * 10_000)
        .rev()
        .filter(|at| (start..=end).contains(at))
        .collect();
    let Some(token) = asked["nextToken"].as_str() else {
        return answer(&[], Some("0"));
    };
    let from: usize = token.parse().unwrap();
    let events: Vec<Value> = all
        .iter()
        .skip(from)
        .take(3)
        .map(|at| json!({ "timestamp": at, "logStreamName": "s", "message": format!("at {at}"), "eventId": at.to_string() }))
        .collect();
    let next = (from + 3 < all.len()).then(|| (from + 3).to_string());
    answer(&events, next.as_deref())
}

fn answer(events: &[Value], next: Option<&str>) -> (u16, Vec<u8>) {
    (200, json!({ "events": events, "nextToken": next }).to_string().into_bytes())
}

async fn call(canned: &Canned, args: &Args) -> Result<Out, Fault> {
    call_in("eu-west-1", canned, args).await
}

/// What was throttled keeps its region slow for the whole process, so it has one of its own.
async fn call_in(region: &str, canned: &Canned, args: &Args) -> Result<Out, Fault> {
    let aws =
        canned.aws(&[region]).reads(const { &GetCloudwatchLogs::SPEC }, std::sync::Arc::new(|_| ())).await?;
    GetCloudwatchLogs::call(&aws, args).await
}

fn times(out: &Out) -> Vec<i64> {
    let events = out.places.answers.iter().flat_map(|(_, r)| &r.events);
    events.map(|e| (NOW.millis() - e.timestamp().unwrap()) / 1000).collect()
}

#[tokio::test]
async fn reads_backwards_in_widening_windows_through_empty_pages() {
    let canned = Canned::new().with("logs", "FilterLogEvents", group);
    let out = call(&canned, &Args { limit: 20, ..args() }).await.unwrap();
    let times = times(&out);
    assert_eq!(times[..3], [5, 15, 25], "newest first");
    assert!(
        times.len() >= 20 && times.windows(2).all(|w| w[1] - w[0] == 10),
        "no gap, none twice: {times:?}"
    );
    let windows: Vec<(i64, i64)> = canned
        .sent()
        .iter()
        .filter(|s| s.operation == "FilterLogEvents" && !s.body.contains("nextToken"))
        .map(|s| serde_json::from_str::<Value>(&s.body).unwrap())
        .map(|asked| {
            let ago = |field: &str| (NOW.millis() - asked[field].as_i64().unwrap()) / 1000;
            (ago("startTime"), ago("endTime"))
        })
        .collect();
    assert_eq!(windows, [(60, 0), (300, 60)], "the last minute, then the four before");
}

#[tokio::test]
async fn the_whole_period_is_read_when_the_limit_allows() {
    let canned = Canned::new().with("logs", "FilterLogEvents", group);
    let out = call(&canned, &Args { limit: 10_000, ..args() }).await.unwrap();
    assert_eq!(times(&out).len(), 360);
    let region = &out.places.answers[0].1;
    assert_eq!((region.searched_from, &region.stopped), (out.period.from, &None));
}

#[tokio::test]
async fn a_flood_is_read_in_narrower_windows_so_that_the_newest_come_out() {
    // Two hundred lines a second: a minute of it is hundreds of pages.
    let canned = Canned::new().with("logs", "FilterLogEvents", |sent| {
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        let (start, end) = (asked["startTime"].as_i64().unwrap(), asked["endTime"].as_i64().unwrap());
        let from = asked["nextToken"].as_str().map_or(start, |t| t.parse().unwrap());
        let to = (from + 500).min(end);
        let events: Vec<Value> = (from..to)
            .step_by(5)
            .map(|at| json!({ "timestamp": at, "logStreamName": "s", "message": "x" }))
            .collect();
        answer(&events, (to < end).then(|| to.to_string()).as_deref())
    });
    let out = call(&canned, &Args { limit: 50, ..args() }).await.unwrap();
    let newest = out.places.answers[0].1.events[0].timestamp().unwrap();
    assert!(NOW.millis() - newest <= 5, "{}", NOW.millis() - newest);
    assert!(canned.sent().len() < 40, "{} requests", canned.sent().len());
}

#[tokio::test(start_paused = true)]
async fn throttled_on_the_way_keeps_the_newest_and_says_what_is_missing() {
    let canned = Canned::new().with("logs", "FilterLogEvents", |sent| {
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        if asked["endTime"].as_i64().unwrap() < NOW.millis() {
            return (400, br#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_vec());
        }
        group(sent)
    });
    let out = call_in("ap-south-1", &canned, &args()).await.unwrap();
    assert_eq!(times(&out), [5, 15, 25, 35, 45, 55]);
    let shown = GetCloudwatchLogs::project(&args(), &out, NOW);
    assert!(is_slow(shown.errors[0].fault.kind));
    assert_eq!(
        shown.errors[0].place,
        "ap-south-1 lines from 2026-11-20T02:04:05Z to 2026-11-20T03:03:05Z (59 m)"
    );
    assert!(shown.summary.ends_with("not everything was read"), "{}", shown.summary);
}

#[tokio::test]
async fn denied_is_the_fault_and_a_bad_pattern_is_explained() {
    let denied = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: logs:FilterLogEvents on resource: y"}"#;
    let fault =
        call(&Canned::new().failing("logs", "FilterLogEvents", 400, denied), &args()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("logs:FilterLogEvents")));
    let invalid = r#"{"__type":"InvalidParameterException","message":"Invalid filter pattern"}"#;
    let bad = Args { pattern: Some("{ $.x".into()), ..args() };
    let fault =
        call(&Canned::new().failing("logs", "FilterLogEvents", 400, invalid), &bad).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.hint.unwrap().contains("\"a phrase\""));
}

fn no_group() -> Canned {
    let missing =
        r#"{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#;
    Canned::new().failing("logs", "FilterLogEvents", 400, missing)
}

#[tokio::test]
async fn an_unknown_group_names_the_nearest() {
    let canned = no_group().with("logs", "DescribeLogGroups", |sent| {
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        let groups = match (asked["logGroupNamePattern"].as_str(), asked["logGroupNamePrefix"].as_str()) {
            (Some("chekout-api"), None) => json!([]),
            (None, Some("/ecs/")) => json!([{ "logGroupName": GROUP }, { "logGroupName": "/ecs/orders" }]),
            (None, None) => json!([{ "logGroupName": "/aws/lambda/resize" }]),
            other => panic!("{other:?}"),
        };
        (200, json!({ "logGroups": groups }).to_string().into_bytes())
    });
    let asked = Args { log_group: "/ecs/chekout-api".into(), ..args() };
    let fault = call(&canned, &asked).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert_eq!(fault.message, "there is no log group \"/ecs/chekout-api\" in eu-west-1");
    assert!(fault.hint.as_ref().unwrap().starts_with("did you mean: /ecs/checkout-api"), "{fault}");
}

#[tokio::test]
async fn an_unknown_group_whose_neighbours_may_not_be_listed_says_so() {
    let denied = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: logs:DescribeLogGroups on resource: y"}"#;
    let canned = no_group().failing("logs", "DescribeLogGroups", 400, denied);
    let fault = call(&canned, &args()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.unwrap().contains("needs logs:DescribeLogGroups"));
}

#[tokio::test]
async fn an_arn_is_read_in_its_own_region_by_name() {
    let canned = Canned::new().with("logs", "FilterLogEvents", group);
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/checkout-api:*";
    call(&canned, &Args { log_group: arn.into(), limit: 1, ..args() }).await.unwrap();
    let sent = canned.sent();
    let sent = sent.iter().find(|s| s.operation == "FilterLogEvents").unwrap();
    assert!(sent.region == "eu-west-1" && sent.body.contains("\"logGroupName\":\"/ecs/checkout-api\""));
}

/// The SDK's limiter reads the real clock, which stands still while the paused one runs: which of the two ends first is
/// chance. On real clocks it is throttled, after some ten seconds.
fn is_slow(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Throttled | FaultKind::Timeout)
}
