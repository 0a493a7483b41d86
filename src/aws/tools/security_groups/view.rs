//! Inbound rules as a result: what is most open first.

use super::judge::{Attached, Judgement, Level, Reach, judge};
use super::read::{Interface, Region};
use super::rule::{Rule, Source};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::audit_security_groups::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::plural;
use aws_sdk_ec2::types::SecurityGroup;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;
use std::collections::BTreeSet;

const COLUMNS: [(&str, ColumnKind); 9] = [
    ("group", ColumnKind::Id),
    ("name", ColumnKind::Text),
    ("rule_id", ColumnKind::Id),
    ("protocol", ColumnKind::Text),
    ("ports", ColumnKind::Text),
    ("cidr", ColumnKind::Text),
    ("risk", ColumnKind::Risk),
    ("why", ColumnKind::Text),
    ("attached_to", ColumnKind::Text),
];
/// Interfaces named in a cell.
const NAMED: usize = 3;
/// Open rules named in the summary.
const WORST: usize = 2;

/// A rule with what is said of it.
struct Shown<'a> {
    place: &'a Place,
    region: &'a Region,
    rule: &'a Rule,
    said: Judgement,
    attached: Attached,
}

/// The result of `audit_security_groups`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let places = PlaceColumns::of(out);
    let mut all: Vec<Shown<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, region)| region.rules.iter().map(|r| shown(place, region, r)))
        .collect();
    if args.only_attached {
        all.retain(|s| s.attached != Attached::Nothing);
    }
    all.sort_by(|a, b| {
        let key = |s: &Shown<'_>| (Reverse(s.said.level), s.said.known, s.attached == Attached::Nothing);
        key(a).cmp(&key(b)).then_with(|| (&a.rule.group, &a.rule.id).cmp(&(&b.rule.group, &b.rule.id)))
    });
    let rows = all.iter().map(|s| row(s, places)).collect();
    let mut projection =
        Projection::new("", now).columns(&places.before(&COLUMNS)).rows(rows).counted("risk");
    projection.summary = summary(args, out, &all);
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all);
    let over: BTreeSet<String> = out
        .answers
        .iter()
        .flat_map(|(p, r)| r.over.iter().map(move |what| format!("{what} of {}", p.region)))
        .collect();
    if !over.is_empty() {
        let over: Vec<String> = over.into_iter().collect();
        projection.truncated = Some(format!("only the first {CEILING} were read: {}", over.join(", ")));
    }
    projection
}

fn shown<'a>(place: &'a Place, region: &'a Region, rule: &'a Rule) -> Shown<'a> {
    let attached = region.interfaces.attached(&rule.group);
    let said = judge(&rule.says.traffic(), &reach(region, &rule.says.source), attached);
    Shown { place, region, rule, said, attached }
}

/// Who may use a rule with this source.
fn reach(region: &Region, source: &Source) -> Reach {
    match source {
        Source::Ipv4(cidr) | Source::Ipv6(cidr) => Reach::of([cidr.as_str()]),
        Source::Group { .. } => Reach::Limited,
        Source::Other => Reach::NotKnown("its source is of a kind that is not known here".to_owned()),
        Source::PrefixList(list) => match region.lists.get(list) {
            Some(Ok(ranges)) => match Reach::of(ranges.iter().map(String::as_str)) {
                Reach::World(by) => Reach::World(format!("prefix list {list} with {by}")),
                limited @ (Reach::Limited | Reach::NotKnown(_)) => limited,
            },
            Some(Err(fault)) => Reach::NotKnown(format!("prefix list {list} could not be read ({fault})")),
            None => Reach::NotKnown(format!("prefix list {list} was not read")),
        },
    }
}

fn row(shown: &Shown<'_>, places: PlaceColumns) -> Row {
    let (rule, group) = (shown.rule, shown.region.groups.get(&shown.rule.group));
    let cells: [Cell; COLUMNS.len()] = [
        rule.group.as_str().into(),
        group.and_then(SecurityGroup::group_name).into(),
        rule.id.as_deref().into(),
        rule.says.traffic().protocol().into(),
        rule.says.traffic().ports().into(),
        source(shown.region, rule).into(),
        shown.said.label().into(),
        why(shown).into(),
        attached_to(shown).into(),
    ];
    let urgency = match shown.said.level {
        Level::Critical => 3,
        Level::High => 2,
        Level::Medium => 1,
        Level::Low | Level::None => 0,
    };
    Row { urgency, cells: places.cells(shown.place).chain(cells).collect() }
}

/// The source, with the name of a group or where it is.
fn source(region: &Region, rule: &Rule) -> String {
    match &rule.says.source {
        Source::Group { id, .. } if *id == rule.group => format!("{id} (itself)"),
        Source::Group { id, owner, .. } => {
            let name = region.groups.get(id).and_then(SecurityGroup::group_name);
            let other = owner.as_deref().filter(|o| rule.owner.as_deref().is_some_and(|ours| ours != *o));
            match (name, other) {
                (Some(name), _) => format!("{id} ({name})"),
                (None, Some(account)) => format!("{id} of account {account}"),
                (None, None) => id.clone(),
            }
        }
        source @ (Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) | Source::Other) => {
            source.to_string()
        }
    }
}

fn why(shown: &Shown<'_>) -> Option<String> {
    let said = Some(shown.said.why.as_str()).filter(|w| !w.is_empty());
    let described = shown.rule.says.description.as_ref().map(|d| format!("described as {d:?}"));
    match (said, described) {
        (Some(why), Some(described)) => Some(format!("{why}; {described}")),
        (Some(why), None) => Some(why.to_owned()),
        (None, described) => described,
    }
}

/// `2: i-0123456789abcdef0 (203.0.113.5), ELB app/web/1`, `nothing`; absent where it is not known.
fn attached_to(shown: &Shown<'_>) -> Option<String> {
    match shown.region.interfaces.of.get(&shown.rule.group) {
        Some(interfaces) => Some(named(interfaces)),
        None if shown.attached == Attached::Nothing => Some("nothing".to_owned()),
        None => None,
    }
}

/// How many interfaces, and the first of them; those with a public address first.
pub fn named(interfaces: &[Interface]) -> String {
    let mut sorted: Vec<&Interface> = interfaces.iter().collect();
    sorted.sort_by_key(|i| (i.public.is_none(), &i.name, &i.id));
    let names: Vec<String> = sorted.iter().take(NAMED).map(ToString::to_string).collect();
    let more = interfaces.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", interfaces.len(), names.join(", "))
}

fn summary(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> String {
    let place = searched(out);
    let groups: usize = out.answers.iter().map(|(_, r)| groups_of(r)).sum();
    let mut sentence = match (&args.group, groups) {
        (Some(group), 0) => format!("No security group {group:?} in {place}"),
        (None, 0) => format!("No security groups in {place}"),
        (_, groups) => {
            let rules = plural(all.len(), "inbound rule");
            let only = if args.only_attached { " (only attached ones are listed)" } else { "" };
            let whose = match &args.group {
                Some(group) if groups == 1 => format!("security group {group:?}"),
                Some(group) => format!("{} matching {group:?}{only}", plural(groups, "security group")),
                None => format!("{}{only}", plural(groups, "security group")),
            };
            format!("{rules} of {whose} in {place}: {}", risks(all))
        }
    };
    let worst: Vec<String> = all
        .iter()
        .filter(|s| s.said.level > Level::Low)
        .take(WORST)
        .map(|s| {
            let name = s.region.groups.get(&s.rule.group).and_then(SecurityGroup::group_name);
            format!("{} in {}: {}", s.said.label(), name.unwrap_or(&s.rule.group), s.said.why)
        })
        .collect();
    if !worst.is_empty() {
        sentence.push_str(&format!("; worst: {}", worst.join("; ")));
    }
    if out.answers.iter().any(|(_, r)| !r.over.is_empty()) {
        sentence.push_str("; there are more");
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, r)| !r.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

/// Groups there are, also where only their rules could be read.
fn groups_of(region: &Region) -> usize {
    let by_rule: BTreeSet<&str> = region.rules.iter().map(|r| r.group.as_str()).collect();
    region.groups.len().max(by_rule.len())
}

/// `1 CRITICAL, 2 HIGH`, or that none is open.
fn risks(all: &[Shown<'_>]) -> String {
    let count = |label: &str| all.iter().filter(|s| s.said.label() == label).count();
    let words: Vec<String> = ["CRITICAL", "HIGH", "UNKNOWN", "MEDIUM", "LOW"]
        .iter()
        .map(|label| (count(label), label))
        .filter(|(n, _)| *n > 0)
        .map(|(n, label)| format!("{n} {label}"))
        .collect();
    let open = all.iter().filter(|s| s.said.level > Level::None).count();
    match (words.is_empty(), all.len() - open) {
        (true, _) => "none is open to the world".to_owned(),
        (false, 0) => words.join(", "),
        (false, rest) => format!("{}, {rest} not open to the world", words.join(", ")),
    }
}

fn notes(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> Vec<String> {
    let group = args.group.as_ref().map_or_else(String::new, |g| format!("; group {g:?}"));
    let attached = if args.only_attached { "; only groups attached to something" } else { "" };
    let mut notes = vec![format!(
        "searched inbound rules in {}{group}{attached}; outbound rules and network ACLs were not examined",
        searched(out)
    )];
    for (place, region) in &out.answers {
        if !region.near.is_empty() {
            let near = region.near.join(", ");
            notes.push(format!("did you mean, in {}: {near}", place.region));
        }
    }
    if args.group.is_some() && out.answers.iter().all(|(_, r)| groups_of(r) == 0) {
        notes.push(
            "send a group's id or its group name (not its Name tag); regions: [\"all\"] searches everywhere"
                .into(),
        );
    }
    if all.iter().any(|s| s.attached == Attached::Yes && s.said.level > Level::None) {
        notes.push("open means that the group lets it in: routes, addresses and load balancers decide who gets there".into());
    }
    notes
}
