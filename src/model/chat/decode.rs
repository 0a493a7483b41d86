//! The answer's stream: bytes to events.

use crate::wire::failure::{Failure, Names};
use crate::wire::naming;
use crate::wire::sse::Framer;
use crate::wire::{Decode, Decoded};
use quarterdeck_core::message::{Block, ModelEvent, Stop, Usage};
use serde_json::Value;

/// Calls in one answer; what comes beyond is no answer a person could follow.
const MOST_CALLS: usize = 128;

/// A tool call in progress.
#[derive(Debug, Default)]
struct Slot {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// Decodes one answer. The API has no block ends: text and calls are complete when the stream is.
#[derive(Debug)]
pub(super) struct Decoder {
    names: Names,
    framer: Framer,
    started: bool,
    text: String,
    slots: Vec<Slot>,
    stop: Option<Stop>,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            framer: Framer::default(),
            started: false,
            text: String::new(),
            slots: Vec::new(),
            stop: None,
            ended: false,
        }
    }

    fn frame(&mut self, data: &str, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        let data = data.trim();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            return self.end(out);
        }
        let chunk: Value = serde_json::from_str(data)
            .map_err(|_| Failure::garbled(&format!("not JSON: {data}"), &self.names))?;
        if let Some(error) = chunk.get("error").filter(|e| !e.is_null()) {
            return Err(in_stream(error, &self.names));
        }
        if !std::mem::replace(&mut self.started, true) {
            out.push(ModelEvent::Started);
        }
        if let Some(usage) = chunk.get("usage").filter(|u| u.is_object()) {
            out.push(ModelEvent::Usage(tokens(usage)));
        }
        // The last chunk, which has the usage, has no choices. Nobody asked for more than one.
        let Some(choice) = chunk.pointer("/choices/0") else { return Ok(()) };
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            self.delta(delta, out)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.stop = Some(stop(reason));
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        for thinking in ["reasoning_content", "reasoning"] {
            if let Some(more) = filled(delta, thinking) {
                out.push(ModelEvent::ReasoningDelta(more.to_owned()));
                break;
            }
        }
        if let Some(more) = filled(delta, "content").or_else(|| filled(delta, "refusal")) {
            self.text.push_str(more);
            out.push(ModelEvent::TextDelta(more.to_owned()));
        }
        let names = self.names.clone();
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let too_many = || Failure::garbled("more calls than one answer has", &names);
            let slot = self.slot(call).ok_or_else(too_many)?;
            let function = call.get("function").unwrap_or(&Value::Null);
            if let Some(name) = filled(function, "name")
                && slot.name.is_empty()
            {
                name.clone_into(&mut slot.name);
                out.push(ModelEvent::ToolCallStart { name: name.to_owned() });
            }
            match function.get("arguments") {
                Some(Value::String(more)) if !more.is_empty() => {
                    slot.arguments.push_str(more);
                    out.push(ModelEvent::ToolInputDelta(more.clone()));
                }
                // Some servers send the object itself.
                Some(whole @ Value::Object(_)) => {
                    slot.arguments = whole.to_string();
                    out.push(ModelEvent::ToolInputDelta(slot.arguments.clone()));
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// The call a piece belongs to: a new id opens one; an index finds its own or opens one; with neither it is the
    /// last one's. `None` when there are too many.
    fn slot(&mut self, call: &Value) -> Option<&mut Slot> {
        let id = filled(call, "id");
        let index = call.get("index").and_then(Value::as_u64);
        let known = match (id, index) {
            (Some(id), _) => {
                let same = self.slots.iter().position(|s| s.id == id);
                // An id that comes late belongs to the call its index has opened.
                same.or_else(|| {
                    self.slots.iter().position(|s| s.id.is_empty() && s.index.is_some() && s.index == index)
                })
            }
            (None, Some(index)) => self.slots.iter().rposition(|s| s.index == Some(index)),
            (None, None) => self.slots.len().checked_sub(1),
        };
        let at = match known {
            Some(at) => at,
            None if self.slots.len() < MOST_CALLS => {
                self.slots.push(Slot { index, ..Slot::default() });
                self.slots.len() - 1
            }
            None => return None,
        };
        let slot = self.slots.get_mut(at)?;
        if let Some(id) = id {
            id.clone_into(&mut slot.id);
        }
        Some(slot)
    }

    /// The terminal frame: everything so far is complete.
    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        let Some(stop) = self.stop.take() else {
            return Err(Failure::truncated("it ended without saying why"));
        };
        self.ended = true;
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            out.push(ModelEvent::BlockDone(Block::Text { text }));
        }
        let calls = !self.slots.is_empty();
        for (n, slot) in std::mem::take(&mut self.slots).into_iter().enumerate() {
            let id = if slot.id.is_empty() { format!("call_{}", n + 1) } else { slot.id };
            let input = naming::arguments(&slot.arguments);
            out.push(ModelEvent::BlockDone(Block::ToolCall { id, name: slot.name, input }));
        }
        // Some servers say "stop" although they want tools run.
        out.push(ModelEvent::Done(if calls && stop == Stop::EndTurn { Stop::ToolUse } else { stop }));
        Ok(())
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

    /// Some servers close without `[DONE]`; an answer that said why it stopped is whole.
    fn closed(&mut self) -> Decoded {
        let mut decoded = Decoded::default();
        decoded.failure = self.end(&mut decoded.events).err();
        decoded
    }
}

/// An error inside a 200: its code is a number, a word, or absent.
fn in_stream(error: &Value, names: &Names) -> Failure {
    let word = |field| error.get(field).and_then(Value::as_str).unwrap_or_default();
    let number = error.get("code").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
    let status =
        number.filter(|n| (400..600).contains(n)).unwrap_or_else(|| match (word("code"), word("type")) {
            ("rate_limit_exceeded" | "insufficient_quota", _)
            | (_, "rate_limit_error" | "requests" | "tokens") => 429,
            ("invalid_api_key", _) | (_, "authentication_error") => 401,
            ("context_length_exceeded", _) => 413,
            ("model_not_found", _) | (_, "not_found_error") => 404,
            (_, "invalid_request_error") => 400,
            (_, "overloaded_error") => 529,
            (_, _) => 500,
        });
    let said = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    Failure::status(status, said.unwrap_or("no details"), None, names)
}

fn tokens(usage: &Value) -> Usage {
    let n = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or_default();
    let cache_read = n("/prompt_tokens_details/cached_tokens");
    Usage {
        input: n("/prompt_tokens").saturating_sub(cache_read),
        output: n("/completion_tokens"),
        cache_read,
        cache_write: 0,
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "stop" => Stop::EndTurn,
        "tool_calls" | "function_call" => Stop::ToolUse,
        "length" => Stop::MaxTokens,
        "content_filter" => Stop::Refusal,
        other => Stop::Other(other.chars().take(64).collect()),
    }
}

fn filled<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}
