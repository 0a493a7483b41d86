//! A projection's rows as a table: typed columns, numbers to the right, times relative, states coloured.
//!
//! ```text
//! service        desired  running  rollout     updated
//! ─────────────  ───────  ───────  ──────────  ───────
//! checkout-api         8        2  FAILED      3h ago
//! ```

use super::format;
use super::line::{clip, left, right};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::text;
use quarterdeck_core::tool::{Cell, Column, ColumnKind, Projection, Row};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows measured for the columns' widths.
const MEASURED: usize = 500;
/// The widest a column is measured.
const WIDEST: usize = 48;
/// What a column keeps when the others need room.
const NARROWEST: usize = 14;

/// Widths of a table's columns, and the room they have together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    each: Vec<usize>,
    room: usize,
}

impl Widths {
    /// The columns that fit when `skip` are scrolled out: the first always stays, none is cut.
    fn fitting(&self, skip: usize) -> impl Iterator<Item = (usize, usize)> {
        let mut used = 0;
        self.each.iter().copied().enumerate().filter(move |(i, _)| *i == 0 || *i > skip).take_while(
            move |(i, w)| {
                used += w + if *i == 0 { 0 } else { 2 };
                *i == 0 || used <= self.room
            },
        )
    }

    /// Columns to the right that do not fit.
    #[must_use]
    pub fn hidden(&self, skip: usize) -> usize {
        self.each.len() - skip.min(self.each.len().saturating_sub(1)) - self.fitting(skip).count()
    }
}

/// Measures `projection` for `columns` of screen. What is a little too wide gives way, the widest column first and
/// none below [`NARROWEST`]; what is much too wide keeps its widths and is scrolled.
#[must_use]
pub fn measure(projection: &Projection, columns: usize, now: Timestamp) -> Widths {
    let mut each: Vec<usize> = projection
        .columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let cells = projection.rows.iter().take(MEASURED).filter_map(|r| r.cells.get(i));
            cells.map(|c| cell_width(c, column.kind, now)).max().unwrap_or(0).max(text::width(&column.name))
        })
        .collect();
    let room = columns.saturating_sub(2 * each.len().saturating_sub(1));
    if each.iter().map(|w| (*w).min(NARROWEST)).sum::<usize>() <= room {
        while each.iter().sum::<usize>() > room {
            let Some(widest) = each.iter_mut().max() else { break };
            *widest -= 1;
        }
    } else {
        for width in &mut each {
            *width = (*width).min((columns / 2).max(NARROWEST));
        }
    }
    Widths { each, room: columns }
}

fn cell_width(cell: &Cell, kind: ColumnKind, now: Timestamp) -> usize {
    match cell {
        Cell::Text(t) => text::width(&clip(t, WIDEST)),
        Cell::Absent | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) => {
            shown(cell, kind, now).len().min(WIDEST)
        }
    }
}

/// The head: column names and a rule.
#[must_use]
pub fn head(columns: &[Column], widths: &Widths, skip: usize, theme: &Theme) -> [Line<'static>; 2] {
    let (mut names, mut rules) = (Vec::new(), Vec::new());
    for (i, width) in widths.fitting(skip) {
        let Some(column) = columns.get(i) else { continue };
        let name = if numeric(column.kind) { right(&column.name, width) } else { left(&column.name, width) };
        names.push(name);
        rules.push(theme.glyph("─", "-").repeat(width));
    }
    let mut rules = vec![Span::styled(rules.join("  "), theme.border)];
    if widths.hidden(skip) > 0 {
        rules.push(Span::styled(theme.glyph(" →", " >"), theme.key));
    }
    [Line::styled(names.join("  "), theme.heading), Line::from(rules)]
}

/// One row.
#[must_use]
pub fn row(
    row: &Row,
    columns: &[Column],
    widths: &Widths,
    skip: usize,
    now: Timestamp,
    theme: &Theme,
) -> Line<'static> {
    let mut spans = Vec::new();
    for (i, width) in widths.fitting(skip) {
        let Some(column) = columns.get(i) else { continue };
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        let cell = row.cells.get(i).unwrap_or(&Cell::Absent);
        spans.push(one(cell, column.kind, width, now, theme));
    }
    Line::from(spans)
}

fn one(cell: &Cell, kind: ColumnKind, width: usize, now: Timestamp, theme: &Theme) -> Span<'static> {
    let style = style(cell, kind, theme);
    match cell {
        Cell::Text(t) if !numeric(kind) => Span::styled(left(t, width), style),
        Cell::Absent | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) | Cell::Text(_) => {
            let value = shown(cell, kind, now);
            Span::styled(if numeric(kind) { right(&value, width) } else { left(&value, width) }, style)
        }
    }
}

const fn numeric(kind: ColumnKind) -> bool {
    match kind {
        ColumnKind::Count
        | ColumnKind::Bytes
        | ColumnKind::Millis
        | ColumnKind::Percent
        | ColumnKind::Money => true,
        ColumnKind::Text | ColumnKind::Id | ColumnKind::State | ColumnKind::Time | ColumnKind::Risk => false,
    }
}

/// A value as text. `-` is not set, which is not the same as empty. Untrusted.
fn shown(cell: &Cell, kind: ColumnKind, now: Timestamp) -> String {
    match (cell, kind) {
        (Cell::Absent, _) => "-".to_owned(),
        (Cell::Bool(v), _) => if *v { "yes" } else { "no" }.to_owned(),
        (Cell::Time(t), _) => format::ago(*t, now),
        (Cell::Int(n), ColumnKind::Bytes) => format::bytes(*n as f64),
        (Cell::Float(n), ColumnKind::Bytes) => format::bytes(*n),
        (Cell::Int(n), ColumnKind::Millis) => {
            format::span(std::time::Duration::from_millis(u64::try_from(*n).unwrap_or(0)))
        }
        (Cell::Float(n), ColumnKind::Millis) => format!("{} ms", format::number(*n)),
        (Cell::Int(n), ColumnKind::Percent) => format!("{n} %"),
        (Cell::Float(n), ColumnKind::Percent) => format!("{n:.1} %"),
        (Cell::Float(n), ColumnKind::Money) => format!("{n:.2}"),
        (Cell::Int(n), _) => format::grouped(*n),
        (Cell::Float(n), _) => format::number(*n),
        (Cell::Text(t), _) => t.clone(),
    }
}

fn style(cell: &Cell, kind: ColumnKind, theme: &Theme) -> Style {
    match (cell, kind) {
        (Cell::Absent, _) | (Cell::Time(_), _) => theme.dim,
        (Cell::Text(t), ColumnKind::State | ColumnKind::Risk) => state(t, theme),
        (Cell::Text(_) | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_), _) => theme.text,
    }
}

/// The colour of a state by what it means. The word itself is always shown.
#[must_use]
pub fn state(word: &str, theme: &Theme) -> Style {
    let word = word.get(..word.floor_char_boundary(48)).unwrap_or_default().to_ascii_uppercase();
    match word.as_str() {
        "RUNNING" | "ACTIVE" | "COMPLETED" | "OK" | "HEALTHY" | "AVAILABLE" | "ENABLED" | "STEADY"
        | "PRIMARY" | "SUCCEEDED" | "SUCCESSFUL" | "INSYNC" | "LOW" => theme.good,
        "PENDING" | "IN_PROGRESS" | "INPROGRESS" | "PROVISIONING" | "ACTIVATING" | "DRAINING"
        | "STARTING" | "STOPPING" | "SHUTTING-DOWN" | "INSUFFICIENT_DATA" | "INITIAL" | "UNKNOWN"
        | "MODIFYING" | "CREATING" | "DEACTIVATING" | "DEPROVISIONING" | "MEDIUM" | "UNUSED" => theme.warn,
        "FAILED" | "ALARM" | "UNHEALTHY" | "ERROR" | "IMPAIRED" | "UNAVAILABLE" | "HIGH" | "CRITICAL"
        | "ROLLBACK" | "DELETING" | "DENIED" => theme.bad,
        "STOPPED" | "TERMINATED" | "INACTIVE" | "DISABLED" | "DELETED" => theme.dim,
        _ => theme.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;

    #[test]
    fn columns_give_way_and_numbers_stand_right() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let now = Timestamp::from_millis(7_200_000);
        let projection = Projection::new("", now)
            .columns(&[
                ("name", ColumnKind::Text),
                ("running", ColumnKind::Count),
                ("at", ColumnKind::Time),
                ("size", ColumnKind::Bytes),
            ])
            .rows(vec![
                Row {
                    urgency: 0,
                    cells: vec!["a".into(), 12_i64.into(), Timestamp::from_millis(0).into(), Cell::Absent],
                },
                Row {
                    urgency: 0,
                    cells: vec!["x".repeat(60).into(), 3_i64.into(), Cell::Absent, 2048_i64.into()],
                },
            ]);
        let widths = measure(&projection, 46, now);
        let lines: Vec<String> = head(&projection.columns, &widths, 0, &theme)
            .iter()
            .cloned()
            .chain(projection.rows.iter().map(|r| row(r, &projection.columns, &widths, 0, now, &theme)))
            .map(|l| l.to_string())
            .collect();
        assert!(lines.iter().all(|l| text::width(l) == 46), "{lines:#?}");
        assert_eq!(lines[2].trim_end(), "a                          12  2h ago        -");
        assert!(lines[3].contains("…        3  -       2.0 KiB"), "{}", lines[3]);
        let narrow = row(&projection.rows[0], &projection.columns, &widths, 2, now, &theme).to_string();
        assert!(narrow.starts_with("a ") && !narrow.contains("12") && narrow.ends_with('-'), "{narrow:?}");
    }
}
