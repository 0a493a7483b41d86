//! Names of buckets: what a new one may be, and what can be no bucket at all.

use crate::given::{plain_name, shown};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::net::Ipv4Addr;

/// The longest name of a bucket that may exist: old ones in us-east-1 had looser rules.
const LONGEST: usize = 255;

/// `field` names a bucket that may exist.
///
/// # Errors
/// `invalid`: an ARN, a URI, a path, a wildcard, or no name of any bucket.
pub fn existing(field: &str, name: &str) -> Result<(), Fault> {
    let invalid = |what: String, hint: String| Err(Fault::new(FaultKind::Invalid, what).hint(hint));
    let bare = name.strip_prefix("s3://").or_else(|| name.strip_prefix("arn:aws:s3:::"));
    if let Some(bucket) =
        bare.map(|rest| rest.split('/').next().unwrap_or_default()).filter(|b| !b.is_empty())
    {
        return invalid(
            format!("`{field}` is {}, the bare name is needed", shown(name)),
            format!("send {}", shown(bucket)),
        );
    }
    plain_name(field, name, "send the bucket's name, such as harbor-orders-exports")?;
    if name.contains(['*', '?']) {
        return invalid(
            format!("`{field}`: {} has a wildcard", shown(name)),
            "send one bucket's whole name; list_s3_buckets finds it by a part".to_owned(),
        );
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if plain && (3..=LONGEST).contains(&name.len()) {
        return Ok(());
    }
    invalid(
        format!("`{field}`: {} is no bucket's name", shown(name)),
        "send the bucket's name alone, such as harbor-orders-exports; a folder goes into `prefix`".to_owned(),
    )
}

/// `name` may be given to a new bucket. Source: Amazon S3, "General purpose bucket naming rules".
///
/// # Errors
/// `invalid`, with the rule it breaks.
pub fn new(name: &str) -> Result<(), Fault> {
    let Some(rule) = broken(name) else { return Ok(()) };
    let tried = suggestion(name);
    let hint = match tried.as_deref().filter(|t| broken(t).is_none()) {
        Some(tried) => format!("{tried} would be a name S3 accepts; send the one that is meant"),
        None => "send 3 to 63 lower-case letters, digits and dashes, such as harbor-invoices".to_owned(),
    };
    Err(Fault::new(FaultKind::Invalid, format!("{} cannot be a bucket's name: {rule}", shown(name)))
        .hint(hint))
}

/// The first rule `name` breaks.
fn broken(name: &str) -> Option<&'static str> {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let dashed = name.split('.').any(|label| label.starts_with('-') || label.ends_with('-'));
    let rules: [(bool, &'static str); 13] = [
        (name.starts_with("arn:") || name.starts_with("s3://"), "it is an address, a bare name is needed"),
        (name.chars().count() < 3, "it is shorter than 3 characters"),
        (name.chars().count() > 63, "it is longer than 63 characters"),
        (name.chars().any(char::is_uppercase), "capital letters are not allowed"),
        (name.contains('_'), "underscores are not allowed"),
        (
            name.chars().any(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '.'),
            "only lower-case letters, digits, dots and dashes are allowed",
        ),
        (edge(name.chars().next()), "it must begin with a letter or a digit"),
        (edge(name.chars().next_back()), "it must end with a letter or a digit"),
        (name.contains(".."), "two dots cannot stand beside each other"),
        (dashed, "a dash cannot stand beside a dot"),
        (name.parse::<Ipv4Addr>().is_ok() || looks_like_an_address(name), "it has the form of an IP address"),
        (PREFIXES.iter().any(|p| name.starts_with(p)), "it begins with a prefix that AWS keeps for itself"),
        (SUFFIXES.iter().any(|s| name.ends_with(s)), "it ends with a suffix that AWS keeps for itself"),
    ];
    rules.into_iter().find(|(broken, _)| *broken).map(|(_, rule)| rule)
}

const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Four groups of digits, whatever their size: S3 refuses 999.1.1.1 as well.
fn looks_like_an_address(name: &str) -> bool {
    let groups: Vec<&str> = name.split('.').collect();
    groups.len() == 4 && groups.iter().all(|g| !g.is_empty() && g.chars().all(|c| c.is_ascii_digit()))
}

/// The same name within the rules, as far as that is obvious.
fn suggestion(name: &str) -> Option<String> {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    let trimmed = plain.trim_matches(['-', '.']);
    (trimmed.len() >= 3).then(|| trimmed.to_owned())
}

/// Whether clients cannot reach the bucket over TLS by its own host name: the certificate covers one label.
pub fn has_dots(name: &str) -> bool {
    name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_sentence() {
        for (name, says) in [
            ("ab", "shorter than 3"),
            (&"a".repeat(64), "longer than 63"),
            ("Harbor-Logs", "capital"),
            ("harbor_logs", "underscores"),
            ("harbor logs", "only lower-case"),
            ("harbör", "only lower-case"),
            ("harbor/logs", "only lower-case"),
            ("-harbor", "begin with"),
            (".harbor", "begin with"),
            ("harbor-", "end with"),
            ("harbor.", "end with"),
            ("harbor..logs", "two dots"),
            ("harbor.-logs", "dash cannot stand beside a dot"),
            ("harbor-.logs", "dash cannot stand beside a dot"),
            ("192.168.5.4", "IP address"),
            ("999.1.1.1", "IP address"),
            ("xn--harbor", "prefix"),
            ("sthree-harbor", "prefix"),
            ("amzn-s3-demo-bucket", "prefix"),
            ("harbor-s3alias", "suffix"),
            ("harbor--ol-s3", "suffix"),
            ("harbor--x-s3", "suffix"),
            ("harbor--table-s3", "suffix"),
            ("harbor.mrap", "suffix"),
            ("arn:aws:s3:::harbor", "bare name"),
            ("s3://harbor", "bare name"),
        ] {
            let fault = new(name).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid, "{name}");
            assert!(fault.message.contains(says) && fault.hint.is_some(), "{name}: {fault}");
        }
        for good in
            ["abc", "harbor-invoices", "harbor.example.com", "1harbor", &"a".repeat(63), "1.2.3", "a--b"]
        {
            new(good).unwrap();
        }
        assert!(new("Harbor_Logs").unwrap_err().hint.unwrap().starts_with("harbor-logs would be"));
        assert!(!new("ab").unwrap_err().hint.unwrap().contains("would be"));
    }

    #[test]
    fn what_can_be_no_bucket() {
        for good in ["harbor-logs", "Old_Bucket.2008", "abc"] {
            existing("bucket", good).unwrap();
        }
        for (bad, says) in [
            ("s3://harbor-logs/alb/", "\"harbor-logs\""),
            ("arn:aws:s3:::harbor-logs", "\"harbor-logs\""),
            ("arn:aws:s3:::harbor-logs/alb/1.gz", "\"harbor-logs\""),
            ("arn:aws:s3:eu-west-1:123456789012:accesspoint/orders", "bucket's name"),
            ("harbor-*", "list_s3_buckets"),
            ("harbor-logs/alb", "prefix"),
            ("harbor logs", "bucket's name"),
            ("ab", "bucket's name"),
            ("..", "bucket's name"),
        ] {
            let fault = existing("bucket", bad).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid, "{bad}");
            assert!(fault.hint.as_ref().unwrap().contains(says), "{bad}: {fault}");
        }
    }
}
