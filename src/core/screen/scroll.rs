//! Moving through something longer than its window.

use super::Extent;
use crate::keymap::Action;

/// One movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    /// So many lines down; up when negative.
    By(isize),
    /// To the beginning.
    Start,
    /// To the end.
    End,
}

/// The movement an action stands for, where `fits` lines are visible; `None` for any other action.
pub(super) fn jump(action: Action, fits: usize) -> Option<Jump> {
    let page = isize::try_from(fits.max(1)).unwrap_or(isize::MAX);
    // A page keeps one line in sight.
    let moves = [
        (Action::Down, Jump::By(1)),
        (Action::Up, Jump::By(-1)),
        (Action::HalfPageDown, Jump::By((page / 2).max(1))),
        (Action::HalfPageUp, Jump::By(-(page / 2).max(1))),
        (Action::PageDown, Jump::By((page - 1).max(1))),
        (Action::PageUp, Jump::By(-(page - 1).max(1))),
        (Action::Top, Jump::Start),
        (Action::Bottom, Jump::End),
    ];
    moves.iter().find(|(a, _)| *a == action).map(|(_, jump)| *jump)
}

/// `at` moved within `0..=last`.
pub(super) fn moved(at: usize, jump: Jump, last: usize) -> usize {
    match jump {
        Jump::By(n) => at.min(last).saturating_add_signed(n).min(last),
        Jump::Start => 0,
        Jump::End => last,
    }
}

/// The first line such that `line` is visible, moving as little as possible.
pub(super) fn reveal(top: usize, line: usize, height: usize, extent: Extent) -> usize {
    let fits = extent.fits.max(1);
    let top = if line < top { line } else { top.max((line + height.clamp(1, fits)).saturating_sub(fits)) };
    top.min(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside() {
        for (at, jump, last, expected) in [
            (0, Jump::By(-1), 9, 0),
            (9, Jump::By(1), 9, 9),
            (5, Jump::By(3), 9, 8),
            (50, Jump::By(-1), 9, 8),
            (5, Jump::Start, 9, 0),
            (5, Jump::End, 9, 9),
            (5, Jump::By(isize::MAX), 9, 9),
            (0, Jump::By(1), 0, 0),
        ] {
            assert_eq!(moved(at, jump, last), expected, "{at} {jump:?} {last}");
        }
    }

    #[test]
    fn reveals_with_the_least_movement() {
        let extent = Extent { total: 100, fits: 10 };
        for (top, line, height, expected) in
            [(0, 5, 1, 0), (0, 10, 1, 1), (20, 5, 1, 5), (20, 29, 1, 20), (20, 28, 4, 22), (20, 25, 40, 25)]
        {
            assert_eq!(reveal(top, line, height, extent), expected, "{top} {line} {height}");
        }
        assert_eq!(reveal(7, 3, 1, Extent::default()), 3);
    }
}
