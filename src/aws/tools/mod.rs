//! One file per tool; folders hold what several tools of a service share.

mod alarms;
mod changes;
mod costs;
pub(crate) mod ec2;
mod ecs;
pub mod get_active_alarms;
pub mod get_cloudwatch_logs;
pub mod get_cost_anomalies;
pub mod get_cost_by_service;
pub mod get_ecs_stopped_tasks;
pub mod get_recent_changes;
pub mod list_ec2_instances;
pub mod list_ecs_services;
mod logs;
mod reading;
pub mod start_instances;
pub mod stop_instances;
pub mod update_ecs_service;
