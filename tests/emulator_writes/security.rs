//! Inbound rules of a security group: closed, and put back.

use super::carried_out::{approved, console, effect, fault, verified};
use super::common::calls::{not_allowed, plan, planned, refusal};
use super::common::emulator::{ACCOUNT, Emulator, HERE, fresh};
use super::{change, warned};
use quarterdeck_core::approval::{DryRun, Impact, Reversible, WarningLevel};
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, Outcome, WriteEffect};
use quarterdeck_core::tool::FaultKind;
use serde_json::{Value, json};

const TOOL: &str = "revoke_security_group_ingress";
const REVOKE: &str = "RevokeSecurityGroupIngress";
const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

fn tcp(port: u16, cidr: &str) -> Value {
    json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{ "CidrIp": cidr, "Description": format!("port {port}") }] })
}

/// A development group with these permissions on an instance: its id, and the ids of its inbound rules by port.
fn group(emulator: &mut Emulator, name: &str, permissions: &[Value]) -> (String, Vec<String>) {
    let vpc = emulator.boto("ec2", HERE, "describe_vpcs", json!({}))["Vpcs"][0]["VpcId"].clone();
    let tags = json!([{ "ResourceType": "security-group", "Tags": [{ "Key": "env", "Value": "dev" }] }]);
    let args = json!({ "GroupName": name, "Description": name, "VpcId": vpc, "TagSpecifications": tags });
    let id =
        emulator.boto("ec2", HERE, "create_security_group", args)["GroupId"].as_str().unwrap().to_owned();
    if !permissions.is_empty() {
        let args = json!({ "GroupId": id, "IpPermissions": permissions });
        emulator.boto("ec2", HERE, "authorize_security_group_ingress", args);
    }
    let rules = rules(emulator, &id);
    let ids = rules.iter().map(|r| r["SecurityGroupRuleId"].as_str().unwrap().to_owned()).collect();
    (id, ids)
}

fn instance(emulator: &mut Emulator, groups: &[&str]) {
    let args = json!({ "ImageId": "ami-12c6146b", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SecurityGroupIds": groups });
    emulator.boto("ec2", HERE, "run_instances", args);
}

/// The group's inbound rules as an outsider sees them, by port.
fn rules(emulator: &mut Emulator, group: &str) -> Vec<Value> {
    let filters = json!({ "Filters": [{ "Name": "group-id", "Values": [group] }] });
    let all = emulator.boto("ec2", HERE, "describe_security_group_rules", filters);
    let mut all: Vec<Value> = all["SecurityGroupRules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["IsEgress"] == false)
        .cloned()
        .collect();
    all.sort_by_key(|r| r["FromPort"].as_i64());
    all
}

fn revoke(group: &str, ids: &[&String]) -> Value {
    json!({ "group": group, "rule_ids": ids })
}

#[tokio::test]
async fn it_is_planned_from_fresh_reads_and_a_dry_run() {
    let mut emulator = fresh().await;
    let (web, ids) = group(&mut emulator, "web", &[tcp(22, "0.0.0.0/0"), tcp(80, "10.0.0.0/8")]);
    instance(&mut emulator, &[&web]);
    let aws = emulator.aws(&[HERE]);
    let p = planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
    assert_eq!((p.identity.account.as_str(), p.region.as_str()), (ACCOUNT, HERE));
    assert_eq!(p.targets[0].arn, format!("arn:aws:ec2:{HERE}:{ACCOUNT}:security-group-rule/{}", ids[0]));
    let before = "tcp 22 from 0.0.0.0/0, described as \"port 22\"".to_owned();
    assert_eq!(change(&p, "rule"), Some((before, "revoked".into())));
    assert_eq!((&p.dry_run, p.unknown.len()), (&DryRun::Permitted, 0));
    assert_eq!(Impact::of(&p), Impact::Normal, "{:?}", p.warnings);
    assert_eq!(warned(&p, "established"), Some(WarningLevel::Info));
    assert!(matches!(p.reversible, Reversible::Yes(_)), "{:?}", p.reversible);
    assert!(
        p.command.ends_with(&format!("--group-id {web} --security-group-rule-ids {}", ids[0])),
        "{}",
        p.command
    );
    assert_eq!(emulator.changes(), [""; 0], "planning changes nothing");
    let dry = emulator.calls().iter().filter(|c| c["dry_run"] == true).cloned().collect::<Vec<_>>();
    assert!(dry.len() == 1 && dry[0]["operation"] == REVOKE, "{dry:?}");
}

#[tokio::test]
async fn rules_of_another_group_region_or_direction_are_refused() {
    let mut emulator = fresh().await;
    let (web, ids) = group(&mut emulator, "web", &[tcp(22, "0.0.0.0/0")]);
    let (db, _) = group(&mut emulator, "db", &[]);
    let aws = emulator.aws(&[HERE, "eu-central-1"]);
    let fault = plan(&aws, TOOL, revoke(&db, &[&ids[0]])).await.unwrap_err();
    assert!(
        fault.kind == FaultKind::Invalid && fault.to_string().contains(&web),
        "it says whose it is: {fault}"
    );
    let filters = json!({ "Filters": [{ "Name": "group-id", "Values": [web] }] });
    let all = emulator.boto("ec2", HERE, "describe_security_group_rules", filters);
    let all = all["SecurityGroupRules"].as_array().unwrap();
    let out = all.iter().find(|r| r["IsEgress"] == true).unwrap()["SecurityGroupRuleId"]
        .as_str()
        .unwrap()
        .to_owned();
    let fault = plan(&aws, TOOL, revoke(&web, &[&out])).await.unwrap_err();
    assert!(fault.kind == FaultKind::Invalid && fault.to_string().contains("outbound"), "{fault}");
    let elsewhere = json!({ "group": web, "rule_ids": ids, "region": "eu-central-1" });
    let fault = plan(&aws, TOOL, elsewhere).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.to_string().contains("eu-central-1"), "{fault}");
    let gone = "sgr-0123456789abcdef0".to_owned();
    let fault = plan(&aws, TOOL, revoke(&web, &[&gone])).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.to_string().contains(HERE), "{fault}");
    for args in [
        json!({ "group": "web", "rule_ids": ids }),
        json!({ "group": web, "rule_ids": [] }),
        json!({ "group": web, "rule_ids": [ids[0], ids[0]] }),
        json!({ "group": web, "rule_ids": ids, "region": "all" }),
        json!({ "group": web, "rule_ids": ids, "account": "all" }),
        json!({ "group": web, "rule_ids": ids, "action": "authorize" }),
    ] {
        let fault = plan(&aws, TOOL, args.clone()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid, "{args}: {fault}");
    }
    assert_eq!(emulator.changes(), [""; 0]);
}

#[tokio::test]
async fn warnings_come_from_the_account() {
    let mut emulator = fresh().await;
    let (web, ids) = group(&mut emulator, "web", &[tcp(22, "203.0.113.0/24")]);
    let (wide, _) = group(&mut emulator, "wide", &[tcp(22, "0.0.0.0/0")]);
    let aws = emulator.aws(&[HERE]);
    let p = planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
    assert_eq!(warned(&p, "not_attached"), Some(WarningLevel::Info), "{:?}", p.warnings);
    instance(&mut emulator, &[&web, &wide]);
    let p = planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
    let still = p.warnings.iter().find(|w| w.code == "still_allowed").unwrap();
    assert!(still.text.contains(&wide) && still.level == WarningLevel::Caution, "{still:?}");
    assert_eq!(warned(&p, "last_rule"), Some(WarningLevel::Caution));
    for (operation, action) in [
        ("DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces"),
        ("DescribeSecurityGroups", "ec2:DescribeSecurityGroups"),
    ] {
        emulator.rules(refusal(operation, "UnauthorizedOperation", &not_allowed(action), -1));
        let p = planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
        assert!(p.unknown.iter().any(|u| u.contains(action)), "{operation}: {:?}", p.unknown);
        assert!(Impact::of(&p).is_high(), "{operation}");
    }
    emulator.rules(refusal(
        REVOKE,
        "UnauthorizedOperation",
        &not_allowed("ec2:RevokeSecurityGroupIngress"),
        -1,
    ));
    let p = planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
    assert!(
        matches!(&p.dry_run, DryRun::Denied(why) if why.contains("ec2:RevokeSecurityGroupIngress")),
        "{:?}",
        p.dry_run
    );
    emulator.rules(refusal(
        "DescribeSecurityGroupRules",
        "RequestLimitExceeded",
        "Request limit exceeded.",
        1,
    ));
    planned(&aws, TOOL, revoke(&web, &[&ids[0]])).await;
    assert_eq!(emulator.changes(), [""; 0]);
}

#[tokio::test]
async fn closed_and_put_back() {
    let mut emulator = fresh().await;
    let (web, ids) =
        group(&mut emulator, "web", &[tcp(22, "0.0.0.0/0"), tcp(80, "10.0.0.0/8"), tcp(443, "0.0.0.0/0")]);
    instance(&mut emulator, &[&web]);
    let before = rules(&mut emulator, &web);
    let mut console = console(&emulator).await;
    approved(&mut console, TOOL, revoke(&web, &[&ids[0], &ids[1]])).await;
    assert_eq!(effect(&console), WriteEffect::Done, "{}", console.story());
    assert_eq!(verified(&mut console).await, Some(true), "{}", console.story());
    assert_eq!(rules(&mut emulator, &web), before[2..], "those two and no other");
    assert_eq!(emulator.changes(), [REVOKE], "one request for both");

    // Named by what was revoked; what they said is not for anybody to say.
    let back = json!({ "group": web, "rule_ids": [ids[0], ids[1]], "action": "restore" });
    console.send(Command::Call { tool: TOOL.into(), args: back, fresh: true }).await;
    console.dialog().await;
    let proposal = console.gate().unwrap().proposal().clone();
    assert_eq!(
        change(&proposal, "rule"),
        Some(("none".into(), "tcp 22 from 0.0.0.0/0, described as \"port 22\"".into()))
    );
    assert_eq!(warned(&proposal, "opens_to_world"), Some(WarningLevel::Critical));
    assert!(console.gate().unwrap().code().is_some(), "it opens port 22 to the world: the code is asked for");
    assert_eq!(emulator.changes(), [REVOKE]);
    console.approve().await;
    console.until("the second verification", |c| c.count(|f| matches!(f, Fact::Verified { .. })) == 2).await;
    let reached: Vec<Option<bool>> = console
        .facts()
        .filter_map(|f| if let Fact::Verified { reached, .. } = f { Some(*reached) } else { None })
        .collect();
    assert_eq!(reached, [Some(true); 2], "{}", console.story());
    assert_eq!(emulator.changes(), [REVOKE, AUTHORIZE]);
    let after = rules(&mut emulator, &web);
    let says = |r: &Value| {
        (
            r["IpProtocol"].clone(),
            r["FromPort"].clone(),
            r["ToPort"].clone(),
            r["CidrIpv4"].clone(),
            r["Description"].clone(),
        )
    };
    assert_eq!(
        after.iter().map(says).collect::<Vec<_>>(),
        before.iter().map(says).collect::<Vec<_>>(),
        "as they were"
    );
    assert!(!after.iter().any(|r| r["SecurityGroupRuleId"] == ids[0].as_str()), "under new ids");

    console.end().await;
}

/// Undone, and the undo undone: each time through the gate, the last time by the rule's new id.
#[tokio::test]
async fn undo_asks_each_time() {
    let mut emulator = fresh().await;
    let (web, ids) = group(&mut emulator, "web", &[tcp(8080, "10.0.0.0/8")]);
    let mut console = console(&emulator).await;
    approved(&mut console, TOOL, revoke(&web, &[&ids[0]])).await;
    assert_eq!(verified(&mut console).await, Some(true));
    for (n, operation) in [(1, AUTHORIZE), (2, REVOKE)] {
        let made = console
            .facts()
            .filter_map(|f| if let Fact::WriteIntended { call, .. } = f { Some(*call) } else { None });
        let last = made.last().unwrap();
        console.send(Command::Undo(last)).await;
        console.dialog().await;
        assert_eq!(emulator.changes().len(), n, "nothing before it is approved");
        console.approve().await;
        console
            .until("the outcome", |c| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) == n + 1)
            .await;
        console
            .until("the verification", |c| {
                c.count(|f| matches!(f, Fact::Verified { reached: Some(true), .. })) == n + 1
            })
            .await;
        assert_eq!(emulator.changes()[n], operation, "{}", console.story());
    }
    console.end().await;
    assert!(rules(&mut emulator, &web).is_empty());
}

#[tokio::test]
async fn a_refused_write_is_sent_once_and_a_lost_answer_is_read_back() {
    for (code, status, kind) in [
        ("UnauthorizedOperation", 403, FaultKind::Denied),
        ("RequestLimitExceeded", 503, FaultKind::Throttled),
        ("InvalidSecurityGroupRuleId.NotFound", 400, FaultKind::Missing),
    ] {
        let mut emulator = fresh().await;
        let (web, ids) = group(&mut emulator, "web", &[tcp(22, "0.0.0.0/0")]);
        let mut console = console(&emulator).await;
        emulator.rules(
            json!([{ "operation": REVOKE, "dry_run": false, "code": code, "status": status, "times": -1 }]),
        );
        approved(&mut console, TOOL, revoke(&web, &[&ids[0]])).await;
        console.until("the result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 0).await;
        assert_eq!(
            (effect(&console), fault(&console)),
            (WriteEffect::NotDone, Some(kind)),
            "{}",
            console.story()
        );
        // What was not made cannot be restored.
        let back = json!({ "group": web, "rule_ids": ids, "action": "restore" });
        console.send(Command::Call { tool: TOOL.into(), args: back, fresh: true }).await;
        console.until("the second result", |c| c.count(|f| matches!(f, Fact::ToolFinished { .. })) > 1).await;
        let missing = |f: &Fact| matches!(f, Fact::ToolFinished { outcome: Outcome::Failed { fault }, .. } if fault.kind == FaultKind::Missing);
        assert!(console.count(missing) >= 1, "{}", console.story());
        console.end().await;
        assert_eq!(emulator.changes(), [REVOKE], "{code}: one attempt, whatever the answer");
    }
    let mut emulator = fresh().await;
    let (web, ids) = group(&mut emulator, "web", &[tcp(22, "0.0.0.0/0")]);
    let mut console = console(&emulator).await;
    emulator.rules(json!([{ "operation": REVOKE, "dry_run": false, "lost": true, "code": "InternalError", "status": 500, "times": -1 }]));
    approved(&mut console, TOOL, revoke(&web, &[&ids[0]])).await;
    assert_eq!(effect(&console), WriteEffect::Unknown, "{}", console.story());
    assert_eq!(verified(&mut console).await, Some(true), "it was done all the same: {}", console.story());
    console.end().await;
    assert_eq!(emulator.changes(), [REVOKE]);
    assert!(rules(&mut emulator, &web).is_empty());
}
