//! What a front may ask the engine to do.

use crate::approval::{Authorized, Refusal};
use crate::event::Expense;
use crate::id::CallId;
use crate::scope::Mode;
use crate::settings::Settings;
use serde_json::Value;

/// One request to the engine. Neither Clone nor Serialize: it may hold an approval.
#[derive(Debug)]
pub enum Command {
    /// Ask the agent; begins a turn.
    Ask(String),
    /// Run a tool oneself; the same path as the model's calls.
    Call {
        /// The tool's name.
        tool: String,
        /// Arguments.
        args: Value,
        /// Read afresh, never reuse.
        fresh: bool,
    },
    /// Run a call again as a new step (reads only).
    Again(CallId),
    /// Propose the inverse of a change that was made.
    Undo(CallId),
    /// Take a refusal back: a fresh plan, a fresh dialog.
    Withdraw(CallId),
    /// A person approved.
    Approve(Authorized),
    /// A person refused.
    Refuse(Refusal),
    /// The answer to a question about money.
    Spend {
        /// What waits for it.
        what: Expense,
        /// Whether it may go ahead.
        yes: bool,
    },
    /// Cancel the turn and everything that runs for it.
    Cancel,
    /// Model, effort and limits from the next round on. Another model is not sent its predecessor's reasoning; what tools
    /// found is kept.
    Set(Settings),
    /// Change the mode.
    SetMode(Mode),
    /// End the console: refuse what waits, let a write in flight finish.
    Quit,
    /// Ask the question again and again, in tracking mode, and tell how alike the answers are.
    Evaluate {
        /// The question.
        question: String,
        /// How often, [`crate::eval::RUNS`].
        runs: u32,
        /// How many at a time, [`crate::eval::CONCURRENCY`].
        concurrency: u32,
    },
}
