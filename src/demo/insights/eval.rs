//! What expressions come to, and what commands do to rows.

use super::expr::{Expr, Function, Like, Op};
use super::{Named, Pattern};
use quarterdeck_core::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One record: its fields as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub at: Timestamp,
    pub fields: BTreeMap<String, String>,
}

impl Row {
    /// A log event; what Insights discovers in it are the members of a JSON object.
    pub(crate) fn event(at: Timestamp, group: &str, stream: &str, message: &str, pointer: String) -> Self {
        let mut fields = BTreeMap::new();
        if let Ok(Value::Object(members)) = serde_json::from_str(message) {
            members.iter().for_each(|(name, value)| discovered(&mut fields, name, value));
        }
        let own = [
            ("@timestamp", moment(at)),
            ("@ingestionTime", moment(at.plus(std::time::Duration::from_millis(840)))),
            ("@message", message.to_owned()),
            ("@log", group.to_owned()),
            ("@logStream", stream.to_owned()),
            ("@ptr", pointer),
        ];
        fields.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Self { at, fields }
    }
}

fn discovered(fields: &mut BTreeMap<String, String>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(inner, value)| discovered(fields, &format!("{name}.{inner}"), value));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| discovered(fields, &format!("{name}.{i}"), value));
        }
        Value::String(text) => {
            fields.insert(name.to_owned(), text.clone());
        }
        Value::Bool(_) | Value::Number(_) => {
            fields.insert(name.to_owned(), value.to_string());
        }
        Value::Null => {}
    }
}

/// `2026-11-20 03:04:05.000`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.rfc3339();
    let plain = text.trim_end_matches('Z').replace('T', " ");
    match plain.split_once('.') {
        None => format!("{plain}.000"),
        Some((whole, part)) => format!("{whole}.{part:0<3}"),
    }
}

/// What an expression is in a row; `None` when a field is not there.
pub(super) fn value(expr: &Expr, row: &Row) -> Option<String> {
    match expr {
        Expr::Field(name) => row.fields.get(name).cloned(),
        Expr::Text(text) => Some(text.clone()),
        Expr::Number(n) => Some(figure(*n)),
        Expr::Bin(ms) => Some(moment(Timestamp::from_millis(row.at.millis().div_euclid(*ms) * ms))),
        Expr::Call(function, values) => call(*function, values, row),
        Expr::Compare(..) | Expr::Like(..) | Expr::In(..) | Expr::And(..) | Expr::Or(..) | Expr::Not(_) => {
            Some(if truth(expr, row) { "1" } else { "0" }.to_owned())
        }
    }
}

/// Whether an expression holds.
pub(super) fn truth(expr: &Expr, row: &Row) -> bool {
    match expr {
        Expr::And(a, b) => truth(a, row) && truth(b, row),
        Expr::Or(a, b) => truth(a, row) || truth(b, row),
        Expr::Not(inner) => !truth(inner, row),
        Expr::Compare(a, op, b) => match (value(a, row), value(b, row)) {
            (Some(a), Some(b)) => compared(&a, *op, &b),
            (None, _) | (_, None) => *op == Op::NotEqual,
        },
        Expr::Like(text, like) => value(text, row).is_some_and(|text| match like {
            Like::Part(part) => text.contains(part.as_str()),
            Like::Regex(regex) => regex.is_match(&text),
        }),
        Expr::In(one, all) => {
            let one = value(one, row);
            one.is_some_and(|one| {
                all.iter().any(|v| value(v, row).is_some_and(|v| compared(&one, Op::Equal, &v)))
            })
        }
        Expr::Field(_) | Expr::Text(_) | Expr::Number(_) | Expr::Bin(_) | Expr::Call(..) => {
            value(expr, row).is_some_and(|v| !matches!(v.as_str(), "" | "0" | "false"))
        }
    }
}

/// Numbers as numbers, anything else as text.
fn order(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        (Err(_), _) | (_, Err(_)) => a.cmp(b),
    }
}

fn compared(a: &str, op: Op, b: &str) -> bool {
    let order = order(a, b);
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::AtMost => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::AtLeast => order.is_ge(),
    }
}

fn call(function: Function, values: &[Expr], row: &Row) -> Option<String> {
    let first = values.first().and_then(|v| value(v, row));
    let flag = |on: bool| Some(if on { "1" } else { "0" }.to_owned());
    let number = |of: fn(f64) -> f64| Some(figure(of(first.as_deref()?.parse().ok()?)));
    match function {
        Function::ToLower => first.map(|t| t.to_lowercase()),
        Function::ToUpper => first.map(|t| t.to_uppercase()),
        Function::Strlen => first.map(|t| t.chars().count().to_string()),
        Function::Trim => first.map(|t| t.trim().to_owned()),
        Function::IsPresent => flag(first.is_some()),
        Function::IsEmpty => flag(first.is_none_or(|t| t.is_empty())),
        Function::Coalesce => values.iter().find_map(|v| value(v, row)),
        Function::Abs => number(f64::abs),
        Function::Floor => number(f64::floor),
        Function::Ceil => number(f64::ceil),
    }
}

/// A number as Insights writes it: whole where it is, else four digits after the point.
pub(super) fn figure(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        return format!("{n:.0}");
    }
    let text = format!("{n:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Adds what expressions come to under their names.
pub(super) fn add(rows: &mut [Row], fields: &[Named]) {
    for named in fields.iter().filter(|n| !matches!(&n.expr, Expr::Field(field) if *field == n.name)) {
        for row in rows.iter_mut() {
            if let Some(value) = value(&named.expr, row) {
                row.fields.insert(named.name.clone(), value);
            }
        }
    }
}

/// Adds what a pattern finds; rows in which it finds nothing stay as they are.
pub(super) fn parse(rows: &mut [Row], from: &Expr, pattern: &Pattern, names: &[String]) {
    for row in rows {
        let Some(text) = value(from, row) else { continue };
        let found: Vec<(String, String)> = match pattern {
            Pattern::Glob(regex) => regex.captures(&text).map_or_else(Vec::new, |groups| {
                let groups = groups.iter().skip(1).map(|g| g.map_or("", |g| g.as_str()).to_owned());
                names.iter().cloned().zip(groups).collect()
            }),
            Pattern::Regex(regex) => regex.captures(&text).map_or_else(Vec::new, |groups| {
                let named =
                    names.iter().filter_map(|n| Some((n.clone(), groups.name(n)?.as_str().to_owned())));
                named.collect()
            }),
        };
        row.fields.extend(found);
    }
}

/// Sorts by the keys in turn; rows without one come last.
pub(super) fn sort(rows: &mut [Row], keys: &[(Expr, bool)]) {
    rows.sort_by(|a, b| {
        keys.iter().fold(Ordering::Equal, |so_far, (key, descending)| {
            so_far.then_with(|| match (value(key, a), value(key, b)) {
                (Some(a), Some(b)) if *descending => order(&b, &a),
                (Some(a), Some(b)) => order(&a, &b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            })
        })
    });
}

/// Keeps the newest row of each set of values.
pub(super) fn dedup(rows: &mut Vec<Row>, fields: &[Named]) {
    let mut seen = BTreeSet::new();
    rows.reverse();
    rows.retain(|row| seen.insert(fields.iter().map(|n| value(&n.expr, row)).collect::<Vec<_>>()));
    rows.reverse();
}

/// A row as it is answered: what is shown and there, and the pointer to the event.
pub(super) fn shown(row: &Row, shown: &[Named], event: bool) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for named in shown {
        let value = row.fields.get(&named.name).cloned();
        if let Some(value) = value.filter(|_| !out.iter().any(|(name, _)| *name == named.name)) {
            out.push((named.name.clone(), value));
        }
    }
    if let Some(pointer) = row.fields.get("@ptr").filter(|_| event) {
        out.push(("@ptr".to_owned(), pointer.clone()));
    }
    out
}
