//! CloudWatch metrics: reading them in batches, the periods they exist in, what changed, the names there are.

pub mod change;
pub mod data;
pub mod grid;
pub mod near;
pub mod view;
