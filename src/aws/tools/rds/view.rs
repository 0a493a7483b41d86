//! Databases as a result: what needs attention first.

use super::database::{Attention, Database};
use crate::place::Place;
use crate::tool::CEILING;
use crate::tools::list_rds_instances::{Args, Out};
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;

const COLUMNS: [(&str, ColumnKind); 17] = [
    ("id", ColumnKind::Id),
    ("status", ColumnKind::State),
    ("attention", ColumnKind::Text),
    ("cluster", ColumnKind::Id),
    ("role", ColumnKind::Text),
    ("engine", ColumnKind::Text),
    ("class", ColumnKind::Text),
    ("connections", ColumnKind::Count),
    ("max_connections_about", ColumnKind::Count),
    ("cpu", ColumnKind::Percent),
    ("free_storage_gb", ColumnKind::Count),
    ("storage_gb", ColumnKind::Count),
    ("multi_az", ColumnKind::Text),
    ("public", ColumnKind::Text),
    ("endpoint", ColumnKind::Text),
    ("pending", ColumnKind::Text),
    ("events", ColumnKind::Text),
];
/// Databases named in the summary.
const NAMED: usize = 3;

struct Shown<'a> {
    place: &'a Place,
    database: Database<'a>,
    attention: Attention,
}

/// The result of `list_rds_instances`.
pub fn project(args: &Args, out: &Out, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(&out.places);
    let mut all: Vec<Shown<'_>> = Vec::new();
    for (place, region) in &out.places.answers {
        all.extend(region.instances.iter().map(|instance| {
            let database = Database::of(instance, region);
            Shown { place, attention: database.attention(now), database }
        }));
    }
    all.sort_by(|a, b| {
        let key = |s: &Shown<'_>| Reverse((s.attention.urgency, s.attention.why.len()));
        key(a).cmp(&key(b)).then_with(|| (a.database.id(), a.place).cmp(&(b.database.id(), b.place)))
    });
    let rows = all.iter().map(|shown| row(shown, places)).collect();
    let mut projection =
        Projection::new(String::new(), now).columns(&places.before(&COLUMNS)).rows(rows).counted("status");
    projection.errors = errors(&out.places, |region| &region.errors);
    projection.summary = summary(args, out, &all, &projection);
    projection.notes = notes(out, &all);
    let over: Vec<&str> =
        out.places.answers.iter().filter(|(_, r)| r.more).map(|(p, _)| p.region.as_str()).collect();
    if !over.is_empty() {
        projection.truncated =
            Some(format!("only the first {CEILING} instances were read in {}", over.join(", ")));
    }
    projection
}

fn row(shown: &Shown<'_>, places: PlaceColumns) -> Row {
    let (database, instance) = (&shown.database, shown.database.instance);
    let join = |texts: &[String]| (!texts.is_empty()).then(|| texts.join("; "));
    // What an Aurora cluster allocates says nothing: it grows by itself.
    let storage = instance.allocated_storage().filter(|_| database.figures.free_bytes.is_some());
    let cells: [Cell; COLUMNS.len()] = [
        database.id().into(),
        database.status().into(),
        join(&shown.attention.why).into(),
        instance.db_cluster_identifier().into(),
        database.role.as_deref().into(),
        database.engine().into(),
        instance.db_instance_class().into(),
        database.figures.connections.map(|n| n.round() as i64).into(),
        database.max_connections.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
        database.figures.cpu.into(),
        database.free_gib().into(),
        storage.into(),
        instance.multi_az().into(),
        instance.publicly_accessible().into(),
        database.endpoint().into(),
        join(&database.pending).into(),
        database.events_told().into(),
    ];
    Row { urgency: shown.attention.urgency, cells: places.cells(shown.place).chain(cells).collect() }
}

fn summary(args: &Args, out: &Out, all: &[Shown<'_>], projection: &Projection) -> String {
    let place = searched(&out.places);
    let named = args.id.as_ref().map_or_else(String::new, |id| format!(" named {id:?}"));
    let missing = if projection.errors.is_empty() { "" } else { "; not everything answered" };
    if all.is_empty() {
        return format!("No database instances{named} in {place}{missing}");
    }
    let states: Vec<String> = projection.counts.of.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let mut said =
        format!("{}{named} in {place}: {}", plural(all.len(), "database instance"), states.join(", "));
    let urgent: Vec<&Shown<'_>> = all.iter().filter(|s| s.attention.urgency >= 2).collect();
    if urgent.is_empty() {
        said.push_str("; none needs attention now");
    }
    for shown in urgent.iter().take(NAMED) {
        said.push_str(&format!("; {}: {}", shown.database.id(), shown.attention.why.join(", ")));
    }
    if urgent.len() > NAMED {
        said.push_str(&format!("; and {} more need attention", urgent.len() - NAMED));
    }
    if out.places.answers.iter().any(|(_, r)| r.more) {
        said.push_str("; there are more");
    }
    said + missing
}

fn notes(out: &Out, all: &[Shown<'_>]) -> Vec<String> {
    let mut notes = vec![format!(
        "searched RDS, Aurora, Neptune and DocumentDB instances in {}; events of the last {}",
        searched(&out.places),
        span(out.period.span())
    )];
    if all.iter().any(|s| s.database.max_connections.is_some()) {
        notes.push(
            "max_connections_about is the engine's default for the class; a parameter group may say otherwise".into(),
        );
    }
    if all.iter().any(|s| s.database.figures.free_bytes.is_none()) && all.len() > 1 {
        notes.push(
            "Aurora, Neptune and DocumentDB storage grows by itself: there is no free storage to tell".into(),
        );
    }
    let empty = out
        .places
        .answers
        .iter()
        .flat_map(|(_, r)| &r.clusters)
        .filter(|c| c.db_cluster_members().is_empty())
        .filter_map(|c| c.db_cluster_identifier());
    for cluster in empty.take(5) {
        notes.push(format!("the cluster {cluster} has no instances"));
    }
    notes
}
