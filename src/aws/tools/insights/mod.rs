//! CloudWatch Logs Insights: what a query would cost, running it within that, its rows.

pub mod price;
pub mod run;
pub mod view;
