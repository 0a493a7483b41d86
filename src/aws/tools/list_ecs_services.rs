//! `list_ecs_services`: every service, what it wants and what it has.

use super::ecs::definition::Definition;
use super::ecs::health::{self, Health, Rollout};
use super::ecs::names::{means, region_of, short};
use super::ecs::read::{self, CEILING};
use super::ecs::row::{self, PlaceColumns};
use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Service;
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Partial, Projection, RegionRule, Row, Spec};
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
    /// Only this cluster: its name or ARN, for example "prod". Default: every cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Only this service: its name or ARN, for example "checkout-api". Default: every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only rows of services that are unhealthy: running below desired, failed tasks, a rollout that failed or is in
    /// progress for over ten minutes. The counts still cover all. Default: false.
    #[serde(default)]
    pub only_unhealthy: bool,
    /// Regions, for example ["eu-west-1"], or ["all"] for every enabled region. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by their names in the configuration, for example ["prod"]. Default: the session's.
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
        // An ARN names its region; asking elsewhere could only find nothing.
        let named = [&args.service, &args.cluster].into_iter().flatten().find_map(|n| region_of(n));
        let named = named.map(|region| vec![region.to_owned()]);
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
                let arns = read::service_arns(client, cluster, CEILING).await.ok().flatten();
                region.others.services = arns.iter().flatten().map(|arn| short(arn).to_owned()).collect();
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
    let mut region = RegionServices { clusters: clusters.chosen.len(), ..RegionServices::default() };
    region.others.clusters = clusters.others;
    let reads = clusters.chosen.clone().into_iter().map(|cluster| async move {
        let arns = read::service_arns(client, &cluster, CEILING).await;
        (cluster, arns)
    });
    let listed: Vec<_> = stream::iter(reads).buffered(read::REQUESTS).collect().await;
    let mut left = CEILING;
    for (cluster, arns) in listed {
        let place = format!("cluster {}", short(&cluster));
        let mut arns = match arns {
            Ok(Some(arns)) => arns,
            Ok(None) => {
                region.clusters = region.clusters.saturating_sub(1);
                continue;
            }
            Err(fault) => {
                region.errors.push((place, fault));
                continue;
            }
        };
        region.ceiling |= arns.len() >= left;
        arns.truncate(left);
        left -= arns.len();
        if let Some(wanted) = &args.service {
            let (chosen, others): (Vec<String>, Vec<String>) =
                arns.into_iter().partition(|a| means(wanted, a));
            region.others.services.extend(others.iter().map(|arn| short(arn).to_owned()));
            arns = chosen;
        }
        let Some(described) = read::describe_services(client, &cluster, &arns).await else { continue };
        region.services.extend(described.services);
        if let Some((fault, lost)) = described.fault {
            region.errors.push((format!("{place}: {lost} services"), fault));
        }
        region.errors.extend(described.failures.iter().map(|failure| {
            let reason = failure.reason().unwrap_or("unknown");
            let name = failure.arn().map_or("?", short);
            (place.clone(), Fault::new(FaultKind::Missing, format!("service {name}: {reason}")))
        }));
    }
    // Every cluster failed: that is an answer of its own, not an empty region.
    match region.errors.first() {
        Some((_, fault)) if region.services.is_empty() && region.errors.len() >= clusters.chosen.len() => {
            Err(fault.clone())
        }
        Some(_) | None => Ok(region),
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
    projection.errors = errors(out);
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
        return format!("No ECS services{filter} in {} ({clusters} clusters searched)", regions.join(", "));
    }
    let bad: Vec<&&Service> = all.iter().filter(|s| Health::of(s, now).unhealthy()).collect();
    if bad.is_empty() {
        let rolling = all.iter().filter(|s| Health::of(s, now) == Health::RollingOut).count();
        let rolling =
            if rolling == 0 { String::new() } else { format!("; {rolling} with a rollout in progress") };
        return format!("All {count} services in {clusters} clusters are healthy{rolling}");
    }
    let below = bad.iter().all(|s| s.running_count < s.desired_count);
    let what = if below { "below desired" } else { "unhealthy" };
    let named: Vec<String> = bad.iter().take(5).map(|s| row::in_short(s)).collect();
    let rest = bad.len().saturating_sub(5);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{} of {count} services {what}: {}{rest}", bad.len(), named.join(", "))
}

fn notes(args: &Args, all: &[&Service], now: Timestamp) -> Vec<String> {
    let bad = all.iter().filter(|s| Health::of(s, now).urgency() > 0 || all.len() == 1);
    let mut notes: Vec<String> =
        bad.filter_map(|s| Some(format!("{}: {}", row::name(s), health::deployments(s)?))).take(5).collect();
    let blind = all.iter().filter(|s| Rollout::of(s).in_progress() && !fails_visibly(s)).count();
    if blind > 0 {
        notes.push(format!(
            "{blind} rollouts in progress are never marked FAILED: without the circuit breaker, or with another \
             deployment controller, ECS keeps trying"
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

fn errors(out: &Gathered<RegionServices>) -> Vec<Partial> {
    let inside = out.answers.iter().flat_map(|(place, region)| {
        region.errors.iter().map(move |(what, fault)| Partial {
            account: place.account.clone().filter(|_| out.many_accounts),
            place: format!("{} {what}", place.region),
            fault: fault.clone(),
        })
    });
    out.errors.iter().cloned().chain(inside).collect()
}
