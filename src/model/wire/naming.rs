//! Names, ids and arguments as every service takes them, also when a model made them up.

use quarterdeck_core::journal::hash;
use quarterdeck_core::message::{Input, ToolDef};
use serde_json::{Value, json};

/// Characters of arguments that were not JSON which are kept.
const GARBAGE_CAP: usize = 2_000;

/// Tools by name, so that the cached prefix stays the same whatever order they came in.
pub(crate) fn by_name(tools: &[ToolDef]) -> Vec<&ToolDef> {
    let mut sorted: Vec<&ToolDef> = tools.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    sorted
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
