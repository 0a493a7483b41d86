//! The databases of one region: instances, clusters, events, maintenance, and their newest figures.

use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::metrics::data::{self, Wanted};
use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use crate::tools::reading::places::searched;
use aws_sdk_rds::Client;
use aws_sdk_rds::operation::describe_db_instances::DescribeDBInstancesError;
use aws_sdk_rds::types::{DbCluster, DbInstance, Event, ResourcePendingMaintenanceActions};
use aws_smithy_types::DateTime;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// Items in one page.
const PAGE: i32 = 100;
/// How far back a figure may be: some are published every minute, and late.
const RECENT: Duration = Duration::from_secs(15 * 60);

/// The databases of one region.
#[derive(Debug, Default)]
pub struct RegionDatabases {
    pub instances: Vec<DbInstance>,
    pub clusters: Vec<DbCluster>,
    pub events: Vec<Event>,
    pub maintenance: Vec<ResourcePendingMaintenanceActions>,
    /// By instance.
    pub figures: BTreeMap<String, Figures>,
    /// Identifiers there are, where the one asked for is none of them.
    pub names: Vec<String>,
    /// Whether there are more instances than the ceiling.
    pub more: bool,
    /// What is missing and why.
    pub errors: Vec<(String, Fault)>,
}

/// The newest figures of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub connections: Option<f64>,
    pub cpu: Option<f64>,
    pub free_bytes: Option<f64>,
}

/// The instances of one region, or the one called `id`, with everything around them.
///
/// # Errors
/// As AWS answers, when not a single instance could be read.
pub async fn region(
    aws: &ReadClients,
    place: Place,
    id: Option<&str>,
    period: Period,
    patience: Patience,
) -> Result<RegionDatabases, Fault> {
    let client = aws.rds(&place);
    let mut region = RegionDatabases::default();
    match id {
        Some(id) => named(&client, id, patience, &mut region).await?,
        None => all(&client, patience, &mut region).await?,
    }
    if region.instances.is_empty() {
        return Ok(region);
    }
    let one = region.instances.len() == 1;
    let clustered = region.instances.iter().any(|i| i.db_cluster_identifier().is_some());
    let (clusters, events, maintenance, figures) = futures::join!(
        clusters(&client, clustered || id.is_none(), patience),
        events(&client, &region.instances, one, period, patience),
        maintenance(&client, patience),
        figures(aws, &place, &region.instances, patience)
    );
    let mut missing = |what: &str, fault: Option<Fault>| {
        region.errors.extend(fault.map(|fault| (what.to_owned(), fault)));
    };
    missing("clusters: writer and reader", clusters.1);
    missing("events", events.1);
    missing("pending maintenance", maintenance.1);
    missing("connections, CPU and free storage", figures.1);
    region.clusters = clusters.0;
    region.events = events.0;
    region.maintenance = maintenance.0;
    region.figures = figures.0;
    Ok(region)
}

/// Every instance. Source: RDS DescribeDBInstances.
async fn all(client: &Client, patience: Patience, region: &mut RegionDatabases) -> Result<(), Fault> {
    let mut marker = None;
    loop {
        let asked = client.describe_db_instances().max_records(PAGE).set_marker(marker);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                region.instances.extend(answer.db_instances.unwrap_or_default());
                marker = answer.marker.filter(|m| !m.is_empty());
            }
            Err(failure) if region.instances.is_empty() => return Err(failure.fault()),
            Err(failure) => {
                let what = format!("instances after the first {}", region.instances.len());
                region.errors.push((what, failure.fault()));
                return Ok(());
            }
        }
        if marker.is_none() || region.instances.len() >= CEILING {
            region.more = marker.is_some();
            return Ok(());
        }
    }
}

/// The instance called `id`, or the instances of the cluster of that name.
async fn named(
    client: &Client,
    id: &str,
    patience: Patience,
    region: &mut RegionDatabases,
) -> Result<(), Fault> {
    let asked = client.describe_db_instances().db_instance_identifier(id);
    match patience.page(asked.send()).await {
        Ok(answer) => {
            region.instances = answer.db_instances.unwrap_or_default();
            if !region.instances.is_empty() {
                return Ok(());
            }
        }
        Err(e) if e.service().is_some_and(DescribeDBInstancesError::is_db_instance_not_found_fault) => {}
        Err(e) => return Err(e.fault()),
    }
    all(client, patience, region).await?;
    let same = |name: Option<&str>| name.is_some_and(|name| name.eq_ignore_ascii_case(id));
    let names = region.instances.iter().flat_map(|i| [i.db_instance_identifier(), i.db_cluster_identifier()]);
    region.names = names.flatten().map(str::to_owned).collect();
    region.instances.retain(|i| same(i.db_cluster_identifier()) || same(i.db_instance_identifier()));
    Ok(())
}

/// There is no database of that name: the nearest.
pub fn missing(id: &str, places: &Gathered<RegionDatabases>) -> Fault {
    let mut names: Vec<&str> =
        places.answers.iter().flat_map(|(_, region)| region.names.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let message = format!("there is no database instance or cluster {id:?} in {}", searched(places));
    let fault = Fault::new(FaultKind::Missing, message);
    if names.is_empty() {
        return fault.hint("there are none at all here: try another region, or regions: [\"all\"]");
    }
    fault.hint(format!("did you mean: {}", nearest(id, names, 5).join(", ")))
}

type Part<T> = (T, Option<Fault>);

/// Source: RDS DescribeDBClusters. Not asked for one instance that is in none.
async fn clusters(client: &Client, any: bool, patience: Patience) -> Part<Vec<DbCluster>> {
    let (mut found, mut marker) = (Vec::new(), None);
    if !any {
        return (found, None);
    }
    loop {
        let asked = client.describe_db_clusters().max_records(PAGE).set_marker(marker);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                found.extend(answer.db_clusters.unwrap_or_default());
                marker = answer.marker.filter(|m| !m.is_empty());
            }
            Err(failure) => return (found, Some(failure.fault())),
        }
        if marker.is_none() || found.len() >= CEILING {
            return (found, None);
        }
    }
}

/// What happened to instances and clusters: one read for the whole region, or for the one instance. Source: RDS
/// DescribeEvents.
async fn events(
    client: &Client,
    instances: &[DbInstance],
    one: bool,
    period: Period,
    patience: Patience,
) -> Part<Vec<Event>> {
    let alone = instances.first().filter(|i| one && i.db_cluster_identifier().is_none());
    let id = alone.and_then(DbInstance::db_instance_identifier);
    let (mut found, mut marker): (Vec<Event>, _) = (Vec::new(), None);
    loop {
        let asked = client
            .describe_events()
            .set_source_identifier(id.map(str::to_owned))
            .set_source_type(id.map(|_| aws_sdk_rds::types::SourceType::DbInstance))
            .start_time(DateTime::from_millis(period.from.millis()))
            .end_time(DateTime::from_millis(period.until.millis()))
            .max_records(PAGE)
            .set_marker(marker);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                found.extend(answer.events.unwrap_or_default());
                marker = answer.marker.filter(|m| !m.is_empty());
            }
            Err(failure) => return (found, Some(failure.fault())),
        }
        if marker.is_none() {
            return (found, None);
        }
        if found.len() >= CEILING {
            let fault = Fault::new(FaultKind::Timeout, format!("only the first {CEILING} events were read"));
            return (found, Some(fault.hint("send a later `since`")));
        }
    }
}

/// Source: RDS DescribePendingMaintenanceActions.
async fn maintenance(client: &Client, patience: Patience) -> Part<Vec<ResourcePendingMaintenanceActions>> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let asked = client.describe_pending_maintenance_actions().max_records(PAGE).set_marker(marker);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                found.extend(answer.pending_maintenance_actions.unwrap_or_default());
                marker = answer.marker.filter(|m| !m.is_empty());
            }
            Err(failure) => return (found, Some(failure.fault())),
        }
        if marker.is_none() || found.len() >= CEILING {
            return (found, None);
        }
    }
}

/// The newest figures of every instance, three metrics each, 500 a request.
async fn figures(
    aws: &ReadClients,
    place: &Place,
    instances: &[DbInstance],
    patience: Patience,
) -> Part<BTreeMap<String, Figures>> {
    let metric = |instance: &DbInstance, name: &str, statistic: &str| Wanted {
        namespace: match instance.engine() {
            Some("neptune") => "AWS/Neptune",
            Some("docdb") => "AWS/DocDB",
            Some(_) | None => "AWS/RDS",
        }
        .to_owned(),
        metric: name.to_owned(),
        dimensions: vec![(
            "DBInstanceIdentifier".to_owned(),
            instance.db_instance_identifier().unwrap_or_default().to_owned(),
        )],
        statistic: statistic.to_owned(),
        period: 60,
    };
    let wanted: Vec<Wanted> = instances
        .iter()
        .flat_map(|i| {
            [
                metric(i, "DatabaseConnections", "Maximum"),
                metric(i, "CPUUtilization", "Average"),
                metric(i, "FreeStorageSpace", "Minimum"),
            ]
        })
        .collect();
    let now = aws.now();
    let period = Period { from: now.minus(RECENT), until: now };
    let read = match data::read(&aws.cloudwatch(place), &wanted, period, patience).await {
        Ok(read) => read,
        Err(fault) => return (BTreeMap::new(), Some(fault)),
    };
    let figures = instances.iter().enumerate().map(|(n, instance)| {
        let own = Figures {
            connections: read.newest(n * 3),
            cpu: read.newest(n * 3 + 1).map(|cpu| (cpu * 10.0).round() / 10.0),
            free_bytes: read.newest(n * 3 + 2),
        };
        (instance.db_instance_identifier().unwrap_or_default().to_owned(), own)
    });
    (figures.collect(), read.fault)
}
