//! `get_cloudwatch_logs`: the newest lines of a log group.

use super::ecs::names::named_regions;
use super::logs::groups;
use super::logs::read::{self, RegionLines};
use super::logs::view;
use super::reading::patience::Patience;
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Lines of a log group, the newest first.
#[derive(Debug)]
pub struct GetCloudwatchLogs;

/// What `get_cloudwatch_logs` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The log group: its name or ARN, for example "/ecs/checkout-api".
    pub log_group: String,
    /// From then on: a span before now ("15m") or RFC 3339. Default: an hour before `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Until then: a span before now ("10m") or RFC 3339. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// A CloudWatch Logs filter pattern; case counts: "ERROR timeout" (both), "?ERROR ?FATAL" (either),
    /// "\"out of memory\"", "ERROR -health", "{ $.status = 500 }".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Only streams whose name begins with this, for example "app/checkout/".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,
    /// At most this many lines, the newest, 1 to 10000. Default: 200.
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
    200
}

impl Args {
    /// The filter pattern, when there is one.
    pub(super) fn pattern(&self) -> Option<&str> {
        self.pattern.as_deref().map(str::trim).filter(|p| !p.is_empty())
    }

    /// Lines to find.
    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    fn period(&self, now: Timestamp) -> Result<Period, Fault> {
        Period::of(self.since.as_deref(), self.until.as_deref(), Duration::from_secs(3600), now)
    }
}

/// What every place answered, for the period asked for.
#[derive(Debug)]
pub struct Out {
    pub(super) period: Period,
    pub(super) places: Gathered<RegionLines>,
}

impl ReadTool for GetCloudwatchLogs {
    const SPEC: Spec = Spec {
        name: "get_cloudwatch_logs",
        description: "The newest lines of one log group, newest first, near-identical lines folded with how often they \
            were seen: errors, stack traces, what a container said last. Filter with `pattern` and `stream_prefix`; an \
            unknown group is answered with the nearest names. The right tool after get_ecs_stopped_tasks or \
            get_active_alarms named a service. Not for counting over days or joining groups, and not for who called an \
            API: that is get_recent_changes. Free; reads backwards and says how far it got.",
        reads: &[
            Op::new("CloudWatch Logs", "FilterLogEvents", &["logs:FilterLogEvents"]),
            Op::new("CloudWatch Logs", "DescribeLogGroups", &["logs:DescribeLogGroups"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        if args.log_group.trim().is_empty() {
            return Err(Fault::new(FaultKind::Invalid, "`log_group` is empty")
                .hint("send a name such as /ecs/checkout-api"));
        }
        if !(1..=10_000).contains(&args.limit) {
            return Err(
                Fault::new(FaultKind::Invalid, format!("`limit` is {}", args.limit)).hint("send 1 to 10000")
            );
        }
        Period::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Out, Fault> {
        let period = args.period(aws.now())?;
        let named = named_regions(&[&Some(args.log_group.clone())]);
        let places =
            aws.places(args.regions.as_deref().or(named.as_deref()), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let places = aws
            .gather(places, |place| async move { read::region(aws, &place, args, period, patience).await })
            .await
            .or_fault()?;
        if places.errors.is_empty() && places.answers.iter().all(|(_, r)| r.unknown) {
            return Err(groups::unknown(aws, args, &places).await);
        }
        Ok(Out { period, places })
    }

    fn project(args: &Args, out: &Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
