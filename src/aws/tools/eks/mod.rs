//! EKS clusters: reading them, telling of them.

pub mod read;
pub mod view;
