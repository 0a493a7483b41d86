//! The evaluation of determinism: how far it is, what it found, variant by variant.

use super::scroll::{Jump, jump, moved, reveal};
use super::{Screen, Shown};
use crate::Timestamp;
use crate::command::Command;
use crate::eval::{self, Progress, Report, Weighed};
use crate::keymap::{Action, Place};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The open evaluation.
#[derive(Debug)]
pub struct Evaluation {
    /// When it began.
    pub began: Timestamp,
    /// How far it is.
    pub progress: Progress,
    /// The selected variant, counted through all levels.
    pub selected: usize,
    /// Expanded variants: their level and their earliest run.
    pub open: BTreeSet<(Weighed, u32)>,
    /// First line of the variants shown.
    pub top: usize,
    /// The selection moved or grew: the next drawing brings it into view.
    settle: bool,
}

impl Evaluation {
    /// Every variant, level by level: what [`Self::selected`] counts.
    pub fn variants(report: &Report) -> impl Iterator<Item = (Weighed, u32)> {
        report
            .levels
            .iter()
            .flat_map(|level| level.variants.iter().filter_map(|v| Some((level.level, *v.runs.first()?))))
    }

    fn count(&self) -> usize {
        Self::variants(&self.progress.report).count()
    }

    fn select(&mut self, by: Jump) {
        self.selected = moved(self.selected, by, self.count().saturating_sub(1));
        self.settle = true;
    }

    /// Keeps the selection in sight.
    pub(super) fn drawn(&mut self, shown: &Shown) {
        self.selected = self.selected.min(self.count().saturating_sub(1));
        if std::mem::take(&mut self.settle)
            && let Some((line, height)) = shown.variants.get(self.selected)
        {
            // The first one keeps its heading.
            let (line, height) = if self.selected == 0 { (0, line + height) } else { (*line, *height) };
            self.top = reveal(self.top, line, height, shown.evaluation);
        }
        self.top = self.top.min(shown.evaluation.last_top());
    }
}

impl Screen {
    /// Whether determinism is being evaluated.
    #[must_use]
    pub fn evaluates(&self) -> bool {
        self.evaluation.as_ref().is_some_and(|e| !e.progress.over)
    }

    /// Why nothing can be evaluated now.
    pub(super) fn cannot_evaluate(&self) -> Option<&'static str> {
        let busy = self.ledger.running.is_some() || !self.ledger.open_calls.is_empty();
        eval::closed(self.ledger.mode, busy)
    }

    /// `:eval [RUNS] [QUESTION]`: without a question, the last one of the session.
    pub(super) fn evaluate(&mut self, rest: &str) -> Result<Vec<Command>, String> {
        if let Some(why) = self.cannot_evaluate() {
            return Err(why.to_owned());
        }
        let (head, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (runs, words) = match head.parse::<u32>() {
            Ok(runs) if eval::RUNS.contains(&runs) => (runs, tail.trim()),
            Ok(_) => return Err("eval takes 1 to 100 runs, and 10 when no number is given".to_owned()),
            Err(_) => (eval::STANDARD_RUNS, rest),
        };
        let question = if words.is_empty() { self.last_question() } else { Some(words.to_owned()) };
        let question = question.ok_or("nothing was asked yet: type a question after eval")?;
        Ok(vec![Command::Evaluate { question, runs, concurrency: eval::STANDARD_CONCURRENCY }])
    }

    fn last_question(&self) -> Option<String> {
        self.ledger.chat.iter().rev().find_map(|item| match item {
            super::ChatItem::Question { text, .. } => Some(text.clone()),
            super::ChatItem::Thinking { .. }
            | super::ChatItem::Answer { .. }
            | super::ChatItem::Line { .. } => None,
        })
    }

    /// News of an evaluation: opens it with the first.
    pub(super) fn evaluated(&mut self, progress: Progress) {
        if let Some(evaluation) = self.evaluation.as_mut().filter(|e| !e.progress.over) {
            evaluation.progress = progress;
            return;
        }
        (self.help, self.palette, self.prompt) = (None, None, None);
        self.evaluation = Some(Evaluation {
            began: self.now,
            progress,
            selected: 0,
            open: BTreeSet::new(),
            top: 0,
            settle: false,
        });
    }

    /// It has ended: what is in the journal is what is shown.
    pub(super) fn evaluation_over(&mut self, report: &Arc<Report>) {
        if let Some(evaluation) = self.evaluation.as_mut().filter(|e| !e.progress.over) {
            evaluation.progress = Progress { report: Arc::clone(report), running: 0, over: true };
        }
    }

    pub(super) fn evaluation_act(&mut self, action: Action) -> Vec<Command> {
        if action == Action::Help {
            self.open_help(Place::Evaluation);
            return Vec::new();
        }
        let fits = self.shown.evaluation.fits;
        let Some(evaluation) = &mut self.evaluation else { return Vec::new() };
        let report = Arc::clone(&evaluation.progress.report);
        if action == Action::Close && evaluation.progress.over {
            self.evaluation = None;
        } else if action == Action::Close {
            self.say("cancelling: what is complete stays");
            return vec![Command::Cancel];
        } else if action == Action::Expand {
            let chosen = Evaluation::variants(&report).nth(evaluation.selected);
            if let Some(chosen) = chosen
                && !evaluation.open.remove(&chosen)
            {
                evaluation.open.insert(chosen);
            }
            evaluation.settle = true;
        } else if action == Action::ExpandAll {
            evaluation.open = Evaluation::variants(&report).collect();
            evaluation.settle = true;
        } else if action == Action::FoldAll {
            evaluation.open.clear();
            evaluation.settle = true;
        } else if action == Action::CopyStep {
            self.put("the evaluation as Markdown".to_owned(), &report.markdown());
        } else if action == Action::CopyCall {
            let json = serde_json::to_string_pretty(&*report).unwrap_or_default();
            self.put("the evaluation as JSON".to_owned(), &json);
        } else {
            match jump(action, fits) {
                Some(by @ (Jump::By(-1 | 1) | Jump::Start | Jump::End)) => evaluation.select(by),
                Some(by) => self.scroll_evaluation(by),
                None => {}
            }
        }
        Vec::new()
    }

    pub(super) fn scroll_evaluation(&mut self, by: Jump) {
        let extent = self.shown.evaluation;
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.top = moved(evaluation.top, by, extent.last_top());
            evaluation.settle = false;
        }
    }
}
