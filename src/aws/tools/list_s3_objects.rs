//! `list_s3_objects`: what is in a bucket.

use super::reading::patience::Patience;
use super::reading::words::plural;
use super::s3::keys::{self, Asked, Keys};
use super::s3::{buckets, find, names};
use super::transfer::size::size;
use crate::clients::ReadClients;
use crate::given::within;
use crate::tool::ReadTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::ColumnKind::{Bytes, Id, Text, Time};
use quarterdeck_core::tool::{Cell, Fault, Partial, Projection, RegionRule, Row, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Keys listed unless more are asked for.
const LIMIT: i64 = 1_000;
/// What stands for the storage class of a common prefix.
const PREFIX: &str = "prefix";

/// `list_s3_objects`.
#[derive(Debug)]
pub struct ListS3Objects;

/// What to list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The bucket's name, e.g. "harbor-orders-exports".
    pub bucket: String,
    /// Only keys that begin with this; case counts, e.g. "daily/2026-11-".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Roll up keys by this after the prefix, as folders are, e.g. "/". Default: every key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Keys and prefixes at most, 1 to 5000. Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next` of an earlier answer, to go on, e.g. "1ueGcxLPRx1Tr...".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The account by its configured name, e.g. "prod". Default: the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl ReadTool for ListS3Objects {
    const SPEC: Spec = Spec {
        name: "list_s3_objects",
        description: "The objects of one S3 bucket in the order of their keys: key, size, last modified, storage class, with totals; folders \
            as common prefixes with delimiter \"/\". Versions and delete markers are not seen. To find a file by name \
            use search_s3_objects; to fetch one download_s3_object; for the buckets list_s3_buckets. Billed: $0.005 per million keys.",
        reads: &[find::HEAD, buckets::LIST, keys::LIST],
        writes: &[],
        region: RegionRule::Global,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Keys;

    fn check(args: &Args) -> Result<(), Fault> {
        names::existing("bucket", &args.bucket)?;
        args.limit.map_or(Ok(()), |limit| within("limit", limit, 1..=5_000))
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Keys, Fault> {
        let home = aws.global_place(args.account.as_deref()).await?;
        let place = find::place(aws, &home, &args.bucket).await?;
        let asked = Asked {
            bucket: &args.bucket,
            prefix: args.prefix.as_deref(),
            delimiter: args.delimiter.as_deref(),
            cursor: args.cursor.as_deref(),
            limit: usize::try_from(args.limit.unwrap_or(LIMIT)).unwrap_or(1),
        };
        keys::list(&aws.s3(&place), asked, Patience::begin(), |objects, read| {
            let done = u64::try_from(read).unwrap_or(u64::MAX);
            aws.progress(Progress { done, total: None, unit: "keys", rows: done, partial: None });
            objects
        })
        .await
    }

    fn project(args: &Args, out: &Keys, as_of: Timestamp) -> Projection {
        let prefixes =
            out.prefixes.iter().map(|p| [p.as_str().into(), Cell::Absent, Cell::Absent, PREFIX.into()]);
        let objects = out.objects.iter().map(|o| {
            [
                o.key.as_str().into(),
                o.size.into(),
                o.modified.into(),
                o.class.as_deref().unwrap_or("STANDARD").into(),
            ]
        });
        let rows = prefixes.chain(objects).map(|cells| Row { urgency: 0, cells: cells.into() }).collect();
        let mut projection = Projection::new(String::new(), as_of)
            .columns(&[("key", Id), ("size", Bytes), ("modified", Time), ("storage_class", Text)])
            .rows(rows)
            .counted("storage_class");
        projection.next = out.next.clone();
        if projection.next.is_some() {
            projection.truncated = Some(format!("only the first {} keys were read", out.read));
        }
        if let Some(fault) = &out.lost {
            let place = format!("keys after the first {}", out.read);
            projection.errors.push(Partial { account: None, place, fault: fault.clone() });
        }
        projection.notes.push("versions, delete markers and unfinished uploads are not seen".to_owned());
        projection.summary = summary(args, out);
        projection
    }
}

fn summary(args: &Args, out: &Keys) -> String {
    let mut searched = args.bucket.clone();
    if let Some(prefix) = &args.prefix {
        searched.push_str(&format!(" under {prefix:?}"));
    }
    if args.cursor.is_some() {
        searched.push_str(" after the cursor");
    }
    if out.read == 0 {
        return format!("Nothing in {searched}; prefixes are compared with their case.");
    }
    let bytes = out.objects.iter().filter_map(|o| u64::try_from(o.size).ok()).sum();
    let mut parts = vec![format!("{} ({})", plural(out.objects.len(), "object"), size(bytes))];
    if !out.prefixes.is_empty() {
        let n = out.prefixes.len();
        parts.push(if n == 1 { "1 common prefix".to_owned() } else { format!("{n} common prefixes") });
    }
    let newest = out.objects.iter().filter_map(|o| Some((o.modified?, &o.key))).max();
    let newest = newest.map_or_else(String::new, |(at, key)| format!("; the newest is {key} ({at})"));
    let more = match (&out.next, &out.lost) {
        (_, Some(_)) => "; the rest could not be read",
        (Some(_), None) => "; there are more, so these are no totals of the bucket",
        (None, None) => "",
    };
    format!("{} in {searched}{newest}{more}.", parts.join(" and "))
}

#[cfg(test)]
mod tests;
