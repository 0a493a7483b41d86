//! Clusters as a result: a row for each node group, and one for a cluster that has none.

use super::read::{Described, Region};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::list_eks_clusters::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{cut, plural};
use aws_sdk_eks::types::{Cluster, ClusterStatus, Nodegroup, NodegroupStatus};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Counts, Projection, Row};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const COLUMNS: [(&str, ColumnKind); 10] = [
    ("name", ColumnKind::Id),
    ("version", ColumnKind::Text),
    ("status", ColumnKind::State),
    ("endpoint", ColumnKind::Text),
    ("nodegroup", ColumnKind::Text),
    ("nodes_status", ColumnKind::State),
    ("nodes_version", ColumnKind::Text),
    ("desired", ColumnKind::Count),
    ("max", ColumnKind::Count),
    ("issues", ColumnKind::Text),
];
/// Bytes of a row's issues.
const LONGEST: usize = 500;
/// Clusters named in the summary.
const NAMED: usize = 5;

/// Who reaches a cluster's endpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// Only the VPC.
    Private,
    /// These networks.
    Public(Vec<String>),
    /// Everybody.
    World,
}

impl Endpoint {
    /// That of `cluster`. A public endpoint without CIDRs is open to all: that is the default.
    pub fn of(cluster: &Cluster) -> Option<Self> {
        let vpc = cluster.resources_vpc_config()?;
        if !vpc.endpoint_public_access {
            return Some(Self::Private);
        }
        let cidrs = vpc.public_access_cidrs();
        let world = cidrs.is_empty() || cidrs.iter().any(|c| c == "0.0.0.0/0" || c == "::/0");
        Some(if world { Self::World } else { Self::Public(cidrs.to_vec()) })
    }

    fn words(&self) -> String {
        match self {
            Self::Private => "private".to_owned(),
            Self::Public(cidrs) => format!("public: {}", cidrs.join(", ")),
            Self::World => "public: 0.0.0.0/0 (open to the world)".to_owned(),
        }
    }
}

struct Shown<'a> {
    place: &'a Place,
    described: &'a Described,
    group: Option<&'a Nodegroup>,
    issues: Vec<String>,
    urgency: u8,
}

/// The result of `list_eks_clusters`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let columns = PlaceColumns::of(out);
    let clusters: Vec<(&Place, &Described)> =
        out.answers.iter().flat_map(|(place, r)| r.clusters.iter().map(move |c| (place, c))).collect();
    let mut all: Vec<Shown<'_>> = clusters.iter().flat_map(|(place, c)| rows_of(place, c)).collect();
    all.sort_by(|a, b| {
        let key = |s: &Shown<'_>| (Reverse(s.urgency), s.described.cluster.name.clone());
        key(a).cmp(&key(b)).then_with(|| (a.place, group_name(a)).cmp(&(b.place, group_name(b))))
    });
    let rows = all.iter().map(|s| row(s, columns)).collect();
    let mut projection = Projection::new(String::new(), now).columns(&columns.before(&COLUMNS)).rows(rows);
    projection.counts = counts(&clusters);
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &clusters);
    if out.answers.iter().any(|(_, r)| r.more) {
        projection.truncated = Some(format!("only the first {CEILING} clusters of a region were read"));
    }
    projection.summary = summary(args, out, &clusters, &all, &projection);
    projection
}

fn group_name<'a>(shown: &Shown<'a>) -> Option<&'a str> {
    shown.group.and_then(|g| g.nodegroup_name())
}

fn rows_of<'a>(place: &'a Place, described: &'a Described) -> Vec<Shown<'a>> {
    let own = cluster_issues(&described.cluster);
    let status = cluster_urgency(&described.cluster, !own.is_empty());
    let row = |group: Option<&'a Nodegroup>| {
        let nodes = group.map(group_issues).unwrap_or_default();
        let urgency = status.max(group.map_or(0, |g| group_urgency(g, !nodes.is_empty())));
        Shown { place, described, group, issues: own.iter().cloned().chain(nodes).collect(), urgency }
    };
    if described.groups.is_empty() {
        vec![row(None)]
    } else {
        described.groups.iter().map(|g| row(Some(g))).collect()
    }
}

fn cluster_urgency(cluster: &Cluster, ails: bool) -> u8 {
    let open = Endpoint::of(cluster) == Some(Endpoint::World);
    match cluster.status() {
        Some(ClusterStatus::Failed) => 3,
        _ if open || ails => 2,
        Some(ClusterStatus::Active) => 0,
        Some(_) | None => 1,
    }
}

fn group_urgency(group: &Nodegroup, ails: bool) -> u8 {
    match group.status() {
        Some(NodegroupStatus::Degraded | NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed) => 3,
        _ if ails => 3,
        Some(NodegroupStatus::Active) => 0,
        Some(_) | None => 1,
    }
}

fn cluster_issues(cluster: &Cluster) -> Vec<String> {
    let issues = cluster.health().map(aws_sdk_eks::types::ClusterHealth::issues).unwrap_or_default();
    issues
        .iter()
        .map(|i| {
            format!(
                "cluster {}",
                issue(
                    i.code().map(aws_sdk_eks::types::ClusterIssueCode::as_str),
                    i.message(),
                    i.resource_ids()
                )
            )
        })
        .collect()
}

fn group_issues(group: &Nodegroup) -> Vec<String> {
    let issues = group.health().map(aws_sdk_eks::types::NodegroupHealth::issues).unwrap_or_default();
    issues
        .iter()
        .map(|i| {
            issue(i.code().map(aws_sdk_eks::types::NodegroupIssueCode::as_str), i.message(), i.resource_ids())
        })
        .collect()
}

/// `AsgInstanceLaunchFailures: Could not launch Spot Instances. (eks-gpu)`.
fn issue(code: Option<&str>, message: Option<&str>, resources: &[String]) -> String {
    let resources = if resources.is_empty() { String::new() } else { format!(" ({})", resources.join(", ")) };
    format!("{}: {}{resources}", code.unwrap_or("unknown"), message.unwrap_or("no message"))
}

fn row(shown: &Shown<'_>, columns: PlaceColumns) -> Row {
    let (cluster, group) = (&shown.described.cluster, shown.group);
    let size = group.and_then(|g| g.scaling_config());
    let issues = (!shown.issues.is_empty()).then(|| cut(&shown.issues.join("; "), LONGEST).into_owned());
    let cells: [Cell; COLUMNS.len()] = [
        cluster.name().into(),
        cluster.version().into(),
        cluster.status().map(aws_sdk_eks::types::ClusterStatus::as_str).into(),
        Endpoint::of(cluster).map(|e| e.words()).into(),
        group_name(shown).into(),
        group.and_then(|g| g.status()).map(aws_sdk_eks::types::NodegroupStatus::as_str).into(),
        group.and_then(|g| g.version()).into(),
        size.and_then(aws_sdk_eks::types::NodegroupScalingConfig::desired_size).into(),
        size.and_then(aws_sdk_eks::types::NodegroupScalingConfig::max_size).into(),
        issues.into(),
    ];
    Row { urgency: shown.urgency, cells: columns.cells(shown.place).chain(cells).collect() }
}

fn status(described: &Described) -> &str {
    described.cluster.status().map_or("unknown", |s| s.as_str())
}

/// Clusters, not rows.
fn counts(clusters: &[(&Place, &Described)]) -> Counts {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, described) in clusters {
        *by.entry(status(described)).or_default() += 1;
    }
    let mut of: Vec<(String, u64)> = by.into_iter().map(|(s, n)| (s.to_owned(), n)).collect();
    of.sort_by_key(|(_, n)| Reverse(*n));
    Counts { by: "status".to_owned(), of }
}

fn asked(args: &Args) -> String {
    args.name.as_ref().map_or_else(String::new, |n| format!(" with name {n}"))
}

fn summary(
    args: &Args,
    out: &Gathered<Region>,
    clusters: &[(&Place, &Described)],
    all: &[Shown<'_>],
    projection: &Projection,
) -> String {
    if clusters.is_empty() && projection.errors.is_empty() {
        return format!("No EKS clusters{} in {}.", asked(args), searched(out));
    }
    let states: Vec<String> = projection.counts.of.iter().map(|(s, n)| format!("{n} {s}")).collect();
    let mut sentence = format!(
        "{}{} in {}: {}",
        plural(clusters.len(), "EKS cluster"),
        asked(args),
        searched(out),
        states.join(", ")
    );
    let name = |c: &Described| c.cluster.name().unwrap_or("?").to_owned();
    let open = clusters.iter().filter(|(_, c)| Endpoint::of(&c.cluster) == Some(Endpoint::World));
    let open: Vec<String> = open.map(|(_, c)| name(c)).collect();
    if !open.is_empty() {
        sentence.push_str(&format!("; endpoint open to the world: {}", some(&open)));
    }
    let ailing =
        all.iter().filter(|s| s.group.is_some_and(|g| group_urgency(g, !group_issues(g).is_empty()) > 1));
    let ailing: Vec<String> =
        ailing.map(|s| format!("{}/{}", name(s.described), group_name(s).unwrap_or("?"))).collect();
    if !ailing.is_empty() {
        sentence.push_str(&format!("; node groups in trouble: {}", some(&ailing)));
    }
    if projection.truncated.is_some() {
        sentence.push_str("; there are more");
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

/// The first few of `names`.
fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}

fn notes(args: &Args, out: &Gathered<Region>, clusters: &[(&Place, &Described)]) -> Vec<String> {
    let mut notes = vec![format!(
        "searched {}{}; pods, Fargate profiles and self-managed nodes are not seen (kubectl shows them)",
        searched(out),
        asked(args)
    )];
    let names = |which: &dyn Fn(&Described) -> bool| {
        let chosen = clusters.iter().filter(|(_, c)| which(c)).filter_map(|(_, c)| c.cluster.name.clone());
        chosen.collect::<Vec<_>>()
    };
    let auto = names(&|c| c.cluster.compute_config().is_some_and(|a| a.enabled() == Some(true)));
    if !auto.is_empty() {
        notes.push(format!("EKS Auto Mode manages nodes that are not seen here in {}", some(&auto)));
    }
    let none = names(&|c| c.listed == Some(0));
    if !none.is_empty() {
        notes.push(format!("without managed node groups: {}", some(&none)));
    }
    let behind = names(&|c| c.groups.iter().any(|g| g.version.is_some() && g.version != c.cluster.version));
    if !behind.is_empty() {
        notes.push(format!("node groups of another version than their cluster: {}", some(&behind)));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eks::types::VpcConfigResponse;

    #[test]
    fn who_reaches_the_endpoint() {
        let cidrs = |of: &[&str]| Some(of.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        let own = || Endpoint::Public(vec!["192.0.2.0/24".to_owned()]);
        for (public, cidrs, want) in [
            (false, None, Endpoint::Private),
            (false, cidrs(&["0.0.0.0/0"]), Endpoint::Private),
            (true, cidrs(&["192.0.2.0/24"]), own()),
            (true, cidrs(&["192.0.2.0/24", "0.0.0.0/0"]), Endpoint::World),
            (true, cidrs(&["::/0"]), Endpoint::World),
            (true, cidrs(&[]), Endpoint::World),
            (true, None, Endpoint::World),
        ] {
            let vpc =
                VpcConfigResponse::builder().endpoint_public_access(public).set_public_access_cidrs(cidrs);
            let cluster = Cluster::builder().name("a").resources_vpc_config(vpc.build()).build();
            assert_eq!(Endpoint::of(&cluster), Some(want));
        }
        assert_eq!(Endpoint::of(&Cluster::builder().name("local").build()), None);
    }

    #[test]
    fn what_is_urgent() {
        use NodegroupStatus as N;
        for (status, ails, want) in [
            (N::Active, false, 0),
            (N::Active, true, 3),
            (N::Degraded, false, 3),
            (N::CreateFailed, false, 3),
            (N::Updating, false, 1),
            (N::from("PAUSED"), false, 1),
        ] {
            let group = Nodegroup::builder().status(status.clone()).build();
            assert_eq!(group_urgency(&group, ails), want, "{status:?} {ails}");
        }
    }
}
