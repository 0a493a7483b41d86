//! The full-screen front: what draws and drives the terminal.

mod clipboard;
mod desk;
mod open;
mod run;
mod terminal;
pub mod theme;
pub mod view;

pub use clipboard::osc52;
pub use desk::Desk;
pub use open::open;
pub use run::{Ended, Host, Run, run};
pub use terminal::{Signal, Tty, press, signals};
pub use theme::{Depth, Theme, ThemeError};
