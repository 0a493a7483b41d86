//! Secrets masked before anything leaves for a model, the journal, a log, an export or the clipboard.

use super::assignment;
use super::stream::RedactStream;
use crate::journal::hex;
use regex::{Regex, RegexSet};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Patterns of secrets; the first group, where there is one, is what is masked.
const PATTERNS: [&str; 9] = [
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    // JSON web tokens.
    r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
    // Passwords in URLs: postgres, mysql, redis, amqp, mongodb, https.
    r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/"'<>]+)@"#,
    r"(?i)(?-u:\b)bearer[ \t]+([A-Za-z0-9._~+/=-]{20,})",
    // A secret key beside its access key id, as in a CSV file.
    r#"(?:AKIA|ASIA)[A-Z0-9]{16}["',:;|= \t]+([A-Za-z0-9/+]{40})"#,
    // Keys with a prefix of their own: Anthropic, OpenAI, GitHub, Slack, Google, GitLab, Stripe, npm, SendGrid, STS.
    concat!(
        r"(?-u:\b)(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
        r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|glpat-[A-Za-z0-9_-]{16,}",
        r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{30,}",
        r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=%_-]{40,})",
    ),
    r"hooks\.slack\.com/services/([A-Za-z0-9/]+)",
    r"(?i)<[a-z0-9_.:-]*(?:password|secret|token|secretaccesskey|apikey)>([^<\s]+)<",
    r#"(?i)(?-u:\b)(?:set-)?cookie["']?[ \t]*:[ \t]*["']?([^\r\n"'=]+=[^\r\n"']*)"#,
];
/// Access key ids; the last four characters stay readable.
const KEY_ID: &str = r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)";

struct Rules {
    set: RegexSet,
    each: Vec<Regex>,
    key_id: Regex,
}

static RULES: LazyLock<Option<Rules>> = LazyLock::new(|| {
    Some(Rules {
        set: RegexSet::new(PATTERNS).ok()?,
        each: PATTERNS.iter().map(|p| Regex::new(p)).collect::<Result<_, _>>().ok()?,
        key_id: Regex::new(KEY_ID).ok()?,
    })
});

/// A secret found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where what gives it away begins (its name, its prefix).
    pub(super) from: usize,
    /// The secret itself.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// How it is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Wholly.
    Secret,
    /// But for the first and last four characters.
    KeyId,
}

/// Every secret in `text`, in order, not overlapping.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(rules) = RULES.as_ref() {
        for index in rules.set.matches(text) {
            let Some(rule) = rules.each.get(index) else { continue };
            for captures in rule.captures_iter(text) {
                let (Some(whole), Some(secret)) = (captures.get(0), captures.get(1).or(captures.get(0)))
                else {
                    continue;
                };
                if !is_mask(secret.as_str()) {
                    found.push(Found {
                        from: whole.start(),
                        start: secret.start(),
                        end: secret.end(),
                        kind: Kind::Secret,
                    });
                }
            }
        }
        found.extend(rules.key_id.find_iter(text).map(|m| Found {
            from: m.start(),
            start: m.start(),
            end: m.end(),
            kind: Kind::KeyId,
        }));
    }
    assignment::find(text, &mut found);
    found.sort_by_key(|f| (f.start, f.end));
    let mut merged: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut() {
            Some(last) if next.start < last.end => {
                if (next.start, next.end) != (last.start, last.end) || next.kind != last.kind {
                    last.kind = Kind::Secret;
                }
                last.end = last.end.max(next.end);
                last.from = last.from.min(next.from);
            }
            Some(_) | None => merged.push(next),
        }
    }
    merged
}

const OPEN: &str = "⟪secret:";
const CLOSE: char = '⟫';
/// Hex digits of a mask.
const DIGITS: usize = 6;

/// Whether `text` is exactly one mask.
pub(super) fn is_mask(text: &str) -> bool {
    text.strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
        .is_some_and(|hash| hash.len() == DIGITS && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Masks secrets. The same value gets the same mask within a session: the mask is a keyed hash.
///
/// Identifiers stay readable: ARNs, resource ids, UUIDs, digests, and the last four characters of access key ids.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 16],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor whose masks are keyed by `key`.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The key of its masks.
    pub(crate) const fn key(&self) -> [u8; 16] {
        self.key
    }

    /// `text` with AWS keys, private keys, tokens, JWTs, connection strings and assigned secrets masked as
    /// `⟪secret:3f9a01⟫`, access key ids as `AKIA⟪…WXYZ⟫`. Idempotent; time is linear in the text.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for secret in found {
            out.push_str(text.get(copied..secret.start).unwrap_or_default());
            let value = text.get(secret.start..secret.end).unwrap_or_default();
            match secret.kind {
                Kind::Secret => out.push_str(&self.mask(value)),
                Kind::KeyId => {
                    let (head, tail) = (value.get(..4), value.get(value.len().saturating_sub(4)..));
                    out.push_str(&format!("{}⟪…{}⟫", head.unwrap_or_default(), tail.unwrap_or_default()));
                }
            }
            copied = secret.end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// A JSON value with every text redacted, and everything under a key that names a secret masked. Names, ARNs
    /// and the like beside a secret stay.
    #[must_use]
    pub fn redact_value(&self, value: &Value) -> Value {
        self.redact_under(value, false)
    }

    /// For text that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> RedactStream {
        RedactStream::new(self.clone())
    }

    fn redact_under(&self, value: &Value, secret: bool) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(n) if secret => Value::String(self.mask(&n.to_string())),
            Value::Number(_) => value.clone(),
            Value::String(text) if secret && !assignment::is_harmless(text) => Value::String(self.mask(text)),
            Value::String(text) => Value::String(self.redact(text).into_owned()),
            Value::Array(items) => items.iter().map(|item| self.redact_under(item, secret)).collect(),
            Value::Object(map) => {
                let named = ["name", "Name", "key", "Key"]
                    .iter()
                    .find_map(|k| map.get(*k)?.as_str())
                    .is_some_and(assignment::is_secret_name);
                let field = |key: &str| {
                    assignment::is_secret_name(key)
                        || (secret && !assignment::is_about(key))
                        || (named && key.eq_ignore_ascii_case("value"))
                };
                map.iter().map(|(key, item)| (key.clone(), self.redact_under(item, field(key)))).collect()
            }
        }
    }

    /// The mask of one value.
    pub(super) fn mask(&self, value: &str) -> String {
        let hash = Sha256::new().chain_update(self.key).chain_update(value).chain_update(self.key).finalize();
        let digits = hex(&hash);
        format!("{OPEN}{}{CLOSE}", digits.get(..DIGITS).unwrap_or_default())
    }
}

/// `text` with what [`Redactor::redact`] masks masked, where no session's key is at hand: as `⟪secret⟫`.
#[must_use]
pub fn hide(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for secret in found {
        out.push_str(text.get(copied..secret.start).unwrap_or_default());
        out.push_str("⟪secret⟫");
        copied = secret.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
pub(super) mod tests;
