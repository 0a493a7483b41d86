//! What an instance's own description tells.

use super::tags;
use aws_sdk_ec2::types::{
    Instance, InstanceLifecycleType, InstanceNetworkInterface, InstanceStateName, InstanceStatus,
    SummaryStatus,
};

/// The tag named `key`.
pub fn tag<'a>(instance: &'a Instance, key: &str) -> Option<&'a str> {
    tags::value(instance.tags(), key)
}

/// The Name tag; an empty one is none.
pub fn name(instance: &Instance) -> Option<&str> {
    tag(instance, "Name").filter(|n| !n.is_empty())
}

/// The Auto Scaling group it belongs to.
pub fn group(instance: &Instance) -> Option<&str> {
    tag(instance, "aws:autoscaling:groupName")
}

/// The lifecycle state as AWS names it.
pub fn state(instance: &Instance) -> &str {
    instance.state().and_then(|s| s.name()).map_or("unknown", InstanceStateName::as_str)
}

/// Why it is in that state.
pub fn state_reason(instance: &Instance) -> Option<&str> {
    let reason = instance.state_reason();
    let reason = reason.and_then(|r| r.message().or(r.code()));
    reason.or(instance.state_transition_reason()).filter(|r| !r.is_empty())
}

/// Whether AWS, not a person, put it into its state.
pub fn server_reason(instance: &Instance) -> bool {
    instance.state_reason().and_then(|r| r.code()).is_some_and(|c| c.starts_with("Server."))
}

/// A Spot instance.
pub fn is_spot(instance: &Instance) -> bool {
    instance.instance_lifecycle() == Some(&InstanceLifecycleType::Spot)
}

/// Public addresses it gives back to AWS when it stops.
pub fn released_addresses(instance: &Instance) -> Vec<&str> {
    associations(instance).filter(|(_, elastic)| !elastic).map(|(ip, _)| ip).collect()
}

/// Whether one of its public addresses stays when it stops.
pub fn has_elastic_address(instance: &Instance) -> bool {
    associations(instance).any(|(_, elastic)| elastic)
}

fn associations(instance: &Instance) -> impl Iterator<Item = (&str, bool)> {
    let primary = instance.network_interfaces().iter().filter_map(|n| n.association());
    let every = instance
        .network_interfaces()
        .iter()
        .flat_map(InstanceNetworkInterface::private_ip_addresses)
        .filter_map(|a| a.association());
    let mut seen = Vec::new();
    primary.chain(every).filter_map(move |a| {
        let ip = a.public_ip()?;
        if seen.contains(&ip) {
            return None;
        }
        seen.push(ip);
        // An address of Amazon's pool is owned by "amazon"; an elastic one by an account.
        Some((ip, a.ip_owner_id() != Some("amazon")))
    })
}

/// The cluster it is a node of, as its tags tell.
pub fn container_node(instance: &Instance) -> Option<String> {
    instance.tags().iter().find_map(|t| {
        let (key, value) = (t.key()?, t.value().unwrap_or_default());
        match key {
            "eks:cluster-name" | "aws:eks:cluster-name" => Some(format!("EKS cluster {value}")),
            "aws:ecs:clusterName" => Some(format!("ECS cluster {value}")),
            "AmazonECSManaged" => Some("an ECS cluster".to_owned()),
            "karpenter.sh/nodepool" => Some(format!("a Kubernetes cluster (Karpenter pool {value})")),
            _ => key
                .strip_prefix("kubernetes.io/cluster/")
                .map(|cluster| format!("Kubernetes cluster {cluster}")),
        }
    })
}

/// Status checks in words; what is not known is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checks {
    /// All pass.
    Ok,
    /// These fail: `system`, `instance`, `ebs`.
    Impaired(Vec<&'static str>),
    /// Not decided yet, as AWS names it.
    Pending(String),
    /// The instance does not run, so nothing is checked.
    NotApplicable,
}

impl Checks {
    /// What DescribeInstanceStatus says.
    pub fn of(status: &InstanceStatus) -> Self {
        let ebs =
            status.attached_ebs_status().and_then(|s| s.status()).map(|s| SummaryStatus::from(s.as_str()));
        let checks = [
            ("system", status.system_status().and_then(|s| s.status()).cloned()),
            ("instance", status.instance_status().and_then(|s| s.status()).cloned()),
            ("ebs", ebs),
        ];
        let is = |want: &SummaryStatus| {
            checks.iter().filter(|(_, s)| s.as_ref() == Some(want)).map(|(n, _)| *n).collect::<Vec<_>>()
        };
        let impaired = is(&SummaryStatus::Impaired);
        if !impaired.is_empty() {
            return Self::Impaired(impaired);
        }
        for pending in [SummaryStatus::Initializing, SummaryStatus::InsufficientData] {
            if !is(&pending).is_empty() {
                return Self::Pending(pending.as_str().to_owned());
            }
        }
        if is(&SummaryStatus::Ok).is_empty() { Self::NotApplicable } else { Self::Ok }
    }

    /// As a cell; `None` when there is nothing to say.
    pub fn label(&self) -> Option<String> {
        match self {
            Self::Ok => Some("ok".to_owned()),
            Self::Impaired(which) => Some(format!("impaired: {}", which.join(", "))),
            Self::Pending(what) => Some(what.clone()),
            Self::NotApplicable => None,
        }
    }
}

/// The next scheduled event that is neither over nor called off.
pub fn scheduled_event(status: &InstanceStatus) -> Option<String> {
    let over = |text: &str| text.starts_with("[Completed]") || text.starts_with("[Canceled]");
    let event = status.events().iter().find(|e| !e.description().is_some_and(over))?;
    let code = event.code().map_or("event", |c| c.as_str());
    let when = crate::instant::of(event.not_before()).map_or_else(String::new, |t| format!(" from {t}"));
    Some(format!("{code}{when}"))
}
