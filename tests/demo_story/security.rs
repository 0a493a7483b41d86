//! The security tools on the embedded account: what it holds, region by region, denied, throttled.

use crate::common::calls::{column, ok, plan, planned, read};
use crate::common::console::StillClock;
use crate::drills::account;
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::approval::{Digest, DryRun};
use quarterdeck_core::tool::{FaultKind, Projection};
use quarterdeck_demo::{Demo, Drill, Fault, Trouble};
use serde_json::json;
use std::collections::BTreeSet;

const AUDIT: &str = "audit_security_groups";
const FINDINGS: &str = "list_guardduty_findings";
const REVOKE: &str = "revoke_security_group_ingress";

/// A drill's account, looked at in all its regions.
fn everywhere(drill: &str) -> (Demo, Aws) {
    let clock = StillClock::new();
    let (demo, aws) = account(Drill::named(drill).unwrap(), &clock);
    let aws = Aws::new(Settings { regions: demo.regions().to_vec(), ..aws.settings().clone() });
    (demo, aws)
}

/// Group name, ports and risk of the rules that are open to the world.
fn open(p: &Projection) -> BTreeSet<(String, String, String)> {
    let rows = column(p, "name").into_iter().zip(column(p, "ports")).zip(column(p, "risk"));
    rows.map(|((name, ports), risk)| (name, ports, risk)).filter(|(_, _, risk)| risk != "NONE").collect()
}

#[tokio::test]
async fn what_the_account_lets_in() {
    let (demo, aws) = everywhere("checkout-outage");
    let p = ok(&aws, AUDIT, json!({})).await;
    let want = [
        ("shop-public", "80", "LOW"),
        ("shop-public", "443", "LOW"),
        ("checkout-db", "5432", "HIGH"),
        ("search", "9200", "HIGH"),
        ("vpn", "1194", "MEDIUM"),
        ("vpn", "22", "HIGH"),
        ("vpn", "443", "LOW"),
        ("legacy-web", "80", "LOW"),
        ("legacy-web", "8080", "MEDIUM"),
        ("legacy-web", "3306", "HIGH"),
        ("old-jenkins", "all", "HIGH"),
        ("edge", "443", "LOW"),
    ];
    let want = want.map(|(name, ports, risk)| (name.to_owned(), ports.to_owned(), risk.to_owned()));
    assert_eq!(open(&p), want.into());
    assert!(p.errors.is_empty(), "{:?}", p.errors);
    assert!(!open(&p).iter().any(|(name, ..)| name == "bastion"), "offices only");
    // Of each kind one request a region, and one for each of two prefix lists.
    let asked = |operation: &str| demo.calls().iter().filter(|c| c.operation == operation).count();
    assert_eq!((asked("DescribeNetworkInterfaces"), asked("GetManagedPrefixListEntries")), (3, 2));
    let (_, aws) = everywhere("leaked-key");
    let opened = ok(&aws, AUDIT, json!({ "group": "bastion" })).await;
    assert_eq!(open(&opened), [("bastion".to_owned(), "22".to_owned(), "HIGH".to_owned())].into());
}

#[tokio::test]
async fn what_guardduty_found_and_where_it_does_not_look() {
    let (_, aws) = everywhere("leaked-key");
    let p = ok(&aws, FINDINGS, json!({})).await;
    let kinds = column(&p, "type");
    assert_eq!(kinds[..2], ["GuardDuty is suspended", "GuardDuty is not enabled"], "{}", p.summary);
    assert_eq!(column(&p, "region")[..2], ["us-east-1", "eu-central-1"]);
    assert!(
        kinds.last().unwrap().ends_with("[SAMPLE]") && !kinds.iter().any(|k| k.starts_with("Policy:S3")),
        "{kinds:?}"
    );
    let row = kinds.iter().position(|k| k == "Discovery:IAMUser/AnomalousBehavior").unwrap();
    assert_eq!(column(&p, "resource")[row], "IAMUser ci-publisher, key AKIAIOSFODNN7EXAMPLE");
    assert_eq!(column(&p, "actor_ip")[row], "192.0.2.66");
    let recent =
        ok(&aws, FINDINGS, json!({ "since": "2h", "min_severity": "MEDIUM", "regions": ["eu-west-1"] }))
            .await;
    assert_eq!(column(&recent, "type"), ["Discovery:IAMUser/AnomalousBehavior"], "{}", recent.summary);
}

#[tokio::test]
async fn denied_throttled_and_one_region_of_three() {
    for (tool, first) in [(AUDIT, "DescribeSecurityGroup"), (FINDINGS, "ListDetectors")] {
        for trouble in [Trouble::Deny, Trouble::Throttle, Trouble::Unavailable] {
            let (demo, aws) = everywhere("checkout-outage");
            let there = |service: &str| Fault::new(trouble).service(service).region("eu-central-1");
            demo.faults().inject(there("ec2"));
            demo.faults().inject(there("guardduty"));
            let part = ok(&aws, tool, json!({})).await;
            assert_eq!(part.errors.len(), 1, "{tool} {trouble:?}: {:?}", part.errors);
            let kind = match trouble {
                Trouble::Deny => FaultKind::Denied,
                Trouble::Throttle => FaultKind::Throttled,
                _ => FaultKind::Unavailable,
            };
            assert_eq!(
                (part.errors[0].place.as_str(), part.errors[0].fault.kind),
                ("eu-central-1", kind),
                "{tool}"
            );
            assert!(part.summary.contains("not everything answered"), "{}", part.summary);
            demo.faults().clear();
            demo.faults().inject(Fault::new(trouble).service("ec2"));
            demo.faults().inject(Fault::new(trouble).service("guardduty"));
            let fault = read(&aws, tool, json!({ "regions": ["eu-west-1"] })).await.unwrap_err();
            assert_eq!(fault.kind, kind, "{tool}: {fault}");
            if trouble == Trouble::Deny {
                assert!(fault.action.as_deref().is_some_and(|a| a.contains(first)), "{tool}: {fault:?}");
            }
        }
        let (demo, aws) = everywhere("checkout-outage");
        demo.faults().inject(Fault::new(Trouble::Throttle).region("eu-west-1").times(1));
        let whole = ok(&aws, tool, json!({})).await;
        assert!(whole.errors.is_empty() && !whole.rows.is_empty(), "{tool}: {:?}", whole.errors);
    }
}

#[tokio::test]
async fn a_rule_is_planned_away_on_the_embedded_account() {
    let (demo, aws) = everywhere("checkout-outage");
    let vpn = ok(&aws, AUDIT, json!({ "group": "vpn", "regions": ["eu-west-1"] })).await;
    let row = column(&vpn, "ports").iter().position(|p| p == "22").unwrap();
    let (group, rule) = (column(&vpn, "group")[row].clone(), column(&vpn, "rule_id")[row].clone());
    let args = json!({ "group": group, "rule_ids": [rule] });
    let p = planned(&aws, REVOKE, args.clone()).await;
    assert_eq!((&p.dry_run, p.unknown.len()), (&DryRun::Permitted, 0));
    assert!(
        p.warnings.iter().any(|w| w.code == "managed" && w.text.contains("CloudFormation stack vpn")),
        "{:?}",
        p.warnings
    );
    assert!(
        p.targets[0].context.iter().any(|(k, v)| k == "attached to" && v.contains("203.0.113.7")),
        "{:?}",
        p.targets
    );
    assert_eq!(Digest::of(&planned(&aws, REVOKE, args).await), Digest::of(&p), "the same plan twice");
    // Closing the web's port of the public load balancer is another thing.
    let shop = ok(&aws, AUDIT, json!({ "group": "shop-public", "regions": ["eu-west-1"] })).await;
    let row = column(&shop, "cidr").iter().position(|c| c == "::/0").unwrap();
    let args = json!({ "group": column(&shop, "group")[row], "rule_ids": [column(&shop, "rule_id")[row]] });
    let p = planned(&aws, REVOKE, args).await;
    assert!(p.warnings.iter().any(|w| w.code == "cuts_public_entry"), "{:?}", p.warnings);
    let fault = plan(&aws, REVOKE, json!({ "group": group, "rule_ids": ["sgr-0123456789abcdef0"] }))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault}");
    assert!(demo.calls().iter().filter(|c| c.mutating).all(|c| c.dry_run), "nothing was changed");
}
