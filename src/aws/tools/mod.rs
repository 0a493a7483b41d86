//! One file per tool.

mod ecs;
pub mod get_ecs_stopped_tasks;
pub mod list_ecs_services;
pub mod update_ecs_service;
