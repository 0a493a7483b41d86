//! What a service is rolled back to.
//!
//! ECS keeps a record of service deployments (about 90 days). The newest successful one whose task definition is not
//! the present one is the answer. Where that record cannot be read, the service's own list of deployments and then
//! the family's earlier revisions are a guess, and it is told as one.

use super::definition::Definition;
use super::names::{family_revision, short};
use super::{health, read, row};
use crate::{fault, instant};
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
    let newest = deployments.iter().max_by_key(|d| instant::of(d.created_at()))?;
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
            let at = instant::of(d.finished_at().or(d.created_at()));
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
        .max_by_key(|d| instant::of(d.created_at()))
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{ago, arn, broken, deployment, service};
    use super::*;
    use ServiceDeploymentStatus::{
        Pending, RollbackFailed, RollbackInProgress, RollbackSuccessful, Stopped, Successful,
    };
    use aws_sdk_ecs::types::DeploymentRolloutState;

    fn made(minutes: u64, status: ServiceDeploymentStatus, revision: &str) -> ServiceDeploymentBrief {
        ServiceDeploymentBrief::builder()
            .created_at(ago(minutes + 3))
            .finished_at(ago(minutes))
            .status(status)
            .target_service_revision_arn(revision)
            .build()
    }

    fn revision(name: &str, definition: &str) -> ServiceRevision {
        ServiceRevision::builder()
            .service_revision_arn(name)
            .task_definition(arn(&format!("task-definition/{definition}")))
            .build()
    }

    #[test]
    fn only_successful_deployments_count_newest_first_and_once() {
        let deployments = [
            made(9000, Successful, "r40"),
            made(15, RollbackFailed, "r42"),
            made(4000, Successful, "r41"),
            made(6000, Successful, "r41"),
            made(20, Stopped, "r42"),
        ];
        let order: Vec<&str> = succeeded(&deployments).into_iter().map(|(arn, _)| arn).collect();
        assert_eq!(order, ["r41", "r40"]);
    }

    #[test]
    fn the_newest_successful_one_with_another_definition() {
        let present = arn("task-definition/checkout-api:42");
        let deployments =
            [made(5, Successful, "r42b"), made(4000, Successful, "r41"), made(9000, Successful, "r40")];
        let order = succeeded(&deployments);
        // A change of the count or a forced deployment makes revisions of the same definition: they are passed over.
        let revisions = [
            revision("r40", "checkout-api:40"),
            revision("r41", "checkout-api:41"),
            revision("r42b", "checkout-api:42"),
        ];
        let found = first_other(&order, &revisions, &present).unwrap();
        assert_eq!(short(&found.definition), "checkout-api:41");
        assert_eq!(found.guess, None);
        assert!(found.succeeded_at.is_some() && found.revision.is_some());
        assert!(first_other(&order, &revisions[2..], &present).is_none());
    }

    #[test]
    fn what_ecs_rolls_back_itself_is_left_alone() {
        let service = broken().build();
        for (status, conflict) in [
            (RollbackInProgress, true),
            (RollbackSuccessful, true),
            (RollbackFailed, false),
            (Successful, false),
            (Pending, false),
        ] {
            // The order of the list says nothing.
            let deployments = [
                made(4000, RollbackSuccessful, "r39"),
                made(3, status.clone(), "r42"),
                made(900, Successful, "r41"),
            ];
            let fault = already(&service, &deployments);
            assert_eq!(fault.is_some(), conflict, "{status:?}");
            if let Some(fault) = fault {
                assert_eq!(fault.kind, FaultKind::Conflict);
            }
        }
        assert!(already(&service, &[]).is_none());
    }

    #[test]
    fn without_a_record_the_deployment_that_still_serves_is_the_guess() {
        assert_eq!(still_deployed(&broken().build()).as_deref().map(short), Some("checkout-api:41"));
        let alone = service("checkout-api", 2, 8)
            .deployments(deployment(
                "PRIMARY",
                "checkout-api:42",
                (0, 8),
                DeploymentRolloutState::InProgress,
                0,
                5,
            ))
            .deployments(deployment(
                "ACTIVE",
                "checkout-api:41",
                (0, 0),
                DeploymentRolloutState::Completed,
                0,
                500,
            ));
        assert_eq!(still_deployed(&alone.build()), None, "nothing of it runs any more");
    }
}
