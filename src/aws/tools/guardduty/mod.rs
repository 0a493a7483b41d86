//! GuardDuty: whether it runs, and what it found.

pub mod finding;
pub mod read;
pub mod view;
