//! A large account, made up from numbers: so many of everything, each named after its number.
//!
//! What is in it is a function of the numbers alone, so a test can say what it expects.

use super::identity::{Key, User};
use super::{Alarm, Contents, Instance, LogSource, Service};
use crate::seed;
use crate::span::Span;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How many of each, on top of what the account holds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scale {
    /// Instances `i-0….`, named `host-0001` and so on: every 40th is stopped, every 100th fails its checks.
    pub instances: u32,
    /// Services `svc-00001` and so on, spread over the clusters.
    pub services: u32,
    /// Clusters `fleet-01` and so on.
    pub clusters: u32,
    /// Log groups `/aws/lambda/fn-00001` and so on, beside those of the services.
    pub log_groups: u32,
    /// Alarms `alarm-0001` and so on: every 20th is in ALARM.
    pub alarms: u32,
    /// IAM users `user-0001` and so on, each with a key: every 10th key is 100 days old or older.
    pub users: u32,
}

impl Scale {
    /// Adds it all to `holds`, in the first region.
    pub(crate) fn fill(self, holds: &mut Contents) {
        holds.instance.extend((1..=self.instances).map(instance));
        holds.service.extend((1..=self.services).map(|n| service(n, self.clusters.max(1))));
        holds.log.extend((1..=self.log_groups).map(log));
        holds.alarm.extend((1..=self.alarms).map(alarm));
        holds.identity.user.extend((1..=self.users).map(user));
    }
}

fn tags(n: u32) -> BTreeMap<String, String> {
    let pairs = [("team", format!("team-{:02}", n % 17)), ("environment", "production".to_owned())];
    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn instance(n: u32) -> Instance {
    let stopped = n.is_multiple_of(40);
    let [_, _, c, d] = n.to_be_bytes();
    let kinds = ["m6i.large", "c6i.xlarge", "r6i.xlarge", "t3.medium"];
    Instance {
        id: format!("i-0{}", seed::hex("scale instance", u64::from(n), 16)),
        name: Some(format!("host-{n:04}")),
        kind: seed::pick(&kinds, "kind", u64::from(n)).copied().unwrap_or_default().to_owned(),
        az: ["a", "b", "c"].get(n as usize % 3).copied().unwrap_or_default().to_owned(),
        state: if stopped { "stopped" } else { "running" }.to_owned(),
        state_reason: stopped.then(|| "Client.UserInitiatedShutdown: User initiated shutdown".to_owned()),
        private_ip: format!("10.20.{c}.{d}"),
        launched: Span(DAY * (1 + n % 400)),
        impaired: !stopped && n.is_multiple_of(100) || n % 100 == 50,
        tags: tags(n),
        ..Instance::default()
    }
}

fn service(n: u32, clusters: u32) -> Service {
    Service {
        cluster: format!("fleet-{:02}", 1 + n % clusters),
        name: format!("svc-{n:05}"),
        desired: 1 + n % 4,
        revision: 1 + n % 90,
        image: format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/svc-{n:05}"),
        port: 8080,
        cpu: "256".to_owned(),
        memory: "512".to_owned(),
        deployed: Span(DAY * (1 + n % 60)),
        minimum_healthy: 50,
        maximum: 200,
        tags: tags(n),
        lines: vec!["level=info msg=request status=200 ms={ms} request={id}".to_owned()],
        line_every: Span(Duration::from_secs(60)),
        ..Service::default()
    }
}

fn log(n: u32) -> LogSource {
    LogSource {
        group: format!("/aws/lambda/fn-{n:05}"),
        stream: "2026/11/20/[$LATEST]0".to_owned(),
        every: Span(Duration::from_secs(120)),
        lines: vec!["REPORT RequestId: {id} Duration: {ms} ms".to_owned()],
        ..LogSource::default()
    }
}

fn alarm(n: u32) -> Alarm {
    Alarm {
        name: format!("alarm-{n:04}"),
        description: format!("Something about svc-{n:05} is not as it should be."),
        namespace: "AWS/ECS".to_owned(),
        metric: "CPUUtilization".to_owned(),
        dimensions: BTreeMap::from([("ServiceName".to_owned(), format!("svc-{n:05}"))]),
        statistic: "Average".to_owned(),
        comparison: "GreaterThanThreshold".to_owned(),
        threshold: 80.0,
        period: 60,
        evaluation: 3,
        state: if n.is_multiple_of(20) { "ALARM" } else { "OK" }.to_owned(),
        since: Span(Duration::from_secs(60) * n),
        actions_enabled: true,
        ..Alarm::default()
    }
}

fn user(n: u32) -> User {
    let age = if n.is_multiple_of(10) { 100 + n % 300 } else { 1 + n % 60 };
    let key = Key {
        id: format!("AKIAEXAMPLE{n:09}"),
        created: Span(DAY * age),
        used: Some(Span(Duration::from_secs(3600) * (1 + n % 48))),
        service: "s3".to_owned(),
        ..Key::default()
    };
    User {
        name: format!("user-{n:04}"),
        path: "/".to_owned(),
        created: Span(DAY * (age + 1)),
        tags: tags(n),
        key: vec![key],
        ..User::default()
    }
}
