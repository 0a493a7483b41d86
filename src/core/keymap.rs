//! The key map: (place, key) -> action, as data.
//!
//! The default is `config/keymap.toml`, which is its own reference. A user's file has the same form and says
//! only what differs: an action named there has exactly the keys given there, and a key given there is taken
//! from whatever had it in the same place.

mod action;
mod chord;
mod parse;

pub use action::Action;
pub use chord::Chord;
pub use parse::KeymapError;

use crate::press::Press;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

const STANDARD: &str = include_str!("../../config/keymap.toml");

/// Where a key is pressed; a table of the key map's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Wherever one is.
    Everywhere,
    /// Wherever text is typed: composer, palette, prompt, a note.
    Line,
    /// The line one asks in.
    Composer,
    /// Searching earlier questions.
    History,
    /// Any pane.
    Pane,
    /// The chat.
    Chat,
    /// The timeline.
    Timeline,
    /// The detail.
    Detail,
    /// The confirmation dialog.
    Dialog,
    /// The palette.
    Palette,
    /// A line asked for: a filter, a search, a note.
    Prompt,
    /// The help.
    Help,
    /// A plain yes/no question.
    Question,
    /// The evaluation of determinism.
    Evaluation,
    /// The settings.
    Settings,
}

/// Keys of the dialog that belong to the gate. They cannot be bound to anything else.
pub const GATE_KEYS: &[(&str, &str)] = &[
    ("A", "approve, once every target was shown and no key was pressed for 700 ms"),
    ("Esc", "refuse"),
    ("Ctrl-c", "refuse"),
    ("the code", "type the four letters shown, and the number of targets, where the change needs them"),
];

impl Place {
    /// Every place, as the reference lists them.
    pub const ALL: &'static [Self] = &[
        Self::Composer,
        Self::Line,
        Self::History,
        Self::Pane,
        Self::Chat,
        Self::Timeline,
        Self::Detail,
        Self::Dialog,
        Self::Palette,
        Self::Settings,
        Self::Prompt,
        Self::Help,
        Self::Question,
        Self::Evaluation,
        Self::Everywhere,
    ];

    /// The name of its table in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Line => "line",
            Self::Composer => "composer",
            Self::History => "history",
            Self::Pane => "pane",
            Self::Chat => "chat",
            Self::Timeline => "timeline",
            Self::Detail => "detail",
            Self::Dialog => "dialog",
            Self::Palette => "palette",
            Self::Prompt => "prompt",
            Self::Help => "help",
            Self::Question => "question",
            Self::Evaluation => "evaluation",
            Self::Settings => "settings",
        }
    }

    /// The places a key is looked up in, the nearest first.
    #[must_use]
    pub const fn chain(self) -> &'static [Self] {
        match self {
            Self::Everywhere => &[Self::Everywhere],
            Self::Line => &[Self::Line, Self::Everywhere],
            Self::Composer => &[Self::Composer, Self::Line, Self::Everywhere],
            Self::History => &[Self::History, Self::Line, Self::Everywhere],
            Self::Pane => &[Self::Pane, Self::Everywhere],
            Self::Chat => &[Self::Chat, Self::Pane, Self::Everywhere],
            Self::Timeline => &[Self::Timeline, Self::Pane, Self::Everywhere],
            Self::Detail => &[Self::Detail, Self::Pane, Self::Everywhere],
            Self::Dialog => &[Self::Dialog, Self::Everywhere],
            Self::Palette => &[Self::Palette, Self::Line, Self::Everywhere],
            Self::Prompt => &[Self::Prompt, Self::Line, Self::Everywhere],
            Self::Help => &[Self::Help, Self::Everywhere],
            Self::Question => &[Self::Question, Self::Everywhere],
            Self::Evaluation => &[Self::Evaluation, Self::Everywhere],
            Self::Settings => &[Self::Settings, Self::Everywhere],
        }
    }
}

/// Which key does what, where.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    keys: BTreeMap<(Place, Action), Vec<Chord>>,
    actions: HashMap<(Place, Chord), Action>,
}

impl Keymap {
    /// The embedded default.
    #[must_use]
    pub fn standard() -> Arc<Self> {
        static MAP: LazyLock<Arc<Keymap>> =
            LazyLock::new(|| Arc::new(Keymap::default().overridden(STANDARD).unwrap_or_default()));
        Arc::clone(&MAP)
    }

    /// The text of the embedded default: its own reference.
    #[must_use]
    pub const fn reference() -> &'static str {
        STANDARD
    }

    /// This map, changed by a file.
    ///
    /// # Errors
    /// Not TOML, an unknown place, action or key, a key given twice or one of the gate's: with the line.
    pub fn overridden(&self, file: &str) -> Result<Self, KeymapError> {
        let mut map = self.clone();
        for binding in parse::bindings(file)? {
            map.bind(binding.place, binding.action, binding.chords);
        }
        Ok(map)
    }

    /// What `press` does in `place`, or in the places around it.
    #[must_use]
    pub fn action(&self, place: Place, press: Press) -> Option<Action> {
        let chord = Chord::from(press);
        place.chain().iter().find_map(|p| self.actions.get(&(*p, chord)).copied())
    }

    /// The keys that work in `place` and what they do, nearest place first; shadowed keys are left out.
    #[must_use]
    pub fn help(&self, place: Place) -> Vec<(String, &'static str)> {
        let mut seen: Vec<Chord> = Vec::new();
        let mut out: Vec<(String, &'static str)> = Vec::new();
        if place == Place::Dialog {
            out.extend(GATE_KEYS.iter().map(|(keys, doc)| ((*keys).to_owned(), *doc)));
            seen.extend(GATE_KEYS.iter().filter_map(|(keys, _)| Chord::parse(keys).ok()));
        }
        for near in place.chain() {
            let mut here = Vec::new();
            for ((_, action), chords) in self.keys.iter().filter(|((p, _), _)| p == near) {
                let live: Vec<Chord> = chords.iter().copied().filter(|c| !seen.contains(c)).collect();
                if !live.is_empty() {
                    out.push((live.iter().map(Chord::to_string).collect::<Vec<_>>().join(" "), action.doc()));
                    here.extend(live);
                }
            }
            seen.extend(here);
        }
        out
    }

    /// The first key bound to `action` anywhere.
    #[must_use]
    pub fn first(&self, action: Action) -> Option<Chord> {
        Place::ALL.iter().find_map(|place| self.keys.get(&(*place, action))?.first().copied())
    }

    /// Every binding, by place.
    pub fn bindings(&self) -> impl Iterator<Item = (Place, Action, &[Chord])> {
        self.keys.iter().map(|((place, action), chords)| (*place, *action, chords.as_slice()))
    }

    fn bind(&mut self, place: Place, action: Action, chords: Vec<Chord>) {
        for chord in self.keys.remove(&(place, action)).unwrap_or_default() {
            self.actions.remove(&(place, chord));
        }
        for chord in &chords {
            if let Some(other) = self.actions.insert((place, *chord), action)
                && let Some(keys) = self.keys.get_mut(&(place, other))
            {
                keys.retain(|k| k != chord);
            }
        }
        self.keys.insert((place, action), chords);
    }
}

#[cfg(test)]
mod tests;
