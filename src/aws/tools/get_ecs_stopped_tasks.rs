//! `get_ecs_stopped_tasks`: why tasks died, and where their logs are.

use super::ecs::definition::{ContainerSpec, Definition, Log};
use super::ecs::names::{cluster_of, region_of, short};
use super::ecs::row::PlaceColumns;
use super::ecs::{moment, read};
use crate::clients::ReadClients;
use crate::fault;
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Container, DesiredStatus, Task, TaskStopCode};
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::text::truncate;
use quarterdeck_core::tool::{
    Cell, ColumnKind, Counts, Fault, FaultKind, Op, Partial, Projection, RegionRule, Row, Spec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Stopped ECS tasks, container by container.
#[derive(Debug)]
pub struct GetEcsStoppedTasks;

/// What `get_ecs_stopped_tasks` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only this cluster: its name or ARN, for example "prod". Default: every cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Only tasks of this service: its name or ARN, for example "checkout-api". Needs the cluster unless it is an
    /// ARN. Default: every task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only tasks stopped since then: a span such as "15m", or RFC 3339. Default: everything ECS still keeps, about
    /// an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Regions, for example ["eu-west-1"], or ["all"] for every enabled region. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by their names in the configuration, for example ["prod"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// What one region keeps of stopped tasks.
#[derive(Debug, Default)]
pub struct RegionTasks {
    clusters: Vec<String>,
    /// Clusters that were there when the named one was not.
    other_clusters: Vec<String>,
    tasks: Vec<Task>,
    definitions: BTreeMap<String, Definition>,
    /// Tasks that were listed and forgotten before they could be described.
    forgotten: usize,
    ceiling: bool,
    errors: Vec<(String, Fault)>,
}

impl ReadTool for GetEcsStoppedTasks {
    const SPEC: Spec = Spec {
        name: "get_ecs_stopped_tasks",
        description: "Why ECS tasks stopped: stop code, reason (secrets or images that cannot be pulled, out of \
            memory, failed health checks), exit code of each container, image, and the log group and stream to read \
            next with get_cloudwatch_logs. The right tool once list_ecs_services shows failed or missing tasks. \
            ECS keeps stopped tasks for about an hour only; for earlier ones read the service's logs. Free.",
        reads: &[
            Op::new("ECS", "ListClusters", &["ecs:ListClusters"]),
            Op::new("ECS", "ListTasks", &["ecs:ListTasks"]),
            Op::new("ECS", "DescribeTasks", &["ecs:DescribeTasks"]),
            Op::new("ECS", "DescribeTaskDefinition", &["ecs:DescribeTaskDefinition"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<RegionTasks>;

    fn check(args: &Args) -> Result<(), Fault> {
        // Any moment serves to see whether it can be read at all.
        since(args, Timestamp::default())?;
        match (&args.service, cluster(args)) {
            (Some(service), None) => Err(Fault::new(
                FaultKind::Invalid,
                format!(
                    "a service name means nothing without its cluster: send cluster too, or {service}'s ARN"
                ),
            )
            .hint("list_ecs_services shows which cluster a service is in")),
            (Some(_), Some(_)) | (None, _) => Ok(()),
        }
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let named = [&args.service, &args.cluster].into_iter().flatten().find_map(|n| region_of(n));
        let named = named.map(|region| vec![region.to_owned()]);
        let places =
            aws.places(args.regions.as_deref().or(named.as_deref()), args.accounts.as_deref()).await?;
        let searched = places.iter().map(|p| p.region.as_str()).collect::<Vec<_>>().join(", ");
        let gathered = aws
            .gather(places, |place| async move { read_region(&aws.ecs(&place), args).await })
            .await
            .or_fault()?;
        match cluster(args) {
            Some(wanted)
                if gathered.errors.is_empty()
                    && gathered.answers.iter().all(|(_, r)| r.clusters.is_empty()) =>
            {
                let others =
                    gathered.answers.iter().flat_map(|(_, r)| r.other_clusters.iter().map(String::as_str));
                Err(read::unknown("cluster", wanted, others, &searched))
            }
            Some(_) | None => Ok(gathered),
        }
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        project(args, out, as_of)
    }
}

/// The cluster asked for, by itself or inside the service's ARN.
fn cluster(args: &Args) -> Option<&str> {
    args.cluster.as_deref().or_else(|| args.service.as_deref().and_then(cluster_of))
}

fn since(args: &Args, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let at = args.since.as_deref().map(|text| Timestamp::parse_or_ago(text, now)).transpose();
    at.map_err(|why| Fault::new(FaultKind::Invalid, format!("since: {why}")))
}

async fn read_region(client: &Client, args: &Args) -> Result<RegionTasks, Fault> {
    let clusters = read::clusters(client, cluster(args)).await?;
    let mut region = RegionTasks { other_clusters: clusters.others, ..RegionTasks::default() };
    let service = args.service.as_deref().map(|s| short(s).to_owned());
    let reads = clusters.chosen.into_iter().map(|cluster| {
        let service = service.clone();
        async move {
            let tasks = cluster_tasks(client, &cluster, service).await;
            (cluster, tasks)
        }
    });
    let answers: Vec<_> = stream::iter(reads).buffered(read::REQUESTS).collect().await;
    let asked = answers.len();
    for (cluster, answer) in answers {
        match answer {
            Ok(Some(read)) => {
                region.tasks.extend(read.tasks);
                region.forgotten += read.forgotten;
                region.ceiling |= read.ceiling;
                let place = format!("cluster {}: {} tasks", short(&cluster), read.lost);
                region.errors.extend(read.fault.map(|fault| (place, fault)));
                region.clusters.push(short(&cluster).to_owned());
            }
            Ok(None) => {}
            Err(fault) => region.errors.push((format!("cluster {}", short(&cluster)), fault)),
        }
    }
    if let Some((_, fault)) = region.errors.first()
        && region.tasks.is_empty()
        && region.errors.len() == asked
    {
        return Err(fault.clone());
    }
    let names: Vec<&str> = region.tasks.iter().filter_map(Task::task_definition_arn).collect();
    let (definitions, lost) = read::definitions(client, names).await;
    region.errors.extend(lost.map(|(fault, lost)| (format!("{lost} task definitions (log groups)"), fault)));
    region.definitions = definitions;
    Ok(region)
}

#[derive(Default)]
struct ClusterTasks {
    tasks: Vec<Task>,
    forgotten: usize,
    ceiling: bool,
    fault: Option<Fault>,
    lost: usize,
}

/// ListTasks, then DescribeTasks a hundred at a time. `None` when there is no such cluster.
async fn cluster_tasks(
    client: &Client,
    cluster: &str,
    service: Option<String>,
) -> Result<Option<ClusterTasks>, Fault> {
    let request = client
        .list_tasks()
        .cluster(cluster)
        .desired_status(DesiredStatus::Stopped)
        .set_service_name(service.clone());
    let mut pages = request.into_paginator().items().send();
    let mut arns: Vec<String> = Vec::new();
    while arns.len() < read::CEILING {
        match pages.next().await {
            Some(Ok(arn)) => arns.push(arn),
            Some(Err(e)) if e.as_service_error().is_some_and(|e| e.is_cluster_not_found_exception()) => {
                return Ok(None);
            }
            Some(Err(e)) if e.as_service_error().is_some_and(|e| e.is_service_not_found_exception()) => {
                let service = service.unwrap_or_default();
                let text = format!("there is no service {service:?} in cluster {}", short(cluster));
                return Err(Fault::new(FaultKind::Missing, text)
                    .hint("list_ecs_services shows the services of a cluster"));
            }
            Some(Err(e)) => return Err(fault::of(&e)),
            None => break,
        }
    }
    let mut read = ClusterTasks { ceiling: arns.len() >= read::CEILING, ..ClusterTasks::default() };
    let requests: Vec<_> = arns
        .chunks(100)
        .map(|batch| (batch.len(), client.describe_tasks().cluster(cluster).set_tasks(Some(batch.to_vec()))))
        .collect();
    let batches = requests.into_iter().map(|(asked, request)| async move { (asked, request.send().await) });
    let answers: Vec<_> = stream::iter(batches).buffered(read::REQUESTS).collect().await;
    for (asked, answer) in answers {
        match answer {
            Ok(out) => {
                read.forgotten += out.failures().len();
                read.tasks.extend(out.tasks.unwrap_or_default());
            }
            Err(e) => {
                read.lost += asked;
                read.fault.get_or_insert_with(|| fault::of(&e));
            }
        }
    }
    Ok(Some(read))
}

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

fn project(args: &Args, out: &Gathered<RegionTasks>, now: Timestamp) -> Projection {
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
    projection.errors = errors(out);
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
            task.started_at().and_then(moment).into(),
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
    task.stopped_at().or(task.execution_stopped_at()).or(task.stopping_at()).and_then(moment)
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
    let cluster = cluster(args).map_or_else(|| format!("{clusters} clusters"), |c| short(c).to_owned());
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
    let mut text = format!("{} stopped tasks{since} of {searched}{at}: {}", tasks.len(), codes.join(", "));
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
        notes.push(format!("{forgotten} tasks were listed but ECS had already forgotten them"));
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
    let mut notes = std::collections::BTreeSet::new();
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

fn errors(out: &Gathered<RegionTasks>) -> Vec<Partial> {
    let inside = out.answers.iter().flat_map(|(place, region)| {
        region.errors.iter().map(move |(what, fault)| Partial {
            account: place.account.clone().filter(|_| out.many_accounts),
            place: format!("{} {what}", place.region),
            fault: fault.clone(),
        })
    });
    out.errors.iter().cloned().chain(inside).collect()
}
