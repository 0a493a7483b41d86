//! From what was read of a service to what would be changed in it. Pure.

use super::definition::Definition;
use super::health::Rollout;
use super::image::{ImageRef, short_digest};
use super::names::{shell_word, short};
use super::row;
use crate::tools::update_ecs_service::Args;
use aws_sdk_applicationautoscaling::types::ScalableTarget;
use aws_sdk_ecs::types::{DeploymentControllerType, SchedulingStrategy, Service};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind};
use serde_json::{Value, json};

/// The name of a change, which is also how the call finds the value that was approved.
pub const DESIRED_COUNT: &str = "desired count";
/// As [`DESIRED_COUNT`].
pub const TASK_DEFINITION: &str = "task definition";
/// As [`DESIRED_COUNT`].
pub const NEW_DEPLOYMENT: &str = "force new deployment";

/// Everything read for a plan.
#[derive(Clone, Debug)]
pub struct Facts {
    pub service: Service,
    pub region: String,
    pub identity: Identity,
    /// The present task definition, where it matters.
    pub before: Option<Result<Definition, Fault>>,
    /// The task definition to be set.
    pub aim: Option<Aim>,
    /// Whether autoscaling moves the count, where the count changes.
    pub autoscaling: Option<Result<Vec<ScalableTarget>, Fault>>,
    pub now: Timestamp,
}

/// A task definition to be set.
#[derive(Clone, Debug)]
pub struct Aim {
    /// `family:revision`.
    pub name: String,
    pub definition: Result<Definition, Fault>,
    /// Container and digest, as ECS resolved them then; empty where it is not recorded.
    pub digests: Vec<(String, String)>,
    /// The same for what is deployed now.
    pub digests_before: Result<Vec<(String, String)>, Fault>,
    /// When it was last deployed with success.
    pub succeeded_at: Option<Timestamp>,
    /// Why it is only a guess.
    pub guess: Option<String>,
    /// What else was different then and is not rolled back.
    pub also_different: Vec<&'static str>,
}

/// Why the service's state does not allow what is asked, before anything else is read.
///
/// # Errors
/// `conflict`.
pub fn refuse(args: &Args, service: &Service) -> Result<(), Fault> {
    let name = row::name(service);
    let conflict = |text: String, hint: &str| Err(Fault::new(FaultKind::Conflict, text).hint(hint));
    let status = service.status().unwrap_or("unknown");
    if status != "ACTIVE" {
        return conflict(
            format!("{name} is {status}: it cannot be changed"),
            "list_ecs_services shows its state",
        );
    }
    let deploys = args.task_definition.is_some() || args.roll_back || args.force_new_deployment;
    let controller = service.deployment_controller().map(|c| c.r#type());
    match controller {
        Some(DeploymentControllerType::CodeDeploy) if deploys => {
            return conflict(
                format!(
                    "{name} is deployed by CodeDeploy: ECS refuses to change its task definition or redeploy it"
                ),
                "roll back in CodeDeploy (aws deploy stop-deployment --auto-rollback-enabled); desired_count can be set here",
            );
        }
        Some(DeploymentControllerType::External) if deploys => {
            return conflict(
                format!(
                    "{name} is deployed by an external controller through task sets: its task definition is not set on the service"
                ),
                "roll back in that controller; desired_count can be set here",
            );
        }
        Some(_) | None => {}
    }
    if args.desired_count.is_some() && service.scheduling_strategy() == Some(&SchedulingStrategy::Daemon) {
        return conflict(
            format!("{name} is a daemon: it runs one task per instance and has no desired count of its own"),
            "leave desired_count out",
        );
    }
    Ok(())
}

/// The proposal these facts and arguments make.
///
/// # Errors
/// `conflict` when nothing would change or the task definition cannot be deployed.
pub fn propose(args: &Args, facts: &Facts) -> Result<Proposal, Fault> {
    let service = &facts.service;
    let (cluster, name) = (row::cluster(service), row::name(service));
    if let Some(Aim { definition: Ok(definition), name, .. }) = &facts.aim
        && !definition.active
    {
        let text = format!("task definition {name} is not ACTIVE: ECS refuses to deploy it");
        return Err(Fault::new(FaultKind::Conflict, text).hint("register it again, or name another revision"));
    }
    let changes = changes(args, facts);
    if changes.is_empty() {
        return Err(nothing_to_do(facts));
    }
    let set = |field: &str| changes.iter().find(|c| c.field == field).map(|c| c.after.clone());
    let (count, definition) = (set(DESIRED_COUNT), set(TASK_DEFINITION));
    let forced = set(NEW_DEPLOYMENT).is_some();
    let mut actions = vec!["ecs:UpdateService".to_owned()];
    if definition.is_some() && passes_roles(facts) {
        actions.push("iam:PassRole".to_owned());
    }
    Ok(Proposal {
        tool: "update_ecs_service".to_owned(),
        args: resolved(args, facts),
        title: title(args, facts, count.as_deref(), definition.as_deref()),
        identity: facts.identity.clone(),
        region: facts.region.clone(),
        warnings: warnings(facts, &changes),
        dry_run: DryRun::NotOffered,
        actions,
        command: command(facts, count.as_deref(), definition.as_deref(), forced),
        reversible: reversible(facts, &changes),
        unknown: unknown(facts),
        undo: json!({
            "desired_count": service.desired_count,
            "task_definition": Rollout::of(service).definition.map(short),
            "deployed_at": Rollout::of(service).since,
        }),
        targets: vec![Target {
            arn: service.service_arn().unwrap_or_default().to_owned(),
            id: format!("{cluster}/{name}"),
            name: Some(name.to_owned()),
            tags: tags(service),
            state: service.status().unwrap_or("unknown").to_owned(),
            context: context(facts),
            changes,
        }],
        as_of: facts.now,
    })
}

fn nothing_to_do(facts: &Facts) -> Fault {
    let service = &facts.service;
    let definition = Rollout::of(service).definition.map_or("no task definition", short);
    let text = format!(
        "{} already has desired count {} and {definition}: nothing would change",
        row::name(service),
        service.desired_count
    );
    Fault::new(FaultKind::Conflict, text).hint("to restart its tasks send force_new_deployment")
}

/// The arguments with the place filled in, so that planning them again means the same.
fn resolved(args: &Args, facts: &Facts) -> Value {
    let args = Args { region: Some(facts.region.clone()), ..args.clone() };
    serde_json::to_value(args).unwrap_or_default()
}

fn tags(service: &Service) -> std::collections::BTreeMap<String, String> {
    let pair =
        |t: &aws_sdk_ecs::types::Tag| Some((t.key()?.to_owned(), t.value().unwrap_or_default().to_owned()));
    service.tags().iter().filter_map(pair).collect()
}

fn changes(args: &Args, facts: &Facts) -> Vec<Change> {
    let change =
        |field: &str, before: String, after: String| Change { field: field.to_owned(), before, after };
    let service = &facts.service;
    let mut changes = Vec::new();
    if let Some(count) = args.desired_count.filter(|c| *c != service.desired_count) {
        changes.push(change(DESIRED_COUNT, service.desired_count.to_string(), count.to_string()));
    }
    let present = Rollout::of(service).definition.map(short);
    if let Some(aim) = facts.aim.as_ref().filter(|aim| present != Some(aim.name.as_str())) {
        changes.push(change(TASK_DEFINITION, present.unwrap_or("none").to_owned(), aim.name.clone()));
        changes.extend(image_changes(facts, aim));
    }
    if args.force_new_deployment {
        changes.push(change(NEW_DEPLOYMENT, "no".to_owned(), "yes".to_owned()));
    }
    changes
}

/// One change per container whose image differs; none where the definitions could not be read.
fn image_changes(facts: &Facts, aim: &Aim) -> Vec<Change> {
    let (Some(Ok(before)), Ok(after)) = (&facts.before, &aim.definition) else { return Vec::new() };
    let many = before.containers.len().max(after.containers.len()) > 1;
    let digests_before = aim.digests_before.as_deref().unwrap_or_default();
    let mut names: Vec<&str> =
        after.containers.iter().chain(&before.containers).map(|c| c.name.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let shown = |definition: &Definition, name: &str, digests: &[(String, String)]| {
        definition.container(name).map_or_else(
            || "none".to_owned(),
            |c| {
                let digest = digests.iter().find(|(container, _)| container == name);
                let digest = digest.filter(|(_, d)| !c.image.contains(d.as_str()));
                digest.map_or_else(|| c.image.clone(), |(_, d)| format!("{} ({})", c.image, short_digest(d)))
            },
        )
    };
    names
        .into_iter()
        .map(|name| Change {
            field: if many { format!("image of {name}") } else { "image".to_owned() },
            before: shown(before, name, digests_before),
            after: shown(after, name, &aim.digests),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

fn passes_roles(facts: &Facts) -> bool {
    // Not known: ask for the permission rather than fail half way.
    facts.aim.as_ref().is_some_and(|aim| aim.definition.as_ref().map_or(true, |d| !d.roles.is_empty()))
}

fn title(args: &Args, facts: &Facts, count: Option<&str>, definition: Option<&str>) -> String {
    let service = &facts.service;
    let mut parts: Vec<String> = Vec::new();
    if let Some(definition) = definition {
        let verb = if args.roll_back { "roll back to" } else { "deploy" };
        parts.push(format!("{verb} {definition}"));
    } else if args.force_new_deployment {
        parts.push("start a new deployment".to_owned());
    }
    if let Some(count) = count {
        parts.push(format!("set the desired count from {} to {count}", service.desired_count));
    }
    let what = parts.join(" and ");
    let mut letters = what.chars();
    let what = letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect());
    format!("{what}: {} of cluster {} in {}", row::name(service), row::cluster(service), facts.region)
}

fn command(facts: &Facts, count: Option<&str>, definition: Option<&str>, forced: bool) -> String {
    let service = &facts.service;
    let mut words = vec!["aws", "ecs", "update-service", "--region", &facts.region];
    words.extend(["--cluster", row::cluster(service), "--service", row::name(service)]);
    words.extend(definition.iter().flat_map(|d| ["--task-definition", d]));
    words.extend(count.iter().flat_map(|c| ["--desired-count", c]));
    if forced {
        words.push("--force-new-deployment");
    }
    words.into_iter().map(shell_word).collect::<Vec<_>>().join(" ")
}

fn context(facts: &Facts) -> Vec<(String, String)> {
    let service = &facts.service;
    let rollout = Rollout::of(service);
    let mut context = vec![
        ("running".to_owned(), format!("{} of {}", service.running_count, service.desired_count)),
        ("pending".to_owned(), service.pending_count.to_string()),
        ("failed tasks".to_owned(), rollout.failed_tasks.to_string()),
    ];
    let mut add = |field: &str, value: Option<String>| {
        context.extend(value.map(|value| (field.to_owned(), value)));
    };
    let since = rollout.since.map_or(String::new(), |since| format!(" since {since}"));
    add("rollout", rollout.state.map(|state| format!("{state}{since}")));
    add("rollout reason", rollout.reason.map(str::to_owned));
    add("deployments", super::health::deployments(service));
    add("circuit breaker", Some(breaker(service).label().to_owned()));
    if let Some(aim) = &facts.aim {
        let at = aim.succeeded_at.map(|at| format!("{} was last deployed with success at {at}", aim.name));
        add("rollback target", at);
    }
    if let Some(Ok(targets)) = &facts.autoscaling {
        let range = targets.first().map(|t| format!("{} to {} tasks", t.min_capacity, t.max_capacity));
        add("autoscaling", range.or_else(|| Some("none".to_owned())));
    }
    context
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaker {
    Off,
    On,
    OnWithRollback,
}

impl Breaker {
    const fn label(self) -> &'static str {
        match self {
            Self::Off => "off: a failing rollout goes on until somebody stops it",
            Self::On => "on, without rollback: a failing rollout stops",
            Self::OnWithRollback => "on, with rollback: a failing rollout is undone by ECS",
        }
    }
}

fn breaker(service: &Service) -> Breaker {
    match service.deployment_configuration().and_then(|c| c.deployment_circuit_breaker()) {
        Some(b) if b.enable && b.rollback => Breaker::OnWithRollback,
        Some(b) if b.enable => Breaker::On,
        Some(_) | None => Breaker::Off,
    }
}

fn warnings(facts: &Facts, changes: &[Change]) -> Vec<Warning> {
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
        let evidence = super::health::deployments(service)
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

fn reversible(facts: &Facts, changes: &[Change]) -> Reversible {
    let has = |field: &str| changes.iter().find(|c| c.field == field);
    let (count, definition) = (has(DESIRED_COUNT), has(TASK_DEFINITION));
    if definition.is_some()
        && let Some(Ok(before)) = &facts.before
        && !before.active
    {
        let before = short(&before.arn);
        return Reversible::No(format!("{before} is no longer ACTIVE: it cannot be deployed again"));
    }
    let back: Vec<String> = [count, definition]
        .into_iter()
        .flatten()
        .map(|c| format!("{} back to {}", c.field, c.before))
        .collect();
    if back.is_empty() {
        Reversible::Partly("a new deployment replaces every task; the tasks that ran are gone".to_owned())
    } else {
        Reversible::Yes(format!("set the {}", back.join(" and the ")))
    }
}

fn unknown(facts: &Facts) -> Vec<String> {
    let mut unknown = Vec::new();
    if let Some(Err(fault)) = &facts.autoscaling {
        unknown.push(format!("whether autoscaling undoes the count: {fault}"));
    }
    if let Some(Err(fault)) = &facts.before {
        unknown.push(format!("the present image: {fault}"));
    }
    if let Some(aim) = &facts.aim {
        if let Some(guess) = &aim.guess {
            unknown.push(format!("whether {} ever ran well: {guess}", aim.name));
        }
        if let Err(fault) = &aim.definition {
            unknown.push(format!("the image of {}: {fault}", aim.name));
        }
        if let Err(fault) = &aim.digests_before {
            unknown.push(format!("the digest that runs now: {fault}"));
        }
    }
    unknown
}
