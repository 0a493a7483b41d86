//! Application Auto Scaling.

use super::{Reply, Service, unknown};
use crate::page::page;
use crate::wire::{Failure, Input, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeScalableTargets" => describe(world, input),
        other => Err(unknown(Service::AutoScaling, other)),
    }
}

fn describe(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let namespace = input.need("ServiceNamespace", "ValidationException")?;
    let ids = input.texts("ResourceIds");
    let dimension = input.text("ScalableDimension").unwrap_or("ecs:service:DesiredCount");
    let mut found = Vec::new();
    for service in world.services().filter(|_| namespace == "ecs" && dimension == "ecs:service:DesiredCount")
    {
        let resource = format!("service/{}", service.key());
        let Some(scaling) = service.scaling.filter(|_| ids.is_empty() || ids.contains(&resource.as_str()))
        else {
            continue;
        };
        found.push(node! {
            "ServiceNamespace" => "ecs",
            "ResourceId" => &resource,
            "ScalableDimension" => "ecs:service:DesiredCount",
            "MinCapacity" => scaling.min,
            "MaxCapacity" => scaling.max,
            "RoleARN" => format!("arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService", world.account.header.id),
            "CreationTime" => world.start.minus(service.deployed.0 * 4),
            "SuspendedState" => node! {
                "DynamicScalingInSuspended" => false,
                "DynamicScalingOutSuspended" => false,
                "ScheduledScalingSuspended" => false,
            },
        });
    }
    let size = usize::try_from(input.int("MaxResults").unwrap_or(50)).unwrap_or(50).clamp(1, 50);
    let page = page(found, input.text("NextToken"), size, "InvalidNextTokenException")?;
    Ok(node! { "ScalableTargets" => page.items, "NextToken" => page.next }.into())
}
