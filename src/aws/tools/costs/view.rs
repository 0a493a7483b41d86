//! Costs as a result: the largest first, what changed in words, the days as a series.

use super::amount::Amount;
use super::compare::{Change, Line, lines, totals};
use super::days::midnight;
use super::usage::Costs;
use crate::place::{Gathered, Place};
use crate::tools::get_cost_by_service::{Args, Granularity, Group, Spent};
use crate::tools::reading::global;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Cell, ColumnKind, Counts, Projection, Row, Series};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use time::Date;

const COLUMNS: [(&str, ColumnKind); 6] = [
    ("group", ColumnKind::Text),
    ("amount", ColumnKind::Money),
    ("previous", ColumnKind::Money),
    ("difference", ColumnKind::Money),
    ("change", ColumnKind::Text),
    ("currency", ColumnKind::Text),
];
/// Groups named in the summary.
const NAMED: usize = 3;
/// Accounts told one by one in the summary.
const ACCOUNTS: usize = 6;
/// Groups with a series of their own.
const SERIES: usize = 5;
/// So many days are told one by one.
const DAYS_TOLD: usize = 14;

/// The result of `get_cost_by_service`.
pub fn project(args: &Args, out: &Gathered<Spent>, as_of: Timestamp) -> Projection {
    let group = Group::of(args.group_by.as_deref()).unwrap_or(Group::Dimension("SERVICE"));
    let places = global::columns(out);
    let mut all: Vec<(&Place, &Spent, Line)> = Vec::new();
    for (place, spent) in &out.answers {
        all.extend(lines(&spent.now, spent.before.as_ref()).into_iter().map(|line| (place, spent, line)));
    }
    // Currencies cannot be compared, so the order by amount holds within each.
    all.sort_by_key(|(_, _, line)| Reverse((line.now, line.before)));
    let rows = all
        .iter()
        .map(|(place, spent, line)| {
            let cells: [Cell; COLUMNS.len()] = [
                named(&group, &line.group, &spent.now, spent.before.as_ref()).into(),
                line.now.cell().into(),
                line.before.map(Amount::cell).into(),
                line.before.map(|before| (line.now.rounded() - before.rounded()).cell()).into(),
                Change::of(line.now, line.before).to_string().into(),
                line.currency.as_str().into(),
            ];
            Row { urgency: 0, cells: places.cells(place).chain(cells).collect() }
        })
        .collect();
    let mut projection =
        Projection::new(summary(&group, out), as_of).columns(&places.before(&COLUMNS)).rows(rows);
    projection.counts = counts(all.iter().map(|(_, _, line)| line));
    projection.errors = global::errors(out, |spent| &spent.errors);
    projection.notes = notes(args, &group, out);
    projection.series =
        out.answers.iter().flat_map(|(place, spent)| series(&group, out, place, spent)).collect();
    if out.answers.iter().any(|(_, spent)| spent.now.missing.is_some()) {
        projection.truncated = Some("not every page was read: amounts are too low".into());
    }
    projection
}

fn counts<'a>(lines: impl Iterator<Item = &'a Line>) -> Counts {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        *by.entry(Change::of(line.now, line.before).label()).or_default() += 1;
    }
    let mut of: Vec<(String, u64)> = by.into_iter().map(|(label, n)| (label.to_owned(), n)).collect();
    of.sort_by_key(|(_, n)| Reverse(*n));
    Counts { by: "change".to_owned(), of }
}

/// A group as people call it: a tag's value without its key, an account with its name.
fn named(group: &Group, key: &str, now: &Costs, before: Option<&Costs>) -> String {
    match group {
        Group::Tag(tag) => {
            let value = key.strip_prefix(tag.as_str()).and_then(|k| k.strip_prefix('$')).unwrap_or(key);
            if value.is_empty() { format!("(without {tag})") } else { value.to_owned() }
        }
        Group::Dimension(_) if key.is_empty() => "(none)".to_owned(),
        Group::Dimension(_) => {
            let name = now.names.get(key).or_else(|| before?.names.get(key));
            name.map_or_else(|| key.to_owned(), |name| format!("{key} ({name})"))
        }
    }
}

fn summary(group: &Group, out: &Gathered<Spent>) -> String {
    let many = out.answers.len() > 1;
    let mut told: Vec<String> = Vec::new();
    for (place, spent) in out.answers.iter().take(ACCOUNTS) {
        let lines = lines(&spent.now, spent.before.as_ref());
        let account = if many {
            format!("{}: ", place.account.as_deref().unwrap_or("own account"))
        } else {
            String::new()
        };
        told.push(format!("{account}{}", of_account(group, spent, &lines, !many)));
    }
    let more = out.answers.len().saturating_sub(ACCOUNTS);
    if more > 0 {
        told.push(format!("and {more} more accounts"));
    }
    let mut sentence = told.join("; ");
    if let Some((_, spent)) = out.answers.first() {
        let against = if spent.before_days.count() == spent.days.count() {
            "as many days before"
        } else {
            "the months before"
        };
        sentence.push_str(&format!("; {}, against {against}", spent.days));
        if spent.days.contains(spent.today) {
            sentence.push_str(&format!("; {} is not over, so its costs are incomplete", spent.today));
        }
    }
    if out.answers.iter().any(|(_, spent)| spent.now.missing.is_some()) {
        sentence.push_str("; pages are missing, so amounts are too low");
    }
    if !out.errors.is_empty() || out.answers.iter().any(|(_, spent)| !spent.errors.is_empty()) {
        sentence.push_str("; not everything answered");
    }
    sentence
}

/// `1,234.56 USD, +12.3 % (1,099.00 before); most: Amazon RDS 700.00, ...`.
fn of_account(group: &Group, spent: &Spent, lines: &[Line], with_groups: bool) -> String {
    if lines.is_empty() {
        return match spent.now.answered {
            true => "no costs at all".to_owned(),
            false => "Cost Explorer has no data".to_owned(),
        };
    }
    let totals = totals(lines, spent.before.is_some());
    let sums: Vec<String> = totals
        .iter()
        .map(|t| {
            let before = match t.before {
                Some(before) => format!("{}; {before} before", Change::of(t.now, t.before)),
                None => "before: not known".to_owned(),
            };
            format!("{} {} ({before})", t.now, t.currency)
        })
        .collect();
    let mut sentence = sums.join(" and ");
    if with_groups {
        let tell = |line: &Line| {
            let currency = if totals.len() > 1 { format!(" {}", line.currency) } else { String::new() };
            format!("{} {}{currency}", named(group, &line.group, &spent.now, spent.before.as_ref()), line.now)
        };
        let most: Vec<String> = lines.iter().take(NAMED).filter(|l| !l.now.is_negative()).map(tell).collect();
        if !most.is_empty() {
            sentence.push_str(&format!("; most: {}", most.join(", ")));
        }
        let rise = |line: &&Line| line.now.rounded() - line.before.unwrap_or(line.now).rounded();
        if let Some(line) =
            lines.iter().max_by_key(rise).filter(|l| !rise(l).is_zero() && !rise(l).is_negative())
        {
            let name = named(group, &line.group, &spent.now, spent.before.as_ref());
            sentence.push_str(&format!("; rose most: {name} by {} {}", rise(&line), line.currency));
        }
    }
    sentence
}

fn notes(args: &Args, group: &Group, out: &Gathered<Spent>) -> Vec<String> {
    let mut notes = Vec::new();
    let Some((_, first)) = out.answers.first() else { return notes };
    let by = match group {
        Group::Dimension(name) => (*name).to_owned(),
        Group::Tag(key) => format!("tag {key}"),
    };
    notes.push(format!(
        "{} by {by} in {} {} (UTC), compared {}; {}",
        args.metric.name(),
        global::searched(out),
        first.days,
        first.before_days,
        if args.include_credits {
            "credits and refunds are in, as negative amounts"
        } else {
            "credits and refunds are left out: include_credits=true counts them"
        }
    ));
    if args.until.is_none() && !first.days.contains(first.today) {
        notes.push(format!(
            "today ({}) is not over and left out: since=1h tells what it cost so far",
            first.today
        ));
    }
    if out.answers.iter().any(|(_, spent)| spent.now.estimated) {
        notes.push("not invoiced yet: amounts may still change, the last day's most".into());
    }
    if out.answers.len() > 1 {
        notes.push("accounts are not added up: a payer account's costs contain those of its members".into());
    }
    for (place, spent) in &out.answers {
        let of = match place.account.as_ref().filter(|_| out.many_accounts) {
            Some(account) => format!("{account}: "),
            None => String::new(),
        };
        notes.extend(days_told(args, spent).map(|told| format!("{of}{told}")));
        notes.extend(odd_group(group, spent).map(|told| format!("{of}{told}")));
    }
    notes
}

/// What a grouping says by having one group only.
fn odd_group(group: &Group, spent: &Spent) -> Option<String> {
    let first = spent.now.points.first()?;
    if spent.now.points.iter().any(|p| p.group != first.group) {
        return None;
    }
    match group {
        Group::Dimension("LINKED_ACCOUNT") => Some(
            "only one account is seen from here: the organisation's payer account sees every member"
                .to_owned(),
        ),
        Group::Tag(key) if first.group.ends_with('$') => Some(format!(
            "no cost carries the tag {key}: it may not be activated as a cost allocation tag (Billing), and counts from then on"
        )),
        Group::Dimension(_) | Group::Tag(_) => None,
    }
}

/// The sums by day or month: each of a few, the highest and lowest of many.
fn days_told(args: &Args, spent: &Spent) -> Option<String> {
    let step = match args.granularity {
        Granularity::Daily => "day",
        Granularity::Monthly => "month",
    };
    let mut told: Vec<String> = Vec::new();
    for (currency, days) in by_day(&spent.now.points.iter().collect::<Vec<_>>()) {
        if days.len() < 2 {
            continue;
        }
        let tell = |(day, amount): (&Date, &Amount)| format!("{day} {amount}");
        let whole = || days.iter().filter(|(day, _)| **day != spent.today);
        told.push(if days.len() <= DAYS_TOLD {
            format!("{currency} by {step}: {}", days.iter().map(tell).collect::<Vec<_>>().join(", "))
        } else {
            let (high, low) = (whole().max_by_key(|(_, a)| **a)?, whole().min_by_key(|(_, a)| **a)?);
            format!("{currency} by {step}: highest {}, lowest {}", tell(high), tell(low))
        });
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn by_day<'a>(points: &[&'a super::usage::Point]) -> BTreeMap<&'a str, BTreeMap<Date, Amount>> {
    let mut by: BTreeMap<&str, BTreeMap<Date, Amount>> = BTreeMap::new();
    for point in points {
        let sum = by.entry(&point.currency).or_default().entry(point.day).or_default();
        *sum = *sum + point.amount;
    }
    by
}

/// The sum of each currency, and the largest groups, over time.
fn series(group: &Group, out: &Gathered<Spent>, place: &Place, spent: &Spent) -> Vec<Series> {
    let of =
        place.account.as_ref().filter(|_| out.many_accounts).map_or_else(String::new, |a| format!("{a}: "));
    let make = |name: &str, points: &[&super::usage::Point]| {
        by_day(points)
            .into_iter()
            .map(|(currency, days)| Series {
                name: format!("{of}{name}, {currency}"),
                points: days.into_iter().map(|(day, amount)| (midnight(day), amount.cell())).collect(),
            })
            .filter(|series| series.points.len() > 1)
            .collect::<Vec<_>>()
    };
    let mut all = make("all", &spent.now.points.iter().collect::<Vec<_>>());
    for line in lines(&spent.now, None).iter().take(SERIES) {
        let own = |p: &&super::usage::Point| p.group == line.group && p.currency == line.currency;
        let points: Vec<_> = spent.now.points.iter().filter(own).collect();
        all.extend(make(&named(group, &line.group, &spent.now, None), &points));
    }
    all
}
