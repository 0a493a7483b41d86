//! JSON as indented lines.

use super::line::clip;
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::journal::Entry;
use ratatui::text::Line;
use serde_json::Value;

/// Lines shown at most: the export has everything.
const MOST: usize = 5_000;

/// Entries as they are stored, indented.
#[must_use]
pub fn raw(entries: &[&Entry], columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    for entry in entries {
        match serde_json::to_value(entry) {
            Ok(value) => json(&value, columns, theme, &mut out),
            Err(error) => out.push(Line::styled(clip(&error.to_string(), columns), theme.bad)),
        }
        out.push(Line::default());
    }
    out
}

/// A value as indented lines; a list of plain values stays on one line.
pub fn json(value: &Value, columns: usize, theme: &Theme, out: &mut Vec<Line<'static>>) {
    write(value, "", 0, "", columns, theme, out);
    if out.len() >= MOST {
        out.push(Line::styled(
            format!("cut after {MOST} lines; copy it with Y to see everything"),
            theme.warn,
        ));
    }
}

fn write(
    value: &Value,
    key: &str,
    depth: usize,
    after: &str,
    columns: usize,
    theme: &Theme,
    out: &mut Vec<Line<'static>>,
) {
    if out.len() >= MOST {
        return;
    }
    let lead = format!("{}{key}", "  ".repeat(depth.min(20)));
    let mut put = |text: String| out.push(Line::styled(clip(&text, columns), theme.text));
    match value {
        Value::Object(map) if !map.is_empty() => {
            put(format!("{lead}{{"));
            let last = map.len() - 1;
            for (i, (k, v)) in map.iter().enumerate() {
                let comma = if i < last { "," } else { "" };
                write(v, &format!("{}: ", Value::from(k.as_str())), depth + 1, comma, columns, theme, out);
            }
            out.push(Line::styled(format!("{}}}{after}", "  ".repeat(depth.min(20))), theme.text));
        }
        Value::Array(items) if items.iter().any(|v| v.is_object() || v.is_array()) => {
            put(format!("{lead}["));
            let last = items.len() - 1;
            for (i, v) in items.iter().enumerate() {
                write(v, "", depth + 1, if i < last { "," } else { "" }, columns, theme, out);
            }
            out.push(Line::styled(format!("{}]{after}", "  ".repeat(depth.min(20))), theme.text));
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => put(format!("{lead}{value}{after}")),
    }
}
