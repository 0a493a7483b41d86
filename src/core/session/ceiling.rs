//! What a turn may take: before a request that would go over it, somebody is asked.
//!
//! A plain question, which never approves a change. A yes raises the ceiling by itself once more; where nobody can be asked
//! the turn ends, and what it found is kept.

use super::turn::Phase;
use super::{Effect, Session};
use crate::Timestamp;
use crate::event::{Expense, Spending};
use crate::id::{FrontId, TurnId};
use crate::journal::{Bill, Fact, TurnEnd};
use crate::models::Caps;
use crate::settings::Ceiling;
use crate::tokens::{Tokens, short};

/// Tokens an answer takes when none was seen in the turn yet.
const ANSWER: u64 = 1_000;

/// A turn that would go over its ceiling.
#[derive(Clone, Debug)]
pub(super) struct Over {
    says: String,
    asked: bool,
}

impl Session {
    /// Whether the next request would go over the turn's ceiling; then the operator is asked, or the turn ends.
    pub(super) fn over_ceiling(&mut self, next: Tokens, caps: &Caps, answer: u32, now: Timestamp) -> bool {
        let Some(turn) = &self.turn else { return false };
        let spent = self.meter.turn(turn.id);
        let output = spent.output.checked_div(spent.answers).unwrap_or(ANSWER).min(u64::from(answer));
        let usage = self.meter.likely(next.count(), output);
        let dollars = caps.cost(usage);
        let ceiling = raised(self.settings.ceiling, turn.raised);
        let tokens = ceiling.tokens.is_some_and(|most| spent.tokens + usage.total() > most);
        let money = ceiling.dollars.is_some_and(|most| spent.dollars + dollars.unwrap_or_default() > most);
        if !tokens && !money {
            return false;
        }
        let says = format!(
            "This turn has taken {}; the next request takes about {}.",
            taken(spent, ceiling),
            amount(usage.total(), dollars.filter(|d| *d > 0.0))
        );
        let can_ask = self.fronts.get(&turn.front).is_some_and(|caps| caps.can_ask);
        if !can_ask {
            let why = format!(
                "{says} Nobody can be asked here: raise turn_tokens or turn_dollars in the settings, or ask for less."
            );
            self.end_turn(TurnEnd::Ceiling(why), now);
        } else if let Some(turn) = &mut self.turn {
            turn.phase = Phase::Ceiling(Over { says, asked: false });
            self.ask_to_go_on();
        }
        true
    }

    /// Puts the question, when no other question or dialog is open.
    pub(super) fn ask_to_go_on(&mut self) {
        let Some(turn) = &mut self.turn else { return };
        let Phase::Ceiling(over) = &mut turn.phase else { return };
        if self.active.is_some() || over.asked {
            return;
        }
        over.asked = true;
        let says = format!("{} Go on?", over.says);
        self.out.push(Effect::AskSpending(turn.front, Spending { what: Expense::Turn(turn.id), says }));
    }

    /// Whether that question is open.
    pub(super) fn asks_to_go_on(&self) -> bool {
        self.turn.as_ref().is_some_and(|t| matches!(&t.phase, Phase::Ceiling(over) if over.asked))
    }

    /// The answer.
    pub(super) fn go_on(&mut self, front: FrontId, id: TurnId, yes: bool, now: Timestamp) {
        let open = self.turn.as_mut().filter(|t| t.id == id).and_then(|turn| match &turn.phase {
            Phase::Ceiling(over) if over.asked => Some((over.says.clone(), turn)),
            Phase::Ceiling(_) | Phase::Streaming(_) | Phase::Round | Phase::Counting => None,
        });
        let Some((says, turn)) = open else {
            return self.tell(front, "that question is no longer open: nothing was spent");
        };
        if yes {
            turn.raised += 1;
            turn.phase = Phase::Round;
            let ceiling = raised(self.settings.ceiling, turn.raised);
            let text = format!("{} let the turn take {}. {says}", self.operator, limit(ceiling));
            return self.append(Fact::Noted { text }, now);
        }
        self.end_turn(TurnEnd::Ceiling(format!("{says} The operator said no.")), now);
    }
}

/// The ceiling after so many times yes.
fn raised(ceiling: Ceiling, times: u32) -> Ceiling {
    let factor = times.saturating_add(1);
    Ceiling {
        tokens: ceiling.tokens.map(|tokens| tokens.saturating_mul(u64::from(factor))),
        dollars: ceiling.dollars.map(|dollars| dollars * f64::from(factor)),
    }
}

/// `1.9M tokens ($1.92) of 2M ($2.00)`.
fn taken(spent: Bill, ceiling: Ceiling) -> String {
    let tokens = format!("{} tokens", short(spent.tokens));
    let most = ceiling.tokens.map(|most| format!(" of {}", short(most))).unwrap_or_default();
    match ceiling.dollars {
        Some(dollars) => format!("{tokens}{most} and ${:.2} of ${dollars:.2}", spent.dollars),
        None if spent.dollars > 0.0 => format!("{tokens} (${:.2}){most}", spent.dollars),
        None => format!("{tokens}{most}"),
    }
}

/// `2M tokens and $2.00`.
fn limit(ceiling: Ceiling) -> String {
    let tokens = ceiling.tokens.map(|most| format!("{} tokens", short(most)));
    let dollars = ceiling.dollars.map(|most| format!("${most:.2}"));
    tokens.into_iter().chain(dollars).collect::<Vec<_>>().join(" and ")
}

/// `45k tokens ($0.09)`.
fn amount(tokens: u64, dollars: Option<f64>) -> String {
    match dollars {
        Some(dollars) => format!("{} tokens (${dollars:.2})", short(tokens)),
        None => format!("{} tokens", short(tokens)),
    }
}
