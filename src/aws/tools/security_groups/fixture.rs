//! Security groups on the wire, for tests.

use crate::testing::Canned;

pub const GROUP: &str = "sg-0123456789abcdef0";
pub const OTHER: &str = "sg-0123456789abcdef1";

/// The id of the n-th rule.
pub fn rule_id(n: usize) -> String {
    format!("sgr-{n:017x}")
}

pub fn error(code: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>"
    )
}

/// An inbound rule of `group`; the source is a range, a prefix list or a group.
pub fn rule(n: usize, group: &str, protocol: &str, from: i32, to: i32, source: &str) -> String {
    let source = match source {
        s if s.starts_with("sg-") => format!(
            "<referencedGroupInfo><groupId>{s}</groupId><userId>123456789012</userId></referencedGroupInfo>"
        ),
        s if s.starts_with("pl-") => format!("<prefixListId>{s}</prefixListId>"),
        s if s.contains(':') => format!("<cidrIpv6>{s}</cidrIpv6>"),
        s => format!("<cidrIpv4>{s}</cidrIpv4>"),
    };
    format!(
        "<item><securityGroupRuleId>{}</securityGroupRuleId><groupId>{group}</groupId><groupOwnerId>123456789012</groupOwnerId>\
         <isEgress>false</isEgress><ipProtocol>{protocol}</ipProtocol><fromPort>{from}</fromPort><toPort>{to}</toPort>{source}</item>",
        rule_id(n)
    )
}

pub fn egress(n: usize, group: &str) -> String {
    rule(n, group, "-1", -1, -1, "0.0.0.0/0").replace("<isEgress>false", "<isEgress>true")
}

pub fn rules(items: &[String], next: &str) -> String {
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    format!(
        "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet>{}</securityGroupRuleSet>{next}</DescribeSecurityGroupRulesResponse>",
        items.concat()
    )
}

/// A group with an inbound permission for tcp 22 from everywhere, and these tags.
pub fn group(id: &str, name: &str, tags: &[(&str, &str)]) -> String {
    let tags: String =
        tags.iter().map(|(k, v)| format!("<item><key>{k}</key><value>{v}</value></item>")).collect();
    format!(
        "<item><ownerId>123456789012</ownerId><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>vpc-1</vpcId>\
         <ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>\
         </item></ipRanges></item></ipPermissions><tagSet>{tags}</tagSet></item>"
    )
}

pub fn groups(items: &[String]) -> String {
    format!(
        "<DescribeSecurityGroupsResponse><securityGroupInfo>{}</securityGroupInfo></DescribeSecurityGroupsResponse>",
        items.concat()
    )
}

/// An interface with these groups; `more` are further members.
pub fn interface(n: usize, groups: &[&str], more: &str) -> String {
    let groups: String = groups.iter().map(|g| format!("<item><groupId>{g}</groupId></item>")).collect();
    format!(
        "<item><networkInterfaceId>eni-{n:017x}</networkInterfaceId><privateIpAddress>10.0.0.{n}</privateIpAddress><groupSet>{groups}</groupSet>{more}</item>"
    )
}

pub fn instance(id: &str) -> String {
    format!("<attachment><instanceId>{id}</instanceId></attachment>")
}

pub fn interfaces(items: &[String]) -> String {
    format!(
        "<DescribeNetworkInterfacesResponse><networkInterfaceSet>{}</networkInterfaceSet></DescribeNetworkInterfacesResponse>",
        items.concat()
    )
}

/// An account with one group named `web`, these rules, these interfaces.
pub fn account(tags: &[(&str, &str)], items: &[String], attached: &[String]) -> Canned {
    Canned::new()
        .on("ec2", "DescribeSecurityGroups", &groups(&[group(GROUP, "web", tags)]))
        .on("ec2", "DescribeSecurityGroupRules", &rules(items, ""))
        .on("ec2", "DescribeNetworkInterfaces", &interfaces(attached))
}
