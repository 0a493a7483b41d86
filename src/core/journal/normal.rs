//! An answer as every provider takes it back.

use super::render;
use super::round::Slot;
use crate::message::{Block, Input};
use serde_json::{Value, json};
use std::collections::HashSet;

/// The call ids of the conversation: each occurs once.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(HashSet<String>);

impl Ids {
    /// Blocks as every provider takes them: no blank text, unique call ids, object arguments, valid names, no
    /// reasoning that leads to nothing.
    pub(super) fn normalized(&mut self, blocks: Vec<Block>) -> (Vec<Block>, Vec<Slot>) {
        let mut out = Vec::with_capacity(blocks.len());
        let mut slots = Vec::new();
        for block in blocks {
            match block {
                Block::Text { text } if text.trim().is_empty() => {}
                Block::Text { .. } | Block::Reasoning { .. } => out.push(block),
                Block::ToolCall { id, name, input } => {
                    let id = self.unique(id);
                    let name = render::tool_name(&name);
                    let (input, garbage) = match input {
                        Input::Json(value @ Value::Object(_)) => (value, false),
                        Input::Json(Value::Null) => (json!({}), false),
                        Input::Json(_) | Input::Garbage(_) => (json!({}), true),
                    };
                    slots.push(Slot::new(id.clone(), name.clone(), garbage));
                    out.push(Block::ToolCall { id, name, input: Input::Json(input) });
                }
            }
        }
        while matches!(out.last(), Some(Block::Reasoning { .. })) {
            out.pop();
        }
        (out, slots)
    }

    /// The model's id when it can be used, else one of ours.
    fn unique(&mut self, id: String) -> String {
        let usable = !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if usable && self.0.insert(id.clone()) {
            return id;
        }
        let mut n = self.0.len();
        loop {
            let made = format!("call_qd_{n}");
            if self.0.insert(made.clone()) {
                return made;
            }
            n += 1;
        }
    }
}
