//! Words for a POSIX shell.

use std::borrow::Cow;

/// `word` as a POSIX shell reads it back as one word: as it is where that is safe, else in single quotes.
#[must_use]
pub fn quote(word: &str) -> Cow<'_, str> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    // zsh expands a leading `=`.
    if !word.is_empty() && word.chars().all(safe) && !word.starts_with('=') {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_read() {
        for (word, quoted) in [
            ("i-0abc", "i-0abc"),
            (
                "arn:aws:ecs:eu-west-1:123456789012:service/a/b",
                "arn:aws:ecs:eu-west-1:123456789012:service/a/b",
            ),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("a;b", "'a;b'"),
            ("~", "'~'"),
            ("*", "'*'"),
            ("=ls", "'=ls'"),
            ("a\nb", "'a\nb'"),
            ("ä", "'ä'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
