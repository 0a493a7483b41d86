//! The confirmation dialog.
//!
//! ```text
//! ┏ APPROVE THIS CHANGE? ━━━━━━━━━━━━━━━━━━ high impact ┓
//! ┃ Stop 2 instances in eu-west-1                       ┃
//! ┃ prod-eu 123456789012 · eu-west-1 · OnCallAdmin      ┃
//! ┠─────────────────────────────────────────────────────┨
//! ┃ (the proposal, scrolls)                             ┃
//! ┠──────────────────────────────────────────── 1-9/23 ─┨
//! ┃ type KTRW and the number of targets (2), then A ... ┃
//! ┃ Esc refuses · j k move · e evidence · ...           ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```
//!
//! It reports which targets were fully visible: only those count as seen.

use super::hints;
use super::line::{Run, cell, clip, wrap};
use super::proposal::{Facts, facts, said};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Gate, Readiness, Seen};
use quarterdeck_core::keymap::Action;
use quarterdeck_core::screen::{Dialog, Extent, Screen, Shown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use std::time::Duration;

/// The terminal a dialog can be approved on: columns and rows.
pub const ROOM: (u16, u16) = (60, 15);
/// The widest it gets: lines stay readable.
const WIDEST: u16 = 110;

/// Draws the dialog over everything, or the bar that stands for it while it is set aside.
pub fn draw(
    screen: &Screen,
    dialog: &Dialog,
    theme: &Theme,
    whole: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) {
    let Some(gate) = &dialog.gate else { return };
    if dialog.aside {
        aside(gate, theme, whole, buf);
        return;
    }
    shown.targets.clear();
    if whole.width < ROOM.0 || whole.height < ROOM.1 {
        cramped(gate, theme, whole, buf);
        shown.dialog = Some(Seen { targets: Vec::new(), room: false });
        return;
    }
    let width = whole.width.saturating_sub(if whole.width > 70 { 6 } else { 0 }).min(WIDEST);
    let columns = usize::from(width.saturating_sub(4));
    let (body, top_lines) = (body(dialog, gate, screen.now, columns, theme), head(gate, columns, theme));
    let feet = feet(screen, dialog, gate, columns, theme);
    let chrome = cell(top_lines.len() + feet.len() + 4);
    let most = whole.height.saturating_sub(if whole.height > 20 { 2 } else { 0 });
    let height = cell(body.lines.len()).saturating_add(chrome).min(most);
    let area = Rect {
        x: whole.x + (whole.width - width) / 2,
        y: whole.y + (whole.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buf);
    let edge = if gate.impact().is_high() { theme.ask_high } else { theme.ask };
    frame(gate, area, edge, theme, buf);
    let inner = Rect { x: area.x + 2, width: width - 4, ..area };
    let mut y = area.y + 1;
    for line in top_lines {
        buf.set_line(inner.x, y, &line, inner.width);
        y += 1;
    }
    rule(area, y, edge, "", theme, buf);
    let fits = usize::from(height.saturating_sub(chrome));
    let top = dialog.top.min(body.lines.len().saturating_sub(fits));
    let body_at = y + 1;
    for (line, y) in body.lines.iter().skip(top).take(fits).zip(body_at..) {
        buf.set_line(inner.x, y, line, inner.width);
    }
    mark_target(dialog, &body, top, fits, inner, body_at, theme, buf);
    y = body_at + cell(fits);
    rule(area, y, edge, &position(top, fits, body.lines.len()), theme, buf);
    for (line, y) in feet.into_iter().zip(y + 1..) {
        buf.set_line(inner.x, y, &line, inner.width);
    }
    shown.dialog_body = Extent { total: body.lines.len(), fits };
    shown.target_lines = body.targets.iter().map(|r| r.start).collect();
    shown.target_ends = body.targets.iter().map(|r| r.end).collect();
    shown.dialog = Some(Seen { targets: seen(&body, top, fits), room: true });
    let tick = match gate.ready(screen.now) {
        Readiness::Waiting(ms) => {
            if ms % 100 == 0 {
                100
            } else {
                ms % 100
            }
        }
        Readiness::NoRoom | Readiness::Unseen(_) | Readiness::Code | Readiness::Armed => 1_000,
    };
    super::wake_at(shown, screen.now.plus(Duration::from_millis(tick)));
}

/// Targets of which every line is visible.
fn seen(body: &Facts, top: usize, fits: usize) -> Vec<usize> {
    let whole = |r: &std::ops::Range<usize>| r.start >= top && r.end <= top + fits;
    body.targets.iter().enumerate().filter(|(_, r)| whole(r)).map(|(i, _)| i).collect()
}

fn body(dialog: &Dialog, gate: &Gate, now: Timestamp, columns: usize, theme: &Theme) -> Facts {
    let mut body = facts(gate.proposal(), gate.changed(), now, columns, dialog.evidence, theme);
    if let Some(reason) = gate.reason() {
        body.lines.push(Line::default());
        body.lines.extend(said(reason, columns, 12, theme));
    }
    body
}

/// What, where and as whom: always in sight.
fn head(gate: &Gate, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let p = gate.proposal();
    let none = Span::default();
    let mut out: Vec<Line<'static>> = wrap(&[Run::new(&p.title, theme.heading)], columns, &none, &none)
        .into_iter()
        .map(|l| l.line)
        .take(2)
        .collect();
    let alias = p.identity.alias.as_ref().map_or_else(String::new, |a| format!("{} ", clip(a, 24)));
    let who = clip(&p.identity.role, 32);
    let place = format!("{alias}{} · {} · {who}", clip(&p.identity.account, 14), clip(&p.region, 16));
    out.push(Line::styled(clip(&place, columns), theme.warn));
    out
}

/// What stands before an approval, then the keys.
fn feet(screen: &Screen, dialog: &Dialog, gate: &Gate, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    if let Some(note) = &dialog.note {
        return vec![
            Line::from(vec![
                Span::styled("refuse with a note: ", theme.key),
                Span::styled(tail(note, columns.saturating_sub(22)), theme.text),
                Span::styled(theme.glyph("▏", "_"), theme.key),
            ]),
            hints::line(&[("Enter", "refuses with it"), ("Esc", "refuses without")], columns, theme),
        ];
    }
    let of = |action| hints::key(&screen.keymap, action);
    // While a code is asked for, its letters mean nothing else: the chord with Ctrl still works.
    let rest = if gate.code().is_some() { "Ctrl-x".to_owned() } else { of(Action::RefuseRest) };
    let keys = [
        ("Esc".to_owned(), "refuses"),
        (format!("{} {}", of(Action::Down), of(Action::Up)), "scroll"),
        (of(Action::NextTarget), "target"),
        (of(Action::Evidence), "evidence"),
        (of(Action::CopyCommand), "copy"),
        (of(Action::Aside), "look behind"),
        (of(Action::Note), "refuse, note"),
        (rest, "refuse the rest"),
    ];
    let keys: Vec<(&str, &str)> = keys.iter().map(|(key, what)| (key.as_str(), *what)).collect();
    vec![verdict(gate, screen.now, columns, theme), hints::line(&keys, columns, theme)]
}

fn verdict(gate: &Gate, now: Timestamp, columns: usize, theme: &Theme) -> Line<'static> {
    match gate.ready(now) {
        Readiness::NoRoom => Line::styled("enlarge the window (60x15): only refusing is possible", theme.bad),
        Readiness::Unseen(1) => Line::styled("1 target not seen yet: scroll to it", theme.warn),
        Readiness::Unseen(n) => Line::styled(format!("{n} targets not seen yet: scroll to them"), theme.warn),
        Readiness::Waiting(ms) => {
            let left = ms.div_ceil(100);
            let what = if gate.code().is_some() { "the code counts" } else { "A approves" };
            Line::styled(format!("read it; {what} in {}.{} s", left / 10, left % 10), theme.dim)
        }
        Readiness::Code => code(gate, columns, theme),
        Readiness::Armed => Line::from(vec![
            Span::styled(" A ", theme.caution),
            Span::styled(" approves exactly this, once", theme.text),
        ]),
    }
}

/// `type KTRW and the number of targets (2), then A: [KT__] [_]`
fn code(gate: &Gate, columns: usize, theme: &Theme) -> Line<'static> {
    let wanted = gate.code().unwrap_or_default();
    let (letters, digits) = gate.typed();
    let targets = gate.proposal().targets.len().to_string();
    let slot =
        |typed: &str, width: usize| format!("[{typed}{}]", "_".repeat(width.saturating_sub(typed.len())));
    let wrong = !wanted.starts_with(letters) || !targets.starts_with(digits);
    let what = if columns < 66 { "the targets" } else { "the number of targets" };
    let style: Style = if wrong { theme.bad } else { theme.key };
    Line::from(vec![
        Span::styled("type ", theme.text),
        Span::styled(wanted.to_owned(), theme.caution),
        Span::styled(format!(" and {what} ({targets}), then A: "), theme.text),
        Span::styled(format!("{} {}", slot(letters, wanted.len()), slot(digits, targets.len())), style),
        Span::styled(if wrong { " no" } else { "" }, theme.bad),
    ])
}

/// The end of a text that is being typed.
fn tail(text: &str, columns: usize) -> String {
    let shown = quarterdeck_core::text::visible(text);
    let mut rest: &str = &shown;
    while quarterdeck_core::text::width(rest) > columns {
        let mut chars = rest.chars();
        chars.next();
        rest = chars.as_str();
    }
    rest.to_owned()
}

fn position(top: usize, fits: usize, total: usize) -> String {
    if total <= fits {
        String::new()
    } else {
        format!(" {}-{} of {total} ", top + 1, (top + fits).min(total))
    }
}

#[expect(clippy::too_many_arguments, reason = "one place on the screen and what is there")]
fn mark_target(
    dialog: &Dialog,
    body: &Facts,
    top: usize,
    fits: usize,
    inner: Rect,
    body_at: u16,
    theme: &Theme,
    buf: &mut Buffer,
) {
    if body.targets.len() < 2 {
        return;
    }
    let Some(lines) = body.targets.get(dialog.target) else { return };
    if let Some(row) = lines.start.checked_sub(top).filter(|r| *r < fits) {
        buf.set_style(Rect { y: body_at + cell(row), height: 1, ..inner }, theme.select);
    }
}

fn frame(gate: &Gate, area: Rect, edge: Style, theme: &Theme, buf: &mut Buffer) {
    let bar = theme.glyph("━", "=");
    let side = theme.glyph("┃", "#");
    let (left, right, bottom) = (area.x, area.right() - 1, area.bottom() - 1);
    for x in left..area.right() {
        buf.set_string(x, area.y, bar, edge);
        buf.set_string(x, bottom, bar, edge);
    }
    for y in area.y..area.bottom() {
        buf.set_string(left, y, side, edge);
        buf.set_string(right, y, side, edge);
    }
    for (x, y, unicode) in
        [(left, area.y, "┏"), (right, area.y, "┓"), (left, bottom, "┗"), (right, bottom, "┛")]
    {
        buf.set_string(x, y, theme.glyph(unicode, "#"), edge);
    }
    let again =
        if gate.changed().is_empty() { " APPROVE THIS CHANGE? " } else { " CHANGED: APPROVE AGAIN? " };
    buf.set_string(left + 2, area.y, again, edge);
    if gate.impact().is_high() {
        let label = " HIGH IMPACT ";
        buf.set_string(right.saturating_sub(cell(label.len()) + 1), area.y, label, theme.critical);
    }
}

fn rule(area: Rect, y: u16, edge: Style, label: &str, theme: &Theme, buf: &mut Buffer) {
    let right = area.right() - 1;
    for x in area.x + 1..right {
        buf.set_string(x, y, theme.glyph("─", "-"), theme.border);
    }
    buf.set_string(area.x, y, theme.glyph("┠", "#"), edge);
    buf.set_string(right, y, theme.glyph("┨", "#"), edge);
    buf.set_string(right.saturating_sub(cell(label.len()) + 1), y, label, theme.dim);
}

/// The bar at the bottom while one looks at the screen behind.
fn aside(gate: &Gate, theme: &Theme, whole: Rect, buf: &mut Buffer) {
    let y = whole.bottom().saturating_sub(1);
    let row = Rect { y, height: whole.height.min(1), ..whole };
    Clear.render(row, buf);
    buf.set_style(row, theme.caution);
    let columns = usize::from(whole.width);
    let lead = " A CHANGE WAITS: ";
    let keys = "  v back to it, Esc refuses ";
    let title = clip(&gate.proposal().title, columns.saturating_sub(lead.len() + keys.len()));
    buf.set_stringn(whole.x, y, format!("{lead}{title}{keys}"), columns, theme.caution);
}

/// On a screen too small to judge.
fn cramped(gate: &Gate, theme: &Theme, whole: Rect, buf: &mut Buffer) {
    Clear.render(whole, buf);
    let columns = usize::from(whole.width);
    let none = Span::default();
    let runs = [
        vec![Run::new("A change waits for your decision:", theme.caution)],
        vec![Run::new(&gate.proposal().title, theme.heading)],
        vec![Run::new("Enlarge the window (60x15): only refusing is possible. Esc refuses.", theme.bad)],
    ];
    let lines = runs.iter().flat_map(|r| wrap(r, columns, &none, &none));
    for (laid, y) in lines.zip(whole.top()..whole.bottom()) {
        buf.set_line(whole.x, y, &laid.line, whole.width);
    }
}
