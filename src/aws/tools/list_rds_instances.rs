//! `list_rds_instances`: databases with how full and how busy they are, and what happened to them.

use super::rds::read::{self, RegionDatabases};
use super::rds::view;
use super::reading::patience::Patience;
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::given::{plain_name, shown};
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Database instances.
#[derive(Debug)]
pub struct ListRdsInstances;

/// What `list_rds_instances` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One instance, or a cluster's instances, for example "orders-db". Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Events since then, at most 14 days ago: a span such as "3d", or RFC 3339. Default: 1d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// RDS keeps events for 14 days.
const KEPT: Duration = Duration::from_secs(14 * 86_400);

/// What every place answered.
#[derive(Debug)]
pub struct Out {
    /// The events asked for.
    pub(super) period: Period,
    pub(super) places: Gathered<RegionDatabases>,
}

impl ReadTool for ListRdsInstances {
    const SPEC: Spec = Spec {
        name: "list_rds_instances",
        description: "RDS, Aurora, Neptune and DocumentDB instances: status, writer or reader, engine, class, endpoint, \
            public, connections of about how many, CPU, free storage, pending maintenance, failovers and other events. \
            Right for any question about a database's health; for one figure over time use get_metrics, for alarms \
            get_active_alarms, for who changed it get_recent_changes, for its logs get_cloudwatch_logs. Metrics cost \
            about $0.01 per 300 instances.",
        reads: &[
            Op::new("RDS", "DescribeDBInstances", &["rds:DescribeDBInstances"]),
            Op::new("RDS", "DescribeDBClusters", &["rds:DescribeDBClusters"]),
            Op::new("RDS", "DescribeEvents", &["rds:DescribeEvents"]),
            Op::new("RDS", "DescribePendingMaintenanceActions", &["rds:DescribePendingMaintenanceActions"]),
            Op::new("CloudWatch", "GetMetricData", &["cloudwatch:GetMetricData"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        if let Some(id) = &args.id {
            let hint = "send an instance's or a cluster's identifier such as orders-db; leave it out for all";
            plain_name("id", id, hint)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if id.len() > 63 || !id.chars().all(fits) || !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Err(Fault::new(FaultKind::Invalid, format!("`id`: {} is no identifier", shown(id)))
                    .hint(hint));
            }
        }
        Period::check(args.since.as_deref(), None)
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Out, Fault> {
        let now = aws.now();
        let day = Duration::from_secs(86_400);
        let period = Period::of(args.since.as_deref(), None, day, now)?;
        if period.span() > KEPT {
            return Err(Fault::new(FaultKind::Invalid, "RDS keeps events for 14 days")
                .hint("send since=14d or later; get_recent_changes reaches back 90 days"));
        }
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let places =
            aws.gather(places, |place| read::region(aws, place, args.id.as_deref(), period, patience)).await;
        let places = places.or_fault()?;
        if let (Some(id), true) = (&args.id, places.errors.is_empty())
            && places.answers.iter().all(|(_, region)| region.instances.is_empty())
            && places.answers.iter().all(|(_, region)| region.errors.is_empty())
        {
            return Err(read::missing(id, &places));
        }
        Ok(Out { period, places })
    }

    fn project(args: &Args, out: &Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
