//! The palette, above the composer.
//!
//! ```text
//! ┌───────────────────────────────────────────────┐
//! │ :ecs                                          │
//! │ ecs                list_ecs_services          │
//! │ list_ecs_services  ECS services, tasks ...    │
//! └───────────────────────────────────────────────┘
//! ```

use super::line::{cell, clip, left};
use super::{boxed, line};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::screen::Palette;
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Draws it at the bottom of `body`; returns where the cursor is.
pub fn draw(palette: &Palette, theme: &Theme, body: Rect, buf: &mut Buffer) -> Option<Position> {
    let wanted = cell(palette.matches.len().max(1)).saturating_add(3 + u16::from(palette.error.is_some()));
    let height = wanted.min(body.height.min(16));
    let width = body.width.min(100);
    if height < 4 || width < 20 {
        return None;
    }
    let area = Rect { x: body.x, y: body.bottom() - height, width, height };
    boxed(area, " commands and tools ", theme.focus, theme, buf);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: width - 4, height: height - 2 };
    let columns = usize::from(inner.width);
    buf.set_stringn(inner.x, inner.y, ":", columns, theme.key);
    buf.set_stringn(inner.x + 1, inner.y, clip(&palette.text, columns - 1), columns - 1, theme.text);
    let before = palette.text.get(..palette.cursor).unwrap_or(&palette.text);
    let x = inner.x + 1 + cell(text::width(&text::visible(before)));
    let mut y = inner.y + 1;
    if let Some(error) = &palette.error {
        let mut lines = line::paragraph(error, columns, theme.bad);
        lines.truncate(usize::from(inner.height.saturating_sub(1)));
        for line in lines {
            buf.set_line(inner.x, y, &line, inner.width);
            y += 1;
        }
    }
    let fits = usize::from(inner.bottom().saturating_sub(y));
    let top = (palette.selected + 1).saturating_sub(fits);
    let names = palette.matches.iter().skip(top).take(fits).map(|m| text::width(&m.name)).max().unwrap_or(0);
    let name_width = names.clamp(8, columns / 2);
    if palette.matches.is_empty() && palette.error.is_none() {
        buf.set_stringn(inner.x, y, "nothing matches", columns, theme.dim);
    }
    for (i, m) in palette.matches.iter().enumerate().skip(top).take(fits) {
        let key = m.key.as_deref().unwrap_or_default();
        let doc = columns.saturating_sub(name_width + 2 + key.len() + usize::from(!key.is_empty()));
        let row = Line::from(vec![
            Span::styled(left(&m.name, name_width), theme.text),
            Span::raw("  "),
            Span::styled(left(&m.doc, doc), theme.dim),
            Span::raw(if key.is_empty() { "" } else { " " }),
            Span::styled(clip(key, 12), theme.key),
        ]);
        buf.set_line(inner.x, y, &row, inner.width);
        if i == palette.selected {
            buf.set_style(Rect { y, height: 1, ..inner }, theme.select);
        }
        y += 1;
    }
    Some(Position { x: x.min(inner.right().saturating_sub(1)), y: inner.y })
}
