//! The answer's stream: bytes to events.

use crate::wire::failure::{Failure, Names};
use crate::wire::naming;
use crate::wire::sse::Framer;
use crate::wire::{Decode, Decoded, unfinished};
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
        self.chunk(&chunk, out)
    }

    /// One chunk, or the whole answer of a server that does not stream.
    fn chunk(&mut self, chunk: &Value, out: &mut Vec<ModelEvent>) -> Result<(), Failure> {
        let error = chunk.get("error").filter(|e| !e.is_null());
        // vLLM's own form: the whole chunk is the error.
        let bare = (chunk.get("object").and_then(Value::as_str) == Some("error")).then_some(chunk);
        if let Some(error) = error.or(bare) {
            return Err(Failure::inside(error, &self.names));
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
        let parts = delta.get("content").and_then(Value::as_array).into_iter().flatten();
        let words = [filled(delta, "content"), filled(delta, "refusal")].into_iter().flatten();
        for more in words.chain(parts.filter_map(|part| filled(part, "text"))) {
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
                let apart = |s: &Slot| index.is_some() && s.index.is_some() && s.index != index;
                let same = self.slots.iter().position(|s| s.id == id && !apart(s));
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
            return Err(match self.framer.instead() {
                Some(_) => unfinished(&self.framer, &self.names),
                None => Failure::truncated("it ended without saying why"),
            });
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
        let whole = self.framer.instead().and_then(|text| serde_json::from_str(&text).ok());
        let taken = whole.map_or(Ok(()), |answer| self.chunk(&answer, &mut decoded.events));
        decoded.failure = taken.and_then(|()| self.end(&mut decoded.events)).err();
        decoded
    }
}

fn tokens(usage: &Value) -> Usage {
    let n = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or_default();
    // The second is DeepSeek's.
    let cache_read = n("/prompt_tokens_details/cached_tokens").max(n("/prompt_cache_hit_tokens"));
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
