//! `quarterdeck tools`: what there is.

use quarterdeck_core::tool::{Catalogue, Tool};
use serde_json::{Value, json};

/// The catalogue as a table, or as JSON with the schemas.
#[must_use]
pub fn tools(catalogue: &Catalogue, as_json: bool) -> String {
    if as_json {
        return Value::from(catalogue.iter().map(describe).collect::<Vec<_>>()).to_string();
    }
    let lines = catalogue.iter().map(|t| {
        let first = t.spec.description.split_inclusive(". ").next().unwrap_or_default();
        format!("{:<28} {:<6} {}", t.spec.name, t.risk.label(), first.trim())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn describe(tool: &Tool) -> Value {
    json!({
        "name": tool.spec.name,
        "description": tool.spec.description,
        "risk": tool.risk,
        "iam": actions(tool),
        "region": tool.spec.region,
        "billed": tool.spec.billed,
        "schema": tool.schema,
    })
}

/// Every IAM action of a tool, once.
fn actions(tool: &Tool) -> Vec<&'static str> {
    let ops = tool.spec.reads.iter().chain(tool.spec.writes);
    let mut actions: Vec<_> = ops.flat_map(|op| op.iam).copied().collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// One tool's description and fields.
#[must_use]
pub fn help(tool: &Tool) -> String {
    let mut lines = vec![
        format!("{} ({})", tool.spec.name, tool.risk.label()),
        String::new(),
        tool.spec.description.to_owned(),
        String::new(),
    ];
    let fields = tool.schema.pointer("/properties").and_then(Value::as_object);
    for (name, field) in fields.into_iter().flatten() {
        let doc = field.get("description").and_then(Value::as_str).unwrap_or_default();
        lines.push(format!("  --{:<24} {}", name.replace('_', "-"), doc.replace('\n', " ")));
    }
    lines.push(format!("  --{:<24} {}", "json", "the whole result as one JSON object"));
    lines.push(format!("\nIAM actions: {}", actions(tool).join(", ")));
    lines.join("\n")
}
