//! The engine's mind: `Session::step`.

mod effect;
mod input;

pub use effect::{Effect, ReadCall};
pub use input::{FrontCaps, Input, Wake, Written};

use crate::Timestamp;

/// The session: its journal, the turn that runs, what waits.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// Takes in one input; returns what is to be done, in order.
    #[must_use]
    pub fn step(&mut self, _input: Input, _now: Timestamp) -> Vec<Effect> {
        Vec::new()
    }
}
