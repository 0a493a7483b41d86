//! How long a tool reads page after page: half an answer in time beats none.

use crate::fault::{self, Status};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::error::Error;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// After this long no further page is asked for.
const ASK: Duration = Duration::from_secs(17);
/// After this long no answer is waited for: before the whole region is given up, which would
/// lose what was read of it.
const WAIT: Duration = Duration::from_secs(23);

/// Begins with the call, for all its regions.
#[derive(Clone, Copy, Debug)]
pub struct Patience(Instant);

impl Patience {
    /// From now on.
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether it is time to be content with what was read.
    pub fn is_over(self) -> bool {
        self.0.elapsed() > ASK
    }

    /// Waits for a page.
    ///
    /// # Errors
    /// The SDK's own, or `timeout`.
    pub async fn page<T, E, R>(
        self,
        sent: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, Failure<E, R>> {
        match tokio::time::timeout(WAIT.saturating_sub(self.0.elapsed()), sent).await {
            Ok(answer) => answer.map_err(|e| Failure::Aws(Box::new(e))),
            Err(_) => Err(Failure::TooLate),
        }
    }
}

/// Why a page did not come.
#[derive(Debug)]
pub enum Failure<E, R> {
    /// AWS said so.
    Aws(Box<SdkError<E, R>>),
    /// Patience ended first.
    TooLate,
}

impl<E: ProvideErrorMetadata + Error + 'static, R: Status> Failure<E, R> {
    /// As a fault.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Aws(error) => fault::of(error),
            Self::TooLate => {
                Fault::new(FaultKind::Timeout, "no answer in time; AWS may be throttling requests here")
                    .hint("ask for less: fewer regions, a shorter period")
            }
        }
    }

    /// The service's own error.
    pub fn service(&self) -> Option<&E> {
        match self {
            Self::Aws(error) => error.as_service_error(),
            Self::TooLate => None,
        }
    }
}
