//! Stops EC2 instances.

use super::ec2::plan::{self, Found, Warnings, unknown};
use super::ec2::{args, facts, health};
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::probe::Rehearsal;
use crate::tool::WriteTool;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::stop_instances::StopInstancesOutput;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, DeviceType, HibernationOptions, Instance, InstanceAttributeName, InstanceType,
    InstanceTypeInfo, SpotInstanceType,
};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Proposal, Reversible, WarningLevel};
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec, Verdict, Watch, WriteCall};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// `stop_instances`.
#[derive(Debug)]
pub struct StopInstances;

/// What to stop.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// 1 to 10 instance ids of one region, e.g. ["i-0123456789abcdef0"].
    pub ids: Vec<String>,
    /// Save memory to disk and stop; only instances launched with hibernation can. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hibernate: bool,
    /// The one region they are in, e.g. "eu-west-1". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The one account they are in, by its name in the configuration. Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl WriteTool for StopInstances {
    const SPEC: Spec = Spec {
        name: "stop_instances",
        description: "Stops up to 10 running EC2 instances by id in one region, after a person has approved the plan: it warns of Auto \
            Scaling replacement, lost instance-store data, released addresses and last healthy targets. Find ids with list_ec2_instances. \
            To bring stopped ones back use start_instances; to scale containers down use update_ecs_service. Never terminates. Free.",
        reads: &[
            Op::new("EC2", "DescribeInstances", &["ec2:DescribeInstances"]),
            Op::new("EC2", "DescribeInstanceAttribute", &["ec2:DescribeInstanceAttribute"]),
            Op::new("EC2", "DescribeInstanceTypes", &["ec2:DescribeInstanceTypes"]),
            Op::new("EC2", "DescribeSpotInstanceRequests", &["ec2:DescribeSpotInstanceRequests"]),
            Op::new(
                "Elastic Load Balancing v2",
                "DescribeTargetGroups",
                &["elasticloadbalancing:DescribeTargetGroups"],
            ),
            Op::new(
                "Elastic Load Balancing v2",
                "DescribeTargetHealth",
                &["elasticloadbalancing:DescribeTargetHealth"],
            ),
            Op::dry_run("EC2", "StopInstances", &["ec2:StopInstances"]),
        ],
        writes: &[Op::new("EC2", "StopInstances", &["ec2:StopInstances"])],
        region: RegionRule::OneRegion,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = StopInstancesOutput;

    fn check(args: &Args) -> Result<(), Fault> {
        args::check_targets(&args.ids)
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let found = plan::find(aws, &args.ids, args.region.as_deref(), args.account.as_deref()).await?;
        for (instance, _) in &found.instances {
            can_stop(instance, args.hibernate)?;
        }
        let (ec2, elb) = (aws.ec2(&found.place), aws.elb(&found.place));
        let instances: Vec<&Instance> = found.instances.iter().map(|(i, _)| i).collect();
        let mut warnings = Warnings::default();
        instances.iter().for_each(|i| own_warnings(i, args.hibernate, &mut warnings));
        let mut stored = (Warnings::default(), Vec::new());
        let mut spot = Vec::new();
        let mut protected = (Warnings::default(), Vec::new());
        let mut healthy = (Warnings::default(), Vec::new());
        let dry_run = ec2.stop_instances().set_instance_ids(Some(args.ids.clone())).dry_run(true);
        let hibernate = args.hibernate.then_some(true);
        let (dry_run, (), (), (), ()) = futures::join!(
            dry_run.set_hibernate(hibernate).send(),
            instance_store(&ec2, &instances, &mut stored.0, &mut stored.1),
            one_time_spot(&ec2, &instances, &mut warnings, &mut spot),
            stop_protection(&ec2, &instances, &mut protected.0, &mut protected.1),
            health::check(&elb, &instances, &mut healthy.0, &mut healthy.1),
        );
        let mut unknown = Vec::new();
        for (more, facts) in [stored, protected, healthy, (Warnings::default(), spot)] {
            warnings.merge(more);
            unknown.extend(facts);
        }
        Ok(Proposal {
            tool: Self::SPEC.name.to_owned(),
            args: serde_json::to_value(args).unwrap_or_default(),
            title: plan::title(if args.hibernate { "Hibernate" } else { "Stop" }, &found),
            region: found.place.region.clone(),
            targets: found
                .instances
                .iter()
                .map(|(i, owner)| plan::target(&found, i, owner.as_deref(), "stopped"))
                .collect(),
            dry_run: plan::dry_run(dry_run),
            actions: vec!["ec2:StopInstances".to_owned()],
            command: command(aws, &found, args.hibernate),
            reversible: reversible(&warnings),
            warnings: warnings.finish(),
            unknown,
            undo: plan::undo(&found),
            as_of: aws.now(),
            identity: found.identity,
        })
    }

    fn rehearsal() -> Option<Rehearsal> {
        Some(Rehearsal { tool: "list_ec2_instances", args: |listed| plan::one_that_is(listed, "running") })
    }

    async fn call(aws: WriteClients) -> Result<StopInstancesOutput, Fault> {
        let hibernate = aws.plan().args.get("hibernate").and_then(serde_json::Value::as_bool).filter(|h| *h);
        let stop =
            aws.ec2().stop_instances().set_instance_ids(Some(plan::ids(aws.plan()))).set_hibernate(hibernate);
        stop.send().await.map_err(|e| fault::of(&e))
    }

    fn project(plan: &Proposal, out: &StopInstancesOutput, as_of: Timestamp) -> Projection {
        plan::changed("Stopping", plan, out.stopping_instances(), as_of)
    }

    fn verify(plan: &Proposal) -> Watch {
        plan::watch(plan, |plan, read| plan::judge(plan, read, judge))
    }

    fn inverse(plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        match plan.reversible {
            Reversible::Yes(_) | Reversible::Partly(_) => {
                Some(WriteCall { tool: "start_instances".to_owned(), args: plan.undo.clone() })
            }
            Reversible::No(_) => None,
        }
    }
}

fn judge(state: &str, _reason: &str) -> Verdict {
    match state {
        "stopped" => Verdict::Done,
        "terminated" | "shutting-down" => Verdict::Failed,
        _ => Verdict::NotYet,
    }
}

/// Only what runs can be stopped.
fn can_stop(instance: &Instance, hibernate: bool) -> Result<(), Fault> {
    let id = instance.instance_id().unwrap_or_default();
    let conflict = |text: String, hint: &str| Err(Fault::new(FaultKind::Conflict, text).hint(hint));
    match facts::state(instance) {
        "running" => {}
        state @ ("stopped" | "stopping") => {
            let already = format!("{id} is already {state}");
            return conflict(already, "leave it out; there is nothing to do for it");
        }
        state => return conflict(format!("{id} is {state}"), "only a running instance can be stopped"),
    }
    if instance.root_device_type() == Some(&DeviceType::InstanceStore) {
        let text = format!("{id} has its root on instance store and cannot be stopped");
        return conflict(text, "it can only be rebooted or terminated");
    }
    let able = instance.hibernation_options().and_then(HibernationOptions::configured) == Some(true);
    if hibernate && !able {
        let text = format!("{id} was not launched with hibernation");
        return conflict(text, "send hibernate: false for a plain stop");
    }
    Ok(())
}

/// What the instance's own description warns of.
fn own_warnings(instance: &Instance, hibernate: bool, warnings: &mut Warnings) {
    let id = instance.instance_id().unwrap_or_default();
    let evidence = |what: String| format!("DescribeInstances: {id} {what}");
    if let Some(group) = facts::group(instance) {
        let text = format!("Auto Scaling group {group} will TERMINATE and replace it");
        let tag = evidence(format!("is tagged aws:autoscaling:groupName={group}"));
        warnings.add("asg_replaces", WarningLevel::Critical, id, &text, tag);
    }
    let released = facts::released_addresses(instance);
    if !released.is_empty() {
        let text = "its public IPv4 address is released and it starts with another";
        let owned = evidence(format!("has {} of Amazon's pool", released.join(", ")));
        warnings.add("public_ip_released", WarningLevel::Caution, id, text, owned);
    }
    if let Some(cluster) = facts::container_node(instance) {
        let text = format!("node of {cluster}: what runs on it is killed");
        warnings.add(
            "container_node",
            WarningLevel::Caution,
            id,
            &text,
            evidence("is tagged as a node".into()),
        );
    }
    plan::managed(warnings, instance);
    if !hibernate {
        let text =
            "what is only in memory is lost; starting again needs free capacity of its type in its zone";
        let kind = instance.instance_type().map_or("unknown", InstanceType::as_str);
        warnings.add("capacity", WarningLevel::Info, id, text, evidence(format!("is a {kind}")));
    } else {
        let text = "starting again needs free capacity of its type in its zone";
        warnings.add(
            "capacity",
            WarningLevel::Info,
            id,
            text,
            evidence("is configured for hibernation".into()),
        );
    }
}

/// Source: EC2 DescribeInstanceTypes, once for all types.
async fn instance_store(
    ec2: &Client,
    instances: &[&Instance],
    warnings: &mut Warnings,
    facts: &mut Vec<String>,
) {
    let kinds: BTreeSet<&str> =
        instances.iter().filter_map(|i| i.instance_type()).map(InstanceType::as_str).collect();
    let asked: Vec<InstanceType> = kinds.iter().map(|k| InstanceType::from(*k)).collect();
    let answer = match ec2.describe_instance_types().set_instance_types(Some(asked)).send().await {
        Ok(answer) => answer,
        Err(e) => {
            facts.push(unknown("whether instance-store data would be lost", &fault::of(&e)));
            return;
        }
    };
    for instance in instances {
        let (id, kind) = (instance.instance_id().unwrap_or_default(), instance.instance_type());
        let info = answer.instance_types().iter().find(|t| t.instance_type() == kind);
        match info.and_then(InstanceTypeInfo::instance_storage_supported) {
            Some(false) => {}
            Some(true) => {
                let text = "data on its instance-store volumes is lost";
                let kind = kind.map_or("", InstanceType::as_str);
                let evidence = format!("DescribeInstanceTypes: {kind} of {id} has instance store");
                warnings.add("instance_store_lost", WarningLevel::Caution, id, text, evidence);
            }
            None => facts
                .push(format!("whether {id} has instance-store data (DescribeInstanceTypes does not say)")),
        }
    }
}

/// Source: EC2 DescribeSpotInstanceRequests, only when there is a Spot instance.
async fn one_time_spot(
    ec2: &Client,
    instances: &[&Instance],
    warnings: &mut Warnings,
    facts: &mut Vec<String>,
) {
    let requests: Vec<String> = instances
        .iter()
        .filter(|i| facts::is_spot(i))
        .filter_map(|i| i.spot_instance_request_id().map(str::to_owned))
        .collect();
    if requests.is_empty() {
        return;
    }
    let answer =
        ec2.describe_spot_instance_requests().set_spot_instance_request_ids(Some(requests)).send().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(e) => {
            facts.push(unknown("whether the Spot requests are one-time", &fault::of(&e)));
            return;
        }
    };
    for request in answer.spot_instance_requests() {
        if request.r#type() == Some(&SpotInstanceType::OneTime) {
            let (id, sir) = (
                request.instance_id().unwrap_or_default(),
                request.spot_instance_request_id().unwrap_or_default(),
            );
            let text = "one-time Spot instance: AWS refuses to stop it";
            let evidence = format!("DescribeSpotInstanceRequests: {sir} of {id} is one-time");
            warnings.add("spot_one_time", WarningLevel::Critical, id, text, evidence);
        }
    }
}

/// Source: EC2 DescribeInstanceAttribute disableApiStop.
async fn stop_protection(
    ec2: &Client,
    instances: &[&Instance],
    warnings: &mut Warnings,
    facts: &mut Vec<String>,
) {
    let read = instances.iter().filter_map(|i| i.instance_id()).map(|id| async move {
        let attribute = InstanceAttributeName::DisableApiStop;
        (id, ec2.describe_instance_attribute().instance_id(id).attribute(attribute).send().await)
    });
    for (id, answer) in futures::future::join_all(read).await {
        let known = answer.map(|a| a.disable_api_stop().and_then(AttributeBooleanValue::value));
        match known {
            Ok(Some(false)) => {}
            Ok(Some(true)) => {
                let text = "stop protection is on: AWS will refuse until it is turned off";
                let evidence = format!("DescribeInstanceAttribute: disableApiStop of {id} is true");
                warnings.add("stop_protection", WarningLevel::Caution, id, text, evidence);
            }
            Ok(None) => facts
                .push(format!("whether {id} has stop protection (DescribeInstanceAttribute does not say)")),
            Err(e) => facts.push(unknown(&format!("whether {id} has stop protection"), &fault::of(&e))),
        }
    }
}

fn reversible(warnings: &Warnings) -> Reversible {
    if warnings.has("asg_replaces") {
        return Reversible::No("the Auto Scaling group terminates a stopped member".to_owned());
    }
    let mut lost = Vec::new();
    if warnings.has("instance_store_lost") {
        lost.push("instance-store data is lost");
    }
    if warnings.has("public_ip_released") {
        lost.push("the public address changes");
    }
    if lost.is_empty() {
        Reversible::Yes("start_instances starts them again".to_owned())
    } else {
        Reversible::Partly(format!("start_instances starts them again, but {}", lost.join(" and ")))
    }
}

fn command(aws: &ReadClients, found: &Found, hibernate: bool) -> String {
    let profile = aws.profile(&found.place);
    plan::command("stop-instances", found, profile.as_deref(), if hibernate { &["--hibernate"] } else { &[] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::testing::Canned;
    use quarterdeck_core::approval::{DryRun, Warning};
    use serde_json::json;
    use std::sync::Arc;

    const ID: &str = "i-0123456789abcdef0";

    fn instances(state: &str, more: &str, tags: &str) -> String {
        format!(
            "<DescribeInstancesResponse><reservationSet><item><ownerId>123456789012</ownerId><instancesSet><item>\
             <instanceId>{ID}</instanceId><instanceState><code>16</code><name>{state}</name></instanceState>\
             <instanceType>m5d.large</instanceType><vpcId>vpc-1</vpcId><privateIpAddress>10.0.0.1</privateIpAddress>{more}\
             <tagSet><item><key>Name</key><value>web 1</value></item>{tags}</tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
        )
    }

    fn error(code: &str, message: &str) -> String {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
        )
    }

    fn health(targets: &[(&str, &str)]) -> String {
        let members: String = targets
            .iter()
            .map(|(id, state)| {
                format!("<member><Target><Id>{id}</Id></Target><TargetHealth><State>{state}</State></TargetHealth></member>")
            })
            .collect();
        format!(
            "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
        )
    }

    fn account(state: &str, more: &str, tags: &str) -> Canned {
        let kinds = "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>m5d.large</instanceType>\
                     <instanceStorageSupported>false</instanceStorageSupported></item></instanceTypeSet></DescribeInstanceTypesResponse>";
        let unprotected = "<DescribeInstanceAttributeResponse><disableApiStop><value>false</value></disableApiStop></DescribeInstanceAttributeResponse>";
        let groups = "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>arn:tg</TargetGroupArn>\
                      <TargetGroupName>web</TargetGroupName><VpcId>vpc-1</VpcId><TargetType>instance</TargetType></member>\
                      <member><TargetGroupArn>arn:other</TargetGroupArn><TargetGroupName>other</TargetGroupName><VpcId>vpc-2</VpcId>\
                      <TargetType>instance</TargetType></member></TargetGroups></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>";
        Canned::new()
            .on("ec2", "DescribeInstances", &instances(state, more, tags))
            .on("ec2", "DescribeInstanceTypes", kinds)
            .on("ec2", "DescribeInstanceAttribute", unprotected)
            .on("elasticloadbalancing", "DescribeTargetGroups", groups)
            .on(
                "elasticloadbalancing",
                "DescribeTargetHealth",
                &health(&[(ID, "healthy"), ("i-00000000000000001", "healthy")]),
            )
            .failing(
                "ec2",
                "StopInstances",
                412,
                &error("DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
            )
    }

    async fn plan(canned: &Canned) -> Result<Proposal, Fault> {
        let aws = canned.aws(&["eu-west-1", "eu-west-2"]);
        registry::plan(&aws, "stop_instances", &json!({ "ids": [ID] }), Arc::new(|_| ())).await
    }

    fn codes(plan: &Proposal) -> Vec<(&str, WarningLevel)> {
        plan.warnings.iter().map(|Warning { code, level, .. }| (code.as_str(), *level)).collect()
    }

    #[tokio::test]
    async fn a_harmless_stop() {
        let canned = account("running", "", "<item><key>env</key><value>dev</value></item>");
        let p = plan(&canned).await.unwrap();
        assert_eq!(p.title, format!("Stop {ID} (web 1) in eu-west-1"));
        assert_eq!(codes(&p), [("capacity", WarningLevel::Info)]);
        assert_eq!((&p.dry_run, p.unknown.len()), (&DryRun::Permitted, 0));
        assert_eq!(p.command, format!("aws ec2 stop-instances --region eu-west-1 --instance-ids {ID}"));
        let target = &p.targets[0];
        assert_eq!(target.arn, format!("arn:aws:ec2:eu-west-1:123456789012:instance/{ID}"));
        assert_eq!(
            (target.changes[0].before.as_str(), target.changes[0].after.as_str()),
            ("running", "stopped")
        );
        assert_eq!(target.tags.keys().collect::<Vec<_>>(), ["env"], "only tags that decide");
        assert!(matches!(p.reversible, Reversible::Yes(_)));
        let back = StopInstances::inverse(&p, &Projection::new("", Timestamp::default())).unwrap();
        assert_eq!(
            (back.tool.as_str(), back.args),
            ("start_instances", json!({ "ids": [ID], "region": "eu-west-1" }))
        );
        assert_eq!(plan(&canned).await.unwrap(), p, "a second plan of the same account is the same");
        let stops: Vec<_> = canned.sent().into_iter().filter(|s| s.operation == "StopInstances").collect();
        assert!(stops.iter().all(|s| s.body.contains("DryRun=true")));
        assert!(
            !canned.sent().iter().any(|s| s.body.contains("arn%3Aother")),
            "another network's group cannot hold it"
        );
    }

    #[tokio::test]
    async fn everything_that_hurts_is_named() {
        let nic = "<networkInterfaceSet><item><association><publicIp>52.1.2.3</publicIp><ipOwnerId>amazon</ipOwnerId></association></item></networkInterfaceSet>\
                   <instanceLifecycle>spot</instanceLifecycle><spotInstanceRequestId>sir-1</spotInstanceRequestId>";
        let tags = "<item><key>aws:autoscaling:groupName</key><value>web-asg</value></item>\
                    <item><key>eks:cluster-name</key><value>prod</value></item>\
                    <item><key>aws:cloudformation:stack-name</key><value>web</value></item>";
        let kinds = "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>m5d.large</instanceType>\
                     <instanceStorageSupported>true</instanceStorageSupported></item></instanceTypeSet></DescribeInstanceTypesResponse>";
        let on = "<DescribeInstanceAttributeResponse><disableApiStop><value>true</value></disableApiStop></DescribeInstanceAttributeResponse>";
        let spot = format!(
            "<DescribeSpotInstanceRequestsResponse><spotInstanceRequestSet><item><spotInstanceRequestId>sir-1</spotInstanceRequestId>\
                    <instanceId>{ID}</instanceId><type>one-time</type></item></spotInstanceRequestSet></DescribeSpotInstanceRequestsResponse>"
        );
        let canned = account("running", nic, tags)
            .on("ec2", "DescribeInstanceTypes", kinds)
            .on("ec2", "DescribeInstanceAttribute", on)
            .on("ec2", "DescribeSpotInstanceRequests", &spot)
            .on(
                "elasticloadbalancing",
                "DescribeTargetHealth",
                &health(&[(ID, "healthy"), ("i-00000000000000001", "unhealthy")]),
            );
        let p = plan(&canned).await.unwrap();
        let mut found = codes(&p);
        assert!(found.windows(2).all(|w| w[0].1 >= w[1].1), "the worst first: {found:?}");
        found.sort_unstable_by_key(|(code, _)| *code);
        assert_eq!(
            found,
            [
                ("asg_replaces", WarningLevel::Critical),
                ("capacity", WarningLevel::Info),
                ("container_node", WarningLevel::Caution),
                ("instance_store_lost", WarningLevel::Caution),
                ("last_healthy_target", WarningLevel::Critical),
                ("managed", WarningLevel::Info),
                ("public_ip_released", WarningLevel::Caution),
                ("spot_one_time", WarningLevel::Critical),
                ("stop_protection", WarningLevel::Caution),
            ]
        );
        assert!(p.warnings.iter().all(|w| w.text.starts_with(ID) && w.evidence.is_some()));
        assert!(matches!(p.reversible, Reversible::No(_)));
        assert_eq!(StopInstances::inverse(&p, &Projection::new("", Timestamp::default())), None);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_known_and_names_the_action() {
        let no = error("UnauthorizedOperation", "You are not authorized to perform this operation.");
        let elb_no =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let canned = account("running", "", "")
            .failing("ec2", "DescribeInstanceTypes", 403, &no)
            .failing("ec2", "DescribeInstanceAttribute", 403, &no)
            .failing("ec2", "StopInstances", 403, &no)
            .failing("elasticloadbalancing", "DescribeTargetGroups", 403, elb_no);
        let p = plan(&canned).await.unwrap();
        for action in [
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstanceAttribute",
            "elasticloadbalancing:DescribeTargetGroups",
        ] {
            assert!(p.unknown.iter().any(|u| u.contains(action)), "{action}: {:?}", p.unknown);
        }
        assert!(
            matches!(&p.dry_run, DryRun::Denied(why) if why.contains("ec2:StopInstances")),
            "{:?}",
            p.dry_run
        );
    }

    #[tokio::test]
    async fn only_what_runs_can_be_stopped() {
        for (state, says) in [
            ("stopped", "already stopped"),
            ("stopping", "already stopping"),
            ("terminated", "is terminated"),
            ("pending", "is pending"),
        ] {
            let fault = plan(&account(state, "", "")).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Conflict);
            assert!(fault.message.contains(says), "{fault}");
        }
        let gone = account("running", "", "").on("ec2", "DescribeInstances", "<DescribeInstancesResponse/>");
        let fault = plan(&gone).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.message.contains(ID) && fault.message.contains("eu-west-1"));
    }

    #[tokio::test]
    async fn a_dry_run_that_is_answered_as_a_stop_is_not_permission() {
        let canned = account("running", "", "").on("ec2", "StopInstances", "<StopInstancesResponse/>");
        assert!(matches!(plan(&canned).await.unwrap().dry_run, DryRun::Unknown(_)));
    }

    #[test]
    fn ids_are_checked_before_anything_is_read() {
        let args = |ids: &[&str]| Args {
            ids: ids.iter().map(|i| (*i).into()).collect(),
            hibernate: false,
            region: None,
            account: None,
        };
        let eleven: Vec<String> = (0..11).map(|n| format!("i-{n:017x}")).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        for bad in
            [args(&[]), args(&eleven), args(&[ID, ID]), args(&["web-1"]), args(&["i-0123456789ABCDEF0"])]
        {
            assert_eq!(StopInstances::check(&bad).unwrap_err().kind, FaultKind::Invalid, "{bad:?}");
        }
        assert!(StopInstances::check(&args(&[ID, "i-01234567"])).is_ok());
    }

    #[test]
    fn a_stop_is_done_when_every_target_is_stopped() {
        for (state, want) in [
            ("stopped", Verdict::Done),
            ("stopping", Verdict::NotYet),
            ("running", Verdict::NotYet),
            ("terminated", Verdict::Failed),
        ] {
            assert_eq!(judge(state, ""), want, "{state}");
        }
    }
}
