//! Quarterdeck: a terminal console for engineers on call for AWS.
//!
//! The binary is `main.rs`; this library exists so that the tests drive the same loops.

pub mod cli;
pub mod config;
pub mod connect;
pub mod doctor;
pub mod engine;
pub mod fronts;
pub mod keys;
pub mod providers;
pub mod runbooks;
