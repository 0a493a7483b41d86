//! DescribeInstances, DescribeInstanceStatus, DescribeInstanceAttribute.

use super::filter::{passes, tags};
use super::ids;
use crate::machine::{Machine, State, machines};
use crate::page::{Page, page};
use crate::seed;
use crate::services::Reply;
use crate::walls::groups_on;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;

/// The one VPC.
pub(crate) const VPC: &str = "vpc-0a1b2c3d4e5f60718";

/// The machines a request is about, paged as EC2 pages: ids and pages exclude each other.
fn asked<'a>(
    world: &World<'a>,
    input: &Input,
    keep: impl Fn(&Machine<'_>) -> bool,
) -> Result<Page<Machine<'a>>, Failure> {
    let ids = ids(world, input)?;
    let size = input.int("MaxResults");
    if !ids.is_empty() && size.is_some() {
        return Err(Failure::new(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ));
    }
    if size.is_some_and(|n| !(5..=1000).contains(&n)) {
        return Err(Failure::new(
            "InvalidParameterValue",
            "Value ( maxResults ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
        ));
    }
    let mut found = Vec::new();
    for machine in machines(world).into_iter().filter(|m| ids.is_empty() || ids.contains(&m.id.as_str())) {
        if keep(&machine) && passes(world, input, &machine)? {
            found.push(machine);
        }
    }
    let size = usize::try_from(size.unwrap_or(1000)).unwrap_or(1000);
    page(found, input.text("NextToken"), size, "InvalidNextToken")
}

/// DescribeInstances.
pub(crate) fn instances(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let page = asked(world, input, |_| true)?;
    let reservations = page.items.iter().map(|m| {
        node! {
            "reservationId" => format!("r-0{}", seed::hex(&m.id, 9, 16)),
            "ownerId" => &world.account.header.id,
            "groupSet" => Node::List(Vec::new()),
            "instancesSet" => vec![instance(world, m)],
        }
    });
    Ok(node! { "reservationSet" => Node::list(reservations), "nextToken" => page.next.clone() }.into())
}

/// A state with its code.
pub(crate) fn state(state: State) -> Node {
    node! { "code" => state.code(), "name" => state.name() }
}

fn instance(world: &World<'_>, m: &Machine<'_>) -> Node {
    let gone = m.state == State::Terminated;
    let tags = tags(m);
    node! {
        "instanceId" => &m.id,
        "imageId" => format!("ami-0{}", seed::hex("image", 0, 16)),
        "instanceState" => state(m.state),
        "privateDnsName" => format!("ip-{}.{}.compute.internal", m.private_ip.replace('.', "-"), world.region),
        "reason" => m.reason.as_ref().map(|_| format!("User initiated ({})", m.launched.rfc3339())),
        "amiLaunchIndex" => 0,
        "productCodes" => Node::List(Vec::new()),
        "instanceType" => &m.instance.kind,
        "launchTime" => m.launched,
        "placement" => node! {
            "availabilityZone" => format!("{}{}", world.region, m.instance.az),
            "groupName" => "",
            "tenancy" => "default",
        },
        "monitoring" => node! { "state" => "disabled" },
        "subnetId" => (!gone).then(|| format!("subnet-0{}", seed::hex(&m.instance.az, 0, 16))),
        "vpcId" => (!gone).then_some(VPC),
        "privateIpAddress" => (!gone).then_some(&m.private_ip),
        "ipAddress" => m.public_ip.as_ref(),
        "sourceDestCheck" => true,
        "groupSet" => Node::list(groups_on(world, &m.instance.id).into_iter().map(|g| {
            node! { "groupId" => &g.id, "groupName" => &g.name }
        })),
        "stateReason" => m.reason.as_ref().map(|(code, message)| node! { "code" => code, "message" => message }),
        "architecture" => "x86_64",
        "rootDeviceType" => "ebs",
        "rootDeviceName" => "/dev/xvda",
        "blockDeviceMapping" => vec![node! {
            "deviceName" => "/dev/xvda",
            "ebs" => node! {
                "volumeId" => format!("vol-0{}", seed::hex(&m.id, 3, 16)),
                "status" => "attached",
                "attachTime" => m.launched,
                "deleteOnTermination" => true,
            },
        }],
        "virtualizationType" => "hvm",
        "instanceLifecycle" => m.instance.spot.then_some("spot"),
        "spotInstanceRequestId" => m.instance.spot.then(|| format!("sir-{}", seed::hex(&m.id, 4, 8))),
        "tagSet" => Node::list(tags.iter().map(|(key, value)| node! { "key" => key, "value" => value })),
        "networkInterfaceSet" => Node::list(m.public_ip.iter().map(|ip| {
            let owner = if m.instance.elastic { &world.account.header.id } else { "amazon" };
            node! {
                "networkInterfaceId" => format!("eni-0{}", seed::hex(&m.id, 5, 16)),
                "privateIpAddress" => &m.private_ip,
                "association" => node! { "publicIp" => ip, "ipOwnerId" => owner },
            }
        })),
        "ebsOptimized" => true,
        "enaSupport" => true,
        "hibernationOptions" => node! { "configured" => false },
        "metadataOptions" => node! { "state" => "applied", "httpTokens" => "required", "httpEndpoint" => "enabled" },
    }
}

/// DescribeInstanceStatus: running ones only, unless all are asked for.
pub(crate) fn status(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let all = input.flag("IncludeAllInstances");
    let page = asked(world, input, |m| all || m.state == State::Running)?;
    let items = page.items.iter().map(|m| {
        let check = |impaired: bool| {
            let (status, detail) = match (m.state, m.initializing, impaired) {
                (State::Running, false, true) => ("impaired", "failed"),
                (State::Running, true, _) => ("initializing", "initializing"),
                (State::Running, false, false) => ("ok", "passed"),
                (State::Pending, _, _) => ("initializing", "initializing"),
                (State::ShuttingDown | State::Terminated | State::Stopping | State::Stopped, _, _) => {
                    ("not-applicable", "not-applicable")
                }
            };
            let since = (detail == "failed").then(|| world.start.minus(std::time::Duration::from_secs(2400)));
            node! {
                "status" => status,
                "details" => vec![node! { "name" => "reachability", "status" => detail, "impairedSince" => since }],
            }
        };
        let event = m.instance.event.as_ref().filter(|_| m.state == State::Running).map(|e| {
            node! {
                "instanceEventId" => format!("instance-event-0{}", seed::hex(&m.id, 6, 16)),
                "code" => &e.code,
                "description" => &e.description,
                "notBefore" => e.at.at(world.start),
            }
        });
        node! {
            "instanceId" => &m.id,
            "availabilityZone" => format!("{}{}", world.region, m.instance.az),
            "instanceState" => state(m.state),
            "systemStatus" => check(false),
            "instanceStatus" => check(m.instance.impaired),
            "eventsSet" => Node::list(event),
        }
    });
    Ok(node! { "instanceStatusSet" => Node::list(items), "nextToken" => page.next.clone() }.into())
}

/// DescribeInstanceAttribute.
pub(crate) fn attribute(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let name = input.need("Attribute", "MissingParameter")?;
    let id = input.need("InstanceId", "MissingParameter")?;
    let there = machines(world);
    let machine = there.iter().find(|m| m.id == id).ok_or_else(|| {
        Failure::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
    })?;
    let value = |v: Node| node! { "value" => v };
    let (key, held) = match name {
        "disableApiStop" => ("disableApiStop", value(machine.instance.stop_protection.into())),
        "disableApiTermination" => ("disableApiTermination", value(false.into())),
        "instanceInitiatedShutdownBehavior" => ("instanceInitiatedShutdownBehavior", value("stop".into())),
        "instanceType" => ("instanceType", value(machine.instance.kind.as_str().into())),
        "rootDeviceName" => ("rootDeviceName", value("/dev/xvda".into())),
        "ebsOptimized" => ("ebsOptimized", value(true.into())),
        "sourceDestCheck" => ("sourceDestCheck", value(true.into())),
        other => {
            return Err(Failure::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter attribute is invalid. Unknown attribute."),
            ));
        }
    };
    Ok(Node::Map(vec![("instanceId".into(), id.into()), (key.into(), held)]).into())
}
