//! Fronts show and ask: the screen, and the command line without one.

pub mod headless;
pub mod screen;
