//! What an action does on the panes.

use super::scroll::{Jump, jump, moved, reveal};
use super::{DetailTab, Extent, Field, Focus, Mark, PlainYes, Prompt, Screen};
use crate::command::Command;
use crate::id::CallId;
use crate::journal::{Fact, StepStatus};
use crate::keymap::{Action, Place};
use crate::scope::Mode;
use crate::tool::Risk;

/// Columns moved by one key sideways.
const SIDEWAYS: usize = 8;
/// The furthest the detail scrolls to the right.
const RIGHTMOST: usize = 10_000;

impl Screen {
    /// Carries out an action on the pane that has the keys.
    pub(super) fn act(&mut self, action: Action) -> Vec<Command> {
        match action {
            Action::NextPane => self.cycle(1),
            Action::PreviousPane => self.cycle(-1),
            Action::FocusChat => self.set_focus(Focus::Chat),
            Action::FocusTimeline => self.set_focus(Focus::Timeline),
            Action::FocusDetail => self.set_focus(Focus::Detail),
            Action::Compose => self.set_focus(Focus::Composer),
            Action::Zoom => self.zoom = !self.zoom,
            Action::Down
            | Action::Up
            | Action::HalfPageDown
            | Action::HalfPageUp
            | Action::PageDown
            | Action::PageUp
            | Action::Top
            | Action::Bottom => self.scroll(self.pane, action),
            Action::ScrollLeft => self.detail.left = self.detail.left.saturating_sub(SIDEWAYS),
            Action::ScrollRight => self.detail.left = (self.detail.left + SIDEWAYS).min(RIGHTMOST),
            Action::Expand => self.toggle_expanded(),
            Action::ExpandAll | Action::FoldAll => {
                let open = action == Action::ExpandAll;
                if !self.fold_chat(open) {
                    self.expand_all(open);
                }
            }
            Action::Follow => {
                self.toggle_follow();
                self.say(if self.timeline.follow { "following the newest step" } else { "staying here" });
            }
            Action::ErrorsOnly => self.filter(|filter| filter.errors = !filter.errors),
            Action::CallsOnly => self.filter(|filter| filter.calls = !filter.calls),
            Action::Search => self.open_prompt(),
            Action::NextMatch => self.next_match(true),
            Action::PreviousMatch => self.next_match(false),
            Action::NextTab => {
                self.detail.tab = match self.detail.tab {
                    DetailTab::Result => DetailTab::Request,
                    DetailTab::Request => DetailTab::Raw,
                    DetailTab::Raw => DetailTab::Result,
                };
                self.detail.top = 0;
            }
            Action::NextLink => self.next_link(true),
            Action::PreviousLink => self.next_link(false),
            Action::OpenLink => self.open_link(),
            Action::CopyStep => self.copy_step(),
            Action::CopyCall => self.copy_call(),
            Action::Again => return self.again(),
            Action::Undo => return self.undo(),
            Action::Withdraw => return self.withdraw(),
            Action::SwitchMode => {
                return self.switch_mode(if self.ledger.mode == Mode::Track {
                    Mode::Execute
                } else {
                    Mode::Track
                });
            }
            Action::Palette => self.open_palette(),
            Action::Help => self.open_help(self.place()),
            Action::Cancel => return self.cancel(),
            Action::Redraw => self.redraw = true,
            Action::Suspend => self.suspend = true,
            Action::Quit => return self.leave(),
            Action::Settings => self.open_settings(Field::Provider),
            Action::SaveSettings => self.save_settings(),
            // These belong to lines of text, to the dialog and to what is closed elsewhere.
            Action::Send
            | Action::NewLine
            | Action::Accept
            | Action::Close
            | Action::Complete
            | Action::CursorLeft
            | Action::CursorRight
            | Action::WordLeft
            | Action::WordRight
            | Action::LineStart
            | Action::LineEnd
            | Action::DeleteBack
            | Action::DeleteForward
            | Action::DeleteWordBack
            | Action::DeleteWordForward
            | Action::DeleteToStart
            | Action::DeleteToEnd
            | Action::Yank
            | Action::Transpose
            | Action::LineUp
            | Action::LineDown
            | Action::SearchHistory
            | Action::Evidence
            | Action::NextTarget
            | Action::PreviousTarget
            | Action::CopyCommand
            | Action::Aside
            | Action::Note
            | Action::RefuseRest
            | Action::Change
            | Action::Less
            | Action::More => {}
        }
        Vec::new()
    }

    /// Whether an action only looks: what is allowed while a dialog is set aside.
    pub(super) fn looks(&self, action: Action) -> bool {
        const CHANGES: &[Action] = &[
            Action::Compose,
            Action::Search,
            Action::Again,
            Action::Undo,
            Action::Withdraw,
            Action::SwitchMode,
            Action::Palette,
            Action::Help,
            Action::Cancel,
            Action::Quit,
            Action::Settings,
            Action::SaveSettings,
        ];
        !CHANGES.contains(&action)
    }

    /// Scrolls a pane, or moves its selection.
    pub(super) fn scroll(&mut self, pane: Focus, action: Action) {
        let extent = match pane {
            Focus::Composer | Focus::Chat => self.shown.chat,
            Focus::Timeline => self.shown.timeline,
            Focus::Detail => self.shown.detail,
        };
        if let Some(jump) = jump(action, extent.fits) {
            self.scroll_by(pane, jump, extent);
        }
    }

    /// As [`Self::scroll`], by an explicit movement.
    pub(super) fn scroll_by(&mut self, pane: Focus, jump: Jump, extent: Extent) {
        match pane {
            Focus::Composer | Focus::Chat => {
                self.chat_to(moved(self.chat.first_line(extent), jump, extent.last_top()), extent);
            }
            Focus::Timeline => self.move_selection(jump),
            Focus::Detail => self.detail.top = moved(self.detail.top, jump, extent.last_top()),
        }
    }

    /// Scrolls the chat so that `top` is its first line; at the end it follows.
    fn chat_to(&mut self, top: usize, extent: Extent) {
        self.chat.up = extent.last_top().saturating_sub(top);
        self.chat.anchor = (self.chat.up > 0).then_some(top);
    }

    fn cycle(&mut self, by: isize) {
        const ORDER: [Focus; 4] = [Focus::Composer, Focus::Chat, Focus::Timeline, Focus::Detail];
        let at = ORDER.iter().position(|f| *f == self.focus).unwrap_or(0);
        let next = (at + ORDER.len()).saturating_add_signed(by) % ORDER.len();
        if let Some(focus) = ORDER.get(next) {
            self.set_focus(*focus);
        }
    }

    /// Opens the help for `place`.
    pub(super) fn open_help(&mut self, place: Place) {
        self.help = Some(0);
        self.help_for = place;
    }

    pub(super) fn help_act(&mut self, action: Action) {
        let extent = self.shown.help;
        if action == Action::Close {
            self.help = None;
        } else if let (Some(top), Some(jump)) = (self.help, jump(action, extent.fits)) {
            self.help = Some(moved(top, jump, extent.last_top()));
        }
    }

    fn open_prompt(&mut self) {
        let pane = self.pane;
        let before = match pane {
            Focus::Composer | Focus::Chat => self.chat.search.clone(),
            Focus::Timeline => self.timeline.filter.text.clone(),
            Focus::Detail => self.detail.search.clone(),
        };
        self.prompt = Some(Prompt { pane, cursor: before.len(), text: before.clone(), before });
    }

    pub(super) fn prompt_act(&mut self, action: Action) {
        let Some(prompt) = &mut self.prompt else { return };
        if action == Action::Accept {
            self.prompt = None;
        } else if action == Action::Close {
            prompt.text = std::mem::take(&mut prompt.before);
            self.prompt_changed();
            self.prompt = None;
        } else if (super::line::Line { text: &mut prompt.text, cursor: &mut prompt.cursor })
            .edit(action, &mut self.composer.kill)
        {
            self.prompt_changed();
        }
    }

    /// A filter or a search takes effect while it is typed.
    pub(super) fn prompt_changed(&mut self) {
        let Some(prompt) = &self.prompt else { return };
        let text = prompt.text.clone();
        match prompt.pane {
            Focus::Composer | Focus::Chat => self.chat.search = text,
            Focus::Timeline => self.filter(|filter| filter.text = text),
            Focus::Detail => self.detail.search = text,
        }
    }

    fn next_match(&mut self, forward: bool) {
        let (chat, detail) = (self.shown.chat, self.shown.detail);
        match self.pane {
            Focus::Composer | Focus::Chat => {
                if let Some(line) = beyond(&self.shown.chat_matches, self.chat.first_line(chat), forward) {
                    self.chat_to(line.min(chat.last_top()), chat);
                }
            }
            Focus::Timeline => self.move_selection(Jump::By(if forward { 1 } else { -1 })),
            Focus::Detail => {
                if let Some(line) = beyond(&self.shown.detail_matches, self.detail.top, forward) {
                    self.detail.top = line.min(detail.last_top());
                }
            }
        }
    }

    fn next_link(&mut self, forward: bool) {
        let Some(last) = self.shown.links.len().checked_sub(1) else {
            self.say("the chat has no evidence links");
            return;
        };
        let next = match (self.chat.link, forward) {
            (Some(at), true) => (at + 1).min(last),
            (Some(at), false) => at.saturating_sub(1).min(last),
            // From the newest backwards: it is what one is reading.
            (None, _) => last,
        };
        self.chat.link = Some(next);
        self.set_focus(Focus::Chat);
        if let Some(line) = self.shown.link_lines.get(next) {
            let extent = self.shown.chat;
            self.chat_to(reveal(self.chat.first_line(extent), *line, 1, extent), extent);
        }
    }

    fn open_link(&mut self) {
        match self.chat.link.and_then(|at| self.shown.links.get(at)).copied() {
            Some(Mark::Link(no)) => {
                self.chat.link = None;
                self.jump(no);
            }
            Some(Mark::Thinking(no)) => self.toggle_thinking(no),
            None => match self.newest_thinking() {
                Some(no) => self.toggle_thinking(no),
                None => self.say("[ and ] select an evidence link"),
            },
        }
    }

    /// Shows a step on the timeline.
    pub(super) fn jump(&mut self, no: crate::id::StepNo) {
        if self.go_to(no) {
            self.set_focus(Focus::Timeline);
        } else {
            self.say(format!("there is no step #{no}"));
        }
    }

    /// The call the selected step is about, and what it can do.
    pub(super) fn selected_call(&self) -> Option<(CallId, Option<Risk>)> {
        let call = self.selected()?.call?;
        let began = self.ledger.timeline.of_call(call)?.entries.first()?;
        let entry = self.ledger.entries.get(usize::try_from(began.0).ok()?)?;
        if let Fact::ToolCalled { risk, .. } = &entry.fact { Some((call, *risk)) } else { None }
    }

    pub(super) fn again(&mut self) -> Vec<Command> {
        match self.selected_call() {
            Some((call, Some(Risk::Read))) => vec![Command::Again(call)],
            Some(_) => self.told("only reads are run again; a change is asked for anew"),
            None => self.told("select a call to run again"),
        }
    }

    pub(super) fn undo(&mut self) -> Vec<Command> {
        match self.selected_call() {
            Some((call, Some(Risk::Write | Risk::Local))) => vec![Command::Undo(call)],
            Some(_) => self.told("a read changed nothing"),
            None => self.told("select a change to undo"),
        }
    }

    pub(super) fn withdraw(&mut self) -> Vec<Command> {
        let denied = self.selected().is_some_and(|step| step.status == StepStatus::Denied);
        match self.selected_call() {
            Some((call, Some(Risk::Write | Risk::Local))) if denied => vec![Command::Withdraw(call)],
            _ => self.told("select a refused change to take its refusal back"),
        }
    }

    /// Tracks at once; executes after a question.
    pub(super) fn switch_mode(&mut self, mode: Mode) -> Vec<Command> {
        match (self.ledger.mode, mode) {
            (Mode::ReadOnly, _) => self.told("the session is read-only"),
            (now, then) if now == then => self.told(&format!("the mode is {} already", now.label())),
            (_, Mode::Execute) => {
                self.ask("Leave tracking mode and carry out the model's calls?", PlainYes::Execute);
                Vec::new()
            }
            (_, mode) => vec![Command::SetMode(mode)],
        }
    }

    pub(super) fn cancel(&mut self) -> Vec<Command> {
        if self.ledger.running.is_none() && self.ledger.open_calls.is_empty() && !self.evaluates() {
            return self.told("nothing runs");
        }
        self.say("cancelling");
        vec![Command::Cancel]
    }

    /// Quits; asks first while a turn runs.
    pub(super) fn leave(&mut self) -> Vec<Command> {
        if self.ledger.running.is_some() {
            self.ask("A turn is running. Cancel it and quit?", PlainYes::Quit);
            return Vec::new();
        }
        self.quit = true;
        vec![Command::Quit]
    }

    fn told(&mut self, text: &str) -> Vec<Command> {
        self.remark(text.to_owned());
        Vec::new()
    }
}

/// The match after or before the line `from`; around the end to the other side.
fn beyond(matches: &[usize], from: usize, forward: bool) -> Option<usize> {
    if forward {
        matches.iter().find(|line| **line > from).or(matches.first()).copied()
    } else {
        matches.iter().rev().find(|line| **line < from).or(matches.last()).copied()
    }
}
