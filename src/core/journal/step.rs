//! One step of the timeline.

use crate::Timestamp;
use crate::id::{CallId, Seq, StepNo, TurnId};

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
    /// Tracking mode: written down and not run.
    Recorded,
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
