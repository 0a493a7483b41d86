//! A region's functions: every page, their metrics in batches, and of the most urgent ones what is reserved for them.

use super::function::{Account, Function, Reserved};
use super::metrics::{self, Usage};
use crate::clients::ReadClients;
use crate::place::Place;
use crate::tool::CEILING;
use crate::tools::list_lambda_functions::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::wildcard::fits;
use aws_sdk_lambda::Client;
use futures::{StreamExt, stream};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What Lambda gives in one answer.
const PAGE: i32 = 50;
/// Functions whose reserved concurrency is asked for: one request each, so only where it explains something.
pub const RESERVATIONS: usize = 50;
const AT_ONCE: usize = 8;

/// One region's functions.
#[derive(Debug, Default)]
pub struct Region {
    pub functions: Vec<Function>,
    /// By name; empty when metrics were not asked for.
    pub usage: BTreeMap<String, Usage>,
    /// By name, of those that were asked.
    pub reserved: BTreeMap<String, Reserved>,
    pub account: Account,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// Names there are, where the one named is not.
    pub others: Vec<String>,
    pub errors: Vec<(String, Fault)>,
}

impl Region {
    /// What is reserved for `name`, as far as known.
    pub fn reserved(&self, name: &str) -> Reserved {
        self.reserved.get(name).copied().unwrap_or_default()
    }
}

/// The functions of `place` that `args` asks for.
pub async fn region(
    aws: &ReadClients,
    place: &Place,
    args: &Args,
    patience: Patience,
) -> Result<Region, Fault> {
    let (lambda, now) = (aws.lambda(place), aws.now());
    let (listed, account) = futures::join!(functions(&lambda, args, patience), settings(&lambda, patience));
    let mut region = listed?;
    match account {
        Ok(account) => region.account = account,
        Err(fault) => region.errors.push(("the account's concurrency limit".to_owned(), fault)),
    }
    if args.metrics && !region.functions.is_empty() {
        let names: Vec<String> = region.functions.iter().map(|f| f.name.clone()).collect();
        let measured = metrics::measure(&aws.cloudwatch(place), &names, now, patience).await;
        region.usage = measured.usage;
        region.account.peak = measured.peak;
        region.account.unreserved_peak = measured.unreserved_peak;
        region.errors.extend(measured.lost);
    }
    reservations(&lambda, &mut region, now, patience).await;
    Ok(region)
}

/// Every page, or up to the one function that is named. Source: Lambda ListFunctions.
async fn functions(client: &Client, args: &Args, patience: Patience) -> Result<Region, Fault> {
    let mut region = Region::default();
    let (mut seen, mut marker) = (0, None);
    loop {
        let answer = patience.page(client.list_functions().max_items(PAGE).set_marker(marker).send()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(e) if seen == 0 => return Err(e.fault()),
            Err(e) => {
                region.errors.push((format!("functions after the first {seen}"), e.fault()));
                return Ok(region);
            }
        };
        marker = answer.next_marker.filter(|m| !m.is_empty());
        for function in answer.functions.unwrap_or_default() {
            seen += 1;
            let name = function.function_name().unwrap_or_default();
            if args.name.as_ref().is_none_or(|pattern| fits(pattern, name)) {
                region.functions.push(Function::of(function));
            } else if args.exact().is_some() {
                region.others.push(name.to_owned());
            }
        }
        let found = args.exact().is_some() && !region.functions.is_empty();
        if marker.is_none() || found {
            return Ok(region);
        }
        if seen >= CEILING {
            region.more = true;
            return Ok(region);
        }
        if patience.is_over() {
            let late =
                Fault::new(FaultKind::Timeout, "there was no time to read more").hint("name a function");
            region.errors.push((format!("functions after the first {seen}"), late));
            return Ok(region);
        }
    }
}

/// Source: Lambda GetAccountSettings.
async fn settings(client: &Client, patience: Patience) -> Result<Account, Fault> {
    let answer = patience.page(client.get_account_settings().send()).await.map_err(|e| e.fault())?;
    let limit = answer.account_limit();
    Ok(Account {
        limit: limit.map(aws_sdk_lambda::types::AccountLimit::concurrent_executions),
        unreserved: limit.and_then(aws_sdk_lambda::types::AccountLimit::unreserved_concurrent_executions),
        ..Account::default()
    })
}

/// What is reserved for the most urgent functions. Source: Lambda GetFunctionConcurrency.
async fn reservations(client: &Client, region: &mut Region, now: Timestamp, patience: Patience) {
    let rank = |f: &Function| {
        let usage = region.usage.get(&f.name);
        let throttled = usage.is_some_and(|u| u.throttles > 0.0);
        (Reverse(throttled), Reverse(f.urgency(usage, now)), f.name.clone())
    };
    let mut ranked: Vec<&Function> = region.functions.iter().collect();
    ranked.sort_by_cached_key(|f| rank(f));
    let names: Vec<String> = ranked.into_iter().take(RESERVATIONS).map(|f| f.name.clone()).collect();
    let reads = names.into_iter().map(|name| async move {
        if patience.is_over() {
            return (name, None);
        }
        let answer = patience.page(client.get_function_concurrency().function_name(&name).send()).await;
        (name, Some(answer.map_err(|e| e.fault())))
    });
    let answers: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let mut lost: Option<(Fault, usize)> = None;
    for (name, answer) in answers {
        match answer {
            Some(Ok(answer)) => {
                let reserved = answer.reserved_concurrent_executions.map_or(Reserved::None, Reserved::Of);
                region.reserved.insert(name, reserved);
            }
            // Deleted since it was listed.
            Some(Err(fault)) if fault.kind == FaultKind::Missing => {}
            Some(Err(fault)) => lost.get_or_insert((fault, 0)).1 += 1,
            None => {}
        }
    }
    if let Some((fault, n)) = lost {
        region.errors.push((format!("reserved concurrency of {n} functions"), fault));
    }
}
