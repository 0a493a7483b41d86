//! UpdateService.

use super::{cluster, definition, find, invalid, service};
use crate::services::Reply;
use crate::wire::{Failure, Input, node};
use crate::world::{Action, What, World};

/// UpdateService: desired count, task definition, forced deployment. The answer is the service after it.
pub(crate) fn update(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = cluster(world, input)?;
    let found = find(world, &cluster, input.need("service", "InvalidParameterException")?)
        .ok_or_else(|| Failure::new("ServiceNotFoundException", "Service not found."))?;
    let desired = match input.int("desiredCount") {
        None => None,
        Some(n) => Some(
            u32::try_from(n)
                .ok()
                .filter(|n| *n <= 5000)
                .ok_or_else(|| invalid("desiredCount must be between 0 and 5000."))?,
        ),
    };
    let revision = match input.text("taskDefinition") {
        None => None,
        Some(id) => {
            let (owner, revision) = definition::resolve(world, id)
                .ok_or_else(|| Failure::new("ClientException", "TaskDefinition not found."))?;
            if owner.name != found.name {
                return Err(invalid(
                    "The container name or port of the load balancer is not in the task definition.",
                ));
            }
            Some(revision)
        }
    };
    let what =
        What::UpdateService { key: found.key(), desired, revision, force: input.flag("forceNewDeployment") };
    let mut actions = world.actions.to_vec();
    actions.push(Action { at: world.now, region: world.region.to_owned(), what: what.clone() });
    let after = World { actions: &actions, ..*world };
    let body = node! { "service" => service::one(&after, &after.fleet(found), true) };
    Ok(Reply { body, action: Some(what) })
}
