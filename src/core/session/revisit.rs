//! Coming back to an earlier call: again, undo, take a refusal back.

use super::Session;
use crate::Timestamp;
use crate::approval::Proposal;
use crate::id::{CallId, FrontId};
use crate::journal::{Fact, Outcome, WriteEffect};
use crate::tool::{Projection, Risk};
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
        let inverse = self.catalogue.get(&plan.tool).ok().and_then(|t| t.inverse);
        match inverse.zip(past.result).and_then(|(inverse, result)| inverse(&plan, &result)) {
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
                | Fact::ModelChanged { .. }
                | Fact::ModeChanged { .. }
                | Fact::Question { .. }
                | Fact::ModelRequested { .. }
                | Fact::ModelResponded { .. }
                | Fact::ModelFailed { .. }
                | Fact::Approved { .. }
                | Fact::WriteIntended { .. }
                | Fact::Verified { .. }
                | Fact::TurnEnded { .. }
                | Fact::Noted { .. } => {}
            }
        }
        past
    }
}
