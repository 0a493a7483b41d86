//! What each API demands of a request, beyond its types; include it with `#[path]`. Each function says what is wrong.
#![allow(dead_code)] // each test that includes it uses another part

use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};

type Wrong = Result<(), String>;

/// Fails with these words unless `held`.
fn need(held: bool, words: &str, at: &Value) -> Wrong {
    if held { Ok(()) } else { Err(format!("{words}: {at}")) }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn str_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// Arguments in a string: a JSON object.
fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Tools are there when calls are, by name, each once.
fn tools(names: Vec<&str>, calls: bool, body: &Value) -> Wrong {
    need(!calls || !names.is_empty(), "calls without tools", body)?;
    need(names.windows(2).all(|pair| pair[0] < pair[1]), "tools not by name", &Value::from(names.join(" ")))
}

/// Anthropic Messages. `own` is what marks the model's own thinking.
pub fn messages(body: &Value, own: &str) -> Wrong {
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let mut before = "assistant";
    let mut begins_with_thinking = true;
    need(!list(body, "messages").is_empty(), "nothing is asked", body)?;
    for message in list(body, "messages") {
        let (role, content) = (str_of(message, "role"), list(message, "content"));
        need(role != before, "roles do not alternate", message)?;
        need(!content.is_empty(), "no content", message)?;
        let mut answered = Vec::new();
        let mut words = false;
        for block in content {
            match (role, str_of(block, "type")) {
                (_, "text") => {
                    words = true;
                    need(!str_of(block, "text").trim().is_empty(), "blank text", block)?;
                }
                ("assistant", "thinking" | "redacted_thinking") => {
                    need(block["thinking"] == own, "somebody else's thinking", block)?;
                }
                ("assistant", "tool_use") => {
                    let id = str_of(block, "id");
                    need(is_word(id) && is_word(str_of(block, "name")), "a bad id or name", block)?;
                    need(ids.insert(id), "an id that occurs twice", block)?;
                    need(block["input"].is_object(), "arguments that are no object", block)?;
                    open.push(id);
                }
                ("user", "tool_result") => {
                    need(!words, "a result after words", message)?;
                    need(!str_of(block, "content").trim().is_empty(), "an empty result", block)?;
                    answered.push(str_of(block, "tool_use_id"));
                }
                _ => need(false, "a block that has no place here", block)?,
            }
        }
        if role == "user" {
            need(answered == open, "calls and results do not fit", message)?;
            open.clear();
            begins_with_thinking = answered.is_empty() || begins_with_thinking;
        } else {
            need(str_of(&content[content.len() - 1], "type") != "thinking", "thinking at the end", message)?;
            begins_with_thinking = str_of(&content[0], "type") == "thinking";
        }
        before = role;
    }
    need(open.is_empty(), "calls without results", body)?;
    let enabled = body["thinking"]["type"] == "enabled";
    need(
        !enabled || before == "assistant" || begins_with_thinking,
        "a round that does not begin with thinking",
        body,
    )?;
    need(body.to_string().matches("\"cache_control\"").count() <= 4, "too many cache marks", body)?;
    tools(list(body, "tools").iter().map(|t| str_of(t, "name")).collect(), !ids.is_empty(), body)
}

/// Bedrock Converse.
pub fn converse(body: &Value, own: &str) -> Wrong {
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let mut before = "assistant";
    need(!list(body, "messages").is_empty(), "nothing is asked", body)?;
    for message in list(body, "messages") {
        let (role, content) = (str_of(message, "role"), list(message, "content"));
        need(role != before, "roles do not alternate", message)?;
        need(!content.is_empty(), "no content", message)?;
        let mut answered = Vec::new();
        for (n, block) in content.iter().enumerate() {
            let Some((kind, inner)) =
                block.as_object().filter(|b| b.len() == 1).and_then(|b| b.iter().next())
            else {
                return Err(format!("a block that is no union: {block}"));
            };
            match (role, kind.as_str()) {
                (_, "text") => {
                    need(!str_of(block, "text").trim().is_empty(), "blank", block)?;
                }
                (_, "cachePoint") => need(n > 0, "a mark before everything", message)?,
                ("assistant", "reasoningContent") => {
                    need(inner["reasoningText"]["text"] == own, "somebody else's reasoning", block)?;
                }
                ("assistant", "toolUse") => {
                    let id = str_of(inner, "toolUseId");
                    need(is_word(id) && is_word(str_of(inner, "name")), "a bad id or name", block)?;
                    need(ids.insert(id), "an id that occurs twice", block)?;
                    need(inner["input"].is_object(), "arguments that are no object", block)?;
                    open.push(id);
                }
                ("user", "toolResult") => {
                    let blank = |c: &Value| str_of(c, "text").trim().is_empty();
                    let content = list(inner, "content");
                    need(!content.is_empty() && !content.iter().any(blank), "an empty result", block)?;
                    answered.push(str_of(inner, "toolUseId"));
                }
                _ => need(false, "a block that has no place here", block)?,
            }
        }
        if role == "user" {
            need(answered == open, "calls and results do not fit", message)?;
            open.clear();
        } else {
            let last = &content[content.len() - 1];
            need(last.get("reasoningContent").is_none(), "reasoning at the end", message)?;
        }
        before = role;
    }
    need(open.is_empty(), "calls without results", body)?;
    need(body["toolConfig"]["toolChoice"].get("none").is_none(), "a choice there is not", body)?;
    need(body["inferenceConfig"]["maxTokens"].as_u64().is_some_and(|n| n > 0), "no limit", body)?;
    need(body.to_string().matches("\"cachePoint\"").count() <= 4, "too many cache marks", body)?;
    let names = list(&body["toolConfig"], "tools").iter().filter_map(|t| t["toolSpec"]["name"].as_str());
    tools(names.collect(), !ids.is_empty(), body)
}

/// OpenAI Responses.
pub fn responses(body: &Value, own: &str) -> Wrong {
    let mut ids = HashSet::new();
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut thought = false;
    need(!list(body, "input").is_empty(), "nothing is asked", body)?;
    for item in list(body, "input") {
        match (str_of(item, "type"), str_of(item, "role")) {
            ("reasoning", _) => {
                need(item["summary"][0]["text"] == own, "somebody else's reasoning", item)?;
                need(item["encrypted_content"].is_string(), "reasoning without its content", item)?;
                thought = true;
            }
            ("function_call", _) => {
                let id = str_of(item, "call_id");
                need(is_word(id) && is_word(str_of(item, "name")), "a bad id or name", item)?;
                need(ids.insert(id), "an id that occurs twice", item)?;
                need(is_object(str_of(item, "arguments")), "arguments that are no object", item)?;
                open.insert(id);
                thought = false;
            }
            ("function_call_output", _) => {
                need(!thought, "reasoning that leads to nothing", item)?;
                need(open.remove(str_of(item, "call_id")), "a result without its call", item)?;
                need(!str_of(item, "output").trim().is_empty(), "an empty result", item)?;
            }
            (_, "user") => {
                need(!thought, "reasoning that leads to nothing", item)?;
                need(open.is_empty(), "words before the results", item)?;
                need(!str_of(item, "content").trim().is_empty(), "blank text", item)?;
            }
            (_, "assistant") => {
                need(!str_of(item, "content").trim().is_empty(), "blank text", item)?;
                thought = false;
            }
            _ => need(false, "an item that has no place here", item)?,
        }
    }
    need(open.is_empty() && !thought, "calls without results, or reasoning at the end", body)?;
    need(body["store"] == false, "the conversation is stored", body)?;
    tools(list(body, "tools").iter().map(|t| str_of(t, "name")).collect(), !ids.is_empty(), body)
}

/// OpenAI Chat Completions, as the strictest servers take it.
pub fn chat(body: &Value, _: &str) -> Wrong {
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let mut before = "system".to_owned();
    need(list(body, "messages").iter().any(|m| m["role"] == "user"), "nothing is asked", body)?;
    for (n, message) in list(body, "messages").iter().enumerate() {
        let role = str_of(message, "role").replace("developer", "system");
        let calls = list(message, "tool_calls");
        need(message["content"].is_string(), "content that is no text", message)?;
        let blank = str_of(message, "content").trim().is_empty();
        need(!blank || !calls.is_empty(), "blank content", message)?;
        match role.as_str() {
            "system" => need(n == 0, "a system prompt in the middle", message)?,
            "user" => need(open.is_empty() && before != "user", "words where none belong", message)?,
            "tool" => {
                need(
                    !open.is_empty() && open.remove(0) == str_of(message, "tool_call_id"),
                    "a result out of place",
                    message,
                )?;
            }
            "assistant" => {
                need(
                    open.is_empty() && !matches!(before.as_str(), "assistant" | "system"),
                    "an answer to nothing",
                    message,
                )?;
                for call in calls {
                    let function = &call["function"];
                    need(
                        is_word(str_of(call, "id")) && is_word(str_of(function, "name")),
                        "a bad id or name",
                        call,
                    )?;
                    need(ids.insert(str_of(call, "id")), "an id that occurs twice", call)?;
                    need(is_object(str_of(function, "arguments")), "arguments that are no object", call)?;
                    open.push(str_of(call, "id"));
                }
            }
            _ => need(false, "a role there is not", message)?,
        }
        before = role;
    }
    need(open.is_empty(), "calls without results", body)?;
    need(!body.to_string().contains("thought by"), "reasoning has no place here", body)?;
    tools(list(body, "tools").iter().map(|t| str_of(&t["function"], "name")).collect(), !ids.is_empty(), body)
}
