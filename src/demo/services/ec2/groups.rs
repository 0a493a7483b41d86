//! DescribeSecurityGroups, DescribeSecurityGroupRules, GetManagedPrefixListEntries, DescribeNetworkInterfaces.

use super::describe::VPC;
use super::filter::fits;
use crate::account::security::Group;
use crate::page::{Page, page};
use crate::seed;
use crate::services::Reply;
use crate::walls::{self, Interface, Rule};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;

/// A page as EC2 makes it: ids and pages exclude each other, and a page has 5 to 1000 items.
fn paged<T>(items: Vec<T>, input: &Input, ids: &[&str], least: i64) -> Result<Page<T>, Failure> {
    let size = input.int("MaxResults");
    if !ids.is_empty() && size.is_some() {
        let message = "The parameter ids cannot be used with the parameter maxResults";
        return Err(Failure::new("InvalidParameterCombination", message));
    }
    let most = if least == 1 { 100 } else { 1000 };
    if let Some(bad) = size.filter(|n| !(least..=most).contains(n)) {
        let message = format!(
            "Value ( {bad} ) for parameter maxResults is invalid. Expecting a value between {least} and {most}."
        );
        return Err(Failure::new("InvalidParameterValue", message));
    }
    let size = usize::try_from(size.unwrap_or(most)).unwrap_or(1000);
    page(items, input.text("NextToken"), size, "InvalidNextToken")
}

/// Keeps what the request's filters let through.
fn filtered<T>(
    items: Vec<T>,
    input: &Input,
    values: impl Fn(&str, &T) -> Option<Vec<String>>,
) -> Result<Vec<T>, Failure> {
    let mut kept = Vec::new();
    for item in items {
        if fits(input, |name| values(name, &item))? {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// What EC2 says of a group id it does not have.
pub(crate) fn no_group(id: &str) -> Failure {
    if !id.starts_with("sg-") {
        return Failure::new(
            "InvalidGroupId.Malformed",
            format!("Invalid id: \"{id}\" (expecting \"sg-...\")"),
        );
    }
    Failure::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
}

/// What EC2 says of a rule id it does not have.
pub(crate) fn no_rule(id: &str) -> Failure {
    let message = format!("The security group rule ID '{id}' does not exist");
    Failure::new("InvalidSecurityGroupRuleId.NotFound", message)
}

/// DescribeSecurityGroups.
pub(crate) fn groups(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let ids = input.texts("GroupId");
    let mut all = walls::groups(world);
    if let Some(missing) = ids.iter().find(|id| !all.iter().any(|g| g.id == **id)) {
        return Err(no_group(missing));
    }
    all.retain(|g| ids.is_empty() || ids.contains(&g.id.as_str()));
    let rules = walls::rules(world);
    let found = filtered(all, input, |name, g| {
        if let Some(key) = name.strip_prefix("tag:") {
            return Some(g.tags.get(key).cloned().into_iter().collect());
        }
        Some(match name {
            "group-id" => vec![g.id.clone()],
            "group-name" => vec![g.name.clone()],
            "vpc-id" => vec![VPC.to_owned()],
            "tag-key" => g.tags.keys().cloned().collect(),
            "ip-permission.cidr" => {
                rules.iter().filter(|r| r.group == g.id && !r.egress).map(|r| r.source.clone()).collect()
            }
            _ => return None,
        })
    })?;
    let page = paged(found, input, &ids, 5)?;
    let items = page.items.iter().map(|g| group(world, g, &rules));
    Ok(node! { "securityGroupInfo" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

fn group(world: &World<'_>, g: &Group, rules: &[Rule]) -> Node {
    let permissions = |egress: bool| {
        let ours = rules.iter().filter(|r| r.group == g.id && r.egress == egress);
        Node::list(ours.map(|r| permission(world, r)))
    };
    node! {
        "ownerId" => &world.account.header.id,
        "groupId" => &g.id,
        "groupName" => &g.name,
        "groupDescription" => &g.description,
        "vpcId" => VPC,
        "ipPermissions" => permissions(false),
        "ipPermissionsEgress" => permissions(true),
        "tagSet" => Node::list(g.tags.iter().map(|(key, value)| node! { "key" => key, "value" => value })),
        "securityGroupArn" => world.arn("ec2", &format!("security-group/{}", g.id)),
    }
}

/// Ports of a rule; a rule for every protocol has none.
fn ports(rule: &Rule) -> (Option<i32>, Option<i32>) {
    if rule.protocol == "-1" { (None, None) } else { (Some(rule.from), Some(rule.to)) }
}

fn permission(world: &World<'_>, rule: &Rule) -> Node {
    let (from, to) = ports(rule);
    let said = rule.description.as_ref();
    let one = |wanted: &str, node: Node| {
        Node::List(if kind(&rule.source) == wanted { vec![node] } else { Vec::new() })
    };
    node! {
        "ipProtocol" => &rule.protocol,
        "fromPort" => from,
        "toPort" => to,
        "groups" => one("group", node! {
            "userId" => &world.account.header.id, "groupId" => &rule.source, "description" => said,
        }),
        "ipRanges" => one("v4", node! { "cidrIp" => &rule.source, "description" => said }),
        "ipv6Ranges" => one("v6", node! { "cidrIpv6" => &rule.source, "description" => said }),
        "prefixListIds" => one("list", node! { "prefixListId" => &rule.source, "description" => said }),
    }
}

/// What kind of source it is.
fn kind(source: &str) -> &'static str {
    match source {
        s if s.starts_with("sg-") => "group",
        s if s.starts_with("pl-") => "list",
        s if s.contains(':') => "v6",
        _ => "v4",
    }
}

/// DescribeSecurityGroupRules.
pub(crate) fn rules(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let ids = input.texts("SecurityGroupRuleId");
    let mut all = walls::rules(world);
    if let Some(missing) = ids.iter().find(|id| !all.iter().any(|r| r.id == **id)) {
        return Err(no_rule(missing));
    }
    all.retain(|r| ids.is_empty() || ids.contains(&r.id.as_str()));
    let found = filtered(all, input, |name, r| {
        Some(match name {
            "group-id" => vec![r.group.clone()],
            "security-group-rule-id" => vec![r.id.clone()],
            _ => return None,
        })
    })?;
    let page = paged(found, input, &ids, 5)?;
    let items = page.items.iter().map(|r| rule(world, r));
    Ok(node! { "securityGroupRuleSet" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

/// A rule as EC2 describes it: -1 where there are no ports.
pub(crate) fn rule(world: &World<'_>, r: &Rule) -> Node {
    let is = |wanted: &str| (kind(&r.source) == wanted).then_some(&r.source);
    node! {
        "securityGroupRuleId" => &r.id,
        "groupId" => &r.group,
        "groupOwnerId" => &world.account.header.id,
        "isEgress" => r.egress,
        "ipProtocol" => &r.protocol,
        "fromPort" => r.from,
        "toPort" => r.to,
        "cidrIpv4" => is("v4"),
        "cidrIpv6" => is("v6"),
        "prefixListId" => is("list"),
        "referencedGroupInfo" => is("group").map(|id| {
            node! { "groupId" => id, "userId" => &world.account.header.id }
        }),
        "description" => r.description.as_ref(),
        "tagSet" => Node::List(Vec::new()),
        "securityGroupRuleArn" => world.arn("ec2", &format!("security-group-rule/{}", r.id)),
    }
}

/// GetManagedPrefixListEntries.
pub(crate) fn entries(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.need("PrefixListId", "MissingParameter")?;
    let mut here = world.account.holds.security.prefix_list.iter().filter(|l| l.region == world.region);
    let list = here.find(|l| l.id == id).ok_or_else(|| {
        Failure::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist"))
    })?;
    let page = paged(list.ranges.iter().collect(), input, &[], 1)?;
    let items = page.items.iter().map(|cidr| node! { "cidr" => *cidr, "description" => &list.name });
    Ok(node! { "entrySet" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

/// DescribeNetworkInterfaces.
pub(crate) fn interfaces(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let ids = input.texts("NetworkInterfaceId");
    let mut all = walls::interfaces(world);
    if let Some(missing) = ids.iter().find(|id| !all.iter().any(|i| i.id == **id)) {
        let message = format!("The networkInterface ID '{missing}' does not exist");
        return Err(Failure::new("InvalidNetworkInterfaceID.NotFound", message));
    }
    all.retain(|i| ids.is_empty() || ids.contains(&i.id.as_str()));
    let found = filtered(all, input, |name, i| {
        Some(match name {
            "group-id" => i.groups.clone(),
            "network-interface-id" => vec![i.id.clone()],
            "attachment.instance-id" => i.instance.iter().cloned().collect(),
            "description" => vec![i.description.clone()],
            "interface-type" => vec![i.kind.clone()],
            "private-ip-address" | "addresses.private-ip-address" => vec![i.private_ip.clone()],
            "association.public-ip" => i.public_ip.iter().cloned().collect(),
            "vpc-id" => vec![VPC.to_owned()],
            _ => return None,
        })
    })?;
    let page = paged(found, input, &ids, 5)?;
    let named = walls::groups(world);
    let items = page.items.iter().map(|i| interface(world, i, &named));
    Ok(node! { "networkInterfaceSet" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

fn interface(world: &World<'_>, i: &Interface, named: &[&Group]) -> Node {
    let group = |id: &String| {
        let name = named.iter().find(|g| g.id == *id).map(|g| &g.name);
        node! { "groupId" => id, "groupName" => name }
    };
    let association = i.public_ip.as_ref().map(|ip| node! { "publicIp" => ip, "ipOwnerId" => "amazon" });
    node! {
        "networkInterfaceId" => &i.id,
        "vpcId" => VPC,
        "availabilityZone" => format!("{}a", world.region),
        "description" => &i.description,
        "ownerId" => &world.account.header.id,
        "requesterManaged" => i.instance.is_none(),
        "status" => "in-use",
        "macAddress" => format!("0a:{}", seed::hex(&i.id, 0, 2)),
        "privateIpAddress" => &i.private_ip,
        "sourceDestCheck" => true,
        "groupSet" => Node::list(i.groups.iter().map(group)),
        "attachment" => node! {
            "attachmentId" => format!("eni-attach-0{}", seed::hex(&i.id, 1, 16)),
            "instanceId" => i.instance.as_ref(),
            "instanceOwnerId" => i.instance.as_ref().map_or("amazon-aws", |_| world.account.header.id.as_str()),
            "deviceIndex" => 0,
            "status" => "attached",
        },
        "association" => association.clone(),
        "privateIpAddressesSet" => vec![node! {
            "privateIpAddress" => &i.private_ip, "primary" => true, "association" => association,
        }],
        "interfaceType" => &i.kind,
        "tagSet" => Node::List(Vec::new()),
    }
}
