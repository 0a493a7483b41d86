//! Uploads in parts.

use super::objects;
use super::store::{self, Bucket, Change, Content, Part, Step, Upload};
use super::{Reply, unknown};
use crate::seed;
use crate::wire::raw::{RawReply, RawRequest};
use crate::wire::{Failure, node, rest_xml};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use sha2::{Digest as _, Sha256};

/// Bytes that every part but the last must have.
const SMALLEST: u64 = 5 * 1024 * 1024;
/// Parts that are kept as they came: of more than these only the length is.
const KEPT: u32 = 8;

/// Carries out an operation on an upload to `key` of `bucket`.
pub(crate) fn answer(
    world: &World<'_>,
    operation: &str,
    bucket: &Bucket,
    key: &str,
    raw: &RawRequest,
) -> Result<Reply, Failure> {
    if operation == "CreateMultipartUpload" {
        return Ok(begin(world, bucket, key, raw));
    }
    let id = raw.query("uploadId").unwrap_or_default();
    let upload = store::upload(world, id).filter(|u| u.bucket == bucket.name && u.key == key);
    let upload = upload.ok_or_else(|| {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
            aborted or completed.";
        Failure::new("NoSuchUpload", message).status(404)
    })?;
    let change = |step| Some(Change::Upload { id: id.to_owned(), step });
    match operation {
        "UploadPart" => {
            let (number, part) = part(raw)?;
            let sum = BASE64.encode(part.sha256);
            let reply = RawReply::empty(200).with("etag", &part.etag).with("x-amz-checksum-sha256", sum);
            Ok(Reply { raw: reply, change: change(Step::Part { number, part }) })
        }
        "CompleteMultipartUpload" => complete(world, bucket, id, &upload, raw),
        "AbortMultipartUpload" => Ok(Reply { raw: RawReply::empty(204), change: change(Step::GivenUp) }),
        _ => Err(unknown(raw)),
    }
}

fn begin(world: &World<'_>, bucket: &Bucket, key: &str, raw: &RawRequest) -> Reply {
    let id = seed::hex(&format!("upload {key}"), world.actions.len() as u64, 64);
    let body = node! { "Bucket" => &bucket.name, "Key" => key, "UploadId" => &id };
    let step = Step::Begun { bucket: bucket.name.clone(), key: key.to_owned(), headers: objects::said(raw) };
    let raw = RawReply::xml(rest_xml::body("InitiateMultipartUploadResult", "", &body));
    Reply { raw, change: Some(Change::Upload { id, step }) }
}

fn part(raw: &RawRequest) -> Result<(u32, Part), Failure> {
    let number = raw.query("partNumber").and_then(|n| n.parse().ok()).filter(|n| (1..=10_000).contains(n));
    let number: u32 = number.ok_or_else(|| {
        Failure::new("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    })?;
    let sha256 = objects::sum(raw)?;
    let content =
        if number <= KEPT { Content::Bytes(raw.body.clone()) } else { Content::Made(raw.body.len() as u64) };
    Ok((number, Part { content, etag: store::etag(&raw.body), sha256 }))
}

fn complete(
    world: &World<'_>,
    bucket: &Bucket,
    id: &str,
    upload: &Upload,
    raw: &RawRequest,
) -> Result<Reply, Failure> {
    objects::expected(objects::newest(world, bucket, &upload.key).as_ref(), raw)?;
    let parts = named(upload, &String::from_utf8_lossy(&raw.body))?;
    let size: u64 = parts.iter().map(|p| p.content.len()).sum();
    let promised = raw.header("x-amz-mp-object-size");
    if promised.is_some_and(|p| p != size.to_string()) {
        return Err(Failure::new("InvalidRequest", "The specified object size does not match the parts."));
    }
    let mut all = Sha256::new();
    parts.iter().for_each(|p| all.update(p.sha256));
    let sum = format!("{}-{}", BASE64.encode(all.finalize()), parts.len());
    let tags: String = parts.iter().map(|p| p.etag.as_str()).collect();
    let etag = store::etag(tags.as_bytes());
    let etag = format!("{}-{}\"", etag.trim_end_matches('"'), parts.len());
    let mut headers = upload.headers.clone();
    headers.push(("x-amz-checksum-sha256".to_owned(), sum.clone()));
    headers.push(("x-amz-checksum-type".to_owned(), "COMPOSITE".to_owned()));
    let object = objects::object(world, bucket, &upload.key, (joined(&parts, size), etag), headers);
    let body = node! {
        "Bucket" => &bucket.name,
        "Key" => &upload.key,
        "ETag" => &object.etag,
        "ChecksumSHA256" => sum,
        "ChecksumType" => "COMPOSITE",
    };
    let mut reply = RawReply::xml(rest_xml::body("CompleteMultipartUploadResult", "", &body));
    reply.headers.extend(objects::written(&object).headers.into_iter().filter(|(name, _)| name != "etag"));
    let (bucket, key) = (upload.bucket.clone(), upload.key.clone());
    let change = Change::Put { bucket, key, object, ends: Some(id.to_owned()) };
    Ok(Reply { raw: reply, change: Some(change) })
}

/// The parts that a request names, in its order, which must be that of their numbers.
fn named<'a>(upload: &'a Upload, body: &str) -> Result<Vec<&'a Part>, Failure> {
    let inside = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.replace("&quot;", "\""))
    };
    let invalid = || {
        let message = "One or more of the specified parts could not be found. The part may not have been uploaded, or \
            the specified entity tag may not match the part's entity tag.";
        Failure::new("InvalidPart", message)
    };
    let (mut parts, mut last) = (Vec::new(), 0);
    for text in body.split("<Part>").skip(1) {
        let number: u32 = inside(text, "PartNumber").and_then(|n| n.parse().ok()).ok_or_else(invalid)?;
        if number <= last {
            let message =
                "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(Failure::new("InvalidPartOrder", message));
        }
        last = number;
        let part = upload.parts.get(&number).ok_or_else(invalid)?;
        if inside(text, "ETag").as_deref() != Some(part.etag.as_str()) {
            return Err(invalid());
        }
        parts.push(part);
    }
    match parts.split_last() {
        None => Err(Failure::new("MalformedXML", "The XML you provided was not well-formed")),
        Some((_, earlier)) if earlier.iter().any(|p| p.content.len() < SMALLEST) => {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            Err(Failure::new("EntityTooSmall", message))
        }
        Some(_) => Ok(parts),
    }
}

fn joined(parts: &[&Part], size: u64) -> Content {
    let mut whole = BytesMut::new();
    for part in parts {
        match &part.content {
            Content::Bytes(bytes) => whole.extend_from_slice(bytes),
            Content::Made(_) => return Content::Made(size),
        }
    }
    Content::Bytes(whole.freeze())
}
