//! Starts stopped EC2 instances.

use super::ec2::plan::{self, Warnings};
use super::ec2::{args, facts};
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::probe::Rehearsal;
use crate::tool::WriteTool;
use aws_sdk_ec2::operation::start_instances::StartInstancesOutput;
use aws_sdk_ec2::types::{Instance, InstanceType};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Proposal, Reversible, WarningLevel};
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec, Verdict, Watch, WriteCall};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `start_instances`.
#[derive(Debug)]
pub struct StartInstances;

/// What to start.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// 1 to 10 instance ids of one region, e.g. ["i-0123456789abcdef0"].
    pub ids: Vec<String>,
    /// The one region they are in, e.g. "eu-west-1". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The one account they are in, by its name in the configuration. Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl WriteTool for StartInstances {
    const SPEC: Spec = Spec {
        name: "start_instances",
        description: "Starts up to 10 stopped EC2 instances by id in one region, after a person has approved the plan; then follows them \
            until they run or AWS says why not. Find ids with list_ec2_instances (state stopped). To stop running ones use \
            stop_instances; for containers use update_ecs_service. Running instances are billed by the second.",
        reads: &[
            Op::new("EC2", "DescribeInstances", &["ec2:DescribeInstances"]),
            Op::dry_run("EC2", "StartInstances", &["ec2:StartInstances"]),
        ],
        writes: &[Op::new("EC2", "StartInstances", &["ec2:StartInstances"])],
        region: RegionRule::OneRegion,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = StartInstancesOutput;

    fn check(args: &Args) -> Result<(), Fault> {
        args::check_targets(&args.ids)
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let found = plan::find(aws, &args.ids, args.region.as_deref(), args.account.as_deref()).await?;
        let mut warnings = Warnings::default();
        for (instance, _) in &found.instances {
            can_start(instance)?;
            own_warnings(instance, &mut warnings);
        }
        let dry_run =
            aws.ec2(&found.place).start_instances().set_instance_ids(Some(args.ids.clone())).dry_run(true);
        let dry_run = plan::dry_run(dry_run.send().await);
        let profile = aws.profile(&found.place);
        Ok(Proposal {
            tool: Self::SPEC.name.to_owned(),
            args: serde_json::to_value(args).unwrap_or_default(),
            title: plan::title("Start", &found),
            region: found.place.region.clone(),
            targets: found
                .instances
                .iter()
                .map(|(i, owner)| plan::target(&found, i, owner.as_deref(), "running"))
                .collect(),
            warnings: warnings.finish(),
            dry_run,
            actions: vec!["ec2:StartInstances".to_owned()],
            command: plan::command("start-instances", &found, profile.as_deref(), &[]),
            reversible: Reversible::Yes("stop_instances stops them again".to_owned()),
            unknown: Vec::new(),
            undo: plan::undo(&found),
            as_of: aws.now(),
            identity: found.identity,
        })
    }

    fn rehearsal() -> Option<Rehearsal> {
        Some(Rehearsal { tool: "list_ec2_instances", args: |listed| plan::one_that_is(listed, "stopped") })
    }

    async fn call(aws: WriteClients) -> Result<StartInstancesOutput, Fault> {
        let ids = plan::ids(aws.plan());
        aws.ec2().start_instances().set_instance_ids(Some(ids)).send().await.map_err(|e| fault::of(&e))
    }

    fn project(plan: &Proposal, out: &StartInstancesOutput, as_of: Timestamp) -> Projection {
        plan::changed("Starting", plan, out.starting_instances(), as_of)
    }

    fn verify(plan: &Proposal) -> Watch {
        plan::watch(plan, |plan, read| plan::judge(plan, read, judge))
    }

    fn inverse(plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        Some(WriteCall { tool: "stop_instances".to_owned(), args: plan.undo.clone() })
    }
}

/// Back in `stopped` because of the server (no capacity, a broken volume) it will not start by itself. A stop by a
/// person is what it started from.
fn judge(state: &str, reason: &str) -> Verdict {
    match state {
        "running" => Verdict::Done,
        "terminated" | "shutting-down" => Verdict::Failed,
        "stopped"
            if reason.starts_with("Server.")
                || reason.starts_with("Client.") && !reason.starts_with("Client.User") =>
        {
            Verdict::Failed
        }
        _ => Verdict::NotYet,
    }
}

fn can_start(instance: &Instance) -> Result<(), Fault> {
    let id = instance.instance_id().unwrap_or_default();
    match facts::state(instance) {
        "stopped" => Ok(()),
        state @ ("running" | "pending") => {
            Err(Fault::new(FaultKind::Conflict, format!("{id} is already {state}"))
                .hint("leave it out; there is nothing to do for it"))
        }
        "stopping" => Err(Fault::new(FaultKind::Conflict, format!("{id} is still stopping"))
            .hint("wait until list_ec2_instances shows it stopped")),
        state => Err(Fault::new(FaultKind::Conflict, format!("{id} is {state}"))
            .hint("only a stopped instance can be started")),
    }
}

fn own_warnings(instance: &Instance, warnings: &mut Warnings) {
    let id = instance.instance_id().unwrap_or_default();
    let evidence = |what: String| format!("DescribeInstances: {id} {what}");
    if !facts::has_elastic_address(instance) {
        let text = "a new public IPv4 address, if its subnet gives one: names and allow-lists that hold the old one break";
        warnings.add(
            "public_ip_new",
            WarningLevel::Info,
            id,
            text,
            evidence("has no elastic address".into()),
        );
    }
    if let Some(group) = facts::group(instance) {
        let text = format!("member of Auto Scaling group {group}, which may terminate it as unhealthy");
        let tag = evidence(format!("is tagged aws:autoscaling:groupName={group}"));
        warnings.add("asg_member", WarningLevel::Caution, id, &text, tag);
    }
    let kind = instance.instance_type().map_or("unknown", InstanceType::as_str);
    let text = "starting needs free capacity of its type in its zone";
    warnings.add("capacity", WarningLevel::Info, id, text, evidence(format!("is a {kind}")));
    plan::managed(warnings, instance);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::testing::Canned;
    use quarterdeck_core::approval::DryRun;
    use serde_json::json;
    use std::sync::Arc;

    const ID: &str = "i-0123456789abcdef0";

    async fn plan(state: &str, more: &str) -> Result<Proposal, Fault> {
        let body = format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
             <instanceState><name>{state}</name></instanceState><instanceType>m5.large</instanceType>{more}</item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
        );
        let dry = "<Response><Errors><Error><Code>DryRunOperation</Code><Message>Request would have succeeded</Message></Error></Errors></Response>";
        let canned =
            Canned::new().on("ec2", "DescribeInstances", &body).failing("ec2", "StartInstances", 412, dry);
        let args = json!({ "ids": [ID] });
        registry::plan(&canned.aws(&["eu-west-1"]), "start_instances", &args, Arc::new(|_| ())).await
    }

    fn codes(plan: &Proposal) -> Vec<&str> {
        plan.warnings.iter().map(|w| w.code.as_str()).collect()
    }

    #[tokio::test]
    async fn a_start_warns_of_a_new_address_unless_it_is_elastic() {
        let p = plan("stopped", "").await.unwrap();
        assert_eq!(codes(&p), ["public_ip_new", "capacity"]);
        assert_eq!((&p.dry_run, &p.targets[0].changes[0].after), (&DryRun::Permitted, &"running".to_owned()));
        let elastic = "<networkInterfaceSet><item><association><publicIp>52.1.2.3</publicIp><ipOwnerId>123456789012</ipOwnerId></association></item></networkInterfaceSet>";
        assert_eq!(codes(&plan("stopped", elastic).await.unwrap()), ["capacity"]);
    }

    #[tokio::test]
    async fn only_what_is_stopped_can_be_started() {
        for (state, says) in
            [("running", "already running"), ("stopping", "still stopping"), ("terminated", "is terminated")]
        {
            let fault = plan(state, "").await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Conflict);
            assert!(fault.message.contains(says), "{fault}");
        }
    }

    #[test]
    fn falling_back_to_stopped_because_of_the_server_is_a_failure() {
        for (state, reason, want) in [
            ("running", "", Verdict::Done),
            ("pending", "", Verdict::NotYet),
            ("stopped", "Client.UserInitiatedShutdown: User initiated shutdown", Verdict::NotYet),
            ("stopped", "Server.InsufficientInstanceCapacity: none left", Verdict::Failed),
            ("stopped", "Client.InternalError: Client error on launch", Verdict::Failed),
            ("terminated", "", Verdict::Failed),
        ] {
            assert_eq!(judge(state, reason), want, "{state} {reason}");
        }
    }
}
