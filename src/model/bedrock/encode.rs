//! A request as Converse wants it, without the model's id, which is part of the address. Pure.

use crate::wire::naming::{self, overlay, wire_id, wire_input, wire_name};
use quarterdeck_core::message::{Block, Request, ToolDef, Turn, UserPart};
use quarterdeck_core::models::{Caps, ProviderDefaults};
use serde_json::{Map, Value, json};

/// The request's body.
pub(super) fn body(request: &Request, caps: &Caps, configured: &ProviderDefaults) -> Value {
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
    let tools = naming::tools(request);
    if !tools.is_empty() {
        let mut tools: Vec<Value> = tools.iter().map(|t| tool(t)).collect();
        if caps.cache_points {
            tools.push(mark());
        }
        // Without a choice the model decides; this API has no "none".
        body.insert("toolConfig".into(), json!({ "tools": tools }));
    }
    body.insert("inferenceConfig".into(), json!({ "maxTokens": max_tokens }));
    let additional = additional(caps, caps.effort_for(request));
    if !additional.is_empty() {
        body.insert("additionalModelRequestFields".into(), Value::Object(additional));
    }
    if let Some(guardrail) = &configured.guardrail {
        body.insert(
            "guardrailConfig".into(),
            json!({ "guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version,
                "streamProcessingMode": "async" }),
        );
    }
    overlay(&mut body, &configured.quirks.extra);
    Value::Object(body)
}

/// The model's own fields, the effort among them where the model is known to take one.
fn additional(caps: &Caps, effort: Option<&str>) -> Map<String, Value> {
    let mut fields = caps.additional.clone();
    if let (Some(place), Some(effort)) = (&caps.effort_at, effort) {
        let nested = place.rsplit('.').fold(json!(effort), |inner, step| json!({ step: inner }));
        if let Value::Object(nested) = nested {
            overlay(&mut fields, &nested);
        }
    }
    fields
}

/// The body that has a request counted: what the model would read.
pub(super) fn counted(request: &Request, caps: &Caps) -> Value {
    let body = body(request, caps, &ProviderDefaults::default());
    let read = ["messages", "system", "toolConfig", "additionalModelRequestFields"];
    let fields = read.into_iter().filter_map(|name| Some((name.to_owned(), body.get(name)?.clone())));
    json!({ "input": { "converse": fields.collect::<Map<_, _>>() } })
}

fn tool(tool: &ToolDef) -> Value {
    json!({ "toolSpec": { "name": tool.name, "description": tool.description,
        "inputSchema": { "json": tool.schema } } })
}

/// The conversation. Roles must alternate, so what follows its own kind is joined to it.
fn messages(request: &Request, caps: &Caps) -> Value {
    let own = (caps.provider.as_str(), request.model.as_str());
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in &request.turns {
        let (role, content): (_, Vec<Value>) = match turn {
            Turn::User { parts } => ("user", parts.iter().filter_map(part).collect()),
            Turn::Assistant { blocks } => {
                ("assistant", blocks.iter().filter_map(|b| block(b, own)).collect())
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
            let mut result = json!({ "toolUseId": wire_id(id), "content": [{ "text": content }] });
            // Not every model takes the field; success goes without saying.
            if *is_error && let Some(result) = result.as_object_mut() {
                result.insert("status".into(), json!("error"));
            }
            Some(json!({ "toolResult": result }))
        }
    }
}

fn block(block: &Block, own: (&str, &str)) -> Option<Value> {
    match block {
        Block::Text { text } => (!text.trim().is_empty()).then(|| json!({ "text": text })),
        Block::Reasoning { provider, model, raw } => {
            ((provider.as_str(), model.as_str()) == own).then(|| raw.clone())
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
    use quarterdeck_core::models::{Caps, Guardrail, Models, ProviderDefaults};
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
        let body = body(&request(turns), &caps(false), &ProviderDefaults::default());
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
        caps.effort_at = Some("output_config.effort".into());
        caps.effort = Some("high".into());
        let mut configured = ProviderDefaults {
            guardrail: Some(Guardrail { id: "gr-1".into(), version: "DRAFT".into() }),
            ..ProviderDefaults::default()
        };
        configured.quirks.extra = json!({ "performanceConfig": { "latency": "optimized" },
            "inferenceConfig": { "topP": 0.5 }, "toolConfig": { "toolChoice": { "any": {} } } })
        .as_object()
        .cloned()
        .unwrap();
        let turns = vec![
            user("one"),
            Turn::Assistant { blocks: vec![Block::Text { text: "a".into() }] },
            user("two"),
            Turn::Assistant { blocks: vec![Block::Text { text: "b".into() }] },
            user("three"),
        ];
        let body = body(&request(turns), &caps, &configured);
        let mark = json!({ "cachePoint": { "type": "default" } });
        assert_eq!(body.to_string().matches("cachePoint").count(), 4, "as many as the service takes");
        let last = |at: &str| body.pointer(at).and_then(Value::as_array).unwrap().last().unwrap().clone();
        for at in ["/system", "/toolConfig/tools", "/messages/2/content", "/messages/4/content"] {
            assert_eq!(last(at), mark, "{at}");
        }
        assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "gr-1");
        assert_eq!(
            body["additionalModelRequestFields"],
            json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "high" } })
        );
        assert_eq!(body["performanceConfig"], json!({ "latency": "optimized" }));
        assert_eq!(body["inferenceConfig"], json!({ "maxTokens": 1000, "topP": 0.5 }));
        assert_eq!(body["toolConfig"]["toolChoice"], json!({ "any": {} }));
        assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), 2, "the tool and its mark");
    }

    #[test]
    fn an_effort_goes_where_the_model_takes_it_and_nowhere_else() {
        let effort = |model: &str| {
            let request =
                Request { model: model.into(), effort: Some("low".into()), ..request(vec![user("why?")]) };
            let caps = Models::embedded().lookup("bedrock", model);
            body(&request, &caps, &ProviderDefaults::default())["additionalModelRequestFields"].take()
        };
        assert_eq!(effort("us.anthropic.claude-opus-5-5")["output_config"], json!({ "effort": "low" }));
        assert_eq!(effort("openai.gpt-oss-120b-1:0"), json!({ "reasoning_effort": "low" }));
        assert_eq!(effort("meta.llama4-maverick-17b-instruct-v1:0"), Value::Null);
    }

    #[test]
    fn calls_are_never_sent_without_tools() {
        let call = Block::ToolCall { id: "t".into(), name: "a_tool".into(), input: Input::Json(json!({})) };
        let answer = UserPart::ToolResult {
            id: "t".into(),
            name: "a_tool".into(),
            content: "{}".into(),
            is_error: false,
        };
        let turns =
            vec![user("why?"), Turn::Assistant { blocks: vec![call] }, Turn::User { parts: vec![answer] }];
        let request = Request { tools: [].into(), ..request(turns) };
        let body = body(&request, &caps(false), &ProviderDefaults::default());
        assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "a_tool");
        assert_eq!(body["messages"][1]["content"][0]["toolUse"]["input"], json!({}));
        assert!(body["messages"][2]["content"][0]["toolResult"].get("status").is_none());
        assert!(body["toolConfig"].get("toolChoice").is_none(), "the model decides");
    }
}
