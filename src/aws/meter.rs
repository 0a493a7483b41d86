//! Counts the requests of one call.

use crate::fault;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quarterdeck_core::journal::CallStats;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Shared by all clients of one call.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU32,
    retries: AtomicU32,
    unsent: AtomicU32,
    undone: AtomicBool,
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

    /// Whether what was sent has changed nothing that stays: a transfer that is not put together, or was called off.
    pub fn called_off(&self, undone: bool) {
        self.0.undone.store(undone, Ordering::Relaxed);
    }

    /// Whether any request may have reached AWS and left something: not those whose connection was never made.
    #[must_use]
    pub fn reached_aws(&self) -> bool {
        if self.0.undone.load(Ordering::Relaxed) {
            return false;
        }
        self.0.requests.load(Ordering::Relaxed) > self.0.unsent.load(Ordering::Relaxed)
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

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let error = context.output_or_error().and_then(Result::err);
        if error.and_then(|e| e.as_connector_error()).is_some_and(|e| fault::never_sent(e)) {
            self.0.unsent.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
