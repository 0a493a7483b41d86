//! Command lines an operator can paste.

use quarterdeck_core::text;

/// `words` as one POSIX shell command line.
#[must_use]
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(text::quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_take_apart_stay_whole() {
        assert_eq!(line(["aws", "ec2", "a b", "$(reboot)"]), "aws ec2 'a b' '$(reboot)'");
    }
}
