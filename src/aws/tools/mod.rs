//! One file per tool; folders hold what several tools of a service share.

mod alarms;
mod changes;
pub(crate) mod ec2;
mod ecs;
pub mod get_active_alarms;
pub mod get_cloudwatch_logs;
pub mod get_ecs_stopped_tasks;
pub mod get_metrics;
pub mod get_recent_changes;
mod insights;
pub mod list_ec2_instances;
pub mod list_ecs_services;
pub mod list_rds_instances;
mod logs;
mod metrics;
pub mod query_logs_insights;
mod rds;
mod reading;
pub mod start_instances;
pub mod stop_instances;
pub mod update_ecs_service;
