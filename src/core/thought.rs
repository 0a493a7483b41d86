//! Reasoning as a person may read it, whatever shape its vendor gives it.

use crate::message::Block;
use crate::text::hide;
use serde_json::{Value, json};

/// What reasoning is filed under that no vendor signed: it belongs to nobody, so it is never sent back.
pub const NOBODYS: &str = "tagged";

/// The readable part of reasoning, secrets masked. Untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// The words; empty when there are none.
    pub text: String,
    /// Some of it came encrypted: only its vendor can read that.
    pub encrypted: bool,
}

impl Thought {
    /// What can be read of one block's `raw`: Anthropic (`thinking`, `redacted_thinking`), Bedrock
    /// (`reasoningContent`), OpenAI Responses (`summary`, `content`, `encrypted_content`), Chat (`reasoning_content`),
    /// and text between tags (`thinking`).
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        let inner = raw.get("reasoningContent").unwrap_or(raw);
        let said = |at: &str| inner.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let parts = ["summary", "content"].into_iter().flat_map(|list| {
            let parts = inner.get(list).and_then(Value::as_array).into_iter().flatten();
            parts.filter_map(|part| part.get("text").and_then(Value::as_str))
        });
        let whole = ["/thinking", "/reasoningText/text", "/reasoning_content", "/reasoning"];
        let texts: Vec<&str> =
            whole.into_iter().map(said).chain(parts).map(str::trim).filter(|t| !t.is_empty()).collect();
        let text = hide(&texts.join("\n\n")).into_owned();
        // A signature without words holds the words.
        let sealed =
            ["/data", "/redactedContent", "/encrypted_content", "/signature", "/reasoningText/signature"];
        let encrypted = text.is_empty() && sealed.into_iter().any(|at| !said(at).is_empty());
        Self { text, encrypted }
    }

    /// All reasoning of an answer; `None` when there is nothing to tell of.
    #[must_use]
    pub fn of_blocks(blocks: &[Block]) -> Option<Self> {
        let mut all = Self::default();
        for block in blocks {
            if let Block::Reasoning { raw, .. } = block {
                let one = Self::of(raw);
                all.encrypted |= one.encrypted;
                if !one.text.is_empty() && !all.text.is_empty() {
                    all.text.push_str("\n\n");
                }
                all.text.push_str(&one.text);
            }
        }
        (all.encrypted || !all.text.is_empty()).then_some(all)
    }

    /// Whether a block only says that what streamed in as thinking was none.
    #[must_use]
    pub fn is_none(block: &Block) -> bool {
        matches!(block, Block::Reasoning { provider, raw, .. }
            if provider == NOBODYS && raw.get("thinking").and_then(Value::as_str) == Some(""))
    }

    /// Reasoning that came without a block of its own, as one.
    #[must_use]
    pub fn unsigned(text: &str, model: &str) -> Block {
        let raw = json!({ "thinking": text.trim() });
        Block::Reasoning { provider: NOBODYS.to_owned(), model: model.to_owned(), raw }
    }
}

#[cfg(test)]
mod tests {
    use super::Thought;
    use crate::message::Block;
    use serde_json::{Value, json};

    fn read(raw: &Value) -> (String, bool) {
        let Thought { text, encrypted } = Thought::of(raw);
        (text, encrypted)
    }

    #[test]
    fn every_vendors_shape_is_read() {
        for (raw, text, encrypted) in [
            (json!({"type": "thinking", "thinking": "hm\n", "signature": "c2ln"}), "hm", false),
            (json!({"type": "thinking", "thinking": "", "signature": "c2ln"}), "", true),
            (json!({"type": "redacted_thinking", "data": "ZGF0YQ=="}), "", true),
            (json!({"thinking": "between tags"}), "between tags", false),
            (json!({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}), "hm", false),
            (json!({"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}}), "", true),
            (json!({"reasoningContent": {"redactedContent": "ZGF0YQ=="}}), "", true),
            (
                json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "e", "summary": [
                    {"type": "summary_text", "text": "**First**"}, {"type": "summary_text", "text": "then"}]}),
                "**First**\n\nthen",
                false,
            ),
            (json!({"type": "reasoning", "summary": [], "encrypted_content": "e"}), "", true),
            (
                json!({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]}),
                "t",
                false,
            ),
            (json!({"reasoning_content": "chat"}), "chat", false),
            (json!({}), "", false),
            (json!("not an object"), "", false),
            (json!({"thinking": ["odd"], "summary": "odd", "content": [3]}), "", false),
        ] {
            assert_eq!(read(&raw), (text.to_owned(), encrypted), "{raw}");
        }
    }

    #[test]
    fn secrets_in_it_are_masked() {
        let (text, _) = read(
            &json!({"thinking": "the log says password=hunter2-hunter2 for the user", "signature": "s"}),
        );
        assert!(!text.contains("hunter2") && text.contains("⟪secret⟫"), "{text}");
        // What was masked before keeps its mask.
        let (text, _) = read(&json!({"thinking": "password=⟪secret:3f9a01⟫"}));
        assert_eq!(text, "password=⟪secret:3f9a01⟫");
    }

    #[test]
    fn an_answers_blocks_are_one_thought() {
        let block = |raw| Block::Reasoning { provider: "p".into(), model: "m".into(), raw };
        let text = Block::Text { text: "answer".into() };
        assert_eq!(Thought::of_blocks(std::slice::from_ref(&text)), None);
        assert_eq!(Thought::of_blocks(&[block(json!({"thinking": " "})), text.clone()]), None);
        let blocks = [
            block(json!({"thinking": "one"})),
            text,
            block(json!({"type": "redacted_thinking", "data": "d"})),
            Thought::unsigned(" two ", "m"),
        ];
        assert_eq!(Thought::of_blocks(&blocks), Some(Thought { text: "one\n\ntwo".into(), encrypted: true }));
    }
}
