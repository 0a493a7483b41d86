//! What a query costs, before and after.

use crate::clients::ReadClients;
use crate::place::Place;
use crate::settings::GB;
use crate::tools::metrics::data::{self, Wanted};
use crate::tools::metrics::grid;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use quarterdeck_core::tool::Fault;

/// US dollars for a GB scanned; regions differ by some tenths of a cent.
const DOLLARS_PER_GB: f64 = 0.005;

/// What a query is expected to scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Bytes that came into the log groups in the period.
    pub bytes: u64,
    /// Where it is not known, and why.
    pub unknown: Vec<(String, Fault)>,
}

/// Bytes that came into `groups` within `period`: what a query has to scan, but for what has since been deleted. Source:
/// CloudWatch GetMetricData, AWS/Logs IncomingBytes.
pub async fn estimate(aws: &ReadClients, places: &[Place], groups: &[&str], period: Period) -> Estimate {
    let now = aws.now();
    let step = grid::fitted(None, period.from, period.until, now);
    let period = grid::aligned(period, step);
    let wanted: Vec<Wanted> = groups
        .iter()
        .map(|group| Wanted {
            namespace: "AWS/Logs".to_owned(),
            metric: "IncomingBytes".to_owned(),
            dimensions: vec![("LogGroupName".to_owned(), (*group).to_owned())],
            statistic: "Sum".to_owned(),
            period: step,
        })
        .collect();
    let (patience, wanted) = (Patience::begin(), &wanted);
    let asked = places.iter().map(|place| async move {
        let client = aws.cloudwatch(place);
        (place, data::read(&client, wanted, period, patience).await)
    });
    let mut estimate = Estimate::default();
    for (place, read) in futures::future::join_all(asked).await {
        let fault = match read {
            Ok(read) => {
                let sum: f64 = read.points.iter().flatten().map(|(_, bytes)| bytes).sum();
                estimate.bytes = estimate.bytes.saturating_add(sum.max(0.0) as u64);
                read.fault
            }
            Err(fault) => Some(fault),
        };
        estimate.unknown.extend(fault.map(|fault| (place.region.clone(), fault)));
    }
    estimate
}

/// `about $0.19`; `less than $0.01`.
pub fn dollars(bytes: u64) -> String {
    let dollars = bytes as f64 / GB as f64 * DOLLARS_PER_GB;
    if dollars < 0.01 { "less than $0.01".to_owned() } else { format!("about ${dollars:.2}") }
}

/// `38.2 GB`, `640 MB`, `12 KB`: by thousands, as AWS bills.
pub fn gigabytes(bytes: u64) -> String {
    let n = bytes as f64;
    for (unit, size) in [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)] {
        if n >= size {
            let n = n / size;
            return if n >= 100.0 || (n - n.round()).abs() < 0.05 {
                format!("{n:.0} {unit}")
            } else {
                format!("{n:.1} {unit}")
            };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_bytes() {
        for (bytes, size, cost) in [
            (0, "0 bytes", "less than $0.01"),
            (12_345, "12.3 KB", "less than $0.01"),
            (640_000_000, "640 MB", "less than $0.01"),
            (10 * GB, "10 GB", "about $0.05"),
            (38_200_000_000, "38.2 GB", "about $0.19"),
            (2_500_000_000_000, "2.5 TB", "about $12.50"),
        ] {
            assert_eq!((gigabytes(bytes).as_str(), dollars(bytes).as_str()), (size, cost));
        }
    }
}
