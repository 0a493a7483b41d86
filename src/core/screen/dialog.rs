//! The confirmation dialog: the one place where keys reach a gate.

use super::line::Line;
use super::scroll::{jump, moved};
use super::{Copy, Focus, Screen, Shown};
use crate::Timestamp;
use crate::approval::{Challenge, Decision, Gate, Readiness};
use crate::command::Command;
use crate::keymap::{Action, Place};
use crate::press::{Key, Press};
use std::collections::BTreeSet;
use std::time::Duration;

/// An approval in front of everything.
#[derive(Debug)]
pub struct Dialog {
    /// The gate. Taken and put back by `update` only.
    pub gate: Option<Gate>,
    /// The selected target.
    pub target: usize,
    /// First line of the body shown.
    pub top: usize,
    /// Evidence of warnings is expanded.
    pub evidence: bool,
    /// A note being typed for the refusal.
    pub note: Option<String>,
    /// Byte offset of the cursor in the note.
    pub note_cursor: usize,
    /// Set aside to look at the screen behind; approval is impossible meanwhile.
    pub aside: bool,
    /// When it was opened.
    pub opened: Timestamp,
    /// Lines of the body that were on the screen, of as many as there are at this width.
    read: (BTreeSet<usize>, usize),
}

impl Dialog {
    pub(super) fn new(gate: Gate, now: Timestamp) -> Self {
        Self {
            gate: Some(gate),
            target: 0,
            top: 0,
            evidence: false,
            note: None,
            note_cursor: 0,
            aside: false,
            opened: now,
            read: (BTreeSet::new(), 0),
        }
    }

    /// Tells the gate what of it was on the screen.
    pub(super) fn drawn(&mut self, shown: &Shown, now: Timestamp) {
        let body = shown.dialog_body;
        self.top = self.top.min(body.last_top());
        let Some(mut seen) = shown.dialog.clone() else { return };
        if self.read.1 != body.total {
            self.read = (BTreeSet::new(), body.total);
        }
        self.read.0.extend(self.top..self.top.saturating_add(body.fits));
        // A target longer than the body is never whole on the screen: it counts once each of its lines was.
        let ranges = shown.target_lines.iter().zip(&shown.target_ends).enumerate();
        let long = ranges.filter(|(_, (start, end))| end.saturating_sub(**start) > body.fits);
        seen.targets.extend(
            long.filter(|(_, (start, end))| (**start..**end).all(|line| self.read.0.contains(&line))).map(|(i, _)| i),
        );
        if let Some(gate) = &mut self.gate {
            gate.drawn(&seen, now);
        }
    }

    /// When the gate changes by itself next.
    pub(super) fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self.gate.as_ref()?.ready(now) {
            // The plan's age is shown in seconds while someone thinks about it.
            Readiness::NoRoom | Readiness::Unseen(_) | Readiness::Code | Readiness::Armed => {
                Some(now.plus(Duration::from_secs(1)))
            }
            Readiness::Waiting(left) => Some(now.plus(Duration::from_millis(left.clamp(1, 1000)))),
        }
    }

    /// Restarts the gate's wait: something else than a decision was typed.
    pub(super) fn touch(&mut self, now: Timestamp) {
        if let Some(gate) = &mut self.gate {
            gate.touched(now);
        }
    }

    /// Whether this press is a letter of the code, so that it means nothing else.
    fn is_code(&self, press: Press) -> bool {
        let asked = self.gate.as_ref().is_some_and(|gate| gate.code().is_some());
        asked
            && matches!(press.plain(), Some(Key::Char(c)) if Challenge::ALPHABET.contains(c) || c.is_ascii_digit())
    }

    fn targets(&self) -> usize {
        self.gate.as_ref().map_or(0, |gate| gate.proposal().targets.len())
    }

    fn select(&mut self, target: usize, shown: &Shown) {
        self.target = target.min(self.targets().saturating_sub(1));
        if let Some(line) = shown.target_lines.get(self.target) {
            self.top = (*line).min(shown.dialog_body.last_top());
        }
    }

    fn scroll(&mut self, top: usize, shown: &Shown) {
        self.top = top;
        let above = shown.target_lines.iter().take_while(|line| **line <= top).count();
        if let Some(target) = above.checked_sub(1) {
            self.target = target;
        }
    }
}

/// How much of the code was typed.
fn lengths(gate: &Gate) -> (usize, usize) {
    let (letters, digits) = gate.typed();
    (letters.len(), digits.len())
}

impl Screen {
    /// A key while the dialog is open. Each one either goes to the gate, once, or restarts its wait.
    pub(super) fn dialog_pressed(&mut self, press: Press, now: Timestamp) -> Vec<Command> {
        let Some(dialog) = &mut self.dialog else { return Vec::new() };
        if dialog.note.is_some() {
            return self.note_pressed(press, now);
        }
        if dialog.aside || self.help.is_some() {
            return self.behind_pressed(press, now);
        }
        let Some(gate) = dialog.gate.take() else {
            self.dialog = None;
            return Vec::new();
        };
        let typed = lengths(&gate);
        match gate.key(press, now) {
            Decision::Approved(authorized) => {
                self.dialog = None;
                vec![Command::Approve(authorized)]
            }
            Decision::Refused(refusal) => {
                self.dialog = None;
                vec![Command::Refuse(refusal)]
            }
            Decision::Waiting(gate) => {
                let taken = typed != lengths(&gate);
                dialog.gate = Some(gate);
                if taken || dialog.is_code(press) { Vec::new() } else { self.dialog_moved(press) }
            }
        }
    }

    /// Refuses the open dialog, if there is one, and closes it.
    pub(super) fn refuse(&mut self, note: Option<String>, rest: bool) -> Option<Command> {
        self.help = None;
        let gate = self.dialog.take()?.gate?;
        Some(Command::Refuse(gate.refuse(note, rest)))
    }

    fn dialog_moved(&mut self, press: Press) -> Vec<Command> {
        let Some(action) = self.keymap.action(Place::Dialog, press) else { return Vec::new() };
        if action == Action::RefuseRest {
            return self.refuse(None, true).into_iter().collect();
        }
        if action == Action::Suspend {
            self.suspend = true;
            return self.refuse(None, false).into_iter().collect();
        }
        let Some(dialog) = &mut self.dialog else { return Vec::new() };
        let body = self.shown.dialog_body;
        if let Some(jump) = jump(action, body.fits) {
            dialog.scroll(moved(dialog.top, jump, body.last_top()), &self.shown);
        } else if action == Action::NextTarget {
            dialog.select(dialog.target + 1, &self.shown);
        } else if action == Action::PreviousTarget {
            dialog.select(dialog.target.saturating_sub(1), &self.shown);
        } else if action == Action::Evidence {
            dialog.evidence = !dialog.evidence;
        } else if action == Action::Note {
            dialog.note = Some(String::new());
            dialog.note_cursor = 0;
        } else if action == Action::CopyCommand {
            let command = dialog.gate.as_ref().map(|gate| gate.proposal().command.clone());
            self.copy = command.map(|text| Copy {
                what: "the command line".to_owned(),
                text: crate::text::visible_lines(&text).into_owned(),
            });
        } else if action == Action::Aside {
            dialog.aside = true;
            let call = dialog.gate.as_ref().map(Gate::call);
            self.set_focus(Focus::Timeline);
            if let Some(no) = call.and_then(|call| self.ledger.timeline.of_call(call)).map(|step| step.no) {
                self.go_to(no);
            }
        } else if action == Action::Help {
            self.open_help(Place::Dialog);
        } else if action == Action::Redraw {
            self.redraw = true;
        }
        Vec::new()
    }

    /// A key while the dialog is set aside or covered by its help: it moves what is in front; Esc still refuses.
    fn behind_pressed(&mut self, press: Press, now: Timestamp) -> Vec<Command> {
        if press.plain() == Some(Key::Esc)
            || self.keymap.action(Place::Everywhere, press) == Some(Action::Cancel)
        {
            return self.refuse(None, false).into_iter().collect();
        }
        let Some(dialog) = &mut self.dialog else { return Vec::new() };
        dialog.touch(now);
        if self.keymap.action(Place::Everywhere, press) == Some(Action::Suspend) {
            self.suspend = true;
            return self.refuse(None, false).into_iter().collect();
        }
        if self.help.is_some() {
            if let Some(action) = self.keymap.action(Place::Help, press) {
                self.help_act(action);
            }
        } else if self.keymap.action(Place::Dialog, press) == Some(Action::Aside) {
            dialog.aside = false;
        } else if let Some(action) = self.keymap.action(self.pane_place(), press) {
            if self.looks(action) {
                return self.act(action);
            }
            self.say("a change waits for your decision: v brings it back, Esc refuses it");
        }
        Vec::new()
    }

    fn note_pressed(&mut self, press: Press, now: Timestamp) -> Vec<Command> {
        let action = self.keymap.action(Place::Prompt, press);
        let Some(dialog) = &mut self.dialog else { return Vec::new() };
        dialog.touch(now);
        let Some(note) = &mut dialog.note else { return Vec::new() };
        if action == Some(Action::Accept) {
            let note = Some(note.trim().to_owned()).filter(|note| !note.is_empty());
            return self.refuse(note, false).into_iter().collect();
        }
        if action == Some(Action::Suspend) {
            self.suspend = true;
        }
        if matches!(action, Some(Action::Close | Action::Cancel | Action::Suspend)) {
            return self.refuse(None, false).into_iter().collect();
        }
        let mut line = Line { text: note, cursor: &mut dialog.note_cursor };
        if let Some(action) = action {
            line.edit(action, &mut self.composer.kill);
        } else if let Some(Key::Char(c)) = press.plain() {
            line.insert(c.encode_utf8(&mut [0; 4]));
        }
        Vec::new()
    }
}
