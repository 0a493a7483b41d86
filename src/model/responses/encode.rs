//! A request as the Responses API wants it. Pure.

use crate::wire::naming::{self, overlay, wire_id, wire_input, wire_name};
use quarterdeck_core::message::{Block, Request, ToolDef, Turn, UserPart};
use quarterdeck_core::models::{Caps, Quirks, Thinking};
use serde_json::{Map, Value, json};

/// The request's body. Nothing is stored at the service; reasoning comes back encrypted and is echoed.
pub(super) fn body(request: &Request, caps: &Caps, quirks: &Quirks) -> Value {
    let max_tokens = request.max_tokens.clamp(16, caps.max_output.max(16));
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    if !request.system.trim().is_empty() {
        body.insert("instructions".into(), json!(&*request.system));
    }
    body.insert("input".into(), input(request, &caps.provider));
    let tools = naming::tools(request);
    if !tools.is_empty() {
        body.insert("tools".into(), tools.iter().map(|t| tool(t)).collect());
        body.insert("parallel_tool_calls".into(), json!(true));
    }
    body.insert("max_output_tokens".into(), json!(max_tokens));
    body.insert("store".into(), json!(false));
    body.insert("stream".into(), json!(true));
    if let Some(reasoning) = reasoning(caps, caps.effort_for(request)) {
        body.insert("reasoning".into(), reasoning);
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    overlay(&mut body, &quirks.extra);
    Value::Object(body)
}

/// The body that has a request counted: the same, without what is about the answer.
pub(super) fn counted(request: &Request, caps: &Caps, quirks: &Quirks) -> Value {
    let mut body = body(request, caps, quirks);
    if let Some(body) = body.as_object_mut() {
        for field in ["max_output_tokens", "store", "stream", "include"] {
            body.remove(field);
        }
    }
    body
}

/// Summaries are asked for: without them the screen would look frozen while the model thinks. Models that do not reason
/// refuse the field.
fn reasoning(caps: &Caps, effort: Option<&str>) -> Option<Value> {
    let thinks = match caps.thinking {
        Thinking::Unset | Thinking::Disabled => effort.is_some(),
        Thinking::Adaptive | Thinking::BetweenTools | Thinking::Budget { .. } => true,
    };
    let mut reasoning = json!({ "summary": "auto" });
    if let (Some(map), Some(effort)) = (reasoning.as_object_mut(), effort) {
        map.insert("effort".into(), json!(effort));
    }
    thinks.then_some(reasoning)
}

fn tool(tool: &ToolDef) -> Value {
    json!({ "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.schema,
        "strict": false })
}

fn input(request: &Request, provider: &str) -> Value {
    let own = (provider, request.model.as_str());
    let mut items = Vec::new();
    for turn in &request.turns {
        match turn {
            Turn::User { parts } => items.extend(parts.iter().filter_map(part)),
            Turn::Assistant { blocks } => {
                items.extend(blocks.iter().filter_map(|b| block(b, own)));
            }
        }
    }
    Value::Array(items)
}

fn part(part: &UserPart) -> Option<Value> {
    match part {
        UserPart::Text { text } => {
            (!text.trim().is_empty()).then(|| json!({ "role": "user", "content": text }))
        }
        UserPart::ToolResult { id, content, is_error, .. } => {
            let content = if content.trim().is_empty() { "(no output)" } else { content };
            // The API has no field for failure: the words must say it.
            let content = if *is_error { format!("ERROR: {content}") } else { content.to_owned() };
            Some(json!({ "type": "function_call_output", "call_id": wire_id(id), "output": content }))
        }
    }
}

fn block(block: &Block, own: (&str, &str)) -> Option<Value> {
    match block {
        Block::Text { text } => {
            (!text.trim().is_empty()).then(|| json!({ "role": "assistant", "content": text }))
        }
        // Nothing is stored: reasoning that came without its content means nothing to the service.
        Block::Reasoning { provider, model, raw } => {
            let whole = raw.get("encrypted_content").and_then(Value::as_str).is_some_and(|c| !c.is_empty());
            ((provider.as_str(), model.as_str()) == own && whole).then(|| raw.clone())
        }
        Block::ToolCall { id, name, input } => Some(json!({
            "type": "function_call", "call_id": wire_id(id), "name": wire_name(name),
            "arguments": wire_input(input).to_string(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::id::TurnId;
    use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, UserPart};
    use quarterdeck_core::models::{Caps, Models, Quirks, Thinking};
    use serde_json::{Value, json};

    fn body(request: &Request, caps: &Caps) -> Value {
        super::body(request, caps, &Quirks::default())
    }

    fn caps(thinking: Thinking) -> Caps {
        Caps { thinking, effort: Some("low".into()), ..Models::embedded().lookup("openai", "a-model") }
    }

    fn request(turns: Vec<Turn>) -> Request {
        let schema = json!({ "type": "object", "properties": {} });
        let tool = ToolDef { name: "a_tool".into(), description: "About it.".into(), schema };
        Request {
            turn: TurnId(1),
            iteration: 1,
            provider: "openai".into(),
            model: "a-model".into(),
            effort: None,
            system: "Be right.".into(),
            tools: [tool].into(),
            turns: turns.into(),
            max_tokens: 1,
        }
    }

    #[test]
    fn a_whole_conversation() {
        let raw = json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e30=" });
        let reasoning = |model: &str| Block::Reasoning {
            provider: "openai".into(),
            model: model.into(),
            raw: raw.clone(),
        };
        let call = Block::ToolCall {
            id: "call_1".into(),
            name: "a_tool".into(),
            input: Input::Json(json!({ "x": 1 })),
        };
        let result = UserPart::ToolResult {
            id: "call_1".into(),
            name: "a_tool".into(),
            content: "denied".into(),
            is_error: true,
        };
        let turns = vec![
            Turn::User { parts: vec![UserPart::Text { text: "why?".into() }] },
            Turn::Assistant {
                blocks: vec![
                    reasoning("a-model"),
                    reasoning("another"),
                    Block::Reasoning {
                        provider: "openai".into(),
                        model: "a-model".into(),
                        raw: json!({ "type": "reasoning", "id": "rs_2", "summary": [] }),
                    },
                    Block::Text { text: "So.".into() },
                    call,
                ],
            },
            Turn::User { parts: vec![result, UserPart::Text { text: " ".into() }] },
        ];
        let body = body(&request(turns), &caps(Thinking::Adaptive));
        assert_eq!(
            body["input"],
            json!([
                { "role": "user", "content": "why?" },
                raw,
                { "role": "assistant", "content": "So." },
                { "type": "function_call", "call_id": "call_1", "name": "a_tool", "arguments": "{\"x\":1}" },
                { "type": "function_call_output", "call_id": "call_1", "output": "ERROR: denied" },
            ])
        );
        assert_eq!((&body["store"], &body["instructions"]), (&json!(false), &json!("Be right.")));
        assert_eq!(body["reasoning"], json!({ "summary": "auto", "effort": "low" }));
        assert_eq!(body["max_output_tokens"], 16, "the service's smallest");
        assert_eq!(body["tools"][0]["name"], "a_tool", "flat, unlike Chat Completions");
    }

    #[test]
    fn models_that_do_not_reason_are_not_asked_to() {
        for thinking in [Thinking::Unset, Thinking::Disabled] {
            let caps = Caps { effort: None, ..caps(thinking) };
            let body = body(&request(vec![]), &caps);
            assert_eq!((body.get("reasoning"), body.get("include")), (None::<&Value>, None));
        }
    }

    #[test]
    fn an_effort_that_somebody_chose_is_sent_whatever_the_table_says() {
        let request = Request { effort: Some("high".into()), ..request(vec![]) };
        for thinking in [Thinking::Unset, Thinking::Disabled, Thinking::Adaptive] {
            assert_eq!(body(&request, &caps(thinking))["reasoning"]["effort"], "high");
        }
    }
}
