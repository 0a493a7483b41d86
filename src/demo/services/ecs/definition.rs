//! Task definitions.

use super::service::definition_arn;
use super::size;
use crate::account::Service;
use crate::lines::group_of;
use crate::page::page;
use crate::seed;
use crate::services::Reply;
use crate::story::Deploy;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many revisions before the present one are still registered.
const REGISTERED: u32 = 4;

/// The ARN of the secret `name`.
pub(crate) fn secret_arn(world: &World<'_>, name: &str) -> String {
    world.arn("secretsmanager", &format!("secret:{name}"))
}

/// The image of a revision: the repository with the revision's tag.
pub(crate) fn image(world: &World<'_>, service: &Service, revision: u32) -> String {
    let tag = story(world, service, revision)
        .and_then(|d| d.tag.clone())
        .unwrap_or_else(|| format!("1.{revision}.0"));
    format!("{}:{tag}", service.image)
}

/// The image's digest.
pub(crate) fn digest(world: &World<'_>, service: &Service, revision: u32) -> String {
    format!("sha256:{}", seed::hex(&image(world, service, revision), 0, 64))
}

/// The deployment of the story that registered `revision`.
fn story<'a>(world: &World<'a>, service: &Service, revision: u32) -> Option<&'a Deploy> {
    world.drill.deploy.iter().find(|d| {
        d.cluster == service.cluster
            && d.service == service.name
            && d.revision == revision
            && d.at.at(world.start) <= world.now
    })
}

/// The revisions of a service's family, oldest first.
pub(crate) fn revisions(world: &World<'_>, service: &Service) -> Vec<u32> {
    let mut all: Vec<u32> = (service.revision.saturating_sub(REGISTERED).max(1)..=service.revision).collect();
    let deploys = world.drill.deploy.iter().filter(|d| d.at.at(world.start) <= world.now);
    all.extend(
        deploys.filter(|d| d.cluster == service.cluster && d.service == service.name).map(|d| d.revision),
    );
    all.sort_unstable();
    all.dedup();
    all
}

/// The service and revision `id` names: an ARN, `family:revision`, or a family for its newest.
pub(crate) fn resolve<'a>(world: &World<'a>, id: &str) -> Option<(&'a Service, u32)> {
    let name = super::last(id);
    let (family, revision) = match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision.parse::<u32>().ok()?)),
        None => (name, None),
    };
    let service = world.services().find(|s| s.name == family)?;
    let all = revisions(world, service);
    match revision {
        Some(revision) => all.contains(&revision).then_some((service, revision)),
        None => all.last().map(|r| (service, *r)),
    }
}

/// ListTaskDefinitions: ascending unless asked otherwise.
pub(crate) fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let prefix = input.text("familyPrefix");
    let mut arns = Vec::new();
    let mut services: Vec<&Service> =
        world.services().filter(|s| prefix.is_none_or(|p| s.name == p)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    for service in services {
        arns.extend(revisions(world, service).iter().map(|r| definition_arn(world, service, *r)));
    }
    if input.text("sort") == Some("DESC") {
        arns.reverse();
    }
    if input.text("status") == Some("INACTIVE") {
        arns.clear();
    }
    let page = page(arns, input.text("nextToken"), size(input, 100), "InvalidParameterException")?;
    Ok(node! { "taskDefinitionArns" => page.items, "nextToken" => page.next }.into())
}

/// DescribeTaskDefinition.
pub(crate) fn describe(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.need("taskDefinition", "ClientException")?;
    let (service, revision) = resolve(world, id)
        .ok_or_else(|| Failure::new("ClientException", "Unable to describe task definition."))?;
    let registered = story(world, service, revision).map_or_else(
        || {
            world.start.minus(
                service.deployed.0
                    + Duration::from_secs(86_400 * u64::from(service.revision.saturating_sub(revision))),
            )
        },
        |d| d.at.at(world.start).minus(Duration::from_secs(4)),
    );
    let mut environment = service.environment.clone();
    environment.extend(story(world, service, revision).map(|d| d.environment.clone()).unwrap_or_default());
    let secrets =
        story(world, service, revision).and_then(|d| d.secrets.as_ref()).unwrap_or(&service.secrets);
    let header = &world.account.header;
    Ok(node! {
        "taskDefinition" => node! {
            "taskDefinitionArn" => definition_arn(world, service, revision),
            "containerDefinitions" => vec![container(world, service, revision, &environment, secrets)],
            "family" => &service.name,
            "taskRoleArn" => format!("arn:aws:iam::{}:role/{}-task", header.id, service.name),
            "executionRoleArn" => format!("arn:aws:iam::{}:role/ecs-execution", header.id),
            "networkMode" => "awsvpc",
            "revision" => revision,
            "volumes" => Node::List(Vec::new()),
            "status" => "ACTIVE",
            "placementConstraints" => Node::List(Vec::new()),
            "compatibilities" => vec!["EC2", "FARGATE"],
            "requiresCompatibilities" => vec!["FARGATE"],
            "cpu" => &service.cpu,
            "memory" => &service.memory,
            "registeredAt" => registered,
            "registeredBy" => format!("arn:aws:sts::{}:assumed-role/deployer/ci", header.id),
        },
        "tags" => Node::List(Vec::new()),
    }
    .into())
}

fn container(
    world: &World<'_>,
    service: &Service,
    revision: u32,
    environment: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> Node {
    node! {
        "name" => &service.name,
        "image" => image(world, service, revision),
        "cpu" => 0,
        "portMappings" => vec![node! { "containerPort" => service.port, "hostPort" => service.port, "protocol" => "tcp" }],
        "essential" => true,
        "environment" => Node::list(environment.iter().map(|(name, value)| node! { "name" => name, "value" => value })),
        "secrets" => Node::list(secrets.iter().map(|(name, secret)| node! {
            "name" => name,
            "valueFrom" => secret_arn(world, secret),
        })),
        "mountPoints" => Node::List(Vec::new()),
        "volumesFrom" => Node::List(Vec::new()),
        "logConfiguration" => node! {
            "logDriver" => "awslogs",
            "options" => node! {
                "awslogs-group" => group_of(service),
                "awslogs-region" => world.region,
                "awslogs-stream-prefix" => "ecs",
            },
        },
    }
}
