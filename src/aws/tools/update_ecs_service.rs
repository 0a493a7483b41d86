//! `update_ecs_service`: set a count, deploy again, or roll back.

use super::ecs::definition::Definition;
use super::ecs::names::{region_of, short};
use super::ecs::proposal::{self, Aim, DESIRED_COUNT, Facts, NEW_DEPLOYMENT, TASK_DEFINITION};
use super::ecs::read;
use super::ecs::rollback::{self, Found};
use super::ecs::row::{self, COLUMNS};
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::place::Place;
use crate::tool::WriteTool;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Service, ServiceRevision};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Proposal;
use quarterdeck_core::tool::{
    Cell, Fault, FaultKind, Op, Projection, RegionRule, Spec, Verdict, Watch, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Changes one ECS service.
#[derive(Debug)]
pub struct UpdateEcsService;

/// What `update_ecs_service` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The cluster's name or ARN, for example "prod".
    pub cluster: String,
    /// The service's name or ARN, for example "checkout-api".
    pub service: String,
    /// How many tasks the service shall run, 0 or more, for example 8. Default: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<i32>,
    /// Replace every task although nothing else changes: restarts them and pulls tags again. Default: false.
    #[serde(default)]
    pub force_new_deployment: bool,
    /// The task definition to deploy: family:revision, its ARN, or a family for its newest revision; for example
    /// "checkout-api:41". Not together with roll_back. Default: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// Deploy the task definition of the last successful deployment before the present one. Not together with
    /// task_definition. Default: false.
    #[serde(default)]
    pub roll_back: bool,
    /// The one region, for example "eu-west-1". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The one account, by its name in the configuration. Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl WriteTool for UpdateEcsService {
    const SPEC: Spec = Spec {
        name: "update_ecs_service",
        description: "Change one ECS service: set desired_count, roll_back to the last successful revision, deploy a \
            given task_definition, or force_new_deployment (restart). Asks the operator, who sees before and after; \
            afterwards the rollout is followed by itself. Look first: list_ecs_services for the state, \
            get_ecs_stopped_tasks for why tasks die. For EC2 instances use stop_instances or start_instances. Free.",
        reads: &[
            Op::new("ECS", "DescribeServices", &["ecs:DescribeServices"]),
            Op::new("ECS", "DescribeTaskDefinition", &["ecs:DescribeTaskDefinition"]),
            Op::new("ECS", "ListServiceDeployments", &["ecs:ListServiceDeployments"]),
            Op::new("ECS", "DescribeServiceRevisions", &["ecs:DescribeServiceRevisions"]),
            Op::new(
                "Application Auto Scaling",
                "DescribeScalableTargets",
                &["application-autoscaling:DescribeScalableTargets"],
            ),
        ],
        writes: &[Op::new("ECS", "UpdateService", &["ecs:UpdateService", "iam:PassRole"])],
        region: RegionRule::OneRegion,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Option<Service>;

    fn check(args: &Args) -> Result<(), Fault> {
        let invalid = |text: &str, hint: &str| Err(Fault::new(FaultKind::Invalid, text).hint(hint));
        if args.cluster.trim().is_empty() || args.service.trim().is_empty() {
            return invalid("cluster and service must be named", "list_ecs_services shows both");
        }
        if args.desired_count.is_some_and(|count| count < 0) {
            return invalid("desired_count must be 0 or more", "send for example 8");
        }
        if args.task_definition.is_some() && args.roll_back {
            return invalid(
                "task_definition and roll_back exclude each other",
                "send task_definition to choose the revision, roll_back for the last successful one",
            );
        }
        if args.task_definition.as_deref().is_some_and(|d| d.trim().is_empty()) {
            return invalid("task_definition is empty", "send family:revision, for example checkout-api:41");
        }
        if args.region.as_deref() == Some("all") || args.account.as_deref() == Some("all") {
            return invalid(
                "a change goes to exactly one region and account",
                "send one region, for example eu-west-1",
            );
        }
        let changes = args.desired_count.is_some()
            || args.task_definition.is_some()
            || args.force_new_deployment
            || args.roll_back;
        if !changes {
            return invalid(
                "nothing to change",
                "send desired_count, force_new_deployment, task_definition or roll_back",
            );
        }
        Ok(())
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let region = args.region.as_deref().or(region_of(&args.service)).or(region_of(&args.cluster));
        let place = aws.place(region, args.account.as_deref()).await?;
        let client = aws.ecs(&place);
        let service = service(&client, args, &place).await?;
        proposal::refuse(args, &service)?;
        let found = match &args.task_definition {
            Some(definition) => Some(Found { definition: definition.clone(), ..Found::default() }),
            None if args.roll_back => Some(rollback::find(&client, &service).await?),
            None => None,
        };
        let (identity, before, aim, autoscaling) = tokio::join!(
            aws.identity(&place),
            present(&client, args, &service),
            aim(&client, &service, found),
            scalable_targets(aws, &place, args, &service),
        );
        let facts = Facts {
            region: place.region,
            identity: identity?,
            before: known(before)?,
            aim: aim?,
            autoscaling: known(autoscaling)?,
            now: aws.now(),
            service,
        };
        proposal::propose(args, &facts)
    }

    async fn call(aws: WriteClients) -> Result<Option<Service>, Fault> {
        let order = Order::of(aws.plan())?;
        let request = aws
            .ecs()
            .update_service()
            .cluster(order.cluster)
            .service(order.service)
            .set_desired_count(order.desired_count)
            .set_task_definition(order.task_definition)
            .set_force_new_deployment(order.force_new_deployment.then_some(true));
        let out = request.send().await.map_err(|e| fault::of(&e))?;
        Ok(out.service)
    }

    fn project(plan: &Proposal, out: &Option<Service>, as_of: Timestamp) -> Projection {
        let made: Vec<String> = plan
            .targets
            .iter()
            .flat_map(|target| &target.changes)
            .map(|c| format!("{} {} -> {}", c.field, c.before, c.after))
            .collect();
        let name = plan.targets.first().map_or("", |target| target.id.as_str());
        let mut projection = Projection::new(format!("ECS accepted for {name}: {}", made.join(", ")), as_of)
            .columns(&COLUMNS)
            .rows(out.iter().map(|s| row::service_row(s, None, std::iter::empty(), as_of)).collect());
        projection.notes =
            vec!["accepted is not done: the rollout is followed with list_ecs_services".to_owned()];
        projection
    }

    fn verify(plan: &Proposal) -> Watch {
        let text = |field: &str| plan.args.get(field).cloned();
        let mut args = json!({
            "cluster": text("cluster"),
            "service": text("service"),
            "regions": [&plan.region],
        });
        if let (Some(account), Some(map)) = (text("account"), args.as_object_mut()) {
            map.insert("accounts".to_owned(), json!([account]));
        }
        Watch {
            tool: "list_ecs_services",
            args,
            every: Duration::from_secs(5),
            at_most: Duration::from_secs(600),
            judge,
        }
    }

    fn inverse(plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        let undo =
            |field: &str, changed: &str| plan.undo.get(field).filter(|_| after(plan, changed).is_some());
        let (count, definition) =
            (undo("desired_count", DESIRED_COUNT), undo("task_definition", TASK_DEFINITION));
        if count.is_none() && definition.is_none_or(serde_json::Value::is_null) {
            return None;
        }
        let mut args = serde_json::Map::new();
        for field in ["cluster", "service", "account"] {
            args.extend(plan.args.get(field).map(|value| (field.to_owned(), value.clone())));
        }
        args.insert("region".to_owned(), json!(plan.region));
        args.extend(count.map(|count| ("desired_count".to_owned(), count.clone())));
        args.extend(definition.map(|definition| ("task_definition".to_owned(), definition.clone())));
        Some(WriteCall { tool: plan.tool.clone(), args: args.into() })
    }
}

/// Credentials that ended stop the plan; any other fault leaves a fact unknown.
fn known<T>(read: Option<Result<T, Fault>>) -> Result<Option<Result<T, Fault>>, Fault> {
    match read {
        Some(Err(fault)) if fault.kind == FaultKind::Expired => Err(fault),
        Some(_) | None => Ok(read),
    }
}

async fn service(client: &Client, args: &Args, place: &Place) -> Result<Service, Fault> {
    let cluster = &args.cluster;
    let see = "list_ecs_services shows the clusters and services there are";
    let Some(described) = read::describe_services(client, cluster, std::slice::from_ref(&args.service)).await
    else {
        let text = format!("there is no cluster {:?} in {}", short(cluster), place.region);
        return Err(Fault::new(FaultKind::Missing, text).hint(see));
    };
    if let Some((fault, _)) = described.fault {
        return Err(fault);
    }
    described.services.into_iter().next().ok_or_else(|| {
        let (name, cluster) = (short(&args.service), short(cluster));
        let text = format!("there is no service {name:?} in cluster {cluster:?} in {}", place.region);
        Fault::new(FaultKind::Missing, text).hint(see)
    })
}

/// The present task definition, where the change starts tasks.
async fn present(client: &Client, args: &Args, service: &Service) -> Option<Result<Definition, Fault>> {
    let starts = args.force_new_deployment || args.roll_back || args.task_definition.is_some();
    let name = Some(rollback::present(service)).filter(|name| starts && !name.is_empty())?;
    Some(read::definition(client, name).await)
}

/// What is to be deployed, with the digests ECS has recorded for it and for what runs now.
async fn aim(client: &Client, service: &Service, found: Option<Found>) -> Result<Option<Aim>, Fault> {
    let Some(found) = found else { return Ok(None) };
    let running = service.current_service_revisions().iter().filter_map(|r| r.arn().map(str::to_owned));
    let (definition, revisions) = tokio::join!(
        read::definition(client, &found.definition),
        rollback::revisions(client, running.take(20).collect()),
    );
    let named = short(&found.definition);
    let definition = match definition {
        Err(fault) if matches!(fault.kind, FaultKind::Missing | FaultKind::Expired) => return Err(fault),
        // Without the definition a bare family does not say which revision would be deployed.
        Err(fault) if super::ecs::names::family_revision(named).is_none() => return Err(fault),
        answer => answer,
    };
    let name = definition.as_ref().map_or(named, |d| short(&d.arn)).to_owned();
    let present = rollback::present(service);
    let running = revisions.map(|revisions| {
        revisions.into_iter().find(|r| r.task_definition().is_some_and(|d| short(d) == short(present)))
    });
    let also_different = match (&found.revision, &running) {
        (Some(then), Ok(Some(now))) => differences(then, now),
        (Some(_) | None, _) => Vec::new(),
    };
    Ok(Some(Aim {
        name,
        definition,
        digests: found.revision.as_ref().map(digests).unwrap_or_default(),
        digests_before: running.map(|now| now.as_ref().map(digests).unwrap_or_default()),
        succeeded_at: found.succeeded_at,
        guess: found.guess,
        also_different,
    }))
}

fn digests(revision: &ServiceRevision) -> Vec<(String, String)> {
    let pair = |image: &aws_sdk_ecs::types::ContainerImage| {
        Some((image.container_name()?.to_owned(), image.image_digest()?.to_owned()))
    };
    revision.container_images().iter().filter_map(pair).collect()
}

/// What a rollback of the task definition leaves as it is now.
fn differences(then: &ServiceRevision, now: &ServiceRevision) -> Vec<&'static str> {
    [
        ("network configuration", then.network_configuration != now.network_configuration),
        ("load balancers", then.load_balancers != now.load_balancers),
        ("capacity providers", then.capacity_provider_strategy != now.capacity_provider_strategy),
        ("launch type", then.launch_type != now.launch_type),
        ("platform version", then.platform_version != now.platform_version),
    ]
    .into_iter()
    .filter_map(|(what, differs)| differs.then_some(what))
    .collect()
}

async fn scalable_targets(
    aws: &ReadClients,
    place: &Place,
    args: &Args,
    service: &Service,
) -> Option<Result<Vec<ScalableTarget>, Fault>> {
    args.desired_count?;
    let request = aws
        .autoscaling_targets(place)
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(format!("service/{}/{}", row::cluster(service), row::name(service)))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let answer = request.send().await;
    Some(answer.map(|out| out.scalable_targets.unwrap_or_default()).map_err(|e| fault::of(&e)))
}

/// What UpdateService is sent: the values after the arrows the operator saw, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    cluster: String,
    service: String,
    desired_count: Option<i32>,
    task_definition: Option<String>,
    force_new_deployment: bool,
}

impl Order {
    fn of(plan: &Proposal) -> Result<Self, Fault> {
        let broken =
            || Fault::new(FaultKind::Invalid, "the plan does not say what to send; nothing was sent");
        let target = plan.targets.first().ok_or_else(broken)?;
        let (cluster, service) = target.id.split_once('/').ok_or_else(broken)?;
        let desired_count = after(plan, DESIRED_COUNT).map(str::parse).transpose().map_err(|_| broken())?;
        let order = Self {
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            desired_count,
            task_definition: after(plan, TASK_DEFINITION).map(str::to_owned),
            force_new_deployment: after(plan, NEW_DEPLOYMENT).is_some(),
        };
        match order {
            Self { desired_count: None, task_definition: None, force_new_deployment: false, .. } => {
                Err(broken())
            }
            order => Ok(order),
        }
    }
}

/// The value that was approved for `field`.
fn after<'a>(plan: &'a Proposal, field: &str) -> Option<&'a str> {
    let changes = &plan.targets.first()?.changes;
    changes.iter().find(|change| change.field == field).map(|change| change.after.as_str())
}

/// Whether the service is as promised: the new deployment completed and as many tasks as wanted run.
fn judge(plan: &Proposal, seen: &Projection) -> Verdict {
    let Some(row) = seen.rows.first() else { return Verdict::NotYet };
    let text = |name: &str| seen.cell(row, name).map(Cell::plain).unwrap_or_default();
    let promised = |field: &str, column: &str| after(plan, field).is_none_or(|value| value == text(column));
    let deploys = after(plan, TASK_DEFINITION).is_some() || after(plan, NEW_DEPLOYMENT).is_some();
    let old = plan.undo.get("deployed_at").and_then(serde_json::Value::as_str);
    if deploys && old == Some(text("deployed_at").as_str()) {
        // ECS still shows the deployment this one replaces; its state says nothing about ours.
        return Verdict::NotYet;
    }
    if !promised(TASK_DEFINITION, "task_definition") {
        // A newer deployment of something else: the circuit breaker, or somebody, has replaced ours.
        return Verdict::Failed;
    }
    if text("rollout") == "FAILED" {
        return Verdict::Failed;
    }
    let settled = matches!(text("rollout").as_str(), "COMPLETED" | "STEADY_STATE" | "");
    let counts =
        promised(DESIRED_COUNT, "desired") && text("running") == text("desired") && text("pending") == "0";
    if settled && counts { Verdict::Done } else { Verdict::NotYet }
}
