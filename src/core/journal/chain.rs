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
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Where a stored journal is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {why}")]
pub struct Broken {
    /// The first entry that does not fit.
    pub seq: Seq,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What of a stored entry the chain is made of.
#[derive(serde::Deserialize)]
struct Link {
    seq: Seq,
    prev_hash: String,
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

    /// The entry that records `fact`, and its serialized form, which is what is stored, printed and hashed: nothing
    /// hidden is in it.
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
            Ok(stored) => crate::text::json_visible(&stored).into_owned(),
            Err(error) => {
                self.prev_hash = entry.prev_hash;
                return Err(error);
            }
        };
        self.prev_hash = hash(&stored);
        self.next += 1;
        Ok((entry, stored))
    }

    /// Checks stored entries from the first on: nothing edited, missing, added or moved. A cut tail is not seen
    /// here: that takes a checkpoint from outside.
    ///
    /// # Errors
    /// The first entry that does not fit.
    pub fn verify<'a>(stored: impl IntoIterator<Item = &'a str>) -> Result<(), Broken> {
        let mut prev_hash = GENESIS.to_owned();
        for (seq, line) in (0..).map(Seq).zip(stored) {
            let broken = |why| Err(Broken { seq, why });
            let Ok(link) = serde_json::from_str::<Link>(line) else {
                return broken("it cannot be read");
            };
            if link.prev_hash != prev_hash {
                return broken("it does not follow the entry before it");
            }
            if link.seq != seq {
                return broken("its number is not the next");
            }
            prev_hash = hash(line);
        }
        Ok(())
    }

    /// The sequence number the next entry gets.
    #[must_use]
    pub const fn next(&self) -> Seq {
        Seq(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Vec<String> {
        let mut chain = Chain::default();
        (0..5)
            .map(|n| {
                let fact = Fact::Noted { text: format!("note {n}") };
                chain.link(fact, Timestamp::from_millis(n)).unwrap().1
            })
            .collect()
    }

    fn verify(lines: &[String]) -> Result<(), u64> {
        Chain::verify(lines.iter().map(String::as_str)).map_err(|b| b.seq.0)
    }

    #[test]
    fn an_untouched_journal_verifies() {
        assert_eq!(verify(&stored()), Ok(()));
        assert_eq!(verify(&[]), Ok(()));
    }

    #[test]
    fn every_kind_of_tampering_is_found_where_it_begins() {
        let edited = |n: usize, from: &str, to: &str| {
            let mut lines = stored();
            lines[n] = lines[n].replace(from, to);
            lines
        };
        // An edit shows in the entry after it, which carries the old hash.
        assert_eq!(verify(&edited(2, "note 2", "note X")), Err(3));
        assert_eq!(verify(&edited(1, "\"seq\":1", "\"seq\":7")), Err(1));
        assert_eq!(verify(&edited(1, "{", "")), Err(1));
        let mut lines = stored();
        lines.remove(2);
        assert_eq!(verify(&lines), Err(2));
        let mut lines = stored();
        lines.swap(1, 2);
        assert_eq!(verify(&lines), Err(1));
        let mut lines = stored();
        lines.insert(1, lines[0].clone());
        assert_eq!(verify(&lines), Err(1));
    }

    #[test]
    fn a_resumed_chain_goes_on() {
        let mut lines = stored();
        let mut chain = Chain::resume(5, hash(&lines[4]));
        lines.push(chain.link(Fact::Noted { text: "more".into() }, Timestamp::from_millis(9)).unwrap().1);
        assert_eq!(verify(&lines), Ok(()));
    }
}
