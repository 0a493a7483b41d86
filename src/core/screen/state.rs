//! What the screen knows. `view` reads it; only `Screen::update` changes it.

use super::composer::Composer;
use super::dialog::Dialog;
use super::evaluation::Evaluation;
use super::folds::Folds;
use super::palette::Palette;
use super::settings::{Given, Panel, Save};
use super::shown::{Extent, Shown};
use crate::Timestamp;
use crate::event::{Expense, Progress};
use crate::id::{CallId, StepNo, TurnId};
use crate::journal::{Entry, Meter, Step, Timeline};
use crate::keymap::{Keymap, Place};
use crate::models::Models;
use crate::scope::{Mode, Scope};
use crate::settings::Settings;
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
    /// The pane that had the keys last; never the composer. What a narrow screen shows.
    pub pane: Focus,
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
    /// A line asked for at the bottom: `/` on a pane.
    pub prompt: Option<Prompt>,
    /// The help overlay, with its scroll offset.
    pub help: Option<usize>,
    /// What the help is about: where one was when `?` was pressed.
    pub help_for: Place,
    /// A plain yes/no question (TRACK to EXECUTE). Never yields an approval.
    pub question: Option<PlainQuestion>,
    /// The evaluation of determinism, in front of the panes.
    pub evaluation: Option<Evaluation>,
    /// Short-lived messages, newest last.
    pub notices: VecDeque<Notice>,
    /// Esc was pressed with nothing left to close; the next one cancels.
    pub esc_armed: bool,
    /// When Ctrl-C was pressed on an idle console; a second one quits.
    pub quit_armed: Option<Timestamp>,
    /// Ctrl-L: everything is to be drawn anew.
    pub redraw: bool,
    /// Ctrl-Z: the console is to be suspended; taken by the run loop.
    pub suspend: bool,
    /// Mouse reporting is on.
    pub mouse: bool,
    /// The console is to end.
    pub quit: bool,
    /// Tools, for the palette and the forms.
    pub catalogue: Arc<Catalogue>,
    /// What models can do and cost.
    pub models: Arc<Models>,
    /// Which key does what.
    pub keymap: Arc<Keymap>,
    /// Text the front is to put on the clipboard; taken by the run loop.
    pub copy: Option<Copy>,
    /// The journal can no longer be written; shown in the header.
    pub store_failed: Option<String>,
    /// The clock at the last update: what ages and spinners are drawn from.
    pub now: Timestamp,
    /// The settings, in front of the panes.
    pub panel: Option<Panel>,
    /// What the console was started with.
    pub given: Given,
    /// The theme's name; the run loop draws with it.
    pub theme: String,
    /// Settings that were sent and are not in the journal yet.
    pub(super) pending: Option<Settings>,
    /// What the front is to write to the user's file; taken by the run loop.
    pub(super) save: Option<Save>,
    /// What the last drawing showed.
    pub(super) shown: Shown,
}

impl Screen {
    /// An empty screen of `size` columns and rows, the focus in the composer.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, size: (u16, u16), now: Timestamp) -> Self {
        Self {
            size,
            ledger: Ledger::default(),
            live: LiveState::default(),
            focus: Focus::Composer,
            pane: Focus::Chat,
            zoom: false,
            chat: ChatPane::default(),
            timeline: TimelinePane::default(),
            detail: DetailPane::default(),
            composer: Composer::default(),
            dialog: None,
            palette: None,
            prompt: None,
            help: None,
            help_for: Place::Composer,
            question: None,
            evaluation: None,
            notices: VecDeque::new(),
            esc_armed: false,
            quit_armed: None,
            redraw: false,
            suspend: false,
            mouse: true,
            quit: false,
            catalogue,
            models: Arc::new(Models::embedded().clone()),
            keymap: Keymap::standard(),
            copy: None,
            store_failed: None,
            now,
            panel: None,
            given: Given::default(),
            theme: String::new(),
            pending: None,
            save: None,
            shown: Shown::default(),
        }
    }

    /// The same screen with another key map.
    #[must_use]
    pub fn with_keymap(mut self, keymap: Arc<Keymap>) -> Self {
        self.keymap = keymap;
        self
    }

    /// What the run loop is to put on the clipboard, once.
    pub fn take_copy(&mut self) -> Option<Copy> {
        self.copy.take()
    }
}

/// Rows a step takes on the timeline below its own when it is expanded in place: one for each of its entries.
#[must_use]
pub fn expanded_rows(step: &Step) -> usize {
    step.entries.len()
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
    /// Model, effort and limits.
    pub settings: Settings,
    /// What is carried out.
    pub mode: Mode,
    /// Tokens and money of the session.
    pub meter: Meter,
    /// Turns so far.
    pub turns: u64,
    /// The turn that runs, its iteration and when it began.
    pub running: Option<(TurnId, u32, Timestamp)>,
    /// Calls that have no result yet.
    pub open_calls: std::collections::BTreeSet<CallId>,
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
    /// What a model thought before it answered or called; folded until it is opened. Untrusted.
    Thinking {
        /// The words; empty when only its vendor can read them.
        text: String,
        /// Some of it is encrypted.
        encrypted: bool,
        /// The model's response step.
        step: StepNo,
        /// How long it streamed in, in milliseconds; `None` for what was not seen live.
        ms: Option<u64>,
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
    /// The reasoning as it streams.
    pub thinking: Option<LiveThinking>,
    /// What the model is doing beside text: `composing list_ecs_services`, `retrying in 2 s: overloaded`.
    pub doing: Option<String>,
    /// Progress of running calls.
    pub progress: BTreeMap<CallId, Progress>,
}

/// Reasoning as it streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveThinking {
    /// The turn.
    pub turn: TurnId,
    /// The words so far. Untrusted.
    pub text: String,
    /// When the first of them came.
    pub began: Timestamp,
    /// When the last came.
    pub last: Timestamp,
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
    /// While scrolled back: the first line shown, so that what streams in below does not move it.
    pub anchor: Option<usize>,
    /// A turn has ended while the end was followed: an answer longer than the pane is shown from its question on.
    pub(super) rest: bool,
    /// Index of the selected evidence link or thinking among those in the chat, when one is selected.
    pub link: Option<usize>,
    /// Which thinking is open.
    pub folds: Folds,
    /// Search text, highlighted; n and N move.
    pub search: String,
}

impl Default for TimelinePane {
    fn default() -> Self {
        Self {
            selected: None,
            follow: true,
            expanded: std::collections::BTreeSet::new(),
            filter: Filter::default(),
            top: 0,
            visible: Vec::new(),
        }
    }
}

impl ChatPane {
    /// The first line to show, when the chat has `extent`.
    #[must_use]
    pub fn first_line(&self, extent: Extent) -> usize {
        self.anchor.unwrap_or(extent.last_top().saturating_sub(self.up)).min(extent.last_top())
    }
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
    /// The steps the filter lets through, in order.
    pub visible: Vec<StepNo>,
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

/// A line asked for at the bottom: what to filter or search for. It takes effect while it is typed.
#[derive(Debug)]
pub struct Prompt {
    /// Timeline: a filter; chat and detail: a search.
    pub pane: Focus,
    /// What was typed.
    pub text: String,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What it was before, for Esc.
    pub before: String,
}

/// A question that never approves anything.
#[derive(Debug)]
pub struct PlainQuestion {
    /// One sentence; Enter says yes, Esc no.
    pub text: String,
    /// What yes does.
    pub yes: PlainYes,
    /// When it came, or the last key that was no answer: a yes that spends waits a moment after it.
    pub(super) touched: Timestamp,
}

/// What yes to a plain question does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainYes {
    /// Leave tracking mode.
    Execute,
    /// Quit although a turn runs.
    Quit,
    /// Let this cost more than it may without asking.
    Spend(Expense),
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
