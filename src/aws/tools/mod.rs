//! One file per tool; folders hold what several tools of a service share.

mod alarms;
pub mod audit_iam_users;
pub mod audit_security_groups;
mod changes;
pub mod check_iam_key_age;
pub(crate) mod ec2;
mod ecs;
pub mod get_active_alarms;
pub mod get_cloudwatch_logs;
pub mod get_ecs_stopped_tasks;
pub mod get_recent_changes;
mod iam;
mod guardduty;
pub mod list_ec2_instances;
pub mod list_ecs_services;
pub mod list_guardduty_findings;
mod logs;
mod reading;
pub mod set_access_key_status;
pub mod revoke_security_group_ingress;
mod security_groups;
pub mod start_instances;
pub mod stop_instances;
pub mod update_ecs_service;
