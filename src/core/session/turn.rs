//! The turn: ask the model, run what it calls, ask again, until it answers.

use super::calls::Wanted;
use super::ceiling::Over;
use super::loops::Loops;
use super::refusals::Refusals;
use super::window::Room;
use super::{Effect, Session};
use crate::Timestamp;
use crate::event::Live;
use crate::id::{CallId, FrontId, TurnId};
use crate::journal::{Actor, Fact, Outcome, TurnEnd};
use crate::message::{Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, Usage};
use crate::settings::Settings;
use crate::text::RedactStream;
use crate::thought::Thought;
use crate::tokens::Fit;
use crate::tool::{Fault, FaultKind};
use std::collections::BTreeSet;

/// Bytes a model may send in one answer.
const ANSWER: usize = 8 << 20;
/// Calls of one answer that are run; the others are told so.
const CALLS: usize = 64;
/// Calls of one answer after which it is cut off.
const FLOOD: usize = 1_024;
/// Characters kept of a model's reason for a change.
const REASON: usize = 600;

/// Characters kept of a tool's name; one that is longer exists nowhere.
const NAME: usize = 128;

/// The turn that runs.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) front: FrontId,
    pub(super) iteration: u32,
    pub(super) phase: Phase,
    pub(super) loops: Loops,
    pub(super) refusals: Refusals,
    /// The operator said no to a question about money: the turn is not asked another.
    pub(super) thrifty: bool,
    /// The model's words beside the calls of this round.
    pub(super) reason: Option<String>,
    /// Changes whose verification the next request waits for.
    pub(super) holding: BTreeSet<CallId>,
    pub(super) room: Room,
    /// How often the operator let it go over its ceiling.
    pub(super) raised: u32,
}

/// What the turn waits for.
#[derive(Debug)]
pub(super) enum Phase {
    /// The model.
    Streaming(Box<Stream>),
    /// The calls of the round.
    Round,
    /// What the next request takes being counted.
    Counting,
    /// The operator, who is asked whether it may go over its ceiling; or is about to be.
    Ceiling(Over),
}

/// An answer as it comes.
#[derive(Debug, Default)]
pub(super) struct Stream {
    blocks: Vec<Block>,
    /// The beginning of a text block that has not ended.
    text: String,
    usage: Usage,
    bytes: usize,
    calls: usize,
    /// What of a text is held back from the screen because a secret may be beginning in it.
    veil: Option<RedactStream>,
    thought: Option<RedactStream>,
    /// Reasoning that streamed in and has no block yet.
    thinking: String,
}

impl Stream {
    /// All that came: complete blocks, then the beginning of a text.
    pub(super) fn partial(mut self) -> Vec<Block> {
        self.keep_thinking();
        if !self.text.is_empty() {
            self.blocks.push(Block::Text { text: self.text });
        }
        self.blocks
    }

    /// Reasoning that its provider makes no block of is kept as nobody's, before what follows it.
    fn keep_thinking(&mut self) {
        let thinking = std::mem::take(&mut self.thinking);
        if !thinking.trim().is_empty() {
            self.blocks.push(Thought::unsigned(&thinking, ""));
        }
    }
}

impl Session {
    /// A question: a turn begins, unless one runs.
    pub(super) fn ask(&mut self, front: FrontId, text: &str, now: Timestamp) {
        if self.turn.is_some() {
            return self.tell(front, "a turn is running: Esc cancels it");
        }
        if text.trim().is_empty() {
            return self.tell(front, "there is no question: type one");
        }
        let id = TurnId(self.next.turn);
        self.next.turn += 1;
        self.append(Fact::Question { turn: id, text: text.to_owned() }, now);
        self.turn = Some(Turn {
            id,
            front,
            iteration: 0,
            phase: Phase::Round,
            loops: Loops::default(),
            refusals: Refusals::default(),
            thrifty: false,
            reason: None,
            holding: BTreeSet::new(),
            room: Room::default(),
            raised: 0,
        });
    }

    /// Goes on when everything of the round has its result.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let Some(turn) = &self.turn else { return };
        match turn.phase {
            Phase::Streaming(_) | Phase::Counting => return,
            Phase::Ceiling(_) => return self.ask_to_go_on(),
            Phase::Round => {}
        }
        let open = self.calls.values().any(|c| c.turn() == Some(turn.id));
        if open || !turn.holding.is_empty() {
            return;
        }
        if let Some(why) = turn.loops.found() {
            let why = why.to_owned();
            self.end_turn(TurnEnd::Loop(why), now);
        } else if turn.iteration >= self.settings.iterations {
            self.end_turn(TurnEnd::Iterations(self.settings.iterations), now);
        } else {
            self.next_request(now);
        }
    }

    /// What the model is asked next.
    pub(super) fn request(&self, turn: TurnId, iteration: u32, max_tokens: u32) -> Request {
        let Settings { provider, model, effort, .. } = self.settings.clone();
        Request {
            turn,
            iteration,
            effort,
            system: self.system.clone(),
            tools: self.tools.clone(),
            turns: self.transcript.turns(&provider, &model),
            max_tokens,
            provider,
            model,
        }
    }

    /// Asks, for what `fit` says the request takes.
    pub(super) fn ask_model(&mut self, fit: Option<Fit>, max_tokens: u32, now: Timestamp) {
        let Some(turn) = &mut self.turn else { return };
        turn.iteration += 1;
        turn.phase = Phase::Streaming(Box::default());
        let (id, iteration) = (turn.id, turn.iteration);
        let request = self.request(id, iteration, max_tokens);
        let fact = Fact::ModelRequested {
            turn: id,
            iteration,
            provider: request.provider.clone(),
            model: request.model.clone(),
            prompt_hash: self.prompt_hash.clone(),
            bytes: self.transcript.size(&request.provider, &request.model).bytes,
            fit,
        };
        self.append(fact, now);
        self.out.push(Effect::AskModel(request));
    }

    /// The model streams.
    pub(super) fn model(
        &mut self,
        id: TurnId,
        iteration: u32,
        event: Result<ModelEvent, ModelError>,
        now: Timestamp,
    ) {
        let Some(turn) = self.turn.as_mut().filter(|t| (t.id, t.iteration) == (id, iteration)) else {
            return;
        };
        let Phase::Streaming(stream) = &mut turn.phase else { return };
        let live = match event {
            Err(error) => return self.model_failed(error, now),
            Ok(ModelEvent::Done(stop)) => return self.responded(stop, now),
            Ok(ModelEvent::Started) => None,
            Ok(ModelEvent::Usage(usage)) => {
                stream.usage = usage;
                None
            }
            Ok(ModelEvent::TextDelta(text)) => {
                stream.bytes += text.len();
                stream.text.push_str(&text);
                let veil = stream.veil.get_or_insert_with(|| self.redactor.stream());
                Some(Live::Text(id, veil.push(&text)))
            }
            Ok(ModelEvent::ReasoningDelta(text)) => {
                stream.bytes += text.len();
                stream.thinking.push_str(&text);
                let veil = stream.thought.get_or_insert_with(|| self.redactor.stream());
                Some(Live::Reasoning(id, veil.push(&text)))
            }
            Ok(ModelEvent::ToolInputDelta(text)) => {
                stream.bytes += text.len();
                None
            }
            Ok(ModelEvent::ToolCallStart { name }) => {
                Some(Live::Composing(id, name.chars().take(NAME).collect()))
            }
            Ok(ModelEvent::Retrying { wait_ms, why, .. }) => {
                Some(Live::Retrying(id, format!("retrying in {} s: {why}", wait_ms.div_ceil(1000))))
            }
            Ok(ModelEvent::BlockDone(block)) => {
                match &block {
                    Block::Reasoning { .. } => stream.thinking.clear(),
                    Block::Text { .. } | Block::ToolCall { .. } => stream.keep_thinking(),
                }
                match &block {
                    Block::Text { text } => {
                        stream.bytes = (stream.bytes - stream.text.len().min(stream.bytes)) + text.len();
                        stream.text.clear();
                    }
                    Block::ToolCall { name, input, .. } => {
                        stream.calls += 1;
                        stream.bytes += name.len() + input_bytes(input);
                    }
                    Block::Reasoning { raw, .. } => stream.bytes += raw.to_string().len(),
                }
                let rest = match &block {
                    Block::Text { .. } => stream.veil.take().map(|v| Live::Text(id, v.finish())),
                    Block::Reasoning { .. } => stream.thought.take().map(|v| Live::Reasoning(id, v.finish())),
                    Block::ToolCall { .. } => None,
                };
                if !Thought::is_none(&block) {
                    stream.blocks.push(block);
                }
                rest
            }
        };
        let over = stream.bytes > ANSWER || stream.calls > FLOOD;
        self.out.extend(live.filter(says_something).map(Effect::Show));
        if over {
            self.out.push(Effect::CancelModel(id));
            let message = format!("the answer was cut off: more than {} MB or {FLOOD} calls", ANSWER >> 20);
            self.model_failed(ModelError { kind: ModelErrorKind::Invalid, message }, now);
        }
    }

    fn model_failed(&mut self, error: ModelError, now: Timestamp) {
        if let Some((turn, iteration, stream)) = self.take_stream() {
            let too_long = error.kind == ModelErrorKind::TooLong;
            self.append(Fact::ModelFailed { turn, iteration, partial: stream.partial(), error }, now);
            if too_long {
                return self.exceeded(now);
            }
            self.end_turn(TurnEnd::ModelFailed, now);
        }
    }

    /// The answer so far; the turn no longer waits for the model.
    pub(super) fn take_stream(&mut self) -> Option<(TurnId, u32, Stream)> {
        let turn = self.turn.as_mut()?;
        match std::mem::replace(&mut turn.phase, Phase::Round) {
            Phase::Streaming(stream) => Some((turn.id, turn.iteration, *stream)),
            Phase::Round | Phase::Counting | Phase::Ceiling(_) => None,
        }
    }

    fn responded(&mut self, stop: Stop, now: Timestamp) {
        let Some((turn, iteration, stream)) = self.take_stream() else { return };
        let usage = stream.usage;
        let blocks = stream.partial();
        let paused = stop == Stop::PauseTurn;
        let unfinished = unfinished(&stop);
        let exceeded = stop == Stop::ContextExceeded;
        self.append(Fact::ModelResponded { turn, iteration, blocks: blocks.clone(), stop, usage }, now);
        if exceeded {
            return self.exceeded(now);
        }
        match unfinished {
            Some(why) => self.stopped(why, now),
            None => self.act_on(blocks, paused, now),
        }
    }

    pub(super) fn stopped(&mut self, why: &str, now: Timestamp) {
        self.end_turn(TurnEnd::Stopped(why.to_owned()), now);
    }

    /// Runs the calls of an answer, or ends the turn with it.
    fn act_on(&mut self, blocks: Vec<Block>, paused: bool, now: Timestamp) {
        let mut words = String::new();
        let mut wanted = Vec::new();
        for block in blocks {
            match block {
                Block::Text { text } => words.push_str(&text),
                Block::Reasoning { .. } => {}
                Block::ToolCall { id, name, input } => wanted.push((id, name, input)),
            }
        }
        let words = words.trim();
        if wanted.is_empty() {
            return match (paused, words.is_empty()) {
                (true, _) => {}
                (false, true) => self.stopped("the model said nothing", now),
                (false, false) => self.end_turn(TurnEnd::Answered, now),
            };
        }
        if let Some(turn) = &mut self.turn {
            turn.reason = (!words.is_empty()).then(|| words.chars().take(REASON).collect());
        }
        for (index, (id, tool, input)) in wanted.into_iter().enumerate() {
            let Some(turn) = &self.turn else { return };
            let by = Actor::Model { turn: turn.id, iteration: turn.iteration, id };
            let tool: String = tool.chars().take(NAME).collect();
            let args = match input {
                Input::Json(value) => Ok(value),
                Input::Garbage(text) => Err(text),
            };
            if index < CALLS {
                let front = turn.front;
                self.begin(Wanted { by, front, tool, args, fresh: false }, now);
            } else {
                self.too_many(by, tool, args.unwrap_or_else(serde_json::Value::String), now);
            }
        }
    }

    /// A call beyond what one answer may ask for.
    fn too_many(&mut self, by: Actor, tool: String, args: serde_json::Value, now: Timestamp) {
        let call = CallId(self.next.call);
        self.next.call += 1;
        let fault =
            Fault::new(FaultKind::Invalid, format!("only the first {CALLS} calls of an answer are run"))
                .hint("call it again in the next answer if it is still needed");
        self.append(Fact::ToolCalled { call, by, tool, risk: None, args }, now);
        self.append(Fact::ToolFinished { call, outcome: Outcome::Failed { fault } }, now);
    }

    /// The turn is over.
    pub(super) fn end_turn(&mut self, reason: TurnEnd, now: Timestamp) {
        if let Some(turn) = self.turn.take() {
            self.append(Fact::TurnEnded { turn: turn.id, reason }, now);
        }
    }
}

/// Why an answer is not to be acted on.
fn unfinished(stop: &Stop) -> Option<&'static str> {
    match stop {
        Stop::MaxTokens => Some("the answer was cut off at the output limit"),
        Stop::Refusal => Some("the model declined to answer"),
        // Has its own way on.
        Stop::ContextExceeded => None,
        Stop::EndTurn | Stop::ToolUse | Stop::StopSequence | Stop::PauseTurn | Stop::Other(_) => None,
    }
}

fn input_bytes(input: &Input) -> usize {
    match input {
        Input::Json(value) => value.to_string().len(),
        Input::Garbage(text) => text.len(),
    }
}

/// Whether there is anything to show: all of a piece may be held back.
fn says_something(live: &Live) -> bool {
    match live {
        Live::Text(_, text) | Live::Reasoning(_, text) => !text.is_empty(),
        Live::Composing(..)
        | Live::Retrying(..)
        | Live::Progress(..)
        | Live::Evaluating(_)
        | Live::Counting(_) => true,
    }
}
