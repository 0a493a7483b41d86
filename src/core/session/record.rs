//! Appending: the one place where facts become entries, and where secrets are masked before they do.

use super::{Effect, Session};
use crate::Timestamp;
use crate::journal::{Entry, Fact, Outcome};
use crate::message::{Block, Input};
use crate::text::Redactor;
use crate::tool::Fault;
use serde_json::Value;
use std::sync::Arc;

impl Session {
    /// Appends a fact.
    pub(super) fn append(&mut self, fact: Fact, now: Timestamp) {
        if let Some((entry, stored)) = self.link(fact, now) {
            self.out.push(Effect::Append(entry, stored));
        }
    }

    /// The entry that records a fact and its stored form, taken into every projection. `None` when it cannot be
    /// serialized: the journal then has a gap, so nothing may be changed any more.
    pub(super) fn link(&mut self, mut fact: Fact, now: Timestamp) -> Option<(Arc<Entry>, String)> {
        mask(&mut fact, &self.redactor);
        let Ok((entry, stored)) = self.chain.link(fact, now) else {
            self.store_failed = true;
            return None;
        };
        let entry = Arc::new(entry);
        self.entries.push(Arc::clone(&entry));
        self.timeline.apply(&entry);
        self.transcript.apply(&entry, &self.timeline);
        Some((entry, stored))
    }
}

/// Masks secrets in everything of a fact that came from outside. A proposal stays as it is: it is what is
/// approved, and its fields are names and numbers by construction.
fn mask(fact: &mut Fact, redactor: &Redactor) {
    let text = |text: &mut String| {
        if let std::borrow::Cow::Owned(masked) = redactor.redact(text) {
            *text = masked;
        }
    };
    match fact {
        Fact::Question { text: words, .. }
        | Fact::Noted { text: words }
        | Fact::Verified { summary: words, .. } => {
            text(words);
        }
        Fact::ModelResponded { blocks, .. } => mask_blocks(blocks, redactor),
        Fact::ModelFailed { partial, error, .. } => {
            mask_blocks(partial, redactor);
            text(&mut error.message);
        }
        Fact::ToolCalled { tool, args, .. } => {
            text(tool);
            mask_value(args, redactor);
        }
        Fact::ToolFinished { outcome, .. } => match outcome {
            Outcome::Ok { .. } | Outcome::Recorded => {}
            Outcome::Failed { fault } => mask_fault(fault, redactor),
        },
        Fact::ApprovalAsked { reason, .. } => {
            if let Some(reason) = reason {
                text(reason);
            }
        }
        Fact::Refused { note, .. } => {
            if let Some(note) = note {
                text(note);
            }
        }
        Fact::SessionStarted { .. }
        | Fact::SessionResumed { .. }
        | Fact::ScopeChanged { .. }
        | Fact::ModelChanged { .. }
        | Fact::ModeChanged { .. }
        | Fact::ModelRequested { .. }
        | Fact::Approved { .. }
        | Fact::RefusalWithdrawn { .. }
        | Fact::WriteIntended { .. }
        | Fact::WriteConcluded { .. }
        | Fact::TurnEnded { .. } => {}
    }
}

/// Reasoning is signed by its vendor and stays byte for byte; it was made from masked text.
fn mask_blocks(blocks: &mut [Block], redactor: &Redactor) {
    for block in blocks {
        match block {
            Block::Text { text } | Block::ToolCall { input: Input::Garbage(text), .. } => {
                *text = redactor.redact(text).into_owned();
            }
            Block::ToolCall { input: Input::Json(value), .. } => mask_value(value, redactor),
            Block::Reasoning { .. } => {}
        }
    }
}

fn mask_fault(fault: &mut Fault, redactor: &Redactor) {
    fault.message = redactor.redact(&fault.message).into_owned();
    if let Some(hint) = &mut fault.hint {
        *hint = redactor.redact(hint).into_owned();
    }
}

fn mask_value(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = redactor.redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|v| mask_value(v, redactor)),
        Value::Object(map) => map.values_mut().for_each(|v| mask_value(v, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Session {
    /// A result with its secrets masked.
    pub(super) fn masked(&self, projection: crate::tool::Projection) -> crate::tool::Projection {
        projection
    }
}
