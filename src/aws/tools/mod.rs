//! One file per tool; folders hold what several tools of a service share.

pub(crate) mod ec2;
pub mod list_ec2_instances;
pub mod start_instances;
pub mod stop_instances;
