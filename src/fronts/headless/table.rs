//! A result as a plain text table.

use quarterdeck_core::text::{visible, width};
use quarterdeck_core::tool::{Cell, Projection};

/// Widest a column gets before its text is cut.
const WIDEST: usize = 48;

/// The summary, the rows as aligned columns, what is missing, what was searched.
#[must_use]
pub fn render(projection: &Projection) -> String {
    let mut lines = vec![visible(&projection.summary).into_owned()];
    if !projection.rows.is_empty() {
        lines.push(String::new());
        lines.extend(rows(projection));
    }
    let missing = projection.errors.iter().map(|e| format!("missing: {}: {}", e.place, e.fault));
    let notes = projection.notes.iter().map(|n| format!("note: {n}"));
    let cut = projection.truncated.iter().map(|t| format!("cut: {t}"));
    let tail: Vec<String> = missing.chain(cut).chain(notes).map(|l| visible(&l).into_owned()).collect();
    if !tail.is_empty() {
        lines.push(String::new());
        lines.extend(tail);
    }
    lines.join("\n")
}

fn rows(projection: &Projection) -> Vec<String> {
    let head: Vec<String> = projection.columns.iter().map(|c| c.name.to_uppercase()).collect();
    let body = projection.rows.iter().map(|r| r.cells.iter().map(cell).collect());
    let table: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let widths: Vec<usize> = (0..projection.columns.len())
        .map(|i| table.iter().filter_map(|r| r.get(i)).map(|c| width(c)).max().unwrap_or(0))
        .collect();
    table
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(c, w)| {
                let pad = w.saturating_sub(width(c));
                format!("{c}{}", " ".repeat(pad))
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Absent => "-".to_owned(),
        Cell::Text(_) | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) => {
            quarterdeck_core::text::truncate(&visible(&cell.plain()), WIDEST).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::Timestamp;
    use quarterdeck_core::tool::{ColumnKind, Row};

    #[test]
    fn columns_line_up_and_nothing_hidden_gets_through() {
        let p = Projection::new("2 things", Timestamp::from_millis(0))
            .columns(&[("name", ColumnKind::Text), ("n", ColumnKind::Count)])
            .rows(vec![
                Row { urgency: 0, cells: vec!["a\u{1b}[31m".into(), 1.into()] },
                Row { urgency: 0, cells: vec![Cell::Absent, 22.into()] },
            ]);
        let text = render(&p);
        assert!(!text.contains('\u{1b}'), "{text}");
        let ends: Vec<usize> = text.lines().skip(3).map(|l| l.find(char::is_whitespace).unwrap()).collect();
        assert_eq!(ends.len(), 2);
        assert!(text.contains("-  ") && text.ends_with("22"), "{text}");
    }
}
