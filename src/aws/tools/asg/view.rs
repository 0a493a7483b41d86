//! Groups as a result: the worst first.

use super::group::{Health, Members, failing, health};
use super::read::{Failed, Latest, Region};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::list_auto_scaling_groups::Args;
use crate::tools::reading::places::{PlaceColumns, errors, searched};
use crate::tools::reading::words::{cut, plural};
use aws_sdk_autoscaling::types::AutoScalingGroup;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};

const COLUMNS: [(&str, ColumnKind); 12] = [
    ("name", ColumnKind::Id),
    ("health", ColumnKind::State),
    ("min", ColumnKind::Count),
    ("desired", ColumnKind::Count),
    ("max", ColumnKind::Count),
    ("healthy", ColumnKind::Count),
    ("unhealthy", ColumnKind::Count),
    ("others", ColumnKind::Text),
    ("suspended", ColumnKind::Text),
    ("last_failure", ColumnKind::Time),
    ("failure", ColumnKind::Text),
    ("cause", ColumnKind::Text),
];
/// Bytes of a failure's text and of its cause.
const LONGEST: usize = 400;
/// Bytes of a failure in the summary.
const IN_SHORT: usize = 160;
/// Groups named in the summary.
const NAMED: usize = 3;

struct Shown<'a> {
    place: &'a Place,
    group: &'a AutoScalingGroup,
    latest: Option<&'a Latest>,
    members: Members,
    health: Health,
}

impl Shown<'_> {
    fn name(&self) -> &str {
        self.group.auto_scaling_group_name().unwrap_or("?")
    }

    fn failed(&self) -> Option<&Failed> {
        self.latest?.failed.as_ref()
    }
}

/// The result of `list_auto_scaling_groups`.
pub fn project(args: &Args, out: &Gathered<Region>, now: Timestamp) -> Projection {
    let columns = PlaceColumns::of(out);
    let mut all: Vec<Shown<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, region)| region.groups.iter().map(move |group| shown(place, region, group)))
        .collect();
    all.sort_by(|a, b| (a.health, a.place, a.name()).cmp(&(b.health, b.place, b.name())));
    let rows = all.iter().map(|s| row(s, columns)).collect();
    let mut projection =
        Projection::new(String::new(), now).columns(&columns.before(&COLUMNS)).rows(rows).counted("health");
    projection.errors = errors(out, |region| &region.errors);
    projection.notes = notes(args, out, &all);
    let over: Vec<&str> =
        out.answers.iter().filter(|(_, r)| r.more).map(|(p, _)| p.region.as_str()).collect();
    if !over.is_empty() {
        projection.truncated =
            Some(format!("only the first {CEILING} groups were read in {}", over.join(", ")));
    }
    projection.summary = summary(args, out, &all, &projection);
    projection
}

fn shown<'a>(place: &'a Place, region: &'a Region, group: &'a AutoScalingGroup) -> Shown<'a> {
    let latest = region.activities.get(group.auto_scaling_group_name().unwrap_or_default());
    let members = Members::of(group);
    let health = health(group, &members, latest);
    Shown { place, group, latest, members, health }
}

fn row(shown: &Shown<'_>, columns: PlaceColumns) -> Row {
    let (group, members, failed) = (shown.group, &shown.members, shown.failed());
    let short = |text: Option<&String>| Cell::from(text.map(|t| cut(t, LONGEST).into_owned()));
    let cells: [Cell; COLUMNS.len()] = [
        shown.name().into(),
        shown.health.label().into(),
        group.min_size().into(),
        group.desired_capacity().into(),
        group.max_size().into(),
        members.healthy.into(),
        members.unhealthy.into(),
        members.others().into(),
        suspended(group).into(),
        failed.and_then(|f| f.at).into(),
        short(failed.and_then(|f| f.why.as_ref())),
        short(failed.and_then(|f| f.cause.as_ref())),
    ];
    Row { urgency: shown.health.urgency(), cells: columns.cells(shown.place).chain(cells).collect() }
}

/// `Launch, Terminate`.
fn suspended(group: &AutoScalingGroup) -> Option<String> {
    let names: Vec<&str> = group.suspended_processes().iter().filter_map(|s| s.process_name()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn asked(args: &Args) -> String {
    let name = args.name.as_ref().map(|n| format!("name {n}"));
    let tag = args.tag.as_ref().map(|t| format!("tag {t}"));
    let parts: Vec<String> = name.into_iter().chain(tag).collect();
    if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(" and ")) }
}

fn summary(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>], projection: &Projection) -> String {
    let mut sentence = if all.is_empty() {
        format!("No Auto Scaling groups{} in {}", asked(args), searched(out))
    } else {
        let counts: Vec<String> = projection.counts.of.iter().map(|(h, n)| format!("{n} {h}")).collect();
        let what = plural(all.len(), "Auto Scaling group");
        format!("{what}{} in {}: {}", asked(args), searched(out), counts.join(", "))
    };
    let bad: Vec<String> = all.iter().filter(|s| s.health.urgency() > 1).take(NAMED).map(in_short).collect();
    if !bad.is_empty() {
        sentence.push_str(&format!("; {}", bad.join("; ")));
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

/// `web: 3 of 5 healthy (We currently do not have sufficient capacity ...)`.
fn in_short(shown: &Shown<'_>) -> String {
    let desired = shown.group.desired_capacity().unwrap_or_default();
    let why = shown.failed().filter(|_| shown.latest.is_some_and(failing)).and_then(|f| f.why.as_deref());
    let why = why.map_or_else(String::new, |w| format!(" ({})", cut(w, IN_SHORT)));
    format!("{}: {} healthy, {desired} desired{why}", shown.name(), shown.members.healthy)
}

fn notes(args: &Args, out: &Gathered<Region>, all: &[Shown<'_>]) -> Vec<String> {
    let mut notes =
        vec![format!("searched {}{}; instance refreshes were not looked at", searched(out), asked(args))];
    for (place, region) in &out.answers {
        match region.reach {
            Some(oldest) => notes.push(format!(
                "{}: scaling activities were read back to {oldest}; a failure before that is not shown{}",
                place.region,
                if args.exact().is_some() { "" } else { " (name a group for its own)" }
            )),
            None if region.blind => {
                notes.push(format!("{}: whether scaling failed is not known", place.region));
            }
            None => {}
        }
    }
    let at_most = |s: &&Shown<'_>| {
        let (min, max) = (s.group.min_size().unwrap_or_default(), s.group.max_size().unwrap_or_default());
        s.group.desired_capacity() == Some(max) && max > min
    };
    let full: Vec<&str> = all.iter().filter(at_most).map(Shown::name).take(10).collect();
    if !full.is_empty() {
        notes.push(format!("at their maximum, so they cannot grow: {}", full.join(", ")));
    }
    if all.iter().any(|s| s.health == Health::Suspended) {
        notes.push(
            "while Launch, Terminate, HealthCheck or ReplaceUnhealthy is suspended a group does not keep its size".into(),
        );
    }
    notes
}
