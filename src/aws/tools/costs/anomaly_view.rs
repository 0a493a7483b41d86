//! Anomalies as a result: what goes on first, then by impact; what watches; the month.

use super::amount::Amount;
use super::anomalies::Found;
use super::days::{after, midnight, read_day};
use super::fault;
use super::month::{months, told};
use crate::place::{Gathered, Place};
use crate::tools::reading::global;
use crate::tools::reading::words::plural;
use aws_sdk_costexplorer::types::{Anomaly, AnomalyFeedbackType, AnomalyMonitor, RootCause};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row, Series};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const COLUMNS: [(&str, ColumnKind); 9] = [
    ("service", ColumnKind::Text),
    ("region", ColumnKind::Text),
    ("usage_type", ColumnKind::Text),
    ("impact", ColumnKind::Money),
    ("start", ColumnKind::Time),
    ("last", ColumnKind::Time),
    ("state", ColumnKind::State),
    ("root_cause", ColumnKind::Text),
    ("monitor", ColumnKind::Text),
];
/// An anomaly that was still seen so many days ago goes on: detection lags a day.
const GOES_ON: i64 = 2;
/// A monitor that was not evaluated for so many days does not work.
const STALE: i64 = 4;
/// Causes told of one anomaly.
const CAUSES: usize = 3;
/// Names in a sentence.
const NAMED: usize = 5;

/// An anomaly with what is judged of it.
struct Shown<'a> {
    place: &'a Place,
    found: &'a Found,
    anomaly: &'a Anomaly,
    impact: Amount,
    state: &'static str,
}

/// The result of `get_cost_anomalies`.
pub fn project(out: &Gathered<Found>, as_of: Timestamp) -> Projection {
    let places = global::columns(out);
    let mut all: Vec<Shown<'_>> = Vec::new();
    for (place, found) in &out.answers {
        all.extend(found.anomalies.iter().flatten().map(|anomaly| Shown {
            place,
            found,
            anomaly,
            impact: anomaly.impact().and_then(|i| Amount::of_float(i.total_impact())).unwrap_or_default(),
            state: state(anomaly, found),
        }));
    }
    all.sort_by(|a, b| {
        let key = |s: &Shown<'_>| (Reverse(urgency(s.state)), Reverse(s.impact));
        key(a).cmp(&key(b)).then_with(|| b.anomaly.anomaly_start_date().cmp(&a.anomaly.anomaly_start_date()))
    });
    let rows = all
        .iter()
        .map(|shown| Row {
            urgency: urgency(shown.state),
            cells: places.cells(shown.place).chain(cells(shown)).collect(),
        })
        .collect();
    let mut projection = Projection::new(summary(out, &all), as_of)
        .columns(&places.before(&COLUMNS))
        .rows(rows)
        .counted("state");
    projection.errors = global::errors(out, |found| &found.errors);
    projection.notes = notes(out);
    projection.series = out.answers.iter().flat_map(|(place, found)| series(out, place, found)).collect();
    projection
}

fn state(anomaly: &Anomaly, found: &Found) -> &'static str {
    if anomaly.feedback() == Some(&AnomalyFeedbackType::No) {
        return "dismissed";
    }
    match anomaly.anomaly_end_date().and_then(read_day) {
        Some(last) if last < after(found.today, -GOES_ON) => "over",
        Some(_) | None => "ongoing",
    }
}

fn urgency(state: &str) -> u8 {
    match state {
        "ongoing" => 2,
        "over" => 1,
        _ => 0,
    }
}

fn cells(shown: &Shown<'_>) -> [Cell; COLUMNS.len()] {
    let anomaly = shown.anomaly;
    let causes = causes(anomaly);
    let first = causes.first();
    let text = |value: Option<&str>| Cell::from(value.filter(|v| !v.is_empty()));
    let day = |text: Option<&str>| Cell::from(text.and_then(read_day).map(midnight));
    [
        text(first.and_then(|c| c.service()).or(anomaly.dimension_value())),
        text(first.and_then(|c| c.region())),
        text(first.and_then(|c| c.usage_type())),
        shown.impact.cell().into(),
        day(anomaly.anomaly_start_date()),
        day(anomaly.anomaly_end_date()),
        shown.state.into(),
        cause_words(anomaly, &causes).into(),
        monitor_name(anomaly, shown.found).into(),
    ]
}

/// The causes, the one that contributes most first.
fn causes(anomaly: &Anomaly) -> Vec<&RootCause> {
    let mut causes: Vec<&RootCause> = anomaly.root_causes().iter().collect();
    causes.sort_by_key(|c| Reverse(contribution(c)));
    causes
}

fn contribution(cause: &RootCause) -> Option<Amount> {
    Amount::of_float(cause.impact()?.contribution())
}

/// `Amazon EC2 EU-NatGateway-Bytes in eu-west-1, account 123456789012 (shop): 212.40; and 2 more; 312.00 spent, 99.60
/// expected (+213 %)`.
fn cause_words(anomaly: &Anomaly, causes: &[&RootCause]) -> String {
    let mut parts: Vec<String> = causes
        .iter()
        .take(CAUSES)
        .map(|cause| {
            let mut words: Vec<String> =
                [cause.service(), cause.usage_type()].into_iter().flatten().map(str::to_owned).collect();
            words.extend(cause.region().filter(|r| !r.is_empty()).map(|r| format!("in {r}")));
            let name = cause
                .linked_account_name()
                .filter(|n| !n.is_empty())
                .map_or_else(String::new, |n| format!(" ({n})"));
            words.extend(
                cause.linked_account().filter(|a| !a.is_empty()).map(|a| format!("account {a}{name}")),
            );
            let part = words.join(" ");
            match contribution(cause).filter(|c| !c.is_zero()) {
                Some(amount) => format!("{part}: {amount}"),
                None => part,
            }
        })
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        parts.push("AWS names no root cause".to_owned());
    }
    let more = causes.len().saturating_sub(CAUSES);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    let amounts = anomaly.impact().and_then(|i| {
        Some((Amount::of_float(i.total_actual_spend()?)?, Amount::of_float(i.total_expected_spend()?)?))
    });
    parts.extend(amounts.map(|(spent, expected)| format!("{spent} spent, {expected} expected")));
    parts.join("; ")
}

fn monitor_name(anomaly: &Anomaly, found: &Found) -> Option<String> {
    let arn = anomaly.monitor_arn();
    let known = found.monitors.iter().flatten().find(|m| m.monitor_arn() == Some(arn));
    known.map(|m| m.monitor_name().to_owned()).or_else(|| Some(arn.rsplit('/').next()?.to_owned()))
}

fn summary(out: &Gathered<Found>, all: &[Shown<'_>]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (place, found) in &out.answers {
        let of = account(out, place);
        let own: Vec<&Shown<'_>> = all.iter().filter(|s| std::ptr::eq(s.found, found)).collect();
        parts.push(format!("{of}{}", anomalies_told(found, &own)));
        parts.push(format!("{of}{}", month_told(found)));
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, found)| !found.errors.is_empty()) {
        parts.push("not everything answered".to_owned());
    }
    parts.join("; ")
}

/// None found, nobody watches and not known are three different findings.
fn anomalies_told(found: &Found, own: &[&Shown<'_>]) -> String {
    let period = found.days.to_string();
    let unwatched = found.monitors.as_ref().is_some_and(Vec::is_empty);
    if found.anomalies.is_none() {
        return format!("whether there were anomalies {period} is not known");
    }
    if own.is_empty() {
        return match &found.monitors {
            Some(monitors) if monitors.is_empty() => {
                "no anomaly monitor is set up, so nothing is watched: that none were found means nothing"
                    .to_owned()
            }
            Some(monitors) => format!("no anomalies {period}; {}", plural_watch(monitors.len())),
            None => format!("no anomalies {period}; whether any monitor watches is not known"),
        };
    }
    let ongoing = own.iter().filter(|s| s.state == "ongoing").count();
    let anomalies = if own.len() == 1 { "1 anomaly".to_owned() } else { format!("{} anomalies", own.len()) };
    let total: Amount = own.iter().map(|s| s.impact).sum();
    let mut sentence = format!("{anomalies} {period}, {ongoing} ongoing, impact {total} in all");
    if let Some(first) = own.first() {
        let service =
            causes(first.anomaly).first().and_then(|c| c.service()).or(first.anomaly.dimension_value());
        sentence.push_str(&format!("; first: {} {}", service.unwrap_or("unknown service"), first.impact));
    }
    if unwatched {
        sentence.push_str("; no anomaly monitor is set up any more");
    }
    sentence
}

fn plural_watch(n: usize) -> String {
    if n == 1 { "1 monitor watches".to_owned() } else { format!("{} watch", plural(n, "monitor")) }
}

fn month_told(found: &Found) -> String {
    let forecast = match &found.forecast {
        Ok((amount, currency)) => Ok((*amount, currency.as_str())),
        Err(fault) if fault::no_data(fault) => Err(fault.message.as_str()),
        Err(fault) => Err(fault.kind.label()),
    };
    match &found.costs {
        Some(costs) => told(&months(costs, found.today), found.today, forecast),
        None => match forecast {
            Ok((rest, currency)) => format!(
                "what {} cost so far is not known; forecast for today and the rest {rest} {currency}",
                found.today.month()
            ),
            Err(why) => format!("what {} cost is not known; no forecast: {why}", found.today.month()),
        },
    }
}

fn notes(out: &Gathered<Found>) -> Vec<String> {
    let mut notes = vec![format!(
        "searched anomalies of {} {}; impact is what was spent beyond the expected, in the account's currency",
        global::searched(out),
        out.answers.first().map_or_else(String::new, |(_, found)| found.days.to_string()),
    )];
    notes.push(
        "costs are UnblendedCost without credits and refunds, in UTC days; Cost Explorer lags up to a day"
            .into(),
    );
    if out.answers.iter().any(|(_, f)| f.days.from < after(f.today, -90)) {
        notes.push("AWS keeps anomalies for 90 days: older ones are not seen".into());
    }
    for (place, found) in &out.answers {
        let of = account(out, place);
        let Some(monitors) = &found.monitors else { continue };
        if monitors.is_empty() {
            notes.push(format!("{of}set a monitor up under Billing, Cost Anomaly Detection; it needs about 10 days of history"));
            continue;
        }
        let names: Vec<&str> = monitors.iter().take(NAMED).map(AnomalyMonitor::monitor_name).collect();
        let more = monitors.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!("{of}monitors: {}{more}", names.join(", ")));
        for monitor in monitors.iter().filter(|m| stale(m, found)).take(NAMED) {
            let last = monitor.last_evaluated_date().filter(|d| !d.is_empty()).unwrap_or("never");
            notes.push(format!(
                "{of}monitor {} was last evaluated {last}: it may not watch",
                monitor.monitor_name()
            ));
        }
    }
    notes
}

fn stale(monitor: &AnomalyMonitor, found: &Found) -> bool {
    monitor.last_evaluated_date().and_then(read_day).is_none_or(|last| last < after(found.today, -STALE))
}

fn series(out: &Gathered<Found>, place: &Place, found: &Found) -> Vec<Series> {
    let mut by: BTreeMap<&str, Vec<(Timestamp, f64)>> = BTreeMap::new();
    for point in found.costs.iter().flat_map(|costs| &costs.points) {
        by.entry(&point.currency).or_default().push((midnight(point.day), point.amount.cell()));
    }
    let make = |(currency, points): (&str, Vec<_>)| Series {
        name: format!("{}all, {currency}", account(out, place)),
        points,
    };
    by.into_iter().map(make).filter(|s| s.points.len() > 1).collect()
}

fn account<T>(out: &Gathered<T>, place: &Place) -> String {
    place.account.as_ref().filter(|_| out.many_accounts).map_or_else(String::new, |a| format!("{a}: "))
}
