//! Users as a result: the root account, then the worst.

use super::admin::Admin;
use super::args::ROOT;
use super::keys_view::last_used;
use super::risk::{Risk, tally};
use super::user::User;
use crate::place::{Gathered, Place};
use crate::tool::CEILING;
use crate::tools::audit_iam_users::{Args, Audit};
use crate::tools::reading::global::{columns, errors, searched};
use crate::tools::reading::words::{plural, span};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Projection, Row};
use std::cmp::Reverse;

const COLUMNS: [(&str, ColumnKind); 8] = [
    ("user", ColumnKind::Id),
    ("console", ColumnKind::State),
    ("mfa", ColumnKind::State),
    ("password_age", ColumnKind::Count),
    ("last_seen", ColumnKind::Time),
    ("admin", ColumnKind::State),
    ("risk", ColumnKind::Risk),
    ("why", ColumnKind::Text),
];

struct Shown<'a> {
    place: &'a Place,
    user: &'a User,
    risk: Risk,
    why: Vec<String>,
}

/// The result of `audit_iam_users`.
pub fn project(args: &Args, out: &Gathered<Audit>, now: Timestamp) -> Projection {
    let mut all: Vec<Shown<'_>> = out
        .answers
        .iter()
        .flat_map(|(place, audit)| {
            audit.users.iter().map(move |user| {
                let (risk, why) = user.judge(now);
                Shown { place, user, risk, why }
            })
        })
        .collect();
    all.sort_by_key(|s| (Reverse(s.user.root), Reverse(s.risk), &s.user.name, s.place));
    let places = columns(out);
    let rows = all
        .iter()
        .map(|shown| Row {
            // The root account comes first whatever is said of it.
            urgency: if shown.user.root { Risk::Critical.urgency() } else { shown.risk.urgency() },
            cells: places.cells(shown.place).chain(cells(shown, now)).collect(),
        })
        .collect();
    let mut projection = Projection::new(summary(args, out, &all), now)
        .columns(&places.before(&COLUMNS))
        .rows(rows)
        .counted("risk");
    projection.errors = errors(out, |audit| &audit.errors);
    projection.notes = notes(args, out, now);
    if out.answers.iter().any(|(_, audit)| audit.more) {
        projection.truncated = Some(format!("only the first {CEILING} users of an account were read"));
    }
    projection
}

fn cells(shown: &Shown<'_>, now: Timestamp) -> [Cell; COLUMNS.len()] {
    let (user, why) = (shown.user, shown.why.join("; "));
    [
        user.name.as_str().into(),
        yes_no(user.console),
        yes_no(user.mfa),
        user.password_age(now).and_then(|days| i64::try_from(days).ok()).into(),
        last_used(user.seen),
        user.admin.label().into(),
        shown.risk.label().into(),
        Some(why).filter(|why| !why.is_empty()).into(),
    ]
}

fn yes_no(known: Option<bool>) -> Cell {
    known.map(|yes| if yes { "yes" } else { "no" }).into()
}

fn summary(args: &Args, out: &Gathered<Audit>, all: &[Shown<'_>]) -> String {
    let place = searched(out);
    let users = || all.iter().filter(|s| !s.user.root);
    let risks = tally(all.iter().map(|s| s.risk));
    let risks = if risks.is_empty() { "no findings".to_owned() } else { risks };
    let mut sentence = match args.user.as_deref() {
        Some(ROOT) => format!("The root account of {place}: {risks}"),
        Some(user) => format!("User {user} in {place}: {risks}"),
        None => format!("{} and the root account of {place}: {risks}", plural(users().count(), "user")),
    };
    for (risk, shown) in all.iter().filter(|s| s.user.root && s.risk > Risk::Ok).map(|s| (s.risk, s)) {
        let account = shown.place.account.as_deref().filter(|_| out.many_accounts);
        let of = account.map_or_else(String::new, |a| format!(" of {a}"));
        let why = shown.why.first().map_or("", String::as_str);
        sentence.push_str(&format!("; root{of} is {}: {why}", risk.label()));
    }
    let count = |pass: &dyn Fn(&User) -> bool| users().filter(|s| pass(s.user)).count();
    let told = [
        (count(&|u| matches!(u.admin, Admin::Yes(_))), "administrator", "administrators"),
        (
            count(&|u| matches!(u.admin, Admin::Unknown(_))),
            "may be an administrator",
            "may be administrators",
        ),
        (
            count(&|u| u.console == Some(true) && u.mfa == Some(false)),
            "signs in without MFA",
            "sign in without MFA",
        ),
        (count(&|u| u.console == Some(false)), "has no console password", "have no console password"),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    if args.user.is_none() && !told.is_empty() {
        sentence.push_str(&format!("; {}", told.join(", ")));
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, a)| !a.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence.push('.');
    sentence
}

fn notes(args: &Args, out: &Gathered<Audit>, now: Timestamp) -> Vec<String> {
    let whose = args.user.as_deref().unwrap_or("every IAM user and the root account");
    let mut notes = vec![
        format!("searched {whose} in {}; password_age is in whole days", searched(out)),
        "admin is judged by the user's own, group and boundary policies: no means that none of them lets it change \
         its permissions, pass or assume a role; organization policies, resource policies and roles were not examined"
            .to_owned(),
    ];
    for (place, audit) in &out.answers {
        let account = place.account.as_deref().filter(|_| out.many_accounts);
        let of = account.map_or_else(String::new, |account| format!(" of {account}"));
        if let Some(made) = audit.report {
            notes.push(format!(
                "console, mfa, password_age and last_seen are from the credential report{of} made {made}, {} ago",
                span(now.since(made))
            ));
        }
    }
    notes
}
