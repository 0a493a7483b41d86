//! `set_access_key_status`: switches a user's access key off, or on again.

use super::iam::age::Key;
use super::iam::args::{self, KeyRef, tail_of};
use super::iam::live;
use super::iam::proposal::{Facts, propose};
use super::iam::read;
use super::reading::patience::Patience;
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::tool::WriteTool;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{StatusType, User};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Proposal;
use quarterdeck_core::tool::{
    Cell, ColumnKind, Fault, FaultKind, Op, Projection, RegionRule, Row, Spec, Verdict, Watch, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// `set_access_key_status`.
#[derive(Debug)]
pub struct SetAccessKeyStatus;

/// Which key, and what it shall be.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The key's user, e.g. "ci-deploy".
    pub user: String,
    /// The key's id, e.g. "AKIAIOSFODNN7EXAMPLE", or its last four characters, e.g. "MPLE".
    pub key_id: String,
    /// "Inactive" switches it off, "Active" on.
    pub status: Wanted,
    /// The account, by its configured name, e.g. "prod". Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What a key can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Wanted {
    #[serde(alias = "active")]
    Active,
    #[serde(alias = "inactive")]
    Inactive,
}

impl Wanted {
    /// As AWS names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }

    /// What undoes it.
    pub const fn other(self) -> Self {
        match self {
            Self::Active => Self::Inactive,
            Self::Inactive => Self::Active,
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Active, Self::Inactive].into_iter().find(|wanted| wanted.name() == name)
    }
}

impl WriteTool for SetAccessKeyStatus {
    const SPEC: Spec = Spec {
        name: "set_access_key_status",
        description: "Switches one IAM access key off (Inactive) or on again (Active), after a person has approved the plan: when \
            and where it was last used, and that sessions already issued with it live on for up to 36 h. Use it for a leaked, \
            old or unused key; find user and key with check_iam_key_age, what it did with get_recent_changes. Never deletes a \
            key; refuses the console's own. Free.",
        reads: &[
            Op::new("IAM", "GetUser", &["iam:GetUser"]),
            Op::new("IAM", "ListUsers", &["iam:ListUsers"]),
            Op::new("IAM", "ListAccessKeys", &["iam:ListAccessKeys"]),
            Op::new("IAM", "GetAccessKeyLastUsed", &["iam:GetAccessKeyLastUsed"]),
        ],
        writes: &[Op::new("IAM", "UpdateAccessKey", &["iam:UpdateAccessKey"])],
        region: RegionRule::Global,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = ();

    fn check(args: &Args) -> Result<(), Fault> {
        args::check_user(&args.user)?;
        args::key(&args.key_id).map(drop)
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let wanted_key = args::key(&args.key_id)?;
        let place = aws.global_place(args.account.as_deref()).await?;
        let (iam, patience) = (aws.iam(&place), Patience::begin());
        let (identity, keys, user) = futures::join!(
            aws.identity(&place),
            read::keys_of(&iam, &args.user, patience),
            user(&iam, &args.user),
        );
        let identity = identity?;
        let keys = match keys {
            Err(fault) if fault.kind == FaultKind::Missing => {
                return Err(live::no_such_user(&iam, &args.user, patience).await);
            }
            keys => keys?,
        };
        let key = pick(&iam, &wanted_key, &keys, args, patience).await?;
        let id = key.id.clone().unwrap_or_default();
        if aws.is_own_key(&place, &id) {
            return Err(own_key(&id));
        }
        if key.status.label() == Some(args.status.name()) {
            return Err(already(&id, args));
        }
        let last = read::last_use(&iam, &id, patience).await;
        let facts = Facts { place, identity, keys: &keys, key, id, user, last, now: aws.now() };
        propose(args, facts, aws)
    }

    async fn call(aws: WriteClients) -> Result<(), Fault> {
        let order = Order::of(aws.plan())?;
        let status = StatusType::from(order.status.name());
        let request =
            aws.iam().update_access_key().user_name(order.user).access_key_id(order.id).status(status);
        request.send().await.map(drop).map_err(|e| fault::of(&e))
    }

    fn project(plan: &Proposal, (): &(), as_of: Timestamp) -> Projection {
        let rows = plan.targets.iter().flat_map(|target| {
            target.changes.iter().map(|change| Row {
                urgency: 0,
                cells: vec![
                    target.name.as_deref().into(),
                    target.id.as_str().into(),
                    change.before.as_str().into(),
                    change.after.as_str().into(),
                ],
            })
        });
        let columns = [
            ("user", ColumnKind::Id),
            ("key_id", ColumnKind::Id),
            ("before", ColumnKind::State),
            ("status", ColumnKind::State),
        ];
        let after =
            plan.targets.iter().flat_map(|t| &t.changes).map(|c| c.after.as_str()).next().unwrap_or_default();
        let named: Vec<String> = plan.targets.iter().map(|t| tail_of(&t.id)).collect();
        let mut projection =
            Projection::new(format!("IAM accepted: {} is set to {after}.", named.join(", ")), as_of)
                .columns(&columns)
                .rows(rows.collect());
        projection.notes =
            vec!["IAM is eventually consistent: it may take some seconds to hold everywhere".to_owned()];
        projection
    }

    fn verify(plan: &Proposal) -> Watch {
        let user = plan.targets.first().and_then(|target| target.name.clone()).unwrap_or_default();
        let mut args = json!({ "user": user });
        if let (Some(account), Some(map)) = (plan.args.get("account"), args.as_object_mut()) {
            map.insert("accounts".to_owned(), json!([account]));
        }
        let (every, at_most) = (Duration::from_secs(3), Duration::from_secs(120));
        Watch { tool: "check_iam_key_age", args, every, at_most, judge }
    }

    fn inverse(plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        Some(WriteCall { tool: plan.tool.clone(), args: plan.undo.clone() })
    }
}

/// What a plan says is to be sent.
struct Order {
    user: String,
    id: String,
    status: Wanted,
}

impl Order {
    fn of(plan: &Proposal) -> Result<Self, Fault> {
        let broken =
            || Fault::new(FaultKind::Invalid, "the plan does not name one key and what to set it to");
        let [target] = plan.targets.as_slice() else { return Err(broken()) };
        let [change] = target.changes.as_slice() else { return Err(broken()) };
        Ok(Self {
            user: target.name.clone().ok_or_else(broken)?,
            id: target.id.clone(),
            status: Wanted::of(&change.after).ok_or_else(broken)?,
        })
    }
}

/// Done when the key is listed with the status that was approved. Results show key ids by their ends.
fn judge(plan: &Proposal, read: &Projection) -> Verdict {
    let Ok(order) = Order::of(plan) else { return Verdict::Failed };
    let text = |row: &Row, column| read.cell(row, column).map(Cell::plain).unwrap_or_default();
    let is_it = |row: &&Row| args::key(&text(row, "key_id")).is_ok_and(|key| key.is(&order.id));
    match read.rows.iter().find(is_it) {
        Some(row) if text(row, "status") == order.status.name() => Verdict::Done,
        Some(_) | None => Verdict::NotYet,
    }
}

/// The user with its path and tags. Source: IAM GetUser.
async fn user(iam: &Client, name: &str) -> Result<User, Fault> {
    let answer = iam.get_user().user_name(name).send().await.map_err(|e| fault::of(&e))?;
    answer.user.ok_or_else(|| Fault::new(FaultKind::Unavailable, "GetUser did not say"))
}

/// The one key that is meant.
///
/// # Errors
/// `missing`: the user has no such key; whose it is, where AWS tells. `invalid`: two end alike.
async fn pick<'a>(
    iam: &Client,
    wanted: &KeyRef,
    keys: &'a [Key],
    args: &Args,
    patience: Patience,
) -> Result<&'a Key, Fault> {
    let fits: Vec<&Key> =
        keys.iter().filter(|key| key.id.as_deref().is_some_and(|id| wanted.is(id))).collect();
    match fits.as_slice() {
        [one] => return Ok(one),
        [] => {}
        _ => {
            return Err(Fault::new(FaultKind::Invalid, format!("two keys of {} end like this", args.user))
                .hint("send the whole key id"));
        }
    }
    let owner = match wanted {
        KeyRef::Whole(id) => read::last_use(iam, id, patience).await.ok().and_then(|last| last.user),
        KeyRef::Tail(_) => None,
    };
    let fault = Fault::new(FaultKind::Missing, format!("the user {} has no such access key", args.user));
    if let Some(owner) = owner.filter(|owner| *owner != args.user) {
        return Err(fault.hint(format!("the key belongs to the user {owner}: send that as `user`")));
    }
    let tails: Vec<String> = keys.iter().filter_map(|key| key.id.as_deref()).map(tail_of).collect();
    if tails.is_empty() {
        return Err(fault.hint("it has none at all; check_iam_key_age lists every user's keys"));
    }
    Err(fault.hint(format!("its keys end in {}", tails.join(" and "))))
}

fn own_key(id: &str) -> Fault {
    let text = format!("{} is the key this console itself is using", tail_of(id));
    Fault::new(FaultKind::Conflict, text)
        .hint("start the console with other credentials, or change it in the AWS console or with the aws command line")
}

fn already(id: &str, args: &Args) -> Fault {
    let text = format!("{} of {} is already {}", tail_of(id), args.user, args.status.name());
    Fault::new(FaultKind::Conflict, text).hint("there is nothing to do for it")
}

#[cfg(test)]
mod tests;
