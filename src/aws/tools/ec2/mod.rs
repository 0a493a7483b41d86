//! What the EC2 tools share.

pub mod args;
pub mod facts;
pub mod health;
pub mod pages;
pub mod plan;
pub mod tags;
