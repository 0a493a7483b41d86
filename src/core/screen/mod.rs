//! The screen's mind: `Screen::update`.

mod act;
mod commands;
mod composer;
mod copy;
mod dialog;
mod evaluation;
mod events;
#[cfg(test)]
mod fixture;
mod folds;
mod input;
mod layout;
mod ledger;
mod line;
mod mouse;
mod palette;
mod scroll;
mod settings;
mod shown;
mod state;
mod timeline;

pub use commands::{palette_actions, palette_tools};
pub use composer::Composer;
pub use dialog::Dialog;
pub use evaluation::Evaluation;
pub use folds::{Folds, Mark};
pub use layout::{Layout, layout_of};
pub use palette::{Match, Palette};
pub use settings::{Choice, Edit, Field, Given, Panel, Save, Saved};
pub use shown::{Extent, Hit, HitTarget, Shown};
pub use state::{
    ChatItem, ChatPane, Copy, DetailPane, DetailTab, Filter, Focus, Ledger, LiveState, LiveThinking, Notice,
    PlainQuestion, PlainYes, Prompt, Screen, TimelinePane, expanded_rows,
};

use crate::event::Event;
use crate::press::Press;

/// What happens to a screen.
#[derive(Debug)]
pub enum Msg {
    /// A key.
    Key(Press),
    /// Pasted text; never a key press.
    Paste(String),
    /// The mouse.
    Mouse(Mouse),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The engine said something.
    Event(Event),
    /// The screen was drawn.
    Drawn(Shown),
    /// Time passed; something on the screen is due.
    Tick,
    /// What became of a copy: a sentence.
    Copied(String),
    /// The console is being suspended: an open dialog is refused.
    Suspend,
    /// What became of a save.
    Saved(Saved),
}

/// A mouse event at a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// Column, row.
    pub at: (u16, u16),
    /// What happened.
    pub kind: MouseKind,
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// Pressed.
    Click,
    /// Wheel up.
    Up,
    /// Wheel down.
    Down,
}

#[cfg(test)]
mod tests;
