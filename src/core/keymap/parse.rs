//! Reading a key map's file.

use super::{Action, Chord, GATE_KEYS, Place};
use crate::text::nearest;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// What is wrong with a key map's file, and on which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key map, line {line}: {what}")]
pub struct KeymapError {
    /// From 1.
    pub line: usize,
    /// One sentence.
    pub what: String,
}

/// One line of the file.
pub(super) struct Binding {
    pub(super) place: Place,
    pub(super) action: Action,
    pub(super) chords: Vec<Chord>,
}

/// All lines of `file`.
pub(super) fn bindings(file: &str) -> Result<Vec<Binding>, KeymapError> {
    let wrong = |span: Range<usize>, what: String| KeymapError { line: line_of(file, span.start), what };
    let root = DeTable::parse(file)
        .map_err(|e| wrong(e.span().unwrap_or_default(), e.message().replace('\n', " ")))?;
    let mut out = Vec::new();
    for (name, table) in root.get_ref() {
        let name_text = name.get_ref().as_ref();
        let Some(place) = Place::ALL.iter().copied().find(|p| p.name() == name_text) else {
            let near = nearest(name_text, Place::ALL.iter().map(|p| p.name()), 1).join("");
            return Err(wrong(name.span(), format!("there is no place [{name_text}]; nearest: [{near}]")));
        };
        let DeValue::Table(table) = table.get_ref() else {
            return Err(wrong(name.span(), format!("{name_text} is a table: write [{name_text}]")));
        };
        for (name, keys) in table {
            let (action, chords) =
                binding(place, name.get_ref().as_ref(), keys.get_ref(), &out).map_err(|what| {
                    wrong(name.span(), format!("[{}] {}: {what}", place.name(), name.get_ref()))
                })?;
            out.push(Binding { place, action, chords });
        }
    }
    Ok(out)
}

fn binding(
    place: Place,
    name: &str,
    keys: &DeValue<'_>,
    before: &[Binding],
) -> Result<(Action, Vec<Chord>), String> {
    let Some(action) = Action::named(name) else {
        let near = nearest(name, Action::ALL.iter().map(|a| a.name()), 1).join("");
        return Err(format!("there is no such action; nearest: {near}"));
    };
    let keys = keys.as_array().ok_or("its keys are a list: [\"Enter\"], [] for none")?;
    let mut chords = Vec::new();
    for key in keys {
        let text = key.get_ref().as_str().ok_or("a key is a text: \"Enter\"")?;
        let chord = Chord::parse(text)?;
        let gate = place == Place::Dialog
            && GATE_KEYS.iter().any(|(name, _)| Chord::parse(name).is_ok_and(|gate| gate == chord));
        if gate {
            return Err(format!("{text} approves or refuses in the dialog and cannot be bound"));
        }
        if let Some(other) = before.iter().find(|b| b.place == place && b.chords.contains(&chord)) {
            return Err(format!("{text} is given to {} as well", other.action.name()));
        }
        if !chords.contains(&chord) {
            chords.push(chord);
        }
    }
    Ok((action, chords))
}

fn line_of(file: &str, at: usize) -> usize {
    file.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}
