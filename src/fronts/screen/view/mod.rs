//! What the screen looks like: free functions from what the screen knows to cells. Nothing here changes
//! anything; [`Cache`] only remembers what was laid out.
//!
//! ```text
//!  prod-eu 123456789012  eu-west-1  OnCallReadOnly  creds 47m                turn 4  18.2k tok  EXECUTE
//! ━ Chat ━━━━━━━━━━━━━━━━━━━━━┬─ Timeline ──────────────────────┬─ Detail ───────────────────────────
//!  › why is checkout failing? │  #1 › why is checkout failing?  │ #4 list_ecs_services  completed
//!                             │  #2 ◆ model request             │
//! ────────────────────────────┴─────────────────────────────────┴────────────────────────────────────
//! › ask, or : for a command, ? for help
//!  iteration 2/20 · 4.2 s · list_ecs_services regions 3/17                              Ctrl-C cancels
//! ```

mod chart;
mod chat;
mod composer;
mod detail;
mod dialog;
mod evaluation;
mod fold;
pub(crate) mod format;
mod growing;
mod header;
mod help;
mod hints;
mod line;
mod markdown;
mod monitor;
mod overlay;
mod palette;
mod proposal;
mod request;
mod result;
mod settings;
mod status;
mod summary;
mod table;
mod thinking;
mod timeline;
mod waterfall;

use super::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::screen::{Focus, Hit, HitTarget, Layout, Screen, Shown};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

/// What was laid out already; valid for one screen and one theme.
#[derive(Debug, Default)]
pub struct Cache {
    chat: chat::ChatCache,
    detail: detail::DetailCache,
}

/// Draws the whole screen; returns what fitted and what was seen.
pub fn view(screen: &Screen, theme: &Theme, cache: &mut Cache, frame: &mut Frame<'_>) -> Shown {
    let whole = frame.area();
    let mut shown = Shown::default();
    if whole.is_empty() {
        return shown;
    }
    let buf = frame.buffer_mut();
    buf.set_style(whole, theme.text);
    let layout = screen.layout();
    let mut cursor = None;
    if layout == Layout::TooSmall || whole.width < 40 || whole.height < 10 {
        overlay::too_small(theme, whole, buf);
    } else {
        let rows = composer::rows(screen, whole.width, theme).min(whole.height / 3);
        let row = |y: u16, height: u16| Rect { y: whole.y + y, height, ..whole };
        let body = row(1, whole.height - 3 - rows);
        header::draw(screen, theme, row(0, 1), buf, &mut shown);
        panes(screen, layout, theme, cache, body, buf, &mut shown);
        let under = whole.height - 2 - rows;
        let place = row(under + 1, rows);
        shown.targets.push(hit(place, Hit::Pane(Focus::Composer)));
        cursor = composer::draw(screen, theme, place, buf);
        monitor::draw(screen, theme, row(whole.height - 1, 1), buf, &mut shown);
        // What waits for a decision is in front, and what was open behind it comes back.
        if let (Some(panel), None) = (&screen.panel, &screen.dialog) {
            cursor = settings::draw(screen, panel, theme, whole, buf, &mut shown);
        }
        overlay::notices(
            screen,
            theme,
            Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body },
            buf,
        );
        if let Some(open) = &screen.evaluation {
            cursor = None;
            let place = Rect { y: whole.y + 1, height: whole.height - 2, ..whole };
            evaluation::draw(screen, open, theme, place, buf, &mut shown);
        }
        if let Some(palette) = &screen.palette {
            cursor = palette::draw(palette, theme, body, buf);
        }
        if let Some(question) = &screen.question {
            overlay::question(question, theme, whole, buf);
            cursor = None;
        }
    }
    if let Some(dialog) = &screen.dialog {
        cursor = None;
        dialog::draw(screen, dialog, theme, whole, buf, &mut shown);
    }
    if let Some(top) = screen.help {
        cursor = None;
        // What the help covers is not seen.
        shown.dialog = None;
        help::draw(screen, top, theme, whole, buf, &mut shown);
    }
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
    shown
}

/// The panes that fit, their titles, the lines between them, and the rule below.
fn panes(
    screen: &Screen,
    layout: Layout,
    theme: &Theme,
    cache: &mut Cache,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) {
    let (show, tabs): (&[Focus], bool) = match layout {
        Layout::Three => (&[Focus::Chat, Focus::Timeline, Focus::Detail], false),
        Layout::Two { right: Focus::Detail } => (&[Focus::Chat, Focus::Detail], false),
        Layout::Two { .. } => (&[Focus::Chat, Focus::Timeline], false),
        Layout::One(Focus::Timeline) => (&[Focus::Timeline], true),
        Layout::One(Focus::Detail) => (&[Focus::Detail], true),
        Layout::One(Focus::Chat | Focus::Composer) => (&[Focus::Chat], true),
        Layout::TooSmall => (&[], false),
    };
    let bottom = area.bottom();
    horizontal(area, area.y, theme, buf);
    horizontal(area, bottom, theme, buf);
    let mut x = area.x;
    for (i, pane) in show.iter().enumerate() {
        let width = width_of(i, show.len(), area.width);
        let place = Rect { x, width, ..area };
        if i > 0 {
            let edge = x - 1;
            buf.set_string(edge, area.y, theme.glyph("┬", "+"), theme.border);
            for y in area.y + 1..bottom {
                buf.set_string(edge, y, theme.glyph("│", "|"), theme.border);
            }
            buf.set_string(edge, bottom, theme.glyph("┴", "+"), theme.border);
        }
        if tabs {
            title_tabs(screen, *pane, theme, place, buf, shown);
        } else {
            title(screen, *pane, theme, place, buf);
        }
        shown.targets.push(hit(place, Hit::Pane(*pane)));
        let inner = Rect {
            x: place.x + 1,
            y: place.y + 1,
            width: width.saturating_sub(2),
            height: place.height.saturating_sub(1),
        };
        match pane {
            Focus::Chat | Focus::Composer => chat::draw(screen, theme, &mut cache.chat, inner, buf, shown),
            Focus::Timeline => {
                let wide = Rect { x: place.x, width: width.saturating_sub(1), ..inner };
                timeline::draw(screen, theme, wide, buf, shown);
            }
            Focus::Detail => detail::draw(screen, theme, &mut cache.detail, inner, buf, shown),
        }
        x += width + 1;
    }
}

/// The width of the i-th of n panes; one column between each two.
const fn width_of(i: usize, n: usize, whole: u16) -> u16 {
    match n {
        3 => {
            let chat = whole * 32 / 100;
            let timeline = whole * 34 / 100;
            match i {
                0 => chat,
                1 => timeline,
                _ => whole - chat - timeline - 2,
            }
        }
        2 => {
            let left = whole * 48 / 100;
            if i == 0 { left } else { whole - left - 1 }
        }
        _ => whole,
    }
}

const fn name(pane: Focus) -> &'static str {
    match pane {
        Focus::Composer | Focus::Chat => "Chat",
        Focus::Timeline => "Timeline",
        Focus::Detail => "Detail",
    }
}

/// `━ Timeline ━━━━` over the pane that has the keys, `─ Timeline ────` over the others.
fn title(screen: &Screen, pane: Focus, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let focused = screen.focus == pane;
    if focused {
        for x in area.left()..area.right() {
            buf.set_string(x, area.y, theme.glyph("━", "="), theme.focus);
        }
    }
    let style = if focused { theme.focus } else { theme.title };
    let more = match pane {
        Focus::Chat if screen.chat.up > 0 => " (scrolled up)",
        Focus::Timeline if !screen.timeline.follow => " (not following)",
        Focus::Composer | Focus::Chat | Focus::Timeline | Focus::Detail => "",
    };
    let room = usize::from(area.width.saturating_sub(2));
    buf.set_stringn(area.x + 1, area.y, format!(" {}{more} ", name(pane)), room, style);
}

/// `─ [Chat]  Timeline  Detail ───`: one pane, the others a key or a click away.
fn title_tabs(screen: &Screen, pane: Focus, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let mut x = area.x + 1;
    for other in [Focus::Chat, Focus::Timeline, Focus::Detail] {
        let on = other == pane;
        let label = if on { format!("[{}]", name(other)) } else { format!(" {} ", name(other)) };
        let width = line::cell(label.len());
        let style = match (on, screen.focus == other) {
            (true, true) => theme.focus,
            (true, false) => theme.title,
            (false, _) => theme.dim,
        };
        buf.set_string(x, area.y, label, style);
        shown.targets.push(hit(Rect { x, y: area.y, width, height: 1 }, Hit::Pane(other)));
        x += width + 1;
    }
    if screen.zoom && area.width > 60 {
        buf.set_string(area.right() - 17, area.y, " zoomed, z back ", theme.dim);
    }
}

fn horizontal(area: Rect, y: u16, theme: &Theme, buf: &mut Buffer) {
    for x in area.left()..area.right() {
        buf.set_string(x, y, theme.glyph("─", "-"), theme.border);
    }
}

/// An empty box with a title.
fn boxed(area: Rect, title: &str, style: Style, theme: &Theme, buf: &mut Buffer) {
    Clear.render(area, buf);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.x..=right {
        buf.set_string(x, area.y, theme.glyph("─", "-"), style);
        buf.set_string(x, bottom, theme.glyph("─", "-"), style);
    }
    for y in area.y..=bottom {
        buf.set_string(area.x, y, theme.glyph("│", "|"), style);
        buf.set_string(right, y, theme.glyph("│", "|"), style);
    }
    let corners = [(area.x, area.y, "┌"), (right, area.y, "┐"), (area.x, bottom, "└"), (right, bottom, "┘")];
    for (x, y, corner) in corners {
        buf.set_string(x, y, theme.glyph(corner, "+"), style);
    }
    buf.set_stringn(area.x + 2, area.y, title, usize::from(area.width.saturating_sub(4)), style);
}

/// Styles every occurrence of `search` (any case) in `area`, cell by cell.
fn mark(buf: &mut Buffer, area: Rect, search: &str, style: Style) {
    let wanted = search.to_lowercase();
    if wanted.is_empty() {
        return;
    }
    for y in area.top()..area.bottom() {
        let mut row = String::new();
        let mut starts = Vec::new();
        for x in area.left()..area.right() {
            starts.push((row.len(), x));
            if let Some(cell) = buf.cell((x, y)) {
                row.push_str(&cell.symbol().to_lowercase());
            }
        }
        for (at, found) in row.match_indices(&wanted) {
            let columns = starts.iter().filter(|(i, _)| (at..at + found.len()).contains(i));
            for (_, x) in columns {
                buf.set_style(Rect { x: *x, y, width: 1, height: 1 }, style);
            }
        }
    }
}

const fn hit(area: Rect, hit: Hit) -> HitTarget {
    HitTarget { area: (area.x, area.y, area.width, area.height), hit }
}

/// Asks for a wake-up at `at`, or sooner if something else does.
fn wake_at(shown: &mut Shown, at: Timestamp) {
    shown.wake = Some(shown.wake.map_or(at, |w| w.min(at)));
}
