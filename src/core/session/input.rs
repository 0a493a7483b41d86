//! What can happen to a session.

use crate::approval::{Authorized, Challenge, Proposal};
use crate::command::Command;
use crate::eval::Progress;
use crate::id::{ApprovalId, CallId, FrontId, TurnId};
use crate::journal::CallStats;
use crate::message::{ModelError, ModelEvent};
use crate::scope::Scope;
use crate::tokens::Tokens;
use crate::tool::{Fault, Projection};

/// One thing that happened. Carries the id of what it belongs to; `step` drops what belongs to nothing any more.
/// Neither Clone nor Serialize: a command may hold an approval.
#[derive(Debug)]
pub enum Input {
    /// A front connected.
    FrontJoined(FrontId, FrontCaps),
    /// A front's channel closed.
    FrontGone(FrontId),
    /// A front asked for something.
    Command(FrontId, Command),
    /// The console learned or changed where it is.
    Scope(Scope),
    /// The model streams.
    Model(TurnId, u32, Result<ModelEvent, ModelError>),
    /// A read ended.
    Read(CallId, Result<(Projection, CallStats), Fault>),
    /// A write was planned. The challenge is fresh randomness for its dialog.
    Planned(CallId, Result<Proposal, Fault>, Challenge),
    /// An approved write was planned again.
    Replanned(Authorized, Result<Proposal, Fault>, Challenge),
    /// An approved write was carried out, or not.
    Written(CallId, Written),
    /// Something outside that every front should say: missing credentials. Untrusted.
    Notice(String),
    /// A timer set by `WakeAt` is due.
    Woke(Wake),
    /// The journal can no longer be written; why. Changes are refused from here on.
    StoreFailed(String),
    /// How far the evaluation is.
    Evaluated(Progress),
    /// What the request of this turn and iteration would take.
    Counted(TurnId, u32, Tokens),
}

/// What a front can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrontCaps {
    /// It can put an approval before a person.
    pub can_ask: bool,
}

/// How a write came back.
#[derive(Debug)]
pub enum Written {
    /// AWS said it did.
    Done(Projection, CallStats),
    /// AWS said no, or nothing was sent.
    NotDone(Fault),
    /// The answer was lost.
    Unknown(Fault),
    /// The intent could not be made durable; nothing was sent.
    NotDurable(String),
}

/// What a timer was set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wake {
    /// The next verification read of a write.
    Verify(CallId),
    /// An approval's lifetime is over.
    Approval(ApprovalId),
    /// The model is told of this write although its verification has not ended.
    Hold(CallId),
    /// What the request of this turn and iteration takes is not counted by then: it is estimated.
    Count(TurnId, u32),
}
