//! `check_iam_key_age`: access keys that are too old, unused, switched off, or the root account's.

use super::iam::inventory::{self, Asked, Inventory};
use super::iam::{args, keys_view};
use super::reading::global;
use super::reading::patience::Patience;
use crate::clients::ReadClients;
use crate::given;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `check_iam_key_age`.
#[derive(Debug)]
pub struct CheckIamKeyAge;

/// Whose keys, and how old is too old.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only this user's keys, read live, e.g. "ci-deploy". Default: everyone's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Older active keys are HIGH, in whole days, e.g. 90.
    #[serde(default = "ninety")]
    pub max_age_days: u32,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

const fn ninety() -> u32 {
    90
}

impl ReadTool for CheckIamKeyAge {
    const SPEC: Spec = Spec {
        name: "check_iam_key_age",
        description: "IAM access keys: age in days, status, last use, risk: root keys CRITICAL, active over the limit HIGH, never used \
            MEDIUM, inactive LOW. Use it for \"which keys are old, unused, to rotate or delete?\" and for one user's keys and their ids. \
            For passwords, MFA and who is an administrator use audit_iam_users; to switch a key off or on \
            set_access_key_status; for what a key did get_recent_changes. Free; the account-wide report may be 4 h old.",
        reads: &[
            Op::new("IAM", "GenerateCredentialReport", &["iam:GenerateCredentialReport"]),
            Op::new("IAM", "GetCredentialReport", &["iam:GetCredentialReport"]),
            Op::new("IAM", "GetAccountSummary", &["iam:GetAccountSummary"]),
            Op::new("IAM", "ListUsers", &["iam:ListUsers"]),
            Op::new("IAM", "ListAccessKeys", &["iam:ListAccessKeys"]),
            Op::new("IAM", "GetAccessKeyLastUsed", &["iam:GetAccessKeyLastUsed"]),
        ],
        writes: &[],
        region: RegionRule::Global,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Inventory>;

    fn check(args: &Args) -> Result<(), Fault> {
        args.user.as_deref().map_or(Ok(()), args::check_user_or_root)?;
        given::within("max_age_days", args.max_age_days.into(), 1..=3_650)
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let (now, patience) = (aws.now(), Patience::begin());
        let asked = Asked { user: args.user.as_deref(), max_age_days: args.max_age_days.into() };
        global::gather(aws, args.accounts.as_deref(), "IAM", |place| {
            let iam = aws.iam(&place);
            async move { inventory::read(&iam, asked, now, patience).await }
        })
        .await
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        keys_view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
