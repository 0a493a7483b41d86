//! IAM: one answer for the whole account. What was changed is seen some seconds later.

mod details;
mod report;

use super::{Reply, Service, unknown};
use crate::account::identity::{Key, User};
use crate::page::page;
use crate::seed;
use crate::told::Told;
use crate::wire::{Failure, Input, Node, node};
use crate::world::{What, World};
use quarterdeck_core::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a change takes to be seen.
const LAG: Duration = Duration::from_secs(3);

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "ListAccountAliases" => Ok(node! {
            "AccountAliases" => vec![&world.account.header.alias],
            "IsTruncated" => false,
        }
        .into()),
        "GetAccountSummary" => Ok(summary(world)),
        "ListUsers" => users(world, input),
        "GetUser" => Ok(node! { "User" => described(world, user(world, input)?, true) }.into()),
        "ListAccessKeys" => keys(world, input),
        "GetAccessKeyLastUsed" => last_used(world, input),
        "UpdateAccessKey" => update_key(world, input),
        "GetAccountAuthorizationDetails" => details::answer(world, input),
        "GenerateCredentialReport" => Ok(report::generate(world)),
        "GetCredentialReport" => report::get(world),
        other => Err(unknown(Service::Iam, other)),
    }
}

fn missing(what: &str, name: &str) -> Failure {
    Failure::new("NoSuchEntity", format!("The {what} with {name} cannot be found.")).status(404)
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("ValidationError", message)
}

/// The user that is named.
fn user<'a>(world: &World<'a>, input: &Input) -> Result<&'a User, Failure> {
    let name = input
        .text("UserName")
        .ok_or_else(|| invalid("Must specify userName when calling with non-User credentials"))?;
    let found = world.account.holds.identity.user.iter().find(|u| u.name == name);
    found.ok_or_else(|| missing("user", &format!("name {name}")))
}

/// At most as many as asked for, 100 unless asked.
fn size(input: &Input) -> Result<usize, Failure> {
    match input.int("MaxItems").unwrap_or(100) {
        n @ 1..=1_000 => Ok(usize::try_from(n).unwrap_or(100)),
        n => Err(invalid(format!(
            "Value '{n}' at 'maxItems' failed to satisfy constraint: between 1 and 1000"
        ))),
    }
}

/// An ARN, which in IAM has no region.
fn arn(world: &World<'_>, resource: &str) -> String {
    format!("arn:aws:iam::{}:{resource}", world.account.header.id)
}

fn user_arn(world: &World<'_>, user: &User) -> String {
    arn(world, &format!("user{}{}", user.path, user.name))
}

/// Every list's user; tags only where one is asked for by name.
fn described(world: &World<'_>, user: &User, with_tags: bool) -> Node {
    let tags = user.tags.iter().map(|(k, v)| node! { "Key" => k, "Value" => v });
    node! {
        "Path" => &user.path,
        "UserName" => &user.name,
        "UserId" => format!("AIDADEMO{}", seed::hex(&user.name, 0, 13).to_uppercase()),
        "Arn" => user_arn(world, user),
        "CreateDate" => world.start.minus(user.created.0),
        "PasswordLastUsed" => user.signed_in.map(|span| world.start.minus(span.0)),
        "Tags" => if with_tags { Node::list(tags) } else { Node::Absent },
    }
}

fn users(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let mut all: Vec<&User> = world.account.holds.identity.user.iter().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let page = page(all, input.text("Marker"), size(input)?, "ValidationError")?;
    let items = page.items.iter().map(|u| described(world, u, false));
    Ok(node! {
        "Users" => Node::list(items),
        "IsTruncated" => page.next.is_some(),
        "Marker" => page.next.clone(),
    }
    .into())
}

fn keys(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let user = user(world, input)?;
    let page = page(user.key.iter().collect(), input.text("Marker"), size(input)?, "ValidationError")?;
    let items = page.items.iter().map(|key| {
        node! {
            "UserName" => &user.name,
            "AccessKeyId" => &key.id,
            "Status" => if active(world, key, world.now) { "Active" } else { "Inactive" },
            "CreateDate" => world.start.minus(key.created.0),
        }
    });
    Ok(node! {
        "AccessKeyMetadata" => Node::list(items),
        "IsTruncated" => page.next.is_some(),
        "Marker" => page.next.clone(),
    }
    .into())
}

fn last_used(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.need("AccessKeyId", "ValidationError")?;
    let mut all = world.account.holds.identity.user.iter().flat_map(|u| u.key.iter().map(move |k| (u, k)));
    let Some((user, key)) = all.find(|(_, k)| k.id == id) else {
        // A key of another account is nobody's business.
        let why = format!("User: {} is not authorized to perform: iam:GetAccessKeyLastUsed", world.caller());
        return Err(Failure::new("AccessDenied", why).status(403));
    };
    let used = used_at(world, key, world.now);
    let of = |text: &str| if used.is_some() && !text.is_empty() { text.to_owned() } else { "N/A".to_owned() };
    Ok(node! {
        "UserName" => &user.name,
        "AccessKeyLastUsed" => node! {
            "LastUsedDate" => used,
            "ServiceName" => of(&key.service),
            "Region" => of(region(world, key)),
        },
    }
    .into())
}

fn region<'a>(world: &World<'a>, key: &'a Key) -> &'a str {
    let home = world.account.header.regions.first().map_or("", String::as_str);
    if key.region.is_empty() { home } else { &key.region }
}

fn update_key(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let user = user(world, input)?;
    let id = input.need("AccessKeyId", "ValidationError")?;
    let status = input.need("Status", "ValidationError")?;
    if !["Active", "Inactive"].contains(&status) {
        return Err(invalid(format!(
            "Value '{status}' at 'status' failed to satisfy constraint: [Active, Inactive, Expired]"
        )));
    }
    if !user.key.iter().any(|k| k.id == id) {
        return Err(missing("Access Key", &format!("id {id}")));
    }
    let request = json!({ "userName": user.name, "accessKeyId": id, "status": status });
    let told = Told::new("iam.amazonaws.com", "UpdateAccessKey", request)
        .on("AWS::IAM::AccessKey", [id])
        .on("AWS::IAM::User", [&user.name]);
    Ok(Reply { body: node! {}, action: Some(What::Other(told)) })
}

/// Whether `key` is active as far as is seen at `at`.
fn active(world: &World<'_>, key: &Key, at: Timestamp) -> bool {
    let seen = world.actions.iter().filter(|a| a.at.plus(LAG) <= at);
    let mut set = seen.filter_map(|action| {
        let What::Other(told) = &action.what else { return None };
        let text = |field: &str| told.request.get(field).and_then(Value::as_str);
        (told.name == "UpdateAccessKey" && text("accessKeyId") == Some(&key.id))
            .then(|| text("status") == Some("Active"))
    });
    set.next_back().unwrap_or(!key.inactive)
}

/// When `key` was last used, as far as is known at `at`.
fn used_at(world: &World<'_>, key: &Key, at: Timestamp) -> Option<Timestamp> {
    let before = key.used.map(|span| world.start.minus(span.0));
    if key.during.is_always() {
        return before;
    }
    let lately = World { now: at, ..*world }.course(&key.during).last();
    lately.max(before)
}

fn summary(world: &World<'_>) -> Reply {
    let held = &world.account.holds.identity;
    let entry = |key: &'static str, value: usize| ("entry".into(), node! { "key" => key, "value" => value });
    let map = Node::Map(vec![
        entry("Users", held.user.len()),
        entry("Groups", held.group.len()),
        entry("Policies", held.policy.iter().filter(|p| !p.aws).count()),
        entry("AccountMFAEnabled", usize::from(held.root.mfa)),
        // Only keys that are active are counted.
        entry("AccountAccessKeysPresent", usize::from(held.root.key.iter().any(|k| !k.inactive))),
        entry("AccountPasswordPresent", 1),
        entry("AccessKeysPerUserQuota", 2),
        entry("UsersQuota", 5_000),
    ]);
    node! { "SummaryMap" => map }.into()
}
