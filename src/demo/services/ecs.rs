//! ECS.

mod definition;
mod rollout;
mod service;
mod task;
mod update;

pub(crate) use definition::{image, secret_arn};
pub(crate) use task::ip as task_ip;

use super::{Reply, Service, unknown};
use crate::account;
use crate::page::page;
use crate::wire::{Failure, Input, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "ListClusters" => clusters(world, input),
        "ListServices" => service::list(world, input),
        "DescribeServices" => service::describe(world, input),
        "ListTasks" => task::list(world, input),
        "DescribeTasks" => task::describe(world, input),
        "ListTaskDefinitions" => definition::list(world, input),
        "DescribeTaskDefinition" => definition::describe(world, input),
        "ListServiceDeployments" => rollout::list(world, input),
        "DescribeServiceRevisions" => rollout::revisions(world, input),
        "UpdateService" => update::update(world, input),
        other => Err(unknown(Service::Ecs, other)),
    }
}

fn names(world: &World<'_>) -> Vec<String> {
    let mut all: Vec<String> = world.services().map(|s| s.cluster.clone()).collect();
    all.sort();
    all.dedup();
    all
}

fn clusters(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let arns = names(world).iter().map(|n| cluster_arn(world, n)).collect();
    let page = page(arns, input.text("nextToken"), size(input, 100), "InvalidParameterException")?;
    Ok(node! { "clusterArns" => page.items, "nextToken" => page.next }.into())
}

fn size(input: &Input, most: usize) -> usize {
    usize::try_from(input.int("maxResults").unwrap_or(i64::MAX)).unwrap_or(most).clamp(1, most)
}

fn cluster_arn(world: &World<'_>, cluster: &str) -> String {
    world.arn("ecs", &format!("cluster/{cluster}"))
}

fn service_arn(world: &World<'_>, service: &account::Service) -> String {
    world.arn("ecs", &format!("service/{}", service.key()))
}

/// The cluster a request names, by name or ARN.
fn cluster(world: &World<'_>, input: &Input) -> Result<String, Failure> {
    let named = last(input.text("cluster").unwrap_or("default"));
    names(world)
        .into_iter()
        .find(|c| c == named)
        .ok_or_else(|| Failure::new("ClusterNotFoundException", "Cluster not found."))
}

/// The service `id`, a name or an ARN, in `cluster`.
fn find<'a>(world: &World<'a>, cluster: &str, id: &str) -> Option<&'a account::Service> {
    world.services().find(|s| s.cluster == cluster && s.name == last(id))
}

/// The last part of an ARN; a name is its own.
fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterException", message)
}
