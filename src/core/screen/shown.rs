//! What the last drawing showed: how much there is, where clicks land, what the dialog let one see.

use super::{DetailTab, Focus, Mark};
use crate::Timestamp;
use crate::id::StepNo;

/// Where a click lands, as the last drawing placed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitTarget {
    /// Left, top, width, height.
    pub area: (u16, u16, u16, u16),
    /// What is there.
    pub hit: Hit,
}

/// What can be clicked or scrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A pane's body.
    Pane(Focus),
    /// A step's row on the timeline.
    Step(StepNo),
    /// An evidence link in the chat, or a tab.
    Link(StepNo),
    /// A tab of the detail pane.
    Tab(DetailTab),
    /// The line above a response's thinking in the chat.
    Thinking(StepNo),
    /// A row of the settings, or of the choices that are open there.
    Setting(usize),
}

/// What the last drawing showed; fed back as `Msg::Drawn`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What the dialog showed, when one was drawn.
    pub dialog: Option<crate::approval::Seen>,
    /// Where clicks land.
    pub targets: Vec<HitTarget>,
    /// Lines the chat has in all and how many fit, so that scrolling stops at the ends.
    pub chat: Extent,
    /// Rows the timeline has (after the filter, expanded rows counted) and how many fit.
    pub timeline: Extent,
    /// Lines the detail pane has and how many fit.
    pub detail: Extent,
    /// Lines the help has and how many fit.
    pub help: Extent,
    /// Lines the dialog's body has and how many fit.
    pub dialog_body: Extent,
    /// The first line of each target in the dialog's body; empty when not known.
    pub target_lines: Vec<usize>,
    /// The line after the last of each target.
    pub target_ends: Vec<usize>,
    /// Lines the evaluation's variants have and how many fit.
    pub evaluation: Extent,
    /// The first line and the lines of each variant of the evaluation, level by level.
    pub variants: Vec<(usize, usize)>,
    /// Evidence links and thinking in the chat, in reading order.
    pub links: Vec<Mark>,
    /// The line each of `links` is on, from the top of the whole chat; empty when not known.
    pub link_lines: Vec<usize>,
    /// The line of the chat on which the last question begins.
    pub question_line: Option<usize>,
    /// Lines of the whole chat that hold its search text, in order.
    pub chat_matches: Vec<usize>,
    /// Lines of the whole detail that hold its search text, in order.
    pub detail_matches: Vec<usize>,
    /// When something on the screen changes by itself next (a spinner, an age, a notice's end); `None` when idle.
    pub wake: Option<Timestamp>,
}

/// How much there is and how much fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Lines in all.
    pub total: usize,
    /// Lines that fit.
    pub fits: usize,
}

impl Extent {
    /// The first line when scrolled to the end.
    #[must_use]
    pub const fn last_top(self) -> usize {
        self.total.saturating_sub(self.fits)
    }
}
