//! What a bucket says about itself that decides whether an upload can be undone.

use crate::fault;
use crate::tools::reading::tags;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use quarterdeck_core::tool::{Fault, Op};
use std::collections::BTreeMap;

/// GetBucketVersioning.
pub const VERSIONING: Op = Op::new("S3", "GetBucketVersioning", &["s3:GetBucketVersioning"]);
/// GetBucketTagging: the tags say which environment the bucket belongs to.
pub const TAGGING: Op = Op::new("S3", "GetBucketTagging", &["s3:GetBucketTagging"]);

/// Whether a bucket keeps what is overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Never enabled: what is overwritten is gone.
    Off,
    /// Every version is kept.
    On,
    /// Those from before are kept; what is written now replaces what was written since.
    Suspended,
}

impl Versions {
    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "enabled",
            Self::Suspended => "suspended",
        }
    }

    /// Whether the version `id` of an object outlives an overwriting. A version from before versioning, or from while
    /// it was suspended, is called `null` and is replaced unless versioning is on.
    pub fn keep(self, id: Option<&str>) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Suspended => id.is_some_and(|id| id != "null"),
        }
    }
}

/// Whether `bucket` keeps versions.
///
/// # Errors
/// AWS's own.
pub async fn versions(s3: &Client, bucket: &str, owner: &str) -> Result<Versions, Fault> {
    let answer = s3.get_bucket_versioning().bucket(bucket).expected_bucket_owner(owner).send().await;
    let answer = answer.map_err(|e| fault::of(&e))?;
    Ok(match answer.status() {
        Some(BucketVersioningStatus::Enabled) => Versions::On,
        Some(BucketVersioningStatus::Suspended) => Versions::Suspended,
        _ => Versions::Off,
    })
}

/// The tags of `bucket` that decide.
///
/// # Errors
/// AWS's own.
pub async fn tags(s3: &Client, bucket: &str, owner: &str) -> Result<BTreeMap<String, String>, Fault> {
    match s3.get_bucket_tagging().bucket(bucket).expected_bucket_owner(owner).send().await {
        Ok(answer) => Ok(tags::deciding(answer.tag_set().iter().map(|t| (t.key(), t.value())))),
        Err(error) if error.code() == Some("NoSuchTagSet") => Ok(BTreeMap::new()),
        Err(error) => Err(fault::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outlives_an_overwriting() {
        for (versions, id, kept) in [
            (Versions::Off, None, false),
            (Versions::On, Some("v1"), true),
            (Versions::On, Some("null"), true),
            (Versions::On, None, true),
            (Versions::Suspended, Some("v1"), true),
            (Versions::Suspended, Some("null"), false),
            (Versions::Suspended, None, false),
        ] {
            assert_eq!(versions.keep(id), kept, "{versions:?} {id:?}");
        }
    }
}
