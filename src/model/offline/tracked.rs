//! The answer in tracking mode: calls were written down and not made, so there are no results to build on. What is left
//! is the plan.

use super::runbook::{Runbook, Step};
use super::select::Scope;
use super::template::prose;
use super::transcript::{Call, Transcript};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The plan, Markdown; `None` when calls are made as usual.
pub(super) fn plan(runbook: &Runbook, question: &Value, seen: &Transcript) -> Option<String> {
    if !seen.calls.iter().any(recorded) {
        return None;
    }
    let session = json!({ "regions": seen.regions });
    let scope = Scope::default().with("question", question).with("session", &session);
    let mut parts = vec![
        "Nothing was looked at or changed: in tracking mode calls are recorded, not executed.".to_owned(),
    ];
    let calls: Vec<String> = seen.calls.iter().map(|call| said(runbook, call, &scope)).collect();
    parts.push(format!("**What would be called first**\n\n{}", calls.join("\n")));
    let later = later(runbook, seen, &scope);
    if !later.is_empty() {
        parts.push(format!("**What may follow, depending on what those show**\n\n{}", later.join("\n")));
    }
    parts.push(format!(
        "_No model is behind this plan: it follows the runbook `{}` and its fixed rules. Leave tracking mode and ask again to carry it out._",
        runbook.name
    ));
    Some(parts.join("\n\n"))
}

fn recorded(call: &Call) -> bool {
    call.result.as_ref().is_some_and(|result| result.get("recorded").is_some())
}

/// `- Alarms tell what hurts: `get_active_alarms` [#3]`
fn said(runbook: &Runbook, call: &Call, scope: &Scope) -> String {
    let args: Vec<String> = call
        .args
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    let because = runbook.steps.iter().find(|step| step.tool == call.tool);
    let because = because.map_or_else(String::new, |step| format!("{}: ", prose(&step.because, scope)));
    let result = call.result.clone().unwrap_or_default();
    let scope = Scope::default()
        .with("args", &json!(args.join(" ")))
        .with("r", &result)
        .with("tool", &json!(call.tool));
    let error = if recorded(call) { "" } else { "[?, which is not accepted: {r.error}?]" };
    format!("- {because}{}", prose(&format!("`{{tool}}[? {{args}}?]`{error}[? [#{{r.step}}]?]"), &scope))
}

/// The steps of later rounds that call something else.
fn later(runbook: &Runbook, seen: &Transcript, scope: &Scope) -> Vec<String> {
    let called: BTreeSet<&str> = seen.calls.iter().map(|call| call.tool.as_str()).collect();
    let reached = runbook.steps.iter().filter(|s| called.contains(s.tool.as_str())).map(|s| s.round).min();
    let open = |step: &&Step| reached.is_some_and(|round| step.round > round);
    let mut lines: Vec<String> = runbook
        .steps
        .iter()
        .filter(open)
        .map(|step| format!("- {}: `{}`", prose(&step.because, scope), step.tool))
        .collect();
    lines.dedup();
    lines
}
