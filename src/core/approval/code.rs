//! The code that is typed for a change of high impact: four random letters and the number of targets.

use crate::press::Key;

/// Randomness the gate needs, made by `perform`: the pure half has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Four letters out of [`Challenge::ALPHABET`].
    pub code: String,
}

impl Challenge {
    /// Letters a code is made of: no `A` (it approves), nothing easily confused.
    pub const ALPHABET: &'static str = "BDEFHKLMNPRTUWXY";
    /// Letters in a code.
    pub const LETTERS: usize = 4;

    /// Whether the code is one that can be typed and cannot be typed by chance. A gate with another never opens.
    fn is_sound(&self) -> bool {
        self.code.chars().count() == Self::LETTERS && self.code.chars().all(|c| Self::ALPHABET.contains(c))
    }
}

/// Digits a number of targets may have.
const DIGITS: usize = 3;

/// The code asked for, and what has been typed of it.
#[derive(Debug)]
pub(super) struct Code {
    challenge: Challenge,
    targets: String,
    letters: String,
    number: String,
}

impl Code {
    /// Nothing typed yet.
    pub(super) fn new(challenge: Challenge, targets: usize) -> Self {
        Self { challenge, targets: targets.to_string(), letters: String::new(), number: String::new() }
    }

    /// The letters to show.
    pub(super) fn shown(&self) -> &str {
        &self.challenge.code
    }

    /// Letters and digits typed so far.
    pub(super) fn typed(&self) -> (&str, &str) {
        (&self.letters, &self.number)
    }

    /// Whether letters and number are exactly right.
    pub(super) fn is_right(&self) -> bool {
        self.challenge.is_sound() && self.letters == self.challenge.code && self.number == self.targets
    }

    /// Takes a key that is part of a code. `false`: it is none, or there is no place for it.
    pub(super) fn take(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) if Challenge::ALPHABET.contains(c) && self.letters.len() < Challenge::LETTERS => {
                self.letters.push(c);
                true
            }
            Key::Char(c) if c.is_ascii_digit() && self.number.len() < DIGITS => {
                self.number.push(c);
                true
            }
            Key::Backspace => self.number.pop().or_else(|| self.letters.pop()).is_some(),
            Key::Char(_)
            | Key::Enter
            | Key::Esc
            | Key::Tab
            | Key::BackTab
            | Key::Delete
            | Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(code: &str, targets: usize, keys: &str) -> (bool, bool) {
        let mut typed = Code::new(Challenge { code: code.into() }, targets);
        let all = keys.chars().all(|c| typed.take(if c == '<' { Key::Backspace } else { Key::Char(c) }));
        (typed.is_right(), all)
    }

    #[test]
    fn only_the_exact_code_and_number_are_right() {
        for (keys, targets, right) in [
            ("BDEF2", 2, true),
            ("2BDEF", 2, true),
            ("BDEF10", 10, true),
            ("BDEE<F2", 2, true),
            ("BDEF3<2", 2, true),
            ("BDEF", 2, false),
            ("2", 2, false),
            ("", 2, false),
            ("BDEF02", 2, false),
            ("BDEF1", 2, false),
            ("FEDB2", 2, false),
        ] {
            assert_eq!(typed("BDEF", targets, keys), (right, true), "{keys}");
        }
        assert_eq!(typed("BDEF", 2, "bdef2"), (false, false), "lower case is not the code");
        assert_eq!(typed("BDEF", 2, "BDEFF"), (false, false), "there is no place for a fifth letter");
    }

    #[test]
    fn an_unsound_challenge_never_opens() {
        for code in ["", "BD", "AAAA", "bdef", "BDEFH", "ÄÖÜB"] {
            assert!(!typed(code, 1, &format!("{code}1")).0, "{code:?}");
        }
        assert!(!Challenge::ALPHABET.contains('A'));
    }
}
