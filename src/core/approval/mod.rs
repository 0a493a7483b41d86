//! Proposal, digest, gate: how a change is approved, and why it cannot be otherwise.
//!
//! A [`Proposal`] waits in a [`Gate`] for a person's keys; only they make an [`Authorized`]; only a fresh plan
//! that is still the same turns that into a [`Spent`], which pays for exactly one write.

mod authorized;
mod code;
mod diff;
mod digest;
mod gate;
mod impact;
mod proposal;

#[cfg(test)]
pub(crate) mod fixture;

pub use authorized::{Authorized, Spent, Stale};
pub use code::Challenge;
pub use digest::Digest;
pub use gate::{Decision, Gate, Readiness, Refusal, Seen};
pub use impact::Impact;
pub use proposal::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
