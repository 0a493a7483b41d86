//! Buckets: listing, creating, their settings.

use super::store::{self, Bucket, Change};
use super::{Reply, operation};
use crate::account::storage::BLOCKS;
use crate::page::page;
use crate::wire::raw::{RawReply, RawRequest};
use crate::wire::{Failure, Node, node, rest_xml};
use crate::world::World;

/// A bucket that can be asked here, or where to ask.
pub(crate) enum Reached {
    Here(Bucket),
    Elsewhere(RawReply),
}

/// Finds the bucket a request names. Names of other accounts are refused, other regions redirect.
pub(crate) fn reach(world: &World<'_>, name: &str, raw: &RawRequest) -> Result<Reached, Failure> {
    let Some(bucket) = store::buckets(world).into_iter().find(|b| b.name == name) else {
        if world.account.holds.storage.taken.iter().any(|t| t == name) {
            return Err(Failure::new("AccessDenied", "Access Denied").status(403));
        }
        return Err(Failure::new("NoSuchBucket", "The specified bucket does not exist").status(404));
    };
    if bucket.region != world.region {
        return Ok(Reached::Elsewhere(redirect(&bucket, raw)));
    }
    let owner = raw.header("x-amz-expected-bucket-owner");
    if owner.is_some_and(|o| o != world.account.header.id) {
        return Err(Failure::new("AccessDenied", "Access Denied").status(403));
    }
    Ok(Reached::Here(bucket))
}

fn redirect(bucket: &Bucket, raw: &RawRequest) -> RawReply {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
        Please send all future requests to this endpoint.";
    let told = Failure::new("PermanentRedirect", message).status(301);
    let reply = RawReply::empty(301).with("x-amz-bucket-region", &bucket.region);
    match operation(raw) {
        "HeadBucket" | "HeadObject" => reply,
        _ => reply.with("content-type", "application/xml").bytes(rest_xml::error(&told, "redirected")),
    }
}

/// ListBuckets: regions come back, and pages, only when a page's size is sent.
pub(crate) fn list(world: &World<'_>, raw: &RawRequest) -> Result<Reply, Failure> {
    let size = raw.query("max-buckets").and_then(|n| n.parse::<usize>().ok());
    if size.is_some_and(|n| n == 0 || n > 10_000) {
        return Err(Failure::new(
            "InvalidArgument",
            "Argument max-buckets must be an integer between 1 and 10000.",
        ));
    }
    let prefix = raw.query("prefix").unwrap_or_default();
    let region = raw.query("bucket-region");
    let mut found = store::buckets(world);
    found.retain(|b| b.name.starts_with(prefix) && region.is_none_or(|r| r == b.region));
    let page =
        page(found, raw.query("continuation-token"), size.unwrap_or(usize::MAX / 2), "InvalidArgument")?;
    let buckets = page.items.iter().map(|b| {
        node! {
            "Name" => &b.name,
            "CreationDate" => b.created,
            "BucketRegion" => size.map(|_| &b.region),
            "BucketArn" => size.map(|_| format!("arn:aws:s3:::{}", b.name)),
        }
    });
    let body = node! {
        "Owner" => owner(world),
        "Buckets" => Node::list(buckets),
        "ContinuationToken" => page.next,
        "Prefix" => raw.query("prefix"),
    };
    Ok(RawReply::xml(rest_xml::body("ListAllMyBucketsResult", "Bucket", &body)).into())
}

/// CreateBucket.
pub(crate) fn create(world: &World<'_>, name: &str, raw: &RawRequest) -> Result<Reply, Failure> {
    let body = String::from_utf8_lossy(&raw.body);
    let asked = body.split_once("<LocationConstraint>").and_then(|(_, rest)| rest.split('<').next());
    let region = asked.unwrap_or("us-east-1");
    if region != world.region {
        let said = asked.unwrap_or("unspecified");
        let message = format!(
            "The {said} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        return Err(Failure::new("IllegalLocationConstraintException", message));
    }
    if asked == Some("us-east-1") {
        return Err(Failure::new(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        ));
    }
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if !(3..=63).contains(&name.len()) || !plain {
        return Err(Failure::new("InvalidBucketName", "The specified bucket is not valid."));
    }
    let reply = RawReply::empty(200).with("location", format!("/{name}"));
    if store::buckets(world).iter().any(|b| b.name == name) {
        if world.region == "us-east-1" {
            return Ok(reply.into());
        }
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(Failure::new("BucketAlreadyOwnedByYou", message).status(409));
    }
    if world.account.holds.storage.taken.iter().any(|t| t == name) {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of \
            the system. Please select a different name and try again.";
        return Err(Failure::new("BucketAlreadyExists", message).status(409));
    }
    Ok(Reply { raw: reply, change: Some(Change::CreateBucket { name: name.to_owned() }) })
}

/// HeadBucket.
pub(crate) fn head(bucket: &Bucket) -> RawReply {
    RawReply::empty(200)
        .with("x-amz-bucket-region", &bucket.region)
        .with("x-amz-access-point-alias", "false")
        .with("content-type", "application/xml")
}

/// S3 Control's GetPublicAccessBlock: the account's own.
pub(crate) fn account_block(world: &World<'_>, raw: &RawRequest) -> Result<Reply, Failure> {
    if raw.header("x-amz-account-id") != Some(&world.account.header.id) {
        return Err(Failure::new("AccessDenied", "Access Denied").status(403));
    }
    block_of(&world.account.holds.storage.account_block)
}

/// GetPublicAccessBlock.
pub(crate) fn block(bucket: &Bucket) -> Result<Reply, Failure> {
    block_of(&bucket.block)
}

fn block_of(on: &[String]) -> Result<Reply, Failure> {
    if on.is_empty() {
        let message = "The public access block configuration was not found";
        return Err(Failure::new("NoSuchPublicAccessBlockConfiguration", message).status(404));
    }
    let settings = BLOCKS.map(|name| (name.into(), Node::from(on.iter().any(|o| o == name))));
    Ok(document("PublicAccessBlockConfiguration", "", &Node::Map(settings.into())))
}

/// GetBucketPolicyStatus.
pub(crate) fn policy_status(bucket: &Bucket) -> Result<Reply, Failure> {
    let Some(policy) = &bucket.policy else {
        return Err(Failure::new("NoSuchBucketPolicy", "The bucket policy does not exist").status(404));
    };
    Ok(document("PolicyStatus", "", &node! { "IsPublic" => policy == "public" }))
}

/// GetBucketOwnershipControls.
pub(crate) fn ownership(bucket: &Bucket) -> Result<Reply, Failure> {
    if bucket.ownership.is_empty() {
        let message = "The bucket ownership controls were not found";
        return Err(Failure::new("OwnershipControlsNotFoundError", message).status(404));
    }
    let rule = node! { "Rule" => node! { "ObjectOwnership" => &bucket.ownership } };
    Ok(document("OwnershipControls", "", &rule))
}

/// GetBucketAcl.
pub(crate) fn acl(world: &World<'_>, bucket: &Bucket) -> Reply {
    let schema = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=";
    let grant = |kind: &str, who: Node, permission: &str| {
        let grantee = (format!("Grantee {schema}\"{kind}\"").into(), who);
        Node::Map(vec![grantee, ("Permission".into(), permission.into())])
    };
    let group = |name: &str| {
        let uri = match name {
            "LogDelivery" => "http://acs.amazonaws.com/groups/s3/LogDelivery".to_owned(),
            name => format!("http://acs.amazonaws.com/groups/global/{name}"),
        };
        node! { "URI" => uri }
    };
    let own = grant("CanonicalUser", owner(world), "FULL_CONTROL");
    let others = bucket.grants.iter().filter_map(|g| {
        let (who, permission) = g.split_once(' ')?;
        Some(grant("Group", group(who), permission))
    });
    let grants = std::iter::once(own).chain(others);
    let body = node! { "Owner" => owner(world), "AccessControlList" => Node::list(grants) };
    document("AccessControlPolicy", "Grant", &body)
}

/// GetBucketEncryption.
pub(crate) fn encryption(bucket: &Bucket) -> Reply {
    let algorithm = if bucket.kms_key.is_some() { "aws:kms" } else { "AES256" };
    let default = node! { "SSEAlgorithm" => algorithm, "KMSMasterKeyID" => bucket.kms_key.clone() };
    let rule = node! {
        "ApplyServerSideEncryptionByDefault" => default,
        "BucketKeyEnabled" => bucket.kms_key.is_some(),
    };
    document("ServerSideEncryptionConfiguration", "", &node! { "Rule" => rule })
}

/// GetBucketVersioning.
pub(crate) fn versioning(bucket: &Bucket) -> Reply {
    document("VersioningConfiguration", "", &node! { "Status" => bucket.versioning.clone() })
}

/// GetBucketLocation: nothing stands for us-east-1.
pub(crate) fn location(bucket: &Bucket) -> Reply {
    let region = Some(bucket.region.as_str()).filter(|r| *r != "us-east-1").unwrap_or_default();
    document("LocationConstraint", "", &region.into())
}

/// GetBucketTagging.
pub(crate) fn tagging(bucket: &Bucket) -> Result<Reply, Failure> {
    if bucket.tags.is_empty() {
        return Err(Failure::new("NoSuchTagSet", "The TagSet does not exist").status(404));
    }
    let tags = bucket.tags.iter().map(|(key, value)| node! { "Key" => key, "Value" => value });
    Ok(document("Tagging", "Tag", &node! { "TagSet" => Node::list(tags) }))
}

fn owner(world: &World<'_>) -> Node {
    node! { "ID" => crate::seed::hex(&world.account.header.id, 3, 64) }
}

fn document(root: &str, member: &str, body: &Node) -> Reply {
    RawReply::xml(rest_xml::body(root, member, body)).into()
}
