//! Which round is next, from what has been read so far. Pure, so the same transcript always gives the same plan.

use super::led::Led;
use super::meant::suggested;
use super::runbook::{Runbook, Step};
use super::select::{Scope, path, pick};
use super::template::{arguments, prose};
use super::transcript::{Call, Transcript};
use quarterdeck_core::message::ToolDef;
use serde_json::{Map, Value, json};

/// What comes next.
pub(super) enum Next {
    /// These calls, after these words.
    Calls { say: String, calls: Vec<Planned> },
    /// The answer.
    Answer(State),
    /// The calls of this round were written down and not run: there is nothing to go on.
    Recorded(State, u32),
}

/// One call to make.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) tool: String,
    pub(super) args: Value,
    item: Value,
}

/// Everything a runbook knows at its end.
pub(super) struct State {
    /// `question` and every step's results.
    pub(super) scope: Scope,
    /// What became of each step, in order.
    pub(super) trail: Vec<Trail>,
}

/// What became of one step.
pub(super) struct Trail {
    pub(super) because: String,
    pub(super) tool: String,
    /// What led to it, or did not.
    pub(super) led: Led,
    /// Its results; empty when it was skipped.
    pub(super) results: Vec<Value>,
}

/// The next round whose results are not all there, or the end.
pub(super) fn next(runbook: &Runbook, question: &Value, seen: &Transcript, tools: &[ToolDef]) -> Next {
    let session = json!({ "regions": seen.regions });
    let mut scope = Scope::default().with("question", question).with("session", &session);
    let mut trail = Vec::new();
    let mut calls: Vec<&Call> = seen.calls.iter().collect();
    for round in 1..=runbook.rounds() {
        let (mut said, mut missing) = (Vec::new(), Vec::new());
        let before = scope.clone();
        let steps: Vec<&Step> = runbook.steps.iter().filter(|s| s.round == round).collect();
        let mut found: Vec<(Led, Vec<(Planned, Value)>)> = Vec::new();
        for step in &steps {
            let offered = tools.iter().any(|t| t.name == step.tool);
            let mut results = Vec::new();
            let (led, planned) = plan(step, &before);
            for call in planned {
                let result = if offered { take(&mut calls, &call) } else { Some(not_offered(&call)) };
                match result {
                    Some(result) => results.push((call, result)),
                    None => {
                        said.extend(step.say.iter().map(|say| prose(say, &before.with("item", &call.item))));
                        missing.push(call);
                    }
                }
            }
            found.push((led, results));
        }
        for (step, (led, results)) in steps.into_iter().zip(found) {
            let mut heard = Vec::new();
            for (call, result) in results {
                let again = step.nearest.as_ref().and_then(|arg| instead(&call, arg, &result));
                let Some((asked, name, call)) = again else {
                    heard.push(kept(result, &call.item, step, &before));
                    continue;
                };
                match take(&mut calls, &call) {
                    Some(other) => {
                        let swap = json!({ "asked": asked, "step": result.get("step"), "took": name });
                        heard.push(told_of(kept(result, &call.item, step, &before), "retried", &json!(true)));
                        heard.push(told_of(kept(other, &call.item, step, &before), "instead_of", &swap));
                    }
                    None => missing.push(call),
                }
            }
            let counted: Vec<&Value> = heard.iter().filter(|r| r.get("retried").is_none()).collect();
            scope = scope.with(&step.id, &summed_up(&counted));
            trail.push(Trail {
                because: prose(&step.because, &before),
                tool: step.tool.clone(),
                led,
                results: heard,
            });
        }
        if !missing.is_empty() {
            said.dedup();
            return Next::Calls { say: said.join("\n"), calls: missing };
        }
        let recorded = |t: &Trail| t.results.iter().any(|r| r.get("recorded").is_some());
        if trail.iter().any(recorded) {
            return Next::Recorded(State { scope, trail }, round);
        }
    }
    Next::Answer(State { scope, trail })
}

/// What was asked in vain, the name that was meant, and the same call with it.
fn instead(call: &Planned, arg: &str, result: &Value) -> Option<(Value, Value, Planned)> {
    let asked = call.args.get(arg)?.clone();
    let name = json!(suggested(&asked, result)?);
    let mut again = call.clone();
    again.args.as_object_mut()?.insert(arg.to_owned(), name.clone());
    Some((asked, name, again))
}

fn told_of(mut result: Value, field: &str, value: &Value) -> Value {
    if let Some(object) = result.as_object_mut() {
        object.insert(field.to_owned(), value.clone());
    }
    result
}

/// The calls of one step, and what led to them.
fn plan(step: &Step, scope: &Scope) -> (Led, Vec<Planned>) {
    if step.when.as_deref().is_some_and(|when| !scope.holds(when)) {
        return (Led::of(step, scope, None, 0), Vec::new());
    }
    let items = step.for_each.as_deref().map_or_else(|| vec![Value::Null], |list| scope.list(list));
    let prefer = step.prefer.as_deref().map(|p| scope.select(p));
    let mut items = pick(items, &step.distinct, None, prefer.as_ref().and_then(Value::as_str));
    let found = step.for_each.as_ref().map(|_| items.len());
    items.truncate(step.take.unwrap_or(usize::MAX));
    let led = Led::of(step, scope, found, items.len());
    let mut calls: Vec<Planned> = Vec::new();
    for item in items {
        let args = arguments(&step.args, &scope.with("item", &item));
        if calls.iter().all(|c| c.args != args) {
            calls.push(Planned { tool: step.tool.clone(), args, item });
        }
    }
    (led, calls)
}

/// The result of a call that was made: the same call, else the first of the same tool (arguments may have been masked).
fn take(calls: &mut Vec<&Call>, planned: &Planned) -> Option<Value> {
    let same = |c: &&Call| c.tool == planned.tool && c.args == planned.args;
    let at = calls.iter().position(same).or_else(|| calls.iter().position(|c| c.tool == planned.tool))?;
    let call = calls.remove(at);
    Some(call.result.clone().unwrap_or_else(|| failed("it was not run")))
}

fn not_offered(call: &Planned) -> Value {
    failed(&format!("the tool {} is not available in this mode", call.tool))
}

fn failed(why: &str) -> Value {
    json!({ "ok": false, "error": why, "rows": [] })
}

/// A result with its item, and of its rows only those the step keeps; each row knows the item too.
fn kept(mut result: Value, item: &Value, step: &Step, scope: &Scope) -> Value {
    let scope = scope.with("item", item);
    let keep: Vec<(&String, String)> = step
        .keep
        .iter()
        .filter_map(|(column, template)| {
            let wanted = arguments(&Map::from_iter([("v".to_owned(), json!(template))]), &scope);
            Some((column, path(&wanted, "v")?.as_str()?.to_lowercase()))
        })
        .collect();
    let Some(object) = result.as_object_mut() else { return result };
    if let Some(rows) = object.get_mut("rows").and_then(Value::as_array_mut) {
        let all = rows.clone();
        rows.retain(|row| {
            keep.iter().all(|(column, wanted)| {
                row.get(column.as_str()).and_then(Value::as_str).is_some_and(|v| v.to_lowercase() == *wanted)
            })
        });
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.insert("_item".into(), item.clone());
        }
        object.insert("all".into(), Value::Array(all));
    }
    object.insert("item".into(), item.clone());
    result
}

/// A step's results as expressions see them: every result, every row, whether all went well, the first step number, and
/// what went wrong.
fn summed_up(results: &[&Value]) -> Value {
    let rows: Vec<&Value> = results.iter().filter_map(|r| r.get("rows")?.as_array()).flatten().collect();
    let ok = !results.is_empty() && results.iter().all(|r| r.get("ok") == Some(&json!(true)));
    let first = |field: &str| results.iter().find_map(|r| r.get(field).filter(|v| !v.is_null()));
    json!({
        "results": results, "rows": rows, "ok": ok, "ran": !results.is_empty(),
        "step": first("step"), "error": first("error"), "summary": first("summary"),
    })
}
