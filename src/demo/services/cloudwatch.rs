//! CloudWatch.

use super::{Reply, Service, unknown};
use crate::account::{Alarm, Metric};
use crate::incoming;
use crate::page::{page, parse, token_for};
use crate::signal::{Series, Transition, metric_of, transitions};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Metrics one GetMetricData may ask for.
const QUERIES: usize = 500;
/// CloudWatch's ceiling for one GetMetricData answer.
const DATAPOINTS: usize = 100_800;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeAlarms" => alarms(world, input),
        "DescribeAlarmHistory" => history(world, input),
        "GetMetricData" => data(world, input),
        "ListMetrics" => metrics(world, input),
        other => Err(unknown(Service::CloudWatch, other)),
    }
}

fn here<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Alarm> {
    let region = world.region;
    world.account.holds.alarm.iter().filter(move |a| a.region == region)
}

fn alarms(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (names, prefix, state) =
        (input.texts("AlarmNames"), input.text("AlarmNamePrefix"), input.text("StateValue"));
    if !names.is_empty() && prefix.is_some() {
        return Err(Failure::new(
            "ValidationError",
            "AlarmNamePrefix and AlarmNames cannot be used together.",
        ));
    }
    let kinds = input.texts("AlarmTypes");
    // Without AlarmTypes only metric alarms are returned, which surprises everybody once.
    let composite = kinds.contains(&"CompositeAlarm");
    let metric = kinds.is_empty() || kinds.contains(&"MetricAlarm");
    let mut found: Vec<(&Alarm, Vec<Transition>)> = here(world)
        .filter(|a| if a.rule.is_some() { composite } else { metric })
        .filter(|a| names.is_empty() || names.contains(&a.name.as_str()))
        .filter(|a| prefix.is_none_or(|p| a.name.starts_with(p)))
        .map(|a| (a, transitions(world, a)))
        .filter(|(_, t)| state.is_none_or(|s| t.last().is_some_and(|t| t.state == s)))
        .collect();
    found.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let size = usize::try_from(input.int("MaxRecords").unwrap_or(50)).unwrap_or(50).clamp(1, 100);
    let page = page(found, input.text("NextToken"), size, "InvalidNextToken")?;
    let (composite, metric): (Vec<_>, Vec<_>) = page.items.iter().partition(|(a, _)| a.rule.is_some());
    Ok(node! {
        "CompositeAlarms" => composite.iter().map(|(a, t)| alarm(world, a, t)).collect::<Vec<_>>(),
        "MetricAlarms" => metric.iter().map(|(a, t)| alarm(world, a, t)).collect::<Vec<_>>(),
        "NextToken" => page.next,
    }
    .into())
}

fn alarm(world: &World<'_>, alarm: &Alarm, transitions: &[Transition]) -> Node {
    let (state, since) = transitions.last().map_or(("OK", world.start), |t| (t.state.as_str(), t.at));
    let plain = alarm.rule.is_none();
    node! {
        "AlarmName" => &alarm.name,
        "AlarmArn" => world.arn("cloudwatch", &format!("alarm:{}", alarm.name)),
        "AlarmDescription" => &alarm.description,
        "AlarmConfigurationUpdatedTimestamp" => world.start.minus(Duration::from_secs(200 * 86_400)),
        "ActionsEnabled" => alarm.actions_enabled,
        "OKActions" => Node::List(Vec::new()),
        "AlarmActions" => vec![world.arn("sns", "oncall-pager")],
        "InsufficientDataActions" => Node::List(Vec::new()),
        "StateValue" => state,
        "StateReason" => reason(world, alarm, state, since),
        "StateUpdatedTimestamp" => since,
        "StateTransitionedTimestamp" => since,
        "AlarmRule" => alarm.rule.as_ref(),
        "MetricName" => plain.then_some(&alarm.metric),
        "Namespace" => plain.then_some(&alarm.namespace),
        "Statistic" => (plain && !alarm.statistic.starts_with('p')).then_some(&alarm.statistic),
        "ExtendedStatistic" => (plain && alarm.statistic.starts_with('p')).then_some(&alarm.statistic),
        "Dimensions" => plain.then(|| dimensions(&alarm.dimensions)),
        "Period" => plain.then_some(alarm.period),
        "EvaluationPeriods" => plain.then_some(alarm.evaluation),
        "DatapointsToAlarm" => plain.then_some(alarm.evaluation),
        "Threshold" => plain.then_some(alarm.threshold),
        "ComparisonOperator" => plain.then_some(&alarm.comparison),
        "TreatMissingData" => plain.then_some("missing"),
    }
}

fn reason(world: &World<'_>, alarm: &Alarm, state: &str, since: Timestamp) -> String {
    if let Some(rule) = &alarm.rule {
        return format!("{rule} transitioned to {state} at {}", since.rfc3339());
    }
    if state == "INSUFFICIENT_DATA" {
        return "Insufficient Data: 1 datapoint was unknown.".to_owned();
    }
    let value = metric_of(world, alarm)
        .and_then(|m| {
            Series::of(world, m).statistic(
                since.minus(Duration::from_secs(5)),
                alarm.period,
                &alarm.statistic,
            )
        })
        .unwrap_or(alarm.threshold);
    let comparison = match alarm.comparison.as_str() {
        "LessThanThreshold" => "less than",
        "LessThanOrEqualToThreshold" => "less than or equal to",
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        _ => "greater than",
    };
    let (n, threshold) = (alarm.evaluation, alarm.threshold);
    let (not, arrow) = if state == "ALARM" { ("", "OK -> ALARM") } else { ("not ", "ALARM -> OK") };
    format!(
        "Threshold Crossed: {n} out of the last {n} datapoints [{value} ({})] was {not}{comparison} the threshold ({threshold:?}) (minimum {n} datapoint for {arrow} transition).",
        since.minus(Duration::from_secs(u64::from(alarm.period))).rfc3339()
    )
}

fn dimensions(of: &BTreeMap<String, String>) -> Node {
    Node::list(of.iter().map(|(name, value)| node! { "Name" => name, "Value" => value }))
}

fn history(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let name = input.text("AlarmName");
    let kinds = input.texts("AlarmTypes");
    let item = input.text("HistoryItemType");
    let from = input.time("StartDate").unwrap_or(Timestamp::from_millis(0));
    let until = input.time("EndDate").unwrap_or(world.now);
    let mut found = Vec::new();
    for alarm in here(world).filter(|_| item.is_none_or(|i| i == "StateUpdate")) {
        let kind = if alarm.rule.is_some() { "CompositeAlarm" } else { "MetricAlarm" };
        if name.is_some_and(|n| n != alarm.name)
            || !(kinds.is_empty() && alarm.rule.is_none() || kinds.contains(&kind))
        {
            continue;
        }
        let all = transitions(world, alarm);
        for pair in all.windows(2) {
            let [old, new] = pair else { continue };
            found.push((new.at, alarm, kind, old.state.clone(), new.state.clone()));
        }
        if let [only] = all.as_slice()
            && only.state != "OK"
        {
            found.push((only.at, alarm, kind, "OK".to_owned(), only.state.clone()));
        }
    }
    found.retain(|(at, ..)| from <= *at && *at <= until);
    let ascending = input.text("ScanBy") == Some("TimestampAscending");
    found.sort_by(|a, b| {
        let by_time = if ascending { a.0.cmp(&b.0) } else { b.0.cmp(&a.0) };
        by_time.then_with(|| a.1.name.cmp(&b.1.name))
    });
    let size = usize::try_from(input.int("MaxRecords").unwrap_or(50)).unwrap_or(50).clamp(1, 100);
    let page = page(found, input.text("NextToken"), size, "InvalidNextToken")?;
    let items = page.items.iter().map(|(at, alarm, kind, old, new)| {
        let state = |value: &str| serde_json::json!({ "stateValue": value, "stateReason": reason(world, alarm, value, *at) });
        node! {
            "AlarmName" => &alarm.name,
            "AlarmType" => *kind,
            "Timestamp" => *at,
            "HistoryItemType" => "StateUpdate",
            "HistorySummary" => format!("Alarm updated from {old} to {new}"),
            "HistoryData" => serde_json::json!({ "version": "1.0", "oldState": state(old), "newState": state(new) }).to_string(),
        }
    });
    Ok(node! { "AlarmHistoryItems" => Node::list(items), "NextToken" => page.next }.into())
}

fn find<'a>(world: &World<'a>, metric: &Input) -> Option<&'a Metric> {
    let wanted: BTreeMap<String, String> = metric
        .list("Dimensions")
        .iter()
        .filter_map(|d| Some((d.text("Name")?.to_owned(), d.text("Value")?.to_owned())))
        .collect();
    world.account.holds.metric.iter().find(|m| {
        m.region == world.region
            && Some(m.namespace.as_str()) == metric.text("Namespace")
            && Some(m.name.as_str()) == metric.text("MetricName")
            && m.dimensions == wanted
    })
}

fn data(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let bad = |message: &str| Failure::new("ValidationError", message);
    let (Some(start), Some(end)) = (input.time("StartTime"), input.time("EndTime")) else {
        return Err(bad("The parameters StartTime and EndTime are required."));
    };
    if start >= end {
        return Err(bad("The parameter StartTime must be less than the parameter EndTime."));
    }
    let ascending = input.text("ScanBy") == Some("TimestampAscending");
    let queries = input.list("MetricDataQueries");
    if queries.is_empty() || queries.len() > QUERIES {
        return Err(bad("The parameter MetricDataQueries must have between 1 and 500 members."));
    }
    let mut series = Vec::new();
    for query in queries {
        let id = query.need("Id", "ValidationError")?.to_owned();
        if query.has("Expression") {
            return Err(bad("The embedded account does not evaluate metric math expressions."));
        }
        let stat = query.inner("MetricStat");
        let metric = stat.inner("Metric");
        let period = u32::try_from(stat.int("Period").unwrap_or(60)).unwrap_or(0);
        if period == 0 || (period >= 60 && period % 60 != 0) {
            return Err(bad("The parameter Period must be a multiple of 60."));
        }
        let statistic = stat.need("Stat", "ValidationError")?;
        let mut points = points(world, &metric, (start, end.min(world.now)), period, statistic)?;
        if !ascending {
            points.reverse();
        }
        if query.has("ReturnData") && !query.flag("ReturnData") {
            continue;
        }
        let label = query.text("Label").or_else(|| metric.text("MetricName")).unwrap_or_default();
        series.push((id, label.to_owned(), points));
    }
    let most = input.int("MaxDatapoints").and_then(|n| usize::try_from(n).ok()).unwrap_or(DATAPOINTS);
    let from = match input.text("NextToken") {
        Some(token) => {
            parse(token).ok_or_else(|| Failure::new("InvalidNextToken", "The token is not valid."))?
        }
        None => 0,
    };
    Ok(window(&series, from, most.clamp(1, DATAPOINTS)).into())
}

/// An id, a label and points.
type Labelled = (String, String, Vec<(Timestamp, f64)>);

/// A metric's points, oldest first.
fn points(
    world: &World<'_>,
    metric: &Input,
    (start, end): (Timestamp, Timestamp),
    period: u32,
    statistic: &str,
) -> Result<Vec<(Timestamp, f64)>, Failure> {
    if let Some(of_logs) = incoming::points(world, metric, (start, end), period, statistic) {
        return Ok(of_logs);
    }
    let Some(found) = find(world, metric) else { return Ok(Vec::new()) };
    let series = Series::of(world, found);
    let value = |from: Timestamp| {
        let value = series.statistic(from, period, statistic).ok_or_else(|| {
            let message = format!("The value {statistic} for parameter Stat is not supported.");
            Failure::new("ValidationError", message)
        })?;
        Ok((from, value))
    };
    buckets(start, end, period).map(value).collect()
}

/// The points from number `from` on, at most `most`; a series that goes on in the next answer is partial.
fn window(series: &[Labelled], from: usize, most: usize) -> Node {
    let (mut skip, mut room, mut results, mut left) = (from, most, Vec::new(), false);
    for (id, label, points) in series {
        if skip > 0 && skip >= points.len() {
            skip -= points.len();
            continue;
        }
        if room == 0 && !points.is_empty() {
            left = true;
            break;
        }
        let part: Vec<_> = points.iter().skip(skip).take(room).collect();
        let whole = skip + part.len() == points.len();
        (room, skip) = (room - part.len(), 0);
        results.push(node! {
            "Id" => id,
            "Label" => label,
            "Timestamps" => Node::list(part.iter().map(|(t, _)| *t)),
            "Values" => Node::list(part.iter().map(|(_, v)| *v)),
            "StatusCode" => if whole { "Complete" } else { "PartialData" },
        });
        if !whole {
            left = true;
            break;
        }
    }
    let next = left.then(|| token_for(from + most));
    node! { "MetricDataResults" => results, "Messages" => Node::List(Vec::new()), "NextToken" => next }
}

/// The beginnings of the periods that lie in a window, aligned as CloudWatch aligns them.
fn buckets(start: Timestamp, end: Timestamp, period: u32) -> impl Iterator<Item = Timestamp> {
    let step = i64::from(period) * 1000;
    let first = start.millis().div_euclid(step) * step;
    (0..).map(move |i| first + i * step).take_while(move |t| *t < end.millis()).map(Timestamp::from_millis)
}

fn metrics(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let wanted = input.list("Dimensions");
    let has = |dimensions: &BTreeMap<String, String>| {
        wanted.iter().all(|d| {
            let value = d.text("Name").and_then(|n| dimensions.get(n));
            value.is_some_and(|v| d.text("Value").is_none_or(|w| w == v))
        })
    };
    let own = world.account.holds.metric.iter().filter(|m| m.region == world.region);
    let own = own.map(|m| (m.namespace.clone(), m.name.clone(), m.dimensions.clone()));
    let found: Vec<(String, String, BTreeMap<String, String>)> = own
        .chain(incoming::metrics(world))
        .filter(|(namespace, name, dimensions)| {
            input.text("Namespace").is_none_or(|n| n == namespace)
                && input.text("MetricName").is_none_or(|n| n == name)
                && has(dimensions)
        })
        .collect();
    let page = page(found, input.text("NextToken"), 500, "InvalidParameterValue")?;
    let metrics = page.items.iter().map(|(namespace, name, of)| {
        node! { "Namespace" => namespace, "MetricName" => name, "Dimensions" => dimensions(of) }
    });
    Ok(node! { "Metrics" => Node::list(metrics), "NextToken" => page.next }.into())
}
