//! Elastic Load Balancing v2.

use super::{Reply, Service, unknown};
use crate::account::{LoadBalancer, TargetGroup};
use crate::machine::{State, machines};
use crate::page::page;
use crate::seed;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use std::time::Duration;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeLoadBalancers" => load_balancers(world, input),
        "DescribeTargetGroups" => target_groups(world, input),
        "DescribeTargetHealth" => target_health(world, input),
        other => Err(unknown(Service::Elb, other)),
    }
}

fn size(input: &Input) -> usize {
    usize::try_from(input.int("PageSize").unwrap_or(400)).unwrap_or(400).clamp(1, 400)
}

/// `app/NAME/ID`, as interfaces and metrics name a load balancer.
pub(crate) fn lb_suffix(lb: &LoadBalancer) -> String {
    let kind = if lb.kind == "network" { "net" } else { "app" };
    format!("{kind}/{}/{}", lb.name, seed::hex(&lb.name, 0, 16))
}

fn lb_arn(world: &World<'_>, lb: &LoadBalancer) -> String {
    world.arn("elasticloadbalancing", &format!("loadbalancer/{}", lb_suffix(lb)))
}

/// The ARN of the target group `name`.
pub(crate) fn group_arn(world: &World<'_>, name: &str) -> String {
    world.arn("elasticloadbalancing", &format!("targetgroup/{name}/{}", seed::hex(name, 1, 16)))
}

fn load_balancers(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (arns, names) = (input.texts("LoadBalancerArns"), input.texts("Names"));
    let all: Vec<&LoadBalancer> =
        world.account.holds.load_balancer.iter().filter(|l| l.region == world.region).collect();
    let unknown = names.iter().any(|n| !all.iter().any(|l| l.name == *n))
        || arns.iter().any(|a| !all.iter().any(|l| lb_arn(world, l) == *a));
    if unknown {
        return Err(Failure::new("LoadBalancerNotFound", "One or more load balancers not found"));
    }
    let wanted = |l: &&&LoadBalancer| {
        names.is_empty() && arns.is_empty()
            || names.contains(&l.name.as_str())
            || arns.contains(&lb_arn(world, l).as_str())
    };
    let found = all.iter().filter(wanted).copied().collect();
    let page = page(found, input.text("Marker"), size(input), "ValidationError")?;
    let items = page.items.iter().map(|l| {
        let number = seed::mix(&l.name, 2) % 1_000_000_000;
        node! {
            "LoadBalancerArn" => lb_arn(world, l),
            "DNSName" => format!("{}-{number}.{}.elb.example.com", l.name, world.region),
            "CanonicalHostedZoneId" => "Z000DEMO",
            "CreatedTime" => world.start.minus(Duration::from_secs(300 * 86_400)),
            "LoadBalancerName" => &l.name,
            "Scheme" => &l.scheme,
            "VpcId" => "vpc-0a1b2c3d4e5f60718",
            "State" => node! { "Code" => "active" },
            "Type" => &l.kind,
            "AvailabilityZones" => Node::list(["a", "b"].map(|z| node! {
                "ZoneName" => format!("{}{z}", world.region),
                "SubnetId" => format!("subnet-0{}", seed::hex(z, 0, 16)),
            })),
            "IpAddressType" => "ipv4",
        }
    });
    Ok(node! { "LoadBalancers" => Node::list(items), "NextMarker" => page.next.clone() }.into())
}

fn target_groups(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (arns, names) = (input.texts("TargetGroupArns"), input.texts("Names"));
    let balancer = input.text("LoadBalancerArn");
    let lb = |name: &str| {
        world.account.holds.load_balancer.iter().find(|l| l.region == world.region && l.name == name)
    };
    let all: Vec<&TargetGroup> =
        world.account.holds.target_group.iter().filter(|t| t.region == world.region).collect();
    let unknown = names.iter().any(|n| !all.iter().any(|t| t.name == *n))
        || arns.iter().any(|a| !all.iter().any(|t| group_arn(world, &t.name) == *a));
    if unknown {
        return Err(Failure::new("TargetGroupNotFound", "One or more target groups not found"));
    }
    let balancer_of = |t: &TargetGroup| t.load_balancer.as_deref().and_then(lb).map(|l| lb_arn(world, l));
    let found = all
        .into_iter()
        .filter(|t| names.is_empty() || names.contains(&t.name.as_str()))
        .filter(|t| arns.is_empty() || arns.contains(&group_arn(world, &t.name).as_str()))
        .filter(|t| balancer.is_none() || balancer == balancer_of(t).as_deref())
        .collect();
    let page = page(found, input.text("Marker"), size(input), "ValidationError")?;
    let items = page.items.iter().map(|t| {
        node! {
            "TargetGroupArn" => group_arn(world, &t.name),
            "TargetGroupName" => &t.name,
            "Protocol" => t.function.is_none().then_some("HTTP"),
            "Port" => t.function.is_none().then_some(t.port),
            "VpcId" => t.function.is_none().then_some("vpc-0a1b2c3d4e5f60718"),
            "HealthCheckProtocol" => "HTTP",
            "HealthCheckPort" => "traffic-port",
            "HealthCheckEnabled" => t.function.is_none(),
            "HealthCheckIntervalSeconds" => 10,
            "HealthCheckTimeoutSeconds" => 5,
            "HealthyThresholdCount" => 2,
            "UnhealthyThresholdCount" => 2,
            "HealthCheckPath" => "/healthz",
            "Matcher" => node! { "HttpCode" => "200" },
            "TargetType" => match (&t.function, t.instances.is_empty()) {
                (Some(_), _) => "lambda",
                (None, true) => "ip",
                (None, false) => "instance",
            },
            "LoadBalancerArns" => Node::list(balancer_of(t)),
        }
    });
    Ok(node! { "TargetGroups" => Node::list(items), "NextMarker" => page.next.clone() }.into())
}

/// A target's state, and the reason with its description when it is not healthy.
type Health = (&'static str, Option<(&'static str, &'static str)>);

fn target_health(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let arn = input.need("TargetGroupArn", "ValidationError")?;
    let group = world
        .account
        .holds
        .target_group
        .iter()
        .find(|t| t.region == world.region && group_arn(world, &t.name) == arn)
        .ok_or_else(|| Failure::new("TargetGroupNotFound", "One or more target groups not found"))?;
    let mut found: Vec<(String, Health)> = Vec::new();
    for service in world.services().filter(|s| s.target_group.as_deref() == Some(group.name.as_str())) {
        let fleet = world.fleet(service);
        for task in fleet.tasks.iter().filter(|t| t.lives_at(world.now)) {
            let health: Health = if task.counts_as_running(world.now) {
                ("healthy", None)
            } else if task.death.is_none() {
                ("initial", Some(("Elb.RegistrationInProgress", "Target registration is in progress")))
            } else if task.runs_at(world.now) {
                ("unhealthy", Some(("Target.FailedHealthChecks", "Health checks failed")))
            } else {
                continue;
            };
            found.push((super::ecs::task_ip(&task.id), health));
        }
    }
    let machines = machines(world);
    for machine in machines.iter().filter(|m| group.instances.contains(&m.instance.id)) {
        let health: Health = match machine.state {
            State::Running if machine.initializing => {
                ("initial", Some(("Elb.InitialHealthChecking", "Initial health checks in progress")))
            }
            State::Running if machine.instance.impaired => {
                ("unhealthy", Some(("Target.Timeout", "Request timed out")))
            }
            State::Running => ("healthy", None),
            State::Pending | State::Stopping | State::Stopped => {
                ("unused", Some(("Target.InvalidState", "Target is in the stopped state")))
            }
            State::ShuttingDown | State::Terminated => continue,
        };
        found.push((machine.id.clone(), health));
    }
    if let Some(function) = &group.function {
        let off = ("Target.HealthCheckDisabled", "Health checks are not enabled for this target");
        found.push((world.arn("lambda", &format!("function:{function}")), ("unavailable", Some(off))));
    }
    if group.load_balancer.is_none() {
        let unused =
            ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer");
        found.iter_mut().for_each(|(_, health)| *health = ("unused", Some(unused)));
    }
    let port = group.function.is_none().then_some(group.port);
    let items = found.iter().map(|(id, (state, why))| {
        node! {
            "Target" => node! { "Id" => id, "Port" => port },
            "HealthCheckPort" => port.map(|p| p.to_string()),
            "TargetHealth" => node! {
                "State" => *state,
                "Reason" => why.map(|w| w.0),
                "Description" => why.map(|w| w.1),
            },
        }
    });
    Ok(node! { "TargetHealthDescriptions" => Node::list(items) }.into())
}
