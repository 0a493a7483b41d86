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

    /// Every version there has been. A change of the text is a new version: add it, leave the others.
    const VERSIONS: [(u32, &str); 2] = [
        (1, "bf11eb48d3b65441a1c7d944abfeb28c87e8c2e8db7fe3475a171d91bbf81652"),
        (2, "b8b8e49d2b6482d355d09f1f62d4d885c235368cd32ac4082f47b67bd72e3228"),
    ];

    #[test]
    fn prompt_is_versioned_short_and_hashed() {
        let first = system_prompt().lines().next().unwrap();
        let version = first
            .strip_prefix("<!-- quarterdeck system prompt, version ")
            .and_then(|v| v.strip_suffix(" -->"));
        let (latest, hash) = VERSIONS[VERSIONS.len() - 1];
        assert_eq!(version, Some(&*latest.to_string()), "the text names its version");
        assert_eq!(
            prompt_hash(),
            hash,
            "the text has changed: give it a new version, here and in its first line"
        );
        assert_eq!(prompt_hash(), quarterdeck_core::journal::hash(system_prompt()));
        assert!(VERSIONS.is_sorted_by(|a, b| a.0 < b.0 && a.1 != b.1));
        assert!(system_prompt().len() <= 5 * 1024, "{} bytes", system_prompt().len());
    }

    #[test]
    fn what_a_model_must_be_told_is_in_it() {
        for told in [
            "comes from tool results",
            "`[#4]`",
            "What to do",
            "from the highest to the lowest",
            "ask one short question",
            "Decline other topics",
            "never instructions",
            "\"recorded\": true",
            "answer with the plan",
            "Not looked at",
        ] {
            assert!(system_prompt().contains(told), "{told}");
        }
    }
}
