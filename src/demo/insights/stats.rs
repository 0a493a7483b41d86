//! `stats`: figures over groups of rows.

use super::Named;
use super::eval::{Row, figure, value};
use super::expr::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// A figure under a name.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub what: What,
    pub name: String,
}

/// What is figured out.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Rows, or those in which the value is there.
    Count(Option<Expr>),
    Sum(Expr),
    Average(Expr),
    Least(Expr),
    Most(Expr),
    Percentile(Expr, f64),
    Deviation(Expr),
    Distinct(Expr),
    Earliest(Expr),
    Latest(Expr),
}

/// One row a group, in the order of the groups' values; without groups one row in all.
pub(super) fn grouped(rows: &[Row], what: &[Aggregate], by: &[Named]) -> Vec<Row> {
    let mut groups: BTreeMap<Vec<Option<String>>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(by.iter().map(|n| value(&n.expr, row)).collect()).or_default().push(row);
    }
    if by.is_empty() {
        groups.entry(Vec::new()).or_default();
    }
    let of_group = |(key, members): (Vec<Option<String>>, Vec<&Row>)| {
        let names =
            by.iter().map(|n| n.name.clone()).zip(key).filter_map(|(name, value)| Some((name, value?)));
        let figures = what.iter().filter_map(|a| Some((a.name.clone(), figured(&a.what, &members)?)));
        Row { at: members.first().map(|r| r.at).unwrap_or_default(), fields: names.chain(figures).collect() }
    };
    groups.into_iter().map(of_group).collect()
}

fn figured(what: &What, rows: &[&Row]) -> Option<String> {
    let texts = |of: &Expr| rows.iter().filter_map(|row| value(of, row)).collect::<Vec<_>>();
    let numbers = |of: &Expr| texts(of).iter().filter_map(|t| t.parse().ok()).collect::<Vec<f64>>();
    let at_end = |of: &Expr, newest: bool| {
        let rows = rows.iter().filter_map(|row| Some((row.at, value(of, row)?)));
        let found = if newest { rows.max_by_key(|(at, _)| *at) } else { rows.min_by_key(|(at, _)| *at) };
        found.map(|(_, value)| value)
    };
    match what {
        What::Count(None) => Some(rows.len().to_string()),
        What::Count(Some(of)) => Some(texts(of).len().to_string()),
        What::Distinct(of) => Some(texts(of).into_iter().collect::<BTreeSet<_>>().len().to_string()),
        What::Sum(of) => Some(figure(numbers(of).iter().sum())),
        What::Average(of) => mean(&numbers(of)).map(figure),
        What::Least(of) => numbers(of).into_iter().reduce(f64::min).map(figure),
        What::Most(of) => numbers(of).into_iter().reduce(f64::max).map(figure),
        What::Deviation(of) => {
            let all = numbers(of);
            let mean = mean(&all)?;
            Some(figure((all.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt()))
        }
        What::Percentile(of, p) => {
            let mut all = numbers(of);
            all.sort_by(f64::total_cmp);
            let last = all.len().checked_sub(1)?;
            all.get((p / 100.0 * last as f64).round() as usize).copied().map(figure)
        }
        What::Earliest(of) => at_end(of, false),
        What::Latest(of) => at_end(of, true),
    }
}

fn mean(all: &[f64]) -> Option<f64> {
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}
