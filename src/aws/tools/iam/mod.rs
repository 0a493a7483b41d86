//! What the IAM tools share: the credential report, keys and how old is too old, policies and who is an administrator.

pub mod admin;
pub mod age;
pub mod args;
pub mod details;
#[cfg(test)]
pub mod fixture;
pub mod inventory;
pub mod keys_view;
pub mod live;
pub mod policy;
pub mod proposal;
pub mod read;
pub mod report;
pub mod risk;
pub mod user;
pub mod users_view;
