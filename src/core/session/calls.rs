//! Calls, whoever asked for them: one path from the asking to the result.

use super::spending::Price;
use super::{Effect, ReadCall, Session};
use crate::Timestamp;
use crate::approval::{Gate, Proposal};
use crate::id::{ApprovalId, CallId, FrontId, TurnId};
use crate::journal::{Actor, CallStats, Fact, Outcome};
use crate::scope::Mode;
use crate::tool::{Fault, FaultKind, Projection, Risk};
use serde_json::Value;
use std::sync::Arc;

/// Tool reads that run at the same time, whoever asked.
pub(super) const READS: usize = 16;

/// One call that has no result yet.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) by: Actor,
    pub(super) front: FrontId,
    pub(super) tool: String,
    /// Canonical.
    pub(super) args: Value,
    pub(super) state: State,
    /// The plan, once there is one.
    pub(super) plan: Option<Arc<Proposal>>,
    /// What a person allowed a read to cost.
    pub(super) allowed: Option<u64>,
    epoch: u64,
}

/// How far a call is.
#[derive(Debug)]
pub(super) enum State {
    /// A read without a place.
    Waiting,
    /// A read that runs.
    Reading,
    /// A read that would cost more than it may; waits for the question.
    Costly(Price),
    /// In front of a person as a question about money.
    Priced(Price),
    /// A write being planned.
    Planning,
    /// Planned; waits for the dialog.
    Queued(Box<Gate>),
    /// In front of a person.
    Asked(ApprovalId),
    /// Approved; being planned again.
    Replanning(ApprovalId),
    /// On its way to AWS. Never cancelled.
    Committed,
}

impl Call {
    /// The turn it belongs to.
    pub(super) fn turn(&self) -> Option<TurnId> {
        match &self.by {
            Actor::Model { turn, .. } => Some(*turn),
            Actor::Human | Actor::Verification { .. } => None,
        }
    }

    /// A change that was not sent yet.
    pub(super) fn uncommitted(&self) -> bool {
        match self.state {
            State::Planning | State::Queued(_) | State::Asked(_) | State::Replanning(_) => true,
            State::Waiting | State::Reading | State::Costly(_) | State::Priced(_) | State::Committed => false,
        }
    }

    /// A read whose cost is a question.
    pub(super) fn costs(&self) -> bool {
        matches!(self.state, State::Costly(_) | State::Priced(_))
    }
}

/// What is asked for: a tool and its arguments, which may not even be JSON.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) by: Actor,
    pub(super) front: FrontId,
    pub(super) tool: String,
    pub(super) args: Result<Value, String>,
    pub(super) fresh: bool,
}

impl Session {
    /// A person's call.
    pub(super) fn human(&mut self, front: FrontId, tool: &str, args: Value, fresh: bool, now: Timestamp) {
        let tool = tool.to_owned();
        self.begin(Wanted { by: Actor::Human, front, tool, args: Ok(args), fresh }, now);
    }

    /// Begins a call. What cannot be run has its result at once.
    pub(super) fn begin(&mut self, wanted: Wanted, now: Timestamp) -> CallId {
        let call = CallId(self.next.call);
        self.next.call += 1;
        let Wanted { by, front, tool, args, fresh } = wanted;
        let found = self.catalogue.get(&tool).map(|t| (t.risk, t.validate, t.only_undoes, t.schema.clone()));
        let (risk, args, fault) = match (found, args) {
            (Err(fault), args) => (None, args.unwrap_or_else(Value::String), Some(fault)),
            (Ok((risk, _, _, schema)), Err(garbage)) => {
                (Some(risk), Value::String(garbage), Some(not_json(&schema)))
            }
            (Ok((risk, validate, only_undoes, _)), Ok(args)) => match validate(&args) {
                Ok(canonical) if only_undoes(&canonical) => match self.recalled(&tool, &canonical) {
                    Ok(recalled) => (Some(risk), recalled, None),
                    Err(fault) => (Some(risk), canonical, Some(fault)),
                },
                Ok(canonical) => (Some(risk), canonical, None),
                Err(fault) => (Some(risk), args, Some(fault)),
            },
        };
        self.append(
            Fact::ToolCalled { call, by: by.clone(), tool: tool.clone(), risk, args: args.clone() },
            now,
        );
        let epoch = self.recent.epoch();
        self.calls.insert(
            call,
            Call { by, front, tool, args, state: State::Waiting, plan: None, allowed: None, epoch },
        );
        match (fault, risk) {
            (Some(fault), _) => self.finish(call, Outcome::Failed { fault }, now),
            (None, Some(Risk::Read)) => self.begin_read(call, fresh, now),
            (None, Some(Risk::Local | Risk::Write) | None) => self.begin_write(call, now),
        }
        call
    }

    /// Whether the mode only writes this call down.
    pub(super) fn tracked(&self, call: CallId) -> bool {
        self.mode == Mode::Track && self.calls.get(&call).is_some_and(|c| c.turn().is_some())
    }

    /// Writes down the model's reads that have not begun, when the mode has become one that runs none.
    pub(super) fn record_waiting(&mut self, now: Timestamp) {
        let waiting: Vec<CallId> = self.waiting.iter().copied().filter(|call| self.tracked(*call)).collect();
        for call in waiting {
            self.finish(call, Outcome::Recorded, now);
        }
    }

    fn begin_read(&mut self, call: CallId, fresh: bool, now: Timestamp) {
        if self.tracked(call) {
            return self.finish(call, Outcome::Recorded, now);
        }
        let Some(wanted) = self.calls.get(&call) else { return };
        let verification = matches!(wanted.by, Actor::Verification { .. });
        if !fresh
            && !verification
            && let Some((from, projection)) = self.recent.find(&wanted.tool, &wanted.args, now)
        {
            let outcome = Outcome::Ok { projection, reused: Some(from), stats: CallStats::default() };
            return self.finish(call, outcome, now);
        }
        self.waiting.push_back(call);
    }

    /// Starts reads as long as there is a place.
    pub(super) fn pump(&mut self) {
        while self.reading.len() < READS {
            let Some(id) = self.waiting.pop_front() else { return };
            let Some(call) = self.calls.get_mut(&id) else { continue };
            call.state = State::Reading;
            call.epoch = self.recent.epoch();
            self.reading.insert(id);
            self.out.push(Effect::Read(ReadCall {
                call: id,
                tool: call.tool.clone(),
                args: call.args.clone(),
                allowed: call.allowed,
            }));
        }
    }

    /// A read ended.
    pub(super) fn read(
        &mut self,
        call: CallId,
        result: Result<(Projection, CallStats), Fault>,
        now: Timestamp,
    ) {
        let Some(open) = self.calls.get(&call).filter(|c| matches!(c.state, State::Reading)) else { return };
        let outcome = match result {
            Ok((projection, stats)) => {
                let projection = Arc::new(projection.redacted(&self.redactor));
                self.recent.remember((call, open.epoch), &open.tool, &open.args, &projection, now);
                Outcome::Ok { projection, reused: None, stats }
            }
            Err(fault) => match self.costly(call, fault) {
                Some(fault) => Outcome::Failed { fault },
                None => return,
            },
        };
        self.finish(call, outcome, now);
    }

    /// A call has its result. The one place where a call ends.
    pub(super) fn finish(&mut self, id: CallId, outcome: Outcome, now: Timestamp) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.reading.remove(&id);
        self.waiting.retain(|waiting| *waiting != id);
        self.active.take_if(|active| *active == id);
        if let Some(turn) = self.turn.as_mut().filter(|t| Some(t.id) == call.turn()) {
            turn.loops.note(&call.tool, &call.args, &outcome);
        }
        match call.by {
            Actor::Verification { of } => {
                self.append(Fact::ToolFinished { call: id, outcome: outcome.clone() }, now);
                self.verification_read(of, &outcome, now);
            }
            Actor::Model { .. } | Actor::Human => self.append(Fact::ToolFinished { call: id, outcome }, now),
        }
    }
}

/// What to send instead of something that is no JSON.
fn not_json(schema: &Value) -> Fault {
    let fields: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|fields| fields.keys().map(String::as_str).collect())
        .unwrap_or_default();
    Fault::new(FaultKind::Invalid, "the arguments were not JSON")
        .hint(format!("send one JSON object with these fields as needed: {}", fields.join(", ")))
}
