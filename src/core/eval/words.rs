//! A report in words: for the screen, the shell and a ticket.

use super::report::{Level, Report, Variant, Weighed, What};
use super::run::Called;
use crate::text::{visible, visible_lines};
use serde_json::Value;
use std::fmt::Write as _;

impl Weighed {
    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::FirstRoundTools => "first round: tools",
            Self::FirstRoundCalls => "first round: calls",
            Self::Plan => "whole plan",
            Self::Answer => "answer",
        }
    }

    /// What counts on it, and what does not.
    #[must_use]
    pub const fn measures(self) -> &'static str {
        match self {
            Self::FirstRoundTools => "the tools' names; arguments and order do not count",
            Self::FirstRoundCalls => "the same with their arguments, defaults filled in",
            Self::Plan => "all calls with their arguments, round by round",
            Self::Answer => {
                "word for word but for case, white space and step numbers; the same said in other words differs"
            }
        }
    }
}

impl Called {
    /// `list_ecs_services cluster=main only_unhealthy=true`; what is not set is left out. Untrusted.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = self.tool.clone();
        match &self.args {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                    let _ = match value {
                        Value::String(text) => write!(out, " {name}={text}"),
                        Value::Null
                        | Value::Bool(_)
                        | Value::Number(_)
                        | Value::Array(_)
                        | Value::Object(_) => {
                            write!(out, " {name}={value}")
                        }
                    };
                }
            }
            Value::Null => {}
            Value::String(text) => {
                let _ = write!(out, " {text}");
            }
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                let _ = write!(out, " {other}");
            }
        }
        if !self.valid {
            out.push_str(" (not valid)");
        }
        out
    }
}

impl What {
    /// It in one line. Untrusted.
    #[must_use]
    pub fn headline(&self) -> String {
        match self {
            Self::Tools(tools) if tools.is_empty() => "no calls".to_owned(),
            Self::Tools(tools) => tools.join(", "),
            Self::Calls(rounds) => {
                let calls: Vec<&Called> = rounds.iter().flatten().collect();
                let all = calls.iter().map(|call| call.words()).collect::<Vec<_>>().join(", ");
                match (calls.len(), rounds.len()) {
                    (0, _) => "no calls".to_owned(),
                    (1, _) => all,
                    (n, 1) => format!("{n} calls: {all}"),
                    (n, m) => format!("{n} calls in {m} rounds: {all}"),
                }
            }
            Self::Answer(text) => {
                text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(nothing)").to_owned()
            }
            Self::Ended(why) => format!("no answer: {why}"),
        }
    }

    /// All of it, line by line: each call, or the answer. Untrusted.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Tools(tools) if tools.is_empty() => vec!["no calls".to_owned()],
            Self::Tools(tools) => tools.clone(),
            Self::Calls(rounds) if rounds.iter().all(Vec::is_empty) => vec!["no calls".to_owned()],
            Self::Calls(rounds) if rounds.len() == 1 => rounds.iter().flatten().map(Called::words).collect(),
            Self::Calls(rounds) => {
                let numbered = |(i, round): (usize, &Vec<Called>)| {
                    round.iter().map(move |call| format!("{}. {}", i + 1, call.words())).collect::<Vec<_>>()
                };
                rounds.iter().enumerate().flat_map(numbered).collect()
            }
            Self::Answer(text) => text.lines().map(str::to_owned).collect(),
            Self::Ended(why) => vec![format!("no answer: {why}")],
        }
    }
}

impl Report {
    /// `first round 100 %, plan 80 %, answer 10 %, 10 runs`: all of it in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let share = |level: Weighed| {
            let found = self.levels.iter().find(|l| l.level == level).and_then(|l| l.agreement);
            found.map_or_else(|| "-".to_owned(), percent)
        };
        let runs = self.counted();
        if self.runs.completed == 0 {
            return runs;
        }
        format!(
            "first round {}, plan {}, answer {}; {runs}",
            share(Weighed::FirstRoundCalls),
            share(Weighed::Plan),
            share(Weighed::Answer)
        )
    }

    /// `8 of 10 runs, 1 failed, 1 cancelled`.
    #[must_use]
    pub fn counted(&self) -> String {
        let runs = self.runs;
        let mut out = format!("{} of {} runs", runs.completed, runs.asked);
        for (n, what) in [(runs.failed, "failed"), (runs.cancelled, "cancelled")] {
            if n > 0 {
                let _ = write!(out, ", {n} {what}");
            }
        }
        out
    }

    /// Provider, model and effort.
    #[must_use]
    pub fn asked_of(&self) -> String {
        let effort = self.effort.as_ref().map_or_else(String::new, |effort| format!(", effort {effort}"));
        format!("{} {}{effort}", self.provider, self.model)
    }

    /// The report as Markdown, for a ticket. Everything from outside is made visible.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("### Determinism of: {}\n\n", line(&self.question));
        let _ = writeln!(out, "- model: {}", line(&self.asked_of()));
        let _ = writeln!(out, "- runs: {}, in tracking mode: nothing was executed", self.counted());
        let _ = writeln!(out, "- tokens: {}", self.usage.total());
        if let Some(dollars) = self.cost_usd {
            let _ = writeln!(out, "- cost: ${dollars:.2}");
        }
        let _ = writeln!(out, "- took: {} s", self.duration_ms.div_ceil(1000));
        let _ = writeln!(out, "- system prompt: {}", self.prompt_hash);
        if let Some(why) = &self.stopped {
            let _ = writeln!(out, "- {}", line(why));
        }
        out.push_str("\n| level | agreement | variants | what counts |\n| --- | --- | --- | --- |\n");
        for level in &self.levels {
            let share = level.agreement.map_or_else(|| "-".to_owned(), percent);
            let (title, measures) = (level.level.title(), level.level.measures());
            let _ = writeln!(out, "| {title} | {share} | {} | {measures} |", level.distinct);
        }
        out.push_str("\nAgreement: the share of completed runs that did what most runs did.\n");
        for level in &self.levels {
            section(level, &mut out);
        }
        if !self.failures.is_empty() {
            out.push_str("\n#### failed\n\n");
        }
        for failure in &self.failures {
            let _ = writeln!(out, "- run {}: {}", failure.run, line(&failure.why));
        }
        out
    }
}

fn section(level: &Level, out: &mut String) {
    if level.variants.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n#### {}", level.level.title());
    for Variant { count, share, runs, what } in &level.variants {
        let _ = writeln!(out, "\n{count} ({}), {}:\n", percent(*share), run_list(runs));
        // Indented, so that no answer can end its own block.
        for text in what.lines() {
            let _ = writeln!(out, "    {}", line(&text));
        }
    }
}

fn line(text: &str) -> String {
    let text = visible_lines(text);
    visible(&text.replace('\n', " ")).into_owned()
}

/// `86 %`. 100 is said of the whole only, 0 of nothing only.
#[must_use]
pub fn percent(share: f64) -> String {
    let rounded = (share * 100.0).round();
    let shown = if share < 1.0 { rounded.min(99.0) } else { rounded };
    format!("{:.0} %", if share > 0.0 { shown.max(1.0) } else { shown })
}

/// `run 3`, `runs 1-4 6 9`.
#[must_use]
pub fn run_list(runs: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for run in runs {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *run => *last = *run,
            Some(_) | None => spans.push((*run, *run)),
        }
    }
    let spans: Vec<String> = spans
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first} {last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    format!("{} {}", if runs.len() == 1 { "run" } else { "runs" }, spans.join(" "))
}
