//! Groups, rules, prefix lists and interfaces of one region: every page, up to a ceiling.

use super::judge::Attached;
use super::rule::{Rule, Source};
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceType, SecurityGroup};
use futures::StreamExt;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;

/// Values EC2 takes in one filter.
const VALUES: usize = 200;
/// Prefix lists read at the same time.
const AT_ONCE: usize = 8;

/// What is said where the rules themselves could not be read, or not all of them.
const NO_RULES: &str = "DescribeSecurityGroupRules (rule ids)";
const RULES: &str = "inbound rules";

/// Whether an error of a result says that rules are missing from it.
pub fn is_about_rules(place: &str) -> bool {
    place.contains(NO_RULES) || place.contains(RULES)
}

/// What was read of something, page by page.
#[derive(Debug)]
pub struct Pages<T> {
    /// In AWS's order.
    pub items: Vec<T>,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// Why what comes after these could not be read.
    pub lost: Option<Fault>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { items: Vec::new(), more: false, lost: None }
    }
}

impl<T> Pages<T> {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        !self.more && self.lost.is_none()
    }
}

/// Which groups are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// All of the region.
    All,
    /// The one with this id.
    Id(&'a str),
    /// Those whose name matches.
    Named(&'a str),
}

impl<'a> Wanted<'a> {
    /// A group id is one; anything else is a name.
    pub fn of(group: Option<&'a str>) -> Self {
        match group {
            None => Self::All,
            Some(id) if id.starts_with("sg-") => Self::Id(id),
            Some(name) => Self::Named(name),
        }
    }
}

/// What one region answered.
#[derive(Debug, Default)]
pub struct Region {
    /// By id; empty where they could not be read.
    pub groups: HashMap<String, SecurityGroup>,
    /// Inbound rules.
    pub rules: Vec<Rule>,
    /// What the groups are attached to.
    pub interfaces: Interfaces,
    /// The ranges of each prefix list, or why they are not known.
    pub lists: BTreeMap<String, Result<Vec<String>, Fault>>,
    /// What is missing, and why.
    pub errors: Vec<(String, Fault)>,
    /// What there is more of than the ceiling.
    pub over: Vec<&'static str>,
    /// Names near to one that was not found.
    pub near: Vec<String>,
}

/// Network interfaces by the groups they have.
#[derive(Debug, Default)]
pub struct Interfaces {
    /// By group.
    pub of: HashMap<String, Vec<Interface>>,
    /// Whether all were read: only then is a group without one attached to nothing.
    pub whole: bool,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eni-...`.
    pub id: String,
    /// The instance it belongs to, or what AWS calls it.
    pub name: String,
    /// Its public address.
    pub public: Option<String>,
    /// Its private addresses.
    pub private: Vec<String>,
    /// What kind of interface.
    pub kind: Option<NetworkInterfaceType>,
    /// Its groups.
    pub groups: Vec<String>,
}

impl Interfaces {
    /// Those of `pages`, by group.
    pub fn by_group(pages: &Pages<NetworkInterface>) -> Self {
        let whole = pages.is_whole();
        let mut of: HashMap<String, Vec<Interface>> = HashMap::new();
        for interface in pages.items.iter().map(Interface::of) {
            for group in &interface.groups {
                of.entry(group.clone()).or_default().push(interface.clone());
            }
        }
        Self { of, whole }
    }

    /// Whether `group` is attached to anything.
    pub fn attached(&self, group: &str) -> Attached {
        match (self.of.contains_key(group), self.whole) {
            (true, _) => Attached::Yes,
            (false, true) => Attached::Nothing,
            (false, false) => Attached::NotKnown,
        }
    }
}

impl Interface {
    /// Source: EC2 DescribeNetworkInterfaces.
    pub fn of(interface: &NetworkInterface) -> Self {
        let id = interface.network_interface_id().unwrap_or_default();
        let instance = interface.attachment().and_then(|a| a.instance_id()).filter(|i| !i.is_empty());
        let name = instance.or(interface.description()).filter(|n| !n.is_empty()).unwrap_or(id);
        let private = interface.private_ip_addresses().iter().filter_map(|a| a.private_ip_address());
        let mut private: Vec<String> =
            interface.private_ip_address().into_iter().chain(private).map(str::to_owned).collect();
        private.dedup();
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            public: interface.association().and_then(|a| a.public_ip()).map(str::to_owned),
            private,
            kind: interface.interface_type().cloned(),
            groups: interface.groups().iter().filter_map(|g| g.group_id().map(str::to_owned)).collect(),
        }
    }
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        self.public.as_ref().map_or(Ok(()), |public| write!(f, " ({public})"))
    }
}

/// `key` is one of `values`.
pub fn filter(key: &str, values: &[String]) -> Vec<Filter> {
    vec![Filter::builder().name(key).set_values(Some(values.to_vec())).build()]
}

/// One region of an audit.
///
/// # Errors
/// Neither the groups nor their rules could be read.
pub async fn region(ec2: Client, group: Option<&str>, patience: Patience) -> Result<Region, Fault> {
    let wanted = Wanted::of(group);
    let (groups, rules, interfaces) = match wanted {
        Wanted::All => futures::join!(
            groups(&ec2, &[], patience),
            inbound(&ec2, &[], patience),
            interfaces(&ec2, &[], patience)
        ),
        Wanted::Id(id) => {
            let ours = filter("group-id", &[id.to_owned()]);
            futures::join!(
                self::groups(&ec2, &ours, patience),
                inbound(&ec2, &ours, patience),
                self::interfaces(&ec2, &ours, patience)
            )
        }
        Wanted::Named(name) => {
            // Rules and interfaces are found by the group's id alone.
            let groups = groups(&ec2, &filter("group-name", &[name.to_owned()]), patience).await?;
            let ids: Vec<String> = groups.items.iter().filter_map(|g| g.group_id.clone()).collect();
            let ours = if ids.len() > VALUES { Vec::new() } else { filter("group-id", &ids) };
            let (rules, interfaces) = if ids.is_empty() {
                (Ok(Pages::default()), Ok(Pages::default()))
            } else {
                futures::join!(inbound(&ec2, &ours, patience), self::interfaces(&ec2, &ours, patience))
            };
            (Ok(groups), rules, interfaces)
        }
    };
    let mut region = Region::default();
    region.take(groups, rules, interfaces, wanted)?;
    region.read_lists(&ec2, patience).await;
    if wanted != Wanted::All
        && region.groups.is_empty()
        && region.rules.is_empty()
        && region.errors.is_empty()
    {
        region.near = near(&ec2, group.unwrap_or_default(), patience).await;
    }
    Ok(region)
}

impl Region {
    /// Keeps what was read and says what was not.
    fn take(
        &mut self,
        groups: Result<Pages<SecurityGroup>, Fault>,
        rules: Result<Pages<Rule>, Fault>,
        interfaces: Result<Pages<NetworkInterface>, Fault>,
        wanted: Wanted<'_>,
    ) -> Result<(), Fault> {
        let groups = match groups {
            Ok(pages) => {
                self.note("security groups", &pages);
                pages.items
            }
            Err(fault) => {
                if rules.is_err() {
                    return Err(fault);
                }
                self.errors.push(("DescribeSecurityGroups (names)".to_owned(), fault));
                Vec::new()
            }
        };
        match rules {
            Ok(pages) => {
                self.note(RULES, &pages);
                self.rules = pages.items;
                if matches!(wanted, Wanted::Named(_)) {
                    let ids: BTreeSet<&str> = groups.iter().filter_map(|g| g.group_id()).collect();
                    self.rules.retain(|r| ids.contains(r.group.as_str()));
                }
            }
            Err(fault) => {
                // The groups say the same, without the rules' ids.
                self.errors.push((NO_RULES.to_owned(), fault));
                for group in &groups {
                    let id = group.group_id().unwrap_or_default();
                    self.rules.extend(group.ip_permissions().iter().flat_map(|p| Rule::of_permission(id, p)));
                }
            }
        }
        match interfaces {
            Ok(pages) => {
                self.note("network interfaces", &pages);
                self.interfaces = Interfaces::by_group(&pages);
            }
            Err(fault) => {
                self.errors.push(("DescribeNetworkInterfaces (attached_to)".to_owned(), fault));
            }
        }
        self.groups = groups.into_iter().filter_map(|g| Some((g.group_id.clone()?, g))).collect();
        Ok(())
    }

    fn note<T>(&mut self, what: &'static str, pages: &Pages<T>) {
        if pages.more {
            self.over.push(what);
        }
        if let Some(fault) = &pages.lost {
            self.errors.push((format!("{what} after the first {}", pages.items.len()), fault.clone()));
        }
    }

    /// The entries of every prefix list a rule names, each read once.
    async fn read_lists(&mut self, ec2: &Client, patience: Patience) {
        let named = self.rules.iter().filter_map(|r| match &r.says.source {
            Source::PrefixList(list) => Some(list.clone()),
            Source::Ipv4(_) | Source::Ipv6(_) | Source::Group { .. } | Source::Other => None,
        });
        let named: BTreeSet<String> = named.collect();
        let read = named.into_iter().map(|list| async move {
            let entries = entries(ec2, &list, patience).await;
            (list, entries)
        });
        self.lists = futures::stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
        for (list, read) in &self.lists {
            if let Err(fault) = read {
                self.errors.push((format!("prefix list {list}"), fault.clone()));
            }
        }
    }
}

/// Group ids and names near to one that is not there.
async fn near(ec2: &Client, wanted: &str, patience: Patience) -> Vec<String> {
    let Ok(all) = groups(ec2, &[], patience).await else { return Vec::new() };
    let names = all.items.iter().flat_map(|g| g.group_name().into_iter().chain(g.group_id()));
    let mut near: Vec<String> = nearest(wanted, names, 3).into_iter().map(str::to_owned).collect();
    near.dedup();
    near
}

/// Reads page after page. What was read before a fault is kept.
async fn every<T, F, Fut>(patience: Patience, page: F) -> Result<Pages<T>, Fault>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, Option<String>), Fault>>,
{
    let mut pages = Pages::default();
    let mut token = None;
    let mut first = true;
    loop {
        if !first && patience.is_over() {
            let late = Fault::new(FaultKind::Timeout, "there was no time left to read the rest");
            pages.lost = Some(late.hint("ask for less: one group, fewer regions"));
            return Ok(pages);
        }
        let (items, next) = match page(token).await {
            Ok(answer) => answer,
            Err(fault) if first => return Err(fault),
            Err(fault) => {
                pages.lost = Some(fault);
                return Ok(pages);
            }
        };
        first = false;
        pages.items.extend(items);
        token = next.filter(|t| !t.is_empty());
        if pages.items.len() >= CEILING && (token.is_some() || pages.items.len() > CEILING) {
            pages.items.truncate(CEILING);
            pages.more = true;
            return Ok(pages);
        }
        if token.is_none() {
            return Ok(pages);
        }
    }
}

fn some(filters: &[Filter]) -> Option<Vec<Filter>> {
    (!filters.is_empty()).then(|| filters.to_vec())
}

/// Source: EC2 DescribeSecurityGroups.
///
/// # Errors
/// The first page could not be read.
pub async fn groups(
    ec2: &Client,
    filters: &[Filter],
    patience: Patience,
) -> Result<Pages<SecurityGroup>, Fault> {
    every(patience, |token| {
        let ask = ec2.describe_security_groups().set_filters(some(filters)).max_results(1000);
        let ask = ask.set_next_token(token).send();
        async move {
            let out = patience.page(ask).await.map_err(|e| e.fault())?;
            Ok((out.security_groups.unwrap_or_default(), out.next_token))
        }
    })
    .await
}

/// Rules of both directions. Source: EC2 DescribeSecurityGroupRules.
///
/// # Errors
/// The first page could not be read.
pub async fn rules(ec2: &Client, filters: &[Filter], patience: Patience) -> Result<Pages<Rule>, Fault> {
    listed(ec2, filters, patience, |_| true).await
}

/// Inbound rules only: outbound ones do not count towards the ceiling.
async fn inbound(ec2: &Client, filters: &[Filter], patience: Patience) -> Result<Pages<Rule>, Fault> {
    listed(ec2, filters, patience, |rule| !rule.egress).await
}

async fn listed(
    ec2: &Client,
    filters: &[Filter],
    patience: Patience,
    keep: fn(&Rule) -> bool,
) -> Result<Pages<Rule>, Fault> {
    every(patience, |token| {
        let ask = ec2.describe_security_group_rules().set_filters(some(filters)).max_results(1000);
        let ask = ask.set_next_token(token).send();
        async move {
            let out = patience.page(ask).await.map_err(|e| e.fault())?;
            let rules = out.security_group_rules.unwrap_or_default().into_iter().map(Rule::of);
            Ok((rules.filter(keep).collect(), out.next_token))
        }
    })
    .await
}

/// Source: EC2 DescribeNetworkInterfaces, once for all groups.
///
/// # Errors
/// The first page could not be read.
pub async fn interfaces(
    ec2: &Client,
    filters: &[Filter],
    patience: Patience,
) -> Result<Pages<NetworkInterface>, Fault> {
    every(patience, |token| {
        let ask = ec2.describe_network_interfaces().set_filters(some(filters)).max_results(1000);
        let ask = ask.set_next_token(token).send();
        async move {
            let out = patience.page(ask).await.map_err(|e| e.fault())?;
            Ok((out.network_interfaces.unwrap_or_default(), out.next_token))
        }
    })
    .await
}

/// The ranges of a prefix list. Source: EC2 GetManagedPrefixListEntries.
async fn entries(ec2: &Client, list: &str, patience: Patience) -> Result<Vec<String>, Fault> {
    let pages = every(patience, |token| {
        let ask = ec2.get_managed_prefix_list_entries().prefix_list_id(list).max_results(100);
        let ask = ask.set_next_token(token).send();
        async move {
            let out = patience.page(ask).await.map_err(|e| e.fault())?;
            let ranges = out.entries.unwrap_or_default().into_iter().filter_map(|e| e.cidr);
            Ok((ranges.collect(), out.next_token))
        }
    })
    .await?;
    // Half a list may hold the harmless half.
    pages.lost.map_or(Ok(pages.items), Err)
}
