//! `search_s3_objects`: where a file is, in one bucket or in all.

use super::reading::global;
use super::reading::patience::Patience;
use super::reading::words::plural;
use super::s3::buckets::{self, Bucket};
use super::s3::keys::{self, Asked, Keys, Object};
use super::s3::{find, names};
use crate::clients::ReadClients;
use crate::given::shown;
use crate::place::{Gathered, Place};
use crate::tool::{CEILING, ReadTool};
use futures::StreamExt;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::ColumnKind::{Bytes, Id, Text, Time};
use quarterdeck_core::tool::{Cell, Fault, FaultKind, Partial, Projection, RegionRule, Row, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets searched at the same time.
const AT_ONCE: usize = 8;
/// Keys looked at in a bucket that is named: it was chosen, so it is searched further.
const NAMED: usize = 10 * CEILING;

/// `search_s3_objects`.
#[derive(Debug)]
pub struct SearchS3Objects;

/// What to look for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The file's name or whole key, in any case, e.g. "invoice-summary.pdf".
    pub search_name: String,
    /// Only this bucket, e.g. "harbor-orders-exports". Default: every bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Only keys that begin with this; case counts, e.g. "monthly/".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// true: the file name or the whole key is exactly this. false: the key contains it. Default: true.
    #[serde(default = "yes")]
    pub exact_match: bool,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

/// What one account answered.
#[derive(Debug)]
pub struct Account {
    /// Each bucket searched, with its matches.
    searched: Vec<(String, Keys)>,
    /// Buckets that could not be searched.
    failed: Vec<(String, Fault)>,
    /// Whether there are buckets that were not even listed.
    more_buckets: bool,
}

impl ReadTool for SearchS3Objects {
    const SPEC: Spec = Spec {
        name: "search_s3_objects",
        description: "Finds S3 objects by file name, in one bucket or, without `bucket`, in every bucket: bucket, key, size, last modified. Any \
            case; exact_match false for a part of the key. It compares the first 50,000 keys of a named bucket, 5,000 of each \
            otherwise; a prefix narrows. To browse use list_s3_objects. Billed: $0.005 per million keys.",
        reads: &[buckets::LIST, find::HEAD, keys::LIST],
        writes: &[],
        region: RegionRule::Global,
        billed: true,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Account>;

    fn check(args: &Args) -> Result<(), Fault> {
        args.bucket.as_deref().map_or(Ok(()), |bucket| names::existing("bucket", bucket))?;
        let name = &args.search_name;
        if let Some(rest) = name.strip_prefix("s3://").or_else(|| name.strip_prefix("arn:aws:s3:::")) {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            let key = if key.is_empty() { "the file's name" } else { key };
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("`search_name` is an address: {}", shown(name)),
            )
            .hint(format!(
                "send {} as `search_name` and {} as `bucket`",
                shown(key),
                shown(bucket)
            )));
        }
        if name.contains('*') {
            return Err(Fault::new(FaultKind::Invalid, "`search_name` has a wildcard")
                .hint("send the part that is known, with exact_match false"));
        }
        Ok(())
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Gathered<Account>, Fault> {
        let patience = Patience::begin();
        global::gather(aws, args.accounts.as_deref(), "S3", async |place| {
            search(aws, &place, args, patience).await
        })
        .await
    }

    fn project(args: &Args, out: &Gathered<Account>, as_of: Timestamp) -> Projection {
        let columns = global::columns(out);
        let mut rows = Vec::new();
        for (place, account) in &out.answers {
            for (bucket, keys) in &account.searched {
                rows.extend(keys.objects.iter().map(|object| {
                    Row {
                        urgency: 0,
                        cells: columns
                            .cells(place)
                            .chain([
                                bucket.as_str().into(),
                                object.key.as_str().into(),
                                object.size.into(),
                                object.modified.into(),
                            ])
                            .collect(),
                    }
                }));
            }
        }
        let mut projection = Projection::new(String::new(), as_of)
            .columns(&columns.before(&[("bucket", Text), ("key", Id), ("size", Bytes), ("modified", Time)]))
            .rows(rows)
            .counted("bucket");
        projection.errors = errors(out);
        projection.truncated = truncated(out);
        projection
            .notes
            .push("versions and delete markers are not seen; a prefix is compared with its case".into());
        projection.summary = summary(args, out, &projection);
        projection
    }
}

/// Searches the buckets of one account.
async fn search(aws: &ReadClients, place: &Place, args: &Args, patience: Patience) -> Result<Account, Fault> {
    let wanted = args.search_name.to_lowercase();
    let fits = |key: &str| {
        let key = key.to_lowercase();
        match args.exact_match {
            true => key == wanted || key.rsplit('/').next() == Some(&wanted),
            false => key.contains(&wanted),
        }
    };
    let (all, more_buckets, limit) = match &args.bucket {
        Some(name) => {
            let found = find::place(aws, place, name).await?;
            let one = Bucket { name: name.clone(), region: Some(found.region), created: None };
            (vec![one], false, NAMED)
        }
        None => {
            let found = buckets::list(&aws.s3(place), patience).await?;
            (found.all, found.more || found.lost.is_some(), CEILING)
        }
    };
    let total = u64::try_from(all.len()).ok();
    let (done, rows) = (AtomicU64::new(0), AtomicU64::new(0));
    let (fits, done, rows) = (&fits, &done, &rows);
    let searches = all.into_iter().map(async |bucket| {
        let found = one(aws, place, &bucket, args, limit, patience, &|objects: Vec<Object>| {
            let found: Vec<Object> = objects.into_iter().filter(|o| fits(&o.key)).collect();
            rows.fetch_add(u64::try_from(found.len()).unwrap_or(0), Ordering::Relaxed);
            found
        })
        .await;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = rows.load(Ordering::Relaxed);
        aws.progress(Progress { done, total, unit: "buckets", rows, partial: None });
        (bucket.name, found)
    });
    let mut answers: Vec<(String, Result<Keys, Fault>)> =
        futures::stream::iter(searches).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    let mut account = Account { searched: Vec::new(), failed: Vec::new(), more_buckets };
    for (name, answer) in answers {
        match answer {
            Ok(keys) => account.searched.push((name, keys)),
            // The one bucket that was named is the whole question.
            Err(fault) if args.bucket.is_some() => return Err(fault),
            Err(fault) => account.failed.push((name, fault)),
        }
    }
    Ok(account)
}

/// Searches one bucket, in its own region.
async fn one(
    aws: &ReadClients,
    home: &Place,
    bucket: &Bucket,
    args: &Args,
    limit: usize,
    patience: Patience,
    keep: &(dyn Fn(Vec<Object>) -> Vec<Object> + Sync),
) -> Result<Keys, Fault> {
    if patience.is_over() {
        return Err(Fault::new(FaultKind::Timeout, "not searched: the time for the whole search was over")
            .hint("name the bucket, or send a prefix"));
    }
    let place = match &bucket.region {
        Some(region) => Place { account: home.account.clone(), region: region.clone() },
        None => find::place(aws, home, &bucket.name).await?,
    };
    let asked = Asked { bucket: &bucket.name, prefix: args.prefix.as_deref(), limit, ..Asked::default() };
    keys::list(&aws.s3(&place), asked, patience, |objects, read| {
        if args.bucket.is_some() {
            let done = u64::try_from(read).unwrap_or(u64::MAX);
            aws.progress(Progress { done, total: None, unit: "keys", rows: 0, partial: None });
        }
        keep(objects)
    })
    .await
}

fn errors(out: &Gathered<Account>) -> Vec<Partial> {
    let mut errors = out.errors.clone();
    for (place, account) in &out.answers {
        let mut add = |what: String, fault: &Fault| {
            let account = place.account.clone().filter(|_| out.many_accounts);
            errors.push(Partial { account, place: what, fault: fault.clone() });
        };
        account.failed.iter().for_each(|(bucket, fault)| add(bucket.clone(), fault));
        for (bucket, keys) in &account.searched {
            if let Some(fault) = &keys.lost {
                add(format!("{bucket}: keys after the first {}", keys.read), fault);
            }
        }
    }
    errors
}

/// Buckets of which only the beginning was searched, and how much of each.
fn cut(out: &Gathered<Account>) -> Vec<(&str, usize)> {
    let searched = out.answers.iter().flat_map(|(_, a)| &a.searched);
    searched.filter(|(_, k)| k.next.is_some()).map(|(bucket, k)| (bucket.as_str(), k.read)).collect()
}

fn truncated(out: &Gathered<Account>) -> Option<String> {
    let cut = cut(out);
    let more = out.answers.iter().any(|(_, a)| a.more_buckets);
    let shown: Vec<String> =
        cut.iter().take(5).map(|(bucket, n)| format!("the first {n} keys of {bucket}")).collect();
    let rest = if cut.len() > 5 { format!(" and of {} more buckets", cut.len() - 5) } else { String::new() };
    match (cut.is_empty(), more) {
        (true, false) => None,
        (true, true) => Some("not every bucket was listed".to_owned()),
        (false, _) => Some(format!("only {}{rest} were searched", shown.join(", "))),
    }
}

fn summary(args: &Args, out: &Gathered<Account>, projection: &Projection) -> String {
    let how = if args.exact_match { "named" } else { "whose key contains" };
    let what = format!("{how} {}", shown(&args.search_name));
    let searched: Vec<&(String, Keys)> = out.answers.iter().flat_map(|(_, a)| &a.searched).collect();
    let keys: usize = searched.iter().map(|(_, k)| k.read).sum();
    let mut place = match args.bucket.as_deref() {
        Some(bucket) => bucket.to_owned(),
        None => format!("{} of {}", plural(searched.len(), "bucket"), global::searched(out)),
    };
    if let Some(prefix) = &args.prefix {
        place.push_str(&format!(" under {}", shown(prefix)));
    }
    let less = if projection.errors.is_empty() { "" } else { "; not every bucket could be searched" };
    let whole = projection.truncated.is_none() && projection.errors.is_empty();
    match (projection.rows.len(), whole) {
        (0, true) => format!("No object {what} in {place}: all {} were compared.", plural(keys, "key")),
        (0, false) => format!(
            "Not found in the first {} of {place}, which is not all: an object {what} may still exist{less}.",
            plural(keys, "key")
        ),
        (n, _) => {
            let first = projection.rows.first();
            let cell = |name: &str| {
                first.and_then(|r| projection.cell(r, name)).map(Cell::plain).unwrap_or_default()
            };
            let first = format!("{}/{}", cell("bucket"), cell("key"));
            let more = if projection.truncated.is_some() { "; not every key was compared" } else { "" };
            let objects = plural(n, "object");
            format!("{objects} {what} among {} of {place}, first {first}{more}{less}.", plural(keys, "key"))
        }
    }
}

#[cfg(test)]
mod tests;
