//! Databases: reading them with everything around them, and judging what needs attention.

pub mod connections;
pub mod database;
pub mod read;
pub mod view;
