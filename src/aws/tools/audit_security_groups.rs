//! `audit_security_groups`: what is open to the world, and what stands behind it.

use super::reading::patience::Patience;
use super::security_groups::read::{self, Region};
use super::security_groups::view;
use crate::clients::ReadClients;
use crate::given;
use crate::place::Gathered;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op, Projection, RegionRule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Inbound rules of security groups with their risk.
#[derive(Debug)]
pub struct AuditSecurityGroups;

/// What `audit_security_groups` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only this group: its id, or its group name with wildcards, e.g. "sg-0123456789abcdef0", "web-*".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Leave out groups attached to nothing, e.g. true. Default: false.
    #[serde(default)]
    pub only_attached: bool,
    /// Regions, e.g. ["eu-west-1"], or ["all"]. Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl ReadTool for AuditSecurityGroups {
    const SPEC: Spec = Spec {
        name: "audit_security_groups",
        description: "Inbound security group rules with their risk: which ports are open to the world (also by prefix list, IPv6 or very \
            wide range), why, rule ids, what each group is attached to. For \"what is exposed?\", \"who may reach port 22?\". For attacks \
            seen use list_guardduty_findings; for who opened a rule get_recent_changes; to close one revoke_security_group_ingress. Free.",
        reads: &[
            Op::new("EC2", "DescribeSecurityGroups", &["ec2:DescribeSecurityGroups"]),
            Op::new("EC2", "DescribeSecurityGroupRules", &["ec2:DescribeSecurityGroupRules"]),
            Op::new("EC2", "DescribeNetworkInterfaces", &["ec2:DescribeNetworkInterfaces"]),
            Op::new("EC2", "GetManagedPrefixListEntries", &["ec2:GetManagedPrefixListEntries"]),
        ],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Region>;

    fn check(args: &Args) -> Result<(), Fault> {
        let Some(group) = &args.group else { return Ok(()) };
        let hint = "send a group id such as sg-0123456789abcdef0, or a group name such as web-*";
        given::plain_name("group", group, hint)?;
        if group.starts_with("sg-") {
            return given::id("group", group, &["sg"], hint);
        }
        if given::is_id(group, &["sgr"]) {
            return Err(Fault::new(FaultKind::Invalid, "`group` is the id of a rule").hint(hint));
        }
        if group.chars().count() > 255 {
            return Err(
                Fault::new(FaultKind::Invalid, "no group name has more than 255 characters").hint(hint)
            );
        }
        Ok(())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Self::Out, Fault> {
        let places = aws.places(args.regions.as_deref(), args.accounts.as_deref()).await?;
        let patience = Patience::begin();
        let group = args.group.as_deref();
        aws.gather(places, |place| read::region(aws.ec2(&place), group, patience)).await.or_fault()
    }

    fn project(args: &Args, out: &Self::Out, as_of: Timestamp) -> Projection {
        view::project(args, out, as_of)
    }
}

#[cfg(test)]
mod tests;
