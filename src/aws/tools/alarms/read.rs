//! Alarms and their recent changes of state, every page.

use crate::tool::CEILING;
use crate::tools::get_active_alarms::Args;
use crate::tools::reading::patience::Patience;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmType, CompositeAlarm, HistoryItemType, MetricAlarm, ScanBy, StateValue,
};
use aws_smithy_types::DateTime;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::Fault;
use std::time::Duration;

/// How far back changes of state are counted.
pub const LOOKED_BACK: Duration = Duration::from_secs(3 * 3600);
/// Pages of a hundred changes of state.
const HISTORY_PAGES: usize = 3;

/// The alarms of one region.
#[derive(Debug, Default)]
pub struct RegionAlarms {
    pub metric: Vec<MetricAlarm>,
    pub composite: Vec<CompositeAlarm>,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// Whether there is any alarm of the name at all; looked up only where none was found.
    pub any: Option<bool>,
    /// Changes of state within [`LOOKED_BACK`], newest first; not every one in a busy region.
    pub history: Vec<AlarmHistoryItem>,
    /// Why changes of state could not be read.
    pub no_history: Option<Fault>,
    /// What is missing and why.
    pub errors: Vec<(String, Fault)>,
}

impl RegionAlarms {
    fn len(&self) -> usize {
        self.metric.len() + self.composite.len()
    }
}

/// The alarms that `args` asks for, with those that have too little data.
pub async fn region(
    client: Client,
    args: &Args,
    now: Timestamp,
    patience: Patience,
) -> Result<RegionAlarms, Fault> {
    let name = args.name.as_deref().filter(|n| !n.is_empty());
    let asked = args.state.asked();
    let reads = asked.iter().map(|state| alarms(&client, name, state.clone(), patience));
    let mut region = RegionAlarms::default();
    for (state, (read, fault)) in asked.iter().zip(futures::future::join_all(reads).await) {
        let listed = state.as_ref().is_none_or(|s| args.state.lists(s.as_str()));
        match fault {
            // Without a single alarm of those asked for there is no answer here.
            Some(fault) if listed && read.len() == 0 => return Err(fault),
            Some(fault) => {
                let which = state.as_ref().map_or("every state", StateValue::as_str);
                region.errors.push((format!("alarms in {which}, after the first {}", read.len()), fault));
            }
            None => {}
        }
        region.more |= read.more;
        region.metric.extend(read.metric);
        region.composite.extend(read.composite);
    }
    if region.len() == 0 {
        region.any = any(&client, name).await;
    } else if region.metric.iter().any(|a| a.state_value() == Some(&StateValue::Alarm))
        || region.composite.iter().any(|a| a.state_value() == Some(&StateValue::Alarm))
    {
        match history(&client, now, patience).await {
            Ok(items) => region.history = items,
            Err(fault) => region.no_history = Some(fault),
        }
    }
    Ok(region)
}

/// Every page of one state, and the fault that ended it early. Source: CloudWatch DescribeAlarms.
async fn alarms(
    client: &Client,
    name: Option<&str>,
    state: Option<StateValue>,
    patience: Patience,
) -> (RegionAlarms, Option<Fault>) {
    let mut read = RegionAlarms::default();
    let mut token = None;
    loop {
        let asked = client
            .describe_alarms()
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .set_alarm_name_prefix(name.map(str::to_owned))
            .set_state_value(state.clone())
            .max_records(100)
            .set_next_token(token);
        let answer = match patience.page(asked.send()).await {
            Ok(answer) => answer,
            Err(e) => return (read, Some(e.fault())),
        };
        token = answer.next_token.filter(|t| !t.is_empty());
        read.metric.extend(answer.metric_alarms.unwrap_or_default());
        read.composite.extend(answer.composite_alarms.unwrap_or_default());
        if token.is_none() || read.len() >= CEILING {
            read.more = token.is_some();
            return (read, None);
        }
    }
}

/// Whether there is any alarm at all; `None` when that cannot be told.
async fn any(client: &Client, name: Option<&str>) -> Option<bool> {
    let answer = client
        .describe_alarms()
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .set_alarm_name_prefix(name.map(str::to_owned))
        .max_records(1)
        .send()
        .await
        .ok()?;
    Some(!answer.metric_alarms().is_empty() || !answer.composite_alarms().is_empty())
}

/// The newest changes of state in the region. Source: CloudWatch DescribeAlarmHistory.
async fn history(
    client: &Client,
    now: Timestamp,
    patience: Patience,
) -> Result<Vec<AlarmHistoryItem>, Fault> {
    let mut items = Vec::new();
    let mut token = None;
    for _ in 0..HISTORY_PAGES {
        let asked = client
            .describe_alarm_history()
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .start_date(DateTime::from_millis(now.minus(LOOKED_BACK).millis()))
            .end_date(DateTime::from_millis(now.millis()))
            .scan_by(ScanBy::TimestampDescending)
            .max_records(100)
            .set_next_token(token);
        let answer = patience.page(asked.send()).await.map_err(|e| e.fault())?;
        items.extend(answer.alarm_history_items.unwrap_or_default());
        token = answer.next_token.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(items)
}
