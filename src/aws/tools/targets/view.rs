//! Targets as a result: the unhealthy ones first.

use super::read::{GROUPS, Group, Region};
use super::reason::explained;
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::get_target_health::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{cut, plural};
use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthStateEnum as State};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;

const COLUMNS: [(&str, ColumnKind); 8] = [
    ("lb", ColumnKind::Text),
    ("target_group", ColumnKind::Id),
    ("type", ColumnKind::Text),
    ("target", ColumnKind::Id),
    ("port", ColumnKind::Count),
    ("state", ColumnKind::State),
    ("reason", ColumnKind::Text),
    ("description", ColumnKind::Text),
];
/// A group in use without a single target.
const EMPTY: &str = "empty";
/// A group no load balancer uses.
const IDLE: &str = "no load balancer";
/// Bytes of a row's description.
const LONGEST: usize = 400;
/// Groups named in the summary.
const NAMED: usize = 4;

struct Shown<'a> {
    place: &'a Place,
    group: &'a Group,
    /// `None` for a group that has none, or whose targets nobody uses.
    target: Option<&'a TargetHealthDescription>,
    urgency: u8,
}

impl Shown<'_> {
    fn state(&self) -> &str {
        match self.target {
            Some(target) => state(target).map_or("unknown", State::as_str),
            None if self.group.targets.is_some() => EMPTY,
            None => IDLE,
        }
    }

    fn name(&self) -> &str {
        self.group.group.target_group_name().unwrap_or("?")
    }
}

/// The result of `get_target_health`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let columns = PlaceColumns::of(out);
    let mut all: Vec<Shown<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, region)| region.groups.iter().flat_map(move |g| rows_of(place, g)))
        .collect();
    all.sort_by_cached_key(|s| {
        (
            Reverse(s.urgency),
            s.place.clone(),
            s.name().to_owned(),
            s.state().to_owned(),
            id(s).map(str::to_owned),
        )
    });
    let rows = all.iter().map(|s| row(s, columns)).collect();
    let mut projection =
        Projection::new(String::new(), now).columns(&columns.before(&COLUMNS)).rows(rows).counted("state");
    if args.only_unhealthy {
        let shown = projection.rows.iter().filter(|r| r.urgency > 1).cloned().collect();
        projection = projection.rows(shown);
    }
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all);
    projection.truncated = truncated(out);
    projection.summary = summary(args, out, &all, &projection);
    projection
}

fn rows_of<'a>(place: &'a Place, group: &'a Group) -> Vec<Shown<'a>> {
    let used = !group.group.load_balancer_arns().is_empty();
    match &group.targets {
        None => vec![Shown { place, group, target: None, urgency: 0 }],
        Some(targets) if targets.is_empty() => {
            vec![Shown { place, group, target: None, urgency: if used { 2 } else { 0 } }]
        }
        Some(targets) => {
            let any = targets.iter().any(|t| state(t) == Some(&State::Healthy));
            let row = |target| Shown { place, group, target: Some(target), urgency: urgency(target, any) };
            targets.iter().map(row).collect()
        }
    }
}

fn state(target: &TargetHealthDescription) -> Option<&State> {
    target.target_health().and_then(|h| h.state())
}

/// Where nothing is healthy an unhealthy target is an outage, not a nuisance.
fn urgency(target: &TargetHealthDescription, any_healthy: bool) -> u8 {
    match state(target) {
        Some(State::Unhealthy | State::UnhealthyDraining) => {
            if any_healthy {
                2
            } else {
                3
            }
        }
        Some(State::Draining | State::Initial | State::Unused) => 1,
        Some(_) | None => 0,
    }
}

fn id<'a>(shown: &Shown<'a>) -> Option<&'a str> {
    shown.target.and_then(|t| t.target()).and_then(|t| t.id())
}

fn row(shown: &Shown<'_>, columns: PlaceColumns) -> Row {
    let group = &shown.group.group;
    let balancers = shown.group.load_balancers();
    let health = shown.target.and_then(|t| t.target_health());
    let cells: [Cell; COLUMNS.len()] = [
        (!balancers.is_empty()).then(|| balancers.join(", ")).into(),
        shown.name().into(),
        group.target_type().map(aws_sdk_elasticloadbalancingv2::types::TargetTypeEnum::as_str).into(),
        id(shown).into(),
        shown
            .target
            .and_then(|t| t.target())
            .and_then(aws_sdk_elasticloadbalancingv2::types::TargetDescription::port)
            .into(),
        shown.state().into(),
        health
            .and_then(|h| h.reason())
            .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum::as_str)
            .into(),
        described(shown).map(|d| cut(&d, LONGEST).into_owned()).into(),
    ];
    Row { urgency: shown.urgency, cells: columns.cells(shown.place).chain(cells).collect() }
}

/// What AWS says, what it means, and whether a zonal shift has to do with it.
fn described(shown: &Shown<'_>) -> Option<String> {
    let Some(target) = shown.target else {
        return Some(match shown.state() {
            EMPTY if shown.urgency > 0 => "no target is registered: the load balancer answers 503".to_owned(),
            EMPTY => "no target is registered".to_owned(),
            _ => "no load balancer uses this group; its targets were not looked at".to_owned(),
        });
    };
    let health = target.target_health();
    let said = health.and_then(|h| h.description()).map(str::to_owned);
    let means = health.and_then(|h| h.reason()).and_then(|r| explained(r, &shown.group.group));
    let shifted = target
        .administrative_override()
        .and_then(|o| o.state())
        .map(aws_sdk_elasticloadbalancingv2::types::TargetAdministrativeOverrideStateEnum::as_str);
    let shifted = shifted.filter(|s| s.contains("active")).map(|s| format!("zonal shift: {s}"));
    let parts: Vec<String> = said.into_iter().chain(means).chain(shifted).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn truncated(out: &Gathered<Region>) -> Option<String> {
    let parts: Vec<String> = out
        .answers
        .iter()
        .flat_map(|(place, region)| {
            let ceiling = region.more.then(|| format!("only the first {CEILING} target groups of {} were listed", place.region));
            let unasked = (region.unasked > 0).then(|| {
                format!(
                    "{} in {} were not asked for their health (at most {GROUPS} a region, and within the time); name a load balancer",
                    plural(region.unasked, "target group"),
                    place.region
                )
            });
            ceiling.into_iter().chain(unasked)
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn asked(args: &Args) -> String {
    let lb = args.load_balancer.as_ref().map(|l| format!(" behind {l}"));
    let group = args.target_group.as_ref().map(|g| format!(" of target group {g}"));
    [group, lb].into_iter().flatten().collect()
}

fn summary(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>], projection: &Projection) -> String {
    let groups: usize = out.answers.iter().map(|(_, r)| r.groups.len()).sum();
    let targets = all.iter().filter(|s| s.target.is_some()).count();
    let place = searched(out);
    let mut sentence = if groups == 0 {
        format!("No target groups{} in {place}", asked(args))
    } else {
        let states: Vec<String> = projection.counts.of.iter().map(|(s, n)| format!("{n} {s}")).collect();
        let what = plural(targets, "target");
        format!(
            "{what}{} in {} in {place}: {}",
            asked(args),
            plural(groups, "target group"),
            states.join(", ")
        )
    };
    let worst = worst(out);
    if !worst.is_empty() {
        let more = worst.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named: Vec<String> = worst.into_iter().take(NAMED).collect();
        sentence.push_str(&format!("; worst: {}{more}", named.join(", ")));
    } else if targets > 0 {
        sentence.push_str("; none is unhealthy");
    }
    if projection.truncated.is_some() {
        sentence.push_str("; there are more");
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

/// `cart (3 of 4 unhealthy)`: groups without a healthy target first, then by how many are unhealthy.
fn worst(out: &Gathered<Region>) -> Vec<String> {
    let groups = out.answers.iter().flat_map(|(_, r)| &r.groups);
    let mut all: Vec<_> = groups
        .filter_map(|group| {
            let name = group.group.target_group_name().unwrap_or("?");
            let targets = group.targets.as_ref()?;
            let used = !group.group.load_balancer_arns().is_empty();
            let bad = targets.iter().filter(|t| urgency(t, true) > 1).count();
            let healthy = targets.iter().any(|t| state(t) == Some(&State::Healthy));
            let words = match (targets.len(), bad) {
                (0, _) if used => format!("{name} (empty)"),
                (_, 0) => return None,
                (n, bad) => format!("{name} ({bad} of {n} unhealthy)"),
            };
            Some(((healthy, Reverse(bad), name.to_owned()), words))
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, words)| words).collect()
}

fn notes(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> Vec<String> {
    let mut notes =
        vec![format!("searched {}{}; Classic load balancers are not seen", searched(out), asked(args))];
    let dead = out.answers.iter().flat_map(|(_, r)| &r.groups).filter(|g| {
        let targets = g.targets.as_deref().unwrap_or_default();
        let none = !targets.is_empty() && targets.iter().all(|t| urgency(t, true) > 1);
        none && !g.group.load_balancer_arns().is_empty()
    });
    let dead: Vec<&str> = dead.filter_map(|g| g.group.target_group_name()).take(10).collect();
    if !dead.is_empty() {
        notes.push(format!(
            "every target is unhealthy in {}: load balancers then send requests to all of them (fail open)",
            dead.join(", ")
        ));
    }
    let idle = all.iter().filter(|s| s.target.is_none() && s.state() == IDLE).count();
    if idle > 0 {
        notes.push(format!(
            "{} no load balancer uses: not asked for their targets; name one to see them",
            plural(idle, "target group")
        ));
    }
    if args.only_unhealthy {
        notes.push(
            "only unhealthy targets and empty groups in use are listed; the counts cover all".to_owned(),
        );
    }
    notes
}
