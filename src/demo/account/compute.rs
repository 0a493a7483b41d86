//! EKS clusters of the account.

use super::merge;
use crate::span::Span;
use serde::Deserialize;

/// What runs code beside ECS and single instances.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compute {
    pub cluster: Vec<Cluster>,
}

impl Compute {
    /// With what a drill says otherwise.
    pub(crate) fn merge(&mut self, over: &Self) {
        merge(&mut self.cluster, &over.cluster, |c| format!("{} {}", c.region, c.name));
    }

    /// Every region named in it.
    pub(crate) fn regions(&mut self) -> impl Iterator<Item = &mut String> {
        self.cluster.iter_mut().map(|c| &mut c.region)
    }
}

/// An EKS cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub version: String,
    pub created: Span,
    /// Who may reach its endpoint from outside; none: it is private.
    #[serde(default)]
    pub public: Vec<String>,
    #[serde(default)]
    pub issue: Vec<Issue>,
    #[serde(default)]
    pub nodegroup: Vec<Nodegroup>,
}

/// A node group of a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nodegroup {
    pub name: String,
    pub version: String,
    #[serde(default = "active")]
    pub status: String,
    pub min: u32,
    pub desired: u32,
    pub max: u32,
    pub types: Vec<String>,
    #[serde(default)]
    pub spot: bool,
    #[serde(default)]
    pub issue: Vec<Issue>,
}

/// What EKS finds wrong with a cluster or a node group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issue {
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub resources: Vec<String>,
}

fn active() -> String {
    "ACTIVE".to_owned()
}
