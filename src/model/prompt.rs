//! The system prompt: one embedded file, identified by its hash in every journal.

use std::sync::LazyLock;

const PROMPT: &str = include_str!("../../assets/prompts/system.md");

static HASH: LazyLock<String> = LazyLock::new(|| quarterdeck_core::journal::hash(PROMPT));

/// The system prompt.
#[must_use]
pub fn system_prompt() -> &'static str {
    PROMPT
}

/// Hex SHA-256 of the prompt's file.
#[must_use]
pub fn prompt_hash() -> &'static str {
    &HASH
}

#[cfg(test)]
mod tests {
    use super::{prompt_hash, system_prompt};

    #[test]
    fn prompt_is_versioned_short_and_hashed() {
        assert!(system_prompt().starts_with("<!-- quarterdeck system prompt, version "));
        assert!(system_prompt().len() <= 5 * 1024, "{} bytes", system_prompt().len());
        assert_eq!(prompt_hash().len(), 64);
        assert_eq!(prompt_hash(), quarterdeck_core::journal::hash(system_prompt()));
    }
}
