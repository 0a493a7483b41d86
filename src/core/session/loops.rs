//! Loop detection: the same call with the same result, again and again.

use crate::journal::Outcome;
use serde_json::Value;
use std::collections::HashMap;

/// So many identical calls with identical results end a turn.
const TOO_MANY: u32 = 3;

/// The calls of one turn and what they brought.
#[derive(Debug, Default)]
pub(super) struct Loops {
    seen: HashMap<(String, String), (Outcome, u32)>,
    found: Option<String>,
}

impl Loops {
    /// Takes in a finished call of the turn.
    pub(super) fn note(&mut self, tool: &str, args: &Value, outcome: &Outcome) {
        let key = (tool.to_owned(), args.to_string());
        let (last, times) = self.seen.entry(key).or_insert_with(|| (outcome.clone(), 0));
        if same(last, outcome) {
            *times += 1;
        } else {
            *last = outcome.clone();
            *times = 1;
        }
        if *times >= TOO_MANY && self.found.is_none() {
            self.found = Some(format!(
                "{tool} was called {TOO_MANY} times with the same arguments and had the same result each time"
            ));
        }
    }

    /// What was found, once it was.
    pub(super) fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }
}

/// Whether two outcomes say the same; when they were read does not count.
fn same(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Ok { projection: a, .. }, Outcome::Ok { projection: b, .. }) => {
            a.summary == b.summary
                && a.rows == b.rows
                && a.columns == b.columns
                && a.total == b.total
                && a.counts == b.counts
                && a.truncated == b.truncated
                && a.next == b.next
                && a.errors == b.errors
                && a.notes == b.notes
                && a.series == b.series
        }
        (Outcome::Failed { fault: a }, Outcome::Failed { fault: b }) => a == b,
        (Outcome::Recorded, Outcome::Recorded) => true,
        (Outcome::Ok { .. } | Outcome::Failed { .. } | Outcome::Recorded, _) => false,
    }
}
