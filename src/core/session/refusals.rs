//! What the operator refused in a turn, and what that covers.

use crate::approval::Proposal;
use crate::id::CallId;
use crate::journal::RefusedBy;
use crate::tool::{Fault, FaultKind};
use serde_json::Value;
use std::collections::BTreeSet;

/// After so many refusals every change of the turn is refused.
const ENOUGH: usize = 2;

/// The refusals of one turn.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    refused: Vec<Refused>,
}

#[derive(Debug)]
struct Refused {
    call: CallId,
    tool: String,
    args: Value,
    targets: BTreeSet<String>,
}

impl Refusals {
    /// The operator refused this call.
    pub(super) fn add(&mut self, call: CallId, tool: &str, args: &Value, plan: Option<&Proposal>) {
        let targets = plan.map(targets).unwrap_or_default();
        self.refused.push(Refused { call, tool: tool.to_owned(), args: args.clone(), targets });
    }

    /// The operator took the refusal of this call back.
    pub(super) fn withdraw(&mut self, call: CallId) {
        self.refused.retain(|r| r.call != call);
    }

    /// Whether a call is covered before it was planned: the same tool and arguments, or any after enough.
    pub(super) fn cover_call(&self, tool: &str, args: &Value) -> bool {
        self.refused.len() >= ENOUGH || self.refused.iter().any(|r| r.tool == tool && r.args == *args)
    }

    /// Whether a plan is covered: the same tool and at least the same targets, whatever the arguments.
    pub(super) fn cover_plan(&self, plan: &Proposal) -> bool {
        let targets = targets(plan);
        self.refused.len() >= ENOUGH
            || self
                .refused
                .iter()
                .any(|r| r.tool == plan.tool && !r.targets.is_empty() && r.targets.is_subset(&targets))
    }
}

fn targets(plan: &Proposal) -> BTreeSet<String> {
    plan.targets.iter().map(|t| t.arn.clone()).collect()
}

/// What a refused call's result says.
pub(super) fn fault(by: RefusedBy, note: Option<&str>, plan: Option<&Proposal>) -> Fault {
    let title = plan.map_or_else(String::new, |p| format!(": {}", p.title));
    let command = plan.map(|p| p.command.as_str()).filter(|c| !c.is_empty());
    let refused = |message: String| Fault::new(FaultKind::Refused, message);
    match by {
        RefusedBy::Operator => {
            let note = note.map_or_else(String::new, |n| format!(": {n}"));
            refused(format!("the operator refused{note}"))
                .hint("do not ask for it again in this turn; say what you would do and why")
        }
        RefusedBy::FrontGone => refused(format!("the screen went away before it was approved{title}")),
        RefusedBy::NobodyToAsk => {
            let fault = refused(format!("nobody can approve a change here{title}"));
            match command {
                Some(command) => fault.hint(format!("approve it on the screen, or run: {command}")),
                None => fault.hint("approve it on the screen"),
            }
        }
        RefusedBy::EarlierRefusal => {
            refused(format!("an earlier refusal of the operator covers this{title}"))
                .hint("do not ask for it again in this turn; say what you would do and why")
        }
        RefusedBy::Expired => refused(format!("the approval expired before it could be carried out{title}"))
            .hint("nothing was sent; propose it again"),
        RefusedBy::Mode => refused(format!("the session's mode does not allow changes{title}")),
        RefusedBy::Cancelled => Fault::new(
            FaultKind::Cancelled,
            format!("cancelled before it was sent; nothing was changed{title}"),
        ),
        RefusedBy::NotDurable => {
            refused(format!("the journal cannot be written, so nothing is changed; nothing was sent{title}"))
        }
    }
}
