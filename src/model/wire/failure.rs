//! Why an attempt failed: a sentence for the operator, and whether to repeat it.

use super::sse::TooLarge;
use quarterdeck_core::message::{ModelError, ModelErrorKind};
use serde_json::Value;
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
        Self { error: ModelError { kind, message: message.into() }, why: why.to_owned(), again }
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
        if is_too_long(status, said) {
            return Self::too_long(said);
        }
        let said = short(said);
        let (kind, message) = match status {
            401 => (Credentials, format!("the key was refused ({said}): check {}", names.key)),
            402 => (Credentials, format!("the account cannot be billed ({said}): check its plan and credit")),
            403 => (
                Credentials,
                format!("the key may not do this ({said}): use another key or model, or ask its owner"),
            ),
            404 => (Invalid, format!("not found ({said}): check the model's id and {}", names.address)),
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

    /// The conversation no longer fits the model.
    pub(crate) fn too_long(said: &str) -> Self {
        Self::new(
            ModelErrorKind::TooLong,
            format!(
                "the conversation no longer fits the model ({}): start a new session, or use a model with a larger window",
                short(said)
            ),
            "too long",
            Again::Never,
        )
    }

    /// An error inside an answer that had begun: its code is a number, a word, or absent.
    pub(crate) fn inside(error: &Value, names: &Names) -> Self {
        let word = |field| error.get(field).and_then(Value::as_str).unwrap_or_default();
        let number = |field| {
            let value = error.get(field)?;
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
            u16::try_from(number).ok().filter(|n| (400..600).contains(n))
        };
        let numbers = || ["code", "status", "status_code"].into_iter().find_map(number);
        let words = || ["code", "type"].into_iter().find_map(|field| by_word(word(field)));
        let status = words().or_else(numbers).unwrap_or(500);
        let said = ["message", "detail", "code", "type"].into_iter().map(word).find(|text| !text.is_empty());
        let said = said.or_else(|| error.as_str()).unwrap_or_default();
        // A quota that is used up does not come back in seconds.
        let again = (word("code") == "insufficient_quota").then_some(Again::Never);
        Self::status(status, said, again, names)
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

/// Whether a refusal means that the conversation no longer fits, as the services and servers word it.
fn is_too_long(status: u16, said: &str) -> bool {
    const WORDS: [&str; 9] = [
        "prompt is too long",
        "input is too long",
        "context length",
        "context window",
        "context size",
        "context_length_exceeded",
        "exceed_context_size",
        "too many input tokens",
        "input tokens exceed",
    ];
    let said = said.to_lowercase();
    status == 413 || (matches!(status, 400 | 422 | 500) && WORDS.iter().any(|words| said.contains(words)))
}

/// The HTTP status that a service's word for an error stands for.
fn by_word(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_request_error" | "invalid_prompt" | "BadRequestError" => 400,
        "authentication_error" | "invalid_api_key" | "AuthenticationError" => 401,
        "billing_error" => 402,
        "permission_error" | "PermissionDeniedError" => 403,
        "not_found_error" | "model_not_found" | "NotFoundError" => 404,
        "request_too_large" | "context_length_exceeded" | "exceed_context_size_error" => 413,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "insufficient_quota"
        | "requests"
        | "tokens"
        | "RateLimitError" => 429,
        "timeout_error" => 504,
        "overloaded_error" | "server_is_overloaded" => 529,
        "api_error" | "server_error" | "InternalServerError" => 500,
        _ => return None,
    })
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
    use super::{Again, Failure, Names};
    use quarterdeck_core::message::ModelErrorKind::{Credentials, Invalid, Overloaded, TooLong, Unavailable};
    use serde_json::json;

    fn names() -> Names {
        Names::new("A_KEY", "AN_ADDRESS")
    }

    #[test]
    fn a_conversation_that_no_longer_fits_is_told_as_such_by_everybody() {
        for (status, said) in [
            (400, "prompt is too long: 208310 tokens > 200000 maximum"),
            (413, "Request exceeds the maximum size"),
            (400, "This model's maximum context length is 128000 tokens. However, you requested 130000."),
            (400, "Your input exceeds the context window of this model."),
            (400, "Input is too long for requested model."),
            (500, "the request exceeds the available context size, try increasing it"),
        ] {
            let failure = Failure::status(status, said, None, &names());
            assert_eq!((failure.error.kind, failure.again), (TooLong, Again::Never), "{said}");
            assert!(failure.error.message.contains("larger window"), "{}", failure.error.message);
        }
        assert_eq!(
            Failure::status(429, "too many tokens, context length", None, &names()).error.kind,
            Overloaded
        );
    }

    #[test]
    fn errors_inside_an_answer_in_every_servers_words() {
        for (error, kind, again) in [
            (json!({ "message": "slow down", "code": 429 }), Overloaded, Again::Backoff),
            (json!({ "message": "slow down", "code": "429" }), Overloaded, Again::Backoff),
            (json!({ "message": "x", "type": "overloaded_error" }), Overloaded, Again::Backoff),
            (json!({ "message": "pay", "code": "insufficient_quota" }), Overloaded, Again::Never),
            (
                json!({ "message": "no", "type": "invalid_request_error", "code": null }),
                Invalid,
                Again::Never,
            ),
            (json!({ "message": "no", "type": "BadRequestError", "code": 400 }), Invalid, Again::Never),
            (json!({ "message": "who", "code": "invalid_api_key" }), Credentials, Again::Never),
            (
                json!({ "message": "n_ctx", "type": "exceed_context_size_error", "code": 400 }),
                TooLong,
                Again::Never,
            ),
            (json!("out of memory"), Unavailable, Again::Backoff),
            (json!({}), Unavailable, Again::Backoff),
            (json!(null), Unavailable, Again::Backoff),
            (json!({ "code": 200 }), Unavailable, Again::Backoff),
        ] {
            let failure = Failure::inside(&error, &names());
            assert_eq!((failure.error.kind, failure.again), (kind, again), "{error}");
        }
    }
}
