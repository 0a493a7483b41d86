//! Journals by hand, and what is made of them.

mod conversation;
mod copies;
mod steps;

use super::*;
use crate::Timestamp;
use crate::approval::{Digest, fixture};
use crate::id::{ApprovalId, CallId, Seq, StepNo, TurnId};
use crate::message::{Block, Input, ModelError, ModelErrorKind, Stop, Turn, Usage, UserPart};
use crate::tool::{Cell, ColumnKind, Fault, FaultKind, Projection, Risk, Row};
use serde_json::{Value, json};
use std::sync::Arc;

/// Entries with their projections.
#[derive(Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) timeline: Timeline,
    pub(super) transcript: Transcript,
}

impl Book {
    pub(super) fn of(facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut book = Self::default();
        for fact in facts {
            book.add(fact);
        }
        book
    }

    pub(super) fn add(&mut self, fact: Fact) -> Option<StepNo> {
        let seq = self.entries.len() as u64;
        let at = Timestamp::from_millis(1_795_143_845_000 + seq.cast_signed() * 100);
        let entry = Arc::new(Entry { v: VERSION, seq: Seq(seq), prev_hash: String::new(), at, fact });
        let no = self.timeline.apply(&entry);
        self.transcript.apply(&entry, &self.timeline);
        self.entries.push(entry);
        no
    }

    pub(super) fn turns(&self) -> Vec<Turn> {
        let turns = self.transcript.turns("anthropic", "claude");
        check::turns(&turns);
        turns.iter().cloned().collect()
    }

    /// The parts of the last user turn.
    pub(super) fn parts(&self) -> Vec<UserPart> {
        match self.turns().pop() {
            Some(Turn::User { parts }) => parts,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) const TURN: TurnId = TurnId(1);

pub(super) fn question(text: &str) -> Fact {
    Fact::Question { turn: TURN, text: text.into() }
}

pub(super) fn requested(iteration: u32) -> Fact {
    Fact::ModelRequested {
        turn: TURN,
        iteration,
        provider: "anthropic".into(),
        model: "claude".into(),
        prompt_hash: String::new(),
        bytes: 10,
        fit: None,
    }
}

pub(super) fn responded(iteration: u32, blocks: Vec<Block>) -> Fact {
    let usage = Usage { input: 2000, output: 150, ..Usage::default() };
    Fact::ModelResponded { turn: TURN, iteration, blocks, stop: Stop::ToolUse, usage }
}

pub(super) fn text(text: &str) -> Block {
    Block::Text { text: text.into() }
}

pub(super) fn wants(id: &str, name: &str, args: Value) -> Block {
    Block::ToolCall { id: id.into(), name: name.into(), input: Input::Json(args) }
}

pub(super) fn called(call: u64, iteration: u32, tool: &str) -> Fact {
    Fact::ToolCalled {
        call: CallId(call),
        by: Actor::Model { turn: TURN, iteration, id: String::new() },
        tool: tool.into(),
        risk: Some(Risk::Read),
        args: json!({"name": "web-*", "ids": ["i-1", "it's"]}),
    }
}

pub(super) fn ran(call: u64, tool: &str) -> Fact {
    Fact::ToolCalled {
        call: CallId(call),
        by: Actor::Human,
        tool: tool.into(),
        risk: Some(Risk::Read),
        args: json!({}),
    }
}

pub(super) fn finished(call: u64, summary: &str) -> Fact {
    let projection = Projection::new(summary, Timestamp::from_millis(0))
        .columns(&[("id", ColumnKind::Id), ("state", ColumnKind::State)])
        .rows(vec![Row { urgency: 0, cells: vec!["i-1".into(), "running".into()] }]);
    ok(call, projection)
}

pub(super) fn ok(call: u64, projection: Projection) -> Fact {
    let projection = Arc::new(projection);
    Fact::ToolFinished {
        call: CallId(call),
        outcome: Outcome::Ok { projection, reused: None, stats: CallStats::default() },
    }
}

pub(super) fn failed(call: u64, fault: Fault) -> Fact {
    Fact::ToolFinished { call: CallId(call), outcome: Outcome::Failed { fault } }
}

pub(super) fn asked(call: u64, approval: u64) -> Fact {
    let proposal = Arc::new(fixture::calm());
    let digest = Digest::of(&proposal);
    Fact::ApprovalAsked {
        call: CallId(call),
        approval: ApprovalId(approval),
        proposal,
        digest,
        reason: Some("it is *idle*".into()),
        changed: Vec::new(),
    }
}

pub(super) fn intended(call: u64, approval: u64) -> Fact {
    let digest = Digest::of(&fixture::calm());
    Fact::WriteIntended { call: CallId(call), approval: ApprovalId(approval), digest }
}
