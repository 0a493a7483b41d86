//! ListServices and DescribeServices.

use super::{cluster, cluster_arn, find, invalid, last, rollout, service_arn, size};
use crate::account::Service;
use crate::fleet::{Fleet, Rollout};
use crate::page::page;
use crate::seed;
use crate::services::Reply;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// ListServices: at most 100, by default 10.
pub(crate) fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let arns = world.services().filter(|s| s.cluster == cluster).map(|s| service_arn(world, s)).collect();
    let size = if input.has("maxResults") { size(input, 100) } else { 10 };
    let page = page(arns, input.text("nextToken"), size, "InvalidParameterException")?;
    Ok(node! { "serviceArns" => page.items, "nextToken" => page.next }.into())
}

/// DescribeServices: at most 10; those that are not there are failures.
pub(crate) fn describe(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let ids = input.texts("services");
    if ids.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if ids.len() > 10 {
        return Err(invalid("Service list cannot be greater than 10."));
    }
    let tags = input.texts("include").contains(&"TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match find(world, &cluster, id) {
            Some(service) => services.push(one(world, &world.fleet(service), tags)),
            None => failures.push(node! {
                "arn" => world.arn("ecs", &format!("service/{cluster}/{}", last(id))),
                "reason" => "MISSING",
            }),
        }
    }
    Ok(node! { "services" => services, "failures" => failures }.into())
}

/// One service as DescribeServices and UpdateService answer it.
pub(crate) fn one(world: &World<'_>, fleet: &Fleet<'_>, tags: bool) -> Node {
    let service = fleet.service;
    let count = fleet.deployments.len();
    let total = |of: &dyn Fn(usize) -> u32| (0..count).map(of).sum::<u32>();
    node! {
        "serviceArn" => service_arn(world, service),
        "serviceName" => &service.name,
        "clusterArn" => cluster_arn(world, &service.cluster),
        "loadBalancers" => Node::list(service.target_group.iter().map(|t| node! {
            "targetGroupArn" => crate::services::elb::group_arn(world, t),
            "containerName" => &service.name,
            "containerPort" => service.port,
        })),
        "serviceRegistries" => Node::List(Vec::new()),
        "status" => "ACTIVE",
        "desiredCount" => fleet.desired(),
        "runningCount" => total(&|i| fleet.running_of(i)),
        "pendingCount" => total(&|i| fleet.pending_of(i)),
        "launchType" => "FARGATE",
        "platformVersion" => "LATEST",
        "platformFamily" => "Linux",
        "taskDefinition" => fleet.primary().map(|d| definition_arn(world, service, d.revision)),
        "deploymentConfiguration" => node! {
            "deploymentCircuitBreaker" => node! { "enable" => service.circuit_breaker, "rollback" => false },
            "maximumPercent" => service.maximum,
            "minimumHealthyPercent" => service.minimum_healthy,
            "strategy" => "ROLLING",
            "bakeTimeInMinutes" => 0,
        },
        "deployments" => deployments(world, fleet),
        "roleArn" => format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", world.account.header.id),
        "events" => events(fleet),
        "createdAt" => world.start.minus(Duration::from_secs(400 * 86_400)),
        "currentServiceDeployment" => rollout::current(world, fleet),
        "currentServiceRevisions" => rollout::running_revisions(world, fleet),
        "placementConstraints" => Node::List(Vec::new()),
        "placementStrategy" => Node::List(Vec::new()),
        "healthCheckGracePeriodSeconds" => 30,
        "schedulingStrategy" => "REPLICA",
        "deploymentController" => node! { "type" => "ECS" },
        "createdBy" => format!("arn:aws:iam::{}:role/deployer", world.account.header.id),
        "enableECSManagedTags" => true,
        "propagateTags" => "SERVICE",
        "enableExecuteCommand" => false,
        "availabilityZoneRebalancing" => "ENABLED",
        "tags" => tags.then(|| Node::list(service.tags.iter().map(|(key, value)| node! { "key" => key, "value" => value }))),
    }
}

/// The ARN of a service's task definition.
pub(crate) fn definition_arn(world: &World<'_>, service: &Service, revision: u32) -> String {
    world.arn("ecs", &format!("task-definition/{}:{revision}", service.name))
}

/// The primary first, then those that still have tasks.
fn deployments(world: &World<'_>, fleet: &Fleet<'_>) -> Node {
    let newest = fleet.deployments.len().saturating_sub(1);
    let mut shown = Vec::new();
    for (index, d) in fleet.deployments.iter().enumerate().rev() {
        let (running, pending) = (fleet.running_of(index), fleet.pending_of(index));
        if index != newest && running + pending == 0 {
            continue;
        }
        let (state, reason) = match fleet.rollout(index) {
            Rollout::Completed => ("COMPLETED", format!("ECS deployment {} completed.", d.id())),
            Rollout::InProgress => ("IN_PROGRESS", format!("ECS deployment {} in progress.", d.id())),
            Rollout::Failed => {
                ("FAILED", "ECS deployment circuit breaker: tasks failed to start.".to_owned())
            }
        };
        shown.push(node! {
            "id" => d.id(),
            "status" => if index == newest { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition" => definition_arn(world, fleet.service, d.revision),
            "desiredCount" => if index == newest { d.desired } else { running },
            "pendingCount" => pending,
            "runningCount" => running,
            "failedTasks" => fleet.failed_of(index),
            "createdAt" => d.created,
            "updatedAt" => d.completed.filter(|c| *c <= fleet.now).unwrap_or(d.created),
            "launchType" => "FARGATE",
            "platformVersion" => "1.4.0",
            "platformFamily" => "Linux",
            "rolloutState" => state,
            "rolloutStateReason" => reason,
        });
    }
    Node::List(shown)
}

/// What the scheduler said, newest first, at most 100.
fn events(fleet: &Fleet<'_>) -> Node {
    let name = &fleet.service.name;
    let mut said: Vec<(Timestamp, String)> = Vec::new();
    for d in &fleet.deployments {
        if let Some(done) =
            d.completed.filter(|_| d.superseded.is_none_or(|s| d.completed.is_some_and(|c| c < s)))
        {
            said.push((done, format!("(service {name}) (deployment {}) deployment completed.", d.id())));
            said.push((
                done.plus(Duration::from_secs(1)),
                format!("(service {name}) has reached a steady state."),
            ));
        }
        if let Some(broken) = d.broken {
            let until = d.superseded.unwrap_or(fleet.now);
            let mut at = d.created.plus(broken.first.0 * 3);
            while at <= until {
                said.push((at, format!("(service {name}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.")));
                at = at.plus(Duration::from_secs(240));
            }
        }
    }
    for task in fleet.known_tasks() {
        let id = &task.id;
        said.push((task.created, format!("(service {name}) has started 1 tasks: (task {id}).")));
        if let (None, Some(stopped)) = (task.death, task.stopped) {
            said.push((stopped, format!("(service {name}) has stopped 1 running tasks: (task {id}).")));
        }
    }
    let day = Duration::from_secs(6 * 3600);
    let calm = fleet.primary().filter(|d| d.broken.is_none()).and_then(|d| d.completed);
    let mut steady = calm.map(|c| c.plus(day));
    while let Some(at) = steady.filter(|at| *at <= fleet.now) {
        said.push((at, format!("(service {name}) has reached a steady state.")));
        steady = Some(at.plus(day));
    }
    said.retain(|(at, _)| *at <= fleet.now);
    said.sort_by(|a, b| b.cmp(a));
    Node::list(said.iter().take(100).map(|(at, message)| {
        node! { "id" => seed::uuid(message, at.millis().unsigned_abs()), "createdAt" => *at, "message" => message }
    }))
}
