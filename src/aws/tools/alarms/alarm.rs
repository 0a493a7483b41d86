//! One alarm, metric or composite, in the console's words.

use crate::instant;
use aws_sdk_cloudwatch::types::{ComparisonOperator, CompositeAlarm, MetricAlarm, StateValue};
use quarterdeck_core::Timestamp;

/// What a row tells of an alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    pub name: String,
    pub state: String,
    /// `AWS/ApplicationELB HTTPCode_Target_5XX_Count (Sum)`; absent for composite alarms.
    pub metric: Option<String>,
    pub dimensions: Option<String>,
    /// `> 5 for 3 of 3 x 60 s`; a composite alarm's rule.
    pub threshold: Option<String>,
    pub since: Option<Timestamp>,
    pub reason: Option<String>,
    pub actions_enabled: Option<bool>,
    /// Made and needed by Application Auto Scaling: its low side is in ALARM whenever there is room to scale in.
    pub scales: bool,
}

impl Alarm {
    /// A metric alarm.
    pub fn metric(alarm: &MetricAlarm) -> Self {
        let name = alarm.alarm_name().unwrap_or_default().to_owned();
        Self {
            state: state(alarm.state_value()),
            metric: metric(alarm),
            dimensions: dimensions(alarm),
            threshold: threshold(alarm),
            since: instant::of(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp())),
            reason: text(alarm.state_reason()),
            actions_enabled: alarm.actions_enabled(),
            scales: name.starts_with("TargetTracking-"),
            name,
        }
    }

    /// A composite alarm.
    pub fn composite(alarm: &CompositeAlarm) -> Self {
        let suppressed =
            text(alarm.actions_suppressed_reason()).filter(|_| alarm.actions_suppressed_by().is_some());
        let reason = text(alarm.state_reason());
        Self {
            name: alarm.alarm_name().unwrap_or_default().to_owned(),
            state: state(alarm.state_value()),
            metric: None,
            dimensions: None,
            threshold: text(alarm.alarm_rule()),
            since: instant::of(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp())),
            reason: match (reason, suppressed) {
                (reason, None) => reason,
                (None, Some(why)) => Some(format!("actions suppressed: {why}")),
                (Some(reason), Some(why)) => Some(format!("{reason} (actions suppressed: {why})")),
            },
            actions_enabled: alarm.actions_enabled(),
            scales: false,
        }
    }

    /// 3 fires and acts, 2 fires silently, 1 cannot be judged, 0 fine.
    pub fn urgency(&self) -> u8 {
        match self.state.as_str() {
            "ALARM" if self.scales => 1,
            "ALARM" if self.actions_enabled == Some(false) => 2,
            "ALARM" => 3,
            "OK" => 0,
            _ => 1,
        }
    }
}

fn state(value: Option<&StateValue>) -> String {
    value.map_or("UNKNOWN", StateValue::as_str).to_owned()
}

fn text(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned)
}

/// The metric, or the expression that the alarm watches.
fn metric(alarm: &MetricAlarm) -> Option<String> {
    if let Some(name) = alarm.metric_name() {
        let statistic = alarm
            .extended_statistic()
            .or(alarm.statistic().map(aws_sdk_cloudwatch::types::Statistic::as_str));
        let statistic = statistic.map_or_else(String::new, |s| format!(" ({s})"));
        return Some(
            format!("{} {name}{statistic}", alarm.namespace().unwrap_or_default()).trim().to_owned(),
        );
    }
    let queries = alarm.metrics();
    let watched = queries.iter().find(|q| q.return_data() == Some(true) && q.metric_stat().is_none());
    let watched =
        watched.or_else(|| queries.iter().find(|q| q.return_data() != Some(false))).or(queries.first())?;
    let stats: Vec<String> = queries
        .iter()
        .filter_map(|q| {
            let stat = q.metric_stat()?;
            let metric = stat.metric()?;
            let (namespace, name) =
                (metric.namespace().unwrap_or_default(), metric.metric_name().unwrap_or_default());
            Some(format!("{} = {namespace} {name} ({})", q.id().unwrap_or("?"), stat.stat().unwrap_or("?")))
        })
        .collect();
    match watched.expression() {
        Some(expression) if stats.is_empty() => Some(expression.to_owned()),
        Some(expression) => Some(format!("{expression} where {}", stats.join(", "))),
        None => (!stats.is_empty()).then(|| stats.join(", ")),
    }
}

/// `LoadBalancer=app/web/1, TargetGroup=targetgroup/web/2`; of an expression, those of its metrics, each once.
fn dimensions(alarm: &MetricAlarm) -> Option<String> {
    let inner = alarm
        .metrics()
        .iter()
        .filter_map(|q| q.metric_stat()?.metric())
        .flat_map(aws_sdk_cloudwatch::types::Metric::dimensions);
    let mut pairs: Vec<String> = Vec::new();
    for dimension in alarm.dimensions().iter().chain(inner) {
        let pair =
            format!("{}={}", dimension.name().unwrap_or_default(), dimension.value().unwrap_or_default());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

fn threshold(alarm: &MetricAlarm) -> Option<String> {
    let operator = alarm.comparison_operator()?;
    let limit = match (alarm.threshold(), alarm.threshold_metric_id()) {
        (Some(limit), _) => format!("{} {limit}", symbol(operator)),
        (None, Some(id)) => {
            let band = alarm.metrics().iter().find(|q| q.id() == Some(id)).and_then(|q| q.expression());
            format!("{} {}", symbol(operator), band.unwrap_or(id))
        }
        (None, None) => symbol(operator).to_owned(),
    };
    let period = alarm.period().or_else(|| {
        alarm.metrics().iter().find_map(|q| {
            q.period().or_else(|| q.metric_stat().and_then(aws_sdk_cloudwatch::types::MetricStat::period))
        })
    });
    let Some(of) = alarm.evaluation_periods() else { return Some(limit) };
    let points = alarm.datapoints_to_alarm().unwrap_or(of);
    let each = period.map_or_else(String::new, |p| format!(" x {p} s"));
    Some(format!("{limit} for {points} of {of}{each}"))
}

fn symbol(operator: &ComparisonOperator) -> &str {
    match operator {
        ComparisonOperator::GreaterThanOrEqualToThreshold => ">=",
        ComparisonOperator::GreaterThanThreshold => ">",
        ComparisonOperator::LessThanThreshold => "<",
        ComparisonOperator::LessThanOrEqualToThreshold => "<=",
        ComparisonOperator::GreaterThanUpperThreshold => "above the band",
        ComparisonOperator::LessThanLowerThreshold => "below the band",
        ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold => "outside the band",
        other => other.as_str(),
    }
}
