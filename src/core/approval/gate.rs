//! The gate: the only mint of an [`Authorized`].

use super::code::Code;
use super::{Authorized, Challenge, Digest, Impact, Proposal};
use crate::Timestamp;
use crate::id::{ApprovalId, CallId};
use crate::press::{Key, Press};
use std::sync::Arc;
use std::time::Duration;

/// A proposal waiting for a person. Made by `Session::step` and nowhere else.
///
/// It cannot be made up:
///
/// ```compile_fail,E0451
/// # use quarterdeck_core::approval::Gate;
/// fn forge(gate: Gate) -> Gate {
///     Gate { ..gate }
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Gate;
/// fn forge(gate: Gate) -> Gate {
///     gate
/// }
/// ```
///
/// It cannot be copied:
///
/// ```compile_fail,E0599
/// # use quarterdeck_core::approval::{Gate, Refusal};
/// fn copy(gate: Gate) -> Refusal {
///     let other = gate.clone();
///     gate.refuse(None, false)
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::{Gate, Refusal};
/// fn copy(gate: Gate) -> Refusal {
///     let other = gate.digest().clone();
///     gate.refuse(None, false)
/// }
/// ```
///
/// It cannot be written down and read back:
///
/// ```compile_fail,E0277
/// # use quarterdeck_core::approval::Gate;
/// fn record(gate: &Gate) -> serde_json::Result<String> {
///     serde_json::to_string(gate)
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Gate;
/// fn record(gate: &Gate) -> serde_json::Result<String> {
///     serde_json::to_string(gate.proposal())
/// }
/// ```
///
/// It decides once:
///
/// ```compile_fail,E0382
/// # use quarterdeck_core::{Timestamp, approval::{Decision, Gate}, press::Press};
/// fn twice(gate: Gate, press: Press, now: Timestamp) -> Decision {
///     let _ = gate.key(press, now);
///     gate.key(press, now)
/// }
/// ```
/// ```
/// # use quarterdeck_core::{Timestamp, approval::{Decision, Gate}, press::Press};
/// fn once(gate: Gate, press: Press, now: Timestamp) -> Decision {
///     let _ = gate.code();
///     gate.key(press, now)
/// }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Gate {
    call: CallId,
    approval: ApprovalId,
    proposal: Arc<Proposal>,
    digest: Digest,
    reason: Option<String>,
    changed: Vec<String>,
    impact: Impact,
    code: Option<Box<Code>>,
    seen: Vec<bool>,
    drawing: Drawing,
    /// The last key that restarted the wait.
    quiet: Option<Timestamp>,
}

/// What is on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawing {
    /// Nothing of this dialog, or something else since.
    Nothing,
    /// The dialog, but too small to judge.
    NoRoom,
    /// The dialog, with targets still unseen.
    Partial,
    /// The dialog, and every target has been seen since this moment.
    Whole(Timestamp),
}

/// A refusal on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The asking it answers.
    pub approval: ApprovalId,
    /// The operator's words.
    pub note: Option<String>,
    /// Whether everything else waiting in the round is refused with it.
    pub rest: bool,
}

/// What a key did.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// Nothing yet.
    Waiting(Gate),
    /// Refused.
    Refused(Refusal),
    /// Approved.
    Approved(Authorized),
}

/// What the last drawing showed of the dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Indexes of targets that were fully visible.
    pub targets: Vec<usize>,
    /// Whether the dialog had enough room to be approved at all (60x15).
    pub room: bool,
}

/// What still stands between the dialog and an approval, the first thing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The window is too small: it can only be refused.
    NoRoom,
    /// This many targets have not been seen yet.
    Unseen(usize),
    /// Keys do not count yet, for this many more milliseconds without one.
    Waiting(u64),
    /// The code and the number of targets are to be typed.
    Code,
    /// `A` approves.
    Armed,
}

impl Gate {
    /// How long the dialog must have been drawn, and the keyboard quiet, before a key counts.
    pub const WAIT: Duration = Duration::from_millis(700);

    /// A gate before `proposal`. `changed` says what differs from an earlier approval.
    pub(crate) fn new(
        call: CallId,
        approval: ApprovalId,
        proposal: Arc<Proposal>,
        reason: Option<String>,
        changed: Vec<String>,
        challenge: Challenge,
    ) -> Self {
        let impact = Impact::of(&proposal);
        Self {
            call,
            approval,
            digest: Digest::of(&proposal),
            reason,
            changed,
            code: impact.is_high().then(|| Box::new(Code::new(challenge, proposal.targets.len()))),
            impact,
            seen: vec![false; proposal.targets.len()],
            drawing: Drawing::Nothing,
            quiet: None,
            proposal,
        }
    }

    /// The proposal.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The write call it is for.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// This asking.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }

    /// What an approval would be over.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The model's words. Unverified and untrusted.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What differs from what was approved before, one sentence each. Untrusted.
    #[must_use]
    pub fn changed(&self) -> &[String] {
        &self.changed
    }

    /// What approving takes, and why.
    #[must_use]
    pub fn impact(&self) -> Impact {
        self.impact.clone()
    }

    /// The letters to type, for a change of high impact.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref().map(Code::shown)
    }

    /// Letters and digits typed so far.
    #[must_use]
    pub fn typed(&self) -> (&str, &str) {
        self.code.as_deref().map_or(("", ""), Code::typed)
    }

    /// Targets that have not been seen yet.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.seen.iter().filter(|seen| !**seen).count()
    }

    /// What still stands before an approval. The code is asked for last, because it is not taken earlier.
    #[must_use]
    pub fn ready(&self, now: Timestamp) -> Readiness {
        match self.drawing {
            Drawing::NoRoom => Readiness::NoRoom,
            Drawing::Partial => Readiness::Unseen(self.unseen()),
            Drawing::Nothing => Readiness::Waiting(millis(Self::WAIT)),
            Drawing::Whole(since) => {
                let left =
                    millis(Self::WAIT.saturating_sub(now.since(self.quiet.map_or(since, |q| q.max(since)))));
                match &self.code {
                    _ if left > 0 => Readiness::Waiting(left),
                    Some(code) if !code.is_right() => Readiness::Code,
                    Some(_) | None => Readiness::Armed,
                }
            }
        }
    }

    /// The dialog was drawn. The wait starts with the first drawing that had room and left no target unseen.
    pub fn drawn(&mut self, seen: &Seen, now: Timestamp) {
        if !seen.room {
            self.drawing = Drawing::NoRoom;
            return;
        }
        for target in &seen.targets {
            if let Some(seen) = self.seen.get_mut(*target) {
                *seen = true;
            }
        }
        self.drawing = match self.drawing {
            Drawing::Whole(since) => Drawing::Whole(since),
            Drawing::Nothing | Drawing::NoRoom | Drawing::Partial if self.unseen() > 0 => Drawing::Partial,
            Drawing::Nothing | Drawing::NoRoom | Drawing::Partial => Drawing::Whole(now),
        };
    }

    /// A key went elsewhere, or something else took the dialog's place: it must be drawn again, and the wait
    /// starts over.
    pub fn touched(&mut self, now: Timestamp) {
        self.drawing = Drawing::Nothing;
        self.restart(now);
    }

    /// A key was pressed while the dialog was open.
    ///
    /// Esc and Ctrl-C refuse at any time. Plain `A` approves when [`Gate::ready`] is [`Readiness::Armed`]. Every
    /// other key restarts the wait, an early `A` too; only the keys of the code, once they count, do not. So a
    /// key typed ahead, held down or pasted never approves.
    pub fn key(mut self, press: Press, now: Timestamp) -> Decision {
        if Press::key(press) == Key::Esc
            || (press.ctrl() && matches!(Press::key(press), Key::Char('c' | 'C')))
        {
            return Decision::Refused(self.refuse(None, false));
        }
        match (self.ready(now), press.plain()) {
            (Readiness::Armed, Some(Key::Char('A'))) => {
                let typed_code = self.code.is_some();
                Decision::Approved(Authorized::mint(
                    self.call,
                    self.approval,
                    self.proposal,
                    self.digest,
                    now,
                    typed_code,
                ))
            }
            (Readiness::Armed | Readiness::Code, Some(key))
                if self.code.as_mut().is_some_and(|c| c.take(key)) =>
            {
                Decision::Waiting(self)
            }
            (
                Readiness::Armed
                | Readiness::Code
                | Readiness::NoRoom
                | Readiness::Unseen(_)
                | Readiness::Waiting(_),
                _,
            ) => {
                self.restart(now);
                Decision::Waiting(self)
            }
        }
    }

    /// Refuses, with the operator's words; `rest` refuses everything else that waits in the round too.
    #[must_use]
    pub fn refuse(self, note: Option<String>, rest: bool) -> Refusal {
        Refusal { approval: self.approval, note, rest }
    }

    fn restart(&mut self, now: Timestamp) {
        self.quiet = Some(self.quiet.map_or(now, |quiet| quiet.max(now)));
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
