//! A request as the Messages API wants it. Pure.

use crate::wire::naming::{self, overlay, wire_id, wire_input, wire_name};
use quarterdeck_core::message::{Block, Request, ToolDef, Turn, Turns, UserPart};
use quarterdeck_core::models::{Caps, Quirks, Thinking};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The smallest thinking budget the API takes, in tokens.
const MIN_BUDGET: u32 = 1_024;

/// The request's body.
pub(super) fn body(request: &Request, caps: &Caps, quirks: &Quirks) -> Value {
    let max_tokens = request.max_tokens.clamp(1, caps.max_output.max(1));
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("max_tokens".into(), json!(max_tokens));
    body.insert("stream".into(), json!(true));
    if !request.system.trim().is_empty() {
        let system = cached(json!({ "type": "text", "text": &*request.system }));
        body.insert("system".into(), json!([system]));
    }
    let offered = naming::tools(request);
    if !offered.is_empty() {
        body.insert("tools".into(), tools(&offered));
    }
    let own = (caps.provider.as_str(), request.model.as_str());
    if let Some(thinking) = thinking(caps.thinking, max_tokens)
        && (!matches!(caps.thinking, Thinking::Budget { .. }) || begins_with_thinking(&request.turns, own))
    {
        body.insert("thinking".into(), thinking);
    }
    if let Some(effort) = caps.effort_for(request) {
        body.insert("output_config".into(), json!({ "effort": effort }));
    }
    body.insert("messages".into(), messages(request, own));
    overlay(&mut body, &quirks.extra);
    Value::Object(body)
}

/// The body that has a request counted: the same, without what is about the answer.
pub(super) fn counted(request: &Request, caps: &Caps, quirks: &Quirks) -> Value {
    let mut body = body(request, caps, quirks);
    if let Some(body) = body.as_object_mut() {
        body.remove("max_tokens");
        body.remove("stream");
    }
    body
}

/// Marks a block as the end of a cached prefix.
fn cached(mut block: Value) -> Value {
    if let Some(block) = block.as_object_mut() {
        block.insert("cache_control".into(), json!({ "type": "ephemeral" }));
    }
    block
}

fn tools(tools: &[Cow<'_, ToolDef>]) -> Value {
    let mut encoded: Vec<Value> = tools
        .iter()
        .map(|t| json!({ "name": t.name, "description": t.description, "input_schema": t.schema }))
        .collect();
    if let Some(last) = encoded.last_mut() {
        *last = cached(last.take());
    }
    Value::Array(encoded)
}

/// Summaries are asked for: without them the screen would look frozen while the model thinks.
fn thinking(mode: Thinking, max_tokens: u32) -> Option<Value> {
    match mode {
        Thinking::Unset => None,
        Thinking::Adaptive => Some(json!({ "type": "adaptive", "display": "summarized" })),
        Thinking::BetweenTools => Some(json!({ "type": "between_tools" })),
        Thinking::Disabled => Some(json!({ "type": "disabled" })),
        Thinking::Budget { budget_tokens } => {
            let budget = budget_tokens.min(max_tokens.saturating_sub(1));
            (budget >= MIN_BUDGET)
                .then(|| json!({ "type": "enabled", "budget_tokens": budget, "display": "summarized" }))
        }
    }
}

/// Whether the round that is under way, if one is, began with the model's own thinking: where a budget is set the service
/// takes it no other way, and a round that another model began has none.
fn begins_with_thinking(turns: &Turns, own: (&str, &str)) -> bool {
    let results = |turn: &Turn| match turn {
        Turn::User { parts } => parts.iter().any(|p| matches!(p, UserPart::ToolResult { .. })),
        Turn::Assistant { .. } => false,
    };
    let mut back = turns.iter().rev();
    match (back.next(), back.next()) {
        (Some(last), Some(Turn::Assistant { blocks })) if results(last) => match blocks.first() {
            Some(Block::Reasoning { provider, model, .. }) => (provider.as_str(), model.as_str()) == own,
            Some(Block::Text { .. } | Block::ToolCall { .. }) | None => false,
        },
        _ => true,
    }
}

/// The conversation. Cache marks go on the last two user turns: the newest writes the prefix the next round reads; the one
/// before finds what the last round wrote, even when this round added more blocks than the service looks back over.
fn messages(request: &Request, own: (&str, &str)) -> Value {
    let mut messages: Vec<Value> = request.turns.iter().filter_map(|turn| message(turn, own)).collect();
    messages
        .iter_mut()
        .rev()
        .filter(|m| m.get("role") == Some(&json!("user")))
        .take(2)
        .filter_map(|m| m.get_mut("content")?.as_array_mut()?.last_mut())
        .for_each(|block| *block = cached(block.take()));
    Value::Array(messages)
}

/// One turn; `None` when nothing of it can be sent.
fn message(turn: &Turn, own: (&str, &str)) -> Option<Value> {
    let (role, content): (_, Vec<Value>) = match turn {
        Turn::User { parts } => ("user", parts.iter().filter_map(part).collect()),
        Turn::Assistant { blocks } => ("assistant", blocks.iter().filter_map(|b| block(b, own)).collect()),
    };
    (!content.is_empty()).then(|| json!({ "role": role, "content": content }))
}

fn part(part: &UserPart) -> Option<Value> {
    match part {
        UserPart::Text { text } => (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text })),
        UserPart::ToolResult { id, content, is_error, .. } => {
            let content = if content.trim().is_empty() { "(no output)" } else { content };
            let mut result = json!({ "type": "tool_result", "tool_use_id": wire_id(id), "content": content });
            if *is_error && let Some(result) = result.as_object_mut() {
                result.insert("is_error".into(), json!(true));
            }
            Some(result)
        }
    }
}

fn block(block: &Block, own: (&str, &str)) -> Option<Value> {
    match block {
        Block::Text { text } => (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text })),
        Block::Reasoning { provider, model: by, raw } => {
            ((provider.as_str(), by.as_str()) == own).then(|| raw.clone())
        }
        Block::ToolCall { id, name, input } => Some(json!({
            "type": "tool_use", "id": wire_id(id), "name": wire_name(name), "input": wire_input(input),
        })),
    }
}

#[cfg(test)]
mod tests {
    use quarterdeck_core::id::TurnId;
    use quarterdeck_core::message::{Block, Input, Request, ToolDef, Turn, UserPart};
    use quarterdeck_core::models::{Caps, Models, Quirks, Thinking};
    use serde_json::{Value, json};

    const MODEL: &str = "claude-sonnet-5-5";

    fn request(turns: Vec<Turn>) -> Request {
        let tool = |name: &str| ToolDef {
            name: name.into(),
            description: format!("About {name}."),
            schema: json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        };
        Request {
            turn: TurnId(1),
            iteration: 1,
            provider: "anthropic".into(),
            model: MODEL.into(),
            effort: None,
            system: "Be right.".into(),
            tools: vec![tool("list_ecs_services"), tool("get_active_alarms")].into(),
            turns: turns.into(),
            max_tokens: 8_000,
        }
    }

    fn caps() -> Caps {
        Models::embedded().lookup("anthropic", MODEL)
    }

    fn user(text: &str) -> Turn {
        Turn::User { parts: vec![UserPart::Text { text: text.into() }] }
    }

    fn result(id: &str, content: &str, is_error: bool) -> UserPart {
        UserPart::ToolResult { id: id.into(), name: "t".into(), content: content.into(), is_error }
    }

    fn call(id: &str, name: &str, input: Input) -> Block {
        Block::ToolCall { id: id.into(), name: name.into(), input }
    }

    fn marks(value: &Value) -> usize {
        match value {
            Value::Object(map) => {
                usize::from(map.contains_key("cache_control")) + map.values().map(marks).sum::<usize>()
            }
            Value::Array(items) => items.iter().map(marks).sum(),
            _ => 0,
        }
    }

    fn body(request: &Request, caps: &Caps) -> Value {
        super::body(request, caps, &Quirks::default())
    }

    #[test]
    fn a_round_with_tools_is_encoded_whole() {
        let mark = json!({ "type": "ephemeral" });
        let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        let turns = vec![
            user("why is checkout down?"),
            Turn::Assistant {
                blocks: vec![
                    Block::Text { text: "Looking.".into() },
                    call("toolu_1", "get_active_alarms", Input::Json(json!({ "state": "ALARM" }))),
                    call("toolu_2", "list_ecs_services", Input::Json(json!({}))),
                ],
            },
            Turn::User {
                parts: vec![
                    result("toolu_1", "[#1] {}", false),
                    result("toolu_2", "denied: ecs:ListServices", true),
                    UserPart::Text { text: "hurry".into() },
                ],
            },
        ];
        let want = json!({
            "model": MODEL, "max_tokens": 8000, "stream": true,
            "thinking": { "type": "adaptive", "display": "summarized" },
            "system": [{ "type": "text", "text": "Be right.", "cache_control": mark }],
            "tools": [
                { "name": "get_active_alarms", "description": "About get_active_alarms.", "input_schema": schema },
                { "name": "list_ecs_services", "description": "About list_ecs_services.", "input_schema": schema,
                  "cache_control": mark },
            ],
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "why is checkout down?", "cache_control": mark } ] },
                { "role": "assistant", "content": [
                    { "type": "text", "text": "Looking." },
                    { "type": "tool_use", "id": "toolu_1", "name": "get_active_alarms", "input": { "state": "ALARM" } },
                    { "type": "tool_use", "id": "toolu_2", "name": "list_ecs_services", "input": {} } ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "toolu_1", "content": "[#1] {}" },
                    { "type": "tool_result", "tool_use_id": "toolu_2", "content": "denied: ecs:ListServices",
                      "is_error": true },
                    { "type": "text", "text": "hurry", "cache_control": mark } ] },
            ],
        });
        assert_eq!(body(&request(turns), &caps()), want);
    }

    #[test]
    fn never_more_than_four_cache_marks() {
        let mut turns = Vec::new();
        for n in 0..12 {
            turns.push(user("q"));
            turns.push(Turn::Assistant { blocks: vec![Block::Text { text: "a".into() }] });
            assert!(marks(&body(&request(turns.clone()), &caps())) <= 4, "{n}");
        }
    }

    #[test]
    fn reasoning_goes_back_verbatim_to_its_own_model_only() {
        let raw = json!({ "type": "thinking", "thinking": " a\n\u{1f914} ", "signature": "c2ln==", "extra": [1, null] });
        let reasoning = |provider: &str, model: &str| Turn::Assistant {
            blocks: vec![
                Block::Reasoning { provider: provider.into(), model: model.into(), raw: raw.clone() },
                Block::Text { text: "so".into() },
            ],
        };
        for (provider, model, kept) in
            [("anthropic", MODEL, true), ("anthropic", "claude-opus-5-5", false), ("openai", MODEL, false)]
        {
            let body = body(&request(vec![user("q"), reasoning(provider, model)]), &caps());
            let first = &body["messages"][1]["content"][0];
            assert_eq!(*first == raw, kept, "{provider} {model}: {first}");
            let (sent, came) = (first.to_string(), raw.to_string());
            assert_eq!(sent == came, kept, "byte for byte");
        }
    }

    #[test]
    fn nothing_blank_is_sent() {
        let only_reasoning = Turn::Assistant {
            blocks: vec![Block::Reasoning { provider: "openai".into(), model: "m".into(), raw: json!({}) }],
        };
        let blank = Turn::Assistant { blocks: vec![Block::Text { text: " \n".into() }] };
        let empty_result = Turn::User { parts: vec![result("t1", " ", true)] };
        let body = body(&request(vec![user("q"), only_reasoning, blank, empty_result]), &caps());
        assert_eq!(body["messages"].as_array().unwrap().len(), 2);
        assert_eq!(body["messages"][1]["content"][0]["content"], "(no output)");
    }

    #[test]
    fn ids_names_and_inputs_are_always_acceptable() {
        let blocks = vec![
            call("", "a.b/ü", Input::Garbage("{\"x\":".into())),
            call("id with spaces", "", Input::Json(json!([1]))),
            call("ok_1", &"n".repeat(200), Input::Json(Value::Null)),
        ];
        let results = Turn::User {
            parts: vec![
                result("", "a", true),
                result("id with spaces", "b", true),
                result("ok_1", "c", false),
            ],
        };
        let body = body(&request(vec![user("q"), Turn::Assistant { blocks }, results]), &caps());
        let calls = body["messages"][1]["content"].as_array().unwrap();
        let answers = body["messages"][2]["content"].as_array().unwrap();
        for (call, answer) in calls.iter().zip(answers) {
            assert_eq!(call["id"], answer["tool_use_id"]);
            assert!(call["input"].is_object());
            let name = call["name"].as_str().unwrap();
            assert!(!name.is_empty() && name.len() <= 64 && name.is_ascii(), "{name}");
        }
        assert_eq!(calls[0]["input"], json!({ "not_json": "{\"x\":" }));
        assert_eq!(calls[2]["input"], json!({}));
    }

    #[test]
    fn thinking_follows_the_models_configuration() {
        for (mode, max_tokens, want) in [
            (Thinking::Unset, 8_000, Value::Null),
            (Thinking::Disabled, 8_000, json!({ "type": "disabled" })),
            (Thinking::BetweenTools, 8_000, json!({ "type": "between_tools" })),
            (
                Thinking::Budget { budget_tokens: 4_096 },
                8_000,
                json!({ "type": "enabled", "budget_tokens": 4096, "display": "summarized" }),
            ),
            (
                Thinking::Budget { budget_tokens: 4_096 },
                2_000,
                json!({ "type": "enabled", "budget_tokens": 1999, "display": "summarized" }),
            ),
            (Thinking::Budget { budget_tokens: 4_096 }, 1_000, Value::Null),
        ] {
            let caps = Caps { thinking: mode, ..caps() };
            let request = Request { max_tokens, ..request(vec![user("q")]) };
            assert_eq!(body(&request, &caps).get("thinking").cloned().unwrap_or_default(), want);
        }
    }

    #[test]
    fn a_budget_is_left_out_in_a_round_that_another_model_began() {
        let caps = Caps { thinking: Thinking::Budget { budget_tokens: 2_048 }, ..caps() };
        let own = Block::Reasoning {
            provider: "anthropic".into(),
            model: MODEL.into(),
            raw: json!({ "type": "thinking", "thinking": "hm", "signature": "c2ln" }),
        };
        let calls = call("t", "a", Input::Json(json!({})));
        let answered = Turn::User { parts: vec![result("t", "ok", false)] };
        for (blocks, last, sent) in [
            (vec![own, calls.clone()], answered.clone(), true),
            (vec![calls.clone()], answered, false),
            (vec![calls], user("and now?"), true),
        ] {
            let turns = vec![user("q"), Turn::Assistant { blocks }, last];
            let request = Request { max_tokens: 8_000, ..request(turns) };
            assert_eq!(body(&request, &caps).get("thinking").is_some(), sent);
        }
    }

    #[test]
    fn calls_are_never_sent_without_tools() {
        let turns = vec![
            user("q"),
            Turn::Assistant { blocks: vec![call("t", "stop it", Input::Json(json!({})))] },
            Turn::User { parts: vec![result("t", "denied", true)] },
        ];
        let request = Request { tools: [].into(), ..request(turns) };
        let tools = body(&request, &caps())["tools"].clone();
        assert_eq!(tools[0]["name"], "stop_it", "{tools}");
    }

    #[test]
    fn the_answers_limit_is_the_models() {
        let caps = Caps { max_output: 500, ..caps() };
        assert_eq!(body(&request(vec![user("q")]), &caps)["max_tokens"], 500);
    }
}
