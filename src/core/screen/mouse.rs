//! The mouse: what was clicked, and which pane the wheel turns.

use super::scroll::{Jump, moved};
use super::{Field, Focus, Hit, Mouse, MouseKind, Screen};
use crate::Timestamp;

/// Lines one notch of the wheel moves.
const NOTCH: isize = 3;

impl Screen {
    pub(super) fn moused(&mut self, mouse: Mouse, now: Timestamp) {
        let by = match mouse.kind {
            MouseKind::Click => None,
            MouseKind::Up => Some(Jump::By(-NOTCH)),
            MouseKind::Down => Some(Jump::By(NOTCH)),
        };
        if let Some(dialog) = &mut self.dialog
            && !dialog.aside
        {
            dialog.touch(now);
            if let Some(by) = by {
                let body = self.shown.dialog_body;
                dialog.top = moved(dialog.top, by, body.last_top());
            }
            return;
        }
        if let Some(dialog) = &mut self.dialog {
            dialog.touch(now);
        }
        if let (Some(top), Some(by)) = (self.help, by) {
            self.help = Some(moved(top, by, self.shown.help.last_top()));
            return;
        }
        if self.help.is_some() || self.question.is_some() {
            return;
        }
        if self.evaluation.is_some() {
            by.into_iter().for_each(|by| self.scroll_evaluation(by));
            return;
        }
        if self.panel.is_some() && self.dialog.is_none() {
            self.settings_moused(by, mouse.at);
            return;
        }
        match by {
            Some(by) => {
                if let Some(pane) = self.pane_at(mouse.at) {
                    self.wheel(pane, by);
                }
            }
            None => self.clicked(mouse.at),
        }
    }

    fn wheel(&mut self, pane: Focus, by: Jump) {
        let extent = match pane {
            Focus::Composer | Focus::Chat => self.shown.chat,
            Focus::Timeline => self.shown.timeline,
            Focus::Detail => self.shown.detail,
        };
        self.scroll_by(pane, by, extent);
    }

    fn clicked(&mut self, at: (u16, u16)) {
        let pane = self.pane_at(at);
        let allowed = self.dialog.is_none() || pane != Some(Focus::Composer);
        if let Some(pane) = pane.filter(|_| allowed) {
            self.palette = None;
            self.prompt = None;
            self.set_focus(pane);
        }
        let hit = self.hits(at).find(|hit| !matches!(hit, Hit::Pane(_)));
        match hit {
            Some(Hit::Step(no)) => {
                self.go_to(no);
            }
            Some(Hit::Link(no)) => self.jump(no),
            Some(Hit::Tab(tab)) => {
                self.detail.tab = tab;
                self.detail.top = 0;
            }
            Some(Hit::Thinking(no)) => self.toggle_thinking(no),
            Some(Hit::Pane(_) | Hit::Setting(_)) | None => {}
        }
    }

    /// The wheel and a click move the selection of the settings, or of the choices that are open.
    fn settings_moused(&mut self, by: Option<Jump>, at: (u16, u16)) {
        let hit = self.hits(at).find_map(|hit| if let Hit::Setting(nth) = hit { Some(nth) } else { None });
        let Some(panel) = &mut self.panel else { return };
        let to = |now: usize, of: usize| match by {
            Some(Jump::By(by)) => moved(now, Jump::By(by.signum()), of.saturating_sub(1)),
            Some(_) | None => hit.filter(|nth| *nth < of).unwrap_or(now),
        };
        match &mut panel.edit {
            Some(edit) => edit.chosen = to(edit.chosen, edit.choices.len()),
            None => {
                let at = to(panel.selected.at(), Field::ALL.len());
                panel.selected = Field::ALL.get(at).copied().unwrap_or(panel.selected);
            }
        }
    }

    fn pane_at(&self, at: (u16, u16)) -> Option<Focus> {
        self.hits(at).find_map(|hit| if let Hit::Pane(pane) = hit { Some(pane) } else { None })
    }

    /// What is at a cell, the topmost first.
    fn hits(&self, (column, row): (u16, u16)) -> impl Iterator<Item = Hit> {
        let inside = move |(left, top, width, height): (u16, u16, u16, u16)| {
            (left..left.saturating_add(width)).contains(&column)
                && (top..top.saturating_add(height)).contains(&row)
        };
        self.shown.targets.iter().rev().filter(move |target| inside(target.area)).map(|target| target.hit)
    }
}
