//! Users: how they can sign in, what they may do, and what to think of it. Pure.
//!
//! The root account: an access key or no second factor is CRITICAL; signed in within the last [`LATELY`] days, or a
//! second factor that is not known, MEDIUM.
//!
//! A user: an administrator who signs in without a second factor is CRITICAL; anybody else who does, and an administrator
//! with an active access key, HIGH; an administrator, MEDIUM; may be one, never signed in, or not seen for
//! [`UNUSED`] days although it could, LOW. What is not known lowers nothing.

use super::admin::Admin;
use super::age::{Key, Status, Used, days};
use super::report::Entry;
use super::risk::Risk;
use quarterdeck_core::Timestamp;

/// Days within which a use of the root account is worth a word.
const LATELY: u64 = 30;
/// Days after which a user that was not seen may be one that is not needed.
const UNUSED: u64 = 90;

/// What is known of a user; what is `None` could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Whether it is the root account.
    pub root: bool,
    /// Whether it has a password for the console.
    pub console: Option<bool>,
    /// Whether it has a second factor.
    pub mfa: Option<bool>,
    /// When the password was made or changed.
    pub changed: Option<Timestamp>,
    /// When the password or a key was last used.
    pub seen: Used,
    /// Whether it has an access key, and for a user one that is active.
    pub keys: Option<bool>,
    /// Whether it is an administrator.
    pub admin: Admin,
}

impl User {
    /// A user of whom only the name is known, and whether it is an administrator.
    pub fn new(name: &str, admin: Admin) -> Self {
        Self {
            name: name.to_owned(),
            root: false,
            console: None,
            mfa: None,
            changed: None,
            seen: Used::NotKnown,
            keys: None,
            admin,
        }
    }

    /// As the credential report has it.
    pub fn reported(entry: &Entry, admin: Admin) -> Self {
        let counts = |key: &&Key| entry.is_root() || key.status != Status::Inactive;
        let uses = entry.keys.iter().map(|key| key.used).chain([entry.signed_in]);
        let last = uses.filter_map(|used| if let Used::At(at) = used { Some(at) } else { None }).max();
        Self {
            name: entry.user.clone(),
            root: entry.is_root(),
            console: entry.password,
            mfa: entry.mfa,
            changed: entry.changed.filter(|_| entry.password != Some(false)),
            seen: last.map_or(Used::Never, Used::At),
            keys: Some(entry.keys.iter().any(|key| counts(&key))),
            admin,
        }
    }

    /// The password's age in whole days.
    pub fn password_age(&self, now: Timestamp) -> Option<u64> {
        self.changed.map(|changed| days(changed, now))
    }

    /// What to think of it, and why.
    pub fn judge(&self, now: Timestamp) -> (Risk, Vec<String>) {
        let mut found = if self.root { self.as_root(now) } else { self.as_user(now) };
        found.sort_by_key(|(risk, _)| std::cmp::Reverse(*risk));
        let worst = found.first().map_or(Risk::Ok, |(risk, _)| *risk);
        (worst, found.into_iter().map(|(_, why)| why).collect())
    }

    fn as_root(&self, now: Timestamp) -> Vec<(Risk, String)> {
        let mut found = Vec::new();
        let mut add = |risk, why: &str| found.push((risk, why.to_owned()));
        match self.keys {
            Some(true) => add(Risk::Critical, "the root account has an access key: delete it"),
            Some(false) => {}
            None => add(Risk::Medium, "whether the root account has an access key is not known"),
        }
        match self.mfa {
            Some(false) => add(Risk::Critical, "the root account has no MFA: set it up"),
            Some(true) => {}
            None => add(Risk::Medium, "whether the root account has MFA is not known"),
        }
        if let Used::At(at) = self.seen
            && days(at, now) < LATELY
        {
            add(Risk::Medium, &format!("used within the last {LATELY} days: keep it for emergencies"));
        }
        found
    }

    fn as_user(&self, now: Timestamp) -> Vec<(Risk, String)> {
        let mut found = Vec::new();
        let mut add = |risk, why: String| found.push((risk, why));
        let is_admin = matches!(self.admin, Admin::Yes(_));
        let unguarded = self.console == Some(true) && self.mfa == Some(false);
        match (unguarded, is_admin) {
            (true, true) => add(Risk::Critical, "an administrator signs in without MFA".to_owned()),
            (true, false) => add(Risk::High, "signs in without MFA".to_owned()),
            (false, _) => {}
        }
        if self.console == Some(true) && self.mfa.is_none() {
            add(Risk::Medium, "whether it has MFA is not known".to_owned());
        }
        match &self.admin {
            Admin::Yes(statement) => {
                if self.keys == Some(true) {
                    add(
                        Risk::High,
                        "an administrator with an active access key, which needs no MFA".to_owned(),
                    );
                }
                add(Risk::Medium, format!("administrator by {statement}"));
            }
            Admin::Unknown(why) => add(Risk::Low, format!("may be an administrator: {why}")),
            Admin::No => {}
        }
        let can = self.console == Some(true) || self.keys == Some(true);
        match self.seen {
            Used::Never if can => add(Risk::Low, "never seen: delete it unless it is new".to_owned()),
            Used::At(at) if can && days(at, now) > UNUSED => {
                add(Risk::Low, format!("not seen for {} days", days(at, now)));
            }
            Used::Never | Used::At(_) | Used::NotKnown => {}
        }
        if self.console == Some(false) {
            add(Risk::Ok, "no console password: a service user".to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn judgements() {
        let now = at("2026-11-20T00:00:00Z");
        let ago = |days: u64| Used::At(now.minus(std::time::Duration::from_secs(days * 86_400)));
        let (yes, no) = (|| Admin::Yes("p".into()), || Admin::No);
        let maybe = || Admin::Unknown("x".into());
        let (on, off) = (Some(true), Some(false));
        for (root, console, mfa, keys, admin, seen, risk, says) in [
            (true, None, on, off, yes(), ago(400), Risk::Ok, ""),
            (true, None, on, on, yes(), ago(400), Risk::Critical, "access key"),
            (true, None, off, off, yes(), Used::Never, Risk::Critical, "no MFA"),
            (true, None, on, off, yes(), ago(29), Risk::Medium, "emergencies"),
            (true, None, on, off, yes(), ago(30), Risk::Ok, ""),
            (true, None, None, None, yes(), Used::NotKnown, Risk::Medium, "not known"),
            (false, on, off, off, yes(), ago(1), Risk::Critical, "without MFA"),
            (false, on, off, off, no(), ago(1), Risk::High, "without MFA"),
            (false, on, off, off, maybe(), ago(1), Risk::High, "without MFA"),
            (false, on, on, on, yes(), ago(1), Risk::High, "active access key"),
            (false, on, on, off, yes(), ago(1), Risk::Medium, "administrator by p"),
            (false, on, None, off, no(), ago(1), Risk::Medium, "not known"),
            (false, on, on, off, maybe(), ago(1), Risk::Low, "may be"),
            (false, on, on, off, no(), ago(1), Risk::Ok, ""),
            (false, on, on, off, no(), ago(90), Risk::Ok, ""),
            (false, on, on, off, no(), ago(91), Risk::Low, "91 days"),
            (false, on, on, off, no(), Used::Never, Risk::Low, "never seen"),
            (false, off, off, on, no(), ago(1), Risk::Ok, "service user"),
            (false, off, off, on, no(), Used::Never, Risk::Low, "never seen"),
            (false, off, off, off, no(), Used::Never, Risk::Ok, "service user"),
            (false, off, off, on, yes(), ago(1), Risk::High, "access key"),
            (false, None, None, None, maybe(), Used::NotKnown, Risk::Low, "may be"),
            (false, None, None, None, yes(), Used::NotKnown, Risk::Medium, "administrator"),
        ] {
            let user = User { root, console, mfa, keys, seen, ..User::new("u", admin) };
            let (got, why) = user.judge(now);
            let why = why.join("; ");
            assert_eq!(got, risk, "{user:?}: {why}");
            assert!(why.contains(says) && why.is_empty() == says.is_empty(), "{user:?}: {why}");
        }
    }
}
