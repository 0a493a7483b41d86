//! The allow-list of operations, enforced inside the SDK.
//!
//! Every client the console builds carries a [`Guard`]. It refuses in `read_before_serialization`, the first hook
//! that knows the operation, so a refused operation is never even serialized. Without operation metadata it
//! refuses too.

use aws_sdk_ec2::operation::{start_instances::StartInstancesInput, stop_instances::StopInstancesInput};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, Input,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quarterdeck_core::tool::Op;

/// Why the guard refused. Found in the error's source chain and told as a fault of its own kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The tool does not list the operation.
    #[error("{by} may not call {service}.{operation}: it is not among its operations")]
    NotListed {
        /// The tool.
        by: &'static str,
        /// The service's id.
        service: String,
        /// The operation.
        operation: String,
    },
    /// The operation is listed as a dry run only and the request is not one.
    #[error("{by} may call {service}.{operation} only as a dry run")]
    NotADryRun {
        /// The tool.
        by: &'static str,
        /// The service's id.
        service: String,
        /// The operation.
        operation: String,
    },
    /// The SDK did not say which operation it is.
    #[error("{by} made a call that does not say which operation it is")]
    Nameless {
        /// The tool.
        by: &'static str,
    },
    /// The account a call names was never resolved.
    #[error("{by} named an account whose configuration is not loaded")]
    NoAccount {
        /// The tool.
        by: &'static str,
    },
}

/// Lets the listed operations pass and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    by: &'static str,
    ops: Option<&'static [Op]>,
}

impl Guard {
    /// A guard that lets `by` call `ops`.
    #[must_use]
    pub const fn new(by: &'static str, ops: &'static [Op]) -> Self {
        Self { by, ops: Some(ops) }
    }

    /// A guard that refuses everything, for a place that was not resolved.
    #[must_use]
    pub const fn closed(by: &'static str) -> Self {
        Self { by, ops: None }
    }

    fn judge(&self, metadata: Option<&Metadata>, input: &Input) -> Result<(), Refused> {
        let by = self.by;
        let Some(ops) = self.ops else { return Err(Refused::NoAccount { by }) };
        let Some(metadata) = metadata else { return Err(Refused::Nameless { by }) };
        let (service, operation) = (metadata.service(), metadata.name());
        let mut listed = ops.iter().filter(|op| op.service == service && op.name == operation).peekable();
        if listed.peek().is_none() {
            return Err(Refused::NotListed {
                by,
                service: service.to_owned(),
                operation: operation.to_owned(),
            });
        }
        if listed.all(|op| op.dry_run_only) && !is_dry_run(input) {
            return Err(Refused::NotADryRun {
                by,
                service: service.to_owned(),
                operation: operation.to_owned(),
            });
        }
        Ok(())
    }
}

/// Whether the typed input is one that is known to ask for a dry run. Anything unknown is not.
fn is_dry_run(input: &Input) -> bool {
    let stop = input.downcast_ref::<StopInstancesInput>().and_then(StopInstancesInput::dry_run);
    let start = input.downcast_ref::<StartInstancesInput>().and_then(StartInstancesInput::dry_run);
    stop.or(start) == Some(true)
}

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "QuarterdeckGuard"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.judge(cfg.load::<Metadata>(), context.input()).map_err(Into::into)
    }
}
