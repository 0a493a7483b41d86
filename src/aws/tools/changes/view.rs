//! Changes as a result: newest first, counted by who did them.

use super::change::Change;
use super::read::RegionChanges;
use crate::place::Place;
use crate::tools::get_recent_changes::{Args, Out};
use crate::tools::reading::places::{PlaceColumns, errors};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;
use std::time::Duration;

const COLUMNS: [(&str, ColumnKind); 9] = [
    ("time", ColumnKind::Time),
    ("event", ColumnKind::Text),
    ("service", ColumnKind::Text),
    ("actor", ColumnKind::Text),
    ("source_ip", ColumnKind::Text),
    ("user_agent", ColumnKind::Text),
    ("resource", ColumnKind::Id),
    ("error", ColumnKind::Text),
    ("change", ColumnKind::Text),
];
/// Callers named in the summary.
const NAMED: usize = 3;
/// How long CloudTrail keeps its event history.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// The result of `get_recent_changes`.
pub fn project(args: &Args, out: &Out, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(&out.places);
    let mut all: Vec<(&Place, &Change)> =
        out.places.answers.iter().flat_map(|(p, r)| r.changes.iter().map(move |c| (p, c))).collect();
    all.sort_by(|a, b| b.1.at.cmp(&a.1.at).then_with(|| a.1.id.cmp(&b.1.id)));
    let found = all.len();
    let rows = all.iter().map(|(place, change)| row(place, change, places)).collect();
    let mut projection =
        Projection::new(String::new(), now).columns(&places.before(&COLUMNS)).rows(rows).counted("actor");
    projection.rows.truncate(args.limit());
    let shown = all.get(..found.min(args.limit())).unwrap_or_default();
    projection.errors = errors(&out.places, |region| &region.errors);
    let stopped = regions(out).any(|r| r.stopped.is_some());
    if found > shown.len() || stopped {
        let oldest = shown.last().and_then(|(_, c)| c.at);
        // What lies behind the first region that stopped is not known yet, whatever others had there.
        let reached = regions(out).filter(|r| r.stopped.is_some()).filter_map(|r| r.oldest).max();
        let until = if found > shown.len() { oldest.max(reached) } else { reached.or(oldest) };
        projection.next = until.map(|at| at.plus(Duration::from_secs(1)).rfc3339());
        let further = projection
            .next
            .as_ref()
            .map_or_else(String::new, |at| format!("; for older ones send until={at}"));
        projection.truncated = Some(format!("only the newest events were read{further}"));
    }
    projection.notes = notes(args, out, now);
    projection.summary = summary(args, out, shown, &projection, now);
    projection
}

fn regions(out: &Out) -> impl Iterator<Item = &RegionChanges> {
    out.places.answers.iter().map(|(_, region)| region)
}

fn row(place: &Place, change: &Change, places: PlaceColumns) -> Row {
    let text = |value: &Option<String>| Cell::from(value.as_deref());
    let cells: [Cell; COLUMNS.len()] = [
        change.at.into(),
        change.event.as_str().into(),
        change.service.as_str().into(),
        change.actor.name.as_str().into(),
        text(&change.source_ip),
        text(&change.user_agent),
        text(&change.resource),
        text(&change.error),
        text(&change.change),
    ];
    Row { urgency: change.urgency(), cells: places.cells(place).chain(cells).collect() }
}

/// The places asked for that answered, without the one that is always added.
fn searched(out: &Out) -> String {
    let asked = out.places.answers.iter().filter(|(_, r)| !r.global_only);
    let mut names: Vec<String> = asked
        .map(|(p, _)| match p.account.as_ref().filter(|_| out.places.many_accounts) {
            Some(account) => format!("{account}/{}", p.region),
            None => p.region.clone(),
        })
        .collect();
    let many = names.len();
    if many > 6 {
        names.truncate(5);
        names.push(format!("{} more regions", many - 5));
    }
    if regions(out).any(|r| r.global_only) {
        names.push("the global services".to_owned());
    }
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        Some(only) => only,
        None => String::new(),
    }
}

fn asked(args: &Args) -> String {
    let part = |name: &str, value: &Option<String>| value.as_ref().map(|v| format!("{name} {v}"));
    let parts: Vec<String> = [
        part("resource", &args.resource),
        part("user", &args.user),
        part("service", &args.service),
        part("event", &args.event),
        part("access key", &args.access_key),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) }
}

fn summary(
    args: &Args,
    out: &Out,
    shown: &[(&Place, &Change)],
    projection: &Projection,
    now: Timestamp,
) -> String {
    let what = if args.include_reads { "event" } else { "change" };
    let place = searched(out);
    let asked = asked(args);
    let incomplete = if projection.errors.is_empty() { "" } else { "; not everything answered" };
    if shown.is_empty() {
        let more = if projection.truncated.is_some() { " among the newest events read" } else { "" };
        return format!("No {what}s{asked} in {place}{more}, {}{incomplete}", out.period);
    }
    let (n, found) = (shown.len(), projection.total);
    let many = if found > n {
        format!("Newest {n} of {}", plural(found, what))
    } else if projection.truncated.is_some() {
        format!("Newest {}", plural(n, what))
    } else {
        plural(n, what)
    };
    let mut sentence = format!("{many}{asked} in {place} within {}", span(out.period.span()));
    let failed = shown.iter().filter(|(_, c)| c.error.is_some()).count();
    if failed > 0 {
        sentence.push_str(&format!(", {failed} failed"));
    }
    let by: Vec<String> =
        projection.counts.of.iter().take(NAMED).map(|(actor, n)| format!("{n} by {actor}")).collect();
    sentence.push_str(&format!(": {}", by.join(", ")));
    let others = projection.counts.of.len().saturating_sub(NAMED);
    if others > 0 {
        sentence.push_str(&format!(" and {}", plural(others, "other")));
    }
    if let Some((_, change)) = notable(shown) {
        let what = if change.deploys() { "last deploy" } else { "look at" };
        sentence.push_str(&format!("; {what}: {}", told(change, now)));
    }
    sentence.push_str(incomplete);
    sentence
}

/// The newest deploy; without one, the newest of the most urgent that somebody did on purpose.
fn notable<'a>(shown: &'a [(&'a Place, &'a Change)]) -> Option<&'a (&'a Place, &'a Change)> {
    let deploy = shown.iter().find(|(_, c)| c.deploys() && c.error.is_none() && !c.actor.service);
    deploy.or_else(|| {
        let urgent = shown.iter().filter(|(_, c)| c.urgency() > 1);
        urgent.min_by_key(|(_, c)| (Reverse(c.urgency()), Reverse(c.at)))
    })
}

/// `UpdateService on prod/checkout-api by Deployer/ci at 02:58:00 (6 m ago)`.
fn told(change: &Change, now: Timestamp) -> String {
    let on = change.resource.as_ref().map_or_else(String::new, |r| format!(" on {r}"));
    let at =
        change.at.map_or_else(String::new, |at| format!(" at {} ({} ago)", at.clock(), span(now.since(at))));
    let failed = if change.error.is_some() { ", failed" } else { "" };
    format!("{}{on} by {}{at}{failed}", change.event, change.actor.name)
}

fn notes(args: &Args, out: &Out, now: Timestamp) -> Vec<String> {
    let reads = if args.include_reads { "reads included" } else { "reads left out" };
    let mut notes = vec![format!("searched {}{}, {}; {reads}", searched(out), asked(args), out.period)];
    for (place, region) in &out.places.answers {
        // What the index found is not the oldest there is.
        let oldest = match (region.oldest, region.read) {
            (Some(at), _) => format!("; oldest reached {at}"),
            (None, 0) => "; no event".to_owned(),
            (None, _) => String::new(),
        };
        let global =
            if region.global_only { " (added for global services; only those were kept)" } else { "" };
        let read = plural(region.read, "event");
        notes.push(match &region.stopped {
            Some(why) => {
                format!("{}{global}: {read} read, {why}; older ones were not looked at", place.region)
            }
            None => format!("{}{global}: {read} read, the whole period{oldest}", place.region),
        });
    }
    let unreadable: usize = regions(out).map(|r| r.unreadable).sum();
    if unreadable > 0 {
        notes.push(format!(
            "{} without a readable text: told from CloudTrail's index",
            plural(unreadable, "event")
        ));
    }
    if regions(out).all(|r| r.changes.is_empty()) {
        if args.event.is_some() {
            notes.push("event names are exact, with their case; Lambda's carry a version, as UpdateFunctionCode20150331v2".into());
        }
        if args.resource.is_some() {
            notes.push(
                "a resource is compared by its whole name or id; `*` and beginnings of names find nothing"
                    .into(),
            );
        }
    }
    if now.since(out.period.until) < Duration::from_secs(900) {
        notes.push("the last 5 to 15 minutes may be missing: CloudTrail delivers late".into());
    }
    if now.since(out.period.from) > KEPT {
        notes.push(
            "CloudTrail keeps its event history for 90 days; older events are only in a trail's bucket"
                .into(),
        );
    }
    notes
}
