//! S3 and S3 Control: which operation a raw request is, and who carries it out.

pub(crate) mod buckets;
pub(crate) mod listing;
pub(crate) mod objects;
pub(crate) mod store;
pub(crate) mod uploads;

pub(crate) use store::Change;

use crate::wire::form::percent;
use crate::wire::raw::{RawReply, RawRequest};
use crate::wire::{Failure, rest_xml};
use crate::world::World;

/// What an operation answers, and what it did to the account.
#[derive(Debug)]
pub(crate) struct Reply {
    pub raw: RawReply,
    pub change: Option<Change>,
}

impl From<RawReply> for Reply {
    fn from(raw: RawReply) -> Self {
        Self { raw, change: None }
    }
}

/// The path of S3 Control's operations begins with its version.
const CONTROL: &str = "/v20180820/";

/// The operation of a request: S3 tells them apart by method, path and query.
pub(crate) fn operation(raw: &RawRequest) -> &'static str {
    if raw.path.starts_with(CONTROL) {
        return match raw.path.strip_prefix(CONTROL) {
            Some("configuration/publicAccessBlock") if raw.method == "GET" => "GetPublicAccessBlock",
            _ => "Unknown",
        };
    }
    let (bucket, key) = target(raw);
    let has = |name: &str| raw.query(name).is_some();
    match (raw.method.as_str(), bucket.is_empty(), key.is_empty()) {
        ("GET", true, _) => "ListBuckets",
        ("HEAD", false, true) => "HeadBucket",
        ("GET", false, true) => SUBRESOURCES.iter().find(|(q, _)| has(q)).map_or("ListObjects", |(_, o)| *o),
        ("PUT", false, true) if SUBRESOURCES.iter().all(|(q, _)| !has(q)) => "CreateBucket",
        ("HEAD", false, false) => "HeadObject",
        ("GET", false, false) => "GetObject",
        ("PUT", false, false) if has("uploadId") => "UploadPart",
        ("PUT", false, false) if raw.header("x-amz-copy-source").is_none() => "PutObject",
        ("POST", false, false) if has("uploads") => "CreateMultipartUpload",
        ("POST", false, false) if has("uploadId") => "CompleteMultipartUpload",
        ("DELETE", false, false) if has("uploadId") => "AbortMultipartUpload",
        _ => "Unknown",
    }
}

/// What a GET of a bucket is about, by its query.
const SUBRESOURCES: [(&str, &str); 9] = [
    ("list-type", "ListObjectsV2"),
    ("publicAccessBlock", "GetPublicAccessBlock"),
    ("policyStatus", "GetBucketPolicyStatus"),
    ("ownershipControls", "GetBucketOwnershipControls"),
    ("acl", "GetBucketAcl"),
    ("encryption", "GetBucketEncryption"),
    ("versioning", "GetBucketVersioning"),
    ("location", "GetBucketLocation"),
    ("tagging", "GetBucketTagging"),
];

/// Bucket and key of a request, decoded, virtual-hosted or path style; empty when it names none.
pub(crate) fn target(raw: &RawRequest) -> (String, String) {
    let hosted = raw.host.ends_with(".amazonaws.com").then(|| raw.host.rsplit_once(".s3.")).flatten();
    let path = raw.path.strip_prefix('/').unwrap_or(&raw.path);
    match hosted {
        Some((bucket, _)) => (bucket.to_owned(), percent(path)),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (percent(bucket), percent(key))
        }
    }
}

/// Whether an operation changes buckets or objects.
pub(crate) fn mutating(operation: &str) -> bool {
    matches!(
        operation,
        "CreateBucket"
            | "PutObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "CompleteMultipartUpload"
            | "AbortMultipartUpload"
    )
}

/// The IAM action of a request: S3 names few of them as it names the operations.
pub(crate) fn action(operation: &str, raw: &RawRequest) -> String {
    let name = match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "HeadObject" => "GetObject",
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "PutObject",
        "GetPublicAccessBlock" if raw.path.starts_with(CONTROL) => "GetAccountPublicAccessBlock",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        same => same,
    };
    format!("s3:{name}")
}

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, raw: &RawRequest) -> Result<Reply, Failure> {
    let (bucket, key) = target(raw);
    if raw.path.starts_with(CONTROL) {
        return match operation {
            "GetPublicAccessBlock" => buckets::account_block(world, raw),
            _ => Err(unknown(raw)),
        };
    }
    match operation {
        "ListBuckets" => return buckets::list(world, raw),
        "CreateBucket" => return buckets::create(world, &bucket, raw),
        "Unknown" => return Err(unknown(raw)),
        _ => {}
    }
    let bucket = match buckets::reach(world, &bucket, raw)? {
        buckets::Reached::Here(bucket) => bucket,
        buckets::Reached::Elsewhere(redirect) => return Ok(redirect.into()),
    };
    match operation {
        "HeadBucket" => Ok(buckets::head(&bucket).into()),
        "GetPublicAccessBlock" => buckets::block(&bucket),
        "GetBucketPolicyStatus" => buckets::policy_status(&bucket),
        "GetBucketOwnershipControls" => buckets::ownership(&bucket),
        "GetBucketAcl" => Ok(buckets::acl(world, &bucket)),
        "GetBucketEncryption" => Ok(buckets::encryption(&bucket)),
        "GetBucketVersioning" => Ok(buckets::versioning(&bucket)),
        "GetBucketLocation" => Ok(buckets::location(&bucket)),
        "GetBucketTagging" => buckets::tagging(&bucket),
        "ListObjectsV2" => listing::list(world, &bucket, raw),
        "HeadObject" | "GetObject" | "PutObject" => objects::answer(world, operation, &bucket, &key, raw),
        _ => uploads::answer(world, operation, &bucket, &key, raw),
    }
}

/// A refusal: a HEAD has no body, S3 Control wraps its errors, S3 does not.
pub(crate) fn refused(raw: &RawRequest, failure: &Failure, id: &str) -> RawReply {
    let reply = RawReply::empty(failure.status).with("content-type", "application/xml");
    let error = rest_xml::error(failure, id);
    match raw.method.as_str() {
        "HEAD" => reply,
        _ if raw.path.starts_with(CONTROL) => reply.bytes(rest_xml::wrapped(&error)),
        _ => reply.bytes(error),
    }
}

/// The failure of what the embedded account does not have.
pub(crate) fn unknown(raw: &RawRequest) -> Failure {
    let message = format!("the embedded account does not implement {} {}", raw.method, raw.path);
    Failure::new("NotImplemented", message).status(501)
}
