//! Access keys as a result: the worst first.

use super::age::{Key, Status, Used};
use super::args::ROOT;
use super::inventory::{Inventory, Source, sort};
use super::risk::{Risk, tally};
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::check_iam_key_age::Args;
use crate::tools::reading::global::{columns, errors, searched};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};

const COLUMNS: [(&str, ColumnKind); 7] = [
    ("user", ColumnKind::Id),
    ("key_id", ColumnKind::Id),
    ("status", ColumnKind::State),
    ("age_days", ColumnKind::Count),
    ("last_used", ColumnKind::Time),
    ("risk", ColumnKind::Risk),
    ("why", ColumnKind::Text),
];

/// A key with where it is and what to think of it.
struct Shown<'a> {
    place: &'a Place,
    key: Key,
    risk: Risk,
    why: String,
}

/// The result of `check_iam_key_age`.
pub fn project(args: &Args, out: &Gathered<Inventory>, now: Timestamp) -> Projection {
    let limit = args.max_age_days.into();
    let mut all: Vec<Shown<'_>> = Vec::new();
    for (place, inventory) in &out.answers {
        let mut keys = inventory.keys.clone();
        sort(&mut keys, limit, now);
        all.extend(keys.into_iter().map(|key| {
            let (risk, why) = key.judge(limit, now);
            Shown { place, key, risk, why }
        }));
    }
    all.sort_by_key(|shown| std::cmp::Reverse(shown.risk));
    let places = columns(out);
    let rows = all
        .iter()
        .map(|shown| Row {
            urgency: shown.risk.urgency(),
            cells: places.cells(shown.place).chain(cells(shown, now)).collect(),
        })
        .collect();
    let mut projection = Projection::new(summary(args, out, &all, now), now)
        .columns(&places.before(&COLUMNS))
        .rows(rows)
        .counted("risk");
    projection.errors = errors(out, |inventory| &inventory.errors);
    projection.notes = notes(args, out, &all, now);
    if out.answers.iter().any(|(_, inventory)| inventory.more) {
        projection.truncated =
            Some(format!("only the keys of the first {CEILING} users of an account were read"));
    }
    projection
}

fn cells(shown: &Shown<'_>, now: Timestamp) -> [Cell; COLUMNS.len()] {
    let key = &shown.key;
    [
        key.user.as_str().into(),
        key.id.as_deref().into(),
        key.status.label().into(),
        key.age(now).and_then(|days| i64::try_from(days).ok()).into(),
        last_used(key.used),
        shown.risk.label().into(),
        Some(shown.why.as_str()).filter(|why| !why.is_empty()).into(),
    ]
}

/// When it was last used; `never` is not the same as not known.
pub fn last_used(used: Used) -> Cell {
    match used {
        Used::At(at) => at.into(),
        Used::Never => "never".into(),
        Used::NotKnown => Cell::Absent,
    }
}

fn summary(args: &Args, out: &Gathered<Inventory>, all: &[Shown<'_>], now: Timestamp) -> String {
    let users: usize = out.answers.iter().map(|(_, inventory)| inventory.users).sum();
    let whose = match args.user.as_deref() {
        Some(ROOT) => "of the root account".to_owned(),
        Some(user) => format!("of {user}"),
        None => format!("of {} and the root account", plural(users, "user")),
    };
    let place = searched(out);
    let mut sentence = if all.is_empty() {
        format!("No access keys {whose} in {place}")
    } else {
        let risks = tally(all.iter().map(|shown| shown.risk));
        let risks = if risks.is_empty() { "none needs attention".to_owned() } else { risks };
        format!("{} {whose} in {place}: {risks}", plural(all.len(), "access key"))
    };
    let active = all.iter().filter(|s| !s.key.root && s.key.status == Status::Active);
    if let Some((age, shown)) = active.filter_map(|s| Some((s.key.age(now)?, s))).max_by_key(|(age, _)| *age)
    {
        let limit = args.max_age_days;
        sentence.push_str(&format!(
            "; the oldest active one is {} old ({}; the limit is {limit})",
            plural(usize::try_from(age).unwrap_or(usize::MAX), "day"),
            shown.key.user
        ));
    }
    let made = out.answers.iter().filter_map(|(_, i)| match i.source {
        Source::Report(made) => made,
        Source::Live => None,
    });
    if let Some(oldest) = made.min() {
        sentence.push_str(&format!("; by a credential report {} old", span(now.since(oldest))));
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, i)| !i.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

fn notes(args: &Args, out: &Gathered<Inventory>, all: &[Shown<'_>], now: Timestamp) -> Vec<String> {
    let whose = args.user.as_deref().map_or("every IAM user and the root account", |user| user);
    let mut notes = vec![format!(
        "searched the access keys of {whose} in {}; ages are whole days, and over the limit means more than {} of them",
        searched(out),
        args.max_age_days
    )];
    for (place, inventory) in &out.answers {
        let account = place.account.as_deref().filter(|_| out.many_accounts);
        let of = account.map_or_else(String::new, |account| format!(" of {account}"));
        match inventory.source {
            Source::Report(Some(made)) => notes.push(format!(
                "the credential report{of} was made {made}, {} ago: a key made since is seen only where key ids are shown",
                span(now.since(made))
            )),
            Source::Report(None) => notes.push(format!("AWS does not say how old the credential report{of} is (at most 4 h)")),
            Source::Live => {}
        }
    }
    let nameless = all.iter().filter(|s| s.key.id.is_none() && !s.key.root && s.risk > Risk::Ok).count();
    if nameless > 0 {
        notes.push(format!(
            "the credential report has no key ids; they were read for the most urgent users, {} without: name a user to see them",
            plural(nameless, "key")
        ));
    }
    notes
}
