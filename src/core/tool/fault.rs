//! Why a tool did not answer, as data for the model and a step on the timeline.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of failure an operator acts on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// IAM said no.
    Denied,
    /// Too many requests, after all retries.
    Throttled,
    /// Credentials ended or are missing.
    Expired,
    /// The named thing does not exist.
    Missing,
    /// The arguments cannot be right.
    Invalid,
    /// The state of the target does not allow the call.
    Conflict,
    /// The service or the network did not answer usefully.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// Our own guard refused an operation the tool does not list.
    Guard,
    /// A person or a rule of the console refused.
    Refused,
    /// Cancelled before it was done.
    Cancelled,
}

impl FaultKind {
    /// As told to people and models.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Expired => "expired",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Guard => "guard",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A structured error: what went wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// One sentence. May quote AWS, so it is untrusted text.
    pub message: String,
    /// The missing IAM action, for `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What to do: the next command, the nearest names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What a person would have to allow for the call to go ahead, in bytes: a billed read that would cost more than it
    /// may without asking. The message is then the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<u64>,
}

impl Fault {
    /// A fault of `kind` that says `message`.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), action: None, hint: None, allowance: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes it a question of money: a person may allow this many bytes.
    #[must_use]
    pub fn allowance(mut self, bytes: u64) -> Self {
        self.allowance = Some(bytes);
        self
    }

    /// Adds the missing IAM action.
    #[must_use]
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.label(), self.message)?;
        if let Some(action) = &self.action {
            write!(f, " (needs {action})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
