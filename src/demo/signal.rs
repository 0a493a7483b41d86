//! Metrics and alarms over time.

use crate::account::{Alarm, Metric};
use crate::condition::Course;
use crate::seed;
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// An alarm's change of state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transition {
    pub at: Timestamp,
    pub state: String,
}

/// A metric whose value can be asked for at any time.
pub(crate) struct Series<'a> {
    metric: &'a Metric,
    fleet: Option<crate::fleet::Fleet<'a>>,
    course: Course<'a>,
}

impl<'a> Series<'a> {
    /// The series of `metric`.
    pub(crate) fn of(world: &World<'a>, metric: &'a Metric) -> Self {
        let fleet = metric.follows.as_deref().and_then(|key| world.fleet_of(key));
        Self { metric, fleet, course: world.course(&metric.during) }
    }

    /// Its value at `t`; for counts: per minute.
    pub(crate) fn value(&self, t: Timestamp) -> f64 {
        let m = self.metric;
        let name = format!("{} {:?}", m.name, m.dimensions);
        let minute = u64::try_from(t.millis().div_euclid(60_000)).unwrap_or(0);
        let noise = (seed::fraction(&name, minute) - 0.5) * 2.0;
        let day = (t.millis().rem_euclid(86_400_000) as f64 / 86_400_000.0 * std::f64::consts::TAU).sin();
        let lost = self.fleet.as_ref().map_or(0.0, |f| 1.0 - f.capacity_at(t));
        let level = m.base
            + (m.down.unwrap_or(m.base) - m.base) * lost
            + m.then.map_or(0.0, |then| (then - m.base) * self.course.level(t));
        let stray = m.wobble * (0.6 * noise + 0.4 * day) * (level / m.base.max(0.001)).clamp(0.2, 3.0);
        (level + stray).max(0.0).min(m.limit.unwrap_or(f64::INFINITY))
    }

    /// The statistic over the period that begins at `from`. `None`: CloudWatch has no such statistic.
    pub(crate) fn statistic(&self, from: Timestamp, period: u32, statistic: &str) -> Option<f64> {
        let samples: Vec<f64> =
            (0..4).map(|i| self.value(from.plus(Duration::from_secs(u64::from(period)) * i / 4))).collect();
        let minutes = f64::from(period) / 60.0;
        let average = samples.iter().sum::<f64>() / 4.0;
        let rounded = |v: f64| (v * 1000.0).round() / 1000.0;
        let value = match statistic {
            "Average" => average,
            "Sum" => (average * minutes).round(),
            "Minimum" => samples.iter().copied().fold(f64::INFINITY, f64::min),
            "Maximum" => samples.iter().copied().fold(0.0, f64::max),
            "SampleCount" => minutes * 60.0,
            other => {
                let p: f64 = other.strip_prefix('p')?.parse().ok()?;
                average * (0.6 + p / 100.0 * 1.4)
            }
        };
        Some(rounded(value))
    }
}

/// The metric an alarm watches.
pub(crate) fn metric_of<'a>(world: &World<'a>, alarm: &Alarm) -> Option<&'a Metric> {
    world.account.holds.metric.iter().find(|m| {
        m.region == alarm.region
            && m.namespace == alarm.namespace
            && m.name == alarm.metric
            && m.dimensions == alarm.dimensions
    })
}

/// The alarm's states, oldest first; the first is the one it had before the story.
pub(crate) fn transitions(world: &World<'_>, alarm: &Alarm) -> Vec<Transition> {
    let born = Transition { at: world.start.minus(alarm.since.0), state: alarm.state.clone() };
    if let Some(rule) = &alarm.rule {
        return composite(world, rule, born);
    }
    if let Some(metric) = metric_of(world, alarm).filter(|m| !m.during.is_always()) {
        return watch(world, alarm, metric, born);
    }
    let Some(follows) = &alarm.follows else { return vec![born] };
    let Some(fleet) = world.fleet_of(&follows.service) else { return vec![born] };
    let mut changes = fleet.changes();
    changes.push(world.now);
    let mut all = vec![born];
    let mut run: Option<(bool, Timestamp)> = None;
    for pair in changes.windows(2) {
        let [from, until] = pair else { continue };
        let bad = fleet.capacity_at(*from) < follows.below;
        let since = match run {
            Some((was, since)) if was == bad => since,
            Some(_) | None => *from,
        };
        run = Some((bad, since));
        let (state, after) =
            if bad { ("ALARM", follows.fires_after.0) } else { ("OK", follows.clears_after.0) };
        let at = since.plus(after);
        let differs = all.last().is_some_and(|last| last.state != state);
        if differs && at <= *until && all.last().is_some_and(|last| last.at < at) {
            all.push(Transition { at, state: state.to_owned() });
        }
    }
    all
}

/// The states of an alarm that looks at its metric at the end of every period, since conditions began to move it.
fn watch(world: &World<'_>, alarm: &Alarm, metric: &Metric, born: Transition) -> Vec<Transition> {
    let series = Series::of(world, metric);
    let mut all = vec![born];
    let Some(began) = series.course.began() else { return all };
    let step = i64::from(alarm.period.max(1)) * 1000;
    let (mut bad, mut good) = (0, 0);
    for slot in began.millis().div_euclid(step)..world.now.millis().div_euclid(step) {
        let from = Timestamp::from_millis(slot * step);
        let Some(value) = series.statistic(from, alarm.period, &alarm.statistic) else { break };
        (bad, good) = if alarm.breached_by(value) { (bad + 1, 0) } else { (0, good + 1) };
        let state = if bad >= alarm.evaluation { "ALARM" } else { "OK" };
        let settled = bad >= alarm.evaluation || good >= alarm.evaluation;
        let at = Timestamp::from_millis((slot + 1) * step);
        if settled && all.last().is_some_and(|last| last.state != state && last.at < at) {
            all.push(Transition { at, state: state.to_owned() });
        }
    }
    all
}

/// In ALARM while its rule is true: `ALARM(a)` joined by AND and OR, AND binding closer.
fn composite(world: &World<'_>, rule: &str, born: Transition) -> Vec<Transition> {
    let children: Vec<(String, Vec<Transition>)> = world
        .account
        .holds
        .alarm
        .iter()
        .filter(|a| a.region == world.region && a.rule.is_none())
        .map(|a| (format!("ALARM({})", a.name), a))
        .filter(|(term, _)| rule.contains(term))
        .map(|(term, a)| (term, transitions(world, a)))
        .collect();
    let alarmed = |term: &str, at: Timestamp| {
        let states = children.iter().find(|(t, _)| t == term.trim()).map(|(_, c)| c);
        states.and_then(|c| c.iter().rev().find(|t| t.at <= at)).is_some_and(|t| t.state == "ALARM")
    };
    let holds = |at| rule.split(" OR ").any(|all| all.split(" AND ").all(|term| alarmed(term, at)));
    let mut times: Vec<Timestamp> =
        children.iter().flat_map(|(_, c)| c).map(|t| t.at).filter(|t| *t > born.at).collect();
    times.sort_unstable();
    let mut all = vec![born];
    for at in times {
        let state = if holds(at) { "ALARM" } else { "OK" };
        if all.last().is_some_and(|last| last.state != state) {
            all.push(Transition { at, state: state.to_owned() });
        }
    }
    all
}
