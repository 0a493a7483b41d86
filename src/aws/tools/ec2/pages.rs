//! Every page of instances and of their status, up to a ceiling.

use crate::fault;
use crate::tool::CEILING;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Instance, InstanceStatus};
use quarterdeck_core::tool::Fault;
use std::collections::HashMap;

/// Ids AWS takes in one DescribeInstanceStatus.
const IDS_AT_ONCE: usize = 100;

/// Instances of one region.
#[derive(Debug, Default)]
pub struct Page {
    /// Each with the account that owns it.
    pub instances: Vec<(Instance, Option<String>)>,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// Why what comes after these could not be read.
    pub lost: Option<Fault>,
}

/// Every instance that passes the filters; those of the pages before a fault when there are any. Source: EC2
/// DescribeInstances.
pub async fn instances(ec2: &Client, filters: &[Filter]) -> Result<Page, Fault> {
    let mut page = Page::default();
    let mut token = None;
    loop {
        let answer = ec2
            .describe_instances()
            .set_filters((!filters.is_empty()).then(|| filters.to_vec()))
            .max_results(1000)
            .set_next_token(token)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(e) if page.instances.is_empty() => return Err(fault::of(&e)),
            Err(e) => {
                page.lost = Some(fault::of(&e));
                return Ok(page);
            }
        };
        token = answer.next_token.filter(|t| !t.is_empty());
        for reservation in answer.reservations.unwrap_or_default() {
            let owner = reservation.owner_id;
            page.instances
                .extend(reservation.instances.unwrap_or_default().into_iter().map(|i| (i, owner.clone())));
        }
        if page.instances.len() >= CEILING {
            page.more = token.is_some() || page.instances.len() > CEILING;
            page.instances.truncate(CEILING);
            return Ok(page);
        }
        if token.is_none() {
            return Ok(page);
        }
    }
}

/// The status of every instance of the region. Source: EC2 DescribeInstanceStatus.
pub async fn every_status(ec2: &Client) -> Result<HashMap<String, InstanceStatus>, Fault> {
    let mut statuses = HashMap::new();
    let mut token = None;
    loop {
        let answer = ec2
            .describe_instance_status()
            .include_all_instances(true)
            .max_results(1000)
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| fault::of(&e))?;
        token = answer.next_token.filter(|t| !t.is_empty());
        keep(&mut statuses, answer.instance_statuses);
        if token.is_none() || statuses.len() >= CEILING {
            return Ok(statuses);
        }
    }
}

/// The status of these instances.
pub async fn statuses_of(ec2: &Client, ids: &[String]) -> Result<HashMap<String, InstanceStatus>, Fault> {
    let mut statuses = HashMap::new();
    for ids in ids.chunks(IDS_AT_ONCE) {
        let answer = ec2
            .describe_instance_status()
            .include_all_instances(true)
            .set_instance_ids(Some(ids.to_vec()))
            .send()
            .await
            .map_err(|e| fault::of(&e))?;
        keep(&mut statuses, answer.instance_statuses);
    }
    Ok(statuses)
}

fn keep(statuses: &mut HashMap<String, InstanceStatus>, answered: Option<Vec<InstanceStatus>>) {
    let answered = answered.unwrap_or_default().into_iter();
    statuses.extend(answered.filter_map(|s| Some((s.instance_id.clone()?, s))));
}
