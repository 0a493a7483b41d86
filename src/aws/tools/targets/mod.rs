//! Targets of load balancers: what names mean, reading them, telling of them.

pub mod name;
pub mod read;
pub mod reason;
pub mod view;
