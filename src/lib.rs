//! Quarterdeck: a terminal console for engineers on call for AWS.

pub mod fronts;
