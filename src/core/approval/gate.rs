//! The gate: the only mint of an [`Authorized`].

use super::{Digest, Proposal};
use crate::Timestamp;
use crate::id::{ApprovalId, CallId};
use crate::press::Press;
use std::sync::Arc;

/// Randomness the gate needs, made by `perform`: the pure half has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Four letters out of [`Challenge::ALPHABET`].
    pub code: String,
}

impl Challenge {
    /// Letters a code is made of: no `A` (it approves), nothing easily confused.
    pub const ALPHABET: &'static str = "BDEFHKLMNPRTUWXY";
}

/// A proposal waiting for a person.
#[must_use]
#[derive(Debug)]
pub struct Gate {
    pub(super) call: CallId,
    pub(super) approval: ApprovalId,
    pub(super) proposal: Arc<Proposal>,
    pub(super) digest: Digest,
    pub(super) reason: Option<String>,
    pub(super) changed: Vec<String>,
    pub(super) challenge: Option<Challenge>,
}

/// A person's approval of one exact proposal.
#[must_use]
#[derive(Debug)]
pub struct Authorized {
    pub(super) call: CallId,
    pub(super) approval: ApprovalId,
    pub(super) proposal: Arc<Proposal>,
    pub(super) digest: Digest,
    pub(super) at: Timestamp,
    pub(super) typed_code: bool,
}

/// An approval that was checked against a fresh plan and is being used up. Owns the plan.
#[must_use]
#[derive(Debug)]
pub struct Spent {
    pub(super) call: CallId,
    pub(super) approval: ApprovalId,
    pub(super) proposal: Arc<Proposal>,
    pub(super) digest: Digest,
}

/// The approval does not fit the fresh plan, or came too late.
#[derive(Debug)]
pub enum Stale {
    /// The account is no longer as it was approved. What differs, and the fresh plan to ask about.
    Changed {
        /// One sentence per difference.
        changed: Vec<String>,
        /// The fresh plan.
        fresh: Arc<Proposal>,
    },
    /// More than [`Authorized::LIFETIME`] has passed since the approval.
    Expired,
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

impl Gate {
    pub(crate) fn new(
        call: CallId,
        approval: ApprovalId,
        proposal: Arc<Proposal>,
        reason: Option<String>,
        changed: Vec<String>,
        challenge: Challenge,
    ) -> Self {
        let digest = Digest::of(&proposal);
        Self { call, approval, proposal, digest, reason, changed, challenge: Some(challenge) }
    }
    /// The call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }
    /// The asking.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }
    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
    /// Drawn.
    pub fn drawn(&mut self, _seen: &Seen, _now: Timestamp) {}
    /// Refuses.
    #[must_use]
    pub fn refuse(self, note: Option<String>, rest: bool) -> Refusal {
        Refusal { approval: self.approval, note, rest }
    }
    /// The proposal.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }
    /// A key was pressed while the dialog was open. `A` approves when everything else is fulfilled, Esc and
    /// Ctrl-C refuse, any other key restarts the wait.
    #[must_use]
    pub fn key(self, key: Press, now: Timestamp) -> Decision {
        if key.plain() == Some(crate::press::Key::Char('A')) {
            return Decision::Approved(Authorized {
                call: self.call,
                approval: self.approval,
                proposal: self.proposal,
                digest: self.digest,
                at: now,
                typed_code: false,
            });
        }
        Decision::Waiting(self)
    }
}

impl Authorized {
    /// Lifetime.
    pub const LIFETIME: std::time::Duration = std::time::Duration::from_secs(120);
    /// Call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }
    /// Approval.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }
    /// Proposal.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }
    /// Digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
    /// Code.
    #[must_use]
    pub fn typed_code(&self) -> bool {
        self.typed_code
    }
    /// Spends.
    ///
    /// # Errors
    /// Stale.
    pub fn spend(self, fresh: Proposal, now: Timestamp) -> Result<Spent, Stale> {
        if now.since(self.at) > Self::LIFETIME {
            return Err(Stale::Expired);
        }
        if Digest::of(&fresh) != self.digest {
            return Err(Stale::Changed { changed: vec!["changed".to_owned()], fresh: Arc::new(fresh) });
        }
        Ok(Spent { call: self.call, approval: self.approval, proposal: Arc::new(fresh), digest: self.digest })
    }
}

impl Spent {
    /// Asking.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }
    /// Digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What was approved.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The write call this is for.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }
}
