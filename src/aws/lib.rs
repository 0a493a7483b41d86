//! AWS: the only crate that names `aws_sdk_*`.
//!
//! A tool is one file in `tools/`, implements [`tool::ReadTool`], [`tool::LocalTool`] or [`tool::WriteTool`], and has one
//! line in [`registry`]. Clients come from [`clients`], guarded by the tool's own list of operations.

pub mod account;
pub mod checkup;
pub mod clients;
pub mod fault;
pub mod fetch;
pub mod files;
mod gather;
pub mod given;
pub mod guard;
pub mod http;
pub mod iam_policy;
pub mod identity;
pub mod instant;
pub mod local;
pub mod meter;
pub mod place;
pub mod probe;
pub(crate) mod regions;
pub mod registry;
pub mod schema;
pub(crate) mod services;
pub mod settings;
pub mod shell;
pub mod stop;
#[cfg(test)]
pub mod testing;
pub mod tool;
pub mod tools;
pub(crate) mod unprefixed;

pub use clients::{Aws, ProgressSink};
pub use settings::{Clock, Settings};
