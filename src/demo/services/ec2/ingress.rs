//! RevokeSecurityGroupIngress and AuthorizeSecurityGroupIngress.

use super::groups::{no_group, no_rule, rule};
use crate::seed;
use crate::services::Reply;
use crate::walls::{self, Rule};
use crate::wire::{Failure, Input, Node, node};
use crate::world::{What, World};

/// The group a request names, which must be there.
fn group<'a>(world: &World<'_>, input: &'a Input) -> Result<&'a str, Failure> {
    let id = input.need("GroupId", "MissingParameter")?;
    if walls::groups(world).iter().any(|g| g.id == id) { Ok(id) } else { Err(no_group(id)) }
}

fn dry_run(input: &Input) -> Result<(), Failure> {
    if !input.flag("DryRun") {
        return Ok(());
    }
    let message = "Request would have succeeded, but DryRun flag is set.";
    Err(Failure::new("DryRunOperation", message).status(412))
}

/// RevokeSecurityGroupIngress, by rule id.
pub(crate) fn revoke(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let group = group(world, input)?;
    let ids = input.texts("SecurityGroupRuleId");
    if ids.is_empty() {
        let message = "The request must contain the parameter ipPermissions or securityGroupRuleIds";
        return Err(Failure::new("MissingParameter", message));
    }
    let all = walls::rules(world);
    let mut gone = Vec::new();
    for id in ids {
        let found = all.iter().find(|r| r.id == id && r.group == group && !r.egress);
        gone.push(found.ok_or_else(|| no_rule(id))?);
    }
    dry_run(input)?;
    let revoked = gone.iter().map(|r| {
        node! {
            "securityGroupRuleId" => &r.id,
            "groupId" => &r.group,
            "isEgress" => false,
            "ipProtocol" => &r.protocol,
            "fromPort" => r.from,
            "toPort" => r.to,
            "description" => r.description.as_ref(),
        }
    });
    let body = node! { "return" => true, "revokedSecurityGroupRuleSet" => Node::list(revoked) };
    let ids = gone.iter().map(|r| r.id.clone()).collect();
    Ok(Reply { body, action: Some(What::RevokeRules { group: group.to_owned(), ids }) })
}

/// AuthorizeSecurityGroupIngress, by permissions.
pub(crate) fn authorize(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let group = group(world, input)?;
    let mut rules = Vec::new();
    for permission in input.list("IpPermissions") {
        rules.extend(asked(world, group, &permission)?);
    }
    if rules.is_empty() {
        let message = "The request must contain the parameter ipPermissions";
        return Err(Failure::new("MissingParameter", message));
    }
    let there = walls::rules(world);
    if let Some(twice) = rules.iter().find(|r| there.iter().any(|t| t.same_as(r))) {
        let message = format!(
            "the specified rule \"peer: {}, {}, from port: {}, to port: {}, ALLOW\" already exists",
            twice.source,
            twice.protocol.to_uppercase(),
            twice.from,
            twice.to
        );
        return Err(Failure::new("InvalidPermission.Duplicate", message));
    }
    dry_run(input)?;
    let items = rules.iter().map(|r| rule(world, r));
    let body = node! { "return" => true, "securityGroupRuleSet" => Node::list(items) };
    Ok(Reply { body, action: Some(What::AddRules { rules }) })
}

/// The rules a permission asks for: one for each source. Their ids depend on how much was done before.
fn asked(world: &World<'_>, group: &str, permission: &Input) -> Result<Vec<Rule>, Failure> {
    let protocol = permission.need("IpProtocol", "MissingParameter")?;
    let port = |key: &str| permission.int(key).and_then(|p| i32::try_from(p).ok()).unwrap_or(-1);
    let kinds = [
        ("IpRanges", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId"),
        ("Groups", "GroupId"),
    ];
    let mut rules = Vec::new();
    for (list, key) in kinds {
        for source in permission.list(list) {
            let name = source.need(key, "MissingParameter")?;
            let unique = format!("{group} {protocol} {name} {}", port("FromPort"));
            rules.push(Rule {
                id: format!("sgr-0{}", seed::hex(&unique, 100 + world.actions.len() as u64, 16)),
                group: group.to_owned(),
                egress: false,
                protocol: protocol.to_owned(),
                from: port("FromPort"),
                to: port("ToPort"),
                source: name.to_owned(),
                description: source.text("Description").map(str::to_owned),
            });
        }
    }
    Ok(rules)
}
