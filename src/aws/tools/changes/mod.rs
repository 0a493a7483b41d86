//! CloudTrail's event history: looking events up, and one event in the console's words.

pub mod actor;
pub mod change;
pub mod filter;
pub mod read;
pub mod request;
pub mod view;
