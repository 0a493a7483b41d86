//! Changes: plan, ask, approve, plan again, intend, carry out.

use super::calls::State;
use super::{Effect, Session, Written, refusals};
use crate::Timestamp;
use crate::approval::{Authorized, Challenge, Gate, Proposal, Refusal, Spent, Stale};
use crate::id::{ApprovalId, CallId, FrontId};
use crate::journal::{Actor, Fact, Outcome, RefusedBy, WriteEffect};
use crate::scope::Mode;
use crate::tool::{Fault, WriteCall};
use std::sync::Arc;

impl Session {
    /// A valid write call: planned, unless something refuses it outright.
    pub(super) fn begin_write(&mut self, id: CallId, now: Timestamp) {
        if self.tracked(id) {
            return self.finish(id, Outcome::Recorded, now);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.state = State::Planning;
        let turn = call.turn();
        let covered = self
            .turn
            .as_ref()
            .is_some_and(|t| Some(t.id) == turn && t.refusals.cover_call(&call.tool, &call.args));
        let refused = if self.mode == Mode::ReadOnly {
            Some(RefusedBy::Mode)
        } else if self.store_failed {
            Some(RefusedBy::NotDurable)
        } else if covered {
            Some(RefusedBy::EarlierRefusal)
        } else {
            None
        };
        if let Some(by) = refused {
            return self.refused(id, by, None, now);
        }
        let plan = WriteCall { tool: call.tool.clone(), args: call.args.clone() };
        self.out.push(Effect::Plan(id, plan));
    }

    /// A plan came back.
    pub(super) fn planned(
        &mut self,
        id: CallId,
        plan: Result<Proposal, Fault>,
        challenge: Challenge,
        now: Timestamp,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|c| matches!(c.state, State::Planning)) else {
            return;
        };
        let proposal = match plan {
            Ok(proposal) => Arc::new(proposal),
            Err(fault) => return self.finish(id, Outcome::Failed { fault }, now),
        };
        call.plan = Some(Arc::clone(&proposal));
        if self.covered(id) {
            return self.refused(id, RefusedBy::EarlierRefusal, None, now);
        }
        self.propose(id, proposal, Vec::new(), challenge, now);
    }

    /// Writes a proposal down and queues it for the dialog; refused where nobody can be asked.
    fn propose(
        &mut self,
        id: CallId,
        proposal: Arc<Proposal>,
        changed: Vec<String>,
        challenge: Challenge,
        now: Timestamp,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let approval = ApprovalId(self.next.approval);
        self.next.approval += 1;
        let turn = call.turn();
        let reason = self.turn.as_ref().filter(|t| Some(t.id) == turn).and_then(|t| t.reason.clone());
        let reason = reason.map(|r| self.redactor.redact(&r).into_owned());
        let front = self.fronts.get(&call.front).copied();
        let gate = Gate::new(id, approval, Arc::clone(&proposal), reason.clone(), changed.clone(), challenge);
        let digest = gate.digest().clone();
        call.plan = Some(Arc::clone(&proposal));
        call.state = State::Queued(Box::new(gate));
        self.append(Fact::ApprovalAsked { call: id, approval, proposal, digest, reason, changed }, now);
        if !front.is_some_and(|caps| caps.can_ask) {
            self.refused(id, RefusedBy::NobodyToAsk, None, now);
        }
    }

    /// Opens the next dialog: one at a time, in call order.
    pub(super) fn next_dialog(&mut self, now: Timestamp) {
        while self.active.is_none() && !self.asks_to_go_on() {
            let Some(id) = self.calls.iter().find(|(_, c)| c.uncommitted() || c.costs()).map(|(id, _)| *id)
            else {
                return;
            };
            if self.ask_price(id) {
                continue;
            }
            if self.covered(id) {
                self.refused(id, RefusedBy::EarlierRefusal, None, now);
                continue;
            }
            let Some(call) = self.calls.get_mut(&id) else { return };
            let State::Queued(gate) = &call.state else { return };
            let asked = State::Asked(gate.approval());
            if let State::Queued(gate) = std::mem::replace(&mut call.state, asked) {
                self.active = Some(id);
                self.out.push(Effect::Ask(call.front, *gate));
            }
        }
    }

    /// Whether an earlier refusal in the turn covers a planned call.
    fn covered(&self, id: CallId) -> bool {
        let (Some(call), Some(turn)) = (self.calls.get(&id), &self.turn) else { return false };
        call.turn() == Some(turn.id) && call.plan.as_ref().is_some_and(|plan| turn.refusals.cover_plan(plan))
    }

    /// A person approved.
    pub(super) fn approve(&mut self, front: FrontId, proof: Authorized, now: Timestamp) {
        let (id, approval) = (proof.call(), proof.approval());
        let open = self.calls.get_mut(&id).filter(|c| matches!(c.state, State::Asked(a) if a == approval));
        let Some(call) = open else {
            return self.tell(front, "that proposal is no longer open: nothing was changed");
        };
        call.state = State::Replanning(approval);
        let approved = Fact::Approved {
            call: id,
            approval,
            digest: proof.digest().clone(),
            operator: self.operator.clone(),
            typed_code: proof.typed_code(),
        };
        self.append(approved, now);
        let end = proof.at().plus(Authorized::LIFETIME);
        self.out.push(Effect::WakeAt(super::Wake::Approval(approval), end));
        self.out.push(Effect::Replan(proof));
    }

    /// An approved change was planned again: carried out when nothing differs.
    pub(super) fn replanned(
        &mut self,
        proof: Authorized,
        plan: Result<Proposal, Fault>,
        challenge: Challenge,
        now: Timestamp,
    ) {
        let (id, approval) = (proof.call(), proof.approval());
        let open =
            self.calls.get(&id).is_some_and(|c| matches!(c.state, State::Replanning(a) if a == approval));
        if !open {
            return;
        }
        let fresh = match plan {
            Ok(fresh) => fresh,
            Err(fault) => return self.finish(id, Outcome::Failed { fault }, now),
        };
        match proof.spend(fresh, now) {
            Ok(spent) => self.commit(id, spent, now),
            Err(Stale::Changed { changed, fresh }) => {
                self.active = None;
                self.propose(id, fresh, changed, challenge, now);
            }
            Err(Stale::Expired) => self.refused(id, RefusedBy::Expired, None, now),
        }
    }

    /// An approval was not carried out in time.
    pub(super) fn approval_expired(&mut self, approval: ApprovalId, now: Timestamp) {
        let late = self.calls.iter().find(|(_, c)| matches!(c.state, State::Replanning(a) if a == approval));
        if let Some(id) = late.map(|(id, _)| *id) {
            self.out.push(Effect::CancelCall(id));
            self.refused(id, RefusedBy::Expired, None, now);
        }
    }

    fn commit(&mut self, id: CallId, spent: Spent, now: Timestamp) {
        let intent =
            Fact::WriteIntended { call: id, approval: spent.approval(), digest: spent.digest().clone() };
        let Some(intent) = self.link(intent, now) else {
            return self.refused(id, RefusedBy::NotDurable, None, now);
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.state = State::Committed;
            call.plan = Some(Arc::new(spent.proposal().clone()));
        }
        self.recent.invalidate();
        self.out.push(Effect::Commit { intent, spent });
    }

    /// A change was carried out, or not.
    pub(super) fn written(&mut self, id: CallId, written: Written, now: Timestamp) {
        let Some(call) = self.calls.get(&id).filter(|c| matches!(c.state, State::Committed)) else { return };
        let (plan, front, turn) = (call.plan.clone(), call.front, call.turn());
        let (effect, outcome) = match written {
            Written::Done(projection, stats) => {
                let projection = Arc::new(projection.redacted(&self.redactor));
                (WriteEffect::Done, Outcome::Ok { projection, reused: None, stats })
            }
            Written::NotDone(fault) => (WriteEffect::NotDone, Outcome::Failed { fault }),
            Written::Unknown(fault) => {
                let hint =
                    "the answer was lost: the change may or may not have been made; its state is read back";
                (WriteEffect::Unknown, Outcome::Failed { fault: fault.hint(hint) })
            }
            Written::NotDurable(_) => {
                self.store_failed = true;
                self.append(Fact::WriteConcluded { call: id, effect: WriteEffect::NotDone }, now);
                return self.refused(id, RefusedBy::NotDurable, None, now);
            }
        };
        self.recent.invalidate();
        self.append(Fact::WriteConcluded { call: id, effect }, now);
        self.finish(id, outcome, now);
        if let (WriteEffect::Done | WriteEffect::Unknown, Some(plan)) = (effect, plan) {
            self.verify(id, plan, front, turn, now);
        }
    }

    /// A person refused.
    pub(super) fn refuse(&mut self, refusal: &Refusal, now: Timestamp) {
        let asked =
            self.calls.iter().find(|(_, c)| matches!(c.state, State::Asked(a) if a == refusal.approval));
        let Some((id, origin)) = asked.map(|(id, c)| (*id, (c.turn(), c.front))) else { return };
        self.refused(id, RefusedBy::Operator, refusal.note.clone(), now);
        if refusal.rest {
            let rest: Vec<CallId> = self
                .calls
                .iter()
                .filter(|(_, c)| c.uncommitted() && (c.turn(), c.front) == origin)
                .map(|(id, _)| *id)
                .collect();
            for id in rest {
                self.refused(id, RefusedBy::Operator, refusal.note.clone(), now);
            }
        }
    }

    /// Refuses a change that was not sent. The one place where a refusal is written down.
    pub(super) fn refused(&mut self, id: CallId, by: RefusedBy, note: Option<String>, now: Timestamp) {
        let Some(call) = self.calls.get(&id) else { return };
        let approval = match &call.state {
            State::Queued(gate) => Some(gate.approval()),
            State::Asked(approval) | State::Replanning(approval) => Some(*approval),
            State::Waiting
            | State::Reading
            | State::Costly(_)
            | State::Priced(_)
            | State::Planning
            | State::Committed => None,
        };
        let turn = call.turn();
        if by == RefusedBy::Operator
            && let Some(turn) = self.turn.as_mut().filter(|t| Some(t.id) == turn)
        {
            turn.refusals.add(id, &call.tool, &call.args, call.plan.as_deref());
        }
        let fault = refusals::fault(by, note.as_deref(), call.plan.as_deref());
        self.append(Fact::Refused { call: id, approval, by, note }, now);
        self.finish(id, Outcome::Failed { fault }, now);
    }

    /// Refuses what the new mode no longer allows.
    pub(super) fn refuse_for_mode(&mut self, now: Timestamp) {
        let mode = self.mode;
        self.refuse_where(RefusedBy::Mode, now, |by| match mode {
            Mode::Execute => false,
            Mode::Track => matches!(by, Actor::Model { .. }),
            Mode::ReadOnly => true,
        });
    }

    /// Refuses every change that was not sent and is by one of these.
    pub(super) fn refuse_where(&mut self, why: RefusedBy, now: Timestamp, whose: impl Fn(&Actor) -> bool) {
        let open: Vec<CallId> =
            self.calls.iter().filter(|(_, c)| c.uncommitted() && whose(&c.by)).map(|(id, _)| *id).collect();
        for id in open {
            self.stop(id, why, now);
        }
    }
}
