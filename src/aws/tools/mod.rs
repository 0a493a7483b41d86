//! One file per tool; folders hold what several tools of a service share.

mod alarms;
mod asg;
mod changes;
pub(crate) mod ec2;
mod ecs;
mod eks;
pub mod get_active_alarms;
pub mod get_cloudwatch_logs;
pub mod get_ecs_stopped_tasks;
pub mod get_recent_changes;
pub mod get_target_health;
mod lambda;
pub mod list_auto_scaling_groups;
pub mod list_ec2_instances;
pub mod list_ecs_services;
pub mod list_eks_clusters;
pub mod list_lambda_functions;
mod logs;
mod reading;
pub mod start_instances;
pub mod stop_instances;
mod targets;
pub mod update_ecs_service;
