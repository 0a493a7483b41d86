//! Proposal, digest, gate: how a change is approved, and why it cannot be otherwise.

mod digest;
mod gate;
mod proposal;

pub use digest::Digest;
pub use gate::{Authorized, Challenge, Decision, Gate, Refusal, Seen, Spent, Stale};
pub use proposal::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
