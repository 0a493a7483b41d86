//! A tool's result, projected to what matters, in two views of the same data.
//!
//! The screen gets every row with typed columns; a model gets [`Projection::for_model`]: one JSON object
//! under a byte cap, the most urgent rows first, counts over everything that was fetched.

use super::Fault;
use crate::Timestamp;
use crate::text::Redactor;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a column holds; decides alignment, sorting and colour on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Free text.
    Text,
    /// An AWS identifier.
    Id,
    /// A lifecycle or health state; coloured.
    State,
    /// A point in time; shown relative.
    Time,
    /// A whole number.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Millis,
    /// Percent, 0 to 100.
    Percent,
    /// Money in the result's currency.
    Money,
    /// LOW, MEDIUM, HIGH or CRITICAL; coloured.
    Risk,
}

/// A column's name and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// As in TOOLS: lower case, words joined by `_`.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// One value. Text is untrusted: it came from the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not set; JSON `null`. Not the same as empty.
    Absent,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A point in time, RFC 3339.
    Time(Timestamp),
    /// Untrusted text.
    Text(String),
}

impl From<bool> for Cell {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
impl From<i64> for Cell {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<i32> for Cell {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}
impl From<usize> for Cell {
    fn from(v: usize) -> Self {
        Self::Int(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<f64> for Cell {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}
impl From<Timestamp> for Cell {
    fn from(v: Timestamp) -> Self {
        Self::Time(v)
    }
}
impl From<&str> for Cell {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}
impl From<String> for Cell {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Absent, Into::into)
    }
}

/// One row: as many cells as there are columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Higher comes first in the model's view: 0 fine, 1 worth a look, 2 bad, 3 critical.
    #[serde(default)]
    pub urgency: u8,
    /// The values, in column order.
    pub cells: Vec<Cell>,
}

/// How many rows per value of the field that matters, over everything fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The field, e.g. `state`.
    pub by: String,
    /// Value and number, most frequent first.
    pub of: Vec<(String, u64)>,
}

/// What is missing from an answer, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The account, when more than one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region, or what else did not answer (an operation, a cluster).
    pub place: String,
    /// Why.
    pub fault: Fault,
}

/// A series for a chart, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What is measured, with its unit.
    pub name: String,
    /// Time and value.
    pub points: Vec<(Timestamp, f64)>,
}

/// A tool's result: everything that was fetched, projected to what matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// One sentence with the numbers that matter. May quote names, so it is untrusted text.
    pub summary: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// Every row fetched, in the tool's own order.
    pub rows: Vec<Row>,
    /// Rows there are, as far as known; more than `rows` when a ceiling was hit.
    pub total: usize,
    /// By the field that matters.
    #[serde(default)]
    pub counts: Counts,
    /// Why rows are missing (a ceiling, a limit), when they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// A cursor to continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What is missing and why.
    #[serde(default)]
    pub errors: Vec<Partial>,
    /// What was searched and what cannot be seen from here: filters, periods, limits of the API.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Charts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
    /// When the account was read.
    pub as_of: Timestamp,
}

impl Projection {
    /// An empty result read at `as_of`.
    #[must_use]
    pub fn new(summary: impl Into<String>, as_of: Timestamp) -> Self {
        Self {
            summary: summary.into(),
            columns: Vec::new(),
            rows: Vec::new(),
            total: 0,
            counts: Counts::default(),
            truncated: None,
            next: None,
            errors: Vec::new(),
            notes: Vec::new(),
            series: Vec::new(),
            as_of,
        }
    }

    /// Sets the columns.
    #[must_use]
    pub fn columns(mut self, columns: &[(&str, ColumnKind)]) -> Self {
        self.columns =
            columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect();
        self
    }

    /// Sets the rows and, from them, the total.
    #[must_use]
    pub fn rows(mut self, rows: Vec<Row>) -> Self {
        self.total = rows.len();
        self.rows = rows;
        self
    }

    /// Counts the rows by the text of the column named `by`.
    #[must_use]
    pub fn counted(mut self, by: &str) -> Self {
        let Some(index) = self.column(by) else { return self };
        let mut by_value: BTreeMap<String, u64> = BTreeMap::new();
        for row in &self.rows {
            *by_value.entry(row.cells.get(index).map_or_else(String::new, Cell::plain)).or_default() += 1;
        }
        let mut of: Vec<(String, u64)> = by_value.into_iter().collect();
        of.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.counts = Counts { by: by.to_owned(), of };
        self
    }

    /// The index of the column named `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The value in `row` under the column named `name`.
    #[must_use]
    pub fn cell<'a>(&self, row: &'a Row, name: &str) -> Option<&'a Cell> {
        row.cells.get(self.column(name)?)
    }

    /// The whole result as one object, as `tool NAME --json` prints it: column names, every row.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = self.head(self.rows.len());
        if let Some(map) = value.as_object_mut() {
            map.insert("rows".into(), self.rows.iter().map(|r| json!(r.cells)).collect());
        }
        value
    }

    /// The same with every text redacted: summary, cells, counts, notes, errors.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let redact = |text: &mut String| {
            if let Cow::Owned(masked) = redactor.redact(text) {
                *text = masked;
            }
        };
        redact(&mut self.summary);
        for cell in self.rows.iter_mut().flat_map(|row| &mut row.cells) {
            match cell {
                Cell::Text(text) => redact(text),
                Cell::Absent | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) => {}
            }
        }
        self.counts.of.iter_mut().for_each(|(value, _)| redact(value));
        self.truncated.iter_mut().chain(&mut self.notes).for_each(redact);
        self.series.iter_mut().for_each(|series| redact(&mut series.name));
        for error in &mut self.errors {
            redact(&mut error.place);
            redact(&mut error.fault.message);
            error.fault.hint.iter_mut().for_each(redact);
        }
        self
    }

    fn head(&self, shown: usize) -> Value {
        let counts: serde_json::Map<String, Value> =
            self.counts.of.iter().map(|(k, n)| (k.clone(), json!(n))).collect();
        json!({
            "summary": self.summary,
            "columns": self.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            "rows": [],
            "total": self.total,
            "shown": shown,
            "counts": if self.counts.by.is_empty() { json!({}) } else { json!({ &self.counts.by: counts }) },
            "truncated": self.truncated,
            "next": self.next,
            "errors": self.errors,
            "notes": self.notes,
            "as_of": self.as_of,
        })
    }
}

impl Cell {
    /// The value as text: what filters match and counts count by. Untrusted.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Bool(v) => v.to_string(),
            Self::Int(v) => v.to_string(),
            Self::Float(v) => v.to_string(),
            Self::Time(v) => v.rfc3339(),
            Self::Text(v) => v.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::FaultKind;

    #[test]
    fn counts_over_every_row() {
        let row = |state: &str| Row { urgency: 0, cells: vec![state.into()] };
        let p = Projection::new("s", Timestamp::from_millis(0))
            .columns(&[("state", ColumnKind::State)])
            .rows(vec![row("b"), row("a"), row("b"), row("c"), row("c")])
            .counted("state");
        let of: Vec<_> = p.counts.of.iter().map(|(v, n)| (v.as_str(), *n)).collect();
        assert_eq!((p.counts.by.as_str(), of), ("state", vec![("b", 2), ("c", 2), ("a", 1)]));
        assert_eq!(p.clone().counted("nothing"), p);
    }

    #[test]
    fn redacts_every_text() {
        let secret = "password=hunter2";
        let mut p = Projection::new(secret, Timestamp::from_millis(0))
            .columns(&[("message", ColumnKind::Text)])
            .rows(vec![Row { urgency: 0, cells: vec![secret.into(), 3_i64.into()] }])
            .counted("message");
        p.notes.push(secret.into());
        p.truncated = Some(secret.into());
        p.series.push(Series { name: secret.into(), points: vec![] });
        let fault = Fault::new(FaultKind::Denied, secret).hint(secret);
        p.errors.push(Partial { account: None, place: secret.into(), fault });
        let out = serde_json::to_string(&p.redacted(&Redactor::new([1; 16]))).unwrap();
        assert!(!out.contains("hunter2"), "{out}");
        assert_eq!(out.matches("⟪secret:").count(), 9);
    }
}
