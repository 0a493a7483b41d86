//! A security group as it is now: what planning a change of its inbound rules reads.

use super::judge::{Attached, Level, Reach, judge};
use super::read::{self, Interface, Interfaces};
use super::rule::{Rule, Says, Source};
use crate::clients::ReadClients;
use crate::place::Place;
use crate::tools::ec2::plan::unknown;
use crate::tools::ec2::tags;
use crate::tools::reading::patience::Patience;
use crate::tools::revoke_security_group_ingress::Args;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::SecurityGroup;
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::{BTreeMap, BTreeSet};

/// Other groups whose rules are read to see what they still let in.
const OTHERS: usize = 200;

/// A group as it is now.
#[derive(Debug)]
pub struct Facts {
    /// The one place.
    pub place: Place,
    /// Who would do it.
    pub identity: Identity,
    /// `None` where it could not be read.
    pub group: Option<SecurityGroup>,
    /// All its rules, of both directions.
    pub rules: Vec<Rule>,
    /// What it is attached to; only whole where all could be read.
    pub interfaces: Vec<Interface>,
    /// Whether it is attached to anything.
    pub attached: Attached,
    /// Inbound rules of the other groups those interfaces have.
    pub others: Vec<Rule>,
    /// What could not be read.
    pub unknown: Vec<String>,
}

/// Reads the group afresh.
///
/// # Errors
/// It is not there, or its rules cannot be read: without them there is nothing to plan.
pub async fn read(aws: &ReadClients, args: &Args) -> Result<Facts, Fault> {
    let place = aws.place(args.region.as_deref(), args.account.as_deref()).await?;
    let (ec2, patience) = (aws.ec2(&place), Patience::begin());
    let ours = read::filter("group-id", std::slice::from_ref(&args.group));
    let (identity, rules, groups, interfaces) = futures::join!(
        aws.identity(&place),
        read::rules(&ec2, &ours, patience),
        read::groups(&ec2, &ours, patience),
        read::interfaces(&ec2, &ours, patience),
    );
    let (identity, rules) = (identity?, rules?);
    if let Some(fault) = rules.lost {
        return Err(fault);
    }
    if rules.more {
        return Err(Fault::new(
            FaultKind::Conflict,
            format!("{} has more rules than can be read", args.group),
        ));
    }
    let mut not_known = Vec::new();
    let group = match groups {
        Ok(pages) => pages.items.into_iter().next(),
        Err(fault) if fault.kind == FaultKind::Expired => return Err(fault),
        Err(fault) => {
            not_known.push(unknown("the group's name, tags and environment", &fault));
            None
        }
    };
    if group.is_none() && rules.items.is_empty() && not_known.is_empty() {
        let text = format!("there is no security group {} in {}", args.group, place.region);
        return Err(Fault::new(FaultKind::Missing, text)
            .hint("audit_security_groups with regions [\"all\"] finds the region; send it as `region`"));
    }
    let mut facts = Facts {
        place,
        identity,
        group,
        rules: rules.items,
        interfaces: Vec::new(),
        attached: Attached::NotKnown,
        others: Vec::new(),
        unknown: not_known,
    };
    match interfaces {
        Ok(pages) => {
            if let Some(fault) = &pages.lost {
                facts.unknown.push(unknown("what else the group is attached to", fault));
            }
            if pages.more {
                facts
                    .unknown
                    .push("what else the group is attached to (there are too many to read)".to_owned());
            }
            let mut interfaces = Interfaces::by_group(&pages);
            facts.attached = interfaces.attached(&args.group);
            facts.interfaces = interfaces.of.remove(&args.group).unwrap_or_default();
            facts.read_others(&ec2, &args.group, patience).await?;
        }
        Err(fault) if fault.kind == FaultKind::Expired => return Err(fault),
        Err(fault) => facts.unknown.push(unknown("what the group is attached to", &fault)),
    }
    Ok(facts)
}

impl Facts {
    /// What the other groups of the same interfaces let in: it adds up.
    async fn read_others(&mut self, ec2: &Client, group: &str, patience: Patience) -> Result<(), Fault> {
        let others: BTreeSet<&String> =
            self.interfaces.iter().flat_map(|i| &i.groups).filter(|g| *g != group).collect();
        if others.is_empty() {
            return Ok(());
        }
        let what = "what the other groups of the same interfaces let in";
        if others.len() > OTHERS {
            self.unknown.push(format!("{what}: there are {}", others.len()));
            return Ok(());
        }
        let others: Vec<String> = others.into_iter().cloned().collect();
        match read::rules(ec2, &read::filter("group-id", &others), patience).await {
            Ok(pages) => {
                if let Some(fault) = &pages.lost {
                    self.unknown.push(unknown(what, fault));
                }
                if pages.more {
                    self.unknown.push(format!("{what}: there are too many rules"));
                }
                self.others = pages.items.into_iter().filter(|r| !r.egress).collect();
            }
            Err(fault) if fault.kind == FaultKind::Expired => return Err(fault),
            Err(fault) => self.unknown.push(unknown(what, &fault)),
        }
        Ok(())
    }

    /// The group's name, where it is known.
    pub fn group_name(&self) -> Option<&str> {
        self.group.as_ref().and_then(SecurityGroup::group_name).filter(|n| !n.is_empty())
    }

    /// The ARN of something in the group's account.
    pub fn arn(&self, kind: &str, id: &str) -> String {
        let partition = self.identity.arn.split(':').nth(1).unwrap_or("aws");
        let by_rule = self.rules.iter().find_map(|r| r.owner.as_deref());
        let owner = self.group.as_ref().and_then(SecurityGroup::owner_id).or(by_rule);
        let owner = owner.unwrap_or(&self.identity.account);
        format!("arn:{partition}:ec2:{}:{owner}:{kind}/{id}", self.place.region)
    }

    /// Tags that decide, those of the rule before those of the group.
    pub fn tags(&self, rule: Option<&Rule>) -> BTreeMap<String, String> {
        let mut all = tags::deciding(self.group.as_ref().map(SecurityGroup::tags).unwrap_or_default());
        all.extend(rule.map(|r| tags::deciding(&r.tags)).unwrap_or_default());
        all
    }

    /// What moves by itself or only explains.
    pub fn context(&self, says: &Says) -> Vec<(String, String)> {
        let attached = match self.attached {
            Attached::Yes => super::view::named(&self.interfaces),
            Attached::Nothing => "nothing".to_owned(),
            Attached::NotKnown => "not known".to_owned(),
        };
        let network =
            self.group.as_ref().and_then(|g| g.vpc_id()).map(|v| ("network".to_owned(), v.to_owned()));
        let said = judge(&says.traffic(), &reach(&says.source), self.attached);
        let risk = (said.level > Level::None)
            .then(|| ("risk".to_owned(), format!("{}: {}", said.label(), said.why)));
        let attached = ("attached to".to_owned(), attached);
        risk.into_iter().chain([attached]).chain(network).collect()
    }
}

/// Who may use a rule with this source, as far as the rule alone tells.
pub fn reach(source: &Source) -> Reach {
    match source {
        Source::Ipv4(cidr) | Source::Ipv6(cidr) => Reach::of([cidr.as_str()]),
        Source::Group { .. } => Reach::Limited,
        Source::PrefixList(list) => Reach::NotKnown(format!("prefix list {list} was not read")),
        Source::Other => Reach::NotKnown("its source is of a kind that is not known here".to_owned()),
    }
}
