//! Near-identical lines as one.

use super::line::Level;
use std::collections::HashMap;

/// What lines are compared by: numbers, ids and times are all the same, words and failing HTTP statuses are not.
pub fn key(level: Level, text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(256) + 8);
    out.push_str(level.label());
    out.push(' ');
    let mut word = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() {
            word.push(c);
        } else {
            end(&mut out, &mut word);
            out.push(c);
        }
    }
    end(&mut out, &mut word);
    out
}

fn end(out: &mut String, word: &mut String) {
    let digits = word.chars().any(|c| c.is_ascii_digit());
    let status = word.len() == 3 && word.starts_with(['4', '5']) && word.chars().all(|c| c.is_ascii_digit());
    // A part of a UUID need not have a digit.
    let part = word.len() >= 4 && out.ends_with("#-") && word.chars().all(|c| c.is_ascii_hexdigit());
    if (digits && !status) || part {
        out.push('#');
    } else {
        out.push_str(word);
    }
    word.clear();
}

/// Folds items (newest first) that have the same key into the newest: each with how many there were.
pub fn fold<T>(items: Vec<(String, T)>) -> Vec<(T, usize)> {
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut folded: Vec<(T, usize)> = Vec::new();
    for (key, item) in items {
        let index = *at.entry(key).or_insert(folded.len());
        match folded.get_mut(index) {
            Some((_, times)) => *times += 1,
            None => folded.push((item, 1)),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_identical() {
        for (a, b, same) in [
            ("took 12 ms", "took 350 ms", true),
            ("request 0b3f-9a in 12ms", "request 77aa-1c in 9ms", true),
            ("at 2026-11-20T03:04:05Z", "at 2026-11-20T03:04:06.123Z", false),
            ("at 03:04:05", "at 03:04:06", true),
            ("id 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "id a1b2c3d4-beef-4abc-8abc-deadbeefcafe", true),
            ("GET /cart 200", "GET /cart 500", false),
            ("GET /cart 200", "GET /cart 204", true),
            ("user jo failed", "user al failed", false),
            ("", "", true),
        ] {
            assert_eq!(key(Level::None, a) == key(Level::None, b), same, "{a} | {b}");
        }
        assert_ne!(key(Level::Error, "x"), key(Level::Info, "x"));
    }

    #[test]
    fn the_newest_stays_and_counts() {
        let items = [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("c", 5)];
        let folded = fold(items.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
        assert_eq!(folded, [(1, 3), (2, 1), (5, 1)]);
    }
}
