//! Command lines an operator can paste.

/// `words` as one POSIX shell command line.
#[must_use]
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// `word` as one word: bare where that is safe, in single quotes otherwise.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (word, want) in [
            ("eu-west-1", "eu-west-1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("a\nb", "'a\nb'"),
            ("web*", "'web*'"),
        ] {
            assert_eq!(quote(word), want);
        }
        assert_eq!(line(["aws", "ec2", "x y"]), "aws ec2 'x y'");
    }
}
