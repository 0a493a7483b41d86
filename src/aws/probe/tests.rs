use super::*;
use crate::testing::Canned;
use std::collections::BTreeSet;

const LIMIT: Duration = Duration::from_secs(5);

const DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>";
const DRY: &str = "<Response><Errors><Error><Code>DryRunOperation</Code><Message>Request would have succeeded</Message></Error></Errors></Response>";

fn instances(state: &str) -> String {
    format!(
        "<DescribeInstancesResponse><reservationSet><item><ownerId>123456789012</ownerId><instancesSet><item>\
         <instanceId>i-0123456789abcdef0</instanceId><instanceState><code>16</code><name>{state}</name></instanceState>\
         <instanceType>m5.large</instanceType></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )
}

async fn one(canned: &Canned, tool: &str) -> Probed {
    let all = tools(&canned.aws(&["eu-west-1"]), LIMIT).await;
    assert_eq!(all.len(), registry::catalogue().iter().count(), "every tool once");
    all.into_iter().find(|p| p.tool == tool).unwrap()
}

fn partly(probed: &Probed, missing: &[&str]) {
    assert_eq!(
        (&probed.verdict, &probed.missing),
        (&Verdict::Partly(None), &missing.iter().map(|m| (*m).to_owned()).collect())
    );
}

#[tokio::test]
async fn what_answers_works_and_what_is_denied_names_its_action() {
    let status = "<DescribeInstanceStatusResponse><instanceStatusSet/></DescribeInstanceStatusResponse>";
    let whole = || {
        Canned::new().on("ec2", "DescribeInstances", &instances("running")).on(
            "ec2",
            "DescribeInstanceStatus",
            status,
        )
    };
    let probed = one(&whole(), "list_ec2_instances").await;
    assert_eq!((&probed.verdict, probed.services.get("EC2")), (&Verdict::Works, Some(&true)));
    partly(
        &one(&whole().failing("ec2", "DescribeInstanceStatus", 403, DENIED), "list_ec2_instances").await,
        &["ec2:DescribeInstanceStatus"],
    );
    let denied = Canned::new().failing("ec2", "DescribeInstances", 403, DENIED).failing(
        "ec2",
        "DescribeInstanceStatus",
        403,
        DENIED,
    );
    let probed = one(&denied, "list_ec2_instances").await;
    let both = ["ec2:DescribeInstanceStatus".to_owned(), "ec2:DescribeInstances".to_owned()];
    assert_eq!((&probed.verdict, probed.missing.as_slice()), (&Verdict::Denied, both.as_slice()));
    let down = Canned::new();
    let probed = one(&down, "get_recent_changes").await;
    assert!(matches!(&probed.verdict, Verdict::Fails(f) if f.kind == FaultKind::Unavailable), "{probed:?}");
}

#[tokio::test]
async fn each_operation_is_sent_once_and_nothing_billed() {
    // Every page says there is another one.
    let page = instances("running")
        .replace("</DescribeInstancesResponse>", "<nextToken>more</nextToken></DescribeInstancesResponse>");
    let canned = Canned::new()
        .on("ec2", "DescribeInstances", &page)
        .on("ec2", "DescribeInstanceStatus", "<DescribeInstanceStatusResponse/>")
        .on("logs", "DescribeLogGroups", "{}")
        .failing(
            "logs",
            "FilterLogEvents",
            400,
            r#"{"__type":"ResourceNotFoundException","message":"no such group"}"#,
        );
    let probed = one(&canned, "list_ec2_instances").await;
    assert!(matches!(probed.verdict, Verdict::Works | Verdict::Partly(_)), "{probed:?}");
    let sent = canned.sent();
    let reads: Vec<&crate::testing::Sent> = sent
        .iter()
        .filter(|s| s.operation == "DescribeInstances" && !s.body.contains("instance-id"))
        .collect();
    assert_eq!(reads.len(), 1, "one page");
    let billed: BTreeSet<&str> = registry::catalogue()
        .iter()
        .filter(|t| t.spec.billed)
        .flat_map(|t| t.spec.reads)
        .map(|op| op.name)
        .filter(|name| name.contains("Cost") || name.contains("Anomal"))
        .collect();
    assert!(!billed.is_empty() && sent.iter().all(|s| !billed.contains(s.operation.as_str())));
    assert_eq!(one(&canned, "get_cost_by_service").await.verdict, Verdict::NotProbed("billed".into()));
    // A name that does not exist was asked for, which is permitted.
    assert_eq!(one(&canned, "get_cloudwatch_logs").await.verdict, Verdict::Works);
}

#[tokio::test]
async fn changes_are_rehearsed_where_aws_offers_it_and_never_made() {
    let found = |state: &str| {
        Canned::new().on("ec2", "DescribeInstances", &instances(state)).on(
            "ec2",
            "DescribeInstanceStatus",
            "<DescribeInstanceStatusResponse/>",
        )
    };
    let may = found("running").failing("ec2", "StopInstances", 412, DRY);
    assert_eq!(one(&may, "stop_instances").await.verdict, Verdict::Works);
    let sent = may.sent();
    let stops: Vec<&crate::testing::Sent> = sent.iter().filter(|s| s.operation == "StopInstances").collect();
    assert!(!stops.is_empty() && stops.iter().all(|s| s.body.contains("DryRun=true")), "{stops:?}");
    let may_not = found("running").failing("ec2", "StopInstances", 403, DENIED);
    let probed = one(&may_not, "stop_instances").await;
    assert_eq!((&probed.verdict, probed.missing), (&Verdict::Denied, vec!["ec2:StopInstances".to_owned()]));
    let nothing = one(&may, "start_instances").await;
    assert_eq!(nothing.verdict, Verdict::NotProbed("nothing here to rehearse it on".into()));
    let none = one(&may, "update_ecs_service").await;
    assert_eq!(none.verdict, Verdict::NotProbed("AWS offers no dry run".into()));
    let listed: BTreeSet<&str> =
        registry::catalogue().iter().flat_map(|t| t.spec.reads).map(|op| op.name).collect();
    let own = ["GetCallerIdentity", "ListAccountAliases", "DescribeRegions"];
    let rest = |o: &String| o.starts_with("GET ") || o.starts_with("HEAD ");
    let known = |o: &String| listed.contains(o.as_str()) || own.contains(&o.as_str()) || rest(o);
    assert!(may.operations().iter().all(known), "{:?}", may.operations());
    assert!(
        may.sent()
            .iter()
            .all(|s| s.operation != "RevokeSecurityGroupIngress" || s.body.contains("DryRun=true"))
    );
}

#[test]
fn required_fields_are_filled_plainly() {
    let schema = json!({ "required": ["a", "b", "c", "d"], "properties": {
        "a": { "type": "string" }, "b": { "type": "array" }, "c": { "type": "integer" },
        "d": { "type": "string", "enum": ["x", "y"] }, "e": { "type": "string" } } });
    assert_eq!(least(&schema), json!({ "a": NOBODY, "b": [NOBODY], "c": 1, "d": "x" }));
}
