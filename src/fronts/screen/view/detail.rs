//! The detail of the chosen step.
//!
//! ```text
//! #4 list_ecs_services · completed · 412 ms · 3 requests
//! Result  Request  Raw
//!
//! 2 of 14 services are below their desired count.
//! missing: eu-west-3: denied (needs ecs:ListClusters)
//!
//! service        desired  running  rollout
//! ─────────────  ───────  ───────  ────────
//! checkout-api         8        2  FAILED
//! ```

use super::line::{cell, clip, wrap};
use super::{fold, format, status, table};
use crate::fronts::screen::theme::Theme;
use crate::fronts::screen::view::line::Run;
use quarterdeck_core::Timestamp;
use quarterdeck_core::id::StepNo;
use quarterdeck_core::journal::{Entry, Fact, Outcome, Step};
use quarterdeck_core::screen::{DetailTab, Extent, Hit, Screen, Shown};
use quarterdeck_core::text;
use quarterdeck_core::tool::Projection;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// What is remembered of the step that is shown.
#[derive(Debug, Default)]
pub struct DetailCache {
    key: Option<Key>,
    body: Body,
    matches: Option<(String, Vec<usize>)>,
}

/// What a body depends on. Ages count in whole minutes, so that an idle screen is not laid out again.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    step: StepNo,
    entries: usize,
    rows: u64,
    tab: DetailTab,
    columns: usize,
    minute: i64,
    running: bool,
}

/// Lines before a table, the table, lines after it. The table's rows are laid out only when visible.
#[derive(Debug, Default)]
pub struct Body {
    /// Before.
    pub head: Vec<Line<'static>>,
    /// The result whose rows are the table.
    pub table: Option<(Arc<Projection>, table::Widths)>,
    /// After.
    pub tail: Vec<Line<'static>>,
}

impl Body {
    fn rows(&self) -> usize {
        self.table.as_ref().map_or(0, |(p, _)| p.rows.len() + 2)
    }

    fn len(&self) -> usize {
        self.head.len() + self.rows() + self.tail.len()
    }

    fn line(&self, at: usize, left: usize, now: Timestamp, theme: &Theme) -> Option<Line<'static>> {
        if let Some(line) = self.head.get(at) {
            return Some(line.clone());
        }
        let at = at - self.head.len();
        if at >= self.rows() {
            return self.tail.get(at - self.rows()).cloned();
        }
        let (projection, widths) = self.table.as_ref()?;
        let skip = left.min(projection.columns.len().saturating_sub(1));
        match at.checked_sub(2) {
            None => table::head(&projection.columns, widths, skip, theme).into_iter().nth(at),
            Some(i) => {
                projection.rows.get(i).map(|r| table::row(r, &projection.columns, widths, skip, now, theme))
            }
        }
    }
}

/// The step the detail is about: the selected one, or the newest.
fn chosen(screen: &Screen) -> Option<&Step> {
    let timeline = &screen.ledger.timeline;
    screen.timeline.selected.and_then(|no| timeline.get(no)).or_else(|| timeline.steps().last())
}

/// Draws the detail into `area` and reports its extent.
pub fn draw(
    screen: &Screen,
    theme: &Theme,
    cache: &mut DetailCache,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) {
    let Some(step) = chosen(screen) else {
        buf.set_stringn(area.x, area.y, "no step is selected", usize::from(area.width), theme.dim);
        return;
    };
    buf.set_line(area.x, area.y, &title(screen, step, usize::from(area.width), theme), area.width);
    tabs(screen, theme, area, buf, shown);
    let body = Rect {
        y: area.y.saturating_add(3).min(area.bottom()),
        height: area.height.saturating_sub(3),
        ..area
    };
    let columns = usize::from(body.width);
    fit(cache, screen, step, columns, theme);
    let fits = usize::from(body.height);
    let total = cache.body.len();
    shown.detail = Extent { total, fits };
    let top = screen.detail.top.min(total.saturating_sub(1));
    for (k, y) in (body.top()..body.bottom()).enumerate() {
        let Some(line) = cache.body.line(top + k, screen.detail.left, screen.now, theme) else { break };
        buf.set_line(body.x, y, &line, body.width);
    }
    // The table's head stays in sight while its rows scroll.
    let first_row = cache.body.head.len() + 2;
    if cache.body.rows() > 2 && top > cache.body.head.len() && top < first_row + cache.body.rows() - 2 {
        let line = cache.body.line(cache.body.head.len(), screen.detail.left, screen.now, theme);
        if let (Some(line), true) = (line, body.height > 2) {
            blank(body, buf);
            buf.set_line(body.x, body.y, &line, body.width);
        }
    }
    if !screen.detail.search.is_empty() {
        shown.detail_matches = matches(cache, &screen.detail.search, screen.now, theme);
        super::mark(buf, body, &screen.detail.search, theme.found);
    }
}

fn blank(area: Rect, buf: &mut Buffer) {
    for x in area.left()..area.right() {
        if let Some(cell) = buf.cell_mut((x, area.y)) {
            cell.reset();
        }
    }
}

fn matches(cache: &mut DetailCache, search: &str, now: Timestamp, theme: &Theme) -> Vec<usize> {
    if let Some((s, found)) = &cache.matches
        && s == search
    {
        return found.clone();
    }
    let wanted = search.to_lowercase();
    let found: Vec<usize> = (0..cache.body.len())
        .filter(|at| {
            cache
                .body
                .line(*at, 0, now, theme)
                .is_some_and(|l| l.to_string().to_lowercase().contains(&wanted))
        })
        .collect();
    cache.matches = Some((search.to_owned(), found.clone()));
    found
}

fn fit(cache: &mut DetailCache, screen: &Screen, step: &Step, columns: usize, theme: &Theme) {
    let progress = step.call.and_then(|c| screen.live.progress.get(&c));
    let key = Key {
        step: step.no,
        entries: step.entries.len(),
        rows: progress.map_or(0, |p| p.rows + p.done),
        tab: screen.detail.tab,
        columns,
        minute: screen.now.millis().div_euclid(60_000),
        running: step.ended.is_none(),
    };
    if cache.key.as_ref() == Some(&key) {
        return;
    }
    cache.key = Some(key);
    cache.matches = None;
    cache.body = match screen.detail.tab {
        DetailTab::Result => super::result::body(screen, step, columns, theme),
        DetailTab::Request => super::request::body(screen, step, columns, theme),
        DetailTab::Raw => Body { head: fold::raw(&entries(screen, step), columns, theme), ..Body::default() },
    };
}

/// The entries a step is made of.
#[must_use]
pub fn entries<'s>(screen: &'s Screen, step: &Step) -> Vec<&'s Entry> {
    let at = |seq: &quarterdeck_core::id::Seq| screen.ledger.entries.get(usize::try_from(seq.0).ok()?);
    step.entries.iter().filter_map(at).map(AsRef::as_ref).collect()
}

/// `#4 list_ecs_services  completed  call · 412 ms · 3 requests`: the facts that fit.
fn title(screen: &Screen, step: &Step, columns: usize, theme: &Theme) -> Line<'static> {
    let no = format!("#{} ", step.no);
    let word = status::word(step.status);
    let name = clip(&step.title, columns.saturating_sub(no.len() + word.len() + 2).min(60));
    let mut used = text::width(&no) + text::width(&name) + 2 + word.len();
    let mut spans = vec![
        Span::styled(no, theme.heading),
        Span::styled(name, theme.heading),
        Span::raw("  "),
        Span::styled(word, status::style(step.status, theme)),
    ];
    for (i, fact) in facts(screen, step).into_iter().enumerate() {
        let fact = format!("{}{fact}", if i == 0 { "  " } else { " · " });
        used += text::width(&fact);
        if used > columns {
            break;
        }
        spans.push(Span::styled(fact, theme.dim));
    }
    Line::from(spans)
}

/// How long, how many requests, which round: the most telling first.
fn facts(screen: &Screen, step: &Step) -> Vec<String> {
    let mut facts = Vec::new();
    match step.ended {
        Some(ended) if ended > step.began => facts.push(format::span(ended.since(step.began))),
        Some(_) => {}
        None => facts.push(format!("{} so far", format::span(screen.now.since(step.began)))),
    }
    for entry in entries(screen, step) {
        if let Fact::ToolFinished { outcome: Outcome::Ok { stats, .. }, .. } = &entry.fact
            && stats.requests > 0
        {
            facts.push(match (stats.requests, stats.retries) {
                (1, 0) => "1 request".to_owned(),
                (n, 0) => format!("{n} requests"),
                (n, r) => format!("{n} requests, {r} retried"),
            });
        }
    }
    if let Some(i) = step.iteration {
        facts.push(format!("iteration {i}"));
    }
    facts.push(status::kind(step.kind).to_owned());
    facts
}

fn tabs(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let y = area.y.saturating_add(1);
    if y >= area.bottom() {
        return;
    }
    let mut x = area.x;
    for (tab, name) in
        [(DetailTab::Result, "Result"), (DetailTab::Request, "Request"), (DetailTab::Raw, "Raw")]
    {
        let on = screen.detail.tab == tab;
        let label = if on { format!("[{name}]") } else { format!(" {name} ") };
        let width = cell(label.len());
        let room = area.right().saturating_sub(x);
        buf.set_stringn(x, y, &label, usize::from(room), if on { theme.focus } else { theme.dim });
        shown.targets.push(super::hit(Rect { x, y, width: width.min(room), height: 1 }, Hit::Tab(tab)));
        x = x.saturating_add(width + 1);
    }
}

/// A label and its value, wrapped under itself.
pub fn field(label: &str, value: &str, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let lead = format!("{label:<12} ");
    let rest = Span::raw(" ".repeat(text::width(&lead)));
    let mut first = Span::styled(lead, theme.dim);
    let mut out = Vec::new();
    for line in value.lines() {
        out.extend(wrap(&[Run::new(line, theme.text)], columns, &first, &rest).into_iter().map(|l| l.line));
        first = rest.clone();
    }
    if out.is_empty() {
        out.push(Line::from(first));
    }
    out
}
