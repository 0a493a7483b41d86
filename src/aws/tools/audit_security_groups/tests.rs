use super::*;
use crate::registry;
use crate::testing::Canned;
use crate::tools::security_groups::fixture::*;
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "audit_security_groups", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn column(p: &Projection, name: &str) -> Vec<String> {
    p.rows.iter().map(|r| p.cell(r, name).unwrap().plain()).collect()
}

fn sent(canned: &Canned, operation: &str) -> Vec<String> {
    canned.sent().into_iter().filter(|s| s.operation == operation).map(|s| s.body).collect()
}

const WORLD: &str = "0.0.0.0/0";

fn entries(ranges: &[&str]) -> String {
    let items: String = ranges.iter().map(|c| format!("<item><cidr>{c}</cidr></item>")).collect();
    format!(
        "<GetManagedPrefixListEntriesResponse><entrySet>{items}</entrySet></GetManagedPrefixListEntriesResponse>"
    )
}

#[tokio::test]
async fn what_is_most_open_comes_first() {
    let said = rule(4, GROUP, "tcp", 8443, 8443, "203.0.113.0/24")
        .replace("</item>", "<description>the office</description></item>");
    let items = [
        rule(1, GROUP, "tcp", 443, 443, WORLD),
        rule(2, GROUP, "tcp", 22, 22, "::/0"),
        rule(3, GROUP, "-1", -1, -1, GROUP),
        said,
        rule(5, OTHER, "-1", -1, -1, WORLD),
        rule(6, GROUP, "icmp", 8, -1, WORLD),
        rule(7, GROUP, "tcp", 5432, 5432, OTHER),
        egress(8, GROUP),
    ];
    let two = groups(&[group(GROUP, "web", &[]), group(OTHER, "old", &[])]);
    let on = [
        interface(1, &[GROUP], &instance("i-0123456789abcdef0")),
        interface(
            2,
            &[GROUP],
            "<description>ELB app/web/1</description><association><publicIp>203.0.113.9</publicIp></association>",
        ),
    ];
    let canned = account(&[], &items, &on).on("ec2", "DescribeSecurityGroups", &two);
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(column(&p, "risk"), ["HIGH", "HIGH", "MEDIUM", "LOW", "NONE", "NONE", "NONE"]);
    assert_eq!(column(&p, "rule_id"), [2, 5, 6, 1, 3, 4, 7].map(rule_id));
    assert_eq!(column(&p, "name")[..2], ["web", "old"]);
    assert_eq!(
        column(&p, "cidr")[4..],
        [format!("{GROUP} (itself)"), "203.0.113.0/24".into(), format!("{OTHER} (old)")]
    );
    assert_eq!(column(&p, "ports"), ["22", "all", "type 8", "443", "all", "8443", "5432"]);
    assert_eq!(column(&p, "protocol"), ["tcp", "all", "icmp", "tcp", "all", "tcp", "tcp"]);
    let both = "2: ELB app/web/1 (203.0.113.9), i-0123456789abcdef0";
    assert_eq!(column(&p, "attached_to")[..3], [both, "nothing", both]);
    let why = column(&p, "why");
    assert_eq!(why[0], "SSH 22 open to the world (::/0)");
    assert!(why[1].contains("one step below CRITICAL"), "{}", why[1]);
    assert_eq!(why[5], "described as \"the office\"");
    assert_eq!(
        p.summary,
        "7 inbound rules of 2 security groups in eu-west-1: 2 HIGH, 1 MEDIUM, 1 LOW, 3 not open to the world; worst: HIGH in web: \
         SSH 22 open to the world (::/0); HIGH in old: every port of every protocol open to the world (0.0.0.0/0); attached to nothing, \
         so one step below CRITICAL."
    );
    assert_eq!(p.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [2, 2, 1, 0, 0, 0, 0]);
    assert!(p.errors.is_empty() && p.truncated.is_none() && p.column("region").is_none());
    assert_eq!(sent(&canned, "DescribeNetworkInterfaces").len(), 1, "once, not per group");
    let attached = run(&canned, &["eu-west-1"], json!({ "only_attached": true })).await.unwrap();
    assert!(!column(&attached, "group").contains(&OTHER.to_owned()) && attached.rows.len() == 6);
}

#[tokio::test]
async fn every_page_of_everything() {
    let page = |sent: &crate::testing::Sent| usize::from(sent.body.contains("NextToken=two"));
    let canned = Canned::new()
        .with("ec2", "DescribeSecurityGroupRules", move |sent| {
            let next = if page(sent) == 0 { "two" } else { "" };
            (200, rules(&[rule(page(sent), GROUP, "tcp", 22, 22, "pl-1")], next).into_bytes())
        })
        .with("ec2", "DescribeSecurityGroups", move |sent| {
            let body = groups(&[group([GROUP, OTHER][page(sent)], "g", &[])]);
            let next = if page(sent) == 0 {
                "</securityGroupInfo><nextToken>two</nextToken>"
            } else {
                "</securityGroupInfo>"
            };
            (200, body.replace("</securityGroupInfo>", next).into_bytes())
        })
        .with("ec2", "DescribeNetworkInterfaces", move |sent| {
            let body = interfaces(&[interface(page(sent), &[[OTHER, GROUP][page(sent)]], "")]);
            let next = if page(sent) == 0 {
                "</networkInterfaceSet><nextToken>two</nextToken>"
            } else {
                "</networkInterfaceSet>"
            };
            (200, body.replace("</networkInterfaceSet>", next).into_bytes())
        })
        .with("ec2", "GetManagedPrefixListEntries", move |sent| {
            let body = entries([&["10.0.0.0/8"][..], &["0.0.0.0/0"]][page(sent)]);
            let next = if page(sent) == 0 { "</entrySet><nextToken>two</nextToken>" } else { "</entrySet>" };
            (200, body.replace("</entrySet>", next).into_bytes())
        });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(column(&p, "risk"), ["HIGH", "HIGH"], "the world is on the second page of the list");
    assert!(column(&p, "why")[0].contains("prefix list pl-1 with 0.0.0.0/0"));
    assert_eq!(column(&p, "attached_to")[0], format!("1: eni-{:017x}", 1), "found on the second page");
    assert!(p.summary.contains("2 inbound rules of 2 security groups"), "{}", p.summary);
    for operation in [
        "DescribeSecurityGroupRules",
        "DescribeSecurityGroups",
        "DescribeNetworkInterfaces",
        "GetManagedPrefixListEntries",
    ] {
        assert_eq!(sent(&canned, operation).len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn a_ceiling_is_told() {
    let canned = account(&[], &[], &[]).with("ec2", "DescribeSecurityGroupRules", |sent| {
        let page: usize =
            sent.body.split("NextToken=").nth(1).map_or(0, |t| t.split('&').next().unwrap().parse().unwrap());
        let items: Vec<String> = (0..1000)
            .flat_map(|n| [rule(page * 1000 + n, GROUP, "tcp", 22, 22, "10.0.0.0/8"), egress(n, GROUP)])
            .collect();
        (200, rules(&items, &(page + 1).to_string()).into_bytes())
    });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(p.rows.len(), 5_000);
    assert!(p.truncated.as_deref().unwrap().contains("inbound rules of eu-west-1"), "{:?}", p.truncated);
    assert!(p.summary.contains("there are more"), "{}", p.summary);
    assert_eq!(sent(&canned, "DescribeSecurityGroupRules").len(), 5, "outbound rules do not count");
}

#[tokio::test]
async fn what_is_denied_is_missing_and_lowers_nothing() {
    let items = [rule(1, GROUP, "tcp", 22, 22, WORLD), rule(2, GROUP, "tcp", 3306, 3306, "pl-1")];
    let denied =
        |operation: &str| {
            account(&[], &items, &[])
                .on("ec2", "GetManagedPrefixListEntries", &entries(&["10.0.0.0/8"]))
                .failing("ec2", operation, 403, &error("UnauthorizedOperation"))
        };
    let all = run(&denied("Nothing"), &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(column(&all, "risk"), ["MEDIUM", "NONE"], "attached to nothing");
    for (operation, risks, why) in [
        ("DescribeNetworkInterfaces", ["HIGH", "NONE"], "what it is attached to is not known"),
        ("GetManagedPrefixListEntries", ["UNKNOWN", "MEDIUM"], "at worst HIGH: MySQL 3306"),
        ("DescribeSecurityGroups", ["MEDIUM", "NONE"], "attached to nothing"),
        ("DescribeSecurityGroupRules", ["MEDIUM", ""], "attached to nothing"),
    ] {
        let canned = denied(operation);
        let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
        let mut found = column(&p, "risk");
        found.resize(2, String::new());
        assert_eq!(found, risks, "{operation}");
        assert!(column(&p, "why")[0].contains(why), "{operation}: {:?}", column(&p, "why"));
        let action = format!("ec2:{operation}");
        assert_eq!(p.errors[0].fault.action.as_deref(), Some(action.as_str()), "{operation}");
        assert!(p.summary.ends_with("; not everything answered."), "{}", p.summary);
        let id = p.cell(&p.rows[0], "rule_id").unwrap();
        assert_eq!(*id == Cell::Absent, operation == "DescribeSecurityGroupRules", "{operation}");
        assert_eq!(
            p.cell(&p.rows[0], "name").unwrap() == &Cell::Absent,
            operation == "DescribeSecurityGroups"
        );
        let attached = p.cell(&p.rows[0], "attached_to").unwrap();
        assert_eq!(attached == &Cell::Absent, operation == "DescribeNetworkInterfaces");
    }
    let only = run(&denied("DescribeNetworkInterfaces"), &["eu-west-1"], json!({ "only_attached": true }))
        .await
        .unwrap();
    assert_eq!(only.rows.len(), 2, "what may be attached is kept");
    let canned = denied("DescribeSecurityGroups").failing(
        "ec2",
        "DescribeSecurityGroupRules",
        403,
        &error("UnauthorizedOperation"),
    );
    let fault = run(&canned, &["eu-west-1"], json!({})).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.action.as_deref()),
        (FaultKind::Denied, Some("ec2:DescribeSecurityGroups"))
    );
}

#[tokio::test]
async fn half_of_the_interfaces_says_nothing_of_the_others() {
    let canned =
        account(&[], &[rule(1, GROUP, "tcp", 22, 22, WORLD), rule(2, OTHER, "tcp", 22, 22, WORLD)], &[])
            .with("ec2", "DescribeNetworkInterfaces", |sent| match sent.body.contains("NextToken") {
                false => {
                    let body = interfaces(&[interface(1, &[GROUP], "")]);
                    (
                        200,
                        body.replace(
                            "</networkInterfaceSet>",
                            "</networkInterfaceSet><nextToken>2</nextToken>",
                        )
                        .into_bytes(),
                    )
                }
                true => (403, error("UnauthorizedOperation").into_bytes()),
            });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(column(&p, "risk"), ["HIGH", "HIGH"]);
    assert_eq!(column(&p, "attached_to"), [format!("1: eni-{:017x}", 1), String::new()]);
    assert_eq!(p.errors[0].place, "eu-west-1 network interfaces after the first 1");
}

#[tokio::test]
async fn one_group_by_id_or_by_name() {
    let canned = account(&[], &[rule(1, GROUP, "tcp", 22, 22, WORLD)], &[]);
    let p = run(&canned, &["eu-west-1"], json!({ "group": GROUP })).await.unwrap();
    assert!(
        p.summary.starts_with(&format!("1 inbound rule of security group \"{GROUP}\" in eu-west-1")),
        "{}",
        p.summary
    );
    assert_eq!(canned.sent().len(), 3);
    assert!(
        canned.sent().iter().all(|s| s.body.contains(&format!("Name=group-id&Filter.1.Value.1={GROUP}")))
    );

    let canned = account(&[], &[rule(1, GROUP, "tcp", 22, 22, WORLD)], &[]);
    run(&canned, &["eu-west-1"], json!({ "group": "we*" })).await.unwrap();
    assert!(sent(&canned, "DescribeSecurityGroups")[0].contains("Name=group-name&Filter.1.Value.1=we%2A"));
    assert!(sent(&canned, "DescribeSecurityGroupRules")[0].contains(&format!("Value.1={GROUP}")));
    assert!(sent(&canned, "DescribeNetworkInterfaces")[0].contains(&format!("Value.1={GROUP}")));
}

#[tokio::test]
async fn a_group_that_is_not_there_says_what_was_searched() {
    let canned = Canned::new()
        .on("ec2", "DescribeSecurityGroupRules", &rules(&[], ""))
        .on("ec2", "DescribeNetworkInterfaces", &interfaces(&[]))
        .with("ec2", "DescribeSecurityGroups", |sent| {
            let all = [group(GROUP, "checkout-web", &[]), group(OTHER, "orders", &[])];
            (200, groups(if sent.body.contains("Filter") { &[] } else { &all }).into_bytes())
        });
    let p = run(&canned, &["eu-west-1"], json!({ "group": "chekout-web" })).await.unwrap();
    assert_eq!(p.summary, "No security group \"chekout-web\" in eu-west-1.");
    assert!(p.notes.iter().any(|n| n.contains("did you mean, in eu-west-1: checkout-web")), "{:?}", p.notes);
    let p = run(&canned, &["eu-west-1"], json!({ "group": "sg-0123456789abcdefa" })).await.unwrap();
    assert!(
        p.summary.starts_with("No security group \"sg-0123456789abcdefa\" in eu-west-1"),
        "{}",
        p.summary
    );
    let empty = account(&[], &[], &[]);
    let p = run(&empty, &["eu-west-1"], json!({})).await.unwrap();
    assert!(
        p.summary.starts_with("0 inbound rules of 1 security group in eu-west-1: none is open"),
        "{}",
        p.summary
    );
}

#[tokio::test]
async fn one_region_of_two_fails() {
    let canned = account(&[], &[], &[interface(1, &[GROUP], "")])
        .with("ec2", "DescribeSecurityGroupRules", |sent| match sent.region.as_str() {
            "eu-west-1" => (200, rules(&[rule(1, GROUP, "tcp", 22, 22, WORLD)], "").into_bytes()),
            _ => (403, error("UnauthorizedOperation").into_bytes()),
        })
        .with("ec2", "DescribeSecurityGroups", |sent| match sent.region.as_str() {
            "eu-west-1" => (200, groups(&[group(GROUP, "web", &[])]).into_bytes()),
            _ => (403, error("UnauthorizedOperation").into_bytes()),
        });
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors.len()), (1, 1));
    assert_eq!(
        (p.errors[0].place.as_str(), column(&p, "region")),
        ("eu-west-2", vec!["eu-west-1".to_owned()])
    );
}

#[test]
fn arguments_that_cannot_be_right() {
    for bad in [
        "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-0123456789abcdef0",
        "sg-xyz",
        "sg-*",
        "sg-0123456789ABCDEF0",
        "sgr-0123456789abcdef0",
        &"x".repeat(256),
    ] {
        let args = Args { group: Some(bad.to_owned()), ..Args::default() };
        let fault = AuditSecurityGroups::check(&args).unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad}: {fault:?}");
    }
    for good in ["web", "web-*", "default", GROUP, "sg-01234567"] {
        AuditSecurityGroups::check(&Args { group: Some(good.to_owned()), ..Args::default() }).unwrap();
    }
}
