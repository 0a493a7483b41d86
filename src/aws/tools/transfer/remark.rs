//! Warnings of a transfer, and the line that copies something to the clipboard of an operator.

use crate::clients::ReadClients;
use crate::place::Place;
use crate::shell;
use quarterdeck_core::approval::{Warning, WarningLevel};

/// A warning with its evidence.
pub fn warning(
    code: &str,
    level: WarningLevel,
    text: impl Into<String>,
    evidence: impl Into<String>,
) -> Warning {
    Warning { code: code.to_owned(), level, text: text.into(), evidence: Some(evidence.into()) }
}

/// `aws s3api VERB --region R [--profile P] WORDS`.
pub fn s3api(aws: &ReadClients, place: &Place, verb: &str, words: &[&str]) -> String {
    let profile = aws.profile(place);
    let mut line = vec!["aws", "s3api", verb, "--region", &place.region];
    if let Some(profile) = &profile {
        line.extend(["--profile", profile]);
    }
    line.extend(words);
    shell::line(line)
}

/// A key as it stands in a URL: `--copy-source` takes it so.
pub fn url_encoded(key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'/');
    key.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
