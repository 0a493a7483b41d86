//! The credential report, as AWS writes it. Pure.

use super::age::{Key, Status, Used};
use super::args::ROOT;
use quarterdeck_core::Timestamp;
use std::collections::HashMap;

/// A credential report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The root account and every user, in its order.
    pub entries: Vec<Entry>,
    /// When it was made: at most four hours ago.
    pub made: Option<Timestamp>,
}

/// What it says of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, [`ROOT`] for the root account.
    pub user: String,
    /// Whether there is a password for the console; the root account's may not be told.
    pub password: Option<bool>,
    /// When the password was last used.
    pub signed_in: Used,
    /// When the password was made or changed.
    pub changed: Option<Timestamp>,
    /// Whether there is a second factor.
    pub mfa: Option<bool>,
    /// The keys, without their ids.
    pub keys: Vec<Key>,
}

impl Entry {
    /// Whether it is the root account.
    pub fn is_root(&self) -> bool {
        self.user == ROOT
    }
}

/// What is wrong with a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential report cannot be read: {0}")]
pub struct Unreadable(String);

impl Report {
    /// Reads the CSV. Columns are found by name: AWS has added some over the years.
    ///
    /// # Errors
    /// It is not such a table.
    pub fn parse(csv: &[u8], made: Option<Timestamp>) -> Result<Self, Unreadable> {
        let bad = |e: csv::Error| Unreadable(e.to_string());
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv);
        let columns: HashMap<String, usize> = reader
            .headers()
            .map_err(bad)?
            .iter()
            .enumerate()
            .map(|(at, name)| (name.to_owned(), at))
            .collect();
        for needed in ["user", "mfa_active", "access_key_1_active", "access_key_1_last_rotated"] {
            if !columns.contains_key(needed) {
                return Err(Unreadable(format!("it has no column {needed}")));
            }
        }
        let mut entries = Vec::new();
        for record in reader.records() {
            entries.push(Line { columns: &columns, record: record.map_err(bad)? }.entry());
        }
        Ok(Self { entries, made })
    }
}

/// One line, by the names of its columns.
struct Line<'a> {
    columns: &'a HashMap<String, usize>,
    record: csv::StringRecord,
}

impl Line<'_> {
    /// Empty where there is no such column.
    fn get(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default()
    }

    fn entry(&self) -> Entry {
        let user = self.get("user");
        Entry {
            user: user.to_owned(),
            password: flag(self.get("password_enabled")),
            signed_in: used(self.get("password_last_used")),
            changed: time(self.get("password_last_changed")),
            mfa: flag(self.get("mfa_active")),
            keys: [1, 2].into_iter().filter_map(|n| self.key(user, n)).collect(),
        }
    }

    /// A key exists when it is active or has a date; a slot without a key is `false` and `N/A`.
    fn key(&self, user: &str, n: u8) -> Option<Key> {
        let of = |what: &str| self.get(&format!("access_key_{n}_{what}"));
        let (active, created) = (flag(of("active")) == Some(true), time(of("last_rotated")));
        (active || created.is_some()).then(|| Key {
            user: user.to_owned(),
            root: user == ROOT,
            id: None,
            status: if active { Status::Active } else { Status::Inactive },
            created,
            used: used(of("last_used_date")),
        })
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "TRUE" => Some(true),
        "false" | "FALSE" => Some(false),
        // `not_supported`: AWS does not tell.
        _ => None,
    }
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok()
}

/// `N/A`, `no_information` and `not_supported` say alike that there is no use on record.
fn used(text: &str) -> Used {
    time(text).map_or(Used::Never, Used::At)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The header as AWS writes it since 2025.
    pub const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
        password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
        access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
        access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
        cert_1_last_rotated,cert_2_active,cert_2_last_rotated,additional_credentials_info";

    /// A row: user, password (enabled, used, changed), MFA, then active, made and used of two keys.
    pub fn row(user: &str, password: [&str; 3], mfa: &str, keys: [[&str; 3]; 2]) -> String {
        let [enabled, used, changed] = password;
        let [[a1, r1, u1], [a2, r2, u2]] = keys;
        format!(
            "{user},arn:aws:iam::123456789012:user/{user},2025-01-01T00:00:00+00:00,{enabled},{used},{changed},N/A,{mfa},\
             {a1},{r1},{u1},eu-west-1,s3,{a2},{r2},{u2},N/A,N/A,false,N/A,false,N/A,"
        )
    }

    /// No key.
    pub const NONE: [&str; 3] = ["false", "N/A", "N/A"];

    #[test]
    fn as_aws_writes_it() {
        let csv = [
            HEADER.to_owned(),
            "<root_account>,arn:aws:iam::123456789012:root,2019-01-01T00:00:00+00:00,not_supported,2026-10-01T09:30:00+00:00,\
             not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A,"
                .to_owned(),
            row("dana", ["true", "2026-11-19T08:00:00+00:00", "2026-01-01T00:00:00+00:00"], "true", [NONE, NONE]),
            row("new", ["true", "no_information", "2026-11-19T00:00:00+00:00"], "false", [NONE, NONE]),
            row(
                "ci",
                ["false", "N/A", "N/A"],
                "false",
                [["true", "2026-01-01T00:00:00+00:00", "2026-11-20T00:00:00+00:00"], ["false", "2025-01-01T00:00:00+00:00", "N/A"]],
            ),
        ]
        .join("\n");
        let report = Report::parse(csv.as_bytes(), None).unwrap();
        let [root, dana, new, ci] = report.entries.as_slice() else { panic!("{report:?}") };
        assert!(root.is_root() && root.keys.is_empty());
        assert_eq!((root.password, root.mfa, root.changed), (None, Some(true), None));
        assert!(matches!(root.signed_in, Used::At(_)));
        assert_eq!((dana.password, dana.mfa), (Some(true), Some(true)));
        assert_eq!((new.signed_in, new.mfa), (Used::Never, Some(false)));
        assert_eq!((ci.password, ci.changed, ci.keys.len()), (Some(false), None, 2));
        assert_eq!(ci.keys[0].status, Status::Active);
        assert_eq!((ci.keys[1].status, ci.keys[1].used), (Status::Inactive, Used::Never));
        assert_eq!(ci.keys[0].created, Timestamp::parse("2026-01-01T00:00:00Z").ok());
    }

    #[test]
    fn columns_are_found_by_name_and_what_is_no_report_is_refused() {
        let csv = "mfa_active,user,access_key_1_last_rotated,access_key_1_active\ntrue,dana,N/A,false\n";
        let report = Report::parse(csv.as_bytes(), None).unwrap();
        assert_eq!((report.entries[0].user.as_str(), report.entries[0].mfa), ("dana", Some(true)));
        for bad in ["", "<html></html>", "user,arn\ndana,x", "\u{0}\u{1}"] {
            assert!(Report::parse(bad.as_bytes(), None).is_err(), "{bad:?}");
        }
        // A row that is cut off is a user about whom little is known, not the end of everything.
        let report = Report::parse(format!("{HEADER}\ndana").as_bytes(), None).unwrap();
        assert_eq!((report.entries[0].password, report.entries[0].mfa), (None, None));
    }
}
