//! One object as HeadObject describes it.

use super::size::exact;
use crate::fault;
use crate::instant;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ArchiveStatus;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind, Op};

/// HeadObject; its IAM action is that of reading the object.
pub const HEAD_OBJECT: Op = Op::new("S3", "HeadObject", &["s3:GetObject"]);

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Bytes.
    pub size: u64,
    /// Quoted, as AWS writes it.
    pub etag: String,
    /// Last changed.
    pub modified: Option<Timestamp>,
    /// `STANDARD`, `GLACIER`.
    pub class: String,
    /// `AES256`, `aws:kms`.
    pub encryption: Option<String>,
    /// Its media type.
    pub kind: Option<String>,
    /// The version, where the bucket keeps versions.
    pub version: Option<String>,
    /// Why it cannot be read before it is restored.
    pub archived: Option<String>,
}

/// The object `key`; `None` when there is none. `owner` is the account the bucket must belong to.
///
/// # Errors
/// Denied, and whatever else AWS says.
pub async fn head(
    s3: &Client,
    bucket: &str,
    key: &str,
    owner: Option<&str>,
) -> Result<Option<Object>, Fault> {
    let asked = s3.head_object().bucket(bucket).key(key).set_expected_bucket_owner(owner.map(str::to_owned));
    match asked.send().await {
        Ok(out) => Ok(Some(Object::of(&out))),
        Err(error) => {
            let fault = fault::of(&error);
            match fault.kind {
                FaultKind::Missing => Ok(None),
                // A HEAD has no body, so AWS gives no reason.
                FaultKind::Denied => Err(fault
                    .action("s3:GetObject")
                    .hint("without s3:ListBucket AWS answers the same for an object that does not exist")),
                FaultKind::Throttled
                | FaultKind::Expired
                | FaultKind::Invalid
                | FaultKind::Conflict
                | FaultKind::Unavailable
                | FaultKind::Timeout
                | FaultKind::Guard
                | FaultKind::Refused
                | FaultKind::Cancelled => Err(fault),
            }
        }
    }
}

impl Object {
    fn of(out: &HeadObjectOutput) -> Self {
        // STANDARD is told by leaving it out.
        let class = out.storage_class().map_or("STANDARD", |c| c.as_str()).to_owned();
        Self {
            size: out.content_length().and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            etag: out.e_tag().unwrap_or_default().to_owned(),
            modified: instant::of(out.last_modified()),
            encryption: out.server_side_encryption().map(|e| e.as_str().to_owned()),
            kind: out.content_type().map(str::to_owned),
            version: out.version_id().map(str::to_owned),
            archived: archived(&class, out.archive_status().map(ArchiveStatus::as_str), out.restore()),
            class,
        }
    }

    /// In one phrase: what is compared between two plans.
    pub fn shown(&self) -> String {
        let at = self.modified.map_or_else(String::new, |at| format!(", modified {at}"));
        format!("{}, ETag {}{at}", exact(self.size), self.etag)
    }

    /// What to know of it beside the change, by name.
    pub fn facts(&self) -> Vec<(String, String)> {
        let facts = [
            ("storage class", Some(self.class.clone())),
            ("type", self.kind.clone()),
            ("encryption", self.encryption.clone()),
            ("version", self.version.clone()),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Source: HeadObject `x-amz-storage-class`, `x-amz-archive-status` (Intelligent-Tiering) and `x-amz-restore`.
fn archived(class: &str, tier: Option<&str>, restore: Option<&str>) -> Option<String> {
    let asleep = match (class, tier) {
        (_, Some(tier)) => tier,
        ("GLACIER" | "DEEP_ARCHIVE", None) => class,
        _ => return None,
    };
    match restore {
        Some(state) if state.contains("ongoing-request=\"true\"") => {
            Some(format!("it is in {asleep} and being restored"))
        }
        Some(_) => None,
        None => Some(format!("it is in {asleep}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_restored_first() {
        let done = Some("ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2026 00:00:00 GMT\"");
        for (class, tier, restore, says) in [
            ("STANDARD", None, None, None),
            ("GLACIER_IR", None, None, None),
            ("STANDARD_IA", None, None, None),
            ("GLACIER", None, None, Some("it is in GLACIER")),
            ("DEEP_ARCHIVE", None, None, Some("it is in DEEP_ARCHIVE")),
            ("GLACIER", None, Some("ongoing-request=\"true\""), Some("it is in GLACIER and being restored")),
            ("GLACIER", None, done, None),
            ("INTELLIGENT_TIERING", None, None, None),
            ("INTELLIGENT_TIERING", Some("ARCHIVE_ACCESS"), None, Some("it is in ARCHIVE_ACCESS")),
            ("INTELLIGENT_TIERING", Some("DEEP_ARCHIVE_ACCESS"), done, None),
        ] {
            assert_eq!(archived(class, tier, restore).as_deref(), says, "{class} {tier:?} {restore:?}");
        }
    }
}
