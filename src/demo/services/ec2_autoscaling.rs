//! EC2 Auto Scaling: the groups that keep instances running. (Application Auto Scaling is `autoscaling`.)

use super::{Reply, Service, unknown};
use crate::account::compute::Group;
use crate::machine::{Machine, State, machines};
use crate::page::page;
use crate::seed;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// How far back activities are told.
const KEPT: Duration = Duration::from_secs(42 * 86_400);
const ZONES: [&str; 3] = ["a", "b", "c"];

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeAutoScalingGroups" => groups(world, input),
        "DescribeScalingActivities" => activities(world, input),
        other => Err(unknown(Service::Ec2AutoScaling, other)),
    }
}

fn here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Group> {
    let region = world.region;
    world.account.holds.compute.group.iter().filter(move |g| g.region == region)
}

fn size(input: &Input, default: i64) -> Result<usize, Failure> {
    let size = input.int("MaxRecords").unwrap_or(default);
    usize::try_from(size)
        .ok()
        .filter(|n| (1..=100).contains(n))
        .ok_or_else(|| Failure::new("ValidationError", "The MaxRecords parameter must be between 1 and 100"))
}

fn groups(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let names = input.texts("AutoScalingGroupNames");
    let filters = input.list("Filters");
    let fits = |group: &Group, filter: &Input| {
        let values = filter.texts("Values");
        match filter.text("Name").unwrap_or_default() {
            "tag-key" => group.tags.keys().any(|k| values.contains(&k.as_str())),
            "tag-value" => group.tags.values().any(|v| values.contains(&v.as_str())),
            name => {
                let value = name.strip_prefix("tag:").and_then(|key| group.tags.get(key));
                value.is_some_and(|v| values.contains(&v.as_str()))
            }
        }
    };
    let found: Vec<&Group> = here(world)
        .filter(|g| names.is_empty() || names.contains(&g.name.as_str()))
        .filter(|g| filters.iter().all(|f| fits(g, f)))
        .collect();
    let page = page(found, input.text("NextToken"), size(input, 50)?, "InvalidNextToken")?;
    let machines = machines(world);
    let with_members = !input.has("IncludeInstances") || input.flag("IncludeInstances");
    let items = page.items.iter().map(|g| group(world, g, &machines, with_members));
    Ok(node! { "AutoScalingGroups" => Node::list(items), "NextToken" => page.next.clone() }.into())
}

fn arn(world: &World<'_>, group: &Group) -> String {
    let id = seed::uuid(&group.name, 0);
    world.arn("autoscaling", &format!("autoScalingGroup:{id}:autoScalingGroupName/{}", group.name))
}

fn group(world: &World<'_>, group: &Group, machines: &[Machine<'_>], with_members: bool) -> Node {
    let members = machines.iter().filter(|m| with_members && m.instance.asg.as_deref() == Some(&group.name));
    let tags = group.tags.iter().map(|(key, value)| {
        node! {
            "ResourceId" => &group.name, "ResourceType" => "auto-scaling-group",
            "Key" => key, "Value" => value, "PropagateAtLaunch" => true,
        }
    });
    node! {
        "AutoScalingGroupName" => &group.name,
        "AutoScalingGroupARN" => arn(world, group),
        "LaunchTemplate" => template(group),
        "MinSize" => group.min,
        "MaxSize" => group.max,
        "DesiredCapacity" => group.desired,
        "DefaultCooldown" => 300,
        "AvailabilityZones" => Node::list(ZONES.map(|z| format!("{}{z}", world.region))),
        "HealthCheckType" => "EC2",
        "HealthCheckGracePeriod" => 300,
        "Instances" => Node::list(members.filter_map(|m| member(world, group, m))),
        "CreatedTime" => world.start.minus(Duration::from_secs(250 * 86_400)),
        "SuspendedProcesses" => Node::list(group.suspended.iter().map(|p| node! {
            "ProcessName" => p, "SuspensionReason" => "User suspended at 2026-11-02T09:12:44Z",
        })),
        "VPCZoneIdentifier" => format!("subnet-0{}", seed::hex(&group.name, 2, 16)),
        "Tags" => Node::list(tags),
        "TerminationPolicies" => vec!["Default"],
        "NewInstancesProtectedFromScaleIn" => false,
    }
}

fn template(group: &Group) -> Node {
    let id = format!("lt-0{}", seed::hex(&group.name, 1, 16));
    node! { "LaunchTemplateId" => id, "LaunchTemplateName" => &group.name, "Version" => "7" }
}

/// `None` once it is gone.
fn member(world: &World<'_>, group: &Group, machine: &Machine<'_>) -> Option<Node> {
    let (state, healthy) = match machine.state {
        State::Pending => ("Pending", true),
        State::Running => ("InService", !machine.instance.impaired),
        State::Stopping | State::Stopped => ("InService", false),
        State::ShuttingDown => ("Terminating", false),
        State::Terminated => return None,
    };
    Some(node! {
        "InstanceId" => &machine.id,
        "InstanceType" => &machine.instance.kind,
        "AvailabilityZone" => format!("{}{}", world.region, machine.instance.az),
        "LifecycleState" => state,
        "HealthStatus" => if healthy { "Healthy" } else { "Unhealthy" },
        "LaunchTemplate" => template(group),
        "ProtectedFromScaleIn" => false,
    })
}

/// What is told of an activity.
struct Told<'a> {
    group: &'a Group,
    at: Timestamp,
    description: String,
    cause: String,
    failed: Option<&'a str>,
}

fn activities(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let name = input.text("AutoScalingGroupName");
    if name.is_some_and(|n| !here(world).any(|g| g.name == n)) {
        return Err(Failure::new("ValidationError", "Group name not found - AutoScalingGroup not found"));
    }
    let machines = machines(world);
    let mut all: Vec<Told<'_>> = here(world)
        .filter(|g| name.is_none_or(|n| n == g.name))
        .flat_map(|g| written(world, g).chain(replaced(g, &machines)))
        .filter(|a| a.at <= world.now && world.now.since(a.at) <= KEPT)
        .collect();
    all.sort_by_key(|a| std::cmp::Reverse(a.at));
    let page = page(all, input.text("NextToken"), size(input, 100)?, "InvalidNextToken")?;
    let items = page.items.iter().map(|a| {
        node! {
            "ActivityId" => seed::uuid(&a.group.name, a.at.millis().unsigned_abs()),
            "AutoScalingGroupName" => &a.group.name,
            "AutoScalingGroupARN" => arn(world, a.group),
            "Description" => match a.failed {
                Some(why) => format!("{}  Status Reason: {why}", a.description),
                None => a.description.clone(),
            },
            "Cause" => &a.cause,
            "StartTime" => a.at,
            "EndTime" => a.at.plus(Duration::from_secs(30)),
            "StatusCode" => if a.failed.is_some() { "Failed" } else { "Successful" },
            "StatusMessage" => a.failed,
            "Progress" => 100,
            "Details" => "{}",
        }
    });
    Ok(node! { "Activities" => Node::list(items), "NextToken" => page.next.clone() }.into())
}

/// Those of the account's file.
fn written<'a>(world: &World<'_>, group: &'a Group) -> impl Iterator<Item = Told<'a>> {
    let start = world.start;
    group.activity.iter().map(move |a| Told {
        group,
        at: a.at.at(start),
        description: a.description.clone(),
        cause: a.cause.clone(),
        failed: a.failed.as_deref(),
    })
}

/// Those that followed what the operator did: a replacement was launched.
fn replaced<'a>(group: &'a Group, machines: &[Machine<'_>]) -> impl Iterator<Item = Told<'a>> {
    let launched =
        machines.iter().filter(|m| m.instance.asg.as_deref() == Some(&group.name) && m.id != m.instance.id);
    let told: Vec<Told<'a>> = launched
        .map(|m| Told {
            group,
            at: m.launched,
            description: format!("Launching a new EC2 instance: {}", m.id),
            cause: format!(
                "At {} an instance was launched in response to an unhealthy instance needing to be replaced.",
                m.launched.rfc3339()
            ),
            failed: None,
        })
        .collect();
    told.into_iter()
}
