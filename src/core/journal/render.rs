//! Facts as words for a model. Text from outside only ever stands inside JSON strings: fenced as data.

use super::Outcome;
use super::step::Step;
use crate::Timestamp;
use crate::id::StepNo;
use crate::scope::{Mode, Scope};
use crate::text::visible;
use crate::tool::{Fault, Projection};
use serde_json::{Value, json};

/// Bytes of a result's view where a person ran the call.
const SHORT_VIEW: usize = 2_000;
/// Characters of arguments told in words.
const SHORT_ARGS: usize = 300;
/// Bytes of a summary beside what surrounds it, where there is no place for anything else.
const LEAST_SUMMARY: usize = 90;

/// What a model is told whose answer filled the window.
pub(super) const CUT_OFF: &str = "[console] The answer was cut off: the conversation filled the window. Room was made; answer again, briefly.";
/// Stands for older turns that nothing was written down of.
pub(super) const NO_SUMMARY: &str = "Earlier turns were left out to make room; they are on the timeline.";

/// What a model is told of a call that tracking mode only writes down: enough to go on to the end of its plan.
const RECORDED: &str = "tracking mode: recorded, not executed; no result will come. Record the calls you would make next as far as they do not depend on results, then answer with your plan: each step, why, and what would decide between next steps";

/// A tool result as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    pub(super) content: String,
    pub(super) is_error: bool,
}

/// Account, regions and mode as last told.
#[derive(Clone, Debug, Default)]
pub(super) struct Setting {
    scope: Scope,
    mode: Mode,
    told: Option<(Scope, Mode)>,
}

impl Setting {
    pub(super) fn scope(&mut self, scope: &Scope) {
        self.scope.clone_from(scope);
    }

    pub(super) fn mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// One line about where and when a question is asked; without a time, everything about where.
    pub(super) fn line(&mut self, at: Option<Timestamp>) -> String {
        let mut map = serde_json::Map::new();
        if let Some(at) = at {
            map.insert("now".into(), json!(at.rfc3339()));
        }
        let now = (self.scope.clone(), self.mode);
        if at.is_none() || self.told.as_ref() != Some(&now) {
            if let Some(identity) = &self.scope.identity {
                map.insert("account".into(), json!(identity.account));
                if let Some(alias) = &identity.alias {
                    map.insert("alias".into(), json!(alias));
                }
            }
            map.insert("regions".into(), json!(self.scope.regions));
            map.insert("mode".into(), json!(self.mode.label()));
            self.told = Some(now);
        }
        format!("[console] {}", Value::Object(map))
    }
}

fn cite(step: Option<StepNo>) -> String {
    step.map_or_else(|| "[#?]".to_owned(), |no| format!("[#{no}]"))
}

/// The result of a call: its step's number and one JSON object.
pub(super) fn result(
    step: Option<StepNo>,
    outcome: &Outcome,
    same_as: Option<StepNo>,
    cap: usize,
) -> Rendered {
    let same = same_as.map_or_else(String::new, |no| format!("(same as [#{no}]) "));
    Rendered {
        content: format!("{} {same}{}", cite(step), body(outcome, cap)),
        is_error: matches!(outcome, Outcome::Failed { .. }),
    }
}

fn body(outcome: &Outcome, cap: usize) -> String {
    match outcome {
        Outcome::Ok { projection, .. } => view(projection, cap),
        Outcome::Failed { fault } => failure(fault, cap),
        Outcome::Recorded => json!({"recorded": true, "note": RECORDED}).to_string(),
    }
}

/// The result within the cap. A share too small for any view still says what the result was.
fn view(projection: &Projection, cap: usize) -> String {
    let view = projection.for_model(cap);
    if view.json != "{}" {
        return view.json;
    }
    let words = cap.saturating_sub(LEAST_SUMMARY) / 2;
    let summary: String = visible(&projection.summary).chars().take(words).collect();
    json!({"summary": summary, "cut": "too many calls in one answer: call it alone"}).to_string()
}

/// A result in short: its summary, or with `bare` only that there was one.
pub(super) fn shortened(step: Option<&Step>, bare: bool) -> String {
    let no = cite(step.map(|s| s.no));
    let Some(step) = step.filter(|_| !bare) else { return format!("{no} {}", json!({"left_out": true})) };
    let note = "full result, to make room: call it again if needed";
    format!("{no} {}", json!({"summary": short(&visible(&step.remark)), "left_out": note}))
}

fn failure(fault: &Fault, cap: usize) -> String {
    let cut = |text: &str| -> String { text.chars().take(cap.max(200) / 2).collect() };
    let mut map = serde_json::Map::new();
    map.insert("error".into(), json!(fault.kind.label()));
    map.insert("message".into(), json!(cut(&fault.message)));
    if let Some(action) = &fault.action {
        map.insert("needs".into(), json!(cut(action)));
    }
    if let Some(hint) = &fault.hint {
        map.insert("hint".into(), json!(cut(hint)));
    }
    Value::Object(map).to_string()
}

/// A call a person made.
pub(super) fn ran(step: Option<StepNo>, tool: &str, args: &str, outcome: &Outcome) -> String {
    format!("The operator ran {}({args}) {}: {}", tool_name(tool), cite(step), body(outcome, SHORT_VIEW))
}

/// Calls a person made that are left out.
pub(super) fn left_out(n: usize) -> String {
    format!("The operator ran {n} more calls before these; they are left out here and stand on the timeline.")
}

/// A result that came after its round was over.
pub(super) fn late(step: Option<StepNo>, tool: &str, outcome: &Outcome) -> String {
    format!("The result of {} {} came later: {}", tool_name(tool), cite(step), body(outcome, SHORT_VIEW))
}

/// What the verification of a change said.
pub(super) fn verified(of: Option<&Step>, summary: &str, reached: Option<bool>) -> String {
    let verdict = match reached {
        Some(true) => "reached",
        Some(false) => "failed",
        None => "not seen",
    };
    let (name, no) =
        of.map_or_else(|| ("the change".to_owned(), None), |s| (tool_name(&s.title), Some(s.no)));
    format!("Verification of {name} {}: {}", cite(no), json!({"verdict": verdict, "read": short(summary)}))
}

/// Arguments as told in words.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(SHORT_ARGS).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// A tool's name as every provider takes it.
pub(super) fn tool_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect();
    if safe.is_empty() { "unnamed".to_owned() } else { safe }
}
