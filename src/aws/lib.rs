//! AWS: the only crate that names `aws_sdk_*`.
//!
//! A tool is one file in `tools/`, implements [`tool::ReadTool`] or [`tool::WriteTool`], and has one line in
//! [`registry`]. Clients come from [`clients`], guarded by the tool's own list of operations.

pub mod clients;
pub mod fault;
pub mod place;
pub mod registry;
pub mod tool;
pub mod tools;
