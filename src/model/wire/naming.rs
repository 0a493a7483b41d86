//! Names, ids and arguments as every service takes them, also when a model made them up.

use quarterdeck_core::journal::hash;
use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, Turns};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Characters of arguments that were not JSON which are kept.
const GARBAGE_CAP: usize = 2_000;

/// Tools by name, so that the cached prefix stays the same whatever order they came in. A conversation with calls is only
/// taken with tools: where the request offers none, those it once called stand there, unable to do anything.
pub(crate) fn tools(request: &Request) -> Vec<Cow<'_, ToolDef>> {
    if request.tools.is_empty() {
        return called(&request.turns).into_iter().map(gone).map(Cow::Owned).collect();
    }
    let mut sorted: Vec<&ToolDef> = request.tools.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    sorted.into_iter().map(Cow::Borrowed).collect()
}

/// The names of all calls.
fn called(turns: &Turns) -> BTreeSet<String> {
    let blocks = turns.iter().flat_map(|turn| match turn {
        Turn::Assistant { blocks } => blocks.as_slice(),
        Turn::User { .. } => &[],
    });
    let names = blocks.filter_map(|block| match block {
        Block::ToolCall { name, .. } => Some(wire_name(name)),
        Block::Text { .. } | Block::Reasoning { .. } => None,
    });
    names.collect()
}

fn gone(name: String) -> ToolDef {
    let description = "Not offered any more: answer from what is here.".to_owned();
    ToolDef { name, description, schema: json!({ "type": "object", "properties": {} }) }
}

/// `NAME_BASE_URL`, the environment variable for the address of the provider `name`.
#[must_use]
pub fn base_url_variable(provider: &str) -> String {
    format!("{}_BASE_URL", shouted(provider))
}

/// The environment variable for the key of the provider `name`: the configured one, else `NAME_API_KEY`.
#[must_use]
pub fn key_variable(provider: &str, configured: &str) -> String {
    if configured.is_empty() { format!("{}_API_KEY", shouted(provider)) } else { configured.to_owned() }
}

fn shouted(provider: &str) -> String {
    provider.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Lays `over` upon `base`: objects are joined, anything else is replaced.
pub(crate) fn overlay(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (base.get_mut(name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => overlay(there, more),
            _ => {
                base.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Arguments as a model streamed them; nothing at all is no arguments.
pub(crate) fn arguments(json: &str) -> Input {
    if json.trim().is_empty() {
        return Input::Json(json!({}));
    }
    serde_json::from_str(json)
        .map_or_else(|_| Input::Garbage(json.chars().take(GARBAGE_CAP).collect()), Input::Json)
}

/// Ids as the API takes them (letters, digits, `_`, `-`). Others become their hash: a call and its result stay together.
pub(crate) fn wire_id(id: &str) -> String {
    if !id.is_empty() && id.len() <= 64 && id.chars().all(is_word) {
        return id.to_owned();
    }
    let digest: String = hash(id).chars().take(24).collect();
    format!("call_{digest}")
}

/// Names as the API takes them, also when a model made one up.
pub(crate) fn wire_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if is_word(c) { c } else { '_' }).take(64).collect();
    if safe.is_empty() { "unnamed".to_owned() } else { safe }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Arguments are an object, always: what was not one is wrapped, so that the model sees what it sent.
pub(crate) fn wire_input(input: &Input) -> Value {
    match input {
        Input::Json(Value::Object(map)) => Value::Object(map.clone()),
        Input::Json(Value::Null) => json!({}),
        Input::Json(other) => json!({ "not_an_object": other }),
        Input::Garbage(text) => json!({ "not_json": text }),
    }
}

#[cfg(test)]
mod tests {
    use super::overlay;
    use serde_json::json;

    #[test]
    fn what_is_laid_over_joins_objects_and_replaces_the_rest() {
        let mut base = json!({ "a": { "b": 1, "c": 2 }, "d": [1] }).as_object().cloned().unwrap();
        let over = json!({ "a": { "c": 3, "e": {} }, "d": [2], "f": 4 }).as_object().cloned().unwrap();
        overlay(&mut base, &over);
        assert_eq!(json!(base), json!({ "a": { "b": 1, "c": 3, "e": {} }, "d": [2], "f": 4 }));
    }
}
