//! A tool's specification: constant data beside its code.

use super::Projection;
use crate::approval::Proposal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// One AWS operation a tool may send. The guard refuses every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Op {
    /// The SDK's service id as it stands in request metadata, e.g. `EC2`, `CloudWatch Logs`.
    pub service: &'static str,
    /// The operation, e.g. `DescribeInstances`.
    pub name: &'static str,
    /// The IAM actions it needs; not always `service:name` (ListObjectsV2 needs s3:ListBucket).
    pub iam: &'static [&'static str],
    /// Allowed only as a dry run: checked on the typed input.
    pub dry_run_only: bool,
}

impl Op {
    /// An operation that really runs.
    #[must_use]
    pub const fn new(service: &'static str, name: &'static str, iam: &'static [&'static str]) -> Self {
        Self { service, name, iam, dry_run_only: false }
    }

    /// An operation that may only be sent with `DryRun=true`.
    #[must_use]
    pub const fn dry_run(service: &'static str, name: &'static str, iam: &'static [&'static str]) -> Self {
        Self { service, name, iam, dry_run_only: true }
    }
}

/// Where a tool's calls go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionRule {
    /// Fans out over the regions asked for.
    Regional,
    /// Exactly one region.
    OneRegion,
    /// One answer for the whole account.
    Global,
    /// Answers only in us-east-1.
    UsEast1,
}

/// What a call can do. Derived from the trait a tool implements; there is no flag to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Changes nothing.
    Read,
    /// Writes a local file; the account stays as it is.
    Local,
    /// Changes the account.
    Write,
}

impl Risk {
    /// `read`, `local` or `write`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Local => "local",
            Self::Write => "write",
        }
    }
}

/// What a tool is, as constant data.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spec {
    /// The name the model, the palette and the command line use; also the file's name.
    pub name: &'static str,
    /// When to use it, which neighbour is right otherwise, what it costs. At most 600 characters.
    pub description: &'static str,
    /// Operations of the reads: a read tool's call, a write tool's plan.
    pub reads: &'static [Op],
    /// Operations of the change itself; empty for a read tool.
    pub writes: &'static [Op],
    /// Where its calls go.
    pub region: RegionRule,
    /// Whether AWS bills the call.
    pub billed: bool,
    /// Limit for the whole tool.
    #[serde(skip)]
    pub limit: Duration,
}

/// A write by name: what the model asked for, or what would undo an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteCall {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, validated when the call is planned.
    pub args: Value,
}

/// What a verification read says of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The account is as the approval promised.
    Done,
    /// On its way; read again.
    NotYet,
    /// It will not get there by itself (a failed rollout, a terminated instance).
    Failed,
}

/// How a change is verified after it was made: read, judge, wait, read again.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The read tool.
    pub tool: &'static str,
    /// Its arguments.
    pub args: Value,
    /// Pause between reads.
    pub every: Duration,
    /// After this long it is left as it is and said so.
    pub at_most: Duration,
    /// Judges one read; the plan says what was promised.
    pub judge: fn(&Proposal, &Projection) -> Verdict,
}
