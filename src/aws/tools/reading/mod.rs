//! What tools that read share: the period asked about, how long to go on, places and words.

pub mod arn;
pub mod global;
pub mod patience;
pub mod period;
pub mod places;
pub mod tags;
pub mod wildcard;
pub mod words;
