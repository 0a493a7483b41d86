//! `get_active_alarms`: what CloudWatch says hurts, since when, and why.

use super::alarms::read::{self, RegionAlarms};
use super::alarms::view;
use super::reading::patience::Patience;
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use aws_sdk_cloudwatch::types::StateValue;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// CloudWatch alarms, metric and composite.
#[derive(Debug)]
pub struct GetActiveAlarms;

/// What `get_active_alarms` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// What the name begins with; case counts, e.g. "checkout-".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only alarms in this state. Those in INSUFFICIENT_DATA are counted in any case.
    #[serde(default)]
    pub state: State,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// States to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum State {
    #[default]
    #[serde(rename = "ALARM", alias = "alarm")]
    Alarm,
    #[serde(rename = "OK", alias = "ok")]
    Ok,
    #[serde(rename = "INSUFFICIENT_DATA", alias = "insufficient_data")]
    InsufficientData,
    #[serde(rename = "all", alias = "ALL")]
    All,
}

impl State {
    /// What is asked of the API, each apart: the state listed and the one counted. `None` is every state.
    pub(super) fn asked(self) -> Vec<Option<StateValue>> {
        match self {
            Self::Alarm => vec![Some(StateValue::Alarm), Some(StateValue::InsufficientData)],
            Self::Ok => vec![Some(StateValue::Ok), Some(StateValue::InsufficientData)],
            Self::InsufficientData => vec![Some(StateValue::InsufficientData)],
            Self::All => vec![None],
        }
    }

    /// Whether alarms in `state` are listed.
    pub(super) fn lists(self, state: &str) -> bool {
        match self {
            Self::Alarm => state == "ALARM",
            Self::Ok => state == "OK",
            Self::InsufficientData => state == "INSUFFICIENT_DATA",
            Self::All => true,
        }
    }
}

impl ReadTool for GetActiveAlarms {
    const SPEC: Spec = Spec {
        name: "get_active_alarms",
        description: "CloudWatch alarms, metric and composite: which fire, since when, why, metric, dimensions, \
            threshold, whether their actions are on, whether they flap. The first tool for \"what is wrong?\", \"what is \
            alarming?\", \"why was I paged?\". It reads alarms, not the metrics behind them, and says nothing about what \
            has no alarm: for ECS services use list_ecs_services, for log lines get_cloudwatch_logs, for what changed \
            before it began get_recent_changes. Free; reads every page.",
        reads: &[
            Op::new("CloudWatch", "DescribeAlarms", &["cloudwatch:DescribeAlarms"]),
            Op::new("CloudWatch", "DescribeAlarmHistory", &["cloudwatch:DescribeAlarmHistory"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<RegionAlarms>;

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let (now, patience) = (aws.now(), Patience::begin());
        aws.gather(places, |place| read::region(aws.cloudwatch(&place), args, now, patience)).await.or_fault()
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
