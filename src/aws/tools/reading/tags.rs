//! Tags that decide how careful one must be: environment, and who manages the thing.

use std::collections::BTreeMap;

const KEYS: [&str; 10] = [
    "env",
    "environment",
    "stage",
    "tier",
    "managed-by",
    "managedby",
    "managed_by",
    "terraform",
    "service",
    "team",
];
const OF_AWS: [&str; 2] = ["aws:cloudformation:stack-name", "aws:autoscaling:groupName"];

/// Those of `tags` (key and value).
pub fn deciding<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let decides = |key: &str| KEYS.iter().any(|k| key.eq_ignore_ascii_case(k)) || OF_AWS.contains(&key);
    let kept = tags.into_iter().filter(|(key, _)| decides(key));
    kept.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
