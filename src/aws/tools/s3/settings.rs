//! What a bucket is set to. At most six requests a bucket; that something was never set is an answer.

use crate::fault::{self, Status};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{self, ServerSideEncryption};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind, Op};

/// What reading the settings needs.
pub const SETTINGS: [Op; 6] = [
    Op::new("S3", "GetPublicAccessBlock", &["s3:GetBucketPublicAccessBlock"]),
    Op::new("S3", "GetBucketPolicyStatus", &["s3:GetBucketPolicyStatus"]),
    Op::new("S3", "GetBucketOwnershipControls", &["s3:GetBucketOwnershipControls"]),
    Op::new("S3", "GetBucketAcl", &["s3:GetBucketAcl"]),
    Op::new("S3", "GetBucketEncryption", &["s3:GetEncryptionConfiguration"]),
    Op::new("S3", "GetBucketVersioning", &["s3:GetBucketVersioning"]),
];

/// What a setting is, or why that is not known.
pub type Known<T> = Result<T, Fault>;

/// A block of public access, an account's or a bucket's. Never set is all off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// New public ACLs are refused.
    pub block_acls: bool,
    /// Public ACLs have no effect.
    pub ignore_acls: bool,
    /// New public policies are refused.
    pub block_policy: bool,
    /// A public policy reaches only the account's own.
    pub restrict_policy: bool,
}

impl Block {
    /// Whether all four are on.
    pub fn is_whole(self) -> bool {
        self.block_acls && self.ignore_acls && self.block_policy && self.restrict_policy
    }

    /// Either of the two: the stricter counts.
    pub fn or(self, other: Self) -> Self {
        Self {
            block_acls: self.block_acls || other.block_acls,
            ignore_acls: self.ignore_acls || other.ignore_acls,
            block_policy: self.block_policy || other.block_policy,
            restrict_policy: self.restrict_policy || other.restrict_policy,
        }
    }
}

/// A grant of an ACL to a group that anyone can be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `AllUsers` or `AuthenticatedUsers`.
    pub to: &'static str,
    /// `READ`, `WRITE`, ...
    pub permission: String,
}

/// A bucket's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its own block of public access.
    pub block: Known<Block>,
    /// Whether its policy is public; `None`: it has none.
    pub policy: Known<Option<bool>>,
    /// Who owns its objects; `None`: never set.
    pub ownership: Known<Option<String>>,
    /// Public grants of its ACL; `None`: ACLs have no effect, so it was not read.
    pub grants: Option<Known<Vec<Grant>>>,
    /// `SSE-S3`, `SSE-KMS`, ...; `None`: none.
    pub encryption: Known<Option<String>>,
    /// `Enabled` or `Suspended`; `None`: never.
    pub versioning: Known<Option<String>>,
}

/// Objects belong to the bucket's owner and ACLs have no effect.
pub const ENFORCED: &str = "BucketOwnerEnforced";

/// Reads the settings of `bucket`, in its own region.
pub async fn read(s3: &Client, bucket: &str) -> Settings {
    let (block, policy, ownership, encryption, versioning) = futures::join!(
        s3.get_public_access_block().bucket(bucket).send(),
        s3.get_bucket_policy_status().bucket(bucket).send(),
        s3.get_bucket_ownership_controls().bucket(bucket).send(),
        s3.get_bucket_encryption().bucket(bucket).send(),
        s3.get_bucket_versioning().bucket(bucket).send(),
    );
    let block = unless(block, "NoSuchPublicAccessBlockConfiguration").map(|b| {
        b.and_then(|b| b.public_access_block_configuration).as_ref().map(of_bucket).unwrap_or_default()
    });
    let policy =
        unless(policy, "NoSuchBucketPolicy").and_then(|p| p.map(|p| is_public(p.policy_status)).transpose());
    let ownership = unless(ownership, "OwnershipControlsNotFoundError").map(|o| {
        let rules = o.and_then(|o| o.ownership_controls).map(|c| c.rules).unwrap_or_default();
        rules.first().map(|r| r.object_ownership.as_str().to_owned())
    });
    let grants = match &ownership {
        Ok(Some(rule)) if rule == ENFORCED => None,
        Ok(_) | Err(_) => {
            let acl = s3.get_bucket_acl().bucket(bucket).send().await;
            Some(acl.map_err(|e| fault::of(&e)).map(|a| a.grants().iter().filter_map(public).collect()))
        }
    };
    let encryption = unless(encryption, "ServerSideEncryptionConfigurationNotFoundError").map(|e| {
        let rules =
            e.and_then(|e| e.server_side_encryption_configuration).map(|c| c.rules).unwrap_or_default();
        let rule = rules.into_iter().next().and_then(|r| r.apply_server_side_encryption_by_default);
        rule.map(|r| algorithm(&r.sse_algorithm))
    });
    let versioning = versioning.map_err(|e| fault::of(&e)).map(|v| v.status.map(|s| s.as_str().to_owned()));
    Settings { block, policy, ownership, grants, encryption, versioning }
}

/// A setting that was never set is answered with an error of this code.
fn unless<T, E, R>(answer: Result<T, SdkError<E, R>>, never_set: &str) -> Known<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Status,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(e) if e.code() == Some(never_set) => Ok(None),
        Err(e) => Err(fault::of(&e)),
    }
}

fn of_bucket(block: &types::PublicAccessBlockConfiguration) -> Block {
    Block {
        block_acls: block.block_public_acls == Some(true),
        ignore_acls: block.ignore_public_acls == Some(true),
        block_policy: block.block_public_policy == Some(true),
        restrict_policy: block.restrict_public_buckets == Some(true),
    }
}

/// What does not say is not known.
fn is_public(status: Option<types::PolicyStatus>) -> Known<bool> {
    let told = status.and_then(|s| s.is_public);
    told.ok_or_else(|| Fault::new(FaultKind::Unavailable, "S3 did not say whether the policy is public"))
}

fn public(grant: &types::Grant) -> Option<Grant> {
    let uri = grant.grantee()?.uri()?;
    let to =
        ["AllUsers", "AuthenticatedUsers"].into_iter().find(|g| uri.ends_with(&format!("/global/{g}")))?;
    Some(Grant { to, permission: grant.permission()?.as_str().to_owned() })
}

fn algorithm(algorithm: &ServerSideEncryption) -> String {
    match algorithm.as_str() {
        "AES256" => "SSE-S3".to_owned(),
        "aws:kms" => "SSE-KMS".to_owned(),
        "aws:kms:dsse" => "DSSE-KMS".to_owned(),
        other => other.to_owned(),
    }
}

/// The account's own block, through S3 Control.
pub mod account {
    use super::{Block, Known, unless};
    use aws_sdk_s3control::Client;
    use quarterdeck_core::tool::Op;

    /// What reading it needs.
    pub const BLOCK: Op = Op::new("S3 Control", "GetPublicAccessBlock", &["s3:GetAccountPublicAccessBlock"]);

    /// Reads it; never set is all off.
    pub async fn read(control: &Client, account: &str) -> Known<Block> {
        let answer = control.get_public_access_block().account_id(account).send().await;
        let block = unless(answer, "NoSuchPublicAccessBlockConfiguration")?;
        let block = block.and_then(|b| b.public_access_block_configuration);
        Ok(block.map_or_else(Block::default, |b| Block {
            block_acls: b.block_public_acls == Some(true),
            ignore_acls: b.ignore_public_acls == Some(true),
            block_policy: b.block_public_policy == Some(true),
            restrict_policy: b.restrict_public_buckets == Some(true),
        }))
    }
}
