//! What every provider demands of a conversation, as a test's assertion.

use crate::message::{Block, Input, Turn, Turns, UserPart};
use std::collections::HashSet;

/// Panics unless `turns` is a conversation every provider accepts.
pub(crate) fn turns(turns: &Turns) {
    let mut ids = HashSet::new();
    let mut open: Vec<(String, String)> = Vec::new();
    let mut user_next = true;
    for turn in turns {
        match turn {
            Turn::User { parts } => {
                assert!(user_next, "two user turns in a row: {turns:#?}");
                assert!(!parts.is_empty(), "an empty user turn");
                let mut answered = Vec::new();
                let mut words = false;
                for part in parts {
                    match part {
                        UserPart::Text { text } => {
                            assert!(!text.trim().is_empty(), "blank text");
                            words = true;
                        }
                        UserPart::ToolResult { id, name, content, .. } => {
                            assert!(!words, "a result after text: {turn:#?}");
                            assert!(!content.trim().is_empty(), "an empty result");
                            answered.push((id.clone(), name.clone()));
                        }
                    }
                }
                assert_eq!(answered, open, "each call has one result, in call order");
                open.clear();
            }
            Turn::Assistant { blocks } => {
                assert!(!user_next, "two assistant turns in a row, or one at the beginning");
                assert!(open.is_empty());
                assert!(!blocks.is_empty(), "an empty answer");
                for block in blocks {
                    match block {
                        Block::Text { text } => assert!(!text.trim().is_empty(), "blank text"),
                        Block::Reasoning { .. } => {}
                        Block::ToolCall { id, name, input } => {
                            assert!(ids.insert(id.clone()), "the id {id} occurs twice");
                            let safe = |s: &str| {
                                !s.is_empty()
                                    && s.len() <= 64
                                    && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
                            };
                            assert!(safe(id) && safe(name), "{id:?} {name:?}");
                            assert!(matches!(input, Input::Json(v) if v.is_object()), "{input:?}");
                            open.push((id.clone(), name.clone()));
                        }
                    }
                }
                assert!(
                    !matches!(blocks.last(), Some(Block::Reasoning { .. })),
                    "an answer that ends in reasoning"
                );
            }
        }
        user_next = !user_next;
    }
    assert!(open.is_empty(), "calls without a result: {open:?}");
}
