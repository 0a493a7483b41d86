//! The services and how a client for each is built: guarded, metered, with the console's timeouts and retries.

use crate::clients::{ReadClients, WriteClients};
use crate::guard::Guard;
use crate::meter::Meter;
use crate::place::Place;
use crate::probe::Sparing;
use crate::unprefixed::Unprefixed;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::{RetryConfig, RetrySpec};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use std::time::Duration;

/// Attempts of a read, the first included.
const ATTEMPTS: u32 = 4;
/// To connect.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// For one attempt, up to the head of its answer.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(10);
/// For one attempt that carries a part of a file: what ends a slow line is [`STALLED`].
const TRANSFER: Duration = Duration::from_secs(15 * 60);
/// A line over which nothing moves for this long is given up.
const STALLED: Duration = Duration::from_secs(20);

/// How a client behaves beyond its service: what it may call, how often it tries.
pub(crate) struct Manner {
    guard: Guard,
    meter: Meter,
    probe: Option<Sparing>,
    pub(crate) retry: RetryConfig,
    partition: RetryPartition,
}

/// Reads retry adaptively; what one region throttles slows nothing else down. The adaptive mode of retry behaviour
/// 2.0, the default, makes a retry wait for five tokens of a bucket that holds one: a throttled read never ended.
fn reading(guard: Guard, meter: Meter, service: &str, account: Option<&str>, region: &str) -> Manner {
    let partition = RetryPartition::new(format!("{}/{region}/{service}", account.unwrap_or_default()));
    let retry = RetryConfig::adaptive().with_max_attempts(ATTEMPTS).with_retry_spec(RetrySpec::v2_1());
    Manner { guard, meter, probe: None, retry, partition }
}

/// A change is attempted once.
pub(crate) fn writing(guard: Guard, meter: Meter) -> Manner {
    Manner {
        guard,
        meter,
        probe: None,
        retry: RetryConfig::disabled(),
        partition: RetryPartition::new("writes"),
    }
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(attempt).build()
}

/// The one function per service that builds a client.
macro_rules! build {
    ($sdk:ident, $config:expr, $region:expr, $manner:expr) => {
        build!($sdk, $config, $region, $manner, ATTEMPT)
    };
    ($sdk:ident, $config:expr, $region:expr, $manner:expr, $attempt:expr) => {{
        let manner: Manner = $manner;
        let mut config = $sdk::config::Builder::from($config)
            .region(Region::new($region))
            .timeout_config(timeouts($attempt))
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALLED).build())
            .retry_config(manner.retry)
            .retry_partition(manner.partition)
            .interceptor(manner.guard)
            .interceptor(manner.meter)
            .interceptor(Unprefixed);
        if let Some(probe) = manner.probe {
            config = config.interceptor(probe);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

macro_rules! reads {
    ($($(#[$doc:meta])* $method:ident => $sdk:ident),* $(,)?) => {
        impl ReadClients {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(&self, place: &Place) -> $sdk::Client {
                self.with_account(place, |config, guard| {
                    let service = stringify!($method);
                    let account = place.account.as_deref();
                    let manner = reading(guard, self.meter(), service, account, &place.region);
                    let manner = Manner { probe: self.probe(), ..manner };
                    build!($sdk, config, place.region.clone(), manner)
                })
            })*
        }
    };
}

macro_rules! writes {
    ($($(#[$doc:meta])* $method:ident => $sdk:ident),* $(,)?) => {
        impl WriteClients {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(&self) -> $sdk::Client {
                let manner = writing(self.guard(), self.meter());
                build!($sdk, self.config(), self.plan().region.clone(), manner)
            })*
        }
    };
}

impl WriteClients {
    /// S3, for requests that carry a part of a file or wait for one to be put together.
    #[must_use]
    pub(crate) fn s3_transfer(&self) -> aws_sdk_s3::Client {
        let manner = writing(self.guard(), self.meter());
        build!(aws_sdk_s3, self.config(), self.plan().region.clone(), manner, TRANSFER)
    }
}

reads! {
    /// EC2.
    ec2 => aws_sdk_ec2,
    /// EC2 Auto Scaling.
    autoscaling => aws_sdk_autoscaling,
    /// ECS.
    ecs => aws_sdk_ecs,
    /// EKS.
    eks => aws_sdk_eks,
    /// Lambda.
    lambda => aws_sdk_lambda,
    /// RDS.
    rds => aws_sdk_rds,
    /// CloudWatch (metrics and alarms).
    cloudwatch => aws_sdk_cloudwatch,
    /// CloudWatch Logs.
    logs => aws_sdk_cloudwatchlogs,
    /// CloudTrail.
    cloudtrail => aws_sdk_cloudtrail,
    /// GuardDuty.
    guardduty => aws_sdk_guardduty,
    /// Elastic Load Balancing v2.
    elb => aws_sdk_elasticloadbalancingv2,
    /// Application Auto Scaling.
    autoscaling_targets => aws_sdk_applicationautoscaling,
    /// Cost Explorer.
    costs => aws_sdk_costexplorer,
    /// S3.
    s3 => aws_sdk_s3,
    /// S3 Control.
    s3control => aws_sdk_s3control,
    /// Security Token Service.
    sts => aws_sdk_sts,
    /// IAM.
    iam => aws_sdk_iam,
}

// In the approved region, without retries.
writes! {
    /// EC2.
    ec2 => aws_sdk_ec2,
    /// ECS.
    ecs => aws_sdk_ecs,
    /// IAM.
    iam => aws_sdk_iam,
    /// S3.
    s3 => aws_sdk_s3,
}
