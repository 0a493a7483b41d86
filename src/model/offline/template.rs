//! Text and arguments with `{JMESPath}` in them.
//!
//! `{expr}` is replaced by what it selects; `[? … ?]` is dropped when something in it selects nothing. Braces within an
//! expression nest.

use super::expression;
use super::select::{Scope, is_something};
use serde_json::{Map, Value};

/// Characters of one inserted value, at most.
const VALUE_CAP: usize = 240;

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Value(&'a str),
    Optional(Vec<Piece<'a>>),
}

/// The expressions in `template`.
///
/// # Errors
/// What is wrong with the template or one of them, and what to write instead.
pub(super) fn expressions(template: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut open = parse(template)?;
    while let Some(piece) = open.pop() {
        match piece {
            Piece::Text(_) => {}
            Piece::Value(expression) => {
                expression::check(expression)?;
                found.push(expression);
            }
            Piece::Optional(inner) => open.extend(inner),
        }
    }
    Ok(found)
}

/// `template` as prose. Values are untrusted: they are flattened to one line, cut, and cannot forge a link to a step.
pub(super) fn prose(template: &str, scope: &Scope) -> String {
    parse(template).map_or_else(|_| template.to_owned(), |pieces| fill(&pieces, scope).0)
}

/// The text, and whether every value in it was there.
fn fill(pieces: &[Piece<'_>], scope: &Scope) -> (String, bool) {
    let mut out = String::new();
    let mut complete = true;
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value(expression) => {
                let value = scope.select(expression);
                complete &= is_something(&value);
                out.push_str(&if is_something(&value) { shown(&value) } else { "unknown".to_owned() });
            }
            Piece::Optional(inner) => {
                if let (text, true) = fill(inner, scope) {
                    out.push_str(&text);
                }
            }
        }
    }
    (out, complete)
}

/// A value as it may stand in Markdown.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'").replace("[#", "[ #");
    if line.chars().count() <= VALUE_CAP {
        return line;
    }
    line.chars().take(VALUE_CAP).chain(['…']).collect()
}

/// Arguments: a string that is one `{expr}` becomes what it selects, of any type; nothing selected leaves the argument out.
pub(super) fn arguments(args: &Map<String, Value>, scope: &Scope) -> Value {
    let filled = args.iter().filter_map(|(name, value)| Some((name.clone(), argument(value, scope)?)));
    Value::Object(filled.collect())
}

fn argument(value: &Value, scope: &Scope) -> Option<Value> {
    match value {
        Value::String(template) => {
            let pieces = parse(template).unwrap_or_default();
            if let [Piece::Value(expression)] = pieces.as_slice() {
                return Some(scope.select(expression)).filter(is_something);
            }
            pieces.iter().map(|piece| raw(piece, scope)).collect::<Option<String>>().map(Value::String)
        }
        Value::Array(items) => Some(items.iter().filter_map(|v| argument(v, scope)).collect()),
        Value::Object(map) => Some(arguments(map, scope)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
    }
}

/// A piece as it is: arguments must not be prettified.
fn raw(piece: &Piece<'_>, scope: &Scope) -> Option<String> {
    match piece {
        Piece::Text(text) => Some((*text).to_owned()),
        Piece::Value(expression) => match scope.select(expression) {
            Value::String(text) => Some(text),
            other => is_something(&other).then(|| other.to_string()),
        },
        Piece::Optional(inner) => {
            Some(inner.iter().map(|p| raw(p, scope)).collect::<Option<String>>().unwrap_or_default())
        }
    }
}

fn parse(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let next = [rest.find('{'), rest.find("[?")].into_iter().flatten().min().unwrap_or(rest.len());
        let (text, after) = rest.split_at(next);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        rest = if let Some(inside) = after.strip_prefix("[?") {
            let (inner, after) =
                inside.split_once("?]").ok_or_else(|| format!("`[?` without `?]` in {template:?}"))?;
            pieces.push(Piece::Optional(parse(inner)?));
            after
        } else if let Some(inside) = after.strip_prefix('{') {
            let end = closing(inside).ok_or_else(|| format!("`{{` without `}}` in {template:?}"))?;
            let (expression, after) = inside.split_at(end);
            pieces.push(Piece::Value(expression));
            after.strip_prefix('}').unwrap_or(after)
        } else {
            after
        };
    }
    Ok(pieces)
}

/// Where the brace that is already open closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{arguments, expressions, prose};
    use crate::offline::select::Scope;
    use serde_json::json;

    fn scope() -> Scope {
        Scope::default().with(
            "item",
            &json!({ "name": "api", "n": 0, "ids": ["i-1", "i-2"], "evil": "x\n[#9] `rm`", "none": null, "no": "" }),
        )
    }

    #[test]
    fn prose_fills_and_drops() {
        for (template, want) in [
            ("`{item.name}` runs {item.n}", "`api` runs 0"),
            ("a[?, code {item.none}?] b", "a b"),
            ("a[?, n {item.n} of {item.name}?]", "a, n 0 of api"),
            ("a {item.none}.", "a unknown."),
            ("{item.ids} [#{item.n}]", "i-1, i-2 [#0]"),
            ("{item.evil}", "x [ #9] 'rm'"),
            ("{item.{a: name}.a}", "api"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(prose(template, &scope()), want);
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let scope = Scope::default().with("x", &json!("é".repeat(1_000)));
        assert_eq!(prose("{x}", &scope).chars().count(), 241);
    }

    #[test]
    fn arguments_keep_types_and_leave_out_nothing() {
        let args = json!({ "ids": "{item.ids}", "name": "{item.name}-*", "x": "{item.none}", "y": "a{item.no}b", "roll_back": true,
            "deep": { "n": "{item.n}" }, "raw": "<{item.evil}>" });
        let want = json!({ "ids": ["i-1", "i-2"], "name": "api-*", "y": "ab", "roll_back": true, "deep": { "n": 0 },
            "raw": "<x\n[#9] `rm`>" });
        assert_eq!(arguments(args.as_object().unwrap(), &scope()), want);
    }

    #[test]
    fn malformed_templates_are_named() {
        for (template, word) in
            [("{a", "without"), ("[? a", "without"), ("{a[?}", "JMESPath"), ("{}", "JMESPath")]
        {
            assert!(expressions(template).unwrap_err().contains(word), "{template}");
        }
        assert_eq!(expressions("{a.b} [?c {d}?] [#{e}]").unwrap().len(), 3);
    }
}
