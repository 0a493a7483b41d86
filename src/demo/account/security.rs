//! Security groups, and what GuardDuty saw.

use super::merge;
use crate::condition::During;
use crate::span::Span;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What guards the account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Security {
    pub group: Vec<Group>,
    pub prefix_list: Vec<PrefixList>,
    pub interface: Vec<Interface>,
    pub detector: Vec<Detector>,
    pub finding: Vec<Finding>,
}

impl Security {
    /// With what a drill says otherwise.
    pub(crate) fn merge(&mut self, over: &Self) {
        merge(&mut self.group, &over.group, |g| g.id.clone());
        merge(&mut self.prefix_list, &over.prefix_list, |p| p.id.clone());
        merge(&mut self.detector, &over.detector, |d| d.region.clone());
        self.interface.extend(over.interface.iter().cloned());
        self.finding.extend(over.finding.iter().cloned());
    }

    /// Every region named in it.
    pub(crate) fn regions(&mut self) -> impl Iterator<Item = &mut String> {
        let groups = self.group.iter_mut().map(|x| &mut x.region);
        let lists = self.prefix_list.iter_mut().map(|x| &mut x.region);
        let interfaces = self.interface.iter_mut().map(|x| &mut x.region);
        let detectors = self.detector.iter_mut().map(|x| &mut x.region);
        groups
            .chain(lists)
            .chain(interfaces)
            .chain(detectors)
            .chain(self.finding.iter_mut().map(|x| &mut x.region))
    }
}

/// A security group. All of them let everything out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub description: String,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Ids of instances and names of load balancers that have it.
    #[serde(default)]
    pub on: Vec<String>,
    /// Every instance of the region has it that no group names.
    #[serde(default)]
    pub on_the_rest: bool,
    #[serde(default)]
    pub inbound: Vec<Inbound>,
}

/// An inbound rule. Its id is made of the group's and its place in the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbound {
    #[serde(default = "tcp")]
    pub protocol: String,
    /// First port, or ICMP type; -1: every one.
    pub from: i32,
    /// Last port, or ICMP code; the same as the first unless given.
    pub to: Option<i32>,
    /// A range, a prefix list or a group.
    pub source: String,
    pub description: Option<String>,
}

/// A managed prefix list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrefixList {
    pub id: String,
    #[serde(default)]
    pub region: String,
    pub name: String,
    pub ranges: Vec<String>,
}

/// A network interface that belongs to neither an instance nor a load balancer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interface {
    #[serde(default)]
    pub region: String,
    /// As AWS describes it: `RDSNetworkInterface`.
    pub description: String,
    #[serde(rename = "type", default = "interface")]
    pub kind: String,
    pub private_ip: String,
    pub public_ip: Option<String>,
    pub groups: Vec<String>,
}

/// GuardDuty's detector of a region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detector {
    pub id: String,
    #[serde(default)]
    pub region: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub created: Span,
}

/// A finding of GuardDuty. `resource` and `action` are as GuardDuty writes them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    #[serde(default)]
    pub region: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub severity: f64,
    pub title: String,
    pub resource: toml::Value,
    pub action: Option<toml::Value>,
    #[serde(default = "one")]
    pub count: u32,
    /// How long before the start it was first and last seen.
    pub first: Span,
    pub last: Span,
    /// Seen again so often while these conditions hold.
    pub every: Option<Span>,
    #[serde(default)]
    pub during: During,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub sample: bool,
}

fn tcp() -> String {
    "tcp".to_owned()
}
fn interface() -> String {
    "interface".to_owned()
}
fn yes() -> bool {
    true
}
fn one() -> u32 {
    1
}
