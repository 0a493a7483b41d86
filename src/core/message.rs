//! What is said to a model and what it says back, independent of any vendor.

use crate::id::TurnId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// One block of a model's answer, in the order it was produced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Prose, Markdown. Untrusted.
    Text {
        /// The text.
        text: String,
    },
    /// Reasoning, opaque: sent back verbatim to the same provider and model, dropped for any other.
    Reasoning {
        /// Who produced it.
        provider: String,
        /// Which model produced it.
        model: String,
        /// The vendor's block as it came.
        raw: Value,
    },
    /// A request to run a tool.
    ToolCall {
        /// The model's own id for it; may be missing, repeated or forged.
        id: String,
        /// The tool's name; may not exist.
        name: String,
        /// The arguments; [`Input::Garbage`] when they were not JSON.
        input: Input,
    },
}

/// Arguments as the model sent them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Valid JSON.
    Json(Value),
    /// Not JSON: the text as it came, cut to 2,000 characters.
    Garbage(String),
}

/// One side's contribution to the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Turn {
    /// The operator's words and tool results; results come first.
    User {
        /// At least one part.
        parts: Vec<UserPart>,
    },
    /// The model's answer.
    Assistant {
        /// At least one block.
        blocks: Vec<Block>,
    },
}

/// One part of a user turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserPart {
    /// Words. Never blank.
    Text {
        /// The text.
        text: String,
    },
    /// The answer to one tool call. Never empty.
    ToolResult {
        /// The id of the call it answers, unique within the transcript.
        id: String,
        /// The tool's name.
        name: String,
        /// JSON or a sentence.
        content: String,
        /// Whether the tool failed.
        is_error: bool,
    },
}

/// A conversation. Its turns are shared: copying it costs a pointer a turn, however much was said.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Turns(Vec<Arc<Turn>>);

/// The turns of a conversation, oldest first.
pub type TurnsIter<'a> = std::iter::Map<std::slice::Iter<'a, Arc<Turn>>, fn(&'a Arc<Turn>) -> &'a Turn>;

impl Turns {
    /// Oldest first.
    pub fn iter(&self) -> TurnsIter<'_> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&Turn> {
        self.0.last().map(AsRef::as_ref)
    }

    /// Adds the next.
    pub fn push(&mut self, turn: impl Into<Arc<Turn>>) {
        self.0.push(turn.into());
    }
}

impl<'a> IntoIterator for &'a Turns {
    type Item = &'a Turn;
    type IntoIter = TurnsIter<'a>;

    fn into_iter(self) -> TurnsIter<'a> {
        self.iter()
    }
}

impl<T: Into<Arc<Turn>>> FromIterator<T> for Turns {
    fn from_iter<I: IntoIterator<Item = T>>(turns: I) -> Self {
        Self(turns.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<Turn>> for Turns {
    fn from(turns: Vec<Turn>) -> Self {
        turns.into_iter().collect()
    }
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDef {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// JSON schema of the arguments.
    pub schema: Value,
}

/// Everything a provider needs for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The turn it belongs to.
    pub turn: TurnId,
    /// From 1.
    pub iteration: u32,
    /// Who is asked.
    pub provider: String,
    /// The model's id at the provider.
    pub model: String,
    /// How hard it is to think, in the provider's own word; the model's default when absent.
    pub effort: Option<String>,
    /// The system prompt.
    pub system: Arc<str>,
    /// Tools, sorted by name.
    pub tools: Arc<[ToolDef]>,
    /// The conversation, normalized: every call answered exactly once, in call order.
    pub turns: Turns,
    /// Upper bound of the answer, in tokens.
    pub max_tokens: u32,
}

/// What a streaming provider reports.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// The provider accepted the request.
    Started,
    /// More text.
    TextDelta(String),
    /// More reasoning, for the screen only.
    ReasoningDelta(String),
    /// A tool call begins; for the screen only.
    ToolCallStart {
        /// The tool's name.
        name: String,
    },
    /// More of a call's arguments; for the screen only.
    ToolInputDelta(String),
    /// A block is complete. This is the authority; deltas are not.
    BlockDone(Block),
    /// Tokens so far; cumulative.
    Usage(Usage),
    /// The answer is complete. Exactly once, last, and only on success.
    Done(Stop),
    /// The request is being repeated before any output came.
    Retrying {
        /// From 1.
        attempt: u32,
        /// Pause before it, in milliseconds.
        wait_ms: u64,
        /// Why.
        why: String,
    },
}

/// Tokens of one request, as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens not served from a cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
}

impl Usage {
    /// All tokens.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write
    }

    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
        }
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It finished.
    EndTurn,
    /// It wants tools run.
    ToolUse,
    /// It ran into the output limit.
    MaxTokens,
    /// A stop sequence.
    StopSequence,
    /// It paused and wants to be continued.
    PauseTurn,
    /// It declined.
    Refusal,
    /// The conversation no longer fits.
    ContextExceeded,
    /// Something this version does not know.
    Other(String),
}

/// Why a request failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind.
    pub kind: ModelErrorKind,
    /// One sentence that says what happened and what to do. Untrusted.
    pub message: String,
}

/// The kinds of model failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// No key, or the key was refused.
    Credentials,
    /// The request was refused as malformed.
    Invalid,
    /// Rate limited or overloaded, after all retries.
    Overloaded,
    /// The network or the service failed.
    Unavailable,
    /// The stream ended before its end.
    Truncated,
    /// Cancelled by us.
    Cancelled,
    /// The conversation no longer fits the model.
    TooLong,
}
