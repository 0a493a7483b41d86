//! Names with wildcards, for services that know none.

/// Whether `text` has a wildcard: `*` or `?`.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `name` fits `pattern`: `*` is any text, `?` any one character. Case counts.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` was, and how much of the name it takes so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            Some(_) | None => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
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
