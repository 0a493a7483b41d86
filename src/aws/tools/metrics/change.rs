//! Where a series changed its level.
//!
//! Every way to cut the series in two is tried; the one that leaves the values nearest to the medians of their two sides
//! wins. It is told when the medians differ by more than three times the usual stray around them (the median absolute
//! deviation) and by more than a tenth. Medians and absolute distances, so that a single outlier decides nothing; at most
//! one change is told, the largest.

use super::grid::{Slot, thinned};
use quarterdeck_core::Timestamp;

/// Values on each side of a change, at least.
const SIDE: usize = 4;
/// Values looked at; longer series are thinned first.
const LOOKED_AT: usize = 240;
/// A change is so many times the usual stray.
const CLEAR: f64 = 3.0;
/// And so large a part of the higher level.
const LARGE: f64 = 0.1;
/// From a median absolute deviation to a standard deviation of noise.
const TO_SIGMA: f64 = 1.4826;

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The first point of the new level.
    pub at: Timestamp,
    /// The usual value before.
    pub before: f64,
    /// The usual value since.
    pub after: f64,
}

/// The largest clear change of level. Gaps count as nothing.
pub fn found(slots: &[Slot], statistic: &str) -> Option<Change> {
    let thin = thinned(slots, LOOKED_AT, statistic);
    let points: Vec<(Timestamp, f64)> = thin.into_iter().filter_map(|(at, v)| Some((at, v?))).collect();
    let values: Vec<f64> = points.iter().map(|(_, v)| *v).collect();
    let cuts = SIDE..(values.len() + 1).saturating_sub(SIDE);
    let costs = cuts.filter_map(|cut| {
        let (left, right) = values.split_at_checked(cut)?;
        Some((cut, strays(left).iter().sum::<f64>() + strays(right).iter().sum::<f64>()))
    });
    let (cut, _) = costs.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (left, right) = values.split_at_checked(cut)?;
    let (before, after) = (median(left)?, median(right)?);
    let mut stray = strays(left);
    stray.extend(strays(right));
    let noise = median(&stray)? * TO_SIGMA;
    let shift = (after - before).abs();
    let clear = shift > CLEAR * noise && shift > LARGE * before.abs().max(after.abs());
    clear.then(|| points.get(cut).map(|(at, _)| Change { at: *at, before, after })).flatten()
}

/// How far each value is from their median.
fn strays(values: &[f64]) -> Vec<f64> {
    let middle = median(values).unwrap_or(0.0);
    values.iter().map(|v| (v - middle).abs()).collect()
}

/// The middle value.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(values: impl IntoIterator<Item = f64>) -> Vec<Slot> {
        let at = |i: usize| Timestamp::from_millis(i64::try_from(i).unwrap() * 60_000);
        values.into_iter().enumerate().map(|(i, v)| (at(i), v.is_finite().then_some(v))).collect()
    }

    /// Noise from -1 to 1 that is the same every time.
    fn noise(i: usize) -> f64 {
        let mut h = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 31;
        h = h.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (h >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn at(change: Option<Change>) -> Option<i64> {
        change.map(|c| c.at.millis() / 60_000)
    }

    #[test]
    fn steps_are_found_where_they_are() {
        let step = |i: usize, at: usize, low: f64, high: f64| if i < at { low } else { high };
        let connections = slots((0..60).map(|i| step(i, 31, 120.0, 497.0) + 8.0 * noise(i)));
        let change = found(&connections, "Average").unwrap();
        assert_eq!(at(Some(change)), Some(31));
        assert!((change.before - 120.0).abs() < 8.0 && (change.after - 497.0).abs() < 8.0, "{change:?}");
        let drop = slots((0..60).map(|i| step(i, 50, 10.0, 0.0)));
        assert_eq!(at(found(&drop, "Average")), Some(50));
        let from_nothing = slots((0..30).map(|i| step(i, 25, 0.0, 3.0)));
        assert_eq!(at(found(&from_nothing, "Sum")), Some(25));
        // Gaps are left out, not read as nothing.
        let gaps = slots((0..60).map(|i| if i % 7 == 3 { f64::NAN } else { step(i, 40, 5.0, 9.0) }));
        assert_eq!(at(found(&gaps, "Average")), Some(40));
    }

    #[test]
    fn noise_outliers_and_slopes_are_no_change() {
        for (what, values) in [
            ("noise", (0..60).map(|i| 100.0 + 30.0 * noise(i)).collect::<Vec<_>>()),
            (
                "two outliers",
                (0..60).map(|i| if i == 20 || i == 41 { 900.0 } else { 10.0 + noise(i) }).collect(),
            ),
            ("a slope", (0..60).map(|i| i as f64).collect()),
            ("a little more", (0..60).map(|i| if i < 30 { 100.0 } else { 104.0 }).collect()),
            ("nothing", vec![0.0; 60]),
            ("too short", vec![1.0, 1.0, 1.0, 9.0, 9.0, 9.0]),
            ("empty", Vec::new()),
        ] {
            assert_eq!(found(&slots(values), "Average"), None, "{what}");
        }
    }

    #[test]
    fn long_series_are_looked_at_thinned() {
        let long = slots((0..20_000).map(|i| if i < 15_000 { 1.0 } else { 5.0 }));
        let found = at(found(&long, "Average")).unwrap();
        assert!((14_900..=15_100).contains(&found), "{found}");
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
