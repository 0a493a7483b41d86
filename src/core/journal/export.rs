//! Copies of one step, as text for a ticket or a shell. Everything from outside is made visible on the way.

use super::step::{Step, StepStatus};
use super::{Actor, Entry, Fact, Outcome, RefusedBy, Timeline, WriteEffect, remark};
use crate::approval::{DryRun, Proposal, Reversible, WarningLevel};
use crate::id::StepNo;
use crate::message::{Block, Input};
use crate::text::{quote, visible, visible_lines};
use crate::thought::Thought;
use crate::tool::Projection;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// Rows of a result that are copied.
const ROWS: usize = 200;

/// One step as Markdown: what, when (UTC), arguments, result as a table, errors, who approved. At most 200 rows,
/// and it says so. Empty when there is no such step.
#[must_use]
pub fn step_markdown(timeline: &Timeline, entries: &[Arc<Entry>], no: StepNo) -> String {
    let Some(step) = timeline.get(no) else { return String::new() };
    let mut out = Page(String::new());
    out.line(&format!("### #{no} {}", inline(&step.title)));
    out.gap();
    out.line(&headline(step));
    for fact in facts(step, entries) {
        out.fact(fact, timeline);
    }
    out.0
}

/// A proposal as Markdown: what would be done, where, as whom, and what to think of.
#[must_use]
pub fn proposal_markdown(proposal: &Proposal) -> String {
    let mut out = Page(String::new());
    out.proposal(proposal);
    out.0
}

/// The command line that does the same: `aws ...` for a change, `quarterdeck tool ...` for a read. `None` for a
/// step that is neither.
#[must_use]
pub fn step_command(timeline: &Timeline, entries: &[Arc<Entry>], no: StepNo) -> Option<String> {
    let step = timeline.get(no)?;
    let proposed = |call| {
        entries.iter().rev().find_map(|entry| match &entry.fact {
            Fact::ApprovalAsked { call: c, proposal, .. } if *c == call => Some(proposal.command.clone()),
            _ => None,
        })
    };
    let call = step.call?;
    let command = proposed(call).filter(|command| !command.is_empty()).or_else(|| {
        facts(step, entries).find_map(|fact| match fact {
            Fact::ToolCalled { tool, args, .. } => Some(tool_command(tool, args)),
            _ => None,
        })
    })?;
    Some(visible_lines(&command).into_owned())
}

fn facts<'a>(step: &'a Step, entries: &'a [Arc<Entry>]) -> impl Iterator<Item = &'a Fact> {
    step.entries.iter().filter_map(|seq| entries.get(usize::try_from(seq.0).ok()?)).map(|e| &e.fact)
}

/// `quarterdeck tool NAME --field value ...`, quoted for a shell.
fn tool_command(tool: &str, args: &Value) -> String {
    let mut line = format!("quarterdeck tool {}", quote(tool));
    for (name, value) in args.as_object().into_iter().flatten() {
        let flag = quote(&name.replace('_', "-")).into_owned();
        let words: Vec<String> = match value {
            Value::Null | Value::Bool(false) => continue,
            Value::Bool(true) => vec![format!("--{flag}")],
            Value::String(text) => vec![format!("--{flag}={}", quote(text))],
            Value::Array(items) if items.iter().all(Value::is_string) => items
                .iter()
                .filter_map(Value::as_str)
                .map(|item| format!("--{flag}={}", quote(item)))
                .collect(),
            Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                vec![format!("--{flag}={}", quote(&value.to_string()))]
            }
        };
        for word in words {
            let _ = write!(line, " {word}");
        }
    }
    line
}

/// Status, when, how long.
fn headline(step: &Step) -> String {
    let status = match step.status {
        StepStatus::Pending => "waiting",
        StepStatus::InProgress => "running",
        StepStatus::Completed => "completed",
        StepStatus::Partial => "completed, with parts missing",
        StepStatus::Error => "failed",
        StepStatus::Denied => "denied",
        StepStatus::Cancelled => "cancelled",
        StepStatus::Unknown => "outcome unknown",
        StepStatus::Recorded => "recorded",
    };
    let mut line = format!("{status}, began {}", step.began.rfc3339());
    if let Some(ended) = step.ended.filter(|ended| *ended != step.began) {
        let _ = write!(line, ", took {} ms", ended.since(step.began).as_millis());
    }
    if !step.remark.is_empty() {
        let _ = write!(line, ": {}", inline(&step.remark));
    }
    line
}

/// Untrusted text within a line of Markdown: visible, and not read as markup.
fn inline(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        let goes_on = in_word && chars.peek().is_some_and(|next| next.is_alphanumeric());
        // An underscore inside a word is no markup, and tool names are full of them.
        if "\\`*[]<>|#!".contains(c) || (c == '_' && !goes_on) {
            out.push('\\');
        }
        in_word = c.is_alphanumeric() || (c == '_' && goes_on);
        out.push(c);
    }
    out
}

/// Markdown as it grows.
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn gap(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    /// Untrusted lines in a fence that they cannot close.
    fn fenced(&mut self, language: &str, text: &str) {
        let text = visible_lines(text);
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.gap();
        self.line(&format!("{fence}{language}"));
        self.line(text.trim_end());
        self.line(&fence);
    }

    fn item(&mut self, name: &str, value: &str) {
        self.line(&format!("- {name}: {}", inline(value)));
    }

    fn fact(&mut self, fact: &Fact, timeline: &Timeline) {
        match fact {
            Fact::Question { text, .. } => self.fenced("", text),
            Fact::ModelRequested { provider, model, iteration, bytes, .. } => {
                self.gap();
                self.item("model", &format!("{provider} {model}"));
                self.item("iteration", &iteration.to_string());
                self.item("transcript", &format!("{bytes} bytes"));
            }
            Fact::ModelResponded { blocks, .. } | Fact::ModelFailed { partial: blocks, .. } => {
                self.blocks(blocks);
            }
            Fact::ToolCalled { by, args, .. } => {
                self.gap();
                let by = match by {
                    Actor::Model { turn, iteration, .. } => {
                        format!("the model, turn {turn}, iteration {iteration}")
                    }
                    Actor::Human => "the operator".to_owned(),
                    Actor::Verification { of } => timeline.of_call(*of).map_or_else(
                        || "the console, verifying a change".to_owned(),
                        |step| format!("the console, verifying #{}", step.no),
                    ),
                };
                self.item("asked for by", &by);
                self.fenced("json", &serde_json::to_string_pretty(args).unwrap_or_default());
            }
            Fact::ToolFinished { outcome, .. } => match outcome {
                Outcome::Ok { projection, .. } => self.result(projection),
                Outcome::Failed { fault } => {
                    self.gap();
                    self.item("error", &fault.to_string());
                }
                Outcome::Recorded => {
                    self.gap();
                    self.line("Recorded, not run: tracking mode.");
                }
            },
            Fact::ApprovalAsked { proposal, digest, reason, changed, .. } => {
                self.gap();
                self.proposal(proposal);
                self.item("digest", digest.as_str());
                for change in changed {
                    self.item("changed since it was approved", change);
                }
                if let Some(reason) = reason {
                    self.item("the model says (unverified)", reason);
                }
            }
            Fact::Approved { operator, typed_code, .. } => {
                let code = if *typed_code { ", with the code typed" } else { "" };
                self.item("approved by", &format!("{operator}{code}"));
            }
            Fact::Refused { by, note, .. } => self.refused(*by, note.as_deref()),
            Fact::WriteConcluded { effect, .. } => {
                let effect = match effect {
                    WriteEffect::Done => "done",
                    WriteEffect::NotDone => "not done",
                    WriteEffect::Unknown => "not known",
                };
                self.item("the change was", effect);
            }
            Fact::Verified { summary, .. }
            | Fact::Noted { text: summary }
            | Fact::Compacted { text: summary, .. } => self.fenced("", summary),
            Fact::Evaluated { report } => {
                self.gap();
                self.line(report.markdown().trim_end());
            }
            Fact::SessionStarted { .. }
            | Fact::SessionResumed { .. }
            | Fact::ScopeChanged { .. }
            | Fact::SettingsChanged { .. }
            | Fact::ModeChanged { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::WriteIntended { .. }
            | Fact::TurnEnded { .. }
            | Fact::Shortened { .. } => {}
        }
    }

    fn refused(&mut self, by: RefusedBy, note: Option<&str>) {
        self.gap();
        self.item("answer", &remark::refused(by, note));
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                // The model's Markdown stays Markdown.
                Block::Text { text } => {
                    self.gap();
                    self.line(visible_lines(text).trim_end());
                }
                Block::Reasoning { raw, .. } => self.thought(&Thought::of(raw)),
                Block::ToolCall { name, input, .. } => {
                    let args = match input {
                        Input::Json(value) => value.to_string(),
                        Input::Garbage(text) => text.clone(),
                    };
                    self.gap();
                    self.item("calls", &format!("{name} {args}"));
                }
            }
        }
    }

    /// A quote, so that nobody takes it for the answer.
    fn thought(&mut self, thought: &Thought) {
        self.gap();
        self.line("> **Thinking**");
        self.line(">");
        if thought.text.is_empty() {
            self.line(if thought.encrypted {
                "> (reasoning is encrypted)"
            } else {
                "> (nothing of it can be read)"
            });
        }
        for line in visible_lines(&thought.text).lines() {
            self.line(format!("> {line}").trim_end());
        }
    }

    fn result(&mut self, projection: &Projection) {
        self.gap();
        self.line(&inline(&projection.summary));
        if !projection.columns.is_empty() && !projection.rows.is_empty() {
            let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
            self.gap();
            self.line(&row(projection.columns.iter().map(|c| inline(&c.name)).collect()));
            self.line(&row(projection.columns.iter().map(|_| "---".to_owned()).collect()));
            for line in projection.rows.iter().take(ROWS) {
                self.line(&row(line.cells.iter().map(|cell| inline(&cell.plain())).collect()));
            }
        }
        self.gap();
        let shown = projection.rows.len().min(ROWS);
        if shown < projection.total {
            self.line(&format!("- {shown} of {} rows are shown", projection.total));
        }
        for (value, n) in &projection.counts.of {
            self.item(&format!("{} {}", inline(&projection.counts.by), inline(value)), &n.to_string());
        }
        if let Some(why) = &projection.truncated {
            self.item("cut off", why);
        }
        for missing in &projection.errors {
            self.item(&format!("missing, {}", inline(&missing.place)), &missing.fault.to_string());
        }
        for note in &projection.notes {
            self.item("note", note);
        }
        self.item("as of", &projection.as_of.rfc3339());
    }

    fn proposal(&mut self, plan: &Proposal) {
        self.line(&format!("**{}**", inline(&plan.title)));
        self.gap();
        let alias = plan.identity.alias.as_ref().map_or_else(String::new, |a| format!(" ({a})"));
        self.item("account", &format!("{}{alias}, {}", plan.identity.account, plan.region));
        self.item("as", &plan.identity.arn);
        for target in &plan.targets {
            let name = target.name.as_ref().map_or_else(String::new, |n| format!(" {n:?}"));
            self.item("target", &format!("{}{name}, {}", target.arn, target.state));
            for change in &target.changes {
                self.line(&format!(
                    "  - {}: {} → {}",
                    inline(&change.field),
                    inline(&change.before),
                    inline(&change.after)
                ));
            }
        }
        for warning in &plan.warnings {
            let level = match warning.level {
                WarningLevel::Info => "note",
                WarningLevel::Caution => "caution",
                WarningLevel::Critical => "CRITICAL",
            };
            self.item(level, &warning.text);
        }
        for fact in &plan.unknown {
            self.item("NOT KNOWN", fact);
        }
        let dry_run = match &plan.dry_run {
            DryRun::NotOffered => "not offered".to_owned(),
            DryRun::Permitted => "permitted (it checks permission, not state)".to_owned(),
            DryRun::Denied(why) => format!("denied: {why}"),
            DryRun::Unknown(why) => format!("not known: {why}"),
        };
        self.item("dry run", &dry_run);
        let undo = match &plan.reversible {
            Reversible::Yes(how) => format!("yes: {how}"),
            Reversible::Partly(lost) => format!("partly: {lost}"),
            Reversible::No(why) => format!("no: {why}"),
        };
        self.item("reversible", &undo);
        self.item("as of", &plan.as_of.rfc3339());
        if !plan.command.is_empty() {
            self.fenced("sh", &plan.command);
        }
    }
}
