//! What every provider over HTTP shares: one client, framing of server-sent events, attempts, failures, and the names a
//! service takes.

pub(crate) mod client;
pub(crate) mod denial;
pub(crate) mod failure;
pub(crate) mod naming;
#[cfg(test)]
#[allow(clippy::indexing_slicing)]
pub(crate) mod replay;
pub(crate) mod retry;
pub(crate) mod sign;
pub(crate) mod sse;

use failure::{Failure, Names};
use quarterdeck_core::message::ModelEvent;
use serde_json::Value;
use sse::Framer;

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
    fn closed(&mut self) -> Decoded;
}

/// Why an answer is not complete when its connection was closed without a terminal event.
pub(crate) fn unfinished(framer: &Framer, names: &Names) -> Failure {
    let Some(instead) = framer.instead() else { return Failure::truncated("the connection was closed") };
    let error = serde_json::from_str::<Value>(&instead).ok().and_then(|mut body| {
        let error = body.get_mut("error").filter(|e| !e.is_null())?;
        Some(error.take())
    });
    match error {
        Some(error) => Failure::inside(&error, names),
        None => Failure::garbled(&format!("no event stream: {instead}"), names),
    }
}
