//! A request as Converse wants it, without the model's id, which is part of the address. Pure.

use super::NAME;
use crate::wire::naming::{by_name, wire_id, wire_input, wire_name};
use quarterdeck_core::message::{Block, Request, ToolDef, Turn, UserPart};
use quarterdeck_core::models::{Caps, Guardrail};
use serde_json::{Map, Value, json};

/// The request's body.
pub(super) fn body(request: &Request, caps: &Caps, guardrail: Option<&Guardrail>) -> Value {
    let max_tokens = request.max_tokens.clamp(1, caps.max_output.max(1));
    let mut body = Map::new();
    let mark = || json!({ "cachePoint": { "type": "default" } });
    if !request.system.trim().is_empty() {
        let mut system = vec![json!({ "text": &*request.system })];
        if caps.cache_points {
            system.push(mark());
        }
        body.insert("system".into(), Value::Array(system));
    }
    body.insert("messages".into(), messages(request, caps));
    if !request.tools.is_empty() {
        let mut tools: Vec<Value> = by_name(&request.tools).into_iter().map(tool).collect();
        if caps.cache_points {
            tools.push(mark());
        }
        // Without a choice the model decides; this API has no "none".
        body.insert("toolConfig".into(), json!({ "tools": tools }));
    }
    body.insert("inferenceConfig".into(), json!({ "maxTokens": max_tokens }));
    if !caps.additional.is_empty() {
        body.insert("additionalModelRequestFields".into(), Value::Object(caps.additional.clone()));
    }
    if let Some(guardrail) = guardrail {
        body.insert(
            "guardrailConfig".into(),
            json!({ "guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version,
                "streamProcessingMode": "async" }),
        );
    }
    Value::Object(body)
}

/// The body that has a request counted.
pub(super) fn counted(request: &Request, caps: &Caps) -> Value {
    let mut body = body(request, caps, None);
    if let Some(body) = body.as_object_mut() {
        body.remove("inferenceConfig");
    }
    json!({ "input": { "converse": body } })
}

fn tool(tool: &ToolDef) -> Value {
    json!({ "toolSpec": { "name": tool.name, "description": tool.description,
        "inputSchema": { "json": tool.schema } } })
}

/// The conversation. Roles must alternate, so what follows its own kind is joined to it.
fn messages(request: &Request, caps: &Caps) -> Value {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in &request.turns {
        let (role, content): (_, Vec<Value>) = match turn {
            Turn::User { parts } => ("user", parts.iter().filter_map(part).collect()),
            Turn::Assistant { blocks } => {
                ("assistant", blocks.iter().filter_map(|b| block(b, &request.model)).collect())
            }
        };
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some((before, so_far)) if *before == role => so_far.extend(content),
            Some(_) | None => messages.push((role, content)),
        }
    }
    if caps.cache_points {
        let users = messages.iter_mut().rev().filter(|(role, _)| *role == "user").take(2);
        users.for_each(|(_, content)| content.push(json!({ "cachePoint": { "type": "default" } })));
    }
    messages.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect()
}

fn part(part: &UserPart) -> Option<Value> {
    match part {
        UserPart::Text { text } => (!text.trim().is_empty()).then(|| json!({ "text": text })),
        UserPart::ToolResult { id, content, is_error, .. } => {
            let content = if content.trim().is_empty() { "(no output)" } else { content };
            let status = if *is_error { "error" } else { "success" };
            Some(json!({ "toolResult": { "toolUseId": wire_id(id), "content": [{ "text": content }],
                "status": status } }))
        }
    }
}

fn block(block: &Block, model: &str) -> Option<Value> {
    match block {
        Block::Text { text } => (!text.trim().is_empty()).then(|| json!({ "text": text })),
        Block::Reasoning { provider, model: by, raw } => {
            (provider == NAME && by == model).then(|| raw.clone())
        }
        Block::ToolCall { id, name, input } => Some(json!({
            "toolUse": { "toolUseId": wire_id(id), "name": wire_name(name), "input": wire_input(input) }
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::body;
    use quarterdeck_core::id::TurnId;
    use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, UserPart};
    use quarterdeck_core::models::{Caps, Guardrail, Models};
    use serde_json::{Value, json};

    fn caps(cache_points: bool) -> Caps {
        Caps { cache_points, ..Models::embedded().lookup("bedrock", "a-model") }
    }

    fn user(text: &str) -> Turn {
        Turn::User { parts: vec![UserPart::Text { text: text.into() }] }
    }

    fn request(turns: Vec<Turn>) -> Request {
        let schema = json!({ "type": "object", "properties": {} });
        let tool = ToolDef { name: "a_tool".into(), description: "About it.".into(), schema };
        Request {
            turn: TurnId(1),
            iteration: 1,
            provider: "bedrock".into(),
            model: "a-model".into(),
            effort: None,
            system: "Be right.".into(),
            tools: [tool].into(),
            turns: turns.into(),
            max_tokens: 1_000,
        }
    }

    #[test]
    fn a_whole_conversation() {
        let raw = json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "c2ln" } } });
        let reasoning = |model: &str| Block::Reasoning {
            provider: "bedrock".into(),
            model: model.into(),
            raw: raw.clone(),
        };
        let call = Block::ToolCall {
            id: "t_1".into(),
            name: "a_tool".into(),
            input: Input::Json(json!({ "x": 1 })),
        };
        let result = UserPart::ToolResult {
            id: "t_1".into(),
            name: "a_tool".into(),
            content: " ".into(),
            is_error: true,
        };
        let turns = vec![
            user("why?"),
            Turn::Assistant { blocks: vec![reasoning("other")] },
            user("still?"),
            Turn::Assistant { blocks: vec![reasoning("a-model"), Block::Text { text: " ".into() }, call] },
            Turn::User { parts: vec![result] },
        ];
        let body = body(&request(turns), &caps(false), None);
        assert_eq!(
            body,
            json!({
                "system": [{ "text": "Be right." }],
                "messages": [
                    { "role": "user", "content": [{ "text": "why?" }, { "text": "still?" }] },
                    { "role": "assistant", "content": [
                        raw,
                        { "toolUse": { "toolUseId": "t_1", "name": "a_tool", "input": { "x": 1 } } } ] },
                    { "role": "user", "content": [ { "toolResult": { "toolUseId": "t_1",
                        "content": [{ "text": "(no output)" }], "status": "error" } } ] },
                ],
                "toolConfig": { "tools": [ { "toolSpec": { "name": "a_tool", "description": "About it.",
                    "inputSchema": { "json": { "type": "object", "properties": {} } } } } ] },
                "inferenceConfig": { "maxTokens": 1000 },
            })
        );
    }

    #[test]
    fn cache_points_guardrail_and_the_models_own_fields() {
        let mut caps = caps(true);
        caps.additional = json!({ "thinking": { "type": "adaptive" } }).as_object().cloned().unwrap();
        let guardrail = Guardrail { id: "gr-1".into(), version: "DRAFT".into() };
        let turns = vec![
            user("one"),
            Turn::Assistant { blocks: vec![Block::Text { text: "a".into() }] },
            user("two"),
            Turn::Assistant { blocks: vec![Block::Text { text: "b".into() }] },
            user("three"),
        ];
        let body = body(&request(turns), &caps, Some(&guardrail));
        let mark = json!({ "cachePoint": { "type": "default" } });
        assert_eq!(body.to_string().matches("cachePoint").count(), 4, "as many as the service takes");
        let last = |at: &str| body.pointer(at).and_then(Value::as_array).unwrap().last().unwrap().clone();
        for at in ["/system", "/toolConfig/tools", "/messages/2/content", "/messages/4/content"] {
            assert_eq!(last(at), mark, "{at}");
        }
        assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "gr-1");
        assert_eq!(body["additionalModelRequestFields"], json!({ "thinking": { "type": "adaptive" } }));
    }
}
