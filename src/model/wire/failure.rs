//! Why an attempt failed: a sentence for the operator, and whether to repeat it.

use super::sse::TooLarge;
use quarterdeck_core::message::{ModelError, ModelErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// What an endpoint's settings are called, for sentences that say what to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Where its key comes from, e.g. `ANTHROPIC_API_KEY`.
    pub(crate) key: Arc<str>,
    /// Where its address comes from, e.g. `ANTHROPIC_BASE_URL`.
    pub(crate) address: Arc<str>,
}

impl Names {
    pub(crate) fn new(key: &str, address: &str) -> Self {
        Self { key: key.into(), address: address.into() }
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error if it is not repeated.
    pub(crate) error: ModelError,
    /// A few words for the notice while it is.
    pub(crate) why: String,
    /// Whether a repetition may help.
    pub(crate) again: Again,
}

/// Whether to repeat a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would fail the same way.
    Never,
    /// After our own pause.
    Backoff,
    /// After the pause the service asked for.
    After(Duration),
}

impl Failure {
    pub(crate) fn new(kind: ModelErrorKind, message: impl Into<String>, why: &str, again: Again) -> Self {
        let message = message.into();
        let kind = match kind {
            ModelErrorKind::Invalid if too_long(&message) => ModelErrorKind::TooLong,
            kind => kind,
        };
        Self { error: ModelError { kind, message }, why: why.to_owned(), again }
    }

    /// The stream ended, or the connection broke, before the answer's end.
    pub(crate) fn truncated(detail: &str) -> Self {
        Self::new(
            ModelErrorKind::Truncated,
            format!("the answer broke off ({detail}): ask again, what came so far is kept"),
            "the answer broke off",
            Again::Backoff,
        )
    }

    /// No connection, or none that answers.
    pub(crate) fn unreachable(host: &str, detail: &str, names: &Names) -> Self {
        Self::new(
            ModelErrorKind::Unavailable,
            format!("cannot reach {host} ({detail}): check the network, the proxy and {}", names.address),
            &format!("cannot reach {host}"),
            Again::Backoff,
        )
    }

    /// Nothing came for too long.
    pub(crate) fn silent(limit: Duration) -> Self {
        let seconds = limit.as_secs();
        Self::new(
            ModelErrorKind::Unavailable,
            format!("the model was silent for {seconds} s: ask again"),
            &format!("silent for {seconds} s"),
            Again::Backoff,
        )
    }

    /// What arrived is not the protocol.
    pub(crate) fn garbled(detail: &str, names: &Names) -> Self {
        Self::new(
            ModelErrorKind::Unavailable,
            format!("the service answered something unexpected ({}): check {}", short(detail), names.address),
            "an unexpected answer",
            Again::Never,
        )
    }

    /// An HTTP status other than success. `said` is the service's own message.
    pub(crate) fn status(status: u16, said: &str, retry: Option<Again>, names: &Names) -> Self {
        use ModelErrorKind::{Credentials, Invalid, Overloaded, Unavailable};
        let said = short(said);
        let (kind, message) = match status {
            401 => (Credentials, format!("the key was refused ({said}): check {}", names.key)),
            402 => (Credentials, format!("the account cannot be billed ({said}): check its plan and credit")),
            403 => (
                Credentials,
                format!("the key may not do this ({said}): use another key or model, or ask its owner"),
            ),
            404 => (Invalid, format!("not found ({said}): check the model's id and {}", names.address)),
            413 => (Invalid, "the conversation is too large for one request: start a new session".to_owned()),
            429 => {
                (Overloaded, format!("the rate limit is reached ({said}): wait, or use another model or key"))
            }
            529 | 503 => (Overloaded, "the service is overloaded: ask again in a while".to_owned()),
            408 | 409 | 500..=599 => {
                (Unavailable, format!("the service failed (HTTP {status}, {said}): ask again in a while"))
            }
            _ => (Invalid, format!("the service refused the request (HTTP {status}): {said}")),
        };
        let again = match status {
            408 | 409 | 429 | 500..=599 => Again::Backoff,
            _ => Again::Never,
        };
        let why = match status {
            429 => "rate limited".to_owned(),
            529 | 503 => "overloaded".to_owned(),
            _ => format!("HTTP {status}"),
        };
        Self::new(kind, message, &why, retry.unwrap_or(again))
    }

    /// The same failure, not to be repeated: output has been shown.
    pub(crate) fn for_good(self) -> Self {
        Self { again: Again::Never, ..self }
    }
}

impl From<TooLarge> for Failure {
    fn from(TooLarge(what): TooLarge) -> Self {
        Self::new(
            ModelErrorKind::Truncated,
            format!("the service sent {what}, which is not read further: ask for something narrower"),
            "too large",
            Again::Never,
        )
    }
}

/// Whether a refusal is about the request's length. No API has a code of its own for that; these are the words of
/// Anthropic, OpenAI, Bedrock, vLLM and llama.cpp.
fn too_long(message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "prompt is too long",
        "input is too long",
        "maximum context length",
        "context window",
        "context_length_exceeded",
        "available context size",
    ];
    let message = message.to_ascii_lowercase();
    WORDS.iter().any(|words| message.contains(words))
}

/// The beginning of somebody else's words, on one line.
pub(crate) fn short(text: &str) -> String {
    const LIMIT: usize = 300;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "no details".to_owned();
    }
    if line.chars().count() <= LIMIT {
        return line;
    }
    line.chars().take(LIMIT).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_apart_from_what_is_wrong() {
        let names = Names::new("KEY", "URL");
        let kind = |said: &str| Failure::status(400, said, None, &names).error.kind;
        for said in [
            "prompt is too long: 212023 tokens > 200000 maximum",
            "Your input exceeds the context window of this model.",
            "This model's maximum context length is 32768 tokens.",
            "Input is too long for requested model.",
            "the request exceeds the available context size",
        ] {
            assert_eq!(kind(said), ModelErrorKind::TooLong, "{said}");
        }
        assert_eq!(kind("max_tokens: must be positive"), ModelErrorKind::Invalid);
    }
}
