//! `list_s3_buckets`: every bucket of an account, wherever it is.

use super::reading::global;
use super::reading::patience::Patience;
use super::reading::words::plural;
use super::s3::buckets::{self, Buckets};
use crate::clients::ReadClients;
use crate::given::shown;
use crate::place::Gathered;
use crate::tool::{CEILING, ReadTool};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::ColumnKind::{Id, Text, Time};
use quarterdeck_core::tool::{Cell, Fault, FaultKind, Projection, RegionRule, Row, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `list_s3_buckets`.
#[derive(Debug)]
pub struct ListS3Buckets;

/// What to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only buckets whose name contains this, in any case, e.g. "logs".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

impl ReadTool for ListS3Buckets {
    const SPEC: Spec = Spec {
        name: "list_s3_buckets",
        description: "Every S3 bucket of the account, in all regions at once: name, region, creation time. Use it to find a bucket or \
            its region. Whether buckets are public or encrypted: audit_s3_buckets. What is in one: list_s3_objects; where a file is: \
            search_s3_objects. Free.",
        reads: &[buckets::LIST],
        writes: &[],
        region: RegionRule::Global,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Buckets>;

    fn check(args: &Args) -> Result<(), Fault> {
        let odd = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_');
        match args.name.as_deref().filter(|name| name.contains(odd)) {
            None => Ok(()),
            Some(name) => Err(Fault::new(
                FaultKind::Invalid,
                format!("`name`: {} is no part of a bucket's name", shown(name)),
            )
            .hint("send a part of the name without wildcards, such as logs")),
        }
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Gathered<Buckets>, Fault> {
        let patience = Patience::begin();
        global::gather(aws, args.accounts.as_deref(), "S3", async |place| {
            buckets::list(&aws.s3(&place), patience).await
        })
        .await
    }

    fn project(args: &Args, out: &Gathered<Buckets>, as_of: Timestamp) -> Projection {
        let columns = global::columns(out);
        let part = args.name.as_deref().map(str::to_lowercase);
        let mut rows = Vec::new();
        for (place, found) in &out.answers {
            let wanted = |name: &str| part.as_deref().is_none_or(|p| name.to_lowercase().contains(p));
            rows.extend(found.all.iter().filter(|b| wanted(&b.name)).map(|bucket| {
                Row {
                    urgency: 0,
                    cells: columns
                        .cells(place)
                        .chain([
                            bucket.name.as_str().into(),
                            bucket.region.clone().into(),
                            bucket.created.into(),
                        ])
                        .collect(),
                }
            }));
        }
        let mut projection = Projection::new(String::new(), as_of)
            .columns(&columns.before(&[("name", Id), ("region", Text), ("created", Time)]))
            .rows(rows)
            .counted("region");
        projection.errors = out.errors.clone();
        for (place, found) in &out.answers {
            if let Some(fault) = &found.lost {
                projection.errors.push(quarterdeck_core::tool::Partial {
                    account: place.account.clone().filter(|_| out.many_accounts),
                    place: format!("buckets after the first {}", found.all.len()),
                    fault: fault.clone(),
                });
            }
        }
        if out.answers.iter().any(|(_, found)| found.more) {
            projection.truncated = Some(format!("only the first {CEILING} buckets of an account were read"));
        }
        let filter =
            args.name.as_deref().map_or_else(String::new, |n| format!(" whose name contains {}", shown(n)));
        projection.summary = summary(&projection, &global::searched(out), &filter);
        if projection.rows.is_empty() {
            projection
                .notes
                .push("buckets of other accounts are never listed, even where access is granted".into());
        }
        projection
    }
}

fn summary(projection: &Projection, searched: &str, filter: &str) -> String {
    if projection.rows.is_empty() {
        return format!("No bucket{filter} in {searched}; a listing covers every region.");
    }
    let regions: Vec<String> = projection
        .counts
        .of
        .iter()
        .map(|(region, n)| format!("{n} in {}", if region.is_empty() { "a region not told" } else { region }))
        .collect();
    let created = projection.column("created");
    let newest = projection
        .rows
        .iter()
        .filter_map(|row| match row.cells.get(created?) {
            Some(Cell::Time(at)) => Some((*at, projection.cell(row, "name")?.plain())),
            _ => None,
        })
        .max();
    let newest = newest.map_or_else(String::new, |(at, name)| format!("; the newest is {name} ({at})"));
    let more = if projection.truncated.is_some() { "; there are more" } else { "" };
    let less = if projection.errors.is_empty() { "" } else { "; not everything answered" };
    let n = plural(projection.total, "bucket");
    format!("{n}{filter} in {searched}: {}{newest}{more}{less}.", regions.join(", "))
}

#[cfg(test)]
mod tests;
