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
use crate::tool::{CEILING, WriteTool};
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
    /// Tasks the service shall run, e.g. 8. Default: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<i32>,
    /// Replace every task although nothing else changes. Default: false.
    #[serde(default)]
    pub force_new_deployment: bool,
    /// To deploy: family:revision, an ARN, or a family for its newest, e.g. "checkout-api:41". Not with roll_back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// Deploy what the last successful deployment before this one ran. Not with task_definition. Default: false.
    #[serde(default)]
    pub roll_back: bool,
    /// The one region, e.g. "eu-west-1". Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The one account, by configured name. Default: the session's.
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
            Op::new("ECS", "ListClusters", &["ecs:ListClusters"]),
            Op::new("ECS", "ListServices", &["ecs:ListServices"]),
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
    let Some(described) = read::describe_services(client, cluster, std::slice::from_ref(&args.service)).await
    else {
        let arns = read::cluster_arns(client).await.unwrap_or_default();
        return Err(missing("cluster", cluster, &arns, &place.region));
    };
    if let Some((fault, _)) = described.fault {
        return Err(fault);
    }
    match described.services.into_iter().next() {
        Some(service) => Ok(service),
        None => {
            let listed =
                read::service_arns(client, cluster, CEILING).await.ok().flatten().unwrap_or_default();
            let searched = format!("cluster {:?} in {}", short(cluster), place.region);
            Err(missing("service", &args.service, &listed.arns, &searched))
        }
    }
}

/// Nothing has this name; the nearest that exist, where they could be listed.
fn missing(what: &str, wanted: &str, arns: &[String], searched: &str) -> Fault {
    let fault = read::unknown(what, wanted, arns.iter().map(|arn| short(arn)), searched);
    if fault.hint.is_some() {
        return fault;
    }
    fault.hint("list_ecs_services shows the clusters and services there are")
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

#[cfg(test)]
mod tests {
    use super::super::ecs::fixture::{NOW, arn, broken, deployment, service as fixture};
    use super::*;
    use crate::testing::{Canned, Sent};
    use aws_sdk_ecs::types::DeploymentRolloutState::{Completed, Failed, InProgress};
    use quarterdeck_core::tool::Projection;
    use serde_json::Value;

    fn args(json: Value) -> Args {
        serde_json::from_value(json).unwrap()
    }

    fn roll_back() -> Args {
        args(json!({"cluster": "prod", "service": "checkout-api", "roll_back": true}))
    }

    #[test]
    fn arguments() {
        let base = json!({"cluster": "prod", "service": "checkout-api"});
        for (extra, valid) in [
            (json!({}), false),
            (json!({"desired_count": 0}), true),
            (json!({"desired_count": -1}), false),
            (json!({"force_new_deployment": true}), true),
            (json!({"roll_back": true}), true),
            (json!({"roll_back": true, "desired_count": 4}), true),
            (json!({"roll_back": true, "task_definition": "checkout-api:41"}), false),
            (json!({"task_definition": " "}), false),
            (json!({"task_definition": "checkout-api:41"}), true),
            (json!({"roll_back": true, "region": "all"}), false),
            (json!({"roll_back": true, "service": ""}), false),
        ] {
            let mut all = base.clone();
            all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert_eq!(UpdateEcsService::check(&args(all)).is_ok(), valid, "{extra}");
        }
        assert!(serde_json::from_value::<Args>(json!({"cluster": "a", "service": "b", "count": 1})).is_err());
    }

    #[test]
    fn descriptions_fit() {
        assert!(UpdateEcsService::SPEC.description.len() <= 600);
        assert!(
            <super::super::list_ecs_services::ListEcsServices as crate::tool::ReadTool>::SPEC
                .description
                .len()
                <= 600
        );
        assert!(
            <super::super::get_ecs_stopped_tasks::GetEcsStoppedTasks as crate::tool::ReadTool>::SPEC
                .description
                .len()
                <= 600
        );
    }

    /// The drill as AWS tells it: 42 fails, 41 was the last success, 40 the one before.
    fn drill() -> Canned {
        let services = json!({"services": [{
            "serviceArn": arn("service/prod/checkout-api"), "serviceName": "checkout-api",
            "clusterArn": arn("cluster/prod"), "status": "ACTIVE", "desiredCount": 8, "runningCount": 2,
            "taskDefinition": arn("task-definition/checkout-api:42"),
            "tags": [{"key": "environment", "value": "staging"}],
            "currentServiceRevisions": [{"arn": "r42"}, {"arn": "r41"}],
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}},
            "deployments": [
                {"status": "PRIMARY", "taskDefinition": arn("task-definition/checkout-api:42"), "rolloutState": "FAILED",
                 "desiredCount": 8, "runningCount": 0, "failedTasks": 12, "createdAt": 1_795_143_005},
                {"status": "ACTIVE", "taskDefinition": arn("task-definition/checkout-api:41"), "rolloutState": "COMPLETED",
                 "desiredCount": 2, "runningCount": 2, "createdAt": 1_795_000_000}]}]});
        let brief = |revision: &str, status: &str, at: i64| json!({"targetServiceRevisionArn": revision, "status": status, "createdAt": at, "finishedAt": at + 100});
        let deployments = json!({"serviceDeployments": [
            brief("r40", "SUCCESSFUL", 1_794_000_000), brief("r42", "STOPPED", 1_795_143_005),
            brief("r41", "SUCCESSFUL", 1_795_000_000)]});
        Canned::new()
            .on("ecs", "DescribeServices", &services.to_string())
            .on("ecs", "ListServiceDeployments", &deployments.to_string())
            .with("ecs", "DescribeServiceRevisions", |sent| {
                let asked: Value = serde_json::from_str(&sent.body).unwrap();
                let revisions: Vec<Value> = asked["serviceRevisionArns"].as_array().unwrap().iter().map(|r| {
                    let n = r.as_str().unwrap().trim_start_matches('r').to_owned();
                    json!({"serviceRevisionArn": r, "taskDefinition": arn(&format!("task-definition/checkout-api:{n}")),
                        "launchType": if n == "42" { "FARGATE" } else { "EC2" },
                        "containerImages": [{"containerName": "app", "imageDigest": format!("sha256:{n}{n}{n}{n}{n}{n}{n}")}]})
                }).collect();
                (200, json!({"serviceRevisions": revisions}).to_string().into_bytes())
            })
            .with("ecs", "DescribeTaskDefinition", definition)
    }

    fn definition(sent: &Sent) -> (u16, Vec<u8>) {
        let asked: Value = serde_json::from_str(&sent.body).unwrap();
        let name = short(asked["taskDefinition"].as_str().unwrap()).to_owned();
        let known = ["checkout-api:40", "checkout-api:41", "checkout-api:42"];
        if !known.contains(&name.as_str()) {
            let body = json!({"__type": "ClientException", "message": "Unable to describe task definition."});
            return (400, body.to_string().into_bytes());
        }
        let body = json!({"taskDefinition": {
            "taskDefinitionArn": arn(&format!("task-definition/{name}")), "status": "ACTIVE",
            "executionRoleArn": "arn:aws:iam::123456789012:role/exec",
            "containerDefinitions": [{"name": "app", "image": format!("registry/{name}"),
                "environment": [{"name": "PASSWORD", "value": "hunter2"}]}]}});
        (200, body.to_string().into_bytes())
    }

    async fn plan(canned: &Canned, args: &Args) -> Result<Proposal, Fault> {
        let aws = canned.reads(const { &UpdateEcsService::SPEC }).await;
        UpdateEcsService::plan(&aws, args).await
    }

    #[tokio::test]
    async fn the_last_successful_revision_is_planned() {
        let canned = drill();
        let plan = plan(&canned, &roll_back()).await.unwrap();
        let changes: Vec<(&str, &str, &str)> = plan.targets[0]
            .changes
            .iter()
            .map(|c| (c.field.as_str(), c.before.as_str(), c.after.as_str()))
            .collect();
        assert_eq!(
            changes,
            [
                ("task definition", "checkout-api:42", "checkout-api:41"),
                (
                    "image",
                    "registry/checkout-api:42 (sha256:424242424242)",
                    "registry/checkout-api:41 (sha256:414141414141)"
                ),
            ]
        );
        assert_eq!(plan.unknown, Vec::<String>::new());
        assert_eq!(plan.identity.account, "123456789012");
        let codes: Vec<&str> = plan.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["mutable_tag", "only_task_definition"]);
        assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
        assert!(!canned.operations().contains(&"UpdateService".to_owned()), "a plan changes nothing");
        assert_eq!(
            Order::of(&plan).unwrap(),
            Order {
                cluster: "prod".into(),
                service: "checkout-api".into(),
                desired_count: None,
                task_definition: Some("checkout-api:41".into()),
                force_new_deployment: false,
            }
        );
    }

    #[tokio::test]
    async fn a_plan_survives_what_cannot_be_read() {
        let denied = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ecs:ListServiceDeployments on resource: y"}"#;
        let html = "<!doctype html><title>500</title>";
        for canned in [
            drill().failing("ecs", "ListServiceDeployments", 400, denied),
            drill().failing("ecs", "ListServiceDeployments", 501, html),
            drill().failing("ecs", "DescribeServiceRevisions", 501, html),
        ] {
            let plan = plan(&canned, &roll_back()).await.unwrap();
            assert_eq!(after(&plan, TASK_DEFINITION), Some("checkout-api:41"), "the one that still serves");
            assert!(plan.unknown[0].contains("ever ran well"), "{:?}", plan.unknown);
            assert!(plan.warnings.iter().any(|w| w.code == "rollback_target_guessed"));
        }
    }

    #[tokio::test]
    async fn without_any_record_the_earlier_revision_is_the_guess() {
        let alone = json!({"services": [{"serviceName": "checkout-api", "status": "ACTIVE",
            "clusterArn": arn("cluster/prod"), "desiredCount": 8, "runningCount": 0,
            "taskDefinition": arn("task-definition/checkout-api:42")}]});
        let canned = drill().on("ecs", "DescribeServices", &alone.to_string()).on(
            "ecs",
            "ListServiceDeployments",
            r#"{"serviceDeployments":[]}"#,
        );
        let plan = plan(&canned, &roll_back()).await.unwrap();
        assert_eq!(after(&plan, TASK_DEFINITION), Some("checkout-api:41"));
        assert!(plan.unknown[0].contains("no record"), "{:?}", plan.unknown);
    }

    #[tokio::test]
    async fn counts_read_autoscaling_and_survive_without_it() {
        let args = args(json!({"cluster": "prod", "service": "checkout-api", "desired_count": 4}));
        let denied = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: application-autoscaling:DescribeScalableTargets on resource: y"}"#;
        let canned = drill().failing("application-autoscaling", "DescribeScalableTargets", 400, denied);
        let plan = plan(&canned, &args).await.unwrap();
        assert!(
            plan.unknown[0].contains("needs application-autoscaling:DescribeScalableTargets"),
            "{:?}",
            plan.unknown
        );
        assert!(!canned.operations().contains(&"ListServiceDeployments".to_owned()));
    }

    #[tokio::test]
    async fn what_is_not_there() {
        let missing = drill().on(
            "ecs",
            "DescribeServices",
            r#"{"services":[],"failures":[{"arn":"x","reason":"MISSING"}]}"#,
        );
        assert_eq!(plan(&missing, &roll_back()).await.unwrap_err().kind, FaultKind::Missing);
        let args =
            args(json!({"cluster": "prod", "service": "checkout-api", "task_definition": "checkout-api:9"}));
        let fault = plan(&drill(), &args).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.message.contains("checkout-api:9"));
    }

    async fn promised() -> Proposal {
        plan(&drill(), &roll_back()).await.unwrap()
    }

    fn seen(service: aws_sdk_ecs::types::builders::ServiceBuilder) -> Projection {
        let row = row::service_row(&service.build(), None, std::iter::empty(), NOW);
        Projection::new("", NOW).columns(&COLUMNS).rows(vec![row])
    }

    #[tokio::test]
    async fn verdicts_on_a_rollback() {
        let plan = promised().await;
        let new = |definition: &str, running: i32, state| {
            fixture("checkout-api", running, 8).deployments(deployment(
                "PRIMARY",
                definition,
                (running, 8),
                state,
                0,
                0,
            ))
        };
        for (what, seen, expected) in [
            ("still the failed deployment", seen(broken()), Verdict::NotYet),
            ("on its way", seen(new("checkout-api:41", 3, InProgress)), Verdict::NotYet),
            ("all run, not settled", seen(new("checkout-api:41", 8, InProgress)), Verdict::NotYet),
            ("settled, too few", seen(new("checkout-api:41", 7, Completed)), Verdict::NotYet),
            ("as promised", seen(new("checkout-api:41", 8, Completed)), Verdict::Done),
            ("failed", seen(new("checkout-api:41", 2, Failed)), Verdict::Failed),
            ("replaced by another", seen(new("checkout-api:40", 8, Completed)), Verdict::Failed),
            ("nothing read", Projection::new("", NOW), Verdict::NotYet),
        ] {
            // The fixture's failed deployment is as old as the planned one.
            assert_eq!(judge(&plan, &seen), expected, "{what}");
        }
        let watch = UpdateEcsService::verify(&plan);
        assert_eq!(
            (watch.tool, watch.every.as_secs(), watch.at_most.as_secs()),
            ("list_ecs_services", 5, 600)
        );
        assert_eq!(
            watch.args,
            json!({"cluster": "prod", "service": "checkout-api", "regions": ["eu-west-1"]})
        );
    }

    #[tokio::test]
    async fn verdicts_on_a_count() {
        let canned =
            drill().on("application-autoscaling", "DescribeScalableTargets", r#"{"ScalableTargets":[]}"#);
        let args = args(json!({"cluster": "prod", "service": "checkout-api", "desired_count": 2}));
        let plan = plan(&canned, &args).await.unwrap();
        let of = |running: i32, desired: i32| {
            seen(fixture("checkout-api", running, desired).deployments(deployment(
                "PRIMARY",
                "checkout-api:42",
                (running, desired),
                Completed,
                0,
                14,
            )))
        };
        assert_eq!(judge(&plan, &of(8, 8)), Verdict::NotYet, "not yet accepted, or undone by autoscaling");
        assert_eq!(judge(&plan, &of(5, 2)), Verdict::NotYet);
        assert_eq!(judge(&plan, &of(2, 2)), Verdict::Done, "no new deployment is needed for a count");
    }

    #[tokio::test]
    async fn the_inverse_sets_back_what_was_changed_and_nothing_else() {
        let none = Projection::new("", NOW);
        let inverse = UpdateEcsService::inverse(&promised().await, &none).unwrap();
        assert_eq!(
            inverse.args,
            json!({"cluster": "prod", "service": "checkout-api", "region": "eu-west-1", "task_definition": "checkout-api:42"})
        );
        UpdateEcsService::check(&args(inverse.args)).unwrap();
        let forced =
            args(json!({"cluster": "prod", "service": "checkout-api", "force_new_deployment": true}));
        let plan = plan(&drill(), &forced).await.unwrap();
        assert_eq!(UpdateEcsService::inverse(&plan, &none), None, "tasks cannot be un-replaced");
    }
}
