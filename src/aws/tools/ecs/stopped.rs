//! Stopped tasks as rows, container by container. Pure.

use super::definition::{ContainerSpec, Log};
use super::names::{several, short};
use super::read;
use super::row::{PlaceColumns, errors};
use crate::instant;
use crate::place::{Gathered, Place};
use crate::tools::get_ecs_stopped_tasks::{Args, RegionTasks, cluster, since};
use aws_sdk_ecs::types::{Container, Task, TaskStopCode};
use quarterdeck_core::Timestamp;
use quarterdeck_core::text::truncate;
use quarterdeck_core::tool::{Cell, ColumnKind, Counts, Projection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const COLUMNS: [(&str, ColumnKind); 13] = [
    ("stopped_at", ColumnKind::Time),
    ("started_at", ColumnKind::Time),
    ("cluster", ColumnKind::Id),
    ("service", ColumnKind::Id),
    ("task", ColumnKind::Id),
    ("stop_code", ColumnKind::State),
    ("reason", ColumnKind::Text),
    ("container", ColumnKind::Id),
    ("exit_code", ColumnKind::Count),
    ("task_definition", ColumnKind::Id),
    ("image", ColumnKind::Text),
    ("log_group", ColumnKind::Id),
    ("log_stream", ColumnKind::Id),
];

/// Long enough for the end of a pull error, which is where it says what is missing.
const REASON_WIDTH: usize = 900;

struct Stopped<'a> {
    place: &'a Place,
    region: &'a RegionTasks,
    task: &'a Task,
    at: Option<Timestamp>,
}

/// Every container of every task, the newest task first.
pub fn project(args: &Args, out: &Gathered<RegionTasks>, now: Timestamp) -> Projection {
    let since = since(args, now).ok().flatten();
    let mut tasks: Vec<Stopped<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, region)| {
            region.tasks.iter().map(move |task| Stopped { place, region, task, at: stopped_at(task) })
        })
        .filter(|stopped| since.is_none_or(|since| stopped.at.is_none_or(|at| at >= since)))
        .collect();
    tasks.sort_by_key(|stopped| std::cmp::Reverse(stopped.at));
    let columns = PlaceColumns::of(out);
    let rows: Vec<Row> = tasks.iter().flat_map(|stopped| task_rows(stopped, columns)).collect();
    let mut projection =
        Projection::new(summary(args, out, &tasks), now).columns(&columns.before(&COLUMNS)).rows(rows);
    projection.counts = counts(&tasks);
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &tasks, since, now);
    projection.truncated =
        out.answers.iter().any(|(_, r)| r.ceiling).then(|| {
            format!("only the first {} tasks of a cluster were read; name a service", read::CEILING)
        });
    projection
}

fn task_rows(stopped: &Stopped<'_>, columns: PlaceColumns) -> Vec<Row> {
    let task = stopped.task;
    let definition = task.task_definition_arn().and_then(|arn| stopped.region.definitions.get(arn));
    let row = |container: Option<&Container>| {
        let spec = container.and_then(Container::name).and_then(|name| definition?.container(name));
        let (group, stream) = logs(task, container, spec);
        let cells: [Cell; COLUMNS.len()] = [
            stopped.at.into(),
            instant::of(task.started_at()).into(),
            task.cluster_arn().map(short).into(),
            service(task).into(),
            task.task_arn().map(short).into(),
            task.stop_code().map(TaskStopCode::as_str).into(),
            reason(task, container).into(),
            container.and_then(Container::name).into(),
            container.and_then(Container::exit_code).into(),
            task.task_definition_arn().map(short).into(),
            container.and_then(Container::image).or(spec.map(|s| s.image.as_str())).into(),
            group.into(),
            stream.into(),
        ];
        Row { urgency: urgency(task, container), cells: columns.cells(stopped.place).chain(cells).collect() }
    };
    // A task that stopped before it had containers still has a reason.
    match task.containers() {
        [] => vec![row(None)],
        containers => containers.iter().map(|c| row(Some(c))).collect(),
    }
}

fn stopped_at(task: &Task) -> Option<Timestamp> {
    instant::of(task.stopped_at().or(task.execution_stopped_at()).or(task.stopping_at()))
}

/// The service that started the task; `None` for one started by hand or on a schedule.
fn service(task: &Task) -> Option<&str> {
    task.group().and_then(|group| group.strip_prefix("service:"))
}

/// The container's own reason first (it is the more exact one), then the task's.
fn reason(task: &Task, container: Option<&Container>) -> Option<String> {
    let whole = task.stopped_reason();
    let text = match (container.and_then(Container::reason), whole) {
        (Some(own), Some(whole)) if !whole.contains(own) => format!("{own} | {whole}"),
        (own, whole) => whole.or(own)?.to_owned(),
    };
    Some(truncate(&text, REASON_WIDTH).into_owned())
}

/// The log group, and the stream when the container ever ran: one that never started never wrote.
fn logs(
    task: &Task,
    container: Option<&Container>,
    spec: Option<&ContainerSpec>,
) -> (Option<String>, Option<String>) {
    let (Some(container), Some(spec)) = (container, spec) else { return (None, None) };
    match &spec.log {
        Log::CloudWatch { group, prefix, .. } => {
            let stream = match (prefix, task.task_arn().map(short)) {
                (Some(prefix), Some(id)) => Some(format!("{prefix}/{}/{id}", spec.name)),
                // Without a prefix Docker names the stream after the container.
                (None, _) => container.runtime_id().map(str::to_owned),
                (Some(_), None) => None,
            };
            (Some(group.clone()), stream.filter(|_| ran(task, container)))
        }
        Log::None | Log::Elsewhere(_) => (None, None),
    }
}

fn ran(task: &Task, container: &Container) -> bool {
    task.started_at().is_some() || container.exit_code().is_some() || container.runtime_id().is_some()
}

/// 3: could not start, or was killed for memory; 2: died of itself or failed its health check; 1: the platform's
/// doing; 0: stopped on purpose.
fn urgency(task: &Task, container: Option<&Container>) -> u8 {
    let text = [task.stopped_reason(), container.and_then(Container::reason)];
    let says = |what: &str| text.iter().flatten().any(|t| t.contains(what));
    if says("OutOfMemory") {
        return 3;
    }
    match task.stop_code() {
        Some(TaskStopCode::TaskFailedToStart) => 3,
        Some(TaskStopCode::EssentialContainerExited) => {
            // The container that failed, not the ones that were stopped because of it.
            match container.and_then(Container::exit_code) {
                Some(0 | 143) => 1,
                Some(_) | None => 2,
            }
        }
        Some(TaskStopCode::SpotInterruption | TaskStopCode::TerminationNotice) => 1,
        Some(TaskStopCode::InfrastructureHealth) => 2,
        Some(TaskStopCode::ServiceSchedulerInitiated) if says("health check") || says("unhealthy") => 2,
        Some(TaskStopCode::ServiceSchedulerInitiated | TaskStopCode::UserInitiated) => 0,
        Some(_) | None => 1,
    }
}

/// Over tasks, not containers.
fn counts(tasks: &[Stopped<'_>]) -> Counts {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for stopped in tasks {
        *by.entry(stopped.task.stop_code().map_or("unknown", TaskStopCode::as_str)).or_default() += 1;
    }
    let mut of: Vec<(String, u64)> = by.into_iter().map(|(code, n)| (code.to_owned(), n)).collect();
    of.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    Counts { by: "stop_code".to_owned(), of }
}

/// Where was looked: clusters and regions.
fn searched(args: &Args, out: &Gathered<RegionTasks>) -> String {
    let regions: Vec<&str> = out.answers.iter().map(|(place, _)| place.region.as_str()).collect();
    let clusters: usize = out.answers.iter().map(|(_, r)| r.clusters.len()).sum();
    let cluster = cluster(args).map_or_else(|| several(clusters, "cluster"), |c| short(c).to_owned());
    let service = args.service.as_deref().map_or(String::new(), |s| format!("{} in ", short(s)));
    format!("{service}{cluster} ({})", regions.join(", "))
}

fn summary(args: &Args, out: &Gathered<RegionTasks>, tasks: &[Stopped<'_>]) -> String {
    let searched = searched(args, out);
    let since = args.since.as_deref().map_or(String::new(), |s| format!(" since {s}"));
    let Some(newest) = tasks.first() else {
        return format!("No stopped tasks{since} of {searched}; ECS keeps them for about an hour");
    };
    let at = newest.at.map_or(String::new(), |at| format!(", the newest at {at}"));
    let codes: Vec<String> = counts(tasks).of.into_iter().map(|(code, n)| format!("{n} {code}")).collect();
    let mut text =
        format!("{}{since} of {searched}{at}: {}", several(tasks.len(), "stopped task"), codes.join(", "));
    if let Some((reason, n)) = common_reason(tasks) {
        text.push_str(&format!(". {n} of them: {}", truncate(&reason, 320)));
    }
    text
}

/// The reason most tasks with a problem share.
fn common_reason(tasks: &[Stopped<'_>]) -> Option<(String, usize)> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for stopped in tasks {
        let worst = stopped
            .task
            .containers()
            .iter()
            .map(Some)
            .chain([None])
            .max_by_key(|c| (urgency(stopped.task, *c), c.is_some_and(|c| c.reason().is_some())))
            .flatten();
        if urgency(stopped.task, worst) > 1
            && let Some(reason) = reason(stopped.task, worst)
        {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    reasons.into_iter().max_by_key(|(_, n)| *n)
}

fn notes(
    args: &Args,
    out: &Gathered<RegionTasks>,
    tasks: &[Stopped<'_>],
    since: Option<Timestamp>,
    now: Timestamp,
) -> Vec<String> {
    let mut notes =
        vec!["ECS keeps stopped tasks for about an hour; earlier ones cannot be seen here".to_owned()];
    if since.is_some_and(|since| now.since(since) > Duration::from_secs(3600)) {
        let since = args.since.as_deref().unwrap_or_default();
        notes.push(format!("{since} reaches further back than ECS keeps stopped tasks"));
    }
    let forgotten: usize = out.answers.iter().map(|(_, r)| r.forgotten).sum();
    if forgotten > 0 {
        notes.push(format!("ECS forgot {} between listing and describing", several(forgotten, "task")));
    }
    let never = tasks.iter().filter(|s| !s.task.containers().iter().any(|c| ran(s.task, c))).count();
    if never > 0 {
        notes.push(format!(
            "{never} tasks never started a container: they have no log stream, the reason is all"
        ));
    }
    notes.extend(log_notes(tasks));
    notes
}

/// Containers whose logs are not one step away in the same region.
fn log_notes(tasks: &[Stopped<'_>]) -> Vec<String> {
    let mut notes = BTreeSet::new();
    for stopped in tasks {
        let definition = stopped.task.task_definition_arn().and_then(|a| stopped.region.definitions.get(a));
        for container in definition.iter().flat_map(|d| &d.containers) {
            match &container.log {
                Log::Elsewhere(driver) => {
                    notes.insert(format!(
                        "container {} logs through {driver}, not to CloudWatch Logs",
                        container.name
                    ));
                }
                Log::CloudWatch { group, region: Some(region), .. } if *region != stopped.place.region => {
                    notes.insert(format!("log group {group} is in {region}"));
                }
                Log::CloudWatch { .. } | Log::None => {}
            }
        }
    }
    notes.into_iter().take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, ago, arn, definition};
    use super::*;
    use aws_sdk_ecs::types::builders::{ContainerBuilder, TaskBuilder};
    use quarterdeck_core::tool::{Fault, FaultKind};

    const SECRET: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
        retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch \
        secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:checkout/payment-key from secrets manager: \
        ResourceNotFoundException: Secrets Manager can't find the specified secret.";

    fn task(id: &str, minutes: u64, code: TaskStopCode, reason: &str) -> TaskBuilder {
        Task::builder()
            .task_arn(arn(&format!("task/prod/{id}")))
            .cluster_arn(arn("cluster/prod"))
            .group("service:checkout-api")
            .task_definition_arn(arn("task-definition/checkout-api:42"))
            .stopped_at(ago(minutes))
            .stop_code(code)
            .stopped_reason(reason)
    }

    fn container(name: &str) -> ContainerBuilder {
        Container::builder().name(name).image("registry/checkout-api:1.9.0")
    }

    fn gathered(tasks: Vec<Task>) -> Gathered<RegionTasks> {
        let definitions = [(
            arn("task-definition/checkout-api:42"),
            definition("checkout-api:42", "registry/checkout-api:1.9.0"),
        )]
        .into();
        let region =
            RegionTasks { clusters: vec!["prod".into()], tasks, definitions, ..RegionTasks::default() };
        let place = Place { account: None, region: "eu-west-1".into() };
        Gathered {
            answers: vec![(place, region)],
            errors: Vec::new(),
            many_accounts: false,
            many_regions: false,
        }
    }

    fn cell(projection: &Projection, row: usize, column: &str) -> Cell {
        projection.cell(&projection.rows[row], column).cloned().unwrap()
    }

    #[test]
    fn a_missing_secret_is_read_to_its_end() {
        let failed = |id: &str, minutes: u64| {
            task(id, minutes, TaskStopCode::TaskFailedToStart, SECRET)
                .containers(container("app").build())
                .build()
        };
        let out = gathered(vec![failed("t1", 9), failed("t2", 2)]);
        let shown = project(&Args::default(), &out, NOW);
        assert!(shown.summary.starts_with("2 stopped tasks of 1 cluster (eu-west-1), the newest at 2026-11-20T03:02:05Z: 2 TaskFailedToStart. 2 of them: ResourceInitializationError"), "{}", shown.summary);
        assert_eq!(cell(&shown, 0, "task"), "t2".into(), "newest first");
        assert_eq!(cell(&shown, 0, "reason"), SECRET.into());
        assert_eq!(cell(&shown, 0, "log_group"), "/ecs/checkout-api".into());
        assert_eq!(cell(&shown, 0, "log_stream"), Cell::Absent, "it never started, so it never wrote");
        assert_eq!(cell(&shown, 0, "exit_code"), Cell::Absent);
        assert_eq!(cell(&shown, 0, "started_at"), Cell::Absent);
        assert_eq!(shown.rows[0].urgency, 3);
        assert!(shown.notes.iter().any(|n| n.contains("about an hour")));
        assert!(shown.notes.iter().any(|n| n.starts_with("2 tasks never started")), "{:?}", shown.notes);
    }

    #[test]
    fn each_container_has_its_exit_code_and_stream() {
        let stopped =
            task("t1", 1, TaskStopCode::EssentialContainerExited, "Essential container in task exited")
                .started_at(ago(5))
                .containers(
                    container("app")
                        .exit_code(137)
                        .reason("OutOfMemoryError: Container killed due to memory usage")
                        .build(),
                )
                .containers(container("envoy").exit_code(0).build())
                .build();
        let shown = project(&Args::default(), &gathered(vec![stopped]), NOW);
        assert_eq!(shown.rows.len(), 2);
        assert_eq!(cell(&shown, 0, "exit_code"), 137.into());
        assert_eq!(cell(&shown, 0, "log_stream"), "ecs/app/t1".into());
        assert_eq!(
            cell(&shown, 0, "reason"),
            "OutOfMemoryError: Container killed due to memory usage | Essential container in task exited"
                .into()
        );
        assert_eq!((shown.rows[0].urgency, shown.rows[1].urgency), (3, 1));
        assert_eq!(shown.counts.of, [("EssentialContainerExited".to_owned(), 1)], "tasks are counted");
        assert!(shown.summary.contains("OutOfMemoryError"), "{}", shown.summary);
    }

    #[test]
    fn urgency_by_what_happened() {
        let of = |code: TaskStopCode, reason: &str, exit: Option<i32>| {
            let task = task("t", 1, code, reason).build();
            urgency(&task, Some(&container("app").set_exit_code(exit).build()))
        };
        for (code, reason, exit, expected) in [
            (TaskStopCode::TaskFailedToStart, "CannotPullContainerError", None, 3),
            (TaskStopCode::EssentialContainerExited, "Essential container in task exited", Some(1), 2),
            (TaskStopCode::EssentialContainerExited, "Essential container in task exited", Some(0), 1),
            (TaskStopCode::ServiceSchedulerInitiated, "Scaling activity initiated by deployment", Some(0), 0),
            (
                TaskStopCode::ServiceSchedulerInitiated,
                "Task failed ELB health checks in (target-group x)",
                Some(143),
                2,
            ),
            (TaskStopCode::UserInitiated, "Task stopped by user", Some(137), 0),
            (TaskStopCode::SpotInterruption, "Your Spot Task was interrupted.", None, 1),
        ] {
            assert_eq!(of(code, reason, exit), expected, "{reason}");
        }
    }

    #[test]
    fn without_a_prefix_the_stream_is_the_container() {
        let mut out = gathered(vec![
            task("t1", 1, TaskStopCode::UserInitiated, "x")
                .containers(container("app").exit_code(0).runtime_id("abc123").build())
                .build(),
        ]);
        for definition in out.answers[0].1.definitions.values_mut() {
            definition.containers[0].log =
                Log::CloudWatch { group: "/ecs/x".into(), prefix: None, region: Some("us-east-1".into()) };
        }
        let shown = project(&Args::default(), &out, NOW);
        assert_eq!(cell(&shown, 0, "log_stream"), "abc123".into());
        assert!(shown.notes.iter().any(|n| n == "log group /ecs/x is in us-east-1"), "{:?}", shown.notes);
    }

    #[test]
    fn since_cuts_and_nothing_found_says_where() {
        let out = gathered(vec![task("t1", 20, TaskStopCode::UserInitiated, "x").build()]);
        let args = |since: &str| Args {
            since: Some(since.into()),
            cluster: Some("prod".into()),
            service: Some("checkout-api".into()),
            ..Args::default()
        };
        assert_eq!(project(&args("30m"), &out, NOW).rows.len(), 1);
        let none = project(&args("10m"), &out, NOW);
        assert_eq!(
            none.summary,
            "No stopped tasks since 10m of checkout-api in prod (eu-west-1); ECS keeps them for about an hour"
        );
        assert!(project(&args("3h"), &out, NOW).notes.iter().any(|n| n.contains("reaches further back")));
    }

    #[test]
    fn a_region_that_did_not_answer_is_told() {
        let mut out = gathered(Vec::new());
        out.answers[0].1.errors.push(("cluster dev".into(), Fault::new(FaultKind::Throttled, "slow down")));
        let shown = project(&Args::default(), &out, NOW);
        assert_eq!(shown.errors[0].place, "eu-west-1 cluster dev");
    }
}
