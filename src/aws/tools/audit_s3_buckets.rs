//! `audit_s3_buckets`: which buckets the world reaches, and how each is protected.

use super::reading::global;
use super::reading::patience::Patience;
use super::reading::words::plural;
use super::s3::access::{self, Access, Blocked, Public};
use super::s3::buckets::{self, Bucket};
use super::s3::settings::{self, Block, Known, Settings, account};
use super::s3::{find, names};
use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use crate::tool::{CEILING, ReadTool};
use futures::StreamExt;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::ColumnKind::{Id, Risk, State, Text};
use quarterdeck_core::tool::{
    Cell, ColumnKind, Fault, FaultKind, Op, Partial, Projection, RegionRule, Row, Spec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets read at the same time, at most six requests each.
const AT_ONCE: usize = 8;

/// `audit_s3_buckets`.
#[derive(Debug)]
pub struct AuditS3Buckets;

/// What to audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Only this bucket, e.g. "harbor-orders-exports". Default: every bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Accounts by configured name, e.g. ["prod"].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// What one account answered.
#[derive(Debug)]
pub struct Account {
    /// The account's own block of public access.
    block: Known<Block>,
    /// Each bucket with where it is and its settings.
    read: Vec<(Bucket, Settings)>,
    /// Buckets that were not read.
    failed: Vec<(String, Fault)>,
    /// Whether there are buckets that were not even listed.
    more: bool,
}

const COLUMNS: [(&str, ColumnKind); 8] = [
    ("bucket", Id),
    ("region", Text),
    ("public", State),
    ("why", Text),
    ("blocked", State),
    ("encryption", Text),
    ("versioning", Text),
    ("risk", Risk),
];

const SETTINGS: [Op; 6] = settings::SETTINGS;

impl ReadTool for AuditS3Buckets {
    const SPEC: Spec = Spec {
        name: "audit_s3_buckets",
        description: "Which S3 buckets are public (yes, no, unknown) and why, by account and bucket block of public access, policy, ownership \
            and ACL; encryption (SSE-S3 or KMS), versioning, risk; worst first. Use it for \"are any buckets public?\" or one bucket's \
            protection. Only names and regions: list_s3_buckets. Access points and object ACLs are not examined. Free; up to 6 requests \
            a bucket.",
        reads: &[
            buckets::LIST,
            find::HEAD,
            account::BLOCK,
            SETTINGS[0],
            SETTINGS[1],
            SETTINGS[2],
            SETTINGS[3],
            SETTINGS[4],
            SETTINGS[5],
        ],
        writes: &[],
        region: RegionRule::Global,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Gathered<Account>;

    fn check(args: &Args) -> Result<(), Fault> {
        args.bucket.as_deref().map_or(Ok(()), |bucket| names::existing("bucket", bucket))
    }

    async fn call(aws: &ReadClients, args: &Args) -> Result<Gathered<Account>, Fault> {
        let patience = Patience::begin();
        global::gather(aws, args.accounts.as_deref(), "S3", async |place| {
            audit(aws, &place, args.bucket.as_deref(), patience).await
        })
        .await
    }

    fn project(args: &Args, out: &Gathered<Account>, as_of: Timestamp) -> Projection {
        let columns = global::columns(out);
        let mut rows: Vec<Row> = Vec::new();
        for (place, account) in &out.answers {
            rows.extend(account.read.iter().map(|(bucket, settings)| {
                let access = access::judge(&account.block, settings);
                Row {
                    urgency: urgency(&access),
                    cells: columns.cells(place).chain(cells(bucket, settings, &access)).collect(),
                }
            }));
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.urgency));
        let mut projection = Projection::new(String::new(), as_of)
            .columns(&columns.before(&COLUMNS))
            .rows(rows)
            .counted("public");
        projection.errors = errors(out);
        if out.answers.iter().any(|(_, a)| a.more) {
            projection.truncated = Some(format!("only the first {CEILING} buckets of an account were read"));
        }
        projection.notes = notes(out);
        projection.summary = summary(args, out, &projection);
        projection
    }
}

/// Reads one account: its block and its buckets.
async fn audit(
    aws: &ReadClients,
    place: &Place,
    bucket: Option<&str>,
    patience: Patience,
) -> Result<Account, Fault> {
    let (block, found) = futures::join!(account_block(aws, place), listed(aws, place, bucket, patience));
    let (all, more) = found?;
    let (total, done) = (u64::try_from(all.len()).ok(), AtomicU64::new(0));
    let done = &done;
    let reads = all.into_iter().map(async |bucket| {
        let settings = one(aws, place, &bucket, patience).await;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        aws.progress(Progress { done, total, unit: "buckets", rows: done, partial: None });
        settings.map_err(|fault| (bucket.name.clone(), fault)).map(|(at, settings)| {
            let region = Some(at.region);
            (Bucket { region, ..bucket }, settings)
        })
    });
    let answers: Vec<Result<_, _>> = futures::stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
    let mut account = Account { block, read: Vec::new(), failed: Vec::new(), more };
    for answer in answers {
        match answer {
            Ok(read) => account.read.push(read),
            Err(failed) => account.failed.push(failed),
        }
    }
    account.read.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    account.failed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(account)
}

async fn account_block(aws: &ReadClients, place: &Place) -> Known<Block> {
    let id = aws.identity(place).await?.account;
    account::read(&aws.s3control(place), &id).await
}

async fn listed(
    aws: &ReadClients,
    place: &Place,
    bucket: Option<&str>,
    patience: Patience,
) -> Result<(Vec<Bucket>, bool), Fault> {
    if let Some(name) = bucket {
        let region = Some(find::place(aws, place, name).await?.region);
        return Ok((vec![Bucket { name: name.to_owned(), region, created: None }], false));
    }
    let found = buckets::list(&aws.s3(place), patience).await?;
    Ok((found.all, found.more || found.lost.is_some()))
}

/// One bucket, in its own region.
async fn one(
    aws: &ReadClients,
    home: &Place,
    bucket: &Bucket,
    patience: Patience,
) -> Result<(Place, Settings), Fault> {
    if patience.is_over() {
        return Err(Fault::new(FaultKind::Timeout, "not read: the time for the whole audit was over")
            .hint("name the bucket to audit it alone"));
    }
    let at = match &bucket.region {
        Some(region) => Place { account: home.account.clone(), region: region.clone() },
        None => find::place(aws, home, &bucket.name).await?,
    };
    let settings = settings::read(&aws.s3(&at), &bucket.name).await;
    Ok((at, settings))
}

fn cells(bucket: &Bucket, settings: &Settings, access: &Access) -> [Cell; 8] {
    let encryption = match &settings.encryption {
        Ok(Some(algorithm)) => algorithm.as_str(),
        Ok(None) => "none",
        Err(_) => "unknown",
    };
    let versioning = match &settings.versioning {
        Ok(Some(status)) => status.as_str(),
        Ok(None) => "never",
        Err(_) => "unknown",
    };
    [
        bucket.name.as_str().into(),
        bucket.region.clone().into(),
        access.public.label().into(),
        access.why.join("; ").into(),
        access.blocked.label().into(),
        encryption.into(),
        versioning.into(),
        access.risk.into(),
    ]
}

fn urgency(access: &Access) -> u8 {
    match access.risk {
        Some("CRITICAL") => 3,
        Some("HIGH") => 2,
        Some("MEDIUM") => 1,
        _ => 0,
    }
}

/// What could not be read, one line a setting and fault, however many buckets it is.
fn errors(out: &Gathered<Account>) -> Vec<Partial> {
    let mut errors = out.errors.clone();
    for (place, account) in &out.answers {
        let mut add = |place_name: String, fault: &Fault| {
            let account = place.account.clone().filter(|_| out.many_accounts);
            errors.push(Partial { account, place: place_name, fault: fault.clone() });
        };
        if let Err(fault) = &account.block {
            add("the account's block of public access".to_owned(), fault);
        }
        let mut missing: BTreeMap<&str, Vec<(&str, &Fault)>> = BTreeMap::new();
        for (bucket, settings) in &account.read {
            for (what, fault) in faults(settings) {
                missing.entry(what).or_default().push((&bucket.name, fault));
            }
        }
        for (what, of) in missing {
            if let [(first, fault), rest @ ..] = of.as_slice() {
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                add(format!("{what} of {first}{more}"), fault);
            }
        }
        account.failed.iter().for_each(|(bucket, fault)| add(bucket.clone(), fault));
    }
    errors
}

fn faults(settings: &Settings) -> Vec<(&'static str, &Fault)> {
    let grants = settings.grants.as_ref().and_then(|g| g.as_ref().err());
    let all = [
        ("block of public access", settings.block.as_ref().err()),
        ("policy status", settings.policy.as_ref().err()),
        ("ownership", settings.ownership.as_ref().err()),
        ("ACL", grants),
        ("encryption", settings.encryption.as_ref().err()),
        ("versioning", settings.versioning.as_ref().err()),
    ];
    all.into_iter().filter_map(|(what, fault)| Some((what, fault?))).collect()
}

fn notes(out: &Gathered<Account>) -> Vec<String> {
    let mut notes: Vec<String> = out
        .answers
        .iter()
        .map(|(place, account)| {
            let whose = place.account.as_deref().filter(|_| out.many_accounts).unwrap_or("the account");
            let says = match &account.block {
                Ok(block) if block.is_whole() => "blocks public access everywhere",
                Ok(block) if *block == Block::default() => "does not block public access by itself",
                Ok(_) => "blocks public access in part",
                Err(_) => "has a block of public access that could not be read",
            };
            format!("{whose} {says}")
        })
        .collect();
    notes.push(
        "access points, object ACLs and what CloudFront or a presigned URL hands out were not examined"
            .to_owned(),
    );
    notes
}

fn summary(args: &Args, out: &Gathered<Account>, projection: &Projection) -> String {
    let searched = global::searched(out);
    if projection.rows.is_empty() && projection.errors.is_empty() {
        return format!("No buckets in {searched}; a listing covers every region.");
    }
    let text = |row: &Row, column: &str| projection.cell(row, column).map(Cell::plain).unwrap_or_default();
    if let (Some(bucket), [row]) = (&args.bucket, projection.rows.as_slice()) {
        let (public, why) = (text(row, "public"), text(row, "why"));
        let public = match public.as_str() {
            "yes" => "public".to_owned(),
            "no" => "not public".to_owned(),
            _ => "not known to be private".to_owned(),
        };
        let (blocked, encryption) = (text(row, "blocked"), text(row, "encryption"));
        let (region, versioning) = (text(row, "region"), text(row, "versioning"));
        return format!(
            "{bucket} in {region} is {public}: {why}; public access blocked: {blocked}, encryption {encryption}, versioning {versioning}."
        );
    }
    let named = |label: &str| -> Vec<String> {
        projection.rows.iter().filter(|r| text(r, "public") == label).map(|r| text(r, "bucket")).collect()
    };
    let (open, unknown) = (named(Public::Yes.label()), named(Public::Unknown.label()));
    let said = |names: &[String]| {
        let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
        let first = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        if names.is_empty() { String::new() } else { format!(" ({first}{more})") }
    };
    let count =
        |column: &str, value: &str| projection.rows.iter().filter(|r| text(r, column) == value).count();
    let failed: usize = out.answers.iter().map(|(_, a)| a.failed.len()).sum();
    let mut sentence = format!(
        "{} in {searched}: {} public{}, {} not known{}",
        plural(projection.rows.len(), "bucket"),
        open.len(),
        said(&open),
        unknown.len(),
        said(&unknown),
    );
    let kms = projection.rows.iter().filter(|r| text(r, "encryption").contains("KMS")).count();
    let unblocked = projection.rows.iter().filter(|r| text(r, "blocked") != Blocked::All.label()).count();
    sentence.push_str(&format!("; {unblocked} without a whole block of public access, {kms} with KMS"));
    for (n, what) in [
        (count("encryption", "none"), "without encryption"),
        (projection.rows.len() - count("versioning", "Enabled"), "without versioning"),
        (failed, "not read"),
    ] {
        if n > 0 {
            sentence.push_str(&format!(", {n} {what}"));
        }
    }
    if projection.truncated.is_some() {
        sentence.push_str("; there are more");
    }
    if !projection.errors.is_empty() {
        sentence.push_str("; not everything could be read");
    }
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests;
