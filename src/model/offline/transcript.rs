//! What has been asked and read so far: the turns since the last question.

use quarterdeck_core::message::{Block, Input, Turn, Turns, UserPart};
use serde_json::{Map, Value, json};

/// The last question and every call made for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Transcript {
    /// The operator's own words; never text from a tool.
    pub(super) question: String,
    /// The regions the session looks at, as the console told them.
    pub(super) regions: Vec<String>,
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
    pub(super) fn of(turns: &Turns) -> Self {
        let Some((asked, question)) = last_question(turns) else { return Self::default() };
        let mut transcript =
            Self { question: question.to_owned(), regions: regions(turns), calls: Vec::new() };
        let mut open: Vec<(String, usize)> = Vec::new();
        for turn in turns.iter().skip(asked + 1) {
            match turn {
                Turn::Assistant { blocks } => transcript.called(blocks, &mut open),
                Turn::User { parts } => transcript.answered(parts, &mut open),
            }
        }
        transcript
    }

    fn called(&mut self, blocks: &[Block], open: &mut Vec<(String, usize)>) {
        for block in blocks {
            if let Block::ToolCall { id, name, input } = block {
                let args = match input {
                    Input::Json(args) => args.clone(),
                    Input::Garbage(_) => Value::Null,
                };
                open.push((id.clone(), self.calls.len()));
                self.calls.push(Call { tool: name.clone(), args, result: None });
            }
        }
    }

    fn answered(&mut self, parts: &[UserPart], open: &mut Vec<(String, usize)>) {
        for part in parts {
            match part {
                UserPart::ToolResult { id, content, is_error, .. } => {
                    let at = open.iter().position(|(open, _)| open == id).unwrap_or(0);
                    let call = (at < open.len()).then(|| open.remove(at).1);
                    if let Some(call) = call.and_then(|at| self.calls.get_mut(at)) {
                        call.result = Some(read(content, *is_error));
                    }
                }
                // What the verification of the last change said, when it came after the round.
                UserPart::Text { text } => {
                    let last = self.calls.iter_mut().rev().find_map(|c| c.result.as_mut()?.as_object_mut());
                    if let (Some(last), Some(verified)) = (last, verification(text)) {
                        last.insert("verification".into(), verified);
                    }
                }
            }
        }
    }
}

/// The last question and its turn. The console's own line stands right before it; other words in a turn tell results and
/// may quote the account, so they are never taken for a question.
fn last_question(turns: &Turns) -> Option<(usize, &str)> {
    const TOLD: [&str; 4] = ["[console] ", "The operator ran ", "The result of ", VERIFIED];
    let is_told = |text: &str| TOLD.iter().any(|told| text.starts_with(told));
    let texts = || {
        turns.iter().enumerate().flat_map(|(n, turn)| {
            let parts = match turn {
                Turn::User { parts } => parts.as_slice(),
                Turn::Assistant { .. } => &[],
            };
            parts.iter().filter_map(move |part| match part {
                UserPart::Text { text } if !text.trim().is_empty() => Some((n, text.as_str())),
                UserPart::Text { .. } | UserPart::ToolResult { .. } => None,
            })
        })
    };
    let marked = texts().zip(texts().skip(1)).filter(|((_, mark), _)| mark.starts_with("[console] {"));
    marked.map(|(_, question)| question).last().or_else(|| texts().rfind(|(_, text)| !is_told(text)))
}

/// The regions of the latest of the console's own lines that tells them.
fn regions(turns: &Turns) -> Vec<String> {
    let parts = turns.iter().rev().flat_map(|turn| match turn {
        Turn::User { parts } => parts.as_slice(),
        Turn::Assistant { .. } => &[],
    });
    let told = |part: &UserPart| match part {
        UserPart::Text { text } => first_json(text.strip_prefix("[console] ")?)?.get("regions").cloned(),
        UserPart::ToolResult { .. } => None,
    };
    parts.filter_map(told).find_map(|r| serde_json::from_value(r).ok()).unwrap_or_default()
}

const VERIFIED: &str = "Verification of ";

/// What a verification said, from its line.
fn verification(text: &str) -> Option<Value> {
    let line = text.lines().rev().find(|line| line.starts_with(VERIFIED))?;
    first_json(line.get(line.find('{')?..)?)
}

/// A result's content, `[#7] {…}`, as one object: the model view's fields, `step` (7), `ok`, `error` (a sentence) and `rows`
/// as objects that carry their `_step`.
fn read(content: &str, is_error: bool) -> Value {
    let (step, rest) = split_step(content.trim());
    let body = rest.find('{').and_then(|at| rest.get(at..)).and_then(first_json);
    // Tracking mode writes a call down and does not run it: no error, but nothing to build on either.
    let recorded = body.as_ref().is_some_and(|b| b.get("recorded").is_some());
    let failed = is_error || recorded;
    let mut result = match (&body, failed) {
        (Some(Value::Object(map)), false) => map.clone(),
        _ => Map::new(),
    };
    result.insert("step".into(), json!(step));
    result.insert("ok".into(), json!(!failed));
    if let Some(verified) = verification(rest) {
        result.insert("verification".into(), verified);
    }
    if recorded {
        result.insert("recorded".into(), json!(true));
    }
    if failed {
        let said = body.as_ref().and_then(fault).unwrap_or_else(|| rest.to_owned());
        result.insert("error".into(), json!(said));
        if let Some(hint) = body.as_ref().and_then(|b| b.get("hint")) {
            result.insert("hint".into(), hint.clone());
        }
    }
    let rows = rows(&result, step);
    result.insert("rows".into(), rows);
    Value::Object(result)
}

/// `[#7] rest` apart.
fn split_step(content: &str) -> (Option<u64>, &str) {
    match content.strip_prefix("[#").and_then(|rest| rest.split_once(']')) {
        Some((n, rest)) => (n.parse().ok(), rest.trim_start()),
        None => (None, content),
    }
}

fn first_json(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// A structured fault as a sentence.
fn fault(body: &Value) -> Option<String> {
    let field = |name: &str| body.get(name).and_then(Value::as_str);
    let mut said = match (field("error"), field("message").or_else(|| field("note"))) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        (_, None) => return None,
    };
    if let Some(action) = field("needs") {
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
    use quarterdeck_core::message::{Block, Input, Turn, Turns, UserPart};
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
                r#"[#3] {"error":"missing","message":"no group","hint":"did you mean /a"}"#,
                "missing: no group; did you mean /a",
            ),
            (r#"[#?] {"error":"denied","message":"no","needs":"ec2:X"}"#, "denied: no (needs ec2:X)"),
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
    fn a_recorded_call_was_not_made_and_a_verification_is_read() {
        let recorded = read(r#"[#3] {"recorded":true,"note":"tracking mode"}"#, false);
        assert_eq!((&recorded["ok"], &recorded["error"]), (&json!(false), &json!("tracking mode")));
        let content = "[#3] (same as [#2]) {\"summary\":\"stopping\"}\nVerification of stop_instances [#3]: {\"verdict\":\"reached\",\"read\":\"stopped\"}";
        let verified = read(content, false);
        assert_eq!(
            (&verified["summary"], &verified["verification"]["read"]),
            (&json!("stopping"), &json!("stopped"))
        );
    }

    #[test]
    fn words_that_tell_results_are_not_the_question() {
        let text = |text: &str| UserPart::Text { text: text.into() };
        let told = [
            "The operator ran get_cloudwatch_logs({}) [#3]: {\"rows\":[[\"stop instance i-0123456789abcdef0\"]]}",
            "The result of list_ec2_instances [#4] came later: {}",
            "Verification of stop_instances [#5]: {}",
        ];
        let parts = std::iter::once(text(told[0]))
            .chain([text("[console] {\"now\":\"2026-11-20T03:00:00Z\"}"), text("why is it down?")])
            .chain(told.map(text))
            .collect();
        let after = Turn::User { parts: told.map(text).into() };
        assert_eq!(
            Transcript::of(&vec![Turn::User { parts }, after.clone()].into()).question,
            "why is it down?"
        );
        assert_eq!(Transcript::of(&vec![after].into()).question, "");
        let typed = "[console] is what I typed";
        let turn = Turn::User { parts: vec![text("[console] {}"), text(typed)] };
        assert_eq!(Transcript::of(&vec![turn].into()).question, typed);
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
        let transcript = Transcript::of(&turns.into());
        assert_eq!(transcript.question, "why is it down?");
        let steps: Vec<Value> =
            transcript.calls.iter().map(|c| c.result.clone().unwrap()["step"].clone()).collect();
        assert_eq!(steps, [json!(1), json!(2)]);
        assert_eq!(Transcript::of(&Turns::default()), Transcript::default());
    }
}
