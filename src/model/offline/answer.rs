//! The answer: the runbook's own sections, then how it was found, what is missing, and that no model is behind it.

use super::led::links;
use super::plan::{State, Trail};
use super::runbook::{Find, Line, Runbook, Section, Step, is_read};
use super::select::{Scope, mentions, pick};
use super::template::prose;
use quarterdeck_core::message::ToolDef;
use serde_json::{Value, json};

/// Names of tools that are told of one after the other.
const NAMES: usize = 8;

/// The whole answer, Markdown.
pub(super) fn render(runbook: &Runbook, chosen_by: &[String], state: &State, tools: &[ToolDef]) -> String {
    let mut parts: Vec<String> = runbook.sections.iter().filter_map(|s| section(s, &state.scope)).collect();
    parts.push(list("How this was found", &way(chosen_by, &state.trail)));
    let missing = not_looked_at(runbook, state, tools);
    if !missing.is_empty() {
        parts.push(list("Not looked at", &missing));
    }
    parts.push(no_model(runbook, "answer"));
    parts.join("\n\n")
}

/// What would be done, where calls are written down and not run: what was recorded up to `round`, and what its results
/// would lead to.
pub(super) fn plan(runbook: &Runbook, state: &State, round: u32) -> String {
    let recorded = state.trail.iter().filter(|t| !t.results.is_empty()).map(|t| {
        let steps: Vec<String> = t.results.iter().map(told).collect();
        format!("`{}` {}: {}", t.tool, steps.join(" "), t.because)
    });
    let mut parts = vec![
        "Recorded, not executed: in tracking mode nothing is read and nothing is changed, so nothing is known. This is the plan."
            .to_owned(),
        list("Recorded", &recorded.collect::<Vec<_>>()),
    ];
    let next: Vec<String> =
        runbook.steps.iter().filter(|s| s.round > round).map(|s| then(s, &state.scope)).collect();
    if !next.is_empty() {
        parts.push(list("What would come next, by what those find", &next));
    }
    parts.push(no_model(runbook, "plan"));
    parts.join("\n\n")
}

/// A step that may come, its rule in words.
fn then(step: &Step, scope: &Scope) -> String {
    let rule = step.rule.as_deref().map(|rule| prose(rule, scope));
    let condition = match (&step.for_each, rule) {
        (Some(_), rule) => {
            let most = step.take.map_or_else(String::new, |n| format!(", {n} at most"));
            format!("for each of {}{most}", rule.as_deref().unwrap_or("what was found"))
        }
        (None, Some(rule)) => format!("if there is {rule}"),
        (None, None) if step.when.is_some() => "if its condition holds".to_owned(),
        (None, None) => "in any case".to_owned(),
    };
    format!("Round {}, {condition}: `{}`: {}", step.round, step.tool, prose(&step.because, scope))
}

fn no_model(runbook: &Runbook, what: &str) -> String {
    let whose = if runbook.own { "your runbook" } else { "the runbook" };
    format!("_No model is behind this {what}: it follows {whose} `{}` and its fixed rules._", runbook.name)
}

/// What is said when no runbook is followed for a question; `declined` is why it is none for a runbook.
pub(super) fn cannot<'a>(declined: Option<&str>, runbooks: impl Iterator<Item = &'a Runbook>) -> String {
    let mut text = declined.map_or_else(String::new, |why| format!("Sorry, {why}. "));
    text.push_str(
        "No model is behind this: I follow runbooks about this AWS account, and none of them matches that. I can help with these:\n",
    );
    for runbook in runbooks {
        let examples: Vec<String> = runbook.examples.iter().take(2).map(|e| format!("`{e}`")).collect();
        text.push_str(&format!("\n- {} {}", examples.join(", "), runbook.about));
    }
    text.push_str("\n\nFor anything else, choose a model, or run the tools yourself from the command line of this console.");
    text
}

fn list(title: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
    if title.is_empty() { lines.join("\n") } else { format!("**{title}**\n\n{}", lines.join("\n")) }
}

fn section(section: &Section, scope: &Scope) -> Option<String> {
    let mut lines: Vec<String> = section.lines.iter().flat_map(|l| line(l, scope)).collect();
    lines.dedup();
    if lines.is_empty() {
        lines.push(prose(section.otherwise.as_deref()?, scope));
    }
    match lines.as_slice() {
        [one] if section.title.is_empty() => Some(one.clone()),
        lines => Some(list(&section.title, lines)),
    }
}

fn line(line: &Line, scope: &Scope) -> Vec<String> {
    if line.when.as_deref().is_some_and(|when| !scope.holds(when)) {
        return Vec::new();
    }
    let items = line.for_each.as_deref().map_or_else(|| vec![Value::Null], |list| scope.list(list));
    let prefer = line.prefer.as_deref().map(|p| scope.select(p));
    pick(items, &line.distinct, line.take, prefer.as_ref().and_then(Value::as_str))
        .iter()
        .filter_map(|item| {
            let scope = scope.with("item", item);
            let scope = match &line.find {
                Some(find) => scope.with("found", &found(find, &scope)?),
                None => scope,
            };
            Some(prose(&line.text, &scope))
        })
        .collect()
}

/// The latest row that mentions the item.
fn found(find: &Find, scope: &Scope) -> Option<Value> {
    let name = scope.select(&find.mentions);
    let name = name.as_str()?;
    let time = |row: &Value| row.get("time").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut rows: Vec<Value> = scope.list(&find.r#in).into_iter().filter(|row| mentions(row, name)).collect();
    // Stable, so the tool's own order decides where times are missing.
    rows.sort_by_key(|row| std::cmp::Reverse(time(row)));
    rows.into_iter().next()
}

/// The way: what of the question chose the runbook, then of every step what led to it, its tool, its results.
fn way(chosen_by: &[String], trail: &[Trail]) -> Vec<String> {
    let chosen =
        (!chosen_by.is_empty()).then(|| format!("The question fits this runbook: {}", several(chosen_by)));
    let taken = trail.iter().filter(|t| !t.results.is_empty()).map(|t| {
        let Trail { because, tool, led, results } = t;
        let results = results.iter().map(told).collect::<Vec<_>>().join(" ");
        let led = led.because().map_or_else(String::new, |led| format!("{led}, "));
        format!("{led}`{tool}` {results}: {because}")
    });
    chosen.into_iter().chain(taken).collect()
}

/// Everything that was not looked at: what failed or was cut, what was not followed, where nothing led, what no step reads.
fn not_looked_at(runbook: &Runbook, state: &State, tools: &[ToolDef]) -> Vec<String> {
    let mut out: Vec<String> = state.trail.iter().flat_map(missing).collect();
    let (taken, spared): (Vec<&Trail>, Vec<&Trail>) = state.trail.iter().partition(|t| !t.results.is_empty());
    out.extend(taken.iter().filter(|t| t.led.left_out() > 0).map(|t| {
        let rule = t.led.rule.as_deref().unwrap_or("of these");
        format!(
            "`{}` for {} more of {} {}: this runbook follows {} at most",
            t.tool,
            t.led.left_out(),
            t.led.found.unwrap_or_default(),
            rule,
            t.led.followed
        )
    }));
    let about = |t: &Trail| match &t.led.rule {
        Some(rule) => format!("`{}` ({rule})", t.tool),
        None => format!("`{}`", t.tool),
    };
    for blind in spared.iter().filter(|t| !t.led.failed.is_empty()) {
        out.push(format!(
            "{}: whether it was needed is not known, as {} failed",
            about(blind),
            links(&blind.led.failed)
        ));
    }
    let mut idle: Vec<String> = spared.iter().filter(|t| t.led.failed.is_empty()).map(|t| about(t)).collect();
    idle.dedup();
    if !idle.is_empty() {
        out.push(format!("Nothing led to {}", idle.join(", ")));
    }
    out.extend(runbook.not_looked_at.iter().cloned());
    if !runbook.changes() {
        let used = |tool: &str| runbook.steps.iter().any(|s| s.tool == tool);
        let unused = tools.iter().map(|t| t.name.as_str()).filter(|t| is_read(t) && !used(t));
        let unused: Vec<String> = unused.map(|t| format!("`{t}`")).collect();
        if !unused.is_empty() {
            out.push(format!("No step of this runbook uses {}", several(&unused)));
        }
    }
    out
}

/// `a`, `b` and 3 more
fn several(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A result as its evidence link; what it says stands under the link, and why it failed further below.
fn told(result: &Value) -> String {
    let scope = Scope::default().with("r", result);
    prose("[?then, as `{r.instead_of.asked}` is not there, with the nearest name ?][?{r.error && !(r.recorded) && 'failed'} ?][?[#{r.step}]?]", &scope)
        .trim()
        .to_owned()
}

/// What a step's results lack.
fn missing(trail: &Trail) -> Vec<String> {
    let mut missing = Vec::new();
    for result in &trail.results {
        let scope = Scope::default().with("r", result).with("tool", &json!(trail.tool));
        let mut add = |when: &str, text: &str| {
            if scope.holds(when) {
                missing.push(prose(text, &scope));
            }
        };
        add(
            "r.error && !(r.retried) && !starts_with(r.error, 'refused')",
            "`{tool}` did not answer: {r.error}[? [#{r.step}]?]",
        );
        add("r.truncated", "`{tool}`: {r.truncated}[? [#{r.step}]?]");
        for error in scope.list("r.errors") {
            let scope = scope.with("e", &error);
            missing.push(prose(
                "`{tool}`[? in {e.place}?][?, account {e.account}?]: {e.message || e}[? (needs {e.action})?][? [#{r.step}]?]",
                &scope,
            ));
        }
    }
    missing
}
