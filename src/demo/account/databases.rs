//! Databases of the account.

use super::merge;
use crate::condition::During;
use crate::span::{Moment, Span};
use serde::Deserialize;

/// RDS, Aurora, Neptune and DocumentDB. Their figures are metrics like any other.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Databases {
    pub instance: Vec<Database>,
    pub cluster: Vec<Cluster>,
}

impl Databases {
    /// With what a drill says otherwise.
    pub(crate) fn merge(&mut self, over: &Self) {
        merge(&mut self.instance, &over.instance, |i| format!("{} {}", i.region, i.id));
        merge(&mut self.cluster, &over.cluster, |c| format!("{} {}", c.region, c.id));
    }

    /// Every region named in it.
    pub(crate) fn regions(&mut self) -> impl Iterator<Item = &mut String> {
        self.instance.iter_mut().map(|i| &mut i.region).chain(self.cluster.iter_mut().map(|c| &mut c.region))
    }

    /// Everything in it that depends on conditions.
    pub(crate) fn during(&self) -> impl Iterator<Item = &During> {
        let states = self.instance.iter().flat_map(|i| i.when.iter().map(|w| &w.during));
        let events =
            self.instance.iter().flat_map(|i| &i.event).chain(self.cluster.iter().flat_map(|c| &c.event));
        states.chain(events.map(|e| &e.during))
    }
}

/// A database instance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub id: String,
    #[serde(default)]
    pub region: String,
    /// `postgres`, `aurora-postgresql`, `docdb`.
    pub engine: String,
    pub version: String,
    pub class: String,
    /// Availability zone letter.
    pub az: String,
    pub port: u16,
    /// GiB.
    pub storage: u32,
    /// GiB it may grow to by itself.
    pub grows_to: Option<u32>,
    #[serde(default)]
    pub multi_az: bool,
    #[serde(default)]
    pub public: bool,
    #[serde(default = "available")]
    pub status: String,
    /// Other statuses, during conditions; the first that holds.
    #[serde(default)]
    pub when: Vec<When>,
    /// The cluster it is in.
    pub cluster: Option<String>,
    pub replica_of: Option<String>,
    /// Absent: the engine's own.
    pub parameter_group: Option<String>,
    pub created: Span,
    #[serde(default)]
    pub maintenance: Vec<Maintenance>,
    #[serde(default)]
    pub event: Vec<Happening>,
}

/// A status while something is the case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    pub during: During,
    pub status: String,
}

/// A cluster. Its members are the instances that name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    pub id: String,
    #[serde(default)]
    pub region: String,
    pub engine: String,
    pub version: String,
    pub port: u16,
    #[serde(default = "available")]
    pub status: String,
    /// The instance that writes.
    pub writer: String,
    pub created: Span,
    #[serde(default)]
    pub maintenance: Vec<Maintenance>,
    #[serde(default)]
    pub event: Vec<Happening>,
}

/// Maintenance that waits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Maintenance {
    pub action: String,
    pub description: String,
    /// When it is done whether one wants it or not.
    pub forced: Option<Moment>,
}

/// An RDS event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Happening {
    pub at: Moment,
    /// Only if it is so then.
    #[serde(default)]
    pub during: During,
    pub categories: Vec<String>,
    pub message: String,
}

fn available() -> String {
    "available".to_owned()
}
