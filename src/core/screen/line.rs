//! Editing a text by graphemes: what composer, palette, prompt and note share.

use crate::keymap::Action;
use crate::text::width;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

/// The longest text that is taken, in characters.
pub(super) const MOST: usize = 100_000;

/// A text and where in it the cursor is, for as long as one edit takes.
pub(super) struct Line<'a> {
    pub(super) text: &'a mut String,
    pub(super) cursor: &'a mut usize,
}

/// A place in the text, seen from the cursor.
type Spot = fn(&str, usize) -> usize;

enum Edit {
    Move(Spot),
    Remove(Spot, Spot),
    Cut(Spot, Spot),
    Yank,
    Transpose,
}

const EDITS: &[(Action, Edit)] = &[
    (Action::CursorLeft, Edit::Move(before)),
    (Action::CursorRight, Edit::Move(after)),
    (Action::WordLeft, Edit::Move(word_before)),
    (Action::WordRight, Edit::Move(word_after)),
    (Action::LineStart, Edit::Move(start)),
    (Action::LineEnd, Edit::Move(end)),
    (Action::DeleteBack, Edit::Remove(before, here)),
    (Action::DeleteForward, Edit::Remove(here, after)),
    (Action::DeleteWordBack, Edit::Cut(word_before, here)),
    (Action::DeleteWordForward, Edit::Cut(here, word_after)),
    (Action::DeleteToStart, Edit::Cut(start, here)),
    (Action::DeleteToEnd, Edit::Cut(here, end_or_feed)),
    (Action::Yank, Edit::Yank),
    (Action::Transpose, Edit::Transpose),
];

impl Line<'_> {
    /// Carries out an editing action. `false` when it is not one.
    pub(super) fn edit(&mut self, action: Action, kill: &mut String) -> bool {
        let Some((_, edit)) = EDITS.iter().find(|(a, _)| *a == action) else { return false };
        let at = *self.cursor;
        match edit {
            Edit::Move(to) => *self.cursor = to(self.text, at),
            Edit::Remove(from, to) => self.remove(from(self.text, at), to(self.text, at)),
            Edit::Cut(from, to) => {
                let (from, to) = (from(self.text, at), to(self.text, at));
                if let Some(cut) = self.text.get(from..to).filter(|cut| !cut.is_empty()) {
                    cut.clone_into(kill);
                    self.remove(from, to);
                }
            }
            Edit::Yank => {
                self.insert(&kill.clone());
            }
            Edit::Transpose => self.transpose(),
        }
        self.settle();
        true
    }

    /// Inserts `new` at the cursor, line ends unified and control characters made visible. `false` when it was
    /// cut to the longest text that is taken.
    pub(super) fn insert(&mut self, new: &str) -> bool {
        // Bytes first: counting characters on every key of a long text would be felt.
        let room = if self.text.len() + new.len() <= MOST {
            MOST
        } else {
            MOST.saturating_sub(self.text.chars().count())
        };
        let clean = harmless(new);
        let fits: String = clean.chars().take(room).collect();
        self.text.insert_str(*self.cursor, &fits);
        *self.cursor += fits.len();
        self.settle();
        fits.len() == clean.len()
    }

    /// Moves to the same column one line up. `false` on the first line.
    pub(super) fn up(&mut self) -> bool {
        let first = start(self.text, *self.cursor);
        let Some(end_above) = first.checked_sub(1) else { return false };
        let column = columns(self.text, first, *self.cursor);
        *self.cursor = at_column(self.text, start(self.text, end_above), column);
        true
    }

    /// Moves to the same column one line down. `false` on the last line.
    pub(super) fn down(&mut self) -> bool {
        let last = end(self.text, *self.cursor);
        if last == self.text.len() {
            return false;
        }
        let column = columns(self.text, start(self.text, *self.cursor), *self.cursor);
        *self.cursor = at_column(self.text, last + 1, column);
        true
    }

    /// The cursor is on a boundary between graphemes: an edit may have joined what stood beside it.
    fn settle(&mut self) {
        let at = (*self.cursor).min(self.text.len());
        let boundary = self.text.is_char_boundary(at)
            && GraphemeCursor::new(at, self.text.len(), true).is_boundary(self.text, 0).unwrap_or(true);
        *self.cursor = if boundary { at } else { after(self.text, at) };
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        *self.cursor = from;
    }

    fn transpose(&mut self) {
        // At the end of the text the two characters before the cursor are swapped.
        let at = if *self.cursor == self.text.len() { before(self.text, *self.cursor) } else { *self.cursor };
        let (first, last) = (before(self.text, at), after(self.text, at));
        if let (Some(a), Some(b)) = (self.text.get(first..at), self.text.get(at..last))
            && first < at
        {
            let swapped = format!("{b}{a}");
            self.text.replace_range(first..last, &swapped);
            *self.cursor = last;
        }
    }
}

/// Pasted or typed text as it may stand in a line: line ends unified, everything that does not show made visible.
pub(super) fn harmless(text: &str) -> String {
    crate::text::visible_lines(&text.replace("\r\n", "\n").replace('\r', "\n"))
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect()
}

fn here(_: &str, at: usize) -> usize {
    at
}

fn before(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.grapheme_indices(true).next_back()).map_or(0, |(i, _)| i)
}

fn after(text: &str, at: usize) -> usize {
    if text.is_char_boundary(at) {
        text.get(at..).and_then(|rest| rest.graphemes(true).next()).map_or(text.len(), |g| at + g.len())
    } else {
        text.grapheme_indices(true).map(|(i, _)| i).find(|i| *i > at).unwrap_or(text.len())
    }
}

fn word_before(text: &str, at: usize) -> usize {
    words(text).map(|(start, _)| start).take_while(|start| *start < at).last().unwrap_or(0)
}

fn word_after(text: &str, at: usize) -> usize {
    words(text).map(|(_, end)| end).find(|end| *end > at).unwrap_or(text.len())
}

fn words(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.split_word_bound_indices()
        .filter(|(_, word)| word.chars().any(char::is_alphanumeric))
        .map(|(i, word)| (i, i + word.len()))
}

fn start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |i| i + 1)
}

fn end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |i| at + i)
}

/// The end of the line; on it already, past the line feed, so that cutting joins the next line.
fn end_or_feed(text: &str, at: usize) -> usize {
    let end = end(text, at);
    if end == at { after(text, at) } else { end }
}

fn columns(text: &str, from: usize, to: usize) -> usize {
    text.get(from..to).map_or(0, width)
}

fn at_column(text: &str, start: usize, column: usize) -> usize {
    let mut at = start;
    let mut taken = 0;
    for grapheme in text.get(start..end(text, start)).unwrap_or_default().graphemes(true) {
        taken += width(grapheme);
        if taken > column {
            break;
        }
        at += grapheme.len();
    }
    at
}
