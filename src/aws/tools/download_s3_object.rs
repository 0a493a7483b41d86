//! Downloads one S3 object to a file on this machine.

use super::s3::{buckets, find, names};
use super::transfer::bucket::{self, Bucket, Owner};
use super::transfer::get::{self, Got, Wanted};
use super::transfer::object::{self, Object};
use super::transfer::remark::{s3api, warning};
use super::transfer::size::{exact, size};
use crate::clients::ReadClients;
use crate::files::{Existing, Target as File};
use crate::local::LocalWrite;
use crate::place::Place;
use crate::tool::LocalTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
use quarterdeck_core::tool::{
    ColumnKind, Fault, FaultKind, Op, Projection, RegionRule, Row, Spec, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// From here on what leaves AWS is worth a word.
const LARGE: u64 = 1024 * 1024 * 1024;

/// `download_s3_object`.
#[derive(Debug)]
pub struct DownloadS3Object;

/// What to download, and where to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The bucket's name, e.g. "shop-exports".
    pub bucket: String,
    /// The object's whole key, e.g. "orders/2026/11.csv".
    pub key: String,
    /// Folder for the file, below the download folder unless absolute, e.g. "incident-7".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Replace a file of that name. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
    /// The account to ask as, by its configured name, e.g. "staging".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What was written.
#[derive(Debug)]
pub struct Out {
    got: Got,
    took: Duration,
}

impl LocalTool for DownloadS3Object {
    const SPEC: Spec = Spec {
        name: "download_s3_object",
        description: "Downloads one S3 object to a file on this machine, after a person has approved the plan: size, target path, \
            what would be overwritten; archived objects must be restored first. The file is named after the key; its SHA-256 is \
            returned, its content never. Find keys with list_s3_objects or search_s3_objects; the other way is upload_s3_object. \
            AWS bills the request and the bytes.",
        reads: &[find::HEAD, buckets::LIST, object::HEAD_OBJECT],
        writes: &[Op::new("S3", "GetObject", &["s3:GetObject"])],
        region: RegionRule::OneRegion,
        billed: true,
        limit: Duration::from_secs(3600),
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        names::existing("bucket", &args.bucket)?;
        bucket::check_key(&args.key)
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let file = aws.files().target(args.directory.as_deref(), &args.key, args.overwrite)?;
        let bucket = bucket::find(aws, &args.bucket, args.account.as_deref(), None).await?;
        let owner = (bucket.owner == Owner::Ours).then_some(bucket.identity.account.as_str());
        let head = object::head(&aws.s3(&bucket.place), &args.bucket, &args.key, owner).await?;
        let object = head.ok_or_else(|| missing(args))?;
        if let Some(why) = &object.archived {
            return Err(archived(aws, &bucket.place, args, why));
        }
        let words = ["--bucket", &args.bucket, "--key", &args.key, "--if-match", &object.etag, &file.shown()];
        Ok(Proposal {
            tool: Self::SPEC.name.to_owned(),
            args: serde_json::to_value(args).unwrap_or_default(),
            title: format!("Download {} ({}) to {}", address(args), size(object.size), file.shown()),
            region: bucket.place.region.clone(),
            targets: vec![target(args, &file, &object, &bucket)],
            warnings: warnings(&file, &object, &bucket),
            dry_run: DryRun::NotOffered,
            actions: vec!["s3:GetObject".to_owned()],
            command: s3api(aws, &bucket.place, "get-object", &words),
            reversible: match file.existing() {
                Existing::Nothing => Reversible::Yes("the file can be removed".to_owned()),
                Existing::File(_) => Reversible::No("the file that is there now is gone".to_owned()),
            },
            unknown: Vec::new(),
            undo: json!({ "etag": object.etag, "size": object.size, "owner": owner }),
            as_of: aws.now(),
            identity: bucket.identity,
        })
    }

    async fn call(aws: &ReadClients, disk: LocalWrite) -> Result<Out, Fault> {
        let plan = disk.plan();
        let args: Args = crate::schema::parse(&plan.args)?;
        let file = aws.files().target(args.directory.as_deref(), &args.key, args.overwrite)?;
        let approved = plan.targets.first().and_then(|t| t.changes.first());
        if approved.is_none_or(|change| change.before != before(&file)) {
            return Err(file.changed());
        }
        let planned = |field: &str| plan.undo.get(field);
        let wanted = Wanted {
            etag: planned("etag").and_then(Value::as_str).unwrap_or_default().to_owned(),
            size: planned("size").and_then(Value::as_u64).unwrap_or_default(),
            owner: planned("owner").and_then(Value::as_str).map(str::to_owned),
            bucket: args.bucket,
            key: args.key,
        };
        let s3 = aws.s3(&Place { account: args.account, region: plan.region.clone() });
        let began = tokio::time::Instant::now();
        let mut partial = disk.begin(&file).await?;
        let got = disk.stop().or(get::get(aws, &s3, &wanted, &mut partial)).await;
        let got = got.unwrap_or_else(|| Err(stopped()))?;
        partial.finish().await?;
        Ok(Out { got, took: began.elapsed() })
    }

    fn project(plan: &Proposal, out: &Out, as_of: Timestamp) -> Projection {
        let (path, bytes) = written(plan);
        let from = plan.targets.first().and_then(|t| t.name.clone()).unwrap_or_default();
        let seconds = out.took.as_secs_f64().max(0.001);
        let rate = size((bytes as f64 / seconds) as u64);
        let compared = out.got.compared.map_or_else(
            || "S3 has no checksum of the whole object to compare; length and ETag are as planned".to_owned(),
            |name| format!("S3's {name} checksum was compared and is right"),
        );
        let mut projection =
            Projection::new(format!("Downloaded {from} ({}) to {path} at {rate}/s.", size(bytes)), as_of)
                .columns(&[
                    ("file", ColumnKind::Text),
                    ("size", ColumnKind::Bytes),
                    ("sha256", ColumnKind::Id),
                ])
                .rows(vec![Row {
                    urgency: 0,
                    cells: vec![
                        path.into(),
                        i64::try_from(bytes).unwrap_or(i64::MAX).into(),
                        out.got.sha256.as_str().into(),
                    ],
                }]);
        projection.notes.push(compared);
        if out.got.breaks > 0 {
            projection
                .notes
                .push(format!("the line broke {} times and was taken up where it broke", out.got.breaks));
        }
        projection
    }

    fn inverse(_plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        None
    }
}

/// Path and bytes of what was approved.
fn written(plan: &Proposal) -> (String, u64) {
    let path = plan.targets.first().map(|t| t.id.clone()).unwrap_or_default();
    (path, plan.undo.get("size").and_then(Value::as_u64).unwrap_or_default())
}

fn address(args: &Args) -> String {
    format!("s3://{}/{}", args.bucket, args.key)
}

fn target(args: &Args, file: &File, object: &Object, bucket: &Bucket) -> Target {
    let mut context = vec![
        ("bucket region".to_owned(), bucket.place.region.clone()),
        ("bucket owner".to_owned(), bucket.owner.shown(&bucket.identity)),
    ];
    context.extend(object.facts());
    Target {
        arn: file.uri(),
        id: file.shown(),
        name: Some(address(args)),
        tags: BTreeMap::new(),
        state: match file.existing() {
            Existing::Nothing => "absent".to_owned(),
            Existing::File(_) => "exists".to_owned(),
        },
        changes: vec![Change {
            field: "content".to_owned(),
            before: before(file),
            after: format!("{}: {}", address(args), object.shown()),
        }],
        context,
    }
}

/// What is there now: compared between two plans.
fn before(file: &File) -> String {
    match file.existing() {
        Existing::Nothing => "nothing".to_owned(),
        Existing::File(found) => {
            let at = found.modified.map_or_else(String::new, |at| format!(", modified {at}"));
            format!("a file of {}{at}", exact(found.size))
        }
    }
}

fn warnings(file: &File, object: &Object, bucket: &Bucket) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if !file.inside {
        let text = format!("{} is outside the folder for downloads", file.folder().display());
        warnings.push(warning("outside_folder", WarningLevel::Caution, text, "settings: downloads"));
    }
    if *file.existing() != Existing::Nothing {
        let text = "the file that is there now is replaced";
        warnings.push(warning(
            "overwrites_file",
            WarningLevel::Caution,
            text,
            format!("this machine: {}", before(file)),
        ));
    }
    if bucket.owner == Owner::Other {
        let text = "the bucket belongs to another account: its content is whatever that account put there";
        warnings.push(warning(
            "other_account",
            WarningLevel::Caution,
            text,
            "HeadBucket: refused for this account as its owner",
        ));
    }
    if object.size >= LARGE {
        let text = format!("{} leave AWS, which bills them", size(object.size));
        warnings.push(warning("large", WarningLevel::Info, text, "HeadObject: Content-Length"));
    }
    warnings
}

fn missing(args: &Args) -> Fault {
    Fault::new(FaultKind::Missing, format!("there is no object {}", address(args))).hint(
        "search_s3_objects finds keys by a part of their name; a deleted object's versions are not seen",
    )
}

fn archived(aws: &ReadClients, place: &Place, args: &Args, why: &str) -> Fault {
    let request = "Days=3,GlacierJobParameters={Tier=Standard}";
    let restore = s3api(
        aws,
        place,
        "restore-object",
        &["--bucket", &args.bucket, "--key", &args.key, "--restore-request", request],
    );
    Fault::new(FaultKind::Conflict, format!("{}: {why}; restore it first", address(args)))
        .hint(format!("hours, and billed: {restore}"))
}

fn stopped() -> Fault {
    Fault::new(FaultKind::Cancelled, "the download was stopped; nothing of it was kept")
}

#[cfg(test)]
mod tests;
