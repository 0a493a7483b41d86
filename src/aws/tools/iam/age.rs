//! Access keys: how old, how used, and what to think of it. Pure.

use super::risk::Risk;
use quarterdeck_core::Timestamp;

/// Milliseconds of a day.
const DAY: u128 = 86_400_000;

/// When something was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Never, as far back as AWS keeps track.
    Never,
    /// Then.
    At(Timestamp),
    /// It could not be read.
    NotKnown,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can.
    Active,
    /// It was switched off.
    Inactive,
    /// It exists; which of the two is not known.
    Present,
}

impl Status {
    /// As AWS names it; `None` where it is not known.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Active => Some("Active"),
            Self::Inactive => Some("Inactive"),
            Self::Present => None,
        }
    }
}

/// One access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose.
    pub user: String,
    /// Whether it is the root account's.
    pub root: bool,
    /// Its id, where it was read: the credential report has none.
    pub id: Option<String>,
    /// Whether it can be used.
    pub status: Status,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last used.
    pub used: Used,
}

/// Whole days from `then` to `now`: how many times 24 hours have passed, in UTC, so that a change of clocks in some
/// country makes no day longer. Zero when `then` is later.
pub fn days(then: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.since(then).as_millis() / DAY).unwrap_or(u64::MAX)
}

impl Key {
    /// Its age in whole days.
    pub fn age(&self, now: Timestamp) -> Option<u64> {
        self.created.map(|created| days(created, now))
    }

    /// What to think of it, and why. Over the limit is more whole days than `max_age_days`: on the day it reaches the
    /// limit a key is still within it.
    pub fn judge(&self, max_age_days: u64, now: Timestamp) -> (Risk, String) {
        let age = self.age(now);
        let old = age.is_some_and(|age| age > max_age_days);
        let never = self.used == Used::Never;
        if self.root {
            return (Risk::Critical, "the root account has an access key: delete it".to_owned());
        }
        let aged = || age.map_or_else(String::new, |age| format!("{age} days old, over {max_age_days}"));
        match self.status {
            Status::Inactive => (Risk::Low, "inactive: delete it".to_owned()),
            Status::Active | Status::Present if old && never => {
                (Risk::High, format!("{} and never used: delete it", aged()))
            }
            Status::Active | Status::Present if old => (Risk::High, format!("{}: rotate it", aged())),
            Status::Active | Status::Present if never => {
                (Risk::Medium, "active and never used: delete it unless it is about to be".to_owned())
            }
            Status::Active | Status::Present if age.is_none() => {
                (Risk::Medium, "its age is not known".to_owned())
            }
            Status::Active | Status::Present => (Risk::Ok, String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn whole_days_in_utc() {
        for (then, now, want) in [
            ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z", 0),
            ("2026-11-19T23:59:59Z", "2026-11-20T00:00:00Z", 0),
            ("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", 1),
            ("2026-11-19T00:00:01Z", "2026-11-20T00:00:00Z", 0),
            ("2026-08-22T00:00:00Z", "2026-11-20T00:00:00Z", 90),
            ("2026-08-21T00:00:01Z", "2026-11-20T00:00:00Z", 90),
            ("2026-08-21T00:00:00Z", "2026-11-20T00:00:00Z", 91),
            // Written with an offset, it is the same moment.
            ("2026-08-22T02:00:00+02:00", "2026-11-20T00:00:00Z", 90),
            // A leap day counts.
            ("2028-02-28T12:00:00Z", "2028-03-01T12:00:00Z", 2),
            // Clocks that disagree.
            ("2026-11-21T00:00:00Z", "2026-11-20T00:00:00Z", 0),
        ] {
            assert_eq!(days(at(then), at(now)), want, "{then} to {now}");
        }
    }

    #[test]
    fn judgements() {
        let now = at("2026-11-20T00:00:00Z");
        let ago = |days: u64| Some(now.minus(std::time::Duration::from_secs(days * 86_400)));
        let yesterday = Used::At(at("2026-11-19T00:00:00Z"));
        use Status::{Active, Inactive, Present};
        for (root, status, created, used, risk, says) in [
            (false, Active, ago(91), yesterday, Risk::High, "91 days old, over 90: rotate"),
            (false, Active, ago(90), yesterday, Risk::Ok, ""),
            (false, Active, ago(0), yesterday, Risk::Ok, ""),
            (false, Active, ago(91), Used::Never, Risk::High, "never used"),
            (false, Active, ago(90), Used::Never, Risk::Medium, "never used"),
            (false, Active, ago(0), Used::Never, Risk::Medium, "never used"),
            (false, Active, ago(10), Used::NotKnown, Risk::Ok, ""),
            (false, Active, ago(400), Used::NotKnown, Risk::High, "rotate"),
            (false, Active, None, yesterday, Risk::Medium, "not known"),
            (false, Inactive, ago(400), yesterday, Risk::Low, "delete it"),
            (false, Inactive, ago(1), Used::Never, Risk::Low, "delete it"),
            (false, Inactive, None, Used::NotKnown, Risk::Low, "delete it"),
            (true, Active, ago(1), yesterday, Risk::Critical, "root"),
            (true, Inactive, ago(1), Used::Never, Risk::Critical, "root"),
            (true, Present, None, Used::NotKnown, Risk::Critical, "root"),
        ] {
            let key = Key { user: "u".into(), root, id: None, status, created, used };
            let (got, why) = key.judge(90, now);
            assert_eq!(got, risk, "{key:?}: {why}");
            assert!(why.contains(says) && (why.is_empty() == says.is_empty()), "{key:?}: {why}");
        }
        let key = Key {
            user: "u".into(),
            root: false,
            id: None,
            status: Active,
            created: ago(31),
            used: yesterday,
        };
        assert_eq!(
            (key.judge(30, now).0, key.judge(31, now).0),
            (Risk::High, Risk::Ok),
            "the limit is the caller's"
        );
    }
}
