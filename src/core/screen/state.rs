//! What the screen knows. `view` reads it; only `Screen::update` changes it.

use super::composer::Composer;
use super::dialog::Dialog;
use super::palette::Palette;
use crate::Timestamp;
use crate::event::Progress;
use crate::id::{CallId, StepNo, TurnId};
use crate::journal::{Entry, Timeline};
use crate::message::Usage;
use crate::scope::{Mode, Scope};
use crate::tool::Catalogue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The whole screen.
#[derive(Debug)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What the journal says.
    pub ledger: Ledger,
    /// What runs now and is not an entry yet.
    pub live: LiveState,
    /// Which pane has the keys.
    pub focus: Focus,
    /// The focused pane fills the body.
    pub zoom: bool,
    /// The chat pane.
    pub chat: ChatPane,
    /// The timeline pane.
    pub timeline: TimelinePane,
    /// The detail pane.
    pub detail: DetailPane,
    /// The line one types in.
    pub composer: Composer,
    /// An approval in front of everything.
    pub dialog: Option<Dialog>,
    /// The command palette.
    pub palette: Option<Palette>,
    /// The help overlay, with its scroll offset.
    pub help: Option<usize>,
    /// A plain yes/no question (TRACK to EXECUTE). Never yields an approval.
    pub question: Option<PlainQuestion>,
    /// Short-lived messages, newest last.
    pub notices: VecDeque<Notice>,
    /// Esc was pressed with nothing left to close; the next one cancels.
    pub esc_armed: bool,
    /// When Ctrl-C was pressed on an idle console; a second one quits.
    pub quit_armed: Option<Timestamp>,
    /// Ctrl-L: everything is to be drawn anew.
    pub redraw: bool,
    /// Mouse reporting is on.
    pub mouse: bool,
    /// The console is to end.
    pub quit: bool,
    /// Tools, for the palette and the forms.
    pub catalogue: Arc<Catalogue>,
    /// Text the front is to put on the clipboard; taken by the run loop.
    pub copy: Option<Copy>,
    /// The journal can no longer be written; shown in the header.
    pub store_failed: Option<String>,
    /// The clock at the last update: what ages and spinners are drawn from.
    pub now: Timestamp,
    pub(super) targets: Vec<HitTarget>,
}

/// Projections of the journal the screen keeps.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every entry, by sequence number.
    pub entries: Vec<Arc<Entry>>,
    /// As steps.
    pub timeline: Timeline,
    /// As chat items.
    pub chat: Vec<ChatItem>,
    /// Account, region, identity.
    pub scope: Scope,
    /// The provider's name and the model's id.
    pub model: (String, String),
    /// What is carried out.
    pub mode: Mode,
    /// Tokens of the session.
    pub usage: Usage,
    /// Turns so far.
    pub turns: u64,
    /// The turn that runs, its iteration and when it began.
    pub running: Option<(TurnId, u32, Timestamp)>,
    /// Iterations a turn may take.
    pub max_iterations: u32,
}

/// One thing in the chat pane.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatItem {
    /// What someone asked. Untrusted.
    Question {
        /// The words.
        text: String,
        /// The step.
        step: StepNo,
    },
    /// What the model said: Markdown with `[#4]` links. Untrusted.
    Answer {
        /// The Markdown.
        text: String,
        /// The model's response step.
        step: StepNo,
        /// The text was cut off (the stream ended early, cancelled).
        partial: bool,
    },
    /// A line of the console's own: refused, cancelled, verified, limits. Untrusted.
    Line {
        /// One sentence.
        text: String,
        /// What it is about.
        step: StepNo,
        /// Whether it is bad news.
        bad: bool,
    },
}

/// What runs now.
#[derive(Debug, Default)]
pub struct LiveState {
    /// The answer as it streams: turn and text so far.
    pub text: Option<(TurnId, String)>,
    /// What the model is doing beside text: `composing list_ecs_services`, `retrying in 2 s: overloaded`.
    pub doing: Option<String>,
    /// Progress of running calls.
    pub progress: BTreeMap<CallId, Progress>,
}

/// A pane or the composer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// The line one types in.
    Composer,
    /// Chat.
    Chat,
    /// Timeline.
    Timeline,
    /// Detail.
    Detail,
}

/// Scroll state of the chat.
#[derive(Debug, Default)]
pub struct ChatPane {
    /// Lines scrolled up from the end; 0 follows the newest.
    pub up: usize,
    /// Index of the selected evidence link among those in the chat, when one is selected.
    pub link: Option<usize>,
}

/// State of the timeline.
#[derive(Debug)]
pub struct TimelinePane {
    /// The selected step.
    pub selected: Option<StepNo>,
    /// The selection follows the newest step.
    pub follow: bool,
    /// Steps expanded in place.
    pub expanded: std::collections::BTreeSet<StepNo>,
    /// Only what matches; `/` sets it. Empty shows all.
    pub filter: Filter,
    /// The first visible row's offset, kept by `update` so that the selection stays in view.
    pub top: usize,
}

/// What the timeline shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Text in title or remark, case-insensitive.
    pub text: String,
    /// Only failed, denied and unknown steps.
    pub errors: bool,
    /// Only calls.
    pub calls: bool,
}

/// State of the detail pane.
#[derive(Debug, Default)]
pub struct DetailPane {
    /// How the step is shown.
    pub tab: DetailTab,
    /// First line shown.
    pub top: usize,
    /// First column shown.
    pub left: usize,
    /// Search text, highlighted; n and N move.
    pub search: String,
}

/// How the detail pane shows a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DetailTab {
    /// The result as a table, the answer as text, the proposal as in the dialog.
    #[default]
    Result,
    /// What was asked: arguments, transcript size.
    Request,
    /// The entries as JSON.
    Raw,
}

/// A question that never approves anything.
#[derive(Debug)]
pub struct PlainQuestion {
    /// One sentence; Enter says yes, Esc no.
    pub text: String,
    /// What yes does.
    pub yes: PlainYes,
}

/// What yes to a plain question does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainYes {
    /// Leave tracking mode.
    Execute,
    /// Quit although a turn runs.
    Quit,
}

/// A short-lived message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One sentence. Untrusted.
    pub text: String,
    /// Since when.
    pub at: Timestamp,
    /// Stays until dismissed.
    pub sticky: bool,
}

/// Something for the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// What it is, for the notice: `step #4 as Markdown`.
    pub what: String,
    /// The text, already redacted and made visible.
    pub text: String,
}

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
    /// Evidence links in the chat, in reading order.
    pub links: Vec<StepNo>,
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
