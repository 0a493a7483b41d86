//! Whether a service is well: the one judgement all ECS tools share.

use super::{moment, names};
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
                since: primary.created_at().and_then(moment),
                definition: primary.task_definition(),
                failed_tasks,
            }
        } else if let Some(set) = primary_set(service) {
            Self {
                state: set.stability_status().map(StabilityStatus::as_str),
                reason: None,
                since: set.created_at().and_then(moment),
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
