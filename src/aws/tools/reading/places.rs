//! Results of several places: which columns say where a row is from, what was searched, what is missing.

use crate::place::{Gathered, Place};
use quarterdeck_core::tool::{Cell, ColumnKind, Fault, FaultKind, Partial};

/// Places named in a sentence.
const NAMED: usize = 6;

/// Which columns say where a row is from: only what differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceColumns {
    accounts: bool,
    regions: bool,
}

impl PlaceColumns {
    /// As many places as were asked.
    pub fn of<T>(gathered: &Gathered<T>) -> Self {
        Self { accounts: gathered.many_accounts, regions: gathered.many_regions }
    }

    /// These columns, then `rest`.
    pub fn before(self, rest: &[(&'static str, ColumnKind)]) -> Vec<(&'static str, ColumnKind)> {
        let account = self.accounts.then_some(("account", ColumnKind::Text));
        let region = self.regions.then_some(("region", ColumnKind::Text));
        account.into_iter().chain(region).chain(rest.iter().copied()).collect()
    }

    /// The cells of `place` under these columns.
    pub fn cells(self, place: &Place) -> impl Iterator<Item = Cell> {
        let account = self.accounts.then(|| Cell::from(place.account.clone()));
        let region = self.regions.then(|| Cell::from(place.region.as_str()));
        account.into_iter().chain(region)
    }
}

/// What is missing from an answer: places that did not answer, and parts of places that did.
pub fn errors<T>(out: &Gathered<T>, of: impl Fn(&T) -> &[(String, Fault)]) -> Vec<Partial> {
    let inside = out.answers.iter().flat_map(|(place, region)| {
        of(region).iter().map(|(what, fault)| Partial {
            account: place.account.clone().filter(|_| out.many_accounts),
            place: format!("{} {what}", place.region),
            fault: fault.clone(),
        })
    });
    let inside: Vec<Partial> = inside.collect();
    out.errors.iter().cloned().chain(inside).collect()
}

/// `missing`: there is no `what` named `wanted`; the nearest of `names`.
pub fn unknown<'a>(
    what: &str,
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
    searched: &str,
) -> Fault {
    let near = quarterdeck_core::text::nearest(wanted, names, 3);
    let fault = Fault::new(FaultKind::Missing, format!("there is no {what} {wanted:?} in {searched}"));
    if near.is_empty() { fault } else { fault.hint(format!("did you mean: {}", near.join(", "))) }
}

/// The places that answered, in words: `eu-west-1, us-east-1`.
pub fn searched<T>(out: &Gathered<T>) -> String {
    let mut names: Vec<String> = out
        .answers
        .iter()
        .map(|(p, _)| match p.account.as_ref().filter(|_| out.many_accounts) {
            Some(account) => format!("{account}/{}", p.region),
            None => p.region.clone(),
        })
        .collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}
