//! What every provider over HTTP shares: one client, framing of server-sent events, attempts, failures, and the names a
//! service takes.

pub(crate) mod client;
pub(crate) mod failure;
pub(crate) mod naming;
#[cfg(test)]
#[allow(clippy::indexing_slicing)]
pub(crate) mod replay;
pub(crate) mod retry;
pub(crate) mod sign;
pub(crate) mod sse;

use failure::Failure;
use quarterdeck_core::message::ModelEvent;

/// What one read gave: events, then possibly the failure that ends the answer.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) events: Vec<ModelEvent>,
    pub(crate) failure: Option<Failure>,
}

/// Turns an answer's bytes, cut anywhere, into events.
pub(crate) trait Decode {
    /// Takes in bytes.
    fn push(&mut self, bytes: &[u8]) -> Decoded;

    /// The connection was closed. Without its terminal event an answer is not complete.
    fn closed(&mut self) -> Decoded {
        Decoded { events: Vec::new(), failure: Some(Failure::truncated("the connection was closed")) }
    }
}
