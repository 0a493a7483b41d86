//! What a service is rolled back to.
//!
//! ECS keeps a record of service deployments (about 90 days). The newest successful one whose task definition is not
//! the present one is the answer. Where that record cannot be read, the service's own list of deployments and then
//! the family's earlier revisions are a guess, and it is told as one.

use super::definition::Definition;
use super::names::{family_revision, short};
use super::{health, moment, read, row};
use crate::fault;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Service, ServiceDeploymentBrief, ServiceDeploymentStatus, ServiceRevision};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};

/// What to roll back to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The task definition.
    pub definition: String,
    /// The recorded revision; `None` for a guess.
    pub revision: Option<ServiceRevision>,
    /// When its deployment succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// Why it is only a guess.
    pub guess: Option<String>,
}

/// Service revisions in one DescribeServiceRevisions.
const REVISIONS: usize = 20;
/// Pages of deployments looked at.
const PAGES: usize = 10;
/// Earlier revisions of a family looked at for one that is ACTIVE.
const EARLIER: u32 = 10;

/// Finds what `service` is rolled back to. ListServiceDeployments, DescribeServiceRevisions,
/// DescribeTaskDefinition.
///
/// # Errors
/// `conflict`: ECS is already rolling back, or there is nothing to go back to. `expired`.
pub async fn find(client: &Client, service: &Service) -> Result<Found, Fault> {
    let present = present(service);
    let guess = match recorded(client, service).await {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => {
            "ECS has no record of an earlier successful deployment with another task definition".to_owned()
        }
        Err(fault) if matches!(fault.kind, FaultKind::Expired | FaultKind::Conflict) => return Err(fault),
        Err(fault) => format!("the record of earlier deployments could not be read: {fault}"),
    };
    if let Some(definition) = still_deployed(service) {
        return Ok(Found { definition, guess: Some(guess), ..Found::default() });
    }
    match earlier_revision(client, present).await? {
        Some(definition) => Ok(Found { definition: definition.arn, guess: Some(guess), ..Found::default() }),
        None => Err(Fault::new(
            FaultKind::Conflict,
            format!(
                "there is nothing to roll {} back to: no earlier revision of {} is ACTIVE",
                row::name(service),
                short(present)
            ),
        )
        .hint("name a task_definition, for example checkout-api:41")),
    }
}

/// The task definition the service is set to.
pub fn present(service: &Service) -> &str {
    health::Rollout::of(service).definition.unwrap_or_default()
}

async fn recorded(client: &Client, service: &Service) -> Result<Option<Found>, Fault> {
    let deployments = list(client, service).await?;
    if let Some(conflict) = already(service, &deployments) {
        return Err(conflict);
    }
    let succeeded = succeeded(&deployments);
    for batch in succeeded.chunks(REVISIONS) {
        let arns: Vec<String> = batch.iter().map(|(arn, _)| (*arn).to_owned()).collect();
        let revisions = revisions(client, arns).await?;
        if let Some(found) = first_other(batch, &revisions, present(service)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn list(client: &Client, service: &Service) -> Result<Vec<ServiceDeploymentBrief>, Fault> {
    let mut deployments = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let request = client
            .list_service_deployments()
            .set_cluster(service.cluster_arn().map(str::to_owned))
            .service(row::name(service))
            .set_next_token(token);
        let out = request.send().await.map_err(|e| fault::of(&e))?;
        deployments.extend(out.service_deployments.unwrap_or_default());
        token = out.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(deployments)
}

/// Service revisions by ARN, at most 20. DescribeServiceRevisions.
///
/// # Errors
/// As AWS answers.
pub async fn revisions(client: &Client, arns: Vec<String>) -> Result<Vec<ServiceRevision>, Fault> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let request = client.describe_service_revisions().set_service_revision_arns(Some(arns));
    let out = request.send().await.map_err(|e| fault::of(&e))?;
    Ok(out.service_revisions.unwrap_or_default())
}

/// A conflict when the newest deployment was, or is being, rolled back by ECS itself: going back once more would
/// leave the good revision.
fn already(service: &Service, deployments: &[ServiceDeploymentBrief]) -> Option<Fault> {
    let newest = deployments.iter().max_by_key(|d| d.created_at().and_then(moment))?;
    let said = match newest.status()? {
        ServiceDeploymentStatus::RollbackRequested | ServiceDeploymentStatus::RollbackInProgress => {
            "is rolling"
        }
        ServiceDeploymentStatus::RollbackSuccessful => "has already rolled",
        _ => return None,
    };
    let text = format!("ECS {said} {} back by itself, to {}", row::name(service), short(present(service)));
    Some(Fault::new(FaultKind::Conflict, text).hint(
        "watch it with list_ecs_services; to go further back name a task_definition, for example checkout-api:40",
    ))
}

/// Revisions of successful deployments, newest first, each once.
fn succeeded(deployments: &[ServiceDeploymentBrief]) -> Vec<(&str, Option<Timestamp>)> {
    let mut successful: Vec<(&str, Option<Timestamp>)> = deployments
        .iter()
        .filter(|d| d.status() == Some(&ServiceDeploymentStatus::Successful))
        .filter_map(|d| {
            let at = d.finished_at().or(d.created_at()).and_then(moment);
            Some((d.target_service_revision_arn()?, at))
        })
        .collect();
    successful.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    let mut seen = std::collections::BTreeSet::new();
    successful.retain(|(arn, _)| seen.insert(*arn));
    successful
}

/// The first of `order` whose task definition is not `present`.
fn first_other(
    order: &[(&str, Option<Timestamp>)],
    revisions: &[ServiceRevision],
    present: &str,
) -> Option<Found> {
    order.iter().find_map(|(arn, at)| {
        let revision = revisions.iter().find(|r| r.service_revision_arn() == Some(*arn))?;
        let definition = revision.task_definition().filter(|d| short(d) != short(present))?;
        Some(Found {
            definition: definition.to_owned(),
            revision: Some(revision.clone()),
            succeeded_at: *at,
            guess: None,
        })
    })
}

/// The newest earlier deployment that still has running tasks: during a bad rollout it is the one that serves.
fn still_deployed(service: &Service) -> Option<String> {
    service
        .deployments()
        .iter()
        .filter(|d| d.status() != Some("PRIMARY") && d.running_count > 0)
        .filter(|d| d.task_definition().is_some_and(|t| short(t) != short(present(service))))
        .max_by_key(|d| d.created_at().and_then(moment))
        .and_then(|d| d.task_definition().map(str::to_owned))
}

/// The next lower revision of the family that is ACTIVE.
async fn earlier_revision(client: &Client, present: &str) -> Result<Option<Definition>, Fault> {
    let Some((family, revision)) = family_revision(present) else { return Ok(None) };
    for earlier in (1..revision).rev().take(EARLIER as usize) {
        match read::definition(client, &format!("{family}:{earlier}")).await {
            Ok(definition) if definition.active => return Ok(Some(definition)),
            Ok(_) => {}
            Err(fault) if fault.kind == FaultKind::Missing => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}
