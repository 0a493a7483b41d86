//! Scripted answers in the formats of other providers, for `scripted_anthropic.rs`'s endpoint: include it with `#[path]`
//! beside that.
#![allow(dead_code)] // each test that includes it uses another part

use super::scripted::Say;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(3).map(|c| c.iter().collect()).collect()
}

/// Chat Completions.
pub fn chat(blocks: &[Say]) -> Vec<u8> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!(
            "data: {}\n\n",
            json!({ "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
        )
    };
    let mut out = chunk(json!({ "role": "assistant", "content": "" }), None);
    let mut calls = 0;
    for block in blocks {
        match block {
            Say::Text(text) => out.extend(pieces(text).iter().map(|p| chunk(json!({ "content": p }), None))),
            Say::Thinking(text) => out += &chunk(json!({ "reasoning_content": text }), None),
            Say::Tool(id, name, input) => {
                let call = |function: Value, id: Option<&String>| json!({ "tool_calls": [{ "index": calls, "id": id, "type": "function", "function": function }] });
                out += &chunk(call(json!({ "name": name, "arguments": "" }), Some(id)), None);
                for piece in pieces(&input.to_string()) {
                    out += &chunk(call(json!({ "arguments": piece }), None), None);
                }
                calls += 1;
            }
        }
    }
    out += &chunk(json!({}), Some(if calls > 0 { "tool_calls" } else { "stop" }));
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 25, "total_tokens": 35 });
    out += &format!(
        "data: {}\n\n",
        json!({ "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage })
    );
    out += "data: [DONE]\n\n";
    out.into_bytes()
}

/// Responses.
pub fn responses(blocks: &[Say]) -> Vec<u8> {
    let event = |kind: &str, mut rest: Value| {
        rest["type"] = kind.into();
        format!("event: {kind}\ndata: {rest}\n\n")
    };
    let mut out = event("response.created", json!({ "response": { "id": "r1", "status": "in_progress" } }));
    for (n, block) in blocks.iter().enumerate() {
        let item = match block {
            Say::Text(text) => {
                for piece in pieces(text) {
                    out += &event(
                        "response.output_text.delta",
                        json!({ "output_index": n, "content_index": 0, "item_id": "m", "delta": piece }),
                    );
                }
                let content = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
                json!({ "type": "message", "id": format!("m{n}"), "role": "assistant", "status": "completed", "content": content })
            }
            Say::Thinking(text) => {
                json!({ "type": "reasoning", "id": format!("rs{n}"), "encrypted_content": "Z0FB",
                "summary": [{ "type": "summary_text", "text": text }] })
            }
            Say::Tool(id, name, input) => {
                json!({ "type": "function_call", "id": format!("f{n}"), "call_id": id, "name": name,
                "arguments": input.to_string(), "status": "completed" })
            }
        };
        out += &event("response.output_item.added", json!({ "output_index": n, "item": item }));
        out += &event("response.output_item.done", json!({ "output_index": n, "item": item }));
    }
    let usage = json!({ "input_tokens": 10, "output_tokens": 25, "total_tokens": 35 });
    out += &event(
        "response.completed",
        json!({ "response": { "id": "r1", "status": "completed", "usage": usage } }),
    );
    out.into_bytes()
}

/// ConverseStream, on the AWS event-stream codec.
pub fn converse(blocks: &[Say]) -> Vec<u8> {
    let (mut out, stop) =
        (Vec::new(), if blocks.iter().any(|b| matches!(b, Say::Tool(..))) { "tool_use" } else { "end_turn" });
    begun(&mut out, blocks, true);
    framed(&mut out, "event", "messageStop", &json!({ "stopReason": stop }));
    let usage = json!({ "inputTokens": 10, "outputTokens": 25, "totalTokens": 35 });
    framed(&mut out, "event", "metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 1 } }));
    out
}

/// The same, broken off inside its last block by an exception.
pub fn exception(blocks: &[Say], name: &str, said: &str) -> Vec<u8> {
    let mut out = Vec::new();
    begun(&mut out, blocks, false);
    framed(&mut out, "exception", name, &json!({ "message": said }));
    out
}

fn framed(out: &mut Vec<u8>, kind: &str, name: &str, payload: &Value) {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_string())
        .add_header(Header::new(":message-type", text(kind)))
        .add_header(Header::new(if kind == "event" { ":event-type" } else { ":exception-type" }, text(name)))
        .add_header(Header::new(":content-type", text("application/json")));
    write_message_to(&message, out).unwrap();
}

fn begun(out: &mut Vec<u8>, blocks: &[Say], whole: bool) {
    let mut event = |name: &str, payload: Value| framed(out, "event", name, &payload);
    event("messageStart", json!({ "role": "assistant" }));
    for (n, block) in blocks.iter().enumerate() {
        let mut delta =
            |delta: Value| event("contentBlockDelta", json!({ "contentBlockIndex": n, "delta": delta }));
        match block {
            Say::Text(text) => pieces(text).into_iter().for_each(|p| delta(json!({ "text": p }))),
            Say::Thinking(text) => {
                delta(json!({ "reasoningContent": { "text": text } }));
                delta(json!({ "reasoningContent": { "signature": "c2ln" } }));
            }
            Say::Tool(id, name, input) => {
                let start = json!({ "toolUse": { "toolUseId": id, "name": name } });
                event("contentBlockStart", json!({ "contentBlockIndex": n, "start": start }));
                for piece in pieces(&input.to_string()) {
                    event(
                        "contentBlockDelta",
                        json!({ "contentBlockIndex": n, "delta": { "toolUse": { "input": piece } } }),
                    );
                }
            }
        }
        if whole || n + 1 < blocks.len() {
            event("contentBlockStop", json!({ "contentBlockIndex": n }));
        }
    }
}
