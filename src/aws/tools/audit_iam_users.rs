//! `audit_iam_users`: who can sign in how, who is an administrator, and the root account.

use super::iam::admin::Admin;
use super::iam::age::Used;
use super::iam::args::{self, ROOT};
use super::iam::details::{self, Details};
use super::iam::read::{self, Root};
use super::iam::report::Report;
use super::iam::user::User;
use super::iam::{live, users_view};
use super::reading::global;
use super::reading::patience::Patience;
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use aws_sdk_iam::Client;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// `audit_iam_users`.
#[derive(Debug)]
pub struct AuditIamUsers;

/// Whom to look at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only this user, e.g. "dana". Default: everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// What one account answered.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The root account and the users, in no order.
    pub users: Vec<User>,
    /// When the credential report was made.
    pub report: Option<Timestamp>,
    /// There are more users than were read.
    pub more: bool,
    /// What is missing.
    pub errors: Vec<(String, Fault)>,
}

impl ReadTool for AuditIamUsers {
    const SPEC: Spec = Spec {
        name: "audit_iam_users",
        description: "IAM users and the root account: console password, MFA, password age, last seen, administrator (yes, no or unknown, \
            and the statement that says so), risk. Use it for \"who is an admin?\", \"who has no MFA?\", unused users, and root \
            keys. For access keys and their age or ids use check_iam_key_age; for what a user did get_recent_changes. Roles \
            and single sign-on users are not seen. Free; sign-in facts may be 4 h old.",
        reads: &[
            Op::new("IAM", "GenerateCredentialReport", &["iam:GenerateCredentialReport"]),
            Op::new("IAM", "GetCredentialReport", &["iam:GetCredentialReport"]),
            Op::new("IAM", "GetAccountSummary", &["iam:GetAccountSummary"]),
            Op::new("IAM", "GetAccountAuthorizationDetails", &["iam:GetAccountAuthorizationDetails"]),
        ],
        writes: &[],
        region: RegionRule::Global,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Audit>;

    fn check(args: &Args) -> Result<(), Fault> {
        args.user.as_deref().map_or(Ok(()), args::check_user_or_root)
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let patience = Patience::begin();
        let user = args.user.as_deref();
        global::gather(aws, args.accounts.as_deref(), "IAM", |place| {
            let iam = aws.iam(&place);
            async move { account(&iam, user, patience).await }
        })
        .await
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        users_view::project(args, out, as_of)
    }
}

async fn account(iam: &Client, user: Option<&str>, patience: Patience) -> Result<Audit, Fault> {
    let (report, root, details) =
        futures::join!(read::report(iam, patience), read::root(iam, patience), details::read(iam, patience));
    let mut audit = merge(&report, root, &details)?;
    let Some(user) = user else { return Ok(audit) };
    if !audit.users.iter().any(|u| u.name == user) {
        let fault = Fault::new(FaultKind::Missing, format!("there is no IAM user {user:?} in this account"));
        let names = audit.users.iter().filter(|u| !u.root).map(|u| u.name.as_str());
        return Err(live::missing(fault, user, names));
    }
    audit.users.retain(|u| u.name == user);
    Ok(audit)
}

/// What is known from all three, whichever of them answered.
///
/// # Errors
/// Users could be read from neither the report nor the details: the report's fault.
fn merge(
    report: &Result<Report, Fault>,
    root: Result<Root, Fault>,
    details: &Result<Details, Fault>,
) -> Result<Audit, Fault> {
    let mut errors = Vec::new();
    let mut admins = BTreeMap::new();
    let mut more = false;
    if let Ok(details) = details {
        admins = details.admins();
        more = details.more;
        errors
            .extend(details.lost.clone().map(|f| ("policies and users after the first pages".to_owned(), f)));
    }
    let why = match details {
        Err(_) => "what it may do could not be read",
        Ok(_) => "it was not among the users whose policies were read",
    };
    let admin = |name: &str| admins.get(name).cloned().unwrap_or_else(|| Admin::Unknown(why.to_owned()));
    let mut users = Vec::new();
    let mut made = None;
    match (report, details) {
        (Err(fault), Err(_)) => return Err(fault.clone()),
        (Err(fault), Ok(_)) => {
            errors.push((
                "the credential report (console, MFA, passwords, last seen)".to_owned(),
                fault.clone(),
            ));
        }
        (Ok(report), _) => {
            made = report.made;
            users.extend(report.entries.iter().map(|entry| User::reported(entry, admin(&entry.user))));
        }
    }
    if let Err(fault) = details.as_ref() {
        errors.push(("policies (who is an administrator)".to_owned(), fault.clone()));
    }
    let reported: BTreeSet<String> = users.iter().map(|u| u.name.clone()).collect();
    let newer = admins.iter().filter(|(name, _)| !reported.contains(**name));
    users.extend(newer.map(|(name, admin)| User::new(name, admin.clone())));
    let (summary, fault) = match root {
        Ok(root) => (root, None),
        Err(fault) => (Root { keys: None, mfa: None }, Some(fault)),
    };
    complete_root(&mut users, summary);
    let known = users.iter().any(|u| u.root && u.keys.is_some() && u.mfa.is_some());
    errors.extend(fault.filter(|_| !known).map(|f| ("the root account's keys and MFA".to_owned(), f)));
    Ok(Audit { users, report: made, more, errors })
}

/// The root account by the report and, fresher, by the account's summary.
fn complete_root(users: &mut Vec<User>, summary: Root) {
    let everything = Admin::Yes("being the root account".to_owned());
    if !users.iter().any(|u| u.root) {
        users.push(User { root: true, seen: Used::NotKnown, ..User::new(ROOT, everything.clone()) });
    }
    for root in users.iter_mut().filter(|u| u.root) {
        root.admin = everything.clone();
        root.mfa = summary.mfa.or(root.mfa);
        // The summary is fresh, but counts only keys that are active.
        root.keys = match (summary.keys, root.keys) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (fresh, old) => fresh.or(old),
        };
    }
}

#[cfg(test)]
mod tests;
