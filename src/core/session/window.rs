//! The model's window: what the next request takes of it, and making room when that is too much.
//!
//! The estimate decides as long as it can; only when the window is nearly full is the provider asked to count. At the
//! beginning of a turn older turns are summarized, within one the results of its earlier rounds are put shorter. Both are
//! facts: the conversation is the same after a restart.

use super::turn::Phase;
use super::{Effect, Session, Wake};
use crate::Timestamp;
use crate::event::Live;
use crate::id::TurnId;
use crate::journal::{Fact, recap};
use crate::models::{Api, Caps};
use crate::tokens::{Fit, Size, Tokens, short};
use crate::tool::ROUND_CAP;
use std::time::Duration;

/// Percent of the room from which on the provider is asked to count.
const COUNT: u64 = 70;
/// Percent of the room above which older turns are summarized.
const FULL: u64 = 75;
/// Percent of the room the conversation may take afterwards.
const EASED: u64 = 50;
/// Percent of the room results are put shorter to.
const SHORTENED: u64 = 85;
/// Percent of what a request took that its repetition may, after the provider had said that it was too much.
const EXCEEDED: u64 = 60;
/// How long counting may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A window below which answers get a small share of it.
const SMALL: u64 = 64_000;
/// Bytes that all results of a round may take however small the window is.
const LEAST_ROUND: u64 = 4_000;
/// Bytes a summary of older turns may take.
const RECAP: (u64, u64) = (2_000, 24_000);

/// What the turn that runs knows about its room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// What the provider counted for the next request.
    counted: Option<Tokens>,
    /// The request that was counted, or should have been: not again.
    asked: Option<u32>,
    /// Tokens a request may take since the provider said that there is no more room.
    limit: Option<u64>,
}

/// A model's window as requests use it.
struct Window {
    caps: Caps,
    /// Upper bound of an answer.
    answer: u32,
    /// Tokens for everything else.
    room: u64,
}

impl Session {
    /// The next request: counted, made to fit, paid for, sent.
    pub(super) fn next_request(&mut self, now: Timestamp) {
        let window = self.window();
        // Runbooks read no tokens.
        if self.models.provider(&self.settings.provider).is_some_and(|p| p.api == Api::Runbooks) {
            return self.ask_model(None, window.answer, now);
        }
        let Some(turn) = &mut self.turn else { return };
        let (id, iteration) = (turn.id, turn.iteration + 1);
        let counted = turn.room.counted.take();
        // Where the provider has said that there is no room, there is nothing to count.
        let counts = turn.room.asked != Some(iteration) && turn.room.limit.is_none();
        let mut next = counted.unwrap_or_else(|| self.forecast());
        if counted.is_none() && counts && self.may_count() && percent(next, window.room) >= COUNT {
            return self.count(id, iteration, window.answer, now);
        }
        let squeezed = self.turn.as_ref().is_some_and(|t| t.room.limit.is_some());
        let crowded = iteration == 1 && percent(next, window.room) > FULL;
        let over = next.count() > window.room;
        if (crowded || (squeezed && over)) && self.compact(&window, next, now) {
            next = self.forecast();
        }
        if next.count() > window.room && self.shorten(&window, next, now) {
            next = self.forecast();
        }
        if next.count() > window.room {
            return self.no_room(now);
        }
        if self.over_ceiling(next, &window.caps, window.answer, now) {
            return;
        }
        let fit = Fit { tokens: next, bare: self.bare(), room: window.room, results: self.results(&window) };
        self.ask_model(Some(fit), window.answer, now);
    }

    /// What the provider counted.
    pub(super) fn counted(&mut self, id: TurnId, iteration: u32, tokens: Tokens) {
        let bare = self.bare();
        let Some(turn) = self.turn.as_mut().filter(|t| (t.id, t.iteration + 1) == (id, iteration)) else {
            return;
        };
        if !matches!(turn.phase, Phase::Counting) {
            return;
        }
        turn.phase = Phase::Round;
        match tokens {
            Tokens::Exact(counted) => {
                turn.room.counted = Some(tokens);
                self.meter.correct(&self.settings.provider, &self.settings.model, counted, bare);
            }
            // Ours is better: it knows what earlier requests took.
            Tokens::Estimate(_) => {
                self.uncounted = Some((self.settings.provider.clone(), self.settings.model.clone()));
            }
        }
    }

    /// Counting took too long.
    pub(super) fn count_late(&mut self, id: TurnId, iteration: u32) {
        let waits = |t: &&mut super::turn::Turn| {
            (t.id, t.iteration + 1) == (id, iteration) && matches!(t.phase, Phase::Counting)
        };
        if let Some(turn) = self.turn.as_mut().filter(waits) {
            turn.phase = Phase::Round;
            self.out.push(Effect::CancelModel(id));
        }
    }

    /// The provider said that the conversation no longer fits: room is made and it is asked once more.
    pub(super) fn exceeded(&mut self, now: Timestamp) {
        let took = self.forecast().count();
        match &mut self.turn {
            Some(turn) if turn.room.limit.is_none() => turn.room.limit = Some(took * EXCEEDED / 100),
            Some(_) | None => self.no_room(now),
        }
    }

    fn count(&mut self, id: TurnId, iteration: u32, answer: u32, now: Timestamp) {
        let request = self.request(id, iteration, answer);
        if let Some(turn) = &mut self.turn {
            turn.phase = Phase::Counting;
            turn.room.asked = Some(iteration);
        }
        self.out.push(Effect::Show(Live::Counting(id)));
        self.out.push(Effect::CountTokens(request));
        self.out.push(Effect::WakeAt(Wake::Count(id, iteration), now.plus(PATIENCE)));
    }

    /// Whether this model's provider counts, as far as is known.
    fn may_count(&self) -> bool {
        let set = (&self.settings.provider, &self.settings.model);
        self.uncounted.as_ref().is_none_or(|(provider, model)| (provider, model) != set)
    }

    /// Summarizes older turns until half of the room is left, if that helps.
    fn compact(&mut self, window: &Window, next: Tokens, now: Timestamp) -> bool {
        let (provider, model) = (self.settings.provider.clone(), self.settings.model.clone());
        let Some(current) = self.turn.as_ref().map(|t| t.id) else { return false };
        let most = (window.room.saturating_sub(self.head) * 4 / 6).clamp(RECAP.0, RECAP.1);
        let after =
            |from: u64, bytes: u64| self.meter.corrected(&provider, &model, self.head + bytes / 4 + from);
        let turns = self.transcript.turns_from(&provider, &model);
        let goal = window.room * EASED / 100;
        // From the oldest on there is nothing older.
        let fits = |(turn, from): &&(TurnId, Size)| *turn >= current || after(from.tokens, most) <= goal;
        let Some((before, from)) = turns.iter().skip(1).chain(turns.last()).find(fits) else { return false };
        let (before, from) = (*before, from.tokens);
        let recap = recap(&self.entries, &self.timeline, before, usize::try_from(most).unwrap_or(usize::MAX));
        let bytes = u64::try_from(recap.text.len()).unwrap_or(u64::MAX);
        let tokens_after = after(from, bytes);
        if tokens_after >= next.count() || recap.lines == 0 {
            return false;
        }
        let tokens_before = next.count();
        let fact =
            Fact::Compacted { before, text: recap.text, turns: recap.turns, tokens_before, tokens_after };
        self.append(fact, now);
        true
    }

    /// Puts results of earlier rounds shorter, oldest first, until there is room again.
    fn shorten(&mut self, window: &Window, next: Tokens, now: Timestamp) -> bool {
        let (provider, model) = (self.settings.provider.clone(), self.settings.model.clone());
        let Some(turn) = self.turn.as_ref().map(|t| t.id) else { return false };
        let goal = window.room * SHORTENED / 100;
        let mut takes = next.count();
        let mut done = false;
        for bare in [false, true] {
            let mut calls = Vec::new();
            let tokens_before = takes;
            for (call, saved) in self.transcript.shortenable(&self.timeline, bare) {
                if takes <= goal {
                    break;
                }
                takes = takes.saturating_sub(self.meter.corrected(&provider, &model, saved));
                calls.push(call);
            }
            if !calls.is_empty() {
                done = true;
                let fact = Fact::Shortened { turn, calls, bare, tokens_before, tokens_after: takes };
                self.append(fact, now);
            }
        }
        done
    }

    fn no_room(&mut self, now: Timestamp) {
        let window = self.models.lookup(&self.settings.provider, &self.settings.model).window;
        let why = format!(
            "the conversation no longer fits the model's window of {} tokens: begin a new session, or switch to a model \
             with a larger one (:model)",
            short(window)
        );
        self.stopped(&why, now);
    }

    /// What the next request takes, as well as it can be known without asking.
    fn forecast(&self) -> Tokens {
        let (provider, model) = (&self.settings.provider, &self.settings.model);
        let added = self.transcript.pending().tokens;
        self.meter.forecast(provider, model, self.bare(), added)
    }

    /// The same from its bytes alone.
    fn bare(&self) -> u64 {
        self.head + self.transcript.size(&self.settings.provider, &self.settings.model).tokens
    }

    /// Bytes all results of the next round may take: a fifth of what the window has for the conversation.
    fn results(&self, window: &Window) -> u64 {
        let most = u64::try_from(ROUND_CAP).unwrap_or(u64::MAX);
        (window.room.saturating_sub(self.head) / 5 * 32 / 10).clamp(LEAST_ROUND, most)
    }

    fn window(&self) -> Window {
        let caps = self.models.lookup(&self.settings.provider, &self.settings.model);
        let share = if caps.window <= SMALL { caps.window / 8 } else { caps.window / 2 };
        let share = u32::try_from(share).unwrap_or(u32::MAX).max(1);
        let answer = self.settings.max_tokens.min(caps.max_output).min(share);
        let room = caps.window.saturating_sub(u64::from(answer));
        let limit = self.turn.as_ref().and_then(|t| t.room.limit).unwrap_or(u64::MAX);
        Window { caps, answer, room: room.min(limit) }
    }
}

fn percent(tokens: Tokens, room: u64) -> u64 {
    tokens.count() * 100 / room.max(1)
}
