//! Tools whose service has one endpoint for the whole account: no regions, only accounts.

use super::places::PlaceColumns;
use crate::clients::ReadClients;
use crate::place::{Gathered, Place};
use quarterdeck_core::tool::{Fault, Partial};
use std::future::Future;

/// Accounts named in a sentence.
const NAMED: usize = 6;

/// Runs `read` once in every account asked for and merges. What did not answer is told as `service` ("IAM"), not as
/// the region its endpoint happens to be in.
///
/// # Errors
/// An account that is not configured; the first fault, when no account answered.
pub async fn gather<T, F, Fut>(
    aws: &ReadClients,
    accounts: Option<&[String]>,
    service: &str,
    read: F,
) -> Result<Gathered<T>, Fault>
where
    T: Send,
    F: Fn(Place) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, Fault>> + Send,
{
    let places = aws.global_places(accounts).await?;
    let mut out = aws.gather(places, read).await;
    for error in &mut out.errors {
        service.clone_into(&mut error.place);
    }
    // Accounts of two partitions are reached in two regions, which says nothing about what was read.
    out.many_regions = false;
    out.or_fault()
}

/// The account column, where more than one account was asked.
pub fn columns<T>(out: &Gathered<T>) -> PlaceColumns {
    PlaceColumns::of(out)
}

/// What is missing from an answer: accounts that did not answer, and parts of accounts that did.
pub fn errors<T>(out: &Gathered<T>, of: impl Fn(&T) -> &[(String, Fault)]) -> Vec<Partial> {
    let inside = out.answers.iter().flat_map(|(place, answer)| {
        of(answer).iter().map(|(what, fault)| Partial {
            account: place.account.clone().filter(|_| out.many_accounts),
            place: what.clone(),
            fault: fault.clone(),
        })
    });
    let inside: Vec<Partial> = inside.collect();
    out.errors.iter().cloned().chain(inside).collect()
}

/// The accounts that answered, in words: `the account`, `account prod`, `accounts prod, staging`.
pub fn searched<T>(out: &Gathered<T>) -> String {
    let named: Vec<&str> =
        out.answers.iter().map(|(p, _)| p.account.as_deref().unwrap_or("the session's own")).collect();
    let more = named.len().saturating_sub(NAMED);
    let names = named.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match (named.as_slice(), more) {
        ([], _) => "no account".to_owned(),
        ([one], _) if out.answers.first().is_some_and(|(p, _)| p.account.is_some()) => {
            format!("account {one}")
        }
        ([_], _) => "the account".to_owned(),
        (_, 0) => format!("accounts {names}"),
        (_, more) => format!("accounts {names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::tool::{ColumnKind, FaultKind};

    fn gathered(accounts: &[Option<&str>]) -> Gathered<Vec<(String, Fault)>> {
        let place = |a: &Option<&str>| Place { account: a.map(str::to_owned), region: "us-east-1".into() };
        Gathered {
            answers: accounts.iter().map(|a| (place(a), Vec::new())).collect(),
            errors: Vec::new(),
            many_accounts: accounts.len() > 1,
            many_regions: false,
        }
    }

    #[test]
    fn accounts_in_words_and_columns() {
        for (accounts, words, columns) in [
            ([None].as_slice(), "the account", 1),
            (&[Some("prod")], "account prod", 1),
            (&[Some("prod"), Some("staging")], "accounts prod, staging", 2),
            (
                &[Some("a"), Some("b"), Some("c"), Some("d"), Some("e"), Some("f"), Some("g")],
                "accounts a, b, c, d, e, f and 1 more",
                2,
            ),
        ] {
            let out = gathered(accounts);
            assert_eq!(searched(&out), words);
            assert_eq!(super::columns(&out).before(&[("user", ColumnKind::Id)]).len(), columns, "{words}");
        }
    }

    #[test]
    fn what_is_missing_names_the_account_only_where_there_are_several() {
        for (accounts, account) in
            [([None].as_slice(), None), (&[Some("prod"), Some("staging")], Some("prod".to_owned()))]
        {
            let mut out = gathered(accounts);
            out.answers[0].1.push(("GetAccountSummary".into(), Fault::new(FaultKind::Denied, "no")));
            let errors = errors(&out, |parts| parts);
            assert_eq!((errors[0].place.as_str(), &errors[0].account), ("GetAccountSummary", &account));
        }
    }
}
