//! What to think of before a service is changed. Pure.

use super::health::{self, Rollout};
use super::image::ImageRef;
use super::names::short;
use super::proposal::{DESIRED_COUNT, Facts, NEW_DEPLOYMENT, TASK_DEFINITION};
use super::row;
use aws_sdk_ecs::types::Service;
use quarterdeck_core::approval::{Change, Warning, WarningLevel};

/// What the circuit breaker does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    Off,
    On,
    OnWithRollback,
}

impl Breaker {
    /// As shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "off: a failing rollout goes on until somebody stops it",
            Self::On => "on, without rollback: a failing rollout stops",
            Self::OnWithRollback => "on, with rollback: a failing rollout is undone by ECS",
        }
    }
}

/// The service's circuit breaker.
pub fn breaker(service: &Service) -> Breaker {
    match service.deployment_configuration().and_then(|c| c.deployment_circuit_breaker()) {
        Some(b) if b.enable && b.rollback => Breaker::OnWithRollback,
        Some(b) if b.enable => Breaker::On,
        Some(_) | None => Breaker::Off,
    }
}

/// Every warning, with stable codes.
pub fn warnings(facts: &Facts, changes: &[Change]) -> Vec<Warning> {
    let service = &facts.service;
    let name = row::name(service);
    let has = |field: &str| changes.iter().find(|c| c.field == field);
    let deploys = has(TASK_DEFINITION).is_some() || has(NEW_DEPLOYMENT).is_some();
    let mut warnings = Vec::new();
    let mut warn = |code: &str, level: WarningLevel, text: String, evidence: Option<String>| {
        warnings.push(Warning { code: code.to_owned(), level, text, evidence });
    };
    if let Some(count) = has(DESIRED_COUNT) {
        if count.after == "0" {
            let text = format!("{name} will run no tasks at all: it stops serving");
            warn(
                "scale_to_zero",
                WarningLevel::Critical,
                text,
                Some(format!("{} tasks run now", service.running_count)),
            );
        }
        if let Some((text, evidence)) = autoscaling(facts, &count.after) {
            warn("autoscaling_may_undo", WarningLevel::Caution, text, Some(evidence));
        }
    }
    let rollout = Rollout::of(service);
    if rollout.in_progress() {
        let text = if deploys {
            "a rollout is in progress: it is abandoned for this one"
        } else {
            "a rollout is in progress: the count applies to it too"
        };
        let evidence = health::deployments(service)
            .or_else(|| rollout.definition.map(|d| format!("{} is IN_PROGRESS", short(d))));
        warn("rollout_in_progress", WarningLevel::Caution, text.to_owned(), evidence);
    }
    if deploys && breaker(service) == Breaker::Off {
        let text = "the circuit breaker is off: if this deployment fails too, ECS keeps trying and never calls it FAILED";
        warn(
            "no_circuit_breaker",
            WarningLevel::Caution,
            text.to_owned(),
            Some("DescribeServices: deploymentConfiguration".to_owned()),
        );
    }
    if deploys && let Some((level, text)) = mutable_tag(facts, has(TASK_DEFINITION).is_some()) {
        warn("mutable_tag", level, text, Some("DescribeTaskDefinition: image without a digest".to_owned()));
    }
    if let Some(aim) = facts.aim.as_ref().filter(|_| has(TASK_DEFINITION).is_some()) {
        if let Some(guess) = &aim.guess {
            let text = format!("{} is a guess: nothing proves that it ever ran well", aim.name);
            warn("rollback_target_guessed", WarningLevel::Caution, text, Some(guess.clone()));
        }
        if !aim.also_different.is_empty() {
            let text = format!(
                "only the task definition is rolled back; {} also differed then",
                aim.also_different.join(", ")
            );
            warn(
                "only_task_definition",
                WarningLevel::Caution,
                text,
                Some("DescribeServiceRevisions".to_owned()),
            );
        }
    }
    if let Some((by, evidence)) = managed_by(service) {
        let text = format!("managed by {by}: drift likely, its next run may undo this");
        warn("drift_likely", WarningLevel::Caution, text, Some(evidence));
    }
    warnings
}

fn autoscaling(facts: &Facts, after: &str) -> Option<(String, String)> {
    let target = facts.autoscaling.as_ref()?.as_ref().ok()?.first()?;
    let (min, max) = (target.min_capacity, target.max_capacity);
    let count: i32 = after.parse().ok()?;
    let text = if count < min || count > max {
        format!("autoscaling keeps {min} to {max} tasks: {count} is outside and may be undone at once")
    } else {
        format!("autoscaling ({min} to {max} tasks) may change the count again at any time")
    };
    let suspended = target.suspended_state().map_or(String::new(), |s| {
        let on = |flag: Option<bool>, what: &str| flag.unwrap_or(false).then(|| what.to_owned());
        let off: Vec<String> = [
            on(s.dynamic_scaling_in_suspended(), "scaling in"),
            on(s.dynamic_scaling_out_suspended(), "scaling out"),
            on(s.scheduled_scaling_suspended(), "scheduled scaling"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if off.is_empty() { String::new() } else { format!("; suspended: {}", off.join(", ")) }
    });
    Some((text, format!("DescribeScalableTargets: {min} to {max}{suspended}")))
}

/// A tag is looked up again by every new deployment: what it points to may have changed since.
fn mutable_tag(facts: &Facts, changes_definition: bool) -> Option<(WarningLevel, String)> {
    let before = facts.before.as_ref().and_then(|b| b.as_ref().ok());
    let after = match &facts.aim {
        Some(aim) if changes_definition => aim.definition.as_ref().ok()?,
        Some(_) | None => before?,
    };
    let tagged = || after.containers.iter().filter(|c| ImageRef::parse(&c.image).is_mutable());
    let same = |image: &str| before.is_some_and(|b| b.containers.iter().any(|c| c.image == image));
    if changes_definition && let Some(container) = tagged().find(|c| same(&c.image)) {
        let text = format!(
            "both revisions use {}: rolling the task definition back does not roll a tag back",
            container.image
        );
        return Some((WarningLevel::Caution, text));
    }
    let container =
        tagged().find(|c| ImageRef::parse(&c.image).tag() == "latest").or_else(|| tagged().next())?;
    let image = ImageRef::parse(&container.image);
    let level = if image.tag() == "latest" { WarningLevel::Caution } else { WarningLevel::Info };
    Some((
        level,
        format!("{} is named by the tag {}: whatever it points to now is pulled", image.name, image.tag()),
    ))
}

/// Who else writes to the service, as far as its tags tell.
fn managed_by(service: &Service) -> Option<(&'static str, String)> {
    service.tags().iter().find_map(|tag| {
        let (key, value) = (tag.key()?, tag.value().unwrap_or_default());
        let both = format!("{key} {value}").to_lowercase();
        let by = if key.starts_with("aws:cloudformation:") {
            "CloudFormation"
        } else if both.contains("terraform") {
            "Terraform"
        } else if both.contains("pulumi") {
            "Pulumi"
        } else if key.to_lowercase().replace(['-', '_', ' '], "").ends_with("managedby") {
            ["CloudFormation", "CDK", "Copilot", "OpenTofu"]
                .into_iter()
                .find(|tool| value.eq_ignore_ascii_case(tool))?
        } else {
            return None;
        };
        Some((by, format!("tag {key}={value}")))
    })
}
