use super::*;
use crate::testing::{Canned, NOW, Sent};
use crate::tools::changes::change::Change;
use aws_sdk_cloudtrail::types::{Event, Resource};
use aws_smithy_types::DateTime;
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};

fn args() -> Args {
    Args { limit: 200, ..Args::default() }
}

fn detail(event: &str, source: &str, request: &Value) -> Value {
    json!({
        "eventName": event, "eventSource": source, "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2.15.0 Python/3.11",
        "requestParameters": request,
        "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/Deployer/ci-42",
            "sessionContext": { "sessionIssuer": { "userName": "Deployer", "arn": "arn:aws:iam::123456789012:role/Deployer" } } },
    })
}

fn event(seconds: u64, detail: &Value) -> Event {
    Event::builder()
        .event_id(format!("e{seconds}"))
        .event_name(detail["eventName"].as_str().unwrap())
        .event_source(detail["eventSource"].as_str().unwrap())
        .event_time(DateTime::from_millis(NOW.minus(Duration::from_secs(seconds)).millis()))
        .read_only("false")
        .username("ci-42")
        .cloud_trail_event(detail.to_string())
        .build()
}

fn update_service() -> Value {
    let request =
        json!({ "cluster": "prod", "service": "checkout-api", "taskDefinition": "checkout-api:42" });
    detail("UpdateService", "ecs.amazonaws.com", &request)
}

fn region(events: &[Event]) -> RegionChanges {
    let changes: Vec<Change> = events.iter().map(Change::of).collect();
    let unreadable = changes.iter().filter(|c| !c.readable).count();
    let oldest = changes.iter().filter_map(|c| c.at).min();
    RegionChanges { read: changes.len(), oldest, unreadable, changes, ..RegionChanges::default() }
}

fn shown(args: &Args, region: RegionChanges) -> Projection {
    let place = Place { account: None, region: "eu-west-1".into() };
    let places = Gathered {
        answers: vec![(place, region)],
        errors: vec![],
        many_accounts: false,
        many_regions: false,
    };
    let period = Period::of(None, None, Duration::from_secs(3 * 3600), NOW).unwrap();
    let projection = GetRecentChanges::project(args, &Out { period, places }, NOW);
    assert!(projection.rows.iter().all(|row| row.cells.len() == projection.columns.len()));
    projection
}

fn cells(projection: &Projection, column: &str) -> Vec<Cell> {
    projection.rows.iter().map(|row| projection.cell(row, column).unwrap().clone()).collect()
}

#[test]
fn what_a_row_tells_of_a_deploy() {
    let shown = shown(&args(), region(&[event(360, &update_service())]));
    for (column, expected) in [
        ("time", Cell::from(NOW.minus(Duration::from_secs(360)))),
        ("event", "UpdateService".into()),
        ("service", "ecs".into()),
        ("actor", "Deployer/ci-42".into()),
        ("source_ip", "192.0.2.7".into()),
        ("user_agent", "aws-cli/2.15.0".into()),
        ("resource", "prod/checkout-api".into()),
        ("error", Cell::Absent),
        ("change", "taskDefinition=checkout-api:42, cluster=prod, service=checkout-api".into()),
    ] {
        assert_eq!(cells(&shown, column), [expected], "{column}");
    }
    assert_eq!(
        shown.summary,
        "1 change in eu-west-1 within 3 h: 1 by Deployer/ci-42; last deploy: UpdateService on prod/checkout-api by \
         Deployer/ci-42 at 02:58:05 (6 m ago)"
    );
    assert!(shown.notes.iter().any(|n| n.contains("5 to 15 minutes")), "{:?}", shown.notes);
}

#[test]
fn garbage_is_told_from_the_index() {
    for text in [Some("{not json"), Some("[]"), Some("null"), Some(""), None] {
        let mut broken = event(60, &detail("StopInstances", "ec2.amazonaws.com", &json!(null)));
        broken.cloud_trail_event = text.map(str::to_owned);
        broken.resources = Some(vec![
            Resource::builder().resource_name("i-1").build(),
            Resource::builder().resource_name("i-1").build(),
            Resource::builder().build(),
        ]);
        let shown = shown(&args(), region(&[broken]));
        assert_eq!(cells(&shown, "actor"), ["ci-42".into()], "{text:?}");
        assert_eq!(cells(&shown, "resource"), ["i-1".into()]);
        assert_eq!(cells(&shown, "source_ip"), [Cell::Absent]);
        assert!(shown.notes.iter().any(|n| n.starts_with("1 event without a readable text")));
    }
    let nothing = shown(&args(), region(&[Event::builder().build()]));
    assert_eq!(cells(&nothing, "event"), ["unknown".into()]);
}

#[test]
fn urgency_is_what_likely_matters() {
    let linked = json!({ "type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling",
        "sessionContext": { "sessionIssuer": { "userName": "AWSServiceRoleForAutoScaling",
            "arn": "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling" } } });
    let with = |event: &str, source: &str, set: &dyn Fn(&mut Value)| {
        let mut detail = detail(event, source, &json!({}));
        set(&mut detail);
        detail
    };
    let as_is: &dyn Fn(&mut Value) = &|_| ();
    for (detail, urgency) in [
        (with("UpdateService", "ecs.amazonaws.com", as_is), 2),
        (with("UpdateFunctionCode20150331v2", "lambda.amazonaws.com", as_is), 2),
        (with("AuthorizeSecurityGroupIngress", "ec2.amazonaws.com", as_is), 2),
        (with("CreateAccessKey", "iam.amazonaws.com", as_is), 2),
        (with("TerminateInstances", "ec2.amazonaws.com", as_is), 2),
        (with("CreateTags", "ec2.amazonaws.com", as_is), 1),
        (with("CreateTags", "ec2.amazonaws.com", &|d| d["errorCode"] = "AccessDenied".into()), 2),
        (with("CreateTags", "ec2.amazonaws.com", &|d| d["userIdentity"] = json!({ "type": "Root" })), 3),
        (with("StopLogging", "cloudtrail.amazonaws.com", as_is), 3),
        (with("TerminateInstances", "ec2.amazonaws.com", &|d| d["userIdentity"] = linked.clone()), 1),
        (with("RunInstances", "ec2.amazonaws.com", &|d| d["userIdentity"] = linked.clone()), 0),
    ] {
        let change = Change::of(&event(60, &detail));
        assert_eq!(change.urgency(), urgency, "{} by {}", change.event, change.actor.name);
    }
    let mut scaled = detail("TerminateInstances", "ec2.amazonaws.com", &json!({}));
    scaled["userIdentity"] = linked;
    let actor = Change::of(&event(60, &scaled)).actor;
    assert_eq!(actor.name, "AWSServiceRoleForAutoScaling/AutoScaling (service-linked)");
}

#[test]
fn failed_calls_are_counted_and_explained() {
    let mut denied = detail("DeleteSecret", "secretsmanager.amazonaws.com", &json!({ "secretId": "db" }));
    denied["errorCode"] = "AccessDenied".into();
    denied["errorMessage"] = "User is not authorized to perform: secretsmanager:DeleteSecret".into();
    let shown = shown(&args(), region(&[event(60, &denied), event(90, &update_service())]));
    let error = "AccessDenied: User is not authorized to perform: secretsmanager:DeleteSecret";
    assert_eq!(cells(&shown, "error"), [error.into(), Cell::Absent]);
    assert!(shown.summary.starts_with("2 changes in eu-west-1 within 3 h, 1 failed: 2 by Deployer/ci-42"));
    assert_eq!(shown.counts.of, [("Deployer/ci-42".to_owned(), 2)]);
}

#[test]
fn the_limit_keeps_the_newest_and_counts_all() {
    let events: Vec<Event> = [300, 100, 200].iter().map(|s| event(*s, &update_service())).collect();
    let shown = shown(&Args { limit: 2, ..args() }, region(&events));
    let time = |s| Cell::from(NOW.minus(Duration::from_secs(s)));
    assert_eq!(cells(&shown, "time"), [time(100), time(200)]);
    assert_eq!((shown.total, shown.counts.of[0].1), (3, 3));
    assert_eq!(shown.next.as_deref(), Some("2026-11-20T03:00:46Z"));
    assert!(shown.summary.starts_with("Newest 2 of 3 changes in"), "{}", shown.summary);
}

#[test]
fn nothing_found_says_what_was_searched() {
    let asked = Args { resource: Some("sg-1".into()), service: Some("ec2".into()), ..args() };
    let shown = shown(&asked, region(&[]));
    assert_eq!(
        shown.summary,
        "No changes with resource sg-1, service ec2 in eu-west-1, 2026-11-20T00:04:05Z to 2026-11-20T03:04:05Z (3 h)"
    );
}

#[test]
fn filters_keep_what_is_meant() {
    let text = |t: &str| Some(t.to_owned());
    let change = Change::of(&event(60, &update_service()));
    let mut read = event(60, &detail("DescribeServices", "ecs.amazonaws.com", &json!({})));
    read.read_only = Some("true".into());
    let read = Change::of(&read);
    for (wanted, change, kept) in [
        (args(), &change, true),
        (Args { resource: text("checkout-api"), ..args() }, &change, true),
        (Args { resource: text("prod/checkout-api"), ..args() }, &change, true),
        (
            Args { resource: text("arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout-api"), ..args() },
            &change,
            true,
        ),
        (Args { resource: text("checkout"), ..args() }, &change, false),
        (Args { user: text("deployer"), ..args() }, &change, true),
        (Args { user: text("CI-42"), ..args() }, &change, true),
        (Args { user: text("jo"), ..args() }, &change, false),
        (Args { service: text("ecs"), event: text("UpdateService"), ..args() }, &change, true),
        (Args { event: text("ecs:UpdateService"), ..args() }, &change, true),
        (Args { event: text("ec2:UpdateService"), ..args() }, &change, false),
        (args(), &read, false),
        (Args { include_reads: true, ..args() }, &read, true),
        (Args { event: text("DescribeServices"), ..args() }, &read, true),
    ] {
        assert_eq!(Wanted::of(&wanted).keeps(change), kept, "{wanted:?}");
    }
}

#[test]
fn the_global_region_is_added_once_per_account() {
    let place = |account: Option<&str>, region: &str| Place {
        account: account.map(str::to_owned),
        region: region.to_owned(),
    };
    for (asked, more) in [
        (vec![place(None, "eu-west-1"), place(None, "eu-west-2")], vec![place(None, "us-east-1")]),
        (vec![place(None, "us-east-1"), place(None, "eu-west-1")], vec![]),
        (
            vec![place(Some("a"), "eu-west-1"), place(Some("b"), "eu-west-1")],
            vec![place(Some("a"), "us-east-1"), place(Some("b"), "us-east-1")],
        ),
        (vec![place(None, "cn-north-1"), place(None, "us-gov-west-1")], vec![]),
    ] {
        assert_eq!(added(&asked), more);
    }
}

fn wire(seconds: u64, detail: &Value) -> Value {
    json!({
        "EventId": format!("e{seconds}"), "EventName": detail["eventName"], "EventSource": detail["eventSource"],
        "EventTime": (NOW.millis() / 1000 - i64::try_from(seconds).unwrap()), "ReadOnly": "false", "Username": "ci-42",
        "Resources": [], "CloudTrailEvent": detail.to_string(),
    })
}

fn page(events: &[Value], next: Option<&str>) -> (u16, Vec<u8>) {
    (200, json!({ "Events": events, "NextToken": next }).to_string().into_bytes())
}

fn attribute(sent: &Sent) -> String {
    let asked: Value = serde_json::from_str(&sent.body).unwrap();
    let list = asked["LookupAttributes"].as_array().cloned().unwrap_or_default();
    assert!(list.len() <= 1, "CloudTrail takes one attribute");
    list.first().map_or_else(String::new, |a| {
        format!("{}={}", a["AttributeKey"].as_str().unwrap(), a["AttributeValue"].as_str().unwrap())
    })
}

async fn run(canned: &Canned, args: &Args) -> Result<Projection, Fault> {
    run_in("eu-west-1", canned, args).await
}

/// What was throttled keeps its region slow for the whole process, so it has one of its own.
async fn run_in(region: &str, canned: &Canned, args: &Args) -> Result<Projection, Fault> {
    let aws =
        canned.aws(&[region]).reads(const { &GetRecentChanges::SPEC }, std::sync::Arc::new(|_| ())).await?;
    let out = GetRecentChanges::call(&aws, args).await?;
    Ok(GetRecentChanges::project(args, &out, NOW))
}

fn iam() -> Value {
    detail("CreateUser", "iam.amazonaws.com", &json!({ "userName": "al" }))
}

#[tokio::test(start_paused = true)]
async fn every_page_and_of_us_east_1_only_what_is_global() {
    let canned = Canned::new().with("cloudtrail", "LookupEvents", |sent| {
        assert_eq!(attribute(sent), "ReadOnly=false");
        match (sent.region.as_str(), sent.body.contains("page2")) {
            ("us-east-1", _) => page(&[wire(50, &iam()), wire(40, &update_service())], None),
            (_, false) => page(&[wire(60, &update_service())], Some("page2")),
            (_, true) => page(&[wire(70, &update_service())], None),
        }
    });
    let shown = run(&canned, &args()).await.unwrap();
    let events: Vec<String> = cells(&shown, "event").iter().map(Cell::plain).collect();
    assert_eq!(events, ["CreateUser", "UpdateService", "UpdateService"]);
    assert!(shown.column("region").is_none(), "one region was asked for");
    assert!(shown.summary.starts_with("3 changes in eu-west-1 and the global services"), "{}", shown.summary);
    assert!(shown.errors.is_empty() && shown.truncated.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_found_in_the_request_where_the_index_has_none() {
    let canned = Canned::new().with("cloudtrail", "LookupEvents", |sent| match attribute(sent).as_str() {
        "ResourceName=checkout-api" => page(&[], None),
        "ReadOnly=false" => page(&[wire(50, &iam()), wire(60, &update_service())], None),
        other => panic!("{other}"),
    });
    let asked = Args { resource: Some("checkout-api".into()), ..args() };
    let shown = run(&canned, &asked).await.unwrap();
    assert_eq!(cells(&shown, "resource"), ["prod/checkout-api".into()], "found once, not once a lookup");
}

#[tokio::test(start_paused = true)]
async fn a_role_is_found_although_the_index_knows_its_sessions_alone() {
    let canned = Canned::new().with("cloudtrail", "LookupEvents", |sent| match attribute(sent).as_str() {
        "Username=Deployer" => page(&[], None),
        "ReadOnly=false" => page(&[wire(60, &update_service())], None),
        other => panic!("{other}"),
    });
    let shown = run(&canned, &Args { user: Some("Deployer".into()), ..args() }).await.unwrap();
    assert_eq!(cells(&shown, "actor")[0], "Deployer/ci-42".into());
}

#[tokio::test(start_paused = true)]
async fn a_long_history_is_read_in_part_and_says_how_far() {
    let canned = Canned::new().with("cloudtrail", "LookupEvents", |sent| {
        if sent.region == "us-east-1" {
            return page(&[], None);
        }
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        let n: u64 = asked["NextToken"].as_str().map_or(0, |t| t.parse().unwrap());
        page(&[wire(60 + n, &update_service())], Some(&(n + 1).to_string()))
    });
    let shown = run(&canned, &args()).await.unwrap();
    assert_eq!(shown.rows.len(), 10);
    assert!(shown.truncated.unwrap().contains("until=2026-11-20T03:02:57Z"));
    assert!(
        shown.notes.iter().any(|n| n.contains("stopped after 10 pages, back to 2026-11-20T03:02:56Z")),
        "{:?}",
        shown.notes
    );
    let shown = run(&canned, &Args { resource: Some("nothing".into()), ..args() }).await.unwrap();
    assert!(shown.summary.contains("among the newest events read"), "{}", shown.summary);
}

const DENIED: &str = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: cloudtrail:LookupEvents on resource: y"}"#;

#[tokio::test]
async fn denied_everywhere_is_the_fault() {
    let fault =
        run(&Canned::new().failing("cloudtrail", "LookupEvents", 400, DENIED), &args()).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("cloudtrail:LookupEvents")));
}

#[tokio::test(start_paused = true)]
async fn throttled_between_pages_or_denied_in_one_region_is_part_of_the_answer() {
    let canned = Canned::new().with("cloudtrail", "LookupEvents", |sent| {
        if sent.region == "us-east-1" {
            return (400, DENIED.as_bytes().to_vec());
        }
        if sent.body.contains("page2") {
            return (400, br#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_vec());
        }
        page(&[wire(60, &update_service())], Some("page2"))
    });
    let shown = run_in("ap-south-1", &canned, &args()).await.unwrap();
    assert_eq!(shown.rows.len(), 1);
    let errors: Vec<(&str, bool)> =
        shown.errors.iter().map(|e| (e.place.as_str(), is_slow(e.fault.kind))).collect();
    assert_eq!(
        errors,
        [
            ("us-east-1 (global services such as IAM)", false),
            ("ap-south-1 events before 2026-11-20T03:03:05Z", true)
        ]
    );
    assert!(shown.summary.ends_with("not everything answered"), "{}", shown.summary);
}

#[test]
fn arguments_are_checked() {
    for bad in [
        Args { limit: 0, ..args() },
        Args { limit: 1_001, ..args() },
        Args { until: Some("x".into()), ..args() },
    ] {
        assert_eq!(GetRecentChanges::check(&bad).unwrap_err().kind, FaultKind::Invalid, "{bad:?}");
    }
    let parsed: Args = crate::schema::parse(&json!({})).unwrap();
    assert_eq!(parsed, args());
}

/// The SDK's limiter reads the real clock, which stands still while the paused one runs: which of the two ends first is
/// chance. On real clocks it is throttled, after some ten seconds.
fn is_slow(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Throttled | FaultKind::Timeout)
}
