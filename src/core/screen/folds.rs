//! What of the chat is folded: a model's thinking, until it is opened.

use super::scroll::reveal;
use super::{ChatItem, Focus, Screen};
use crate::id::StepNo;
use std::collections::BTreeSet;

/// Which thinking is open. New thinking is as the last "all" left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    /// All of it is open, but for `except`; else none is, but for `except`.
    pub open: bool,
    /// Responses whose thinking is the other way round.
    pub except: BTreeSet<StepNo>,
}

impl Folds {
    /// Whether the thinking of this response is open.
    #[must_use]
    pub fn is_open(&self, step: StepNo) -> bool {
        self.open != self.except.contains(&step)
    }

    fn toggle(&mut self, step: StepNo) {
        if !self.except.remove(&step) {
            self.except.insert(step);
        }
    }
}

/// Something in the chat that a key can select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An evidence link to a step.
    Link(StepNo),
    /// The line above a response's thinking.
    Thinking(StepNo),
}

impl Screen {
    /// Opens or folds the thinking of a response. Its line stays where it is.
    pub(super) fn toggle_thinking(&mut self, step: StepNo) {
        let extent = self.shown.chat;
        let top = self.chat.first_line(extent);
        let line = self.shown.links.iter().position(|m| *m == Mark::Thinking(step));
        let line = line.and_then(|at| self.shown.link_lines.get(at)).copied().unwrap_or(top);
        self.chat.folds.toggle(step);
        self.chat.anchor = Some(reveal(top, line, 1, extent));
        self.chat.rest = false;
    }

    /// Opens or folds all thinking in the chat, when the chat has the keys and there is any.
    pub(super) fn fold_chat(&mut self, open: bool) -> bool {
        let any = self.pane == Focus::Chat && self.newest_thinking().is_some();
        if any {
            self.chat.folds = Folds { open, except: BTreeSet::new() };
            self.say(if open { "all thinking is open" } else { "all thinking is folded" });
        }
        any
    }

    /// The newest response whose thinking can be opened.
    pub(super) fn newest_thinking(&self) -> Option<StepNo> {
        self.ledger.chat.iter().rev().find_map(|item| match item {
            ChatItem::Thinking { text, step, .. } => (!text.is_empty()).then_some(*step),
            ChatItem::Question { .. } | ChatItem::Answer { .. } | ChatItem::Line { .. } => None,
        })
    }
}
