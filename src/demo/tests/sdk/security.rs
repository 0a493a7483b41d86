//! Security groups and GuardDuty.

use crate::bench::{Bench, HOME};
use crate::name;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{IpPermission, IpRange};
use aws_sdk_guardduty::types::{Condition, DetectorStatus, FindingCriteria, OrderBy, SortCriteria};
use quarterdeck_demo::{Drill, Fault, Trouble};
use std::time::Duration;

const BASTION: &str = "sg-0b1c2d3e4f506172a";
const VPN: &str = "sg-0b0000000000000a5";

#[tokio::test]
async fn groups_rules_and_what_has_them() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let all = ec2.describe_security_groups().send().await.unwrap();
    assert_eq!(all.security_groups().len(), 8);
    let search = all.security_groups().iter().find(|g| g.group_name() == Some("search")).unwrap();
    assert_eq!(search.ip_permissions()[0].to_port(), Some(9300));
    assert_eq!(search.ip_permissions()[1].ipv6_ranges()[0].cidr_ipv6(), Some("::/0"));
    assert_eq!(search.ip_permissions_egress()[0].ip_protocol(), Some("-1"));
    let mut pages = ec2.describe_security_groups().max_results(5).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().security_groups().len());
    }
    assert_eq!(sizes, [5, 3]);
    for (filter, n) in [
        (name("group-name", "*a*"), 4),
        (name("group-name", "bastion"), 1),
        (name("group-id", BASTION), 1),
        (name("tag:environment", "ci"), 1),
        (name("ip-permission.cidr", "0.0.0.0/0"), 4),
    ] {
        let what = format!("{filter:?}");
        let found = ec2.describe_security_groups().filters(filter).send().await.unwrap();
        assert_eq!(found.security_groups().len(), n, "{what}");
    }
    for (id, code) in [("sg-0ffffffffffffffff", "InvalidGroup.NotFound"), ("web", "InvalidGroupId.Malformed")]
    {
        let error = ec2.describe_security_groups().group_ids(id).send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let both = ec2.describe_security_groups().group_ids(BASTION).max_results(5).send().await.unwrap_err();
    assert_eq!(both.code(), Some("InvalidParameterCombination"));

    let rules = ec2.describe_security_group_rules().filters(name("group-id", BASTION)).send().await.unwrap();
    let rules = rules.security_group_rules();
    assert_eq!(rules.iter().filter(|r| r.is_egress() == Some(true)).count(), 1);
    assert_eq!(rules[0].prefix_list_id(), Some("pl-0a00000000000001"));
    let icmp = (rules[1].ip_protocol(), rules[1].from_port(), rules[1].to_port());
    assert_eq!(icmp, (Some("icmp"), Some(8), Some(-1)), "a type and a code");
    let internal = name("group-id", "sg-0a1b2c3d4e5f60718");
    let internal = ec2.describe_security_group_rules().filters(internal).send().await.unwrap();
    let own = internal.security_group_rules()[0].referenced_group_info().unwrap();
    assert_eq!((own.group_id(), own.user_id()), (Some("sg-0a1b2c3d4e5f60718"), Some("123456789012")));
    let error = ec2.describe_security_group_rules().filters(name("colour", "red")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));

    let list =
        ec2.get_managed_prefix_list_entries().prefix_list_id("pl-0a00000000000002").send().await.unwrap();
    assert_eq!(list.entries()[1].cidr(), Some("0.0.0.0/0"));
    let gone = ec2.get_managed_prefix_list_entries().prefix_list_id("pl-0").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("InvalidPrefixListID.NotFound"));

    let on = |group: &'static str| {
        let ask = ec2.describe_network_interfaces().filters(name("group-id", group));
        async move { ask.send().await.unwrap().network_interfaces().to_vec() }
    };
    let bastion = on(BASTION).await;
    assert_eq!(bastion.len(), 1);
    assert_eq!(bastion[0].attachment().unwrap().instance_id(), Some("i-0cc30000000000001"));
    assert_eq!(bastion[0].association().unwrap().public_ip(), Some("203.0.113.5"));
    let public = on("sg-0b0000000000000a2").await;
    assert!(
        public.len() == 2
            && public.iter().all(|i| i.description().unwrap().starts_with("ELB app/shop-public/"))
    );
    assert_eq!(on("sg-0b0000000000000a3").await[0].description(), Some("RDSNetworkInterface"));
    assert!(on("sg-0b0000000000000a7").await.is_empty());
    let mut pages = ec2.describe_network_interfaces().max_results(10).into_paginator().items().send();
    let mut n = 0;
    while let Some(item) = pages.next().await {
        item.unwrap();
        n += 1;
    }
    assert_eq!(n, 19 + 4 + 2);
    let instance = ec2.describe_instances().instance_ids("i-0cc30000000000001").send().await.unwrap();
    assert_eq!(instance.reservations()[0].instances()[0].security_groups()[0].group_id(), Some(BASTION));
    let east = bench.ec2("us-east-1").describe_security_groups().send().await.unwrap();
    assert_eq!(east.security_groups().len(), 1, "regions are apart");
}

#[tokio::test]
async fn a_rule_goes_and_comes_back_with_another_id() {
    let bench = Bench::new();
    let ec2 = bench.ec2(HOME);
    let rules = async || {
        let found = ec2.describe_security_group_rules().filters(name("group-id", VPN)).send().await.unwrap();
        found.security_group_rules().to_vec()
    };
    let before = rules().await[1].clone();
    assert_eq!((before.cidr_ipv4(), before.description()), (Some("0.0.0.0/0"), Some("temporary, INC-2219")));
    let id = before.security_group_rule_id().unwrap().to_owned();
    let revoke = |group: &str, id: &str| {
        ec2.revoke_security_group_ingress().group_id(group).security_group_rule_ids(id)
    };
    let dry = revoke(VPN, &id).dry_run(true).send().await.unwrap_err();
    assert_eq!(dry.code(), Some("DryRunOperation"));
    assert_eq!(rules().await.len(), 4, "a dry run changes nothing");
    for (group, id, code) in [
        ("sg-0ffffffffffffffff", id.as_str(), "InvalidGroup.NotFound"),
        ("sg-0b0000000000000a2", &id, "InvalidSecurityGroupRuleId.NotFound"),
        (VPN, "sgr-0ffffffffffffffff", "InvalidSecurityGroupRuleId.NotFound"),
    ] {
        let error = revoke(group, id).send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
    let permission = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22);
    let permission =
        permission.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").description("back").build()).build();
    let authorize =
        || ec2.authorize_security_group_ingress().group_id(VPN).ip_permissions(permission.clone());
    let twice = authorize().send().await.unwrap_err();
    assert_eq!(twice.code(), Some("InvalidPermission.Duplicate"));
    let done = revoke(VPN, &id).send().await.unwrap();
    assert_eq!(done.revoked_security_group_rules()[0].security_group_rule_id(), Some(id.as_str()));
    assert!(!rules().await.iter().any(|r| r.security_group_rule_id() == Some(&id)));
    let groups = ec2.describe_security_groups().group_ids(VPN).send().await.unwrap();
    assert_eq!(groups.security_groups()[0].ip_permissions().len(), 2, "the group says the same");

    let back = authorize().send().await.unwrap();
    let new = back.security_group_rules()[0].security_group_rule_id().unwrap().to_owned();
    assert_ne!(new, id);
    let now = rules().await;
    let found = now.iter().find(|r| r.security_group_rule_id() == Some(&new)).unwrap();
    assert_eq!((found.cidr_ipv4(), found.description()), (Some("0.0.0.0/0"), Some("back")));
    bench.pass(Duration::from_secs(600));
    let trail = bench.cloudtrail(HOME).lookup_events().max_results(50).send().await.unwrap();
    for event in ["RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"] {
        let told = trail.events().iter().find(|e| e.event_name() == Some(event)).unwrap();
        assert_eq!(told.resources()[0].resource_name(), Some(VPN), "{event}");
    }
    let writes: Vec<bool> = bench.demo.calls().iter().filter(|c| c.mutating).map(|c| c.dry_run).collect();
    assert_eq!(writes, [true, false, false, false, false, false, false]);
}

#[tokio::test]
async fn guardduty_detectors_and_findings() {
    let bench = Bench::new();
    let duty = bench.guardduty(HOME);
    let detectors = duty.list_detectors().send().await.unwrap();
    let [detector] = detectors.detector_ids() else { panic!("{detectors:?}") };
    let state = duty.get_detector().detector_id(detector).send().await.unwrap();
    assert_eq!(state.status(), Some(&DetectorStatus::Enabled));
    let ids = async |criteria: Option<FindingCriteria>| {
        let sort = SortCriteria::builder().attribute_name("severity").order_by(OrderBy::Desc).build();
        let ask =
            duty.list_findings().detector_id(detector).sort_criteria(sort).set_finding_criteria(criteria);
        ask.send().await.unwrap().finding_ids().to_vec()
    };
    let only =
        |attribute: &str, condition| FindingCriteria::builder().criterion(attribute, condition).build();
    assert_eq!(ids(None).await.len(), 3);
    let live = ids(Some(only("service.archived", Condition::builder().equals("false").build()))).await;
    assert_eq!(live.len(), 2);
    let severe = ids(Some(only("severity", Condition::builder().greater_than_or_equal(7).build()))).await;
    assert_eq!(severe.len(), 1);
    let hour = bench.start().minus(Duration::from_secs(3600)).millis();
    let fresh = ids(Some(only("updatedAt", Condition::builder().greater_than_or_equal(hour).build()))).await;
    assert_eq!(fresh.len(), 1);
    let found = duty.get_findings().detector_id(detector).set_finding_ids(Some(live)).send().await.unwrap();
    let severities: Vec<f64> = found.findings().iter().map(|f| f.severity().unwrap()).collect();
    assert_eq!(severities, [8.0, 2.0]);
    let probe = found.findings().last().unwrap().service().unwrap().action().unwrap();
    let remote = probe.network_connection_action().unwrap().remote_ip_details().unwrap();
    assert_eq!(remote.ip_address_v4(), Some("192.0.2.201"));

    let one = duty.list_findings().detector_id(detector).max_results(1).send().await.unwrap();
    let two = duty.list_findings().detector_id(detector).max_results(3);
    let two = two.next_token(one.next_token().unwrap()).send().await.unwrap();
    assert_eq!((one.finding_ids().len(), two.finding_ids().len()), (1, 2));
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let error =
        duty.get_findings().detector_id(detector).set_finding_ids(Some(many)).send().await.unwrap_err();
    assert_eq!(error.code(), Some("BadRequestException"));
    let error = duty.get_detector().detector_id("0").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_bad_request_exception());

    let east = bench.guardduty("us-east-1");
    let id = east.list_detectors().send().await.unwrap().detector_ids()[0].clone();
    let state = east.get_detector().detector_id(id).send().await.unwrap();
    assert_eq!(state.status(), Some(&DetectorStatus::Disabled));
    assert!(bench.guardduty("eu-central-1").list_detectors().send().await.unwrap().detector_ids().is_empty());
    let leaked = Bench::of(Drill::named("leaked-key").unwrap());
    let duty = leaked.guardduty(HOME);
    let ids = duty.list_findings().detector_id(detector).send().await.unwrap().finding_ids().to_vec();
    let found = duty.get_findings().detector_id(detector).set_finding_ids(Some(ids)).send().await.unwrap();
    let key = found.findings().iter().find_map(|f| f.resource()?.access_key_details()).unwrap();
    assert_eq!(key.access_key_id(), Some("AKIAIOSFODNN7EXAMPLE"));
    let duty = bench.guardduty(HOME);
    bench.demo.faults().inject(Fault::new(Trouble::Deny).service("guardduty"));
    let denied = duty.list_detectors().send().await.unwrap_err();
    assert!(denied.message().unwrap().contains("guardduty:ListDetectors"), "{denied:?}");
}
