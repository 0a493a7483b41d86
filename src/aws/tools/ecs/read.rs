//! Reading clusters, services and task definitions: every page, in batches of the API's own size.

use super::definition::Definition;
use super::names::{means, short};
use crate::fault;
use crate::tools::reading::places;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::operation::list_services::ListServicesError;
use aws_sdk_ecs::types::{Failure, Service, ServiceField};
use futures::{StreamExt, stream};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::{BTreeMap, BTreeSet};

/// At most this many services or stopped tasks are read in one region.
pub const CEILING: usize = 5_000;
/// Services in one DescribeServices.
const SERVICES_AT_ONCE: usize = 10;
/// Requests one call has under way.
pub const REQUESTS: usize = 8;

/// Services of one cluster, with what could not be read of it.
#[derive(Debug, Default)]
pub struct Described {
    pub services: Vec<Service>,
    /// Things ECS says it does not have, and why (`MISSING`).
    pub failures: Vec<Failure>,
    /// The first batch that failed, and how many things were lost with all that did.
    pub fault: Option<(Fault, usize)>,
}

/// The ARNs of every cluster. ListClusters.
///
/// # Errors
/// As AWS answers.
pub async fn cluster_arns(client: &Client) -> Result<Vec<String>, Fault> {
    let mut pages = client.list_clusters().into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|e| fault::of(&e))?);
        if arns.len() >= CEILING {
            break;
        }
    }
    Ok(arns)
}

/// The clusters to read in one region: all, or the one that `wanted` means.
#[derive(Debug, Default)]
pub struct Clusters {
    /// To be read.
    pub chosen: Vec<String>,
    /// Names that were there when the wanted one was not.
    pub others: Vec<String>,
}

/// Chooses clusters. Where ListClusters is denied but a cluster is named, its name is taken on trust.
///
/// # Errors
/// As AWS answers.
pub async fn clusters(client: &Client, wanted: Option<&str>) -> Result<Clusters, Fault> {
    let arns = match (cluster_arns(client).await, wanted) {
        (Ok(arns), _) => arns,
        (Err(fault), Some(named)) if fault.kind == FaultKind::Denied => {
            return Ok(Clusters { chosen: vec![named.to_owned()], others: Vec::new() });
        }
        (Err(fault), _) => return Err(fault),
    };
    let Some(wanted) = wanted else { return Ok(Clusters { chosen: arns, others: Vec::new() }) };
    let (chosen, others): (Vec<String>, Vec<String>) = arns.into_iter().partition(|arn| means(wanted, arn));
    Ok(Clusters { chosen, others: others.iter().map(|arn| short(arn).to_owned()).collect() })
}

/// ARNs, as far as they could be listed.
#[derive(Debug, Default)]
pub struct Listed {
    /// Those that could.
    pub arns: Vec<String>,
    /// Why those after them could not.
    pub lost: Option<Fault>,
}

/// The ARNs of a cluster's services, at most `ceiling`; those before a fault when there are any. ListServices; `None`
/// when there is no such cluster.
///
/// # Errors
/// As AWS answers.
pub async fn service_arns(client: &Client, cluster: &str, ceiling: usize) -> Result<Option<Listed>, Fault> {
    let mut pages = client.list_services().cluster(cluster).into_paginator().page_size(100).items().send();
    let mut listed = Listed::default();
    while listed.arns.len() < ceiling {
        match pages.next().await {
            Some(Ok(arn)) => listed.arns.push(arn),
            Some(Err(e))
                if e.as_service_error().is_some_and(ListServicesError::is_cluster_not_found_exception) =>
            {
                return Ok(None);
            }
            Some(Err(e)) if listed.arns.is_empty() => return Err(fault::of(&e)),
            Some(Err(e)) => {
                listed.lost = Some(fault::of(&e));
                break;
            }
            None => break,
        }
    }
    Ok(Some(listed))
}

/// Describes services by name or ARN, ten at a time. `None` when there is no such cluster.
pub async fn describe_services(client: &Client, cluster: &str, services: &[String]) -> Option<Described> {
    let requests: Vec<_> = services
        .chunks(SERVICES_AT_ONCE)
        .map(|batch| {
            let request = client.describe_services().cluster(cluster).include(ServiceField::Tags);
            (batch.len(), request.set_services(Some(batch.to_vec())))
        })
        .collect();
    let batches = requests.into_iter().map(|(asked, request)| async move { (asked, request.send().await) });
    let answers: Vec<_> = stream::iter(batches).buffered(REQUESTS).collect().await;
    let mut described = Described::default();
    for (asked, answer) in answers {
        match answer {
            Ok(out) => {
                described.services.extend(out.services.unwrap_or_default());
                described.failures.extend(out.failures.unwrap_or_default());
            }
            Err(e)
                if e.as_service_error()
                    .is_some_and(DescribeServicesError::is_cluster_not_found_exception) =>
            {
                return None;
            }
            Err(e) => {
                let (_, lost) = described.fault.get_or_insert_with(|| (fault::of(&e), 0));
                *lost += asked;
            }
        }
    }
    Some(described)
}

/// Describes each distinct task definition once. What could not be read is told as one fault and how many.
pub async fn definitions<'a>(
    client: &Client,
    names: impl IntoIterator<Item = &'a str>,
) -> (BTreeMap<String, Definition>, Option<(Fault, usize)>) {
    let distinct: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
    let reads = distinct.into_iter().map(|name| async move {
        let read = definition(client, &name).await;
        (name, read)
    });
    let answers: Vec<_> = stream::iter(reads).buffered(REQUESTS).collect().await;
    let mut read = BTreeMap::new();
    let mut lost: Option<(Fault, usize)> = None;
    for (name, answer) in answers {
        match answer {
            Ok(definition) => {
                read.insert(name, definition);
            }
            Err(fault) => lost.get_or_insert((fault, 0)).1 += 1,
        }
    }
    (read, lost)
}

/// One task definition by `family`, `family:revision` or ARN. DescribeTaskDefinition.
///
/// # Errors
/// `missing` when there is none; otherwise as AWS answers.
pub async fn definition(client: &Client, name: &str) -> Result<Definition, Fault> {
    let missing = || {
        Fault::new(FaultKind::Missing, format!("there is no task definition {}", short(name)))
            .hint("send family:revision, for example checkout-api:41")
    };
    match client.describe_task_definition().task_definition(name).send().await {
        Ok(out) => out.task_definition().map(Definition::of).ok_or_else(missing),
        // ECS has no error of its own for this, only these words.
        Err(e) if e.message().is_some_and(|m| m.contains("Unable to describe task definition")) => {
            Err(missing())
        }
        Err(e) => Err(fault::of(&e)),
    }
}

/// `missing`: there is no `what` named `wanted`; the nearest of `names`.
pub fn unknown<'a>(
    what: &str,
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
    searched: &str,
) -> Fault {
    places::unknown(what, short(wanted), names, searched)
}
