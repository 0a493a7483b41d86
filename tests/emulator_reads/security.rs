//! Security groups, and GuardDuty, whose findings moto does not have.

use super::common::calls::{column, not_allowed, ok, read, refusal, unique};
use super::common::emulator::{ACCOUNT, Emulator, HERE, fresh};
use quarterdeck_core::tool::{Cell, FaultKind, Projection};
use serde_json::{Value, json};

const AUDIT: &str = "audit_security_groups";
const FINDINGS: &str = "list_guardduty_findings";

/// A permission for one port from a range.
fn tcp(port: u16, cidr: &str) -> Value {
    json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{ "CidrIp": cidr }] })
}

/// A group in the default network with these inbound permissions; its id.
fn group(emulator: &mut Emulator, region: &str, name: &str, permissions: &[Value]) -> String {
    let vpc = emulator.boto("ec2", region, "describe_vpcs", json!({}))["Vpcs"][0]["VpcId"].clone();
    let args = json!({ "GroupName": name, "Description": name, "VpcId": vpc });
    let id =
        emulator.boto("ec2", region, "create_security_group", args)["GroupId"].as_str().unwrap().to_owned();
    if !permissions.is_empty() {
        let args = json!({ "GroupId": id, "IpPermissions": permissions });
        emulator.boto("ec2", region, "authorize_security_group_ingress", args);
    }
    id
}

/// An instance that has these groups.
fn instance(emulator: &mut Emulator, region: &str, groups: &[&str]) -> String {
    let args = json!({ "ImageId": "ami-12c6146b", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SecurityGroupIds": groups });
    let made = emulator.boto("ec2", region, "run_instances", args);
    made["Instances"][0]["InstanceId"].as_str().unwrap().to_owned()
}

/// Port and risk of every rule of the group named `name`.
fn risks(p: &Projection, name: &str) -> Vec<(String, String)> {
    let cell = |row, column| p.cell(row, column).unwrap().plain();
    let ours = p.rows.iter().filter(|row| cell(row, "name") == name);
    let mut all: Vec<_> = ours.map(|row| (cell(row, "ports"), cell(row, "risk"))).collect();
    all.sort();
    all
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[tokio::test]
async fn rules_as_they_are() {
    let mut emulator = fresh().await;
    let entries = json!([{ "Cidr": "203.0.113.0/24" }, { "Cidr": "0.0.0.0/0" }]);
    let list =
        json!({ "PrefixListName": "partners", "MaxEntries": 5, "AddressFamily": "IPv4", "Entries": entries });
    let list =
        emulator.boto("ec2", HERE, "create_managed_prefix_list", list)["PrefixList"]["PrefixListId"].clone();
    let web = group(
        &mut emulator,
        HERE,
        "web",
        &[
            tcp(443, "0.0.0.0/0"),
            tcp(22, "203.0.113.0/24"),
            json!({ "IpProtocol": "tcp", "FromPort": 20, "ToPort": 25, "Ipv6Ranges": [{ "CidrIpv6": "::/0", "Description": "all six" }] }),
            json!({ "IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }),
            json!({ "IpProtocol": "udp", "FromPort": 11211, "ToPort": 11211, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }),
            json!({ "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "PrefixListIds": [{ "PrefixListId": list }] }),
        ],
    );
    let own = json!([{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": web }] }]);
    emulator.boto(
        "ec2",
        HERE,
        "authorize_security_group_ingress",
        json!({ "GroupId": web, "IpPermissions": own }),
    );
    let all = json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let old = group(&mut emulator, HERE, "old", &[all, tcp(3306, "0.0.0.0/1"), tcp(3306, "128.0.0.0/1")]);
    group(&mut emulator, HERE, "closed", &[]);
    group(&mut emulator, "eu-central-1", "elsewhere", &[tcp(22, "0.0.0.0/0")]);
    let id = instance(&mut emulator, HERE, &[&web]);

    let aws = emulator.aws(&[HERE]);
    let (p, stats) = read(&aws, AUDIT, json!({})).await.unwrap();
    assert_eq!(
        risks(&p, "web"),
        pairs(&[
            ("11211", "HIGH"),
            ("20-25", "HIGH"),
            ("22", "NONE"),
            ("443", "LOW"),
            ("5432", "HIGH"),
            ("all", "NONE"),
            ("all types", "MEDIUM"),
        ])
    );
    assert_eq!(
        risks(&p, "old"),
        pairs(&[("3306", "MEDIUM"), ("3306", "MEDIUM"), ("all", "HIGH")]),
        "attached to nothing"
    );
    assert!(risks(&p, "closed").is_empty() && risks(&p, "elsewhere").is_empty());
    assert_eq!(stats.requests, 4, "groups, rules, interfaces and one prefix list, each once");
    let row = |why: &str| p.rows.iter().find(|r| p.cell(r, "why").unwrap().plain().contains(why)).unwrap();
    let six = row("covers FTP 21, SSH 22, Telnet 23");
    assert!(p.cell(six, "why").unwrap().plain().contains("(::/0)"), "{six:?}");
    assert!(p.cell(six, "attached_to").unwrap().plain().contains(&id), "{six:?}");
    assert!(p.cell(row("prefix list"), "why").unwrap().plain().contains("0.0.0.0/0"));
    assert!(column(&p, "cidr").contains(&format!("{web} (itself)")), "{:?}", column(&p, "cidr"));
    assert!(column(&p, "rule_id").iter().all(|id| id.starts_with("sgr-")));
    assert_eq!(column(&p, "risk")[0], "HIGH", "the most open first");
    assert!(p.errors.is_empty() && p.truncated.is_none());

    for (args, groups) in [
        (json!({ "group": web }), vec![web.as_str()]),
        (json!({ "group": "w*" }), vec![&web]),
        (json!({ "group": "old" }), vec![&old]),
        (json!({ "group": "web", "only_attached": true }), vec![&web]),
        (json!({ "group": "old", "only_attached": true }), vec![]),
        (json!({ "group": "closed" }), vec![]),
    ] {
        let one = ok(&aws, AUDIT, args.clone()).await;
        let mut found = column(&one, "group");
        found.dedup();
        assert_eq!(found, groups, "{args}: {}", one.summary);
    }
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let mut emulator = fresh().await;
    group(&mut emulator, HERE, "checkout-web", &[]);
    let aws = emulator.aws(&[HERE, "us-east-1"]);
    let none = ok(&aws, AUDIT, json!({ "group": "chekout-web" })).await;
    assert!(none.rows.is_empty());
    for word in [HERE, "us-east-1", "chekout-web"] {
        assert!(none.summary.contains(word), "{}", none.summary);
    }
    assert!(
        none.notes.iter().any(|n| n.contains("checkout-web") && n.contains("did you mean")),
        "{:?}",
        none.notes
    );
    let absent = ok(&aws, AUDIT, json!({ "group": "sg-0123456789abcdef0" })).await;
    assert!(absent.summary.starts_with("No security group"), "{}", absent.summary);
    for bad in [
        "sg-1",
        "sgr-0123456789abcdef0",
        "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-0123456789abcdef0",
    ] {
        emulator.forget();
        let fault = read(&aws, AUDIT, json!({ "group": bad })).await.unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad}: {fault}");
        assert_eq!(emulator.calls().len(), 0, "{bad}");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let mut emulator = fresh().await;
    let mut groups = Vec::new();
    for n in 0..12_u16 {
        let permissions: Vec<Value> = (0..4).map(|m| tcp(8000 + n * 10 + m, "0.0.0.0/0")).collect();
        groups.push(group(&mut emulator, HERE, &format!("group-{n:02}"), &permissions));
    }
    for chunk in groups.chunks(2) {
        instance(&mut emulator, HERE, &chunk.iter().map(String::as_str).collect::<Vec<_>>());
    }
    emulator.pages(json!({
        "ec2:DescribeSecurityGroups": ["securityGroupInfo", 5],
        "ec2:DescribeSecurityGroupRules": ["securityGroupRuleSet", 7],
        "ec2:DescribeNetworkInterfaces": ["networkInterfaceSet", 2],
    }));
    let aws = emulator.aws(&[HERE]);
    let p = ok(&aws, AUDIT, json!({ "group": "group-*" })).await;
    assert_eq!((p.rows.len(), unique(&p, "rule_id"), unique(&p, "group")), (48, 48, 12));
    assert!(
        column(&p, "attached_to").iter().all(|a| a.starts_with("1: i-")),
        "{:?}",
        column(&p, "attached_to")
    );
    // 48 inbound and 12 outbound rules, 12 groups, 6 interfaces: not one request a group.
    for (operation, n) in
        [("DescribeSecurityGroups", 3), ("DescribeSecurityGroupRules", 9), ("DescribeNetworkInterfaces", 3)]
    {
        assert_eq!(emulator.count(operation), n, "{operation}");
    }
    emulator.forget();
    emulator.rules(json!([{ "operation": "DescribeSecurityGroupRules", "code": "RequestLimitExceeded", "status": 503, "after": 4 }]));
    let p = ok(&aws, AUDIT, json!({ "group": "group-*" })).await;
    assert_eq!(
        (p.rows.len(), unique(&p, "rule_id")),
        (48, 48),
        "throttled in the middle: none twice, none left out"
    );
    emulator.rules(json!([{ "operation": "DescribeNetworkInterfaces", "code": "UnauthorizedOperation", "status": 403, "after": 1, "times": -1 }]));
    let p = ok(&aws, AUDIT, json!({ "group": "group-*" })).await;
    assert_eq!(p.errors[0].place, format!("{HERE} network interfaces after the first 2"));
    assert!(
        column(&p, "risk").iter().all(|r| r == "MEDIUM"),
        "what was not seen is not taken as attached to nothing"
    );
}

#[tokio::test]
async fn denied_names_the_action_and_lowers_nothing() {
    let mut emulator = fresh().await;
    group(&mut emulator, HERE, "web", &[tcp(22, "0.0.0.0/0")]);
    let aws = emulator.aws(&[HERE]);
    assert_eq!(risks(&ok(&aws, AUDIT, json!({})).await, "web"), pairs(&[("22", "MEDIUM")]));
    for (operation, risk) in [
        ("DescribeNetworkInterfaces", "HIGH"),
        ("DescribeSecurityGroupRules", "MEDIUM"),
        ("DescribeSecurityGroups", "MEDIUM"),
    ] {
        let action = format!("ec2:{operation}");
        emulator.rules(refusal(operation, "UnauthorizedOperation", &not_allowed(&action), -1));
        let half = ok(&aws, AUDIT, json!({})).await;
        assert_eq!(half.errors[0].fault.action.as_deref(), Some(action.as_str()));
        let ssh = half.rows.iter().find(|r| half.cell(r, "ports").unwrap().plain() == "22").unwrap();
        assert_eq!(half.cell(ssh, "risk").unwrap().plain(), risk, "{operation}");
        let id = half.cell(ssh, "rule_id").unwrap();
        assert_eq!(*id == Cell::Absent, operation == "DescribeSecurityGroupRules", "{operation}");
    }
    emulator.rules(refusal(
        "DescribeSecurityGroup.*",
        "UnauthorizedOperation",
        &not_allowed("ec2:DescribeSecurityGroups"),
        -1,
    ));
    let fault = read(&aws, AUDIT, json!({})).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.action.as_deref()),
        (FaultKind::Denied, Some("ec2:DescribeSecurityGroups"))
    );
}

#[tokio::test]
async fn throttled_once_recovers_and_always_does_not() {
    let mut emulator = fresh().await;
    group(&mut emulator, HERE, "web", &[tcp(22, "0.0.0.0/0")]);
    let aws = emulator.aws(&[HERE]);
    emulator.rules(refusal(
        "DescribeSecurityGroupRules",
        "RequestLimitExceeded",
        "Request limit exceeded.",
        1,
    ));
    let (p, stats) = read(&aws, AUDIT, json!({})).await.unwrap();
    assert_eq!((risks(&p, "web").len(), stats.retries, p.errors.len()), (1, 1, 0));
    emulator.rules(refusal("DescribeSecurityGroup.*", "RequestLimitExceeded", "Request limit exceeded.", -1));
    let fault = read(&aws, AUDIT, json!({})).await.unwrap_err();
    assert!(fault.kind == FaultKind::Throttled && fault.hint.is_some(), "{fault}");
}

#[tokio::test]
async fn one_region_of_three_may_fail() {
    let mut emulator = fresh().await;
    let regions = [HERE, "eu-central-1", "us-east-1"];
    for region in regions {
        group(&mut emulator, region, "web", &[tcp(22, "0.0.0.0/0")]);
    }
    let aws = emulator.aws(&regions);
    for (code, status, kind) in [
        ("UnauthorizedOperation", 403, FaultKind::Denied),
        ("RequestLimitExceeded", 503, FaultKind::Throttled),
        ("InternalError", 500, FaultKind::Unavailable),
    ] {
        emulator.rules(json!([{ "region": "eu-central-1", "code": code, "status": status, "times": -1 }]));
        let part = ok(&aws, AUDIT, json!({ "group": "web" })).await;
        let mut found = column(&part, "region");
        found.sort();
        assert_eq!(found, [HERE, "us-east-1"], "{code}");
        assert_eq!((part.errors[0].place.as_str(), part.errors[0].fault.kind), ("eu-central-1", kind));
        assert!(part.summary.contains("not everything answered"), "{}", part.summary);
    }
}

mod guardduty {
    use super::*;

    fn finding(id: &str, kind: &str, severity: f64) -> Value {
        json!({
            "accountId": ACCOUNT, "arn": format!("arn:aws:guardduty:{HERE}:{ACCOUNT}:detector/d/finding/{id}"), "id": id, "type": kind,
            "severity": severity, "region": HERE, "schemaVersion": "2.0", "title": kind,
            "createdAt": "2026-11-19T00:00:00.000Z", "updatedAt": "2026-11-20T00:00:00.000Z",
            "resource": { "resourceType": "Instance", "instanceDetails": { "instanceId": "i-0123456789abcdef0" } },
            "service": { "archived": false, "count": 2, "eventFirstSeen": "2026-11-19T00:00:00.000Z", "eventLastSeen": "2026-11-20T00:00:00.000Z",
                "action": { "actionType": "PORT_PROBE", "portProbeAction": { "portProbeDetails": [{ "remoteIpDetails": { "ipAddressV4": "192.0.2.7" } }] } },
                "additionalInfo": { "value": "{}", "type": "default" } },
        })
    }

    /// A region with a detector of moto's own, and findings that are canned.
    fn watched(emulator: &mut Emulator, region: &str, enabled: bool, findings: &[Value]) {
        emulator.boto("guardduty", region, "create_detector", json!({ "Enable": enabled }));
        let ids: Vec<&Value> = findings.iter().map(|f| &f["id"]).collect();
        emulator.canned(json!({
            format!("guardduty:ListFindings@{region}"): { "findingIds": ids, "nextToken": "" },
            format!("guardduty:GetFindings@{region}"): { "findings": findings },
        }));
    }

    #[tokio::test]
    async fn findings_as_they_are() {
        let mut emulator = fresh().await;
        let all = [finding("a", "Recon:EC2/PortProbe", 5.0), finding("b", "Backdoor:EC2/C&CActivity.B", 9.5)];
        watched(&mut emulator, HERE, true, &all);
        let aws = emulator.aws(&[HERE]);
        let (p, stats) = read(&aws, FINDINGS, json!({ "since": "30d" })).await.unwrap();
        assert_eq!(
            (column(&p, "severity"), column(&p, "actor_ip")),
            (vec!["CRITICAL".into(), "MEDIUM".into()], vec!["192.0.2.7".to_owned(); 2])
        );
        assert_eq!((stats.requests, column(&p, "account")), (4, vec![ACCOUNT.to_owned(); 2]));
        assert!(p.errors.is_empty() && p.summary.contains("2 GuardDuty findings"), "{}", p.summary);
    }

    #[tokio::test]
    async fn nobody_watching_is_a_finding() {
        let mut emulator = fresh().await;
        watched(&mut emulator, "us-east-1", false, &[]);
        let aws = emulator.aws(&[HERE, "us-east-1"]);
        let p = ok(&aws, FINDINGS, json!({})).await;
        assert_eq!(
            column(&p, "type"),
            ["GuardDuty is not enabled", "GuardDuty is suspended"],
            "{}",
            p.summary
        );
        assert_eq!(column(&p, "region"), [HERE, "us-east-1"]);
        for word in [HERE, "us-east-1", "not enabled", "suspended"] {
            assert!(p.summary.contains(word), "{}", p.summary);
        }
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let mut emulator = fresh().await;
        watched(&mut emulator, HERE, true, &[]);
        let page = |n: usize| (0..50).map(|m| format!("{n}-{m}")).collect::<Vec<_>>();
        let found: Vec<Value> = (0..50).map(|n| finding(&n.to_string(), "T", 4.0)).collect();
        emulator.canned(json!({
            format!("guardduty:ListFindings@{HERE}"): [{ "findingIds": page(0), "nextToken": "1" }, { "findingIds": page(1) }, { "findingIds": page(2) }],
            format!("guardduty:GetFindings@{HERE}"): { "findings": found },
        }));
        let aws = emulator.aws(&[HERE]);
        let p = ok(&aws, FINDINGS, json!({})).await;
        assert_eq!(
            (p.rows.len(), emulator.count("ListFindings"), emulator.count("GetFindings")),
            (150, 3, 3)
        );
    }

    #[tokio::test]
    async fn denied_and_throttled() {
        let mut emulator = fresh().await;
        watched(&mut emulator, HERE, true, &[finding("a", "Recon:EC2/PortProbe", 5.0)]);
        let aws = emulator.aws(&[HERE]);
        for operation in ["ListDetectors", "ListFindings", "GetFindings"] {
            let action = format!("guardduty:{operation}");
            emulator.rules(json!([{ "operation": operation, "code": "AccessDeniedException", "status": 403, "message": not_allowed(&action), "times": -1 }]));
            let fault = read(&aws, FINDINGS, json!({})).await.unwrap_err();
            assert_eq!(
                (fault.kind, fault.action.as_deref()),
                (FaultKind::Denied, Some(action.as_str())),
                "{operation}: {fault}"
            );
        }
        emulator.rules(json!([{ "operation": "GetDetector", "code": "AccessDeniedException", "status": 403, "message": not_allowed("guardduty:GetDetector"), "times": -1 }]));
        let half = ok(&aws, FINDINGS, json!({})).await;
        assert_eq!(
            (half.rows.len(), half.errors[0].fault.action.as_deref()),
            (1, Some("guardduty:GetDetector"))
        );
        let throttled = |times: i64| json!([{ "service": "guardduty", "operation": "ListFindings", "code": "TooManyRequestsException", "status": 429, "times": times }]);
        emulator.rules(throttled(1));
        let (p, stats) = read(&aws, FINDINGS, json!({})).await.unwrap();
        assert_eq!((p.rows.len(), stats.retries), (1, 1));
        emulator.rules(throttled(-1));
        let fault = read(&aws, FINDINGS, json!({})).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Throttled, "{fault}");
    }

    #[tokio::test]
    async fn one_region_of_three_may_fail() {
        let mut emulator = fresh().await;
        let regions = [HERE, "eu-central-1", "us-east-1"];
        for region in regions {
            watched(&mut emulator, region, true, &[finding("a", "Recon:EC2/PortProbe", 5.0)]);
        }
        let aws = emulator.aws(&regions);
        for (code, status, kind) in [
            ("AccessDeniedException", 403, FaultKind::Denied),
            ("TooManyRequestsException", 429, FaultKind::Throttled),
            ("InternalServerErrorException", 500, FaultKind::Unavailable),
        ] {
            emulator.rules(json!([{ "region": "eu-central-1", "service": "guardduty", "code": code, "status": status, "times": -1 }]));
            let part = ok(&aws, FINDINGS, json!({})).await;
            assert_eq!(column(&part, "region"), [HERE, "us-east-1"], "{code}");
            assert_eq!((part.errors[0].place.as_str(), part.errors[0].fault.kind), ("eu-central-1", kind));
        }
    }
}
