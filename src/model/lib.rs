//! Models behind one trait: what they can do, how they are asked, what they stream back.
//!
//! `anthropic` speaks the Messages API; `offline` follows runbooks and needs no network. Ids, versions, prices and
//! quirks are configuration (`config/models.toml`), not code.

pub mod anthropic;
pub mod bedrock;
pub mod chat;
#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::needless_pass_by_value)]
mod conversations;
pub mod offline;
mod prompt;
mod provider;
pub mod responses;
#[cfg(test)]
#[path = "../../tests/peers/scripted_anthropic.rs"]
mod scripted_anthropic;
mod several;
pub mod tags;
mod wire;

pub use prompt::{prompt_hash, system_prompt};
pub use provider::{EventStream, Provider};
pub use several::{Make, Several};
pub use wire::client::{Key, KeySource};
pub use wire::naming::{base_url_variable, key_variable};
pub use wire::sign::Load;
