//! A bucket by name: where it is and whose it is.

use crate::clients::ReadClients;
use crate::given;
use crate::place::Place;
use crate::tools::s3::find::{self, Head};
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, FaultKind};

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
    let expected = owner.unwrap_or(&identity.account);
    let mut seen = find::head(&aws.s3(&place), &place.region, bucket, Some(expected)).await?;
    if let Head::There(region) | Head::Forbidden(Some(region)) = &seen
        && *region != place.region
    {
        place.region.clone_from(region);
        seen = find::head(&aws.s3(&place), &place.region, bucket, Some(expected)).await?;
    }
    let owner = match (seen, owner) {
        (Head::Missing, _) => return Err(find::missing(&aws.s3(&place), bucket).await),
        (Head::There(_), Some(named)) if named != identity.account => Owner::Named(named.to_owned()),
        (Head::There(_), _) => Owner::Ours,
        (Head::Forbidden(_), Some(named)) => {
            let message = format!("AWS does not confirm that the bucket {bucket} belongs to {named}");
            return Err(Fault::new(FaultKind::Denied, message).action("s3:ListBucket").hint(
                "send the account that owns it as `bucket_owner`, or leave it out when it is this one",
            ));
        }
        // Refused for its owner, or for whoever asks?
        (Head::Forbidden(_), None) => match find::head(&aws.s3(&place), &place.region, bucket, None).await? {
            Head::There(_) => Owner::Other,
            Head::Forbidden(_) => Owner::Unknown("HeadBucket is denied (needs s3:ListBucket)".to_owned()),
            Head::Missing => return Err(find::missing(&aws.s3(&place), bucket).await),
        },
    };
    Ok(Bucket { place, identity, owner })
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
    fn keys_and_owners() {
        for good in ["a", "exports/2026/a b.csv", "Größe", "/a", "a..b"] {
            check_key(good).unwrap();
        }
        for bad in ["a/", "../a", "a/./b", "s3://shop/a", "arn:aws:s3:::shop/a", &"x".repeat(1_025)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
        assert!(check_owner(Some("shop")).is_err() && check_owner(Some("111122223333")).is_ok());
    }
}
