//! The model's view of the journal: a conversation every provider accepts.
//!
//! What was sent once is rendered once and changes only where an entry says so (older turns were summarized, results
//! shortened), so that a provider's prompt cache holds and a long session costs no more a round than a short one. Every
//! call has exactly one result, results come first and in call order, what has no result gets one that says whether
//! anything may have happened.

use super::normal::Ids;
use super::render;
use super::round::{Round, Slot, Standing};
use super::said::Said;
use super::{Actor, Entry, Fact, Outcome, Timeline, WriteEffect};
use crate::id::{CallId, TurnId};
use crate::message::{Block, Stop, Turn, Turns, UserPart};
use crate::tokens::Size;
use crate::tool::ROUND_CAP;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The conversation, kept up to date entry by entry.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// What was said, final.
    said: Vec<Said>,
    /// The calls of the last answer.
    round: Option<Round>,
    /// Words for the next user turn.
    words: VecDeque<Words>,
    /// How many of them the request that runs was sent.
    sent: Option<usize>,
    /// The last answer paused and is to be continued as it is.
    paused: bool,
    /// Calls whose result will be told in words: a person's, and those whose round is over.
    told: HashMap<CallId, Told>,
    ids: Ids,
    setting: render::Setting,
    /// Bytes the results of one round may take together, as the last request had it.
    results: usize,
}

/// One text part of the next user turn.
#[derive(Clone, Debug)]
struct Words {
    text: String,
    kind: Kind,
}

/// What words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Said,
    /// The question of this turn, and the line about where and when it is asked.
    Asked(TurnId),
    /// Something a person ran: may be left out when there is too much of it.
    Explored,
    /// How many of those were.
    LeftOut(usize),
}

/// A call whose result is told in words.
#[derive(Clone, Debug)]
enum Told {
    Human { tool: String, args: String },
    Late { tool: String },
}

impl Default for Transcript {
    fn default() -> Self {
        Self {
            said: Vec::new(),
            round: None,
            words: VecDeque::new(),
            sent: None,
            paused: false,
            told: HashMap::new(),
            ids: Ids::default(),
            setting: render::Setting::default(),
            results: ROUND_CAP,
        }
    }
}

impl Transcript {
    /// Takes in the next entry, after `timeline` has.
    pub fn apply(&mut self, entry: &Arc<Entry>, timeline: &Timeline) {
        match &entry.fact {
            Fact::ScopeChanged { scope } => self.setting.scope(scope),
            Fact::ModeChanged { mode } => self.setting.mode(*mode),
            Fact::Question { turn, text } => {
                let line = self.setting.line(Some(entry.at));
                self.words.push_back(Words { text: line, kind: Kind::Asked(*turn) });
                if !text.trim().is_empty() {
                    self.words.push_back(Words { text: text.clone(), kind: Kind::Asked(*turn) });
                }
            }
            Fact::ModelRequested { fit, .. } => {
                if let Some(fit) = fit {
                    self.results = usize::try_from(fit.results).unwrap_or(ROUND_CAP).min(ROUND_CAP);
                }
                self.sent = Some(self.words.len());
                if let Some(round) = &mut self.round {
                    round.sent = true;
                }
            }
            Fact::ModelResponded { turn, iteration, blocks, stop, .. } => {
                let said = self.answer(*turn, *iteration, blocks.clone());
                self.paused =
                    *stop == Stop::PauseTurn && self.round.as_ref().is_some_and(|r| r.slots.is_empty());
                if said && *stop == Stop::ContextExceeded {
                    self.say(render::CUT_OFF.to_owned());
                }
            }
            Fact::ModelFailed { turn, iteration, partial, .. } => {
                // A call of an answer that failed was never begun; only the words are kept.
                let words =
                    partial.iter().filter(|b| !matches!(b, Block::ToolCall { .. })).cloned().collect();
                self.answer(*turn, *iteration, words);
            }
            Fact::ToolCalled { call, by, tool, args, .. } => self.called(*call, by, tool, args),
            Fact::ToolFinished { call, outcome } => self.finished(*call, outcome, timeline),
            Fact::Refused { call, .. } => self.stands(*call, Standing::Denied),
            Fact::WriteIntended { call, .. } => self.stands(*call, Standing::Sent),
            Fact::WriteConcluded { call, effect } => self.stands(
                *call,
                match effect {
                    WriteEffect::Done => Standing::Done,
                    WriteEffect::NotDone => Standing::NotDone,
                    WriteEffect::Unknown => Standing::Sent,
                },
            ),
            Fact::Verified { call, summary, reached } => {
                let line = render::verified(timeline.of_call(*call), summary, *reached);
                match self.slot(*call) {
                    Some(slot) => slot.after.push(line),
                    None => self.say(line),
                }
            }
            Fact::Compacted { before, text, .. } => self.compact(*before, text),
            Fact::Shortened { calls, bare, .. } => {
                self.said.iter_mut().for_each(|said| said.shorten(calls, timeline, *bare));
            }
            Fact::SessionStarted { .. }
            | Fact::SessionResumed { .. }
            | Fact::SettingsChanged { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::Approved { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::TurnEnded { .. }
            | Fact::Noted { .. }
            | Fact::Evaluated { .. } => {}
        }
    }

    /// The conversation as `model` of `provider` is sent it. Reasoning of any other is left out.
    #[must_use]
    pub fn turns(&self, provider: &str, model: &str) -> Turns {
        let mut turns: Turns = self.said.iter().map(|said| said.for_model(provider, model)).collect();
        // What was said ends with an answer, so a user turn is next.
        let parts = if self.paused { Vec::new() } else { self.user_parts(self.words.len()) };
        if !parts.is_empty() {
            turns.push(Turn::User { parts });
        }
        turns
    }

    /// How much `turns` would be.
    #[must_use]
    pub fn size(&self, provider: &str, model: &str) -> Size {
        self.said.iter().map(|said| said.size(provider, model)).sum::<Size>().plus(self.pending())
    }

    /// How much of it came after the last answer.
    #[must_use]
    pub fn pending(&self) -> Size {
        if self.paused {
            return Size::default();
        }
        self.user_parts(self.words.len()).iter().map(Size::part).sum()
    }

    /// Each turn, oldest first, with how much there is from its question on.
    #[must_use]
    pub(crate) fn turns_from(&self, provider: &str, model: &str) -> Vec<(TurnId, Size)> {
        let mut after = Size::default();
        let mut out = Vec::new();
        for words in self.words.iter().rev() {
            after = after.plus(Size::prose(&words.text));
            if let Kind::Asked(turn) = words.kind {
                out.push((turn, after));
            }
        }
        after = self.pending();
        for said in self.said.iter().rev() {
            after = after.plus(said.size(provider, model));
            out.extend(said.asked().map(|turn| (turn, after)));
        }
        out.reverse();
        out.dedup_by_key(|(turn, _)| *turn);
        out
    }

    /// The results of earlier rounds that can be put shorter, oldest first, and the tokens that saves.
    pub(crate) fn shortenable(&self, timeline: &Timeline, bare: bool) -> impl Iterator<Item = (CallId, u64)> {
        self.said.iter().flat_map(move |said| said.shortenable(timeline, bare))
    }

    /// Puts `summary` in the place of everything before the question of the turn `before`.
    fn compact(&mut self, before: TurnId, summary: &str) {
        let summary = if summary.trim().is_empty() { render::NO_SUMMARY } else { summary };
        let head = [summary.to_owned(), self.setting.line(None)];
        // A request that runs was sent more than there is now.
        self.sent = None;
        let first =
            self.said.iter().enumerate().find_map(|(index, said)| Some((index, said.begins(before)?)));
        if let Some((index, part)) = first {
            self.said.drain(..index);
            let head = head.map(|text| UserPart::Text { text }).to_vec();
            if let Some(said) = self.said.first_mut() {
                said.begin_at(part, head);
            }
            return;
        }
        self.end_round();
        self.said.clear();
        self.paused = false;
        let asked = |w: &Words| matches!(w.kind, Kind::Asked(turn) if turn >= before);
        let kept = self.words.iter().position(asked).unwrap_or(self.words.len());
        self.words.drain(..kept);
        for text in head.into_iter().rev() {
            self.words.push_front(Words { text, kind: Kind::Said });
        }
    }

    fn say(&mut self, text: String) {
        if !text.trim().is_empty() {
            self.words.push_back(Words { text, kind: Kind::Said });
        }
    }

    /// Something a person ran. The oldest are left out when all together are more than a round may be.
    fn explored(&mut self, text: String) {
        self.words.push_back(Words { text, kind: Kind::Explored });
        let from = self.sent.unwrap_or(0);
        let explored = |w: &&Words| w.kind == Kind::Explored;
        let mut bytes: usize = self.words.iter().skip(from).filter(explored).map(|w| w.text.len()).sum();
        while bytes > self.results {
            let oldest = (from..self.words.len() - 1)
                .find(|i| self.words.get(*i).is_some_and(|w| w.kind == Kind::Explored))
                .and_then(|i| self.words.remove(i));
            let Some(oldest) = oldest else { break };
            bytes -= oldest.text.len();
            self.leave_out(from);
        }
    }

    /// Says at `from` that one more call is left out.
    fn leave_out(&mut self, from: usize) {
        let before = match self.words.get(from).map(|w| w.kind) {
            Some(Kind::LeftOut(n)) => n,
            Some(Kind::Said | Kind::Asked(_) | Kind::Explored) | None => {
                self.words.insert(from, Words { text: String::new(), kind: Kind::LeftOut(0) });
                0
            }
        };
        if let Some(words) = self.words.get_mut(from) {
            *words = Words { text: render::left_out(before + 1), kind: Kind::LeftOut(before + 1) };
        }
    }

    /// The slot of a call in the last round, unless its results were sent already.
    fn slot(&mut self, call: CallId) -> Option<&mut Slot> {
        let round = self.round.as_mut().filter(|r| !r.sent)?;
        round.slots.iter_mut().find(|s| s.call == Some(call))
    }

    fn stands(&mut self, call: CallId, standing: Standing) {
        if let Some(slot) = self.slot(call) {
            slot.standing = standing;
        }
    }

    fn called(&mut self, call: CallId, by: &Actor, tool: &str, args: &Value) {
        match by {
            Actor::Human => {
                let args = render::short(&args.to_string());
                self.told.insert(call, Told::Human { tool: tool.to_owned(), args });
            }
            Actor::Verification { .. } => {}
            Actor::Model { turn, iteration, .. } => {
                let Some(round) =
                    self.round.as_mut().filter(|r| (r.turn, r.iteration) == (*turn, *iteration))
                else {
                    return;
                };
                if round.slots.iter().any(|s| s.call == Some(call)) {
                    return;
                }
                if round.sent {
                    self.told.insert(call, Told::Late { tool: tool.to_owned() });
                    return;
                }
                if let Some(slot) = round.slots.iter_mut().find(|s| s.call.is_none()) {
                    slot.call = Some(call);
                    slot.standing = Standing::Begun;
                }
            }
        }
    }

    fn finished(&mut self, call: CallId, outcome: &Outcome, timeline: &Timeline) {
        let step = timeline.of_call(call);
        let same_as = match outcome {
            Outcome::Ok { reused: Some(from), .. } => timeline.of_call(*from).map(|s| s.no),
            Outcome::Ok { reused: None, .. } | Outcome::Failed { .. } | Outcome::Recorded => None,
        };
        match self.told.remove(&call) {
            Some(Told::Human { tool, args }) => {
                let text = render::ran(step.map(|s| s.no), &tool, &args, outcome);
                self.explored(text);
                return;
            }
            Some(Told::Late { tool }) => {
                self.say(render::late(step.map(|s| s.no), &tool, outcome));
                return;
            }
            None => {}
        }
        let Some(round) = &mut self.round else { return };
        let (cap, sent) = (round.cap(), round.sent);
        let Some(slot) = round.slots.iter_mut().find(|s| s.call == Some(call) && s.result.is_none()) else {
            return;
        };
        if sent {
            let tool = slot.name.clone();
            self.say(render::late(step.map(|s| s.no), &tool, outcome));
        } else {
            slot.result = Some(render::result(step.map(|s| s.no), outcome, same_as, cap));
        }
    }

    /// The model's answer: what it was answered to becomes final, then the answer does. Whether there is one.
    fn answer(&mut self, turn: TurnId, iteration: u32, blocks: Vec<Block>) -> bool {
        let sent = self.sent.take();
        let (blocks, slots) = self.ids.normalized(blocks);
        if blocks.is_empty() {
            return false;
        }
        let words = if self.paused { 0 } else { sent.unwrap_or(self.words.len()) };
        let parts = self.user_parts(words);
        let (calls, asked) = self.about(words);
        self.words.drain(..words.min(self.words.len()));
        if !parts.is_empty() {
            self.said.push(Said::user(parts, calls, asked));
        } else if self.said.is_empty() {
            let text = "(no question)".to_owned();
            self.said.push(Said::user(vec![UserPart::Text { text }], Vec::new(), Vec::new()));
        }
        self.end_round();
        match self.said.last_mut() {
            Some(said) if said.is_answer() => said.goes_on(blocks),
            Some(_) | None => self.said.push(Said::assistant(blocks)),
        }
        self.round = Some(Round { turn, iteration, slots, sent: false, results: self.results });
        self.paused = false;
        true
    }

    /// The round is over: results that come now are told in words.
    fn end_round(&mut self) {
        for slot in self.round.take().into_iter().flat_map(|over| over.slots) {
            if let (Some(call), None) = (slot.call, slot.result) {
                self.told.insert(call, Told::Late { tool: slot.name });
            }
        }
    }

    /// Of the next user turn: the calls of its results, and where among its parts questions begin.
    fn about(&self, words: usize) -> (Vec<Option<CallId>>, Vec<(TurnId, usize)>) {
        let slots = self.round.iter().flat_map(|r| &r.slots);
        let calls: Vec<Option<CallId>> = slots.map(Slot::may_be_shortened).collect();
        let mut asked: Vec<(TurnId, usize)> = Vec::new();
        for (index, words) in self.words.iter().take(words).enumerate() {
            if let Kind::Asked(turn) = words.kind
                && asked.last().is_none_or(|(last, _)| *last != turn)
            {
                asked.push((turn, calls.len() + index));
            }
        }
        (calls, asked)
    }

    /// Results of the last round, then the first `words` words.
    fn user_parts(&self, words: usize) -> Vec<UserPart> {
        let results = self.round.iter().flat_map(|r| r.slots.iter().map(Slot::part));
        let words = self.words.iter().take(words).map(|w| UserPart::Text { text: w.text.clone() });
        results.chain(words).collect()
    }
}
