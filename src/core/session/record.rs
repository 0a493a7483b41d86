//! Appending: the one place where facts become entries, and where secrets are masked before they do.

use super::{Effect, Session};
use crate::Timestamp;
use crate::journal::{Entry, Fact, Outcome};
use crate::message::{Block, Input};
use crate::text::Redactor;
use crate::thought::NOBODYS;
use crate::tool::Fault;
use std::borrow::Cow;
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
        self.meter.apply(&entry, &self.models);
        Some((entry, stored))
    }
}

/// Masks secrets in everything of a fact that came from outside. A proposal stays as it is: it is what is
/// approved, and its fields are names and numbers by construction.
fn mask(fact: &mut Fact, redactor: &Redactor) {
    let text = |text: &mut String| mask_text(text, redactor);
    match fact {
        Fact::Question { text: words, .. }
        | Fact::Noted { text: words }
        | Fact::Compacted { text: words, .. }
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
            *args = redactor.redact_value(args);
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
        | Fact::SettingsChanged { .. }
        | Fact::ModeChanged { .. }
        | Fact::ModelRequested { .. }
        | Fact::Approved { .. }
        | Fact::RefusalWithdrawn { .. }
        | Fact::WriteIntended { .. }
        | Fact::WriteConcluded { .. }
        | Fact::TurnEnded { .. }
        // What an evaluation tells comes from journals that were masked with the same key.
        | Fact::Evaluated { .. }
        | Fact::Shortened { .. } => {}
    }
}

/// Reasoning is signed by its vendor and stays byte for byte; it was made from masked text.
fn mask_blocks(blocks: &mut [Block], redactor: &Redactor) {
    for block in blocks {
        match block {
            Block::Text { text } | Block::ToolCall { input: Input::Garbage(text), .. } => {
                mask_text(text, redactor);
            }
            Block::ToolCall { input: Input::Json(value), .. } => *value = redactor.redact_value(value),
            Block::Reasoning { provider, raw, .. } if provider == NOBODYS => {
                *raw = redactor.redact_value(raw);
            }
            Block::Reasoning { .. } => {}
        }
    }
}

fn mask_fault(fault: &mut Fault, redactor: &Redactor) {
    mask_text(&mut fault.message, redactor);
    if let Some(hint) = &mut fault.hint {
        mask_text(hint, redactor);
    }
}

fn mask_text(text: &mut String, redactor: &Redactor) {
    if let Cow::Owned(masked) = redactor.redact(text) {
        *text = masked;
    }
}
