//! What may be asked for, and when.

use crate::scope::Mode;
use std::ops::RangeInclusive;

/// How often a question may be asked.
pub const RUNS: RangeInclusive<u32> = 1..=100;
/// How often it is asked when nobody says.
pub const STANDARD_RUNS: u32 = 10;
/// How many runs may be under way at a time.
pub const CONCURRENCY: RangeInclusive<u32> = 1..=8;
/// How many are when nobody says.
pub const STANDARD_CONCURRENCY: u32 = 2;

/// Why no evaluation can begin now and what to do about it; `None` when one can. Only tracking mode executes nothing,
/// and nothing may be executing.
#[must_use]
pub const fn closed(mode: Mode, busy: bool) -> Option<&'static str> {
    match mode {
        Mode::Execute => {
            Some("determinism is evaluated in tracking mode only, so that nothing runs: :track first")
        }
        Mode::ReadOnly => Some(
            "determinism is evaluated in tracking mode only, so that nothing runs; this session is read-only: begin one with --track",
        ),
        Mode::Track if busy => {
            Some("determinism is evaluated while nothing else runs: wait until it ends, or Ctrl-C cancels it")
        }
        Mode::Track => None,
    }
}
