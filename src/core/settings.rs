//! What the operator may change while a session runs.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// Iterations a turn may be allowed.
pub const ITERATIONS: RangeInclusive<u32> = 1..=50;

/// Who is asked, how hard, and how much a turn may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The provider's name.
    pub provider: String,
    /// The model's id there.
    pub model: String,
    /// How hard the model is asked to think, in the provider's own word; the model's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// How often the model may be asked in one turn, [`ITERATIONS`].
    #[serde(default = "iterations")]
    pub iterations: u32,
    /// Upper bound of one answer, in tokens.
    #[serde(default = "max_tokens")]
    pub max_tokens: u32,
    /// What a turn may take before the operator is asked.
    #[serde(default)]
    pub ceiling: Ceiling,
}

/// What a turn may take before the operator is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Tokens of all its requests, cached ones among them; `None` for no ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars; `None` for no ceiling. Counts only where the model's price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: String::new(),
            model: String::new(),
            effort: None,
            iterations: iterations(),
            max_tokens: max_tokens(),
            ceiling: Ceiling::default(),
        }
    }
}

impl Settings {
    /// The same with what is out of range brought into it.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.iterations = self.iterations.clamp(*ITERATIONS.start(), *ITERATIONS.end());
        self.max_tokens = self.max_tokens.max(1);
        self
    }
}

/// `anthropic claude-x, effort high, 20 iterations`, then what ceilings there are.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, model, effort, iterations, max_tokens: _, ceiling } = self;
        write!(f, "{provider} {model}")?;
        if let Some(effort) = effort {
            write!(f, ", effort {effort}")?;
        }
        write!(f, ", {iterations} iterations")?;
        if let Some(tokens) = ceiling.tokens {
            write!(f, ", {tokens} tokens a turn")?;
        }
        if let Some(dollars) = ceiling.dollars {
            write!(f, ", ${dollars:.2} a turn")?;
        }
        Ok(())
    }
}

fn iterations() -> u32 {
    20
}

fn max_tokens() -> u32 {
    16_000
}
