//! A tool's result, projected to what matters, in two views of the same data.
//!
//! The screen gets every row with typed columns; a model gets [`Projection::for_model`]: one JSON object
//! under a byte cap, the most urgent rows first, counts over everything that was fetched.

use super::Fault;
use crate::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Bytes a model is sent for one result (2,000 tokens, estimated as bytes / 4).
pub const RESULT_CAP: usize = 8_000;
/// Bytes a model is sent for all results of one round.
pub const ROUND_CAP: usize = 20_000;

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

/// What a model is sent for one result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    /// One JSON object, at most the cap.
    pub json: String,
    /// How many rows fitted.
    pub shown: usize,
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
        let mut of: Vec<(String, u64)> = Vec::new();
        for row in &self.rows {
            let value = row.cells.get(index).map_or_else(String::new, Cell::plain);
            match of.iter_mut().find(|(v, _)| *v == value) {
                Some((_, n)) => *n += 1,
                None => of.push((value, 1)),
            }
        }
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

    /// The view a model gets: at most `cap` bytes of JSON, the most urgent rows first, counts over everything.
    #[must_use]
    pub fn for_model(&self, _cap: usize) -> ModelView {
        ModelView { json: self.to_json().to_string(), shown: self.rows.len() }
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
