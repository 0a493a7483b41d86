//! How bad a finding is.

/// From fine to critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Nothing to do.
    Ok,
    /// Tidy it up.
    Low,
    /// Look at it.
    Medium,
    /// Change it.
    High,
    /// Change it now.
    Critical,
}

impl Risk {
    /// As a cell shows it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// As a row's urgency.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Low | Self::Medium => 1,
            Self::High => 2,
            Self::Critical => 3,
        }
    }
}

/// `1 CRITICAL, 3 HIGH`, the worst first, without what is fine.
pub fn tally(risks: impl Iterator<Item = Risk>) -> String {
    let all: Vec<Risk> = risks.collect();
    [Risk::Critical, Risk::High, Risk::Medium, Risk::Low]
        .into_iter()
        .map(|level| (all.iter().filter(|r| **r == level).count(), level.label()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, label)| format!("{n} {label}"))
        .collect::<Vec<_>>()
        .join(", ")
}
