//! Identical reads in quick succession share one result.

use crate::Timestamp;
use crate::id::CallId;
use crate::tool::Projection;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a result may be reused.
const FOR: Duration = Duration::from_secs(30);

/// Results of the last half minute.
#[derive(Debug, Default)]
pub(super) struct Recent {
    results: HashMap<(String, String), (CallId, Timestamp, Arc<Projection>)>,
    /// Counts what makes earlier reads worthless; a read begun before does not count after.
    epoch: u64,
}

impl Recent {
    /// What a read that begins now must show to be remembered.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The account changed, or is another.
    pub(super) fn invalidate(&mut self) {
        self.results.clear();
        self.epoch += 1;
    }

    /// Remembers a complete result.
    pub(super) fn remember(
        &mut self,
        (call, epoch): (CallId, u64),
        tool: &str,
        args: &Value,
        projection: &Arc<Projection>,
        now: Timestamp,
    ) {
        self.results.retain(|_, (_, at, _)| now.since(*at) <= FOR);
        if epoch == self.epoch && projection.errors.is_empty() {
            let key = (tool.to_owned(), args.to_string());
            self.results.insert(key, (call, now, Arc::clone(projection)));
        }
    }

    /// The earlier call with the same tool and arguments, and its result.
    pub(super) fn find(&self, tool: &str, args: &Value, now: Timestamp) -> Option<(CallId, Arc<Projection>)> {
        let (call, at, projection) = self.results.get(&(tool.to_owned(), args.to_string()))?;
        (now.since(*at) <= FOR).then(|| (*call, Arc::clone(projection)))
    }
}
