//! Functions as a result: the failing ones first, the busiest of them before the others.

use super::function::{Function, Health, Reserved};
use super::metrics::{Usage, WINDOW};
use super::read::{RESERVATIONS, Region};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::list_lambda_functions::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{cut, plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;

const COLUMNS: [(&str, ColumnKind); 13] = [
    ("name", ColumnKind::Id),
    ("health", ColumnKind::State),
    ("why", ColumnKind::Text),
    ("runtime", ColumnKind::Text),
    ("memory_mb", ColumnKind::Count),
    ("timeout_s", ColumnKind::Count),
    ("modified", ColumnKind::Time),
    ("reserved", ColumnKind::Text),
    ("concurrent", ColumnKind::Count),
    ("invocations", ColumnKind::Count),
    ("errors", ColumnKind::Count),
    ("throttles", ColumnKind::Count),
    ("p99_ms", ColumnKind::Millis),
];
/// Bytes of a row's explanation.
const LONGEST: usize = 400;
/// Functions named in the summary.
const NAMED: usize = 3;

struct Shown<'a> {
    place: &'a Place,
    region: &'a Region,
    function: &'a Function,
    usage: Option<&'a Usage>,
    health: Health,
    urgency: u8,
}

/// The result of `list_lambda_functions`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let columns = PlaceColumns::of(out);
    let mut all: Vec<Shown<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, region)| region.functions.iter().map(move |f| shown(place, region, f, now)))
        .collect();
    all.sort_by_cached_key(|s| {
        let busy = s.usage.map_or(0, |u| (u.errors + u.throttles) as u64);
        (Reverse(s.urgency), Reverse(busy), s.health, s.function.name.clone(), s.place.clone())
    });
    let row = |s: &Shown<'_>| row(s, columns, now);
    let rows = all.iter().map(row).collect();
    let mut projection =
        Projection::new(String::new(), now).columns(&columns.before(&COLUMNS)).rows(rows).counted("health");
    if args.only_failing {
        projection = projection.rows(all.iter().filter(|s| s.health.bad()).map(row).collect());
    }
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all, now);
    let over: Vec<&str> =
        out.answers.iter().filter(|(_, r)| r.more).map(|(p, _)| p.region.as_str()).collect();
    if !over.is_empty() {
        projection.truncated =
            Some(format!("only the first {CEILING} functions were read in {}", over.join(", ")));
    }
    projection.summary = summary(args, out, &all, &projection);
    projection
}

fn shown<'a>(place: &'a Place, region: &'a Region, function: &'a Function, now: Timestamp) -> Shown<'a> {
    let usage = region.usage.get(&function.name);
    let (health, urgency) = (function.health(usage), function.urgency(usage, now));
    Shown { place, region, function, usage, health, urgency }
}

fn row(shown: &Shown<'_>, columns: PlaceColumns, now: Timestamp) -> Row {
    let (function, usage) = (shown.function, shown.usage);
    let reserved = shown.region.reserved(&function.name);
    let why = function.why(usage, reserved, &shown.region.account);
    let whole = |of: fn(&Usage) -> f64| Cell::from(usage.map(|u| of(u).round() as i64));
    let cells: [Cell; COLUMNS.len()] = [
        function.name.as_str().into(),
        shown.health.label().into(),
        why.map(|w| cut(&w, LONGEST).into_owned()).into(),
        function.runtime(now).into(),
        function.memory.into(),
        function.timeout.into(),
        function.modified.into(),
        match reserved {
            Reserved::Unknown => Cell::Absent,
            Reserved::None => "none".into(),
            Reserved::Of(n) => n.into(),
        },
        usage.and_then(|u| u.concurrent).map(|c| c.round() as i64).into(),
        whole(|u| u.invocations),
        whole(|u| u.errors),
        whole(|u| u.throttles),
        usage.and_then(|u| u.p99).map(|p| p.round() as i64).into(),
    ];
    Row { urgency: shown.urgency, cells: columns.cells(shown.place).chain(cells).collect() }
}

fn asked(args: &Args) -> String {
    args.name.as_ref().map_or_else(String::new, |n| format!(" with name {n}"))
}

fn summary(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>], projection: &Projection) -> String {
    let mut sentence = if all.is_empty() {
        format!("No Lambda functions{} in {}", asked(args), searched(out))
    } else {
        let counts: Vec<String> = projection.counts.of.iter().map(|(h, n)| format!("{n} {h}")).collect();
        let hour = if args.metrics { format!(" in the last {}", span(WINDOW)) } else { String::new() };
        let counts = if args.metrics { format!(": {}{hour}", counts.join(", ")) } else { String::new() };
        format!("{}{} in {}{counts}", plural(all.len(), "Lambda function"), asked(args), searched(out))
    };
    let bad: Vec<String> = all.iter().filter(|s| s.health.bad()).take(NAMED).map(in_short).collect();
    if !bad.is_empty() {
        sentence.push_str(&format!("; worst: {}", bad.join(", ")));
    } else if args.only_failing && !all.is_empty() {
        sentence.push_str("; none is failing");
    }
    for limit in out.answers.iter().filter_map(|(place, region)| used(place, region)) {
        sentence.push_str(&format!("; {limit}"));
    }
    if projection.truncated.is_some() {
        sentence.push_str("; there are more");
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

/// `resize (12 of 40 failed, 3 throttled)`.
fn in_short(shown: &Shown<'_>) -> String {
    let name = &shown.function.name;
    let Some(usage) = shown.usage.filter(|u| u.errors > 0.0 || u.throttles > 0.0) else {
        return format!("{name} ({})", shown.health.label());
    };
    let mut parts = Vec::new();
    if usage.errors > 0.0 {
        parts.push(format!("{} of {} failed", usage.errors.round(), usage.invocations.round()));
    }
    if usage.throttles > 0.0 {
        parts.push(format!("{} throttled", usage.throttles.round()));
    }
    format!("{name} ({})", parts.join(", "))
}

/// `concurrency in eu-west-1 peaked at 812 of 1000`.
fn used(place: &Place, region: &Region) -> Option<String> {
    let (limit, peak) = (region.account.limit?, region.account.peak?);
    Some(format!("concurrency in {} peaked at {} of {limit}", place.region, peak.round()))
}

fn notes(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>], now: Timestamp) -> Vec<String> {
    let mut notes = vec![format!("searched {}{}", searched(out), asked(args))];
    if args.metrics {
        notes.push(format!(
            "counts cover the last {}; p99_ms is the highest of its five-minute p99s; throttled calls are not among invocations",
            span(WINDOW)
        ));
    } else {
        notes.push("metrics were not read: whether functions fail is not known".to_owned());
    }
    for (place, region) in &out.answers {
        if let (Some(limit), None) = (region.account.limit, region.account.peak) {
            notes.push(format!("{}: the account's concurrency limit is {limit}", place.region));
        }
    }
    let unknown = all.iter().filter(|s| s.region.reserved(&s.function.name) == Reserved::Unknown).count();
    if unknown > 0 {
        notes.push(format!(
            "reserved concurrency is one request a function: it was read for the {RESERVATIONS} most urgent of a region, and is not known of {unknown}"
        ));
    }
    let old = all.iter().filter(|s| s.function.deprecated(now)).count();
    if old > 0 {
        notes.push(format!(
            "{} on a deprecated runtime: no security patches, and updates get blocked",
            plural(old, "function")
        ));
    }
    if args.only_failing {
        notes
            .push("only failing, throttled and broken functions are listed; the counts cover all".to_owned());
    }
    notes
}
