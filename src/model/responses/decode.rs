//! The answer's stream: bytes to events. The items that are done are the authority; deltas are for the screen.

use crate::wire::failure::{Failure, Names};
use crate::wire::naming;
use crate::wire::sse::Framer;
use crate::wire::{Decode, Decoded, unfinished};
use quarterdeck_core::message::{Block, ModelEvent, Stop, Usage};
use serde_json::Value;

/// Decodes one answer. Events it does not know it ignores; only a terminal event completes it.
#[derive(Debug)]
pub(super) struct Decoder {
    provider: String,
    model: String,
    names: Names,
    framer: Framer,
    /// Whether any item was told as done.
    items: bool,
    calls: bool,
    refused: bool,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(provider: &str, model: &str, names: Names) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            names,
            framer: Framer::default(),
            items: false,
            calls: false,
            refused: false,
            ended: false,
        }
    }

    fn frame(&mut self, data: &str, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        let data = data.trim();
        if self.ended || data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let event: Value = serde_json::from_str(data)
            .map_err(|_| Failure::garbled(&format!("not JSON: {data}"), &self.names))?;
        let delta = || text(&event, "delta").to_owned();
        match text(&event, "type") {
            "response.created" => out.push(ModelEvent::Started),
            "response.output_text.delta" | "response.refusal.delta" => {
                out.push(ModelEvent::TextDelta(delta()));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                out.push(ModelEvent::ReasoningDelta(delta()));
            }
            "response.output_item.added" => {
                let item = event.get("item").unwrap_or(&Value::Null);
                if text(item, "type") == "function_call" {
                    out.push(ModelEvent::ToolCallStart { name: text(item, "name").to_owned() });
                }
            }
            "response.function_call_arguments.delta" => out.push(ModelEvent::ToolInputDelta(delta())),
            "response.output_item.done" => {
                out.extend(event.get("item").and_then(|item| self.item(item)).map(ModelEvent::BlockDone));
            }
            "response.completed" => self.end(&event, None, out),
            "response.incomplete" => {
                let reason = event.pointer("/response/incomplete_details/reason").and_then(Value::as_str);
                self.end(&event, Some(stop(reason.unwrap_or("no reason given"))), out);
            }
            "response.failed" => {
                let error = event.pointer("/response/error").unwrap_or(&Value::Null);
                return Err(Failure::inside(error, &self.names));
            }
            "error" => return Err(Failure::inside(event.get("error").unwrap_or(&event), &self.names)),
            // Parts and items that begin, and whatever a newer API adds; a gateway's own error comes without a type.
            _ => {
                if let Some(error) = event.get("error").filter(|e| !e.is_null()) {
                    return Err(Failure::inside(error, &self.names));
                }
            }
        }
        Ok(())
    }

    /// One finished item.
    fn item(&mut self, item: &Value) -> Option<Block> {
        self.items = true;
        match text(item, "type") {
            "message" => {
                let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
                let mut words = String::new();
                for part in parts {
                    let refusal = text(part, "refusal");
                    self.refused |= !refusal.is_empty();
                    words.push_str(if refusal.is_empty() { text(part, "text") } else { refusal });
                }
                (!words.is_empty()).then_some(Block::Text { text: words })
            }
            "function_call" => {
                self.calls = true;
                let id = [text(item, "call_id"), text(item, "id")].into_iter().find(|id| !id.is_empty());
                Some(Block::ToolCall {
                    id: id.unwrap_or_default().to_owned(),
                    name: text(item, "name").to_owned(),
                    input: naming::arguments(text(item, "arguments")),
                })
            }
            "reasoning" => Some(Block::Reasoning {
                provider: self.provider.clone(),
                model: self.model.clone(),
                raw: item.clone(),
            }),
            _ => None,
        }
    }

    fn end(&mut self, event: &Value, stop: Option<Stop>, out: &mut Vec<ModelEvent>) {
        if !self.items {
            // Some servers tell their items only here.
            let items = event.pointer("/response/output").and_then(Value::as_array).into_iter().flatten();
            out.extend(items.filter_map(|item| self.item(item)).map(ModelEvent::BlockDone));
        }
        if let Some(usage) = event.pointer("/response/usage").filter(|u| u.is_object()) {
            out.push(ModelEvent::Usage(tokens(usage)));
        }
        self.ended = true;
        let finished = match (self.calls, self.refused) {
            (true, _) => Stop::ToolUse,
            (false, true) => Stop::Refusal,
            (false, false) => Stop::EndTurn,
        };
        out.push(ModelEvent::Done(stop.unwrap_or(finished)));
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

fn tokens(usage: &Value) -> Usage {
    let n = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or_default();
    let cache_read = n("/input_tokens_details/cached_tokens");
    Usage {
        input: n("/input_tokens").saturating_sub(cache_read),
        output: n("/output_tokens"),
        cache_read,
        cache_write: 0,
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_output_tokens" => Stop::MaxTokens,
        "content_filter" => Stop::Refusal,
        other => Stop::Other(other.chars().take(64).collect()),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
