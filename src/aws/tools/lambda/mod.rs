//! Lambda functions: reading them and their metrics, judging them, telling of them.

pub mod function;
pub mod metrics;
pub mod read;
pub mod runtimes;
pub mod view;
