//! Small phrases of summaries, and cuts that never leave half a secret behind.

use std::borrow::Cow;
use std::time::Duration;

/// `1 line`, `2 lines`.
pub fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// `45 s`, `1 m 5 s`, `14 m`, `2 h 5 m`, `3 d`.
pub fn span(of: Duration) -> String {
    let s = of.as_secs();
    let two = |big: u64, unit: &str, small: u64, rest: &str| {
        if small == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {small} {rest}") }
    };
    match s {
        0..=59 => format!("{s} s"),
        60..=299 => two(s / 60, "m", s % 60, "s"),
        300..=3_599 => format!("{} m", s / 60),
        3_600..=86_399 => two(s / 3_600, "h", s / 60 % 60, "m"),
        _ => two(s / 86_400, "d", s / 3_600 % 24, "h"),
    }
}

/// `text` in at most `max` bytes. Cut only between words, and a word that is cut off goes as a whole: half of a
/// secret would no longer look like one and would escape being masked.
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let kept = text.get(..text.floor_char_boundary(max)).unwrap_or_default();
    // The first byte that was cut off decides whether the last word is whole.
    let whole = text.get(kept.len()..).and_then(|rest| rest.chars().next()).is_some_and(ends_word);
    let kept = if whole {
        kept
    } else {
        let end = kept.rfind(ends_word).unwrap_or(0);
        kept.get(..end).unwrap_or_default()
    };
    Cow::Owned(format!("{kept} [cut: {} of {} bytes]", kept.len(), text.len()))
}

/// What no secret contains.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '{' | '}' | '[' | ']' | '(' | ')' | '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 m"),
            (7_500, "2 h 5 m"),
            (3_600, "1 h"),
            (299, "4 m 59 s"),
            (301, "5 m"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_cut_never_leaves_half_a_word() {
        for (text, max, kept) in [
            ("short", 5, "short"),
            ("one AKIAEXAMPLEEXAMPLE12 two", 10, "one [cut: 3 of 28 bytes]"),
            ("one two three", 7, "one two [cut: 7 of 13 bytes]"),
            ("AKIAEXAMPLE", 4, " [cut: 0 of 11 bytes]"),
            ("äöü äöü", 5, " [cut: 0 of 13 bytes]"),
        ] {
            assert_eq!(cut(text, max), kept);
        }
    }
}
