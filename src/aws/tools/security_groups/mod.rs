//! Security groups: their rules, how dangerous each is, what they are attached to, and what planning a change needs.

pub mod facts;
#[cfg(test)]
pub mod fixture;
pub mod judge;
pub mod net;
pub mod plan;
pub mod read;
pub mod rule;
pub mod view;
pub mod warnings;
