//! Reads that AWS bills, over what they may cost without asking: a plain question, which never approves a change.
//!
//! A read says what it would cost by failing with an allowance, before it has cost anything. Where a person can be asked,
//! a yes runs it again, allowed that much and no more; anywhere else it stays refused.

use super::calls::State;
use super::{Effect, Session};
use crate::Timestamp;
use crate::event::{Expense, Spending};
use crate::id::{CallId, FrontId};
use crate::journal::{Actor, Fact, Outcome};
use crate::tool::{Fault, FaultKind};

/// What a read would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    says: String,
    bytes: u64,
}

impl Session {
    /// Holds a read back whose cost a person may be asked about; gives the fault back when nobody may be.
    pub(super) fn costly(&mut self, id: CallId, fault: Fault) -> Option<Fault> {
        let (Some(bytes), Some(call)) = (fault.allowance, self.calls.get_mut(&id)) else {
            return Some(fault);
        };
        let turn = call.turn();
        let can_ask = self.fronts.get(&call.front).is_some_and(|caps| caps.can_ask);
        let by_itself = matches!(call.by, Actor::Verification { .. });
        let thrifty = self.turn.as_ref().is_some_and(|t| Some(t.id) == turn && t.thrifty);
        if thrifty {
            return Some(refused(&fault.message, "an earlier no of the operator covers this"));
        }
        if !can_ask || by_itself {
            return Some(fault);
        }
        let says = self.redactor.redact(&fault.message).into_owned();
        call.state = State::Costly(Price { says, bytes });
        self.reading.remove(&id);
        None
    }

    /// Puts the question about a read's cost, when that is what the call waits for: one question or dialog at a time.
    pub(super) fn ask_price(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let State::Costly(price) = &call.state else { return false };
        let price = price.clone();
        self.active = Some(id);
        self.out.push(Effect::AskSpending(
            call.front,
            Spending { what: Expense::Read(id), says: price.says.clone() },
        ));
        call.state = State::Priced(price);
        true
    }

    /// The answer.
    pub(super) fn spend(&mut self, front: FrontId, id: CallId, yes: bool, now: Timestamp) {
        let open = self.calls.get_mut(&id).and_then(|call| match &call.state {
            State::Priced(price) => Some((price.clone(), call)),
            State::Waiting
            | State::Reading
            | State::Costly(_)
            | State::Planning
            | State::Queued(_)
            | State::Asked(_)
            | State::Replanning(_)
            | State::Committed => None,
        });
        let Some((price, call)) = open else {
            return self.tell(front, "that question is no longer open: nothing was spent");
        };
        let (tool, turn) = (call.tool.clone(), call.turn());
        if yes {
            call.allowed = Some(price.bytes);
            call.state = State::Waiting;
            self.active.take_if(|active| *active == id);
            self.waiting.push_front(id);
            let text = format!("{} allowed {tool} its cost: {}", self.operator, price.says);
            return self.append(Fact::Noted { text }, now);
        }
        if let Some(turn) = self.turn.as_mut().filter(|t| Some(t.id) == turn) {
            turn.thrifty = true;
        }
        let fault = refused(&price.says, "the operator said no");
        self.finish(id, Outcome::Failed { fault }, now);
    }
}

fn refused(says: &str, who: &str) -> Fault {
    Fault::new(FaultKind::Refused, format!("{who}: {says}"))
        .hint("ask for less: a shorter period, fewer log groups; do not ask for as much again in this turn")
}
