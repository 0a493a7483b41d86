//! The short words on a step.

use super::step::StepStatus;
use super::{Outcome, RefusedBy, TurnEnd};
use crate::eval::Counts;
use crate::id::StepNo;
use crate::message::{Block, ModelErrorKind, Usage};
use crate::scope::Scope;
use crate::tokens::short;
use crate::tool::{Fault, FaultKind};

/// Characters kept of a remark or title: more than any screen shows on one line.
const LONGEST: usize = 300;

/// The first line that is not blank, bounded.
pub(super) fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default().chars().take(LONGEST).collect()
}

/// `812 tok`, `2.1k tok`.
pub(super) fn usage(usage: Usage) -> String {
    let n = usage.total();
    match n {
        // Runbooks use none.
        0 => String::new(),
        1..1000 => format!("{n} tok"),
        1000.. => format!("{}.{}k tok", n / 1000, n % 1000 / 100),
    }
}

/// `3 calls`, or how the answer begins.
pub(super) fn response(blocks: &[Block]) -> String {
    let calls = blocks.iter().filter(|b| matches!(b, Block::ToolCall { .. })).count();
    match calls {
        0 => blocks
            .iter()
            .find_map(|b| match b {
                Block::Text { text } if !text.trim().is_empty() => {
                    Some(first_line(text.trim_start_matches(['#', ' ']))).map(|t| t.replace(['*', '`'], ""))
                }
                Block::Text { .. } | Block::Reasoning { .. } | Block::ToolCall { .. } => None,
            })
            .unwrap_or_else(|| "nothing".to_owned()),
        1 => "1 call".to_owned(),
        n => format!("{n} calls"),
    }
}

/// Account and regions.
pub(super) fn scope(scope: &Scope) -> String {
    let account = match (&scope.identity, &scope.demo) {
        (_, Some(drill)) => format!("demo account ({drill})"),
        (Some(id), None) => {
            id.alias.as_ref().map_or_else(|| id.account.clone(), |alias| format!("{alias} {}", id.account))
        }
        (None, None) => "account not known yet".to_owned(),
    };
    format!("{account} · {}", scope.regions.join(", "))
}

/// How a call stands after this outcome.
pub(super) fn status(outcome: &Outcome) -> StepStatus {
    match outcome {
        Outcome::Ok { projection, .. } if projection.errors.is_empty() => StepStatus::Completed,
        Outcome::Ok { .. } => StepStatus::Partial,
        Outcome::Failed { fault } => match fault.kind {
            FaultKind::Denied | FaultKind::Refused | FaultKind::Guard => StepStatus::Denied,
            FaultKind::Cancelled => StepStatus::Cancelled,
            FaultKind::Throttled
            | FaultKind::Expired
            | FaultKind::Missing
            | FaultKind::Invalid
            | FaultKind::Conflict
            | FaultKind::Unavailable
            | FaultKind::Timeout => StepStatus::Error,
        },
        Outcome::Recorded => StepStatus::Recorded,
    }
}

/// The result in a few words.
pub(super) fn outcome(outcome: &Outcome, reused: Option<StepNo>) -> String {
    match outcome {
        Outcome::Ok { projection, .. } => {
            let as_of = reused.map_or_else(String::new, |no| format!("as #{no}: "));
            format!("{as_of}{}", first_line(&projection.summary))
        }
        Outcome::Failed { fault } => self::fault(fault),
        Outcome::Recorded => "recorded, not run".to_owned(),
    }
}

/// `denied: needs ecs:ListServices`, or the kind and the first line.
fn fault(fault: &Fault) -> String {
    match &fault.action {
        Some(action) => format!("{}: needs {}", fault.kind.label(), first_line(action)),
        None => format!("{}: {}", fault.kind.label(), first_line(&fault.message)),
    }
}

/// Who refused, and the operator's words.
pub(super) fn refused(by: RefusedBy, note: Option<&str>) -> String {
    let who = match by {
        RefusedBy::Operator => "refused by the operator",
        RefusedBy::FrontGone => "refused: the screen went away",
        RefusedBy::NobodyToAsk => "refused: nobody can be asked here",
        RefusedBy::EarlierRefusal => "refused: covered by an earlier refusal",
        RefusedBy::Expired => "refused: the approval expired",
        RefusedBy::Mode => "refused: the mode does not allow it",
        RefusedBy::Cancelled => "cancelled",
        RefusedBy::NotDurable => "refused: the journal cannot be written",
    };
    note.map_or_else(|| who.to_owned(), |note| format!("{who}: {}", first_line(note)))
}

/// How a failed model request stands.
pub(super) const fn model_failure(kind: ModelErrorKind) -> StepStatus {
    match kind {
        ModelErrorKind::Cancelled => StepStatus::Cancelled,
        ModelErrorKind::Credentials
        | ModelErrorKind::Invalid
        | ModelErrorKind::Overloaded
        | ModelErrorKind::Unavailable
        | ModelErrorKind::Truncated
        | ModelErrorKind::TooLong => StepStatus::Error,
    }
}

/// How an evaluation stands.
pub(super) const fn evaluation(runs: Counts) -> StepStatus {
    match (runs.completed, runs.failed, runs.cancelled) {
        (0, 0, _) => StepStatus::Cancelled,
        (0, _, _) => StepStatus::Error,
        (_, 0, 0) => StepStatus::Completed,
        (_, _, _) => StepStatus::Partial,
    }
}

/// What making room brought.
pub(super) fn room(before: u64, after: u64) -> String {
    format!("about {} tokens instead of {}", short(after), short(before))
}

/// How many results were put shorter.
pub(super) fn shortened(results: usize) -> String {
    match results {
        1 => "1 older result shortened".to_owned(),
        n => format!("{n} older results shortened"),
    }
}

/// Status, title and remark of a turn's end; `None` when it simply answered.
pub(super) fn turn_end(reason: &TurnEnd) -> Option<(StepStatus, &'static str, String)> {
    Some(match reason {
        TurnEnd::Answered => return None,
        TurnEnd::Cancelled => (StepStatus::Cancelled, "turn cancelled", String::new()),
        TurnEnd::Iterations(n) => {
            (StepStatus::Error, "turn stopped", format!("the limit of {n} iterations was reached"))
        }
        TurnEnd::Loop(why) => (StepStatus::Error, "turn stopped: loop", first_line(why)),
        TurnEnd::ModelFailed => (StepStatus::Error, "turn failed", "the model did not answer".to_owned()),
        TurnEnd::Stopped(why) => (StepStatus::Error, "turn stopped", first_line(why)),
        TurnEnd::Ceiling(why) => (StepStatus::Partial, "turn stopped at its ceiling", first_line(why)),
        TurnEnd::Crashed => {
            (StepStatus::Error, "turn interrupted", "the console ended in the middle".to_owned())
        }
    })
}
