//! Every bucket of an account. Source: S3 ListBuckets, whose regions and pages come only when a page's size is sent.

use crate::instant;
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_s3::Client;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, Op};

/// What listing needs.
pub const LIST: Op = Op::new("S3", "ListBuckets", &["s3:ListAllMyBuckets"]);

/// Buckets asked for at a time.
const PAGE: i32 = 1_000;

/// A bucket as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Where it is; absent where the endpoint does not say (emulators).
    pub region: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// Buckets by name, and what is missing of them.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// As AWS lists them.
    pub all: Vec<Bucket>,
    /// Whether the ceiling was hit.
    pub more: bool,
    /// Why the last page is missing.
    pub lost: Option<Fault>,
}

/// Every page, up to the ceiling. What was read before a page failed is kept.
///
/// # Errors
/// The first page failed.
pub async fn list(s3: &Client, patience: Patience) -> Result<Buckets, Fault> {
    let mut found = Buckets::default();
    let mut token = None;
    loop {
        let asked = s3.list_buckets().max_buckets(PAGE).set_continuation_token(token.take()).send();
        let page = match patience.page(asked).await {
            Ok(page) => page,
            Err(e) if found.all.is_empty() => return Err(e.fault()),
            Err(e) => {
                found.lost = Some(e.fault());
                return Ok(found);
            }
        };
        found.all.extend(page.buckets().iter().filter_map(|b| {
            Some(Bucket {
                name: b.name()?.to_owned(),
                region: b.bucket_region().map(str::to_owned),
                created: instant::of(b.creation_date()),
            })
        }));
        token = page.continuation_token().filter(|t| !t.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
        if found.all.len() >= CEILING || patience.is_over() {
            found.all.truncate(CEILING);
            found.more = true;
            return Ok(found);
        }
    }
}
