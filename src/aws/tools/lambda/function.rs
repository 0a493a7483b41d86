//! A function as far as it is told of: never its environment.

use super::metrics::Usage;
use super::runtimes::{Support, support};
use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, PackageType, State};
use quarterdeck_core::Timestamp;

/// Errors of this share of the invocations, in percent, are a failing function.
const BAD: f64 = 1.0;
const TERRIBLE: f64 = 50.0;

/// What is kept of a function's configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Function {
    pub name: String,
    /// `None` for a container image.
    pub runtime: Option<String>,
    pub image: bool,
    pub memory: Option<i32>,
    pub timeout: Option<i32>,
    pub modified: Option<Timestamp>,
    /// Why it cannot run, or why its last update did not take effect.
    pub broken: Option<String>,
}

/// A function's reserved concurrency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserved {
    /// Not asked, or not answered.
    #[default]
    Unknown,
    /// It shares the account's.
    None,
    /// So many.
    Of(i32),
}

/// A region's limit and what was used of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Concurrent executions of all functions.
    pub limit: Option<i32>,
    /// What is left for functions without a reservation.
    pub unreserved: Option<i32>,
    /// The most at a time in the last hour.
    pub peak: Option<f64>,
    /// The same of functions without a reservation.
    pub unreserved_peak: Option<f64>,
}

/// How a function does, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It cannot run, or runs other code than it was given.
    Broken,
    /// Invocations are refused.
    Throttled,
    /// Invocations fail.
    Failing,
    /// No metrics.
    Unknown,
    /// It runs.
    Ok,
    /// Nobody called it in the last hour.
    Idle,
}

impl Health {
    /// The word in the `health` column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Throttled => "throttled",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Idle => "idle",
        }
    }

    /// Whether `only_failing` keeps it.
    pub const fn bad(self) -> bool {
        match self {
            Self::Broken | Self::Throttled | Self::Failing => true,
            Self::Unknown | Self::Ok | Self::Idle => false,
        }
    }
}

impl Function {
    /// What matters of `from`.
    pub fn of(from: FunctionConfiguration) -> Self {
        let image = from.package_type == Some(PackageType::Image);
        Self {
            broken: broken(&from),
            name: from.function_name.unwrap_or_default(),
            runtime: from.runtime.map(|r| r.as_str().to_owned()).filter(|_| !image),
            image,
            memory: from.memory_size,
            timeout: from.timeout,
            modified: from.last_modified.as_deref().and_then(moment),
        }
    }

    /// `python3.9 (deprecated since 2025-12-15)`, `container image`.
    pub fn runtime(&self, now: Timestamp) -> Option<String> {
        if self.image {
            return Some("container image".to_owned());
        }
        let name = self.runtime.as_deref()?;
        Some(match support(name, now) {
            Support::Ended(day) => format!("{name} (deprecated since {day})"),
            Support::Ending(day) => format!("{name} (deprecated from {day})"),
            Support::Fine => name.to_owned(),
        })
    }

    /// Whether its runtime is deprecated.
    pub fn deprecated(&self, now: Timestamp) -> bool {
        self.runtime.as_deref().is_some_and(|r| matches!(support(r, now), Support::Ended(_)))
    }

    /// How it does.
    pub fn health(&self, usage: Option<&Usage>) -> Health {
        match usage {
            _ if self.broken.is_some() => Health::Broken,
            None => Health::Unknown,
            Some(u) if u.throttles > 0.0 => Health::Throttled,
            Some(u) if u.errors > 0.0 => Health::Failing,
            Some(u) if u.invocations > 0.0 => Health::Ok,
            Some(_) => Health::Idle,
        }
    }

    /// For the model's order of rows.
    pub fn urgency(&self, usage: Option<&Usage>, now: Timestamp) -> u8 {
        let own = match (self.health(usage), usage) {
            (Health::Broken, _) => 3,
            (Health::Throttled, Some(u)) => {
                if u.throttles >= u.invocations {
                    3
                } else {
                    2
                }
            }
            (Health::Failing, Some(u)) => match u.error_rate() {
                rate if rate >= TERRIBLE => 3,
                rate if rate >= BAD => 2,
                _ => 1,
            },
            (Health::Throttled | Health::Failing | Health::Unknown | Health::Ok | Health::Idle, _) => 0,
        };
        own.max(u8::from(self.deprecated(now)))
    }

    /// What is wrong, in words; `None` when nothing is.
    pub fn why(&self, usage: Option<&Usage>, reserved: Reserved, account: &Account) -> Option<String> {
        let mut parts: Vec<String> = self.broken.iter().cloned().collect();
        if let Some(usage) = usage {
            if usage.throttles > 0.0 {
                parts.push(throttled(usage, reserved, account));
            }
            if usage.errors > 0.0 {
                parts.push(format!("{:.1} % of its invocations failed", usage.error_rate()));
            }
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Which limit was hit.
fn throttled(usage: &Usage, reserved: Reserved, account: &Account) -> String {
    let peak = usage.concurrent.unwrap_or_default();
    let reached = |peak: Option<f64>, limit: Option<i32>| match (peak, limit) {
        (Some(peak), Some(limit)) => peak >= f64::from(limit),
        _ => false,
    };
    match reserved {
        Reserved::Of(0) => "reserved concurrency is 0: every invocation is refused".to_owned(),
        Reserved::Of(n) if peak >= f64::from(n) => format!("throttled: its reserved concurrency of {n} was reached"),
        Reserved::Of(n) => format!(
            "throttled although at most {peak} of its reserved {n} ran at a time: a burst shorter than a minute, or it grew faster than Lambda scales"
        ),
        Reserved::None if reached(account.unreserved_peak, account.unreserved) => format!(
            "throttled: the account's unreserved concurrency of {} was reached",
            account.unreserved.unwrap_or_default()
        ),
        Reserved::None if reached(account.peak, account.limit) => {
            format!("throttled: the account's limit of {} was reached", account.limit.unwrap_or_default())
        }
        Reserved::None if account.limit.is_none() => {
            "throttled; it has no reserved concurrency, and the account's limit is not known".to_owned()
        }
        Reserved::None => {
            "throttled although the account's limit was not reached: a burst, or it grew faster than Lambda scales".to_owned()
        }
        Reserved::Unknown => "throttled; its reserved concurrency is not known".to_owned(),
    }
}

fn broken(of: &FunctionConfiguration) -> Option<String> {
    let because = |why: Option<&str>| why.map_or_else(String::new, |w| format!(": {w}"));
    if of.state == Some(State::Failed) {
        return Some(format!("it cannot run{}", because(of.state_reason())));
    }
    (of.last_update_status == Some(LastUpdateStatus::Failed)).then(|| {
        format!("its last update failed, older code runs{}", because(of.last_update_status_reason()))
    })
}

/// Lambda writes the offset without its colon.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.replace("+0000", "Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(invocations: f64, errors: f64, throttles: f64, concurrent: f64) -> Usage {
        Usage { invocations, errors, throttles, concurrent: Some(concurrent), p99: None }
    }

    const NOW: Timestamp = crate::testing::NOW;

    #[test]
    fn how_a_function_does() {
        let of = |runtime: &str, broken: Option<&str>| Function {
            runtime: Some(runtime.to_owned()),
            broken: broken.map(str::to_owned),
            ..Function::default()
        };
        let new = "python3.14";
        for (function, usage, health, urgency) in [
            (of(new, None), Some(usage(100.0, 0.0, 0.0, 1.0)), Health::Ok, 0),
            (of(new, None), Some(usage(0.0, 0.0, 0.0, 0.0)), Health::Idle, 0),
            (of(new, None), None, Health::Unknown, 0),
            (of(new, None), Some(usage(10_000.0, 1.0, 0.0, 1.0)), Health::Failing, 1),
            (of(new, None), Some(usage(100.0, 1.0, 0.0, 1.0)), Health::Failing, 2),
            (of(new, None), Some(usage(100.0, 50.0, 0.0, 1.0)), Health::Failing, 3),
            (of(new, None), Some(usage(100.0, 50.0, 1.0, 1.0)), Health::Throttled, 2),
            (of(new, None), Some(usage(0.0, 0.0, 9.0, 1.0)), Health::Throttled, 3),
            (of(new, Some("it cannot run")), Some(usage(9.0, 0.0, 0.0, 1.0)), Health::Broken, 3),
            (of("python3.9", None), Some(usage(9.0, 0.0, 0.0, 1.0)), Health::Ok, 1),
            (of("python3.9", None), None, Health::Unknown, 1),
        ] {
            assert_eq!(function.health(usage.as_ref()), health, "{function:?} {usage:?}");
            assert_eq!(function.urgency(usage.as_ref(), NOW), urgency, "{function:?} {usage:?}");
        }
    }

    #[test]
    fn which_limit_was_hit() {
        let account = |limit, unreserved, peak, own| Account {
            limit: Some(limit),
            unreserved: Some(unreserved),
            peak: Some(peak),
            unreserved_peak: Some(own),
        };
        let calm = || account(1_000, 900, 200.0, 150.0);
        for (reserved, peak, account, says) in [
            (Reserved::Of(0), 0.0, calm(), "every invocation is refused"),
            (Reserved::Of(10), 10.0, calm(), "its reserved concurrency of 10 was reached"),
            (Reserved::Of(10), 4.0, calm(), "at most 4 of its reserved 10"),
            (
                Reserved::None,
                400.0,
                account(1_000, 900, 950.0, 900.0),
                "unreserved concurrency of 900 was reached",
            ),
            (
                Reserved::None,
                400.0,
                account(1_000, 1_000, 1_000.0, 700.0),
                "the account's limit of 1000 was reached",
            ),
            (Reserved::None, 4.0, calm(), "limit was not reached"),
            (Reserved::None, 4.0, Account::default(), "limit is not known"),
            (Reserved::Unknown, 4.0, calm(), "reserved concurrency is not known"),
        ] {
            let why = Function::default().why(Some(&usage(9.0, 0.0, 1.0, peak)), reserved, &account).unwrap();
            assert!(why.contains(says), "{reserved:?}: {why}");
        }
        assert_eq!(Function::default().why(Some(&usage(9.0, 0.0, 0.0, 1.0)), Reserved::None, &calm()), None);
    }

    #[test]
    fn what_is_kept_of_a_configuration() {
        use aws_sdk_lambda::types::{EnvironmentResponse, Runtime};
        let secret = EnvironmentResponse::builder().variables("DB_PASSWORD", "hunter2hunter2").build();
        let from = FunctionConfiguration::builder()
            .function_name("resize")
            .runtime(Runtime::Python39)
            .environment(secret)
            .last_modified("2026-11-19T22:26:39.000+0000")
            .last_update_status(LastUpdateStatus::Failed)
            .last_update_status_reason("the subnet is gone")
            .build();
        let function = Function::of(from);
        assert!(!format!("{function:?}").contains("hunter2"));
        assert_eq!(function.modified.unwrap().rfc3339(), "2026-11-19T22:26:39Z");
        assert_eq!(
            function.broken.as_deref(),
            Some("its last update failed, older code runs: the subnet is gone")
        );
        assert_eq!(function.runtime(NOW).as_deref(), Some("python3.9 (deprecated since 2025-12-15)"));
        let image =
            FunctionConfiguration::builder().package_type(PackageType::Image).state(State::Failed).build();
        let function = Function::of(image);
        assert_eq!(function.runtime(NOW).as_deref(), Some("container image"));
        assert_eq!(function.broken.as_deref(), Some("it cannot run"));
    }
}
