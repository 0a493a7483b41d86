//! What the tools of S3 share: buckets by name and place, what their settings say, pages of keys.

pub mod access;
pub mod buckets;
pub mod find;
pub mod keys;
pub mod names;
pub mod settings;
