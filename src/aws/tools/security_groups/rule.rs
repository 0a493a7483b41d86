//! A security group rule, whichever operation described it.

use super::judge::Traffic;
use super::net::Net;
use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, Tag, UserIdGroupPair,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A rule with what identifies it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `sgr-...`; `None` where only the group's permissions could be read.
    pub id: Option<String>,
    /// The group it belongs to.
    pub group: String,
    /// The account that owns the group.
    pub owner: Option<String>,
    /// Whether it is about outgoing traffic.
    pub egress: bool,
    /// What it says.
    pub says: Says,
    /// Its own tags.
    pub tags: Vec<Tag>,
}

/// What a rule says: all that is needed to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// As EC2 writes it: `tcp`, `-1`, `50`.
    pub protocol: String,
    /// First port, or ICMP type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// Last port, or ICMP code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// From where.
    pub source: Source,
    /// What people wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// From where a rule lets traffic in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// An IPv4 range.
    Ipv4(String),
    /// An IPv6 range.
    Ipv6(String),
    /// A prefix list.
    PrefixList(String),
    /// The members of a security group.
    Group {
        /// The group.
        id: String,
        /// The account it is in, where EC2 says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// The peering it is reached through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peering: Option<String>,
    },
    /// None that this console knows.
    Other,
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

impl Rule {
    /// Source: EC2 DescribeSecurityGroupRules.
    pub fn of(rule: SecurityGroupRule) -> Self {
        let group = rule.referenced_group_info.as_ref();
        let source = match (&rule.cidr_ipv4, &rule.cidr_ipv6, &rule.prefix_list_id, group) {
            (Some(cidr), ..) if !cidr.is_empty() => Source::Ipv4(cidr.clone()),
            (_, Some(cidr), ..) if !cidr.is_empty() => Source::Ipv6(cidr.clone()),
            (_, _, Some(list), _) if !list.is_empty() => Source::PrefixList(list.clone()),
            (.., Some(group)) => Source::Group {
                id: group.group_id().unwrap_or_default().to_owned(),
                owner: filled(group.user_id()),
                peering: filled(group.vpc_peering_connection_id()),
            },
            _ => Source::Other,
        };
        Self {
            egress: rule.is_egress() == Some(true),
            says: Says {
                protocol: rule.ip_protocol.unwrap_or_default(),
                from_port: rule.from_port,
                to_port: rule.to_port,
                source,
                description: filled(rule.description.as_deref()),
            },
            id: filled(rule.security_group_rule_id.as_deref()),
            group: rule.group_id.unwrap_or_default(),
            owner: rule.group_owner_id,
            tags: rule.tags.unwrap_or_default(),
        }
    }

    /// The inbound rules a group's permissions stand for, without ids. Source: EC2 DescribeSecurityGroups.
    pub fn of_permission(group: &str, permission: &IpPermission) -> Vec<Self> {
        let v4 = permission
            .ip_ranges()
            .iter()
            .map(|r| (Source::Ipv4(r.cidr_ip().unwrap_or_default().to_owned()), r.description()));
        let v6 = permission
            .ipv6_ranges()
            .iter()
            .map(|r| (Source::Ipv6(r.cidr_ipv6().unwrap_or_default().to_owned()), r.description()));
        let lists = permission.prefix_list_ids().iter().map(|l| {
            (Source::PrefixList(l.prefix_list_id().unwrap_or_default().to_owned()), l.description())
        });
        let groups = permission.user_id_group_pairs().iter().map(|g| {
            let source = Source::Group {
                id: g.group_id().unwrap_or_default().to_owned(),
                owner: filled(g.user_id()),
                peering: filled(g.vpc_peering_connection_id()),
            };
            (source, g.description())
        });
        let rule = |(source, description): (Source, Option<&str>)| Self {
            id: None,
            group: group.to_owned(),
            owner: None,
            egress: false,
            says: Says {
                protocol: permission.ip_protocol().unwrap_or_default().to_owned(),
                from_port: permission.from_port(),
                to_port: permission.to_port(),
                source,
                description: filled(description),
            },
            tags: Vec::new(),
        };
        v4.chain(v6).chain(lists).chain(groups).map(rule).collect()
    }
}

impl Says {
    /// What it lets through.
    pub fn traffic(&self) -> Traffic {
        Traffic::of(&self.protocol, self.from_port, self.to_port)
    }

    /// Whether both let the same through from the same source; what people wrote does not matter.
    pub fn same_as(&self, other: &Self) -> bool {
        self.traffic() == other.traffic() && self.source.same_as(&other.source)
    }

    /// The permission that makes this rule. Source: EC2 AuthorizeSecurityGroupIngress.
    pub fn permission(&self) -> IpPermission {
        let bare = IpPermission::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from_port)
            .set_to_port(self.to_port);
        let said = self.description.clone();
        match &self.source {
            Source::Ipv4(cidr) => {
                bare.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(said).build())
            }
            Source::Ipv6(cidr) => {
                bare.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(said).build())
            }
            Source::PrefixList(list) => bare
                .prefix_list_ids(PrefixListId::builder().prefix_list_id(list).set_description(said).build()),
            Source::Group { id, owner, peering } => bare.user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id(id)
                    .set_user_id(owner.clone())
                    .set_vpc_peering_connection_id(peering.clone())
                    .set_description(said)
                    .build(),
            ),
            Source::Other => bare,
        }
        .build()
    }

    /// The same as the `aws` command line takes it.
    pub fn permission_json(&self) -> serde_json::Value {
        let mut source = match &self.source {
            Source::Ipv4(cidr) => serde_json::json!({ "CidrIp": cidr }),
            Source::Ipv6(cidr) => serde_json::json!({ "CidrIpv6": cidr }),
            Source::PrefixList(list) => serde_json::json!({ "PrefixListId": list }),
            Source::Group { id, owner, peering } => {
                let more = [("UserId", owner), ("VpcPeeringConnectionId", peering)];
                let more = more.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v.clone()?.into())));
                let id = std::iter::once(("GroupId".to_owned(), id.clone().into()));
                serde_json::Value::Object(id.chain(more).collect())
            }
            Source::Other => serde_json::json!({}),
        };
        let mut all = serde_json::json!({ "IpProtocol": self.protocol });
        if let Some(all) = all.as_object_mut() {
            all.extend(self.from_port.map(|p| ("FromPort".to_owned(), p.into())));
            all.extend(self.to_port.map(|p| ("ToPort".to_owned(), p.into())));
            if let (Some(said), Some(source)) = (&self.description, source.as_object_mut()) {
                source.insert("Description".to_owned(), said.as_str().into());
            }
            let field = match &self.source {
                Source::Ipv4(_) => "IpRanges",
                Source::Ipv6(_) => "Ipv6Ranges",
                Source::PrefixList(_) => "PrefixListIds",
                Source::Group { .. } | Source::Other => "UserIdGroupPairs",
            };
            all.insert(field.to_owned(), serde_json::Value::Array(vec![source]));
        }
        all
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.traffic(), self.source)?;
        match &self.description {
            Some(said) => write!(f, ", described as {said:?}"),
            None => Ok(()),
        }
    }
}

impl Source {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            // The owner is not always told.
            (Self::Group { id, .. }, Self::Group { id: other, .. }) => id == other,
            (Self::Ipv4(a) | Self::Ipv6(a), Self::Ipv4(b) | Self::Ipv6(b)) => {
                a == b || Net::parse(a).is_some_and(|net| Net::parse(b) == Some(net))
            }
            _ => self == other,
        }
    }

    /// Whether everything from here also comes from `other`, as far as the rules alone tell.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ipv4(a) | Self::Ipv6(a), Self::Ipv4(b) | Self::Ipv6(b)) => {
                Net::parse(a).zip(Net::parse(b)).is_some_and(|(a, b)| a.within(b))
            }
            // Members of a group have an IPv4 address.
            (Self::Group { .. }, Self::Ipv4(b)) => Net::parse(b).is_some_and(Net::is_everything),
            _ => self.same_as(other),
        }
    }

    /// Whether some of what comes from here also comes from `other`, as far as the rules alone tell.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ipv4(a) | Self::Ipv6(a), Self::Ipv4(b) | Self::Ipv6(b)) => {
                Net::parse(a).zip(Net::parse(b)).is_some_and(|(a, b)| a.meets(b))
            }
            (Self::PrefixList(_) | Self::Group { .. }, Self::Ipv4(cidr))
            | (Self::Ipv4(cidr), Self::PrefixList(_) | Self::Group { .. }) => {
                Net::parse(cidr).is_some_and(Net::is_everything)
            }
            _ => self.same_as(other),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(name) | Self::Ipv6(name) | Self::PrefixList(name) => f.write_str(name),
            Self::Group { id, .. } => f.write_str(id),
            Self::Other => f.write_str("a source of an unknown kind"),
        }
    }
}
