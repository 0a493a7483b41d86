//! Where a key press goes: to the innermost thing that is open.

use super::events::TWICE;
use super::line::{Line, MOST};
use super::{Focus, PlainQuestion, PlainYes, Screen};
use crate::Timestamp;
use crate::approval::Gate;
use crate::command::Command;
use crate::keymap::{Action, Place};
use crate::press::{Key, Press};
use crate::scope::Mode;

impl Screen {
    /// Where a key is looked up now: the innermost open thing.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.dialog.as_ref().is_some_and(|d| d.note.is_some()) {
            Place::Prompt
        } else if self.help.is_some() {
            Place::Help
        } else if self.dialog.is_some() {
            Place::Dialog
        } else if self.question.is_some() {
            Place::Question
        } else if self.evaluation.is_some() {
            Place::Evaluation
        } else if let Some(panel) = &self.panel {
            if panel.edit.is_some() { Place::Palette } else { Place::Settings }
        } else if self.palette.is_some() {
            Place::Palette
        } else if self.prompt.is_some() {
            Place::Prompt
        } else if self.focus != Focus::Composer {
            self.pane_place()
        } else if self.composer.search.is_some() {
            Place::History
        } else {
            Place::Composer
        }
    }

    /// The place of the pane that has, or had last, the keys.
    pub(super) fn pane_place(&self) -> Place {
        match self.pane {
            Focus::Composer | Focus::Chat => Place::Chat,
            Focus::Timeline => Place::Timeline,
            Focus::Detail => Place::Detail,
        }
    }

    /// Gives the keys to a pane or the composer.
    pub(super) fn set_focus(&mut self, focus: Focus) {
        self.focus = focus;
        if focus != Focus::Composer {
            self.pane = focus;
        }
    }

    pub(super) fn pressed(&mut self, press: Press, now: Timestamp) -> Vec<Command> {
        if self.dialog.is_some() {
            return self.dialog_pressed(press, now);
        }
        let armed = std::mem::take(&mut self.esc_armed);
        let quiet = self.question.as_mut().is_none_or(|q| q.quiet(now));
        let place = self.place();
        let action = self.keymap.action(place, press);
        if action == Some(Action::Cancel) {
            return self.interrupted(now);
        }
        self.quit_armed = None;
        let Some(action) = action else {
            self.typed(place, press);
            return Vec::new();
        };
        if action == Action::Redraw {
            self.redraw = true;
            return Vec::new();
        }
        if action == Action::Suspend {
            self.suspend = true;
            return Vec::new();
        }
        match place {
            Place::Question => self.question_act(action, quiet),
            Place::Help => {
                self.help_act(action);
                Vec::new()
            }
            Place::Evaluation => self.evaluation_act(action),
            Place::Palette if self.panel.is_some() => self.edit_act(action),
            Place::Palette => self.palette_act(action),
            Place::Settings => self.settings_act(action),
            Place::Prompt => {
                self.prompt_act(action);
                Vec::new()
            }
            Place::History => {
                self.history_act(action);
                Vec::new()
            }
            Place::Composer => self.composer_act(action, press, armed),
            Place::Chat | Place::Timeline | Place::Detail | Place::Pane if action == Action::Close => {
                self.close(armed)
            }
            Place::Chat
            | Place::Timeline
            | Place::Detail
            | Place::Pane
            | Place::Dialog
            | Place::Line
            | Place::Everywhere => self.act(action),
        }
    }

    /// Pasted text goes where text is typed, as it is; it never sends, approves or presses anything.
    pub(super) fn pasted(&mut self, text: &str, now: Timestamp) {
        if let Some(dialog) = &mut self.dialog {
            dialog.touch(now);
            if let Some(note) = &mut dialog.note {
                Line { text: note, cursor: &mut dialog.note_cursor }.insert(&text.replace(['\r', '\n'], " "));
            }
            return;
        }
        let place = self.place();
        if matches!(place, Place::Help | Place::Question | Place::Evaluation | Place::Settings) {
            return;
        }
        if !matches!(place, Place::Palette | Place::Prompt | Place::History) {
            self.set_focus(Focus::Composer);
        }
        if !self.insert(text) {
            self.say(format!("only the first {MOST} characters were taken"));
        }
    }

    /// Ctrl-C: cancels what runs at once; on an idle console the second one quits.
    fn interrupted(&mut self, now: Timestamp) -> Vec<Command> {
        if self.ledger.running.is_some() || self.evaluates() {
            self.quit_armed = None;
            self.say("cancelling");
            return vec![Command::Cancel];
        }
        if self.quit_armed.is_some_and(|at| now < at.plus(TWICE)) {
            self.quit = true;
            return vec![Command::Quit];
        }
        self.quit_armed = Some(now);
        self.say("Ctrl-C again quits");
        // Calls of one's own may still run.
        if self.ledger.open_calls.is_empty() { Vec::new() } else { vec![Command::Cancel] }
    }

    /// Esc on a pane: the innermost thing first; with nothing left, the second one cancels the turn.
    fn close(&mut self, armed: bool) -> Vec<Command> {
        if self.chat.link.take().is_some() {
        } else if self.pane == Focus::Detail && !self.detail.search.is_empty() {
            self.detail.search.clear();
        } else if self.pane == Focus::Chat && !self.chat.search.is_empty() {
            self.chat.search.clear();
        } else if !self.timeline.filter.is_empty() {
            self.filter(|filter| *filter = super::Filter::default());
        } else if self.zoom {
            self.zoom = false;
        } else if self.ledger.running.is_some() {
            if armed {
                self.say("cancelling");
                return vec![Command::Cancel];
            }
            self.arm();
        }
        Vec::new()
    }

    fn arm(&mut self) {
        self.esc_armed = true;
        self.say("Esc again cancels");
    }

    fn typed(&mut self, place: Place, press: Press) {
        let Some(Key::Char(c)) = press.plain() else { return };
        match place {
            Place::Composer | Place::Palette | Place::Prompt | Place::History => {
                let whole = self.insert(c.encode_utf8(&mut [0; 4]));
                if !whole {
                    self.say(format!("a text has at most {MOST} characters"));
                }
            }
            Place::Everywhere
            | Place::Line
            | Place::Pane
            | Place::Chat
            | Place::Timeline
            | Place::Detail
            | Place::Dialog
            | Place::Help
            | Place::Question
            | Place::Evaluation
            | Place::Settings => {}
        }
    }

    /// Inserts into whatever line is being typed. `false` when not all of it fitted.
    fn insert(&mut self, text: &str) -> bool {
        if let Some(edit) = self.panel.as_mut().and_then(|panel| panel.edit.as_mut()) {
            let whole =
                Line { text: &mut edit.text, cursor: &mut edit.cursor }.insert(&text.replace('\n', " "));
            self.edit_changed();
            whole
        } else if let Some(palette) = &mut self.palette {
            let whole = Line { text: &mut palette.text, cursor: &mut palette.cursor }
                .insert(&text.replace('\n', " "));
            self.palette_changed();
            whole
        } else if let Some(prompt) = &mut self.prompt {
            let whole =
                Line { text: &mut prompt.text, cursor: &mut prompt.cursor }.insert(&text.replace('\n', " "));
            self.prompt_changed();
            whole
        } else if self.composer.search.is_some() {
            self.composer.search_for(|words| words.push_str(&super::line::harmless(text).replace('\n', " ")));
            true
        } else {
            self.composer.insert(text)
        }
    }

    fn composer_act(&mut self, action: Action, press: Press, armed: bool) -> Vec<Command> {
        // A printable key means an action only on an empty line.
        if let Some(Key::Char(_)) = press.plain()
            && !self.composer.is_empty()
        {
            self.typed(Place::Composer, press);
            return Vec::new();
        }
        if self.composer.edit(action) {
            return Vec::new();
        }
        if action == Action::Send {
            return self.send();
        }
        if action == Action::NewLine {
            self.composer.insert("\n");
        } else if action == Action::SearchHistory {
            self.composer.search_on();
        } else if action == Action::Close {
            self.set_focus(Focus::Timeline);
            // Whoever presses Esc while a turn runs most likely wants it to end.
            if self.ledger.running.is_some() && !armed {
                self.arm();
            }
        } else {
            return self.act(action);
        }
        Vec::new()
    }

    fn send(&mut self) -> Vec<Command> {
        if self.ledger.running.is_some() {
            self.say("a turn is running: Esc twice cancels it, what you typed stays");
            return Vec::new();
        }
        self.composer.take().map(Command::Ask).into_iter().collect()
    }

    fn history_act(&mut self, action: Action) {
        if action == Action::SearchHistory {
            self.composer.search_on();
        } else if action == Action::Accept {
            self.composer.search_end(true);
        } else if action == Action::Close {
            self.composer.search_end(false);
        } else if action == Action::DeleteBack {
            self.composer.search_for(|words| {
                words.pop();
            });
        } else {
            // Any other editing key takes what was found and goes on from there.
            self.composer.search_end(true);
            self.composer.edit(action);
        }
    }

    fn question_act(&mut self, action: Action, quiet: bool) -> Vec<Command> {
        if action == Action::Accept && !quiet {
            // Typed ahead of the question: it was no answer to it.
            self.say("Enter says yes, once nothing was typed for a moment");
            return Vec::new();
        }
        if action == Action::Accept {
            return match self.question.take().map(|q| q.yes) {
                Some(PlainYes::Execute) => vec![Command::SetMode(Mode::Execute)],
                Some(PlainYes::Quit) => {
                    self.quit = true;
                    vec![Command::Quit]
                }
                Some(PlainYes::Spend(what)) => vec![Command::Spend { what, yes: true }],
                None => Vec::new(),
            };
        }
        if action == Action::Close {
            return match self.question.take().map(|q| q.yes) {
                Some(PlainYes::Spend(what)) => vec![Command::Spend { what, yes: false }],
                Some(PlainYes::Execute | PlainYes::Quit) | None => Vec::new(),
            };
        }
        Vec::new()
    }

    /// Asks a plain question.
    pub(super) fn ask(&mut self, text: &str, yes: PlainYes) {
        self.question = Some(PlainQuestion { text: text.to_owned(), yes, touched: self.now });
    }
}

impl PlainQuestion {
    /// Whether an answer given now is one: what spends money does not take a key that was on its way before.
    fn quiet(&mut self, now: Timestamp) -> bool {
        let quiet = now.since(self.touched) >= Gate::WAIT;
        self.touched = now;
        match self.yes {
            PlainYes::Execute | PlainYes::Quit => true,
            PlainYes::Spend(_) => quiet,
        }
    }
}
