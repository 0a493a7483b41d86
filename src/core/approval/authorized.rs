//! What an approval becomes: first a permit, then, against a fresh plan, a proof that is used up by one write.

use super::{Digest, Proposal, diff};
use crate::Timestamp;
use crate::id::{ApprovalId, CallId};
use std::sync::Arc;
use std::time::Duration;

/// A person's approval of one exact proposal. Only [`super::Gate::key`] makes one.
///
/// It cannot be made up:
///
/// ```compile_fail,E0451
/// # use quarterdeck_core::approval::Authorized;
/// fn forge(approval: Authorized) -> Authorized {
///     Authorized { ..approval }
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Authorized;
/// fn forge(approval: Authorized) -> Authorized {
///     approval
/// }
/// ```
///
/// It cannot be copied:
///
/// ```compile_fail,E0599
/// # use quarterdeck_core::approval::Authorized;
/// fn copy(approval: &Authorized) {
///     let _ = approval.clone().spend(approval.proposal().clone(), approval.at());
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Authorized;
/// fn copy(approval: Authorized) {
///     let (proposal, at) = (approval.proposal().clone(), approval.at());
///     let _ = approval.spend(proposal, at);
/// }
/// ```
///
/// It cannot be written down and read back:
///
/// ```compile_fail,E0277
/// # use quarterdeck_core::approval::Authorized;
/// fn record(approval: &Authorized) -> serde_json::Result<String> {
///     serde_json::to_string(approval)
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Authorized;
/// fn record(approval: &Authorized) -> serde_json::Result<String> {
///     serde_json::to_string(approval.digest())
/// }
/// ```
///
/// It is spent once:
///
/// ```compile_fail,E0382
/// # use quarterdeck_core::{Timestamp, approval::{Authorized, Proposal, Spent, Stale}};
/// fn twice(approval: Authorized, fresh: Proposal, now: Timestamp) -> Result<Spent, Stale> {
///     let _ = approval.spend(fresh.clone(), now);
///     approval.spend(fresh, now)
/// }
/// ```
/// ```
/// # use quarterdeck_core::{Timestamp, approval::{Authorized, Proposal, Spent, Stale}};
/// fn once(approval: Authorized, fresh: Proposal, now: Timestamp) -> Result<Spent, Stale> {
///     let _ = approval.at();
///     approval.spend(fresh, now)
/// }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Authorized {
    call: CallId,
    approval: ApprovalId,
    proposal: Arc<Proposal>,
    digest: Digest,
    at: Timestamp,
    typed_code: bool,
}

/// An approval that was checked against a fresh plan and is being used up. Owns that fresh plan.
///
/// It cannot be made up:
///
/// ```compile_fail,E0451
/// # use quarterdeck_core::approval::Spent;
/// fn forge(spent: Spent) -> Spent {
///     Spent { ..spent }
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Spent;
/// fn forge(spent: Spent) -> Spent {
///     spent
/// }
/// ```
///
/// It cannot be copied:
///
/// ```compile_fail,E0382
/// # use quarterdeck_core::approval::Spent;
/// fn two(spent: Spent) -> (Spent, Option<Spent>) {
///     (spent, Some(spent))
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Spent;
/// fn two(spent: Spent) -> (Spent, Option<Spent>) {
///     (spent, None)
/// }
/// ```
///
/// It cannot be written down and read back:
///
/// ```compile_fail,E0277
/// # use quarterdeck_core::approval::Spent;
/// fn record(spent: &Spent) -> serde_json::Result<String> {
///     serde_json::to_string(spent)
/// }
/// ```
/// ```
/// # use quarterdeck_core::approval::Spent;
/// fn record(spent: &Spent) -> serde_json::Result<String> {
///     serde_json::to_string(spent.proposal())
/// }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Spent {
    call: CallId,
    approval: ApprovalId,
    proposal: Arc<Proposal>,
    digest: Digest,
}

/// The approval does not fit the fresh plan, or came too late.
#[derive(Debug)]
pub enum Stale {
    /// The account is no longer as it was approved. What differs, and the fresh plan to ask about.
    Changed {
        /// One sentence per difference; never empty. Quotes the account.
        changed: Vec<String>,
        /// The fresh plan.
        fresh: Arc<Proposal>,
    },
    /// More than [`Authorized::LIFETIME`] has passed since the approval.
    Expired,
}

impl Authorized {
    /// How long an approval holds.
    pub const LIFETIME: Duration = Duration::from_secs(120);

    /// An approval given now. Called by the gate and nowhere else.
    pub(super) fn mint(
        call: CallId,
        approval: ApprovalId,
        proposal: Arc<Proposal>,
        digest: Digest,
        at: Timestamp,
        typed_code: bool,
    ) -> Self {
        Self { call, approval, proposal, digest, at, typed_code }
    }

    /// The write call it is for.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// The asking it answers.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }

    /// What was approved.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// What the approval is over.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// When it was given.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether it took the code.
    #[must_use]
    pub fn typed_code(&self) -> bool {
        self.typed_code
    }

    /// Uses the approval up against a plan made just now.
    ///
    /// # Errors
    /// [`Stale::Expired`] after [`Authorized::LIFETIME`], [`Stale::Changed`] when the fresh plan differs in
    /// anything the digest covers.
    pub fn spend(self, fresh: Proposal, now: Timestamp) -> Result<Spent, Stale> {
        if now.since(self.at) > Self::LIFETIME {
            return Err(Stale::Expired);
        }
        let fresh = Arc::new(fresh);
        if Digest::of(&fresh) == self.digest {
            Ok(Spent { call: self.call, approval: self.approval, proposal: fresh, digest: self.digest })
        } else {
            Err(Stale::Changed { changed: diff::sentences(&self.proposal, &fresh), fresh })
        }
    }
}

impl Spent {
    /// What was approved, as read just before the write.
    #[must_use]
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The write call this is for.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// The asking that was answered.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }

    /// What was approved.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::calm;
    use super::*;
    use serde_json::json;

    fn approved() -> Authorized {
        let proposal = calm();
        let digest = Digest::of(&proposal);
        Authorized::mint(
            CallId(1),
            ApprovalId(2),
            Arc::new(proposal),
            digest,
            Timestamp::from_millis(0),
            true,
        )
    }

    #[test]
    fn the_same_plan_is_spent_with_its_fresh_values() {
        let mut fresh = calm();
        fresh.undo = json!({"count": 3});
        fresh.targets[0].context.clear();
        let spent = approved().spend(fresh.clone(), Timestamp::from_millis(120_000)).unwrap();
        assert_eq!(spent.proposal(), &fresh);
        assert_eq!((spent.call(), spent.approval()), (CallId(1), ApprovalId(2)));
        assert_eq!(spent.digest(), &Digest::of(&fresh));
    }

    #[test]
    fn it_ends_after_its_lifetime() {
        let late = approved().spend(calm(), Timestamp::from_millis(120_001));
        assert!(matches!(late, Err(Stale::Expired)));
    }

    #[test]
    fn a_change_asks_again_and_says_what_changed() {
        let mut fresh = calm();
        fresh.targets[0].state = "stopped".into();
        let Err(Stale::Changed { changed, fresh: back }) =
            approved().spend(fresh.clone(), Timestamp::from_millis(1))
        else {
            panic!("spent on a changed plan")
        };
        assert_eq!(changed, ["state of web-i-1 (i-1) is now stopped, was running"]);
        assert_eq!(*back, fresh);
    }
}
