//! Whether a service is well: the one judgement all ECS tools share.

use super::names;
use crate::instant;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service, StabilityStatus, TaskSet};
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// A rollout that takes longer than this is a finding.
pub const SLOW_ROLLOUT: Duration = Duration::from_secs(600);

/// What is wrong with a service, the worst of it; or that nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Wants tasks and has none.
    Down,
    /// The rollout failed.
    RolloutFailed,
    /// Fewer tasks than wanted.
    BelowDesired,
    /// As many tasks as wanted, but the newest ones keep failing.
    FailedTasks,
    /// In progress for over ten minutes.
    SlowRollout,
    /// A rollout is in progress, nothing is wrong so far.
    RollingOut,
    /// Being deleted or deleted.
    Inactive,
    /// Wants no tasks.
    Zero,
    /// As wanted.
    Healthy,
}

impl Health {
    /// Judges `service` at `now`.
    pub fn of(service: &Service, now: Timestamp) -> Self {
        let rollout = Rollout::of(service);
        if service.status().is_some_and(|s| s != "ACTIVE") {
            Self::Inactive
        } else if service.desired_count == 0 {
            Self::Zero
        } else if service.running_count == 0 {
            Self::Down
        } else if rollout.failed() {
            Self::RolloutFailed
        } else if service.running_count < service.desired_count {
            Self::BelowDesired
        } else if rollout.failed_tasks > 0 {
            Self::FailedTasks
        } else if rollout.in_progress() {
            match rollout.since {
                Some(since) if now.since(since) > SLOW_ROLLOUT => Self::SlowRollout,
                Some(_) | None => Self::RollingOut,
            }
        } else {
            Self::Healthy
        }
    }

    /// As shown and counted.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::RolloutFailed => "rollout failed",
            Self::BelowDesired => "below desired",
            Self::FailedTasks => "failed tasks",
            Self::SlowRollout => "slow rollout",
            Self::RollingOut => "rolling out",
            Self::Inactive => "inactive",
            Self::Zero => "zero desired",
            Self::Healthy => "healthy",
        }
    }

    /// Whether somebody should look.
    pub const fn unhealthy(self) -> bool {
        self.urgency() > 1
    }

    /// As in a row: 3 critical, 2 bad, 1 worth a look, 0 fine.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Down | Self::RolloutFailed => 3,
            Self::BelowDesired | Self::FailedTasks | Self::SlowRollout => 2,
            Self::RollingOut => 1,
            Self::Inactive | Self::Zero | Self::Healthy => 0,
        }
    }
}

/// The newest deployment of a service, whichever controller made it.
///
/// Rolling updates have deployments with a rollout state; CODE_DEPLOY and EXTERNAL services have task sets with a
/// stability, which never says FAILED.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout<'a> {
    /// `COMPLETED`, `IN_PROGRESS`, `FAILED`, or a task set's `STEADY_STATE`, `STABILIZING`.
    pub state: Option<&'a str>,
    /// In ECS's words.
    pub reason: Option<&'a str>,
    /// When the deployment was made.
    pub since: Option<Timestamp>,
    /// The task definition that is being, or was, rolled out.
    pub definition: Option<&'a str>,
    /// Consecutive failures, over all deployments that still run.
    pub failed_tasks: i32,
}

impl<'a> Rollout<'a> {
    pub fn of(service: &'a Service) -> Self {
        let failed_tasks = service.deployments().iter().map(|d| d.failed_tasks).sum();
        let newest = if let Some(primary) = primary(service) {
            Self {
                state: primary.rollout_state().map(DeploymentRolloutState::as_str),
                reason: primary.rollout_state_reason(),
                since: instant::of(primary.created_at()),
                definition: primary.task_definition(),
                failed_tasks,
            }
        } else if let Some(set) = primary_set(service) {
            Self {
                state: set.stability_status().map(StabilityStatus::as_str),
                reason: None,
                since: instant::of(set.created_at()),
                definition: set.task_definition(),
                failed_tasks,
            }
        } else {
            Self { failed_tasks, ..Self::default() }
        };
        Self { definition: newest.definition.or(service.task_definition()), ..newest }
    }

    pub fn failed(&self) -> bool {
        self.state == Some(DeploymentRolloutState::Failed.as_str())
    }

    pub fn in_progress(&self) -> bool {
        self.state == Some(DeploymentRolloutState::InProgress.as_str())
            || self.state == Some(StabilityStatus::Stabilizing.as_str())
    }
}

/// The PRIMARY deployment: the one ECS moves towards.
pub fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|d| d.status() == Some("PRIMARY"))
}

fn primary_set(service: &Service) -> Option<&TaskSet> {
    service.task_sets().iter().find(|s| s.status() == Some("PRIMARY"))
}

/// One line on every deployment of a service, when there is more than one or the rollout says why:
/// `PRIMARY checkout-api:42 0/8 FAILED, 12 failed tasks (...); ACTIVE checkout-api:41 2/2 COMPLETED`.
pub fn deployments(service: &Service) -> Option<String> {
    let all = service.deployments();
    let telling =
        all.len() > 1 || all.iter().any(|d| d.rollout_state() == Some(&DeploymentRolloutState::Failed));
    telling.then(|| all.iter().map(deployment).collect::<Vec<_>>().join("; "))
}

fn deployment(d: &Deployment) -> String {
    let mut line = format!(
        "{} {} {}/{}",
        d.status().unwrap_or("?"),
        d.task_definition().map_or("?", names::short),
        d.running_count,
        d.desired_count
    );
    if let Some(state) = d.rollout_state() {
        line.push(' ');
        line.push_str(state.as_str());
    }
    if d.failed_tasks > 0 {
        line.push_str(&format!(", {} failed tasks", d.failed_tasks));
    }
    if let Some(reason) = d.rollout_state_reason().filter(|_| d.status() == Some("PRIMARY")) {
        line.push_str(&format!(" ({})", quarterdeck_core::text::truncate(reason, 200)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, breaker, broken, controller, deployment, service, task_set};
    use super::*;
    use DeploymentRolloutState::{Completed, Failed, InProgress};
    use aws_sdk_ecs::types::{DeploymentControllerType, SchedulingStrategy};

    fn one(
        running: i32,
        desired: i32,
        rollout: DeploymentRolloutState,
        failed: i32,
        minutes: u64,
    ) -> Service {
        service("api", running, desired)
            .deployments(deployment("PRIMARY", "api:42", (running, desired), rollout, failed, minutes))
            .build()
    }

    #[test]
    fn judgements() {
        for (what, service, expected, unhealthy) in [
            ("as wanted", one(8, 8, Completed, 0, 500), Health::Healthy, false),
            ("more than wanted, while draining", one(9, 8, Completed, 0, 500), Health::Healthy, false),
            ("zero is a wish", one(0, 0, Completed, 0, 500), Health::Zero, false),
            ("zero and an old failure", one(0, 0, Failed, 9, 500), Health::Zero, false),
            ("nothing runs", one(0, 3, Completed, 0, 500), Health::Down, true),
            ("too few", one(2, 8, Completed, 0, 500), Health::BelowDesired, true),
            ("too few in a young rollout", one(2, 8, InProgress, 0, 1), Health::BelowDesired, true),
            ("failed and too few", one(2, 8, Failed, 3, 12), Health::RolloutFailed, true),
            ("failed beside the old tasks", one(8, 8, Failed, 3, 12), Health::RolloutFailed, true),
            ("new tasks die beside the old ones", one(8, 8, InProgress, 3, 2), Health::FailedTasks, true),
            ("young rollout", one(8, 8, InProgress, 0, 9), Health::RollingOut, false),
            ("exactly ten minutes", one(8, 8, InProgress, 0, 10), Health::RollingOut, false),
            ("old rollout", one(8, 8, InProgress, 0, 11), Health::SlowRollout, true),
            ("the drill", broken().build(), Health::RolloutFailed, true),
            ("being deleted", service("api", 0, 2).status("DRAINING").build(), Health::Inactive, false),
            (
                "daemon, one per instance",
                service("api", 3, 3).scheduling_strategy(SchedulingStrategy::Daemon).build(),
                Health::Healthy,
                false,
            ),
            (
                "an external controller has no rollout state",
                service("api", 3, 3)
                    .deployment_controller(controller(DeploymentControllerType::External))
                    .task_sets(task_set("PRIMARY", "api:7"))
                    .build(),
                Health::Healthy,
                false,
            ),
        ] {
            let health = Health::of(&service, NOW);
            assert_eq!((health, health.unhealthy()), (expected, unhealthy), "{what}");
        }
    }

    #[test]
    fn the_primary_deployment_speaks_for_the_rollout_whatever_the_order() {
        let old = deployment("ACTIVE", "api:41", (2, 2), Completed, 0, 4000);
        let new = deployment("PRIMARY", "api:42", (0, 8), InProgress, 5, 3);
        let service = service("api", 2, 8).deployments(old).deployments(new).build();
        let rollout = Rollout::of(&service);
        assert_eq!(rollout.state, Some("IN_PROGRESS"));
        assert_eq!(rollout.definition.map(names::short), Some("api:42"));
        assert_eq!(rollout.failed_tasks, 5);
        assert!(rollout.in_progress() && !rollout.failed());
    }

    #[test]
    fn a_task_set_speaks_where_there_are_no_deployments() {
        let stabilizing = TaskSet::builder()
            .status("PRIMARY")
            .task_definition("arn:aws:ecs:eu-west-1:123456789012:task-definition/api:7")
            .stability_status(StabilityStatus::Stabilizing)
            .created_at(super::super::fixture::ago(30))
            .build();
        let service = service("api", 3, 3)
            .task_sets(task_set("ACTIVE", "api:6"))
            .task_sets(stabilizing)
            .deployment_configuration(breaker(false, false))
            .build();
        let rollout = Rollout::of(&service);
        assert_eq!(
            (rollout.state, rollout.definition.map(names::short)),
            (Some("STABILIZING"), Some("api:7"))
        );
        assert_eq!(Health::of(&service, NOW), Health::SlowRollout);
    }

    #[test]
    fn several_deployments_in_one_line() {
        let line = deployments(&broken().build()).unwrap();
        assert_eq!(
            line,
            "PRIMARY checkout-api:42 0/8 FAILED, 12 failed tasks (ECS deployment circuit breaker: tasks failed to \
             start.); ACTIVE checkout-api:41 2/2 COMPLETED"
        );
        assert_eq!(deployments(&one(8, 8, Completed, 0, 500)), None);
    }
}
