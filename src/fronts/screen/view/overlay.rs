//! Notices, the plain question, and the sentence for a screen that is too small.

use super::line::{Run, cell, clip, wrap};
use super::{boxed, hints};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::screen::{PlainQuestion, Screen};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

/// Notices shown at once.
const NOTICES: usize = 3;

/// The newest notices at the bottom right of `body`, the newest last.
pub fn notices(screen: &Screen, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let columns = usize::from(body.width).saturating_sub(2);
    let mut y = body.bottom();
    for notice in screen.notices.iter().rev().take(NOTICES) {
        if y <= body.y {
            break;
        }
        y -= 1;
        let shown = format!(" {} ", clip(&notice.text, columns.saturating_sub(2)));
        let width = cell(text::width(&shown));
        let area = Rect { x: body.right().saturating_sub(width), y, width, height: 1 };
        Clear.render(area, buf);
        let style = if notice.sticky { theme.critical } else { theme.caution };
        buf.set_stringn(area.x, y, &shown, usize::from(width), style);
    }
}

/// A plain yes/no question in the middle of `whole`. It never approves a change.
///
/// ```text
/// ┌──────────────────────────────────────────┐
/// │ Leave TRACK? Calls will be carried out.  │
/// │ Enter yes  Esc no                        │
/// └──────────────────────────────────────────┘
/// ```
pub fn question(question: &PlainQuestion, theme: &Theme, whole: Rect, buf: &mut Buffer) {
    let width = whole.width.min(64);
    if width < 20 {
        return;
    }
    let columns = usize::from(width - 4);
    let none = Span::default();
    let lines = wrap(&[Run::new(&question.text, theme.text)], columns, &none, &none);
    let height = cell(lines.len()).saturating_add(4).min(whole.height);
    let area = Rect {
        x: whole.x + (whole.width - width) / 2,
        y: whole.y + (whole.height - height) / 2,
        width,
        height,
    };
    boxed(area, " question ", theme.ask, theme, buf);
    let foot = area.bottom().saturating_sub(2);
    for (laid, y) in lines.into_iter().zip(area.y + 1..foot) {
        buf.set_line(area.x + 2, y, &laid.line, width - 4);
    }
    let keys = hints::line(&[("Enter", "yes"), ("Esc", "no")], columns, theme);
    buf.set_line(area.x + 2, foot, &keys, width - 4);
}

/// Under 40x10: a sentence that says so.
pub fn too_small(theme: &Theme, whole: Rect, buf: &mut Buffer) {
    let said = format!(
        "The window is {}x{}. Quarterdeck needs 40x10 at least: enlarge it. Ctrl-C twice quits.",
        whole.width, whole.height
    );
    let none = Span::default();
    let lines = wrap(&[Run::new(&said, theme.warn)], usize::from(whole.width), &none, &none);
    for (laid, y) in lines.into_iter().zip(whole.top()..whole.bottom()) {
        buf.set_line(whole.x, y, &laid.line, whole.width);
    }
}
