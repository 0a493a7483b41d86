//! A query's rows as a result: typed columns, what was scanned, a chart where it counts by time.

use super::price::{dollars, gigabytes};
use super::run::Statistics;
use crate::tools::logs::line::LONGEST;
use crate::tools::query_logs_insights::{Args, Out};
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{cut, plural};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, Column, ColumnKind, Projection, Row, Series};

/// Columns told; a query may name any number of fields.
const COLUMNS: usize = 60;
/// Charts drawn.
const CHARTS: usize = 4;

/// The result of `query_logs_insights`.
pub fn project(args: &Args, out: &Out, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(&out.places);
    let fields = fields(out);
    let kinds: Vec<ColumnKind> = fields.iter().map(|field| kind(out, field)).collect();
    let mut columns = Projection::new("", now).columns(&places.before(&[])).columns;
    columns.extend(
        fields.iter().zip(&kinds).map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }),
    );
    let mut rows = Vec::new();
    for (place, region) in &out.places.answers {
        rows.extend(region.rows.iter().map(|row| {
            let value = |field: &str| row.iter().find(|(name, _)| name == field).map(|(_, v)| v.as_str());
            let cells = fields.iter().zip(&kinds).map(|(field, kind)| cell(value(field), *kind));
            Row { urgency: 0, cells: places.cells(place).chain(cells).collect() }
        }));
    }
    let all = statistics(out);
    let mut projection = Projection::new(summary(args, out, rows.len(), all), now).rows(rows);
    projection.columns = columns;
    projection.series = charts(&projection);
    projection.errors = errors(&out.places, |region| &region.errors);
    projection.truncated = truncated(args, out, all);
    projection.notes = notes(args, out, all);
    projection
}

/// Every field that occurs, in the order it first does.
fn fields(out: &Out) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for (name, _) in out.places.answers.iter().flat_map(|(_, region)| region.rows.iter().flatten()) {
        if !fields.contains(&name.as_str()) && fields.len() < COLUMNS {
            fields.push(name);
        }
    }
    fields
}

/// A column is times or numbers only when every value in it is.
fn kind(out: &Out, field: &str) -> ColumnKind {
    let rows = out.places.answers.iter().flat_map(|(_, region)| &region.rows);
    let values: Vec<&str> = rows
        .flatten()
        .filter(|(name, value)| name == field && !value.is_empty())
        .map(|(_, v)| v.as_str())
        .collect();
    if values.is_empty() {
        ColumnKind::Text
    } else if values.iter().all(|v| moment(v).is_some()) {
        ColumnKind::Time
    } else if values.iter().all(|v| number(v).is_some()) {
        ColumnKind::Count
    } else if field == "@logStream" || field == "@log" {
        ColumnKind::Id
    } else {
        ColumnKind::Text
    }
}

fn cell(value: Option<&str>, kind: ColumnKind) -> Cell {
    let Some(value) = value else { return Cell::Absent };
    let typed = match kind {
        ColumnKind::Time => moment(value).map(Cell::Time),
        ColumnKind::Count => number(value),
        ColumnKind::Text
        | ColumnKind::Id
        | ColumnKind::State
        | ColumnKind::Bytes
        | ColumnKind::Millis
        | ColumnKind::Percent
        | ColumnKind::Money
        | ColumnKind::Risk => None,
    };
    typed.unwrap_or_else(|| Cell::from(cut(value, LONGEST).into_owned()))
}

/// `2026-11-20 03:04:05.000`, as Insights writes times.
fn moment(value: &str) -> Option<Timestamp> {
    let (day, time) = value.split_once(' ')?;
    Timestamp::parse(&format!("{day}T{time}Z")).ok()
}

/// A number that is still the same when it is written again; long ids are not.
fn number(value: &str) -> Option<Cell> {
    if let Ok(whole) = value.parse::<i64>() {
        return (whole.to_string() == value).then_some(Cell::Int(whole));
    }
    let plain = value.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | 'E' | 'e' | '+'));
    let float =
        value.parse::<f64>().ok().filter(|f| plain && f.is_finite() && value.contains(['.', 'E', 'e']));
    float.map(Cell::Float)
}

/// Numbers over a time that was counted by (`bin(5m)`); single events are no series.
fn charts(projection: &Projection) -> Vec<Series> {
    let time = projection.columns.iter().position(|c| {
        c.kind == ColumnKind::Time && !matches!(c.name.as_str(), "@timestamp" | "@ingestionTime")
    });
    let text = projection.columns.iter().any(|c| !matches!(c.kind, ColumnKind::Time | ColumnKind::Count));
    // With another column to group by, the rows are several series in one.
    let (Some(time), false) = (time, text) else { return Vec::new() };
    let numbers =
        projection.columns.iter().enumerate().filter(|(_, c)| c.kind == ColumnKind::Count).take(CHARTS);
    numbers
        .filter_map(|(index, column)| {
            let mut points: Vec<(Timestamp, f64)> = projection
                .rows
                .iter()
                .filter_map(|row| {
                    let Cell::Time(at) = row.cells.get(time)? else { return None };
                    Some((*at, row.cells.get(index)?.plain().parse().ok()?))
                })
                .collect();
            points.sort_by_key(|(at, _)| *at);
            (points.len() > 1).then(|| Series { name: column.name.clone(), points })
        })
        .collect()
}

fn statistics(out: &Out) -> Statistics {
    out.places.answers.iter().fold(Statistics::default(), |all, (_, region)| Statistics {
        matched: all.matched.saturating_add(region.statistics.matched),
        scanned: all.scanned.saturating_add(region.statistics.scanned),
        bytes: all.bytes.saturating_add(region.statistics.bytes),
    })
}

fn summary(args: &Args, out: &Out, rows: usize, all: Statistics) -> String {
    let groups = match args.groups().as_slice() {
        [one] => (*one).to_owned(),
        many => plural(many.len(), "log group"),
    };
    let found = if rows == 0 { "No rows".to_owned() } else { plural(rows, "row") };
    let mut said = format!(
        "{found} from {groups} in {}, {}: {} of {} matched, scanned {} ({})",
        searched(&out.places),
        out.period,
        all.matched,
        plural(usize::try_from(all.scanned).unwrap_or(usize::MAX), "record"),
        gigabytes(all.bytes),
        dollars(all.bytes)
    );
    if let Some(why) = out.places.answers.iter().find_map(|(_, r)| r.stopped.as_deref()) {
        said.push_str(&format!("; {why}: what had been found by then"));
    }
    if !out.places.errors.is_empty() || out.places.answers.iter().any(|(_, r)| !r.errors.is_empty()) {
        said.push_str("; not everything answered");
    }
    said
}

fn truncated(args: &Args, out: &Out, all: Statistics) -> Option<String> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let stopped =
        out.places.answers.iter().find_map(|(p, r)| Some(format!("{}: {}", p.region, r.stopped.as_ref()?)));
    if stopped.is_some() {
        return stopped;
    }
    let full = out.places.answers.iter().any(|(_, r)| r.rows.len() >= limit);
    full.then(|| {
        format!(
            "only the first {limit} rows were taken ({} records matched); send a larger limit",
            all.matched
        )
    })
}

fn notes(args: &Args, out: &Out, all: Statistics) -> Vec<String> {
    let mut notes =
        vec![format!("searched {} in {}, {}", args.groups().join(", "), searched(&out.places), out.period)];
    let known = out.estimate.unknown.is_empty();
    notes.push(if known {
        format!(
            "estimated before: {} ({}); scanned: {} ({}); it may scan {}",
            gigabytes(out.estimate.bytes),
            dollars(out.estimate.bytes),
            gigabytes(all.bytes),
            dollars(all.bytes),
            gigabytes(out.budget)
        )
    } else {
        format!(
            "it was not known before what it would scan; it would have been stopped at {}",
            gigabytes(out.budget)
        )
    });
    for (region, fault) in &out.estimate.unknown {
        notes.push(format!("what the query would scan in {region} could not be estimated: {fault}"));
    }
    notes.push("lines reach Insights some minutes after they were written".to_owned());
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_type_that_loses_nothing() {
        for (value, cell) in [
            ("12", Some(Cell::Int(12))),
            ("-3", Some(Cell::Int(-3))),
            ("0.5", Some(Cell::Float(0.5))),
            ("1.2E3", Some(Cell::Float(1200.0))),
            ("007", None),
            ("12345678901234567890", None),
            ("1e999", None),
            ("NaN", None),
            ("inf", None),
            ("a1", None),
            ("", None),
        ] {
            assert_eq!(number(value), cell, "{value}");
        }
        assert_eq!(moment("2026-11-20 03:04:05.000").unwrap().rfc3339(), "2026-11-20T03:04:05Z");
        assert!(moment("yesterday noon").is_none() && moment("2026-11-20").is_none());
    }
}
