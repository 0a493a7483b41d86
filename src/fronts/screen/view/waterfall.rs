//! Bars that show what ran beside what within a turn.
//!
//! ```text
//! ▕██▏
//! ▕  ███▏
//! ▕  ██████▏
//! ```

use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::id::TurnId;
use quarterdeck_core::journal::Step;

/// Steps looked at on each side when a turn's bounds are sought.
const REACH: usize = 2_000;

/// When a turn began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The turn.
    pub turn: TurnId,
    from: Timestamp,
    to: Timestamp,
}

/// The bounds of the turn of `steps[at]`; what still runs lasts until `now`.
#[must_use]
pub fn bounds(steps: &[Step], at: usize, now: Timestamp) -> Option<Bounds> {
    let turn = steps.get(at)?.turn?;
    let mine = |s: &&Step| s.turn == Some(turn);
    let near = |s: &&Step| s.turn.is_none_or(|t| t == turn);
    let back = steps.get(..at).unwrap_or_default().iter().rev().take(REACH).take_while(near).filter(mine);
    let on = steps.get(at..).unwrap_or_default().iter().take(REACH).take_while(near).filter(mine);
    let (mut from, mut to) = (Timestamp::from_millis(i64::MAX), Timestamp::from_millis(i64::MIN));
    for step in back.chain(on) {
        from = from.min(step.began);
        to = to.max(step.ended.unwrap_or(now));
    }
    Some(Bounds { turn, from, to })
}

/// The bar of `step` in `columns`, its two ends included.
#[must_use]
pub fn bar(step: &Step, bounds: &Bounds, now: Timestamp, columns: usize, theme: &Theme) -> String {
    let room = columns.saturating_sub(2);
    let whole = bounds.to.since(bounds.from).as_millis().max(1);
    let place = |t: Timestamp| {
        let part = t.since(bounds.from).as_millis().min(whole) * room as u128 / whole;
        usize::try_from(part).unwrap_or(room)
    };
    let start = place(step.began).min(room.saturating_sub(1));
    let end = place(step.ended.unwrap_or(now)).clamp(start + 1, room.max(start + 1));
    let running = step.ended.is_none();
    let fill = if running { theme.glyph("▒", "~") } else { theme.glyph("█", "#") };
    let mut out = String::with_capacity(columns * 3);
    out.push_str(theme.glyph("▕", "|"));
    out.push_str(&" ".repeat(start));
    out.push_str(&fill.repeat(end - start));
    out.push_str(&" ".repeat(room.saturating_sub(end)));
    out.push_str(theme.glyph("▏", "|"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;
    use quarterdeck_core::id::StepNo;
    use quarterdeck_core::journal::{StepKind, StepStatus};

    fn step(turn: Option<u64>, began: i64, ended: Option<i64>) -> Step {
        Step {
            no: StepNo(1),
            kind: StepKind::ToolCall,
            status: StepStatus::Completed,
            title: String::new(),
            remark: String::new(),
            began: Timestamp::from_millis(began),
            ended: ended.map(Timestamp::from_millis),
            turn: turn.map(TurnId),
            iteration: Some(1),
            call: None,
            entries: Vec::new(),
        }
    }

    #[test]
    fn bars_show_what_ran_beside_what() {
        let theme = Theme::named("dark", Depth::True, true).unwrap();
        let now = Timestamp::from_millis(1_000);
        let steps = [
            step(Some(1), 0, Some(500)),
            step(Some(2), 0, Some(250)),
            step(None, 0, Some(90_000)),
            step(Some(2), 250, Some(750)),
            step(Some(2), 250, None),
        ];
        let b = bounds(&steps, 3, now).unwrap();
        let bars: Vec<String> = [1, 3, 4].iter().map(|i| bar(&steps[*i], &b, now, 10, &theme)).collect();
        assert_eq!(bars, ["|##      |", "|  ####  |", "|  ~~~~~~|"]);
        assert_eq!(bounds(&steps, 2, now), None);
        assert_eq!(bar(&step(Some(1), 5, Some(5)), &bounds(&steps, 0, now).unwrap(), now, 3, &theme), "|#|");
    }
}
