//! Keys and what they do, in one line, as the key map has them.

use crate::fronts::screen::theme::Theme;
use quarterdeck_core::keymap::{Action, Keymap};
use quarterdeck_core::text;
use ratatui::text::{Line, Span};

/// The first key of an action; empty when it has none.
#[must_use]
pub fn key(keymap: &Keymap, action: Action) -> String {
    keymap.first(action).map(|chord| chord.to_string()).unwrap_or_default()
}

/// Keys and what they do, as many as fit. What has no key is left out.
#[must_use]
pub fn line(keys: &[(&str, &'static str)], columns: usize, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in keys.iter().filter(|(key, _)| !key.trim().is_empty()) {
        let width = text::width(key) + what.len() + 1 + if used > 0 { 2 } else { 0 };
        if used + width > columns {
            break;
        }
        if used > 0 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled((*key).to_owned(), theme.key));
        spans.push(Span::styled(format!(" {what}"), theme.dim));
        used += width;
    }
    Line::from(spans)
}
