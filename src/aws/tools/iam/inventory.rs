//! The access keys of an account: from the credential report where it can be had, with the ids of the urgent ones.

use super::age::{Key, Used};
use super::args::ROOT;
use super::report::Report;
use super::risk::Risk;
use super::{live, read};
use crate::tools::reading::patience::Patience;
use crate::tools::reading::words::plural;
use aws_sdk_iam::Client;
use futures::StreamExt as _;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Users whose keys are listed for their ids: one request each.
const LISTED: usize = 20;
/// Keys that are younger than the report and asked about by themselves.
const NEWER: usize = 4;
/// Requests at the same time.
const AT_ONCE: usize = 8;

/// Where the keys are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The credential report made then.
    Report(Option<Timestamp>),
    /// Each asked for by itself.
    Live,
}

/// The keys of an account or of one user.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// In no order.
    pub keys: Vec<Key>,
    /// Users looked at, without the root account.
    pub users: usize,
    /// Where they are known from.
    pub source: Source,
    /// There are more users than were read.
    pub more: bool,
    /// What is missing.
    pub errors: Vec<(String, Fault)>,
}

impl Inventory {
    /// Nothing yet.
    pub const fn new(source: Source) -> Self {
        Self { keys: Vec::new(), users: 0, source, more: false, errors: Vec::new() }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Only this user.
    pub user: Option<&'a str>,
    /// Older is too old.
    pub max_age_days: u64,
}

/// Reads the keys of an account.
///
/// # Errors
/// `missing`: the user named does not exist. Otherwise nothing at all could be read.
pub async fn read(
    iam: &Client,
    asked: Asked<'_>,
    now: Timestamp,
    patience: Patience,
) -> Result<Inventory, Fault> {
    let root_only = asked.user == Some(ROOT);
    if let Some(user) = asked.user.filter(|_| !root_only) {
        return live::one(iam, user, patience).await;
    }
    let mut inventory = match read::report(iam, patience).await {
        Ok(report) => from_report(report),
        Err(fault) if matches!(fault.kind, FaultKind::Denied | FaultKind::Timeout) => {
            return live::all(iam, fault, root_only, patience).await;
        }
        Err(fault) => return Err(fault),
    };
    if root_only {
        inventory.keys.retain(|key| key.root);
        inventory.users = 0;
        return Ok(inventory);
    }
    identify(iam, &mut inventory, asked.max_age_days, now, patience).await;
    Ok(inventory)
}

fn from_report(report: Report) -> Inventory {
    let users = report.entries.iter().filter(|e| !e.is_root()).count();
    let keys = report.entries.into_iter().flat_map(|entry| entry.keys).collect();
    Inventory { keys, users, ..Inventory::new(Source::Report(report.made)) }
}

/// The most urgent first, then the oldest, then by name.
pub fn sort(keys: &mut [Key], max_age_days: u64, now: Timestamp) {
    keys.sort_by_cached_key(|key| {
        let (risk, _) = key.judge(max_age_days, now);
        (Reverse(risk), Reverse(key.age(now)), key.user.clone(), key.id.clone())
    });
}

/// Lists the keys of the users whose keys are worst: their ids, and what became of them since the report.
async fn identify(
    iam: &Client,
    inventory: &mut Inventory,
    max_age_days: u64,
    now: Timestamp,
    patience: Patience,
) {
    sort(&mut inventory.keys, max_age_days, now);
    let mut users: Vec<String> = Vec::new();
    for key in inventory.keys.iter().filter(|key| !key.root && key.judge(max_age_days, now).0 > Risk::Ok) {
        if users.len() < LISTED && !users.contains(&key.user) {
            users.push(key.user.clone());
        }
    }
    let Some((first, rest)) = users.split_first() else { return };
    let mut listed = BTreeMap::new();
    // One alone: if that is denied, so are the others.
    let answer = read::keys_of(iam, first, patience).await;
    let denied = answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::Denied);
    listed.insert(first.clone(), answer);
    if !denied {
        let ask = |user: &String| {
            let user = user.clone();
            async move { (user.clone(), read::keys_of(iam, &user, patience).await) }
        };
        let answers = futures::stream::iter(rest.iter().map(ask)).buffer_unordered(AT_ONCE);
        listed.extend(answers.collect::<Vec<_>>().await);
    }
    let made = if let Source::Report(made) = inventory.source { made } else { None };
    let unread = merge(&mut inventory.keys, listed, made);
    inventory.errors.extend(unread);
    let newer = inventory.keys.iter_mut().filter(|key| key.id.is_some() && key.used == Used::NotKnown);
    for key in newer.take(NEWER) {
        if let Some(id) = key.id.clone()
            && let Ok(last) = read::last_use(iam, &id, patience).await
        {
            key.used = last.at;
        }
    }
}

/// Puts what was listed in the place of what the report says of these users. Returns what could not be listed.
fn merge(
    keys: &mut Vec<Key>,
    listed: BTreeMap<String, Result<Vec<Key>, Fault>>,
    made: Option<Timestamp>,
) -> Option<(String, Fault)> {
    let mut failed: Vec<Fault> = Vec::new();
    for (user, answer) in listed {
        match answer {
            Ok(live) => {
                let (old, others) = std::mem::take(keys).into_iter().partition(|key| key.user == user);
                *keys = others;
                keys.extend(refreshed(old, live, made));
            }
            // Deleted since the report.
            Err(fault) if fault.kind == FaultKind::Missing => keys.retain(|key| key.user != user),
            Err(fault) => failed.push(fault),
        }
    }
    let fault = failed.first()?.clone();
    let what =
        if fault.kind == FaultKind::Denied { "every user".to_owned() } else { plural(failed.len(), "user") };
    Some((format!("key ids of {what}"), fault))
}

/// `live` keys with what the report (`old`) says of their last use. They belong together when they were made at the
/// same time; a key made after the report is none of its keys.
fn refreshed(mut old: Vec<Key>, live: Vec<Key>, made: Option<Timestamp>) -> Vec<Key> {
    let mut live = live;
    let second = |at: Option<Timestamp>| at.map(|at| at.millis().div_euclid(1000));
    for key in &mut live {
        if let Some(at) =
            old.iter().position(|o| o.created.is_some() && second(o.created) == second(key.created))
        {
            key.used = old.swap_remove(at).used;
        }
    }
    let mut unmatched = live.iter_mut().filter(|key| {
        key.used == Used::NotKnown
            && made.is_none_or(|made| key.created.is_none_or(|created| created <= made))
    });
    // The report dates a key by its last change: the only one left on either side is the same one.
    if let (Some(key), None, [last]) = (unmatched.next(), unmatched.next(), old.as_slice()) {
        key.used = last.used;
    }
    live
}

#[cfg(test)]
mod tests {
    use super::super::age::Status;
    use super::*;

    fn key(id: Option<&str>, created: &str, used: Used) -> Key {
        let created = Timestamp::parse(created).ok();
        Key {
            user: "ci".into(),
            root: false,
            id: id.map(str::to_owned),
            status: Status::Active,
            created,
            used,
        }
    }

    const OLD: &str = "2026-01-01T00:00:00Z";
    const OTHER: &str = "2026-02-01T00:00:00Z";
    const NEW: &str = "2026-11-20T03:00:00Z";

    #[test]
    fn live_keys_take_the_place_of_the_reports() {
        let made = Timestamp::parse("2026-11-20T00:00:00Z").ok();
        let seen = Used::At(Timestamp::parse("2026-11-19T00:00:00Z").unwrap());
        for (what, old, live, want) in [
            (
                "the same two, in another order",
                vec![key(None, OLD, seen), key(None, OTHER, Used::Never)],
                vec![key(Some("B"), OTHER, Used::NotKnown), key(Some("A"), OLD, Used::NotKnown)],
                vec![("B", Used::Never), ("A", seen)],
            ),
            (
                "a key made after the report",
                vec![key(None, OLD, seen)],
                vec![key(Some("A"), OLD, Used::NotKnown), key(Some("N"), NEW, Used::NotKnown)],
                vec![("A", seen), ("N", Used::NotKnown)],
            ),
            (
                "one deleted, one made since: not the same",
                vec![key(None, OLD, seen)],
                vec![key(Some("N"), NEW, Used::NotKnown)],
                vec![("N", Used::NotKnown)],
            ),
            (
                "dated by its last change",
                vec![key(None, OTHER, seen)],
                vec![key(Some("A"), OLD, Used::NotKnown)],
                vec![("A", seen)],
            ),
            ("deleted since", vec![key(None, OLD, seen)], vec![], vec![]),
        ] {
            let got = refreshed(old, live, made);
            let got: Vec<_> = got.iter().map(|k| (k.id.as_deref().unwrap(), k.used)).collect();
            assert_eq!(got, want, "{what}");
        }
    }
}
