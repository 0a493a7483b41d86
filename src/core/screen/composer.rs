//! The line one types in: readline keys, several lines, history.

use super::line::Line;
use crate::keymap::Action;

/// Questions kept for Up and Ctrl-R.
const HISTORY: usize = 500;

/// A text being edited.
#[derive(Debug, Default)]
pub struct Composer {
    /// The text.
    pub text: String,
    /// Byte offset of the cursor, always on a grapheme boundary.
    pub cursor: usize,
    /// Earlier questions, oldest first.
    pub history: Vec<String>,
    /// An ongoing history search (Ctrl-R): the words searched for.
    pub search: Option<String>,
    /// What was cut last, for Ctrl-Y; shared with the other lines.
    pub(super) kill: String,
    /// Where in the history the text comes from.
    at: Option<usize>,
    /// What was being typed before the history was entered.
    draft: String,
}

impl Composer {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes the text out, trimmed, as a question; `None`, and nothing happens, when it is blank.
    pub(super) fn take(&mut self) -> Option<String> {
        let question = self.text.trim().to_owned();
        if question.is_empty() {
            return None;
        }
        self.remember(question.clone());
        self.set(String::new());
        self.at = None;
        self.draft.clear();
        Some(question)
    }

    /// Adds a question to the history; one that was asked just before is not repeated.
    pub(super) fn remember(&mut self, question: String) {
        if self.history.last() != Some(&question) {
            self.history.push(question);
        }
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
    }

    /// Inserts a text at the cursor. `false` when not all of it fitted.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        self.line().insert(text)
    }

    /// Carries out an editing action. `false` when it is not one.
    pub(super) fn edit(&mut self, action: Action) -> bool {
        if action == Action::LineUp {
            if !self.line().up() {
                self.earlier();
            }
            return true;
        }
        if action == Action::LineDown {
            if !self.line().down() {
                self.later();
            }
            return true;
        }
        Line { text: &mut self.text, cursor: &mut self.cursor }.edit(action, &mut self.kill)
    }

    /// Begins a history search, or goes on to an older match.
    pub(super) fn search_on(&mut self) {
        if self.search.is_none() {
            self.draft.clone_from(&self.text);
            self.search = Some(String::new());
            self.at = None;
        } else {
            self.find(self.at.unwrap_or(self.history.len()));
        }
    }

    /// Changes the words searched for and finds the newest match again.
    pub(super) fn search_for(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(words) = &mut self.search {
            change(words);
            if words.is_empty() {
                self.at = None;
                self.set(self.draft.clone());
            } else {
                self.find(self.history.len());
            }
        }
    }

    /// Ends the search. What was found stays when `keep`, else what stood there before comes back.
    pub(super) fn search_end(&mut self, keep: bool) {
        if self.search.take().is_some() && !keep {
            self.at = None;
            self.set(self.draft.clone());
        }
    }

    fn find(&mut self, before: usize) {
        let Some(words) = self.search.as_ref().map(|w| w.to_lowercase()) else { return };
        let hit = self
            .history
            .iter()
            .enumerate()
            .rev()
            .skip(self.history.len().saturating_sub(before))
            .find(|(_, question)| question.to_lowercase().contains(&words));
        if let Some((at, question)) = hit {
            let question = question.clone();
            self.at = Some(at);
            self.set(question);
        }
    }

    fn earlier(&mut self) {
        let Some(at) = self.at.unwrap_or(self.history.len()).checked_sub(1) else { return };
        if self.at.is_none() {
            self.draft.clone_from(&self.text);
        }
        self.recall(at);
    }

    fn later(&mut self) {
        let Some(at) = self.at else { return };
        if at + 1 < self.history.len() {
            self.recall(at + 1);
        } else {
            self.at = None;
            self.set(self.draft.clone());
        }
    }

    fn recall(&mut self, at: usize) {
        if let Some(question) = self.history.get(at) {
            let question = question.clone();
            self.at = Some(at);
            self.set(question);
        }
    }

    fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    fn line(&mut self) -> Line<'_> {
        Line { text: &mut self.text, cursor: &mut self.cursor }
    }
}
