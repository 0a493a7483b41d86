//! `get_cost_by_service`: what was spent on what, against the period before.

use super::costs::days::{Days, day_of};
use super::costs::usage::{self, Ask, Costs};
use super::costs::view;
use super::reading::global;
use super::reading::patience::Patience;
use crate::clients::ReadClients;
use crate::given::shown;
use crate::place::Gathered;
use crate::tool::ReadTool;
use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::types::{Granularity as Step, GroupDefinition, GroupDefinitionType};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::Date;

/// Days looked at unless asked otherwise.
pub(super) const DAYS: i64 = 30;
/// Dimensions costs can be grouped by.
const DIMENSIONS: [&str; 4] = ["SERVICE", "LINKED_ACCOUNT", "REGION", "USAGE_TYPE"];

/// Costs by service, account, region, usage type or tag.
#[derive(Debug)]
pub struct GetCostByService;

/// What `get_cost_by_service` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// First day (UTC), as "7d" or "2026-11-01". Default "30d".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Day after the last, as "2026-12-01". Default: today, which is then left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Step of the series.
    #[serde(default)]
    pub granularity: Granularity,
    /// SERVICE (default), LINKED_ACCOUNT, REGION, USAGE_TYPE or a tag as "tag:team".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// Which cost.
    #[serde(default)]
    pub metric: Metric,
    /// Count credits and refunds (negative). Default false.
    #[serde(default)]
    pub include_credits: bool,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// The step of the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Granularity {
    #[default]
    #[serde(alias = "DAILY")]
    Daily,
    #[serde(alias = "MONTHLY")]
    Monthly,
}

/// Which cost is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, clippy::enum_variant_names)]
pub enum Metric {
    #[default]
    UnblendedCost,
    AmortizedCost,
    BlendedCost,
    NetUnblendedCost,
    NetAmortizedCost,
}

impl Metric {
    /// As Cost Explorer calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UnblendedCost => "UnblendedCost",
            Self::AmortizedCost => "AmortizedCost",
            Self::BlendedCost => "BlendedCost",
            Self::NetUnblendedCost => "NetUnblendedCost",
            Self::NetAmortizedCost => "NetAmortizedCost",
        }
    }
}

/// One account's costs, now and before.
#[derive(Debug)]
pub struct Spent {
    /// The days asked about.
    pub days: Days,
    /// The days compared with.
    pub before_days: Days,
    /// The day of the call.
    pub today: Date,
    /// What was spent.
    pub now: Costs,
    /// What was spent before; `None`: not known.
    pub before: Option<Costs>,
    /// What is missing.
    pub errors: Vec<(String, Fault)>,
}

/// What costs are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// A dimension.
    Dimension(&'static str),
    /// A tag's key.
    Tag(String),
}

impl Group {
    /// # Errors
    /// `invalid`: neither a dimension nor a tag.
    pub(super) fn of(given: Option<&str>) -> Result<Self, Fault> {
        let given = given.unwrap_or("SERVICE");
        if let Some((kind, key)) = given.split_once(':')
            && kind.eq_ignore_ascii_case("tag")
            && !key.trim().is_empty()
            && key.chars().count() <= 128
        {
            return Ok(Self::Tag(key.to_owned()));
        }
        let known = DIMENSIONS.into_iter().find(|d| d.eq_ignore_ascii_case(given));
        known.map(Self::Dimension).ok_or_else(|| {
            Fault::new(
                FaultKind::Invalid,
                format!("`group_by`: {} is nothing costs are grouped by", shown(given)),
            )
            .hint("send SERVICE, LINKED_ACCOUNT, REGION, USAGE_TYPE or tag:KEY such as tag:team")
        })
    }

    fn definition(&self) -> GroupDefinition {
        let (kind, key) = match self {
            Self::Dimension(name) => (GroupDefinitionType::Dimension, *name),
            Self::Tag(key) => (GroupDefinitionType::Tag, key.as_str()),
        };
        GroupDefinition::builder().r#type(kind).key(key).build()
    }
}

impl ReadTool for GetCostByService {
    const SPEC: Spec = Spec {
        name: "get_cost_by_service",
        description: "What AWS cost: amount per service (or linked account, region, usage type, tag) over whole days, \
            largest first, against the period before; new and gone ones; by day for the chart. For \"what do we spend, on \
            what, what rose?\". In an organisation's payer account group_by LINKED_ACCOUNT shows every member: do not ask \
            each. For unexpected jumps, this month so far and its forecast use get_cost_anomalies. Lags up to a day. AWS \
            bills $0.01 a request: two a call, more where there are pages.",
        reads: &[Op::new("Cost Explorer", "GetCostAndUsage", &["ce:GetCostAndUsage"])],
        writes: &[],
        region: RegionRule::UsEast1,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Spent>;

    fn check(args: &Args) -> Result<(), Fault> {
        Group::of(args.group_by.as_deref())?;
        Days::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let days = Days::of(args.since.as_deref(), args.until.as_deref(), DAYS, aws.now())?;
        let group = Group::of(args.group_by.as_deref())?;
        let (today, patience, group) = (day_of(aws.now()), Patience::begin(), &group);
        global::gather(aws, args.accounts.as_deref(), "Cost Explorer", |place| {
            let costs = aws.costs(&place);
            async move { read(&costs, args, days, group, today, patience).await }
        })
        .await
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

/// This period, then the one before. Two requests: what is older than Cost Explorer keeps fails the second alone, and of
/// the second only the sums are needed, which come by month.
async fn read(
    costs: &Client,
    args: &Args,
    days: Days,
    group: &Group,
    today: Date,
    patience: Patience,
) -> Result<Spent, Fault> {
    let (step, before_days) = match args.granularity {
        Granularity::Daily => (Step::Daily, days.before()),
        Granularity::Monthly => (Step::Monthly, days.months_before()),
    };
    let group = Some(group.definition());
    let ask =
        Ask { days, granularity: step, metric: args.metric.name(), group, credits: args.include_credits };
    let now = usage::read(costs, &ask, patience).await?;
    let ask = Ask { days: before_days, granularity: Step::Monthly, ..ask };
    let before = usage::read(costs, &ask, patience).await;
    let mut errors = Vec::new();
    errors.extend(now.missing.clone().map(|fault| (format!("costs {days}"), fault)));
    let before = match before {
        // Half of the period before is nothing to compare with.
        Ok(Costs { missing: Some(fault), .. }) | Err(fault) => {
            errors.push((format!("costs {before_days}"), fault));
            None
        }
        Ok(before) => Some(before).filter(|b| b.answered),
    };
    Ok(Spent { days, before_days, today, now, before, errors })
}

#[cfg(test)]
mod tests;
