//! The keys of where one is.

use super::boxed;
use super::line::{cell, clip, left};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::screen::{Extent, Screen, Shown};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the help over `whole`, scrolled by `top`.
pub fn draw(screen: &Screen, top: usize, theme: &Theme, whole: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let keys = screen.keymap.help(screen.help_for);
    let width = whole.width.min(84);
    let height = cell(keys.len()).saturating_add(4).min(whole.height.saturating_sub(1));
    if width < 30 || height < 5 {
        return;
    }
    let area = Rect {
        x: whole.x + (whole.width - width) / 2,
        y: whole.y + (whole.height - height) / 2,
        width,
        height,
    };
    boxed(area, &format!(" keys: {} ", screen.help_for.name()), theme.focus, theme, buf);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: width - 4, height: height - 2 };
    let columns = usize::from(inner.width);
    let key_width = keys.iter().map(|(k, _)| text::width(k)).max().unwrap_or(0).clamp(6, columns / 2);
    let fits = usize::from(inner.height.saturating_sub(1));
    shown.help = Extent { total: keys.len(), fits };
    let top = top.min(keys.len().saturating_sub(fits));
    for ((key, doc), y) in keys.iter().skip(top).take(fits).zip(inner.y..) {
        let line = Line::from(vec![
            Span::styled(left(key, key_width), theme.key),
            Span::raw("  "),
            Span::styled(clip(doc, columns.saturating_sub(key_width + 2)), theme.text),
        ]);
        buf.set_line(inner.x, y, &line, inner.width);
    }
    let more =
        if keys.len() > fits { format!("{} more, j k scroll; ", keys.len() - fits) } else { String::new() };
    let foot = format!("{more}Esc closes; `quarterdeck keys` prints all of them");
    buf.set_stringn(inner.x, inner.bottom() - 1, clip(&foot, columns), columns, theme.dim);
}
