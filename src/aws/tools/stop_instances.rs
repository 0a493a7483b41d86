//! Stops EC2 instances.

use super::ec2::plan::{self, Found, Warnings, unknown};
use super::ec2::{args, facts, health};
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
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
