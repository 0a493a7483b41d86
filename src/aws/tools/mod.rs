//! One file per tool.

mod ecs;
pub mod list_ecs_services;
