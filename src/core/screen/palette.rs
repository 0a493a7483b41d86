//! The command palette: every command and every tool, found by a few letters.

use super::commands::{COMMANDS, Does, Entry, entry_of};
use super::line::Line;
use super::scroll::{jump, moved};
use super::{Field, Screen};
use crate::command::Command;
use crate::keymap::Action;
use crate::scope::Mode;
use crate::tool::{Risk, Tool};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// The open palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// What was typed after `:`.
    pub text: String,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// Matches, best first.
    pub matches: Vec<Match>,
    /// The selected match.
    pub selected: usize,
    /// What is wrong with the line, when Enter was pressed on it.
    pub error: Option<String>,
    /// The selection was moved to a value: it is meant, whatever was typed of it.
    picked: bool,
}

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// What is inserted: `track`, `list_ec2_instances`, `--state`.
    pub name: String,
    /// One line of what it does.
    pub doc: String,
    /// The key that does the same, when there is one.
    pub key: Option<String>,
}

impl Screen {
    /// Opens the palette with everything in it.
    pub(super) fn open_palette(&mut self) {
        self.palette = Some(Palette::default());
        self.palette_changed();
    }

    /// The line changed: what matches is found anew.
    pub(super) fn palette_changed(&mut self) {
        let Some(palette) = &self.palette else { return };
        let matches = match palette.text.split_once(char::is_whitespace) {
            None => self.names(&palette.text),
            Some((head, rest)) => self.arguments(head, rest),
        };
        if let Some(palette) = &mut self.palette {
            palette.matches = matches;
            palette.selected = 0;
            palette.error = None;
            palette.picked = false;
        }
    }

    pub(super) fn palette_act(&mut self, action: Action) -> Vec<Command> {
        let Some(palette) = &mut self.palette else { return Vec::new() };
        if action == Action::Accept {
            return self.palette_run();
        }
        if action == Action::Close {
            self.palette = None;
        } else if action == Action::Complete {
            self.complete();
        } else if let Some(jump) = jump(action, 10) {
            palette.selected = moved(palette.selected, jump, palette.matches.len().saturating_sub(1));
            palette.picked = true;
        } else {
            let before = palette.text.len();
            (Line { text: &mut palette.text, cursor: &mut palette.cursor })
                .edit(action, &mut self.composer.kill);
            if palette.text.len() != before || action == Action::Transpose {
                self.palette_changed();
            }
        }
        Vec::new()
    }

    /// Runs the line. A line with an error stays, and says what is wrong.
    fn palette_run(&mut self) -> Vec<Command> {
        let Some(palette) = &self.palette else { return Vec::new() };
        let typed = palette.text.trim();
        // A word that is still being typed stands for the selected match; anything more is meant as it was typed.
        let complete = typed.starts_with('#')
            || typed.contains(char::is_whitespace)
            || (!typed.is_empty() && palette.text.ends_with(char::is_whitespace));
        let value = palette.picked && self.takes_value(typed);
        let line = if value { self.completed() } else { None };
        let chosen = palette.matches.get(palette.selected).filter(|_| !complete).map(|m| m.name.clone());
        if let Some(name) = chosen.as_ref().filter(|name| entry_of(name).is_some_and(Entry::needs_argument)) {
            self.set_line(name);
            return Vec::new();
        }
        let line = line.or(chosen).unwrap_or_else(|| typed.to_owned());
        if line.is_empty() {
            return Vec::new();
        }
        let before = self.palette.take();
        match self.run_line(&line) {
            Ok(commands) => commands,
            Err(error) => {
                self.palette = before.map(|palette| Palette { error: Some(error), ..palette });
                Vec::new()
            }
        }
    }

    fn complete(&mut self) {
        if let Some(line) = self.completed() {
            self.set_line(&line);
        }
    }

    /// The line with its last word replaced by the selected match.
    fn completed(&self) -> Option<String> {
        let palette = self.palette.as_ref()?;
        let chosen = &palette.matches.get(palette.selected)?.name;
        let head = palette.text.rsplit_once(char::is_whitespace).map_or("", |(head, _)| head);
        Some(if head.is_empty() { chosen.clone() } else { format!("{head} {chosen}") })
    }

    /// Whether a line has come to the value of a setting.
    fn takes_value(&self, line: &str) -> bool {
        let head = line.split(char::is_whitespace).next().and_then(entry_of);
        let value = |entry: &Entry| matches!(entry.does, Does::Set(field) if field != Field::Iterations);
        head.is_some_and(value) && self.palette.as_ref().is_some_and(|p| p.text.contains(char::is_whitespace))
    }

    /// Replaces the line by `line` and a space to go on after.
    fn set_line(&mut self, line: &str) {
        if let Some(palette) = &mut self.palette {
            palette.text = format!("{line} ");
            palette.cursor = palette.text.len();
        }
        self.palette_changed();
    }

    /// Commands and tools whose name, or failing that whose description, contains these letters in order.
    fn names(&self, letters: &str) -> Vec<Match> {
        let key = |does: Does| match does {
            Does::Act(action) => self.keymap.first(action).map(|chord| chord.to_string()),
            Does::Mode(_)
            | Does::Set(_)
            | Does::Mouse
            | Does::Step
            | Does::Filter
            | Does::Evaluate
            | Does::Tool { .. } => None,
        };
        let commands = COMMANDS.iter().filter(|entry| self.offers(entry)).map(|entry| Match {
            name: entry.name.to_owned(),
            doc: self.doc(entry),
            key: key(entry.does),
        });
        let tools = self.tools().map(|tool| Match {
            name: tool.spec.name.to_owned(),
            doc: first_sentence(tool.spec.description),
            key: None,
        });
        let all: Vec<Match> = commands.chain(tools).collect();
        let letters = letters.trim();
        if letters.is_empty() {
            return all;
        }
        let named = ranked(&all, letters, |m| &m.name);
        if named.is_empty() { ranked(&all, letters, |m| &m.doc) } else { named }
    }

    /// What may follow a command or a tool: the fields that were not given yet.
    fn arguments(&self, head: &str, rest: &str) -> Vec<Match> {
        let entry = entry_of(head).filter(|entry| self.offers(entry));
        if let Some(Does::Set(field)) = entry.map(|entry| entry.does) {
            let values = self.values(field, rest);
            if !values.is_empty() {
                return values;
            }
        }
        let tool = match entry.map(|entry| entry.does) {
            Some(Does::Tool { tool, .. }) => Some(tool),
            Some(_) => None,
            None => Some(head),
        };
        if let Some(tool) = tool.and_then(|name| self.tools().find(|tool| tool.spec.name == name)) {
            return fields(tool, rest);
        }
        entry
            .map(|entry| Match {
                name: entry.name.to_owned(),
                doc: format!("{} {}", entry.argument, entry.doc).trim().to_owned(),
                key: None,
            })
            .into_iter()
            .collect()
    }

    /// What a command does; why it cannot now, when it cannot.
    fn doc(&self, entry: &Entry) -> String {
        match (entry.does, self.cannot_evaluate()) {
            (Does::Evaluate, Some(why)) => why.to_owned(),
            _ if entry.argument.is_empty() => entry.doc.to_owned(),
            _ => format!("{}: {}", entry.argument, entry.doc),
        }
    }

    /// The tools that can be called in this mode.
    pub(super) fn tools(&self) -> impl Iterator<Item = &Tool> {
        let read_only = self.ledger.mode == Mode::ReadOnly;
        self.catalogue.iter().filter(move |tool| !read_only || tool.risk == Risk::Read)
    }

    /// Whether a command can do anything: a short name of a tool needs its tool.
    pub(super) fn offers(&self, entry: &Entry) -> bool {
        if let Does::Tool { tool, .. } = entry.does {
            return self.tools().any(|t| t.spec.name == tool);
        }
        true
    }
}

/// The fields of a tool's schema that `rest` does not give yet; narrowed by a flag that is being typed.
fn fields(tool: &Tool, rest: &str) -> Vec<Match> {
    let Some(properties) = tool.schema.get("properties").and_then(|p| p.as_object()) else {
        return Vec::new();
    };
    let (given, typing) = match rest.rsplit_once(char::is_whitespace) {
        Some((given, last)) if last.starts_with('-') => (given, last),
        None if rest.starts_with('-') => ("", rest),
        _ => (rest, ""),
    };
    let has = |flag: &str| {
        given.split_whitespace().any(|word| word.split('=').next().unwrap_or(word).replace('_', "-") == flag)
    };
    let all: Vec<Match> = properties
        .iter()
        .map(|(name, schema)| Match {
            name: format!("--{}", name.replace('_', "-")),
            doc: schema.get("description").and_then(|d| d.as_str()).unwrap_or_default().to_owned(),
            key: None,
        })
        .filter(|field| !has(&field.name))
        .collect();
    let letters = typing.trim_start_matches('-').split('=').next().unwrap_or_default();
    if letters.is_empty() { all } else { ranked(&all, letters, |m| &m.name) }
}

/// Those of `all` whose text holds `letters` in order, best first; an exact or a short name wins.
pub(super) fn ranked(all: &[Match], letters: &str, text: fn(&Match) -> &str) -> Vec<Match> {
    let pattern = Pattern::parse(letters, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut hits: Vec<(bool, u32, usize, usize)> = all
        .iter()
        .enumerate()
        .filter_map(|(i, m)| {
            let text = text(m);
            let score = pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher)?;
            Some((text == letters, score, text.len(), i))
        })
        .collect();
    hits.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
    hits.into_iter().filter_map(|(_, _, _, i)| all.get(i).cloned()).collect()
}

fn first_sentence(text: &str) -> String {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.').to_owned()
}
