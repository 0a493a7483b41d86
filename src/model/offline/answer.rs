//! The answer: the runbook's own sections, then how it was found, what is missing, and that no model is behind it.

use super::plan::{State, Trail};
use super::runbook::{Find, Line, Runbook, Section};
use super::select::{Scope, mentions, pick};
use super::template::prose;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The whole answer, Markdown.
pub(super) fn render(runbook: &Runbook, state: &State) -> String {
    let mut parts: Vec<String> = runbook.sections.iter().filter_map(|s| section(s, &state.scope)).collect();
    parts.push(list("How this was found", &way(&state.trail)));
    let missing: Vec<String> =
        state.trail.iter().flat_map(missing).chain(runbook.not_looked_at.iter().cloned()).collect();
    if !missing.is_empty() {
        parts.push(list("Not looked at", &missing));
    }
    parts.push(format!(
        "_No model is behind this answer: it follows the runbook `{}` and its fixed rules._",
        runbook.name
    ));
    parts.join("\n\n")
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

/// The way: of every step its rule, its tool, its results; then the tools to which nothing led.
fn way(trail: &[Trail]) -> Vec<String> {
    let (taken, spared): (Vec<&Trail>, Vec<&Trail>) = trail.iter().partition(|t| !t.results.is_empty());
    let mut lines: Vec<String> = taken
        .iter()
        .map(|Trail { because, tool, results }| {
            format!("{because}: `{tool}` {}", results.iter().map(told).collect::<Vec<_>>().join(" "))
        })
        .collect();
    let unused = spared.iter().filter(|s| !taken.iter().any(|t| t.tool == s.tool));
    let unused: BTreeSet<String> = unused.map(|t| format!("`{}`", t.tool)).collect();
    if !unused.is_empty() {
        lines.push(format!("Nothing led to {}", unused.into_iter().collect::<Vec<_>>().join(", ")));
    }
    lines
}

/// A result as its evidence link; what it says stands under the link, and why it failed further below.
fn told(result: &Value) -> String {
    let scope = Scope::default().with("r", result);
    prose("[?then, as `{r.instead_of.asked}` is not there, with the nearest name ?][?{r.error && 'failed'} ?][?[#{r.step}]?]", &scope)
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
