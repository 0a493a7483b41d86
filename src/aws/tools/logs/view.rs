//! Lines as a result: newest first, folded, counted by level, with a chart of how many there were.

use super::fold;
use super::groups::name_of;
use super::line::{LONGEST, Level, Line};
use super::read::RegionLines;
use crate::place::Place;
use crate::tools::get_cloudwatch_logs::{Args, Out};
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{plural, span};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Counts, Projection, Row, Series};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

const COLUMNS: [(&str, ColumnKind); 4] = [
    ("time", ColumnKind::Time),
    ("stream", ColumnKind::Id),
    ("message", ColumnKind::Text),
    ("times_seen", ColumnKind::Count),
];
/// Bytes of what was asked for that a summary repeats.
const SHORT: usize = 60;
/// Points of a chart, at most.
const POINTS: i64 = 120;
/// Minutes in one point; the first that needs no more than [`POINTS`] is taken.
const BUCKETS: [i64; 6] = [1, 5, 15, 60, 360, 1_440];

/// A line with where it was written.
struct Shown<'a> {
    place: &'a Place,
    at: Option<Timestamp>,
    stream: Option<&'a str>,
    line: Line,
}

/// The result of `get_cloudwatch_logs`.
pub fn project(args: &Args, out: &Out, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(&out.places);
    let mut events: Vec<(&Place, &FilteredLogEvent)> =
        out.places.answers.iter().flat_map(|(p, r)| r.events.iter().map(move |e| (p, e))).collect();
    events.sort_by_key(|(_, e)| Reverse(e.timestamp()));
    let found = events.len();
    let older = events.get(args.limit()).is_some();
    events.truncate(args.limit());
    let oldest = events.last().and_then(|(_, e)| e.timestamp()).map(Timestamp::from_millis);
    let shown: Vec<Shown<'_>> = events.iter().map(|(place, event)| line(place, event)).collect();
    let counts = counts(&shown);
    let newest_error = shown.iter().find(|s| s.line.level <= Level::Error).and_then(|s| s.at);
    let cut = shown.iter().filter(|s| s.line.cut).count();
    let keyed =
        shown.into_iter().map(|s| (format!("{:?} {}", s.place, fold::key(s.line.level, &s.line.text)), s));
    let folded = fold::fold(keyed.collect());
    let lines = events.len();
    let mut projection = Projection::new(String::new(), now)
        .columns(&places.before(&COLUMNS))
        .rows(folded.iter().map(|(shown, times)| row(shown, *times, places)).collect());
    projection.counts = counts;
    projection.errors = errors(&out.places, |region| &region.errors);
    projection.series = chart(out).into_iter().collect();
    let more = older || lines >= args.limit() && regions(out).any(|r| r.searched_from > out.period.from);
    if more && let Some(oldest) = oldest {
        projection.truncated = Some(format!(
            "only the newest {} were taken; for older ones send until={}",
            plural(lines, "line"),
            oldest.plus(Duration::from_millis(1))
        ));
        projection.next = Some(oldest.plus(Duration::from_millis(1)).rfc3339());
    }
    projection.notes = notes(args, out, (lines, folded.len()), cut);
    projection.summary = summary(args, out, &projection, (lines, found), newest_error, now);
    projection
}

fn regions(out: &Out) -> impl Iterator<Item = &RegionLines> {
    out.places.answers.iter().map(|(_, region)| region)
}

fn line<'a>(place: &'a Place, event: &'a FilteredLogEvent) -> Shown<'a> {
    Shown {
        place,
        at: event.timestamp().map(Timestamp::from_millis),
        stream: event.log_stream_name(),
        line: Line::of(event.message().unwrap_or_default()),
    }
}

fn counts(shown: &[Shown<'_>]) -> Counts {
    let mut by: BTreeMap<Level, u64> = BTreeMap::new();
    for shown in shown {
        *by.entry(shown.line.level).or_default() += 1;
    }
    Counts {
        by: "level".to_owned(),
        of: by.into_iter().map(|(level, n)| (level.label().to_owned(), n)).collect(),
    }
}

fn row(shown: &Shown<'_>, times: usize, places: PlaceColumns) -> Row {
    let cells: [Cell; COLUMNS.len()] =
        [shown.at.into(), shown.stream.into(), shown.line.text.as_str().into(), times.into()];
    Row { urgency: shown.line.level.urgency(), cells: places.cells(shown.place).chain(cells).collect() }
}

/// Lines per minute (or more) over what was read, quiet minutes included.
fn chart(out: &Out) -> Option<Series> {
    let from = regions(out).filter(|r| !r.unknown).map(|r| r.searched_from).max()?;
    let times: Vec<i64> = regions(out)
        .flat_map(|r| r.events.iter().filter_map(FilteredLogEvent::timestamp))
        .filter(|at| *at >= from.millis())
        .collect();
    let span = out.period.until.millis() - from.millis();
    let minutes = BUCKETS.into_iter().find(|m| span / (m * 60_000) < POINTS).unwrap_or(1_440);
    let step = minutes * 60_000;
    let mut points: BTreeMap<i64, f64> = BTreeMap::new();
    let mut at = from.millis().div_euclid(step);
    while at * step < out.period.until.millis() {
        points.insert(at * step, 0.0);
        at += 1;
    }
    for time in &times {
        *points.entry(time.div_euclid(step) * step).or_default() += 1.0;
    }
    if times.is_empty() || points.len() < 2 {
        return None;
    }
    let name = if minutes == 1 {
        "lines per minute".to_owned()
    } else {
        format!(
            "lines per {}",
            crate::tools::reading::words::span(Duration::from_secs(minutes.unsigned_abs() * 60))
        )
    };
    Some(Series { name, points: points.into_iter().map(|(at, n)| (Timestamp::from_millis(at), n)).collect() })
}

fn summary(
    args: &Args,
    out: &Out,
    projection: &Projection,
    (lines, found): (usize, usize),
    newest_error: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let place = searched(&out.places);
    let all = asked(args);
    let group = name_of(&args.log_group);
    if lines == 0 {
        let missing = if projection.errors.is_empty() { "" } else { "; not everything was read" };
        return format!("No lines in {group} in {place}{all}, {}{missing}", covered(out));
    }
    // A long pattern is told in the notes.
    let asked = if all.len() > SHORT { " matching the pattern" } else { all.as_str() };
    let newest = if projection.truncated.is_some() || found > lines { "newest " } else { "" };
    let levels: Vec<String> = projection.counts.of.iter().map(|(level, n)| format!("{n} {level}")).collect();
    let mut sentence =
        format!("{lines} {newest}line{} of {group} in {place}{asked}: ", if lines == 1 { "" } else { "s" });
    sentence.push_str(&levels.join(", "));
    if let Some(at) = newest_error {
        sentence.push_str(&format!("; newest error {} ({} ago)", at.clock(), span(now.since(at))));
    }
    if projection.rows.len() < lines {
        sentence.push_str(&format!("; {} after folding", plural(projection.rows.len(), "different line")));
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything was read");
    }
    sentence
}

fn asked(args: &Args) -> String {
    let pattern = args.pattern().map(|p| format!(" matching {p:?}"));
    let prefix = args.stream_prefix.as_ref().map(|p| format!(" in streams beginning with {p:?}"));
    format!("{}{}", pattern.unwrap_or_default(), prefix.unwrap_or_default())
}

/// What was really read, which may be less than what was asked for.
fn covered(out: &Out) -> String {
    let from = regions(out).filter(|r| !r.unknown).map(|r| r.searched_from).max();
    let from = from.filter(|f| *f < out.period.until).unwrap_or(out.period.until);
    crate::tools::reading::period::Period { from, until: out.period.until }.to_string()
}

fn notes(args: &Args, out: &Out, (lines, rows): (usize, usize), cut: usize) -> Vec<String> {
    let mut notes = vec![format!("read {}{}", covered(out), asked(args))];
    for (place, region) in &out.places.answers {
        if let Some(why) = &region.stopped {
            let left =
                crate::tools::reading::period::Period { from: out.period.from, until: region.searched_from };
            notes.push(format!(
                "{}: {why}; not searched: {left}. Send a shorter period or a pattern",
                place.region
            ));
        }
        if region.unknown {
            notes.push(format!("there is no such log group in {}", place.region));
        }
    }
    if rows < lines {
        notes.push(
            "lines that differ only in numbers, ids and times are one row: the newest, with times_seen"
                .into(),
        );
    }
    if cut > 0 {
        notes.push(format!("{} longer than {} KB, cut", plural(cut, "line"), LONGEST / 1024));
    }
    if lines == 0 && args.pattern().is_some() {
        notes.push(
            "patterns are case sensitive: ERROR does not match error; ?ERROR ?error matches both".into(),
        );
    }
    notes.push("lines may reach CloudWatch Logs some minutes after they were written".into());
    notes
}
