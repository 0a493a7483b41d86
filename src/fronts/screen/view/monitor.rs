//! The last line: what runs, how far, how long, and how to stop it. When nothing runs, the nearest keys.
//!
//! ```text
//!  iteration 2/20 · list_ecs_services regions 3/17 · 2 running · 4.2 s                     Esc cancels
//! ```

use super::line::{cell, clip};
use super::{format, hints, summary};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::journal::{StepKind, StepStatus};
use quarterdeck_core::keymap::Action;
use quarterdeck_core::screen::{ChatItem, Focus, Screen, Shown};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::time::Duration;

/// Steps looked at for what runs.
const RECENT: usize = 200;

/// Draws the monitor into `area` (one row).
pub fn draw(screen: &Screen, theme: &Theme, area: Rect, buf: &mut Buffer, shown: &mut Shown) {
    let columns = usize::from(area.width);
    let running = running_calls(screen);
    let busy = screen.ledger.running.is_some() || !running.is_empty() || screen.evaluates();
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
    if !busy && screen.panel.is_none() {
        let room = columns.saturating_sub(right_width + 3);
        buf.set_line(area.x.saturating_add(1), area.y, &idle(screen, theme, room), cell(room));
    } else if busy {
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

/// Whether a model request is under way. When a turn runs and none is, a change that was made is being verified.
fn asked(screen: &Screen) -> bool {
    let steps = screen.ledger.timeline.steps();
    let last = steps.iter().rev().take(RECENT).find(|s| s.kind == StepKind::ModelRequest);
    last.is_none_or(|s| s.ended.is_none())
}

fn doing(screen: &Screen, running: &[String]) -> String {
    let mut parts = Vec::new();
    if let Some(evaluation) = screen.evaluation.as_ref().filter(|e| !e.progress.over) {
        return format!(" evaluating determinism: {}", evaluation.progress.report.counted());
    }
    if let Some((_, iteration, since)) = screen.ledger.running {
        parts.push(match screen.ledger.settings.iterations {
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
            None if screen.question.is_some() => parts.push("waits for your answer".to_owned()),
            None if screen.dialog.is_some() => parts.push("waits for your decision".to_owned()),
            None if asked(screen) => parts.push("waiting for the model".to_owned()),
            None => parts.push("verifying the change".to_owned()),
        },
        [one] => parts.push(one.clone()),
        [first, ..] => parts.push(format!("{} running: {first}", running.len())),
    }
    format!(" {}", parts.join(" · "))
}

fn right(screen: &Screen, busy: bool) -> String {
    if screen.quit_armed.is_some() {
        format!("{} again quits ", hints::key(&screen.keymap, Action::Cancel))
    } else if screen.esc_armed {
        "Esc again cancels ".to_owned()
    } else if busy && (screen.ledger.running.is_some() || screen.evaluates()) {
        format!("{} cancels ", hints::key(&screen.keymap, Action::Cancel))
    } else {
        String::new()
    }
}

fn idle(screen: &Screen, theme: &Theme, columns: usize) -> Line<'static> {
    use Action::{
        Again, Cancel, Compose, CopyStep, Down, Expand, Help, NextLink, NextPane, NextTab, OpenLink, Palette,
        ScrollRight, Search, Send, Up, Zoom,
    };
    let thinking = |item: &ChatItem| matches!(item, ChatItem::Thinking { text, .. } if !text.is_empty());
    let keys: &[(&[Action], &'static str)] = match screen.focus {
        Focus::Composer => &[
            (&[Send], "asks"),
            (&[NextPane], "panes"),
            (&[Palette], "commands"),
            (&[Help], "keys"),
            (&[Cancel], "twice quits"),
        ],
        Focus::Chat if screen.ledger.chat.iter().rev().take(RECENT).any(thinking) => &[
            (&[Down, Up], "scroll"),
            (&[NextLink], "evidence"),
            (&[OpenLink], "thinking"),
            (&[Search], "search"),
            (&[Compose], "ask"),
            (&[Help], "keys"),
        ],
        Focus::Chat => &[
            (&[Down, Up], "scroll"),
            (&[NextLink], "evidence"),
            (&[Search], "search"),
            (&[Compose], "ask"),
            (&[Zoom], "zoom"),
            (&[Help], "keys"),
        ],
        Focus::Timeline => &[
            (&[Down, Up], "step"),
            (&[Expand], "expand"),
            (&[Search], "filter"),
            (&[CopyStep], "copy"),
            (&[Again], "again"),
            (&[Compose], "ask"),
            (&[Help], "keys"),
        ],
        Focus::Detail => &[
            (&[Down, Up], "scroll"),
            (&[NextTab], "request, raw"),
            (&[ScrollRight], "columns"),
            (&[Search], "search"),
            (&[Compose], "ask"),
            (&[Help], "keys"),
        ],
    };
    let named: Vec<(String, &'static str)> = keys
        .iter()
        .map(|(actions, what)| {
            let keys: Vec<String> = actions.iter().map(|a| hints::key(&screen.keymap, *a)).collect();
            (keys.join(" "), *what)
        })
        .collect();
    let keys: Vec<(&str, &'static str)> = named.iter().map(|(key, what)| (key.as_str(), *what)).collect();
    hints::line(&keys, columns, theme)
}
