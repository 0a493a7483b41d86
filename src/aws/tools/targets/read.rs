//! Target groups and the health of what is in them: one request a group, a few under way at a time.

use super::name::{Named, short};
use crate::place::Gathered;
use crate::tool::CEILING;
use crate::tools::get_target_health::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::places::{searched, unknown};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersError;
use aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::DescribeTargetGroupsError;
use aws_sdk_elasticloadbalancingv2::types::{TargetGroup, TargetHealthDescription};
use futures::{StreamExt, stream};
use quarterdeck_core::tool::{Fault, FaultKind};

/// Target groups whose health is asked for in a region.
pub const GROUPS: usize = 500;
const AT_ONCE: usize = 8;
const PAGE: i32 = 400;

/// One region's target groups.
#[derive(Debug, Default)]
pub struct Region {
    pub groups: Vec<Group>,
    /// How many groups were not asked for want of time or room.
    pub unasked: usize,
    /// Whether there are more groups than the ceiling.
    pub more: bool,
    /// What a name was looked for in vain.
    pub absent: Option<Absent>,
    pub errors: Vec<(String, Fault)>,
}

/// What is not there, and what is.
#[derive(Debug)]
pub enum Absent {
    /// No such load balancer; those there are.
    LoadBalancer(Vec<String>),
    /// No such target group; those there are.
    TargetGroup(Vec<String>),
    /// The target group is there, behind these load balancers.
    Elsewhere(Vec<String>),
}

/// A target group with its targets.
#[derive(Debug)]
pub struct Group {
    pub group: TargetGroup,
    /// `None` when they were not asked for or not answered.
    pub targets: Option<Vec<TargetHealthDescription>>,
}

impl Group {
    /// Names of the load balancers that use it.
    pub fn load_balancers(&self) -> Vec<&str> {
        self.group.load_balancer_arns().iter().map(|arn| short(arn)).collect()
    }
}

/// The target groups that `args` asks for.
pub async fn region(client: &Client, args: &Args, patience: Patience) -> Result<Region, Fault> {
    let mut region = Region::default();
    let groups = match (&args.load_balancer, &args.target_group) {
        (lb, Some(group)) => match one_group(client, group, patience).await? {
            Some(found) if lb.as_ref().is_none_or(|lb| behind(&found, lb)) => vec![found],
            Some(found) => {
                let others = found.load_balancer_arns().iter().map(|arn| short(arn).to_owned());
                region.absent = Some(Absent::Elsewhere(others.collect()));
                return Ok(region);
            }
            None => {
                let listed = list(client, None, patience, &mut region).await.unwrap_or_default();
                let names = listed.into_iter().filter_map(|g| g.target_group_name).collect();
                region.absent = Some(Absent::TargetGroup(names));
                return Ok(region);
            }
        },
        (Some(lb), None) => match load_balancer(client, lb, patience).await? {
            Some(arn) => list(client, Some(arn), patience, &mut region).await?,
            None => {
                region.absent = Some(Absent::LoadBalancer(load_balancer_names(client, patience).await));
                return Ok(region);
            }
        },
        (None, None) => list(client, None, patience, &mut region).await?,
    };
    let all = args.target_group.is_some();
    // Nobody sends traffic to a group without a load balancer: its targets are all "unused", without asking.
    let (ask, idle): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|g| all || !g.load_balancer_arns().is_empty());
    health(client, ask, patience, &mut region).await?;
    region.groups.extend(idle.into_iter().map(|group| Group { group, targets: None }));
    Ok(region)
}

fn behind(group: &TargetGroup, wanted: &str) -> bool {
    group.load_balancer_arns().iter().any(|arn| match Named::of(wanted) {
        Named::Arn(wanted) => wanted == arn,
        Named::Name(wanted) => wanted == short(arn),
    })
}

/// The health of every one of `groups`. Source: ELB DescribeTargetHealth.
async fn health(
    client: &Client,
    mut groups: Vec<TargetGroup>,
    patience: Patience,
    region: &mut Region,
) -> Result<(), Fault> {
    let rest = groups.split_off(groups.len().min(GROUPS));
    region.unasked += rest.len();
    let reads = groups.into_iter().map(|group| async move {
        if patience.is_over() {
            return (group, None);
        }
        let asked = client.describe_target_health().set_target_group_arn(group.target_group_arn.clone());
        let answer = patience.page(asked.send()).await;
        (group, Some(answer.map(|a| a.target_health_descriptions.unwrap_or_default()).map_err(|e| e.fault())))
    });
    let answers: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let mut lost: Option<(Fault, Vec<String>)> = None;
    let mut answered = false;
    for (group, answer) in answers {
        match answer {
            Some(Ok(targets)) => {
                answered = true;
                region.groups.push(Group { group, targets: Some(targets) });
            }
            // Deleted since it was listed.
            Some(Err(fault)) if fault.kind == FaultKind::Missing => {}
            Some(Err(fault)) => {
                let name = group.target_group_name.unwrap_or_default();
                lost.get_or_insert((fault, Vec::new())).1.push(name);
            }
            None => region.unasked += 1,
        }
    }
    match lost {
        Some((fault, _)) if !answered => return Err(fault),
        Some((fault, names)) => region.errors.push((in_short(&names), fault)),
        None => {}
    }
    Ok(())
}

/// `health of target groups a, b, c and 4 more`.
fn in_short(names: &[String]) -> String {
    let more = names.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    format!("health of target groups {}{more}", first.join(", "))
}

/// Source: ELB DescribeTargetGroups. `None` when there is none of that name.
async fn one_group(client: &Client, wanted: &str, patience: Patience) -> Result<Option<TargetGroup>, Fault> {
    let asked = client.describe_target_groups();
    let asked = match Named::of(wanted) {
        Named::Arn(arn) => asked.target_group_arns(arn),
        Named::Name(name) => asked.names(name),
    };
    match patience.page(asked.send()).await {
        Ok(answer) => Ok(answer.target_groups.unwrap_or_default().into_iter().next()),
        Err(e) if e.service().is_some_and(DescribeTargetGroupsError::is_target_group_not_found_exception) => {
            Ok(None)
        }
        Err(e) => Err(e.fault()),
    }
}

/// The ARN of a load balancer. Source: ELB DescribeLoadBalancers. `None` when there is none of that name.
async fn load_balancer(client: &Client, wanted: &str, patience: Patience) -> Result<Option<String>, Fault> {
    let asked = client.describe_load_balancers();
    let asked = match Named::of(wanted) {
        Named::Arn(arn) => asked.load_balancer_arns(arn),
        Named::Name(name) => asked.names(name),
    };
    match patience.page(asked.send()).await {
        Ok(answer) => {
            Ok(answer.load_balancers.unwrap_or_default().into_iter().next().and_then(|l| l.load_balancer_arn))
        }
        Err(e)
            if e.service().is_some_and(DescribeLoadBalancersError::is_load_balancer_not_found_exception) =>
        {
            Ok(None)
        }
        Err(e) => Err(e.fault()),
    }
}

/// Names of load balancers there are; none when that cannot be told.
async fn load_balancer_names(client: &Client, patience: Patience) -> Vec<String> {
    let answer = patience.page(client.describe_load_balancers().page_size(PAGE).send()).await;
    let all = answer.ok().and_then(|a| a.load_balancers).unwrap_or_default();
    all.into_iter().filter_map(|l| l.load_balancer_name).collect()
}

/// Every page of target groups, of one load balancer or of the region. Source: ELB DescribeTargetGroups.
async fn list(
    client: &Client,
    load_balancer: Option<String>,
    patience: Patience,
    region: &mut Region,
) -> Result<Vec<TargetGroup>, Fault> {
    let mut groups = Vec::new();
    let mut marker = None;
    loop {
        let asked = client
            .describe_target_groups()
            .set_load_balancer_arn(load_balancer.clone())
            .page_size(PAGE)
            .set_marker(marker);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                groups.extend(answer.target_groups.unwrap_or_default());
                marker = answer.next_marker.filter(|m| !m.is_empty());
            }
            Err(e) if groups.is_empty() => return Err(e.fault()),
            Err(e) => {
                region.errors.push((format!("target groups after the first {}", groups.len()), e.fault()));
                return Ok(groups);
            }
        }
        if marker.is_none() || groups.len() >= CEILING {
            region.more = marker.is_some();
            return Ok(groups);
        }
    }
}

/// The fault when what was named is nowhere, although every place answered.
pub fn not_found(args: &Args, out: &Gathered<Region>) -> Option<Fault> {
    let regions = || out.answers.iter().map(|(_, r)| r);
    if !out.errors.is_empty() || regions().any(|r| r.absent.is_none()) {
        return None;
    }
    let place = searched(out);
    let elsewhere = regions().find_map(|r| match &r.absent {
        Some(Absent::Elsewhere(names)) => Some(names),
        Some(Absent::LoadBalancer(_) | Absent::TargetGroup(_)) | None => None,
    });
    if let (Some(names), Some(group)) = (elsewhere, &args.target_group) {
        let whose = if names.is_empty() {
            "no load balancer uses it".to_owned()
        } else {
            format!("it is behind {}", names.join(", "))
        };
        let lb = short(args.load_balancer.as_deref().unwrap_or_default());
        let what = format!("target group {:?} is not behind {lb:?}: {whose}", short(group));
        return Some(Fault::new(FaultKind::Missing, what).hint("leave `load_balancer` out"));
    }
    let names: Vec<&str> = regions()
        .filter_map(|r| r.absent.as_ref())
        .flat_map(|absent| match absent {
            Absent::LoadBalancer(names) | Absent::TargetGroup(names) => names.iter(),
            Absent::Elsewhere(_) => [].iter(),
        })
        .map(String::as_str)
        .collect();
    let (what, wanted) = match (&args.target_group, &args.load_balancer) {
        (Some(group), _) => ("target group", group),
        (None, Some(lb)) => ("load balancer (Classic ones are not seen)", lb),
        (None, None) => return None,
    };
    Some(unknown(what, short(wanted), names, &place))
}
