//! Progress that is told often enough to be followed and seldom enough to cost nothing.

use quarterdeck_core::event::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// Between two tellings.
const EVERY: Duration = Duration::from_millis(100);

/// When it was last told.
#[derive(Debug, Default)]
pub struct Pace(Option<Instant>);

impl Pace {
    /// `done` bytes of `total`, when it is time to tell.
    pub fn at(&mut self, done: u64, total: Option<u64>) -> Option<Progress> {
        let due = self.0.is_none_or(|last| last.elapsed() >= EVERY) || total == Some(done);
        due.then(|| {
            self.0 = Some(Instant::now());
            Progress { done, total, unit: "bytes", rows: 0, partial: None }
        })
    }
}
