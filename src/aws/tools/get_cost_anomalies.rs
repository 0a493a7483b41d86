//! `get_cost_anomalies`: unexpected spending, and where this month is going.

use super::costs::anomalies::{self, Found};
use super::costs::anomaly_view;
use super::costs::days::{Days, day_of};
use super::reading::global;
use super::reading::patience::Patience;
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Days looked at unless asked otherwise.
pub(super) const DAYS: i64 = 30;

/// Cost anomalies, month to date, forecast.
#[derive(Debug)]
pub struct GetCostAnomalies;

/// What `get_cost_anomalies` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// First day (UTC) of the anomalies, as "7d" or "2026-11-01". Default "30d"; AWS keeps 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Day after the last, as "2026-11-15". Default: up to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl ReadTool for GetCostAnomalies {
    const SPEC: Spec = Spec {
        name: "get_cost_anomalies",
        description: "Unexpected spending that AWS Cost Anomaly Detection found: service, region, usage type, impact, start, \
            whether it goes on, root causes; plus this month so far against last month and the forecast for its end. For \
            \"why did the bill jump?\", \"are we over budget this month?\". Says when no monitor watches at all. For what \
            is spent on what, by service, account or tag, use get_cost_by_service; for who changed it \
            get_recent_changes. Lags up to a day. AWS bills $0.01 a request: four a call, more where there are pages.",
        reads: &[
            Op::new("Cost Explorer", "GetAnomalies", &["ce:GetAnomalies"]),
            Op::new("Cost Explorer", "GetAnomalyMonitors", &["ce:GetAnomalyMonitors"]),
            Op::new("Cost Explorer", "GetCostAndUsage", &["ce:GetCostAndUsage"]),
            Op::new("Cost Explorer", "GetCostForecast", &["ce:GetCostForecast"]),
        ],
        writes: &[],
        region: RegionRule::UsEast1,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Found>;

    fn check(args: &Args) -> Result<(), Fault> {
        Days::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        // What began today counts, unlike a cost that is not complete.
        let until = Some(args.until.as_deref().unwrap_or("0s"));
        let days = Days::of(args.since.as_deref(), until, DAYS, aws.now())?;
        let (today, patience) = (day_of(aws.now()), Patience::begin());
        global::gather(aws, args.accounts.as_deref(), "Cost Explorer", |place| {
            let costs = aws.costs(&place);
            async move { anomalies::read(&costs, days, today, patience).await }
        })
        .await
    }

    fn project(_args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        anomaly_view::project(out, as_of)
    }
}

#[cfg(test)]
mod tests;
