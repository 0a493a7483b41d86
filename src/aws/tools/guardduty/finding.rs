//! What a GuardDuty finding says, in the words of a row. Pure.

use aws_sdk_guardduty::types::{Action, Finding, PortProbeAction, RemoteIpDetails, Resource, Service};
use std::collections::BTreeSet;

/// Addresses and buckets named in one cell.
const NAMED: usize = 3;

/// GuardDuty's severities: 9 and above, 7, 4, below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 1 to 3.9.
    Low,
    /// 4 to 6.9.
    Medium,
    /// 7 to 8.9.
    High,
    /// 9 and above.
    Critical,
}

impl Severity {
    /// Of GuardDuty's number.
    pub fn of(number: f64) -> Self {
        match number {
            n if n >= 9.0 => Self::Critical,
            n if n >= 7.0 => Self::High,
            n if n >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }

    /// As the severity column says it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The lowest number that is this severe.
    pub const fn number(self) -> i64 {
        match self {
            Self::Low => 1,
            Self::Medium => 4,
            Self::High => 7,
            Self::Critical => 9,
        }
    }
}

/// Whether somebody made it up to see what findings look like: GuardDuty says so in the additional information.
pub fn is_sample(finding: &Finding) -> bool {
    let info =
        finding.service().and_then(Service::additional_info).and_then(|i| i.value()).unwrap_or_default();
    let said = serde_json::from_str::<serde_json::Value>(info).ok();
    said.is_some_and(|v| v.get("sample").and_then(serde_json::Value::as_bool) == Some(true))
        || finding.title().is_some_and(|t| t.trim_start().starts_with("[SAMPLE]"))
}

/// What it is about: an instance, a user's key, buckets, ...
pub fn resource(resource: &Resource) -> Option<String> {
    let named =
        |kind: &str, name: Option<&str>| name.filter(|n| !n.is_empty()).map(|n| format!("{kind} {n}"));
    let instance = resource.instance_details().and_then(|i| {
        let name = i.tags().iter().find(|t| t.key() == Some("Name")).and_then(|t| t.value());
        let id = i.instance_id().filter(|id| !id.is_empty())?;
        Some(name.map_or_else(|| format!("instance {id}"), |name| format!("instance {id} ({name})")))
    });
    let key = resource.access_key_details().map(|k| {
        let who = k.user_name().filter(|n| !n.is_empty()).or(k.principal_id()).unwrap_or("unknown");
        let kind = k.user_type().unwrap_or("user");
        let id = k
            .access_key_id()
            .filter(|id| !id.is_empty())
            .map_or_else(String::new, |id| format!(", key {id}"));
        format!("{kind} {who}{id}")
    });
    let buckets: Vec<&str> = resource.s3_bucket_details().iter().filter_map(|b| b.name()).collect();
    let buckets = (!buckets.is_empty()).then(|| format!("bucket {}", few(&buckets)));
    let cluster = named("EKS cluster", resource.eks_cluster_details().and_then(|c| c.name()))
        .or_else(|| named("ECS cluster", resource.ecs_cluster_details().and_then(|c| c.name())));
    let workload = resource.kubernetes_details().and_then(|k| k.kubernetes_workload_details());
    let workload = workload.and_then(|w| {
        let space = w.namespace().map_or_else(String::new, |n| format!("{n}/"));
        w.name().map(|name| format!(", workload {space}{name}"))
    });
    let cluster = cluster.map(|c| format!("{c}{}", workload.unwrap_or_default()));
    let database = resource
        .rds_db_instance_details()
        .and_then(|d| named("database", d.db_instance_identifier().or(d.db_cluster_identifier())));
    let function = named("function", resource.lambda_details().and_then(|l| l.function_name()));
    let container = named("container", resource.container_details().and_then(|c| c.name()));
    let found = cluster.or(instance).or(key).or(buckets).or(database).or(function).or(container);
    found.or_else(|| resource.resource_type().filter(|t| !t.is_empty()).map(str::to_owned))
}

/// Who did it, by address; the first few of several.
pub fn actor(service: &Service) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    if let Some(action) = service.action() {
        all.extend(of_action(action));
    }
    let sequence = service.detection().and_then(|d| d.sequence());
    all.extend(sequence.iter().flat_map(|s| s.endpoints()).filter_map(|e| e.ip().map(str::to_owned)));
    let mut seen = BTreeSet::new();
    all.retain(|ip| !ip.is_empty() && seen.insert(ip.clone()));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    (!all.is_empty()).then(|| few(&all))
}

fn of_action(action: &Action) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |ip: Option<&RemoteIpDetails>| {
        all.extend(
            ip.and_then(|ip| ip.ip_address_v4().filter(|v4| !v4.is_empty()).or(ip.ip_address_v6()))
                .map(str::to_owned),
        );
    };
    add(action.aws_api_call_action().and_then(|a| a.remote_ip_details()));
    add(action.network_connection_action().and_then(|a| a.remote_ip_details()));
    add(action.kubernetes_api_call_action().and_then(|a| a.remote_ip_details()));
    add(action.rds_login_attempt_action().and_then(|a| a.remote_ip_details()));
    for probe in action.port_probe_action().map(PortProbeAction::port_probe_details).unwrap_or_default() {
        add(probe.remote_ip_details());
    }
    all
}

fn few(all: &[&str]) -> String {
    let more = all.len().saturating_sub(NAMED);
    let shown: Vec<&str> = all.iter().take(NAMED).copied().collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
