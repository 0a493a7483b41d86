//! What the operator may change while a session runs.

use crate::tokens::short;
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
            write!(f, ", {} tokens a turn", short(tokens))?;
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

/// Where a value came from when the console started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The embedded default.
    #[default]
    Default,
    /// The user's file.
    File,
    /// This variable of the environment.
    Environment(&'static str),
    /// This flag.
    Flag(&'static str),
}

/// As the settings show it: `default`, `your file`, `QUARTERDECK_MODEL`, `--model`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "your file",
            Self::Environment(name) | Self::Flag(name) => name,
        })
    }
}

/// A value of the user's file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Whole(u64),
    /// An amount of money.
    Money(f64),
}

/// What is to be written to the user's file: keys of `config/default.toml`.
pub type Changes = Vec<(&'static str, Value)>;

impl Settings {
    /// What of this differs from `base`, as the user's file has it. A model belongs to its provider: they go together.
    #[must_use]
    pub fn changes(&self, base: &Self) -> Changes {
        let Self { provider, model, effort, iterations, max_tokens, ceiling } = self;
        let who = (provider, model) != (&base.provider, &base.model);
        let all = [
            (who, "provider", Value::Text(provider.clone())),
            (who, "model", Value::Text(model.clone())),
            (*effort != base.effort, "effort", Value::Text(effort.clone().unwrap_or_default())),
            (*iterations != base.iterations, "iterations", Value::Whole(u64::from(*iterations))),
            (*max_tokens != base.max_tokens, "max_tokens", Value::Whole(u64::from(*max_tokens))),
            (
                ceiling.tokens != base.ceiling.tokens,
                "turn_tokens",
                Value::Whole(ceiling.tokens.unwrap_or_default()),
            ),
            (
                ceiling.dollars != base.ceiling.dollars,
                "turn_dollars",
                Value::Money(ceiling.dollars.unwrap_or_default()),
            ),
        ];
        all.into_iter().filter(|(differs, _, _)| *differs).map(|(_, key, value)| (key, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Ceiling, Settings, Value};

    #[test]
    fn only_what_differs_is_to_be_written() {
        let base = Settings { provider: "anthropic".into(), model: "a".into(), ..Settings::default() };
        assert_eq!(base.changes(&base), []);
        let ceiling = Ceiling { tokens: None, dollars: Some(2.0) };
        let limited = Settings { ceiling, ..base.clone() };
        assert_eq!(limited.changes(&base), [("turn_dollars", Value::Money(2.0))]);
        assert_eq!(base.changes(&limited), [("turn_dollars", Value::Money(0.0))], "0 is no ceiling");
        let other = Settings { model: "b".into(), iterations: 7, ..base.clone() };
        let wanted = [
            ("provider", Value::Text("anthropic".into())),
            ("model", Value::Text("b".into())),
            ("iterations", Value::Whole(7)),
        ];
        assert_eq!(other.changes(&base), wanted, "a model goes with its provider");
    }
}
