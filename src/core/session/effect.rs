//! What a session wants done.

use super::evaluate::Trial;
use super::input::Wake;
use crate::Timestamp;
use crate::approval::{Authorized, Gate, Spent};
use crate::event::{Live, Spending};
use crate::id::{CallId, FrontId, TurnId};
use crate::journal::Entry;
use crate::message::Request;
use crate::tool::WriteCall;
use serde_json::Value;
use std::sync::Arc;

/// One thing to do. Imperatives; carried out by `perform` and nowhere else.
#[derive(Debug)]
pub enum Effect {
    /// Make this entry durable, then show it. The stored form is what is hashed and written.
    Append(Arc<Entry>, String),
    /// Ask the model; stream back `Input::Model`.
    AskModel(Request),
    /// Run a read tool; answer `Input::Read`.
    Read(ReadCall),
    /// Plan a write; answer `Input::Planned`.
    Plan(CallId, WriteCall),
    /// Plan an approved write again; answer `Input::Replanned`.
    Replan(Authorized),
    /// Put a proposal before a person at this front.
    Ask(FrontId, Gate),
    /// Ask the person at this front whether something may cost that much; answer `Command::Spend`.
    AskSpending(FrontId, Spending),
    /// Make the intent durable, then carry out the write; answer `Input::Written`.
    Commit {
        /// The intent and its stored form.
        intent: (Arc<Entry>, String),
        /// The proof, used up.
        spent: Spent,
    },
    /// Stop the model request of this turn.
    CancelModel(TurnId),
    /// Stop a read or a plan. A write that went out is never cancelled.
    CancelCall(CallId),
    /// Ask a write that went out to stop by itself. Only a transfer can; its outcome is told all the same.
    AskToStop(CallId),
    /// Feed `Input::Woke` at this time.
    WakeAt(Wake, Timestamp),
    /// Show something that is not an entry.
    Show(Live),
    /// Tell one front something.
    Tell(FrontId, String),
    /// Everything has ended that had to: flush the journal and end the console.
    Finish,
    /// Ask a question again and again in sessions of their own that execute nothing; stream back `Input::Evaluated`.
    Evaluate(Box<Trial>),
    /// End the evaluation with what is complete.
    CancelEvaluation,
    /// Have this request counted; answer `Input::Counted`. `CancelModel` stops it.
    CountTokens(Request),
}

/// A read, ready to run: arguments are canonical.
#[derive(Clone, Debug)]
pub struct ReadCall {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// Canonical arguments.
    pub args: Value,
    /// What a person allowed it to cost beyond what it may without asking, in bytes.
    pub allowed: Option<u64>,
}
