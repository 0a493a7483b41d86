//! What functions did in the last hour, from CloudWatch: 500 series a request, and those of idle functions spared.

use crate::tools::metrics::data::{self, Wanted};
use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use aws_sdk_cloudwatch::Client;
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far back is looked.
pub const WINDOW: Duration = Duration::from_secs(3_600);
/// Seconds of one data point.
const PERIOD: u32 = 300;
/// Series in one GetMetricData.
const AT_ONCE: usize = 500;
/// Requests under way.
const REQUESTS: usize = 4;
const NAMESPACE: &str = "AWS/Lambda";
/// Asked once, with the first functions.
const ACCOUNT: [Series; 2] = [Series::Peak, Series::UnreservedPeak];

/// What a function did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub invocations: f64,
    pub errors: f64,
    /// Refused invocations; these are not among `invocations`.
    pub throttles: f64,
    /// Most executions at a time.
    pub concurrent: Option<f64>,
    /// The highest p99 of five minutes, in milliseconds.
    pub p99: Option<f64>,
}

impl Usage {
    /// Errors per hundred invocations.
    pub fn error_rate(&self) -> f64 {
        if self.invocations > 0.0 { self.errors / self.invocations * 100.0 } else { 100.0 }
    }

    fn add(&mut self, what: What, value: f64) {
        let most = |old: Option<f64>| Some(old.map_or(value, |old| old.max(value)));
        match what {
            What::Invocations => self.invocations += value,
            What::Errors => self.errors += value,
            What::Throttles => self.throttles += value,
            What::Concurrent => self.concurrent = most(self.concurrent),
            What::P99 => self.p99 = most(self.p99),
        }
    }
}

/// What CloudWatch knows of a region's functions.
#[derive(Debug, Default)]
pub struct Measured {
    /// By the function's name; every function asked for, but for those whose series were lost.
    pub usage: BTreeMap<String, Usage>,
    /// The most executions at a time of all functions, and of those without a reservation.
    pub peak: Option<f64>,
    pub unreserved_peak: Option<f64>,
    /// What is missing, and why.
    pub lost: Vec<(String, Fault)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Invocations,
    Errors,
    Throttles,
    Concurrent,
    P99,
}

impl What {
    /// Asked of every function.
    const FIRST: [Self; 3] = [Self::Invocations, Self::Errors, Self::Throttles];
    /// Asked of those that did anything.
    const THEN: [Self; 2] = [Self::Concurrent, Self::P99];

    const fn metric(self) -> (&'static str, &'static str) {
        match self {
            Self::Invocations => ("Invocations", "Sum"),
            Self::Errors => ("Errors", "Sum"),
            Self::Throttles => ("Throttles", "Sum"),
            Self::Concurrent => ("ConcurrentExecutions", "Maximum"),
            Self::P99 => ("Duration", "p99"),
        }
    }
}

/// One series to ask for: of a function, or of the account.
#[derive(Clone, Copy, Debug)]
enum Series {
    /// Of the function with this index.
    Of(usize, What),
    Peak,
    UnreservedPeak,
}

impl Series {
    fn wanted(self, names: &[String]) -> Wanted {
        let (function, (metric, statistic)) = match self {
            Self::Of(n, what) => (names.get(n), what.metric()),
            Self::Peak => (None, ("ConcurrentExecutions", "Maximum")),
            Self::UnreservedPeak => (None, ("UnreservedConcurrentExecutions", "Maximum")),
        };
        Wanted {
            namespace: NAMESPACE.to_owned(),
            metric: metric.to_owned(),
            dimensions: function.map(|f| ("FunctionName".to_owned(), f.clone())).into_iter().collect(),
            statistic: statistic.to_owned(),
            period: PERIOD,
        }
    }
}

/// Measures `names`. Source: CloudWatch GetMetricData.
pub async fn measure(client: &Client, names: &[String], now: Timestamp, patience: Patience) -> Measured {
    let mut measured = Measured::default();
    // CloudWatch aligns data points to the period; so does the window, or its first point would not be whole.
    let step = i64::from(PERIOD) * 1000;
    let from = Timestamp::from_millis(now.minus(WINDOW).millis().div_euclid(step) * step);
    let period = Period { from, until: now };
    if let Some((n, fault)) = ask(client, names, &What::FIRST, period, patience, &mut measured).await {
        measured.lost.push((format!("metrics of {n} functions"), fault));
    }
    let active = measured.usage.iter().filter(|(_, u)| u.invocations > 0.0 || u.throttles > 0.0);
    let active: Vec<String> = active.map(|(name, _)| name.clone()).collect();
    if let Some((n, fault)) = ask(client, &active, &What::THEN, period, patience, &mut measured).await {
        measured.lost.push((format!("p99 and concurrency of {n} functions"), fault));
    }
    measured
}

/// Asks for `what` of each name; how many names no answer came for, and why. The series of one function are never
/// apart: half of them would look like all there is.
async fn ask(
    client: &Client,
    names: &[String],
    what: &[What],
    period: Period,
    patience: Patience,
    into: &mut Measured,
) -> Option<(usize, Fault)> {
    let size = AT_ONCE.saturating_sub(ACCOUNT.len()) / what.len().max(1);
    let mut batches: Vec<(usize, Vec<Series>)> = Vec::new();
    for from in (0..names.len()).step_by(size.max(1)) {
        let indices = from..names.len().min(from + size.max(1));
        let account: &[Series] = if from == 0 && what == What::FIRST { &ACCOUNT } else { &[] };
        let of = indices.clone().flat_map(|n| what.iter().map(move |w| Series::Of(n, *w)));
        batches.push((indices.len(), account.iter().copied().chain(of).collect()));
    }
    let batches = batches.into_iter().map(|(size, wanted)| async move {
        let late = patience.is_over();
        let answer =
            if late { Err(too_late()) } else { values(client, names, &wanted, period, patience).await };
        (size, wanted, answer)
    });
    let answers: Vec<_> = stream::iter(batches).buffered(REQUESTS).collect().await;
    let mut lost: Option<(usize, Fault)> = None;
    for (size, wanted, answer) in answers {
        match answer {
            Ok(values) => {
                wanted.iter().zip(values).for_each(|(wanted, values)| into.add(names, *wanted, &values));
            }
            Err(fault) => lost.get_or_insert((0, fault)).0 += size,
        }
    }
    lost
}

fn too_late() -> Fault {
    Fault::new(FaultKind::Timeout, "there was no time to read more metrics").hint("name a function")
}

impl Measured {
    fn add(&mut self, names: &[String], series: Series, values: &[f64]) {
        let most = || values.iter().copied().reduce(f64::max);
        match series {
            Series::Of(n, what) => {
                let Some(name) = names.get(n) else { return };
                let usage = self.usage.entry(name.clone()).or_default();
                values.iter().for_each(|v| usage.add(what, *v));
            }
            Series::Peak => self.peak = most(),
            Series::UnreservedPeak => self.unreserved_peak = most(),
        }
    }
}

/// The values of each series of a batch, in its order; a batch of which anything is missing is lost.
async fn values(
    client: &Client,
    names: &[String],
    batch: &[Series],
    period: Period,
    patience: Patience,
) -> Result<Vec<Vec<f64>>, Fault> {
    let wanted: Vec<Wanted> = batch.iter().map(|series| series.wanted(names)).collect();
    let data = data::read(client, &wanted, period, patience).await?;
    match data.fault {
        Some(fault) => Err(fault),
        None => {
            Ok(data.points.into_iter().map(|points| points.into_iter().map(|(_, v)| v).collect()).collect())
        }
    }
}
