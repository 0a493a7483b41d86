//! Buckets and what is in them, as the account's file says it.

use crate::span::Span;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[storage]`: S3.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Storage {
    /// The account's own block of public access: the settings that are on; empty: there is none.
    pub account_block: Vec<String>,
    /// Names that other accounts have taken.
    pub taken: Vec<String>,
    pub bucket: Vec<Bucket>,
}

/// A bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    pub name: String,
    #[serde(default)]
    pub region: String,
    /// How long before the start it was created.
    pub created: Span,
    /// `Enabled` or `Suspended`; absent: never.
    pub versioning: Option<String>,
    /// Its block of public access: the settings that are on; empty: there is none.
    #[serde(default = "all")]
    pub block: Vec<String>,
    /// `public` or `private`; absent: it has no policy.
    pub policy: Option<String>,
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred`, `ObjectWriter`; empty: never set.
    #[serde(default = "enforced")]
    pub ownership: String,
    /// Grants of its ACL beyond the owner's: `AllUsers READ`.
    #[serde(default)]
    pub grants: Vec<String>,
    /// The key of SSE-KMS; absent: SSE-S3.
    pub kms_key: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub object: Vec<Object>,
}

/// An object, or `count` of them that differ in their number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    /// `{n}` is the number, of four digits.
    pub key: String,
    #[serde(default = "one")]
    pub count: u32,
    /// What it holds; absent: `size` bytes of made-up lines.
    pub text: Option<String>,
    #[serde(default)]
    pub size: u64,
    /// How long before the start it was written; each of several this much earlier than the one before.
    pub modified: Span,
    #[serde(default = "standard")]
    pub class: String,
}

/// The four settings of a block of public access.
pub(crate) const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

fn all() -> Vec<String> {
    BLOCKS.map(str::to_owned).to_vec()
}
fn enforced() -> String {
    "BucketOwnerEnforced".to_owned()
}
fn standard() -> String {
    "STANDARD".to_owned()
}
fn one() -> u32 {
    1
}
