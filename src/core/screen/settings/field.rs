//! What can be set, and what it is called.

use super::super::Screen;
use crate::models::Caps;
use crate::scope::Mode;

/// One line of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Who answers.
    Provider,
    /// Which model of theirs.
    Model,
    /// How hard it is asked to think.
    Effort,
    /// Rounds of a question.
    Iterations,
    /// Tokens of one answer.
    MaxTokens,
    /// What is carried out.
    Mode,
    /// Tokens a question may take without a question.
    TurnTokens,
    /// Dollars a question may take without a question.
    TurnDollars,
    /// What a query of Logs Insights may scan without a question.
    Insights,
    /// Colours.
    Theme,
}

impl Field {
    /// Every field, in the order they are shown.
    pub const ALL: &'static [Self] = &[
        Self::Provider,
        Self::Model,
        Self::Effort,
        Self::Iterations,
        Self::MaxTokens,
        Self::Mode,
        Self::TurnTokens,
        Self::TurnDollars,
        Self::Insights,
        Self::Theme,
    ];

    /// Its key in `config/default.toml`; `None` for what is never kept.
    #[must_use]
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Provider => Some("provider"),
            Self::Model => Some("model"),
            Self::Effort => Some("effort"),
            Self::Iterations => Some("iterations"),
            Self::MaxTokens => Some("max_tokens"),
            Self::Mode => None,
            Self::TurnTokens => Some("turn_tokens"),
            Self::TurnDollars => Some("turn_dollars"),
            Self::Insights => Some("insights_budget_gb"),
            Self::Theme => Some("theme"),
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Effort => "effort",
            Self::Iterations => "iterations",
            Self::MaxTokens => "answer tokens",
            Self::Mode => "mode",
            Self::TurnTokens => "turn tokens",
            Self::TurnDollars => "turn dollars",
            Self::Insights => "logs query",
            Self::Theme => "theme",
        }
    }

    /// What it is and what it takes.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Provider => {
                "Who answers. Another provider is not sent the reasoning of the one before; what tools found is kept."
            }
            Self::Model => "A model of the provider. An id that is not listed works too: without a price.",
            Self::Effort => {
                "How hard the model thinks, in the provider's own word: low, medium, high; default leaves it to the model."
            }
            Self::Iterations => "Rounds of model and tools that one question may take: 1 to 50.",
            Self::MaxTokens => "Tokens one answer may take: 256 to 200000.",
            Self::Mode => {
                "EXECUTE: reads run, changes ask. TRACK: the model's calls are written down, not carried out. Never saved."
            }
            Self::TurnTokens => {
                "Tokens one question may take before you are asked: 2M, 500k; none is no ceiling."
            }
            Self::TurnDollars => {
                "US dollars one question may take before you are asked, where the price is known: 0.01 to 1000; none is no ceiling."
            }
            Self::Insights => {
                "GB one Logs Insights query may scan before you are asked. Read when the console starts: insights_budget_gb in your file."
            }
            Self::Theme => "Colours: takes effect at once.",
        }
    }

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub fn at(self) -> usize {
        Self::ALL.iter().position(|field| *field == self).unwrap_or(0)
    }
}

impl Screen {
    /// The value of a field, and a remark on it.
    #[must_use]
    pub fn value(&self, field: Field) -> (String, String) {
        let s = self.in_force();
        let caps = self.models.lookup(&s.provider, &s.model);
        let plain = |text: String| (text, String::new());
        match field {
            Field::Provider => {
                let note = if self.given.lacking.contains_key(&s.provider) { "no key" } else { "" };
                (s.provider.clone(), note.to_owned())
            }
            Field::Model => (s.model.clone(), about(&caps)),
            Field::Effort => match (&s.effort, &caps.effort) {
                (Some(word), _) => plain(word.clone()),
                (None, Some(own)) => ("default".to_owned(), format!("{own} for this model")),
                (None, None) => plain("default".to_owned()),
            },
            Field::Iterations => plain(s.iterations.to_string()),
            Field::MaxTokens => {
                let note = match caps.max_output < s.max_tokens {
                    true => format!("this model gives {} at most", tokens(u64::from(caps.max_output))),
                    false => String::new(),
                };
                (s.max_tokens.to_string(), note)
            }
            Field::Mode => {
                let fixed = self.ledger.mode == Mode::ReadOnly;
                let note = if fixed { "for the whole session" } else { "" };
                (self.ledger.mode.label().to_owned(), note.to_owned())
            }
            Field::TurnTokens => plain(s.ceiling.tokens.map_or_else(|| "none".to_owned(), tokens)),
            Field::TurnDollars => {
                let unknown = caps.price.is_none() && s.ceiling.dollars.is_some();
                let note = if unknown { "this model's price is not known" } else { "" };
                let value = s.ceiling.dollars.map_or_else(|| "none".to_owned(), |d| format!("${d:.2}"));
                (value, note.to_owned())
            }
            Field::Insights => {
                (format!("{} GB", self.given.insights_budget_gb), "fixed while it runs".to_owned())
            }
            Field::Theme => plain(self.theme.clone()),
        }
    }
}

/// `Claude Opus 5.5, window 1M, $4 in $20 out`: what is known of a model.
pub(super) fn about(caps: &Caps) -> String {
    let name = if caps.name == caps.id { String::new() } else { format!("{}, ", caps.name) };
    let price = caps.price.map_or_else(
        || "no price".to_owned(),
        |p| match p.input + p.output > 0.0 {
            true => format!("${} in ${} out", p.input, p.output),
            false => "free".to_owned(),
        },
    );
    format!("{name}window {}, {price}", tokens(caps.window))
}

/// `2M`, `1.5M`, `500k`, `32768`: exactly.
pub(super) fn tokens(n: u64) -> String {
    match n {
        0 => "0".to_owned(),
        n if n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        n if n > 1_000_000 && n.is_multiple_of(100_000) => {
            format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000)
        }
        n if n > 1_000_000 && n.is_multiple_of(10_000) => {
            format!("{}.{:02}M", n / 1_000_000, n % 1_000_000 / 10_000)
        }
        n if n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}
