//! When AWS deprecates which runtime: data, judged against the clock of the call.
//!
//! As AWS's developer guide ("Lambda runtimes") had it in mid-2026. AWS moves dates to later ones now and then, so a date
//! is told with the verdict; runtimes that are not in the table are not judged.

use quarterdeck_core::Timestamp;
use std::time::Duration;

/// A runtime whose deprecation is this near is told of.
const SOON: Duration = Duration::from_secs(180 * 86_400);

/// Identifier and date of deprecation.
const TABLE: &[(&str, &str)] = &[
    ("dotnet10", "2028-11-14"),
    ("dotnet6", "2024-12-20"),
    ("dotnet8", "2026-11-10"),
    ("dotnetcore1.0", "2019-06-27"),
    ("dotnetcore2.0", "2019-05-30"),
    ("dotnetcore2.1", "2022-01-05"),
    ("dotnetcore3.1", "2023-04-03"),
    ("go1.x", "2024-01-08"),
    ("java11", "2027-06-30"),
    ("java17", "2027-06-30"),
    ("java21", "2029-06-30"),
    ("java25", "2029-06-30"),
    ("java8", "2024-01-08"),
    ("java8.al2", "2027-06-30"),
    ("nodejs", "2016-10-31"),
    ("nodejs10.x", "2021-07-30"),
    ("nodejs12.x", "2023-03-31"),
    ("nodejs14.x", "2023-12-04"),
    ("nodejs16.x", "2024-06-12"),
    ("nodejs18.x", "2025-09-01"),
    ("nodejs20.x", "2026-04-30"),
    ("nodejs22.x", "2027-04-30"),
    ("nodejs24.x", "2028-04-30"),
    ("nodejs4.3", "2020-03-05"),
    ("nodejs4.3-edge", "2019-04-30"),
    ("nodejs6.10", "2019-08-12"),
    ("nodejs8.10", "2020-03-06"),
    ("provided", "2024-01-08"),
    ("provided.al2", "2026-07-31"),
    ("provided.al2023", "2029-06-30"),
    ("python2.7", "2021-07-15"),
    ("python3.10", "2026-10-31"),
    ("python3.11", "2027-06-30"),
    ("python3.12", "2028-10-31"),
    ("python3.13", "2029-06-30"),
    ("python3.14", "2029-06-30"),
    ("python3.6", "2022-07-18"),
    ("python3.7", "2023-12-04"),
    ("python3.8", "2024-10-14"),
    ("python3.9", "2025-12-15"),
    ("ruby2.5", "2021-07-30"),
    ("ruby2.7", "2023-12-07"),
    ("ruby3.2", "2026-03-31"),
    ("ruby3.3", "2027-03-31"),
    ("ruby3.4", "2028-03-31"),
];

/// What is known of a runtime's support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Deprecated since that day: no more security patches, then no more updates of functions.
    Ended(&'static str),
    /// Ends on that day, soon.
    Ending(&'static str),
    /// Supported, or not in the table.
    Fine,
}

/// The support of `runtime` at `now`.
pub fn support(runtime: &str, now: Timestamp) -> Support {
    let Some((_, day)) = TABLE.iter().find(|(name, _)| *name == runtime) else { return Support::Fine };
    let Ok(end) = Timestamp::parse(&format!("{day}T00:00:00Z")) else { return Support::Fine };
    if end <= now {
        Support::Ended(day)
    } else if end.since(now) <= SOON {
        Support::Ending(day)
    } else {
        Support::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judged_against_the_clock() {
        let at = |day: &str| Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap();
        for (runtime, day, want) in [
            ("python3.9", "2026-11-20", Support::Ended("2025-12-15")),
            ("python3.9", "2025-12-15", Support::Ended("2025-12-15")),
            ("python3.9", "2025-12-14", Support::Ending("2025-12-15")),
            ("python3.9", "2025-01-01", Support::Fine),
            ("dotnet8", "2026-11-09", Support::Ending("2026-11-10")),
            ("nodejs22.x", "2026-11-20", Support::Ending("2027-04-30")),
            ("python3.14", "2026-11-20", Support::Fine),
            ("cobol85", "2026-11-20", Support::Fine),
        ] {
            assert_eq!(support(runtime, at(day)), want, "{runtime} {day}");
        }
    }

    #[test]
    fn every_date_is_one_and_every_name_is_the_sdks() {
        for (runtime, day) in TABLE {
            assert!(Timestamp::parse(&format!("{day}T00:00:00Z")).is_ok(), "{runtime} {day}");
            let known = aws_sdk_lambda::types::Runtime::values().contains(runtime);
            assert!(known || *runtime == "ruby2.7", "{runtime}");
        }
        let mut names: Vec<_> = TABLE.iter().map(|(n, _)| n).collect();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        assert!(names.is_sorted());
    }
}
