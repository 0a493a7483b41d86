//! The last line: what runs, how far, how long, and how to stop it. When nothing runs, the nearest keys.
//!
//! ```text
//!  iteration 2/20 · list_ecs_services regions 3/17 · 2 running · 4.2 s                     Esc cancels
//! ```

use super::line::{cell, clip};
use super::{format, summary};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::journal::{StepKind, StepStatus};
use quarterdeck_core::screen::{Focus, Screen, Shown};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// Steps looked at for what runs.
const RECENT: usize = 200;

/// Draws the monitor into `area` (one row).
pub fn draw(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let columns = usize::from(area.width);
    let running = running_calls(screen);
    let busy = screen.ledger.running.is_some() || !running.is_empty();
    let (left, style) = if busy { (doing(screen, &running), theme.busy) } else { (String::new(), theme.dim) };
    let right = right(screen, busy);
    let right_width = text::width(&right);
    let room = if right_width + 12 > columns { columns } else { columns - right_width - 2 };
    buf.set_stringn(area.x, area.y, clip(&left, room), room, style);
    if room < columns {
        let style = if screen.esc_armed || screen.quit_armed.is_some() { theme.warn } else { theme.dim };
        let x = area.right().saturating_sub(cell(right_width));
        buf.set_stringn(x, area.y, &right, right_width, style);
    }
    if !busy {
        hints(screen, theme, area, buf, columns.saturating_sub(right_width + 2));
    } else {
        super::wake_at(shown, screen.now.plus(Duration::from_millis(500)));
    }
}

/// Title and progress of each call that runs, oldest first.
fn running_calls(screen: &Screen) -> Vec<String> {
    let steps = screen.ledger.timeline.steps();
    let recent = steps.get(steps.len().saturating_sub(RECENT)..).unwrap_or_default();
    recent
        .iter()
        .filter(|s| s.kind == StepKind::ToolCall && s.ended.is_none() && s.status == StepStatus::InProgress)
        .map(|s| match s.call.and_then(|c| screen.live.progress.get(&c)) {
            Some(progress) => format!("{} {}", clip(&s.title, 40), summary::progress(progress)),
            None => clip(&s.title, 40),
        })
        .collect()
}

fn doing(screen: &Screen, running: &[String]) -> String {
    let mut parts = Vec::new();
    if let Some((_, iteration, since)) = screen.ledger.running {
        parts.push(match screen.ledger.max_iterations {
            0 => format!("iteration {}", iteration.max(1)),
            most => format!("iteration {}/{most}", iteration.max(1)),
        });
        parts.push(format::span(Duration::from_millis(
            u64::try_from(screen.now.since(since).as_millis() / 100 * 100).unwrap_or(0),
        )));
    }
    match running {
        [] => match &screen.live.doing {
            Some(doing) => parts.push(clip(doing, 80)),
            None if screen.live.text.is_some() => parts.push("answering".to_owned()),
            None if screen.dialog.is_some() => parts.push("waits for your decision".to_owned()),
            None => parts.push("waiting for the model".to_owned()),
        },
        [one] => parts.push(one.clone()),
        [first, ..] => parts.push(format!("{} running: {first}", running.len())),
    }
    format!(" {}", parts.join(" · "))
}

fn right(screen: &Screen, busy: bool) -> String {
    if screen.quit_armed.is_some() {
        "Ctrl-C again quits ".to_owned()
    } else if screen.esc_armed {
        "Esc again cancels ".to_owned()
    } else if busy && screen.ledger.running.is_some() {
        "Ctrl-C cancels ".to_owned()
    } else {
        String::new()
    }
}

fn hints(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, columns: usize) {
    let keys: &[(&str, &str)] = match screen.focus {
        Focus::Composer => &[
            ("Enter", "asks"),
            ("Tab", "panes"),
            (":", "commands"),
            ("?", "keys"),
            ("Ctrl-C", "twice quits"),
        ],
        Focus::Chat => &[("j k", "scroll"), ("/", "search"), ("i", "ask"), ("z", "zoom"), ("?", "keys")],
        Focus::Timeline => &[
            ("j k", "step"),
            ("Enter", "expand"),
            ("/", "filter"),
            ("y", "copy"),
            ("r", "again"),
            ("i", "ask"),
            ("?", "keys"),
        ],
        Focus::Detail => &[
            ("j k", "scroll"),
            ("h l", "columns"),
            ("t", "tab"),
            ("/", "search"),
            ("i", "ask"),
            ("?", "keys"),
        ],
    };
    let line = super::dialog::hints(keys, columns.saturating_sub(1), theme);
    buf.set_line(area.x.saturating_add(1), area.y, &line, cell(columns));
}
