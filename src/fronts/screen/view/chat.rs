//! The chat: questions, answers, and the console's own lines.
//!
//! ```text
//! › why is checkout failing?
//!
//! ▸ thinking · 12 lines · 3.1 s
//!
//! checkout-api lost 6 of 8 tasks after the 11:52 deploy [#4].
//!
//! · the operator refused: update_ecs_service
//! ```
//!
//! The newest [`WINDOW`] items are measured, once per width, so that drawing costs the same however long the
//! session is; what came before them is on the timeline.

use super::growing::Growing;
use super::line::{Laid, Run, cell, wrap};
use super::{markdown, thinking};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::screen::{ChatItem, Extent, Folds, Hit, HitTarget, LiveState, Mark, Screen, Shown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::HashMap;
use std::rc::Rc;

/// Items the chat goes back.
const WINDOW: usize = 1_000;
/// Laid-out items kept.
const KEPT: usize = 400;

/// What of the chat is already laid out, for one width.
#[derive(Debug, Default)]
pub struct ChatCache {
    columns: usize,
    /// What was open when the items were measured.
    folds: Folds,
    /// The items from `low` on are measured.
    low: usize,
    measured: Vec<Measure>,
    /// Lines of all measured items.
    total: usize,
    lines: HashMap<usize, Rc<[Laid]>>,
    /// The answer that is being written.
    live: Option<(TurnId, Growing)>,
    thinking: thinking::LiveCache,
    matches: Option<(String, usize, Rc<[usize]>)>,
}

/// What is remembered of an item when its lines are dropped.
#[derive(Debug, Default)]
struct Measure {
    lines: usize,
    links: Vec<(usize, Mark)>,
}

impl Measure {
    fn of(lines: &[Laid]) -> Self {
        let marks = |laid: &Laid| {
            let links = laid.links.iter().map(|(_, _, step)| Mark::Link(*step));
            laid.fold.map(Mark::Thinking).into_iter().chain(links).collect::<Vec<_>>()
        };
        let links = lines.iter().enumerate();
        let links = links.flat_map(|(y, laid)| marks(laid).into_iter().map(move |mark| (y, mark))).collect();
        Self { lines: lines.len(), links }
    }
}

fn words(item: &ChatItem) -> &str {
    match item {
        ChatItem::Question { text, .. }
        | ChatItem::Answer { text, .. }
        | ChatItem::Thinking { text, .. }
        | ChatItem::Line { text, .. } => text,
    }
}

impl ChatCache {
    /// Measures what is new or was opened or folded; everything, when the width changed.
    fn fit(&mut self, items: &[ChatItem], folds: &Folds, columns: usize, theme: &Theme) {
        if self.columns != columns || items.len() < self.low + self.measured.len() {
            *self = Self { columns, low: items.len().saturating_sub(WINDOW), ..Self::default() };
        }
        if self.folds != *folds {
            let before = std::mem::replace(&mut self.folds, folds.clone());
            self.refold(items, &before, theme);
        }
        for index in self.low + self.measured.len()..items.len() {
            let measure = Measure::of(&self.item(items, index, theme));
            self.total += measure.lines;
            self.measured.push(measure);
        }
    }

    /// Measures again what is not as it was `before`.
    fn refold(&mut self, items: &[ChatItem], before: &Folds, theme: &Theme) {
        self.matches = None;
        for (nth, index) in (self.low..self.low + self.measured.len()).enumerate() {
            if let Some(ChatItem::Thinking { step, .. }) = items.get(index)
                && before.is_open(*step) != self.folds.is_open(*step)
            {
                self.lines.remove(&index);
                let measure = Measure::of(&self.item(items, index, theme));
                if let Some(slot) = self.measured.get_mut(nth) {
                    self.total = (self.total + measure.lines).saturating_sub(slot.lines);
                    *slot = measure;
                }
            }
        }
    }

    /// Lines above the measured items: one that says so, when there are older ones.
    fn above(&self) -> usize {
        usize::from(self.low > 0)
    }

    fn item(&mut self, items: &[ChatItem], index: usize, theme: &Theme) -> Rc<[Laid]> {
        if let Some(lines) = self.lines.get(&index) {
            return Rc::clone(lines);
        }
        if self.lines.len() >= KEPT {
            self.lines.clear();
        }
        let before = index.checked_sub(1).and_then(|i| items.get(i));
        let lines: Rc<[Laid]> = items
            .get(index)
            .map(|item| lay_out(item, before, &self.folds, self.columns, theme))
            .unwrap_or_default()
            .into();
        self.lines.insert(index, Rc::clone(&lines));
        lines
    }

    /// Thinking as it streams in, below a blank line.
    fn thinking(&mut self, live: &LiveState, theme: &Theme) -> Vec<Laid> {
        let Some(thinking) = &live.thinking else { return Vec::new() };
        let (answering, open, columns) = (live.text.is_some(), self.folds.open, self.columns);
        let mut out = vec![Laid::default()];
        out.extend(self.thinking.lay_out(thinking, answering, open, columns, theme));
        out
    }

    /// The lines of the answer that is being written, below a blank one.
    fn live(&mut self, turn: TurnId, text: &str, theme: &Theme) -> &[Laid] {
        let (_, growing) = match self.live.take().filter(|(of, _)| *of == turn) {
            Some(going_on) => self.live.insert(going_on),
            None => self.live.insert((turn, Growing::default())),
        };
        growing.lay_out(text, self.columns, theme)
    }
}

fn lay_out(
    item: &ChatItem,
    before: Option<&ChatItem>,
    folds: &Folds,
    columns: usize,
    theme: &Theme,
) -> Vec<Laid> {
    let mut out = Vec::new();
    let joined = matches!(
        (before, item),
        (Some(ChatItem::Line { .. }), ChatItem::Line { .. })
            | (Some(ChatItem::Thinking { .. }), ChatItem::Thinking { .. })
    );
    if before.is_some() && !joined {
        out.push(Laid::default());
    }
    match item {
        ChatItem::Question { text, .. } => {
            let first = Span::styled(theme.glyph("› ", "> "), theme.user);
            let mut lead = &first;
            let rest = Span::raw("  ");
            for line in text.lines() {
                out.extend(wrap(&[Run::new(line, theme.user)], columns, lead, &rest));
                lead = &rest;
            }
        }
        ChatItem::Answer { text, partial, .. } => {
            out.extend(markdown::lay_out(text, columns, theme));
            if *partial {
                out.push(Line::styled("(cut off here)", theme.warn).into());
            }
        }
        ChatItem::Thinking { text, encrypted, step, ms } => {
            let (said, about) = ((text.as_str(), *encrypted), (*step, *ms));
            out.extend(thinking::lay_out(said, about, folds.is_open(*step), columns, theme));
        }
        ChatItem::Line { text, step, bad } => {
            let (mark, style) = if *bad {
                (theme.glyph("✖ ", "x "), theme.bad)
            } else {
                (theme.glyph("· ", "- "), theme.dim)
            };
            let runs = [Run::new(text, style), Run::new(" ", style), Run::link(*step, theme.link)];
            out.extend(wrap(&runs, columns, &Span::styled(mark, style), &Span::raw("  ")));
        }
    }
    out
}

/// Draws the chat into `area` and reports its extent and links.
pub fn draw(
    screen: &Screen,
    theme: &Theme,
    cache: &mut ChatCache,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) {
    let items = &screen.ledger.chat;
    let height = usize::from(area.height);
    cache.fit(items, &screen.chat.folds, usize::from(area.width), theme);
    let thinking = cache.thinking(&screen.live, theme);
    let written = screen.live.text.as_ref().map(|(turn, text)| 1 + cache.live(*turn, text, theme).len());
    let above = cache.above();
    let total = above + cache.total + thinking.len() + written.unwrap_or(0);
    shown.chat = Extent { total, fits: height };

    let mut line = above;
    for (m, item) in cache.measured.iter().zip(items.iter().skip(cache.low)) {
        if matches!(item, ChatItem::Question { .. }) {
            // Not from the blank line above it.
            shown.question_line = Some(line + usize::from(line > above));
        }
        for (y, mark) in &m.links {
            shown.links.push(*mark);
            shown.link_lines.push(line + y);
        }
        line += m.lines;
    }
    let picked = screen.chat.link.and_then(|i| shown.link_lines.get(i).copied().map(|l| (i, l)));

    let top = screen.chat.first_line(shown.chat);
    let mut at = above;
    let mut y = area.y;
    let bottom = area.bottom();
    if above > top {
        let earlier = format!("{} earlier messages: see the timeline", cache.low);
        buf.set_stringn(area.x, y, earlier, usize::from(area.width), theme.dim);
        y += 1;
    }
    let counts: Vec<usize> = cache.measured.iter().map(|m| m.lines).collect();
    let low = cache.low;
    for (i, n) in counts.into_iter().enumerate() {
        if at + n > top && y < bottom {
            let lines = cache.item(items, low + i, theme);
            for (k, laid) in lines.iter().enumerate() {
                if at + k >= top && y < bottom {
                    put(laid, area, y, buf, shown);
                    if let Some((index, l)) = picked
                        && l == at + k
                    {
                        let nth = index - shown.link_lines.partition_point(|x| *x < l);
                        mark_link(laid, nth, theme, area, y, buf);
                    }
                    y += 1;
                }
            }
        }
        at += n;
    }
    for laid in &thinking {
        if at >= top && y < bottom {
            put(laid, area, y, buf, shown);
            y += 1;
        }
        at += 1;
    }
    if let Some((turn, text)) = &screen.live.text {
        if at >= top && y < bottom {
            y += 1;
        }
        let hidden = top.saturating_sub(at + 1);
        for laid in cache.live(*turn, text, theme).iter().skip(hidden).take(usize::from(bottom - y)) {
            put(laid, area, y, buf, shown);
            y += 1;
        }
    }
    if items.is_empty() && written.is_none() && thinking.is_empty() {
        welcome(screen, theme, area, buf);
    }
    if !screen.chat.search.is_empty() {
        shown.chat_matches = matches(cache, items, &screen.chat.search, above, theme).to_vec();
        super::mark(buf, area, &screen.chat.search, theme.found);
    }
}

fn put(laid: &Laid, area: Rect, y: u16, buf: &mut Buffer, shown: &mut Shown) {
    buf.set_line(area.x, y, &laid.line, area.width);
    if let Some(step) = laid.fold {
        let width = cell(laid.line.width()).min(area.width);
        shown.targets.push(HitTarget { area: (area.x, y, width, 1), hit: Hit::Thinking(step) });
    }
    for (x, width, step) in &laid.links {
        shown.targets.push(HitTarget { area: (area.x + x, y, *width, 1), hit: Hit::Link(*step) });
    }
}

fn mark_link(laid: &Laid, nth: usize, theme: &Theme, area: Rect, y: u16, buf: &mut Buffer) {
    let whole = laid.fold.map(|step| (0, cell(laid.line.width()), step));
    if let Some((x, width, _)) = whole.iter().chain(&laid.links).nth(nth) {
        let place = Rect { x: area.x.saturating_add(*x), y, width: *width, height: 1 };
        buf.set_style(place.intersection(area), theme.link_selected);
    }
}

fn matches(
    cache: &mut ChatCache,
    items: &[ChatItem],
    search: &str,
    above: usize,
    theme: &Theme,
) -> Rc<[usize]> {
    if let Some((s, n, found)) = &cache.matches
        && s == search
        && *n == items.len()
    {
        return Rc::clone(found);
    }
    let wanted = search.to_lowercase();
    let mut at = above;
    let mut found = Vec::new();
    for i in 0..cache.measured.len() {
        let n = cache.measured.get(i).map_or(0, |m| m.lines);
        let index = cache.low + i;
        if items.get(index).is_some_and(|item| words(item).to_lowercase().contains(&wanted)) {
            let lines = cache.item(items, index, theme);
            for (k, laid) in lines.iter().enumerate() {
                if laid.line.to_string().to_lowercase().contains(&wanted) {
                    found.push(at + k);
                }
            }
        }
        at += n;
    }
    let found: Rc<[usize]> = found.into();
    cache.matches = Some((search.to_owned(), items.len(), Rc::clone(&found)));
    found
}

/// What an empty chat says.
fn welcome(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let hint = |key: &'static str, what: &'static str| {
        Line::from(vec![Span::styled(format!("{key:<6}"), theme.key), Span::styled(what, theme.dim)])
    };
    let mut lines = vec![
        Line::styled("Ask what is wrong, in plain words.", theme.text),
        Line::default(),
        hint("Enter", "asks"),
        hint(":", "every command and every tool"),
        hint("?", "the keys of where you are"),
        hint("Tab", "the next pane"),
        Line::default(),
        Line::styled("Nothing in the account changes until you approve that exact call.", theme.dim),
    ];
    if let Some(drill) = &screen.ledger.scope.demo {
        lines.push(Line::styled(
            format!("This is the embedded demo account (drill: {}).", super::line::clip(drill, 40)),
            theme.dim,
        ));
    }
    let mut y = area.y;
    for line in lines {
        for span in wrap_plain(&line, usize::from(area.width)) {
            if y < area.bottom() {
                buf.set_line(area.x, y, &span, area.width);
                y += 1;
            }
        }
    }
}

fn wrap_plain(line: &Line<'static>, columns: usize) -> Vec<Line<'static>> {
    let runs: Vec<Run> = line.spans.iter().map(|s| Run::new(&s.content, line.style.patch(s.style))).collect();
    wrap(&runs, columns, &Span::default(), &Span::default()).into_iter().map(|l| l.line).collect()
}
