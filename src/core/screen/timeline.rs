//! The timeline: what is selected, what the filter lets through, what is in view.

use super::scroll::{Jump, moved, reveal};
use super::{Filter, Ledger, Screen, expanded_rows};
use crate::id::StepNo;
use crate::journal::{Step, StepKind, StepStatus};

impl Filter {
    /// Whether `step` is shown.
    #[must_use]
    pub fn lets(&self, step: &Step) -> bool {
        let failed = matches!(step.status, StepStatus::Error | StepStatus::Denied | StepStatus::Unknown);
        let text = self.text.to_lowercase();
        (!self.errors || failed)
            && (!self.calls || step.kind == StepKind::ToolCall)
            && (text.is_empty()
                || step.title.to_lowercase().contains(&text)
                || step.remark.to_lowercase().contains(&text))
    }

    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.errors && !self.calls && self.text.is_empty()
    }
}

/// Steps worth following: not what merely connects them.
fn interesting(step: &Step) -> bool {
    match step.kind {
        StepKind::Question
        | StepKind::ModelResponse
        | StepKind::ToolCall
        | StepKind::Approval
        | StepKind::Error => true,
        StepKind::ModelRequest | StepKind::Note => false,
    }
}

impl Screen {
    /// The selected step.
    #[must_use]
    pub fn selected(&self) -> Option<&Step> {
        self.ledger.timeline.get(self.timeline.selected?)
    }

    /// A step began or changed.
    pub(super) fn step_changed(&mut self, no: StepNo) {
        let Self { ledger: Ledger { timeline, .. }, timeline: pane, .. } = self;
        let Some(step) = timeline.get(no) else { return };
        match (pane.visible.binary_search(&no), pane.filter.lets(step)) {
            (Err(at), true) => pane.visible.insert(at, no),
            (Ok(at), false) => {
                pane.visible.remove(at);
            }
            (Ok(_), true) | (Err(_), false) => {}
        }
        let newer = pane.selected.is_none_or(|selected| selected < no);
        let follows = pane.follow && newer && interesting(step) && pane.filter.lets(step);
        if follows {
            self.select(no);
        } else {
            self.settle_selection();
        }
        self.keep_in_view();
    }

    /// Changes the filter and finds out anew what it lets through.
    pub(super) fn filter(&mut self, change: impl FnOnce(&mut Filter)) {
        change(&mut self.timeline.filter);
        let filter = &self.timeline.filter;
        self.timeline.visible = self
            .ledger
            .timeline
            .steps()
            .iter()
            .filter(|step| filter.lets(step))
            .map(|step| step.no)
            .collect();
        self.settle_selection();
        if self.timeline.follow {
            self.select_newest();
        }
        self.keep_in_view();
    }

    /// Moves the selection. To the end means to follow; any other movement means to stay.
    pub(super) fn move_selection(&mut self, jump: Jump) {
        if jump == Jump::End {
            self.timeline.follow = true;
            self.select_newest();
            return;
        }
        self.timeline.follow = false;
        let last = self.timeline.visible.len().saturating_sub(1);
        if let Some(no) = self.timeline.visible.get(moved(self.selected_index(), jump, last)) {
            self.select(*no);
        }
        self.keep_in_view();
    }

    /// Selects a step by number; a filter that hides it is taken away. `false` when there is no such step.
    pub(super) fn go_to(&mut self, no: StepNo) -> bool {
        if self.ledger.timeline.get(no).is_none() {
            return false;
        }
        if self.timeline.visible.binary_search(&no).is_err() {
            self.filter(|filter| *filter = Filter::default());
        }
        self.timeline.follow = false;
        self.select(no);
        self.keep_in_view();
        true
    }

    /// Follows the newest step, or stays.
    pub(super) fn toggle_follow(&mut self) {
        self.timeline.follow = !self.timeline.follow;
        if self.timeline.follow {
            self.select_newest();
        }
    }

    /// Expands or folds the selected step in place.
    pub(super) fn toggle_expanded(&mut self) {
        if let Some(no) = self.timeline.selected {
            if !self.timeline.expanded.remove(&no) {
                self.timeline.expanded.insert(no);
            }
            self.keep_in_view();
        }
    }

    /// Expands or folds every step that is shown.
    pub(super) fn expand_all(&mut self, expand: bool) {
        if expand {
            self.timeline.expanded.extend(self.timeline.visible.iter().copied());
        } else {
            self.timeline.expanded.clear();
        }
        self.keep_in_view();
    }

    /// Scrolls so that the selected step is visible.
    pub(super) fn keep_in_view(&mut self) {
        let (Some(no), index) = (self.timeline.selected, self.selected_index()) else {
            self.timeline.top = 0;
            return;
        };
        let height = |no: StepNo| {
            let step = self.ledger.timeline.get(no);
            if self.timeline.expanded.contains(&no) { step.map_or(0, expanded_rows) } else { 0 }
        };
        let above: usize = self
            .timeline
            .expanded
            .range(..no)
            .filter(|n| self.timeline.filter.is_empty() || self.timeline.visible.binary_search(n).is_ok())
            .map(|n| height(*n))
            .sum();
        self.timeline.top = reveal(self.timeline.top, index + above, 1 + height(no), self.shown.timeline);
    }

    fn select_newest(&mut self) {
        let newest = self
            .timeline
            .visible
            .iter()
            .rev()
            .find(|no| self.ledger.timeline.get(**no).is_some_and(interesting))
            .or(self.timeline.visible.last());
        if let Some(no) = newest.copied() {
            self.select(no);
        }
        self.keep_in_view();
    }

    /// The selection is one of the visible steps, the nearest before it otherwise.
    fn settle_selection(&mut self) {
        let visible = &self.timeline.visible;
        let wanted = self.timeline.selected;
        let settled = wanted.and_then(|no| {
            let at = visible.partition_point(|v| *v <= no);
            at.checked_sub(1).and_then(|i| visible.get(i)).or(visible.first()).copied()
        });
        match settled.or_else(|| visible.last().copied()) {
            Some(no) => self.select(no),
            None => self.timeline.selected = None,
        }
    }

    fn select(&mut self, no: StepNo) {
        if self.timeline.selected != Some(no) {
            self.timeline.selected = Some(no);
            self.detail.top = 0;
            self.detail.left = 0;
        }
    }

    fn selected_index(&self) -> usize {
        self.timeline.selected.and_then(|no| self.timeline.visible.binary_search(&no).ok()).unwrap_or(0)
    }
}
