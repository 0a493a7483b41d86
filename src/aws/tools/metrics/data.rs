//! Points of metrics, in as few requests as GetMetricData allows.

use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use aws_smithy_types::DateTime;
use futures::{FutureExt, StreamExt};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeMap;

/// Metrics in one request.
const BATCH: usize = 500;
/// Requests at the same time, of one call in one region.
const AT_ONCE: usize = 4;
/// Pages of one request; CloudWatch pages by 100,800 points.
const PAGES: usize = 20;

/// One metric, one statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub namespace: String,
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    /// As CloudWatch names it: `Average`, `p99`.
    pub statistic: String,
    /// Seconds.
    pub period: u32,
}

/// What came back, in the order asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// Points of each, oldest first. A period without a value has no point.
    pub points: Vec<Vec<(Timestamp, f64)>>,
    /// Why some of it is missing.
    pub fault: Option<Fault>,
}

impl Data {
    /// The newest value of the metric at `index`.
    pub fn newest(&self, index: usize) -> Option<f64> {
        self.points.get(index)?.last().map(|(_, value)| *value)
    }
}

/// The points of `wanted` within `period`. Source: CloudWatch GetMetricData, 500 metrics a request, every page.
///
/// # Errors
/// As AWS answers, when nothing could be read at all.
pub async fn read(
    client: &Client,
    wanted: &[Wanted],
    period: Period,
    patience: Patience,
) -> Result<Data, Fault> {
    let batches: Vec<_> =
        wanted.chunks(BATCH).map(|batch| one(client, batch, period, patience).boxed()).collect();
    let read: Vec<Batch> = futures::stream::iter(batches).buffered(AT_ONCE).collect().await;
    let mut data = Data::default();
    let mut answered = false;
    for batch in read {
        answered |= batch.answered;
        data.points.extend(batch.points);
        data.fault = data.fault.or(batch.fault);
    }
    match data.fault {
        Some(fault) if !answered => Err(fault),
        fault => Ok(Data { fault, ..data }),
    }
}

struct Batch {
    points: Vec<Vec<(Timestamp, f64)>>,
    answered: bool,
    fault: Option<Fault>,
}

async fn one(client: &Client, batch: &[Wanted], period: Period, patience: Patience) -> Batch {
    let mut points: Vec<BTreeMap<Timestamp, f64>> = vec![BTreeMap::new(); batch.len()];
    let (mut answered, mut fault, mut token) = (false, None, None);
    for _ in 0..PAGES {
        let asked = client
            .get_metric_data()
            .set_metric_data_queries(Some(batch.iter().enumerate().map(query).collect()))
            .start_time(DateTime::from_millis(period.from.millis()))
            .end_time(DateTime::from_millis(period.until.millis()))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(token.take());
        let answer = match patience.page(asked.send()).await {
            Ok(answer) => answer,
            Err(failure) => {
                fault = Some(failure.fault());
                break;
            }
        };
        answered = true;
        for result in answer.metric_data_results() {
            fault = fault.or_else(|| refused(result));
            let Some(into) = index(result).and_then(|i| points.get_mut(i)) else { continue };
            let times = result.timestamps().iter().filter_map(|t| t.to_millis().ok());
            into.extend(times.map(Timestamp::from_millis).zip(result.values().iter().copied()));
        }
        token = answer.next_token.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    if token.is_some() && fault.is_none() {
        fault = Some(
            Fault::new(FaultKind::Timeout, "there were more points than could be read")
                .hint("ask for a shorter period, or a coarser one"),
        );
    }
    Batch { points: points.into_iter().map(|p| p.into_iter().collect()).collect(), answered, fault }
}

fn query((index, wanted): (usize, &Wanted)) -> MetricDataQuery {
    let dimensions = wanted.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&wanted.namespace)
        .metric_name(&wanted.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .stat(&wanted.statistic)
        .period(i32::try_from(wanted.period).unwrap_or(i32::MAX))
        .build();
    MetricDataQuery::builder().id(format!("m{index}")).metric_stat(stat).return_data(true).build()
}

/// The position in the batch: `m12`.
fn index(result: &MetricDataResult) -> Option<usize> {
    result.id()?.strip_prefix('m')?.parse().ok()
}

/// CloudWatch answers per metric, too.
fn refused(result: &MetricDataResult) -> Option<Fault> {
    let said = result.messages().iter().find_map(|m| m.value());
    match result.status_code()? {
        StatusCode::Forbidden => Some(
            Fault::new(FaultKind::Denied, said.unwrap_or("this metric may not be read"))
                .action("cloudwatch:GetMetricData"),
        ),
        StatusCode::InternalError => {
            let said = said.unwrap_or("CloudWatch failed inside for this metric");
            Some(Fault::new(FaultKind::Unavailable, said))
        }
        // More pages follow, or it is whole.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Canned, NOW, cbor};
    use crate::tool::ReadTool;
    use crate::tools::get_metrics::GetMetrics;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn wanted(n: usize) -> Wanted {
        Wanted {
            namespace: "AWS/RDS".into(),
            metric: "CPUUtilization".into(),
            dimensions: vec![("DBInstanceIdentifier".into(), format!("db-{n}"))],
            statistic: "Average".into(),
            period: 60,
        }
    }

    async fn ask(canned: &Canned, n: usize) -> Result<Data, Fault> {
        let aws = canned.reads(&GetMetrics::SPEC).await;
        let place = crate::place::Place { account: None, region: "eu-west-1".into() };
        let period = Period { from: NOW.minus(Duration::from_secs(300)), until: NOW };
        let all: Vec<Wanted> = (0..n).map(wanted).collect();
        read(&aws.cloudwatch(&place), &all, period, Patience::begin()).await
    }

    fn point(id: &str, minute: i64, value: f64, next: Option<&str>) -> Vec<u8> {
        let at = NOW.millis() / 1000 + minute * 60;
        let result = json!({ "Id": id, "Label": "x", "StatusCode": "Complete",
            "Timestamps": [{ "$time": at }], "Values": [value] });
        let mut answer = json!({ "MetricDataResults": [result] });
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        cbor(&answer)
    }

    #[tokio::test]
    async fn pages_are_joined_by_id_and_sorted() {
        let page = AtomicUsize::new(0);
        let canned = Canned::new().with("monitoring", "GetMetricData", move |_| {
            (
                200,
                match page.fetch_add(1, Ordering::SeqCst) {
                    0 => point("m1", -1, 2.0, Some("t")),
                    1 => point("m0", -1, 9.0, Some("t")),
                    _ => point("m1", -2, 1.0, None),
                },
            )
        });
        let data = ask(&canned, 2).await.unwrap();
        assert_eq!(canned.operations().len(), 3);
        assert_eq!((data.newest(0), data.newest(1), data.newest(2)), (Some(9.0), Some(2.0), None));
        assert_eq!(data.points[1].iter().map(|(_, v)| *v).collect::<Vec<_>>(), [1.0, 2.0]);
        assert_eq!(data.fault, None);
    }

    #[tokio::test]
    async fn five_hundred_a_request_and_half_of_them_may_fail() {
        let request = AtomicUsize::new(0);
        let canned = Canned::new().with("monitoring", "GetMetricData", move |sent| {
            request.fetch_add(1, Ordering::SeqCst);
            // The last batch of 1,001 is the only one that holds a single metric.
            if sent.body.contains("m1") {
                (200, point("m499", -1, 7.0, None))
            } else {
                (400, cbor(&json!({ "__type": "AccessDenied", "message": "no" })))
            }
        });
        let data = ask(&canned, 1_001).await.unwrap();
        assert_eq!(canned.operations().len(), 3);
        assert_eq!((data.points.len(), data.newest(499), data.newest(999)), (1_001, Some(7.0), Some(7.0)));
        assert_eq!(data.fault.unwrap().kind, FaultKind::Denied);
    }

    #[tokio::test]
    async fn a_metric_that_may_not_be_read_is_denied() {
        let answer = json!({ "MetricDataResults": [{ "Id": "m0", "Label": "x", "StatusCode": "Forbidden",
            "Timestamps": [], "Values": [] }] });
        let canned = Canned::new().with("monitoring", "GetMetricData", move |_| (200, cbor(&answer)));
        let data = ask(&canned, 1).await.unwrap();
        let fault = data.fault.unwrap();
        assert_eq!(
            (fault.kind, fault.action.as_deref()),
            (FaultKind::Denied, Some("cloudwatch:GetMetricData"))
        );
    }

    #[tokio::test]
    async fn nothing_at_all_is_the_fault_itself() {
        let body = cbor(&json!({ "__type": "AccessDenied", "message": "no" }));
        let canned = Canned::new().with("monitoring", "GetMetricData", move |_| (400, body.clone()));
        assert_eq!(ask(&canned, 1).await.unwrap_err().kind, FaultKind::Denied);
    }
}
