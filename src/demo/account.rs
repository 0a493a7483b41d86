//! What an account holds, as its file says it.

mod assemble;
pub(crate) mod compute;
pub(crate) mod costs;
pub(crate) mod databases;
pub(crate) mod identity;
pub(crate) mod scale;
pub(crate) mod security;
pub(crate) mod storage;

pub(crate) use assemble::Account;

use crate::condition::During;
use crate::span::{Moment, Span};
use assemble::merge;
use scale::Scale;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The account's own facts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub id: String,
    pub alias: String,
    /// The role the console has assumed, and its session's name.
    pub role: String,
    pub session: String,
    /// Enabled regions; the first is where everything is that names none.
    pub regions: Vec<String>,
    /// Regions that exist and are not enabled.
    pub disabled_regions: Vec<String>,
    /// How long CloudTrail takes to deliver an event.
    pub trail_delay: Span,
}

/// Everything in an account. A drill overrides it with the same sections: same key replaces, new key adds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contents {
    pub account: Option<Header>,
    pub instance: Vec<Instance>,
    pub service: Vec<Service>,
    pub load_balancer: Vec<LoadBalancer>,
    pub target_group: Vec<TargetGroup>,
    pub metric: Vec<Metric>,
    pub alarm: Vec<Alarm>,
    pub log: Vec<LogSource>,
    pub change: Vec<Change>,
    pub background: Vec<Background>,
    pub storage: storage::Storage,
    pub compute: compute::Compute,
    pub costs: costs::Costs,
    pub security: security::Security,
    pub identity: identity::Identities,
    pub databases: databases::Databases,
    pub scale: Scale,
}

/// An EC2 instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instance {
    pub id: String,
    /// The Name tag; absent is absent.
    pub name: Option<String>,
    #[serde(default)]
    pub region: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// Availability zone letter.
    pub az: String,
    #[serde(default = "running")]
    pub state: String,
    pub state_reason: Option<String>,
    pub private_ip: String,
    pub public_ip: Option<String>,
    #[serde(default)]
    pub elastic: bool,
    /// How long before the start it was launched.
    pub launched: Span,
    /// The Auto Scaling group it is a member of.
    pub asg: Option<String>,
    /// Its instance status check fails.
    #[serde(default)]
    pub impaired: bool,
    #[serde(default)]
    pub stop_protection: bool,
    #[serde(default)]
    pub spot: bool,
    pub event: Option<ScheduledEvent>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A scheduled event of an instance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduledEvent {
    pub code: String,
    pub description: String,
    pub at: Moment,
}

/// An ECS service. Clusters are those its services name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub cluster: String,
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub desired: u32,
    /// The task definition's revision before the story; its family is the service's name.
    pub revision: u32,
    /// Repository, without a tag.
    pub image: String,
    pub port: u16,
    pub cpu: String,
    pub memory: String,
    /// How long before the start it was last deployed.
    pub deployed: Span,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Variable to secret name.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    pub target_group: Option<String>,
    pub scaling: Option<Scaling>,
    #[serde(default = "hundred")]
    pub minimum_healthy: u32,
    #[serde(default = "two_hundred")]
    pub maximum: u32,
    #[serde(default)]
    pub circuit_breaker: bool,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What its tasks log, one of these at a time.
    #[serde(default)]
    pub lines: Vec<String>,
    #[serde(default = "ten_seconds")]
    pub line_every: Span,
}

/// The limits of a scalable target.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scaling {
    pub min: u32,
    pub max: u32,
}

/// A load balancer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadBalancer {
    pub name: String,
    #[serde(default)]
    pub region: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub scheme: String,
}

/// A target group: the tasks of the service that names it, or instances.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetGroup {
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub load_balancer: Option<String>,
    pub port: u16,
    #[serde(default)]
    pub instances: Vec<String>,
    /// The Lambda function that is its target.
    pub function: Option<String>,
}

/// A metric's behaviour.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub namespace: String,
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub dimensions: BTreeMap<String, String>,
    /// Its value on a good day; for counts: per minute.
    pub base: f64,
    /// How far it strays from that.
    #[serde(default)]
    pub wobble: f64,
    /// `cluster/service` whose capacity moves it.
    pub follows: Option<String>,
    /// Its value when that service has no capacity at all.
    pub down: Option<f64>,
    /// The conditions that move it, and its value when they are felt in full.
    #[serde(default)]
    pub during: During,
    pub then: Option<f64>,
    /// What it can never exceed.
    pub limit: Option<f64>,
}

/// An alarm: of a metric, or composite with `rule`. Where conditions move its metric, it watches the metric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarm {
    pub name: String,
    #[serde(default)]
    pub region: String,
    pub description: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default)]
    pub metric: String,
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    #[serde(default = "average")]
    pub statistic: String,
    #[serde(default = "greater")]
    pub comparison: String,
    #[serde(default)]
    pub threshold: f64,
    #[serde(default = "minute")]
    pub period: u32,
    #[serde(default = "one")]
    pub evaluation: u32,
    #[serde(default = "ok")]
    pub state: String,
    /// How long before the start it went into that state.
    pub since: Span,
    #[serde(default = "yes")]
    pub actions_enabled: bool,
    pub follows: Option<Follows>,
    /// `ALARM(a) OR ALARM(b)`: in ALARM while any of these is.
    pub rule: Option<String>,
}

/// How an alarm follows a service's capacity (running tasks over those it has on a good day).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Follows {
    /// `cluster/service`.
    pub service: String,
    /// In ALARM when capacity is below this.
    pub below: f64,
    pub fires_after: Span,
    pub clears_after: Span,
}

/// Log lines that belong to no service's tasks, or only appear while one is down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSource {
    pub group: String,
    #[serde(default)]
    pub region: String,
    pub stream: String,
    pub every: Span,
    /// How many lines like it each stands for, in what is counted and billed; none: itself.
    pub stands_for: Option<u32>,
    pub lines: Vec<String>,
    /// Only while this `cluster/service` has lost capacity.
    pub when_down: Option<String>,
    /// Only while these conditions hold, and as often as they are felt.
    #[serde(default)]
    pub during: During,
}

/// A CloudTrail event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub at: Moment,
    /// Only if it is so then.
    #[serde(default)]
    pub during: During,
    pub event: Event,
}

/// A CloudTrail event that comes again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Background {
    pub every: Span,
    #[serde(default)]
    pub during: During,
    pub event: Event,
}

/// What happened, by whom: a role's session, or a user with an access key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub name: String,
    /// `ecs.amazonaws.com`.
    pub source: String,
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub session: String,
    pub user: Option<String>,
    pub access_key: Option<String>,
    #[serde(default)]
    pub region: String,
    pub ip: String,
    pub agent: String,
    #[serde(default)]
    pub read_only: bool,
    /// Type and name, e.g. `["AWS::EC2::Instance", "i-0..."]`.
    #[serde(default)]
    pub resources: Vec<[String; 2]>,
    #[serde(default)]
    pub request: BTreeMap<String, toml::Value>,
    /// Code and message, when it was refused.
    pub error: Option<[String; 2]>,
}

impl Metric {
    /// What tells it from others.
    pub(crate) fn key(&self) -> String {
        format!("{} {} {:?} {}", self.namespace, self.name, self.dimensions, self.region)
    }
}

impl Event {
    /// Who did it, as CloudTrail's Username says.
    pub(crate) fn actor(&self) -> &str {
        self.user.as_deref().unwrap_or(&self.session)
    }
}

impl Alarm {
    /// Whether a datapoint crosses its threshold.
    pub(crate) fn breached_by(&self, value: f64) -> bool {
        match self.comparison.as_str() {
            "LessThanThreshold" => value < self.threshold,
            "LessThanOrEqualToThreshold" => value <= self.threshold,
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            _ => value > self.threshold,
        }
    }
}

impl Service {
    /// `cluster/name`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }
}

fn running() -> String {
    "running".to_owned()
}
fn average() -> String {
    "Average".to_owned()
}
fn greater() -> String {
    "GreaterThanThreshold".to_owned()
}
fn ok() -> String {
    "OK".to_owned()
}
fn hundred() -> u32 {
    100
}
fn two_hundred() -> u32 {
    200
}
fn minute() -> u32 {
    60
}
fn one() -> u32 {
    1
}
fn yes() -> bool {
    true
}
fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}
