//! A key with its modifiers, as it stands in a key map.

use crate::press::{Key, Press};
use std::fmt;

/// A key and its modifiers. Not a [`Press`]: that only comes from a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    key: Key,
    ctrl: bool,
    alt: bool,
}

const NAMED: &[(&str, Key)] = &[
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("Shift-Tab", Key::BackTab),
    ("Backspace", Key::Backspace),
    ("Delete", Key::Delete),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PgUp", Key::PageUp),
    ("PgDn", Key::PageDown),
    ("Space", Key::Char(' ')),
];

impl Chord {
    /// `a`, `A`, `Ctrl-a`, `Alt-Enter`, `PgUp`, `Space`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and which key is nearest.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ctrl, rest) =
            text.strip_prefix("Ctrl-").filter(|r| !r.is_empty()).map_or((false, text), |r| (true, r));
        let (alt, name) =
            rest.strip_prefix("Alt-").filter(|r| !r.is_empty()).map_or((false, rest), |r| (true, r));
        let mut letters = name.chars();
        let key = match (letters.next(), letters.next()) {
            (Some(c), None) if !c.is_control() && !c.is_whitespace() => Key::Char(c),
            _ => {
                let Some((_, key)) = NAMED.iter().find(|(n, _)| *n == name) else {
                    let near = crate::text::nearest(name, NAMED.iter().map(|(n, _)| *n), 1).join("");
                    return Err(format!(
                        "there is no key {text:?} (nearest: {near}; also single characters, Ctrl-x and Alt-x)"
                    ));
                };
                *key
            }
        };
        if ctrl && matches!(key, Key::Char(c) if c.is_uppercase()) {
            return Err(format!("{text:?}: terminals send Ctrl with small letters only"));
        }
        Ok(Self { key, ctrl, alt })
    }

    /// The key without modifiers.
    #[must_use]
    pub const fn base(self) -> Key {
        self.key
    }

    /// Whether Alt belongs to it.
    #[must_use]
    pub const fn alt(self) -> bool {
        self.alt
    }

    /// Whether Ctrl belongs to it.
    #[must_use]
    pub const fn ctrl(self) -> bool {
        self.ctrl
    }
}

impl From<Press> for Chord {
    fn from(press: Press) -> Self {
        let key = match Press::key(press) {
            Key::Char(c) if press.ctrl() => Key::Char(c.to_ascii_lowercase()),
            key => key,
        };
        Self { key, ctrl: press.ctrl(), alt: press.alt() }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match (NAMED.iter().find(|(_, key)| *key == self.key), self.key) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, key) => write!(f, "{key:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_is_shown_the_same() {
        for text in
            ["a", "A", ":", "-", "Ctrl-a", "Alt-b", "Alt-Enter", "Ctrl--", "PgUp", "Space", "Shift-Tab", "?"]
        {
            assert_eq!(Chord::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "F1", "F11", "Ctrl-", "Ctrl-A", "enter", "ab", " ", "\n"] {
            assert!(Chord::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_press_and_its_chord_are_written_the_same() {
        for press in [
            Press::new(Key::Char('a'), true, false),
            Press::new(Key::Enter, false, true),
            Press::new(Key::BackTab, false, false),
            Press::new(Key::PageDown, false, false),
        ] {
            assert_eq!(Chord::from(press).to_string(), press.to_string());
        }
        assert_eq!(Chord::from(Press::new(Key::Char('C'), true, false)), Chord::parse("Ctrl-c").unwrap());
    }
}
