use super::*;
use crate::registry;
use crate::testing::Canned;
use crate::tools::security_groups::fixture::*;
use quarterdeck_core::approval::{Digest, DryRun, Impact, Reversible, WarningLevel};
use serde_json::Value;
use std::sync::Arc;

const WORLD: &str = "0.0.0.0/0";
const DEV: [(&str, &str); 1] = [("env", "dev")];

fn permitted(canned: Canned) -> Canned {
    canned.failing("ec2", "RevokeSecurityGroupIngress", 412, &error("DryRunOperation")).failing(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        412,
        &error("DryRunOperation"),
    )
}

/// A group with ssh from everywhere, http from inside, on one instance.
fn web() -> Canned {
    let items =
        [rule(1, GROUP, "tcp", 22, 22, WORLD), rule(2, GROUP, "tcp", 80, 80, "10.0.0.0/8"), egress(9, GROUP)];
    permitted(account(&DEV, &items, &[interface(1, &[GROUP], &instance("i-0123456789abcdef0"))]))
}

async fn plan(canned: &Canned, args: Value) -> Result<Proposal, Fault> {
    let aws = canned.aws(&["eu-west-1", "eu-west-2"]);
    registry::plan(&aws, "revoke_security_group_ingress", &args, Arc::new(|_| ())).await
}

fn revoke(ids: &[usize]) -> Value {
    json!({ "group": GROUP, "rule_ids": ids.iter().map(|n| rule_id(*n)).collect::<Vec<_>>() })
}

fn codes(plan: &Proposal) -> Vec<(&str, WarningLevel)> {
    plan.warnings.iter().map(|w| (w.code.as_str(), w.level)).collect()
}

fn writes(canned: &Canned) -> Vec<String> {
    let all = canned.sent().into_iter().filter(|s| s.operation.contains("SecurityGroupIngress"));
    all.filter(|s| !s.body.contains("DryRun=true")).map(|s| s.operation).collect()
}

#[tokio::test]
async fn a_harmless_revocation() {
    let canned = web();
    let p = plan(&canned, revoke(&[1])).await.unwrap();
    assert_eq!(
        p.title,
        format!("Revoke 1 inbound rule of web ({GROUP}) in eu-west-1: tcp 22 from 0.0.0.0/0")
    );
    let target = &p.targets[0];
    assert_eq!(target.arn, format!("arn:aws:ec2:eu-west-1:123456789012:security-group-rule/{}", rule_id(1)));
    assert_eq!((target.id.as_str(), target.name.as_deref()), (rule_id(1).as_str(), Some("web")));
    assert_eq!(target.tags["env"], "dev");
    let change = &target.changes[0];
    assert_eq!((change.before.as_str(), change.after.as_str()), ("tcp 22 from 0.0.0.0/0", "revoked"));
    assert_eq!(target.context[0], ("risk".into(), "HIGH: SSH 22 open to the world (0.0.0.0/0)".into()));
    assert_eq!(target.context[1], ("attached to".into(), "1: i-0123456789abcdef0".into()));
    assert_eq!(codes(&p), [("established", WarningLevel::Info)]);
    assert_eq!((&p.dry_run, &p.unknown, Impact::of(&p)), (&DryRun::Permitted, &vec![], Impact::Normal));
    assert_eq!(
        p.command,
        format!(
            "aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id {GROUP} --security-group-rule-ids {}",
            rule_id(1)
        )
    );
    assert_eq!(p.actions, ["ec2:RevokeSecurityGroupIngress"]);
    assert!(matches!(p.reversible, Reversible::Yes(_)));
    assert_eq!(
        plan(&canned, revoke(&[1])).await.unwrap(),
        p,
        "a second plan of the same account is the same"
    );
    assert_eq!(writes(&canned), [""; 0]);
    let both = plan(&canned, revoke(&[2, 1])).await.unwrap();
    assert_eq!(both.targets.iter().map(|t| t.id.clone()).collect::<Vec<_>>(), [rule_id(2), rule_id(1)]);
    assert!(codes(&both).contains(&("last_rule", WarningLevel::Caution)) && Impact::of(&both).is_high());
}

#[tokio::test]
async fn a_rule_that_changed_is_another_proposal() {
    let before = plan(&web(), revoke(&[1])).await.unwrap();
    let says = |text: &str| {
        web().on(
            "ec2",
            "DescribeSecurityGroupRules",
            &rules(&[text.to_owned(), rule(2, GROUP, "tcp", 80, 80, "10.0.0.0/8")], ""),
        )
    };
    let described =
        rule(1, GROUP, "tcp", 22, 22, WORLD).replace("</item>", "<description>office</description></item>");
    for changed in [
        rule(1, GROUP, "tcp", 22, 22, "203.0.113.0/24"),
        rule(1, GROUP, "tcp", 22, 23, WORLD),
        rule(1, GROUP, "udp", 22, 22, WORLD),
        described,
    ] {
        let after = plan(&says(&changed), revoke(&[1])).await.unwrap();
        assert_ne!(Digest::of(&before), Digest::of(&after), "{changed}");
    }
    let same = plan(&says(&rule(1, GROUP, "tcp", 22, 22, WORLD)), revoke(&[1])).await.unwrap();
    assert_eq!(Digest::of(&before), Digest::of(&same));
}

#[tokio::test]
async fn rules_that_cannot_be_revoked_here() {
    let canned = web();
    let fault = plan(&canned, revoke(&[9])).await.unwrap_err();
    assert!(fault.kind == FaultKind::Invalid && fault.message.contains("outbound"), "{fault}");
    let theirs = web().with("ec2", "DescribeSecurityGroupRules", |sent| {
        let body = if sent.body.contains("security-group-rule-id") {
            rules(&[rule(5, OTHER, "tcp", 22, 22, WORLD)], "")
        } else {
            rules(&[rule(1, GROUP, "tcp", 22, 22, WORLD)], "")
        };
        (200, body.into_bytes())
    });
    let fault = plan(&theirs, revoke(&[5])).await.unwrap_err();
    assert!(
        fault.kind == FaultKind::Invalid
            && fault.message.contains(&format!("is a rule of {OTHER}, not of {GROUP}")),
        "{fault}"
    );
    let gone = web().with("ec2", "DescribeSecurityGroupRules", |sent| {
        let ours = [rule(1, GROUP, "tcp", 22, 22, WORLD)];
        (200, rules(if sent.body.contains("security-group-rule-id") { &[] } else { &ours }, "").into_bytes())
    });
    let fault = plan(&gone, revoke(&[7])).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.message.contains("eu-west-1"), "{fault}");
    let nothing = permitted(Canned::new())
        .on("ec2", "DescribeSecurityGroups", &groups(&[]))
        .on("ec2", "DescribeSecurityGroupRules", &rules(&[], ""))
        .on("ec2", "DescribeNetworkInterfaces", &interfaces(&[]));
    let fault = plan(&nothing, revoke(&[1])).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.message.contains(GROUP), "{fault}");
    for canned in [canned, theirs, gone, nothing] {
        assert_eq!(writes(&canned), [""; 0]);
    }
}

#[tokio::test]
async fn what_still_lets_it_in_is_named() {
    let on = |groups: &[&str]| interface(1, groups, &instance("i-0123456789abcdef0"));
    let with = |more: &[String], attached: &[String], others: Vec<String>| {
        let items = [&[rule(1, GROUP, "tcp", 22, 22, "203.0.113.0/24")], more].concat();
        permitted(account(&DEV, &items, attached)).with("ec2", "DescribeSecurityGroupRules", move |sent| {
            (200, rules(if sent.body.contains(OTHER) { &others } else { &items }, "").into_bytes())
        })
    };
    let alone = [on(&[GROUP])];
    for (more, attached, others, code) in [
        (vec![rule(2, GROUP, "tcp", 20, 25, WORLD)], &alone[..], vec![], Some("still_allowed")),
        (vec![rule(2, GROUP, "-1", -1, -1, "203.0.113.0/24")], &alone, vec![], Some("still_allowed")),
        (vec![rule(2, GROUP, "tcp", 22, 22, "203.0.113.128/25")], &alone, vec![], Some("partly_allowed")),
        (vec![rule(2, GROUP, "tcp", 443, 443, WORLD)], &alone, vec![], None),
        (vec![rule(2, GROUP, "tcp", 22, 22, "::/0")], &alone, vec![], None),
        (vec![egress(2, GROUP)], &alone, vec![], None),
        // Another group of the same interface.
        (vec![], &[on(&[GROUP, OTHER])], vec![rule(8, OTHER, "tcp", 22, 22, WORLD)], Some("still_allowed")),
        (vec![], &[on(&[GROUP, OTHER])], vec![egress(8, OTHER)], None),
        // Of only one of two interfaces.
        (
            vec![],
            &[on(&[GROUP, OTHER]), on(&[GROUP])],
            vec![rule(8, OTHER, "tcp", 22, 22, WORLD)],
            Some("partly_allowed"),
        ),
    ] {
        let p = plan(&with(&more, attached, others.clone()), revoke(&[1])).await.unwrap();
        let found = codes(&p).into_iter().map(|(code, _)| code).find(|c| c.ends_with("_allowed"));
        assert_eq!(found, code, "{more:?} {others:?}: {:?}", p.warnings);
    }
}

#[tokio::test]
async fn everything_that_hurts_is_named() {
    let items = [rule(1, GROUP, "tcp", 443, 443, WORLD)];
    let on = [
        interface(1, &[GROUP], "<description>ELB app/web/1</description>"),
        interface(2, &[GROUP], "<interfaceType>vpc_endpoint</interfaceType>"),
    ];
    let tags = [("env", "dev"), ("aws:cloudformation:stack-name", "web")];
    let p = plan(&permitted(account(&tags, &items, &on)), revoke(&[1])).await.unwrap();
    let mut found = codes(&p);
    found.sort_unstable_by_key(|(code, _)| *code);
    assert_eq!(
        found,
        [
            ("cuts_endpoint", WarningLevel::Caution),
            ("cuts_public_entry", WarningLevel::Critical),
            ("established", WarningLevel::Info),
            ("last_rule", WarningLevel::Caution),
            ("managed", WarningLevel::Info),
        ]
    );
    assert!(Impact::of(&p).is_high() && p.warnings.iter().all(|w| w.evidence.is_some()));
    let p = plan(&permitted(account(&tags, &items, &[])), revoke(&[1])).await.unwrap();
    assert_eq!(codes(&p), [("managed", WarningLevel::Info), ("not_attached", WarningLevel::Info)]);
    let tagged = rule(1, GROUP, "tcp", 443, 443, WORLD)
        .replace("</item>", "<tagSet><item><key>env</key><value>prod</value></item></tagSet></item>");
    let p = plan(&permitted(account(&DEV, &[tagged], &[])), revoke(&[1])).await.unwrap();
    assert_eq!(p.targets[0].tags["env"], "prod", "the rule's own tag decides");
    assert!(matches!(p.reversible, Reversible::Partly(_)), "{:?}", p.reversible);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_known_and_grave() {
    for (operation, says) in [
        ("DescribeNetworkInterfaces", "what the group is attached to"),
        ("DescribeSecurityGroups", "the group's name, tags and environment"),
    ] {
        let canned = web().failing("ec2", operation, 403, &error("UnauthorizedOperation"));
        let p = plan(&canned, revoke(&[1])).await.unwrap();
        let action = format!("ec2:{operation}");
        assert!(p.unknown.iter().any(|u| u.starts_with(says) && u.contains(&action)), "{:?}", p.unknown);
        assert!(Impact::of(&p).is_high());
        assert!(!codes(&p).iter().any(|(code, _)| *code == "not_attached"));
    }
    let canned = web().failing("ec2", "RevokeSecurityGroupIngress", 403, &error("UnauthorizedOperation"));
    let p = plan(&canned, revoke(&[1])).await.unwrap();
    assert!(
        matches!(&p.dry_run, DryRun::Denied(why) if why.contains("ec2:RevokeSecurityGroupIngress")),
        "{:?}",
        p.dry_run
    );
    let canned = web().failing("ec2", "DescribeSecurityGroupRules", 403, &error("UnauthorizedOperation"));
    let fault = plan(&canned, revoke(&[1])).await.unwrap_err();
    assert_eq!(
        fault.action.as_deref(),
        Some("ec2:DescribeSecurityGroupRules"),
        "without the rules there is no plan"
    );
}

/// The whole way: what undoes a revocation says exactly what was revoked, and nobody else can say it.
#[tokio::test]
async fn restoring_says_exactly_what_was_revoked() {
    let icmp = rule(3, GROUP, "icmp", 8, -1, OTHER);
    let ssh = rule(1, GROUP, "tcp", 22, 22, WORLD)
        .replace("</item>", "<description>office door</description></item>");
    let list = rule(4, GROUP, "-1", -1, -1, "pl-0123456789abcdef0");
    let canned = permitted(account(&DEV, &[ssh, icmp, list], &[]));
    let revoked = plan(&canned, revoke(&[1, 3, 4])).await.unwrap();
    let done = Projection::new("", Timestamp::default());
    let write = RevokeSecurityGroupIngress::inverse(&revoked, &done).unwrap();
    assert_eq!(write.tool, "revoke_security_group_ingress");
    assert_eq!(
        write.args["rules"][0],
        json!({ "protocol": "tcp", "from_port": 22, "to_port": 22, "source": { "ipv4": WORLD }, "description": "office door" })
    );
    let args: Args = serde_json::from_value(write.args.clone()).unwrap();
    RevokeSecurityGroupIngress::check(&args).unwrap();
    assert!(RevokeSecurityGroupIngress::only_undoes(&args));

    // They are there still: nothing to restore.
    let fault = plan(&canned, write.args.clone()).await.unwrap_err();
    assert!(fault.kind == FaultKind::Conflict && fault.message.contains(&rule_id(1)), "{fault}");
    let canned = permitted(account(&DEV, &[], &[]));
    let p = plan(&canned, write.args.clone()).await.unwrap();
    let afters: Vec<&str> = p.targets.iter().map(|t| t.changes[0].after.as_str()).collect();
    let befores: Vec<&str> = revoked.targets.iter().map(|t| t.changes[0].before.as_str()).collect();
    assert_eq!(afters, befores, "the plan shows what it puts back");
    assert_eq!(p.targets[0].arn, format!("arn:aws:ec2:eu-west-1:123456789012:security-group/{GROUP}"));
    assert!(
        p.command.starts_with("aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id"),
        "{}",
        p.command
    );
    assert!(p.command.contains("office door"), "{}", p.command);
    assert_eq!(p.actions, ["ec2:AuthorizeSecurityGroupIngress"]);
    assert!(codes(&p).contains(&("opens_to_world", WarningLevel::Critical)), "{:?}", p.warnings);
    let sent =
        canned.sent().into_iter().find(|s| s.operation == "AuthorizeSecurityGroupIngress").unwrap().body;
    for part in [
        "DryRun=true",
        "IpRanges.1.CidrIp=0.0.0.0%2F0",
        "Description=office%20door",
        "PrefixListId=pl-0123456789abcdef0",
    ] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    assert!(sent.contains(&format!("GroupId={OTHER}")), "{sent}");
    assert_eq!(writes(&canned), [""; 0]);

    // Without the rules nobody knows what to restore.
    let bare = json!({ "group": GROUP, "rule_ids": [rule_id(1)], "action": "restore" });
    let fault = plan(&canned, bare).await.unwrap_err();
    assert!(fault.kind == FaultKind::Missing && fault.hint.is_some(), "{fault}");
    let schema = crate::schema::of::<Args>();
    assert!(schema["properties"].get("rules").is_none(), "a model cannot say what to put back: {schema}");

    // What undoes the restoration are the new ids.
    let answered = |n: usize| {
        let made =
            |id| aws_sdk_ec2::types::SecurityGroupRule::builder().security_group_rule_id(rule_id(id)).build();
        let rules = (77..77 + n).map(made).collect();
        let answer = AuthorizeSecurityGroupIngressOutput::builder().r#return(true);
        Done::Restored(answer.set_security_group_rules(Some(rules)).build())
    };
    let done = RevokeSecurityGroupIngress::project(&p, &answered(2), Timestamp::default());
    assert_eq!(RevokeSecurityGroupIngress::inverse(&p, &done), None, "half of an undo is none");
    assert!(done.notes.iter().any(|n| n.contains("2 of 3")), "{:?}", done.notes);
    let done = RevokeSecurityGroupIngress::project(&p, &answered(3), Timestamp::default());
    let back = RevokeSecurityGroupIngress::inverse(&p, &done).unwrap();
    assert_eq!(back.args["rule_ids"], json!([rule_id(77), rule_id(78), rule_id(79)]));
    assert_eq!(back.args["action"], "revoke");
    assert!(back.args.get("rules").is_none());
}

#[test]
fn arguments_that_cannot_be_right() {
    let args = |group: &str, ids: &[&str]| Args {
        group: group.to_owned(),
        rule_ids: ids.iter().map(|i| (*i).to_owned()).collect(),
        action: Action::Revoke,
        region: None,
        account: None,
        rules: None,
    };
    let id = rule_id(1);
    let eleven: Vec<String> = (0..11).map(rule_id).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    for bad in [
        args("web", &[&id]),
        args("sg-*", &[&id]),
        args("arn:aws:ec2:eu-west-1:123456789012:security-group/sg-0123456789abcdef0", &[&id]),
        args(GROUP, &[]),
        args(GROUP, &eleven),
        args(GROUP, &[&id, &id]),
        args(GROUP, &["22"]),
        args(GROUP, &[GROUP]),
        args(GROUP, &["arn:aws:ec2:eu-west-1:123456789012:security-group-rule/sgr-0123456789abcdef0"]),
        Args { rules: Some(vec![]), ..args(GROUP, &[&id]) },
        Args { rules: Some(vec![]), action: Action::Restore, ..args(GROUP, &[&id]) },
    ] {
        let fault = RevokeSecurityGroupIngress::check(&bad).unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad:?}: {fault:?}");
    }
    RevokeSecurityGroupIngress::check(&args(GROUP, &[&id])).unwrap();
}

#[tokio::test]
async fn verified_by_what_the_audit_reads() {
    let audit = async |canned: &Canned| {
        let args = json!({ "group": GROUP });
        registry::read(&canned.aws(&["eu-west-1"]), "audit_security_groups", &args, Arc::new(|_| ()))
            .await
            .unwrap()
            .0
    };
    let revoked = plan(&web(), revoke(&[1])).await.unwrap();
    let watch = RevokeSecurityGroupIngress::verify(&revoked);
    assert_eq!(
        (watch.tool, &watch.args),
        ("audit_security_groups", &json!({ "group": GROUP, "regions": ["eu-west-1"] }))
    );
    let without = web().on(
        "ec2",
        "DescribeSecurityGroupRules",
        &rules(&[rule(2, GROUP, "tcp", 80, 80, "10.0.0.0/8")], ""),
    );
    assert_eq!((watch.judge)(&revoked, &audit(&web()).await), Verdict::NotYet);
    assert_eq!((watch.judge)(&revoked, &audit(&without).await), Verdict::Done);
    let no = |operation: &str| {
        let body = rules(&[rule(2, GROUP, "tcp", 80, 80, "10.0.0.0/8")], "");
        web().on("ec2", "DescribeSecurityGroupRules", &body).failing(
            "ec2",
            operation,
            403,
            &error("UnauthorizedOperation"),
        )
    };
    assert_eq!((watch.judge)(&revoked, &audit(&no("DescribeNetworkInterfaces")).await), Verdict::Done);
    let blind = audit(&no("DescribeSecurityGroupRules")).await;
    assert_eq!((watch.judge)(&revoked, &blind), Verdict::NotYet, "without rule ids nothing is proved");

    let write = RevokeSecurityGroupIngress::inverse(&revoked, &blind).unwrap();
    let restored = plan(&without, write.args).await.unwrap();
    let watch = RevokeSecurityGroupIngress::verify(&restored);
    assert_eq!((watch.judge)(&restored, &audit(&without).await), Verdict::NotYet);
    assert_eq!((watch.judge)(&restored, &audit(&web()).await), Verdict::Done);
}

mod own_access {
    use super::super::super::security_groups::facts;
    use super::super::super::security_groups::warnings::of_revoking;
    use super::*;
    use crate::tools::ec2::plan::Warnings;

    #[tokio::test]
    async fn the_session_one_sits_in_is_not_sawn_off() {
        let items = [rule(1, GROUP, "tcp", 22, 22, "203.0.113.0/24")];
        let canned = account(&DEV, &items, &[interface(7, &[GROUP], &instance("i-0123456789abcdef0"))]);
        let args: Args = serde_json::from_value(revoke(&[1])).unwrap();
        let aws = canned
            .aws(&["eu-west-1"])
            .reads(&RevokeSecurityGroupIngress::SPEC, Arc::new(|_| ()))
            .await
            .unwrap();
        let facts = facts::read(&aws, &args).await.unwrap();
        for (ssh, warned) in [
            (Some("203.0.113.5 50022 10.0.0.7 22"), true),
            (Some("203.0.113.5 50022 10.0.0.8 22"), false),
            (Some("198.51.100.5 50022 10.0.0.7 22"), false),
            (Some("203.0.113.5 50022 10.0.0.7 2222"), false),
            (Some("nonsense"), false),
            (None, false),
        ] {
            let mut warnings = Warnings::default();
            of_revoking(&facts, &args, &facts.rules.iter().collect::<Vec<_>>(), ssh, &mut warnings);
            assert_eq!(warnings.has("own_access"), warned, "{ssh:?}");
        }
    }
}
