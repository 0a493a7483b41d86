//! Journals for tests of what is sent to models: by hand, and from bytes that decide everything; include it with `#[path]`.
//! It needs the core and `serde_json` only.
#![allow(dead_code)] // each test that includes it uses another part

use quarterdeck_core::Timestamp;
use quarterdeck_core::id::{CallId, Seq, TurnId};
use quarterdeck_core::journal::{
    Actor, CallStats, Entry, Fact, Outcome, Timeline, Transcript, TurnEnd, VERSION,
};
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, Request, Stop, ToolDef, Turns, Usage,
};
use quarterdeck_core::scope::Mode;
use quarterdeck_core::tool::{Fault, FaultKind, Projection, Risk};
use serde_json::{Value, json};
use std::sync::Arc;

/// The turn that everything belongs to.
pub const TURN: TurnId = TurnId(1);

/// A provider and one of its models.
pub type Who = (&'static str, &'static str);

/// Everybody whose answers a journal may hold.
pub const ALL: [Who; 6] = [
    ("anthropic", "claude-sonnet-5-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("bedrock-messages", "anthropic.claude-sonnet-5-5"),
    ("bedrock", "eu.anthropic.claude-sonnet-5-5"),
    ("openai", "gpt-6.1-sol"),
    ("openai-compatible", "qwen3"),
];

/// A journal and the conversation it stands for.
#[derive(Default)]
pub struct Book {
    entries: u64,
    timeline: Timeline,
    transcript: Transcript,
}

impl Book {
    /// With these facts.
    pub fn of(facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut book = Self::default();
        facts.into_iter().for_each(|fact| book.add(fact));
        book
    }

    /// Appends a fact.
    pub fn add(&mut self, fact: Fact) {
        let at = Timestamp::from_millis(1_795_143_845_000 + self.entries.cast_signed() * 100);
        let seq = Seq(self.entries);
        let entry = Arc::new(Entry { v: VERSION, seq, prev_hash: String::new(), at, fact });
        self.timeline.apply(&entry);
        self.transcript.apply(&entry, &self.timeline);
        self.entries += 1;
    }

    /// The conversation for a model.
    pub fn turns(&self, (provider, model): Who) -> Turns {
        self.transcript.turns(provider, model)
    }
}

/// The operator asks.
pub fn question(text: &str) -> Fact {
    question_of(TURN, text)
}

/// The operator asks in this turn.
pub fn question_of(turn: TurnId, text: &str) -> Fact {
    Fact::Question { turn, text: text.to_owned() }
}

/// What was said before this turn is now a summary.
pub fn compacted(before: TurnId) -> Fact {
    Fact::Compacted {
        before,
        text: "In short: 2 of 4 tasks run [#1].".to_owned(),
        turns: 2,
        tokens_before: 9_000,
        tokens_after: 900,
    }
}

/// The results of these calls are now a line each.
pub fn shortened(calls: &[u64], bare: bool) -> Fact {
    let calls = calls.iter().map(|call| CallId(*call)).collect();
    Fact::Shortened { turn: TURN, calls, bare, tokens_before: 9_000, tokens_after: 900 }
}

/// A model is asked.
pub fn requested(iteration: u32) -> Fact {
    Fact::ModelRequested {
        turn: TURN,
        iteration,
        provider: "p".to_owned(),
        model: "m".to_owned(),
        prompt_hash: String::new(),
        bytes: 1,
        fit: None,
    }
}

/// It answers.
pub fn responded(iteration: u32, blocks: Vec<Block>, stop: Stop) -> Fact {
    Fact::ModelResponded { turn: TURN, iteration, blocks, stop, usage: Usage::default() }
}

/// A call begins.
pub fn called(call: u64, iteration: u32, tool: &str) -> Fact {
    Fact::ToolCalled {
        call: CallId(call),
        by: Actor::Model { turn: TURN, iteration, id: String::new() },
        tool: tool.to_owned(),
        risk: Some(Risk::Read),
        args: json!({}),
    }
}

/// A call ends well, with this summary.
pub fn finished(call: u64, summary: &str) -> Fact {
    let projection = Arc::new(Projection::new(summary, Timestamp::from_millis(1_795_143_845_000)));
    let outcome = Outcome::Ok { projection, reused: None, stats: CallStats::default() };
    Fact::ToolFinished { call: CallId(call), outcome }
}

/// A call fails.
pub fn failed(call: u64, kind: FaultKind, message: &str) -> Fact {
    Fact::ToolFinished { call: CallId(call), outcome: Outcome::Failed { fault: Fault::new(kind, message) } }
}

/// A call is written down and not run.
pub fn recorded(call: u64) -> Fact {
    Fact::ToolFinished { call: CallId(call), outcome: Outcome::Recorded }
}

/// A fact by its stored form, for those whose parts only the core can make.
pub fn stored(fact: Value) -> Fact {
    serde_json::from_value(fact).expect("a fact")
}

/// The operator refuses a change.
pub fn refused(call: u64) -> Fact {
    stored(json!({ "fact": "refused", "call": call, "approval": null, "by": "operator", "note": "not now" }))
}

/// A change goes out.
pub fn intended(call: u64) -> Fact {
    stored(json!({ "fact": "write_intended", "call": call, "approval": call, "digest": "00" }))
}

/// Words.
pub fn text(text: &str) -> Block {
    Block::Text { text: text.to_owned() }
}

/// A call for.
pub fn wants(id: &str, name: &str, args: Value) -> Block {
    Block::ToolCall { id: id.to_owned(), name: name.to_owned(), input: Input::Json(args) }
}

/// What marks reasoning as this model's own.
pub fn owner((provider, model): Who) -> String {
    format!("thought by {provider}/{model}")
}

/// Reasoning as the model's own stream gives it.
pub fn reasoning(who: Who) -> Block {
    let thought = owner(who);
    let raw = match who.0 {
        "openai" => json!({ "type": "reasoning", "id": "rs_1", "encrypted_content": "Z0FB",
            "summary": [{ "type": "summary_text", "text": thought }] }),
        "bedrock" => {
            json!({ "reasoningContent": { "reasoningText": { "text": thought, "signature": "c2ln" } } })
        }
        _ => json!({ "type": "thinking", "thinking": thought, "signature": "c2ln" }),
    };
    Block::Reasoning { provider: who.0.to_owned(), model: who.1.to_owned(), raw }
}

/// What a request needs besides.
pub fn request(who: Who, tools: Arc<[ToolDef]>, turns: Turns) -> Request {
    Request {
        turn: TURN,
        iteration: 1,
        provider: who.0.to_owned(),
        model: who.1.to_owned(),
        effort: None,
        system: "Be right.".into(),
        tools,
        turns,
        max_tokens: 4_000,
    }
}

/// Tools, not in order.
pub fn some_tools() -> Arc<[ToolDef]> {
    ["list_ecs_services", "get_active_alarms", "stop_instances"]
        .map(|name| ToolDef {
            name: name.to_owned(),
            description: format!("About {name}."),
            schema: json!({ "type": "object", "properties": {} }),
        })
        .into()
}

/// Decisions out of bytes; when they are used up, always the first.
pub struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    /// From these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn over(&self) -> bool {
        self.0.len() == 0
    }
}

/// A journal that these bytes decide: rounds with calls that are cancelled, denied, crashed, answered twice, out of order or
/// not at all, made-up ids, names and arguments, other models' reasoning, and facts that belong to nothing.
pub fn any(bytes: &[u8]) -> Book {
    let mut dice = Dice::new(bytes);
    let mut book = Book::default();
    let (mut iteration, mut call, mut turn) = (0, 0, 1);
    while !dice.over() {
        match dice.below(8) {
            0 => {
                turn += dice.below(2) as u64;
                let words = ["why is checkout down?", " ", "\u{1b}[31mund n\u{fc}n?\u{202e}"];
                book.add(question_of(TurnId(turn), dice.of(&words)));
                if dice.below(4) == 3 {
                    book.add(compacted(TurnId(turn)));
                }
            }
            1 => book.add(anything(&mut dice)),
            2 => book.add(Fact::ModeChanged { mode: dice.of(&[Mode::ReadOnly, Mode::Track, Mode::Execute]) }),
            _ => {
                iteration += 1;
                round(&mut book, &mut dice, iteration, &mut call);
            }
        }
    }
    book
}

/// One round, with what can go wrong in it.
fn round(book: &mut Book, dice: &mut Dice<'_>, iteration: u32, call: &mut u64) {
    book.add(requested(iteration));
    let blocks: Vec<Block> = (0..dice.below(6)).map(|_| block(dice)).collect();
    let calls = blocks.iter().filter(|b| matches!(b, Block::ToolCall { .. })).count() as u64;
    if dice.below(8) == 7 {
        let error = ModelError { kind: ModelErrorKind::Truncated, message: "cut".to_owned() };
        book.add(Fact::ModelFailed { turn: TURN, iteration, partial: blocks, error });
        return;
    }
    let stop = dice.of(&[Stop::ToolUse, Stop::EndTurn, Stop::PauseTurn, Stop::MaxTokens]);
    book.add(responded(iteration, blocks, stop));
    let begun: Vec<u64> = (*call + 1..=*call + calls).filter(|_| dice.below(8) != 7).collect();
    *call += calls;
    for id in &begun {
        book.add(called(*id, iteration, "t"));
    }
    let mut ending = begun.clone();
    if dice.below(2) == 1 {
        ending.reverse();
    }
    if dice.below(4) == 3 {
        ending.extend(begun);
    }
    for id in ending {
        match dice.below(10) {
            0 => {}
            1 => book.add(failed(
                id,
                FaultKind::Denied,
                "User: x is not authorized to perform: ecs:ListServices",
            )),
            2 => book.add(failed(id, FaultKind::Cancelled, "")),
            3 => book.add(recorded(id)),
            4 => book.add(refused(id)),
            5 => book.add(intended(id)),
            6 => book.add(finished(id, "")),
            7 => book.add(finished(id, "\u{1b}]0;owned\u{7}\u{feff}\u{1f9ef}")),
            _ => book.add(finished(id, "2 alarms")),
        }
    }
    if dice.below(8) == 7 {
        book.add(Fact::TurnEnded { turn: TURN, reason: TurnEnd::Crashed });
        book.add(Fact::SessionResumed { version: "1".to_owned() });
    }
}

fn block(dice: &mut Dice<'_>) -> Block {
    let long = "n".repeat(200);
    match dice.below(6) {
        0 => text(dice.of(&["words", " \n", "", "\u{1b}[2J \u{200b}gr\u{fc}n \u{1f469}\u{200d}\u{1f680}"])),
        1 | 2 => reasoning(dice.of(&ALL)),
        _ => {
            let id = dice
                .of(&["toolu_1", "dup", "dup", "", "id with spaces", "\u{f6}\u{e4}\u{fc}", &long])
                .to_owned();
            let name =
                dice.of(&["get_active_alarms", "stop_instances", "made/up name", "", &long]).to_owned();
            let input = dice.of(&[
                Input::Json(json!({})),
                Input::Json(json!({ "state": "ALARM", "deep": { "a": [1, null, "\u{1f9ef}"] } })),
                Input::Json(json!([1, 2])),
                Input::Json(Value::Null),
                Input::Json(json!("text")),
                Input::Garbage("{\"x\": ".to_owned()),
            ]);
            Block::ToolCall { id, name, input }
        }
    }
}

/// A fact out of place.
fn anything(dice: &mut Dice<'_>) -> Fact {
    let call = dice.below(6) as u64;
    let n = u32::try_from(dice.below(4)).unwrap_or(0);
    match dice.below(10) {
        8 => shortened(&[call, call + 1], dice.below(2) == 1),
        0 => finished(call, "late"),
        1 => failed(call, FaultKind::Timeout, "no answer"),
        2 => refused(call),
        3 => called(call, n, "t"),
        4 => requested(n),
        5 => Fact::ToolCalled {
            call: CallId(call),
            by: Actor::Human,
            tool: "list_ec2_instances".to_owned(),
            risk: Some(Risk::Read),
            args: json!({}),
        },
        6 => Fact::Verified { call: CallId(call), summary: "stopped".to_owned(), reached: Some(true) },
        7 => Fact::Noted { text: "note".to_owned() },
        _ => intended(call),
    }
}
