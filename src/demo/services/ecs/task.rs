//! ListTasks and DescribeTasks.

use super::service::definition_arn;
use super::{cluster, cluster_arn, definition, find, invalid, last, size};
use crate::fleet::{Deployment, Fleet, Task};
use crate::page::page;
use crate::seed;
use crate::services::Reply;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use std::time::Duration;

/// A task's address.
pub(crate) fn ip(task: &str) -> String {
    let n = seed::mix(task, 0);
    format!("10.0.{}.{}", 16 + n % 32, 4 + (n >> 8) % 250)
}

fn arn(world: &World<'_>, cluster: &str, task: &Task<'_>) -> String {
    world.arn("ecs", &format!("task/{cluster}/{}", task.id))
}

/// ListTasks: running (and pending) ones, unless STOPPED is asked for.
pub(crate) fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let stopped = input.text("desiredStatus") == Some("STOPPED");
    let service = input.text("serviceName");
    let family = input.text("family");
    if let Some(name) = service
        && find(world, &cluster, name).is_none()
    {
        return Err(Failure::new("ServiceNotFoundException", "Service not found."));
    }
    let mut arns = Vec::new();
    for s in world.services().filter(|s| s.cluster == cluster) {
        if service.is_some_and(|n| last(n) != s.name) || family.is_some_and(|f| f != s.name) {
            continue;
        }
        let fleet = world.fleet(s);
        let mut tasks: Vec<&Task<'_>> =
            fleet.known_tasks().filter(|t| t.lives_at(world.now) != stopped).collect();
        tasks.sort_by(|a, b| (b.stopped, b.created, &b.id).cmp(&(a.stopped, a.created, &a.id)));
        arns.extend(tasks.iter().map(|t| arn(world, &cluster, t)));
    }
    let page = page(arns, input.text("nextToken"), size(input, 100), "InvalidParameterException")?;
    Ok(node! { "taskArns" => page.items, "nextToken" => page.next }.into())
}

/// DescribeTasks: at most 100; those that are not there are failures.
pub(crate) fn describe(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let ids = input.texts("tasks");
    if ids.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if ids.len() > 100 {
        return Err(invalid("Tasks cannot have more than 100 elements."));
    }
    let fleets: Vec<Fleet<'_>> =
        world.services().filter(|s| s.cluster == cluster).map(|s| world.fleet(s)).collect();
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        let found = fleets.iter().find_map(|f| f.known_tasks().find(|t| t.id == last(id)).map(|t| (f, t)));
        match found {
            Some((fleet, task)) => tasks.push(one(world, fleet, task)),
            None => failures.push(node! {
                "arn" => world.arn("ecs", &format!("task/{cluster}/{}", last(id))),
                "reason" => "MISSING",
            }),
        }
    }
    Ok(node! { "tasks" => tasks, "failures" => failures }.into())
}

fn one(world: &World<'_>, fleet: &Fleet<'_>, task: &Task<'_>) -> Node {
    let service = fleet.service;
    let now = world.now;
    let deployment = fleet.deployments.get(task.deployment);
    let revision = deployment.map_or(service.revision, |d| d.revision);
    let started = task.started.filter(|s| *s <= now);
    let stopped = task.stopped.filter(|s| *s <= now);
    let status = match (started, stopped) {
        (_, Some(_)) => "STOPPED",
        (Some(_), None) => "RUNNING",
        (None, None) => "PENDING",
    };
    let (code, reason, exit) = match (stopped, task.death) {
        (None, _) => (None, None, None),
        (Some(_), Some(death)) => {
            (Some(death.stop_code.clone()), Some(death.reason.clone()), death.exit_code)
        }
        (Some(_), None) => (
            Some("ServiceSchedulerInitiated".to_owned()),
            Some(format!(
                "Scaling activity initiated by (deployment {})",
                fleet.primary().map_or_else(String::new, Deployment::id)
            )),
            Some(143),
        ),
    };
    let arn = arn(world, &service.cluster, task);
    node! {
        "availabilityZone" => format!("{}{}", world.region, if seed::mix(&task.id, 1).is_multiple_of(2) { "a" } else { "b" }),
        "clusterArn" => cluster_arn(world, &service.cluster),
        "connectivity" => started.filter(|_| stopped.is_none()).map(|_| "CONNECTED"),
        "containers" => vec![node! {
            "containerArn" => world.arn("ecs", &format!("container/{}/{}/{}", service.cluster, task.id, seed::uuid(&task.id, 2))),
            "taskArn" => &arn,
            "name" => &service.name,
            "image" => definition::image(world, service, revision),
            "imageDigest" => started.map(|_| definition::digest(world, service, revision)),
            "runtimeId" => started.map(|_| format!("{}-{}", task.id, seed::mix(&task.id, 3) % 4_000_000_000)),
            "lastStatus" => status,
            "exitCode" => exit,
            "networkInterfaces" => Node::list(started.map(|_| node! {
                "attachmentId" => seed::uuid(&task.id, 4),
                "privateIpv4Address" => ip(&task.id),
            })),
            "healthStatus" => "UNKNOWN",
            "cpu" => &service.cpu,
            "memory" => &service.memory,
        }],
        "cpu" => &service.cpu,
        "memory" => &service.memory,
        "createdAt" => task.created,
        "desiredStatus" => if stopped.is_some() { "STOPPED" } else { "RUNNING" },
        "enableExecuteCommand" => false,
        "group" => format!("service:{}", service.name),
        "healthStatus" => "UNKNOWN",
        "lastStatus" => status,
        "launchType" => "FARGATE",
        "platformVersion" => "1.4.0",
        "platformFamily" => "Linux",
        "startedAt" => started,
        "startedBy" => deployment.map(Deployment::id),
        "stoppingAt" => stopped.map(|s| s.minus(Duration::from_millis(900))),
        "stoppedAt" => stopped,
        "executionStoppedAt" => stopped.filter(|_| started.is_some()),
        "stopCode" => code,
        "stoppedReason" => reason,
        "taskArn" => &arn,
        "taskDefinitionArn" => definition_arn(world, service, revision),
        "version" => 4,
    }
}
