//! The confirmation dialog's state around a gate.

use crate::Timestamp;
use crate::approval::Gate;

/// An approval in front of everything.
#[derive(Debug)]
pub struct Dialog {
    /// The gate. Taken and put back by `update` only.
    pub gate: Option<Gate>,
    /// The selected target.
    pub target: usize,
    /// First line of the body shown.
    pub top: usize,
    /// Evidence of warnings is expanded.
    pub evidence: bool,
    /// A note being typed for the refusal.
    pub note: Option<String>,
    /// Set aside to look at the screen behind; approval is impossible meanwhile.
    pub aside: bool,
    /// When it was opened.
    pub opened: Timestamp,
}
