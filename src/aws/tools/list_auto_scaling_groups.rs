//! `list_auto_scaling_groups`: what each group wants, what it has, and why it could not get the rest.

use super::asg::{read, view};
use super::reading::patience::Patience;
use super::reading::places;
use super::reading::wildcard::is_pattern;
use crate::clients::ReadClients;
use crate::given;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// EC2 Auto Scaling groups.
#[derive(Debug)]
pub struct ListAutoScalingGroups;

/// What `list_auto_scaling_groups` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only groups of this name; `*` and `?` are wildcards, case counts, e.g. "web-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only groups with this tag, "key=value" or "key", no wildcards, e.g. "team=shop".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl Args {
    /// The one group that is named, without wildcards.
    pub(super) fn exact(&self) -> Option<&str> {
        self.name.as_deref().filter(|n| !is_pattern(n))
    }

    /// Key and value of the tag asked for.
    pub(super) fn tag(&self) -> Option<(&str, Option<&str>)> {
        let tag = self.tag.as_deref()?;
        Some(tag.split_once('=').map_or((tag, None), |(key, value)| (key, Some(value))))
    }
}

impl ReadTool for ListAutoScalingGroups {
    const SPEC: Spec = Spec {
        name: "list_auto_scaling_groups",
        description: "EC2 Auto Scaling groups: min, desired and max, healthy and unhealthy members, suspended processes, \
            the last failed scaling activity and its cause. The first tool for \"why does it not scale?\", \"why are \
            there too few instances?\". For the instances themselves use list_ec2_instances, for node groups of \
            Kubernetes list_eks_clusters, for ECS services list_ecs_services. Does not look at instance refreshes. Free.",
        reads: &[
            Op::new("Auto Scaling", "DescribeAutoScalingGroups", &["autoscaling:DescribeAutoScalingGroups"]),
            Op::new("Auto Scaling", "DescribeScalingActivities", &["autoscaling:DescribeScalingActivities"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<read::Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        if let Some(name) = &args.name {
            given::plain_name("name", name, "send the group's name")?;
            given::within(
                "length of `name`",
                i64::try_from(name.chars().count()).unwrap_or(i64::MAX),
                1..=255,
            )?;
            if given::is_id(name, &["i"]) {
                return Err(Fault::new(
                    FaultKind::Invalid,
                    "`name` is an instance id, a group's name is needed",
                )
                .hint("list_ec2_instances with this id says its group"));
            }
        }
        let Some((key, value)) = args.tag() else { return Ok(()) };
        if key.is_empty() {
            return Err(
                Fault::new(FaultKind::Invalid, "the tag has no key").hint("send \"key=value\" or \"key\"")
            );
        }
        if is_pattern(key) || value.is_some_and(is_pattern) {
            return Err(Fault::new(FaultKind::Invalid, "`tag` has a wildcard: tags are compared whole")
                .hint("send \"key\" alone for every value of it, or wildcards in `name`"));
        }
        Ok(())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let asked = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let out = aws
            .gather(asked, |place| read::region(aws.autoscaling(&place), args, patience))
            .await
            .or_fault()?;
        match args.exact() {
            Some(name) if args.tag.is_none() && nowhere(&out) => {
                let names = out.answers.iter().flat_map(|(_, r)| r.others.iter().map(String::as_str));
                Err(places::unknown("Auto Scaling group", name, names, &places::searched(&out)))
            }
            Some(_) | None => Ok(out),
        }
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

/// Everything answered, and there is no group.
fn nowhere(out: &Gathered<read::Region>) -> bool {
    out.errors.is_empty() && out.answers.iter().all(|(_, r)| r.groups.is_empty() && r.errors.is_empty())
}

#[cfg(test)]
mod tests;
