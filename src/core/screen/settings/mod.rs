//! The settings on the screen: what is in force, where it came from, and changing it.
//!
//! A change takes effect at once, from the next round on; the file is written when asked for, by the front.

mod change;
mod edit;
mod field;
mod which;

pub use edit::{Choice, Edit};
pub use field::Field;
use which::offered;

use super::Screen;
use super::scroll::{jump, moved};
use crate::command::Command;
use crate::journal::Fact;
use crate::keymap::{Action, Place};
use crate::settings::{Changes, Origin, Settings, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the console was started with, as far as the settings show it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// What a fresh start would have: what is saved is what differs from it. Empty: what the journal says first.
    pub settings: Settings,
    /// The same of the theme.
    pub theme: String,
    /// The themes there are.
    pub themes: Vec<&'static str>,
    /// Where the keys of the settings file came from.
    pub origins: BTreeMap<&'static str, Origin>,
    /// GB a query of Logs Insights may scan without a question.
    pub insights_budget_gb: u32,
    /// Providers that have no key here, and what to do.
    pub lacking: BTreeMap<String, String>,
    /// Keys that were saved since.
    pub saved: BTreeSet<&'static str>,
}

/// The open settings.
#[derive(Debug)]
pub struct Panel {
    /// The selected field.
    pub selected: Field,
    /// A value that is being typed or chosen.
    pub edit: Option<Edit>,
    /// What became of the last change, sentence by sentence.
    pub said: Vec<String>,
}

/// What is to be written to the user's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// The keys and what they are to be.
    pub changes: Changes,
    settings: Settings,
    theme: String,
}

/// What became of a [`Save`].
#[derive(Debug)]
pub struct Saved {
    /// What was to be written.
    pub save: Save,
    /// The file that has it now, or a sentence that says why none has.
    pub written: Result<String, String>,
}

impl Screen {
    /// Model, effort and limits as they are, or will be once the engine has answered.
    #[must_use]
    pub fn in_force(&self) -> &Settings {
        self.pending.as_ref().unwrap_or(&self.ledger.settings)
    }

    /// What is in force and not in the user's file.
    #[must_use]
    pub fn unsaved(&self) -> Changes {
        let mut changes = self.in_force().changes(&self.given.settings);
        if self.theme != self.given.theme {
            changes.push(("theme", Value::Text(self.theme.clone())));
        }
        changes
    }

    /// Where the value of a field came from.
    #[must_use]
    pub fn origin(&self, field: Field) -> String {
        let Some(key) = field.key() else { return "this session".to_owned() };
        let origin = self.given.origins.get(key).copied().unwrap_or_default();
        if self.unsaved().iter().any(|(changed, _)| *changed == key) {
            "this session".to_owned()
        } else if self.given.saved.contains(key) {
            Origin::File.to_string()
        } else {
            origin.to_string()
        }
    }

    /// What the front is to write to the user's file, once.
    pub fn take_save(&mut self) -> Option<Save> {
        self.save.take()
    }

    /// Opens the settings on `field`.
    pub(super) fn open_settings(&mut self, field: Field) {
        self.palette = None;
        self.prompt = None;
        self.composer.search_end(false);
        self.panel = Some(Panel { selected: field, edit: None, said: Vec::new() });
    }

    pub(super) fn settings_act(&mut self, action: Action) -> Vec<Command> {
        let Some(panel) = &mut self.panel else { return Vec::new() };
        panel.said.clear();
        let last = Field::ALL.len().saturating_sub(1);
        if let Some(jump) = jump(action, Field::ALL.len()) {
            let at = moved(panel.selected.at(), jump, last);
            panel.selected = Field::ALL.get(at).copied().unwrap_or(panel.selected);
            return Vec::new();
        }
        let field = panel.selected;
        if action == Action::Close {
            self.close_settings();
        } else if action == Action::Change {
            self.begin_edit(field);
        } else if action == Action::SaveSettings {
            self.save_settings();
        } else if action == Action::Help {
            self.open_help(Place::Settings);
        } else if action == Action::Less || action == Action::More {
            return match self.stepped(field, action == Action::More) {
                Ok(commands) => commands,
                Err(why) => {
                    self.remark(why);
                    Vec::new()
                }
            };
        }
        Vec::new()
    }

    fn close_settings(&mut self) {
        self.panel = None;
        if !self.unsaved().is_empty() {
            self.say("changed for this session; :save-settings keeps it for the next");
        }
    }

    /// Asks the front to write what was changed.
    pub(super) fn save_settings(&mut self) {
        let changes = self.unsaved();
        if changes.is_empty() {
            self.remark("nothing to save: nothing was changed".to_owned());
            return;
        }
        let (settings, theme) = (self.in_force().clone(), self.theme.clone());
        self.save = Some(Save { changes, settings, theme });
    }

    /// The front has written, or could not.
    pub(super) fn saved(&mut self, saved: Saved) {
        let Saved { save, written } = saved;
        let path = match written {
            Ok(path) => path,
            Err(why) => return self.remark(why),
        };
        let keys: Vec<&'static str> = save.changes.iter().map(|(key, _)| *key).collect();
        self.remark(format!("saved {} to {path}", keys.join(", ")));
        for key in keys {
            match self.given.origins.get(key).copied().unwrap_or_default() {
                Origin::Flag(flag) => self.remark(format!("{flag} wins while it is given")),
                Origin::Environment(name) => self.remark(format!("{name} wins while it is set")),
                Origin::Default | Origin::File => {}
            }
            self.given.saved.insert(key);
        }
        (self.given.settings, self.given.theme) = (save.settings, save.theme);
    }

    /// Keeps up with what the journal says of the settings.
    pub(super) fn settled(&mut self, fact: &Fact) {
        let Fact::SettingsChanged { settings } = fact else { return };
        self.pending.take_if(|pending| pending == settings);
        if self.given.settings.provider.is_empty() {
            self.given.settings.clone_from(settings);
        }
    }

    /// Says what became of a change: in the settings while they are open, else as a notice.
    pub(super) fn remark(&mut self, text: String) {
        match &mut self.panel {
            Some(panel) => panel.said.push(text),
            None => self.say(text),
        }
    }
}
