//! Creates an S3 bucket.

use super::reading::patience::Patience;
use super::s3::find::{self, Head};
use super::s3::{buckets, names};
use crate::clients::{ReadClients, WriteClients};
use crate::fault;
use crate::given::shown;
use crate::place::Place;
use crate::shell;
use crate::tool::WriteTool;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Change, DryRun, Proposal, Reversible, Target, Warning, WarningLevel};
use quarterdeck_core::tool::ColumnKind::{Id, State, Text};
use quarterdeck_core::tool::{
    Cell, Fault, FaultKind, Op, Projection, RegionRule, Row, Spec, Verdict, Watch, WriteCall,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The one region whose buckets have no location constraint.
const WITHOUT_CONSTRAINT: &str = "us-east-1";

/// `create_s3_bucket`.
#[derive(Debug)]
pub struct CreateS3Bucket;

/// What to create.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The new bucket's name: 3 to 63 lower-case letters, digits and dashes, e.g. "harbor-invoices".
    pub bucket: String,
    /// The one region it is for, e.g. "eu-central-1". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The account by its configured name, e.g. "prod". Default: the session's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl WriteTool for CreateS3Bucket {
    const SPEC: Spec = Spec {
        name: "create_s3_bucket",
        description: "Creates one empty S3 bucket in one region, after a person has approved the plan: the name's rules, whether it is free \
            and whether the region is enabled are checked first. S3 blocks public access on new buckets; that is read back. Ask the user when \
            they named no region. Existing buckets: list_s3_buckets; their protection: audit_s3_buckets. Deletes nothing. Free.",
        reads: &[Op::new("EC2", "DescribeRegions", &["ec2:DescribeRegions"]), buckets::LIST, find::HEAD],
        writes: &[Op::new("S3", "CreateBucket", &["s3:CreateBucket"])],
        region: RegionRule::OneRegion,
        billed: false,
        limit: Duration::from_secs(30),
    };
    type Args = Args;
    type Out = Option<String>;

    fn check(args: &Args) -> Result<(), Fault> {
        names::new(&args.bucket)?;
        match args.region.as_deref() {
            Some("all") => Err(Fault::new(FaultKind::Invalid, "a bucket is created in exactly one region")
                .hint("send `region` with one name, such as eu-central-1")),
            Some(region) if !region.contains('-') || region.contains([' ', ',', '*']) => Err(Fault::new(
                FaultKind::Invalid,
                format!("`region`: {} is no region's code", shown(region)),
            )
            .hint(
                "send one code, such as eu-central-1 for Frankfurt; ask the user when it is not clear which",
            )),
            Some(_) | None => Ok(()),
        }
    }

    async fn plan(aws: &ReadClients, args: &Args) -> Result<Proposal, Fault> {
        let place = aws.place(args.region.as_deref(), args.account.as_deref()).await?;
        let home = aws.global_place(args.account.as_deref()).await?;
        let s3 = aws.s3(&home);
        let (identity, enabled, own, head) = futures::join!(
            aws.identity(&place),
            enabled(aws, &place),
            buckets::list(&s3, Patience::begin()),
            find::head(&s3, &home.region, &args.bucket, None),
        );
        let identity = identity?;
        let mut unknown = Vec::new();
        if let Err(fault) = enabled? {
            unknown.push(format!("whether {} is enabled in this account ({fault})", place.region));
        }
        let own = own.and_then(|own| own.lost.map_or(Ok(own.all), Err));
        if let Err(fault) = &own {
            unknown.push(format!("whether the account already has this bucket ({fault})"));
        }
        free(&args.bucket, own.as_deref().ok(), head)?;
        let (partition, profile) = (identity.arn.split(':').nth(1).unwrap_or("aws"), aws.profile(&place));
        Ok(Proposal {
            tool: Self::SPEC.name.to_owned(),
            args: serde_json::to_value(args).unwrap_or_default(),
            title: format!("Create the bucket {} in {}", args.bucket, place.region),
            region: place.region.clone(),
            targets: vec![target(args, partition, &place)],
            warnings: warnings(args, &place),
            dry_run: DryRun::NotOffered,
            actions: vec!["s3:CreateBucket".to_owned()],
            command: command(args, &place, profile.as_deref()),
            reversible: Reversible::Partly(format!(
                "while it is empty, `aws s3 rb s3://{}` removes it; this console deletes nothing, and a name given up may be taken by others",
                args.bucket
            )),
            unknown,
            undo: serde_json::Value::Null,
            as_of: aws.now(),
            identity,
        })
    }

    async fn call(aws: WriteClients) -> Result<Option<String>, Fault> {
        let plan = aws.plan();
        let bucket = plan.targets.first().map(|t| t.id.clone()).unwrap_or_default();
        let constraint = (plan.region != WITHOUT_CONSTRAINT).then(|| {
            let region = BucketLocationConstraint::from(plan.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let create = aws.s3().create_bucket().bucket(bucket).set_create_bucket_configuration(constraint);
        let created = create.send().await.map_err(|e| taken(fault::of(&e), &e))?;
        Ok(created.location)
    }

    fn project(plan: &Proposal, out: &Option<String>, as_of: Timestamp) -> Projection {
        let bucket = plan.targets.first().map_or("", |t| t.id.as_str());
        let cells = vec![bucket.into(), plan.region.as_str().into(), "created".into()];
        let mut projection =
            Projection::new(format!("Created the bucket {bucket} in {}.", plan.region), as_of)
                .columns(&[("bucket", Id), ("region", Text), ("state", State)])
                .rows(vec![Row { urgency: 0, cells }])
                .counted("state");
        projection.notes.extend(out.as_ref().map(|at| format!("S3 says it is at {at}")));
        projection
    }

    fn verify(plan: &Proposal) -> Watch {
        let mut args = json!({ "bucket": plan.targets.first().map_or("", |t| t.id.as_str()) });
        if let (Some(account), Some(map)) = (plan.args.get("account"), args.as_object_mut()) {
            map.insert("accounts".into(), json!([account]));
        }
        let (every, at_most) = (Duration::from_secs(3), Duration::from_secs(60));
        Watch { tool: "audit_s3_buckets", args, every, at_most, judge }
    }

    /// Nothing here deletes.
    fn inverse(_plan: &Proposal, _done: &Projection) -> Option<WriteCall> {
        None
    }
}

/// It is there, where it was approved, and public access is blocked. A block that is not there will not come by itself.
fn judge(plan: &Proposal, read: &Projection) -> Verdict {
    let Some(row) = read.rows.first() else { return Verdict::NotYet };
    let text = |column: &str| read.cell(row, column).map(Cell::plain).unwrap_or_default();
    match (text("region") == plan.region, text("blocked").as_str()) {
        (true, "all") => Verdict::Done,
        (true, "unknown") => Verdict::NotYet,
        (true | false, _) => Verdict::Failed,
    }
}

/// Whether the region is enabled; the inner fault: it could not be read. Source: EC2 DescribeRegions.
async fn enabled(aws: &ReadClients, place: &Place) -> Result<Result<(), Fault>, Fault> {
    let home = aws.place(None, place.account.as_deref()).await.unwrap_or_else(|_| place.clone());
    let regions = aws.ec2(&home).describe_regions().all_regions(true).send().await;
    let regions = match regions {
        Ok(regions) => regions,
        Err(e) => return Ok(Err(fault::of(&e))),
    };
    let told = regions.regions().iter().find(|r| r.region_name() == Some(&place.region));
    match told.map(|r| r.opt_in_status().unwrap_or_default()) {
        Some("not-opted-in") => {
            Err(Fault::new(FaultKind::Invalid, format!("{} is not enabled in this account", place.region))
                .hint("choose an enabled region, or enable it under Account, AWS Regions"))
        }
        Some(_) => Ok(Ok(())),
        None => Err(Fault::new(FaultKind::Invalid, format!("there is no region {}", place.region))
            .hint("send the code of an enabled region, such as eu-central-1")),
    }
}

/// Nobody has a bucket of this name, as far as AWS lets us tell. `own`: the account's buckets, where they could be read.
fn free(bucket: &str, own: Option<&[buckets::Bucket]>, head: Result<Head, Fault>) -> Result<(), Fault> {
    let conflict = |text: String, hint: &str| Err(Fault::new(FaultKind::Conflict, text).hint(hint));
    let other = "choose another name: names are shared by all AWS accounts";
    if let Some(ours) = own.and_then(|own| own.iter().find(|b| b.name == bucket)) {
        let region = ours.region.as_deref().map_or_else(String::new, |r| format!(" in {r}"));
        return conflict(
            format!("this account already has the bucket {bucket}{region}"),
            "use it, or choose another name; creating it again could reset its ACLs",
        );
    }
    match (head?, own.is_some()) {
        (Head::Missing, _) => Ok(()),
        (Head::There(region), true) => conflict(
            format!("{bucket} is another account's bucket, in {region}, which lets this one look at it"),
            other,
        ),
        (Head::There(region), false) => conflict(
            format!("a bucket {bucket} exists in {region}; whether it is this account's could not be read"),
            "grant s3:ListAllMyBuckets to tell, or choose another name",
        ),
        (Head::Forbidden(_), true) => {
            conflict(format!("the name {bucket} is taken by another account (403)"), other)
        }
        (Head::Forbidden(_), false) => conflict(
            format!(
                "the name {bucket} is taken (403): by another account, or by this one in a bucket that may not be looked at"
            ),
            "grant s3:ListAllMyBuckets to tell, or choose another name",
        ),
    }
}

/// What S3 answers when another was faster.
fn taken<E: aws_smithy_types::error::metadata::ProvideErrorMetadata>(fault: Fault, error: &E) -> Fault {
    match error.code() {
        Some("BucketAlreadyExists") => Fault::new(FaultKind::Conflict, "another account has taken the name")
            .hint("choose another name: names are shared by all AWS accounts"),
        Some("BucketAlreadyOwnedByYou") => {
            Fault::new(FaultKind::Conflict, "this account already has a bucket of that name")
                .hint("list_s3_buckets says where")
        }
        Some("TooManyBuckets") => {
            Fault::new(FaultKind::Conflict, "the account has as many buckets as it may")
                .hint("ask AWS to raise the quota of buckets")
        }
        Some(_) | None => fault,
    }
}

fn target(args: &Args, partition: &str, place: &Place) -> Target {
    let set = |field: &str, before: &str, after: &str| Change {
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let from = match &args.region {
        Some(_) => "the request",
        None => "the session's own: the request names none",
    };
    let context = [
        ("region from", from),
        ("the name", "free when it was looked up; names are shared by all AWS accounts"),
        ("public access", "blocked: S3's default for new buckets, read back afterwards"),
        ("ownership", "ACLs disabled (BucketOwnerEnforced): S3's default"),
        ("encryption", "SSE-S3: S3's default"),
        ("versioning", "off: S3's default"),
    ];
    Target {
        arn: format!("arn:{partition}:s3:::{}", args.bucket),
        id: args.bucket.clone(),
        name: None,
        tags: BTreeMap::new(),
        state: "does not exist".to_owned(),
        changes: vec![set("bucket", "does not exist", "empty bucket"), set("region", "none", &place.region)],
        context: context.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn warnings(args: &Args, place: &Place) -> Vec<Warning> {
    let warn = |code: &str, level, text: String, evidence: &str| Warning {
        code: code.to_owned(),
        level,
        text,
        evidence: Some(evidence.to_owned()),
    };
    let mut warnings = Vec::new();
    if args.region.is_none() {
        warnings.push(warn(
            "region_not_named",
            WarningLevel::Caution,
            format!(
                "no region was named: {} is the session's own, and a bucket cannot be moved",
                place.region
            ),
            "the request has no `region`",
        ));
    }
    if names::has_dots(&args.bucket) {
        warnings.push(warn(
            "dots_in_name",
            WarningLevel::Caution,
            format!(
                "{} has dots: browsers and clients that use its own host name over TLS will refuse it",
                args.bucket
            ),
            "the certificate of *.s3.amazonaws.com covers one label",
        ));
    }
    warnings.push(warn(
        "name_for_good",
        WarningLevel::Info,
        "a bucket cannot be renamed or moved to another region".to_owned(),
        "S3 CreateBucket",
    ));
    warnings
}

fn command(args: &Args, place: &Place, profile: Option<&str>) -> String {
    let mut words = vec!["aws", "s3api", "create-bucket", "--region", &place.region];
    if let Some(profile) = profile {
        words.extend(["--profile", profile]);
    }
    words.extend(["--bucket", &args.bucket]);
    let constraint = format!("LocationConstraint={}", place.region);
    if place.region != WITHOUT_CONSTRAINT {
        words.extend(["--create-bucket-configuration", &constraint]);
    }
    shell::line(words)
}

#[cfg(test)]
mod tests;
