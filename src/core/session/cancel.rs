//! Stopping: cancel, a front that goes away, a journal that fails, the end.

use super::calls::State;
use super::turn::Phase;
use super::{Effect, Session};
use crate::Timestamp;
use crate::id::{CallId, FrontId};
use crate::journal::{Actor, Fact, Outcome, RefusedBy, TurnEnd};
use crate::message::{ModelError, ModelErrorKind};
use crate::tool::{Fault, FaultKind};

impl Session {
    /// Cancels the turn; without one, whatever else runs. What went out to AWS is never cancelled.
    pub(super) fn cancel(&mut self, now: Timestamp) {
        self.cancel_evaluation();
        if self.turn.is_some() {
            self.cancel_turn(RefusedBy::Cancelled, now);
        } else {
            self.cancel_rest("cancelled", now);
        }
    }

    fn cancel_turn(&mut self, why: RefusedBy, now: Timestamp) {
        let Some((id, counting)) = self.turn.as_ref().map(|t| (t.id, matches!(t.phase, Phase::Counting)))
        else {
            return;
        };
        if counting {
            self.out.push(Effect::CancelModel(id));
        }
        if let Some((turn, iteration, stream)) = self.take_stream() {
            self.out.push(Effect::CancelModel(turn));
            let error = ModelError { kind: ModelErrorKind::Cancelled, message: "cancelled".to_owned() };
            self.append(Fact::ModelFailed { turn, iteration, partial: stream.partial(), error }, now);
        }
        let open: Vec<CallId> =
            self.calls.iter().filter(|(_, c)| c.turn() == Some(id)).map(|(id, _)| *id).collect();
        for call in open {
            self.stop(call, why, now);
        }
        self.end_turn(TurnEnd::Cancelled, now);
    }

    /// Cancels calls outside the turn, and verifications.
    fn cancel_rest(&mut self, why: &str, now: Timestamp) {
        let verifying: Vec<CallId> = self.verifying.keys().copied().collect();
        for of in verifying {
            let reading = self.verifying.remove(&of).and_then(|v| v.reading);
            if let Some(call) = reading {
                self.stop(call, RefusedBy::Cancelled, now);
            }
            self.verified(of, format!("not seen: {why}"), None, now);
        }
        let open: Vec<CallId> = self.calls.keys().copied().collect();
        for call in open {
            self.stop(call, RefusedBy::Cancelled, now);
        }
    }

    /// Ends one call before its time. One that was sent is not ended but asked to stop: a transfer can, and says what
    /// became of it.
    pub(super) fn stop(&mut self, id: CallId, why: RefusedBy, now: Timestamp) {
        let Some(call) = self.calls.get(&id) else { return };
        let (running, write) = match call.state {
            State::Waiting | State::Costly(_) | State::Priced(_) => (false, false),
            State::Reading => (true, false),
            State::Planning | State::Replanning(_) => (true, true),
            State::Queued(_) | State::Asked(_) => (false, true),
            State::Committed => return self.out.push(Effect::AskToStop(id)),
        };
        if running {
            self.out.push(Effect::CancelCall(id));
        }
        if write {
            self.refused(id, why, None, now);
        } else {
            let fault =
                Fault::new(FaultKind::Cancelled, "cancelled before it had answered; nothing was changed");
            self.finish(id, Outcome::Failed { fault }, now);
        }
    }

    /// A front is gone: its turn is cancelled, and what it was asked or would be asked is refused.
    pub(super) fn front_gone(&mut self, front: FrontId, now: Timestamp) {
        self.fronts.remove(&front);
        if self.evaluation == Some(front) {
            self.cancel_evaluation();
        }
        if self.turn.as_ref().is_some_and(|t| t.front == front) {
            self.cancel_turn(RefusedBy::FrontGone, now);
        }
        let asked: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, c)| c.front == front && (c.uncommitted() || c.costs()))
            .map(|(id, _)| *id)
            .collect();
        for call in asked {
            self.stop(call, RefusedBy::FrontGone, now);
        }
    }

    /// The journal can no longer be written: nothing is changed from here on; reads go on.
    pub(super) fn store_failed(&mut self, why: &str, now: Timestamp) {
        if !self.store_failed {
            self.store_failed = true;
            self.append(Fact::Noted { text: format!("the journal cannot be written: {why}") }, now);
        }
        self.refuse_where(RefusedBy::NotDurable, now, |by| match by {
            Actor::Model { .. } | Actor::Human | Actor::Verification { .. } => true,
        });
    }

    /// The console ends: everything is refused or cancelled; a change on its way is waited for.
    pub(super) fn quit(&mut self, now: Timestamp) {
        self.quitting = true;
        self.cancel_evaluation();
        self.cancel_turn(RefusedBy::Cancelled, now);
        self.cancel_rest("the console ended", now);
    }
}
