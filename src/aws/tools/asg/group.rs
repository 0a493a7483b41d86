//! What a group is: its members counted, its state judged.

use super::read::Latest;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use std::collections::BTreeMap;

/// Processes without which a group no longer keeps its size.
const VITAL: [&str; 4] = ["Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy"];

/// How a group does, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It wants instances and has none that serves.
    Empty,
    /// Members are unhealthy.
    Unhealthy,
    /// Its last attempt to scale failed.
    Failing,
    /// Fewer members serve than it wants.
    BelowDesired,
    /// A process it needs to keep its size is suspended.
    Suspended,
    /// It is being deleted.
    Deleting,
    /// As it should be.
    Ok,
}

impl Health {
    /// The word in the `health` column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Empty => "nothing in service",
            Self::Unhealthy => "unhealthy",
            Self::Failing => "failing to scale",
            Self::BelowDesired => "below desired",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
            Self::Ok => "ok",
        }
    }

    /// For the model's order of rows.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Empty => 3,
            Self::Unhealthy | Self::Failing | Self::BelowDesired => 2,
            Self::Suspended | Self::Deleting => 1,
            Self::Ok => 0,
        }
    }
}

/// A group's members, counted.
#[derive(Debug, Default, PartialEq)]
pub struct Members {
    /// In service and healthy.
    pub healthy: usize,
    /// Unhealthy and not yet on their way out.
    pub unhealthy: usize,
    /// The others by lifecycle state: `2 Pending`.
    pub others: BTreeMap<String, usize>,
    /// Capacity of the healthy ones, in the group's own unit.
    capacity: i64,
}

impl Members {
    /// The members of `group`, those of its warm pool apart.
    pub fn of(group: &AutoScalingGroup) -> Self {
        let mut members = Self::default();
        for instance in group.instances() {
            let state = instance.lifecycle_state().map_or("unknown", |s| s.as_str());
            let leaving = ["Terminat", "Detach"].iter().any(|s| state.starts_with(s));
            let healthy = instance.health_status().is_none_or(|h| h.eq_ignore_ascii_case("healthy"));
            if state == "InService" && healthy {
                members.healthy += 1;
                members.capacity += weight(instance);
            } else if !healthy && !leaving && !state.starts_with("Warmed") {
                members.unhealthy += 1;
            } else {
                *members.others.entry(state.to_owned()).or_default() += 1;
            }
        }
        members
    }

    /// `2 Pending, 1 Standby`.
    pub fn others(&self) -> Option<String> {
        let each: Vec<String> = self.others.iter().map(|(state, n)| format!("{n} {state}")).collect();
        (!each.is_empty()).then(|| each.join(", "))
    }
}

fn weight(instance: &Instance) -> i64 {
    instance.weighted_capacity().and_then(|w| w.parse().ok()).unwrap_or(1)
}

/// How `group` does.
pub fn health(group: &AutoScalingGroup, members: &Members, latest: Option<&Latest>) -> Health {
    let desired = i64::from(group.desired_capacity().unwrap_or_default());
    if group.status().is_some_and(|s| s.starts_with("Delete")) {
        Health::Deleting
    } else if desired > 0 && members.healthy == 0 {
        Health::Empty
    } else if members.unhealthy > 0 {
        Health::Unhealthy
    } else if latest.is_some_and(failing) {
        Health::Failing
    } else if members.capacity < desired {
        Health::BelowDesired
    } else if group.suspended_processes().iter().any(|s| s.process_name().is_some_and(|n| VITAL.contains(&n)))
    {
        Health::Suspended
    } else {
        Health::Ok
    }
}

/// The newest activity that came to an end failed.
pub fn failing(latest: &Latest) -> bool {
    latest.failed.as_ref().is_some_and(|failed| latest.succeeded.is_none_or(|ok| failed.at > Some(ok)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::asg::read::Failed;
    use aws_sdk_autoscaling::types::SuspendedProcess;
    use quarterdeck_core::Timestamp;

    fn instance((state, health, weight): &(&str, &str, Option<&str>)) -> Instance {
        Instance::builder()
            .instance_id("i-0123456789abcdef0")
            .lifecycle_state((*state).into())
            .health_status(*health)
            .set_weighted_capacity(weight.map(str::to_owned))
            .build()
    }

    fn group(desired: i32, members: &[(&str, &str, Option<&str>)], suspended: &[&str]) -> AutoScalingGroup {
        AutoScalingGroup::builder()
            .auto_scaling_group_name("web")
            .desired_capacity(desired)
            .set_instances(Some(members.iter().map(instance).collect()))
            .set_suspended_processes(Some(
                suspended.iter().map(|n| SuspendedProcess::builder().process_name(*n).build()).collect(),
            ))
            .build()
    }

    const UP: (&str, &str, Option<&str>) = ("InService", "Healthy", None);
    const SICK: (&str, &str, Option<&str>) = ("InService", "Unhealthy", None);
    const PENDING: (&str, &str, Option<&str>) = ("Pending", "Healthy", None);
    const LEAVING: (&str, &str, Option<&str>) = ("Terminating:Wait", "Unhealthy", None);
    const WARM: (&str, &str, Option<&str>) = ("Warmed:Stopped", "Healthy", None);
    const BIG: (&str, &str, Option<&str>) = ("InService", "Healthy", Some("4"));

    #[test]
    fn how_a_group_does() {
        let at = |ms| Some(Timestamp::from_millis(ms));
        let failed = |at| Some(Failed { at, ..Failed::default() });
        let (lately, since) = (
            Latest { failed: failed(at(2)), succeeded: at(1) },
            Latest { failed: failed(at(1)), succeeded: at(2) },
        );
        for (desired, members, suspended, latest, want) in [
            (2, &[UP, UP][..], &[][..], None, Health::Ok),
            (0, &[], &[], None, Health::Ok),
            (2, &[UP, UP], &[], Some(&since), Health::Ok),
            (2, &[UP, UP], &[], Some(&lately), Health::Failing),
            (2, &[], &[], Some(&lately), Health::Empty),
            (2, &[SICK, SICK], &[], None, Health::Empty),
            (2, &[UP, SICK], &[], None, Health::Unhealthy),
            (2, &[UP, PENDING], &[], None, Health::BelowDesired),
            (2, &[UP, LEAVING], &[], None, Health::BelowDesired),
            (2, &[UP, UP, WARM], &[], None, Health::Ok),
            (8, &[BIG, BIG], &[], None, Health::Ok),
            (9, &[BIG, BIG], &[], None, Health::BelowDesired),
            (1, &[UP], &["Launch"], None, Health::Suspended),
            (1, &[UP], &["AZRebalance"], None, Health::Ok),
        ] {
            let group = group(desired, members, suspended);
            assert_eq!(
                health(&group, &Members::of(&group), latest),
                want,
                "{desired} {members:?} {suspended:?}"
            );
        }
        let deleted = AutoScalingGroup::builder().desired_capacity(1).status("Delete in progress").build();
        assert_eq!(health(&deleted, &Members::of(&deleted), None), Health::Deleting);
    }

    #[test]
    fn members_are_counted_once() {
        let members = Members::of(&group(5, &[UP, SICK, PENDING, LEAVING, WARM, PENDING], &[]));
        assert_eq!((members.healthy, members.unhealthy), (1, 1));
        assert_eq!(members.others().unwrap(), "2 Pending, 1 Terminating:Wait, 1 Warmed:Stopped");
    }
}
