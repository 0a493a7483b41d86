//! A proposal in lines: the dialog's body and the detail of an approval.
//!
//! ```text
//! CRITICAL  the group starts a replacement at once
//!
//! 1 checkout-api  i-0abc12345678  running  env=prod
//!   state: running -> stopped
//!   as of 12:01:03: connections 12
//!
//! reversible   yes: start_ec2_instance
//! dry run      permitted (checks permission, not state)
//! ```

use super::detail::field;
use super::format;
use super::line::{Run, clip, paragraph, wrap};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{DryRun, Impact, Proposal, Reversible, Target, Warning, WarningLevel};
use quarterdeck_core::text;
use ratatui::text::{Line, Span};
use std::ops::Range;

/// The lines, and which of them belong to each target.
#[derive(Debug, Default)]
pub struct Facts {
    /// All lines.
    pub lines: Vec<Line<'static>>,
    /// Of each target, in order.
    pub targets: Vec<Range<usize>>,
}

/// Everything a proposal promises, the worst first.
#[must_use]
pub fn facts(
    proposal: &Proposal,
    changed: &[String],
    now: Timestamp,
    columns: usize,
    evidence: bool,
    theme: &Theme,
) -> Facts {
    let mut facts = Facts::default();
    let out = &mut facts.lines;
    if !changed.is_empty() {
        out.push(Line::styled("CHANGED SINCE YOU APPROVED", theme.caution));
        for sentence in changed {
            out.extend(bullet(sentence, columns, theme));
        }
        out.push(Line::default());
    }
    let critical = |w: &&Warning| w.level == WarningLevel::Critical;
    for warning in proposal.warnings.iter().filter(critical) {
        out.extend(warn(warning, columns, evidence, theme));
    }
    gap(out);
    let many = proposal.targets.len() > 1;
    for (i, target) in proposal.targets.iter().enumerate() {
        let start = out.len();
        out.extend(target_lines(target, many.then_some(i + 1), proposal.as_of, columns, theme));
        facts.targets.push(start..out.len());
    }
    gap(out);
    for warning in proposal.warnings.iter().filter(|w| !critical(w)) {
        out.extend(warn(warning, columns, evidence, theme));
    }
    gap(out);
    if !proposal.unknown.is_empty() {
        out.push(Line::styled("NOT KNOWN", theme.caution));
        for fact in &proposal.unknown {
            out.extend(bullet(fact, columns, theme));
        }
        gap(out);
    }
    if let Impact::High(reasons) = Impact::of(proposal) {
        out.push(Line::styled("high impact because", theme.dim));
        for reason in &reasons {
            out.extend(bullet(reason, columns, theme));
        }
        gap(out);
    }
    let (undo, why) = match &proposal.reversible {
        Reversible::Yes(how) => ("yes: ", how),
        Reversible::Partly(lost) => ("PARTLY: ", lost),
        Reversible::No(why) => ("NO: ", why),
    };
    out.extend(field("reversible", &format!("{undo}{why}"), columns, theme));
    out.extend(field("dry run", &dry_run(&proposal.dry_run), columns, theme));
    out.extend(field("identity", &proposal.identity.arn, columns, theme));
    out.extend(field("actions", &proposal.actions.join(", "), columns, theme));
    out.extend(field("command", &proposal.command, columns, theme));
    let planned = format!("{} ({})", format::ago(proposal.as_of, now), proposal.as_of.clock());
    out.extend(field("planned", &planned, columns, theme));
    facts
}

/// The model's words, in a box of their own of at most `most` lines.
///
/// ```text
/// ┌ the model says (unverified) ────────┐
/// │ the deploy is stuck                 │
/// └─────────────────────────────────────┘
/// ```
#[must_use]
pub fn said(reason: &str, columns: usize, most: usize, theme: &Theme) -> Vec<Line<'static>> {
    let inner = columns.saturating_sub(4).max(1);
    let title = clip(" the model says (unverified) ", inner);
    let dash = theme.glyph("─", "-");
    let rule = dash.repeat(columns.saturating_sub(3 + text::width(&title)));
    let mut out = vec![Line::from(vec![
        Span::styled(theme.glyph("┌", "+"), theme.border),
        Span::styled(dash, theme.border),
        Span::styled(title, theme.dim),
        Span::styled(rule, theme.border),
        Span::styled(theme.glyph("┐", "+"), theme.border),
    ])];
    let side = theme.glyph("│", "|");
    let body = paragraph(reason, inner, theme.said);
    let more = body.len() > most;
    for line in body.into_iter().take(most) {
        let blanks = " ".repeat(inner.saturating_sub(line.width()) + 1);
        let mut spans = vec![Span::styled(side, theme.border), Span::raw(" ")];
        spans.extend(line.spans.into_iter().map(|s| s.patch_style(theme.said)));
        spans.push(Span::raw(blanks));
        spans.push(Span::styled(side, theme.border));
        out.push(Line::from(spans));
    }
    let foot = if more { " more in the step " } else { "" };
    out.push(Line::from(vec![
        Span::styled(theme.glyph("└", "+"), theme.border),
        Span::styled(foot, theme.dim),
        Span::styled(dash.repeat(columns.saturating_sub(2 + foot.len())), theme.border),
        Span::styled(theme.glyph("┘", "+"), theme.border),
    ]));
    out
}

fn gap(out: &mut Vec<Line<'static>>) {
    if out.last().is_some_and(|l| l.width() > 0) {
        out.push(Line::default());
    }
}

fn bullet(sentence: &str, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mark = Span::styled(theme.glyph("• ", "- "), theme.dim);
    wrap(&[Run::new(sentence, theme.text)], columns, &mark, &Span::raw("  "))
        .into_iter()
        .map(|l| l.line)
        .collect()
}

fn warn(warning: &Warning, columns: usize, evidence: bool, theme: &Theme) -> Vec<Line<'static>> {
    let (word, style) = match warning.level {
        WarningLevel::Critical => (" CRITICAL ", theme.critical),
        WarningLevel::Caution => (" CAUTION ", theme.caution),
        WarningLevel::Info => (" NOTE ", theme.dim),
    };
    let lead = Span::styled(word, style);
    let rest = Span::raw(" ".repeat(word.len()));
    let said = [Run::new(" ", theme.text), Run::new(&warning.text, theme.text)];
    let mut out: Vec<Line<'static>> =
        wrap(&said, columns, &lead, &rest).into_iter().map(|l| l.line).collect();
    if let (true, Some(fact)) = (evidence, &warning.evidence) {
        let mark = Span::styled("    because ", theme.dim);
        let under = Span::raw(" ".repeat(12));
        out.extend(wrap(&[Run::new(fact, theme.dim)], columns, &mark, &under).into_iter().map(|l| l.line));
    }
    out
}

fn target_lines(
    target: &Target,
    no: Option<usize>,
    as_of: Timestamp,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let no = no.map_or_else(String::new, |n| format!("{n} "));
    let indent = Span::raw("  ");
    let mut runs = Vec::new();
    if let Some(name) = &target.name {
        runs.push(Run::new(name, theme.heading));
        runs.push(Run::new("  ", theme.text));
    }
    runs.push(Run::new(&target.id, if target.name.is_some() { theme.text } else { theme.heading }));
    runs.push(Run::new("  ", theme.text));
    runs.push(Run::new(&target.state, super::table::state(&target.state, theme)));
    for (key, value) in &target.tags {
        runs.push(Run::new(&format!("  {key}={value}"), theme.warn));
    }
    let first = Span::styled(format!("{no:<2}"), theme.dim);
    let mut out: Vec<Line<'static>> =
        wrap(&runs, columns, &first, &indent).into_iter().map(|l| l.line).collect();
    for change in &target.changes {
        let arrow = theme.glyph(" → ", " -> ");
        let runs = [
            Run::new(&format!("{}: ", change.field), theme.dim),
            Run::new(&change.before, theme.text),
            Run::new(arrow, theme.dim),
            Run::new(&change.after, theme.heading),
        ];
        out.extend(wrap(&runs, columns, &indent, &Span::raw("    ")).into_iter().map(|l| l.line));
    }
    out.extend(context(target, as_of, columns, theme));
    out
}

/// What moves by itself: short facts share a line, a long one has its own.
fn context(target: &Target, as_of: Timestamp, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    const SHORT: usize = 32;
    if target.context.is_empty() {
        return Vec::new();
    }
    let (short, long): (Vec<String>, Vec<String>) =
        target.context.iter().map(|(k, v)| format!("{k} {v}")).partition(|fact| text::width(fact) <= SHORT);
    let first = format!("as of {}: {}", as_of.clock(), short.join(", "));
    let (indent, under) = (Span::raw("  "), Span::raw("    "));
    std::iter::once((first, &indent))
        .chain(long.into_iter().map(|fact| (fact, &under)))
        .flat_map(|(fact, lead)| {
            wrap(&[Run::new(fact.trim_end_matches([' ', ':']), theme.dim)], columns, lead, lead)
        })
        .map(|laid| laid.line)
        .collect()
}

fn dry_run(dry_run: &DryRun) -> String {
    match dry_run {
        DryRun::NotOffered => "not offered for this call".to_owned(),
        DryRun::Permitted => "permitted (it checks permission, not state)".to_owned(),
        DryRun::Denied(why) => format!("DENIED: {why}"),
        DryRun::Unknown(why) => format!("NOT KNOWN: {why}"),
    }
}
