//! From what was read of a service to what would be changed in it. Pure.

use super::definition::Definition;
use super::health::Rollout;
use super::image::short_digest;
use super::names::short;
use super::row;
use super::warnings::{breaker, warnings};
use crate::shell;
use crate::tools::update_ecs_service::Args;
use aws_sdk_applicationautoscaling::types::ScalableTarget;
use aws_sdk_ecs::types::{DeploymentController, DeploymentControllerType, SchedulingStrategy, Service};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target};
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
    let controller = service.deployment_controller().map(DeploymentController::r#type);
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
    shell::line(words)
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

#[cfg(test)]
mod tests {
    use super::super::definition::ContainerSpec;
    use super::super::fixture::{NOW, ago, breaker, broken, controller, definition, service, tag};
    use super::*;
    use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
    use quarterdeck_core::approval::WarningLevel;

    fn args(change: impl FnOnce(&mut Args)) -> Args {
        let mut args = Args { cluster: "prod".into(), service: "checkout-api".into(), ..Args::default() };
        change(&mut args);
        args
    }

    fn facts(service: Service) -> Facts {
        Facts {
            service,
            region: "eu-west-1".into(),
            identity: Identity { account: "123456789012".into(), ..Identity::default() },
            before: None,
            aim: None,
            autoscaling: None,
            now: NOW,
        }
    }

    fn aim(name: &str, image: &str) -> Aim {
        Aim {
            name: name.into(),
            definition: Ok(definition(name, image)),
            digests: Vec::new(),
            digests_before: Ok(Vec::new()),
            succeeded_at: None,
            guess: None,
            also_different: Vec::new(),
        }
    }

    /// The drill: 42 to 41.
    fn rollback() -> Facts {
        Facts {
            before: Some(Ok(definition("checkout-api:42", "registry/checkout-api:1.9.0"))),
            aim: Some(Aim {
                digests: vec![("app".into(), "sha256:41414141414141414141".into())],
                digests_before: Ok(vec![("app".into(), "sha256:42424242424242424242".into())]),
                ..aim("checkout-api:41", "registry/checkout-api:1.8.2")
            }),
            ..facts(broken().build())
        }
    }

    fn scalable(min: i32, max: i32) -> ScalableTarget {
        ScalableTarget::builder()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id("service/prod/checkout-api")
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .min_capacity(min)
            .max_capacity(max)
            .role_arn("arn:aws:iam::123456789012:role/scaling")
            .creation_time(ago(9000))
            .build()
            .unwrap()
    }

    fn shown(proposal: &Proposal) -> Vec<(&str, &str, &str)> {
        let changes = proposal.targets[0].changes.iter();
        changes.map(|c| (c.field.as_str(), c.before.as_str(), c.after.as_str())).collect()
    }

    fn codes(proposal: &Proposal) -> Vec<(&str, WarningLevel)> {
        proposal.warnings.iter().map(|w| (w.code.as_str(), w.level)).collect()
    }

    #[test]
    fn rolling_the_broken_deploy_back() {
        let proposal = propose(&args(|a| a.roll_back = true), &rollback()).unwrap();
        assert_eq!(proposal.title, "Roll back to checkout-api:41: checkout-api of cluster prod in eu-west-1");
        assert_eq!(
            shown(&proposal),
            [
                ("task definition", "checkout-api:42", "checkout-api:41"),
                (
                    "image",
                    "registry/checkout-api:1.9.0 (sha256:424242424242)",
                    "registry/checkout-api:1.8.2 (sha256:414141414141)"
                ),
            ]
        );
        assert_eq!(
            proposal.command,
            "aws ecs update-service --region eu-west-1 --cluster prod --service checkout-api --task-definition checkout-api:41"
        );
        assert_eq!(proposal.actions, ["ecs:UpdateService", "iam:PassRole"]);
        assert_eq!(proposal.dry_run, DryRun::NotOffered);
        assert_eq!(proposal.unknown, Vec::<String>::new());
        assert_eq!(codes(&proposal), [("mutable_tag", WarningLevel::Info)]);
        assert_eq!(
            proposal.reversible,
            Reversible::Yes("set the task definition back to checkout-api:42".into())
        );
        assert_eq!(proposal.args["region"], "eu-west-1");
        assert_eq!(proposal.undo["task_definition"], "checkout-api:42");
        let target = &proposal.targets[0];
        assert_eq!((target.id.as_str(), target.state.as_str()), ("prod/checkout-api", "ACTIVE"));
        assert_eq!(target.tags["environment"], "staging");
        assert!(target.context.contains(&("running".to_owned(), "2 of 8".to_owned())));
    }

    #[test]
    fn a_guessed_rollback_says_so_and_is_not_known() {
        let mut facts = rollback();
        let aim = facts.aim.as_mut().unwrap();
        aim.guess = Some("the record could not be read: denied".into());
        aim.also_different = vec!["network configuration"];
        let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
        let codes = codes(&proposal);
        assert!(codes.contains(&("rollback_target_guessed", WarningLevel::Caution)), "{codes:?}");
        assert!(codes.contains(&("only_task_definition", WarningLevel::Caution)), "{codes:?}");
        assert_eq!(proposal.unknown.len(), 1);
        assert!(proposal.unknown[0].contains("checkout-api:41 ever ran well"), "{:?}", proposal.unknown);
    }

    #[test]
    fn what_could_not_be_read_is_not_known() {
        let denied = || Fault::new(FaultKind::Denied, "no").action("ecs:DescribeTaskDefinition");
        let mut facts = rollback();
        facts.before = Some(Err(denied()));
        facts.aim.as_mut().unwrap().definition = Err(denied());
        facts.aim.as_mut().unwrap().digests_before = Err(denied());
        facts.autoscaling = Some(Err(denied()));
        let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
        assert_eq!(proposal.unknown.len(), 4);
        assert!(proposal.unknown.iter().all(|u| u.contains("ecs:DescribeTaskDefinition")));
        assert_eq!(shown(&proposal), [("task definition", "checkout-api:42", "checkout-api:41")]);
        assert!(proposal.actions.contains(&"iam:PassRole".to_owned()));
    }

    #[test]
    fn counts() {
        let of = |running: i32, desired: i32, count: i32, targets: Vec<ScalableTarget>| {
            let service = service("checkout-api", running, desired).tags(tag("environment", "dev")).build();
            let facts = Facts { autoscaling: Some(Ok(targets)), ..facts(service) };
            propose(&args(|a| a.desired_count = Some(count)), &facts)
        };
        let down = of(8, 8, 2, vec![scalable(4, 16)]).unwrap();
        assert_eq!(shown(&down), [("desired count", "8", "2")]);
        assert_eq!(codes(&down), [("autoscaling_may_undo", WarningLevel::Caution)]);
        assert!(down.warnings[0].text.contains("2 is outside"), "{}", down.warnings[0].text);
        assert_eq!(down.actions, ["ecs:UpdateService"]);
        assert_eq!(
            down.command,
            "aws ecs update-service --region eu-west-1 --cluster prod --service checkout-api --desired-count 2"
        );
        let zero = of(8, 8, 0, Vec::new()).unwrap();
        assert_eq!(codes(&zero), [("scale_to_zero", WarningLevel::Critical)]);
        assert_eq!(codes(&of(8, 8, 9, Vec::new()).unwrap()), []);
        assert!(of(8, 8, 9, vec![scalable(4, 16)]).unwrap().warnings[0].text.contains("at any time"));
        let same = of(8, 8, 8, Vec::new()).unwrap_err();
        assert_eq!(same.kind, FaultKind::Conflict);
        assert!(same.message.contains("nothing would change"));
    }

    #[test]
    fn a_forced_deployment_pulls_its_tags_again() {
        let service = service("checkout-api", 2, 2).deployment_configuration(breaker(true, true)).build();
        let facts = Facts {
            before: Some(Ok(definition("checkout-api:42", "registry/checkout-api"))),
            ..facts(service)
        };
        let proposal = propose(&args(|a| a.force_new_deployment = true), &facts).unwrap();
        assert_eq!(shown(&proposal), [("force new deployment", "no", "yes")]);
        assert_eq!(codes(&proposal), [("mutable_tag", WarningLevel::Caution)]);
        assert!(proposal.warnings[0].text.contains("tag latest"), "{}", proposal.warnings[0].text);
        assert!(proposal.command.ends_with("--force-new-deployment"));
        assert!(matches!(proposal.reversible, Reversible::Partly(_)));
    }

    #[test]
    fn tags_of_images() {
        for (before, after, expected) in [
            ("app:1@sha256:aa", "app:1@sha256:bb", None),
            ("app:2", "app:1", Some(WarningLevel::Info)),
            ("app:latest", "app:latest", Some(WarningLevel::Caution)),
            ("app:stable", "app:stable", Some(WarningLevel::Caution)),
            ("app:2", "app", Some(WarningLevel::Caution)),
        ] {
            let facts = Facts {
                before: Some(Ok(definition("checkout-api:42", before))),
                aim: Some(aim("checkout-api:41", after)),
                ..facts(broken().build())
            };
            let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
            let found = proposal.warnings.iter().find(|w| w.code == "mutable_tag").map(|w| w.level);
            assert_eq!(found, expected, "{before} -> {after}");
        }
    }

    #[test]
    fn several_containers_are_named() {
        let sidecar =
            |image: &str| ContainerSpec { name: "envoy".into(), image: image.into(), ..Default::default() };
        let (mut before, mut after) =
            (definition("checkout-api:42", "app:2"), definition("checkout-api:41", "app:1"));
        before.containers.push(sidecar("envoy:1.31"));
        after.containers.push(sidecar("envoy:1.31"));
        let facts = Facts {
            before: Some(Ok(before)),
            aim: Some(Aim { definition: Ok(after), ..aim("checkout-api:41", "") }),
            ..facts(broken().build())
        };
        let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
        assert_eq!(shown(&proposal)[1..], [("image of app", "app:2", "app:1")]);
    }

    #[test]
    fn a_rollout_in_progress_and_no_breaker_are_told() {
        use super::super::fixture::deployment;
        use aws_sdk_ecs::types::DeploymentRolloutState::InProgress;
        let service = service("checkout-api", 2, 8)
            .deployments(deployment("PRIMARY", "checkout-api:42", (0, 8), InProgress, 3, 4))
            .tags(tag("aws:cloudformation:stack-name", "checkout"))
            .build();
        let facts = Facts { service, ..rollback() };
        let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
        let codes: Vec<&str> = proposal.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["rollout_in_progress", "no_circuit_breaker", "mutable_tag", "drift_likely"]);
    }

    #[test]
    fn who_manages_it() {
        for (key, value, drift) in [
            ("aws:cloudformation:stack-name", "x", true),
            ("ManagedBy", "terraform", true),
            ("terraform-workspace", "prod", true),
            ("managed_by", "CDK", true),
            ("managed-by", "platform team", false),
            ("environment", "dev", false),
        ] {
            let facts = facts(service("checkout-api", 2, 2).tags(tag(key, value)).build());
            let proposal = propose(&args(|a| a.desired_count = Some(3)), &facts).unwrap();
            assert_eq!(proposal.warnings.iter().any(|w| w.code == "drift_likely"), drift, "{key}={value}");
        }
    }

    #[test]
    fn inactive_definitions() {
        let mut facts = rollback();
        facts.before = Some(Ok(Definition { active: false, ..definition("checkout-api:42", "app:2") }));
        let proposal = propose(&args(|a| a.roll_back = true), &facts).unwrap();
        assert!(matches!(proposal.reversible, Reversible::No(_)), "42 could not come back");
        facts.aim.as_mut().unwrap().definition =
            Ok(Definition { active: false, ..definition("checkout-api:41", "app:1") });
        let fault = propose(&args(|a| a.roll_back = true), &facts).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
    }

    #[test]
    fn states_that_refuse() {
        use aws_sdk_ecs::types::DeploymentControllerType::{CodeDeploy, Ecs, External};
        let by = |kind: DeploymentControllerType| {
            service("checkout-api", 2, 2).deployment_controller(controller(kind)).build()
        };
        let daemon = service("checkout-api", 2, 2).scheduling_strategy(SchedulingStrategy::Daemon).build();
        let back = || args(|a| a.roll_back = true);
        let forced = || args(|a| a.force_new_deployment = true);
        let count = || args(|a| a.desired_count = Some(3));
        let named = || args(|a| a.task_definition = Some("checkout-api:41".into()));
        for (what, args, service, refused) in [
            ("rolling updates", back(), by(Ecs), false),
            ("CodeDeploy, roll back", back(), by(CodeDeploy), true),
            ("CodeDeploy, task definition", named(), by(CodeDeploy), true),
            ("CodeDeploy, force", forced(), by(CodeDeploy), true),
            ("CodeDeploy, count", count(), by(CodeDeploy), false),
            ("external, task definition", named(), by(External), true),
            ("external, count", count(), by(External), false),
            ("daemon, count", count(), daemon.clone(), true),
            ("daemon, roll back", back(), daemon, false),
            ("draining", count(), service("checkout-api", 1, 2).status("DRAINING").build(), true),
        ] {
            let answer = refuse(&args, &service);
            assert_eq!(answer.is_err(), refused, "{what}");
            assert!(answer.is_ok() || answer.unwrap_err().kind == FaultKind::Conflict, "{what}");
        }
    }

    #[test]
    fn planning_the_resolved_arguments_again_gives_the_same_plan() {
        let first = propose(&args(|a| a.roll_back = true), &rollback()).unwrap();
        let again: Args = serde_json::from_value(first.args.clone()).unwrap();
        assert_eq!(propose(&again, &rollback()).unwrap(), first);
    }
}
