//! `list_eks_clusters`: clusters with who may reach their endpoint, and their node groups with what ails them.

use super::eks::{read, view};
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

/// EKS clusters and their managed node groups.
#[derive(Debug)]
pub struct ListEksClusters;

/// What `list_eks_clusters` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only clusters of this name; `*` and `?` are wildcards, case counts, e.g. "prod-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl Args {
    /// The one cluster that is named, without wildcards.
    pub(super) fn exact(&self) -> Option<&str> {
        self.name.as_deref().filter(|n| !is_pattern(n))
    }
}

impl ReadTool for ListEksClusters {
    const SPEC: Spec = Spec {
        name: "list_eks_clusters",
        description: "EKS (Kubernetes) clusters: version, status, whether the API endpoint is public and for which CIDRs, \
            managed node groups with desired and max size and their health issues. The first tool for \"is the cluster \
            healthy?\", \"why do nodes not join?\". Pods, Fargate and self-managed nodes are not seen: for nodes as \
            instances use list_ec2_instances, for groups of your own list_auto_scaling_groups, for ECS \
            list_ecs_services. Free.",
        reads: &[
            Op::new("EKS", "ListClusters", &["eks:ListClusters"]),
            Op::new("EKS", "DescribeCluster", &["eks:DescribeCluster"]),
            Op::new("EKS", "ListNodegroups", &["eks:ListNodegroups"]),
            Op::new("EKS", "DescribeNodegroup", &["eks:DescribeNodegroup"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<read::Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        let Some(name) = &args.name else { return Ok(()) };
        given::plain_name("name", name, "send the cluster's name")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '?');
        if name.chars().all(plain) && name.len() <= 100 {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Invalid,
            format!("`name`: {} cannot be a cluster's name", given::shown(name)),
        )
        .hint("names have at most 100 letters, digits, - and _, e.g. prod-1"))
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let asked = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let read = |place| async move { read::region(&aws.eks(&place), args, patience).await };
        let out = aws.gather(asked, read).await.or_fault()?;
        let whole = out.errors.is_empty() && out.answers.iter().all(|(_, r)| r.errors.is_empty());
        match args.exact() {
            Some(name) if whole && out.answers.iter().all(|(_, r)| r.clusters.is_empty()) => {
                let names = out.answers.iter().flat_map(|(_, r)| r.others.iter().map(String::as_str));
                Err(places::unknown("EKS cluster", name, names, &places::searched(&out)))
            }
            Some(_) | None => Ok(out),
        }
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
