//! `get_ecs_stopped_tasks`: why tasks died, and where their logs are.

use super::ecs::definition::Definition;
use super::ecs::names::{cluster_of, named_regions, short};
use super::ecs::{read, stopped};
use crate::clients::ReadClients;
use crate::fault;
use crate::place::Gathered;
use crate::tool::ReadTool;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::list_tasks::ListTasksError;
use aws_sdk_ecs::types::{DesiredStatus, Task};
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
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
    /// The cluster's name or ARN, e.g. "prod". Default: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The service's name or ARN, e.g. "checkout-api"; a name needs the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Stopped since then: a span ("15m") or RFC 3339. Default: all ECS keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// What one region keeps of stopped tasks.
#[derive(Debug, Default)]
pub struct RegionTasks {
    pub(super) clusters: Vec<String>,
    /// Clusters that were there when the named one was not.
    pub(super) other_clusters: Vec<String>,
    pub(super) tasks: Vec<Task>,
    pub(super) definitions: BTreeMap<String, Definition>,
    /// Tasks that were listed and forgotten before they could be described.
    pub(super) forgotten: usize,
    pub(super) ceiling: bool,
    pub(super) errors: Vec<(String, Fault)>,
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
        let named = named_regions(&[&args.service, &args.cluster]);
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
        stopped::project(args, out, as_of)
    }
}

/// The cluster asked for, by itself or inside the service's ARN.
pub(super) fn cluster(args: &Args) -> Option<&str> {
    args.cluster.as_deref().or_else(|| args.service.as_deref().and_then(cluster_of))
}

/// The beginning of the period asked for.
pub(super) fn since(args: &Args, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
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
                let place = format!("cluster {}: tasks after the first {}", short(&cluster), read.listed);
                region.errors.extend(read.after.map(|fault| (place, fault)));
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
    listed: usize,
    /// Why those after the listed ones could not be listed.
    after: Option<Fault>,
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
    let mut after = None;
    while arns.len() < read::CEILING {
        match pages.next().await {
            Some(Ok(arn)) => arns.push(arn),
            Some(Err(e))
                if e.as_service_error().is_some_and(ListTasksError::is_cluster_not_found_exception) =>
            {
                return Ok(None);
            }
            Some(Err(e))
                if e.as_service_error().is_some_and(ListTasksError::is_service_not_found_exception) =>
            {
                let service = service.unwrap_or_default();
                let text = format!("there is no service {service:?} in cluster {}", short(cluster));
                return Err(Fault::new(FaultKind::Missing, text)
                    .hint("list_ecs_services shows the services of a cluster"));
            }
            Some(Err(e)) if arns.is_empty() => return Err(fault::of(&e)),
            Some(Err(e)) => {
                after = Some(fault::of(&e));
                break;
            }
            None => break,
        }
    }
    let (listed, ceiling) = (arns.len(), arns.len() >= read::CEILING);
    let mut read = ClusterTasks { ceiling, listed, after, ..ClusterTasks::default() };
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

#[cfg(test)]
mod tests {
    use super::super::ecs::fixture::{NOW, arn};
    use super::*;
    use crate::testing::Canned;
    use serde_json::{Value, json};

    /// 120 stopped tasks on two pages; one is forgotten before it is described.
    fn prod() -> Canned {
        Canned::new()
            .on("ecs", "ListClusters", &json!({"clusterArns": [arn("cluster/prod")]}).to_string())
            .with("ecs", "ListTasks", |sent| {
                let asked: Value = serde_json::from_str(&sent.body).unwrap();
                assert_eq!(asked["desiredStatus"], "STOPPED");
                if asked["serviceName"].as_str().is_some_and(|s| s != "checkout-api") {
                    let body = json!({"__type": "ServiceNotFoundException", "message": "Service not found."});
                    return (400, body.to_string().into_bytes());
                }
                let page = |range: std::ops::Range<usize>| -> Vec<String> {
                    range.map(|n| arn(&format!("task/prod/t{n:03}"))).collect()
                };
                let body = match asked["nextToken"].as_str() {
                    Some(_) => json!({"taskArns": page(100..120)}),
                    None => json!({"taskArns": page(0..100), "nextToken": "2"}),
                };
                (200, body.to_string().into_bytes())
            })
            .with("ecs", "DescribeTasks", |sent| {
                let asked: Value = serde_json::from_str(&sent.body).unwrap();
                let (gone, kept): (Vec<_>, Vec<_>) = asked["tasks"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .partition(|t| t.as_str().is_some_and(|t| t.ends_with("t007")));
                let tasks: Vec<Value> = kept.iter().map(|t| json!({
                    "taskArn": t, "clusterArn": arn("cluster/prod"), "stopCode": "EssentialContainerExited",
                    "taskDefinitionArn": arn("task-definition/checkout-api:42"), "stoppedAt": 1_795_143_800, "startedAt": 1_795_143_000,
                    "stoppedReason": "Essential container in task exited",
                    "containers": [{"name": "app", "exitCode": 1, "image": "checkout-api:42"}]})).collect();
                let failures: Vec<Value> =
                    gone.iter().map(|t| json!({"arn": t, "reason": "MISSING"})).collect();
                (200, json!({"tasks": tasks, "failures": failures}).to_string().into_bytes())
            })
            .on("ecs", "DescribeTaskDefinition", &json!({"taskDefinition": {
                "taskDefinitionArn": arn("task-definition/checkout-api:42"),
                "containerDefinitions": [{"name": "app", "image": "checkout-api:42", "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/checkout-api", "awslogs-stream-prefix": "ecs"}}}]}}).to_string())
    }

    async fn run(canned: &Canned, args: Value) -> Result<Projection, Fault> {
        let args: Args = serde_json::from_value(args).unwrap();
        GetEcsStoppedTasks::check(&args)?;
        let aws = canned.reads(const { &GetEcsStoppedTasks::SPEC }).await;
        let out = GetEcsStoppedTasks::call(&aws, &args).await?;
        Ok(GetEcsStoppedTasks::project(&args, &out, NOW))
    }

    #[tokio::test]
    async fn every_page_in_hundreds_and_the_logs_one_step_away() {
        let canned = prod();
        let shown = run(&canned, json!({})).await.unwrap();
        assert_eq!(shown.rows.len(), 119);
        assert_eq!(shown.counts.of, [("EssentialContainerExited".to_owned(), 119)]);
        assert!(shown.notes.iter().any(|n| n.starts_with("ECS forgot 1 task ")), "{:?}", shown.notes);
        let text = |column| shown.cell(&shown.rows[0], column).unwrap().plain();
        assert_eq!((text("log_group").as_str(), text("exit_code").as_str()), ("/ecs/checkout-api", "1"));
        assert!(text("log_stream").starts_with("ecs/app/t"));
        let sent = canned.operations();
        let times = |operation: &str| sent.iter().filter(|s| *s == operation).count();
        assert_eq!((times("ListTasks"), times("DescribeTasks"), times("DescribeTaskDefinition")), (2, 2, 1));
    }

    #[tokio::test]
    async fn what_is_not_there_or_makes_no_sense() {
        for (args, kind, says) in [
            (json!({"cluster": "prud"}), FaultKind::Missing, "prud"),
            (json!({"cluster": "prod", "service": "chekout"}), FaultKind::Missing, "chekout"),
            (json!({"service": "checkout-api"}), FaultKind::Invalid, "cluster"),
            (json!({"since": "yesterday"}), FaultKind::Invalid, "since"),
        ] {
            let fault = run(&prod(), args.clone()).await.unwrap_err();
            assert_eq!(fault.kind, kind, "{args}");
            assert!(fault.message.contains(says), "{}", fault.message);
        }
        // The ARN of a service says which cluster it is in.
        assert!(run(&prod(), json!({"service": arn("service/prod/checkout-api")})).await.is_ok());
    }

    #[tokio::test]
    async fn logs_are_missing_not_the_tasks_where_definitions_are_denied() {
        let body = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ecs:DescribeTaskDefinition on resource: y"}"#;
        let canned = prod().failing("ecs", "DescribeTaskDefinition", 400, body);
        let shown = run(&canned, json!({"cluster": "prod"})).await.unwrap();
        assert_eq!(shown.rows.len(), 119);
        assert_eq!(shown.errors[0].fault.action.as_deref(), Some("ecs:DescribeTaskDefinition"));
    }
}
