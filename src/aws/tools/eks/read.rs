//! Clusters and node groups. EKS describes one at a time, so many are under way at once.

use crate::tool::CEILING;
use crate::tools::list_eks_clusters::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::wildcard::fits;
use aws_sdk_eks::Client;
use aws_sdk_eks::operation::describe_cluster::DescribeClusterError;
use aws_sdk_eks::types::{Cluster, Nodegroup};
use futures::{StreamExt, stream};
use quarterdeck_core::tool::{Fault, FaultKind};

/// Clusters read at a time, and node groups of each: within what the console has under way for one service anyway.
const CLUSTERS: usize = 4;
const GROUPS: usize = 4;
const AT_ONCE: i32 = 100;

/// One region's clusters.
#[derive(Debug, Default)]
pub struct Region {
    pub clusters: Vec<Described>,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// Names there are, where the one named is not.
    pub others: Vec<String>,
    pub errors: Vec<(String, Fault)>,
}

/// A cluster with its managed node groups.
#[derive(Debug)]
pub struct Described {
    pub cluster: Cluster,
    pub groups: Vec<Nodegroup>,
    /// How many node groups it has; `None` when they could not be listed.
    pub listed: Option<usize>,
}

/// The clusters that `args` asks for.
pub async fn region(client: &Client, args: &Args, patience: Patience) -> Result<Region, Fault> {
    let mut region = Region::default();
    if let Some(name) = args.exact() {
        match describe(client, name, patience).await? {
            Some(cluster) => with_groups(client, name, cluster, patience).await.into_region(&mut region),
            None => region.others = list(client, patience).await.map(|l| l.names).unwrap_or_default(),
        }
        return Ok(region);
    }
    let listed = list(client, patience).await?;
    region.more = listed.more;
    region
        .errors
        .extend(listed.lost.map(|f| (format!("clusters after the first {}", listed.names.len()), f)));
    let wanted = |name: &String| args.name.as_ref().is_none_or(|pattern| fits(pattern, name));
    let reads = listed.names.into_iter().filter(wanted).map(|name| async move {
        let read = one(client, &name, patience).await;
        (name, read)
    });
    let answers: Vec<_> = stream::iter(reads).buffered(CLUSTERS).collect().await;
    let asked = answers.len();
    for (name, answer) in answers {
        match answer {
            Ok(Some(read)) => read.into_region(&mut region),
            Ok(None) => {}
            Err(fault) => region.errors.push((format!("cluster {name}"), fault)),
        }
    }
    // Not one could be described: that is an answer of its own, not an empty region.
    match region.errors.first() {
        Some((_, fault)) if asked > 0 && region.clusters.is_empty() => Err(fault.clone()),
        Some(_) | None => Ok(region),
    }
}

struct Read {
    described: Described,
    errors: Vec<(String, Fault)>,
}

impl Read {
    fn into_region(self, region: &mut Region) {
        region.clusters.push(self.described);
        region.errors.extend(self.errors);
    }
}

/// `None` when it was deleted since it was listed.
async fn one(client: &Client, name: &str, patience: Patience) -> Result<Option<Read>, Fault> {
    if patience.is_over() {
        return Err(late());
    }
    match describe(client, name, patience).await? {
        Some(cluster) => Ok(Some(with_groups(client, name, cluster, patience).await)),
        None => Ok(None),
    }
}

fn late() -> Fault {
    Fault::new(FaultKind::Timeout, "there was no time to read more")
        .hint("name a cluster, or ask fewer regions")
}

/// `None` when there is none of that name. Source: EKS DescribeCluster.
async fn describe(client: &Client, name: &str, patience: Patience) -> Result<Option<Cluster>, Fault> {
    match patience.page(client.describe_cluster().name(name).send()).await {
        Ok(answer) => Ok(answer.cluster),
        Err(e) if e.service().is_some_and(DescribeClusterError::is_resource_not_found_exception) => Ok(None),
        Err(e) => Err(e.fault()),
    }
}

struct Listed {
    names: Vec<String>,
    more: bool,
    lost: Option<Fault>,
}

/// Every page of names. Source: EKS ListClusters.
async fn list(client: &Client, patience: Patience) -> Result<Listed, Fault> {
    let mut listed = Listed { names: Vec::new(), more: false, lost: None };
    let mut token = None;
    loop {
        let asked = client.list_clusters().max_results(AT_ONCE).set_next_token(token);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                listed.names.extend(answer.clusters.unwrap_or_default());
                token = answer.next_token.filter(|t| !t.is_empty());
            }
            Err(e) if listed.names.is_empty() => return Err(e.fault()),
            Err(e) => {
                listed.lost = Some(e.fault());
                return Ok(listed);
            }
        }
        if token.is_none() || listed.names.len() >= CEILING {
            listed.more = token.is_some();
            return Ok(listed);
        }
    }
}

/// The cluster with its managed node groups. Source: EKS ListNodegroups, DescribeNodegroup.
async fn with_groups(client: &Client, name: &str, cluster: Cluster, patience: Patience) -> Read {
    let (names, fault) = group_names(client, name, patience).await;
    let listed = fault.is_none().then_some(names.len());
    let mut read = Read { described: Described { cluster, groups: Vec::new(), listed }, errors: Vec::new() };
    if let Some(fault) = fault {
        read.errors.push((format!("node groups of {name}"), fault));
    }
    let reads = names.into_iter().map(|group| async move {
        if patience.is_over() {
            return (group, Err(late()));
        }
        let asked = client.describe_nodegroup().cluster_name(name).nodegroup_name(&group).send();
        let answer = patience.page(asked).await.map(|a| a.nodegroup).map_err(|e| e.fault());
        (group, answer)
    });
    let answers: Vec<_> = stream::iter(reads).buffered(GROUPS).collect().await;
    let mut lost: Option<(Fault, Vec<String>)> = None;
    for (group, answer) in answers {
        match answer {
            Ok(described) => read.described.groups.extend(described),
            Err(fault) if fault.kind == FaultKind::Missing => {}
            Err(fault) => lost.get_or_insert((fault, Vec::new())).1.push(group),
        }
    }
    if let Some((fault, names)) = lost {
        read.errors.push((format!("node groups of {name}: {}", names.join(", ")), fault));
    }
    read
}

async fn group_names(client: &Client, cluster: &str, patience: Patience) -> (Vec<String>, Option<Fault>) {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let asked = client.list_nodegroups().cluster_name(cluster).max_results(AT_ONCE).set_next_token(token);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                names.extend(answer.nodegroups.unwrap_or_default());
                token = answer.next_token.filter(|t| !t.is_empty());
            }
            Err(e) => return (names, Some(e.fault())),
        }
        if token.is_none() || names.len() >= CEILING {
            return (names, None);
        }
    }
}
