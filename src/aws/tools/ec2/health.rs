//! Whether instances are the last healthy targets of a target group.

use super::plan::{Warnings, unknown};
use crate::fault;
use aws_sdk_ec2::types::Instance;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    TargetGroup, TargetHealthDescription, TargetHealthStateEnum, TargetTypeEnum,
};
use futures::StreamExt;
use quarterdeck_core::approval::WarningLevel;
use quarterdeck_core::tool::Fault;
use std::collections::BTreeSet;

/// Target groups looked at before the rest counts as not known.
const GROUPS: usize = 200;
const AT_ONCE: usize = 8;

/// Warns of every target group that would be left without a healthy target; what could not be read goes to `facts`.
pub async fn check(elb: &Client, instances: &[&Instance], warnings: &mut Warnings, facts: &mut Vec<String>) {
    let what = "whether they are the last healthy targets of a target group";
    let groups = match groups(elb, instances).await {
        Ok(groups) => groups,
        Err(fault) => {
            facts.push(unknown(what, &fault));
            return;
        }
    };
    if groups.len() > GROUPS {
        facts.push(format!("{what}: only {GROUPS} of {} target groups were looked at", groups.len()));
    }
    let read = groups.into_iter().take(GROUPS).map(|group| async move {
        let answer = elb.describe_target_health().set_target_group_arn(group.target_group_arn).send().await;
        (group.target_group_name.unwrap_or_default(), answer.map_err(|e| fault::of(&e)))
    });
    let answers: Vec<_> = futures::stream::iter(read).buffered(AT_ONCE).collect().await;
    for (name, answer) in answers {
        match answer {
            Ok(answer) => judge(&name, answer.target_health_descriptions(), instances, warnings),
            Err(fault) => facts.push(unknown(&format!("the health of target group {name}"), &fault)),
        }
    }
}

/// Target groups of the instances' networks that hold instances or addresses. Source: ELB DescribeTargetGroups.
async fn groups(elb: &Client, instances: &[&Instance]) -> Result<Vec<TargetGroup>, Fault> {
    let networks: BTreeSet<&str> = instances.iter().filter_map(|i| i.vpc_id()).collect();
    let mut groups = Vec::new();
    let mut marker = None;
    loop {
        let answer = elb
            .describe_target_groups()
            .page_size(400)
            .set_marker(marker)
            .send()
            .await
            .map_err(|e| fault::of(&e))?;
        groups.extend(answer.target_groups.unwrap_or_default().into_iter().filter(|g| {
            let kind = matches!(g.target_type(), Some(TargetTypeEnum::Instance | TargetTypeEnum::Ip) | None);
            kind && g.vpc_id().is_none_or(|vpc| networks.contains(vpc))
        }));
        marker = answer.next_marker.filter(|m| !m.is_empty());
        if marker.is_none() {
            return Ok(groups);
        }
    }
}

fn judge(group: &str, targets: &[TargetHealthDescription], instances: &[&Instance], warnings: &mut Warnings) {
    let healthy = targets
        .iter()
        .filter(|t| t.target_health().and_then(|h| h.state()) == Some(&TargetHealthStateEnum::Healthy));
    let mut ours = BTreeSet::new();
    let mut others = 0_usize;
    for target in healthy {
        let id = target.target().and_then(|t| t.id());
        match instances
            .iter()
            .find(|i| id.is_some() && (i.instance_id() == id || i.private_ip_address() == id))
        {
            Some(instance) => {
                ours.insert(instance.instance_id().unwrap_or_default());
            }
            None => others += 1,
        }
    }
    if others == 0 {
        for id in ours {
            let text = format!("nothing healthy would be left in target group {group}");
            let evidence = format!("DescribeTargetHealth: {id} is healthy in {group}, no other target is");
            warnings.add("last_healthy_target", WarningLevel::Critical, id, &text, evidence);
        }
    }
}
