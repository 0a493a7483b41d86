//! What there is instead of a metric that has no points.

use crate::fault;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::Metric;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::Fault;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Pages of 500 metrics read to find names.
const PAGES: usize = 4;
/// Names told.
const NAMED: usize = 5;

/// What CloudWatch knows of a metric that has no points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Exactly this one exists; it has no points in the period.
    Exists,
    /// The metric exists with other dimensions; the nearest, as `Name=value, Name=value`.
    Dimensions(Vec<String>),
    /// The namespace has no such metric; the nearest names.
    Metrics(Vec<String>),
    /// There is no such namespace; the nearest.
    Namespaces(Vec<String>),
    /// It could not be looked up.
    Unknown(Fault),
}

/// The nearest to what was asked for. Source: CloudWatch ListMetrics.
pub async fn known(
    client: &Client,
    namespace: &str,
    metric: &str,
    dimensions: &BTreeMap<String, String>,
) -> Known {
    let found = match list(client, Some(namespace), Some(metric)).await {
        Ok(found) => found,
        Err(fault) => return Known::Unknown(fault),
    };
    if !found.is_empty() {
        let sets: BTreeSet<BTreeMap<String, String>> = found.iter().map(pairs).collect();
        if sets.contains(dimensions) {
            return Known::Exists;
        }
        return Known::Dimensions(likely(dimensions, sets));
    }
    match list(client, Some(namespace), None).await {
        Ok(found) if !found.is_empty() => {
            Known::Metrics(near(metric, found.iter().filter_map(Metric::metric_name)))
        }
        Ok(_) => match list(client, None, None).await {
            Ok(all) => Known::Namespaces(near(namespace, all.iter().filter_map(Metric::namespace))),
            Err(fault) => Known::Unknown(fault),
        },
        Err(fault) => Known::Unknown(fault),
    }
}

fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = names.collect();
    nearest(name, names, NAMED).into_iter().map(str::to_owned).collect()
}

/// Sets of dimensions, those first that share most with what was asked for.
fn likely(wanted: &BTreeMap<String, String>, sets: BTreeSet<BTreeMap<String, String>>) -> Vec<String> {
    let text = words(wanted);
    let names: Vec<&String> = wanted.keys().collect();
    let mut by_likeness: BTreeMap<(Reverse<usize>, Reverse<usize>), Vec<String>> = BTreeMap::new();
    for set in sets {
        let same = set.iter().filter(|(name, value)| wanted.get(*name) == Some(value)).count();
        let named = set.keys().filter(|name| names.contains(name)).count();
        by_likeness.entry((Reverse(same), Reverse(named))).or_default().push(words(&set));
    }
    let mut out = Vec::new();
    for group in by_likeness.into_values() {
        let left = NAMED.saturating_sub(out.len());
        out.extend(nearest(&text, group.iter().map(String::as_str), left).into_iter().map(str::to_owned));
    }
    out
}

/// `Name=value, Name=value`; `no dimensions` for none.
pub fn words(dimensions: &BTreeMap<String, String>) -> String {
    if dimensions.is_empty() {
        return "no dimensions".to_owned();
    }
    dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

fn pairs(metric: &Metric) -> BTreeMap<String, String> {
    let pair = |d: &aws_sdk_cloudwatch::types::Dimension| {
        (d.name().unwrap_or_default().to_owned(), d.value().unwrap_or_default().to_owned())
    };
    metric.dimensions().iter().map(pair).collect()
}

async fn list(client: &Client, namespace: Option<&str>, metric: Option<&str>) -> Result<Vec<Metric>, Fault> {
    let mut found = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let answer = client
            .list_metrics()
            .set_namespace(namespace.map(str::to_owned))
            .set_metric_name(metric.map(str::to_owned))
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| fault::of(&e))?;
        found.extend(answer.metrics.unwrap_or_default());
        token = answer.next_token.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn those_that_share_most_come_first() {
        let sets = [
            set(&[("Cluster", "shop"), ("Service", "checkout-api")]),
            set(&[("Cluster", "shop")]),
            set(&[("Cluster", "tools"), ("Service", "checkout")]),
            set(&[("Queue", "shop")]),
            set(&[]),
        ];
        let likely = |wanted: &[(&str, &str)]| super::likely(&set(wanted), sets.iter().cloned().collect());
        assert_eq!(
            likely(&[("Cluster", "shop"), ("Service", "checkout")])[0],
            "Cluster=shop, Service=checkout-api"
        );
        assert_eq!(likely(&[("Cluster", "shop")])[0], "Cluster=shop");
        assert_eq!(likely(&[("Queue", "shoop")])[0], "Queue=shop");
        assert_eq!(likely(&[("Queue", "x")]).len(), NAMED);
        assert!(likely(&[]).contains(&"no dimensions".to_owned()));
    }
}
