//! One file per tool; folders hold what several tools of a service share.

mod alarms;
pub mod audit_s3_buckets;
mod changes;
pub mod create_s3_bucket;
pub(crate) mod ec2;
mod ecs;
pub mod get_active_alarms;
pub mod get_cloudwatch_logs;
pub mod get_ecs_stopped_tasks;
pub mod get_recent_changes;
pub mod list_ec2_instances;
pub mod list_ecs_services;
pub mod list_s3_buckets;
pub mod list_s3_objects;
mod logs;
mod reading;
pub(crate) mod s3;
pub mod search_s3_objects;
pub mod start_instances;
pub mod stop_instances;
pub mod update_ecs_service;
