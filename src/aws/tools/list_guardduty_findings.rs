//! `list_guardduty_findings`: what GuardDuty found, and where it does not look.

use super::guardduty::finding;
use super::guardduty::read::{self, Asked, Region};
use super::guardduty::view;
use super::reading::patience::Patience;
use super::reading::period::Period;
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// GuardDuty's findings.
#[derive(Debug)]
pub struct ListGuarddutyFindings;

/// What `list_guardduty_findings` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only findings at least this severe, e.g. "HIGH". Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// Only findings updated since then: RFC 3339 or a span, e.g. "3d". Default: all of 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// GuardDuty's severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Severity {
    #[serde(alias = "low")]
    Low,
    #[serde(alias = "medium")]
    Medium,
    #[serde(alias = "high")]
    High,
    #[serde(alias = "critical")]
    Critical,
}

impl Severity {
    /// As findings have it.
    pub(super) const fn severity(self) -> finding::Severity {
        match self {
            Self::Low => finding::Severity::Low,
            Self::Medium => finding::Severity::Medium,
            Self::High => finding::Severity::High,
            Self::Critical => finding::Severity::Critical,
        }
    }
}

impl ReadTool for ListGuarddutyFindings {
    const SPEC: Spec = Spec {
        name: "list_guardduty_findings",
        description: "GuardDuty threat findings that are not archived: severity, type, resource, actor address, count, first and last \
            seen; says where GuardDuty is off. For \"are we under attack?\", \"is anything compromised?\". For what is open to attack use \
            audit_security_groups; for what an actor did get_recent_changes with its address or key; for key ages check_iam_key_age. Free.",
        reads: &[
            Op::new("GuardDuty", "ListDetectors", &["guardduty:ListDetectors"]),
            Op::new("GuardDuty", "GetDetector", &["guardduty:GetDetector"]),
            Op::new("GuardDuty", "ListFindings", &["guardduty:ListFindings"]),
            Op::new("GuardDuty", "GetFindings", &["guardduty:GetFindings"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        Period::check(args.since.as_deref(), None)
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let since = args.since.as_deref().map(|s| Period::of(Some(s), None, Duration::ZERO, aws.now()));
        let since = since.transpose()?.map(|period| period.from);
        let severity = args.min_severity.map(Severity::severity);
        let (asked, patience) = (Asked { severity, since }, Patience::begin());
        aws.gather(places, |place| read::region(aws.guardduty(&place), asked, patience)).await.or_fault()
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
