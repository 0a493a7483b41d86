//! Editing a text by graphemes: what composer, palette, prompt and note share.

use crate::keymap::Action;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

/// The longest text that is taken, in characters.
pub const MOST: usize = 100_000;

/// A text and where in it the cursor is, for as long as one edit takes.
pub(super) struct Line<'a> {
    pub(super) text: &'a mut String,
    pub(super) cursor: &'a mut usize,
}

/// A place in the text, seen from the cursor.
type Spot = fn(&Line<'_>, usize) -> usize;

enum Edit {
    Move(Spot),
    Remove(Spot, Spot),
    Cut(Spot, Spot),
    Yank,
    Transpose,
}

const HERE: Spot = |_, at| at;

const EDITS: &[(Action, Edit)] = &[
    (Action::CursorLeft, Edit::Move(Line::before)),
    (Action::CursorRight, Edit::Move(Line::after)),
    (Action::WordLeft, Edit::Move(Line::word_before)),
    (Action::WordRight, Edit::Move(Line::word_after)),
    (Action::LineStart, Edit::Move(Line::start)),
    (Action::LineEnd, Edit::Move(Line::end)),
    (Action::DeleteBack, Edit::Remove(Line::before, HERE)),
    (Action::DeleteForward, Edit::Remove(HERE, Line::after)),
    (Action::DeleteWordBack, Edit::Cut(Line::word_before, HERE)),
    (Action::DeleteWordForward, Edit::Cut(HERE, Line::word_after)),
    (Action::DeleteToStart, Edit::Cut(Line::start, HERE)),
    (Action::DeleteToEnd, Edit::Cut(HERE, Line::end_or_feed)),
    (Action::Yank, Edit::Yank),
    (Action::Transpose, Edit::Transpose),
];

impl Line<'_> {
    /// Carries out an editing action. `false` when it is not one.
    pub(super) fn edit(&mut self, action: Action, kill: &mut String) -> bool {
        let Some((_, edit)) = EDITS.iter().find(|(a, _)| *a == action) else { return false };
        let at = *self.cursor;
        match edit {
            Edit::Move(to) => *self.cursor = to(self, at),
            Edit::Remove(from, to) => self.remove(from(self, at), to(self, at)),
            Edit::Cut(from, to) => self.cut(from(self, at), to(self, at), kill),
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
        let room = MOST.saturating_sub(self.text.chars().count());
        let clean = harmless(new);
        let fits: String = clean.chars().take(room).collect();
        let whole = fits.len() == clean.len();
        self.text.insert_str(*self.cursor, &fits);
        *self.cursor += fits.len();
        self.settle();
        whole
    }

    /// Moves to the same column one line up. `false` on the first line.
    pub(super) fn up(&mut self) -> bool {
        let start = self.start(*self.cursor);
        if start == 0 {
            return false;
        }
        let column = self.columns(start, *self.cursor);
        *self.cursor = self.at_column(self.start(start - 1), column);
        true
    }

    /// Moves to the same column one line down. `false` on the last line.
    pub(super) fn down(&mut self) -> bool {
        let end = self.end(*self.cursor);
        if end == self.text.len() {
            return false;
        }
        let column = self.columns(self.start(*self.cursor), *self.cursor);
        *self.cursor = self.at_column(end + 1, column);
        true
    }

    /// The cursor is on a boundary between graphemes: an insertion may have joined what stood beside it.
    fn settle(&mut self) {
        let at = (*self.cursor).min(self.text.len());
        let boundary = self.text.is_char_boundary(at)
            && GraphemeCursor::new(at, self.text.len(), true).is_boundary(self.text, 0).unwrap_or(true);
        *self.cursor = if boundary { at } else { self.after(at) };
    }

    fn before(&self, at: usize) -> usize {
        self.text.grapheme_indices(true).map(|(i, _)| i).take_while(|i| *i < at).last().unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        self.text.grapheme_indices(true).map(|(i, _)| i).find(|i| *i > at).unwrap_or(self.text.len())
    }

    fn word_before(&self, at: usize) -> usize {
        self.words().map(|(start, _)| start).take_while(|start| *start < at).last().unwrap_or(0)
    }

    fn word_after(&self, at: usize) -> usize {
        self.words().map(|(_, end)| end).find(|end| *end > at).unwrap_or(self.text.len())
    }

    fn words(&self) -> impl Iterator<Item = (usize, usize)> {
        self.text
            .split_word_bound_indices()
            .filter(|(_, word)| word.chars().any(char::is_alphanumeric))
            .map(|(i, word)| (i, i + word.len()))
    }

    fn start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1)
    }

    fn end(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |i| at + i)
    }

    /// The end of the line; on it already, past the line feed, so that cutting joins the next line.
    fn end_or_feed(&self, at: usize) -> usize {
        let end = self.end(at);
        if end == at { self.after(at) } else { end }
    }

    fn columns(&self, from: usize, to: usize) -> usize {
        self.text.get(from..to).map_or(0, crate::text::width)
    }

    fn at_column(&self, start: usize, column: usize) -> usize {
        let mut at = start;
        let mut width = 0;
        for grapheme in self.text.get(start..self.end(start)).unwrap_or_default().graphemes(true) {
            width += crate::text::width(grapheme);
            if width > column {
                break;
            }
            at += grapheme.len();
        }
        at
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        *self.cursor = from;
        self.settle();
    }

    fn cut(&mut self, from: usize, to: usize, kill: &mut String) {
        if let Some(cut) = self.text.get(from..to).filter(|cut| !cut.is_empty()) {
            cut.clone_into(kill);
            self.remove(from, to);
        }
    }

    fn transpose(&mut self) {
        let at = if *self.cursor == self.text.len() { self.before(*self.cursor) } else { *self.cursor };
        let (first, end) = (self.before(at), self.after(at));
        if at == 0 || first == at {
            return;
        }
        let (Some(a), Some(b)) = (self.text.get(first..at), self.text.get(at..end)) else { return };
        let swapped = format!("{b}{a}");
        self.text.replace_range(first..end, &swapped);
        *self.cursor = end;
        self.settle();
    }
}

/// Pasted or typed text as it may stand in a line: line ends unified, everything that does not show made visible.
pub(super) fn harmless(text: &str) -> String {
    crate::text::visible_lines(&text.replace("\r\n", "\n").replace('\r', "\n"))
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect()
}
