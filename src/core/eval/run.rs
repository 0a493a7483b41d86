//! One run, read from its journal.

use crate::id::CallId;
use crate::journal::{Actor, Entry, Fact, Outcome, TurnEnd};
use crate::message::{Block, ModelError, ModelErrorKind, Usage};
use crate::models::Models;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One call as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// The tool's name as asked for. Untrusted.
    pub tool: String,
    /// Canonical when valid (defaults filled in, fields in order), else as they came. Untrusted.
    pub args: Value,
    /// Whether the tool exists and takes these arguments.
    pub valid: bool,
}

/// One time the question was asked, from the question to the end of its turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// From 1.
    pub no: u32,
    /// The calls, round by round; each round sorted, as its order has no meaning. Rounds without calls are left out.
    pub rounds: Vec<Vec<Called>>,
    /// The last words of the model.
    pub answer: String,
    /// How it ended.
    pub end: RunEnd,
    /// Tokens of the requests that were answered.
    pub usage: Usage,
    /// Their price in US dollars, when it is known.
    pub dollars: Option<f64>,
    /// How long it took.
    pub took: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// With an answer.
    Answered,
    /// By itself without one: a limit, a loop, the output limit. That is behaviour of the model, so it counts as complete.
    Stopped(String),
    /// The model could not be asked to the end.
    Failed(ModelError),
    /// The operator cancelled, or it was never begun.
    Cancelled,
}

impl Run {
    /// The run that `entries` tell: a journal with one question in it.
    #[must_use]
    pub fn of(no: u32, entries: &[Arc<Entry>], models: &Models, took: Duration) -> Self {
        let mut run = Self { took, ..Self::cancelled(no) };
        let mut rounds: BTreeMap<u32, Vec<(CallId, Called)>> = BTreeMap::new();
        let mut asked = ("", "");
        let mut failed = None;
        for entry in entries {
            match &entry.fact {
                Fact::ModelRequested { provider, model, .. } => asked = (provider, model),
                Fact::ModelResponded { blocks, usage, .. } => {
                    run.answer = words(blocks);
                    run.usage = run.usage.plus(*usage);
                    let cost = models.lookup(asked.0, asked.1).cost(*usage);
                    run.dollars = run.dollars.zip(cost).map(|(a, b)| a + b);
                }
                Fact::ModelFailed { error, .. } => failed = Some(error.clone()),
                Fact::ToolCalled { call, by: Actor::Model { iteration, .. }, tool, args, .. } => {
                    let called = Called { tool: tool.clone(), args: args.clone(), valid: true };
                    rounds.entry(*iteration).or_default().push((*call, called));
                }
                Fact::ToolFinished { call, outcome: Outcome::Failed { .. } } => {
                    let of = rounds.values_mut().flatten().find(|(id, _)| id == call);
                    of.into_iter().for_each(|(_, called)| called.valid = false);
                }
                Fact::TurnEnded { reason, .. } => run.end = end(reason, failed.take()),
                Fact::SessionStarted { .. }
                | Fact::SessionResumed { .. }
                | Fact::ScopeChanged { .. }
                | Fact::SettingsChanged { .. }
                | Fact::ModeChanged { .. }
                | Fact::Question { .. }
                | Fact::ToolCalled { .. }
                | Fact::ToolFinished { .. }
                | Fact::ApprovalAsked { .. }
                | Fact::Approved { .. }
                | Fact::Refused { .. }
                | Fact::RefusalWithdrawn { .. }
                | Fact::WriteIntended { .. }
                | Fact::WriteConcluded { .. }
                | Fact::Verified { .. }
                | Fact::Noted { .. }
                | Fact::Compacted { .. }
                | Fact::Shortened { .. }
                | Fact::Evaluated { .. } => {}
            }
        }
        run.rounds = rounds.into_values().map(sorted).collect();
        run
    }

    /// A run that was not begun.
    #[must_use]
    pub fn cancelled(no: u32) -> Self {
        Self {
            no,
            rounds: Vec::new(),
            answer: String::new(),
            end: RunEnd::Cancelled,
            usage: Usage::default(),
            dollars: Some(0.0),
            took: Duration::ZERO,
        }
    }

    /// Whether it counts for the agreement.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.end, RunEnd::Answered | RunEnd::Stopped(_))
    }

    /// Whether it failed because nobody may ask this model.
    #[must_use]
    pub const fn lacks_credentials(&self) -> bool {
        matches!(&self.end, RunEnd::Failed(ModelError { kind: ModelErrorKind::Credentials, .. }))
    }
}

fn sorted(round: Vec<(CallId, Called)>) -> Vec<Called> {
    let mut calls: Vec<Called> = round.into_iter().map(|(_, called)| called).collect();
    calls.sort_by_cached_key(|c| (c.tool.clone(), c.args.to_string(), c.valid));
    calls
}

fn words(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text { text } => Some(text.trim()),
        Block::Reasoning { .. } | Block::ToolCall { .. } => None,
    });
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn end(reason: &TurnEnd, failed: Option<ModelError>) -> RunEnd {
    let broken = |message: &str| {
        let error = ModelError { kind: ModelErrorKind::Unavailable, message: message.to_owned() };
        RunEnd::Failed(failed.unwrap_or(error))
    };
    match reason {
        TurnEnd::Answered => RunEnd::Answered,
        TurnEnd::Cancelled => RunEnd::Cancelled,
        TurnEnd::Iterations(n) => RunEnd::Stopped(format!("the limit of {n} iterations")),
        TurnEnd::Loop(why) => RunEnd::Stopped(format!("a loop: {why}")),
        TurnEnd::Stopped(why) | TurnEnd::Ceiling(why) => RunEnd::Stopped(why.clone()),
        TurnEnd::ModelFailed => broken("the model failed"),
        TurnEnd::Crashed => broken("the run ended in the middle"),
    }
}
