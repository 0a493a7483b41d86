//! Arguments as they were given: what no text among them may be, and the checks several tools share.

use quarterdeck_core::text::visible;
use quarterdeck_core::tool::{Fault, FaultKind};
use serde_json::Value;

/// Longest text of an argument, in characters.
const LONGEST: usize = 2_048;
/// Longest query.
const LONGEST_QUERY: usize = 10_000;
/// The one argument that is a program: it may be long and have lines.
const QUERY: &str = "query";
/// Characters of a bad value that an error repeats.
const SHOWN: usize = 64;

/// Every text in `args` has something in it, is not endless and hides nothing.
///
/// # Errors
/// `invalid`, naming the field.
pub fn check(args: &Value) -> Result<(), Fault> {
    args.as_object().into_iter().flatten().try_for_each(|(field, value)| inside(field, value))
}

fn inside(field: &str, value: &Value) -> Result<(), Fault> {
    match value {
        Value::String(given) => text(field, given),
        Value::Array(items) => items.iter().try_for_each(|item| inside(field, item)),
        Value::Object(map) => {
            map.iter().try_for_each(|(key, value)| text(field, key).and_then(|()| inside(field, value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn text(field: &str, given: &str) -> Result<(), Fault> {
    let field_name = visible(field);
    if given.trim().is_empty() {
        return Err(Fault::new(FaultKind::Invalid, format!("`{field_name}` is empty"))
            .hint("send a value, or leave the field out where it is optional"));
    }
    let most = if field == QUERY { LONGEST_QUERY } else { LONGEST };
    let length = given.chars().count();
    if length > most {
        return Err(Fault::new(FaultKind::Invalid, format!("`{field_name}` has {length} characters"))
            .hint(format!("send at most {most}")));
    }
    let flat;
    let judged = if field == QUERY {
        flat = given.replace(['\n', '\r', '\t'], " ");
        flat.as_str()
    } else {
        given
    };
    if *visible(judged) == *judged {
        return Ok(());
    }
    Err(Fault::new(
        FaultKind::Invalid,
        format!("`{field_name}` has control or invisible characters: {}", shown(given)),
    )
    .hint("send the plain name, without escapes or line breaks"))
}

/// `field` must be a plain name, not an ARN.
///
/// # Errors
/// `invalid`, with the name in the ARN and `hint`.
pub fn plain_name(field: &str, given: &str, hint: &str) -> Result<(), Fault> {
    if !given.starts_with("arn:") {
        return Ok(());
    }
    let last = given.rsplit(['/', ':']).next().unwrap_or_default();
    let said = if last.is_empty() { hint.to_owned() } else { format!("{hint}; perhaps {}", shown(last)) };
    Err(Fault::new(FaultKind::Invalid, format!("`{field}` is an ARN, a name is needed")).hint(said))
}

/// `field` must be an id: one of `prefixes`, a dash, 8 or 17 hexadecimal digits (`sg-0123456789abcdef0`).
///
/// # Errors
/// `invalid`, with `hint`.
pub fn id(field: &str, given: &str, prefixes: &[&str], hint: &str) -> Result<(), Fault> {
    if is_id(given, prefixes) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Invalid, format!("`{field}`: {} is not an id", shown(given))).hint(hint))
}

/// Whether `given` is such an id.
#[must_use]
pub fn is_id(given: &str, prefixes: &[&str]) -> bool {
    let hex =
        |rest: &str| matches!(rest.len(), 8 | 17) && rest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    prefixes.iter().any(|p| given.strip_prefix(p).and_then(|r| r.strip_prefix('-')).is_some_and(hex))
}

/// `field` must lie within `range`.
///
/// # Errors
/// `invalid`, with the range.
pub fn within(field: &str, given: i64, range: std::ops::RangeInclusive<i64>) -> Result<(), Fault> {
    if range.contains(&given) {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Invalid, format!("`{field}` is {given}")).hint(format!(
        "send {} to {}",
        range.start(),
        range.end()
    )))
}

/// A bad value, quoted, cut and harmless.
#[must_use]
pub fn shown(given: &str) -> String {
    let cut: String = given.chars().take(SHOWN).collect();
    let more = if given.chars().nth(SHOWN).is_some() { "..." } else { "" };
    format!("\"{}{more}\"", visible(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_are_refused() {
        for (args, word) in [
            (json!({ "name": "" }), "`name` is empty"),
            (json!({ "name": "  " }), "`name` is empty"),
            (json!({ "ids": ["ok", ""] }), "`ids` is empty"),
            (json!({ "dimensions": { "": "x" } }), "`dimensions` is empty"),
            (json!({ "name": "a\u{1b}[31m" }), "control"),
            (json!({ "name": "a\nb" }), "control"),
            (json!({ "name": "a\u{202e}b" }), "control"),
            (json!({ "name": "x".repeat(2_049) }), "2049 characters"),
            (json!({ "query": "x".repeat(10_001) }), "10001 characters"),
            (json!({ "query": "fields\u{1b}" }), "control"),
        ] {
            let fault = check(&args).unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.message.contains(word), "{args}: {fault:?}");
            assert!(fault.hint.is_some() && !fault.message.contains('\u{1b}'), "{fault:?}");
        }
        for args in [
            json!({ "name": "Größe *", "n": 1, "on": true, "none": null }),
            json!({ "query": "fields @message\n| limit 5" }),
            json!({ "name": "x".repeat(2_048) }),
        ] {
            check(&args).unwrap();
        }
    }

    #[test]
    fn names_and_ids() {
        let fault =
            plain_name("user", "arn:aws:iam::123456789012:user/jo", "send the user's name").unwrap_err();
        assert_eq!(fault.hint.as_deref(), Some("send the user's name; perhaps \"jo\""));
        plain_name("user", "jo", "").unwrap();
        for good in ["sg-0123456789abcdef0", "sg-01234567", "sgr-0123456789abcdef0"] {
            id("group", good, &["sg", "sgr"], "").unwrap();
        }
        for bad in ["sg-xyz", "sg", "sg-0123456789ABCDEF0", "i-0123456789abcdef0", "*"] {
            assert!(id("group", bad, &["sg"], "").is_err(), "{bad}");
        }
        assert!(within("limit", 0, 1..=10).is_err() && within("limit", 10, 1..=10).is_ok());
    }
}
