//! What an approval is over.

use serde::{Deserialize, Serialize};

/// Hex SHA-256 over the canonical JSON of everything a proposal promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub(super) String);
