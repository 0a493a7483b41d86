//! How many tokens something takes: counted by its provider, or estimated from its bytes.

use crate::message::{Block, Input, Request, ToolDef, Turn, UserPart};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens of what surrounds a block, a part or a tool: its role, its kind, its quotes.
const AROUND: u64 = 6;

/// A number of tokens, and how far it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// As the provider counted.
    Exact(u64),
    /// From the bytes, and from what earlier requests turned out to take.
    Estimate(u64),
}

impl Tokens {
    /// The number.
    #[must_use]
    pub const fn count(self) -> u64 {
        match self {
            Self::Exact(n) | Self::Estimate(n) => n,
        }
    }
}

/// What a request takes of its model's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// The whole request: system prompt, tools and conversation.
    pub tokens: Tokens,
    /// The same from its bytes alone: what later estimates are corrected by.
    pub bare: u64,
    /// Tokens the window has room for, the answer apart.
    pub room: u64,
    /// Bytes that all results of the round may take together.
    pub results: u64,
}

/// How much text: exact bytes, and the tokens they probably are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of texts and of JSON as written without spaces.
    pub bytes: u64,
    /// An estimate: about 4 bytes of prose each, about 3.2 of JSON.
    pub tokens: u64,
}

impl Size {
    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, tokens: self.tokens + other.tokens }
    }

    /// Prose. Letters beyond ASCII take more.
    #[must_use]
    pub fn prose(text: &str) -> Self {
        let bytes = long(text.len());
        let wide = long(text.bytes().filter(|b| !b.is_ascii()).count());
        Self { bytes, tokens: ((bytes - wide) * 10 + wide * 16).div_ceil(40) }
    }

    /// JSON, written out.
    #[must_use]
    pub fn json(text: &str) -> Self {
        Self::of_json(text.len())
    }

    /// A JSON value, as it would be written.
    #[must_use]
    pub fn value(value: &Value) -> Self {
        Self::of_json(written(value))
    }

    fn of_json(bytes: usize) -> Self {
        let bytes = long(bytes);
        Self { bytes, tokens: (bytes * 10).div_ceil(32) }
    }

    const fn around(self) -> Self {
        Self { bytes: self.bytes, tokens: self.tokens + AROUND }
    }

    /// One part of a user turn.
    #[must_use]
    pub fn part(part: &UserPart) -> Self {
        match part {
            UserPart::Text { text } => Self::prose(text).around(),
            UserPart::ToolResult { id, content, .. } => Self::json(content).plus(Self::json(id)).around(),
        }
    }

    /// One block of an answer.
    #[must_use]
    pub fn block(block: &Block) -> Self {
        match block {
            Block::Text { text } => Self::prose(text).around(),
            Block::Reasoning { raw, .. } => Self::value(raw).around(),
            Block::ToolCall { id, name, input } => {
                let input = match input {
                    Input::Json(value) => Self::value(value),
                    Input::Garbage(text) => Self::prose(text),
                };
                input.plus(Self::json(id)).plus(Self::json(name)).around()
            }
        }
    }

    /// One turn.
    #[must_use]
    pub fn turn(turn: &Turn) -> Self {
        match turn {
            Turn::User { parts } => parts.iter().map(Self::part).sum(),
            Turn::Assistant { blocks } => blocks.iter().map(Self::block).sum(),
        }
    }

    /// What stands before a conversation: the system prompt and the tools.
    #[must_use]
    pub fn head(system: &str, tools: &[ToolDef]) -> Self {
        let tool = |tool: &ToolDef| {
            let words = Self::prose(&tool.description).plus(Self::json(&tool.name));
            words.plus(Self::value(&tool.schema)).around()
        };
        tools.iter().map(tool).sum::<Self>().plus(Self::prose(system).around())
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), Self::plus)
    }
}

/// What a request takes, from its bytes.
#[must_use]
pub fn estimate(request: &Request) -> Tokens {
    let said: Size = request.turns.iter().map(Size::turn).sum();
    Tokens::Estimate(Size::head(&request.system, &request.tools).plus(said).tokens)
}

/// `950`, `18.2k`, `45k`, `1.9M`.
#[must_use]
pub fn short(n: u64) -> String {
    let tenths = |unit: u64, letter: char| match (n / unit, n % unit * 10 / unit) {
        (whole, 0) => format!("{whole}{letter}"),
        (whole, tenth) => format!("{whole}.{tenth}{letter}"),
    };
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => tenths(1_000, 'k'),
        1_000_000.. => tenths(1_000_000, 'M'),
    }
}

/// Bytes of a value as it is written without spaces: counted, as writing it out only to look at its length takes longer.
fn written(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(yes) => {
            if *yes {
                4
            } else {
                5
            }
        }
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => quoted(text),
        Value::Array(items) => 2 + items.len().saturating_sub(1) + items.iter().map(written).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| quoted(name) + 1 + written(value);
            2 + fields.len().saturating_sub(1) + fields.iter().map(field).sum::<usize>()
        }
    }
}

fn quoted(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 2,
        0x00..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

fn long(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_are_exact_and_tokens_follow_the_kind_of_text() {
        let prose = "The service is unhealthy because its tasks cannot pull the image.";
        assert_eq!(Size::prose(prose), Size { bytes: 65, tokens: 17 });
        let value = json!({"cluster": "prod", "ids": [1, -2.5, 3e9], "ö": null, "t": [true, false, {}, []],
            "odd": "\"\\ \n\t\r\u{8}\u{c}\u{1}\u{7f} ö 👩"});
        let size = Size::value(&value);
        assert_eq!(size.bytes as usize, value.to_string().len());
        assert_eq!(size.tokens, (size.bytes * 10).div_ceil(32));
        let (latin, wide) = (Size::prose("abcdef"), Size::prose("日本"));
        assert_eq!(latin.bytes, wide.bytes);
        assert!(wide.tokens > latin.tokens, "a letter of three bytes is about a token");
        assert_eq!(Size::prose("").tokens, 0);
    }

    #[test]
    fn numbers_are_short() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (45_000, "45k"),
            (18_249, "18.2k"),
            (1_900_000, "1.9M"),
            (2_000_000, "2M"),
        ] {
            assert_eq!(short(n), text);
        }
    }
}
