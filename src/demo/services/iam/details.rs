//! Users, groups and managed policies in one list, page by page.

use super::{arn, described, size};
use crate::account::identity::{Group, Policy, User};
use crate::page::page;
use crate::seed;
use crate::services::Reply;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use std::collections::BTreeMap;

enum Item<'a> {
    User(&'a User),
    Group(&'a Group),
    Policy(&'a Policy),
}

/// GetAccountAuthorizationDetails. The account keeps no roles.
pub(super) fn answer(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let held = &world.account.holds.identity;
    let filter = input.texts("Filter");
    let known = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    if let Some(bad) = filter.iter().find(|f| !known.contains(f)) {
        return Err(super::invalid(format!("Value '[{bad}]' at 'filter' failed to satisfy constraint")));
    }
    let wants = |kind: &str| filter.is_empty() || filter.contains(&kind);
    let policies =
        held.policy.iter().filter(|p| wants(if p.aws { "AWSManagedPolicy" } else { "LocalManagedPolicy" }));
    let all: Vec<Item<'_>> = held
        .user
        .iter()
        .filter(|_| wants("User"))
        .map(Item::User)
        .chain(held.group.iter().filter(|_| wants("Group")).map(Item::Group))
        .chain(policies.map(Item::Policy))
        .collect();
    let page = page(all, input.text("Marker"), size(input)?, "ValidationError")?;
    let (mut users, mut groups, mut managed) = (Vec::new(), Vec::new(), Vec::new());
    for item in page.items {
        match item {
            Item::User(user) => users.push(user_detail(world, user)),
            Item::Group(group) => groups.push(group_detail(world, group)),
            Item::Policy(policy) => managed.push(policy_detail(world, policy)),
        }
    }
    Ok(node! {
        "IsTruncated" => page.next.is_some(),
        "Marker" => page.next.clone(),
        "UserDetailList" => users,
        "GroupDetailList" => groups,
        "RoleDetailList" => Vec::<Node>::new(),
        "Policies" => managed,
    }
    .into())
}

fn user_detail(world: &World<'_>, user: &User) -> Node {
    let boundary = user.boundary.as_deref().map(|name| {
        node! {
            "PermissionsBoundaryType" => "Policy",
            "PermissionsBoundaryArn" => policy_arn(world, name),
        }
    });
    let Node::Map(mut fields) = described(world, user, true) else { return Node::Absent };
    fields.extend([
        ("GroupList".into(), Node::list(user.groups.iter())),
        ("AttachedManagedPolicies".into(), attached(world, &user.policies)),
        ("UserPolicyList".into(), inline(&user.inline)),
        ("PermissionsBoundary".into(), boundary.into()),
    ]);
    Node::Map(fields)
}

fn group_detail(world: &World<'_>, group: &Group) -> Node {
    node! {
        "Path" => "/",
        "GroupName" => &group.name,
        "GroupId" => format!("AGPADEMO{}", seed::hex(&group.name, 0, 13).to_uppercase()),
        "Arn" => arn(world, &format!("group/{}", group.name)),
        "CreateDate" => world.start.minus(group.created.0),
        "AttachedManagedPolicies" => attached(world, &group.policies),
        "GroupPolicyList" => inline(&group.inline),
    }
}

fn policy_detail(world: &World<'_>, policy: &Policy) -> Node {
    let users =
        world.account.holds.identity.user.iter().filter(|u| u.policies.contains(&policy.name)).count();
    let groups =
        world.account.holds.identity.group.iter().filter(|g| g.policies.contains(&policy.name)).count();
    node! {
        "PolicyName" => &policy.name,
        "PolicyId" => format!("ANPADEMO{}", seed::hex(&policy.name, 0, 13).to_uppercase()),
        "Arn" => policy_arn(world, &policy.name),
        "Path" => "/",
        "DefaultVersionId" => "v1",
        "AttachmentCount" => users + groups,
        "IsAttachable" => true,
        "PolicyVersionList" => Node::list([node! {
            "Document" => encoded(&policy.document),
            "VersionId" => "v1",
            "IsDefaultVersion" => true,
        }]),
    }
}

fn policy_arn(world: &World<'_>, name: &str) -> String {
    let own = world.account.holds.identity.policy.iter().any(|p| p.name == name && !p.aws);
    if own { arn(world, &format!("policy/{name}")) } else { format!("arn:aws:iam::aws:policy/{name}") }
}

fn attached(world: &World<'_>, names: &[String]) -> Node {
    Node::list(
        names.iter().map(|name| node! { "PolicyName" => name, "PolicyArn" => policy_arn(world, name) }),
    )
}

fn inline(policies: &BTreeMap<String, String>) -> Node {
    Node::list(
        policies.iter().map(|(name, text)| node! { "PolicyName" => name, "PolicyDocument" => encoded(text) }),
    )
}

/// As of RFC 3986, which is how IAM sends documents.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
