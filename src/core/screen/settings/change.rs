//! Changing a value: what it takes, and what is said when it is something else.

use super::super::Screen;
use super::edit::EFFORTS;
use super::field::{about, tokens};
use super::{Field, offered};
use crate::command::Command;
use crate::models::Api;
use crate::scope::Mode;
use crate::settings::{Ceiling, ITERATIONS, Settings};
use std::ops::RangeInclusive;

/// Tokens one answer may be allowed; as `config/default.toml` takes them.
const ANSWER: RangeInclusive<u32> = 256..=200_000;
/// The highest ceilings: what the settings file takes.
const MOST_TOKENS: u64 = 1_000_000_000;
const MOST_DOLLARS: f64 = 1_000.0;
/// Characters of a model's id; ARNs are the longest.
const LONGEST: usize = 2_048;
/// What one key changes.
const ANSWER_STEP: u32 = 1_000;
const TOKENS_STEP: u64 = 100_000;
const DOLLARS_STEP: f64 = 0.5;

impl Screen {
    /// Sets a field to what was typed or chosen.
    ///
    /// # Errors
    /// What the field takes instead.
    pub(in crate::screen) fn set_field(&mut self, field: Field, text: &str) -> Result<Vec<Command>, String> {
        let text = text.trim();
        let now = self.in_force().clone();
        match field {
            Field::Provider => {
                self.known_provider(text)?;
                let own = self.models.default_model(text).unwrap_or_default().to_owned();
                if own.is_empty() {
                    return Err(format!("{text} names no default model: write `:model {text} NAME`"));
                }
                self.switch(text, &own)
            }
            Field::Model => {
                let (provider, id) = self.named_model(text)?;
                self.switch(&provider, &id)
            }
            Field::Effort => self.set_effort(text),
            Field::Iterations => {
                let n = text.parse().ok().filter(|n| ITERATIONS.contains(n));
                let n: u32 = n.ok_or("iterations takes a number from 1 to 50")?;
                Ok(self.set(Settings { iterations: n, ..now }, format!("at most {n} iterations a turn")))
            }
            Field::MaxTokens => {
                let n = amount(text).and_then(|n| u32::try_from(n).ok()).filter(|n| ANSWER.contains(n));
                let n = n.ok_or("an answer takes 256 to 200000 tokens")?;
                Ok(self.set(Settings { max_tokens: n, ..now }, format!("at most {n} tokens an answer")))
            }
            Field::Mode => {
                let known = [Mode::Execute, Mode::Track].into_iter();
                let mode = known.into_iter().find(|mode| mode.label().eq_ignore_ascii_case(text));
                Ok(self.switch_mode(mode.ok_or("mode takes EXECUTE or TRACK")?))
            }
            Field::TurnTokens => {
                let n = amount(text).filter(|n| *n <= MOST_TOKENS);
                let n = n.ok_or("turn tokens takes a number such as 2M or 500k, or none")?;
                Ok(self.set_ceiling(Ceiling { tokens: Some(n).filter(|n| *n > 0), ..now.ceiling }))
            }
            Field::TurnDollars => {
                let dollars = dollars(text).ok_or("turn dollars takes 0.01 to 1000, or none")?;
                Ok(self.set_ceiling(Ceiling { dollars, ..now.ceiling }))
            }
            Field::Insights => Err(fixed()),
            Field::Theme => {
                let Some(theme) = self.given.themes.iter().find(|theme| **theme == text) else {
                    return Err(format!("theme takes {}", self.given.themes.join(", ")));
                };
                self.theme = (*theme).to_owned();
                self.remark(format!("the theme is {text}"));
                Ok(Vec::new())
            }
        }
    }

    /// The choice before or after, or a step less or more.
    pub(super) fn stepped(&mut self, field: Field, more: bool) -> Result<Vec<Command>, String> {
        let now = self.in_force().clone();
        match field {
            Field::Provider => {
                let models = &self.models;
                // One without a default model cannot be stepped on: its model has to be named.
                let all: Vec<&str> = models
                    .providers()
                    .filter(|p| models.default_model(p).is_some_and(|id| !id.is_empty()))
                    .collect();
                let next = beside(&all, &now.provider.as_str(), more).ok_or("there is no other provider")?;
                let next = next.to_owned();
                self.set_field(field, &next)
            }
            Field::Model => {
                let all: Vec<String> =
                    offered(&self.models, &now.provider).into_iter().map(|c| c.id).collect();
                let next = beside(&all, &now.model, more)
                    .ok_or("the table has no other model of this provider; Enter to name one")?;
                self.switch(&now.provider, &next)
            }
            Field::Effort => {
                let word = now.effort.as_deref().unwrap_or("default");
                let next = beside(&EFFORTS.map(|(word, _)| word), &word, more).unwrap_or("default");
                self.set_effort(next)
            }
            Field::Iterations => {
                let n = step(u64::from(now.iterations), 1, more).clamp(1, 50);
                self.set_field(field, &n.to_string())
            }
            Field::MaxTokens => {
                let n = step(u64::from(now.max_tokens), u64::from(ANSWER_STEP), more);
                let n = n.clamp(u64::from(*ANSWER.start()), u64::from(*ANSWER.end()));
                self.set_field(field, &n.to_string())
            }
            Field::Mode => Ok(self.switch_mode(if self.ledger.mode == Mode::Track {
                Mode::Execute
            } else {
                Mode::Track
            })),
            Field::TurnTokens => {
                let n = step(now.ceiling.tokens.unwrap_or_default(), TOKENS_STEP, more).min(MOST_TOKENS);
                self.set_field(field, &n.to_string())
            }
            Field::TurnDollars => {
                let by = if more { DOLLARS_STEP } else { -DOLLARS_STEP };
                let n = (now.ceiling.dollars.unwrap_or_default() + by).clamp(0.0, MOST_DOLLARS);
                self.set_field(field, &format!("{n:.2}"))
            }
            Field::Insights => Err(fixed()),
            Field::Theme => {
                let next = beside(&self.given.themes, &self.theme.as_str(), more)
                    .ok_or("there is no other theme")?
                    .to_string();
                self.set_field(field, &next)
            }
        }
    }

    /// Another model, from the next round on. One without its key is taken all the same, and said.
    pub(super) fn switch(&mut self, provider: &str, id: &str) -> Result<Vec<Command>, String> {
        if id.chars().count() > LONGEST {
            return Err(format!("a model's id has at most {LONGEST} characters"));
        }
        let caps = self.models.lookup(provider, id);
        let listed = offered(&self.models, provider).iter().any(|caps| caps.id == id);
        let runbooks = self.models.provider(provider).is_some_and(|p| p.api == Api::Runbooks);
        if runbooks && !listed {
            return Err(format!(
                "{provider} answers from runbooks and has no model {id:?}: write `:model PROVIDER {id}`"
            ));
        }
        let now = self.in_force().clone();
        let other = now.provider != provider;
        let mut said = vec![format!("{provider} {id} from the next round on: {}", about(&caps))];
        if !listed {
            said.push("not in the models table: the provider's defaults, no price".to_owned());
        }
        let own_word = now.effort.as_deref().filter(|w| EFFORTS.iter().all(|(known, _)| known != w));
        let effort = match own_word.filter(|_| other) {
            Some(word) => {
                said.push(format!("effort {word} was {}'s word: default now", now.provider));
                None
            }
            None => now.effort.clone(),
        };
        said.extend(self.given.lacking.get(provider).filter(|_| other).cloned());
        let settings = Settings { provider: provider.to_owned(), model: id.to_owned(), effort, ..now };
        let mut said = said.into_iter();
        let commands = self.set(settings, said.next().unwrap_or_default());
        if !commands.is_empty() {
            said.for_each(|text| self.remark(text));
        }
        Ok(commands)
    }

    fn set_effort(&mut self, word: &str) -> Result<Vec<Command>, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if word.len() > 32 || !word.chars().all(plain) {
            return Err("effort takes one word: low, medium, high, or default".to_owned());
        }
        // A provider's own word is left as it is typed; those known everywhere are small.
        let known = EFFORTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        let word = known.map_or(word, |(known, _)| known);
        let effort = Some(word.to_owned()).filter(|word| !word.is_empty() && word != "default");
        let said =
            format!("effort {} from the next round on", effort.as_deref().unwrap_or("as the model likes"));
        let settings = Settings { effort, ..self.in_force().clone() };
        Ok(self.set(settings, said))
    }

    fn set_ceiling(&mut self, ceiling: Ceiling) -> Vec<Command> {
        let said = match (ceiling.tokens.map(tokens), ceiling.dollars) {
            (Some(tokens), Some(dollars)) => format!("asked above {tokens} tokens or ${dollars:.2} a turn"),
            (Some(tokens), None) => format!("asked above {tokens} tokens a turn"),
            (None, Some(dollars)) => format!("asked above ${dollars:.2} a turn"),
            (None, None) => "no ceiling: a turn ends by its iterations alone".to_owned(),
        };
        self.set(Settings { ceiling, ..self.in_force().clone() }, said)
    }

    /// Sends what differs from what is in force.
    fn set(&mut self, settings: Settings, said: String) -> Vec<Command> {
        let settings = settings.clamped();
        if settings == *self.in_force() {
            self.remark("it is so already".to_owned());
            return Vec::new();
        }
        self.pending = Some(settings.clone());
        self.remark(said);
        vec![Command::Set(settings)]
    }
}

pub(super) fn fixed() -> String {
    "it is read when the console starts: set insights_budget_gb in your file".to_owned()
}

/// The one before or after `now`, around the ends; the first when `now` is none of them. `None` when there is no other.
fn beside<T: Clone + PartialEq>(all: &[T], now: &T, more: bool) -> Option<T> {
    let next = match all.iter().position(|one| one == now) {
        Some(at) => all.iter().cycle().nth(if more { at + 1 } else { at + all.len() - 1 }),
        None => all.first(),
    };
    next.filter(|next| *next != now).cloned()
}

/// The next multiple of `by`.
fn step(n: u64, by: u64, more: bool) -> u64 {
    if more { (n / by).saturating_add(1).saturating_mul(by) } else { n.saturating_sub(1) / by * by }
}

/// `2000000`, `2M`, `1.5m`, `500k`, `2,000,000`; `none` is 0.
fn amount(text: &str) -> Option<u64> {
    let text: String = text.to_lowercase().chars().filter(|c| !matches!(c, ',' | '_' | ' ')).collect();
    if text == "none" {
        return Some(0);
    }
    let (number, unit) = match (text.strip_suffix('m'), text.strip_suffix('k')) {
        (Some(number), _) => (number, 1_000_000),
        (None, Some(number)) => (number, 1_000),
        (None, None) => (text.as_str(), 1),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || part.len() > 6 || !(part.is_empty() || digits(part)) || number.ends_with('.') {
        return None;
    }
    let part_value = format!("{part:0<6}").parse::<u64>().ok()?.checked_mul(unit)?;
    if part_value % 1_000_000 != 0 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(part_value / 1_000_000)
}

/// `2`, `$2.50`; `none` and 0 are no ceiling. Outside `None`: not an amount.
#[allow(clippy::option_option)] // no amount, no ceiling, a ceiling
fn dollars(text: &str) -> Option<Option<f64>> {
    let text = text.trim_start_matches('$').trim();
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let n: f64 = text.parse().ok().filter(|n| plain && (0.0..=MOST_DOLLARS).contains(n))?;
    match n {
        0.0 => Some(None),
        n if n < 0.01 => None,
        n => Some(Some(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::{amount, beside, dollars, step};

    #[test]
    fn amounts() {
        for (text, n) in [
            ("2M", Some(2_000_000)),
            ("1.5m", Some(1_500_000)),
            ("500k", Some(500_000)),
            ("2,000,000", Some(2_000_000)),
            ("0.5k", Some(500)),
            ("none", Some(0)),
            ("0", Some(0)),
            ("1.5", None),
            ("-1", None),
            ("", None),
            ("k", None),
            (".5m", None),
            ("5.k", None),
            ("99999999999999999999", None),
            ("18446744073709551615m", None),
            ("1e3", None),
        ] {
            assert_eq!(amount(text), n, "{text}");
        }
        for (text, n) in [
            ("2", Some(Some(2.0))),
            ("$2.50", Some(Some(2.5))),
            ("none", Some(None)),
            ("0", Some(None)),
            ("0.001", None),
            ("1001", None),
            ("-1", None),
            ("nan", None),
            ("inf", None),
            ("1e2", None),
            ("", None),
        ] {
            assert_eq!(dollars(text), n, "{text}");
        }
    }

    #[test]
    fn steps_go_to_round_numbers_and_around() {
        assert_eq!((step(16_384, 1_000, true), step(16_384, 1_000, false)), (17_000, 16_000));
        assert_eq!((step(0, 100, false), step(100, 100, false), step(0, 100, true)), (0, 0, 100));
        assert_eq!(step(u64::MAX, 7, true), u64::MAX);
        assert_eq!((beside(&[1, 2, 3], &3, true), beside(&[1, 2, 3], &1, false)), (Some(1), Some(3)));
        assert_eq!(
            (beside(&[1, 2], &9, true), beside(&[1], &1, true), beside(&[], &1, true)),
            (Some(1), None, None)
        );
    }
}
