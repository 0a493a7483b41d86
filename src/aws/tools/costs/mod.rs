//! What the cost tools share: days, exact amounts, Cost Explorer's requests and faults.

pub mod amount;
pub mod anomalies;
pub mod anomaly_view;
pub mod compare;
pub mod days;
pub mod fault;
pub mod month;
pub mod usage;
pub mod view;
