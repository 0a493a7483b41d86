//! A series as a row of bars with its range.
//!
//! ```text
//! errors/min  0 … 412, last 388
//! ▁▁▁▂▂▃▇█▇▇   11:40 to 12:00
//! ```

use super::line::clip;
use crate::fronts::screen::theme::Theme;
use crate::fronts::screen::view::format::number;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::Series;
use ratatui::text::{Line, Span};
use std::time::Duration;

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// From here on a time of day is not enough.
const DAY: Duration = Duration::from_secs(86_400);
const ASCII: [&str; 8] = ["_", ".", ":", "-", "=", "+", "*", "#"];

/// The series in two lines of at most `columns`, by time: more points than columns are joined, the highest shows; where
/// there are none it stays empty.
#[must_use]
pub fn lines(series: &Series, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let points: Vec<(Timestamp, f64)> =
        series.points.iter().copied().filter(|(_, v)| v.is_finite()).collect();
    let (Some((first, _)), Some((end, last))) = (points.first().copied(), points.last().copied()) else {
        return vec![Line::from(vec![
            Span::styled(clip(&series.name, columns), theme.heading),
            Span::styled("  no data", theme.dim),
        ])];
    };
    let values = || points.iter().map(|(_, v)| *v);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let range = format!("  {} to {}, last {}", number(low), number(high), number(last));
    let name = clip(&series.name, columns.saturating_sub(range.len()).max(8));
    let when = format!("  {} to {} UTC", moment(first, first, end), moment(end, first, end));
    let bars = bars(&points, (low.min(0.0), high), columns.saturating_sub(when.len()).max(8), theme);
    vec![
        Line::from(vec![Span::styled(name, theme.heading), Span::styled(range, theme.dim)]),
        Line::from(vec![Span::styled(bars, theme.busy), Span::styled(when, theme.dim)]),
    ]
}

/// `11:40`; with the day where one is not enough.
fn moment(at: Timestamp, first: Timestamp, end: Timestamp) -> String {
    let text = at.rfc3339();
    let clock = text.get(11..16).unwrap_or_default();
    if end.since(first) < DAY {
        clock.to_owned()
    } else {
        format!("{} {clock}", text.get(5..10).unwrap_or_default())
    }
}

fn bars(points: &[(Timestamp, f64)], (low, high): (f64, f64), columns: usize, theme: &Theme) -> String {
    let steps = steps(points);
    let count = steps.last().map_or(1, |last| last.saturating_add(1));
    let per = count.div_ceil(columns.max(1)).max(1);
    let mut tops: Vec<Option<f64>> = vec![None; count.div_ceil(per)];
    for (step, (_, value)) in steps.iter().zip(points) {
        if let Some(top) = tops.get_mut(step / per) {
            *top = Some(top.map_or(*value, |top| top.max(*value)));
        }
    }
    let range = if high > low { high - low } else { 1.0 };
    let glyphs = if theme.ascii { ASCII } else { BARS };
    tops.iter()
        .map(|top| {
            let level = top.map(|top| ((top - low) / range * 7.0).round().clamp(0.0, 7.0) as usize);
            level.and_then(|level| glyphs.get(level)).copied().unwrap_or(" ")
        })
        .collect()
}

/// How many steps each point is after the first; a step is how far apart points usually are.
fn steps(points: &[(Timestamp, f64)]) -> Vec<usize> {
    let first = points.first().map_or(0, |(at, _)| at.millis());
    let mut apart: Vec<i64> = points
        .windows(2)
        .filter_map(|pair| Some(pair.last()?.0.millis() - pair.first()?.0.millis()))
        .filter(|ms| *ms > 0)
        .collect();
    apart.sort_unstable();
    let step = apart.get(apart.len() / 2).copied().unwrap_or(1).max(1);
    points
        .iter()
        .map(|(at, _)| usize::try_from((at.millis() - first + step / 2) / step).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;

    fn series(values: &[f64]) -> Series {
        let at = |i: usize| Timestamp::from_millis(i64::try_from(i).unwrap() * 60_000);
        Series {
            name: "errors/min".into(),
            points: values.iter().enumerate().map(|(i, v)| (at(i), *v)).collect(),
        }
    }

    #[test]
    fn bars_show_the_shape_and_its_range() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let shown =
            |v: &[f64]| lines(&series(v), 60, &theme).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown(&[0.0, 1.0, 7.0]), ["errors/min  0 to 7, last 7", "▁▂█  00:00 to 00:02 UTC"]);
        assert_eq!(shown(&[]), ["errors/min  no data"]);
        assert_eq!(shown(&[5.0, 5.0])[1], "██  00:00 to 00:01 UTC");
        assert!(shown(&[f64::NAN, 1.0])[1].starts_with('█'));
        let many: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert!(shown(&many).iter().all(|l| l.chars().count() <= 60));
        assert!(
            shown(&vec![1.0; 3_000])[1].ends_with("01-01 00:00 to 01-03 01:59 UTC"),
            "{:?}",
            shown(&vec![1.0; 3_000])
        );
    }

    #[test]
    fn where_there_is_no_point_there_is_no_bar() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let mut gap = series(&[1.0, 1.0, 9.0, 9.0, 1.0, 1.0]);
        gap.points.drain(2..4);
        assert!(lines(&gap, 60, &theme)[1].to_string().starts_with("██  ██  00:00"), "{gap:?}");
    }
}
