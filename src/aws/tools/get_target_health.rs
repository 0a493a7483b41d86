//! `get_target_health`: which targets get no traffic, and why.

use super::reading::arn::named_regions;
use super::reading::patience::Patience;
use super::targets::{name, read, view};
use crate::clients::ReadClients;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Targets of Application, Network and Gateway Load Balancers.
#[derive(Debug)]
pub struct GetTargetHealth;

/// What `get_target_health` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only behind this load balancer: its name or ARN, e.g. "shop-public".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// Only this target group: its name or ARN, e.g. "checkout-api".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    /// Only unhealthy targets and groups in use that are empty. Default: false.
    #[serde(default)]
    pub only_unhealthy: bool,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl ReadTool for GetTargetHealth {
    const SPEC: Spec = Spec {
        name: "get_target_health",
        description: "Health of load balancer targets (ALB, NLB, gateway): state, reason code explained, port, by target \
            group; unhealthy first. The first tool for \"why 502/503/504?\", \"which targets are out?\". For ECS tasks that \
            keep dying use get_ecs_stopped_tasks, for the instances list_ec2_instances, for request and error counts \
            get_metrics. Classic load balancers are not seen. Free; one request a target group.",
        reads: &[
            Op::new(
                "Elastic Load Balancing v2",
                "DescribeLoadBalancers",
                &["elasticloadbalancing:DescribeLoadBalancers"],
            ),
            Op::new(
                "Elastic Load Balancing v2",
                "DescribeTargetGroups",
                &["elasticloadbalancing:DescribeTargetGroups"],
            ),
            Op::new(
                "Elastic Load Balancing v2",
                "DescribeTargetHealth",
                &["elasticloadbalancing:DescribeTargetHealth"],
            ),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<read::Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        args.load_balancer.as_deref().map_or(Ok(()), name::check_load_balancer)?;
        args.target_group.as_deref().map_or(Ok(()), name::check_target_group)
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let named = named_regions(&[&args.target_group, &args.load_balancer]);
        let asked =
            aws.places(args.regions.as_deref().or(named.as_deref()), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let read = |place| async move { read::region(&aws.elb(&place), args, patience).await };
        let out = aws.gather(asked, read).await.or_fault()?;
        read::not_found(args, &out).map_or(Ok(out), Err)
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
