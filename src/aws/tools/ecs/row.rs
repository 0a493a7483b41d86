//! A service as one row.

use super::definition::Definition;
use super::health::{Health, Rollout};
use super::names;
use crate::instant;
use aws_sdk_ecs::types::{Service, ServiceEvent};
use quarterdeck_core::Timestamp;
use quarterdeck_core::text::truncate;
use quarterdeck_core::tool::{Cell, ColumnKind, Row};

pub use crate::tools::reading::places::{PlaceColumns, errors};

/// The columns of a service, behind those of its place.
pub const COLUMNS: [(&str, ColumnKind); 13] = [
    ("cluster", ColumnKind::Id),
    ("service", ColumnKind::Id),
    ("health", ColumnKind::State),
    ("desired", ColumnKind::Count),
    ("running", ColumnKind::Count),
    ("pending", ColumnKind::Count),
    ("failed_tasks", ColumnKind::Count),
    ("rollout", ColumnKind::State),
    ("deployment_controller", ColumnKind::Text),
    ("task_definition", ColumnKind::Id),
    ("image", ColumnKind::Text),
    ("deployed_at", ColumnKind::Time),
    ("last_events", ColumnKind::Text),
];

const EVENTS: usize = 2;
const EVENT_WIDTH: usize = 200;

/// `service` as a row judged at `now`: `place` cells first, then one under each of [`COLUMNS`].
pub fn service_row(
    service: &Service,
    definition: Option<&Definition>,
    place: impl Iterator<Item = Cell>,
    now: Timestamp,
) -> Row {
    let rollout = Rollout::of(service);
    let health = Health::of(service, now);
    let cells: [Cell; COLUMNS.len()] = [
        cluster(service).into(),
        name(service).into(),
        health.label().into(),
        service.desired_count.into(),
        service.running_count.into(),
        service.pending_count.into(),
        rollout.failed_tasks.into(),
        rollout.state.into(),
        controller(service).into(),
        rollout.definition.map(names::short).into(),
        definition.and_then(Definition::images).into(),
        rollout.since.into(),
        events(service).into(),
    ];
    Row { urgency: health.urgency(), cells: place.chain(cells).collect() }
}

/// The service's name.
pub fn name(service: &Service) -> &str {
    service.service_name().or(service.service_arn().map(names::short)).unwrap_or_default()
}

/// The name of its cluster.
pub fn cluster(service: &Service) -> &str {
    service
        .cluster_arn()
        .map(names::short)
        .or(service.service_arn().and_then(names::cluster_of))
        .unwrap_or_default()
}

/// Who deploys it: `ECS` (rolling updates) unless something else is set.
pub fn controller(service: &Service) -> &str {
    service.deployment_controller().map_or("ECS", |c| c.r#type().as_str())
}

/// `checkout-api 2/8 (rollout FAILED)`.
pub fn in_short(service: &Service) -> String {
    let rollout = Rollout::of(service);
    let mut text = format!("{} {}/{}", name(service), service.running_count, service.desired_count);
    let state = rollout.state.filter(|_| rollout.failed() || rollout.in_progress());
    let failed = (rollout.failed_tasks > 0).then(|| format!("{} failed tasks", rollout.failed_tasks));
    let why: Vec<String> = state.map(|s| format!("rollout {s}")).into_iter().chain(failed).collect();
    if !why.is_empty() {
        text.push_str(&format!(" ({})", why.join(", ")));
    }
    text
}

/// The newest events, without the `(service NAME)` each begins with.
fn events(service: &Service) -> Option<String> {
    let mut events: Vec<&ServiceEvent> = service.events().iter().collect();
    events.sort_by_key(|e| std::cmp::Reverse(instant::of(e.created_at())));
    let prefix = format!("(service {}) ", name(service));
    let lines: Vec<String> = events
        .into_iter()
        .filter_map(|event| {
            let message = event.message()?;
            let message = truncate(message.strip_prefix(&prefix).unwrap_or(message), EVENT_WIDTH);
            let at = event.created_at().map(|at| Timestamp::from_millis(at.secs().saturating_mul(1000)));
            Some(at.map_or_else(|| message.to_string(), |at| format!("{at} {message}")))
        })
        .take(EVENTS)
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}
