//! A series as a row of bars with its range.
//!
//! ```text
//! errors/min  0 … 412, last 388
//! ▁▁▁▂▂▃▇█▇▇   11:40 to 12:00
//! ```

use super::line::clip;
use crate::fronts::screen::theme::Theme;
use crate::fronts::screen::view::format::number;
use quarterdeck_core::tool::Series;
use ratatui::text::{Line, Span};

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 8] = ["_", ".", ":", "-", "=", "+", "*", "#"];

/// The series in two lines of at most `columns`. More points than columns are joined, the highest shows.
#[must_use]
pub fn lines(series: &Series, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let values: Vec<f64> = series.points.iter().map(|(_, v)| *v).filter(|v| v.is_finite()).collect();
    let (Some(last), Some((first_at, _)), Some((last_at, _))) =
        (values.last(), series.points.first(), series.points.last())
    else {
        return vec![Line::from(vec![
            Span::styled(clip(&series.name, columns), theme.heading),
            Span::styled("  no data", theme.dim),
        ])];
    };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = format!("  {} to {}, last {}", number(low), number(high), number(*last));
    let name = clip(&series.name, columns.saturating_sub(range.len()).max(8));
    let bars = bars(&values, low.min(0.0), high, columns.saturating_sub(22).max(8), theme);
    let clock = |t: &quarterdeck_core::Timestamp| t.clock().get(..5).unwrap_or_default().to_owned();
    vec![
        Line::from(vec![Span::styled(name, theme.heading), Span::styled(range, theme.dim)]),
        Line::from(vec![
            Span::styled(bars, theme.busy),
            Span::styled(format!("  {} to {} UTC", clock(first_at), clock(last_at)), theme.dim),
        ]),
    ]
}

fn bars(values: &[f64], low: f64, high: f64, columns: usize, theme: &Theme) -> String {
    let per = values.len().div_ceil(columns.max(1)).max(1);
    let range = if high > low { high - low } else { 1.0 };
    let glyphs = if theme.ascii { ASCII } else { BARS };
    values
        .chunks(per)
        .map(|part| {
            let top = part.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let level = ((top - low) / range * 7.0).round().clamp(0.0, 7.0);
            glyphs.get(level as usize).copied().unwrap_or(" ")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;
    use quarterdeck_core::Timestamp;

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
    }
}
