//! The line one types in: up to six rows, the search of earlier questions, the line of a `/`.
//!
//! ```text
//! › why is checkout failing?
//!   since 11:52
//! ```

use super::line::cell;
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::screen::{Focus, Screen};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

/// Rows it grows to.
pub const MOST: u16 = 6;
/// Longest beginning of a line that is looked at.
const LONGEST: usize = 20_000;

/// What stands in the composer's place, its mark, and where the cursor is.
struct Content<'s> {
    mark: String,
    text: &'s str,
    cursor: usize,
    placeholder: &'static str,
}

fn content<'s>(screen: &'s Screen, theme: &Theme) -> Content<'s> {
    if let Some(prompt) = &screen.prompt {
        let what = match prompt.pane {
            Focus::Timeline => "filter the timeline: /",
            Focus::Chat | Focus::Composer => "search the chat: /",
            Focus::Detail => "search the detail: /",
        };
        return Content { mark: what.to_owned(), text: &prompt.text, cursor: prompt.cursor, placeholder: "" };
    }
    let composer = &screen.composer;
    let mark = match &composer.search {
        Some(words) => format!("earlier question with \"{}\": ", super::line::clip(words, 24)),
        None => theme.glyph("› ", "> ").to_owned(),
    };
    Content {
        mark,
        text: &composer.text,
        cursor: composer.cursor,
        placeholder: "ask, or : for a command, ? for help",
    }
}

/// The rows it needs at `columns`.
#[must_use]
pub fn rows(screen: &Screen, columns: u16, theme: &Theme) -> u16 {
    let content = content(screen, theme);
    let room = usize::from(columns).saturating_sub(text::width(&content.mark)).max(1);
    cell(lay_out(content.text, content.cursor, room).0.len()).clamp(1, MOST)
}

/// Draws it into `area`; returns where the cursor is when it has the keys.
pub fn draw(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let content = content(screen, theme);
    let lead = text::width(&content.mark);
    let room = usize::from(area.width).saturating_sub(lead).max(1);
    let focused = screen.focus == Focus::Composer || screen.prompt.is_some();
    let mark = Span::styled(content.mark, if focused { theme.focus } else { theme.dim });
    buf.set_span(area.x, area.y, &mark, area.width);
    let x = area.x.saturating_add(cell(lead)).min(area.right());
    if content.text.is_empty() {
        buf.set_stringn(x, area.y, content.placeholder, room, theme.dim);
    }
    let (lines, (row, column)) = lay_out(content.text, content.cursor, room);
    let fits = usize::from(area.height);
    let top = (row + 1).saturating_sub(fits);
    for (line, y) in lines.iter().skip(top).zip(area.top()..area.bottom()) {
        buf.set_stringn(x, y, line, room, theme.text);
    }
    let y = area.y.saturating_add(cell(row - top));
    (focused && y < area.bottom())
        .then(|| Position { x: x.saturating_add(cell(column)).min(area.right().saturating_sub(1)), y })
}

/// The text in rows of `room` columns, broken anywhere, and the cursor's row and column.
fn lay_out(source: &str, cursor: usize, room: usize) -> (Vec<String>, (usize, usize)) {
    let mut rows = vec![String::new()];
    let (mut used, mut at, mut place) = (0, 0, (0, 0));
    let shown = source.get(..source.floor_char_boundary(LONGEST)).unwrap_or_default();
    for piece in shown.split_inclusive('\n') {
        let line = piece.strip_suffix('\n').unwrap_or(piece);
        let span = Span::raw(line);
        for g in span.styled_graphemes(ratatui::style::Style::new()) {
            let visible = text::visible(g.symbol);
            let width = text::width(&visible);
            if used + width > room && used > 0 {
                rows.push(String::new());
                used = 0;
            }
            if at == cursor {
                place = (rows.len() - 1, used);
            }
            if let Some(row) = rows.last_mut() {
                row.push_str(&visible);
            }
            used += width;
            at += g.symbol.len();
        }
        if at == cursor || (line.len() < piece.len() && at + 1 > cursor && at <= cursor) {
            place = (rows.len() - 1, used);
        }
        if line.len() < piece.len() {
            at += 1;
            rows.push(String::new());
            used = 0;
        }
    }
    if cursor >= at {
        if used >= room {
            rows.push(String::new());
            used = 0;
        }
        place = (rows.len() - 1, used);
    }
    (rows, place)
}

#[cfg(test)]
mod tests {
    use super::lay_out;

    #[test]
    fn the_cursor_is_where_the_text_says() {
        for (text, cursor, room, rows, place) in [
            ("", 0, 5, vec![""], (0, 0)),
            ("abc", 3, 5, vec!["abc"], (0, 3)),
            ("abc", 1, 5, vec!["abc"], (0, 1)),
            ("abcde", 5, 5, vec!["abcde", ""], (1, 0)),
            ("abcdef", 5, 5, vec!["abcde", "f"], (1, 0)),
            ("ab\ncd", 2, 5, vec!["ab", "cd"], (0, 2)),
            ("ab\ncd", 3, 5, vec!["ab", "cd"], (1, 0)),
            ("ab\n", 3, 5, vec!["ab", ""], (1, 0)),
            ("日本", 3, 5, vec!["日本"], (0, 2)),
        ] {
            let (got, at) = lay_out(text, cursor, room);
            assert_eq!(
                (got.iter().map(String::as_str).collect::<Vec<_>>(), at),
                (rows, place),
                "{text:?} {cursor}"
            );
        }
    }
}
