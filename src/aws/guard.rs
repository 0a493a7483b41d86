//! The allow-list of operations, enforced inside the SDK.
//!
//! Every client the console builds carries a [`Guard`]. It refuses in `read_before_serialization`, the first hook
//! that knows the operation, so a refused operation is never even serialized. Without operation metadata it
//! refuses too.

use aws_sdk_ec2::operation::authorize_security_group_ingress::AuthorizeSecurityGroupIngressInput;
use aws_sdk_ec2::operation::revoke_security_group_ingress::RevokeSecurityGroupIngressInput;
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
    /// A probe sends each operation once, and none that is billed.
    #[error("a probe does not send {service}.{operation}: {why}")]
    Unprobed {
        /// The service's id.
        service: String,
        /// The operation.
        operation: String,
        /// Why not.
        why: &'static str,
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
    let revoke = input
        .downcast_ref::<RevokeSecurityGroupIngressInput>()
        .and_then(RevokeSecurityGroupIngressInput::dry_run);
    let authorize = input
        .downcast_ref::<AuthorizeSecurityGroupIngressInput>()
        .and_then(AuthorizeSecurityGroupIngressInput::dry_run);
    stop.or(start).or(revoke).or(authorize) == Some(true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;
    use crate::place::Place;
    use crate::testing::Canned;
    use quarterdeck_core::tool::{FaultKind, RegionRule, Spec};
    use std::time::Duration;

    static SPEC: Spec = Spec {
        name: "a_tool",
        description: "",
        reads: &[
            Op::new("EC2", "DescribeInstances", &["ec2:DescribeInstances"]),
            Op::dry_run("EC2", "StopInstances", &["ec2:StopInstances"]),
            // Not one whose dry run the guard can tell.
            Op::dry_run("EC2", "RebootInstances", &["ec2:RebootInstances"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };

    fn here() -> Place {
        Place { account: None, region: "eu-west-1".to_owned() }
    }

    #[tokio::test]
    async fn an_operation_that_is_not_listed_is_never_sent() {
        let canned = Canned::new();
        let aws = canned.reads(&SPEC).await;
        let error = aws
            .ec2(&here())
            .terminate_instances()
            .instance_ids("i-0123456789abcdef0")
            .send()
            .await
            .unwrap_err();
        assert!(matches!(error, aws_sdk_ec2::error::SdkError::ConstructionFailure(_)), "{error:?}");
        assert_eq!(fault::of(&error).kind, FaultKind::Guard);
        let error = aws.ecs(&here()).list_clusters().send().await.unwrap_err();
        assert_eq!(fault::of(&error).kind, FaultKind::Guard);
        assert_eq!(canned.operations(), Vec::<String>::new());
        assert_eq!(aws.stats().requests, 0);
    }

    #[tokio::test]
    async fn a_dry_run_operation_goes_out_only_as_one() {
        let canned = Canned::new().on("ec2", "StopInstances", "<StopInstancesResponse/>");
        let aws = canned.reads(&SPEC).await;
        let stop = || aws.ec2(&here()).stop_instances().instance_ids("i-0123456789abcdef0");
        for unsure in [stop(), stop().dry_run(false)] {
            assert_eq!(fault::of(&unsure.send().await.unwrap_err()).kind, FaultKind::Guard);
        }
        let reboot = aws.ec2(&here()).reboot_instances().instance_ids("i-0123456789abcdef0").dry_run(true);
        assert_eq!(fault::of(&reboot.send().await.unwrap_err()).kind, FaultKind::Guard);
        assert_eq!(canned.operations(), Vec::<String>::new());
        stop().dry_run(true).send().await.unwrap();
        assert_eq!(canned.operations(), ["StopInstances"]);
        assert!(canned.sent()[0].body.contains("DryRun=true"));
    }

    #[tokio::test]
    async fn an_account_that_was_not_resolved_gets_nothing_sent() {
        let canned = Canned::new().on("ec2", "DescribeInstances", "<DescribeInstancesResponse/>");
        let aws = canned.reads(&SPEC).await;
        let place = Place { account: Some("staging".to_owned()), ..here() };
        let error = aws.ec2(&place).describe_instances().send().await.unwrap_err();
        assert_eq!(fault::of(&error).kind, FaultKind::Guard, "{error:?}");
        assert_eq!(canned.operations(), Vec::<String>::new());
        aws.ec2(&here()).describe_instances().send().await.unwrap();
        assert_eq!(aws.stats().requests, 1);
    }

    #[test]
    fn without_metadata_it_refuses() {
        let input = Input::erase(());
        let guard = Guard::new("a_tool", SPEC.reads);
        assert_eq!(guard.judge(None, &input), Err(Refused::Nameless { by: "a_tool" }));
        let known = Metadata::new("DescribeInstances", "EC2");
        assert_eq!(guard.judge(Some(&known), &input), Ok(()));
        let elsewhere = Metadata::new("DescribeInstances", "SSM");
        assert!(guard.judge(Some(&elsewhere), &input).is_err(), "the service counts too");
    }
}
