//! A value that is being typed, or chosen from a list.

use super::super::line::Line;
use super::super::palette::ranked;
use super::super::scroll::{jump, moved};
use super::super::{Match, Screen};
use super::change::fixed;
use super::field::about;
use super::{Field, offered};
use crate::command::Command;
use crate::keymap::Action;
use crate::models::Caps;
use crate::scope::Mode;

/// Words for effort that most providers know, and what they mean.
pub(super) const EFFORTS: [(&str, &str); 4] = [
    ("default", "left to the model"),
    ("low", "quick and cheap"),
    ("medium", "between the two"),
    ("high", "thorough, slow, dear"),
];
/// Rows a page of choices has.
const PAGE: usize = 8;

/// A value that is being typed or chosen.
#[derive(Debug)]
pub struct Edit {
    /// What was typed: a value, or letters of a choice.
    pub text: String,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What can be chosen, best first; empty where only typing makes sense.
    pub choices: Vec<Choice>,
    /// The chosen one.
    pub chosen: usize,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// One line on it.
    pub doc: String,
}

impl Screen {
    /// Begins to change a field.
    pub(super) fn begin_edit(&mut self, field: Field) {
        if field == Field::Insights {
            return self.remark(fixed());
        }
        if field == Field::Mode && self.ledger.mode == Mode::ReadOnly {
            return self.remark("the session is read-only to its end".to_owned());
        }
        let now = self.in_force();
        let (value, _) = self.value(field);
        let text = match field {
            Field::Iterations => now.iterations.to_string(),
            Field::MaxTokens => now.max_tokens.to_string(),
            Field::TurnTokens | Field::TurnDollars => value.trim_start_matches('$').to_owned(),
            Field::Provider | Field::Model | Field::Effort | Field::Mode | Field::Insights | Field::Theme => {
                String::new()
            }
        };
        let choices = self.choices(field);
        let chosen = choices.iter().position(|choice| choice.value == value).unwrap_or(0);
        if let Some(panel) = &mut self.panel {
            panel.edit = Some(Edit { cursor: text.len(), text, choices, chosen, error: None });
        }
    }

    /// What a field can be set to; empty where it is a number.
    fn choices(&self, field: Field) -> Vec<Choice> {
        let choice = |value: &str, doc: String| Choice { value: value.to_owned(), doc };
        match field {
            Field::Provider => {
                self.models.providers().map(|name| choice(name, self.about_provider(name))).collect()
            }
            Field::Model => {
                let all = offered(&self.models, &self.in_force().provider);
                all.iter().map(|caps| choice(&caps.id, about(caps))).collect()
            }
            Field::Effort => EFFORTS.iter().map(|(word, doc)| choice(word, (*doc).to_owned())).collect(),
            Field::Mode => vec![
                choice(Mode::Execute.label(), "reads run, changes ask".to_owned()),
                choice(Mode::Track.label(), "the model's calls are written down".to_owned()),
            ],
            Field::Theme => self.given.themes.iter().map(|name| choice(name, String::new())).collect(),
            Field::Iterations
            | Field::MaxTokens
            | Field::TurnTokens
            | Field::TurnDollars
            | Field::Insights => Vec::new(),
        }
    }

    /// What may follow a command that sets `field`, narrowed by what was typed of it.
    pub(in crate::screen) fn values(&self, field: Field, typed: &str) -> Vec<Match> {
        let row = |choice: Choice| Match { name: choice.value, doc: choice.doc, key: None };
        let one = |caps: &Caps| Match { name: caps.id.clone(), doc: about(caps), key: None };
        let whose = |caps: &Caps| Match { name: format!("{} {}", caps.provider, caps.id), ..one(caps) };
        let (all, letters): (Vec<Match>, &str) =
            match (field, typed.trim_start().split_once(char::is_whitespace)) {
                (Field::Model, Some((provider, rest))) => {
                    (offered(&self.models, provider).iter().map(one).collect(), rest)
                }
                (Field::Model, None) => {
                    let now = self.in_force().provider.as_str();
                    // Those of the provider in force first.
                    let others = self.models.providers().filter(|p| *p != now);
                    let all = std::iter::once(now).chain(others).flat_map(|p| offered(&self.models, p));
                    (all.map(|caps| whose(&caps)).collect(), typed)
                }
                (_, None) => (self.choices(field).into_iter().map(row).collect(), typed),
                (_, Some(_)) => return Vec::new(),
            };
        let letters = letters.trim();
        if letters.is_empty() {
            return all;
        }
        let named = ranked(&all, letters, |m| &m.name);
        if named.is_empty() { ranked(&all, letters, |m| &m.doc) } else { named }
    }

    /// `claude-sonnet-5-5; key in ANTHROPIC_API_KEY`.
    pub(in crate::screen) fn about_provider(&self, name: &str) -> String {
        let Some(defaults) = self.models.provider(name) else { return String::new() };
        let model = match defaults.default_model.as_str() {
            "" => "no default model",
            id => id,
        };
        match self.given.lacking.get(name) {
            Some(_) => format!("{model}; no key: {} is not set", defaults.key_env),
            None => model.to_owned(),
        }
    }

    /// The letters changed: what can be chosen is found anew.
    pub(in crate::screen) fn edit_changed(&mut self) {
        let Some(panel) = &self.panel else { return };
        let Some(edit) = &panel.edit else { return };
        let (field, typed) = (panel.selected, edit.text.trim());
        let all = self.choices(field);
        let choices = if typed.is_empty() || all.is_empty() { all } else { narrowed(&all, typed, field) };
        if let Some(edit) = self.panel.as_mut().and_then(|panel| panel.edit.as_mut()) {
            edit.choices = choices;
            edit.chosen = 0;
            edit.error = None;
        }
    }

    pub(in crate::screen) fn edit_act(&mut self, action: Action) -> Vec<Command> {
        let Some(panel) = &mut self.panel else { return Vec::new() };
        let Some(edit) = &mut panel.edit else { return Vec::new() };
        if action == Action::Accept {
            return self.accept_edit();
        }
        if action == Action::Close {
            panel.edit = None;
        } else if action == Action::Complete {
            if let Some(choice) = edit.choices.get(edit.chosen) {
                edit.text.clone_from(&choice.value);
                edit.cursor = edit.text.len();
                self.edit_changed();
            }
        } else if let Some(jump) = jump(action, PAGE) {
            edit.chosen = moved(edit.chosen, jump, edit.choices.len().saturating_sub(1));
        } else {
            let before = edit.text.len();
            (Line { text: &mut edit.text, cursor: &mut edit.cursor }).edit(action, &mut self.composer.kill);
            if edit.text.len() != before || action == Action::Transpose {
                self.edit_changed();
            }
        }
        Vec::new()
    }

    /// Takes the chosen or typed value; one that cannot be stays to be put right.
    fn accept_edit(&mut self) -> Vec<Command> {
        let Some(panel) = &mut self.panel else { return Vec::new() };
        let (field, Some(edit)) = (panel.selected, panel.edit.take()) else { return Vec::new() };
        let value = edit.choices.get(edit.chosen).map_or(edit.text.trim(), |choice| &choice.value).to_owned();
        let done = if field == Field::Model {
            // The list is of one provider, and what is typed below it means that provider's.
            let provider = self.in_force().provider.clone();
            if value.is_empty() || value.contains(char::is_whitespace) {
                Err("a model's id is one word".to_owned())
            } else {
                self.switch(&provider, &value)
            }
        } else if field == Field::Provider && value == self.in_force().provider {
            // Looked at and left as it was: the model that was chosen of it stays.
            self.remark("it is so already".to_owned());
            Ok(Vec::new())
        } else {
            self.set_field(field, &value)
        };
        match done {
            Ok(commands) => commands,
            Err(why) => {
                if let Some(panel) = &mut self.panel {
                    panel.edit = Some(Edit { error: Some(why), ..edit });
                }
                Vec::new()
            }
        }
    }
}

/// The choices with these letters, best first; where anything can be typed, exactly what was typed comes last.
fn narrowed(all: &[Choice], typed: &str, field: Field) -> Vec<Choice> {
    let as_matches: Vec<Match> = all
        .iter()
        .map(|choice| Match { name: choice.value.clone(), doc: choice.doc.clone(), key: None })
        .collect();
    let mut found = ranked(&as_matches, typed, |m| &m.name);
    if found.is_empty() {
        found = ranked(&as_matches, typed, |m| &m.doc);
    }
    let mut choices: Vec<Choice> = found.into_iter().map(|m| Choice { value: m.name, doc: m.doc }).collect();
    let free = matches!(field, Field::Model | Field::Effort);
    if free && choices.iter().all(|choice| choice.value != typed) {
        choices.push(Choice { value: typed.to_owned(), doc: "exactly as typed".to_owned() });
    }
    choices
}
