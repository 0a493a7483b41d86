//! What the engine tells its fronts.

use crate::approval::Gate;
use crate::id::{CallId, TurnId};
use crate::journal::Entry;
use crate::tool::Projection;
use std::sync::Arc;

/// One message to a front. Neither Clone nor Serialize: it may hold a gate.
#[derive(Debug)]
pub enum Event {
    /// A durable entry.
    Appended(Arc<Entry>),
    /// Something live, replaced by the entry that concludes it.
    Live(Live),
    /// A person is asked.
    Ask(Gate),
    /// A person is asked about money. Never yields an approval.
    Spend(Spending),
    /// A sentence for the notice line. Untrusted.
    Notice(String),
    /// The store failed: changes are refused from here on; reads go on.
    StoreFailed(String),
    /// The engine has ended.
    Closed,
}

/// Something that would cost more than it may without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// What waits for the answer.
    pub what: Expense,
    /// What it would cost and what it may, in one sentence. May quote AWS, so it is untrusted text.
    pub says: String,
}

/// What money is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expense {
    /// A billed read.
    Read(CallId),
    /// A turn that would go over its ceiling.
    Turn(TurnId),
}

/// Not an entry: shown while something runs.
#[derive(Clone, Debug)]
pub enum Live {
    /// More text of the answer.
    Text(TurnId, String),
    /// More reasoning.
    Reasoning(TurnId, String),
    /// The model is composing a call to this tool.
    Composing(TurnId, String),
    /// The model request is being repeated.
    Retrying(TurnId, String),
    /// A call's progress.
    Progress(CallId, Progress),
    /// How far the evaluation is; a fact concludes it.
    Evaluating(crate::eval::Progress),
    /// The provider counts what the next request takes.
    Counting(TurnId),
}

/// How far a call is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units there are, when known.
    pub total: Option<u64>,
    /// What is counted: `regions`, `pages`, `windows`, `bytes`.
    pub unit: &'static str,
    /// Rows so far.
    pub rows: u64,
    /// What has answered so far, when it can be shown.
    pub partial: Option<Arc<Projection>>,
}
