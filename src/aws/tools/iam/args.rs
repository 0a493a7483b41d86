//! Names of users and ids of keys, as they were given.

use crate::given;
use quarterdeck_core::tool::{Fault, FaultKind};

/// The root account as the credential report names it: no user can have this name.
pub const ROOT: &str = "<root_account>";

/// Hidden part of a key id in what this console shows: `AKIA⟪…WXYZ⟫`.
const MASK: (char, char) = ('⟪', '⟫');
/// Characters at the end of a key id that tell a user's keys apart.
pub const TAIL: usize = 4;

/// `name` can be the name of a user.
///
/// # Errors
/// `invalid`: an ARN, a wildcard, a key id, characters or a length no user name has.
pub fn check_user(name: &str) -> Result<(), Fault> {
    let hint = "send one user's name such as ci-deploy, case as in IAM";
    given::plain_name("user", name, hint)?;
    let bad = |what: &str| {
        Err(Fault::new(FaultKind::Invalid, format!("`user`: {} {what}", given::shown(name))).hint(hint))
    };
    if name.contains(['*', '?']) {
        return bad("is a pattern: users are named one at a time, or not at all for every user");
    }
    if is_key_id(name) {
        return bad("is the id of a key, not a user");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.chars().count() > 64 || !name.chars().all(plain) {
        return bad("is no user's name (letters, digits and _+=,.@- only, at most 64)");
    }
    Ok(())
}

/// As [`check_user`], or the root account as reports name it.
///
/// # Errors
/// As [`check_user`].
pub fn check_user_or_root(name: &str) -> Result<(), Fault> {
    if name == ROOT { Ok(()) } else { check_user(name) }
}

/// A key as it was given: whole, or by its end, which is what this console shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// `AKIAEXAMPLE000000001`.
    Whole(String),
    /// Its last four characters.
    Tail(String),
}

impl KeyRef {
    /// Whether it is `id`.
    pub fn is(&self, id: &str) -> bool {
        match self {
            Self::Whole(whole) => whole == id,
            Self::Tail(tail) => id.ends_with(tail.as_str()),
        }
    }
}

/// The key `given` names: its id, its last four characters, or the masked form of results (`AKIA⟪…WXYZ⟫`).
///
/// # Errors
/// `invalid`: none of these, or a temporary key.
pub fn key(given: &str) -> Result<KeyRef, Fault> {
    let hint = "send the id of an access key such as AKIAIOSFODNN7EXAMPLE, or its last four characters";
    if is_key_id(given) {
        if given.starts_with("ASIA") {
            let what = format!(
                "`key_id`: {} is a temporary key: only its role or its user's key can be changed",
                tail_of(given)
            );
            return Err(Fault::new(FaultKind::Invalid, what).hint(hint));
        }
        return Ok(KeyRef::Whole(given.to_owned()));
    }
    let masked = given
        .split_once(MASK.0)
        .filter(|(head, _)| head.len() == TAIL && head.chars().all(is_key_char))
        .and_then(|(_, rest)| rest.strip_suffix(MASK.1)?.strip_prefix('…'));
    let tail = masked.unwrap_or(given);
    if tail.len() == TAIL && tail.chars().all(is_key_char) {
        return Ok(KeyRef::Tail(tail.to_owned()));
    }
    Err(Fault::new(FaultKind::Invalid, format!("`key_id`: {} is not the id of a key", given::shown(given)))
        .hint(hint))
}

/// The end of a key id, as people are shown it: `...WXYZ`.
pub fn tail_of(id: &str) -> String {
    let skip = id.chars().count().saturating_sub(TAIL);
    format!("...{}", id.chars().skip(skip).collect::<String>())
}

/// Whether `text` is an access key id: four letters that say what it is, at least twelve more.
fn is_key_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.chars().all(is_key_char)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users() {
        for good in ["ci-deploy", "dana@example.com", "a", "x_+=,.@-9"] {
            check_user(good).unwrap();
        }
        let long = "x".repeat(65);
        for (bad, says) in [
            ("arn:aws:iam::123456789012:user/ops/dana", "perhaps \"dana\""),
            ("ci-*", "pattern"),
            ("dana?", "pattern"),
            ("AKIAIOSFODNN7EXAMPLE", "id of a key"),
            (long.as_str(), "at most 64"),
            ("ops/dana", "letters, digits"),
            (ROOT, "letters, digits"),
            ("<root>", "letters, digits"),
        ] {
            let fault = check_user(bad).unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.to_string().contains(says), "{bad}: {fault}");
            assert!(fault.hint.is_some());
        }
        check_user_or_root(ROOT).unwrap();
    }

    #[test]
    fn keys_whole_masked_and_by_their_end() {
        for (given, want) in [
            ("AKIAIOSFODNN7EXAMPLE", KeyRef::Whole("AKIAIOSFODNN7EXAMPLE".into())),
            ("MPLE", KeyRef::Tail("MPLE".into())),
            ("AKIA⟪…MPLE⟫", KeyRef::Tail("MPLE".into())),
        ] {
            let key = key(given).unwrap();
            assert_eq!(key, want);
            assert!(key.is("AKIAIOSFODNN7EXAMPLE") && !key.is("AKIAIOSFODNN7EXAMPXX"));
        }
        for bad in [
            "ASIAIOSFODNN7EXAMPLE",
            "arn:aws:iam::123456789012:user/dana",
            "dana",
            "mple",
            "*",
            "AKIA*",
            "AKIA⟪…M⟫",
            "⟪…MPLE⟫",
        ] {
            let fault = key(bad).unwrap_err();
            assert!(fault.kind == FaultKind::Invalid && fault.hint.is_some(), "{bad}: {fault:?}");
        }
        // A masked id is what the redaction makes of a whole one: what a result shows can be sent back.
        let redactor = quarterdeck_core::text::Redactor::new([7; 16]);
        assert_eq!(key(&redactor.redact("AKIAIOSFODNN7EXAMPLE")).unwrap(), KeyRef::Tail("MPLE".into()));
    }
}
