//! `list_ecs_services`: every service, what it wants and what it has.

use super::ecs::definition::Definition;
use super::ecs::health::{self, Health, Rollout};
use super::ecs::names::{means, named_regions, several, short};
use super::ecs::read::{self, CEILING};
use super::ecs::row::{self, PlaceColumns};
use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Service;
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Row, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// ECS services with their counts, rollouts, images and last events.
#[derive(Debug)]
pub struct ListEcsServices;

/// What `list_ecs_services` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The cluster's name or ARN, e.g. "prod". Default: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The service's name or ARN, e.g. "checkout-api". Default: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only rows that are unhealthy: running below desired, failed tasks, a rollout that failed or takes over ten
    /// minutes. The counts cover all. Default: false.
    #[serde(default)]
    pub only_unhealthy: bool,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// What one region holds.
#[derive(Debug, Default)]
pub struct RegionServices {
    clusters: usize,
    services: Vec<Service>,
    definitions: BTreeMap<String, Definition>,
    /// What else was there when a named cluster or service was not.
    others: Others,
    /// Why the list is not whole.
    ceiling: bool,
    errors: Vec<(String, Fault)>,
}

#[derive(Debug, Default)]
struct Others {
    clusters: Vec<String>,
    services: Vec<String>,
}

impl ReadTool for ListEcsServices {
    const SPEC: Spec = Spec {
        name: "list_ecs_services",
        description: "ECS services: desired, running and pending counts, failed tasks, rollout state, task \
            definition, image, when deployed, last events. The first tool for \"what is down?\", \"did the deploy \
            work?\", \"how many tasks run?\" on ECS or Fargate. It does not say why tasks died: use \
            get_ecs_stopped_tasks for that. To change a count or roll back use update_ecs_service. Free.",
        reads: &[
            Op::new("ECS", "ListClusters", &["ecs:ListClusters"]),
            Op::new("ECS", "ListServices", &["ecs:ListServices"]),
            Op::new("ECS", "DescribeServices", &["ecs:DescribeServices"]),
            Op::new("ECS", "DescribeTaskDefinition", &["ecs:DescribeTaskDefinition"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<RegionServices>;

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let named = named_regions(&[&args.service, &args.cluster]);
        let places =
            aws.places(args.regions.as_deref().or(named.as_deref()), args.accounts.as_deref()).await?;
        let searched = places.iter().map(|p| p.region.as_str()).collect::<Vec<_>>().join(", ");
        let gathered = aws
            .gather(places, |place| async move { read_region(&aws.ecs(&place), args).await })
            .await
            .or_fault()?;
        match not_found(&gathered, args, &searched) {
            Some(fault) => Err(fault),
            None => Ok(gathered),
        }
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        project(args, out, as_of)
    }
}

async fn read_region(client: &Client, args: &Args) -> Result<RegionServices, Fault> {
    let mut region = match (&args.cluster, &args.service) {
        (Some(cluster), Some(service)) => read_one(client, cluster, service).await?,
        (Some(_) | None, _) => read_all(client, args).await?,
    };
    let names: Vec<&str> = region.services.iter().filter_map(|s| Rollout::of(s).definition).collect();
    let (definitions, lost) = read::definitions(client, names).await;
    if let Some((fault, lost)) = lost {
        region.errors.push((format!("{lost} task definitions"), fault));
    }
    region.definitions = definitions;
    Ok(region)
}

/// One service: a single request when it is there, and the names of its neighbours when it is not.
async fn read_one(client: &Client, cluster: &str, service: &str) -> Result<RegionServices, Fault> {
    let mut region = RegionServices { clusters: 1, ..RegionServices::default() };
    match read::describe_services(client, cluster, &[service.to_owned()]).await {
        Some(described) => {
            if let Some((fault, _)) = described.fault {
                return Err(fault);
            }
            region.services = described.services;
            if region.services.is_empty() {
                let listed = read::service_arns(client, cluster, CEILING).await.ok().flatten();
                let arns = listed.unwrap_or_default().arns;
                region.others.services = arns.iter().map(|arn| short(arn).to_owned()).collect();
            }
        }
        None => {
            region.clusters = 0;
            let arns = read::cluster_arns(client).await.unwrap_or_default();
            region.others.clusters = arns.iter().map(|arn| short(arn).to_owned()).collect();
        }
    }
    Ok(region)
}

async fn read_all(client: &Client, args: &Args) -> Result<RegionServices, Fault> {
    let clusters = read::clusters(client, args.cluster.as_deref()).await?;
    let mut region =
        RegionServices { others: Others::clusters(clusters.others), ..RegionServices::default() };
    let asked = clusters.chosen.len();
    let reads = clusters.chosen.into_iter().map(|cluster| async move {
        let read = read_cluster(client, &cluster, args.service.as_deref()).await;
        (cluster, read)
    });
    let answers: Vec<_> = stream::iter(reads).buffered(read::REQUESTS).collect().await;
    for (cluster, answer) in answers {
        match answer {
            Ok(Some(read)) => region.add(&format!("cluster {}", short(&cluster)), read),
            Ok(None) => {}
            Err(fault) => region.errors.push((format!("cluster {}", short(&cluster)), fault)),
        }
    }
    region.ceiling |= region.services.len() > CEILING;
    region.services.truncate(CEILING);
    // Every cluster failed: that is an answer of its own, not an empty region.
    match region.errors.first() {
        Some((_, fault)) if region.services.is_empty() && region.errors.len() >= asked => Err(fault.clone()),
        Some(_) | None => Ok(region),
    }
}

struct ClusterServices {
    described: read::Described,
    others: Vec<String>,
    ceiling: bool,
    listed: usize,
    lost: Option<Fault>,
}

/// The services of a cluster, or the one that `wanted` means. `None` when there is no such cluster.
async fn read_cluster(
    client: &Client,
    cluster: &str,
    wanted: Option<&str>,
) -> Result<Option<ClusterServices>, Fault> {
    let Some(listed) = read::service_arns(client, cluster, CEILING).await? else { return Ok(None) };
    let read::Listed { arns, lost } = listed;
    let (listed, ceiling) = (arns.len(), arns.len() >= CEILING);
    let (chosen, others): (Vec<String>, Vec<String>) =
        arns.into_iter().partition(|arn| wanted.is_none_or(|wanted| means(wanted, arn)));
    let Some(described) = read::describe_services(client, cluster, &chosen).await else { return Ok(None) };
    let others = others.iter().map(|arn| short(arn).to_owned()).collect();
    Ok(Some(ClusterServices { described, others, ceiling, listed, lost }))
}

impl Others {
    fn clusters(clusters: Vec<String>) -> Self {
        Self { clusters, services: Vec::new() }
    }
}

impl RegionServices {
    fn add(&mut self, place: &str, read: ClusterServices) {
        self.clusters += 1;
        self.ceiling |= read.ceiling;
        self.others.services.extend(read.others);
        self.services.extend(read.described.services);
        let after = format!("{place}: services after the first {}", read.listed);
        self.errors.extend(read.lost.map(|fault| (after, fault)));
        if let Some((fault, lost)) = read.described.fault {
            self.errors.push((format!("{place}: {lost} services"), fault));
        }
        self.errors.extend(read.described.failures.iter().map(|failure| {
            let reason = failure.reason().unwrap_or("unknown");
            let name = failure.arn().map_or("?", short);
            (place.to_owned(), Fault::new(FaultKind::Missing, format!("service {name}: {reason}")))
        }));
    }
}

/// The fault when a cluster or service was named and is nowhere, although every place answered.
fn not_found(gathered: &Gathered<RegionServices>, args: &Args, searched: &str) -> Option<Fault> {
    let regions = || gathered.answers.iter().map(|(_, region)| region);
    let whole = gathered.errors.is_empty() && regions().all(|r| r.errors.is_empty());
    if !whole || regions().any(|r| !r.services.is_empty()) {
        return None;
    }
    if let Some(cluster) = &args.cluster
        && regions().all(|r| r.clusters == 0)
    {
        let names = regions().flat_map(|r| r.others.clusters.iter().map(String::as_str));
        return Some(read::unknown("cluster", cluster, names, searched));
    }
    let service = args.service.as_ref()?;
    let place = args.cluster.as_ref().map_or(searched.to_owned(), |c| format!("{} ({searched})", short(c)));
    let names = regions().flat_map(|r| r.others.services.iter().map(String::as_str));
    Some(read::unknown("service", service, names, &place))
}

fn project(args: &Args, out: &Gathered<RegionServices>, now: Timestamp) -> Projection {
    let columns = PlaceColumns::of(out);
    let mut services: Vec<(&Place, &RegionServices, &Service)> = out
        .answers
        .iter()
        .flat_map(|(place, region)| region.services.iter().map(move |service| (place, region, service)))
        .collect();
    services.sort_by_key(|(place, _, service)| {
        let urgency = Health::of(service, now).urgency();
        (std::cmp::Reverse(urgency), *place, row::cluster(service), row::name(service))
    });
    let rows = services
        .iter()
        .map(|(place, region, service)| {
            let definition = Rollout::of(service).definition.and_then(|d| region.definitions.get(d));
            row::service_row(service, definition, columns.cells(place), now)
        })
        .collect();
    let all: Vec<&Service> = services.iter().map(|(_, _, service)| *service).collect();
    let mut projection = Projection::new(summary(args, out, &all, now), now)
        .columns(&columns.before(&row::COLUMNS))
        .rows(rows)
        .counted("health");
    if args.only_unhealthy {
        let shown: Vec<Row> = projection.rows.iter().filter(|row| row.urgency > 1).cloned().collect();
        projection = projection.rows(shown);
    }
    projection.errors = row::errors(out, |region| &region.errors);
    projection.notes = notes(args, &all, now);
    projection.truncated = out.answers.iter().any(|(_, r)| r.ceiling).then(|| {
        format!("only the first {CEILING} services of a region were read; name a cluster to see the rest")
    });
    projection
}

fn summary(args: &Args, out: &Gathered<RegionServices>, all: &[&Service], now: Timestamp) -> String {
    let clusters: usize = out.answers.iter().map(|(_, r)| r.clusters).sum();
    let regions: Vec<&str> = out.answers.iter().map(|(place, _)| place.region.as_str()).collect();
    if let ([service], Some(_)) = (all, &args.service) {
        let definition = Rollout::of(service).definition.map_or("none", short);
        return format!(
            "{}, {}, task definition {definition}",
            row::in_short(service),
            Health::of(service, now).label()
        );
    }
    let count = all.len();
    if count == 0 {
        let filter = args.service.as_ref().map_or(String::new(), |s| format!(" named {}", short(s)));
        return format!(
            "No ECS services{filter} in {} ({} searched)",
            regions.join(", "),
            several(clusters, "cluster")
        );
    }
    let bad: Vec<&&Service> = all.iter().filter(|s| Health::of(s, now).unhealthy()).collect();
    if bad.is_empty() {
        let rolling = all.iter().filter(|s| Health::of(s, now) == Health::RollingOut).count();
        let rolling =
            if rolling == 0 { String::new() } else { format!("; {rolling} with a rollout in progress") };
        if let [service] = all {
            return format!("{}: the only service, and healthy{rolling}", row::in_short(service));
        }
        return format!("All {count} services in {} are healthy{rolling}", several(clusters, "cluster"));
    }
    let below = bad.iter().all(|s| s.running_count < s.desired_count);
    let what = if below { "below desired" } else { "unhealthy" };
    let named: Vec<String> = bad.iter().take(5).map(|s| row::in_short(s)).collect();
    let rest = bad.len().saturating_sub(5);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{} of {} {what}: {}{rest}", bad.len(), several(count, "service"), named.join(", "))
}

fn notes(args: &Args, all: &[&Service], now: Timestamp) -> Vec<String> {
    let bad = all.iter().filter(|s| Health::of(s, now).urgency() > 0 || all.len() == 1);
    let mut notes: Vec<String> =
        bad.filter_map(|s| Some(format!("{}: {}", row::name(s), health::deployments(s)?))).take(5).collect();
    let blind = all.iter().filter(|s| Rollout::of(s).in_progress() && !fails_visibly(s)).count();
    if blind > 0 {
        notes.push(format!(
            "{} in progress cannot be marked FAILED: without the circuit breaker, or with another \
             deployment controller, ECS keeps trying",
            several(blind, "rollout")
        ));
    }
    if args.only_unhealthy {
        notes.push("only unhealthy services are listed".to_owned());
    }
    notes
}

/// Whether ECS would ever call this rollout FAILED.
fn fails_visibly(service: &Service) -> bool {
    let breaker = service.deployment_configuration().and_then(|c| c.deployment_circuit_breaker());
    row::controller(service) == "ECS" && breaker.is_some_and(|b| b.enable)
}

#[cfg(test)]
mod tests {
    use super::super::ecs::fixture::{NOW, broken, controller, definition, deployment, service};
    use super::*;
    use crate::testing::Canned;
    use aws_sdk_ecs::types::{DeploymentControllerType, DeploymentRolloutState};
    use quarterdeck_core::tool::Cell;
    use serde_json::json;

    fn place(region: &str) -> Place {
        Place { account: None, region: region.into() }
    }

    fn gathered(regions: Vec<(&str, Vec<Service>)>) -> Gathered<RegionServices> {
        let many_regions = regions.len() > 1;
        let answers = regions
            .into_iter()
            .map(|(region, services)| {
                let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout-api:42".to_owned();
                let definitions =
                    [(arn, definition("checkout-api:42", "registry/checkout-api:1.9.0"))].into();
                (place(region), RegionServices { clusters: 1, services, definitions, ..Default::default() })
            })
            .collect();
        Gathered { answers, errors: Vec::new(), many_accounts: false, many_regions }
    }

    fn fine(name: &str) -> Service {
        let rollout = DeploymentRolloutState::Completed;
        service(name, 2, 2)
            .deployments(deployment("PRIMARY", &format!("{name}:3"), (2, 2), rollout, 0, 900))
            .build()
    }

    fn cell(projection: &Projection, row: usize, column: &str) -> Cell {
        projection.cell(&projection.rows[row], column).cloned().unwrap()
    }

    #[test]
    fn the_broken_service_comes_first_with_everything_that_matters() {
        let out = gathered(vec![("eu-west-1", vec![fine("basket"), broken().build(), fine("search")])]);
        let shown = ListEcsServices::project(&Args::default(), &out, NOW);
        assert_eq!(
            shown.summary,
            "1 of 3 services below desired: checkout-api 2/8 (rollout FAILED, 12 failed tasks)"
        );
        assert_eq!(shown.rows[0].urgency, 3);
        for (column, expected) in [
            ("cluster", Cell::from("prod")),
            ("service", "checkout-api".into()),
            ("health", "rollout failed".into()),
            ("desired", 8.into()),
            ("running", 2.into()),
            ("pending", 0.into()),
            ("failed_tasks", 12.into()),
            ("rollout", "FAILED".into()),
            ("deployment_controller", "ECS".into()),
            ("task_definition", "checkout-api:42".into()),
            ("image", "registry/checkout-api:1.9.0".into()),
            ("deployed_at", NOW.minus(Duration::from_secs(14 * 60)).into()),
            (
                "last_events",
                "2026-11-20T03:03:05Z is unable to consistently start tasks successfully.; \
                 2026-11-20T03:01:05Z deployment ecs-svc/1 deployment failed: tasks failed to start."
                    .into(),
            ),
        ] {
            assert_eq!(cell(&shown, 0, column), expected, "{column}");
        }
        assert_eq!(shown.counts.of, [("healthy".to_owned(), 2), ("rollout failed".to_owned(), 1)]);
        assert!(shown.notes[0].contains("ACTIVE checkout-api:41 2/2"), "{:?}", shown.notes);
        assert!(shown.columns.iter().all(|c| c.name != "region"), "one region needs no column");
        assert!(shown.rows.iter().all(|row| row.cells.len() == shown.columns.len()));
    }

    #[test]
    fn only_unhealthy_hides_rows_and_counts_all() {
        let out = gathered(vec![("eu-west-1", vec![fine("basket"), broken().build()])]);
        let args = Args { only_unhealthy: true, ..Args::default() };
        let shown = ListEcsServices::project(&args, &out, NOW);
        assert_eq!((shown.rows.len(), shown.total), (1, 1));
        assert_eq!(shown.counts.of.iter().map(|(_, n)| n).sum::<u64>(), 2);
        assert!(shown.summary.starts_with("1 of 2 services"));
    }

    #[test]
    fn several_regions_say_which() {
        let out = gathered(vec![("eu-west-1", vec![fine("a")]), ("us-east-1", vec![fine("b")])]);
        let shown = ListEcsServices::project(&Args::default(), &out, NOW);
        assert_eq!(cell(&shown, 1, "region"), "us-east-1".into());
        assert_eq!(shown.summary, "All 2 services in 2 clusters are healthy");
    }

    #[test]
    fn nothing_found_says_where_was_searched() {
        let shown = ListEcsServices::project(&Args::default(), &gathered(vec![("eu-west-1", vec![])]), NOW);
        assert_eq!(shown.summary, "No ECS services in eu-west-1 (1 cluster searched)");
        assert_eq!(shown.total, 0);
    }

    #[test]
    fn controllers_without_a_rollout_state_leave_it_absent() {
        let external = service("batch", 1, 1)
            .deployment_controller(controller(DeploymentControllerType::CodeDeploy))
            .build();
        let shown =
            ListEcsServices::project(&Args::default(), &gathered(vec![("eu-west-1", vec![external])]), NOW);
        assert_eq!(cell(&shown, 0, "rollout"), Cell::Absent);
        assert_eq!(cell(&shown, 0, "deployment_controller"), "CODE_DEPLOY".into());
        assert_eq!(cell(&shown, 0, "image"), Cell::Absent);
    }

    #[test]
    fn a_rollout_that_can_never_fail_visibly_is_told() {
        let rolling = |name: &str| {
            let rollout = DeploymentRolloutState::InProgress;
            service(name, 2, 2).deployments(deployment("PRIMARY", "x:1", (2, 2), rollout, 0, 30)).build()
        };
        let out = gathered(vec![("eu-west-1", vec![rolling("a")])]);
        let shown = ListEcsServices::project(&Args::default(), &out, NOW);
        assert!(
            shown.notes.iter().any(|n| n.contains("1 rollout in progress cannot be marked FAILED")),
            "{:?}",
            shown.notes
        );
        assert_eq!(shown.summary, "1 of 1 service unhealthy: a 2/2 (rollout IN_PROGRESS)");
    }

    fn service_json(n: usize) -> serde_json::Value {
        json!({
            "serviceArn": format!("arn:aws:ecs:eu-west-1:123456789012:service/prod/s{n:02}"),
            "serviceName": format!("s{n:02}"), "status": "ACTIVE", "desiredCount": 1, "runningCount": 1,
            "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
            "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/shared:7",
        })
    }

    /// Two clusters; prod has 23 services on two pages that share one task definition; dev denies.
    fn two_clusters() -> Canned {
        let arn = |rest: &str| format!("arn:aws:ecs:eu-west-1:123456789012:{rest}");
        Canned::new()
            .on("ecs", "ListClusters", &json!({"clusterArns": [arn("cluster/prod"), arn("cluster/dev")]}).to_string())
            .with("ecs", "ListServices", move |sent| {
                if sent.body.contains("cluster/dev") {
                    let denied = json!({"__type": "AccessDeniedException", "message": "User: x is not authorized to perform: ecs:ListServices on resource: y"});
                    return (400, denied.to_string().into_bytes());
                }
                let page = |range: std::ops::Range<usize>| -> Vec<String> {
                    range.map(|n| arn(&format!("service/prod/s{n:02}"))).collect()
                };
                let body = if sent.body.contains("page2") {
                    json!({"serviceArns": page(20..23)})
                } else {
                    json!({"serviceArns": page(0..20), "nextToken": "page2"})
                };
                (200, body.to_string().into_bytes())
            })
            .with("ecs", "DescribeServices", |sent| {
                let asked: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
                let names = asked["services"].as_array().unwrap();
                assert!(names.len() <= 10 && asked["include"] == json!(["TAGS"]));
                let number = |name: &serde_json::Value| -> Option<usize> {
                    name.as_str()?.rsplit('/').next()?.strip_prefix('s')?.parse().ok()
                };
                let (known, unknown): (Vec<_>, Vec<_>) =
                    names.iter().partition(|name| number(name).is_some_and(|n| n != 5));
                let body = json!({
                    "services": known.iter().map(|name| service_json(number(name).unwrap())).collect::<Vec<_>>(),
                    "failures": unknown.iter().map(|name| json!({"arn": name, "reason": "MISSING"})).collect::<Vec<_>>(),
                });
                (200, body.to_string().into_bytes())
            })
            .on("ecs", "DescribeTaskDefinition", &json!({"taskDefinition": {
                "taskDefinitionArn": arn("task-definition/shared:7"), "family": "shared", "revision": 7, "status": "ACTIVE",
                "containerDefinitions": [{"name": "app", "image": "shared:7"}]}}).to_string())
    }

    async fn run(canned: &Canned, args: Args) -> Result<Projection, Fault> {
        let aws = canned.reads(const { &ListEcsServices::SPEC }).await;
        let out = ListEcsServices::call(&aws, &args).await?;
        Ok(ListEcsServices::project(&args, &out, NOW))
    }

    #[tokio::test]
    async fn every_page_in_tens_one_definition_once_and_what_is_missing() {
        let canned = two_clusters();
        let shown = run(&canned, Args::default()).await.unwrap();
        assert_eq!(shown.rows.len(), 22);
        assert_eq!(cell(&shown, 0, "image"), "shared:7".into());
        let sent = canned.operations();
        let times = |operation: &str| sent.iter().filter(|s| *s == operation).count();
        assert_eq!(
            (times("ListServices"), times("DescribeServices"), times("DescribeTaskDefinition")),
            (3, 3, 1)
        );
        let missing: Vec<String> = shown.errors.iter().map(|e| format!("{}: {}", e.place, e.fault)).collect();
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].contains("cluster prod") && missing[0].contains("s05: MISSING"), "{missing:?}");
        assert!(
            missing[1].contains("cluster dev") && missing[1].contains("needs ecs:ListServices"),
            "{missing:?}"
        );
    }

    #[tokio::test]
    async fn one_named_service_is_one_request_and_its_definition() {
        let canned = two_clusters();
        let args = Args { cluster: Some("prod".into()), service: Some("s07".into()), ..Args::default() };
        let shown = run(&canned, args).await.unwrap();
        assert_eq!(shown.summary, "s07 1/1, healthy, task definition shared:7");
        let sent: Vec<String> =
            canned.sent().into_iter().filter(|s| s.service == "ecs").map(|s| s.operation).collect();
        assert_eq!(sent, ["DescribeServices", "DescribeTaskDefinition"]);
    }

    #[tokio::test]
    async fn an_unknown_service_or_cluster_names_the_nearest() {
        let args = Args { cluster: Some("prod".into()), service: Some("zz".into()), ..Args::default() };
        let fault = run(&two_clusters(), args).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.hint.unwrap().contains("s0"));
        let args = Args { cluster: Some("produ".into()), ..Args::default() };
        let fault = run(&two_clusters(), args).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.hint.unwrap().contains("prod"));
    }

    #[tokio::test]
    async fn denied_everywhere_is_the_fault_itself() {
        let body = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ecs:ListClusters on resource: *"}"#;
        let canned = Canned::new().failing("ecs", "ListClusters", 400, body);
        let fault = run(&canned, Args::default()).await.unwrap_err();
        assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("ecs:ListClusters")));
    }
}
