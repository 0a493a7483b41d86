//! SDK errors as faults.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind};

/// The fault an SDK error stands for: denied with the IAM action, throttled, expired, missing, ...
#[must_use]
pub fn of<E, R>(error: &SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    Fault::new(FaultKind::Unavailable, error.to_string())
}
