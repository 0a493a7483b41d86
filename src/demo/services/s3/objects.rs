//! Objects: heads, bytes, uploads.

use super::store::{self, Bucket, Change, Content, Object};
use super::{Reply, unknown};
use crate::seed;
use crate::wire::Failure;
use crate::wire::raw::{RawReply, RawRequest, http_date};
use crate::world::World;

/// Carries out an operation on `key` of `bucket`.
pub(crate) fn answer(
    world: &World<'_>,
    operation: &str,
    bucket: &Bucket,
    key: &str,
    raw: &RawRequest,
) -> Result<Reply, Failure> {
    match operation {
        "HeadObject" => Ok(head(&newest(world, bucket, key)?).into()),
        "GetObject" => {
            let object = newest(world, bucket, key)?;
            Ok(head(&object).bytes(object.content.bytes()).into())
        }
        "PutObject" => Ok(put(world, bucket, key, raw)),
        _ => Err(unknown(raw)),
    }
}

fn newest(world: &World<'_>, bucket: &Bucket, key: &str) -> Result<Object, Failure> {
    let found = store::objects(world, bucket).remove(key).and_then(|mut versions| versions.pop());
    found.ok_or_else(|| Failure::new("NoSuchKey", "The specified key does not exist.").status(404))
}

fn head(object: &Object) -> RawReply {
    let mut reply = RawReply::empty(200)
        .with("etag", &object.etag)
        .with("content-length", object.content.len().to_string())
        .with("last-modified", http_date(object.modified))
        .with("accept-ranges", "bytes");
    for (name, value) in &object.headers {
        reply = reply.with(name.clone(), value);
    }
    match &object.version {
        Some(version) => reply.with("x-amz-version-id", version),
        None => reply,
    }
}

fn put(world: &World<'_>, bucket: &Bucket, key: &str, raw: &RawRequest) -> Reply {
    let told = raw.headers_under("x-amz-meta-").map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    let kind = raw.header("content-type").unwrap_or("binary/octet-stream");
    let headers = std::iter::once(("content-type".to_owned(), kind)).chain(told);
    let n = world.actions.len() as u64;
    let object = Object {
        etag: store::etag(&raw.body),
        content: Content::Bytes(raw.body.clone()),
        modified: world.now,
        class: raw.header("x-amz-storage-class").unwrap_or("STANDARD").to_owned(),
        version: bucket.versioning.as_ref().map(|_| seed::hex(key, n, 32)),
        headers: headers.map(|(name, value)| (name, value.to_owned())).collect(),
    };
    let mut reply = RawReply::empty(200).with("etag", &object.etag);
    if let Some(version) = &object.version {
        reply = reply.with("x-amz-version-id", version);
    }
    let (bucket, key) = (bucket.name.clone(), key.to_owned());
    Reply { raw: reply, change: Some(Change::Put { bucket, key, object }) }
}
