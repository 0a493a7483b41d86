//! The table of tools as the pure half sees it.

use super::{Fault, FaultKind, Projection, Risk, Spec, Watch, WriteCall};
use crate::approval::Proposal;
use serde_json::Value;
use std::collections::BTreeMap;

/// One tool: its specification and its pure functions. The registry fills it from the trait it implements.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The constant part.
    pub spec: &'static Spec,
    /// From the trait.
    pub risk: Risk,
    /// JSON schema of the arguments, `additionalProperties: false`.
    pub schema: Value,
    /// Parses the arguments into the tool's type and back: defaults filled in, canonical order.
    pub validate: fn(&Value) -> Result<Value, Fault>,
    /// How a change is verified; `None` for reads.
    pub verify: Option<fn(&Proposal) -> Watch>,
    /// What would undo a change; `None` for reads.
    pub inverse: Option<fn(&Proposal, &Projection) -> Option<WriteCall>>,
    /// Whether arguments can only undo a change: then they must be the inverse of one that was made.
    pub only_undoes: fn(&Value) -> bool,
}

/// All tools, by name. Sorted, so that the model's cached prefix is stable.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    tools: BTreeMap<&'static str, Tool>,
}

impl Catalogue {
    /// A catalogue of `tools`.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = Tool>) -> Self {
        Self { tools: tools.into_iter().map(|t| (t.spec.name, t)).collect() }
    }

    /// The tool named `name`.
    ///
    /// # Errors
    /// `missing`, with the nearest names.
    pub fn get(&self, name: &str) -> Result<&Tool, Fault> {
        self.tools.get(name).ok_or_else(|| {
            let near = crate::text::nearest(name, self.tools.keys().copied(), 3).join(", ");
            let shown: String = name.chars().take(64).collect();
            Fault::new(FaultKind::Missing, format!("there is no tool named {shown:?}"))
                .hint(format!("did you mean: {near}"))
        })
    }

    /// Every tool, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }
}
