//! Periods: which exist that far back, which fit, and what a series looks like on them.

use crate::tools::reading::period::Period;
use quarterdeck_core::Timestamp;
use std::time::Duration;

const MINUTE: u32 = 60;
const DAY: u64 = 86_400;
/// Points CloudWatch returns in one answer.
const MOST: u64 = 100_800;
/// Points of a chart when the period is ours to choose.
const CHART: u64 = 1_440;
/// Periods to choose from.
const STEPS: [u32; 7] = [60, 300, 900, 3_600, 21_600, 43_200, 86_400];
/// How long CloudWatch keeps points of each period: under a minute 3 hours, and so on.
const KEPT: [(u32, u64); 4] = [(1, 3 * 3_600), (MINUTE, 15 * DAY), (300, 63 * DAY), (3_600, 455 * DAY)];

/// The oldest points there can be.
pub const OLDEST: Duration = Duration::from_secs(455 * DAY);

/// A point of a series in equal steps; `None` is a gap.
pub type Slot = (Timestamp, Option<f64>);

/// The period to ask for: the one given, or one that fits the chart, but never finer than CloudWatch still has at
/// `from`, nor so fine that it does not fit one answer.
pub fn fitted(given: Option<u32>, from: Timestamp, until: Timestamp, now: Timestamp) -> u32 {
    let span = until.since(from).as_secs().max(1);
    let age = now.since(from).as_secs();
    let finest = KEPT.iter().find(|(_, kept)| age <= *kept).map_or(3_600, |(period, _)| *period);
    let holds = |period: u32, most: u64| span.div_ceil(u64::from(period.max(1))) <= most;
    let roomy = |most: u64| STEPS.into_iter().find(|p| *p >= finest && holds(*p, most)).unwrap_or(86_400);
    match given {
        Some(given) => {
            let given = if given < finest { finest.max(MINUTE) } else { given };
            let given = given.next_multiple_of(if given < MINUTE { 1 } else { finest.max(MINUTE) });
            if holds(given, MOST) { given } else { roomy(MOST) }
        }
        None => roomy(CHART),
    }
}

/// `period` with its beginning where CloudWatch's periods begin.
pub fn aligned(period: Period, step: u32) -> Period {
    let step = i64::from(step) * 1_000;
    Period { from: Timestamp::from_millis(period.from.millis().div_euclid(step) * step), ..period }
}

/// The points on equal steps from the first to the last there could be, gaps as gaps. A metric that is published less
/// often than `step` is not full of gaps: its own rhythm is the step then.
pub fn slots(points: &[(Timestamp, f64)], period: Period, step: u32) -> (u32, Vec<Slot>) {
    let step = rhythm(points, step);
    let ms = i64::from(step) * 1_000;
    let Some((anchor, _)) = points.first() else { return (step, Vec::new()) };
    // Steps are counted from a point there is, back to the beginning of the period.
    let before = (anchor.millis() - period.from.millis()).max(0) / ms;
    let first = anchor.millis() - before * ms;
    let count = (period.until.millis() - first).max(0).div_euclid(ms)
        + i64::from((period.until.millis() - first).rem_euclid(ms) != 0);
    let count = usize::try_from(count).unwrap_or(0).min(usize::try_from(MOST).unwrap_or(usize::MAX));
    let at = |i: usize| Timestamp::from_millis(first + i64::try_from(i).unwrap_or(0) * ms);
    let mut slots: Vec<Slot> = (0..count).map(|i| (at(i), None)).collect();
    for (time, value) in points.iter().filter(|(_, value)| value.is_finite()) {
        let index = usize::try_from((time.millis() - first).div_euclid(ms)).unwrap_or(usize::MAX);
        if let Some(slot) = slots.get_mut(index) {
            slot.1 = Some(*value);
        }
    }
    (step, slots)
}

/// Seconds between points: `step`, unless hardly any two are that close.
fn rhythm(points: &[(Timestamp, f64)], step: u32) -> u32 {
    let mut apart: Vec<u64> =
        points.windows(2).filter_map(|w| Some(w.last()?.0.since(w.first()?.0).as_secs())).collect();
    apart.sort_unstable();
    // Nine in ten are at least that far apart, and it is a round span: then that is how it is published.
    let usual = apart.get(apart.len() / 10).copied().unwrap_or(0);
    match u32::try_from(usual) {
        Ok(usual) if apart.len() >= 3 && usual > step && usual % step == 0 && usual <= 300.max(step) => usual,
        _ => step,
    }
}

/// How several values of one statistic are one.
pub fn joined(statistic: &str, values: &[f64]) -> Option<f64> {
    let first = values.first()?;
    Some(match statistic {
        "Sum" | "SampleCount" => values.iter().sum(),
        "Minimum" => values.iter().copied().fold(*first, f64::min),
        "Average" => values.iter().sum::<f64>() / values.len() as f64,
        // Percentiles cannot be averaged; the worst is told.
        _ => values.iter().copied().fold(*first, f64::max),
    })
}

/// The slots in at most `most` groups of equal length, each joined.
pub fn thinned(slots: &[Slot], most: usize, statistic: &str) -> Vec<Slot> {
    let per = slots.len().div_ceil(most.max(1)).max(1);
    slots
        .chunks(per)
        .filter_map(|group| {
            let values: Vec<f64> = group.iter().filter_map(|(_, v)| *v).collect();
            Some((group.first()?.0, joined(statistic, &values)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    const H: u64 = 3_600;

    #[test]
    fn periods_exist_as_far_back_as_cloudwatch_keeps_them() {
        let ago = |hours: u64| NOW.minus(Duration::from_secs(hours * H));
        for (given, from, until, fitted_to) in [
            (None, 1, 0, 60),
            (None, 24, 0, 60),
            (None, 25, 0, 300),
            (None, 14 * 24, 0, 900),
            // An hour of 20 days ago exists in five minutes, of 100 days ago in hours.
            (None, 20 * 24, 20 * 24 - 1, 300),
            (None, 100 * 24, 100 * 24 - 1, 3_600),
            (None, 455 * 24, 0, 43_200),
            (Some(60), 15 * 24, 0, 60),
            (Some(60), 15 * 24 + 1, 0, 300),
            (Some(60), 63 * 24 + 1, 0, 3_600),
            (Some(300), 1, 0, 300),
            (Some(420), 30 * 24, 0, 600),
            (Some(10), 2, 0, 10),
            (Some(10), 4, 0, 60),
            (Some(86_400), 24, 0, 86_400),
            // A second for three hours are 10,800 points: they fit.
            (Some(1), 3, 0, 1),
        ] {
            assert_eq!(
                fitted(given, ago(from), ago(until), NOW),
                fitted_to,
                "{given:?} {from} h to {until} h"
            );
        }
        let count = |step: u32| 455 * DAY / u64::from(step);
        assert!(count(fitted(None, ago(455 * 24), NOW, NOW)) <= CHART);
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    #[test]
    fn gaps_are_gaps() {
        let period = Period { from: at(0), until: at(6) };
        let points = [(at(1), 1.0), (at(2), 2.0), (at(4), 4.0)];
        let (step, slots) = slots(&points, period, 60);
        assert_eq!(step, 60);
        let values: Vec<Option<f64>> = slots.iter().map(|(_, v)| *v).collect();
        assert_eq!(values, [None, Some(1.0), Some(2.0), None, Some(4.0), None]);
        assert_eq!(slots[3].0, at(3));
        assert_eq!(super::slots(&[], period, 60).1, []);
    }

    #[test]
    fn what_is_published_every_five_minutes_has_no_gaps_at_one() {
        let period = Period { from: at(0), until: at(30) };
        let points: Vec<_> = (0..6).map(|n| (at(n * 5 + 1), 1.0)).collect();
        let (step, slots) = slots(&points, period, 60);
        assert_eq!((step, slots.len()), (300, 6));
        assert!(slots.iter().all(|(_, v)| v.is_some()));
        // Errors that come now and then are not a rhythm.
        let rare = [(at(1), 1.0), (at(17), 1.0), (at(28), 1.0), (at(29), 1.0)];
        assert_eq!(super::slots(&rare, period, 60).0, 60);
    }

    #[test]
    fn thinning_joins_by_what_the_statistic_means() {
        let slots: Vec<Slot> = [Some(1.0), Some(3.0), None, Some(5.0), None, None]
            .into_iter()
            .enumerate()
            .map(|(i, v)| (at(i64::try_from(i).unwrap()), v))
            .collect();
        for (statistic, want) in [
            ("Average", [Some(2.0), Some(5.0), None]),
            ("Sum", [Some(4.0), Some(5.0), None]),
            ("Minimum", [Some(1.0), Some(5.0), None]),
            ("Maximum", [Some(3.0), Some(5.0), None]),
            ("p99", [Some(3.0), Some(5.0), None]),
        ] {
            let thin: Vec<Option<f64>> = thinned(&slots, 3, statistic).into_iter().map(|(_, v)| v).collect();
            assert_eq!(thin, want, "{statistic}");
        }
        assert_eq!(thinned(&slots, 60, "Sum").len(), 6);
        assert_eq!(thinned(&slots, 4, "Sum").len(), 3);
    }
}
