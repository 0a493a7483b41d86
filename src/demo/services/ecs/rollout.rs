//! ListServiceDeployments and DescribeServiceRevisions: what a roll back goes back to.

use super::service::definition_arn;
use super::{cluster, cluster_arn, definition, find, invalid, last, service_arn, size};
use crate::account::Service;
use crate::fleet::{Deployment, Fleet, Rollout};
use crate::page::page;
use crate::seed;
use crate::services::Reply;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;

/// One deployment in a service's history.
struct Past {
    number: String,
    revision: u32,
    created: Timestamp,
    finished: Option<Timestamp>,
    status: &'static str,
}

/// A service's deployments, newest first, the one before the story included.
fn history(world: &World<'_>, fleet: &Fleet<'_>) -> Vec<Past> {
    let mut all: Vec<Past> = fleet.deployments.iter().enumerate().map(|(i, d)| past(fleet, i, d)).collect();
    if fleet.service.revision > 1 {
        let created = world.start.minus(fleet.service.deployed.0 * 3);
        all.push(Past {
            number: seed::digits(&fleet.service.key(), 900),
            revision: fleet.service.revision - 1,
            created,
            finished: Some(created.plus(std::time::Duration::from_secs(95))),
            status: "SUCCESSFUL",
        });
    }
    all.sort_by_key(|p| std::cmp::Reverse(p.created));
    all
}

fn past(fleet: &Fleet<'_>, index: usize, d: &Deployment<'_>) -> Past {
    let completed = d.completed.filter(|c| *c <= d.superseded.unwrap_or(fleet.now) && *c <= fleet.now);
    let (status, finished) = match (completed, d.superseded, fleet.rollout(index)) {
        (Some(done), _, _) => ("SUCCESSFUL", Some(done)),
        (None, Some(at), _) => ("STOPPED", Some(at)),
        (None, None, Rollout::Failed) => ("STOPPED", Some(fleet.now)),
        (None, None, Rollout::InProgress | Rollout::Completed) => ("IN_PROGRESS", None),
    };
    Past { number: d.number.clone(), revision: d.revision, created: d.created, finished, status }
}

fn deployment_arn(world: &World<'_>, service: &Service, number: &str) -> String {
    world.arn("ecs", &format!("service-deployment/{}/{number}", service.key()))
}

fn revision_arn(world: &World<'_>, service: &Service, number: &str) -> String {
    world.arn("ecs", &format!("service-revision/{}/{number}", service.key()))
}

/// The deployment that is under way, if one is.
pub(crate) fn current(world: &World<'_>, fleet: &Fleet<'_>) -> Option<String> {
    let newest = fleet.deployments.len().saturating_sub(1);
    let primary = fleet.primary().filter(|_| fleet.rollout(newest) == Rollout::InProgress)?;
    Some(deployment_arn(world, fleet.service, &primary.number))
}

/// The service revisions tasks run.
pub(crate) fn running_revisions(world: &World<'_>, fleet: &Fleet<'_>) -> Node {
    let newest = fleet.deployments.len().saturating_sub(1);
    let mut shown = Vec::new();
    for (index, d) in fleet.deployments.iter().enumerate().rev() {
        let (running, pending) = (fleet.running_of(index), fleet.pending_of(index));
        if index == newest || running + pending > 0 {
            shown.push(node! {
                "arn" => revision_arn(world, fleet.service, &d.number),
                "requestedTaskCount" => if index == newest { d.desired } else { running },
                "runningTaskCount" => running,
                "pendingTaskCount" => pending,
            });
        }
    }
    Node::List(shown)
}

/// ListServiceDeployments.
pub(crate) fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let service = find(world, &cluster, input.need("service", "InvalidParameterException")?)
        .ok_or_else(|| Failure::new("ServiceNotFoundException", "Service not found."))?;
    let statuses = input.texts("status");
    let window = input.inner("createdAt");
    let mut found = history(world, &world.fleet(service));
    found.retain(|p| statuses.is_empty() || statuses.contains(&p.status));
    found.retain(|p| window.time("after").is_none_or(|t| p.created > t));
    found.retain(|p| window.time("before").is_none_or(|t| p.created < t));
    let page = page(found, input.text("nextToken"), size(input, 100), "InvalidParameterException")?;
    let items = page.items.iter().map(|p| {
        node! {
            "serviceDeploymentArn" => deployment_arn(world, service, &p.number),
            "serviceArn" => service_arn(world, service),
            "clusterArn" => cluster_arn(world, &cluster),
            "startedAt" => p.created,
            "createdAt" => p.created,
            "finishedAt" => p.finished,
            "targetServiceRevisionArn" => revision_arn(world, service, &p.number),
            "status" => p.status,
        }
    });
    Ok(node! { "serviceDeployments" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

/// DescribeServiceRevisions: at most 20, by ARN.
pub(crate) fn revisions(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let arns = input.texts("serviceRevisionArns");
    if arns.is_empty() || arns.len() > 20 {
        return Err(invalid("serviceRevisionArns must have between 1 and 20 elements."));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let owner = world.services().find(|s| revision_arn(world, s, last(arn)) == arn);
        let past = owner.and_then(|s| {
            history(world, &world.fleet(s)).into_iter().find(|p| p.number == last(arn)).map(|p| (s, p))
        });
        match past {
            Some((service, past)) => found.push(node! {
                "serviceRevisionArn" => arn,
                "serviceArn" => service_arn(world, service),
                "clusterArn" => cluster_arn(world, &service.cluster),
                "taskDefinition" => definition_arn(world, service, past.revision),
                "launchType" => "FARGATE",
                "platformVersion" => "1.4.0",
                "platformFamily" => "Linux",
                "containerImages" => vec![node! {
                    "containerName" => &service.name,
                    "imageDigest" => definition::digest(world, service, past.revision),
                    "image" => definition::image(world, service, past.revision),
                }],
                "createdAt" => past.created,
            }),
            None => failures.push(node! { "arn" => arn, "reason" => "MISSING" }),
        }
    }
    Ok(node! { "serviceRevisions" => found, "failures" => failures }.into())
}
