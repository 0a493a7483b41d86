//! EC2.

mod change;
mod describe;
mod filter;

use super::{Reply, Service, unknown};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeInstances" => describe::instances(world, input),
        "DescribeInstanceStatus" => describe::status(world, input),
        "DescribeInstanceAttribute" => describe::attribute(world, input),
        "DescribeRegions" => regions(world, input),
        "DescribeNetworkInterfaces" => Ok(node! { "networkInterfaceSet" => Node::List(Vec::new()) }.into()),
        "StopInstances" => change::stop(world, input),
        "StartInstances" => change::start(world, input),
        other => Err(unknown(Service::Ec2, other)),
    }
}

fn regions(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let header = &world.account.header;
    let names = input.texts("RegionName");
    let all = input.flag("AllRegions");
    let enabled = header.regions.iter().map(|r| (r, "opt-in-not-required"));
    let disabled = header.disabled_regions.iter().map(|r| (r, "not-opted-in"));
    let known: Vec<(&String, &str)> = enabled.chain(disabled.filter(|_| all || !names.is_empty())).collect();
    if let Some(missing) = names.iter().find(|n| !known.iter().any(|(r, _)| r == *n)) {
        return Err(Failure::new("InvalidParameterValue", format!("Invalid region provided: {missing}")));
    }
    let found = known.iter().filter(|(r, _)| names.is_empty() || names.contains(&r.as_str()));
    let regions = found.map(|(region, status)| {
        node! {
            "regionName" => *region,
            "regionEndpoint" => format!("ec2.{region}.amazonaws.com"),
            "optInStatus" => *status,
        }
    });
    Ok(node! { "regionInfo" => Node::list(regions) }.into())
}

/// The ids asked for, checked.
fn ids<'a>(world: &World<'_>, input: &'a Input) -> Result<Vec<&'a str>, Failure> {
    let ids = input.texts("InstanceId");
    let well_formed = |id: &&&str| {
        id.strip_prefix("i-").is_some_and(|h| h.len() >= 8 && h.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if let Some(bad) = ids.iter().find(|id| !well_formed(id)) {
        return Err(Failure::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{bad}\"")));
    }
    let there = crate::machine::machines(world);
    let missing: Vec<&str> = ids.iter().filter(|id| !there.iter().any(|m| m.id == **id)).copied().collect();
    match missing.as_slice() {
        [] => Ok(ids),
        [one] => {
            Err(Failure::new("InvalidInstanceID.NotFound", format!("The instance ID '{one}' does not exist")))
        }
        many => Err(Failure::new(
            "InvalidInstanceID.NotFound",
            format!("The instance IDs '{}' do not exist", many.join(", ")),
        )),
    }
}
