//! Why an attempt failed: a sentence for the operator, and whether to repeat it.

use super::sse::TooLarge;
use quarterdeck_core::message::{ModelError, ModelErrorKind};
use serde_json::Value;
use std::time::Duration;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The error if it is not repeated.
    pub(super) error: ModelError,
    /// A few words for the notice while it is.
    pub(super) why: String,
    /// Whether a repetition may help.
    pub(super) again: Again,
}

/// Whether to repeat a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It would fail the same way.
    Never,
    /// After our own pause.
    Backoff,
    /// After the pause the service asked for.
    After(Duration),
}

impl Failure {
    pub(super) fn new(kind: ModelErrorKind, message: impl Into<String>, why: &str, again: Again) -> Self {
        Self { error: ModelError { kind, message: message.into() }, why: why.to_owned(), again }
    }

    /// The stream ended, or the connection broke, before the answer's end.
    pub(super) fn truncated(detail: &str) -> Self {
        Self::new(
            ModelErrorKind::Truncated,
            format!("the answer broke off ({detail}): ask again, what came so far is kept"),
            "the answer broke off",
            Again::Backoff,
        )
    }

    /// No connection, or none that answers.
    pub(super) fn unreachable(host: &str, detail: &str) -> Self {
        Self::new(
            ModelErrorKind::Unavailable,
            format!("cannot reach {host} ({detail}): check the network, the proxy and ANTHROPIC_BASE_URL"),
            &format!("cannot reach {host}"),
            Again::Backoff,
        )
    }

    /// Nothing came for too long.
    pub(super) fn silent(limit: Duration) -> Self {
        let seconds = limit.as_secs();
        Self::new(
            ModelErrorKind::Unavailable,
            format!("the model was silent for {seconds} s: ask again"),
            &format!("silent for {seconds} s"),
            Again::Backoff,
        )
    }

    /// What arrived is not the protocol.
    pub(super) fn garbled(detail: &str) -> Self {
        Self::new(
            ModelErrorKind::Unavailable,
            format!(
                "the service answered something unexpected ({}): check ANTHROPIC_BASE_URL",
                short(detail)
            ),
            "an unexpected answer",
            Again::Never,
        )
    }

    /// An `error` event inside a stream.
    pub(super) fn in_stream(error: &Value) -> Self {
        let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
        let status = match kind {
            "overloaded_error" => 529,
            "rate_limit_error" => 429,
            "api_error" => 500,
            "timeout_error" => 504,
            "authentication_error" => 401,
            "permission_error" => 403,
            "billing_error" => 402,
            "not_found_error" => 404,
            "request_too_large" => 413,
            "invalid_request_error" => 400,
            _ => 500,
        };
        Self::status(status, error.get("message").and_then(Value::as_str).unwrap_or(kind), None)
    }

    /// An HTTP status other than success. `said` is the service's own message.
    pub(super) fn status(status: u16, said: &str, retry: Option<Again>) -> Self {
        use ModelErrorKind::{Credentials, Invalid, Overloaded, Unavailable};
        let said = short(said);
        let (kind, message) = match status {
            401 => (Credentials, "the key was refused: check ANTHROPIC_API_KEY".to_owned()),
            402 => (Credentials, format!("the account cannot be billed ({said}): check its plan and credit")),
            403 => (
                Credentials,
                format!("the key may not do this ({said}): use another key or model, or ask its owner"),
            ),
            404 => (Invalid, format!("not found ({said}): check the model's id and ANTHROPIC_BASE_URL")),
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
    pub(super) fn for_good(self) -> Self {
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

/// The beginning of somebody else's words, on one line.
pub(super) fn short(text: &str) -> String {
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
