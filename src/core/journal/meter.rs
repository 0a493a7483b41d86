//! What a session takes: tokens, money, and how full the model's window is.

use super::{Entry, Fact};
use crate::id::TurnId;
use crate::message::Usage;
use crate::models::Models;
use crate::tokens::{Fit, Tokens};

/// How far what a provider counts may be from what bytes say: more is no tokenizer but a mistake.
const RATIO: (f64, f64) = (0.4, 2.5);

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bill {
    /// Tokens of all kinds.
    pub tokens: u64,
    /// US dollars, as far as prices are known.
    pub dollars: f64,
    /// Some of the tokens have no known price.
    pub unpriced: bool,
    /// Tokens of the answers among them.
    pub output: u64,
    /// Answers.
    pub answers: u64,
}

/// The projection that counts, kept up to date entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    session: Bill,
    turn: Option<(TurnId, Bill)>,
    /// The request that runs, or ran last.
    asked: Option<Asked>,
    /// What the conversation takes with its last answer, as the provider counted, as long as nothing else changed it.
    counted: Option<(Asked, Usage)>,
    /// What the providers count for a token of ours.
    ratio: Option<(String, String, f64)>,
    used: Option<Tokens>,
}

#[derive(Clone, Debug)]
struct Asked {
    turn: TurnId,
    iteration: u32,
    provider: String,
    model: String,
    fit: Option<Fit>,
}

impl Asked {
    fn is_of(&self, provider: &str, model: &str) -> bool {
        self.provider == provider && self.model == model
    }
}

impl Meter {
    /// Takes in the next entry; `models` says what its tokens cost.
    pub fn apply(&mut self, entry: &Entry, models: &Models) {
        match &entry.fact {
            Fact::Question { turn, .. } => self.turn = Some((*turn, Bill::default())),
            Fact::ModelRequested { turn, iteration, provider, model, fit, .. } => {
                if let Some(Fit { tokens: Tokens::Exact(counted), bare, .. }) = fit {
                    self.correct(provider, model, *counted, *bare);
                }
                if let Some(fit) = fit {
                    self.used = Some(fit.tokens);
                }
                self.asked = Some(Asked {
                    turn: *turn,
                    iteration: *iteration,
                    provider: provider.clone(),
                    model: model.clone(),
                    fit: *fit,
                });
            }
            Fact::ModelResponded { turn, iteration, usage, .. } => {
                let asked = self.asked.take().filter(|a| (a.turn, a.iteration) == (*turn, *iteration));
                let caps = asked.as_ref().map(|asked| models.lookup(&asked.provider, &asked.model));
                let dollars = caps.and_then(|caps| caps.cost(*usage));
                for bill in self.turn.iter_mut().map(|(_, bill)| bill).chain([&mut self.session]) {
                    bill.add(*usage, dollars);
                }
                self.counted = None;
                if let Some(asked) = asked {
                    self.answered(asked, *usage);
                }
            }
            Fact::Compacted { tokens_after, .. } | Fact::Shortened { tokens_after, .. } => {
                self.counted = None;
                self.used = Some(Tokens::Estimate(*tokens_after));
            }
            // Of the session, and of no turn; its answers say nothing about how long the next one is.
            Fact::Evaluated { report } => {
                let tokens = report.usage.total();
                self.session.tokens += tokens;
                self.session.dollars += report.cost_usd.unwrap_or_default();
                self.session.unpriced |= tokens > 0 && report.cost_usd.is_none();
            }
            // What is sent next differs from what was counted in more than what came since.
            Fact::ModelFailed { .. } | Fact::ModeChanged { .. } | Fact::SessionResumed { .. } => {
                self.counted = None;
            }
            Fact::SessionStarted { .. }
            | Fact::ScopeChanged { .. }
            | Fact::SettingsChanged { .. }
            | Fact::ToolCalled { .. }
            | Fact::ToolFinished { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::Approved { .. }
            | Fact::Refused { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::WriteIntended { .. }
            | Fact::WriteConcluded { .. }
            | Fact::Verified { .. }
            | Fact::TurnEnded { .. }
            | Fact::Noted { .. } => {}
        }
    }

    /// What the session took.
    #[must_use]
    pub const fn session(&self) -> Bill {
        self.session
    }

    /// What this turn took so far.
    #[must_use]
    pub fn turn(&self, turn: TurnId) -> Bill {
        self.turn.filter(|(of, _)| *of == turn).map(|(_, bill)| bill).unwrap_or_default()
    }

    /// Tokens of the window that the conversation takes: of the request that runs, else with its last answer.
    #[must_use]
    pub const fn used(&self) -> Option<Tokens> {
        self.used
    }

    /// What the next request takes: `whole` by its bytes, of which `added` came after the last answer.
    #[must_use]
    pub fn forecast(&self, provider: &str, model: &str, whole: u64, added: u64) -> Tokens {
        let ratio = self.ratio(provider, model);
        let counted = self.counted.as_ref().filter(|(asked, _)| asked.is_of(provider, model));
        Tokens::Estimate(match counted {
            Some((_, usage)) => usage.total() + scaled(added, ratio),
            None => scaled(whole, ratio),
        })
    }

    /// `tokens` of ours as this model counts them.
    #[must_use]
    pub fn corrected(&self, provider: &str, model: &str, tokens: u64) -> u64 {
        scaled(tokens, self.ratio(provider, model))
    }

    /// The provider counted what we took for `bare`.
    pub fn correct(&mut self, provider: &str, model: &str, counted: u64, bare: u64) {
        if counted == 0 || bare == 0 {
            return;
        }
        #[allow(clippy::cast_precision_loss)] // token counts are far below 2^52
        let ratio = (counted as f64 / bare as f64).clamp(RATIO.0, RATIO.1);
        self.ratio = Some((provider.to_owned(), model.to_owned(), ratio));
    }

    /// The usage of a request with so many tokens, when it is cached as the last one was.
    #[must_use]
    pub fn likely(&self, prompt: u64, output: u64) -> Usage {
        let before = self.counted.as_ref().map(|(_, usage)| *usage).unwrap_or_default();
        if before.cache_read + before.cache_write == 0 {
            return Usage { input: prompt, output, ..Usage::default() };
        }
        let known = (before.total() - before.output).min(prompt);
        Usage { input: 0, output, cache_read: known, cache_write: prompt - known }
    }

    fn ratio(&self, provider: &str, model: &str) -> f64 {
        let own = self.ratio.as_ref().filter(|(p, m, _)| p == provider && m == model);
        own.map_or(1.0, |(_, _, ratio)| *ratio)
    }

    fn answered(&mut self, asked: Asked, usage: Usage) {
        let prompt = usage.total() - usage.output;
        if let Some(fit) = asked.fit {
            self.correct(&asked.provider, &asked.model, prompt, fit.bare);
        }
        if prompt > 0 {
            self.used = Some(Tokens::Exact(usage.total()));
            self.counted = Some((asked, usage));
        }
    }
}

impl Bill {
    fn add(&mut self, usage: Usage, dollars: Option<f64>) {
        self.tokens += usage.total();
        self.output += usage.output;
        self.answers += 1;
        self.dollars += dollars.unwrap_or_default();
        self.unpriced |= dollars.is_none() && usage.total() > 0;
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // far below 2^52
fn scaled(tokens: u64, ratio: f64) -> u64 {
    (tokens as f64 * ratio).ceil() as u64
}
