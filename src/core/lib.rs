//! The pure half of Quarterdeck: data, decisions and projections.
//!
//! No async runtime, I/O, clock, randomness or terminal lives here. Time comes in as [`Timestamp`], random
//! codes as [`approval::Challenge`]; what should happen goes out as [`session::Effect`] and
//! [`command::Command`]. `session` and `screen` do not import each other; they share the journal, the
//! Command and the Event.

pub mod approval;
pub mod command;
pub mod eval;
pub mod event;
pub mod id;
pub mod journal;
pub mod keymap;
pub mod message;
pub mod models;
pub mod press;
pub mod scope;
pub mod screen;
pub mod session;
pub mod settings;
pub mod text;
pub mod thought;
pub mod timestamp;
pub mod tokens;
pub mod tool;

pub use timestamp::Timestamp;
