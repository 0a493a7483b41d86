//! Queries of CloudWatch Logs Insights, for the commands people use most: `fields`, `display`, `filter`, `parse`, `stats`,
//! `sort`, `dedup` and `limit`. Anything else is answered as Insights answers what it cannot read.

mod eval;
mod expr;
mod lex;
mod parse;
mod service;
mod stats;

pub(crate) use service::{results, start, stop};

use eval::Row;
use expr::Expr;

/// A query, read.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    commands: Vec<Command>,
}

/// One command of a query.
#[derive(Clone, Debug)]
enum Command {
    /// Which fields are shown; later ones add to earlier ones.
    Fields(Vec<Named>),
    /// Exactly these are shown.
    Display(Vec<Named>),
    Filter(Expr),
    /// A glob (`user=* ms=*`) or a regular expression with named groups.
    Parse {
        from: Expr,
        pattern: Pattern,
        names: Vec<String>,
    },
    Stats {
        what: Vec<stats::Aggregate>,
        by: Vec<Named>,
    },
    Sort(Vec<(Expr, bool)>),
    Dedup(Vec<Named>),
    Limit(usize),
}

/// An expression under a name.
#[derive(Clone, Debug)]
struct Named {
    expr: Expr,
    name: String,
}

/// What `parse` looks for.
#[derive(Clone, Debug)]
enum Pattern {
    Glob(regex::Regex),
    Regex(regex::Regex),
}

/// What cannot be read, and where: offsets in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub message: String,
    pub start: usize,
    pub end: usize,
}

/// What a query found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Names and values in the order they are shown.
    pub rows: Vec<Vec<(String, String)>>,
    /// Records that passed every filter.
    pub matched: usize,
}

impl Query {
    /// Runs it over `records`, newest first unless it sorts.
    pub(crate) fn run(&self, records: Vec<Row>, limit: usize) -> Found {
        let mut rows = records;
        let mut shown: Option<Vec<Named>> = None;
        let (mut matched, mut counted, mut sorted, mut limit) = (rows.len(), false, false, limit);
        for command in &self.commands {
            match command {
                Command::Fields(fields) => {
                    eval::add(&mut rows, fields);
                    shown.get_or_insert_default().extend(fields.iter().cloned());
                }
                Command::Display(fields) => {
                    eval::add(&mut rows, fields);
                    shown = Some(fields.clone());
                }
                Command::Filter(expr) => {
                    rows.retain(|row| eval::truth(expr, row));
                    if !counted {
                        matched = rows.len();
                    }
                }
                Command::Parse { from, pattern, names } => eval::parse(&mut rows, from, pattern, names),
                Command::Stats { what, by } => {
                    rows = stats::grouped(&rows, what, by);
                    let names = by.iter().map(|n| n.name.clone()).chain(what.iter().map(|a| a.name.clone()));
                    shown = Some(names.map(|name| Named { expr: Expr::Field(name.clone()), name }).collect());
                    counted = true;
                }
                Command::Sort(keys) => {
                    eval::sort(&mut rows, keys);
                    sorted = true;
                }
                Command::Dedup(fields) => eval::dedup(&mut rows, fields),
                Command::Limit(n) => limit = *n,
            }
        }
        if !sorted && !counted {
            rows.reverse();
        }
        rows.truncate(limit);
        let shown = shown.unwrap_or_else(|| {
            let field = |name: &str| Named { expr: Expr::Field(name.to_owned()), name: name.to_owned() };
            vec![field("@timestamp"), field("@message")]
        });
        Found { rows: rows.iter().map(|row| eval::shown(row, &shown, !counted)).collect(), matched }
    }
}

#[cfg(test)]
mod tests;
