//! After a change: read, judge, wait, read again.

use super::calls::Wanted;
use super::{Effect, Session, Wake};
use crate::Timestamp;
use crate::approval::Proposal;
use crate::id::{CallId, FrontId, TurnId};
use crate::journal::{Actor, Fact, Outcome};
use crate::scope::Scope;
use crate::tool::{FaultKind, Verdict, Watch};
use std::sync::Arc;
use std::time::Duration;

/// How long the model waits to be told of a change while its verification runs.
const HOLD: Duration = Duration::from_secs(30);

/// Nobody: the front of what goes on from an earlier run of the console.
pub(super) const NOBODY: FrontId = FrontId(u32::MAX);

/// The verification of one change.
#[derive(Debug)]
pub(super) struct Verification {
    plan: Arc<Proposal>,
    front: FrontId,
    began: Timestamp,
    watch: Watch,
    /// The read that runs now.
    pub(super) reading: Option<CallId>,
}

impl Session {
    /// Begins the verification of a change.
    pub(super) fn verify(
        &mut self,
        of: CallId,
        plan: Arc<Proposal>,
        front: FrontId,
        turn: Option<TurnId>,
        now: Timestamp,
    ) {
        let Some(watch) = self.catalogue.get(&plan.tool).ok().and_then(|t| t.verify).map(|v| v(&plan)) else {
            return;
        };
        if self.quitting {
            let summary = "not verified: the console ended".to_owned();
            return self.append(Fact::Verified { call: of, summary, reached: None }, now);
        }
        if let Some(turn) = self.turn.as_mut().filter(|t| Some(t.id) == turn) {
            turn.holding.insert(of);
            self.out.push(Effect::WakeAt(Wake::Hold(of), now.plus(HOLD)));
        }
        self.verifying.insert(of, Verification { plan, front, began: now, watch, reading: None });
        self.verify_again(of, now);
    }

    /// The next read of a verification.
    pub(super) fn verify_again(&mut self, of: CallId, now: Timestamp) {
        let Some(v) = self.verifying.get(&of).filter(|v| v.reading.is_none()) else { return };
        match whose(&v.plan, &self.scope) {
            // A change of this run was made in this very account; one of an earlier run waits until it is known.
            Whose::NotKnown if v.front == NOBODY => return,
            Whose::Other => {
                let summary = "not read: the session looks at another account now".to_owned();
                return self.verified(of, summary, None, now);
            }
            Whose::Same | Whose::NotKnown => {}
        }
        let Some(v) = self.verifying.get_mut(&of) else { return };
        let next = CallId(self.next.call);
        v.reading = Some(next);
        let wanted = Wanted {
            by: Actor::Verification { of },
            front: v.front,
            tool: v.watch.tool.to_owned(),
            args: Ok(v.watch.args.clone()),
            fresh: true,
        };
        self.begin(wanted, now);
    }

    /// A verification's read ended: judge it.
    pub(super) fn verification_read(&mut self, of: CallId, outcome: &Outcome, now: Timestamp) {
        let Some(v) = self.verifying.get_mut(&of) else { return };
        v.reading = None;
        let (verdict, said) = match outcome {
            Outcome::Ok { projection, .. } => {
                (Some((v.watch.judge)(&v.plan, projection)), projection.summary.clone())
            }
            Outcome::Failed { fault } if hopeless(fault.kind) => (None, fault.to_string()),
            Outcome::Failed { fault } => (Some(Verdict::NotYet), fault.to_string()),
            Outcome::Recorded => (None, "not read".to_owned()),
        };
        match verdict {
            Some(Verdict::Done) => self.verified(of, said, Some(true), now),
            Some(Verdict::Failed) => self.verified(of, said, Some(false), now),
            None => self.verified(of, format!("could not be read: {said}"), None, now),
            Some(Verdict::NotYet) => {
                let next = now.plus(v.watch.every);
                if next > v.began.plus(v.watch.at_most) {
                    let waited = v.watch.at_most.as_secs();
                    self.verified(of, format!("not seen within {waited} s: {said}"), None, now);
                } else {
                    self.out.push(Effect::WakeAt(Wake::Verify(of), next));
                }
            }
        }
    }

    /// The account is known, or is another: verifications that waited for it go on.
    pub(super) fn verify_in(&mut self, now: Timestamp) {
        let waiting: Vec<CallId> =
            self.verifying.iter().filter(|(_, v)| v.reading.is_none()).map(|(of, _)| *of).collect();
        for of in waiting {
            self.verify_again(of, now);
        }
    }

    /// The verification ended.
    pub(super) fn verified(&mut self, of: CallId, summary: String, reached: Option<bool>, now: Timestamp) {
        self.verifying.remove(&of);
        self.append(Fact::Verified { call: of, summary, reached }, now);
        self.release(of);
    }

    /// The model need not wait for this change any longer.
    pub(super) fn release(&mut self, of: CallId) {
        if let Some(turn) = &mut self.turn {
            turn.holding.remove(&of);
        }
    }
}

/// Whose account the session looks at, as a change sees it.
enum Whose {
    Same,
    Other,
    NotKnown,
}

fn whose(plan: &Proposal, scope: &Scope) -> Whose {
    match &scope.identity {
        Some(identity) if identity.account == plan.identity.account => Whose::Same,
        Some(_) => Whose::Other,
        None if plan.identity.account.is_empty() => Whose::Same,
        None => Whose::NotKnown,
    }
}

/// Whether reading again cannot help.
fn hopeless(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Denied
        | FaultKind::Expired
        | FaultKind::Invalid
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => true,
        FaultKind::Throttled
        | FaultKind::Missing
        | FaultKind::Conflict
        | FaultKind::Unavailable
        | FaultKind::Timeout => false,
    }
}
