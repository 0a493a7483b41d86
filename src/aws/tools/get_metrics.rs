//! `get_metrics`: one CloudWatch metric over time: its figures, where it changed, how it was a day or a week before.

use super::metrics::data::{self, Wanted};
use super::metrics::grid::{self, OLDEST};
use super::metrics::near::{self, Known};
use super::metrics::view;
use super::reading::patience::Patience;
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::given::{plain_name, shown, within};
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One CloudWatch metric over time.
#[derive(Debug)]
pub struct GetMetrics;

/// What `get_metrics` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// For example "AWS/RDS", "AWS/ApplicationELB".
    pub namespace: String,
    /// For example "DatabaseConnections"; case counts.
    pub metric: String,
    /// All its dimensions, for example {"DBInstanceIdentifier": "orders-db"}. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// Average, Sum, Minimum, Maximum, SampleCount or a percentile such as "p99". Default: Average.
    #[serde(default = "average")]
    pub statistic: String,
    /// A span before now such as "3h", or RFC 3339. Default: 1h before `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// As `since`. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Seconds in a point, for example 300. Default: fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub period: Option<u32>,
    /// Beside it the same period a day or a week earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

fn average() -> String {
    "Average".to_owned()
}

/// What to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Compare {
    Day,
    Week,
}

impl Compare {
    /// How much earlier.
    pub(super) const fn by(self) -> Duration {
        match self {
            Self::Day => Duration::from_secs(86_400),
            Self::Week => Duration::from_secs(7 * 86_400),
        }
    }

    /// The column's name.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Day => "day_before",
            Self::Week => "week_before",
        }
    }
}

/// One region's points.
#[derive(Debug, Default)]
pub struct RegionMetric {
    pub(super) points: Vec<(Timestamp, f64)>,
    pub(super) earlier: Vec<(Timestamp, f64)>,
    /// What there is instead, where there are no points.
    pub(super) known: Option<Known>,
    pub(super) errors: Vec<(String, Fault)>,
}

/// What every place answered.
#[derive(Debug)]
pub struct Out {
    pub(super) period: Period,
    /// Seconds in a point, as asked of CloudWatch.
    pub(super) step: u32,
    pub(super) statistic: String,
    pub(super) places: Gathered<RegionMetric>,
}

impl ReadTool for GetMetrics {
    const SPEC: Spec = Spec {
        name: "get_metrics",
        description: "One CloudWatch metric over time: min, avg, max, last, where its level changed, and the same \
            period a day or week before. Right once you know namespace, metric and dimensions, for example from \
            get_active_alarms; for whole tables use list_rds_instances, list_lambda_functions or get_target_health, \
            for counting log lines query_logs_insights. No points: names the nearest dimensions that exist. Billed, \
            about $0.01 per 1,000 calls.",
        reads: &[
            Op::new("CloudWatch", "GetMetricData", &["cloudwatch:GetMetricData"]),
            Op::new("CloudWatch", "ListMetrics", &["cloudwatch:ListMetrics"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        plain_name("namespace", &args.namespace, "send a namespace such as AWS/RDS")?;
        name("namespace", &args.namespace, "send a namespace such as AWS/RDS")?;
        plain_name("metric", &args.metric, "send a metric's name such as CPUUtilization")?;
        name("metric", &args.metric, "send a metric's name such as CPUUtilization")?;
        args.dimensions.iter().try_for_each(|(key, value)| dimension(key, value))?;
        within("dimensions", i64::try_from(args.dimensions.len()).unwrap_or(i64::MAX), 0..=30)?;
        statistic(&args.statistic)?;
        if let Some(period) = args.period {
            within("period", i64::from(period), 1..=86_400)?;
            if !matches!(period, 1 | 5 | 10 | 20 | 30) && !period.is_multiple_of(60) {
                return Err(Fault::new(FaultKind::Invalid, format!("`period` is {period} s")).hint(
                    "send 60 or a multiple of it; metrics of high resolution also have 1, 5, 10, 20 and 30",
                ));
            }
        }
        Period::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Out, Fault> {
        let now = aws.now();
        let hour = Duration::from_secs(3600);
        let period = Period::of(args.since.as_deref(), args.until.as_deref(), hour, now)?;
        let oldest = args.compare.map_or(period.from, |c| period.from.minus(c.by()));
        if now.since(oldest) > OLDEST {
            return Err(Fault::new(FaultKind::Invalid, "CloudWatch keeps metrics for 455 days")
                .hint("send a later `since`, or leave `compare` out"));
        }
        // Both periods have to exist in the same step.
        let shift = args.compare.map_or(Duration::ZERO, Compare::by);
        let step = grid::fitted(args.period, oldest, period.until.minus(shift), now);
        let period = grid::aligned(period, step);
        let statistic = statistic(&args.statistic)?;
        let wanted = [Wanted {
            namespace: args.namespace.clone(),
            metric: args.metric.clone(),
            dimensions: args.dimensions.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            statistic: statistic.clone(),
            period: step,
        }];
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let read = |place| region(aws, place, args, &wanted, period, patience);
        let places = aws.gather(places, read).await.or_fault()?;
        Ok(Out { period, step, statistic, places })
    }

    fn project(args: &Args, out: &Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

async fn region(
    aws: &ReadClients,
    place: Place,
    args: &Args,
    wanted: &[Wanted],
    period: Period,
    patience: Patience,
) -> Result<RegionMetric, Fault> {
    let client = aws.cloudwatch(&place);
    let earlier = async {
        let by = args.compare?.by();
        let before = Period { from: period.from.minus(by), until: period.until.minus(by) };
        Some(data::read(&client, wanted, before, patience).await)
    };
    let (now, before) = futures::join!(data::read(&client, wanted, period, patience), earlier);
    let now = now?;
    let mut region = RegionMetric { points: first(now.points), ..RegionMetric::default() };
    region.errors.extend(now.fault.map(|fault| ("points".to_owned(), fault)));
    match before {
        Some(Ok(before)) => {
            region.earlier = first(before.points);
            region.errors.extend(before.fault.map(|fault| ("earlier points".to_owned(), fault)));
        }
        Some(Err(fault)) => region.errors.push(("earlier points".to_owned(), fault)),
        None => {}
    }
    if region.points.is_empty() && region.errors.is_empty() {
        let known = near::known(&client, &args.namespace, &args.metric, &args.dimensions);
        region.known = Some(known.await);
    }
    Ok(region)
}

fn first(points: Vec<Vec<(Timestamp, f64)>>) -> Vec<(Timestamp, f64)> {
    points.into_iter().next().unwrap_or_default()
}

/// The statistic as CloudWatch spells it.
///
/// # Errors
/// `invalid`: there is no such statistic.
fn statistic(given: &str) -> Result<String, Fault> {
    let lower = given.trim().to_ascii_lowercase();
    let known = match lower.as_str() {
        "average" | "avg" | "mean" => Some("Average"),
        "sum" | "total" => Some("Sum"),
        "minimum" | "min" => Some("Minimum"),
        "maximum" | "max" => Some("Maximum"),
        "samplecount" | "count" => Some("SampleCount"),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(known.to_owned());
    }
    let digits = lower.strip_prefix('p').filter(|d| d.len() <= 6 && !d.is_empty());
    let plain = digits.filter(|d| d.chars().all(|c| c.is_ascii_digit() || c == '.') && !d.starts_with('.'));
    match plain.and_then(|d| Some((d, d.parse::<f64>().ok()?))) {
        Some((digits, p)) if p > 0.0 && p <= 100.0 => Ok(format!("p{digits}")),
        Some(_) | None => {
            Err(Fault::new(FaultKind::Invalid, format!("`statistic`: there is no {}", shown(given)))
                .hint("send Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99"))
        }
    }
}

/// What CloudWatch takes as a name; no wildcards.
fn name(field: &str, given: &str, hint: &str) -> Result<(), Fault> {
    let fits = given.chars().all(|c| c.is_ascii_graphic() || c == ' ') && given.len() <= 255;
    if fits && !given.contains(['*', '?']) {
        return Ok(());
    }
    let why = if given.contains(['*', '?']) { "has a wildcard" } else { "is not a name CloudWatch has" };
    Err(Fault::new(FaultKind::Invalid, format!("`{field}` {why}: {}", shown(given))).hint(hint))
}

fn dimension(key: &str, value: &str) -> Result<(), Fault> {
    name("dimensions", key, "send them as {\"DBInstanceIdentifier\": \"orders-db\"}")?;
    if value.contains(['*', '?']) {
        return Err(Fault::new(FaultKind::Invalid, format!("`dimensions`: {key} has a wildcard"))
            .hint("a metric has exact dimensions: send one value; without points the nearest are named"));
    }
    // Some dimensions are ARNs; load balancers and target groups are the end of theirs.
    if let Some(rest) = value.strip_prefix("arn:").filter(|_| !key.to_ascii_lowercase().ends_with("arn")) {
        let end = rest.split_once("loadbalancer/").map(|(_, end)| end);
        let end = end.or_else(|| rest.find(":targetgroup/").and_then(|at| rest.get(at + 1..)));
        let end = end.or_else(|| rest.rsplit(['/', ':']).next()).unwrap_or_default();
        return Err(Fault::new(FaultKind::Invalid, format!("`dimensions`: {key} is an ARN"))
            .hint(format!("send the name that CloudWatch uses; perhaps {}", shown(end))));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
