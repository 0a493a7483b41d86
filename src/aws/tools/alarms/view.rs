//! Alarms as a result: the firing ones first, the newest before the oldest.

use super::alarm::Alarm;
use super::read::{LOOKED_BACK, RegionAlarms};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::get_active_alarms::{Args, State};
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Counts, Projection, Row};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const COLUMNS: [(&str, ColumnKind); 8] = [
    ("name", ColumnKind::Id),
    ("state", ColumnKind::State),
    ("metric", ColumnKind::Text),
    ("dimensions", ColumnKind::Text),
    ("threshold", ColumnKind::Text),
    ("since", ColumnKind::Time),
    ("reason", ColumnKind::Text),
    ("actions_enabled", ColumnKind::Text),
];
/// So often in [`LOOKED_BACK`] is flapping.
const FLAPS: usize = 2;
/// Alarms named in the summary.
const NAMED: usize = 3;

/// An alarm with where it is and how often it went off lately.
struct Shown<'a> {
    place: &'a Place,
    alarm: Alarm,
    times: usize,
}

/// The result of `get_active_alarms`.
pub fn project(args: &Args, out: &Gathered<RegionAlarms>, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(out);
    let mut all = alarms(out);
    let counts = counts(&all);
    all.retain(|s| args.state.lists(&s.alarm.state));
    all.sort_by(|a, b| {
        let key = |s: &Shown<'_>| (Reverse(s.alarm.urgency()), Reverse(s.alarm.since));
        key(a).cmp(&key(b)).then_with(|| (&a.alarm.name, a.place).cmp(&(&b.alarm.name, b.place)))
    });
    let rows = all.iter().map(|shown| row(shown, places)).collect();
    let mut projection = Projection::new(summary(args, out, &all, &counts, now), now)
        .columns(&places.before(&COLUMNS))
        .rows(rows);
    projection.counts = counts;
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all);
    let over: Vec<&str> =
        out.answers.iter().filter(|(_, r)| r.more).map(|(p, _)| p.region.as_str()).collect();
    if !over.is_empty() {
        projection.truncated =
            Some(format!("only the first {CEILING} alarms of a state were read in {}", over.join(", ")));
    }
    projection
}

fn alarms(out: &Gathered<RegionAlarms>) -> Vec<Shown<'_>> {
    let mut all = Vec::new();
    for (place, region) in &out.answers {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        let into_alarm = |s: &str| s.trim_end().ends_with("to ALARM");
        for item in region.history.iter().filter(|i| i.history_summary().is_some_and(into_alarm)) {
            *times.entry(item.alarm_name().unwrap_or_default()).or_default() += 1;
        }
        let both =
            region.metric.iter().map(Alarm::metric).chain(region.composite.iter().map(Alarm::composite));
        all.extend(both.map(|alarm| Shown {
            place,
            times: times.get(alarm.name.as_str()).copied().unwrap_or(0),
            alarm,
        }));
    }
    all
}

fn counts(all: &[Shown<'_>]) -> Counts {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for shown in all {
        *by.entry(shown.alarm.state.as_str()).or_default() += 1;
    }
    let mut of: Vec<(String, u64)> = by.into_iter().map(|(state, n)| (state.to_owned(), n)).collect();
    of.sort_by_key(|(_, n)| Reverse(*n));
    Counts { by: "state".to_owned(), of }
}

fn row(shown: &Shown<'_>, places: PlaceColumns) -> Row {
    let alarm = &shown.alarm;
    let cells: [Cell; COLUMNS.len()] = [
        alarm.name.as_str().into(),
        alarm.state.as_str().into(),
        alarm.metric.as_deref().into(),
        alarm.dimensions.as_deref().into(),
        alarm.threshold.as_deref().into(),
        alarm.since.into(),
        reason(shown).into(),
        alarm.actions_enabled.into(),
    ];
    Row { urgency: alarm.urgency(), cells: places.cells(shown.place).chain(cells).collect() }
}

fn reason(shown: &Shown<'_>) -> Option<String> {
    let mut parts: Vec<String> = shown.alarm.reason.iter().cloned().collect();
    if shown.times >= FLAPS {
        parts.push(format!(
            "flapping: went into ALARM {} times in the last {}",
            shown.times,
            span(LOOKED_BACK)
        ));
    }
    if shown.alarm.scales && shown.alarm.state == "ALARM" {
        parts
            .push("a target tracking policy scales on this alarm; being in ALARM is part of its work".into());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn summary(
    args: &Args,
    out: &Gathered<RegionAlarms>,
    shown: &[Shown<'_>],
    counts: &Counts,
    now: Timestamp,
) -> String {
    let named = args.name.as_ref().map_or_else(String::new, |n| format!(" whose name begins with {n:?}"));
    let place = searched(out);
    let of = |state: &str| counts.of.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n);
    let mut sentence = match (shown.len(), args.state) {
        (0, State::All) => format!("No alarms{named} in {place}"),
        (0, state) => format!("No alarm{named} is in {} in {place}", label(state)),
        (n, State::All) => {
            let states: Vec<String> = counts.of.iter().map(|(state, n)| format!("{n} {state}")).collect();
            format!("{}{named} in {place}: {}", plural(n, "alarm"), states.join(", "))
        }
        (n, state) => format!("{}{named} in {} in {place}", plural(n, "alarm"), label(state)),
    };
    if out.answers.iter().all(|(_, r)| r.any == Some(false))
        && args.state != State::All
        && !out.answers.is_empty()
    {
        sentence.push_str(match args.name {
            Some(_) => "; no alarm has such a name, in whatever state",
            None => "; there are no alarms there at all",
        });
    }
    let newest = newest(shown, now);
    if !newest.is_empty() {
        sentence.push_str(&format!("; newest: {newest}"));
    }
    let blind = of("INSUFFICIENT_DATA");
    if blind > 0 && matches!(args.state, State::Alarm | State::Ok) {
        sentence.push_str(&format!("; {blind} more in INSUFFICIENT_DATA"));
    }
    if out.answers.iter().any(|(_, r)| r.more) {
        sentence.push_str("; there are more");
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, r)| !r.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence
}

/// The newest that fire (or, where none does, that are listed): `checkout-5xx since 02:51:00 (13 m)`.
fn newest(shown: &[Shown<'_>], now: Timestamp) -> String {
    let firing: Vec<&Shown<'_>> =
        shown.iter().filter(|s| s.alarm.state == "ALARM" && !s.alarm.scales).collect();
    let mut chosen = if firing.is_empty() { shown.iter().collect() } else { firing };
    chosen.sort_by_key(|s| Reverse(s.alarm.since));
    let more = chosen.len().saturating_sub(NAMED);
    let mut words: Vec<String> = chosen
        .iter()
        .take(NAMED)
        .map(|s| match s.alarm.since {
            Some(since) => format!("{} since {} ({})", s.alarm.name, since.clock(), span(now.since(since))),
            None => s.alarm.name.clone(),
        })
        .collect();
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

const fn label(state: State) -> &'static str {
    match state {
        State::Alarm => "ALARM",
        State::Ok => "OK",
        State::InsufficientData => "INSUFFICIENT_DATA",
        State::All => "any state",
    }
}

fn notes(args: &Args, out: &Gathered<RegionAlarms>, shown: &[Shown<'_>]) -> Vec<String> {
    let name = args.name.as_ref().map_or_else(String::new, |n| format!("; names beginning with {n:?}"));
    let mut notes = vec![format!(
        "searched metric and composite alarms in {}; {}{name}",
        searched(out),
        match args.state {
            State::All => "in any state".to_owned(),
            State::Alarm | State::Ok | State::InsufficientData => format!("in state {}", label(args.state)),
        }
    )];
    if shown.is_empty() {
        notes.push("nothing is known about what has no alarm".into());
    }
    let silent =
        shown.iter().filter(|s| s.alarm.state == "ALARM" && s.alarm.actions_enabled == Some(false)).count();
    if silent > 0 {
        notes.push(format!("{} in ALARM with actions switched off: nobody is told", plural(silent, "alarm")));
    }
    for (place, region) in &out.answers {
        if let Some(fault) = &region.no_history {
            notes.push(format!("whether alarms flap in {} is not known: {fault}", place.region));
        }
    }
    notes
}
