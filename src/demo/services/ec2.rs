//! EC2.

mod change;
mod describe;
mod filter;
mod groups;
mod ingress;

use super::{Reply, Service, unknown};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeInstances" => describe::instances(world, input),
        "DescribeInstanceStatus" => describe::status(world, input),
        "DescribeInstanceAttribute" => describe::attribute(world, input),
        "DescribeInstanceTypes" => types(input),
        "DescribeRegions" => regions(world, input),
        "DescribeNetworkInterfaces" => groups::interfaces(world, input),
        "DescribeSecurityGroups" => groups::groups(world, input),
        "DescribeSecurityGroupRules" => groups::rules(world, input),
        "GetManagedPrefixListEntries" => groups::entries(world, input),
        "RevokeSecurityGroupIngress" => ingress::revoke(world, input),
        "AuthorizeSecurityGroupIngress" => ingress::authorize(world, input),
        "StopInstances" => change::stop(world, input),
        "StartInstances" => change::start(world, input),
        other => Err(unknown(Service::Ec2, other)),
    }
}

/// DescribeInstanceTypes, for the types asked for.
fn types(input: &Input) -> Result<Reply, Failure> {
    let names = input.texts("InstanceType");
    if let Some(bad) =
        names.iter().find(|n| n.split_once('.').is_none_or(|(f, s)| f.is_empty() || s.is_empty()))
    {
        let message = format!("The following supplied instance types do not exist: [{bad}]");
        return Err(Failure::new("InvalidInstanceType", message));
    }
    let types = names.iter().map(|name| {
        node! {
            "instanceType" => *name,
            "currentGeneration" => true,
            "instanceStorageSupported" => has_instance_store(name),
        }
    });
    Ok(node! { "instanceTypeSet" => Node::list(types) }.into())
}

/// As AWS names its families: storage families, and a `d` among the letters after the generation.
fn has_instance_store(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let letters = family.trim_end_matches(|c: char| !c.is_ascii_digit());
    let kind = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    let extras = family.strip_prefix(letters).unwrap_or_default();
    matches!(kind, "i" | "im" | "is" | "d" | "h") || extras.contains('d')
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

#[cfg(test)]
mod tests {
    use super::has_instance_store;

    #[test]
    fn instance_store_is_told_by_the_family() {
        for name in
            ["i3.xlarge", "m5d.large", "c6gd.2xlarge", "i4i.large", "im4gn.large", "d3.xlarge", "r5dn.large"]
        {
            assert!(has_instance_store(name), "{name}");
        }
        for name in ["m6i.large", "t3.small", "c6i.2xlarge", "r6i.xlarge", "m5.large", "p4.large"] {
            assert!(!has_instance_store(name), "{name}");
        }
    }
}
