//! The period a tool is asked about.

use super::words;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fmt;
use std::time::Duration;

/// From `from` until before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, exclusive.
    pub until: Timestamp,
}

impl Period {
    /// What `since` and `until` mean at `now`: an absolute time or a span before now. `until` is now unless given;
    /// `since` is `default` before `until` unless given.
    ///
    /// # Errors
    /// `invalid`: one cannot be read, or the end is not after the beginning.
    pub fn of(
        since: Option<&str>,
        until: Option<&str>,
        default: Duration,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let (from, until) = (moment("since", since, now)?, moment("until", until, now)?.unwrap_or(now));
        let from = from.unwrap_or_else(|| until.minus(default));
        if from < until {
            return Ok(Self { from, until });
        }
        Err(Fault::new(FaultKind::Invalid, format!("the period ends ({until}) before it begins ({from})"))
            .hint("`since` is the older end: send since=3h, or since=3h with until=1h"))
    }

    /// Whether both can be read at all; needs no clock.
    ///
    /// # Errors
    /// `invalid`: one cannot be read.
    pub fn check(since: Option<&str>, until: Option<&str>) -> Result<(), Fault> {
        moment("since", since, Timestamp::default())?;
        moment("until", until, Timestamp::default())?;
        Ok(())
    }

    /// How long it is.
    pub fn span(self) -> Duration {
        self.until.since(self.from)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} ({})", second(self.from), second(self.until), words::span(self.span()))
    }
}

/// Without its milliseconds.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(1000) * 1000)
}

fn moment(field: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let at = text.map(|text| Timestamp::parse_or_ago(text, now)).transpose();
    at.map_err(|why| Fault::new(FaultKind::Invalid, format!("{field}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    #[test]
    fn periods() {
        let hour = Duration::from_secs(3600);
        let of = |since, until| Period::of(since, until, hour, NOW).map(|p| p.to_string());
        assert_eq!(of(None, None).unwrap(), "2026-11-20T02:04:05Z to 2026-11-20T03:04:05Z (1 h)");
        assert_eq!(of(None, Some("1h")).unwrap(), "2026-11-20T01:04:05Z to 2026-11-20T02:04:05Z (1 h)");
        assert_eq!(
            of(Some("2026-11-20T03:00:00Z"), Some("1m")).unwrap(),
            "2026-11-20T03:00:00Z to 2026-11-20T03:03:05Z (3 m 5 s)"
        );
        for (since, until) in [(Some("1h"), Some("2h")), (Some("yesterday"), None), (None, Some("soon"))] {
            let fault = Period::of(since, until, hour, NOW).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid, "{since:?} {until:?}");
        }
        assert!(Period::check(Some("x"), None).is_err() && Period::check(Some("2h"), None).is_ok());
    }
}
