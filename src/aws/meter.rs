//! Counts the requests of one call.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quarterdeck_core::journal::CallStats;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Shared by all clients of one call.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU32,
    retries: AtomicU32,
}

impl Meter {
    /// What was sent so far.
    #[must_use]
    pub fn read(&self) -> CallStats {
        CallStats {
            requests: self.0.requests.load(Ordering::Relaxed),
            retries: self.0.retries.load(Ordering::Relaxed),
        }
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "QuarterdeckMeter"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        if cfg.load::<RequestAttempts>().is_some_and(|a| a.attempts() > 1) {
            self.0.retries.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
