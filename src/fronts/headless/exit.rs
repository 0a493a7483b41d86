//! How a run without the screen ended, as an exit code.

use crate::connect::MissingCredentials;
use quarterdeck_core::journal::{Fact, Outcome, TurnEnd};
use quarterdeck_core::message::ModelErrorKind;
use quarterdeck_core::tool::FaultKind;

/// How a run ended; the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Answered.
    Answered,
    /// Failed.
    Failed,
    /// The command line cannot be right.
    Usage,
    /// Something was refused; here: a change was proposed and nobody can be asked.
    Refused,
    /// Credentials or the model's key are missing or refused.
    Credentials,
    /// Answered, with parts missing.
    Partial,
    /// Cancelled by the operator.
    Cancelled,
    /// Ended by this signal.
    Signal(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Answered => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Credentials => 4,
            Self::Partial => 5,
            Self::Cancelled => 130,
            Self::Signal(number) => 128u8.saturating_add(number),
        }
    }
}

/// What happened, as far as the exit code cares.
#[derive(Debug, Default)]
pub(super) struct Tally {
    refused: bool,
    expired: bool,
    failed: bool,
    partial: bool,
    pub(super) answered: Option<TurnEnd>,
    model_key: bool,
}

impl Tally {
    pub(super) fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Refused { .. } => self.refused = true,
            Fact::ToolFinished { outcome, .. } => match outcome {
                Outcome::Ok { projection, .. } => self.partial |= !projection.errors.is_empty(),
                Outcome::Failed { fault } => match fault.kind {
                    FaultKind::Expired => self.expired = true,
                    FaultKind::Refused => self.refused = true,
                    FaultKind::Denied
                    | FaultKind::Throttled
                    | FaultKind::Missing
                    | FaultKind::Invalid
                    | FaultKind::Conflict
                    | FaultKind::Unavailable
                    | FaultKind::Timeout
                    | FaultKind::Guard
                    | FaultKind::Cancelled => self.failed = true,
                },
                Outcome::Recorded => {}
            },
            Fact::ModelFailed { error, .. } => self.model_key = error.kind == ModelErrorKind::Credentials,
            Fact::TurnEnded { reason, .. } => self.answered = Some(reason.clone()),
            Fact::SessionStarted { .. }
            | Fact::SessionResumed { .. }
            | Fact::ScopeChanged { .. }
            | Fact::SettingsChanged { .. }
            | Fact::ModeChanged { .. }
            | Fact::Question { .. }
            | Fact::ModelRequested { .. }
            | Fact::ModelResponded { .. }
            | Fact::ToolCalled { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::Approved { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::WriteIntended { .. }
            | Fact::WriteConcluded { .. }
            | Fact::Verified { .. }
            | Fact::Noted { .. }
            | Fact::Evaluated { .. }
            | Fact::Compacted { .. }
            | Fact::Shortened { .. } => {}
        }
    }

    pub(super) fn of_turn(&self) -> Exit {
        match &self.answered {
            _ if self.refused => Exit::Refused,
            Some(TurnEnd::Answered) if self.expired => Exit::Credentials,
            Some(TurnEnd::Answered) if self.partial || self.failed => Exit::Partial,
            Some(TurnEnd::Answered) => Exit::Answered,
            Some(TurnEnd::Ceiling(_)) => Exit::Partial,
            Some(TurnEnd::Cancelled) => Exit::Cancelled,
            Some(TurnEnd::ModelFailed) if self.model_key => Exit::Credentials,
            Some(
                TurnEnd::ModelFailed
                | TurnEnd::Iterations(_)
                | TurnEnd::Loop(_)
                | TurnEnd::Stopped(_)
                | TurnEnd::Crashed,
            )
            | None => Exit::Failed,
        }
    }

    pub(super) fn of_call(&self) -> Exit {
        if self.refused {
            Exit::Refused
        } else if self.expired {
            Exit::Credentials
        } else if self.failed {
            Exit::Failed
        } else if self.partial {
            Exit::Partial
        } else {
            Exit::Answered
        }
    }
}

/// The exit code an error stands for.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<MissingCredentials>().is_some() {
        Exit::Credentials
    } else if error.downcast_ref::<crate::config::ConfigError>().is_some()
        || error.downcast_ref::<quarterdeck_demo::DrillError>().is_some()
    {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::id::TurnId;

    #[test]
    fn a_turn_that_stops_at_its_ceiling_is_a_part_of_an_answer() {
        let mut tally = Tally::default();
        let reason = TurnEnd::Ceiling("2M tokens".to_owned());
        tally.take(&Fact::TurnEnded { turn: TurnId(1), reason });
        assert_eq!(tally.of_turn().code(), 5);
    }
}
