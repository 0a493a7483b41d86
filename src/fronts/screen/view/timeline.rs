//! The timeline: every step, newest last.
//!
//! ```text
//!   #1 › why is checkout failing?
//! ┌ #2 ◆ model request            2.1k tok      1.2 s ▕██▏
//! │ #4 ● list_ecs_services   2 of 14 below     412 ms ▕  ███▏
//! └ #6 ✖ get_cost            denied            denied ▕  █▏
//! ```
//!
//! The bracket on the left joins the steps of one iteration. Only visible rows are laid out.

use super::line::{clip, left, right};
use super::{format, status, summary, waterfall};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::id::StepNo;
use quarterdeck_core::journal::{Step, StepKind, StepStatus};
use quarterdeck_core::screen::{Extent, Hit, Screen, Shown, expanded_rows};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// One row: a step, or the n-th line below an expanded one.
#[derive(Clone, Copy)]
struct RowAt {
    /// Position among the steps that pass the filter.
    at: usize,
    line: usize,
}

/// Draws the timeline into `area` and reports its extent.
pub fn draw(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let pane = &screen.timeline;
    let mut body = area;
    if !pane.filter.is_empty() {
        filter_line(screen, theme, area, buf);
        body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    let steps = screen.ledger.timeline.steps();
    let rows = Rows::new(screen);
    let fits = usize::from(body.height);
    shown.timeline = Extent { total: rows.total, fits };
    if rows.total == 0 {
        let what = if steps.is_empty() { "no steps yet" } else { "no step matches; Esc shows all" };
        buf.set_stringn(body.x, body.y, what, usize::from(body.width), theme.dim);
        return;
    }
    let columns = Columns::new(usize::from(body.width), steps.len());
    let top = pane.top.min(rows.total.saturating_sub(fits));
    let mut bounds = None;
    let mut row = rows.find(top);
    for y in body.top()..body.bottom() {
        let Some(index) = row.and_then(|r| rows.step(r.at)) else { break };
        let Some(step) = steps.get(index) else { break };
        let line = row.map_or(0, |r| r.line);
        let place = Rect { y, height: 1, ..body };
        if line == 0 {
            if bounds.is_none_or(|b: waterfall::Bounds| Some(b.turn) != step.turn) {
                bounds = waterfall::bounds(steps, index, screen.now);
            }
            let bar = bounds
                .filter(|b| columns.bar > 0 && Some(b.turn) == step.turn)
                .map_or_else(String::new, |b| waterfall::bar(step, &b, screen.now, columns.bar, theme));
            let bracket = bracket(steps, index, theme);
            buf.set_line(place.x, y, &columns.row(screen, step, bracket, bar, theme), place.width);
            if pane.selected == Some(step.no) {
                buf.set_style(place, theme.select);
            }
        } else {
            let entry = step.entries.get(line - 1).and_then(|seq| entry(screen, *seq));
            let said = entry.map_or_else(String::new, summary::entry);
            let lead = " ".repeat(columns.indent());
            let room = columns.width.saturating_sub(columns.indent());
            let text = Line::from(vec![Span::raw(lead), Span::styled(clip(&said, room), theme.dim)]);
            buf.set_line(place.x, y, &text, place.width);
        }
        shown.targets.push(super::hit(place, Hit::Step(step.no)));
        row = row.and_then(|r| rows.after(screen, r));
    }
}

fn entry(screen: &Screen, seq: quarterdeck_core::id::Seq) -> Option<&quarterdeck_core::journal::Entry> {
    screen.ledger.entries.get(usize::try_from(seq.0).ok()?).map(std::convert::AsRef::as_ref)
}

/// `┌ │ └` beside the steps of one iteration of more than one step.
fn bracket(steps: &[Step], at: usize, theme: &Theme) -> &'static str {
    let group = |s: &Step| s.iteration.map(|i| (s.turn, i));
    let Some(mine) = steps.get(at).and_then(group) else { return " " };
    let same = |i: Option<usize>| i.and_then(|i| steps.get(i)).and_then(group) == Some(mine);
    match (same(at.checked_sub(1)), same(at.checked_add(1))) {
        (false, true) => theme.glyph("┌", "/"),
        (true, true) => theme.glyph("│", "|"),
        (true, false) => theme.glyph("└", "\\"),
        (false, false) => " ",
    }
}

/// Which rows there are, without listing them.
struct Rows<'s> {
    visible: &'s [StepNo],
    /// Position and further lines of each expanded step, in order.
    expanded: Vec<(usize, usize)>,
    total: usize,
}

impl<'s> Rows<'s> {
    fn new(screen: &'s Screen) -> Self {
        let pane = &screen.timeline;
        let timeline = &screen.ledger.timeline;
        let mut rows = Self { visible: &pane.visible, expanded: Vec::new(), total: 0 };
        rows.expanded = pane
            .expanded
            .iter()
            .filter_map(|no| Some((rows.position(*no)?, expanded_rows(timeline.get(*no)?))))
            .collect();
        rows.total = rows.visible.len() + rows.expanded.iter().map(|(_, n)| n).sum::<usize>();
        rows
    }

    fn position(&self, no: StepNo) -> Option<usize> {
        self.visible.binary_search(&no).ok()
    }

    /// The index among all steps of the step at a position.
    fn step(&self, at: usize) -> Option<usize> {
        usize::try_from(self.visible.get(at)?.0).ok()?.checked_sub(1)
    }

    fn find(&self, row: usize) -> Option<RowAt> {
        let mut extra = 0;
        for (at, n) in &self.expanded {
            let first = at + extra;
            if row <= first {
                break;
            }
            if row <= first + n {
                return Some(RowAt { at: *at, line: row - first });
            }
            extra += n;
        }
        Some(RowAt { at: row.checked_sub(extra)?, line: 0 })
    }

    fn after(&self, screen: &Screen, row: RowAt) -> Option<RowAt> {
        let step = screen.ledger.timeline.steps().get(self.step(row.at)?)?;
        let lines = if screen.timeline.expanded.contains(&step.no) { expanded_rows(step) } else { 0 };
        Some(if row.line < lines {
            RowAt { line: row.line + 1, ..row }
        } else {
            RowAt { at: row.at + 1, line: 0 }
        })
    }
}

/// How wide each part of a row is.
struct Columns {
    width: usize,
    no: usize,
    bar: usize,
    title: usize,
    remark: usize,
}

/// `12.3 s`, `cancelled`.
const TOOK: usize = 9;

impl Columns {
    fn new(width: usize, steps: usize) -> Self {
        let no = steps.max(1).to_string().len() + 1;
        let bar = match width {
            0..52 => 0,
            52..70 => 12,
            70..100 => 18,
            100.. => 30,
        };
        // bracket, number, glyph, title, remark, took, bar: one blank between each two
        let fixed = 1 + 1 + no + 1 + 1 + 1 + 1 + TOOK + if bar > 0 { bar + 1 } else { 0 };
        let free = width.saturating_sub(fixed);
        let title = if free < 34 { free } else { (free / 2).clamp(24, 30) };
        let remark = free.saturating_sub(title + 1);
        Self { width, no, bar, title, remark }
    }

    const fn indent(&self) -> usize {
        self.no + 5
    }

    fn row(
        &self,
        screen: &Screen,
        step: &Step,
        bracket: &'static str,
        bar: String,
        theme: &Theme,
    ) -> Line<'static> {
        let style = status::style(step.status, theme);
        let words = matches!(step.kind, StepKind::Question | StepKind::Note | StepKind::Error);
        let mark = match step.kind {
            StepKind::ToolCall | StepKind::Approval | StepKind::Error => style,
            StepKind::Question => theme.user,
            StepKind::ModelRequest | StepKind::ModelResponse | StepKind::Note => theme.dim,
        };
        let title = match step.kind {
            StepKind::Question => theme.user,
            StepKind::ToolCall | StepKind::Approval | StepKind::Error => theme.text,
            StepKind::ModelRequest | StepKind::ModelResponse | StepKind::Note => theme.dim,
        };
        let mut spans = vec![
            Span::styled(bracket, theme.border),
            Span::raw(" "),
            Span::styled(right(&format!("#{}", step.no), self.no), theme.dim),
            Span::raw(" "),
            Span::styled(status::glyph(step, theme), mark),
            Span::raw(" "),
        ];
        let remark = remark(screen, step);
        if words || self.remark == 0 {
            // A sentence takes the room of the remark too; a narrow row shows the remark after a short title.
            let room = self.title + if self.remark > 0 { self.remark + 1 } else { 0 };
            let shown = clip(&step.title, room);
            let rest = room.saturating_sub(text::width(&shown) + 1);
            spans.push(Span::styled(shown.clone(), title));
            if rest > 6 && !remark.is_empty() {
                spans.push(Span::raw(" "));
                spans.push(Span::styled(left(&remark, rest), theme.dim));
            } else {
                spans.push(Span::raw(" ".repeat(room.saturating_sub(text::width(&shown)))));
            }
        } else {
            spans.push(Span::styled(left(&step.title, self.title), title));
            spans.push(Span::raw(" "));
            spans.push(Span::styled(left(&remark, self.remark), theme.dim));
        }
        let (took, took_style) = took(step, style, theme);
        spans.push(Span::raw(" "));
        spans.push(Span::styled(right(&took, TOOK), took_style));
        if !bar.is_empty() {
            spans.push(Span::raw(" "));
            spans.push(Span::styled(bar, if step.kind == StepKind::ToolCall { style } else { theme.dim }));
        }
        Line::from(spans)
    }
}

/// What the remark column says: of a running call how far it is.
fn remark(screen: &Screen, step: &Step) -> String {
    let progress = step.call.filter(|_| step.ended.is_none()).and_then(|c| screen.live.progress.get(&c));
    progress.map_or_else(|| step.remark.clone(), summary::progress)
}

/// The duration, or the word for a step that did not simply complete.
fn took(step: &Step, style: Style, theme: &Theme) -> (String, Style) {
    match step.status {
        StepStatus::Completed => match (step.kind, step.ended) {
            (StepKind::ToolCall | StepKind::ModelRequest | StepKind::Approval, Some(ended)) => {
                (format::span(ended.since(step.began)), theme.dim)
            }
            (StepKind::Question, _) => (step.began.clock(), theme.dim),
            (
                StepKind::ToolCall
                | StepKind::ModelRequest
                | StepKind::Approval
                | StepKind::ModelResponse
                | StepKind::Error
                | StepKind::Note,
                _,
            ) => (String::new(), theme.dim),
        },
        StepStatus::Pending
        | StepStatus::InProgress
        | StepStatus::Partial
        | StepStatus::Recorded
        | StepStatus::Error
        | StepStatus::Denied
        | StepStatus::Cancelled
        | StepStatus::Unknown => (status::word(step.status).to_owned(), style),
    }
}

fn filter_line(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let filter = &screen.timeline.filter;
    let mut parts = Vec::new();
    if filter.errors {
        parts.push("errors".to_owned());
    }
    if filter.calls {
        parts.push("calls".to_owned());
    }
    if !filter.text.is_empty() {
        parts.push(format!("\"{}\"", clip(&filter.text, 40)));
    }
    let found = screen.timeline.visible.len();
    let all = screen.ledger.timeline.steps().len();
    let line = Line::from(vec![
        Span::styled("only ", theme.dim),
        Span::styled(parts.join(" "), theme.warn),
        Span::styled(format!(": {found} of {all}"), theme.dim),
    ]);
    buf.set_line(area.x, area.y, &line, area.width);
}
