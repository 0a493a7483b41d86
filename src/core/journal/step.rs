//! The timeline: the journal as steps people can cite.

use super::Entry;
use crate::Timestamp;
use crate::id::{CallId, Seq, StepNo, TurnId};
use std::sync::Arc;

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Someone asked.
    Question,
    /// A model was asked; ends when it answered.
    ModelRequest,
    /// A model answered.
    ModelResponse,
    /// A tool call, by a model, a person or the console; ends with its result.
    ToolCall,
    /// An approval was asked; ends when it was answered.
    Approval,
    /// An error that belongs to no call.
    Error,
    /// A note: scope, mode, verification, the end of a turn.
    Note,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepStatus {
    /// Waiting for a place.
    Pending,
    /// Running.
    InProgress,
    /// Done.
    Completed,
    /// Done, with parts missing.
    Partial,
    /// Failed.
    Error,
    /// Refused by a person, a rule or IAM.
    Denied,
    /// Cancelled.
    Cancelled,
    /// Its effect on the account is not known.
    Unknown,
}

/// One step. Small: what it holds in full is in its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number, as cited: `#4`.
    pub no: StepNo,
    /// What it is.
    pub kind: StepKind,
    /// How it stands.
    pub status: StepStatus,
    /// The tool's name, the question's first line. Untrusted.
    pub title: String,
    /// A short remark: the result's summary, an error, tokens. Untrusted.
    pub remark: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The turn it belongs to.
    pub turn: Option<TurnId>,
    /// The round within the turn, from 1.
    pub iteration: Option<u32>,
    /// The call it is about.
    pub call: Option<CallId>,
    /// The entries it is made of, in order; the first is what began it.
    pub entries: Vec<Seq>,
}

/// All steps, kept up to date entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub(super) steps: Vec<Step>,
}

impl Timeline {
    /// Takes in the next entry. Returns the number of the step it began or changed, if any.
    pub fn apply(&mut self, _entry: &Arc<Entry>) -> Option<StepNo> {
        None
    }

    /// All steps, oldest first; `steps()[n - 1]` is step `#n`.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step `#no`.
    #[must_use]
    pub fn get(&self, no: StepNo) -> Option<&Step> {
        self.steps.get(usize::try_from(no.0).ok()?.checked_sub(1)?)
    }

    /// The tool-call step of a call.
    #[must_use]
    pub fn of_call(&self, _call: CallId) -> Option<&Step> {
        None
    }
}
