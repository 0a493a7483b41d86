//! What shows the session and asks: the screen.

pub mod screen;
