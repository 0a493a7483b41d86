//! ListObjectsV2.

use super::Reply;
use super::store::{self, Bucket, Object};
use crate::wire::raw::{RawReply, RawRequest};
use crate::wire::{Failure, Node, node, rest_xml};
use crate::world::World;

/// The most keys and prefixes of a page.
const MOST: usize = 1_000;

/// What a page lists: a key or what several keys begin with.
enum Entry {
    Object(String, Object),
    Prefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// Keys in the order of their bytes; those with the delimiter after the prefix are rolled up. The token is where
/// the page before ended.
pub(crate) fn list(world: &World<'_>, bucket: &Bucket, raw: &RawRequest) -> Result<Reply, Failure> {
    let prefix = raw.query("prefix").unwrap_or_default();
    let delimiter = raw.query("delimiter").filter(|d| !d.is_empty());
    let size = match raw.query("max-keys").map(str::parse::<usize>) {
        None => MOST,
        Some(Ok(n)) => n.min(MOST),
        Some(Err(_)) => {
            return Err(Failure::new(
                "InvalidArgument",
                "Provided max-keys not an integer or within integer range",
            ));
        }
    };
    let after = match raw.query("continuation-token") {
        Some(token) => Some(read(token).ok_or_else(|| {
            Failure::new("InvalidArgument", "The continuation token provided is incorrect")
        })?),
        None => raw.query("start-after").filter(|k| !k.is_empty()).map(str::to_owned),
    };
    let begins_later = |name: &str| after.as_deref().is_none_or(|a| name > a);
    let mut entries: Vec<Entry> = Vec::new();
    for (key, versions) in store::objects(world, bucket) {
        let Some((rest, newest)) = key.strip_prefix(prefix).zip(versions.into_iter().next_back()) else {
            continue;
        };
        let rolled = delimiter.and_then(|d| Some((rest.find(d)? + d.len(), rest)));
        match rolled.and_then(|(end, rest)| rest.get(..end)) {
            Some(rest) => {
                let common = format!("{prefix}{rest}");
                if begins_later(&common) && entries.last().is_none_or(|e| e.name() != common) {
                    entries.push(Entry::Prefix(common));
                }
            }
            None if begins_later(&key) => entries.push(Entry::Object(key, newest)),
            None => {}
        }
        if entries.len() > size {
            break;
        }
    }
    let more = entries.len() > size;
    entries.truncate(size);
    // Keys may hold what XML cannot.
    let encoded = raw.query("encoding-type") == Some("url");
    let written = |name: &str| if encoded { url(name) } else { name.to_owned() };
    let next = entries.last().filter(|_| more).map(|e| token(e.name()));
    let mut body = vec![
        ("Name".into(), Node::from(&bucket.name)),
        ("Prefix".into(), written(prefix).into()),
        ("Delimiter".into(), delimiter.map(written).into()),
        ("EncodingType".into(), encoded.then_some("url").into()),
        ("KeyCount".into(), entries.len().into()),
        ("MaxKeys".into(), size.into()),
        ("IsTruncated".into(), more.into()),
        ("NextContinuationToken".into(), next.into()),
    ];
    body.extend(entries.iter().map(|entry| match entry {
        Entry::Prefix(prefix) => ("CommonPrefixes".into(), node! { "Prefix" => written(prefix) }),
        Entry::Object(key, object) => {
            let size = i64::try_from(object.content.len()).unwrap_or(i64::MAX);
            let contents = node! {
                "Key" => written(key),
                "LastModified" => object.modified,
                "ETag" => &object.etag,
                "Size" => size,
                "StorageClass" => &object.class,
            };
            ("Contents".into(), contents)
        }
    }));
    Ok(RawReply::xml(rest_xml::body("ListBucketResult", "", &Node::Map(body))).into())
}

/// As S3 encodes keys on request: what is unreserved and the slash stay, a space is a plus.
fn url(name: &str) -> String {
    let one = |b: u8| match b {
        b' ' => "+".to_owned(),
        b'/' | b'-' | b'_' | b'.' | b'*' => char::from(b).to_string(),
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    name.bytes().map(one).collect()
}

fn token(name: &str) -> String {
    name.bytes().map(|b| format!("{b:02x}")).collect()
}

fn read(token: &str) -> Option<String> {
    let digits: Vec<char> = token.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    String::from_utf8(digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?).ok()
}
