//! A played drill with the SDK's clients and a clock that only moves when told.

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use quarterdeck_core::Timestamp;
use quarterdeck_demo::{Demo, Drill};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Where the story is.
pub const HOME: &str = "eu-west-1";

/// The drill, and its time.
pub struct Bench {
    pub demo: Demo,
    time: Arc<AtomicI64>,
}

macro_rules! client {
    ($name:ident, $sdk:ident) => {
        pub fn $name(&self, region: &'static str) -> $sdk::Client {
            let (key, secret) = self.demo.credentials();
            let config = $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new(region))
                .credentials_provider($sdk::config::Credentials::new(key, secret, None, None, "demo"))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client(self.demo.http_client())
                .build();
            $sdk::Client::from_conf(config)
        }
    };
}

impl Bench {
    pub fn new() -> Self {
        Self::of(Drill::named("checkout-outage").unwrap())
    }

    pub fn of(drill: Drill) -> Self {
        let time = Arc::new(AtomicI64::new(1_795_143_845_000));
        let clock = time.clone();
        let clock = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::SeqCst)));
        Self { demo: Demo::play(drill, clock).unwrap(), time }
    }

    client!(ec2, aws_sdk_ec2);
    client!(ecs, aws_sdk_ecs);
    client!(cloudwatch, aws_sdk_cloudwatch);
    client!(logs, aws_sdk_cloudwatchlogs);
    client!(cloudtrail, aws_sdk_cloudtrail);
    client!(elb, aws_sdk_elasticloadbalancingv2);
    client!(autoscaling, aws_sdk_applicationautoscaling);
    client!(costs, aws_sdk_costexplorer);
    client!(groups, aws_sdk_autoscaling);
    client!(lambda, aws_sdk_lambda);
    client!(eks, aws_sdk_eks);
    client!(guardduty, aws_sdk_guardduty);
    client!(sts, aws_sdk_sts);
    client!(iam, aws_sdk_iam);
    client!(rds, aws_sdk_rds);
    client!(s3, aws_sdk_s3);
    client!(s3control, aws_sdk_s3control);

    /// Lets time pass.
    pub fn pass(&self, span: Duration) {
        self.time.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn start(&self) -> Timestamp {
        self.demo.started()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.load(Ordering::SeqCst))
    }

    /// The service the story is about.
    pub async fn checkout(&self) -> aws_sdk_ecs::types::Service {
        let found =
            self.ecs(HOME).describe_services().cluster("shop").services("checkout-api").send().await.unwrap();
        found.services()[0].clone()
    }

    /// The names of the alarms in `state`.
    pub async fn alarms(&self, state: StateValue) -> Vec<String> {
        let found = self
            .cloudwatch(HOME)
            .describe_alarms()
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .state_value(state)
            .send()
            .await
            .unwrap();
        let metric = found.metric_alarms().iter().filter_map(|a| a.alarm_name());
        metric
            .chain(found.composite_alarms().iter().filter_map(|a| a.alarm_name()))
            .map(str::to_owned)
            .collect()
    }

    /// How many of the story's targets are healthy.
    pub async fn healthy_targets(&self) -> usize {
        let elb = self.elb(HOME);
        let groups = elb.describe_target_groups().names("checkout-api").send().await.unwrap();
        let arn = groups.target_groups()[0].target_group_arn().unwrap();
        let health = elb.describe_target_health().target_group_arn(arn).send().await.unwrap();
        health
            .target_health_descriptions()
            .iter()
            .filter(|t| t.target_health().unwrap().state().unwrap().as_str() == "healthy")
            .count()
    }
}
