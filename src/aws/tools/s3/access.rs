//! Whether the world reaches a bucket, and why: yes, no, or not known. What could not be read is never "no".

use super::settings::{Block, Known, Settings};

/// The judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether it is public.
    pub public: Public,
    /// Why, one reason each.
    pub why: Vec<String>,
    /// `LOW` to `CRITICAL`; `None`: nothing to say.
    pub risk: Option<&'static str>,
    /// How far public access is blocked.
    pub blocked: Blocked,
}

/// Whether everyone gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Public {
    /// They do not.
    No,
    /// It cannot be told from what could be read.
    Unknown,
    /// They do.
    Yes,
}

/// How far public access is blocked, by the bucket and its account together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// All four settings.
    All,
    /// Some of them.
    Partly,
    /// None.
    No,
    /// One of the two could not be read, and the other does not settle it.
    Unknown,
}

impl Public {
    /// As it stands in the column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

impl Blocked {
    /// As it stands in the column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Partly => "partly",
            Self::No => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// Judges a bucket by its own settings and its account's block.
pub fn judge(account: &Known<Block>, bucket: &Settings) -> Access {
    let mut why = Vec::new();
    let acl = by_acl(account, bucket, &mut why);
    let policy = by_policy(account, bucket, &mut why);
    let public = acl.max(policy);
    let blocked = blocked(account, &bucket.block);
    if public == Public::No && why.is_empty() {
        why.push(match blocked {
            Blocked::All => "public access is blocked".to_owned(),
            Blocked::Partly | Blocked::No | Blocked::Unknown => {
                "no public policy and no public ACL".to_owned()
            }
        });
    }
    let writable = acl == Public::Yes
        && bucket
            .grants
            .iter()
            .flatten()
            .flatten()
            .any(|g| g.permission != "READ" && g.permission != "READ_ACP");
    let bare = matches!(bucket.encryption, Ok(None));
    let risk = match (public, blocked) {
        (Public::Yes, _) if writable => Some("CRITICAL"),
        (Public::Yes, _) => Some("HIGH"),
        (Public::Unknown, _) => Some("MEDIUM"),
        (Public::No, _) if bare => Some("MEDIUM"),
        (Public::No, Blocked::All) => None,
        (Public::No, Blocked::Partly | Blocked::No | Blocked::Unknown) => Some("LOW"),
    };
    Access { public, why, risk, blocked }
}

/// One setting of the two blocks: on when either is on; not known when neither is and one was not read.
fn on(account: &Known<Block>, bucket: &Known<Block>, which: fn(&Block) -> bool) -> Option<bool> {
    match (account.as_ref().map(which), bucket.as_ref().map(which)) {
        (Ok(true), _) | (_, Ok(true)) => Some(true),
        (Ok(false), Ok(false)) => Some(false),
        (Err(_), _) | (_, Err(_)) => None,
    }
}

fn by_acl(account: &Known<Block>, bucket: &Settings, why: &mut Vec<String>) -> Public {
    let ignored = on(account, &bucket.block, |b| b.ignore_acls);
    let grants = match &bucket.grants {
        // BucketOwnerEnforced: ACLs have no effect.
        None => return Public::No,
        Some(Ok(grants)) if grants.is_empty() => return Public::No,
        Some(Ok(grants)) => grants,
        Some(Err(_)) if ignored == Some(true) => return Public::No,
        Some(Err(_)) => {
            why.push("its ACL could not be read".to_owned());
            return Public::Unknown;
        }
    };
    let said: Vec<String> = grants.iter().map(|g| format!("{} to {}", g.permission, anyone(g.to))).collect();
    let said = format!("its ACL grants {}", said.join(", "));
    let (public, text) = match ignored {
        Some(true) => (Public::No, format!("{said}, which IgnorePublicAcls sets aside")),
        Some(false) => (Public::Yes, said),
        None => {
            (Public::Unknown, format!("{said}; whether IgnorePublicAcls sets that aside could not be read"))
        }
    };
    why.push(text);
    public
}

fn by_policy(account: &Known<Block>, bucket: &Settings, why: &mut Vec<String>) -> Public {
    let restricted = on(account, &bucket.block, |b| b.restrict_policy);
    let (public, text) = match (&bucket.policy, restricted) {
        (Ok(None | Some(false)), _) | (Err(_), Some(true)) => return Public::No,
        (Ok(Some(true)), Some(true)) => {
            (Public::No, "its policy is public, which RestrictPublicBuckets keeps within the account")
        }
        (Ok(Some(true)), Some(false)) => (Public::Yes, "its policy is public"),
        (Ok(Some(true)), None) => {
            (Public::Unknown, "its policy is public; whether RestrictPublicBuckets is on could not be read")
        }
        (Err(_), Some(false) | None) => (Public::Unknown, "whether its policy is public could not be read"),
    };
    why.push(text.to_owned());
    public
}

fn anyone(group: &str) -> &'static str {
    if group == "AllUsers" { "everyone" } else { "every AWS account" }
}

fn blocked(account: &Known<Block>, bucket: &Known<Block>) -> Blocked {
    let none = Block::default();
    let (known, both) = match (account, bucket) {
        (Ok(a), Ok(b)) => (true, a.or(*b)),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => (false, *one),
        (Err(_), Err(_)) => (false, none),
    };
    match (known, both.is_whole(), both == none) {
        (_, true, _) => Blocked::All,
        (false, false, _) => Blocked::Unknown,
        (true, false, true) => Blocked::No,
        (true, false, false) => Blocked::Partly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::s3::settings::Grant;
    use quarterdeck_core::tool::{Fault, FaultKind};

    const WHOLE: Block =
        Block { block_acls: true, ignore_acls: true, block_policy: true, restrict_policy: true };
    const OFF: Block =
        Block { block_acls: false, ignore_acls: false, block_policy: false, restrict_policy: false };
    const IGNORE: Block = Block { ignore_acls: true, ..OFF };
    const RESTRICT: Block = Block { restrict_policy: true, ..OFF };
    /// These two stop new grants and policies only; what is there keeps its effect.
    const NEW_ONLY: Block = Block { block_acls: true, block_policy: true, ..OFF };

    fn no<T>() -> Known<T> {
        Err(Fault::new(FaultKind::Denied, "no"))
    }

    fn grants(of: &[(&'static str, &str)]) -> Option<Known<Vec<Grant>>> {
        Some(Ok(of.iter().map(|(to, p)| Grant { to, permission: (*p).to_owned() }).collect()))
    }

    type Case = (
        &'static str,
        Known<Block>,
        Known<Block>,
        Known<Option<bool>>,
        Option<Known<Vec<Grant>>>,
        (Public, Blocked, Option<&'static str>),
        &'static str,
    );

    #[test]
    fn the_table() {
        use Public::{No, Unknown, Yes};
        let read = || grants(&[("AllUsers", "READ")]);
        let cases: Vec<Case> = vec![
            ("new bucket", Ok(OFF), Ok(WHOLE), Ok(None), None, (No, Blocked::All, None), "blocked"),
            (
                "account blocks",
                Ok(WHOLE),
                Ok(OFF),
                Ok(Some(true)),
                read(),
                (No, Blocked::All, None),
                "RestrictPublicBuckets",
            ),
            (
                "halves add up",
                Ok(IGNORE),
                Ok(Block { ignore_acls: false, ..WHOLE }),
                Ok(None),
                read(),
                (No, Blocked::All, None),
                "IgnorePublicAcls",
            ),
            (
                "nothing blocks, nothing is open",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                grants(&[]),
                (No, Blocked::No, Some("LOW")),
                "no public policy",
            ),
            (
                "policy not public",
                Ok(OFF),
                Ok(OFF),
                Ok(Some(false)),
                None,
                (No, Blocked::No, Some("LOW")),
                "no public policy",
            ),
            (
                "public policy",
                Ok(OFF),
                Ok(OFF),
                Ok(Some(true)),
                None,
                (Yes, Blocked::No, Some("HIGH")),
                "policy is public",
            ),
            (
                "only new ones are blocked",
                Ok(OFF),
                Ok(NEW_ONLY),
                Ok(Some(true)),
                read(),
                (Yes, Blocked::Partly, Some("HIGH")),
                "policy is public",
            ),
            (
                "restricted",
                Ok(OFF),
                Ok(RESTRICT),
                Ok(Some(true)),
                None,
                (No, Blocked::Partly, Some("LOW")),
                "within the account",
            ),
            (
                "everyone reads",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                read(),
                (Yes, Blocked::No, Some("HIGH")),
                "READ to everyone",
            ),
            (
                "everyone writes",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                grants(&[("AllUsers", "WRITE")]),
                (Yes, Blocked::No, Some("CRITICAL")),
                "WRITE to everyone",
            ),
            (
                "every account controls",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                grants(&[("AuthenticatedUsers", "FULL_CONTROL")]),
                (Yes, Blocked::No, Some("CRITICAL")),
                "every AWS account",
            ),
            (
                "everyone may change the ACL",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                grants(&[("AllUsers", "WRITE_ACP")]),
                (Yes, Blocked::No, Some("CRITICAL")),
                "WRITE_ACP",
            ),
            (
                "grants set aside by the account",
                Ok(IGNORE),
                Ok(OFF),
                Ok(None),
                read(),
                (No, Blocked::Partly, Some("LOW")),
                "sets aside",
            ),
            (
                "restricting a policy opens no ACL",
                Ok(OFF),
                Ok(RESTRICT),
                Ok(None),
                read(),
                (Yes, Blocked::Partly, Some("HIGH")),
                "READ to everyone",
            ),
            (
                "ignoring ACLs closes no policy",
                Ok(OFF),
                Ok(IGNORE),
                Ok(Some(true)),
                read(),
                (Yes, Blocked::Partly, Some("HIGH")),
                "policy is public",
            ),
            (
                "ACL denied",
                Ok(OFF),
                Ok(OFF),
                Ok(None),
                Some(no()),
                (Unknown, Blocked::No, Some("MEDIUM")),
                "ACL could not be read",
            ),
            (
                "ACL denied and ignored",
                Ok(IGNORE),
                Ok(OFF),
                Ok(None),
                Some(no()),
                (No, Blocked::Partly, Some("LOW")),
                "no public",
            ),
            (
                "policy denied",
                Ok(OFF),
                Ok(OFF),
                no(),
                None,
                (Unknown, Blocked::No, Some("MEDIUM")),
                "policy is public could not",
            ),
            (
                "policy denied and restricted",
                Ok(OFF),
                Ok(RESTRICT),
                no(),
                None,
                (No, Blocked::Partly, Some("LOW")),
                "no public",
            ),
            (
                "blocks denied, open policy",
                no(),
                no(),
                Ok(Some(true)),
                None,
                (Unknown, Blocked::Unknown, Some("MEDIUM")),
                "RestrictPublicBuckets",
            ),
            (
                "blocks denied, open ACL",
                no(),
                Ok(OFF),
                Ok(None),
                read(),
                (Unknown, Blocked::Unknown, Some("MEDIUM")),
                "IgnorePublicAcls",
            ),
            (
                "blocks denied, nothing open",
                no(),
                no(),
                Ok(None),
                None,
                (No, Blocked::Unknown, Some("LOW")),
                "no public",
            ),
            (
                "account denied, bucket blocks",
                no(),
                Ok(WHOLE),
                Ok(Some(true)),
                read(),
                (No, Blocked::All, None),
                "RestrictPublicBuckets",
            ),
            (
                "all denied",
                no(),
                no(),
                no(),
                Some(no()),
                (Unknown, Blocked::Unknown, Some("MEDIUM")),
                "ACL could not",
            ),
            (
                "open ACL beats denied policy",
                Ok(OFF),
                Ok(OFF),
                no(),
                read(),
                (Yes, Blocked::No, Some("HIGH")),
                "READ to everyone",
            ),
        ];
        for (what, account, block, policy, grants, (public, blocked, risk), says) in cases {
            let encryption = Ok(Some("SSE-S3".to_owned()));
            let bucket =
                Settings { block, policy, ownership: Ok(None), grants, encryption, versioning: Ok(None) };
            let access = judge(&account, &bucket);
            assert_eq!(
                (access.public, access.blocked, access.risk),
                (public, blocked, risk),
                "{what}: {access:?}"
            );
            assert!(access.why.join("; ").contains(says), "{what}: {:?}", access.why);
        }
    }

    #[test]
    fn without_encryption_it_is_told() {
        let bucket = Settings {
            block: Ok(WHOLE),
            policy: Ok(None),
            ownership: Ok(None),
            grants: None,
            encryption: Ok(None),
            versioning: Ok(None),
        };
        assert_eq!(judge(&Ok(OFF), &bucket).risk, Some("MEDIUM"));
        let denied = Settings { encryption: no(), ..bucket };
        assert_eq!(judge(&Ok(OFF), &denied).risk, None, "not known is not none");
    }
}
