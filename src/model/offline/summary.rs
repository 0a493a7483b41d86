//! A runbook in a few lines: which questions it is for, what it calls and why. Nothing is run.

use super::runbook::{Runbook, Step};
use std::fmt::Write as _;

/// Its words: what a list of runbooks shows of it.
#[must_use]
pub fn outline(runbook: &Runbook) -> String {
    let ask = &runbook.ask;
    let words: Vec<&str> = ask.phrases.iter().chain(&ask.words).map(String::as_str).collect();
    match (words.is_empty(), ask.required.as_slice()) {
        (false, _) => some(&words, 4),
        (true, []) => format!("{} patterns", ask.patterns.len()),
        (true, named) => format!("an order that names {}", named.join(" and ")),
    }
}

/// What it matches, calls and says.
#[must_use]
pub fn summary(runbook: &Runbook) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: &str| {
        let _ = writeln!(out, "  {name:<9} {text}");
    };
    line("name", &runbook.name);
    line("about", &runbook.about);
    let ask = &runbook.ask;
    for (name, list) in [("phrases", &ask.phrases), ("words", &ask.words), ("needs", &ask.required)] {
        if !list.is_empty() {
            line(name, &some(&list.iter().map(String::as_str).collect::<Vec<_>>(), 12));
        }
    }
    if !ask.patterns.is_empty() {
        let groups: Vec<&str> = ask.patterns.iter().flat_map(|p| p.0.capture_names().flatten()).collect();
        let mut groups: Vec<&str> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.dedup();
        let taken =
            if groups.is_empty() { String::new() } else { format!(", which name {}", groups.join(", ")) };
        line("patterns", &format!("{}{taken}", ask.patterns.len()));
    }
    for round in 1..=runbook.rounds() {
        for step in runbook.steps.iter().filter(|s| s.round == round) {
            line(&format!("round {round}"), &call(step));
        }
    }
    let sections = runbook.sections.iter().filter(|s| !s.title.is_empty()).map(|s| s.title.as_str());
    let sections: Vec<&str> = sections.collect();
    let lines: usize = runbook.sections.iter().map(|s| s.lines.len()).sum();
    line(
        "answer",
        &format!("{lines} lines{}{}", if sections.is_empty() { "" } else { ": " }, sections.join(", ")),
    );
    line("changes", if runbook.changes() { "only what you order and then approve" } else { "nothing" });
    out.trim_end().to_owned()
}

/// `get_ecs_stopped_tasks cluster={item.cluster}, for each of services short of tasks, 3 at most: because`
fn call(step: &Step) -> String {
    let mut out = step.tool.clone();
    for (name, value) in &step.args {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(out, " {name}={value}");
    }
    let rule = step.rule.as_deref();
    if let Some(list) = &step.for_each {
        let _ = write!(out, ", for each of {}", rule.unwrap_or(list));
    } else if let Some(when) = &step.when {
        let _ = write!(out, ", if there is {}", rule.unwrap_or(when));
    }
    if let Some(take) = step.take {
        let _ = write!(out, ", {take} at most");
    }
    let _ = write!(out, ": {}", step.because);
    out
}

fn some(words: &[&str], most: usize) -> String {
    let shown = words.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
