//! The hash chain: each entry carries the hash of the one before.

use super::{Entry, Fact, VERSION};
use crate::Timestamp;
use crate::id::Seq;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// `prev_hash` of the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Hex SHA-256 of an entry as it is stored.
#[must_use]
pub fn hash(stored: &str) -> String {
    hex(&Sha256::digest(stored.as_bytes()))
}

/// Bytes as lower-case hex.
#[must_use]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Numbers and links entries as they are appended.
#[derive(Clone, Debug)]
pub struct Chain {
    next: u64,
    prev_hash: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { next: 0, prev_hash: GENESIS.to_owned() }
    }
}

impl Chain {
    /// Continues after the `next - 1`th entry, whose hash is `prev_hash`.
    #[must_use]
    pub fn resume(next: u64, prev_hash: String) -> Self {
        Self { next, prev_hash }
    }

    /// The entry that records `fact`, and its serialized form, which is what is stored and hashed.
    ///
    /// # Errors
    /// The fact cannot be serialized.
    pub fn link(&mut self, fact: Fact, at: Timestamp) -> Result<(Entry, String), serde_json::Error> {
        let entry = Entry {
            v: VERSION,
            seq: Seq(self.next),
            prev_hash: std::mem::take(&mut self.prev_hash),
            at,
            fact,
        };
        let stored = match serde_json::to_string(&entry) {
            Ok(stored) => stored,
            Err(error) => {
                self.prev_hash = entry.prev_hash;
                return Err(error);
            }
        };
        self.prev_hash = hash(&stored);
        self.next += 1;
        Ok((entry, stored))
    }

    /// The sequence number the next entry gets.
    #[must_use]
    pub const fn next(&self) -> Seq {
        Seq(self.next)
    }
}
