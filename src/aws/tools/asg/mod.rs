//! EC2 Auto Scaling groups: reading them, judging them, telling of them.

pub mod group;
pub mod read;
pub mod view;
