//! One file per tool; folders hold what several tools of a service share.

pub(crate) mod ec2;
mod ecs;
pub mod get_ecs_stopped_tasks;
pub mod list_ec2_instances;
pub mod list_ecs_services;
pub mod start_instances;
pub mod stop_instances;
pub mod update_ecs_service;
