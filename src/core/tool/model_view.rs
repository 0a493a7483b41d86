//! A projection as a model gets it: one JSON object under a byte cap.

use super::projection::{Cell, Projection, Row};
use crate::text;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// Bytes a model is sent for one result (2,000 tokens, estimated as bytes / 4).
pub const RESULT_CAP: usize = 8_000;
/// Bytes a model is sent for all results of one round.
pub const ROUND_CAP: usize = 20_000;

/// Columns a text may take, tried in turn until some rows fit.
const CELL: [usize; 3] = [400, 200, 80];
/// Rows worth shortening texts for.
const ENOUGH: usize = 5;
/// Values counted by name; the rest are summed as `other`.
const COUNTED: usize = 20;

/// What a model is sent for one result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    /// One JSON object, at most the cap.
    pub json: String,
    /// How many rows fitted.
    pub shown: usize,
}

impl Projection {
    /// The view a model gets: at most `cap` bytes of JSON (but never less than `{}`), the most urgent rows first,
    /// counts over everything that was fetched. Hidden characters are made visible, long texts are cut.
    #[must_use]
    pub fn for_model(&self, cap: usize) -> ModelView {
        let Some(bounds) = BOUNDS
            .iter()
            .find(|b| self.model_head(self.rows.len(), true, b).len() <= cap / 2)
            .or_else(|| BOUNDS.iter().rev().find(|b| self.model_head(self.rows.len(), true, b).len() <= cap))
        else {
            return ModelView { json: "{}".to_owned(), shown: 0 };
        };
        // With every row counted the head is as long as it can get.
        let room = cap.saturating_sub(self.model_head(self.rows.len(), true, bounds).len());
        let mut order: Vec<&Row> = self.rows.iter().collect();
        order.sort_by_key(|row| Reverse(row.urgency));
        let mut fitted = (String::new(), 0);
        for columns in CELL {
            fitted = rows_within(&order, room, columns);
            if fitted.1 >= order.len().min(ENOUGH) {
                break;
            }
        }
        let (rows, shown) = fitted;
        let mut json = self.model_head(shown, shown < self.rows.len(), bounds);
        // The head ends in `"rows":[]}`.
        json.truncate(json.len() - 2);
        json.push_str(&rows);
        json.push_str("]}");
        ModelView { json, shown }
    }

    /// Everything but the rows, ending in an empty `rows`.
    fn model_head(&self, shown: usize, cut: bool, bounds: &Bounds) -> String {
        let total = self.total.max(self.rows.len());
        let mut why: Vec<String> = Vec::new();
        if cut {
            why.push(format!(
                "showing {shown} of {total}, most urgent first: narrow the request for the others"
            ));
        }
        why.extend(self.truncated.as_deref().map(|t| shown_text(t, bounds.text)));
        let mut head = Map::new();
        head.insert("summary".into(), shown_text(&self.summary, bounds.text).into());
        head.insert("total".into(), total.into());
        head.insert("shown".into(), shown.into());
        if !why.is_empty() {
            head.insert("truncated".into(), why.join("; ").into());
        }
        if !self.counts.of.is_empty() {
            let mut counts = Map::new();
            counts.insert(shown_text(&self.counts.by, 60), self.counts_within(bounds.counts));
            head.insert("counts".into(), Value::Object(counts));
        }
        match self.next.as_deref() {
            Some(next) if next.len() <= bounds.next => {
                head.insert("next".into(), text::visible(next).into());
            }
            Some(_) => {
                head.insert("next".into(), "too long to repeat here: narrow the request instead".into());
            }
            None => {}
        }
        if !self.errors.is_empty() {
            head.insert("errors".into(), self.errors_within(bounds));
        }
        let more = self.notes.len().saturating_sub(bounds.list);
        let mut notes: Vec<String> =
            self.notes.iter().take(bounds.list).map(|n| shown_text(n, bounds.text)).collect();
        if more > 0 {
            notes.push(format!("and {more} more notes"));
        }
        if !notes.is_empty() {
            head.insert("notes".into(), notes.into());
        }
        head.insert("as_of".into(), self.as_of.rfc3339().into());
        let names: Vec<String> =
            self.columns.iter().take(bounds.columns).map(|c| shown_text(&c.name, 60)).collect();
        let mut out = Value::Object(head).to_string();
        out.truncate(out.len() - 1);
        out.push_str(&format!(r#","columns":{},"rows":[]}}"#, json!(names)));
        out
    }

    fn counts_within(&self, most: usize) -> Value {
        let mut counts = Map::new();
        for (value, n) in self.counts.of.iter().take(most) {
            add(&mut counts, shown_text(value, 60), *n);
        }
        let rest: u64 = self.counts.of.iter().skip(most).map(|(_, n)| n).sum();
        if rest > 0 {
            add(&mut counts, "other".to_owned(), rest);
        }
        Value::Object(counts)
    }

    fn errors_within(&self, bounds: &Bounds) -> Value {
        let mut errors: Vec<Value> = self
            .errors
            .iter()
            .take(bounds.list)
            .map(|e| {
                let mut error = Map::new();
                let mut put = |key: &str, value: Option<&str>| {
                    if let Some(value) = value {
                        error.insert(key.to_owned(), shown_text(value, bounds.text).into());
                    }
                };
                put("account", e.account.as_deref());
                put("place", Some(&e.place));
                put("kind", Some(e.fault.kind.label()));
                put("message", Some(&e.fault.message));
                put("action", e.fault.action.as_deref());
                put("hint", e.fault.hint.as_deref());
                Value::Object(error)
            })
            .collect();
        let more = self.errors.len().saturating_sub(bounds.list);
        if more > 0 {
            errors.push(format!("and {more} more").into());
        }
        Value::Array(errors)
    }
}

/// How much of each part of the head is told.
struct Bounds {
    text: usize,
    list: usize,
    counts: usize,
    next: usize,
    columns: usize,
}

/// From generous to bare; the first that leaves half the cap to the rows is taken.
const BOUNDS: [Bounds; 4] = [
    Bounds { text: 600, list: 20, counts: COUNTED, next: 2_000, columns: 64 },
    Bounds { text: 200, list: 8, counts: COUNTED, next: 1_000, columns: 64 },
    Bounds { text: 80, list: 3, counts: 5, next: 200, columns: 24 },
    Bounds { text: 40, list: 0, counts: 0, next: 0, columns: 0 },
];

/// Adds to a count; values that look the same once they are cut are one.
fn add(counts: &mut Map<String, Value>, value: String, n: u64) {
    let sum = counts.get(&value).and_then(Value::as_u64).unwrap_or(0) + n;
    counts.insert(value, sum.into());
}

/// As many of `rows` as fit in `room` bytes, joined by commas, texts cut to `columns`.
fn rows_within(rows: &[&Row], room: usize, columns: usize) -> (String, usize) {
    let mut out = String::new();
    for (shown, row) in rows.iter().enumerate() {
        let cells: Vec<Value> = row.cells.iter().map(|cell| shown_cell(cell, columns)).collect();
        let json = Value::Array(cells).to_string();
        if out.len() + json.len() + usize::from(shown > 0) > room {
            return (out, shown);
        }
        if shown > 0 {
            out.push(',');
        }
        out.push_str(&json);
    }
    (out, rows.len())
}

fn shown_cell(cell: &Cell, columns: usize) -> Value {
    match cell {
        Cell::Text(text) => shown_text(text, columns).into(),
        Cell::Absent | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) | Cell::Time(_) => json!(cell),
    }
}

/// Untrusted text with nothing hidden in it, cut.
fn shown_text(untrusted: &str, columns: usize) -> String {
    // A byte bound first, so that a huge text costs no more than a long one; characters without width are cut too.
    let most = untrusted.floor_char_boundary(columns.saturating_mul(8).min(untrusted.len()));
    let begun = untrusted.get(..most).unwrap_or_default();
    // Line feeds stay: JSON escapes them, and a stack trace without them is hard to read.
    let visible = text::visible_lines(begun);
    let mut out = text::truncate(&visible, columns).into_owned();
    if most < untrusted.len() && !out.ends_with('…') {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::tool::{ColumnKind, Fault, FaultKind, Partial};
    use proptest::prelude::*;

    fn projection(rows: Vec<Row>) -> Projection {
        Projection::new("3 of 9 services unhealthy", Timestamp::from_millis(1_795_143_845_000))
            .columns(&[("name", ColumnKind::Text), ("state", ColumnKind::State), ("since", ColumnKind::Time)])
            .rows(rows)
            .counted("state")
    }

    fn row(urgency: u8, name: &str) -> Row {
        let since = Timestamp::from_millis(1_795_143_845_000);
        Row { urgency, cells: vec![name.into(), if urgency > 1 { "BAD" } else { "OK" }.into(), since.into()] }
    }

    fn parsed(view: &ModelView) -> Value {
        serde_json::from_str(&view.json).unwrap()
    }

    #[test]
    fn urgent_rows_come_first_and_the_order_is_stable() {
        let view = projection(vec![row(0, "a"), row(3, "b"), row(1, "c"), row(3, "d")]).for_model(RESULT_CAP);
        let json = parsed(&view);
        let names: Vec<_> = json["rows"].as_array().unwrap().iter().map(|r| r[0].as_str().unwrap()).collect();
        assert_eq!(names, ["b", "d", "c", "a"]);
        assert_eq!(json["columns"], json!(["name", "state", "since"]));
        assert_eq!(json["rows"][0][2], "2026-11-20T03:04:05Z");
        assert_eq!(json["counts"], json!({"state": {"OK": 2, "BAD": 2}}));
        assert_eq!((json["total"].as_u64(), json["shown"].as_u64(), view.shown), (Some(4), Some(4), 4));
        assert!(json.get("truncated").is_none() && json.get("errors").is_none());
    }

    #[test]
    fn what_does_not_fit_is_counted_and_said() {
        let rows = (0..5_000).map(|n| row(u8::from(n % 100 == 0) * 3, &format!("service-{n}"))).collect();
        let view = projection(rows).for_model(RESULT_CAP);
        let json = parsed(&view);
        assert!(view.json.len() <= RESULT_CAP && view.json.len() > RESULT_CAP - 100, "{}", view.json.len());
        assert_eq!(json["rows"].as_array().unwrap().len(), view.shown);
        assert_eq!(json["rows"][0][0], "service-0");
        assert_eq!(json["rows"][49][0], "service-4900");
        assert_eq!(
            json["truncated"],
            format!("showing {} of 5000, most urgent first: narrow the request for the others", view.shown)
        );
        assert_eq!(json["counts"]["state"], json!({"OK": 4950, "BAD": 50}));
    }

    #[test]
    fn long_texts_are_shortened_before_rows_are_lost() {
        for (rows, columns) in [(3, 400), (30, 400), (300, 400)] {
            let json = parsed(&projection(vec![row(0, &"x".repeat(9_000)); rows]).for_model(RESULT_CAP));
            assert_eq!(json["rows"][0][0].as_str().unwrap().chars().count(), columns);
        }
        let json = parsed(&projection(vec![row(0, &"x".repeat(9_000)); 30]).for_model(1_200));
        assert!(json["shown"].as_u64().unwrap() >= 5);
        assert_eq!(json["rows"][0][0].as_str().unwrap().chars().count(), 80);
    }

    #[test]
    fn nothing_hidden_reaches_a_model() {
        let mut p = projection(vec![row(0, "a\u{202e}\u{e0041}b\nc")]);
        p.summary = "s\u{200b}".into();
        p.notes = vec!["n\u{1b}[0m".into()];
        let json = parsed(&p.for_model(RESULT_CAP));
        assert_eq!(json["rows"][0][0], "a⟨U+202E⟩⟨U+E0041⟩b\nc");
        assert_eq!(
            (json["summary"].as_str(), json["notes"][0].as_str()),
            (Some("s⟨U+200B⟩"), Some("n⟨U+001B⟩[0m"))
        );
    }

    #[test]
    fn many_counts_and_errors_are_bounded() {
        let mut p = projection(Vec::new());
        p.counts.of = (0..1_000).map(|n| (format!("v{n}"), 2)).collect();
        let fault = Fault::new(FaultKind::Denied, "x".repeat(5_000)).action("ecs:ListServices");
        p.errors = vec![Partial { account: None, place: "eu-west-1".into(), fault }; 50];
        let json = parsed(&p.for_model(RESULT_CAP));
        assert_eq!(json["counts"]["state"]["other"], 1_960);
        let errors = json["errors"].as_array().unwrap();
        assert_eq!((errors.len(), errors[8].as_str()), (9, Some("and 42 more")));
        assert_eq!(errors[0]["action"], "ecs:ListServices");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,30}".boxed(),
            ".{0,20}".boxed(),
            ("[a\"\\\\\u{1}\u{202e}\u{1161}日🚀]", 0..3_000usize).prop_map(|(c, n)| c.repeat(n)).boxed(),
        ]
    }

    fn any_projection() -> impl Strategy<Value = Projection> {
        let cell = prop_oneof![
            Just(Cell::Absent),
            any::<i64>().prop_map(Cell::Int),
            any::<f64>().prop_map(Cell::Float),
            any_text().prop_map(Cell::Text),
            any::<i64>().prop_map(|ms| Cell::Time(Timestamp::from_millis(ms))),
        ];
        let rows = prop::collection::vec(
            (0..4u8, prop::collection::vec(cell, 0..6)).prop_map(|(urgency, cells)| Row { urgency, cells }),
            0..40,
        );
        let texts = || prop::collection::vec(any_text(), 0..30);
        (
            rows,
            any_text(),
            texts(),
            texts(),
            prop::option::of(any_text()),
            prop::option::of(any_text()),
            0..90usize,
        )
            .prop_map(|(rows, summary, notes, faults, next, truncated, columns)| {
                let mut p = Projection::new(summary, Timestamp::from_millis(0)).rows(rows);
                let names: Vec<(String, ColumnKind)> = (0..columns)
                    .map(|n| (notes.get(n).cloned().unwrap_or_default(), ColumnKind::Text))
                    .collect();
                p = p.columns(&names.iter().map(|(n, k)| (n.as_str(), *k)).collect::<Vec<_>>());
                p.counts.by = "state".into();
                p.counts.of = notes.iter().map(|n| (n.clone(), 1)).collect();
                p.errors = faults
                    .into_iter()
                    .map(|t| {
                        let fault =
                            Fault::new(FaultKind::Denied, t.clone()).hint(t.clone()).action(t.clone());
                        Partial { account: Some(t.clone()), place: t, fault }
                    })
                    .collect();
                p.notes = notes;
                p.next = next;
                p.truncated = truncated;
                p
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn never_over_the_cap_and_always_json(p in any_projection(), cap in 1_000..12_000usize) {
            let view = p.for_model(cap);
            prop_assert!(view.json.len() <= cap, "{} > {cap}", view.json.len());
            let json: Value = serde_json::from_str(&view.json).unwrap();
            prop_assert_eq!(json["rows"].as_array().unwrap().len(), view.shown);
            prop_assert_eq!(json["total"].as_u64(), Some(p.rows.len() as u64));
        }

        #[test]
        fn a_tiny_cap_is_still_json(p in any_projection(), cap in 2..1_000usize) {
            let view = p.for_model(cap);
            prop_assert!(view.json.len() <= cap);
            prop_assert!(serde_json::from_str::<Value>(&view.json).is_ok());
        }
    }
}
