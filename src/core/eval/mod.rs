//! Determinism: how alike the answers to one question are when it is asked again and again.
//!
//! Pure. Each [`Run`] is read from the journal of a session of its own, in tracking mode: nothing is executed. A
//! [`Report`] counts, on four levels, which runs did the same.

mod order;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod words;

pub use order::{CONCURRENCY, RUNS, STANDARD_CONCURRENCY, STANDARD_RUNS, closed};
pub use report::{Counts, Failure, Level, Progress, Report, Subject, Variant, Weighed, What};
pub use run::{Called, Run, RunEnd};
pub use words::{percent, run_list};
