//! A bucket by name: where it is and whose it is.

use crate::clients::ReadClients;
use crate::fault;
use crate::given;
use crate::place::Place;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_bucket::{HeadBucketError, HeadBucketOutput};
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind, Op};

/// HeadBucket: answers where a bucket is even to those who may not list it.
pub const HEAD_BUCKET: Op = Op::new("S3", "HeadBucket", &["s3:ListBucket"]);

/// A bucket that exists.
#[derive(Debug)]
pub struct Bucket {
    /// The account asked through and the bucket's region.
    pub place: Place,
    /// Who asks.
    pub identity: Identity,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account's that asks.
    Ours,
    /// This other account's.
    Named(String),
    /// Another account's; AWS does not say which.
    Other,
    /// Not known; why.
    Unknown(String),
}

impl Owner {
    /// For people.
    pub fn shown(&self, identity: &Identity) -> String {
        match self {
            Self::Ours => format!("{} (this account)", identity.account),
            Self::Named(account) => format!("{account} (another account)"),
            Self::Other => "another account".to_owned(),
            Self::Unknown(_) => "not known".to_owned(),
        }
    }
}

/// Finds `bucket` as `account` sees it. `owner` is whom it is said to belong to, when not to this account.
///
/// # Errors
/// `missing`: there is no such bucket. `denied`: it does not belong to `owner`.
pub async fn find(
    aws: &ReadClients,
    bucket: &str,
    account: Option<&str>,
    owner: Option<&str>,
) -> Result<Bucket, Fault> {
    let mut place = aws.place(None, account).await?;
    let identity = aws.identity(&place).await?;
    let expected = owner.unwrap_or(&identity.account).to_owned();
    let mut seen = Seen::of(&head(&aws.s3(&place), bucket, Some(&expected)).await);
    if let Some(region) = seen.region.take().filter(|region| *region != place.region) {
        place.region = region;
        seen = Seen::of(&head(&aws.s3(&place), bucket, Some(&expected)).await);
    }
    let owner = match (seen.verdict, owner) {
        (Verdict::Yes, None) => Owner::Ours,
        (Verdict::Yes, Some(named)) if named == identity.account => Owner::Ours,
        (Verdict::Yes, Some(named)) => Owner::Named(named.to_owned()),
        (Verdict::Failed(fault), _) => return Err(missing(bucket, fault)),
        (Verdict::No(fault), None) => match Seen::of(&head(&aws.s3(&place), bucket, None).await).verdict {
            Verdict::Yes => Owner::Other,
            Verdict::No(_) => Owner::Unknown(fault.action("s3:ListBucket").to_string()),
            Verdict::Failed(fault) => return Err(missing(bucket, fault)),
        },
        (Verdict::No(_), Some(named)) => {
            let message = format!("AWS does not confirm that the bucket {bucket} belongs to {named}");
            return Err(Fault::new(FaultKind::Denied, message).action("s3:ListBucket").hint(
                "send the account that owns it as `bucket_owner`, or leave it out when it is this one",
            ));
        }
    };
    Ok(Bucket { place, identity, owner })
}

type Answer = Result<HeadBucketOutput, SdkError<HeadBucketError, HttpResponse>>;

async fn head(s3: &Client, bucket: &str, owner: Option<&str>) -> Answer {
    s3.head_bucket().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned)).send().await
}

/// What an answer says.
struct Seen {
    verdict: Verdict,
    region: Option<String>,
}

enum Verdict {
    Yes,
    No(Fault),
    Failed(Fault),
}

impl Seen {
    /// A refusal says the region in its headers.
    fn of(answer: &Answer) -> Self {
        match answer {
            Ok(out) => Self { verdict: Verdict::Yes, region: out.bucket_region().map(str::to_owned) },
            Err(error) => {
                let raw = error.raw_response();
                let region = raw.and_then(|r| r.headers().get("x-amz-bucket-region")).map(str::to_owned);
                let fault = fault::of(error);
                let verdict = match raw.map(|r| r.status().as_u16()) {
                    Some(403) if fault.kind == FaultKind::Denied => Verdict::No(fault),
                    Some(301) => {
                        Verdict::No(Fault::new(FaultKind::Unavailable, "the bucket is in another region"))
                    }
                    _ => Verdict::Failed(fault),
                };
                Self { verdict, region }
            }
        }
    }
}

fn missing(bucket: &str, fault: Fault) -> Fault {
    if fault.kind != FaultKind::Missing {
        return fault;
    }
    Fault::new(FaultKind::Missing, format!("there is no bucket {bucket}"))
        .hint("list_s3_buckets has the names; search_s3_objects finds an object in any of them")
}

/// `bucket` is the name of one.
///
/// # Errors
/// `invalid`, saying what to send.
pub fn check_name(bucket: &str) -> Result<(), Fault> {
    let invalid = |why: String, hint: String| Err(Fault::new(FaultKind::Invalid, why).hint(hint));
    if let Some(rest) = bucket.strip_prefix("s3://") {
        let name = rest.split('/').next().unwrap_or_default();
        return invalid(
            "`bucket` is an s3:// address, a name is needed".to_owned(),
            format!("send the name alone, perhaps {}, and the rest as `key`", given::shown(name)),
        );
    }
    if let Some(name) = bucket.strip_prefix("arn:").and_then(|a| a.split(":::").nth(1)) {
        let name = name.split('/').next().unwrap_or_default();
        return invalid(
            "`bucket` is an ARN, a name is needed".to_owned(),
            format!("send the name alone, perhaps {}", given::shown(name)),
        );
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (3..=63).contains(&bucket.len())
        && bucket.chars().all(|c| plain(c) || matches!(c, '-' | '.' | '_'))
        && bucket.starts_with(plain)
        && bucket.ends_with(plain)
        && !bucket.contains("..");
    if fits {
        return Ok(());
    }
    invalid(
        format!("`bucket`: {} is not the name of a bucket", given::shown(bucket)),
        "send a name of 3 to 63 lower-case letters, digits, dots and hyphens, such as shop-exports"
            .to_owned(),
    )
}

/// `key` is the key of one object.
///
/// # Errors
/// `invalid`, saying what to send.
pub fn check_key(key: &str) -> Result<(), Fault> {
    let invalid = |why: String, hint: &str| Err(Fault::new(FaultKind::Invalid, why).hint(hint));
    if key.len() > 1_024 {
        return invalid(format!("`key` has {} bytes", key.len()), "send at most 1024");
    }
    if key.starts_with("s3://") || key.starts_with("arn:") {
        return invalid(
            "`key` is an address, a key is needed".to_owned(),
            "send what follows the bucket's name and its slash, such as exports/2026/orders.csv",
        );
    }
    if key.ends_with('/') {
        return invalid(
            format!("`key`: {} ends in `/`: it names a folder", given::shown(key)),
            "send the key of one object, such as exports/2026/orders.csv",
        );
    }
    if key.split('/').any(|part| matches!(part, "." | "..")) {
        return invalid(
            format!("`key`: {} has `.` or `..` as a part", given::shown(key)),
            "send the key without them: S3 and other programs read such keys differently",
        );
    }
    Ok(())
}

/// `account` is an account id.
///
/// # Errors
/// `invalid`.
pub fn check_owner(account: Option<&str>) -> Result<(), Fault> {
    match account {
        Some(id) if id.len() != 12 || !id.chars().all(|c| c.is_ascii_digit()) => Err(Fault::new(
            FaultKind::Invalid,
            format!("`bucket_owner`: {} is not an account id", given::shown(id)),
        )
        .hint("send 12 digits, such as 111122223333, or leave it out for this account")),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys() {
        for good in ["shop-exports", "a.b", "logs.example.com", "123"] {
            check_name(good).unwrap();
        }
        for bad in [
            "ab",
            "Shop",
            "shop exports",
            "shop/exports",
            "-shop",
            "shop-",
            "a..b",
            "shop*",
            "s3://shop/a",
            "arn:aws:s3:::shop/a",
        ] {
            let fault = check_name(bad).unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad}");
        }
        assert!(check_name("arn:aws:s3:::shop/a").unwrap_err().hint.unwrap().contains("\"shop\""));
        for good in ["a", "exports/2026/a b.csv", "Größe", "/a", "a..b"] {
            check_key(good).unwrap();
        }
        for bad in ["a/", "../a", "a/./b", "s3://shop/a", "arn:aws:s3:::shop/a", &"x".repeat(1_025)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
        assert!(check_owner(Some("shop")).is_err() && check_owner(Some("111122223333")).is_ok());
    }
}
