//! What the two transfers have in common: the bucket, the object as it is, progress, and how it is told.

pub mod bucket;
pub mod content;
pub mod get;
pub mod object;
pub mod pace;
pub mod parts;
pub mod put;
pub mod remark;
pub mod size;
pub mod source;
pub mod versions;

#[cfg(test)]
pub mod testing;
