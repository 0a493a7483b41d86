//! A screen under test: keys as text, entries as facts.

use super::{Extent, Msg, Screen, Shown};
use crate::Timestamp;
use crate::approval::{Challenge, Gate, Proposal, Seen};
use crate::command::Command;
use crate::event::Event;
use crate::id::{ApprovalId, CallId, TurnId};
use crate::journal::{Actor, Chain, Entry, Fact, Outcome, TurnEnd};
use crate::keymap::Chord;
use crate::message::{Block, Stop, Usage};
use crate::press::{Key, Press};
use crate::tool::{Catalogue, Fault, FaultKind, Projection, RegionRule, Risk, Spec, Tool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Rig {
    pub(super) screen: Screen,
    pub(super) now: Timestamp,
    chain: Chain,
}

const fn spec(name: &'static str, description: &'static str) -> Spec {
    Spec {
        name,
        description,
        reads: &[],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    }
}

static SERVICES: Spec = spec("list_ecs_services", "ECS services and their rollouts. Use it first.");
static LOGS: Spec = spec("get_cloudwatch_logs", "Log events of one group. Newest first.");
static STOP: Spec = spec("stop_instances", "Stops instances. Asks first.");

fn accepts(args: &Value) -> Result<Value, Fault> {
    match args.get("cluster").and_then(Value::as_str) {
        Some("wrong") => Err(Fault::new(FaultKind::Invalid, "cluster cannot be wrong")),
        _ => Ok(args.clone()),
    }
}

fn tool(spec: &'static Spec, risk: Risk, properties: &Value) -> Tool {
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    Tool { spec, risk, schema, validate: accepts, verify: None, inverse: None, only_undoes: |_| false }
}

pub(super) fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::new([
        tool(
            &SERVICES,
            Risk::Read,
            &json!({
                "cluster": {"type": "string", "description": "The cluster's name."},
                "service": {"type": "string", "description": "The service's name."},
                "only_unhealthy": {"type": "boolean", "description": "Only those below their desired count."},
            }),
        ),
        tool(&LOGS, Risk::Read, &json!({"log_group": {"type": "string"}, "limit": {"type": "integer"}})),
        tool(&STOP, Risk::Write, &json!({"ids": {"type": "array", "items": {"type": "string"}}})),
    ]))
}

/// `ab<Enter><Ctrl-a>` as presses.
pub(super) fn presses(script: &str) -> Vec<Press> {
    let mut out = Vec::new();
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|r| r.split_once('>'));
        if let Some((chord, after)) = named.and_then(|(name, after)| Some((Chord::parse(name).ok()?, after)))
        {
            out.push(Press::new(chord.base(), chord.ctrl(), chord.alt()));
            rest = after;
        } else {
            out.push(Press::new(Key::Char(c), false, false));
            rest = rest.strip_prefix(c).unwrap();
        }
    }
    out
}

impl Rig {
    pub(super) fn new() -> Self {
        let now = Timestamp::from_millis(1_795_143_845_000);
        let screen = Screen::new(catalogue(), (120, 40), now);
        Self { screen, now, chain: Chain::default() }
    }

    pub(super) fn msg(&mut self, msg: Msg) -> Vec<Command> {
        let out = self.screen.update(msg, self.now);
        self.check();
        out
    }

    /// Presses keys one after the other, 10 ms apart.
    pub(super) fn keys(&mut self, script: &str) -> Vec<Command> {
        let mut out = Vec::new();
        for press in presses(script) {
            self.wait(10);
            out.extend(self.msg(Msg::Key(press)));
        }
        out
    }

    pub(super) fn wait(&mut self, ms: u64) {
        self.now = self.now.plus(Duration::from_millis(ms));
    }

    pub(super) fn append(&mut self, fact: Fact) -> Arc<Entry> {
        let (entry, _) = self.chain.link(fact, self.now).unwrap();
        let entry = Arc::new(entry);
        let out = self.msg(Msg::Event(Event::Appended(Arc::clone(&entry))));
        assert!(out.is_empty(), "an entry asks for nothing");
        entry
    }

    pub(super) fn question(&mut self, turn: u64, text: &str) {
        self.append(Fact::Question { turn: TurnId(turn), text: text.to_owned() });
    }

    pub(super) fn answer(&mut self, turn: u64, text: &str) {
        self.append(Fact::ModelResponded {
            turn: TurnId(turn),
            iteration: 1,
            blocks: vec![Block::Text { text: text.to_owned() }],
            stop: Stop::EndTurn,
            usage: Usage { input: 10, output: 5, ..Usage::default() },
        });
    }

    pub(super) fn end(&mut self, turn: u64, reason: TurnEnd) {
        self.append(Fact::TurnEnded { turn: TurnId(turn), reason });
    }

    pub(super) fn called(&mut self, call: u64, tool: &str, risk: Risk) {
        let args = json!({"only_unhealthy": true});
        let fact = Fact::ToolCalled {
            call: CallId(call),
            by: Actor::Human,
            tool: tool.to_owned(),
            risk: Some(risk),
            args,
        };
        self.append(fact);
    }

    pub(super) fn finished(&mut self, call: u64, fault: Option<FaultKind>) {
        let outcome = match fault {
            Some(kind) => Outcome::Failed { fault: Fault::new(kind, "no") },
            None => Outcome::Ok {
                projection: Arc::new(Projection::new("2 of 14 below desired", self.now)),
                reused: None,
                stats: crate::journal::CallStats::default(),
            },
        };
        self.append(Fact::ToolFinished { call: CallId(call), outcome });
    }

    /// A journal of some length: question, answer, `n` reads, the third of which failed.
    pub(super) fn with_calls(n: u64) -> Self {
        let mut rig = Self::new();
        rig.question(1, "why?");
        for call in 1..=n {
            rig.called(
                call,
                if call % 2 == 0 { "get_cloudwatch_logs" } else { "list_ecs_services" },
                Risk::Read,
            );
            rig.finished(call, (call == 3).then_some(FaultKind::Denied));
        }
        rig.answer(1, "because [#2]");
        rig.end(1, TurnEnd::Answered);
        rig
    }

    pub(super) fn ask(&mut self, approval: u64, proposal: Proposal, code: &str) -> Vec<Command> {
        let challenge = Challenge { code: code.to_owned() };
        let gate =
            Gate::new(CallId(90), ApprovalId(approval), Arc::new(proposal), None, Vec::new(), challenge);
        self.msg(Msg::Event(Event::Ask(gate)))
    }

    /// A drawing with everything on it, and the dialog with all its targets when one is open.
    pub(super) fn draw(&mut self) {
        let targets = self.screen.dialog.as_ref().filter(|d| !d.aside).and_then(|d| d.gate.as_ref());
        let dialog = targets.map(|g| Seen { targets: (0..g.proposal().targets.len()).collect(), room: true });
        let rows = self.screen.timeline.visible.len();
        let shown = Shown {
            dialog,
            timeline: Extent { total: rows, fits: 5 },
            chat: Extent { total: 50, fits: 10 },
            detail: Extent { total: 30, fits: 10 },
            help: Extent { total: 40, fits: 20 },
            evaluation: Extent { total: 40, fits: 20 },
            dialog_body: Extent { total: 40, fits: 12 },
            ..Shown::default()
        };
        assert!(self.msg(Msg::Drawn(shown)).is_empty());
    }

    /// What must hold after every message.
    fn check(&self) {
        let s = &self.screen;
        for (text, cursor) in [
            (Some(&s.composer.text), s.composer.cursor),
            (s.palette.as_ref().map(|p| &p.text), s.palette.as_ref().map_or(0, |p| p.cursor)),
            (s.prompt.as_ref().map(|p| &p.text), s.prompt.as_ref().map_or(0, |p| p.cursor)),
            (
                s.panel.as_ref().and_then(|p| p.edit.as_ref()).map(|e| &e.text),
                s.panel.as_ref().and_then(|p| p.edit.as_ref()).map_or(0, |e| e.cursor),
            ),
            (
                s.dialog.as_ref().and_then(|d| d.note.as_ref()),
                s.dialog.as_ref().filter(|d| d.note.is_some()).map_or(0, |d| d.note_cursor),
            ),
        ] {
            let Some(text) = text else { continue };
            let boundary =
                unicode_segmentation::GraphemeCursor::new(cursor, text.len(), true).is_boundary(text, 0);
            assert!(cursor <= text.len() && boundary.unwrap(), "cursor {cursor} in {text:?}");
        }
        if let Some(palette) = &s.palette {
            assert!(palette.selected < palette.matches.len().max(1));
        }
        if let Some(edit) = s.panel.as_ref().and_then(|p| p.edit.as_ref()) {
            assert!(edit.chosen < edit.choices.len().max(1));
            assert!(s.palette.is_none() && s.prompt.is_none(), "two lines are typed at once");
        }
        assert!(crate::settings::ITERATIONS.contains(&s.in_force().iterations));
        assert!(s.timeline.visible.is_sorted());
        match s.timeline.selected {
            Some(no) => assert!(s.timeline.visible.contains(&no), "{no} is selected and not visible"),
            None => assert!(s.timeline.visible.is_empty(), "nothing is selected"),
        }
        for no in &s.timeline.visible {
            assert!(s.ledger.timeline.get(*no).is_some());
        }
        assert_ne!(s.pane, super::Focus::Composer);
        assert!(s.notices.len() <= 5);
        if let Some(dialog) = &s.dialog {
            assert!(dialog.gate.is_some());
        }
        if let Some(wake) = s.wake(self.now) {
            assert!(wake > self.now);
        }
    }
}
