//! Assignments in text, `DB_PASSWORD=...`, `"token": "..."`, `--api-key ...`: which of them hold a secret.

use super::redact::{Found, Kind, is_mask};
use regex::Regex;
use std::sync::LazyLock;

/// A name and what stands between it and its value. The value is read by hand, so that every byte is looked at
/// a bounded number of times.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"--([A-Za-z][A-Za-z0-9\-]*)[ \t]+|([A-Za-z0-9_][A-Za-z0-9_.\-]*)\\*["']?[ \t]*(?::=|=>|[:=])[ \t]*"#,
    )
    .ok()
});
static ARN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"arn:aws[a-z\-]*:[^\s"'\\,;)>\]}]*"#).ok());

/// Parts of a name that say its value is a secret, wherever they stand in it.
const STEMS: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "apikey",
    "privatekey",
    "credential",
    "connectionstring",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "sharedaccesskey",
    "signature",
    "authorization",
    "accesstoken",
    "authtoken",
    "sessiontoken",
];
/// Last words of a name that say it is about a secret and holds none.
const ABOUT: [&str; 74] = [
    // Source files, as stack traces name them with a line: `Secrets.java:41`.
    "java",
    "kt",
    "scala",
    "py",
    "rb",
    "go",
    "rs",
    "js",
    "ts",
    "cs",
    "php",
    "ex",
    "arn",
    "arns",
    "name",
    "names",
    "id",
    "ids",
    "path",
    "file",
    "url",
    "uri",
    "age",
    "days",
    "type",
    "expires",
    "expiry",
    "expiration",
    "ttl",
    "count",
    "length",
    "policy",
    "used",
    "changed",
    "rotation",
    "rotated",
    "enabled",
    "status",
    "state",
    "version",
    "required",
    "hint",
    "format",
    "limit",
    "date",
    "usage",
    "source",
    "provider",
    "manager",
    "service",
    "store",
    "kind",
    "mode",
    "scope",
    "region",
    "user",
    "username",
    "host",
    "port",
    "error",
    "exception",
    "message",
    "reason",
    "updated",
    "created",
    "algorithm",
    "match",
    "failure",
    "failed",
    "expired",
    "invalid",
    "found",
    "from",
    "report",
];
/// Tokens that continue a list or name a request.
const CURSORS: [&str; 8] =
    ["next", "continuation", "page", "pagination", "start", "client", "idempotency", "request"];
/// Last words of names whose values look random and are identifiers.
const IDENTIFIERS: [&str; 34] = [
    "id",
    "ids",
    "arn",
    "arns",
    "digest",
    "hash",
    "etag",
    "sha",
    "sha1",
    "sha256",
    "md5",
    "checksum",
    "name",
    "names",
    "host",
    "path",
    "url",
    "uri",
    "cursor",
    "next",
    "version",
    "image",
    "task",
    "resource",
    "stream",
    "group",
    "cluster",
    "trace",
    "span",
    "revision",
    "fingerprint",
    "marker",
    "request",
    "2",
];
/// Values that are no secret, whatever their name.
const WORDS: [&str; 38] = [
    "null",
    "none",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "undefined",
    "empty",
    "unset",
    "expired",
    "invalid",
    "missing",
    "required",
    "denied",
    "rejected",
    "revoked",
    "unknown",
    "redacted",
    "hidden",
    "masked",
    "not",
    "is",
    "was",
    "has",
    "must",
    "for",
    "and",
    "the",
    "a",
    "an",
    "to",
    "in",
    "of",
    "cannot",
    "could",
    "failed",
    "provided",
];
const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "digest", "negotiate", "aws4-hmac-sha256"];

/// Bytes of a value that are looked at when its name tells nothing.
const WINDOW: usize = 160;

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else { return false };
    let joined = words.concat();
    if ABOUT.contains(&last.as_str()) || joined.contains("secretsmanager") {
        return false;
    }
    STEMS.iter().any(|stem| joined.contains(stem))
        || words.iter().enumerate().any(|(i, word)| {
            let before = i.checked_sub(1).and_then(|i| words.get(i)).map(String::as_str);
            match word.as_str() {
                "pwd" | "jwt" | "cookie" => true,
                "pass" => before.is_some(),
                "token" => !before.is_some_and(|b| CURSORS.contains(&b)),
                other => other.strip_suffix("token").is_some_and(|rest| !CURSORS.contains(&rest)),
            }
        })
}

/// Whether a field of this name only tells about a secret: its name, ARN, age.
pub(super) fn is_about(name: &str) -> bool {
    words(name).last().is_some_and(|last| ABOUT.contains(&last.as_str()))
}

/// Whether a value is no secret whatever it is called: a plain word, a reference, a mask.
pub(super) fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || is_mask(value)
        || value.starts_with("arn:aws")
        || (value.starts_with("${") && value.ends_with('}'))
        || value.chars().all(|c| matches!(c, '*' | '.' | '-' | '…' | '•'))
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Every assigned secret in `text`.
pub(super) fn find(text: &str, out: &mut Vec<Found>) {
    let (Some(name), Some(arn)) = (NAME.as_ref(), ARN.as_ref()) else { return };
    let mut arns = arn.find_iter(text).peekable();
    let mut done = 0;
    // `"name": "DB_PASSWORD", "value": "..."`: where such a name stood, and where its value ended.
    let mut pair: Option<(usize, usize)> = None;
    for found in name.captures_iter(text) {
        let (Some(whole), Some(key)) = (found.get(0), found.get(1).or_else(|| found.get(2))) else {
            continue;
        };
        let is_flag = found.get(1).is_some();
        while arns.next_if(|a| a.end() <= whole.start()).is_some() {}
        let in_arn = arns.peek().is_some_and(|a| a.start() <= whole.start()) && whole.as_str().ends_with(':');
        let before = text.get(..whole.start()).unwrap_or_default();
        if whole.start() < done || in_arn || before.ends_with('⟪') || before.ends_with("//") {
            continue;
        }
        let paired =
            key.as_str().eq_ignore_ascii_case("value").then_some(pair).flatten().filter(|(_, end)| {
                text.get(*end..whole.start()).is_some_and(|gap| gap.len() < 16 && !gap.contains('\n'))
            });
        pair = None;
        let is_secret = paired.is_some() || is_secret_name(key.as_str());
        // Only a value that is masked is skipped over; of any other a bounded part is looked at.
        let window = if is_secret { text.len() } else { text.ceil_char_boundary(whole.end() + WINDOW) };
        let value = Value::read(text.get(..window).unwrap_or(text), whole.end());
        if is_flag && value.text.starts_with('-') {
            continue;
        }
        if is_secret {
            if !is_harmless(value.text) {
                let from = paired.map_or(whole.start(), |(from, _)| from);
                out.push(Found { from, start: value.start, end: value.end(), kind: Kind::Secret });
                done = value.end();
            }
        } else if matches!(key.as_str(), "name" | "Name" | "key" | "Key") && is_secret_name(value.text) {
            pair = Some((whole.start(), value.end()));
        } else if looks_random(value.token()) && !is_identifier(key.as_str()) {
            let whole_token = Value { start: value.start, text: text.get(value.start..).unwrap_or_default() };
            let end = value.start + whole_token.token().len();
            out.push(Found { from: whole.start(), start: value.start, end, kind: Kind::Secret });
            done = end;
        }
    }
}

/// An assigned value, without its quotes and scheme.
struct Value<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Value<'a> {
    /// The value at `at`: quoted up to the closing quote (or the end of the line), else up to a separator.
    fn read(all: &'a str, at: usize) -> Self {
        let rest = all.get(at..).unwrap_or_default();
        let slashes = rest.bytes().take_while(|b| *b == b'\\').count();
        let quote = rest.get(slashes..).and_then(|r| r.chars().next()).filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else { return Self::bare(rest, at).past_scheme(rest) };
        let start = at + slashes + 1;
        let body = all.get(start..).unwrap_or_default();
        let mut run = 0;
        let end = body.char_indices().find_map(|(i, c)| {
            let closes = c == quote && (if slashes > 0 { run >= slashes } else { run % 2 == 0 });
            let end = if closes { i - if slashes > 0 { slashes } else { 0 } } else { i };
            run = if c == '\\' { run + 1 } else { 0 };
            (closes || c == '\n').then_some(end)
        });
        let text = body.get(..end.unwrap_or(body.len())).unwrap_or_default();
        Self { start, text }.past_scheme(text)
    }

    fn bare(rest: &'a str, start: usize) -> Self {
        let stops = |c: char| c.is_whitespace() || "\"'`,;&|<>()[]{}\\".contains(c);
        Self { start, text: rest.get(..rest.find(stops).unwrap_or(rest.len())).unwrap_or_default() }
    }

    /// Drops a leading `Bearer `; `rest` is what the value may extend into.
    fn past_scheme(self, rest: &'a str) -> Self {
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        if !SCHEMES.iter().any(|s| word.eq_ignore_ascii_case(s)) {
            return self;
        }
        let Some(after) = rest.get(word.len()..) else { return self };
        let token = after.trim_start_matches([' ', '\t']);
        if token.len() == after.len() {
            return self;
        }
        Self::bare(token, self.start + rest.len() - token.len())
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Its leading run of token characters.
    fn token(&self) -> &'a str {
        let part = |c: char| c.is_ascii_alphanumeric() || "+/_-".contains(c);
        let end = self.text.find(|c| !part(c)).unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default()
    }
}

/// Random letters of both cases and digits, as generated keys are. Hex digests, UUIDs, numbers and words in
/// camel case are not: those change between upper, lower and digit far less often.
fn looks_random(token: &str) -> bool {
    let Some(longest) = token.split(['-', '_', '/']).max_by_key(|part| part.len()) else { return false };
    let class = |b: u8| (b.is_ascii_lowercase(), b.is_ascii_uppercase(), b.is_ascii_digit());
    let bytes = longest.as_bytes();
    let changes = bytes.iter().zip(bytes.iter().skip(1)).filter(|(a, b)| class(**a) != class(**b)).count();
    (20..=512).contains(&bytes.len())
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().any(u8::is_ascii_uppercase)
        && bytes.iter().any(u8::is_ascii_digit)
        && changes * 5 >= bytes.len() * 2
}

fn is_identifier(name: &str) -> bool {
    words(name).last().is_some_and(|last| IDENTIFIERS.contains(&last.as_str()))
}

/// The words of a name in any case style, lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            before = None;
            continue;
        }
        let begins = before.is_none_or(|b| !b.is_uppercase() && c.is_uppercase());
        match words.last_mut() {
            Some(word) if !begins => word.extend(c.to_lowercase()),
            Some(_) | None => words.push(c.to_lowercase().collect()),
        }
        before = Some(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "DB_PASSWORD",
            "db.password.prod",
            "userPassword",
            "DBPassword",
            "passwd",
            "pwd",
            "db_pass",
            "secret",
            "CLIENT_SECRET",
            "SecretAccessKey",
            "aws_secret_access_key",
            "SecretString",
            "token",
            "authToken",
            "AWS_SESSION_TOKEN",
            "X-Amz-Security-Token",
            "api_key",
            "x-api-key",
            "APIKey",
            "private_key",
            "Authorization",
            "X-Amz-Signature",
            "accesstoken",
            "PASSWORD_2",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "key",
            "name",
            "access_key_id",
            "AWS_ACCESS_KEY_ID",
            "password_age",
            "PasswordLastUsed",
            "secret_arn",
            "secretName",
            "NextToken",
            "next_token",
            "ContinuationToken",
            "clientToken",
            "max_tokens",
            "input_tokens",
            "tokenType",
            "secretsmanager",
            "InvalidClientTokenId",
            "ExpiredTokenException",
            "pass",
            "compass",
            "author",
            "bypass",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn random_and_not() {
        for token in ["wJ4lrX7tnF3M1K7MDeNGbP2Rf1CY", "q7Rk2Lm9Xv4Tz8Wp1Nc6Bd3F", "aB3dE5fG7hI9jK1lM3nO"] {
            assert!(looks_random(token), "{token}");
        }
        for token in [
            "0123456789abcdef0123456789abcdef",
            "MyApplicationLoadBalancer2TargetGroup",
            "checkout-service-production-1",
            "550e8400-e29b-41d4-a716-446655440000",
            "MyStack-WebService-1ABCDEFGHIJK2",
            "short1A",
        ] {
            assert!(!looks_random(token), "{token}");
        }
    }
}
