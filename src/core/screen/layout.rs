//! Which panes fit.

use super::{Focus, Screen};

/// The panes a screen has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Chat, timeline and detail beside each other.
    Three,
    /// The chat, and beside it the timeline or the detail.
    Two {
        /// [`Focus::Timeline`] or [`Focus::Detail`].
        right: Focus,
    },
    /// One pane with tabs; also a zoomed pane.
    One(Focus),
    /// Under 40x10: a sentence that says so.
    TooSmall,
}

/// The layout for `size` (columns, rows) when `focus` has, or had last, the keys.
#[must_use]
pub const fn layout_of(size: (u16, u16), zoom: bool, focus: Focus) -> Layout {
    let pane = match focus {
        Focus::Composer | Focus::Chat => Focus::Chat,
        Focus::Timeline => Focus::Timeline,
        Focus::Detail => Focus::Detail,
    };
    let (columns, rows) = size;
    if columns < 40 || rows < 10 {
        Layout::TooSmall
    } else if zoom || columns < 80 {
        Layout::One(pane)
    } else if columns < 120 {
        Layout::Two { right: if matches!(pane, Focus::Detail) { Focus::Detail } else { Focus::Timeline } }
    } else {
        Layout::Three
    }
}

impl Screen {
    /// The layout now. While the composer has the keys, the pane that had them last counts.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        layout_of(self.size, self.zoom, self.pane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_decide() {
        use Focus::{Chat, Composer, Detail, Timeline};
        for (size, zoom, focus, layout) in [
            ((120, 40), false, Chat, Layout::Three),
            ((500, 200), false, Detail, Layout::Three),
            ((120, 40), true, Timeline, Layout::One(Timeline)),
            ((119, 40), false, Chat, Layout::Two { right: Timeline }),
            ((80, 24), false, Detail, Layout::Two { right: Detail }),
            ((80, 24), false, Composer, Layout::Two { right: Timeline }),
            ((79, 24), false, Timeline, Layout::One(Timeline)),
            ((40, 10), false, Composer, Layout::One(Chat)),
            ((39, 10), false, Chat, Layout::TooSmall),
            ((200, 9), true, Chat, Layout::TooSmall),
            ((0, 0), false, Chat, Layout::TooSmall),
        ] {
            assert_eq!(layout_of(size, zoom, focus), layout, "{size:?} {zoom} {focus:?}");
        }
    }
}
