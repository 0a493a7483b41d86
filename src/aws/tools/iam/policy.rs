//! Policy documents: statements, and what they cover. Pure.

use crate::tools::reading::wildcard;
use serde_json::Value;

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name, or its place: `#2`.
    pub id: String,
    /// Whether it allows; otherwise it denies.
    pub allows: bool,
    /// Which actions.
    pub actions: Listed,
    /// Which resources.
    pub resources: Listed,
    /// Whether it holds only under a condition.
    pub conditional: bool,
}

/// What a statement lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// These (`Action`, `Resource`).
    Only(Vec<String>),
    /// Everything else (`NotAction`, `NotResource`).
    AllBut(Vec<String>),
}

/// Whether a statement covers something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// It does not.
    No,
    /// Under a condition, or by a variable nobody can fill in here.
    Perhaps,
    /// It does.
    Yes,
}

/// A document that is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The statements of `document`, URL-encoded as IAM sends it or plain.
///
/// # Errors
/// It is not a policy as IAM accepts them.
pub fn parse(document: &str) -> Result<Vec<Statement>, Unreadable> {
    let plain = if document.trim_start().starts_with('{') { document.to_owned() } else { decode(document)? };
    let value: Value = serde_json::from_str(&plain).map_err(|_| Unreadable)?;
    let statements = match value.get("Statement").ok_or(Unreadable)? {
        Value::Array(statements) => statements.iter().collect(),
        one => vec![one],
    };
    statements.into_iter().enumerate().map(|(at, statement)| read(at, statement)).collect()
}

fn read(at: usize, value: &Value) -> Result<Statement, Unreadable> {
    let allows = match value.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(Unreadable),
    };
    let sid = value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
    Ok(Statement {
        id: sid.map_or_else(|| format!("#{}", at + 1), str::to_owned),
        allows,
        actions: listed(value, "Action", "NotAction")?,
        resources: listed(value, "Resource", "NotResource")?,
        conditional: value.get("Condition").is_some_and(|c| c.as_object().is_none_or(|c| !c.is_empty())),
    })
}

fn listed(value: &Value, only: &str, all_but: &str) -> Result<Listed, Unreadable> {
    let texts = |value: &Value| -> Result<Vec<String>, Unreadable> {
        match value {
            Value::String(one) => Ok(vec![one.clone()]),
            Value::Array(many) => {
                many.iter().map(|v| v.as_str().map(str::to_owned).ok_or(Unreadable)).collect()
            }
            _ => Err(Unreadable),
        }
    };
    match (value.get(only), value.get(all_but)) {
        (Some(list), None) => texts(list).map(Listed::Only),
        (None, Some(list)) => texts(list).map(Listed::AllBut),
        (Some(_), Some(_)) | (None, None) => Err(Unreadable),
    }
}

impl Statement {
    /// Whether its actions include `action` (`iam:PassRole`), whatever the resource.
    pub fn names(&self, action: &str) -> bool {
        let listed = |patterns: &[String]| patterns.iter().any(|p| matches(p, action, true));
        match &self.actions {
            Listed::Only(patterns) => listed(patterns),
            Listed::AllBut(patterns) => !listed(patterns),
        }
    }

    /// Whether it covers `action` on the resource `arn`, for the user called `user`.
    pub fn covers(&self, action: &str, arn: &str, user: &str) -> Cover {
        if !self.names(action) {
            return Cover::No;
        }
        let found =
            |patterns: &[String]| patterns.iter().map(|p| covers(p, arn, user)).max().unwrap_or(Cover::No);
        let resource = match &self.resources {
            Listed::Only(patterns) => found(patterns),
            Listed::AllBut(patterns) => match found(patterns) {
                Cover::No => Cover::Yes,
                Cover::Perhaps => Cover::Perhaps,
                Cover::Yes => Cover::No,
            },
        };
        if self.conditional { resource.min(Cover::Perhaps) } else { resource }
    }

    /// Whether any of its resources can be one of `services` in `account`.
    pub fn reaches(&self, services: &[&str], account: &str) -> bool {
        let Listed::Only(patterns) = &self.resources else { return true };
        patterns.iter().any(|pattern| {
            let mut parts = pattern.split(':');
            let (service, of) = (parts.nth(2), parts.nth(1));
            let is = |part: Option<&str>, wanted: &str| {
                part.is_none_or(|part| part.is_empty() || part.contains("${") || matches(part, wanted, false))
            };
            services.iter().any(|wanted| is(service, wanted)) && is(of, account)
        })
    }

    /// Whether it covers `action` on another of `users` (ARNs, sorted) than the one called `user` with the ARN `own`.
    pub fn covers_another(&self, action: &str, own: &str, user: &str, users: &[&str]) -> bool {
        if !self.names(action) {
            return false;
        }
        let any = |covered: &dyn Fn(&str) -> bool| users.iter().any(|arn| *arn != own && covered(arn));
        let Listed::Only(patterns) = &self.resources else {
            return any(&|arn| self.covers(action, arn, user) > Cover::No);
        };
        let account = own.split(':').nth(4).unwrap_or_default();
        patterns.iter().any(|pattern| {
            // Most are about the user itself in any account: then there is nothing to search for.
            let filled = pattern.replace("${aws:username}", user).replace("::*:", &format!("::{account}:"));
            if filled.contains(['*', '?', '$']) {
                return any(&|arn| covers(&filled, arn, user) > Cover::No);
            }
            filled != own && users.binary_search(&filled.as_str()).is_ok()
        })
    }

    /// It in few words: `Allow Action * on Resource *`.
    pub fn words(&self) -> String {
        let effect = if self.allows { "Allow" } else { "Deny" };
        let condition = if self.conditional { " under a condition" } else { "" };
        format!(
            "{effect} {} on {}{condition}",
            shown("Action", &self.actions),
            shown("Resource", &self.resources)
        )
    }
}

/// `Action iam:*`, `NotAction iam:*, organizations:*, ...`.
fn shown(what: &str, listed: &Listed) -> String {
    const SHOWN: usize = 3;
    let (not, items) = match listed {
        Listed::Only(items) => ("", items),
        Listed::AllBut(items) => ("Not", items),
    };
    let more = if items.len() > SHOWN { ", ..." } else { "" };
    let items: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
    format!("{not}{what} {}{more}", items.join(", "))
}

fn covers(pattern: &str, arn: &str, user: &str) -> Cover {
    let filled = pattern.replace("${aws:username}", user);
    if !filled.contains("${") {
        return if matches(&filled, arn, false) { Cover::Yes } else { Cover::No };
    }
    if matches(&wildcards_for_variables(&filled), arn, false) { Cover::Perhaps } else { Cover::No }
}

/// `${aws:PrincipalTag/team}` as `*`; `${*}` and its like stand for the character itself and become `?`.
fn wildcards_for_variables(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push(if name.chars().count() == 1 { '?' } else { '*' });
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Whether `text` fits `pattern`: `*` is any characters, `?` one.
pub fn matches(pattern: &str, text: &str, any_case: bool) -> bool {
    wildcard::fits_by(pattern, text, |a, b| a == b || any_case && a.eq_ignore_ascii_case(&b))
}

/// Percent-decoding as of RFC 3986: a `+` is a plus.
fn decode(text: &str) -> Result<String, Unreadable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).ok_or(Unreadable);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).map_err(|_| Unreadable)?);
    }
    String::from_utf8(bytes).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "arn:aws:iam::123456789012:user/ops/dana";

    fn one(document: &str) -> Statement {
        parse(document).unwrap().remove(0)
    }

    #[test]
    fn documents() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
        let statement = one(encoded);
        assert_eq!(statement.words(), "Allow Action * on Resource *");
        assert_eq!((statement.id.as_str(), statement.conditional), ("#1", false));
        let statement = one(
            r#"{"Statement":{"Sid":"Most","Effect":"Allow","NotAction":["iam:*","a:b","c:d","e:f"],"Resource":"*","Condition":{"Bool":{"x":"true"}}}}"#,
        );
        assert_eq!(statement.words(), "Allow NotAction iam:*, a:b, c:d, ... on Resource * under a condition");
        assert_eq!(statement.id, "Most");
        assert!(
            !one(r#"{"Statement":[{"Effect":"Allow","Action":"a+b:*","Resource":"*","Condition":{}}]}"#)
                .conditional
        );
        assert_eq!(parse(r#"{"Statement":[]}"#), Ok(vec![]));
        for bad in [
            "",
            "{}",
            "%7",
            "%zz",
            "%ff",
            "[]",
            "not json",
            r#"{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]}"#,
        ] {
            assert_eq!(parse(bad), Err(Unreadable), "{bad}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, text, want) in [
            ("*", "iam:PassRole", true),
            ("iam:*", "iam:PassRole", true),
            ("IAM:pass*", "iam:PassRole", true),
            ("iam:?assRole", "iam:PassRole", true),
            ("iam:*Role", "iam:PassRole", true),
            ("*:*", "iam:PassRole", true),
            ("iam:Pass", "iam:PassRole", false),
            ("iam:PassRole?", "iam:PassRole", false),
            ("s3:*", "iam:PassRole", false),
            ("", "iam:PassRole", false),
            ("**", "iam:PassRole", true),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
        ] {
            assert_eq!(matches(pattern, text, true), want, "{pattern} {text}");
        }
        assert!(!matches(
            "arn:aws:iam::123456789012:user/Dana",
            "arn:aws:iam::123456789012:user/dana",
            false
        ));
    }

    #[test]
    fn what_statements_cover() {
        let covers = |resource: &str, condition: &str| {
            let document = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Action":"iam:PutUserPolicy",{resource}{condition}}}]}}"#
            );
            one(&document).covers("iam:PutUserPolicy", ME, "dana")
        };
        let condition = r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
        for (resource, want) in [
            (r#""Resource":"*""#, Cover::Yes),
            (r#""Resource":"arn:aws:iam::*:user/*""#, Cover::Yes),
            (r#""Resource":"arn:aws:iam::123456789012:user/ops/${aws:username}""#, Cover::Yes),
            (r#""Resource":"arn:aws:iam::123456789012:user/${aws:PrincipalTag/team}/*""#, Cover::Perhaps),
            (r#""Resource":"arn:aws:iam::123456789012:user/bob""#, Cover::No),
            (r#""Resource":["arn:aws:s3:::*","arn:aws:iam::123456789012:user/ops/dana"]"#, Cover::Yes),
            (r#""NotResource":"arn:aws:iam::123456789012:user/bob""#, Cover::Yes),
            (r#""NotResource":"arn:aws:iam::*""#, Cover::No),
        ] {
            assert_eq!(covers(resource, ""), want, "{resource}");
            assert_eq!(covers(resource, condition), want.min(Cover::Perhaps), "{resource}");
        }
        let elsewhere = one(
            r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/x"}}"#,
        );
        assert!(!elsewhere.reaches(&["iam"], "123456789012") && elsewhere.reaches(&["iam"], "111122223333"));
        for (resource, want) in [
            ("*", true),
            ("arn:aws:iam::*:role/*", true),
            ("arn:*", true),
            ("arn:aws:*:*:*:*", true),
            ("arn:aws:s3:::orders/*", false),
            ("arn:aws:lambda:eu-west-1:123456789012:function:x", false),
        ] {
            let document =
                format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}}}"#);
            assert_eq!(one(&document).reaches(&["iam"], "123456789012"), want, "{resource}");
        }
    }

    #[test]
    fn other_users() {
        const BOB: &str = "arn:aws:iam::123456789012:user/bob";
        for (resource, want) in [
            ("*", true),
            ("arn:aws:iam::*:user/*", true),
            ("arn:aws:iam::*:user/ops/*", false),
            ("arn:aws:iam::*:user/ops/${aws:username}", false),
            ("arn:aws:iam::123456789012:user/bob", true),
            ("arn:aws:iam::123456789012:user/nobody", false),
            ("arn:aws:iam::123456789012:user/b?b", true),
            ("arn:aws:iam::111122223333:user/bob", false),
        ] {
            let document =
                format!(r#"{{"Statement":{{"Effect":"Allow","Action":"iam:*","Resource":"{resource}"}}}}"#);
            assert_eq!(
                one(&document).covers_another("iam:CreateAccessKey", ME, "dana", &[BOB, ME]),
                want,
                "{resource}"
            );
        }
    }
}
