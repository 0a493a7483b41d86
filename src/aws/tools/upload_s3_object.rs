//! Uploads a file of this machine, or what is at a URL, as one S3 object.

mod there;

use super::s3::{buckets, find, names};
use super::transfer::bucket::{self, Owner};
use super::transfer::object::{self, HEAD_OBJECT, Object};
use super::transfer::put::{self, Before, Destination, Written};
use super::transfer::remark::{s3api, warning};
use super::transfer::size::{exact, size};
use super::transfer::source::{self, From};
use super::transfer::versions::{self, Versions};
use crate::clients::{ReadClients, WriteClients};
use crate::shell;
use crate::tool::WriteTool;
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
use quarterdeck_core::tool::{
    Cell, ColumnKind, Fault, FaultKind, Op, Projection, RegionRule, Row, Spec, Verdict, Watch, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use there::There;

/// For the whole upload.
const LIMIT: Duration = Duration::from_secs(3600);
/// For sending: what is left serves to conclude or to clean up.
const SENDING: Duration = Duration::from_secs(3540);
const PUT: &[&str] = &["s3:PutObject"];

/// `upload_s3_object`.
#[derive(Debug)]
pub struct UploadS3Object;

/// What to upload, and where to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// A file below the upload folder or an absolute path, e.g. "report.csv"; or a URL.
    pub source: String,
    /// The bucket's name, e.g. "shop-exports".
    pub bucket: String,
    /// The object's whole key, e.g. "reports/2026/11.csv".
    pub key: String,
    /// `source` is an http(s) URL, read by this machine. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_remote_url: bool,
    /// Replace an object of that key. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
    /// The bucket's account when it is not this one, e.g. "111122223333".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
    /// The account to act as, by its configured name, e.g. "staging".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What was written, and what HeadObject says of it.
#[derive(Debug)]
pub struct Out {
    written: Written,
    seen: Result<Option<Object>, Fault>,
}

impl WriteTool for UploadS3Object {
    const SPEC: Spec = Spec {
        name: "upload_s3_object",
        description: "Uploads one file of this machine, or what is at an http(s) URL, to an S3 key, after a person has approved the \
            plan: size, bucket, what would be overwritten and whether a version of it stays. Large files go in parts. Files of \
            credentials and private addresses are always refused. To fetch an object use download_s3_object; to see what is \
            there, list_s3_objects. AWS bills requests and storage.",
        reads: &[find::HEAD, buckets::LIST, HEAD_OBJECT, versions::VERSIONING, versions::TAGGING],
        writes: &[
            Op::new("S3", "PutObject", PUT),
            Op::new("S3", "CreateMultipartUpload", PUT),
            Op::new("S3", "UploadPart", PUT),
            Op::new("S3", "CompleteMultipartUpload", PUT),
            Op::new("S3", "AbortMultipartUpload", &["s3:AbortMultipartUpload"]),
            HEAD_OBJECT,
        ],
        region: RegionRule::OneRegion,
        billed: true,
        limit: LIMIT,
    };
    type Args = Args;
    type Out = Out;

    fn check(args: &Args) -> Result<(), Fault> {
        source::check(&args.source, args.is_remote_url)?;
        names::existing("bucket", &args.bucket)?;
        bucket::check_key(&args.key)?;
        bucket::check_owner(args.bucket_owner.as_deref())
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let from = From::of(aws.files(), &args.source, args.is_remote_url)?;
        let there = There::read(aws, args).await?;
        let kept = there.kept();
        let command = command(aws, args, &from, &there);
        let restore = there.restore(aws, args);
        Ok(Proposal {
            tool: Self::SPEC.name.to_owned(),
            args: serde_json::to_value(args).unwrap_or_default(),
            title: format!("Upload {} to {}", from.name(), address(args)),
            region: there.bucket.place.region.clone(),
            targets: vec![target(args, &from, &there)],
            warnings: warnings(aws, &from, &there),
            dry_run: DryRun::NotOffered,
            actions: PUT.iter().map(|a| (*a).to_owned()).collect(),
            command,
            reversible: match (&there.object, kept) {
                (None, _) => Reversible::Yes(format!("removed again with: {restore}")),
                (Some(_), true) => Reversible::Yes(format!("the earlier version comes back with: {restore}")),
                (Some(_), false) => Reversible::No("the object that is there now is lost".to_owned()),
            },
            unknown: there.unknown.iter().cloned().chain(from.unknown()).collect(),
            undo: json!({
                "etag": there.object.as_ref().map(|o| o.etag.clone()),
                "modified": there.object.as_ref().and_then(|o| o.modified),
                "size": from.size(),
                "owner": there.owner,
                "restore": (there.object.is_none() || kept).then_some(restore),
            }),
            as_of: aws.now(),
            identity: there.bucket.identity,
        })
    }

    async fn call(aws: WriteClients) -> Result<Out, Fault> {
        let plan = aws.plan();
        let args: Args = crate::schema::parse(&plan.args)?;
        let from = From::of(aws.files(), &args.source, args.is_remote_url)?;
        let approved = plan.targets.first().and_then(|t| t.changes.first());
        if approved.is_none_or(|change| change.after != from.shown()) {
            return Err(Fault::new(FaultKind::Conflict, format!("{} is not what was approved", from.name()))
                .hint("plan the upload again"));
        }
        let planned = |field: &str| plan.undo.get(field).and_then(Value::as_str).map(str::to_owned);
        let owner = planned("owner").unwrap_or_default();
        let opened = aws.stop().or(from.open(aws.files())).await;
        let content =
            opened.unwrap_or_else(|| Err(Fault::new(FaultKind::Cancelled, "stopped before it began")))?;
        let destination = Destination {
            before: planned("etag").map_or(Before::Nothing, Before::Object),
            kind: source::media_type(&args.key).or(content.kind()).map(str::to_owned),
            bucket: args.bucket.clone(),
            key: args.key.clone(),
            owner: owner.clone(),
        };
        let written = put::put(&aws, &destination, content, SENDING).await?;
        let seen = object::head(&aws.s3(), &args.bucket, &args.key, Some(&owner)).await;
        Ok(Out { written, seen })
    }

    fn project(plan: &Proposal, out: &Out, as_of: Timestamp) -> Projection {
        let id = plan.targets.first().map(|t| t.id.clone()).unwrap_or_default();
        let Written { etag, version, sha256, size: bytes, parts, again, compared } = &out.written;
        let how = if *parts > 1 { format!(" in {parts} parts") } else { String::new() };
        let columns = [
            ("object", ColumnKind::Text),
            ("size", ColumnKind::Bytes),
            ("etag", ColumnKind::Id),
            ("version", ColumnKind::Id),
            ("sha256", ColumnKind::Id),
        ];
        let cells = vec![
            Cell::from(id.as_str()),
            i64::try_from(*bytes).unwrap_or(i64::MAX).into(),
            etag.as_str().into(),
            version.clone().into(),
            sha256.as_str().into(),
        ];
        let mut projection = Projection::new(format!("Uploaded {} to {id}{how}.", size(*bytes)), as_of)
            .columns(&columns)
            .rows(vec![Row { urgency: 0, cells }]);
        let notes = &mut projection.notes;
        notes.push(seen(out));
        notes.push(if *compared {
            "S3 keeps a SHA-256 of it that was compared and is right".to_owned()
        } else {
            "S3 took it with its SHA-256 and told none back".to_owned()
        });
        if *again > 0 {
            notes.push(format!("{again} parts had to be sent again"));
        }
        if let Some(restore) = plan.undo.get("restore").and_then(Value::as_str) {
            notes.push(format!("to undo it: {restore}"));
        }
        projection
    }

    fn verify(plan: &Proposal) -> Watch {
        let key = plan.args.get("key").and_then(Value::as_str).unwrap_or_default();
        let mut args = json!({ "bucket": plan.args.get("bucket"), "prefix": key, "limit": 1 });
        if let (Some(account), Some(map)) = (plan.args.get("account"), args.as_object_mut()) {
            map.insert("account".into(), account.clone());
        }
        let (every, at_most) = (Duration::from_secs(3), Duration::from_secs(30));
        Watch { tool: "list_s3_objects", args, every, at_most, judge }
    }

    /// There is none among the tools: nothing here deletes, and a version is brought back with the command that the
    /// plan and the result print.
    fn inverse(_plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        None
    }
}

/// The object is there, as large as it was sent, and not the one from before.
fn judge(plan: &Proposal, read: &Projection) -> Verdict {
    let Some(key) = plan.args.get("key").and_then(Value::as_str) else { return Verdict::Failed };
    let cell = |row, name| read.cell(row, name).map(Cell::plain).unwrap_or_default();
    let Some(row) = read.rows.iter().find(|row| cell(row, "key") == key) else { return Verdict::NotYet };
    let before = plan.undo.get("modified").and_then(Value::as_str).unwrap_or_default();
    let size = plan.undo.get("size").and_then(Value::as_u64);
    let is_new = before.is_empty() || cell(row, "modified") != before;
    let fits = size.is_none_or(|size| cell(row, "size") == size.to_string());
    if is_new && fits { Verdict::Done } else { Verdict::NotYet }
}

fn address(args: &Args) -> String {
    format!("s3://{}/{}", args.bucket, args.key)
}

fn target(args: &Args, from: &From, there: &There) -> Target {
    let partition = there.bucket.identity.arn.split(':').nth(1).unwrap_or("aws");
    let versioning = there.versions.map_or("not known", Versions::label);
    let mut context = vec![
        ("bucket region".to_owned(), there.bucket.place.region.clone()),
        ("bucket owner".to_owned(), there.bucket.owner.shown(&there.bucket.identity)),
        ("versioning".to_owned(), versioning.to_owned()),
    ];
    if let Some(kind) = source::media_type(&args.key) {
        context.push(("type".to_owned(), kind.to_owned()));
    }
    let before = there.object.iter().flat_map(Object::facts);
    context.extend(before.map(|(name, value)| (format!("{name} now"), value)));
    Target {
        arn: format!("arn:{partition}:s3:::{}/{}", args.bucket, args.key),
        id: address(args),
        name: None,
        tags: there.tags.clone(),
        state: if there.object.is_some() { "exists" } else { "absent" }.to_owned(),
        changes: vec![Change {
            field: "content".to_owned(),
            before: there.object.as_ref().map_or_else(|| "nothing".to_owned(), Object::shown),
            after: from.shown(),
        }],
        context,
    }
}

fn warnings(aws: &ReadClients, from: &From, there: &There) -> Vec<Warning> {
    let mut warnings = from.warnings(aws.files().url_limit);
    let mut add = |code: &str, level, text: String, evidence: String| {
        warnings.push(warning(code, level, text, evidence));
    };
    if let Owner::Named(account) = &there.bucket.owner {
        let text =
            format!("the bucket belongs to account {account}: what is uploaded is theirs to read and keep");
        add("other_account", WarningLevel::Critical, text, format!("HeadBucket: owner {account}"));
    }
    if let Some(object) = &there.object {
        let versioning = there.versions.map_or("not known", Versions::label);
        let version = object.version.as_deref().unwrap_or("none");
        let evidence = format!("GetBucketVersioning: {versioning}; HeadObject: version {version}");
        if there.kept() {
            let text =
                format!("the version {version} that is there now stays, and is billed until it is deleted");
            add("version_stays", WarningLevel::Info, text, evidence);
        } else {
            let text = format!(
                "the object that is there now ({}) is lost: no version of it is kept",
                exact(object.size)
            );
            add("overwrites_unversioned", WarningLevel::Critical, text, evidence);
        }
    }
    warnings.sort_by_key(|w| std::cmp::Reverse(w.level));
    warnings
}

/// A person's own way to do it. `aws s3 cp` sends parts by itself, but takes no condition.
fn command(aws: &ReadClients, args: &Args, from: &From, there: &There) -> String {
    let place = &there.bucket.place;
    let (body, before) = match from {
        From::File(file) => (file.path.display().to_string(), String::new()),
        From::Url(link) => {
            let url = link.to_string();
            let fetch = shell::line(["curl", "--fail", "--location", "--output", "upload.tmp", &url]);
            ("upload.tmp".to_owned(), format!("{fetch} && "))
        }
    };
    let etag = there.object.as_ref().map(|o| o.etag.clone());
    let condition = etag.as_deref().map_or(["--if-none-match", "*"], |etag| ["--if-match", etag]);
    if from.size().is_some_and(|size| size > put::SINGLE as u64) {
        let profile = aws.profile(place);
        let mut words = vec!["aws", "s3", "cp", "--region", &place.region];
        if let Some(profile) = &profile {
            words.extend(["--profile", profile]);
        }
        let to = address(args);
        words.extend([body.as_str(), to.as_str()]);
        return format!("{before}{}", shell::line(words));
    }
    let mut words = vec!["--bucket", &args.bucket, "--key", &args.key, "--body", &body];
    words.extend(["--expected-bucket-owner", &there.owner]);
    words.extend(condition);
    format!("{before}{}", s3api(aws, place, "put-object", &words))
}

/// What HeadObject said after it, in a sentence.
fn seen(out: &Out) -> String {
    match &out.seen {
        Ok(Some(object)) if object.size == out.written.size && object.etag == out.written.etag => {
            "HeadObject shows it: same size, same ETag".to_owned()
        }
        Ok(Some(object)) => format!("HeadObject shows something else already: {}", object.shown()),
        Ok(None) => "HeadObject does not show it: it was deleted, or moved, at once".to_owned(),
        Err(fault) => format!("HeadObject could not be asked: {fault}"),
    }
}

#[cfg(test)]
mod tests;
