//! How a step's kind and status look: never by colour alone.

use crate::fronts::screen::theme::Theme;
use quarterdeck_core::journal::{Step, StepKind, StepStatus};
use ratatui::style::Style;

/// The glyph of a step: its kind, or for a call how it stands.
#[must_use]
pub fn glyph(step: &Step, theme: &Theme) -> &'static str {
    let (unicode, ascii) = match step.kind {
        StepKind::Question => ("›", ">"),
        StepKind::ModelRequest => match step.status {
            StepStatus::Error => ("✖", "x"),
            StepStatus::Cancelled => ("⊝", "-"),
            StepStatus::Pending
            | StepStatus::InProgress
            | StepStatus::Completed
            | StepStatus::Partial
            | StepStatus::Denied
            | StepStatus::Recorded
            | StepStatus::Unknown => ("◆", "*"),
        },
        StepKind::ModelResponse => ("◇", "o"),
        StepKind::Note => ("·", "."),
        StepKind::Error => ("✖", "x"),
        StepKind::Approval | StepKind::ToolCall => match step.status {
            StepStatus::Pending => ("○", "."),
            StepStatus::InProgress => ("◌", "~"),
            StepStatus::Completed => ("●", "+"),
            StepStatus::Partial => ("◑", "%"),
            StepStatus::Error => ("✖", "x"),
            StepStatus::Denied => ("⊘", "!"),
            StepStatus::Cancelled => ("⊝", "-"),
            StepStatus::Unknown => ("?", "?"),
            StepStatus::Recorded => ("⊙", "="),
        },
    };
    theme.glyph(unicode, ascii)
}

/// The word for a status; what is completed needs none on the timeline.
#[must_use]
pub const fn word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "waiting",
        StepStatus::InProgress => "running",
        StepStatus::Completed => "completed",
        StepStatus::Partial => "partial",
        StepStatus::Error => "error",
        StepStatus::Denied => "denied",
        StepStatus::Cancelled => "cancelled",
        StepStatus::Unknown => "unknown",
        StepStatus::Recorded => "recorded",
    }
}

/// The word for a kind.
#[must_use]
pub const fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Question => "question",
        StepKind::ModelRequest => "model request",
        StepKind::ModelResponse => "model response",
        StepKind::ToolCall => "call",
        StepKind::Approval => "approval",
        StepKind::Error => "error",
        StepKind::Note => "note",
    }
}

/// The colour of a status.
#[must_use]
pub const fn style(status: StepStatus, theme: &Theme) -> Style {
    match status {
        StepStatus::Pending | StepStatus::Cancelled | StepStatus::Recorded => theme.dim,
        StepStatus::InProgress => theme.busy,
        StepStatus::Completed => theme.good,
        StepStatus::Partial => theme.warn,
        StepStatus::Error | StepStatus::Denied | StepStatus::Unknown => theme.bad,
    }
}
