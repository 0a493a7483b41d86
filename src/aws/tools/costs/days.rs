//! Costs are counted in days, UTC: from a first day until before another.

use crate::given::shown;
use crate::tools::reading::words::plural;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::fmt;
use time::{Date, Duration, Month, OffsetDateTime};

/// Longest period: what Cost Explorer keeps of months at most (38 of them).
const LONGEST: i64 = 38 * 31;

/// From `from` until before `until`, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
}

impl Days {
    /// What `since` and `until` mean at `now`: a day, a time (its day), or a span before now. The days end before today
    /// unless `until` says otherwise, because today is not over; when `since` is today, today is in. `since` is
    /// `default` days before the end unless given. No day is in the future.
    ///
    /// # Errors
    /// `invalid`: one cannot be read, the end is not after the beginning, or the period is too long.
    pub fn of(since: Option<&str>, until: Option<&str>, default: i64, now: Timestamp) -> Result<Self, Fault> {
        let today = day_of(now);
        let tomorrow = after(today, 1);
        let from = since.map(|text| moment("since", text, now)).transpose()?.map(day_of);
        let until = match until.map(|text| moment("until", text, now)).transpose()? {
            Some(at) => end_of(at).min(tomorrow),
            None if from == Some(today) => tomorrow,
            None => today,
        };
        let from = from.unwrap_or_else(|| after(until, -default));
        if from >= until {
            let said = if from > today {
                format!("the period begins on {from}, which is in the future")
            } else {
                format!("the period ends before {until}, on or before its first day {from}")
            };
            return Err(Fault::new(FaultKind::Invalid, said)
                .hint("send since=30d, or since=2026-10-01 with until=2026-11-01: `until` is the day after the last"));
        }
        let days = Self { from, until };
        if days.count() > LONGEST {
            return Err(Fault::new(FaultKind::Invalid, format!("{} days are too many", days.count()))
                .hint("Cost Explorer keeps 14 months by day and 38 by month: send since=365d"));
        }
        Ok(days)
    }

    /// Whether both can be read at all; needs no clock.
    ///
    /// # Errors
    /// `invalid`: one cannot be read.
    pub fn check(since: Option<&str>, until: Option<&str>) -> Result<(), Fault> {
        let read =
            |field, text: Option<&str>| text.map(|t| moment(field, t, Timestamp::default())).transpose();
        read("since", since)?;
        read("until", until).map(drop)
    }

    /// How many days.
    pub fn count(self) -> i64 {
        (self.until - self.from).whole_days()
    }

    /// Whether `day` is one of them.
    pub fn contains(self, day: Date) -> bool {
        self.from <= day && day < self.until
    }

    /// As many days right before these.
    pub fn before(self) -> Self {
        Self { from: after(self.from, -self.count()), until: self.from }
    }

    /// The months before these, when these are whole months; else as [`Days::before`].
    pub fn months_before(self) -> Self {
        if self.from.day() != 1 || self.until.day() != 1 {
            return self.before();
        }
        let index = |day: Date| day.year() * 12 + i32::from(u8::from(day.month())) - 1;
        Self { from: month_start(index(self.from) * 2 - index(self.until)), until: self.from }
    }

    /// The last day.
    pub fn last(self) -> Date {
        after(self.until, -1)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = plural(usize::try_from(self.count()).unwrap_or(0), "day");
        if self.count() == 1 {
            return write!(f, "on {} (1 day)", self.from);
        }
        write!(f, "from {} through {} ({count})", self.from, self.last())
    }
}

/// The day of a moment, UTC.
pub fn day_of(at: Timestamp) -> Date {
    let seconds = at.millis().div_euclid(1_000);
    OffsetDateTime::from_unix_timestamp(seconds).map_or(Date::MIN, OffsetDateTime::date)
}

/// The beginning of a day.
pub fn midnight(day: Date) -> Timestamp {
    Timestamp::from_millis(day.midnight().assume_utc().unix_timestamp() * 1_000)
}

/// A day as Cost Explorer writes it: `2026-11-20`, also with a time behind.
pub fn read_day(text: &str) -> Option<Date> {
    let mut parts = text.get(..10)?.split('-');
    let year = parts.next().filter(|y| y.len() == 4)?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

/// So many days after `day`.
pub fn after(day: Date, days: i64) -> Date {
    day.checked_add(Duration::days(days)).unwrap_or(day)
}

/// The first day of the month that is `months` after the one of `day`.
pub fn first_of_month(day: Date, months: i32) -> Date {
    month_start(day.year() * 12 + i32::from(u8::from(day.month())) - 1 + months)
}

/// The first day of a month, counted from year 0.
fn month_start(index: i32) -> Date {
    let month = u8::try_from(index.rem_euclid(12) + 1).ok().and_then(|m| Month::try_from(m).ok());
    Date::from_calendar_date(index.div_euclid(12), month.unwrap_or(Month::January), 1).unwrap_or(Date::MIN)
}

/// The day after the last one that a period up to `at` touches.
fn end_of(at: Timestamp) -> Date {
    let day = day_of(at);
    if midnight(day) == at { day } else { after(day, 1) }
}

fn moment(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let wrong = || {
        Fault::new(FaultKind::Invalid, format!("`{field}`: {} is not a day", shown(text)))
            .hint("send a day such as 2026-11-01, a span such as 7d or 30d, or RFC 3339 such as 2026-11-01T00:00:00Z")
    };
    if text.len() == 10
        && let Some(day) = read_day(text)
    {
        return Ok(midnight(day));
    }
    Timestamp::parse_or_ago(text, now).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    /// NOW is 2026-11-20T03:04:05Z.
    #[test]
    fn periods_are_whole_days() {
        for (since, until, want) in [
            (None, None, "from 2026-10-21 through 2026-11-19 (30 days)"),
            (Some("7d"), None, "from 2026-11-13 through 2026-11-19 (7 days)"),
            (Some("1d"), None, "on 2026-11-19 (1 day)"),
            // Today only where it is asked for.
            (Some("2h"), None, "on 2026-11-20 (1 day)"),
            (Some("4h"), None, "on 2026-11-19 (1 day)"),
            (Some("2026-11-20"), None, "on 2026-11-20 (1 day)"),
            (Some("7d"), Some("0s"), "from 2026-11-13 through 2026-11-20 (8 days)"),
            // The end is exclusive as a day, inclusive as a moment within one.
            (Some("2026-10-01"), Some("2026-11-01"), "from 2026-10-01 through 2026-10-31 (31 days)"),
            (
                Some("2026-10-01"),
                Some("2026-10-31T12:00:00Z"),
                "from 2026-10-01 through 2026-10-31 (31 days)",
            ),
            (None, Some("2026-03-01"), "from 2026-01-30 through 2026-02-28 (30 days)"),
            // UTC, whatever the offset.
            (Some("2026-11-01T23:00:00-05:00"), Some("2026-11-03"), "on 2026-11-02 (1 day)"),
            // Not beyond today.
            (Some("2026-11-01"), Some("2026-12-01"), "from 2026-11-01 through 2026-11-20 (20 days)"),
            (Some("2024-02-28"), Some("2024-03-01"), "from 2024-02-28 through 2024-02-29 (2 days)"),
        ] {
            assert_eq!(Days::of(since, until, 30, NOW).unwrap().to_string(), want, "{since:?} {until:?}");
        }
        for (since, until) in [
            (Some("2026-11-21"), None),
            (Some("2026-11-10"), Some("2026-11-10")),
            (Some("3d"), Some("5d")),
            (Some("yesterday"), None),
            (Some("2026-02-30"), None),
            (Some("2026-1-1"), None),
            (None, Some("*")),
            (Some("2000-01-01"), None),
        ] {
            let fault = Days::of(since, until, 30, NOW).unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{since:?} {until:?}: {fault}");
        }
        assert!(Days::check(Some("x"), None).is_err() && Days::check(Some("2h"), Some("2026-11-01")).is_ok());
    }

    #[test]
    fn what_is_compared_with() {
        let days =
            |from: &str, until: &str| Days { from: read_day(from).unwrap(), until: read_day(until).unwrap() };
        for (from, until, before, months) in [
            ("2026-11-13", "2026-11-20", "from 2026-11-06 through 2026-11-12 (7 days)", None),
            ("2026-03-01", "2026-03-31", "from 2026-01-30 through 2026-02-28 (30 days)", None),
            (
                "2026-11-01",
                "2026-12-01",
                "from 2026-10-02 through 2026-10-31 (30 days)",
                Some("from 2026-10-01 through 2026-10-31 (31 days)"),
            ),
            (
                "2026-01-01",
                "2026-03-01",
                "from 2025-11-03 through 2025-12-31 (59 days)",
                Some("from 2025-11-01 through 2025-12-31 (61 days)"),
            ),
            (
                "2026-03-01",
                "2026-04-01",
                "from 2026-01-29 through 2026-02-28 (31 days)",
                Some("from 2026-02-01 through 2026-02-28 (28 days)"),
            ),
            ("2026-01-01", "2026-01-02", "on 2025-12-31 (1 day)", None),
        ] {
            let asked = days(from, until);
            assert_eq!(asked.before().to_string(), before);
            assert_eq!(asked.months_before().to_string(), months.unwrap_or(before));
        }
        assert_eq!(first_of_month(read_day("2026-12-31").unwrap(), 1).to_string(), "2027-01-01");
        assert_eq!(first_of_month(read_day("2026-01-31").unwrap(), -1).to_string(), "2025-12-01");
    }
}
