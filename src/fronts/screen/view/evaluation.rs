//! The evaluation of determinism: in front of the panes while it is open, and as a step's result ever after.
//!
//! ```text
//! ┌ determinism · nothing is executed ─────────────────────────────────────┐
//! │ why is checkout failing?                                               │
//! │ anthropic claude-x, effort high                                        │
//! │ 7 of 10 runs, 1 failed, 2 running · 12.4k tok · $0.31 · 14 s           │
//! │                                                                        │
//! │ first round: tools   ████████████████░░░░   86 %  6 of 7   2 variants  │
//! │ whole plan           ██████████░░░░░░░░░░   57 %  4 of 7   3 variants  │
//! │                                                                        │
//! │ first round: tools: which tools are called first; neither ...          │
//! │ >  6   86 %  runs 1-4 6 7  get_active_alarms, list_ecs_services        │
//! │    1   14 %  run 5         get_active_alarms                           │
//! │ Enter expands  j k move  y Markdown  Y JSON  Esc cancels               │
//! └────────────────────────────────────────────────────────────────────────┘
//! ```

use super::line::{Run, cell, clip, left, paragraph, right, wrap};
use super::{boxed, format, hints, wake_at};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::eval::{Level, Report, Variant, Weighed, percent, run_list};
use quarterdeck_core::keymap::Action;
use quarterdeck_core::screen::{Evaluation, Extent, Screen, Shown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// Columns of a bar.
const BAR: usize = 30;
/// Lines of the question shown above everything.
const QUESTION: usize = 2;

/// Draws it over `area`.
pub fn draw(
    screen: &Screen,
    evaluation: &Evaluation,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) {
    boxed(area, " determinism · nothing is executed ", theme.focus, theme, buf);
    if area.width < 24 || area.height < 6 {
        return;
    }
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 };
    let columns = usize::from(inner.width);
    let report = &evaluation.progress.report;
    let mut head = question(report, columns, theme);
    head.push(Line::styled(clip(&report.asked_of(), columns), theme.dim));
    head.push(standing(screen, evaluation, columns, theme));
    head.push(Line::default());
    head.extend(figures(report, columns, theme));
    head.push(Line::styled(theme.glyph("─", "-").repeat(columns), theme.border));
    // On a low window the figures give way to the variants.
    head.truncate(usize::from(inner.height).saturating_sub(4));
    for (line, y) in head.iter().zip(inner.y..) {
        buf.set_line(inner.x, y, line, inner.width);
    }
    let body = Rect {
        y: inner.y + cell(head.len()),
        height: inner.height.saturating_sub(cell(head.len()) + 1),
        ..inner
    };
    let is_open = |level: Weighed, v: &Variant| {
        v.runs.first().is_some_and(|run| evaluation.open.contains(&(level, *run)))
    };
    let (lines, places) = variants(report, columns, theme, is_open);
    let chosen = places.get(evaluation.selected).map(|(line, _)| *line);
    for ((i, line), y) in lines.iter().enumerate().skip(evaluation.top).zip(body.top()..body.bottom()) {
        buf.set_line(body.x, y, line, body.width);
        if chosen == Some(i) {
            buf.set_style(Rect { y, height: 1, ..body }, theme.select);
        }
    }
    shown.evaluation = Extent { total: lines.len(), fits: usize::from(body.height) };
    shown.variants = places;
    buf.set_line(inner.x, inner.bottom() - 1, &keys(screen, evaluation, columns, theme), inner.width);
    if !evaluation.progress.over {
        wake_at(shown, screen.now.plus(Duration::from_millis(500)));
    }
}

/// The body of a step that was an evaluation: everything, expanded.
#[must_use]
pub fn lines(report: &Report, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut out = question(report, columns, theme);
    out.extend(paragraph(&report.asked_of(), columns, theme.dim));
    let took = Duration::from_millis(report.duration_ms);
    out.extend(paragraph(&format!("{} · {}", report.counted(), spent(report, took)), columns, theme.text));
    out.push(Line::default());
    out.extend(figures(report, columns, theme));
    out.push(Line::default());
    out.extend(variants(report, columns, theme, |_, _| true).0);
    out
}

fn question(report: &Report, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = paragraph(&report.question, columns, theme.heading);
    if lines.len() > QUESTION {
        lines.truncate(QUESTION);
        lines.push(Line::styled(theme.glyph("…", "..."), theme.dim));
    }
    lines
}

/// How many runs, what runs, what it cost, how long.
fn standing(screen: &Screen, evaluation: &Evaluation, columns: usize, theme: &Theme) -> Line<'static> {
    let report = &evaluation.progress.report;
    let mut said = report.counted();
    let (style, took) = if evaluation.progress.over {
        let style = if report.runs.completed == report.runs.asked { theme.good } else { theme.warn };
        (style, Duration::from_millis(report.duration_ms))
    } else {
        said.push_str(&format!(", {} running", evaluation.progress.running));
        let whole = screen.now.since(evaluation.began).as_secs();
        (theme.busy, Duration::from_secs(whole))
    };
    Line::styled(clip(&format!("{said} · {}", spent(report, took)), columns), style)
}

fn spent(report: &Report, took: Duration) -> String {
    let mut parts = Vec::new();
    if report.usage.total() > 0 {
        parts.push(format!("{} tok", format::short(report.usage.total())));
        parts.extend(report.cost_usd.map(|dollars| format!("${dollars:.2}")));
    }
    parts.push(if took.is_zero() { "0 s".to_owned() } else { format::span(took) });
    parts.join(" · ")
}

/// One bar a level.
fn figures(report: &Report, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    report.levels.iter().map(|level| figure(level, report.runs.completed, columns, theme)).collect()
}

fn figure(level: &Level, completed: u32, columns: usize, theme: &Theme) -> Line<'static> {
    let title = left(level.level.title(), 19);
    let Some(share) = level.agreement else {
        return Line::from(vec![
            Span::styled(title, theme.text),
            Span::styled("no run is complete yet", theme.dim),
        ]);
    };
    let bar = columns.saturating_sub(58).clamp(8, BAR);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // 0 to 30
    let full = ((share * bar as f64).round() as usize).min(bar);
    let style = agreement(share, theme);
    let most = level.variants.first().map_or(0, |v| v.count);
    let variants =
        if level.distinct == 1 { "1 variant".to_owned() } else { format!("{} variants", level.distinct) };
    Line::from(vec![
        Span::styled(title, theme.text),
        Span::styled(theme.glyph("█", "#").repeat(full), style),
        Span::styled(theme.glyph("░", ".").repeat(bar - full), theme.dim),
        Span::styled(right(&percent(share), 7), style),
        Span::styled(right(&format!("{most} of {completed} agree"), 18), theme.dim),
        Span::styled(right(&variants, 14), theme.dim),
    ])
}

fn agreement(share: f64, theme: &Theme) -> Style {
    if share >= 1.0 {
        theme.good
    } else if share >= 0.5 {
        theme.warn
    } else {
        theme.bad
    }
}

/// Every level's variants, then what failed; and the first line and the lines of each variant.
fn variants(
    report: &Report,
    columns: usize,
    theme: &Theme,
    is_open: impl Fn(Weighed, &Variant) -> bool,
) -> (Vec<Line<'static>>, Vec<(usize, usize)>) {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    if let Some(why) = &report.stopped {
        out.extend(paragraph(why, columns, theme.bad));
        out.push(Line::default());
    }
    for level in report.levels.iter().filter(|level| !level.variants.is_empty()) {
        let title = [
            Run::new(level.level.title(), theme.heading),
            Run::new("  ", theme.dim),
            Run::new(level.level.measures(), theme.dim),
        ];
        let none = Span::default();
        out.extend(wrap(&title, columns, &none, &none).into_iter().map(|l| l.line));
        let width = level.variants.iter().map(|v| run_list(&v.runs).len()).max().unwrap_or(0);
        let width = width.min((columns / 4).max(8));
        for variant in &level.variants {
            let from = out.len();
            let open = is_open(level.level, variant);
            out.push(row(variant, open, width, columns, theme));
            if open {
                let indent = Span::raw(" ".repeat(15.min(columns / 4)));
                for text in variant.what.lines() {
                    let runs = [Run::new(&text, theme.text)];
                    out.extend(wrap(&runs, columns, &indent, &indent).into_iter().map(|l| l.line));
                }
            }
            places.push((from, out.len() - from));
        }
        out.push(Line::default());
    }
    if !report.failures.is_empty() {
        out.push(Line::styled("failed", theme.heading));
    }
    for failure in &report.failures {
        let first = Span::styled(format!("  run {:<3} ", failure.run), theme.bad);
        let rest = Span::raw(" ".repeat(first.content.len()));
        let runs = [Run::new(&failure.why, theme.text)];
        out.extend(wrap(&runs, columns, &first, &rest).into_iter().map(|l| l.line));
    }
    (out, places)
}

/// `▸  6   86 %  runs 1-4 6 7  get_active_alarms, list_ecs_services`
fn row(variant: &Variant, open: bool, width: usize, columns: usize, theme: &Theme) -> Line<'static> {
    let mark = if open { theme.glyph("▾", "-") } else { theme.glyph("▸", "+") };
    let runs = left(&run_list(&variant.runs), width);
    let head = format!("{mark}{:>4} {:>6}  {runs}  ", variant.count, percent(variant.share));
    let room = columns.saturating_sub(quarterdeck_core::text::width(&head));
    let what = if open { String::new() } else { clip(&variant.what.headline(), room) };
    Line::from(vec![Span::styled(head, theme.text), Span::styled(what, theme.dim)])
}

fn keys(screen: &Screen, evaluation: &Evaluation, columns: usize, theme: &Theme) -> Line<'static> {
    let key = |action| hints::key(&screen.keymap, action);
    let (markdown, json) = (key(Action::CopyStep), key(Action::CopyCall));
    let moves = format!("{} {}", key(Action::Down), key(Action::Up));
    let esc = if evaluation.progress.over { "closes" } else { "cancels, keeps what is complete" };
    hints::line(
        &[
            ("Esc", esc),
            ("Enter", "expands"),
            (&moves, "move"),
            (&markdown, "copies Markdown"),
            (&json, "JSON"),
        ],
        columns,
        theme,
    )
}
