//! `query_logs_insights`: a query over log groups, paid for by the bytes it scans.

use super::ecs::names::region_of;
use super::insights::price::{self, Estimate, gigabytes};
use super::insights::run::{self, Meter, RegionRows};
use super::insights::view;
use super::logs::groups::{self, name_of};
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::given::{shown, within};
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A CloudWatch Logs Insights query.
#[derive(Debug)]
pub struct QueryLogsInsights;

/// What `query_logs_insights` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Names or ARNs, at most 50, for example ["/ecs/shop/checkout-api"].
    #[schemars(length(min = 1, max = 50))]
    pub log_groups: Vec<String>,
    /// In Logs Insights' own language, for example "filter @message like /timeout/ | stats count(*) by bin(5m)".
    pub query: String,
    /// A span before now such as "3h", or RFC 3339. Default: 1h before `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// As `since`. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Rows, 1 to 10000, unless the query has a limit. Default: 1000.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: u32,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

const fn default_limit() -> u32 {
    1_000
}

impl Args {
    /// The groups' names, without their ARNs.
    pub(super) fn groups(&self) -> Vec<&str> {
        self.log_groups.iter().map(|group| name_of(group)).collect()
    }
}

/// What every place answered.
#[derive(Debug)]
pub struct Out {
    pub(super) period: Period,
    /// What it was expected to scan, before.
    pub(super) estimate: Estimate,
    /// What it was allowed to scan.
    pub(super) budget: u64,
    pub(super) places: Gathered<RegionRows>,
}

impl ReadTool for QueryLogsInsights {
    const SPEC: Spec = Spec {
        name: "query_logs_insights",
        description: "Runs a CloudWatch Logs Insights query over one or many log groups: counts, percentiles, grouping, \
            hours to weeks. Right for \"how many\", \"since when\" and \"which\"; to read the newest lines of one group \
            use get_cloudwatch_logs (free), for metrics get_metrics, for API calls get_recent_changes. Billed, about \
            $0.005 per GB scanned: estimated first, asks a person over the budget, stopped when it passes it.",
        reads: &[
            Op::new("CloudWatch Logs", "StartQuery", &["logs:StartQuery"]),
            Op::new("CloudWatch Logs", "GetQueryResults", &["logs:GetQueryResults"]),
            Op::new("CloudWatch Logs", "StopQuery", &["logs:StopQuery"]),
            Op::new("CloudWatch Logs", "DescribeLogGroups", &["logs:DescribeLogGroups"]),
            Op::new("CloudWatch", "GetMetricData", &["cloudwatch:GetMetricData"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: true,
        limit: Duration::from_secs(60),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        if args.log_groups.is_empty() || args.log_groups.len() > 50 {
            let n = args.log_groups.len();
            return Err(Fault::new(FaultKind::Invalid, format!("`log_groups` has {n}")).hint(
                "send 1 to 50 names such as /ecs/shop/checkout-api; get_cloudwatch_logs names the nearest",
            ));
        }
        args.log_groups.iter().try_for_each(|group| log_group(group))?;
        within("limit", args.limit.into(), 1..=10_000)?;
        Period::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Out, Fault> {
        let meter = Meter::new(aws.may_scan());
        let hour = Duration::from_secs(3600);
        let period = Period::of(args.since.as_deref(), args.until.as_deref(), hour, aws.now())?;
        let named = args.log_groups.iter().find_map(|g| region_of(g)).map(|region| vec![region.to_owned()]);
        let places =
            aws.places(args.regions.as_deref().or(named.as_deref()), args.accounts.as_deref()).await?;
        own(aws, args, &places).await?;
        let estimate = price::estimate(aws, &places, &args.groups(), period).await;
        let budget = aws.may_scan();
        if estimate.bytes > budget {
            return Err(too_much(args, &estimate, period, budget));
        }
        let read = |place| run::region(aws, place, args, period, &meter);
        let gathered = aws.gather(places.clone(), read).await;
        let unknown = gathered.answers.is_empty()
            && gathered.errors.iter().all(|e| e.fault.kind == FaultKind::Missing && e.fault.hint.is_none());
        if unknown && !gathered.errors.is_empty() {
            return Err(missing(aws, args, &places, &gathered).await);
        }
        Ok(Out { period, estimate, budget, places: gathered.or_fault()? })
    }

    fn project(args: &Args, out: &Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

/// What a log group may be called: no wildcards.
fn log_group(given: &str) -> Result<(), Fault> {
    let name = name_of(given);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#');
    if !name.is_empty() && name.len() <= 512 && name.chars().all(fits) {
        return Ok(());
    }
    let hint = "send a log group's name such as /ecs/shop/checkout-api, or its ARN; wildcards are not taken";
    Err(Fault::new(FaultKind::Invalid, format!("`log_groups`: {} is no log group", shown(given))).hint(hint))
}

/// An ARN must be of the account that is asked: the query goes by name, and would find another account's namesake.
async fn own(aws: &ReadClients, args: &Args, places: &[Place]) -> Result<(), Fault> {
    let accounts =
        args.log_groups.iter().filter_map(|g| Some((g, g.strip_prefix("arn:")?.split(':').nth(3)?)));
    for (group, account) in accounts {
        for place in places {
            let ours = aws.identity(place).await?.account;
            if ours != account {
                let message = format!("{} is of account {}, not of {ours}", shown(group), shown(account));
                return Err(Fault::new(FaultKind::Invalid, message)
                    .hint("send `accounts` with the name of the account that has it"));
            }
        }
    }
    Ok(())
}

/// The question a person is asked; refused where there is none.
fn too_much(args: &Args, estimate: &Estimate, period: Period, budget: u64) -> Fault {
    let groups = args.log_groups.len();
    let message = format!(
        "the query would scan about {} ({}) in {groups} log group{} over {}; without asking it may scan {}",
        gigabytes(estimate.bytes),
        price::dollars(estimate.bytes),
        if groups == 1 { "" } else { "s" },
        super::reading::words::span(period.span()),
        gigabytes(budget),
    );
    Fault::new(FaultKind::Refused, message)
        .hint("ask for a shorter period or fewer log groups; on the screen a person can allow it")
        .allowance(estimate.bytes.saturating_add(estimate.bytes / 4))
}

/// Names near those that do not exist.
async fn missing(aws: &ReadClients, args: &Args, places: &[Place], out: &Gathered<RegionRows>) -> Fault {
    const LOOKED_UP: usize = 3;
    let said = out.errors.first().map(|e| e.fault.message.clone()).unwrap_or_default();
    let Some(place) = places.first() else { return Fault::new(FaultKind::Missing, said) };
    let client = aws.logs(place);
    let mut near = Vec::new();
    for group in args.groups().into_iter().take(LOOKED_UP) {
        if let Ok(names) = groups::like(&client, group).await
            && !names.iter().any(|n| n == group)
        {
            let names = names.iter().map(String::as_str);
            near.extend(quarterdeck_core::text::nearest(group, names, 3).into_iter().map(str::to_owned));
        }
    }
    let fault = Fault::new(FaultKind::Missing, said);
    if near.is_empty() {
        return fault.hint("there is none like it here: try another region, or regions: [\"all\"]");
    }
    fault.hint(format!("did you mean: {}", near.join(", ")))
}

#[cfg(test)]
mod tests;
