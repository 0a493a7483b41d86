//! What to think of before inbound rules go or come back. Pure.

use super::facts::{Facts, reach};
use super::judge::{Attached, Level, Reach, judge};
use super::net::Net;
use super::read::Interface;
use super::rule::{Rule, Says, Source};
use crate::tools::ec2::plan::Warnings;
use crate::tools::ec2::tags;
use crate::tools::reading::words::plural;
use crate::tools::revoke_security_group_ingress::Args;
use aws_sdk_ec2::types::{NetworkInterfaceType, SecurityGroup};
use quarterdeck_core::approval::WarningLevel;

/// Before `rules` are revoked. `ssh` is the session this console was reached through, as sshd says it: client
/// address and port, server address and port.
pub fn of_revoking(facts: &Facts, args: &Args, rules: &[&Rule], ssh: Option<&str>, warnings: &mut Warnings) {
    for rule in rules {
        let id = rule.id.as_deref().unwrap_or_default();
        let still = still_allowed(facts, args, rules, rule);
        match &still {
            Some((whose, true)) => {
                let text = format!("without effect: {whose} lets all of it in");
                let evidence = format!("DescribeSecurityGroupRules: {id} is {}", rule.says);
                warnings.add("still_allowed", WarningLevel::Caution, id, &text, evidence);
            }
            Some((whose, false)) => {
                let text = format!("{whose} lets a part of it in, or all of it to some");
                let evidence = format!("DescribeSecurityGroupRules: {id} is {}", rule.says);
                warnings.add("partly_allowed", WarningLevel::Info, id, &text, evidence);
            }
            None => {}
        }
        if !matches!(still, Some((_, true))) {
            cut_off(facts, id, &rule.says, ssh, warnings);
        }
        managed(facts, id, Some(rule), warnings);
        match facts.attached {
            Attached::Nothing => {
                let text = "the group is attached to nothing: no traffic changes";
                let evidence = format!("DescribeNetworkInterfaces: none has {}", args.group);
                warnings.add("not_attached", WarningLevel::Info, id, text, evidence);
            }
            Attached::Yes | Attached::NotKnown => {
                let text = "connections that are open already may go on: only new ones are refused";
                let evidence = "security groups track connections".to_owned();
                warnings.add("established", WarningLevel::Info, id, text, evidence);
            }
        }
    }
    let inbound = facts.rules.iter().filter(|r| !r.egress).count();
    if inbound == rules.len() && facts.attached != Attached::Nothing {
        let text = "no inbound rule is left: nobody can connect to what has only this group";
        let evidence = format!("DescribeSecurityGroupRules: {}", plural(inbound, "inbound rule"));
        warnings.add("last_rule", WarningLevel::Caution, &args.group, text, evidence);
    }
}

/// Before `rules` are put back.
pub fn of_restoring(facts: &Facts, args: &Args, rules: &[Says], warnings: &mut Warnings) {
    for (id, says) in args.rule_ids.iter().zip(rules) {
        // What is attached to nothing now may be attached tomorrow: the way in counts.
        let said = judge(&says.traffic(), &reach(&says.source), Attached::Yes);
        let level = match said.level {
            Level::Critical | Level::High => Some(WarningLevel::Critical),
            Level::Medium => Some(WarningLevel::Caution),
            Level::Low => Some(WarningLevel::Info),
            Level::None => None,
        };
        if let Some(level) = level {
            let evidence = format!("revoked as {says}");
            warnings.add("opens_to_world", level, id, &format!("{}: {}", said.label(), said.why), evidence);
        }
        let text = "comes back under a new rule id";
        warnings.add("new_id", WarningLevel::Info, id, text, "AuthorizeSecurityGroupIngress".to_owned());
        managed(facts, id, None, warnings);
    }
}

/// What still lets in what `rule` lets in: whose, and whether that is all of it for everything behind the group.
fn still_allowed(facts: &Facts, args: &Args, going: &[&Rule], rule: &Rule) -> Option<(String, bool)> {
    let goes = |other: &Rule| going.iter().any(|r| r.id == other.id);
    let ours = facts.rules.iter().filter(|r| !r.egress && !goes(r)).map(|r| (r, None));
    let theirs = facts.others.iter().map(|r| {
        let has = facts.interfaces.iter().filter(|i| i.groups.contains(&r.group)).count();
        (r, Some(has))
    });
    let named = |other: &Rule, on: Option<usize>| {
        let id = other.id.as_deref().unwrap_or("another rule");
        let place = on.map_or_else(
            || format!("of {}", args.group),
            |n| format!("of {}, on {n} of {} interfaces,", other.group, facts.interfaces.len()),
        );
        format!("{id} ({} from {}) {place}", other.says.traffic(), other.says.source)
    };
    let (mine, traffic) = (&rule.says, rule.says.traffic());
    let mut part = None;
    for (other, on) in ours.chain(theirs) {
        let everywhere = on.is_none_or(|n| n == facts.interfaces.len());
        if traffic.within(&other.says.traffic()) && mine.source.within(&other.says.source) && everywhere {
            return Some((named(other, on), true));
        }
        if part.is_none() && traffic.meets(&other.says.traffic()) && mine.source.meets(&other.says.source) {
            part = Some((named(other, on), false));
        }
    }
    part
}

/// Who loses the way in.
fn cut_off(facts: &Facts, id: &str, says: &Says, ssh: Option<&str>, warnings: &mut Warnings) {
    let traffic = says.traffic();
    let evidence = |i: &[&Interface]| {
        let names: Vec<String> = i.iter().map(ToString::to_string).collect();
        format!("DescribeNetworkInterfaces: {}", names.join(", "))
    };
    let of = |is: fn(&Interface) -> bool| facts.interfaces.iter().filter(|i| is(i)).collect::<Vec<_>>();
    let balancers = of(is_balancer);
    let web = traffic.has_tcp(80) || traffic.has_tcp(443);
    if web && !balancers.is_empty() && matches!(reach(&says.source), Reach::World(_)) {
        let text = "the public can no longer reach the load balancer behind it";
        warnings.add("cuts_public_entry", WarningLevel::Critical, id, text, evidence(&balancers));
    }
    let endpoints = of(|i| i.kind == Some(NetworkInterfaceType::VpcEndpoint));
    if traffic.has_tcp(443) && !endpoints.is_empty() {
        let text = "calls to AWS through VPC endpoints stop, this console's own if it goes through them";
        warnings.add("cuts_endpoint", WarningLevel::Caution, id, text, evidence(&endpoints));
    }
    if ssh.is_some_and(|ssh| is_own_access(facts, says, ssh)) {
        let text = "the SSH session this console runs in comes in through it";
        let evidence = format!("SSH_CONNECTION: {}", ssh.unwrap_or_default());
        warnings.add("own_access", WarningLevel::Critical, id, text, evidence);
    }
}

fn is_balancer(interface: &Interface) -> bool {
    let kinds = [NetworkInterfaceType::NetworkLoadBalancer, NetworkInterfaceType::LoadBalancer];
    interface.name.starts_with("ELB ") || interface.kind.as_ref().is_some_and(|k| kinds.contains(k))
}

/// Whether the rule lets the SSH session in that `ssh` describes. Sources that are not ranges cannot be told.
fn is_own_access(facts: &Facts, says: &Says, ssh: &str) -> bool {
    let mut words = ssh.split_whitespace();
    let (Some(client), Some(_), Some(server), Some(port)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let ours = facts.interfaces.iter().any(|i| i.private.iter().chain(&i.public).any(|a| a == server));
    let from = match &says.source {
        Source::Ipv4(cidr) | Source::Ipv6(cidr) => {
            Net::parse(client).zip(Net::parse(cidr)).is_some_and(|(client, net)| client.within(net))
        }
        Source::PrefixList(_) | Source::Group { .. } | Source::Other => true,
    };
    ours && from && port.parse().is_ok_and(|port| says.traffic().has_tcp(port))
}

fn managed(facts: &Facts, id: &str, rule: Option<&Rule>, warnings: &mut Warnings) {
    let group = facts.group.as_ref().map(SecurityGroup::tags).unwrap_or_default();
    let by = rule.and_then(|r| tags::managed_by(&r.tags)).or_else(|| tags::managed_by(group));
    if let Some(by) = by {
        let text = format!("managed by {by}: drift is likely, and it may be undone");
        warnings.add(
            "managed",
            WarningLevel::Info,
            id,
            &text,
            "tags of the group and of the rule".to_owned(),
        );
    }
}
