//! IAM: the root account, users, groups and policies.

use super::merge;
use crate::condition::During;
use crate::span::Span;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Who may sign in, and what they may do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Identities {
    pub root: Root,
    pub user: Vec<User>,
    pub group: Vec<Group>,
    pub policy: Vec<Policy>,
}

impl Identities {
    /// With what a drill says otherwise.
    pub(crate) fn merge(&mut self, over: &Self) {
        merge(&mut self.user, &over.user, |u| u.name.clone());
        merge(&mut self.group, &over.group, |g| g.name.clone());
        merge(&mut self.policy, &over.policy, |p| p.name.clone());
        if over.root.created.is_some() {
            self.root = over.root.clone();
        }
    }

    /// The conditions that the use of a key depends on.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &String> {
        self.user.iter().flat_map(|u| &u.key).flat_map(|k| &k.during.0)
    }
}

/// The root account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Root {
    pub created: Option<Span>,
    pub mfa: bool,
    /// How long before the start it was last used.
    pub used: Option<Span>,
    pub key: Vec<Key>,
}

/// A user. Spans are before the start.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub name: String,
    #[serde(default = "root_path")]
    pub path: String,
    pub created: Span,
    /// When the console password was set; none: there is none.
    pub password: Option<Span>,
    /// When it was last used.
    pub signed_in: Option<Span>,
    #[serde(default)]
    pub mfa: bool,
    #[serde(default)]
    pub groups: Vec<String>,
    /// Names of managed policies.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Name to document.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
    /// The name of the policy that bounds it.
    pub boundary: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub key: Vec<Key>,
}

/// An access key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub id: String,
    pub created: Span,
    #[serde(default)]
    pub inactive: bool,
    /// When it was last used; none: never.
    pub used: Option<Span>,
    /// By this service and in this region.
    #[serde(default = "sts")]
    pub service: String,
    #[serde(default)]
    pub region: String,
    /// In use all the time while this is the case.
    #[serde(default)]
    pub during: During,
}

/// A group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub name: String,
    pub created: Span,
    #[serde(default)]
    pub policies: Vec<String>,
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
}

/// A managed policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub name: String,
    /// Whether it is AWS's own.
    #[serde(default)]
    pub aws: bool,
    /// JSON.
    pub document: String,
}

fn root_path() -> String {
    "/".to_owned()
}
fn sts() -> String {
    "sts".to_owned()
}
