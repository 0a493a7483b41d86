//! Calls of tools as the engine makes them, and what tests ask of their results.

use super::emulator::ACCOUNT;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::approval::Proposal;
use quarterdeck_core::journal::CallStats;
use quarterdeck_core::tool::{Fault, Projection};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

pub async fn read(aws: &Aws, tool: &str, args: Value) -> Result<(Projection, CallStats), Fault> {
    registry::read(aws, tool, &args, Arc::new(|_| ())).await
}

pub async fn ok(aws: &Aws, tool: &str, args: Value) -> Projection {
    let read = read(aws, tool, args.clone()).await;
    read.unwrap_or_else(|fault| panic!("{tool} {args}: {fault}")).0
}

/// One column of every row, as text.
pub fn column(projection: &Projection, name: &str) -> Vec<String> {
    let cell = |row| projection.cell(row, name).unwrap_or_else(|| panic!("no column {name}")).plain();
    projection.rows.iter().map(cell).collect()
}

pub fn unique(projection: &Projection, name: &str) -> usize {
    column(projection, name).into_iter().collect::<BTreeSet<_>>().len()
}

/// A rule that answers `code` in the wire format of the request.
pub fn refusal(operation: &str, code: &str, message: &str, times: i64) -> Value {
    json!([{ "operation": operation, "code": code, "message": message, "times": times,
        "status": if code.contains("Limit") { 503 } else { 400 } }])
}

pub fn not_allowed(action: &str) -> String {
    format!(
        "User: arn:aws:iam::{ACCOUNT}:user/sam is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action"
    )
}

pub async fn plan(aws: &Aws, tool: &str, args: Value) -> Result<Proposal, Fault> {
    registry::plan(aws, tool, &args, Arc::new(|_| ())).await
}

pub async fn planned(aws: &Aws, tool: &str, args: Value) -> Proposal {
    plan(aws, tool, args.clone()).await.unwrap_or_else(|fault| panic!("{tool} {args}: {fault}"))
}
