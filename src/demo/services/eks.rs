//! EKS.

use super::{Reply, Service, unknown};
use crate::account::compute::{Cluster, Issue, Nodegroup};
use crate::page::page;
use crate::seed;
use crate::wire::rest::Route;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;

/// Its operations by method and path.
pub(crate) const ROUTES: &[Route] = &[
    ("GET /clusters", "ListClusters"),
    ("GET /clusters/{name}", "DescribeCluster"),
    ("GET /clusters/{clusterName}/node-groups", "ListNodegroups"),
    ("GET /clusters/{clusterName}/node-groups/{nodegroupName}", "DescribeNodegroup"),
];

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "ListClusters" => {
            let names = here(world).map(|c| c.name.clone()).collect();
            names_page(names, input, "clusters")
        }
        "DescribeCluster" => Ok(node! { "cluster" => cluster(world, find(world, input, "name")?) }.into()),
        "ListNodegroups" => {
            let names = find(world, input, "clusterName")?.nodegroup.iter().map(|n| n.name.clone()).collect();
            names_page(names, input, "nodegroups")
        }
        "DescribeNodegroup" => nodegroup(world, input),
        other => Err(unknown(Service::Eks, other)),
    }
}

fn here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Cluster> {
    let region = world.region;
    world.account.holds.compute.cluster.iter().filter(move |c| c.region == region)
}

fn names_page(mut names: Vec<String>, input: &Input, member: &'static str) -> Result<Reply, Failure> {
    names.sort();
    let size = usize::try_from(input.int("maxResults").unwrap_or(100)).unwrap_or(0);
    if !(1..=100).contains(&size) {
        return Err(Failure::new("InvalidParameterException", "maxResults must be between 1 and 100."));
    }
    let page = page(names, input.text("nextToken"), size, "InvalidParameterException")?;
    Ok(node! { member => page.items, "nextToken" => page.next }.into())
}

fn find<'a>(world: &World<'a>, input: &Input, member: &str) -> Result<&'a Cluster, Failure> {
    let name = input.need(member, "InvalidParameterException")?;
    here(world).find(|c| c.name == name).ok_or_else(|| missing(format!("No cluster found for name: {name}.")))
}

fn missing(message: String) -> Failure {
    Failure::new("ResourceNotFoundException", message).status(404)
}

fn issues(of: &[Issue]) -> Node {
    let issues = of.iter().map(|i| {
        node! { "code" => &i.code, "message" => &i.message, "resourceIds" => i.resources.clone() }
    });
    node! { "issues" => Node::list(issues) }
}

fn cluster(world: &World<'_>, cluster: &Cluster) -> Node {
    let id = seed::hex(&cluster.name, 0, 32).to_uppercase();
    node! {
        "name" => &cluster.name,
        "arn" => world.arn("eks", &format!("cluster/{}", cluster.name)),
        "createdAt" => world.start.minus(cluster.created.0),
        "version" => &cluster.version,
        "endpoint" => format!("https://{id}.gr7.{}.eks.example.com", world.region),
        "roleArn" => format!("arn:aws:iam::{}:role/eks-{}", world.account.header.id, cluster.name),
        "resourcesVpcConfig" => node! {
            "subnetIds" => Node::list(["a", "b"].map(|z| format!("subnet-0{}", seed::hex(z, 0, 16)))),
            "securityGroupIds" => Node::List(Vec::new()),
            "clusterSecurityGroupId" => format!("sg-0{}", seed::hex(&cluster.name, 1, 16)),
            "vpcId" => "vpc-0a1b2c3d4e5f60718",
            "endpointPublicAccess" => !cluster.public.is_empty(),
            "endpointPrivateAccess" => true,
            "publicAccessCidrs" => cluster.public.clone(),
        },
        "status" => "ACTIVE",
        "health" => issues(&cluster.issue),
        "platformVersion" => "eks.9",
        "tags" => node! { "environment" => "production" },
    }
}

fn nodegroup(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let cluster = find(world, input, "clusterName")?;
    let name = input.need("nodegroupName", "InvalidParameterException")?;
    let group: &Nodegroup = cluster
        .nodegroup
        .iter()
        .find(|n| n.name == name)
        .ok_or_else(|| missing(format!("No node group found for name: {name}.")))?;
    let id = seed::uuid(&group.name, 0);
    let resource = format!("nodegroup/{}/{name}/{id}", cluster.name);
    let described = node! {
        "nodegroupName" => name,
        "nodegroupArn" => world.arn("eks", &resource),
        "clusterName" => &cluster.name,
        "version" => &group.version,
        "releaseVersion" => format!("{}.4-20261101", group.version),
        "createdAt" => world.start.minus(cluster.created.0),
        "modifiedAt" => world.start.minus(cluster.created.0),
        "status" => &group.status,
        "capacityType" => if group.spot { "SPOT" } else { "ON_DEMAND" },
        "scalingConfig" => node! { "minSize" => group.min, "maxSize" => group.max, "desiredSize" => group.desired },
        "instanceTypes" => group.types.clone(),
        "subnets" => Node::list(["a", "b"].map(|z| format!("subnet-0{}", seed::hex(z, 0, 16)))),
        "amiType" => "AL2023_x86_64_STANDARD",
        "nodeRole" => format!("arn:aws:iam::{}:role/eks-node", world.account.header.id),
        "resources" => node! { "autoScalingGroups" => vec![node! { "name" => format!("eks-{name}-{id}") }] },
        "health" => issues(&group.issue),
    };
    Ok(node! { "nodegroup" => described }.into())
}
