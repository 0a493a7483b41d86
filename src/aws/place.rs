//! Where a call goes: one account, one region.

use quarterdeck_core::tool::{Fault, Partial};

/// One account and one region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The account's name in the configuration; `None` for the session's own.
    pub account: Option<String>,
    /// The region.
    pub region: String,
}

/// What came back from several places: answers and what is missing, both in the order asked.
#[derive(Debug)]
pub struct Gathered<T> {
    /// Who answered.
    pub answers: Vec<(Place, T)>,
    /// Who did not, and why.
    pub errors: Vec<Partial>,
    /// Whether more than one account was asked.
    pub many_accounts: bool,
    /// Whether more than one region was asked.
    pub many_regions: bool,
}

impl<T> Gathered<T> {
    /// The answers, unless there is none at all.
    ///
    /// # Errors
    /// The first fault, when every place failed.
    pub fn or_fault(self) -> Result<Self, Fault> {
        match (self.answers.is_empty(), self.errors.first()) {
            (true, Some(first)) => Err(first.fault.clone()),
            (true, None) | (false, _) => Ok(self),
        }
    }
}
