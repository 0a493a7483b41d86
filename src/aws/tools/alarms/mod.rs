//! CloudWatch alarms: reading them, and one alarm as a row.

pub mod alarm;
pub mod read;
pub mod view;
