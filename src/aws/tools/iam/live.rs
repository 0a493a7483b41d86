//! Keys read one by one: of one user, or of all where the credential report is denied.

use super::age::{Key, Status, Used};
use super::args::ROOT;
use super::inventory::{Inventory, Source};
use super::read;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::words::plural;
use aws_sdk_iam::Client;
use futures::future::join_all;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Fault, FaultKind};

/// Requests at the same time.
const AT_ONCE: usize = 8;
/// Users named in an error.
const NAMED: usize = 3;

/// The keys of one user.
///
/// # Errors
/// `missing`, with the nearest names: there is no such user.
pub async fn one(iam: &Client, user: &str, patience: Patience) -> Result<Inventory, Fault> {
    let keys = match read::keys_of(iam, user, patience).await {
        Ok(keys) => keys,
        Err(fault) if fault.kind == FaultKind::Missing => return Err(no_such_user(iam, user, patience).await),
        Err(fault) => return Err(fault),
    };
    let mut inventory = Inventory { keys, users: 1, ..Inventory::new(Source::Live) };
    let failed = used(iam, &mut inventory.keys, patience).await;
    inventory.errors.extend(failed);
    Ok(inventory)
}

/// There is no user of this name; the nearest that exist, where they may be listed.
pub async fn no_such_user(iam: &Client, user: &str, patience: Patience) -> Fault {
    let fault = Fault::new(FaultKind::Missing, format!("there is no IAM user {user:?} in this account"));
    let Ok(users) = read::users(iam, patience).await else {
        return fault.hint("audit_iam_users lists the users; case counts");
    };
    missing(fault, user, users.names.iter().map(String::as_str))
}

/// `fault` with the nearest of `names`.
pub fn missing<'a>(fault: Fault, user: &str, names: impl Iterator<Item = &'a str>) -> Fault {
    let near = nearest(user, names, 3);
    if near.is_empty() {
        return fault.hint("the account has no IAM users; people may sign in through roles");
    }
    fault.hint(format!("did you mean: {}", near.join(", ")))
}

/// The keys of every user and of the root account, without the report, which failed with `why`.
///
/// # Errors
/// `why`: neither users nor the root account could be read.
pub async fn all(iam: &Client, why: Fault, root_only: bool, patience: Patience) -> Result<Inventory, Fault> {
    let mut inventory = Inventory::new(Source::Live);
    let users =
        async { if root_only { Ok(read::Users::default()) } else { read::users(iam, patience).await } };
    let (root, users) = futures::join!(read::root(iam, patience), users);
    inventory.errors.push(("the credential report".to_owned(), why.clone()));
    let rootless = root.is_err();
    match root {
        Ok(root) if root.keys == Some(true) => inventory.keys.push(root_key()),
        Ok(root) if root.keys == Some(false) => {}
        Ok(_) => inventory.errors.push((
            "the root account's keys".to_owned(),
            Fault::new(FaultKind::Unavailable, "GetAccountSummary did not say"),
        )),
        Err(fault) => inventory.errors.push(("the root account's keys".to_owned(), fault)),
    }
    let users = match users {
        Ok(users) => users,
        Err(_) if rootless => return Err(why),
        Err(fault) => {
            inventory.errors.push(("every user".to_owned(), fault));
            return Ok(inventory);
        }
    };
    if let Some(fault) = users.lost {
        inventory.errors.push((format!("users after the first {}", users.names.len()), fault));
    }
    inventory.more = users.more;
    let (mut keys, failed, looked_at) = keys(iam, &users.names, patience).await;
    if let (0, Some((_, fault)), true) = (looked_at, failed.first(), rootless) {
        return Err(fault.clone());
    }
    inventory.users = looked_at;
    inventory.errors.extend(failed);
    let failed = used(iam, &mut keys, patience).await;
    inventory.errors.extend(failed);
    inventory.keys.extend(keys);
    Ok(inventory)
}

/// The root account's key, of which the summary only says that there is one.
fn root_key() -> Key {
    Key {
        user: ROOT.to_owned(),
        root: true,
        id: None,
        status: Status::Present,
        created: None,
        used: Used::NotKnown,
    }
}

/// The keys of `users`, what could not be read, and how many users were read. A denial or the end of patience ends
/// it: the rest would go the same way.
async fn keys(iam: &Client, users: &[String], patience: Patience) -> (Vec<Key>, Vec<(String, Fault)>, usize) {
    let (mut keys, mut looked_at, mut asked) = (Vec::new(), 0, 0);
    let mut failed: Vec<(&str, Fault)> = Vec::new();
    for some in users.chunks(AT_ONCE) {
        if patience.is_over() || failed.iter().any(|(_, fault)| is_final(fault)) {
            break;
        }
        asked += some.len();
        let answers = join_all(some.iter().map(|user| read::keys_of(iam, user, patience))).await;
        for (user, answer) in some.iter().zip(answers) {
            match answer {
                Ok(found) => {
                    looked_at += 1;
                    keys.extend(found);
                }
                // Deleted since it was listed.
                Err(fault) if fault.kind == FaultKind::Missing => {}
                Err(fault) => failed.push((user, fault)),
            }
        }
    }
    let mut errors = Vec::new();
    if let Some((_, fault)) = failed.first() {
        let names: Vec<&str> = failed.iter().take(NAMED).map(|(user, _)| *user).collect();
        let more = if failed.len() > NAMED { ", ..." } else { "" };
        let what = format!("keys of {} ({}{more})", plural(failed.len(), "user"), names.join(", "));
        errors.push((what, fault.clone()));
    }
    let left = users.len().saturating_sub(asked);
    if left > 0 {
        let fault = failed.iter().map(|(_, f)| f).find(|f| is_final(f)).cloned();
        errors.push((
            format!("keys of {} not asked for", plural(left, "more user")),
            fault.unwrap_or_else(late),
        ));
    }
    (keys, errors, looked_at)
}

/// Fills in when each key was last used; returns what could not be read.
async fn used(iam: &Client, keys: &mut [Key], patience: Patience) -> Option<(String, Fault)> {
    let mut first: Option<Fault> = None;
    for some in keys.chunks_mut(AT_ONCE) {
        if patience.is_over() || first.as_ref().is_some_and(is_final) {
            first.get_or_insert_with(late);
            break;
        }
        let asked = some.iter_mut().map(|key| async move {
            let id = key.id.as_deref()?;
            match read::last_use(iam, id, patience).await {
                Ok(last) => {
                    key.used = last.at;
                    None
                }
                Err(fault) => Some(fault),
            }
        });
        first = first.or(join_all(asked).await.into_iter().flatten().next());
    }
    let unread = keys.iter().filter(|key| key.used == Used::NotKnown).count();
    first.map(|fault| (format!("when {} last used", were(unread)), fault))
}

fn were(keys: usize) -> String {
    if keys == 1 { "1 key was".to_owned() } else { format!("{keys} keys were") }
}

fn late() -> Fault {
    Fault::new(FaultKind::Timeout, "there was no time to ask for all of them one by one")
        .hint("allow iam:GenerateCredentialReport and iam:GetCredentialReport, or name a user")
}

/// Whether asking again for somebody else cannot go better.
fn is_final(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Denied | FaultKind::Expired | FaultKind::Guard)
}
