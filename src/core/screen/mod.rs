//! The screen's mind: `Screen::update`.

mod composer;
mod dialog;
mod palette;
mod state;

pub use composer::Composer;
pub use dialog::Dialog;
pub use palette::{Match, Palette};
pub use state::{
    ChatItem, ChatPane, Copy, DetailPane, DetailTab, Extent, Filter, Focus, Hit, HitTarget, Ledger,
    LiveState, Notice, PlainQuestion, PlainYes, Screen, Shown, TimelinePane,
};

use crate::Timestamp;
use crate::command::Command;
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

impl Screen {
    /// Takes in one message; returns what the engine is asked to do.
    #[must_use]
    pub fn update(&mut self, _msg: Msg, _now: Timestamp) -> Vec<Command> {
        Vec::new()
    }
}
