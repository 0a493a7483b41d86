//! What the account is billed, and what watches that.

use crate::condition::During;
use crate::span::Moment;
use serde::Deserialize;

/// Costs, anomaly monitors, anomalies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Costs {
    pub line: Vec<CostLine>,
    pub monitor: Vec<Monitor>,
    pub anomaly: Vec<Anomaly>,
}

impl Costs {
    /// A drill's lines, monitors and anomalies come to the account's.
    pub(crate) fn merge(&mut self, over: &Self) {
        self.line.extend(over.line.iter().cloned());
        self.monitor.extend(over.monitor.iter().cloned());
        self.anomaly.extend(over.anomaly.iter().cloned());
    }
}

/// One line of every day's bill.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostLine {
    pub service: String,
    pub usage_type: String,
    /// As Cost Explorer says it: `eu-west-1`, `global`, `NoRegion`.
    pub region: String,
    /// The linked account; the account's own unless given.
    #[serde(default)]
    pub account: Option<String>,
    /// The value of the tag `team`.
    #[serde(default)]
    pub team: String,
    /// A day's amount in USD; negative for credits.
    pub daily: f64,
    /// How far a day strays from that, as a part of it.
    #[serde(default)]
    pub wobble: f64,
    /// `Usage`, `Credit`, `Refund`, `Tax`.
    #[serde(default = "usage")]
    pub record: String,
    /// Only for the hours of these conditions.
    #[serde(default)]
    pub during: During,
    /// From when on; always unless given.
    pub from: Option<Moment>,
    /// Until when.
    pub until: Option<Moment>,
}

/// An anomaly monitor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Monitor {
    pub id: String,
    pub name: String,
    pub created: Moment,
    pub evaluated: Moment,
}

/// What a monitor found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Anomaly {
    pub id: String,
    /// The monitor's id.
    pub monitor: String,
    pub service: String,
    pub start: Moment,
    pub end: Moment,
    pub expected: f64,
    pub impact: f64,
    #[serde(default)]
    pub cause: Vec<Cause>,
}

/// What an anomaly comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cause {
    pub service: String,
    pub region: String,
    pub usage_type: String,
    pub contribution: f64,
}

fn usage() -> String {
    "Usage".to_owned()
}
