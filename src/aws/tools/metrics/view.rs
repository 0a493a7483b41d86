//! A metric as a result: its figures, at most 60 points in rows, every point in the chart.

use super::change::{self, Change};
use super::grid::{self, Slot, joined, thinned};
use super::near::{Known, words};
use crate::place::Place;
use crate::tools::get_metrics::{Args, Out, RegionMetric};
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row, Series};
use std::time::Duration;

/// Rows in all.
const ROWS: usize = 60;
/// Rows of one of many places, at least.
const FEW: usize = 5;
/// Places told in the summary.
const TOLD: usize = 3;

/// One place's series, measured.
struct Measured<'a> {
    place: &'a Place,
    region: &'a RegionMetric,
    /// Seconds between points, as it is published.
    step: u32,
    /// Whole periods, oldest first.
    slots: Vec<Slot>,
    /// The period that has not ended yet.
    unfinished: Option<Slot>,
    figures: Option<Figures>,
    change: Option<Change>,
}

/// The figures of whole periods.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    min: f64,
    avg: f64,
    max: (Timestamp, f64),
    last: (Timestamp, f64),
}

/// The result of `get_metrics`.
pub fn project(args: &Args, out: &Out, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(&out.places);
    let measured: Vec<Measured<'_>> =
        out.places.answers.iter().map(|(p, r)| measure(out, p, r, now)).collect();
    let each = (ROWS / measured.len().max(1)).max(FEW);
    let mut columns = vec![("time", ColumnKind::Time), ("value", ColumnKind::Count)];
    columns.extend(args.compare.map(|c| (c.column(), ColumnKind::Count)));
    columns.push(("note", ColumnKind::Text));
    let rows = measured.iter().flat_map(|m| rows(args, out, m, each, places)).collect();
    let mut projection =
        Projection::new(summary(args, out, &measured), now).columns(&places.before(&columns)).rows(rows);
    projection.series = measured.iter().flat_map(|m| series(args, out, m)).collect();
    projection.errors = errors(&out.places, |region| &region.errors);
    projection.notes = notes(args, out, &measured);
    projection
}

fn measure<'a>(out: &Out, place: &'a Place, region: &'a RegionMetric, now: Timestamp) -> Measured<'a> {
    let (step, mut slots) = grid::slots(&region.points, out.period, out.step);
    let unfinished = slots.pop_if(|(at, _)| at.plus(seconds(step)) > now);
    let figures = figures(&slots);
    let change = change::found(&slots, &out.statistic);
    Measured { place, region, step, slots, unfinished, figures, change }
}

fn seconds(step: u32) -> Duration {
    Duration::from_secs(step.into())
}

fn figures(slots: &[Slot]) -> Option<Figures> {
    let points: Vec<(Timestamp, f64)> = slots.iter().filter_map(|(at, v)| Some((*at, (*v)?))).collect();
    let (first, last) = (points.first()?, points.last()?);
    let sum: f64 = points.iter().map(|(_, v)| v).sum();
    let mut all = Figures { min: first.1, avg: sum / points.len() as f64, max: *first, last: *last };
    for point in &points {
        all.min = all.min.min(point.1);
        if point.1 > all.max.1 {
            all.max = *point;
        }
    }
    Some(all)
}

/// Newest first, so that a cut takes the oldest.
fn rows(args: &Args, out: &Out, m: &Measured<'_>, most: usize, places: PlaceColumns) -> Vec<Row> {
    let per = m.slots.len().div_ceil(most).max(1);
    let length = seconds(m.step).saturating_mul(u32::try_from(per).unwrap_or(u32::MAX));
    let row = |(at, value): Slot, length: Duration, note: Option<&str>| {
        let mut cells: Vec<Cell> = places.cells(m.place).collect();
        cells.extend([at.into(), value.map(rounded).into()]);
        if let Some(compare) = args.compare {
            let from = at.minus(compare.by());
            let inside = |t: Timestamp| from <= t && t < from.plus(length);
            let earlier: Vec<f64> =
                m.region.earlier.iter().filter(|(t, _)| inside(*t)).map(|(_, v)| *v).collect();
            cells.push(joined(&out.statistic, &earlier).map(rounded).into());
        }
        cells.push(note.into());
        Row { urgency: 0, cells }
    };
    let changed = |at: Timestamp| m.change.is_some_and(|c| at <= c.at && c.at < at.plus(length));
    let mut rows: Vec<Row> = thinned(&m.slots, most, &out.statistic)
        .into_iter()
        .map(|slot| {
            let note = match slot {
                (_, None) => Some("no data"),
                (at, Some(_)) if changed(at) => Some("level changed"),
                (_, Some(_)) => None,
            };
            row(slot, length, note)
        })
        .collect();
    if m.figures.is_none() {
        rows.clear();
    }
    rows.extend(
        m.unfinished.filter(|(_, v)| v.is_some()).map(|slot| row(slot, seconds(m.step), Some("unfinished"))),
    );
    // One too many with the unfinished one: the oldest goes, and is still in the figures and the chart.
    rows.reverse();
    rows.truncate(most);
    rows
}

/// Every point there is; the chart leaves the gaps open.
fn series(args: &Args, out: &Out, m: &Measured<'_>) -> Vec<Series> {
    let place = if out.places.answers.len() > 1 { format!(" {}", m.place.region) } else { String::new() };
    let name = format!("{} {} per {}{place}", args.metric, out.statistic, span(seconds(m.step)));
    let mut all = Vec::new();
    if !m.region.points.is_empty() {
        all.push(Series { name: name.clone(), points: m.region.points.clone() });
    }
    if let Some(compare) = args.compare.filter(|_| !m.region.earlier.is_empty()) {
        let which = compare.column().replace('_', " ");
        all.push(Series { name: format!("{name}, {which}"), points: m.region.earlier.clone() });
    }
    all
}

fn summary(args: &Args, out: &Out, measured: &[Measured<'_>]) -> String {
    let what = format!("{} {} ({})", args.namespace, args.metric, words(&args.dimensions));
    let step = measured.iter().find(|m| !m.slots.is_empty()).map_or(out.step, |m| m.step);
    let head = format!("{what}, {} per {}, {}", out.statistic, span(seconds(step)), out.period);
    let told: Vec<String> = measured
        .iter()
        .filter(|m| m.figures.is_some())
        .take(TOLD)
        .map(|m| figure_words(args, m, out))
        .collect();
    let missing = if out.places.errors.is_empty() && measured.iter().all(|m| m.region.errors.is_empty()) {
        ""
    } else {
        "; not everything answered"
    };
    if told.is_empty() {
        let begun = measured.iter().any(|m| m.unfinished.is_some_and(|(_, v)| v.is_some()));
        let which = if begun { "No whole period of" } else { "No points of" };
        let near = measured.iter().find_map(|m| m.region.known.as_ref()).map(known).unwrap_or_default();
        return format!("{which} {head} in {}{near}{missing}", searched(&out.places));
    }
    let with = measured.iter().filter(|m| m.figures.is_some()).count();
    let more = if with > told.len() { format!("; and {} more", with - told.len()) } else { String::new() };
    let without: Vec<&str> =
        measured.iter().filter(|m| m.figures.is_none()).map(|m| m.place.region.as_str()).collect();
    let without =
        if without.is_empty() { String::new() } else { format!("; no points in {}", without.join(", ")) };
    format!("{head}: {}{more}{without}{missing}", told.join("; "))
}

/// `last 498 at 03:03:00, min 112, avg 305, max 500 at 02:50:00; rose from about 120 to about 497 at 02:31:00`.
fn figure_words(args: &Args, m: &Measured<'_>, out: &Out) -> String {
    let Some(f) = m.figures else { return String::new() };
    let mut said = format!(
        "in {} last {} at {}, min {}, avg {}, max {} at {}",
        m.place.region,
        short(f.last.1),
        f.last.0.clock(),
        short(f.min),
        short(f.avg),
        short(f.max.1),
        f.max.0.clock()
    );
    if let Some(c) = m.change {
        let verb = if c.after > c.before { "rose" } else { "fell" };
        said.push_str(&format!(
            "; {verb} from about {} to about {} at {}",
            short(c.before),
            short(c.after),
            if out.period.span() > Duration::from_secs(86_400) { c.at.rfc3339() } else { c.at.clock() }
        ));
    }
    if let Some(compare) = args.compare {
        let values: Vec<f64> = m.region.earlier.iter().map(|(_, v)| *v).collect();
        let which = compare.column().replace('_', " ");
        said.push_str(&match joined("Average", &values) {
            None => format!("; no points the {which}"),
            Some(0.0) => format!("; the {which} avg 0"),
            Some(avg) => format!("; the {which} avg {} ({:+.0} %)", short(avg), (f.avg / avg - 1.0) * 100.0),
        });
    }
    said
}

fn known(known: &Known) -> String {
    let list = |names: &[String]| names.join("; ");
    match known {
        Known::Exists => {
            "; the metric exists with these dimensions: nothing was published in that period".to_owned()
        }
        Known::Dimensions(near) => format!("; the metric has other dimensions, the nearest: {}", list(near)),
        Known::Metrics(near) => format!("; no such metric in the namespace, the nearest: {}", list(near)),
        Known::Namespaces(near) if near.is_empty() => "; there are no metrics at all here".to_owned(),
        Known::Namespaces(near) => format!("; no such namespace, the nearest: {}", list(near)),
        Known::Unknown(fault) => format!("; what exists could not be looked up: {fault}"),
    }
}

fn notes(args: &Args, out: &Out, measured: &[Measured<'_>]) -> Vec<String> {
    let mut notes = vec![format!("searched {} in {}", out.period, searched(&out.places))];
    if let Some(given) = args.period.filter(|given| *given != out.step) {
        notes.push(format!(
            "a point is {} instead of {}: CloudWatch keeps 60 s for 15 days, 5 m for 63 days, 1 h for 455 days",
            span(seconds(out.step)),
            span(seconds(given))
        ));
    }
    for m in measured.iter().filter(|m| m.figures.is_some()) {
        let place = if measured.len() > 1 { format!("{}: ", m.place.region) } else { String::new() };
        let gaps = m.slots.iter().filter(|(_, v)| v.is_none()).count();
        if gaps > 0 {
            notes.push(format!(
                "{place}{gaps} of {} have no value: gaps, not zeros; metrics that count are often published only when \
                 something happens",
                plural(m.slots.len(), "period")
            ));
        }
        if m.unfinished.is_some_and(|(_, v)| v.is_some()) {
            notes.push(format!(
                "{place}the last period has not ended: it is shown and not counted in the figures"
            ));
        }
        if m.step != out.step {
            notes.push(format!("{place}it is published every {}", span(seconds(m.step))));
        }
        if m.slots.len() > (ROWS / measured.len().max(1)).max(FEW) {
            notes.push(format!(
                "{place}rows join several periods; the chart has all {} points",
                m.region.points.len()
            ));
        }
    }
    if measured.iter().any(|m| m.region.known.as_ref().is_some_and(|k| *k != Known::Exists)) {
        notes.push("CloudWatch lists metrics for two weeks after their last point".to_owned());
    }
    notes
}

/// Four digits that matter.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 4 - value.abs().log10().floor() as i32 - 1;
    if digits <= 0 {
        return value.round();
    }
    let scale = 10_f64.powi(digits.min(12));
    (value * scale).round() / scale
}

/// As [`rounded`], as text; large numbers without an exponent.
fn short(value: f64) -> String {
    let value = rounded(value);
    if value.abs() >= 1e15 { format!("{value:e}") } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (497.0, "497"),
            (123_456.7, "123457"),
            (0.123_456, "0.1235"),
            (12.345_6, "12.35"),
            (-3.0, "-3"),
            (1e18, "1e18"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
