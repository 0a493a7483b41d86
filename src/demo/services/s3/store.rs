//! Buckets and objects at one moment: what the account's file says and what the operator did since.

use crate::account::storage::{self, BLOCKS};
use crate::seed;
use crate::world::{What, World};
use bytes::Bytes;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;

/// A change of buckets or objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// CreateBucket; it is in the region of the request.
    CreateBucket { name: String },
    /// An object was written: PutObject, CompleteMultipartUpload of the upload it ends.
    Put { bucket: String, key: String, object: Object, ends: Option<String> },
    /// An upload in parts went on, or was given up.
    Upload { id: String, step: Step },
}

/// A bucket as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub name: String,
    pub region: String,
    pub created: Timestamp,
    pub versioning: Option<String>,
    /// The settings of its block that are on.
    pub block: Vec<String>,
    pub policy: Option<String>,
    pub ownership: String,
    pub grants: Vec<String>,
    pub kms_key: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// A step of an upload in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begun { bucket: String, key: String, headers: Vec<(String, String)> },
    Part { number: u32, part: Part },
    GivenUp,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub content: Content,
    pub etag: String,
    pub sha256: [u8; 32],
}

/// An upload in parts that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub bucket: String,
    pub key: String,
    pub headers: Vec<(String, String)>,
    pub parts: BTreeMap<u32, Part>,
}

/// The upload `id`, when it was begun and has not ended.
pub(crate) fn upload(world: &World<'_>, id: &str) -> Option<Upload> {
    let mut found: Option<Upload> = None;
    for action in world.actions {
        let What::S3(change) = &action.what else { continue };
        match change {
            Change::Upload { id: of, step } if of == id => match step {
                Step::Begun { bucket, key, headers } => {
                    let (bucket, key, headers) = (bucket.clone(), key.clone(), headers.clone());
                    found = Some(Upload { bucket, key, headers, parts: BTreeMap::new() });
                }
                Step::Part { number, part } => {
                    if let Some(upload) = &mut found {
                        upload.parts.insert(*number, part.clone());
                    }
                }
                Step::GivenUp => found = None,
            },
            Change::Put { ends: Some(of), .. } if of == id => found = None,
            Change::Upload { .. } | Change::Put { .. } | Change::CreateBucket { .. } => {}
        }
    }
    found
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub content: Content,
    pub modified: Timestamp,
    /// With its quotes.
    pub etag: String,
    pub class: String,
    /// In a bucket that keeps versions.
    pub version: Option<String>,
    /// What the one who wrote it said: `content-type`, `x-amz-meta-...`.
    pub headers: Vec<(String, String)>,
}

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// So many bytes of made-up lines.
    Made(u64),
}

impl Content {
    /// How long it is.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Made(size) => *size,
        }
    }

    /// What lies from `from` until before `until`, both within it.
    pub(crate) fn between(&self, from: u64, until: u64) -> Bytes {
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        match self {
            Self::Bytes(bytes) => bytes.slice(place(from.min(self.len()))..place(until.min(self.len()))),
            Self::Made(_) => {
                let skipped = place(from % MADE.len() as u64);
                let line = MADE.iter().copied().cycle().skip(skipped);
                line.take(place(until.saturating_sub(from))).collect::<Vec<u8>>().into()
            }
        }
    }
}

/// The line that made-up data repeats.
const MADE: &[u8] = b"made-up data of the embedded account\n";

/// The tag of some bytes, with its quotes. Opaque, as S3's are to be taken.
pub(crate) fn etag(bytes: &[u8]) -> String {
    let sum = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    format!("\"{}\"", seed::hex(&format!("{sum:x}"), bytes.len() as u64, 32))
}

/// Every bucket, by name, wherever it is.
pub(crate) fn buckets(world: &World<'_>) -> Vec<Bucket> {
    let seeds = world.account.holds.storage.bucket.iter().map(|b| seeded(world, b));
    let made = world.actions.iter().filter(|a| a.at <= world.now).filter_map(|action| match &action.what {
        What::S3(Change::CreateBucket { name }) => Some(created(name, &action.region, action.at)),
        What::S3(Change::Put { .. } | Change::Upload { .. })
        | What::Stop { .. }
        | What::Start { .. }
        | What::UpdateService { .. }
        | What::RevokeRules { .. }
        | What::AddRules { .. }
        | What::Other(_) => None,
    });
    let mut all: Vec<Bucket> = seeds.chain(made).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Every version of every object of `bucket`, by key, the newest last.
pub(crate) fn objects(world: &World<'_>, bucket: &Bucket) -> BTreeMap<String, Vec<Object>> {
    let mut all: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    let seeds = world.account.holds.storage.bucket.iter().filter(|b| b.name == bucket.name);
    for seed in seeds.flat_map(|b| &b.object) {
        for n in 0..seed.count {
            let (key, object) = numbered(world, bucket, seed, n);
            all.insert(key, vec![object]);
        }
    }
    for action in world.actions.iter().filter(|a| a.at <= world.now) {
        if let What::S3(Change::Put { bucket: name, key, object, .. }) = &action.what
            && *name == bucket.name
        {
            let versions = all.entry(key.clone()).or_default();
            // What is written without versions, or while they are suspended, replaces only its like.
            if object.version.as_deref().is_none_or(|v| v == "null") {
                versions.retain(|old| old.version.as_deref().is_some_and(|v| v != "null"));
            }
            versions.push(object.clone());
        }
    }
    all
}

fn seeded(world: &World<'_>, bucket: &storage::Bucket) -> Bucket {
    Bucket {
        name: bucket.name.clone(),
        region: bucket.region.clone(),
        created: world.start.minus(bucket.created.0),
        versioning: bucket.versioning.clone(),
        block: bucket.block.clone(),
        policy: bucket.policy.clone(),
        ownership: bucket.ownership.clone(),
        grants: bucket.grants.clone(),
        kms_key: bucket.kms_key.clone(),
        tags: bucket.tags.clone(),
    }
}

/// A bucket as S3 makes them since April 2023: blocked, without ACLs, encrypted.
fn created(name: &str, region: &str, at: Timestamp) -> Bucket {
    Bucket {
        name: name.to_owned(),
        region: region.to_owned(),
        created: at,
        versioning: None,
        block: BLOCKS.map(str::to_owned).to_vec(),
        policy: None,
        ownership: "BucketOwnerEnforced".to_owned(),
        grants: Vec::new(),
        kms_key: None,
        tags: BTreeMap::new(),
    }
}

fn numbered(world: &World<'_>, bucket: &Bucket, seed: &storage::Object, n: u32) -> (String, Object) {
    let key = seed.key.replace("{n}", &format!("{n:04}"));
    let content = match &seed.text {
        Some(text) => Content::Bytes(text.clone().into()),
        None => Content::Made(seed.size),
    };
    let tag = match &content {
        Content::Bytes(bytes) => etag(bytes),
        Content::Made(size) => format!("\"{}\"", crate::seed::hex(&key, *size, 32)),
    };
    let version = bucket.versioning.as_ref().map(|_| crate::seed::hex(&key, 7, 32));
    let modified = world.start.minus(seed.modified.0 * (n + 1));
    let headers = vec![("content-type".to_owned(), "binary/octet-stream".to_owned())];
    (key, Object { content, modified, etag: tag, class: seed.class.clone(), version, headers })
}
