//! The embedded account: an in-memory AWS behind the SDK's HTTP seam, playing a drill.
//!
//! A [`Drill`] is a story in `assets/drills`; a [`Demo`] plays one. Nothing leaves the process: the SDK is given
//! [`Demo::http_client`] and speaks its own wire protocols with it. Every answer is a function of the story, of
//! what the operator did, and of the time; there is no background task and no randomness.

mod account;
mod client;
mod condition;
mod demo;
mod fault;
mod fleet;
#[cfg(test)]
mod http_tests;
mod incoming;
mod insights;
mod lines;
mod machine;
mod page;
mod router;
mod seed;
mod services;
mod signal;
mod span;
mod steps;
mod story;
mod told;
mod trail;
mod walls;
mod wire;
mod world;

pub use demo::{Call, Clock, Demo};
pub use fault::{Fault, Faults, Trouble};
pub use story::{Drill, DrillError, Fix, ToolCall};
