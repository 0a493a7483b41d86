//! The session's journal of facts and its projections.

mod chain;
mod entry;
mod export;
mod meter;
mod normal;
mod recap;
mod remark;
mod render;
mod round;
mod said;
mod step;
mod timeline;
mod transcript;

pub use chain::{Broken, Chain, GENESIS, hash, hex};
pub use entry::{Actor, CallStats, Entry, Fact, Outcome, RefusedBy, TurnEnd, VERSION, WriteEffect};
pub use export::{proposal_markdown, step_command, step_markdown};
pub use meter::{Bill, Meter};
pub(crate) use recap::recap;
pub use step::{Step, StepKind, StepStatus};
pub use timeline::Timeline;
pub use transcript::Transcript;

#[cfg(test)]
pub(crate) mod check;
#[cfg(test)]
mod tests;
