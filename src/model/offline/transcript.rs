//! What has been asked and read so far: the turns since the last question.

use quarterdeck_core::message::{Block, Input, Turn, UserPart};
use serde_json::{Map, Value, json};

/// The last question and every call made for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Transcript {
    /// The operator's own words; never text from a tool.
    pub(super) question: String,
    /// Calls since, in order.
    pub(super) calls: Vec<Call>,
}

/// One call and its result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) tool: String,
    pub(super) args: Value,
    /// See [`read`].
    pub(super) result: Option<Value>,
}

impl Transcript {
    pub(super) fn of(turns: &[Turn]) -> Self {
        let asked = turns.iter().rposition(|turn| words(turn).is_some());
        let Some(asked) = asked else { return Self::default() };
        let question = turns.get(asked).and_then(words).unwrap_or_default().to_owned();
        let mut calls: Vec<Call> = Vec::new();
        let mut open: Vec<(String, usize)> = Vec::new();
        for turn in turns.iter().skip(asked + 1) {
            match turn {
                Turn::Assistant { blocks } => {
                    for block in blocks {
                        if let Block::ToolCall { id, name, input } = block {
                            let args = match input {
                                Input::Json(args) => args.clone(),
                                Input::Garbage(_) => Value::Null,
                            };
                            open.push((id.clone(), calls.len()));
                            calls.push(Call { tool: name.clone(), args, result: None });
                        }
                    }
                }
                Turn::User { parts } => {
                    for part in parts {
                        let UserPart::ToolResult { id, content, is_error, .. } = part else { continue };
                        let at = open.iter().position(|(open, _)| open == id).unwrap_or(0);
                        if at < open.len() {
                            let (_, call) = open.remove(at);
                            if let Some(call) = calls.get_mut(call) {
                                call.result = Some(read(content, *is_error));
                            }
                        }
                    }
                }
            }
        }
        Self { question, calls }
    }
}

/// The operator's words in a turn: the last text, as results come first.
fn words(turn: &Turn) -> Option<&str> {
    match turn {
        Turn::User { parts } => parts.iter().rev().find_map(|part| match part {
            UserPart::Text { text } => Some(text.as_str()).filter(|t| !t.trim().is_empty()),
            UserPart::ToolResult { .. } => None,
        }),
        Turn::Assistant { .. } => None,
    }
}

/// A result's content, `[#7] {…}`, as one object: the model view's fields, `step` (7), `ok`, `error` (a sentence) and `rows`
/// as objects that carry their `_step`.
fn read(content: &str, is_error: bool) -> Value {
    let (step, rest) = split_step(content.trim());
    let body = rest.find('{').and_then(|at| rest.get(at..)).and_then(first_json);
    let mut result = match (&body, is_error) {
        (Some(Value::Object(map)), false) => map.clone(),
        _ => Map::new(),
    };
    result.insert("step".into(), json!(step));
    result.insert("ok".into(), json!(!is_error));
    if is_error {
        let said = body.as_ref().and_then(fault).unwrap_or_else(|| rest.to_owned());
        result.insert("error".into(), json!(said));
    }
    let rows = rows(&result, step);
    result.insert("rows".into(), rows);
    Value::Object(result)
}

/// `[#7] rest` apart.
fn split_step(content: &str) -> (Option<u64>, &str) {
    let parsed = content.strip_prefix("[#").and_then(|rest| rest.split_once(']'));
    match parsed.and_then(|(n, rest)| Some((n.parse().ok()?, rest))) {
        Some((n, rest)) => (Some(n), rest.trim_start()),
        None => (None, content),
    }
}

fn first_json(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// A structured fault as a sentence.
fn fault(body: &Value) -> Option<String> {
    let body = body.get("error").filter(|e| e.is_object()).unwrap_or(body);
    let field = |name: &str| body.get(name).and_then(Value::as_str);
    let mut said = match (field("kind"), field("message")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        (_, None) => return None,
    };
    if let Some(action) = field("action") {
        said.push_str(&format!(" (needs {action})"));
    }
    if let Some(hint) = field("hint") {
        said.push_str(&format!("; {hint}"));
    }
    Some(said)
}

/// Rows under their column names. Rows that already are objects stay.
fn rows(result: &Map<String, Value>, step: Option<u64>) -> Value {
    let array = |name: &str| result.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let columns = array("columns");
    let objects = array("rows").iter().filter_map(|row| {
        let mut object = match row {
            Value::Array(cells) => columns
                .iter()
                .zip(cells)
                .filter_map(|(c, cell)| Some((c.as_str()?.to_owned(), cell.clone())))
                .collect(),
            Value::Object(object) => object.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        object.insert("_step".into(), json!(step));
        Some(Value::Object(object))
    });
    Value::Array(objects.collect())
}

#[cfg(test)]
mod tests {
    use super::{Transcript, read};
    use quarterdeck_core::message::{Block, Input, Turn, UserPart};
    use serde_json::{Value, json};

    #[test]
    fn rows_become_objects_that_know_their_step() {
        let read = read(
            r#"[#7] {"summary":"2 services","columns":["service","running"],"rows":[["a",1],["b"]],"total":2}"#,
            false,
        );
        assert_eq!(read["rows"], json!([{"service":"a","running":1,"_step":7}, {"service":"b","_step":7}]));
        assert_eq!(
            (&read["step"], &read["ok"], &read["summary"]),
            (&json!(7), &json!(true), &json!("2 services"))
        );
    }

    #[test]
    fn errors_become_sentences_whatever_their_form() {
        for (content, want) in [
            ("[#3] denied: no (needs ecs:ListServices)", "denied: no (needs ecs:ListServices)"),
            ("refused: the operator refused", "refused: the operator refused"),
            (
                r#"[#3] {"kind":"missing","message":"no group","hint":"did you mean /a"}"#,
                "missing: no group; did you mean /a",
            ),
            (
                r#"[#3] {"error":{"kind":"denied","message":"no","action":"ec2:X"}}"#,
                "denied: no (needs ec2:X)",
            ),
        ] {
            let read = read(content, true);
            assert_eq!(read["error"], want);
            assert_eq!(read["rows"], json!([]));
        }
    }

    #[test]
    fn malformed_results_are_empty_not_fatal() {
        for content in [
            "",
            "[#",
            "[#x] {",
            "[#1]",
            "{\"rows\":3}",
            "[#1] {\"columns\":[1],\"rows\":[[2],3]}",
            "[#1] 漢{",
        ] {
            assert!(read(content, false)["rows"].is_array(), "{content}");
        }
    }

    #[test]
    fn only_the_operators_words_are_the_question() {
        let result = |id: &str, content: &str| UserPart::ToolResult {
            id: id.into(),
            name: "t".into(),
            content: content.into(),
            is_error: false,
        };
        let call = |id: &str| Block::ToolCall {
            id: id.into(),
            name: "t".into(),
            input: Input::Json(json!({"id": id})),
        };
        let turns = vec![
            Turn::User { parts: vec![UserPart::Text { text: "stop instance i-0123".into() }] },
            Turn::Assistant { blocks: vec![Block::Text { text: "stop instance i-9".into() }] },
            Turn::User { parts: vec![UserPart::Text { text: "why is it down?".into() }] },
            Turn::Assistant { blocks: vec![call("a"), call("b")] },
            Turn::User { parts: vec![result("b", "[#2] {}"), result("a", "[#1] stop instance i-666")] },
        ];
        let transcript = Transcript::of(&turns);
        assert_eq!(transcript.question, "why is it down?");
        let steps: Vec<Value> =
            transcript.calls.iter().map(|c| c.result.clone().unwrap()["step"].clone()).collect();
        assert_eq!(steps, [json!(1), json!(2)]);
        assert_eq!(Transcript::of(&[]), Transcript::default());
    }
}
