//! What a write would do, read afresh and without a word of the model's.

use crate::Timestamp;
use crate::scope::Identity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A complete plan of one change. Built by a write tool's `plan` from fresh reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The tool's name.
    pub tool: String,
    /// Its canonical arguments.
    pub args: Value,
    /// One imperative sentence: `Stop 2 instances in eu-west-1`.
    pub title: String,
    /// Who would do it and where.
    pub identity: Identity,
    /// The one region.
    pub region: String,
    /// What would be changed, in the order it would be done.
    pub targets: Vec<Target>,
    /// What to think of first.
    pub warnings: Vec<Warning>,
    /// Whether AWS offers a dry run, and what it said.
    pub dry_run: DryRun,
    /// IAM actions the change needs.
    pub actions: Vec<String>,
    /// The equivalent `aws` command line, quoted for a shell.
    pub command: String,
    /// Whether it can be undone.
    pub reversible: Reversible,
    /// Facts that could not be read, each with why. Any makes the change high impact.
    pub unknown: Vec<String>,
    /// What would undo it: values before the change the inverse needs. Not compared.
    #[serde(default)]
    pub undo: Value,
    /// When the reads were made.
    pub as_of: Timestamp,
}

/// One thing that would be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The full ARN; of a file on this machine, `file://` and its path.
    pub arn: String,
    /// The short id: `i-0abc...`, `cluster/service`.
    pub id: String,
    /// The name, when it has one. Untrusted.
    pub name: Option<String>,
    /// Tags that decide impact (environment, managed-by). Untrusted.
    pub tags: BTreeMap<String, String>,
    /// Lifecycle state: `running`, `ACTIVE`.
    pub state: String,
    /// What the change sets: `desired count`, `8`, `2`.
    pub changes: Vec<Change>,
    /// What moves by itself (running counts, events): shown "as of", not compared.
    pub context: Vec<(String, String)>,
}

impl Target {
    /// Whether it is a file on this machine: in no environment of the account.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.arn.starts_with("file://")
    }
}

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: String,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
}

/// Something to think of, with a stable code that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable: `asg_replaces`, `instance_store_lost`.
    pub code: String,
    /// A critical one makes the change high impact.
    pub level: WarningLevel,
    /// One sentence.
    pub text: String,
    /// What it is based on: the operation and the fact. Shown expanded.
    pub evidence: Option<String>,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningLevel {
    /// Good to know.
    Info,
    /// Think twice.
    Caution,
    /// Likely to hurt.
    Critical,
}

/// What AWS's own dry run said. It checks permission, not state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryRun {
    /// Only EC2 has one.
    NotOffered,
    /// Would be permitted.
    Permitted,
    /// Would not be; why.
    Denied(String),
    /// It could not be asked; why.
    Unknown(String),
}

/// Whether the change can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reversible", content = "why", rename_all = "snake_case")]
pub enum Reversible {
    /// Completely.
    Yes(String),
    /// Not all of it; what is lost.
    Partly(String),
    /// No; why.
    No(String),
}
