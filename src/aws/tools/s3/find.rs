//! Where one bucket is. Source: S3 HeadBucket, which tells the region even where it refuses.

use super::buckets;
use crate::clients::ReadClients;
use crate::fault;
use crate::place::Place;
use crate::tools::reading::patience::Patience;
use aws_sdk_s3::Client;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Fault, FaultKind, Op};

/// What a head needs.
pub const HEAD: Op = Op::new("S3", "HeadBucket", &["s3:ListBucket"]);

const REGION: &str = "x-amz-bucket-region";

/// What S3 says of a bucket's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// It is there and may be looked at; in this region.
    There(String),
    /// It is there, and S3 will not say more: another account's, or not permitted (403).
    Forbidden(Option<String>),
    /// No bucket has this name.
    Missing,
}

/// Asks S3 for `bucket`; `s3` may be of any region. A bucket that does not belong to `owner` is refused.
///
/// # Errors
/// S3 did not say.
pub async fn head(s3: &Client, region: &str, bucket: &str, owner: Option<&str>) -> Result<Head, Fault> {
    let asked = s3.head_bucket().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned));
    let error = match asked.send().await {
        Ok(found) => return Ok(Head::There(found.bucket_region().unwrap_or(region).to_owned())),
        Err(error) => error,
    };
    let told = error.raw_response().and_then(|r| r.headers().get(REGION)).map(str::to_owned);
    match (error.raw_response().map(|r| r.status().as_u16()), told) {
        (Some(404), _) => Ok(Head::Missing),
        (Some(403), told) => Ok(Head::Forbidden(told)),
        // Asked in another region than its own.
        (Some(301 | 400), Some(told)) => Ok(Head::There(told)),
        _ => Err(fault::of(&error)),
    }
}

/// The place of `bucket` in the account of `place`: calls to a bucket go to its own region.
///
/// # Errors
/// `missing`, with the nearest names of the account. `denied`: it may be another account's.
pub async fn place(aws: &ReadClients, place: &Place, bucket: &str) -> Result<Place, Fault> {
    let s3 = aws.s3(place);
    let at = |region: String| Place { account: place.account.clone(), region };
    match head(&s3, &place.region, bucket, None).await? {
        Head::There(region) => Ok(at(region)),
        // Looking may be denied and the rest allowed: those calls tell their own faults.
        Head::Forbidden(Some(region)) => Ok(at(region)),
        Head::Forbidden(None) => Err(Fault::new(
            FaultKind::Denied,
            format!("the bucket {bucket} exists and S3 refuses to say where: it may be another account's"),
        )
        .action("s3:ListBucket")
        .hint("list_s3_buckets shows this account's buckets")),
        Head::Missing => Err(missing(&s3, bucket).await),
    }
}

/// No bucket of that name, and the nearest that there are, where they may be listed.
pub async fn missing(s3: &Client, bucket: &str) -> Fault {
    let fault = Fault::new(FaultKind::Missing, format!("there is no bucket named {bucket}"));
    match buckets::list(s3, Patience::begin()).await {
        Ok(found) if !found.all.is_empty() => {
            let names = found.all.iter().map(|b| b.name.as_str());
            fault.hint(format!("did you mean: {}", nearest(bucket, names, 3).join(", ")))
        }
        Ok(_) => fault.hint("the account has no buckets"),
        Err(_) => fault.hint("list_s3_buckets shows this account's buckets"),
    }
}
