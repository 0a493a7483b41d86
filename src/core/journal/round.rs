//! The calls of one answer and what became of them.

use super::render::Rendered;
use crate::id::{CallId, TurnId};
use crate::message::UserPart;
use crate::tool::RESULT_CAP;

/// Bytes below which a result says nothing any more.
const LEAST: usize = 240;

/// The calls of one answer.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) turn: TurnId,
    pub(super) iteration: u32,
    pub(super) slots: Vec<Slot>,
    /// The results were sent: what comes now is told in words.
    pub(super) sent: bool,
    /// Bytes all results may take together.
    pub(super) results: usize,
}

impl Round {
    /// Bytes each result may take.
    pub(super) fn cap(&self) -> usize {
        (self.results / self.slots.len().max(1)).clamp(LEAST, RESULT_CAP)
    }
}

/// One call of an answer.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Unique within the transcript.
    pub(super) id: String,
    pub(super) name: String,
    garbage: bool,
    pub(super) call: Option<CallId>,
    pub(super) standing: Standing,
    pub(super) result: Option<Rendered>,
    /// Lines after the result: what the verification said.
    pub(super) after: Vec<String>,
}

/// How far a call came, for one that has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    NotRun,
    Begun,
    Denied,
    Sent,
    Done,
    NotDone,
}

impl Slot {
    pub(super) fn new(id: String, name: String, garbage: bool) -> Self {
        Self { id, name, garbage, call: None, standing: Standing::NotRun, result: None, after: Vec::new() }
    }

    /// The answer to this call.
    pub(super) fn part(&self) -> UserPart {
        let (mut content, is_error) = match &self.result {
            Some(result) => (result.content.clone(), result.is_error),
            None => (self.missing().to_owned(), true),
        };
        for line in &self.after {
            content.push('\n');
            content.push_str(line);
        }
        UserPart::ToolResult { id: self.id.clone(), name: self.name.clone(), content, is_error }
    }

    /// The call, when its result is no more than something that was read.
    pub(super) fn may_be_shortened(&self) -> Option<CallId> {
        let read = match self.standing {
            Standing::NotRun | Standing::Begun => self.after.is_empty(),
            Standing::Denied | Standing::Sent | Standing::Done | Standing::NotDone => false,
        };
        self.call.filter(|_| read && self.result.as_ref().is_some_and(|r| !r.is_error))
    }

    const fn missing(&self) -> &'static str {
        match self.standing {
            Standing::NotRun if self.garbage => "not run: the arguments were not a JSON object",
            Standing::NotRun => "not run: the turn ended before this call was begun",
            Standing::Begun => "interrupted: no result came; nothing was changed",
            Standing::Denied => "denied: the change was refused; nothing was changed",
            Standing::Sent => {
                "interrupted: the change was sent and its effect is unknown; read the state back before going on"
            }
            Standing::Done => "interrupted: the change was made, but its result was lost",
            Standing::NotDone => "interrupted: the change was not made",
        }
    }
}
