//! What log groups take in, as CloudWatch measures it: AWS/Logs IncomingBytes and IncomingLogEvents.

use crate::lines;
use crate::wire::Input;
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;

const NAMESPACE: &str = "AWS/Logs";
const NAMES: [&str; 2] = ["IncomingBytes", "IncomingLogEvents"];

/// Every such metric of the region: namespace, name, dimensions.
pub(crate) fn metrics<'a>(
    world: &World<'a>,
) -> impl Iterator<Item = (String, String, BTreeMap<String, String>)> + use<'a> {
    lines::groups(world).into_iter().flat_map(|group| {
        NAMES.map(|name| {
            let dimensions = BTreeMap::from([("LogGroupName".to_owned(), group.clone())]);
            (NAMESPACE.to_owned(), name.to_owned(), dimensions)
        })
    })
}

/// The points of one of them, oldest first; nothing came in where there is none. `None`: it is another metric.
pub(crate) fn points(
    world: &World<'_>,
    metric: &Input,
    (start, end): (Timestamp, Timestamp),
    period: u32,
    statistic: &str,
) -> Option<Vec<(Timestamp, f64)>> {
    let bytes = match (metric.text("Namespace")?, metric.text("MetricName")?) {
        (NAMESPACE, "IncomingBytes") => true,
        (NAMESPACE, "IncomingLogEvents") => false,
        _ => return None,
    };
    let dimensions = metric.list("Dimensions");
    let group = match dimensions.as_slice() {
        [one] if one.text("Name") == Some("LogGroupName") => one.text("Value").unwrap_or_default(),
        _ => return Some(Vec::new()),
    };
    if !lines::groups(world).iter().any(|g| g == group) {
        return Some(Vec::new());
    }
    let step = i64::from(period) * 1_000;
    let each = f64::from(lines::stands_for(world, group));
    let mut sums: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for line in lines::lines(world, group, start, end) {
        let sum = sums.entry(line.at.millis().div_euclid(step) * step).or_default();
        sum.0 += each * if bytes { lines::bytes(&line) as f64 } else { 1.0 };
        sum.1 += each;
    }
    let value = |(sum, n): (f64, f64)| match statistic {
        "Sum" => sum,
        "SampleCount" => n,
        _ => sum / n.max(1.0),
    };
    Some(sums.into_iter().map(|(at, sums)| (Timestamp::from_millis(at), value(sums))).collect())
}
