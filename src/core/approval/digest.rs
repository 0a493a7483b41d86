//! What an approval is over.

use serde::{Deserialize, Serialize};

/// Hex SHA-256 over the canonical JSON of everything a proposal promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub(super) String);

impl Digest {
    /// Of a proposal.
    #[must_use]
    pub fn of(p: &super::Proposal) -> Self {
        let mut p = p.clone();
        p.as_of = crate::Timestamp::from_millis(0);
        Self(crate::journal::hash(&serde_json::to_string(&p).unwrap_or_default()))
    }
}
