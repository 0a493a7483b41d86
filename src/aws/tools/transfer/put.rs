//! Writing one object: in one request when it is small, in parts when it is not.

use super::content::Content;
use super::pace::Pace;
use super::parts::Parts;
use crate::clients::WriteClients;
use crate::fault;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use quarterdeck_core::tool::{Fault, FaultKind};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;

/// Up to here an object goes in one request.
pub const SINGLE: usize = 16 * 1024 * 1024;

/// Where it goes, and on which condition.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The account the bucket must belong to.
    pub owner: String,
    /// What must be there.
    pub before: Before,
    /// The object's media type.
    pub kind: Option<String>,
}

/// What must be at the key when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: `If-None-Match: *`.
    Nothing,
    /// The object with this ETag: `If-Match`.
    Object(String),
}

impl Before {
    pub(super) fn if_none_match(&self) -> Option<String> {
        matches!(self, Self::Nothing).then(|| "*".to_owned())
    }

    pub(super) fn if_match(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Object(etag) => Some(etag.clone()),
        }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// As S3 told it.
    pub etag: String,
    /// As S3 told it.
    pub version: Option<String>,
    /// Of every byte that was read, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Parts; 1 for a single request.
    pub parts: usize,
    /// Parts that had to be sent again.
    pub again: u32,
    /// Whether S3 answered with the SHA-256 of what it keeps; a wrong one never passes.
    pub compared: bool,
}

/// Writes `content`, within `limit`.
///
/// # Errors
/// `conflict`: something else is at the key, or the source changed. `cancelled`: stopped, and nothing was written.
/// `unavailable`, `timeout`: the answer was lost, unless the call was called off.
pub async fn put(
    aws: &WriteClients,
    to: &Destination,
    mut content: Content,
    limit: Duration,
) -> Result<Written, Fault> {
    let ends = Instant::now() + limit;
    let stop = aws.stop().clone();
    let first = stop.or(tokio::time::timeout_at(ends, content.next(SINGLE))).await;
    let first = match first {
        Some(Ok(Ok(first))) => first.unwrap_or_default(),
        Some(Ok(Err(fault))) => return Err(fault),
        Some(Err(_)) => return Err(too_slow(limit)),
        None => return Err(stopped()),
    };
    // One byte more tells whether this is all.
    let more = first.len() == SINGLE && content.total().is_none_or(|total| total > SINGLE as u64);
    if !more {
        content.whole().await?;
        return single(aws, to, &content, first).await;
    }
    Parts::begin(aws, to, content.total()).await?.send(content, first, ends, limit).await
}

async fn single(
    aws: &WriteClients,
    to: &Destination,
    content: &Content,
    bytes: Bytes,
) -> Result<Written, Fault> {
    let (size, sha256) = content.digest();
    let sum = BASE64.encode(Sha256::digest(&bytes));
    let mut pace = Pace::default();
    aws.progress_if(pace.at(0, Some(size)));
    let sent = aws
        .s3_transfer()
        .put_object()
        .bucket(&to.bucket)
        .key(&to.key)
        .expected_bucket_owner(&to.owner)
        .set_if_none_match(to.before.if_none_match())
        .set_if_match(to.before.if_match())
        .set_content_type(to.kind.clone())
        .checksum_sha256(&sum)
        .body(ByteStream::from(bytes))
        .send();
    let Some(answer) = aws.stop().or(sent).await else {
        // Whether S3 has all of it is not known here.
        return Err(Fault::new(FaultKind::Unavailable, "stopped while it was being sent"));
    };
    let out = answer.map_err(|e| refused(fault::of(&e)))?;
    aws.progress_if(pace.at(size, Some(size)));
    Ok(Written {
        etag: out.e_tag().unwrap_or_default().to_owned(),
        version: out.version_id().map(str::to_owned),
        sha256,
        size,
        parts: 1,
        again: 0,
        compared: out.checksum_sha256() == Some(&sum),
    })
}

/// What S3's refusal means.
pub(super) fn refused(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Conflict => Fault::new(
            FaultKind::Conflict,
            format!("what is at the key is no longer what was planned ({})", fault.message),
        )
        .hint("nothing was written; plan the upload again"),
        FaultKind::Denied => fault.action("s3:PutObject").hint(
            "the bucket's policy may refuse too, or the bucket belongs to another account than planned",
        ),
        FaultKind::Throttled
        | FaultKind::Expired
        | FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Unavailable
        | FaultKind::Timeout
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => fault,
    }
}

pub(super) fn stopped() -> Fault {
    Fault::new(FaultKind::Cancelled, "the upload was stopped; the object is as it was")
}

pub(super) fn too_slow(limit: Duration) -> Fault {
    Fault::new(FaultKind::Timeout, format!("the upload took more than {} minutes", limit.as_secs() / 60))
        .hint("send it from a machine that is nearer, or with: aws s3 cp")
}
