//! Objects: their heads, their bytes, writing them in one request.

use super::store::{self, Bucket, Change, Content, Object};
use super::{Reply, unknown};
use crate::seed;
use crate::wire::Failure;
use crate::wire::raw::{RawReply, RawRequest, http_date};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// Classes whose objects sleep until they are restored.
const ASLEEP: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];
/// Told only to those who ask for checksums.
const SUMS: &str = "x-amz-checksum-";

/// Carries out an operation on `key` of `bucket`.
pub(crate) fn answer(
    world: &World<'_>,
    operation: &str,
    bucket: &Bucket,
    key: &str,
    raw: &RawRequest,
) -> Result<Reply, Failure> {
    match operation {
        "HeadObject" => {
            let object = wanted(world, bucket, key, raw)?;
            Ok(told(&object, bucket, raw).with("content-length", object.content.len().to_string()).into())
        }
        "GetObject" => get(&wanted(world, bucket, key, raw)?, bucket, raw),
        "PutObject" => put(world, bucket, key, raw),
        _ => Err(unknown(raw)),
    }
}

/// The newest version of an object.
pub(crate) fn newest(world: &World<'_>, bucket: &Bucket, key: &str) -> Option<Object> {
    store::objects(world, bucket).remove(key).and_then(|mut versions| versions.pop())
}

/// The version a request names, or the newest, when it is as the request wants it.
fn wanted(world: &World<'_>, bucket: &Bucket, key: &str, raw: &RawRequest) -> Result<Object, Failure> {
    let missing = || Failure::new("NoSuchKey", "The specified key does not exist.").status(404);
    let versions = store::objects(world, bucket).remove(key).unwrap_or_default();
    let found = match raw.query("versionId") {
        None => versions.into_iter().next_back().ok_or_else(missing)?,
        Some(id) => versions.into_iter().find(|v| v.version.as_deref() == Some(id)).ok_or_else(|| {
            Failure::new("NoSuchVersion", "The specified version does not exist.").status(404)
        })?,
    };
    match (raw.header("if-match"), raw.header("if-none-match")) {
        (Some(etag), _) if etag != found.etag && etag != "*" => Err(changed("If-Match")),
        (_, Some(etag)) if etag == found.etag || etag == "*" => {
            Err(Failure::new("NotModified", "Not Modified").status(304))
        }
        _ => Ok(found),
    }
}

fn changed(condition: &str) -> Failure {
    let message = format!("At least one of the pre-conditions you specified did not hold ({condition})");
    Failure::new("PreconditionFailed", message).status(412)
}

/// What is at the key is what a write expects there. Source: PutObject, CompleteMultipartUpload: `If-None-Match: *`
/// and `If-Match`.
pub(crate) fn expected(found: Option<&Object>, raw: &RawRequest) -> Result<(), Failure> {
    match (raw.header("if-none-match"), raw.header("if-match"), found) {
        (Some("*"), _, Some(_)) => Err(changed("If-None-Match")),
        (_, Some(_), None) => Err(Failure::new("NoSuchKey", "The specified key does not exist.").status(404)),
        (_, Some(etag), Some(found)) if etag != found.etag => Err(changed("If-Match")),
        _ => Ok(()),
    }
}

fn get(object: &Object, bucket: &Bucket, raw: &RawRequest) -> Result<Reply, Failure> {
    if ASLEEP.contains(&object.class.as_str()) {
        let message = "The operation is not valid for the object's storage class";
        return Err(Failure::new("InvalidObjectState", message).status(403));
    }
    let size = object.content.len();
    let head = told(object, bucket, raw);
    let Some(range) = raw.header("range") else {
        let reply = head.with("content-length", size.to_string());
        return Ok(reply.bytes(object.content.between(0, size)).into());
    };
    let Some((from, until)) = span(range, size) else {
        return Err(Failure::new("InvalidRange", "The requested range is not satisfiable").status(416));
    };
    let shown = format!("bytes {from}-{}/{size}", until.saturating_sub(1));
    let mut reply = head.with("content-range", shown).with("content-length", (until - from).to_string());
    reply.status = 206;
    Ok(reply.bytes(object.content.between(from, until)).into())
}

/// `bytes=10-19`, `bytes=10-`, `bytes=-10`, as from and until; `None` when none of it is there.
fn span(range: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, until) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.saturating_add(1).min(size)),
        (Ok(from), Err(_)) => (from, size),
        (Err(_), Ok(last)) => (size.saturating_sub(last), size),
        (Err(_), Err(_)) => return None,
    };
    (from < until).then_some((from, until))
}

/// The headers that tell of an object.
fn told(object: &Object, bucket: &Bucket, raw: &RawRequest) -> RawReply {
    let sums = raw.header("x-amz-checksum-mode") == Some("ENABLED") && raw.header("range").is_none();
    let encryption = if bucket.kms_key.is_some() { "aws:kms" } else { "AES256" };
    let mut reply = RawReply::empty(200)
        .with("etag", &object.etag)
        .with("last-modified", http_date(object.modified))
        .with("accept-ranges", "bytes")
        .with("x-amz-server-side-encryption", encryption);
    for (name, value) in object.headers.iter().filter(|(name, _)| sums || !name.starts_with(SUMS)) {
        reply = reply.with(name.clone(), value);
    }
    // STANDARD is told by leaving it out.
    if object.class != "STANDARD" {
        reply = reply.with("x-amz-storage-class", &object.class);
    }
    match &object.version {
        Some(version) => reply.with("x-amz-version-id", version),
        None => reply,
    }
}

/// What whoever writes an object says of it.
pub(crate) fn said(raw: &RawRequest) -> Vec<(String, String)> {
    let meta = raw.headers_under("x-amz-meta-").map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    let class = raw.header("x-amz-storage-class").map(|class| ("x-amz-storage-class".to_owned(), class));
    let kind = raw.header("content-type").unwrap_or("binary/octet-stream");
    let all = std::iter::once(("content-type".to_owned(), kind)).chain(class).chain(meta);
    all.map(|(name, value)| (name, value.to_owned())).collect()
}

/// The SHA-256 of what came, which must be the one that was promised.
pub(crate) fn sum(raw: &RawRequest) -> Result<[u8; 32], Failure> {
    let digest: [u8; 32] = Sha256::digest(&raw.body).into();
    match raw.header("x-amz-checksum-sha256") {
        Some(promised) if promised != BASE64.encode(digest) => {
            let message = "The SHA256 you specified did not match the calculated checksum.";
            Err(Failure::new("BadDigest", message))
        }
        _ => Ok(digest),
    }
}

/// A new object of `bucket` at `key`.
pub(crate) fn object(
    world: &World<'_>,
    bucket: &Bucket,
    key: &str,
    (content, etag): (Content, String),
    mut headers: Vec<(String, String)>,
) -> Object {
    let at = headers.iter().position(|(name, _)| name == "x-amz-storage-class");
    let class = at.map_or_else(|| "STANDARD".to_owned(), |at| headers.remove(at).1);
    let version = bucket.versioning.as_deref().map(|status| match status {
        "Suspended" => "null".to_owned(),
        _ => seed::hex(key, world.actions.len() as u64, 32),
    });
    Object { content, etag, modified: world.now, class, version, headers }
}

/// What answers a write.
pub(crate) fn written(object: &Object) -> RawReply {
    let reply = RawReply::empty(200).with("etag", &object.etag);
    match &object.version {
        Some(version) if version != "null" => reply.with("x-amz-version-id", version),
        _ => reply,
    }
}

fn put(world: &World<'_>, bucket: &Bucket, key: &str, raw: &RawRequest) -> Result<Reply, Failure> {
    expected(newest(world, bucket, key).as_ref(), raw)?;
    let digest = BASE64.encode(sum(raw)?);
    let mut headers = said(raw);
    let asked = raw.header("x-amz-checksum-sha256").is_some();
    if asked {
        headers.push((format!("{SUMS}sha256"), digest.clone()));
        headers.push((format!("{SUMS}type"), "FULL_OBJECT".to_owned()));
    }
    let content = (Content::Bytes(raw.body.clone()), store::etag(&raw.body));
    let object = object(world, bucket, key, content, headers);
    let reply = written(&object);
    let reply = if asked { reply.with(format!("{SUMS}sha256"), digest) } else { reply };
    let (bucket, key) = (bucket.name.clone(), key.to_owned());
    Ok(Reply { raw: reply, change: Some(Change::Put { bucket, key, object, ends: None }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, size, want) in [
            ("bytes=0-", 10, Some((0, 10))),
            ("bytes=4-", 10, Some((4, 10))),
            ("bytes=4-6", 10, Some((4, 7))),
            ("bytes=4-600", 10, Some((4, 10))),
            ("bytes=-3", 10, Some((7, 10))),
            ("bytes=-30", 10, Some((0, 10))),
            ("bytes=10-", 10, None),
            ("bytes=0-", 0, None),
            ("bytes=x-y", 10, None),
            ("lines=1-2", 10, None),
        ] {
            assert_eq!(span(range, size), want, "{range} of {size}");
        }
    }
}
