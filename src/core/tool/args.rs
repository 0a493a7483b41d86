//! Arguments: from words of a command line to JSON, typed by a tool's schema.

mod fixed;

pub use fixed::{fits, lacking};

use crate::text::{nearest, truncate, visible};
use serde_json::{Map, Value};

/// Flags that do not fit a tool's schema: what is wrong and what to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArgsError(pub String);

/// `--field value ...` as a JSON object, typed by the tool's schema: `--only-unhealthy`, `--ids i-1 --ids i-2`,
/// `--ids i-1 i-2`, `--ids '["i-1"]'`, `--since=2h`, `--no-metrics`. Names may use `-` for `_`.
///
/// # Errors
/// An unknown field (with the nearest name), a value of the wrong type, a missing value, a missing field.
pub fn from_flags(schema: &Value, flags: &[String]) -> Result<Value, ArgsError> {
    let fields = Fields { root: schema };
    let mut out = Map::new();
    let mut words = flags.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        let flag = word.strip_prefix("--").filter(|f| !f.is_empty()).ok_or_else(|| {
            ArgsError(format!("{} stands alone: arguments are written --name value", quoted(word)))
        })?;
        let (name, inline) = flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v)));
        let (field, kind, negated) = fields.find(name)?;
        let flag = shown_flag(&field);
        match kind {
            Kind::Bool => {
                let next = words.next_if(|w| inline.is_none() && !negated && matches!(*w, "true" | "false"));
                let value = match inline.or(next) {
                    None | Some("true") => !negated,
                    Some("false") => negated,
                    Some(other) => {
                        return Err(ArgsError(format!("{flag} is true or false, not {}", quoted(other))));
                    }
                };
                set(&mut out, &field, value.into())?;
            }
            Kind::List(item) => {
                let mut items: Vec<&str> = inline.into_iter().collect();
                while inline.is_none()
                    && let Some(next) = words.next_if(|w| !w.starts_with("--"))
                {
                    items.push(next);
                }
                if items.is_empty() {
                    return Err(missing(&flag, &kind_words(&item)));
                }
                let list = out.entry(field.clone()).or_insert_with(|| Value::Array(Vec::new()));
                for text in items {
                    let values = list_items(&flag, &item, text)?;
                    if let Some(list) = list.as_array_mut() {
                        list.extend(values);
                    }
                }
            }
            Kind::Whole(_) | Kind::Number | Kind::Text | Kind::OneOf(_) | Kind::Pairs | Kind::Json => {
                let text = inline
                    .or_else(|| words.next_if(|w| !w.starts_with("--")))
                    .ok_or_else(|| missing(&flag, &kind_words(&kind)))?;
                set(&mut out, &field, scalar(&flag, &kind, text)?)?;
            }
        }
    }
    fields.complete(&out)?;
    Ok(Value::Object(out))
}

/// A line as a shell would split it: words at spaces, `'...'` as it stands, `"..."` and bare words with `\`.
///
/// # Errors
/// A quote that is not closed, a backslash at the end.
pub fn split_line(line: &str) -> Result<Vec<String>, ArgsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (Some(_), '\\') => {
                let next = chars.next().ok_or_else(dangling)?;
                let word = word.get_or_insert_default();
                if !matches!(next, '"' | '\\' | '$' | '`') {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\\') => word.get_or_insert_default().push(chars.next().ok_or_else(dangling)?),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(q) = quote {
        return Err(ArgsError(format!("the quote {q} is not closed")));
    }
    words.extend(word);
    Ok(words)
}

fn dangling() -> ArgsError {
    ArgsError("the line ends in a backslash".to_owned())
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Bool,
    /// A whole number, at least and at most.
    Whole((Option<f64>, Option<f64>)),
    Number,
    Text,
    OneOf(Vec<String>),
    List(Box<Kind>),
    /// A map of texts: `key=value,key=value`, or a JSON object.
    Pairs,
    /// Anything else: written as JSON.
    Json,
}

/// A schema's fields.
struct Fields<'a> {
    root: &'a Value,
}

impl Fields<'_> {
    fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.root.get("properties").and_then(Value::as_object).into_iter().flatten()
    }

    /// The field a flag names, what it takes, and whether it was written `--no-...`.
    fn find(&self, flag: &str) -> Result<(String, Kind, bool), ArgsError> {
        let wanted = flag.replace('-', "_");
        let find = |name: &str| self.properties().find(|(field, _)| field.eq_ignore_ascii_case(name));
        if let Some((field, schema)) = find(&wanted) {
            return Ok((field.clone(), self.kind(schema, 0), false));
        }
        if let Some((field, schema)) = wanted.strip_prefix("no_").and_then(find)
            && self.kind(schema, 0) == Kind::Bool
        {
            return Ok((field.clone(), Kind::Bool, true));
        }
        let names: Vec<&str> = self.properties().map(|(field, _)| field.as_str()).collect();
        let near: Vec<String> = nearest(&wanted, names, 3).into_iter().map(shown_flag).collect();
        let hint = if near.is_empty() {
            "this tool takes none".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        Err(ArgsError(format!("there is no argument {}: {hint}", quoted(&format!("--{flag}")))))
    }

    /// Every required field must be there.
    fn complete(&self, given: &Map<String, Value>) -> Result<(), ArgsError> {
        let required = self.root.get("required").and_then(Value::as_array).into_iter().flatten();
        let missing: Vec<String> =
            required.filter_map(Value::as_str).filter(|f| !given.contains_key(*f)).map(shown_flag).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(ArgsError(format!("it needs {}", missing.join(" and "))))
        }
    }

    /// What a property takes, through references and alternatives with null. `depth` ends circular references.
    fn kind(&self, schema: &Value, depth: usize) -> Kind {
        if depth > 8 {
            return Kind::Json;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return found.map_or(Kind::Json, |found| self.kind(found, depth + 1));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Kind::OneOf(values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        if let Some(value) = schema.get("const").and_then(Value::as_str) {
            return Kind::OneOf(vec![value.to_owned()]);
        }
        if let Some(choices) =
            ["anyOf", "oneOf", "allOf"].iter().find_map(|k| schema.get(*k).and_then(Value::as_array))
        {
            let kinds: Vec<Kind> = choices
                .iter()
                .filter(|c| c.get("type").and_then(Value::as_str) != Some("null"))
                .map(|c| self.kind(c, depth + 1))
                .collect();
            return one_kind(&kinds);
        }
        let named = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).find(|t| *t != "null"),
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => None,
        };
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        match named {
            Some("boolean") => Kind::Bool,
            Some("integer") => Kind::Whole((bound("minimum"), bound("maximum"))),
            Some("number") => Kind::Number,
            Some("string") => Kind::Text,
            Some("array") => {
                let item = schema.get("items").map_or(Kind::Text, |items| self.kind(items, depth + 1));
                Kind::List(Box::new(item))
            }
            Some("object") if schema.pointer("/additionalProperties/type") == Some(&"string".into()) => {
                Kind::Pairs
            }
            Some(_) | None => Kind::Json,
        }
    }
}

/// One kind for several alternatives: their only one, all their words, or JSON.
fn one_kind(kinds: &[Kind]) -> Kind {
    let mut words = Vec::new();
    for kind in kinds {
        match kind {
            Kind::OneOf(more) => words.extend(more.iter().cloned()),
            Kind::Bool
            | Kind::Whole(_)
            | Kind::Number
            | Kind::Text
            | Kind::List(_)
            | Kind::Pairs
            | Kind::Json => {
                return if kinds.len() == 1 { kind.clone() } else { Kind::Json };
            }
        }
    }
    if words.is_empty() { Kind::Json } else { Kind::OneOf(words) }
}

fn set(out: &mut Map<String, Value>, field: &str, value: Value) -> Result<(), ArgsError> {
    match out.insert(field.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ArgsError(format!("{} is given twice", shown_flag(field)))),
    }
}

/// One word of a list: one item, or a JSON array of them.
fn list_items(flag: &str, item: &Kind, text: &str) -> Result<Vec<Value>, ArgsError> {
    if !text.trim_start().starts_with('[') {
        return Ok(vec![scalar(flag, item, text)?]);
    }
    let items: Vec<Value> = serde_json::from_str(text)
        .map_err(|e| ArgsError(format!("{flag} {} is not a JSON array: {e}", quoted(text))))?;
    let checked = |value: Value| match value {
        Value::String(text) => scalar(flag, item, &text),
        Value::Number(number) => scalar(flag, item, &number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => match item {
            Kind::Json => Ok(value),
            Kind::Bool
            | Kind::Whole(_)
            | Kind::Number
            | Kind::Text
            | Kind::OneOf(_)
            | Kind::List(_)
            | Kind::Pairs => Err(wrong(flag, item, &value.to_string())),
        },
    };
    items.into_iter().map(checked).collect()
}

fn scalar(flag: &str, kind: &Kind, text: &str) -> Result<Value, ArgsError> {
    let wrong = || wrong(flag, kind, text);
    match kind {
        Kind::Text => Ok(text.into()),
        Kind::Bool => text.parse::<bool>().map(Value::from).map_err(|_| wrong()),
        Kind::Whole((least, most)) => {
            let n: i64 = text.trim().parse().map_err(|_| wrong())?;
            #[allow(clippy::cast_precision_loss)]
            let as_float = n as f64;
            let fits = least.is_none_or(|l| as_float >= l) && most.is_none_or(|m| as_float <= m);
            if fits { Ok(n.into()) } else { Err(wrong()) }
        }
        Kind::Number => {
            let n: f64 = text.trim().parse().map_err(|_| wrong())?;
            serde_json::Number::from_f64(n).map(Value::Number).ok_or_else(wrong)
        }
        Kind::OneOf(words) => {
            let folded = |word: &str| word.to_lowercase().replace('-', "_");
            let same = |word: &&String| folded(word) == folded(text);
            words.iter().find(same).map(|word| word.clone().into()).ok_or_else(wrong)
        }
        Kind::Pairs => pairs(text).ok_or_else(wrong),
        Kind::List(_) | Kind::Json => serde_json::from_str(text).map_err(|_| wrong()),
    }
}

/// `key=value,key=value`, or a JSON object of texts.
fn pairs(text: &str) -> Option<Value> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).ok().filter(|v: &Value| v.is_object());
    }
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.trim(), value.trim());
        (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), Value::from(value)))
    };
    text.split(',').map(pair).collect::<Option<Map<String, Value>>>().map(Value::Object)
}

fn wrong(flag: &str, kind: &Kind, text: &str) -> ArgsError {
    let hint = match kind {
        Kind::OneOf(words) => nearest(text, words.iter().map(String::as_str), 1)
            .first()
            .map_or_else(String::new, |near| format!("; did you mean {near}?")),
        Kind::Bool
        | Kind::Whole(_)
        | Kind::Number
        | Kind::Text
        | Kind::List(_)
        | Kind::Pairs
        | Kind::Json => String::new(),
    };
    ArgsError(format!("{flag} takes {}, not {}{hint}", kind_words(kind), quoted(text)))
}

fn missing(flag: &str, takes: &str) -> ArgsError {
    ArgsError(format!("{flag} needs a value: {takes}"))
}

fn kind_words(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Whole((Some(least), Some(most))) => format!("a whole number from {least} to {most}"),
        Kind::Whole((Some(least), None)) => format!("a whole number of at least {least}"),
        Kind::Whole((None, Some(most))) => format!("a whole number of at most {most}"),
        Kind::Whole((None, None)) => "a whole number".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        Kind::Pairs => "key=value,key=value".to_owned(),
        Kind::List(_) | Kind::Json => "JSON".to_owned(),
    }
}

fn shown_flag(field: &str) -> String {
    format!("--{}", field.replace('_', "-"))
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", truncate(&visible(word), 64))
}

#[cfg(test)]
mod tests;
