//! What runs code beside ECS and single instances: EKS clusters, Auto Scaling groups, Lambda functions.

use super::{Metric, merge};
use crate::condition::During;
use crate::span::{Moment, Span};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Clusters, groups and functions of the account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compute {
    pub cluster: Vec<Cluster>,
    pub group: Vec<Group>,
    pub function: Vec<Function>,
}

impl Compute {
    /// With what a drill says otherwise.
    pub(crate) fn merge(&mut self, over: &Self) {
        merge(&mut self.cluster, &over.cluster, |c| format!("{} {}", c.region, c.name));
        merge(&mut self.group, &over.group, |g| format!("{} {}", g.region, g.name));
        merge(&mut self.function, &over.function, |f| format!("{} {}", f.region, f.name));
    }

    /// Every region named in it.
    pub(crate) fn regions(&mut self) -> impl Iterator<Item = &mut String> {
        let clusters = self.cluster.iter_mut().map(|c| &mut c.region);
        let groups = self.group.iter_mut().map(|g| &mut g.region);
        clusters.chain(groups).chain(self.function.iter_mut().map(|f| &mut f.region))
    }

    /// What the functions' doings are in CloudWatch. A function nobody calls has no metrics at all.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        self.function
            .iter()
            .filter(|f| f.invocations > 0.0 || f.throttles > 0.0)
            .flat_map(Function::metrics)
            .collect()
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

/// An EC2 Auto Scaling group. Its members are the instances that name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub min: u32,
    pub desired: u32,
    pub max: u32,
    #[serde(default)]
    pub suspended: Vec<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub activity: Vec<Activity>,
}

/// A scaling activity of a group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activity {
    pub at: Moment,
    pub description: String,
    pub cause: String,
    /// Why it failed; absent: it did not.
    pub failed: Option<String>,
}

/// A Lambda function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    pub name: String,
    #[serde(default)]
    pub region: String,
    /// Absent: a container image.
    pub runtime: Option<String>,
    pub memory: u32,
    pub timeout: u32,
    pub modified: Span,
    pub reserved: Option<u32>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// These per minute.
    #[serde(default)]
    pub invocations: f64,
    #[serde(default)]
    pub errors: f64,
    #[serde(default)]
    pub throttles: f64,
    /// Milliseconds on average, and executions at a time.
    #[serde(default)]
    pub duration: f64,
    #[serde(default)]
    pub concurrent: f64,
}

impl Function {
    fn metrics(&self) -> impl Iterator<Item = Metric> {
        let steady = [
            ("Errors", self.errors),
            ("Throttles", self.throttles),
            ("ConcurrentExecutions", self.concurrent),
        ];
        let lively = [("Invocations", self.invocations), ("Duration", self.duration)];
        let steady = steady.into_iter().map(|(name, base)| (name, base, 0.0));
        let all = steady.chain(lively.into_iter().map(|(name, base)| (name, base, base * 0.2)));
        all.map(|(name, base, wobble)| Metric {
            namespace: "AWS/Lambda".to_owned(),
            name: name.to_owned(),
            region: self.region.clone(),
            dimensions: BTreeMap::from([("FunctionName".to_owned(), self.name.clone())]),
            base,
            wobble,
            follows: None,
            down: None,
            during: During::default(),
            then: None,
            limit: None,
        })
    }
}

fn active() -> String {
    "ACTIVE".to_owned()
}
