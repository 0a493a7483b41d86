//! The journal's unit: one fact, once, in order.

use crate::Timestamp;
use crate::approval::{Digest, Proposal};
use crate::eval::Report;
use crate::id::{ApprovalId, CallId, Seq, TurnId};
use crate::message::{Block, ModelError, Stop, Usage};
use crate::scope::{Mode, Scope};
use crate::settings::Settings;
use crate::tokens::Fit;
use crate::tool::{Fault, Projection, Risk};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// The version of the entry format.
pub const VERSION: u16 = 1;

/// One appended fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format version, [`VERSION`].
    pub v: u16,
    /// Position from 0, without gaps.
    pub seq: Seq,
    /// Hash of the entry before, hex SHA-256; 64 zeros for the first.
    pub prev_hash: String,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Who asked for a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The model, in a turn; `id` is the model's own id for the call, `iteration` the round.
    Model {
        /// The turn.
        turn: TurnId,
        /// The round within the turn, from 1.
        iteration: u32,
        /// The model's id for the call, as it came.
        id: String,
    },
    /// A person at a front.
    Human,
    /// The console itself, verifying the change made by `of`.
    Verification {
        /// The write that is verified.
        of: CallId,
    },
}

/// What happened. Facts are in the past tense and complete: a view never needs anything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// The session began; always the first entry.
    SessionStarted {
        /// The session's id.
        session: String,
        /// The console's version.
        version: String,
        /// Who sits at the console, as the operating system says.
        operator: String,
    },
    /// The session was opened again after it had ended or crashed.
    SessionResumed {
        /// The console's version.
        version: String,
    },
    /// Account, regions or identity are now these.
    ScopeChanged {
        /// All of it.
        scope: Scope,
    },
    /// Model, effort and limits are now these.
    #[serde(alias = "model_changed")]
    SettingsChanged {
        /// All of them.
        #[serde(flatten)]
        settings: Settings,
    },
    /// The mode is now this.
    ModeChanged {
        /// The mode.
        mode: Mode,
    },
    /// Someone asked something; a turn begins.
    Question {
        /// The turn.
        turn: TurnId,
        /// The words, redacted.
        text: String,
    },
    /// A model was asked.
    ModelRequested {
        /// The turn.
        turn: TurnId,
        /// From 1.
        iteration: u32,
        /// The provider's name.
        provider: String,
        /// The model's id.
        model: String,
        /// SHA-256 of the system prompt, hex.
        prompt_hash: String,
        /// Bytes of the transcript sent, tools and system prompt apart.
        bytes: u64,
        /// What it takes of the model's window.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fit: Option<Fit>,
    },
    /// A model answered.
    ModelResponded {
        /// The turn.
        turn: TurnId,
        /// From 1.
        iteration: u32,
        /// The answer.
        blocks: Vec<Block>,
        /// Why it stopped.
        stop: Stop,
        /// Tokens.
        usage: Usage,
    },
    /// A model did not answer; what came before is kept.
    ModelFailed {
        /// The turn.
        turn: TurnId,
        /// From 1.
        iteration: u32,
        /// Complete blocks that came first, and the beginning of a text block that did not end.
        partial: Vec<Block>,
        /// Why.
        error: ModelError,
    },
    /// A tool call was asked for.
    ToolCalled {
        /// The call.
        call: CallId,
        /// Who asked.
        by: Actor,
        /// The tool's name as asked for; it may not exist.
        tool: String,
        /// What it can do; `None` when there is no such tool.
        risk: Option<Risk>,
        /// The arguments: canonical when valid, else as they came.
        args: Value,
    },
    /// A tool call has its result. Exactly one per call.
    ToolFinished {
        /// The call.
        call: CallId,
        /// The result.
        outcome: Outcome,
    },
    /// A proposal was put before a person (or would have been, where nobody can be asked).
    ApprovalAsked {
        /// The write call.
        call: CallId,
        /// This asking.
        approval: ApprovalId,
        /// What would be done.
        proposal: Arc<Proposal>,
        /// Of the proposal.
        digest: Digest,
        /// The model's words for why. Unverified.
        reason: Option<String>,
        /// What differs from the proposal that was approved before, when this is a re-plan.
        changed: Vec<String>,
    },
    /// A person approved it.
    Approved {
        /// The write call.
        call: CallId,
        /// The asking that was answered.
        approval: ApprovalId,
        /// What was approved.
        digest: Digest,
        /// Who, as the operating system says.
        operator: String,
        /// Whether a code was typed.
        typed_code: bool,
    },
    /// It was refused.
    Refused {
        /// The write call.
        call: CallId,
        /// The asking, when there was one.
        approval: Option<ApprovalId>,
        /// Who or what refused.
        by: RefusedBy,
        /// The operator's words.
        note: Option<String>,
    },
    /// A refusal was taken back; the call is planned afresh.
    RefusalWithdrawn {
        /// The refused call.
        call: CallId,
    },
    /// The change is about to be sent. Durable before anything goes out.
    WriteIntended {
        /// The write call.
        call: CallId,
        /// The approval that is spent.
        approval: ApprovalId,
        /// What was approved.
        digest: Digest,
    },
    /// What became of the change. Also appended after a crash, with `Unknown`.
    WriteConcluded {
        /// The write call.
        call: CallId,
        /// What became of it.
        effect: WriteEffect,
    },
    /// The verification of a change ended.
    Verified {
        /// The write call.
        call: CallId,
        /// One sentence.
        summary: String,
        /// `true` reached, `false` failed, `None` not seen in time or cancelled.
        reached: Option<bool>,
    },
    /// A turn is over.
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// Why.
        reason: TurnEnd,
    },
    /// Something worth a line: a note of the console itself.
    Noted {
        /// One sentence.
        text: String,
    },
    /// A question was asked again and again in tracking mode; nothing was executed.
    Evaluated {
        /// What was found.
        report: Arc<Report>,
    },
    /// To the model, older turns are now this summary; the journal keeps them as they are.
    Compacted {
        /// Turns before this one are in the summary.
        before: TurnId,
        /// The summary, as the model is sent it.
        text: String,
        /// How many turns it tells of.
        turns: u32,
        /// Tokens the next request would have taken.
        tokens_before: u64,
        /// Tokens it takes now, estimated.
        tokens_after: u64,
    },
    /// To the model, results of earlier rounds are now a line each; the journal keeps them as they are.
    Shortened {
        /// The turn that needed the room.
        turn: TurnId,
        /// The calls whose results these are.
        calls: Vec<CallId>,
        /// Not even their summaries are left.
        bare: bool,
        /// Tokens the next request would have taken.
        tokens_before: u64,
        /// Tokens it takes now, estimated.
        tokens_after: u64,
    },
}

/// Who or what refused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// A person at the dialog.
    Operator,
    /// The dialog's front went away.
    FrontGone,
    /// Nobody can be asked at this front.
    NobodyToAsk,
    /// An earlier refusal in this turn covers it.
    EarlierRefusal,
    /// The approval came too late.
    Expired,
    /// The session is read-only or tracking.
    Mode,
    /// The turn was cancelled while the dialog was open.
    Cancelled,
    /// The intent could not be written down.
    NotDurable,
}

/// Whether the account was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteEffect {
    /// AWS said it did.
    Done,
    /// AWS said it did not, or nothing was sent.
    NotDone,
    /// The answer was lost.
    Unknown,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It has a result, possibly partial (see the projection's errors).
    Ok {
        /// The result.
        projection: Arc<Projection>,
        /// The earlier call whose result this is, when it was reused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reused: Option<CallId>,
        /// Requests sent, retries among them.
        #[serde(default)]
        stats: CallStats,
    },
    /// It failed, was refused, or was cancelled.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// Tracking mode: written down and not run.
    Recorded,
}

/// Requests of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStats {
    /// Requests sent to AWS.
    pub requests: u32,
    /// Of these, retries.
    pub retries: u32,
}

/// Why a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnd {
    /// The model answered.
    Answered,
    /// The operator cancelled.
    Cancelled,
    /// The iteration limit.
    Iterations(u32),
    /// The same call with the same result, three times.
    Loop(String),
    /// The model failed.
    ModelFailed,
    /// The model stopped without finishing (output limit, refusal, context).
    Stopped(String),
    /// The console ended in the middle.
    Crashed,
    /// The next request would have gone over what the turn may take.
    Ceiling(String),
}
