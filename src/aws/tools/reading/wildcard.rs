//! Names with wildcards, for services that know none.

/// Whether `text` has a wildcard: `*` or `?`.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `name` fits `pattern`: `*` is any text, `?` any one character. Case counts.
pub fn fits(pattern: &str, name: &str) -> bool {
    fits_by(pattern, name, |a, b| a == b)
}

/// As [`fits`]; `same` says which letters are the same.
pub fn fits_by(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut p, mut t) = (pattern.chars(), text.chars());
    // What follows the last `*`, and where in the text that was tried.
    let mut star = None;
    loop {
        let (mut next_p, mut next_t) = (p.clone(), t.clone());
        let Some(here) = next_t.next() else { break };
        match next_p.next() {
            Some('*') => {
                star = Some((next_p.clone(), t.clone()));
                p = next_p;
            }
            Some(c) if c == '?' || same(c, here) => (p, t) = (next_p, next_t),
            Some(_) | None => {
                let Some((after, tried)) = star.as_mut() else { return false };
                tried.next();
                (p, t) = (after.clone(), tried.clone());
            }
        }
    }
    p.all(|c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, want) in [
            ("web-*", "web-1", true),
            ("web-*", "web-", true),
            ("web-*", "Web-1", false),
            ("*", "", true),
            ("*-prod-*", "a-prod-b-prod-c", true),
            ("*b", "abab", true),
            ("*bc", "abab", false),
            ("web-?", "web-12", false),
            ("web-??", "web-ä2", true),
            ("web", "web-1", false),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
        assert!(is_pattern("a?") && !is_pattern("a-b"));
        assert!(!fits(&format!("{}b", "*a".repeat(40)), &"a".repeat(2_000)), "no explosion");
    }
}
