//! Services, deployments and tasks for tests.

use super::definition::{ContainerSpec, Definition, Log};
use aws_sdk_ecs::types::builders::ServiceBuilder;
use aws_sdk_ecs::types::{
    Deployment, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentController,
    DeploymentControllerType, DeploymentRolloutState, Service, ServiceEvent, Tag, TaskSet,
};
use aws_smithy_types::DateTime;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// 2026-11-20T03:04:05Z.
pub const NOW: Timestamp = crate::testing::NOW;

/// The time `minutes` before [`NOW`].
pub fn ago(minutes: u64) -> DateTime {
    DateTime::from_millis(NOW.minus(Duration::from_secs(minutes * 60)).millis())
}

pub fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:{rest}")
}

/// An ACTIVE service of cluster prod that runs `running` of `desired` tasks, without deployments.
pub fn service(name: &str, running: i32, desired: i32) -> ServiceBuilder {
    Service::builder()
        .service_arn(arn(&format!("service/prod/{name}")))
        .service_name(name)
        .cluster_arn(arn("cluster/prod"))
        .status("ACTIVE")
        .desired_count(desired)
        .running_count(running)
        .pending_count(0)
        .task_definition(arn(&format!("task-definition/{name}:42")))
}

/// A deployment of `definition` (`family:revision`), made `minutes` ago.
pub fn deployment(
    status: &str,
    definition: &str,
    (running, desired): (i32, i32),
    rollout: DeploymentRolloutState,
    failed: i32,
    minutes: u64,
) -> Deployment {
    Deployment::builder()
        .id(format!("ecs-svc/{definition}"))
        .status(status)
        .task_definition(arn(&format!("task-definition/{definition}")))
        .running_count(running)
        .desired_count(desired)
        .failed_tasks(failed)
        .rollout_state(rollout)
        .rollout_state_reason("ECS deployment circuit breaker: tasks failed to start.")
        .created_at(ago(minutes))
        .build()
}

/// The drill's service: revision 42 cannot start, revision 41 serves with 2 of 8.
pub fn broken() -> ServiceBuilder {
    service("checkout-api", 2, 8)
        .deployments(deployment("PRIMARY", "checkout-api:42", (0, 8), DeploymentRolloutState::Failed, 12, 14))
        .deployments(deployment(
            "ACTIVE",
            "checkout-api:41",
            (2, 2),
            DeploymentRolloutState::Completed,
            0,
            4000,
        ))
        .deployment_configuration(breaker(true, false))
        .tags(tag("environment", "staging"))
        .events(event(
            3,
            "(service checkout-api) deployment ecs-svc/1 deployment failed: tasks failed to start.",
        ))
        .events(event(1, "(service checkout-api) is unable to consistently start tasks successfully."))
        .events(event(9, "(service checkout-api) has started 6 tasks."))
}

pub fn breaker(enable: bool, rollback: bool) -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder().enable(enable).rollback(rollback).build();
    DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build()
}

pub fn controller(kind: DeploymentControllerType) -> DeploymentController {
    DeploymentController::builder().r#type(kind).build().unwrap()
}

pub fn task_set(status: &str, definition: &str) -> TaskSet {
    TaskSet::builder()
        .status(status)
        .task_definition(arn(&format!("task-definition/{definition}")))
        .created_at(ago(30))
        .build()
}

pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

pub fn event(minutes: u64, message: &str) -> ServiceEvent {
    ServiceEvent::builder().created_at(ago(minutes)).message(message).build()
}

/// An ACTIVE definition with one container `app` of `image`, logging to `/ecs/checkout-api`.
pub fn definition(name: &str, image: &str) -> Definition {
    Definition {
        arn: arn(&format!("task-definition/{name}")),
        active: true,
        containers: vec![ContainerSpec {
            name: "app".into(),
            image: image.into(),
            log: Log::CloudWatch {
                group: "/ecs/checkout-api".into(),
                prefix: Some("ecs".into()),
                region: None,
            },
        }],
        roles: vec!["arn:aws:iam::123456789012:role/exec".into()],
    }
}
