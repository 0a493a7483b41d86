//! Columns on a terminal, and cutting to them. Cuts are between graphemes, never inside.

use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { UnicodeWidthStr::width(text) }
}

/// The beginning of `text` that fits in `columns`, ending in `…` when something was cut. Cuts between graphemes.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if fits(text, columns) {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut out = head(text, room).to_owned();
    out.push('…');
    Cow::Owned(out)
}

/// Both ends of `text` with `…` between them, in at most `columns`: for ids, whose ends tell them apart.
#[must_use]
pub fn truncate_middle(text: &str, columns: usize) -> Cow<'_, str> {
    if fits(text, columns) {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let front = head(text, room.div_ceil(2));
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += columns_of(grapheme);
        if used > room / 2 || at < front.len() {
            break;
        }
        start = at;
    }
    Cow::Owned(format!("{front}…{}", text.get(start..).unwrap_or_default()))
}

/// `text` in lines of at most `columns`, broken at spaces, and inside a word only where it is longer than a
/// line. Line feeds break too. Spaces at a break are dropped; indentation stays. At least one line.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(paragraph, columns.max(1), &mut lines);
    }
    lines
}

fn wrap_paragraph<'a>(text: &'a str, columns: usize, lines: &mut Vec<&'a str>) {
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    // The line being filled: where it starts and ends, and its columns. Indentation belongs to the first word.
    let (mut start, mut end, mut used) = (0, 0, 0);
    let mut at = 0;
    for word in text.split(' ') {
        let (from, to) = (at, at + word.len());
        at = to + 1;
        if word.is_empty() {
            continue;
        }
        let w: usize = word.graphemes(true).map(columns_of).sum();
        if used + (from - end) + w <= columns {
            (end, used) = (to, used + (from - end) + w);
            continue;
        }
        if end > start {
            lines.push(part(start, end));
        }
        start = from;
        let mut rest = word;
        let mut left = w;
        while left > columns {
            let fitting = head(rest, columns);
            // A grapheme wider than the line stands alone in it.
            let fitting =
                if fitting.is_empty() { rest.graphemes(true).next().unwrap_or(rest) } else { fitting };
            if fitting.len() == rest.len() {
                break;
            }
            lines.push(fitting);
            start += fitting.len();
            rest = part(start, to);
            left = rest.graphemes(true).map(columns_of).sum();
        }
        (end, used) = (to, left);
    }
    if end > start || text.trim_matches(' ').is_empty() {
        lines.push(part(start, end));
    }
}

/// The longest beginning of `text` of at most `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += columns_of(grapheme);
        if used > room {
            break;
        }
        end = at + grapheme.len();
    }
    text.get(..end).unwrap_or_default()
}

fn fits(text: &str, columns: usize) -> bool {
    if is_plain(text) {
        return text.len() <= columns;
    }
    // A terminal lays out grapheme by grapheme; counting stops as soon as it is too wide.
    let mut used = 0;
    text.graphemes(true).all(|grapheme| {
        used += columns_of(grapheme);
        used <= columns
    })
}

fn columns_of(grapheme: &str) -> usize {
    UnicodeWidthStr::width(grapheme)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cuts_to_columns() {
        for (text, columns, cut) in [
            ("checkout", 8, "checkout"),
            ("checkout", 7, "checko…"),
            ("checkout", 1, "…"),
            ("checkout", 0, ""),
            ("", 0, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ] {
            assert_eq!(truncate(text, columns), cut, "{text} to {columns}");
        }
        for (text, columns, cut) in [
            ("i-0123456789abcdef", 18, "i-0123456789abcdef"),
            ("i-0123456789abcdef", 9, "i-01…cdef"),
            ("i-0123456789abcdef", 8, "i-01…def"),
            ("i-0123456789abcdef", 1, "…"),
            ("i-0123456789abcdef", 0, ""),
        ] {
            assert_eq!(truncate_middle(text, columns), cut, "{text} to {columns}");
        }
    }

    #[test]
    fn wraps_at_words() {
        let cases: [(&str, usize, &[&str]); 12] = [
            ("", 5, &[""]),
            ("one two three", 7, &["one two", "three"]),
            ("one two three", 8, &["one two", "three"]),
            ("one  two", 4, &["one", "two"]),
            ("one two", 100, &["one two"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("a bcdefgh", 3, &["a", "bcd", "efg", "h"]),
            ("  indented text", 10, &["  indented", "text"]),
            ("a\n\nb c", 1, &["a", "", "b", "c"]),
            ("日本 語", 4, &["日本", "語"]),
            ("trailing   ", 8, &["trailing"]),
            ("ab cd", 0, &["a", "b", "c", "d"]),
        ];
        for (text, columns, lines) in cases {
            assert_eq!(wrap(text, columns), lines, "{text:?} in {columns}");
        }
    }

    fn wide() -> impl Strategy<Value = String> {
        let some = proptest::sample::select("abc   \n日本🚀\u{301}\u{200d}é👩".chars().collect::<Vec<_>>());
        prop::collection::vec(prop_oneof![5 => some, 1 => any::<char>()], 0..60)
            .prop_map(|c| c.into_iter().collect())
    }

    fn laid_out(text: &str) -> usize {
        text.graphemes(true).map(columns_of).sum()
    }

    proptest! {
        #[test]
        fn never_wider(text in wide(), columns in 0..40usize) {
            prop_assert!(laid_out(&truncate(&text, columns)) <= columns);
            prop_assert!(laid_out(&truncate_middle(&text, columns)) <= columns);
        }

        #[test]
        fn wrapping_fits_and_loses_only_spaces(text in wide(), columns in 2..30usize) {
            let lines = wrap(&text, columns);
            for line in &lines {
                // One grapheme may be wider than the window; there is nowhere to break it.
                prop_assert!(laid_out(line) <= columns || line.graphemes(true).count() == 1, "{:?}", line);
            }
            let black = |t: &str| t.chars().filter(|c| !matches!(c, ' ' | '\n')).collect::<String>();
            prop_assert_eq!(black(&lines.concat()), black(&text));
        }
    }
}
