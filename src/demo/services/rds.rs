//! RDS, which also answers for Aurora, Neptune and DocumentDB.

use super::{Reply, Service, unknown};
use crate::account::databases::{Cluster, Database, Happening, Maintenance};
use crate::page::{Page, page};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// Events are kept so long.
const KEPT: Duration = Duration::from_secs(14 * 86_400);

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeDBInstances" => instances(world, input),
        "DescribeDBClusters" => clusters(world, input),
        "DescribeEvents" => events(world, input),
        "DescribePendingMaintenanceActions" => maintenance(world, input),
        other => Err(unknown(Service::Rds, other)),
    }
}

fn here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Database> {
    let region = world.region;
    world.account.holds.databases.instance.iter().filter(move |i| i.region == region)
}

fn clusters_here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Cluster> {
    let region = world.region;
    world.account.holds.databases.cluster.iter().filter(move |c| c.region == region)
}

/// A list as this protocol writes it: the elements have names of their own.
fn members(name: &'static str, items: impl IntoIterator<Item = Node>) -> Node {
    Node::Map(items.into_iter().map(|item| (name.into(), item)).collect())
}

/// A page of `MaxRecords`, 20 to 100, from `Marker`.
fn paged<T>(items: Vec<T>, input: &Input) -> Result<Page<T>, Failure> {
    let size = input.int("MaxRecords").unwrap_or(100);
    if !(20..=100).contains(&size) {
        return Err(Failure::new(
            "InvalidParameterValue",
            format!("Invalid value {size} for MaxRecords. Must be between 20 and 100"),
        ));
    }
    page(items, input.text("Marker"), usize::try_from(size).unwrap_or(100), "InvalidParameterValue")
}

/// The values of the filter `name`; `None` when it was not sent.
fn filter(input: &Input, name: &str) -> Option<Vec<String>> {
    let filters = input.inner("Filters").list("Filter");
    let wanted = filters.iter().find(|f| f.text("Name") == Some(name))?;
    Some(wanted.inner("Values").texts("Value").into_iter().map(|v| last(v).to_owned()).collect())
}

/// Identifiers may be sent as ARNs.
fn last(id: &str) -> &str {
    if id.starts_with("arn:") { id.rsplit(':').next().unwrap_or(id) } else { id }
}

fn instances(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.text("DBInstanceIdentifier").map(last);
    let (ids, in_clusters) = (filter(input, "db-instance-id"), filter(input, "db-cluster-id"));
    let mut found: Vec<&Database> = here(world)
        .filter(|i| id.is_none_or(|id| i.id.eq_ignore_ascii_case(id)))
        .filter(|i| ids.as_ref().is_none_or(|ids| ids.contains(&i.id)))
        .filter(|i| {
            in_clusters.as_ref().is_none_or(|c| i.cluster.as_ref().is_some_and(|own| c.contains(own)))
        })
        .collect();
    if let (Some(id), true) = (id, found.is_empty()) {
        return Err(Failure::new("DBInstanceNotFound", format!("DBInstance {id} not found.")).status(404));
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let page = paged(found, input)?;
    let items = page.items.iter().map(|i| instance(world, i));
    Ok(node! { "DBInstances" => members("DBInstance", items), "Marker" => page.next }.into())
}

fn instance(world: &World<'_>, of: &Database) -> Node {
    let holds = |w: &&crate::account::databases::When| world.course(&w.during).holds(world.now);
    let status = of.when.iter().find(holds).map_or(of.status.as_str(), |w| w.status.as_str());
    let group = of.parameter_group.clone().unwrap_or_else(|| {
        let major = of.version.split('.').next().unwrap_or_default();
        format!("default.{}{major}", of.engine)
    });
    let host = format!("{}.c0demo0abcde.{}.rds.amazonaws.com", of.id, world.region);
    node! {
        "DBInstanceIdentifier" => &of.id,
        "DBInstanceClass" => &of.class,
        "Engine" => &of.engine,
        "EngineVersion" => &of.version,
        "DBInstanceStatus" => status,
        "MasterUsername" => "app",
        "Endpoint" => node! { "Address" => host, "Port" => of.port, "HostedZoneId" => "Z29XKXDKYMONMX" },
        "AllocatedStorage" => of.storage,
        "MaxAllocatedStorage" => of.grows_to,
        "InstanceCreateTime" => world.start.minus(of.created.0),
        "DBParameterGroups" => members("DBParameterGroup", [
            node! { "DBParameterGroupName" => group, "ParameterApplyStatus" => "in-sync" },
        ]),
        "AvailabilityZone" => format!("{}{}", world.region, of.az),
        "PendingModifiedValues" => Node::Map(Vec::new()),
        "MultiAZ" => of.multi_az,
        "PubliclyAccessible" => of.public,
        "StorageEncrypted" => true,
        "DBClusterIdentifier" => of.cluster.as_ref(),
        "ReadReplicaSourceDBInstanceIdentifier" => of.replica_of.as_ref(),
        "DeletionProtection" => true,
        "DBInstanceArn" => world.arn("rds", &format!("db:{}", of.id)),
    }
}

fn clusters(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.text("DBClusterIdentifier").map(last);
    let ids = filter(input, "db-cluster-id");
    let mut found: Vec<&Cluster> = clusters_here(world)
        .filter(|c| id.is_none_or(|id| c.id.eq_ignore_ascii_case(id)))
        .filter(|c| ids.as_ref().is_none_or(|ids| ids.contains(&c.id)))
        .collect();
    if let (Some(id), true) = (id, found.is_empty()) {
        return Err(Failure::new("DBClusterNotFoundFault", format!("DBCluster {id} not found.")).status(404));
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let page = paged(found, input)?;
    let items = page.items.iter().map(|c| {
        let own = here(world).filter(|i| i.cluster.as_deref() == Some(c.id.as_str()));
        let own = own.map(|i| {
            node! {
                "DBInstanceIdentifier" => &i.id,
                "IsClusterWriter" => i.id == c.writer,
                "DBClusterParameterGroupStatus" => "in-sync",
                "PromotionTier" => 1,
            }
        });
        node! {
            "DBClusterIdentifier" => &c.id,
            "Engine" => &c.engine,
            "EngineVersion" => &c.version,
            "Status" => &c.status,
            "Endpoint" => format!("{}.cluster-c0demo0abcde.{}.rds.amazonaws.com", c.id, world.region),
            "Port" => c.port,
            "ClusterCreateTime" => world.start.minus(c.created.0),
            "DBClusterMembers" => members("DBClusterMember", own),
            "DBClusterArn" => world.arn("rds", &format!("cluster:{}", c.id)),
        }
    });
    Ok(node! { "DBClusters" => members("DBCluster", items), "Marker" => page.next }.into())
}

fn events(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (source, kind) = (input.text("SourceIdentifier"), input.text("SourceType"));
    if source.is_some() && kind.is_none() {
        return Err(Failure::new(
            "InvalidParameterCombination",
            "If SourceIdentifier is supplied, SourceType must also be provided.",
        ));
    }
    let until = input.time("EndTime").unwrap_or(world.now).min(world.now);
    let minutes = u64::try_from(input.int("Duration").unwrap_or(60)).unwrap_or(60);
    let from = input.time("StartTime").unwrap_or_else(|| until.minus(Duration::from_secs(minutes * 60)));
    if world.now.since(from) > KEPT + Duration::from_secs(60) {
        return Err(Failure::new(
            "InvalidParameterValue",
            "Start time must not be older than 14 days from the current time.",
        ));
    }
    let of_instances = here(world).flat_map(|i| i.event.iter().map(move |e| ("db-instance", "db", &i.id, e)));
    let of_clusters =
        clusters_here(world).flat_map(|c| c.event.iter().map(move |e| ("db-cluster", "cluster", &c.id, e)));
    let happened = |e: &Happening, at: Timestamp| world.course(&e.during).holds(at);
    let mut found: Vec<_> = of_instances
        .chain(of_clusters)
        .filter(|(k, _, id, _)| kind.is_none_or(|kind| kind == *k) && source.is_none_or(|s| s == *id))
        .map(|(kind, arn, id, event)| (event.at.at(world.start), kind, arn, id, event))
        .filter(|(at, .., event)| from <= *at && *at < until && happened(event, *at))
        .collect();
    found.sort_by(|a, b| (a.0, a.3).cmp(&(b.0, b.3)));
    let page = paged(found, input)?;
    let items = page.items.iter().map(|(at, kind, arn, id, event)| {
        let categories = event.categories.iter().map(Node::from);
        node! {
            "SourceIdentifier" => *id,
            "SourceType" => *kind,
            "Message" => &event.message,
            "EventCategories" => members("EventCategory", categories),
            "Date" => *at,
            "SourceArn" => world.arn("rds", &format!("{arn}:{id}")),
        }
    });
    Ok(node! { "Events" => members("Event", items), "Marker" => page.next }.into())
}

fn maintenance(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let of_instances = here(world).map(|i| (world.arn("rds", &format!("db:{}", i.id)), &i.maintenance));
    let of_clusters =
        clusters_here(world).map(|c| (world.arn("rds", &format!("cluster:{}", c.id)), &c.maintenance));
    let wanted = input.text("ResourceIdentifier");
    let found: Vec<(String, &Vec<Maintenance>)> = of_instances
        .chain(of_clusters)
        .filter(|(arn, all)| !all.is_empty() && wanted.is_none_or(|w| w == arn))
        .collect();
    let page = paged(found, input)?;
    let items = page.items.iter().map(|(arn, all)| {
        let details = all.iter().map(|m| {
            let forced = m.forced.map(|at| at.at(world.start));
            node! {
                "Action" => &m.action,
                "Description" => &m.description,
                "ForcedApplyDate" => forced,
                "CurrentApplyDate" => forced,
            }
        });
        node! {
            "ResourceIdentifier" => arn,
            "PendingMaintenanceActionDetails" => members("PendingMaintenanceAction", details),
        }
    });
    let items = members("ResourcePendingMaintenanceActions", items);
    Ok(node! { "PendingMaintenanceActions" => items, "Marker" => page.next }.into())
}
