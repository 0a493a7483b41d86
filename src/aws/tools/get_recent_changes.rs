//! `get_recent_changes`: who changed what, out of CloudTrail's event history.

use super::changes::filter::Wanted;
use super::changes::read::{self, RegionChanges};
use super::changes::view;
use super::reading::patience::Patience;
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// API calls that changed something.
#[derive(Debug)]
pub struct GetRecentChanges;

/// What `get_recent_changes` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// From then on: a span before now ("3h", "2d") or RFC 3339, at most 90 days back. Default: 3 hours before `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Until then: a span before now ("1h") or RFC 3339. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What they are about: an id, a name or an ARN, e.g. "checkout-api"; looked for in resources and request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Who: a user, role or session name, e.g. "jo".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The service, e.g. "ecs" or "ec2.amazonaws.com".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The API call, e.g. "UpdateService"; a read named here is found too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The access key id it was made with, e.g. "AKIAIOSFODNN7EXAMPLE". Finds reads too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// Reads (Describe, List, Get) as well as changes. Default: false.
    #[serde(default)]
    pub include_reads: bool,
    /// At most this many events, the newest, 1 to 1000. Default: 200.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 1_000))]
    pub limit: u32,
    /// Regions, e.g. ["eu-west-1"], or ["all"]; us-east-1 is always read too. Default: the session's.
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
    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

/// Where global services record their events.
const GLOBAL: &str = "us-east-1";

/// What every region answered, for the period asked for.
#[derive(Debug)]
pub struct Out {
    pub(super) period: Period,
    pub(super) places: Gathered<RegionChanges>,
}

impl ReadTool for GetRecentChanges {
    const SPEC: Spec = Spec {
        name: "get_recent_changes",
        description: "Who changed what, when, from where, and whether it failed: API calls out of CloudTrail, deploys, \
            security groups and IAM included. The right tool for \"what changed before it broke?\", \"who deployed, \
            stopped, deleted ...?\". Name a resource, user, service, event or access key to narrow it. The last 5 to 15 \
            minutes may be missing; 90 days are kept. Not for what is wrong now (get_active_alarms), nor for what an \
            application logged (get_cloudwatch_logs). Free; 2 requests a second, so long periods are read in part.",
        reads: &[Op::new("CloudTrail", "LookupEvents", &["cloudtrail:LookupEvents"])],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        if !(1..=1_000).contains(&args.limit) {
            return Err(
                Fault::new(FaultKind::Invalid, format!("`limit` is {}", args.limit)).hint("send 1 to 1000")
            );
        }
        Period::check(args.since.as_deref(), args.until.as_deref())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Out, Fault> {
        let default = Duration::from_secs(3 * 3600);
        let period = Period::of(args.since.as_deref(), args.until.as_deref(), default, aws.now())?;
        let asked = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let added = added(&asked);
        let regions = asked.iter().any(|p| asked.first().is_some_and(|f| f.region != p.region));
        let places = asked.iter().chain(&added).cloned().collect();
        let patience = Patience::begin();
        let (added, wanted) = (&added, &Wanted::of(args));
        let mut places = aws
            .gather(places, |place| async move {
                read::region(aws, &place, args, wanted, period, (patience, added.contains(&place))).await
            })
            .await;
        // Who asked for one region needs no column for it.
        places.many_regions = regions;
        for error in places.errors.iter_mut().filter(|e| added.iter().any(|a| a.region == e.place)) {
            error.place.push_str(" (global services such as IAM)");
        }
        Ok(Out { period, places: places.or_fault()? })
    }

    fn project(args: &Args, out: &Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

/// The place of the global services in every account in which it was not asked for.
fn added(asked: &[Place]) -> Vec<Place> {
    let mut added: Vec<Place> = Vec::new();
    for place in asked {
        let global = Place { account: place.account.clone(), region: GLOBAL.to_owned() };
        let elsewhere = place.region.starts_with("cn-") || place.region.starts_with("us-gov-");
        if !elsewhere && !asked.contains(&global) && !added.contains(&global) {
            added.push(global);
        }
    }
    added
}

#[cfg(test)]
mod tests;
