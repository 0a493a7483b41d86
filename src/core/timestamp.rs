//! Points in time, UTC, in milliseconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970-01-01T00:00:00Z. Serialized as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This moment plus `span`.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment minus `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// As `2026-11-20T03:04:05Z`; milliseconds are shown only where there are any.
    #[must_use]
    pub fn rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{}ms", self.0))
    }

    /// The time of day as `03:04:05` (UTC).
    #[must_use]
    pub fn clock(self) -> String {
        let s = self.0.div_euclid(1000).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// Parses RFC 3339.
    ///
    /// # Errors
    /// The text is not RFC 3339.
    pub fn parse(text: &str) -> Result<Self, time::error::Parse> {
        let t = OffsetDateTime::parse(text, &Rfc3339)?;
        Ok(Self(i64::try_from(t.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)))
    }

    /// An absolute RFC 3339 time, or a span before `now`: `90s`, `15m`, `2h`, `3d`, `1w`.
    ///
    /// # Errors
    /// A sentence that says which forms are taken.
    pub fn parse_or_ago(text: &str, now: Self) -> Result<Self, String> {
        if let Some(span) = parse_span(text) {
            return Ok(now.minus(span));
        }
        Self::parse(text).map_err(|_| {
            format!("{text:?} is not a time: use a span such as 15m, 2h or 3d, or RFC 3339 such as 2026-11-20T03:00:00Z")
        })
    }
}

/// `90s`, `15m`, `2h`, `3d`, `1w` as a duration; `None` for anything else.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let n: u64 = digits.parse().ok()?;
    let unit = match text.strip_prefix(digits)? {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    n.checked_mul(unit).filter(|s| *s <= 100 * 365 * 86_400).map(Duration::from_secs)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_absolute_times() {
        let now = Timestamp::from_millis(1_795_143_845_000);
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("1w", 604_800)] {
            assert_eq!(Timestamp::parse_or_ago(text, now).unwrap(), now.minus(Duration::from_secs(seconds)));
        }
        assert_eq!(Timestamp::parse_or_ago(&now.rfc3339(), now).unwrap(), now);
        for bad in ["", "h", "2", "2x", "-2h", "yesterday", "99999999999999999999h", "99999999999999999d"] {
            assert!(Timestamp::parse_or_ago(bad, now).unwrap_err().contains("15m"), "{bad}");
        }
    }

    #[test]
    fn round_trips_through_json() {
        let t = Timestamp::from_millis(1_795_143_845_123);
        let json = serde_json::to_string(&t).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), t);
        assert_eq!(t.clock().len(), 8);
    }
}
