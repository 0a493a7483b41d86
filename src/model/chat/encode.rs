//! A request as Chat Completions wants it. Pure.

use crate::wire::naming::{self, overlay, wire_id, wire_input, wire_name};
use quarterdeck_core::message::{Block, Request, ToolDef, Turn, UserPart};
use quarterdeck_core::models::{Caps, Quirks};
use serde_json::{Map, Value, json};

/// The request's body. Reasoning has no place in this API and is left out.
pub(super) fn body(request: &Request, caps: &Caps, quirks: &Quirks) -> Value {
    let max_tokens = request.max_tokens.clamp(1, caps.max_output.max(1));
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("messages".into(), messages(request, quirks));
    let tools = naming::tools(request);
    if !tools.is_empty() {
        body.insert("tools".into(), tools.iter().map(|t| tool(t)).collect());
    }
    body.insert(quirks.max_tokens_field.clone(), json!(max_tokens));
    body.insert("stream".into(), json!(true));
    if quirks.stream_usage {
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    if let Some(effort) = caps.effort_for(request) {
        body.insert("reasoning_effort".into(), json!(effort));
    }
    overlay(&mut body, &quirks.extra);
    Value::Object(body)
}

fn tool(tool: &ToolDef) -> Value {
    let function = json!({ "name": tool.name, "description": tool.description, "parameters": tool.schema });
    json!({ "type": "function", "function": function })
}

fn messages(request: &Request, quirks: &Quirks) -> Value {
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        messages.push(json!({ "role": quirks.system_role, "content": &*request.system }));
    }
    for turn in &request.turns {
        match turn {
            Turn::User { parts } => messages.extend(user(parts)),
            Turn::Assistant { blocks } => messages.extend(assistant(blocks)),
        }
    }
    Value::Array(messages)
}

/// Each result is a message of its own; the operator's words are one, because many models' templates refuse two in a row.
fn user(parts: &[UserPart]) -> Vec<Value> {
    let mut messages = Vec::new();
    let mut words = Vec::new();
    for part in parts {
        match part {
            UserPart::Text { text } if text.trim().is_empty() => {}
            UserPart::Text { text } => words.push(text.as_str()),
            UserPart::ToolResult { id, content, is_error, .. } => {
                let content = if content.trim().is_empty() { "(no output)" } else { content };
                // The API has no field for failure: the words must say it.
                let content = if *is_error { format!("ERROR: {content}") } else { content.to_owned() };
                messages.push(json!({ "role": "tool", "tool_call_id": wire_id(id), "content": content }));
            }
        }
    }
    if !words.is_empty() {
        messages.push(json!({ "role": "user", "content": words.join("\n\n") }));
    }
    messages
}

/// One answer; `None` when nothing of it can be sent.
fn assistant(blocks: &[Block]) -> Option<Value> {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for block in blocks {
        match block {
            Block::Text { text } if text.trim().is_empty() => {}
            Block::Text { text } => texts.push(text.as_str()),
            Block::Reasoning { .. } => {}
            Block::ToolCall { id, name, input } => calls.push(json!({
                "id": wire_id(id),
                "type": "function",
                "function": { "name": wire_name(name), "arguments": wire_input(input).to_string() },
            })),
        }
    }
    if texts.is_empty() && calls.is_empty() {
        return None;
    }
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    // Some servers refuse a message without content, others one that is null.
    message.insert("content".into(), json!(texts.join("\n\n")));
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    Some(Value::Object(message))
}

#[cfg(test)]
mod tests {
    use super::body;
    use quarterdeck_core::id::TurnId;
    use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, UserPart};
    use quarterdeck_core::models::{Caps, Models, Quirks};
    use serde_json::{Value, json};

    fn caps() -> Caps {
        Models::embedded().lookup("openai-compatible", "a-model")
    }

    fn request(turns: Vec<Turn>) -> Request {
        let def = |name: &str| ToolDef {
            name: name.into(),
            description: format!("About {name}."),
            schema: json!({ "type": "object" }),
        };
        Request {
            turn: TurnId(1),
            iteration: 1,
            provider: "openai-compatible".into(),
            model: "a-model".into(),
            effort: None,
            system: "Be right.".into(),
            tools: [def("b_tool"), def("a_tool")].into(),
            turns: turns.into(),
            max_tokens: 1_000,
        }
    }

    fn result(id: &str, content: &str, is_error: bool) -> UserPart {
        UserPart::ToolResult { id: id.into(), name: "t".into(), content: content.into(), is_error }
    }

    #[test]
    fn a_whole_conversation() {
        let turns = vec![
            Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] },
            Turn::Assistant {
                blocks: vec![
                    Block::Reasoning { provider: "openai".into(), model: "m".into(), raw: json!({}) },
                    Block::Text { text: "Looking.".into() },
                    Block::ToolCall {
                        id: "call_1".into(),
                        name: "a_tool".into(),
                        input: Input::Json(json!({ "x": 1 })),
                    },
                    Block::ToolCall {
                        id: "bad id".into(),
                        name: "b tool".into(),
                        input: Input::Garbage("{".into()),
                    },
                ],
            },
            Turn::User {
                parts: vec![
                    result("call_1", "[#1] {}", false),
                    result("bad id", " ", true),
                    UserPart::Text { text: "hurry".into() },
                ],
            },
            Turn::Assistant { blocks: vec![Block::Text { text: " ".into() }] },
        ];
        let body = body(&request(turns), &caps(), &Quirks::default());
        let bad = body["messages"][2]["tool_calls"][1]["id"].as_str().unwrap().to_owned();
        assert!(bad.starts_with("call_") && bad != "bad id");
        let messages = json!([
            { "role": "system", "content": "Be right." },
            { "role": "user", "content": "why?" },
            { "role": "assistant", "content": "Looking.", "tool_calls": [
                { "id": "call_1", "type": "function", "function": { "name": "a_tool", "arguments": "{\"x\":1}" } },
                { "id": bad, "type": "function",
                  "function": { "name": "b_tool", "arguments": "{\"not_json\":\"{\"}" } },
            ] },
            { "role": "tool", "tool_call_id": "call_1", "content": "[#1] {}" },
            { "role": "tool", "tool_call_id": bad, "content": "ERROR: (no output)" },
            { "role": "user", "content": "hurry" },
        ]);
        assert_eq!(body["messages"], messages);
        assert_eq!(body["tools"][0]["function"]["name"], "a_tool");
        assert_eq!((&body["max_tokens"], &body["stream"]), (&json!(1_000), &json!(true)));
        assert_eq!(body["stream_options"], json!({ "include_usage": true }));
    }

    #[test]
    fn an_endpoints_quirks_are_its_own() {
        let quirks = Quirks {
            max_tokens_field: "max_completion_tokens".into(),
            stream_usage: false,
            system_role: "developer".into(),
            extra: json!({ "num_ctx": 8192 }).as_object().cloned().unwrap(),
            silence: None,
        };
        let caps = Caps { effort: Some("low".into()), ..caps() };
        let body = body(&request(vec![]), &caps, &quirks);
        assert_eq!(body["messages"][0]["role"], "developer");
        assert_eq!(body["max_completion_tokens"], 1_000);
        assert_eq!((&body["num_ctx"], &body["reasoning_effort"]), (&json!(8192), &json!("low")));
        assert_eq!((body.get("max_tokens"), body.get("stream_options")), (None::<&Value>, None));
    }
}
