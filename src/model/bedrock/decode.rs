//! Converse's events to ours.

use crate::wire::naming;
use aws_sdk_bedrockruntime::types::{
    ContentBlockDelta, ContentBlockStart, ConverseStreamOutput, ReasoningContentBlockDelta, StopReason,
    TokenUsage,
};
use quarterdeck_core::message::{Block, ModelEvent, Stop, Usage};
use serde_json::json;
use std::collections::BTreeMap;

/// A block that has begun and not ended. Only tool use says when it begins.
#[derive(Debug)]
enum Open {
    Text(String),
    Reasoning { text: String, signature: Option<String> },
    Redacted(Vec<u8>),
    Tool { id: String, name: String, json: String },
}

/// Decodes one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    provider: String,
    model: String,
    open: BTreeMap<i32, Open>,
    stop: Option<Stop>,
    counted: bool,
}

impl Decoder {
    pub(super) fn new(provider: &str, model: &str) -> Self {
        let (provider, model) = (provider.to_owned(), model.to_owned());
        Self { provider, model, open: BTreeMap::new(), stop: None, counted: false }
    }

    /// One event.
    pub(super) fn event(&mut self, event: ConverseStreamOutput, out: &mut Vec<ModelEvent>) {
        match event {
            ConverseStreamOutput::MessageStart(_) => out.push(ModelEvent::Started),
            ConverseStreamOutput::ContentBlockStart(start) => {
                if let Some(ContentBlockStart::ToolUse(tool)) = start.start {
                    out.push(ModelEvent::ToolCallStart { name: tool.name.clone() });
                    let open = Open::Tool { id: tool.tool_use_id, name: tool.name, json: String::new() };
                    self.open.insert(start.content_block_index, open);
                }
            }
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                if let Some(piece) = delta.delta {
                    self.delta(delta.content_block_index, piece, out);
                }
            }
            ConverseStreamOutput::ContentBlockStop(stop) => {
                let block = self.open.remove(&stop.content_block_index).and_then(|open| self.block(open));
                out.extend(block.map(ModelEvent::BlockDone));
            }
            ConverseStreamOutput::MessageStop(stop) => self.stop = Some(reason(&stop.stop_reason)),
            ConverseStreamOutput::Metadata(metadata) => {
                self.counted = true;
                out.extend(metadata.usage.as_ref().map(|usage| ModelEvent::Usage(tokens(usage))));
            }
            // Whatever a newer API adds.
            _ => {}
        }
    }

    /// The stream has ended: why the model stopped, when it said so and no block is left open.
    pub(super) fn ended(&mut self) -> Option<Stop> {
        if self.open.is_empty() { self.stop.take() } else { None }
    }

    /// Why the model stopped, once nothing more can come.
    pub(super) fn complete(&mut self) -> Option<Stop> {
        if self.counted { self.ended() } else { None }
    }

    fn delta(&mut self, index: i32, delta: ContentBlockDelta, out: &mut Vec<ModelEvent>) {
        match delta {
            ContentBlockDelta::Text(more) => {
                let open = self.open.entry(index).or_insert_with(|| Open::Text(String::new()));
                if let Open::Text(text) = open {
                    text.push_str(&more);
                    out.push(ModelEvent::TextDelta(more));
                }
            }
            ContentBlockDelta::ToolUse(more) => {
                if let Some(Open::Tool { json, .. }) = self.open.get_mut(&index) {
                    json.push_str(&more.input);
                    out.push(ModelEvent::ToolInputDelta(more.input));
                }
            }
            ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::RedactedContent(more)) => {
                let open = self.open.entry(index).or_insert_with(|| Open::Redacted(Vec::new()));
                if let Open::Redacted(bytes) = open {
                    bytes.extend_from_slice(more.as_ref());
                }
            }
            ContentBlockDelta::ReasoningContent(piece) => {
                let new = || Open::Reasoning { text: String::new(), signature: None };
                let Open::Reasoning { text, signature } = self.open.entry(index).or_insert_with(new) else {
                    return;
                };
                match piece {
                    ReasoningContentBlockDelta::Text(more) => {
                        text.push_str(&more);
                        out.push(ModelEvent::ReasoningDelta(more));
                    }
                    // A signature comes whole: the last one counts.
                    ReasoningContentBlockDelta::Signature(whole) => *signature = Some(whole),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn block(&self, open: Open) -> Option<Block> {
        let reasoning = |content| Block::Reasoning {
            provider: self.provider.clone(),
            model: self.model.clone(),
            raw: json!({ "reasoningContent": content }),
        };
        match open {
            Open::Text(text) => (!text.is_empty()).then_some(Block::Text { text }),
            Open::Tool { id, name, json } => {
                Some(Block::ToolCall { id, name, input: naming::arguments(&json) })
            }
            Open::Redacted(bytes) => {
                Some(reasoning(json!({ "redactedContent": aws_smithy_types::base64::encode(bytes) })))
            }
            Open::Reasoning { text, signature } => {
                let mut inner = json!({ "text": text });
                if let (Some(map), Some(signature)) = (inner.as_object_mut(), signature) {
                    map.insert("signature".to_owned(), signature.into());
                }
                Some(reasoning(json!({ "reasoningText": inner })))
            }
        }
    }
}

fn tokens(usage: &TokenUsage) -> Usage {
    let n = |tokens: i32| u64::try_from(tokens).unwrap_or_default();
    Usage {
        input: n(usage.input_tokens),
        output: n(usage.output_tokens),
        cache_read: n(usage.cache_read_input_tokens.unwrap_or_default()),
        cache_write: n(usage.cache_write_input_tokens.unwrap_or_default()),
    }
}

fn reason(reason: &StopReason) -> Stop {
    match reason {
        StopReason::EndTurn => Stop::EndTurn,
        StopReason::ToolUse => Stop::ToolUse,
        StopReason::MaxTokens => Stop::MaxTokens,
        StopReason::StopSequence => Stop::StopSequence,
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => Stop::Refusal,
        StopReason::ModelContextWindowExceeded => Stop::ContextExceeded,
        other => Stop::Other(other.as_str().chars().take(64).collect()),
    }
}
