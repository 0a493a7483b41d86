use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

fn member(id: &str, state: &str, health: &str) -> String {
    format!(
        "<member><InstanceId>{id}</InstanceId><AvailabilityZone>eu-west-1a</AvailabilityZone><LifecycleState>{state}</LifecycleState>\
         <HealthStatus>{health}</HealthStatus><ProtectedFromScaleIn>false</ProtectedFromScaleIn></member>"
    )
}

fn group(name: &str, desired: u32, members: &str, more: &str) -> String {
    format!(
        "<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>6</MaxSize>\
         <DesiredCapacity>{desired}</DesiredCapacity><DefaultCooldown>300</DefaultCooldown><HealthCheckType>EC2</HealthCheckType>\
         <CreatedTime>2026-01-02T03:04:05.678Z</CreatedTime><AvailabilityZones><member>eu-west-1a</member></AvailabilityZones>\
         <Instances>{members}</Instances>{more}</member>"
    )
}

fn groups(members: &str, next: &str) -> String {
    let next = if next.is_empty() { String::new() } else { format!("<NextToken>{next}</NextToken>") };
    format!(
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>{members}</AutoScalingGroups>{next}\
         </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
}

fn activity(group: &str, at: &str, status: &str, message: &str) -> String {
    format!(
        "<member><ActivityId>a-{at}</ActivityId><AutoScalingGroupName>{group}</AutoScalingGroupName>\
         <Description>Launching a new EC2 instance.  Status Reason: {message}</Description>\
         <Cause>At {at} an instance was started in response to a difference between desired and actual capacity.</Cause>\
         <StartTime>{at}</StartTime><StatusCode>{status}</StatusCode><StatusMessage>{message}</StatusMessage><Progress>100</Progress></member>"
    )
}

fn activities(members: &str, next: &str) -> String {
    let next = if next.is_empty() { String::new() } else { format!("<NextToken>{next}</NextToken>") };
    format!(
        "<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult><Activities>{members}</Activities>{next}\
         </DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>"
    )
}

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "list_auto_scaling_groups", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

/// `web` is well, `worker` cannot launch, `batch` has its launches suspended.
fn shop() -> Canned {
    let up = [member("i-1", "InService", "Healthy"), member("i-2", "InService", "Healthy")].concat();
    let mixed = [
        member("i-3", "InService", "Healthy"),
        member("i-4", "InService", "Unhealthy"),
        member("i-5", "Pending", "Healthy"),
    ];
    let stopped = "<SuspendedProcesses><member><ProcessName>Launch</ProcessName><SuspensionReason>User suspended at \
        2026-11-19T00:00:00Z</SuspensionReason></member></SuspendedProcesses>";
    let first = [group("web", 2, &up, ""), group("worker", 4, &mixed.concat(), "")].concat();
    let second = group("batch", 2, &up, stopped);
    let told = [
        activity(
            "worker",
            "2026-11-20T03:00:00Z",
            "Failed",
            "We currently do not have sufficient c6i.xlarge capacity.",
        ),
        activity("worker", "2026-11-20T02:00:00Z", "Failed", "an older failure"),
        activity("web", "2026-11-20T01:00:00Z", "Successful", ""),
        activity("web", "2026-11-19T01:00:00Z", "Failed", "long over"),
    ];
    Canned::new()
        .with("autoscaling", "DescribeAutoScalingGroups", move |sent| {
            let page =
                if sent.body.contains("NextToken=two") { groups(&second, "") } else { groups(&first, "two") };
            (200, page.into_bytes())
        })
        .on("autoscaling", "DescribeScalingActivities", &activities(&told.concat(), ""))
}

#[tokio::test]
async fn every_group_with_its_last_failure() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(
        p.summary,
        "3 Auto Scaling groups in eu-west-1: 1 ok, 1 suspended, 1 unhealthy; worker: 1 healthy, 4 desired (We currently do not \
         have sufficient c6i.xlarge capacity.)."
    );
    let cell = |row: usize, column: &str| p.cell(&p.rows[row], column).unwrap().plain();
    assert_eq!([cell(0, "name"), cell(1, "name"), cell(2, "name")], ["worker", "batch", "web"]);
    assert_eq!(p.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [2, 1, 0]);
    assert_eq!(
        (cell(0, "healthy"), cell(0, "unhealthy"), cell(0, "others")),
        ("1".into(), "1".into(), "1 Pending".into())
    );
    assert_eq!((cell(0, "min"), cell(0, "desired"), cell(0, "max")), ("1".into(), "4".into(), "6".into()));
    assert_eq!(cell(0, "last_failure"), "2026-11-20T03:00:00Z");
    assert!(cell(0, "cause").contains("difference between desired and actual"));
    assert_eq!(cell(1, "suspended"), "Launch");
    assert_eq!(cell(2, "failure"), "long over", "told, and not held against it");
    assert!(p.notes[0].contains("instance refreshes were not looked at"), "{:?}", p.notes);
    let asked = canned.operations();
    assert_eq!(
        asked.iter().filter(|o| *o == "DescribeScalingActivities").count(),
        1,
        "once, not for each group"
    );
    assert!(canned.sent().iter().all(|s| s.body.contains("MaxRecords=100")));
}

#[tokio::test]
async fn a_wildcard_is_compared_here_and_a_name_there() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({ "name": "w*" })).await.unwrap();
    assert_eq!(p.rows.len(), 2);
    assert!(canned.sent().iter().all(|s| !s.body.contains("AutoScalingGroupNames")));
    let canned = Canned::new()
        .on("autoscaling", "DescribeAutoScalingGroups", &groups(&group("web", 1, "", ""), ""))
        .on("autoscaling", "DescribeScalingActivities", &activities("", ""));
    let p = run(&canned, &["eu-west-1"], json!({ "name": "web" })).await.unwrap();
    assert_eq!(p.rows[0].urgency, 3, "it wants one and has none");
    let sent = canned.sent();
    assert!(sent[0].body.contains("AutoScalingGroupNames.member.1=web"), "{}", sent[0].body);
    assert!(sent[1].body.contains("AutoScalingGroupName=web"), "{}", sent[1].body);
}

#[tokio::test]
async fn tags_are_filtered_by_the_service() {
    for (tag, want) in [
        ("team=shop", "Filters.member.1.Name=tag%3Ateam&Filters.member.1.Values.member.1=shop"),
        ("team", "Filters.member.1.Name=tag-key&Filters.member.1.Values.member.1=team"),
    ] {
        let canned = shop();
        run(&canned, &["eu-west-1"], json!({ "tag": tag })).await.unwrap();
        assert!(canned.sent().iter().any(|s| s.body.contains(want)), "{tag}: {:?}", canned.sent());
    }
}

#[tokio::test]
async fn an_unknown_name_has_near_ones() {
    let there = groups(&[group("web-front", 1, "", ""), group("worker", 1, "", "")].concat(), "");
    let canned = Canned::new().with("autoscaling", "DescribeAutoScalingGroups", move |sent| {
        let named = sent.body.contains("AutoScalingGroupNames");
        (200, if named { groups("", "").into_bytes() } else { there.clone().into_bytes() })
    });
    let fault = run(&canned, &["eu-west-1"], json!({ "name": "web-frond" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.hint.unwrap().contains("web-front"));
    assert!(!canned.operations().contains(&"DescribeScalingActivities".to_owned()));
}

#[tokio::test]
async fn groups_without_activities_are_still_an_answer() {
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let canned = shop().failing("autoscaling", "DescribeScalingActivities", 403, denied);
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors.len()), (3, 1));
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("autoscaling:DescribeScalingActivities"));
    assert_eq!(p.errors[0].place, "eu-west-1 scaling activities");
    assert!(p.rows.iter().all(|r| p.cell(r, "failure") == Some(&Cell::Absent)));
    assert!(p.notes.iter().any(|n| n.contains("not known")), "{:?}", p.notes);
    assert!(p.summary.contains("not everything answered"), "{}", p.summary);
}

#[tokio::test]
async fn activities_are_bounded_and_their_reach_told() {
    let page = activities(&activity("web", "2026-11-20T01:00:00Z", "Successful", ""), "more");
    let canned = shop().on("autoscaling", "DescribeScalingActivities", &page);
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    let asked = canned.operations();
    assert_eq!(asked.iter().filter(|o| *o == "DescribeScalingActivities").count(), 5);
    assert!(p.notes.iter().any(|n| n.contains("back to 2026-11-20T01:00:00Z")), "{:?}", p.notes);
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let canned = Canned::new().on("autoscaling", "DescribeAutoScalingGroups", &groups("", "")).on(
        "autoscaling",
        "DescribeScalingActivities",
        &activities("", ""),
    );
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({ "name": "web-*", "tag": "team=shop" }))
        .await
        .unwrap();
    assert_eq!(
        p.summary,
        "No Auto Scaling groups with name web-* and tag team=shop in eu-west-1, eu-west-2."
    );
}

#[test]
fn arguments_that_cannot_be_right() {
    let named = |name: &str| Args { name: Some(name.into()), ..Args::default() };
    let tagged = |tag: &str| Args { tag: Some(tag.into()), ..Args::default() };
    let arn = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0f1e2d3c:autoScalingGroupName/web";
    for (bad, says) in [
        (named(arn), "perhaps \"web\""),
        (named(&"x".repeat(256)), "1 to 255"),
        (named("i-0123456789abcdef0"), "list_ec2_instances"),
        (tagged("=x"), "key=value"),
        (tagged("team=sh*"), "\"key\" alone"),
    ] {
        let fault = ListAutoScalingGroups::check(&bad).unwrap_err();
        assert!(
            fault.kind == FaultKind::Invalid && fault.hint.as_deref().unwrap().contains(says),
            "{fault:?}"
        );
    }
    ListAutoScalingGroups::check(&Args {
        name: Some("web-*".into()),
        tag: Some("a=b=c".into()),
        ..Args::default()
    })
    .unwrap();
}

#[tokio::test]
async fn a_name_and_a_tag_together() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({ "name": "batch", "tag": "team=shop" })).await.unwrap();
    assert_eq!(p.rows.len(), 1);
    let groups = canned.sent().into_iter().filter(|s| s.operation == "DescribeAutoScalingGroups");
    assert!(
        groups.into_iter().all(|s| s.body.contains("Filters") && !s.body.contains("AutoScalingGroupNames"))
    );
    let none = run(&shop(), &["eu-west-1"], json!({ "name": "nobody", "tag": "team=shop" })).await.unwrap();
    assert!(none.summary.contains("with name nobody and tag team=shop"), "{}", none.summary);
}
