//! The answer's stream: bytes to events.

use crate::wire::failure::{Failure, Names};
use crate::wire::naming;
use crate::wire::sse::Framer;
use crate::wire::{Decode, Decoded, unfinished};
use quarterdeck_core::message::{Block, Input, ModelEvent, Stop, Usage};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A block that has begun and not ended.
#[derive(Debug)]
enum Open {
    Text(String),
    Reasoning { raw: Map<String, Value>, thinking: String },
    Opaque(Value),
    Tool { id: String, name: String, initial: Value, json: String },
    Unknown,
}

/// Decodes one answer. Everything it does not know it ignores; only the terminal event completes it.
#[derive(Debug)]
pub(super) struct Decoder {
    provider: String,
    model: String,
    names: Names,
    framer: Framer,
    open: BTreeMap<u64, Open>,
    usage: Usage,
    stop: Option<Stop>,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(provider: &str, model: &str, names: Names) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            names,
            framer: Framer::default(),
            open: BTreeMap::new(),
            usage: Usage::default(),
            stop: None,
            ended: false,
        }
    }

    /// One event's data.
    fn frame(&mut self, data: &str, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        if self.ended || data.trim().is_empty() {
            return Ok(());
        }
        let event: Value = serde_json::from_str(data)
            .map_err(|_| Failure::garbled(&format!("not JSON: {data}"), &self.names))?;
        match text(&event, "type") {
            "message_start" => {
                out.push(ModelEvent::Started);
                if let Some(usage) = event.pointer("/message/usage") {
                    self.count(usage, out);
                }
            }
            "content_block_start" => self.start(index(&event), event.get("content_block"), out),
            "content_block_delta" => self.delta(index(&event), event.get("delta"), out),
            "content_block_stop" => self.finish(index(&event), out),
            "message_delta" => {
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.stop = Some(stop(reason));
                }
                if let Some(usage) = event.get("usage") {
                    self.count(usage, out);
                }
            }
            "message_stop" => {
                if !self.open.is_empty() {
                    return Err(Failure::truncated("it ended inside a block"));
                }
                self.ended = true;
                let stop = self.stop.take().unwrap_or_else(|| Stop::Other("no reason given".to_owned()));
                out.push(ModelEvent::Done(stop));
            }
            "error" => return Err(Failure::inside(event.get("error").unwrap_or(&Value::Null), &self.names)),
            // ping, and whatever a newer API adds; a gateway's own error comes without a type.
            _ => {
                if let Some(error) = event.get("error").filter(|e| !e.is_null()) {
                    return Err(Failure::inside(error, &self.names));
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, index: u64, block: Option<&Value>, out: &mut Vec<ModelEvent>) {
        let Some(block) = block else { return };
        let open = match text(block, "type") {
            "text" => {
                let beginning = text(block, "text").to_owned();
                if !beginning.is_empty() {
                    out.push(ModelEvent::TextDelta(beginning.clone()));
                }
                Open::Text(beginning)
            }
            "thinking" => {
                let thinking = text(block, "thinking").to_owned();
                if !thinking.is_empty() {
                    out.push(ModelEvent::ReasoningDelta(thinking.clone()));
                }
                Open::Reasoning { raw: block.as_object().cloned().unwrap_or_default(), thinking }
            }
            "redacted_thinking" => Open::Opaque(block.clone()),
            "tool_use" => {
                let name = text(block, "name").to_owned();
                out.push(ModelEvent::ToolCallStart { name: name.clone() });
                Open::Tool {
                    id: text(block, "id").to_owned(),
                    name,
                    initial: block.get("input").cloned().unwrap_or_default(),
                    json: String::new(),
                }
            }
            _ => Open::Unknown,
        };
        self.open.insert(index, open);
    }

    fn delta(&mut self, index: u64, delta: Option<&Value>, out: &mut Vec<ModelEvent>) {
        let Some(delta) = delta else { return };
        let Some(open) = self.open.get_mut(&index) else { return };
        match (text(delta, "type"), open) {
            ("text_delta", Open::Text(so_far)) => {
                let more = text(delta, "text");
                so_far.push_str(more);
                out.push(ModelEvent::TextDelta(more.to_owned()));
            }
            ("thinking_delta", Open::Reasoning { thinking, .. }) => {
                let more = text(delta, "thinking");
                thinking.push_str(more);
                out.push(ModelEvent::ReasoningDelta(more.to_owned()));
            }
            // A signature comes whole: the last one counts.
            ("signature_delta", Open::Reasoning { raw, .. }) => {
                raw.insert("signature".into(), delta.get("signature").cloned().unwrap_or_default());
            }
            ("input_json_delta", Open::Tool { json, .. }) => {
                let more = text(delta, "partial_json");
                json.push_str(more);
                out.push(ModelEvent::ToolInputDelta(more.to_owned()));
            }
            _ => {}
        }
    }

    fn finish(&mut self, index: u64, out: &mut Vec<ModelEvent>) {
        let Some(open) = self.open.remove(&index) else { return };
        let block = match open {
            Open::Text(text) => (!text.is_empty()).then_some(Block::Text { text }),
            Open::Reasoning { mut raw, thinking } => {
                raw.insert("thinking".into(), Value::String(thinking));
                Some(self.reasoning(Value::Object(raw)))
            }
            Open::Opaque(raw) => Some(self.reasoning(raw)),
            Open::Tool { id, name, initial, json } => {
                Some(Block::ToolCall { id, name, input: input(initial, &json) })
            }
            Open::Unknown => None,
        };
        out.extend(block.map(ModelEvent::BlockDone));
    }

    fn reasoning(&self, raw: Value) -> Block {
        Block::Reasoning { provider: self.provider.clone(), model: self.model.clone(), raw }
    }

    /// Usage is cumulative and may be partial: a field that is absent keeps its value.
    fn count(&mut self, usage: &Value, out: &mut Vec<ModelEvent>) {
        let update = |slot: &mut u64, field: &str| {
            if let Some(n) = usage.get(field).and_then(Value::as_u64) {
                *slot = n;
            }
        };
        update(&mut self.usage.input, "input_tokens");
        update(&mut self.usage.output, "output_tokens");
        update(&mut self.usage.cache_read, "cache_read_input_tokens");
        update(&mut self.usage.cache_write, "cache_creation_input_tokens");
        out.push(ModelEvent::Usage(self.usage));
    }
}

impl Decode for Decoder {
    fn push(&mut self, bytes: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        let result =
            self.framer.push(bytes).map_err(Failure::from).and_then(|frames| {
                frames.iter().try_for_each(|frame| self.frame(frame, &mut decoded.events))
            });
        decoded.failure = result.err();
        decoded
    }

    fn closed(&mut self) -> Decoded {
        Decoded { events: Vec::new(), failure: Some(unfinished(&self.framer, &self.names)) }
    }
}

/// A tool's arguments. No JSON at all means no arguments, unless the block already began with some.
fn input(initial: Value, json: &str) -> Input {
    if json.trim().is_empty() {
        return Input::Json(if initial.is_object() { initial } else { Value::Object(Map::new()) });
    }
    naming::arguments(json)
}

fn stop(reason: &str) -> Stop {
    match reason {
        "end_turn" => Stop::EndTurn,
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::MaxTokens,
        "stop_sequence" => Stop::StopSequence,
        "pause_turn" => Stop::PauseTurn,
        "refusal" => Stop::Refusal,
        "model_context_window_exceeded" => Stop::ContextExceeded,
        other => Stop::Other(other.chars().take(64).collect()),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn index(event: &Value) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or_default()
}
