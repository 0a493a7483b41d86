//! Opening a session again: the journal is read back, what was open is closed, nothing is repeated.

use super::setup::Next;
use super::verify::NOBODY;
use super::{Effect, Session, Setup};
use crate::Timestamp;
use crate::approval::Proposal;
use crate::id::{ApprovalId, CallId, TurnId};
use crate::journal::{Chain, Entry, Fact, Outcome, RefusedBy, TurnEnd, WriteEffect};
use crate::message::{ModelError, ModelErrorKind};
use crate::scope::{Mode, Scope};
use crate::settings::Settings;
use crate::tool::{Fault, FaultKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an earlier run of the console left.
#[derive(Default)]
struct Left {
    scope: Scope,
    mode: Mode,
    settings: Settings,
    last: (u64, u64, u64),
    turn: Option<TurnId>,
    request: Option<(TurnId, u32)>,
    calls: BTreeMap<CallId, OpenCall>,
    /// Changes that were carried out, or may have been, and whose verification has not ended.
    unverified: BTreeMap<CallId, Arc<Proposal>>,
    plans: BTreeMap<CallId, Arc<Proposal>>,
    ended: BTreeSet<CallId>,
}

/// A call that has no result.
#[derive(Default)]
struct OpenCall {
    asked: Option<ApprovalId>,
    intended: bool,
    effect: Option<WriteEffect>,
}

impl Session {
    /// An earlier session, opened again. `last_hash` is the hash of its last entry as stored.
    ///
    /// What was open is closed: the turn as crashed, calls as interrupted, dialogs as refused. A change that was
    /// sent and whose outcome was not written down is concluded as unknown and its state read back; it is never
    /// sent again.
    #[must_use]
    pub fn resume(
        setup: Setup,
        entries: Vec<Arc<Entry>>,
        last_hash: String,
        now: Timestamp,
    ) -> (Self, Vec<Effect>) {
        let Some(last) = entries.last() else { return Self::new(setup, now) };
        let chain = Chain::resume(last.seq.0 + 1, last_hash);
        let version = setup.version.clone();
        let mut session = Self::empty(setup, chain);
        let mut left = Left::default();
        for entry in &entries {
            session.timeline.apply(entry);
            session.transcript.apply(entry, &session.timeline);
            session.meter.apply(entry, &session.models);
            left.note(&entry.fact);
        }
        session.entries = entries;
        let (turn, call, approval) = left.last;
        session.next = Next { turn: turn + 1, call: call + 1, approval: approval + 1 };
        session.append(Fact::SessionResumed { version }, now);
        session.differing(&left, now);
        session.close(left, now);
        session.settle(now);
        let effects = std::mem::take(&mut session.out);
        (session, effects)
    }

    /// Writes down what is set otherwise than before.
    fn differing(&mut self, left: &Left, now: Timestamp) {
        if left.scope != self.scope {
            let scope = self.scope.clone();
            self.append(Fact::ScopeChanged { scope }, now);
        }
        if left.settings != self.settings {
            let settings = self.settings.clone();
            self.append(Fact::SettingsChanged { settings }, now);
        }
        if left.mode != self.mode {
            let mode = self.mode;
            self.append(Fact::ModeChanged { mode }, now);
        }
    }

    /// Closes what was open, and has changes read back.
    fn close(&mut self, mut left: Left, now: Timestamp) {
        if let Some((turn, iteration)) = left.request {
            let message = "the console ended before the model had answered".to_owned();
            let error = ModelError { kind: ModelErrorKind::Truncated, message };
            self.append(Fact::ModelFailed { turn, iteration, partial: Vec::new(), error }, now);
        }
        for (call, open) in std::mem::take(&mut left.calls) {
            if open.intended && open.effect.is_none() {
                self.append(Fact::WriteConcluded { call, effect: WriteEffect::Unknown }, now);
                if let Some(plan) = left.plans.get(&call) {
                    left.unverified.insert(call, Arc::clone(plan));
                }
            }
            if let Some(approval) = open.asked {
                let by = RefusedBy::FrontGone;
                self.append(Fact::Refused { call, approval: Some(approval), by, note: None }, now);
            }
            self.append(Fact::ToolFinished { call, outcome: Outcome::Failed { fault: open.fault() } }, now);
        }
        if let Some(turn) = left.turn {
            self.append(Fact::TurnEnded { turn, reason: TurnEnd::Crashed }, now);
        }
        for (call, plan) in left.unverified {
            self.verify(call, plan, NOBODY, None, now);
        }
    }
}

impl OpenCall {
    fn fault(&self) -> Fault {
        let interrupted = |text: &str| Fault::new(FaultKind::Cancelled, text);
        match (self.intended, self.effect) {
            (false, _) if self.asked.is_some() => {
                Fault::new(FaultKind::Refused, "the console ended before it was approved; nothing was sent")
            }
            (false, _) => interrupted("the console ended before it had answered; nothing was changed"),
            (true, Some(WriteEffect::Done)) => Fault::new(
                FaultKind::Unavailable,
                "the change was made; the console ended before its result was written down",
            ),
            (true, Some(WriteEffect::NotDone)) => interrupted("the change was not made"),
            (true, Some(WriteEffect::Unknown) | None) => {
                Fault::new(FaultKind::Unavailable, "the console ended while the change was under way").hint(
                    "the change may or may not have been made; its state is read back; it is not repeated",
                )
            }
        }
    }
}

impl Left {
    fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::ScopeChanged { scope } => self.scope.clone_from(scope),
            Fact::SettingsChanged { settings } => self.settings = settings.clone(),
            Fact::ModeChanged { mode } => self.mode = *mode,
            Fact::Question { turn, .. } => {
                self.last.0 = self.last.0.max(turn.0);
                self.turn = Some(*turn);
            }
            Fact::ModelRequested { turn, iteration, .. } => self.request = Some((*turn, *iteration)),
            Fact::ModelResponded { .. } | Fact::ModelFailed { .. } => self.request = None,
            Fact::ToolCalled { call, .. } => {
                self.last.1 = self.last.1.max(call.0);
                if !self.ended.contains(call) {
                    self.calls.insert(*call, OpenCall::default());
                }
            }
            Fact::ToolFinished { call, .. } => {
                self.calls.remove(call);
                self.ended.insert(*call);
            }
            Fact::ApprovalAsked { call, approval, proposal, .. } => {
                self.last.2 = self.last.2.max(approval.0);
                self.plans.insert(*call, Arc::clone(proposal));
                self.open(*call, |c| c.asked = Some(*approval));
            }
            Fact::Approved { call, .. } | Fact::Refused { call, .. } => self.open(*call, |c| c.asked = None),
            Fact::WriteIntended { call, .. } => self.open(*call, |c| c.intended = true),
            Fact::WriteConcluded { call, effect } => {
                self.open(*call, |c| c.effect = Some(*effect));
                if let (WriteEffect::Done | WriteEffect::Unknown, Some(plan)) = (effect, self.plans.get(call))
                {
                    self.unverified.insert(*call, Arc::clone(plan));
                }
            }
            Fact::Verified { call, .. } => {
                self.unverified.remove(call);
            }
            Fact::TurnEnded { .. } => self.turn = None,
            Fact::SessionStarted { .. }
            | Fact::SessionResumed { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::Noted { .. }
            | Fact::Evaluated { .. }
            | Fact::Compacted { .. }
            | Fact::Shortened { .. } => {}
        }
    }

    fn open(&mut self, call: CallId, set: impl FnOnce(&mut OpenCall)) {
        if let Some(open) = self.calls.get_mut(&call) {
            set(open);
        }
    }
}
