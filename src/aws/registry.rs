//! The table of tools: one line each.

use quarterdeck_core::tool::Catalogue;

/// Every tool, for the pure half.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue::default()
}
