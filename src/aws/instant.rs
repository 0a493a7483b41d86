//! The SDK's points in time as the console's.

use aws_smithy_types::DateTime;
use quarterdeck_core::Timestamp;

/// `at` in milliseconds; `None` where AWS sent none or one out of range.
#[must_use]
pub fn of(at: Option<&DateTime>) -> Option<Timestamp> {
    at.and_then(|at| at.to_millis().ok()).map(Timestamp::from_millis)
}
