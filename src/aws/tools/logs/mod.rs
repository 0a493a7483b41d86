//! CloudWatch Logs: reading a group backwards, lines as people read them.

pub mod fold;
pub mod groups;
pub mod line;
pub mod read;
pub mod view;
