//! Coming back to an earlier call: again, undo, take a refusal back.

use super::Session;
use crate::Timestamp;
use crate::approval::Proposal;
use crate::id::{CallId, FrontId};
use crate::journal::{Fact, Outcome, WriteEffect};
use crate::tool::{Fault, FaultKind, Projection, Risk, WriteCall};
use serde_json::Value;
use std::sync::Arc;

/// What the journal knows of a call.
#[derive(Default)]
struct Past {
    called: Option<(String, Option<Risk>, Value)>,
    plan: Option<Arc<Proposal>>,
    result: Option<Arc<Projection>>,
    effect: Option<WriteEffect>,
    refused: bool,
    withdrawn: bool,
}

impl Session {
    /// Runs an earlier read again, afresh.
    pub(super) fn again(&mut self, front: FrontId, call: CallId, now: Timestamp) {
        match self.past(call).called {
            Some((tool, Some(Risk::Read), args)) => self.human(front, &tool, args, true, now),
            Some((_, Some(Risk::Local | Risk::Write), _)) => {
                self.tell(front, "only reads can be run again: a change is proposed anew");
            }
            Some((tool, None, _)) => self.tell(front, format!("there is no tool named {tool:?}")),
            None => self.tell(front, "there is no such call"),
        }
    }

    /// Proposes the inverse of a change, through the same gate.
    pub(super) fn undo(&mut self, front: FrontId, call: CallId, now: Timestamp) {
        let past = self.past(call);
        let (Some(plan), Some(effect)) = (past.plan, past.effect) else {
            return self.tell(front, "that step changed nothing: there is nothing to undo");
        };
        match effect {
            WriteEffect::NotDone => {
                return self.tell(front, "that change was not made: there is nothing to undo");
            }
            WriteEffect::Unknown => {
                return self
                    .tell(front, "it is not known whether that change was made: read the state first");
            }
            WriteEffect::Done => {}
        }
        match self.inverse_of(call) {
            Some(write) => self.human(front, &write.tool, write.args, true, now),
            None => self.tell(front, format!("nothing undoes {:?} by itself", plan.title)),
        }
    }

    /// Takes a refusal back: the call is planned afresh and asked again, as the operator's own.
    pub(super) fn withdraw(&mut self, front: FrontId, call: CallId, now: Timestamp) {
        let past = self.past(call);
        let Some((tool, _, args)) = past.called.filter(|_| past.refused) else {
            return self.tell(front, "that step was not refused");
        };
        if past.withdrawn {
            return self.tell(front, "that refusal was taken back already");
        }
        self.append(Fact::RefusalWithdrawn { call }, now);
        if let Some(turn) = &mut self.turn {
            turn.refusals.withdraw(call);
        }
        self.human(front, &tool, args, true, now);
    }

    /// The arguments that undo a change made earlier, when they say everything that `args` say: what can only undo is
    /// never taken from whoever asks, but from the journal.
    ///
    /// # Errors
    /// `missing`: no change that an approval of this session made is undone by them.
    pub(super) fn recalled(&self, tool: &str, args: &Value) -> Result<Value, Fault> {
        let made = self.entries.iter().rev().filter_map(|entry| {
            if let Fact::WriteConcluded { call, effect: WriteEffect::Done } = &entry.fact {
                Some(*call)
            } else {
                None
            }
        });
        made.filter_map(|call| self.inverse_of(call))
            .filter(|write| write.tool == tool)
            .filter_map(|write| (self.catalogue.get(tool).ok()?.validate)(&write.args).ok())
            .find(|inverse| says(inverse, args))
            .ok_or_else(|| {
                Fault::new(FaultKind::Missing, "no change of this session is undone by that")
                    .hint("only what an approval of this session changed can be undone: name exactly that")
            })
    }

    /// What undoes a change that was made.
    fn inverse_of(&self, call: CallId) -> Option<WriteCall> {
        let past = self.past(call);
        let (plan, result) = past.plan.zip(past.result)?;
        self.catalogue.get(&plan.tool).ok()?.inverse?(&plan, &result)
    }

    fn past(&self, id: CallId) -> Past {
        let mut past = Past::default();
        for entry in &self.entries {
            match &entry.fact {
                Fact::ToolCalled { call, tool, risk, args, .. } if *call == id => {
                    past.called = Some((tool.clone(), *risk, args.clone()));
                }
                Fact::ApprovalAsked { call, proposal, .. } if *call == id => {
                    past.plan = Some(Arc::clone(proposal));
                }
                Fact::ToolFinished { call, outcome: Outcome::Ok { projection, .. } } if *call == id => {
                    past.result = Some(Arc::clone(projection));
                }
                Fact::WriteConcluded { call, effect } if *call == id => past.effect = Some(*effect),
                Fact::Refused { call, .. } if *call == id => past.refused = true,
                Fact::RefusalWithdrawn { call } if *call == id => past.withdrawn = true,
                // Another call's, or none's.
                Fact::ToolCalled { .. }
                | Fact::ApprovalAsked { .. }
                | Fact::ToolFinished { .. }
                | Fact::WriteConcluded { .. }
                | Fact::Refused { .. }
                | Fact::RefusalWithdrawn { .. }
                | Fact::SessionStarted { .. }
                | Fact::SessionResumed { .. }
                | Fact::ScopeChanged { .. }
                | Fact::SettingsChanged { .. }
                | Fact::ModeChanged { .. }
                | Fact::Question { .. }
                | Fact::ModelRequested { .. }
                | Fact::ModelResponded { .. }
                | Fact::ModelFailed { .. }
                | Fact::Approved { .. }
                | Fact::WriteIntended { .. }
                | Fact::Verified { .. }
                | Fact::TurnEnded { .. }
                | Fact::Noted { .. }
                | Fact::Evaluated { .. }
                | Fact::Compacted { .. }
                | Fact::Shortened { .. } => {}
            }
        }
        past
    }
}

/// Whether `all` has every field of `part`, with the same value.
fn says(all: &Value, part: &Value) -> bool {
    let (Some(all), Some(part)) = (all.as_object(), part.as_object()) else { return all == part };
    part.iter().all(|(field, value)| value.is_null() || all.get(field) == Some(value))
}
