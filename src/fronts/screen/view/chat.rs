//! The chat: questions, answers, and the console's own lines.
//!
//! ```text
//! › why is checkout failing?
//!
//! checkout-api lost 6 of 8 tasks after the 11:52 deploy [#4].
//!
//! · the operator refused: update_ecs_service
//! ```
//!
//! Only what is near the visible part is laid out: from the newest item upwards. What was never scrolled to is
//! counted with an upper bound, which becomes exact on the way up.

use super::line::{Laid, Run, wrap};
use super::markdown;
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::id::{StepNo, TurnId};
use quarterdeck_core::screen::{ChatItem, Extent, Hit, HitTarget, Screen, Shown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::HashMap;
use std::rc::Rc;

/// Items laid out at least, so that links can be stepped through without scrolling first.
const AHEAD: usize = 40;
/// Items a search looks at.
const SEARCHED: usize = 2_000;
/// Laid-out items kept.
const KEPT: usize = 400;

/// What of the chat is already laid out, for one width.
#[derive(Debug, Default)]
pub struct ChatCache {
    columns: usize,
    /// Bytes of the first `n` items: an upper bound of their lines.
    bound: (usize, usize),
    /// The items from `low` on are measured.
    low: usize,
    measured: Vec<Measure>,
    lines: HashMap<usize, Rc<[Laid]>>,
    live: Option<(TurnId, usize, Rc<[Laid]>)>,
    matches: Option<(String, (usize, usize), Rc<[usize]>)>,
}

/// What is remembered of an item when its lines are dropped.
#[derive(Debug, Default)]
struct Measure {
    lines: usize,
    bytes: usize,
    links: Vec<(usize, StepNo)>,
}

fn words(item: &ChatItem) -> &str {
    match item {
        ChatItem::Question { text, .. } | ChatItem::Answer { text, .. } | ChatItem::Line { text, .. } => text,
    }
}

fn bound(item: &ChatItem) -> usize {
    words(item).len() + 3
}

impl ChatCache {
    fn fit(&mut self, items: &[ChatItem], columns: usize) {
        let shrunk = items.len() < self.bound.0;
        if self.columns != columns || shrunk {
            *self = Self { columns, low: items.len(), ..Self::default() };
        }
        for item in items.get(self.bound.0..).unwrap_or_default() {
            self.bound.1 += bound(item);
        }
        self.bound.0 = items.len();
    }

    fn item(&mut self, items: &[ChatItem], index: usize, theme: &Theme) -> Rc<[Laid]> {
        if let Some(lines) = self.lines.get(&index) {
            return Rc::clone(lines);
        }
        if self.lines.len() >= KEPT {
            self.lines.clear();
        }
        let before = index.checked_sub(1).and_then(|i| items.get(i));
        let lines: Rc<[Laid]> =
            items.get(index).map(|item| lay_out(item, before, self.columns, theme)).unwrap_or_default().into();
        self.lines.insert(index, Rc::clone(&lines));
        lines
    }

    /// Measures the items from `down_to` on that are not measured yet.
    fn measure(&mut self, items: &[ChatItem], down_to: usize, theme: &Theme) {
        let known = self.low + self.measured.len();
        for index in known..items.len() {
            let m = self.measured_item(items, index, theme);
            self.measured.push(m);
        }
        if down_to >= self.low {
            return;
        }
        let mut older: Vec<Measure> = Vec::with_capacity(self.low - down_to);
        for index in down_to..self.low {
            older.push(self.measured_item(items, index, theme));
        }
        older.append(&mut self.measured);
        self.measured = older;
        self.low = down_to;
    }

    fn measured_item(&mut self, items: &[ChatItem], index: usize, theme: &Theme) -> Measure {
        let lines = self.item(items, index, theme);
        let links =
            lines.iter().enumerate().flat_map(|(y, l)| l.links.iter().map(move |(_, _, s)| (y, *s))).collect();
        Measure { lines: lines.len(), bytes: items.get(index).map_or(0, bound), links }
    }

    /// Upper bound of the lines above the measured items.
    fn above(&self) -> usize {
        if self.low == 0 {
            return 0;
        }
        self.bound.1.saturating_sub(self.measured.iter().map(|m| m.bytes).sum())
    }

    fn live(&mut self, turn: TurnId, text: &str, theme: &Theme) -> Rc<[Laid]> {
        if let Some((t, len, lines)) = &self.live
            && *t == turn
            && *len == text.len()
        {
            return Rc::clone(lines);
        }
        let mut lines = vec![Laid::default()];
        lines.extend(markdown::lay_out(text, self.columns, theme));
        let lines: Rc<[Laid]> = lines.into();
        self.live = Some((turn, text.len(), Rc::clone(&lines)));
        lines
    }
}

fn lay_out(item: &ChatItem, before: Option<&ChatItem>, columns: usize, theme: &Theme) -> Vec<Laid> {
    let mut out = Vec::new();
    let joined = matches!((before, item), (Some(ChatItem::Line { .. }), ChatItem::Line { .. }));
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
pub fn draw(screen: &Screen, theme: &Theme, cache: &mut ChatCache, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let items = &screen.ledger.chat;
    let height = usize::from(area.height);
    cache.fit(items, usize::from(area.width));
    cache.measure(items, items.len().saturating_sub(AHEAD).min(cache.low), theme);
    let live = screen.live.text.as_ref().map(|(turn, text)| cache.live(*turn, text, theme));
    let tail = live.as_ref().map_or(0, |l| l.len());
    let searching = !screen.chat.search.is_empty();
    if searching {
        cache.measure(items, items.len().saturating_sub(SEARCHED), theme);
    }
    let wanted = screen.chat.up.saturating_add(height);
    let mut have = tail + cache.measured.iter().map(|m| m.lines).sum::<usize>();
    while have < wanted && cache.low > 0 {
        let low = cache.low;
        cache.measure(items, low.saturating_sub(AHEAD), theme);
        have += cache.measured.iter().take(low - cache.low).map(|m| m.lines).sum::<usize>();
    }
    let above = cache.above();
    let up = screen.chat.up.min(have.saturating_sub(height));
    let total = above + have;
    shown.chat = Extent { total, fits: height };

    let mut line = above;
    for m in &cache.measured {
        for (y, step) in &m.links {
            shown.links.push(*step);
            shown.link_lines.push(line + y);
        }
        line += m.lines;
    }
    let picked = screen.chat.link.and_then(|i| shown.link_lines.get(i).copied().map(|l| (i, l)));

    // The first visible line, counted from the top of the whole chat.
    let top = total.saturating_sub(up + height).max(above);
    let mut at = above;
    let mut y = area.y;
    let bottom = area.bottom();
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
    for (k, laid) in live.iter().flat_map(|l| l.iter()).enumerate() {
        if at + k >= top && y < bottom {
            put(laid, area, y, buf, shown);
            y += 1;
        }
    }
    if items.is_empty() && live.is_none() {
        welcome(screen, theme, area, buf);
    }
    if searching {
        shown.chat_matches = matches(cache, items, &screen.chat.search, above, theme).to_vec();
        super::mark(buf, area, &screen.chat.search, theme.found);
    }
}

fn put(laid: &Laid, area: Rect, y: u16, buf: &mut Buffer, shown: &mut Shown) {
    buf.set_line(area.x, y, &laid.line, area.width);
    for (x, width, step) in &laid.links {
        shown.targets.push(HitTarget { area: (area.x + x, y, *width, 1), hit: Hit::Link(*step) });
    }
}

fn mark_link(laid: &Laid, nth: usize, theme: &Theme, area: Rect, y: u16, buf: &mut Buffer) {
    if let Some((x, width, _)) = laid.links.get(nth) {
        let place = Rect { x: area.x.saturating_add(*x), y, width: *width, height: 1 };
        buf.set_style(place.intersection(area), theme.link_selected);
    }
}

fn matches(cache: &mut ChatCache, items: &[ChatItem], search: &str, above: usize, theme: &Theme) -> Rc<[usize]> {
    if let Some((s, n, found)) = &cache.matches
        && s == search
        && *n == (items.len(), cache.low)
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
    cache.matches = Some((search.to_owned(), (items.len(), cache.low), Rc::clone(&found)));
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
    let runs: Vec<Run> =
        line.spans.iter().map(|s| Run::new(&s.content, line.style.patch(s.style))).collect();
    wrap(&runs, columns, &Span::default(), &Span::default()).into_iter().map(|l| l.line).collect()
}

