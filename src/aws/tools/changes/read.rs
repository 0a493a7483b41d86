//! Looking events up: 2 requests a second and region, so paced, and bounded.

use super::change::Change;
use super::filter::{Lookup, Wanted, lookups};
use crate::clients::ReadClients;
use crate::place::Place;
use crate::tools::get_recent_changes::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::period::Period;
use aws_sdk_cloudtrail::types::LookupAttribute;
use aws_smithy_types::DateTime;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::Fault;
use std::collections::HashSet;
use std::time::Duration;

/// Pages of fifty events, where CloudTrail filters for us.
pub const PAGES: usize = 10;
/// Pages where most events are dropped here.
pub const PAGES_SPARSE: usize = 30;
/// Between two requests of a region.
const PACE: Duration = Duration::from_millis(500);

/// What one region's history holds.
#[derive(Debug, Default)]
pub struct RegionChanges {
    /// What is wanted, newest first.
    pub changes: Vec<Change>,
    /// Events read for it.
    pub read: usize,
    /// The oldest event that was reached.
    pub oldest: Option<Timestamp>,
    /// Why older events were not read.
    pub stopped: Option<String>,
    /// Events without a text that can be read.
    pub unreadable: usize,
    /// Only events of global services were kept.
    pub global_only: bool,
    /// What is missing and why.
    pub errors: Vec<(String, Fault)>,
}

/// Looks up what `wanted` keeps. Source: CloudTrail LookupEvents.
///
/// # Errors
/// As AWS answers, when not a single event could be read.
pub async fn region(
    aws: &ReadClients,
    place: &Place,
    args: &Args,
    wanted: &Wanted,
    period: Period,
    (patience, global_only): (Patience, bool),
) -> Result<RegionChanges, Fault> {
    let mut reader = Reader {
        aws,
        place,
        wanted,
        period,
        limit: args.limit(),
        patience,
        requests: 0,
        seen: HashSet::new(),
        region: RegionChanges { global_only, ..RegionChanges::default() },
    };
    let lookups = lookups(args);
    for lookup in &lookups {
        // By user, the walk through everything is only for what the index does not know by that name.
        if lookup.whole && args.user.is_some() && lookups.len() > 1 && !reader.region.changes.is_empty() {
            break;
        }
        if let Err(fault) = reader.walk(lookup).await {
            if reader.region.read == 0 {
                return Err(fault);
            }
            let until = reader.region.oldest.unwrap_or(period.until).max(period.from);
            reader.region.errors.push((format!("events before {until}"), fault));
            break;
        }
    }
    let mut region = reader.region;
    region.changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    Ok(region)
}

struct Reader<'a> {
    aws: &'a ReadClients,
    place: &'a Place,
    wanted: &'a Wanted,
    period: Period,
    limit: usize,
    patience: Patience,
    requests: u32,
    seen: HashSet<String>,
    region: RegionChanges,
}

impl Reader<'_> {
    /// Every page of one lookup, within bounds.
    async fn walk(&mut self, lookup: &Lookup) -> Result<(), Fault> {
        let client = self.aws.cloudtrail(self.place);
        let attribute = match &lookup.attribute {
            Some((key, value)) => Some(
                LookupAttribute::builder()
                    .attribute_key(key.clone())
                    .attribute_value(value)
                    .build()
                    .map_err(|e| Fault::new(quarterdeck_core::tool::FaultKind::Invalid, e.to_string()))?,
            ),
            None => None,
        };
        let most = if self.wanted.sparse() && lookup.whole { PAGES_SPARSE } else { PAGES };
        let mut token = None;
        let mut oldest = None;
        for page in 0..=most {
            if page == most || (page > 0 && self.patience.is_over()) {
                self.stop(lookup, oldest, &format!("stopped after {page} pages"));
                return Ok(());
            }
            if self.requests > 0 {
                tokio::time::sleep(PACE).await;
            }
            self.requests += 1;
            let asked = client
                .lookup_events()
                .set_lookup_attributes(attribute.clone().map(|a| vec![a]))
                .start_time(DateTime::from_millis(self.period.from.millis()))
                .end_time(DateTime::from_millis(self.period.until.millis()))
                .max_results(50)
                .set_next_token(token);
            let answer = self.patience.page(asked.send()).await.map_err(|e| e.fault())?;
            for event in answer.events() {
                let change = Change::of(event);
                oldest = oldest.min(change.at).or(change.at);
                self.add(change, lookup.whole);
            }
            self.tell();
            token = answer.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                if lookup.whole {
                    self.region.stopped = None;
                }
                return Ok(());
            }
            if self.region.changes.len() >= self.limit {
                self.stop(lookup, oldest, &format!("{} found", self.limit));
                return Ok(());
            }
        }
        Ok(())
    }

    fn add(&mut self, change: Change, whole: bool) {
        if !change.id.is_empty() && !self.seen.insert(change.id.clone()) {
            return;
        }
        self.region.read += 1;
        if whole && change.at.is_some() {
            self.region.oldest = self.region.oldest.min(change.at).or(change.at);
        }
        let global = !self.region.global_only || GLOBAL.contains(&change.service.as_str());
        if global && self.wanted.keeps(&change) {
            self.region.unreadable += usize::from(!change.readable);
            self.region.changes.push(change);
        }
    }

    /// Older events were not read. What the index did not give is still found by the walk through everything.
    fn stop(&mut self, lookup: &Lookup, oldest: Option<Timestamp>, why: &str) {
        if lookup.whole || self.region.stopped.is_none() {
            let back = oldest.map_or_else(String::new, |at| format!(", back to {at}"));
            self.region.stopped = Some(format!("{why}{back}"));
        }
    }

    fn tell(&self) {
        self.aws.progress(Progress {
            done: self.requests.into(),
            total: None,
            unit: "pages",
            rows: u64::try_from(self.region.changes.len()).unwrap_or(u64::MAX),
            partial: None,
        });
    }
}

/// Services whose events are all recorded in us-east-1.
const GLOBAL: [&str; 19] = [
    "iam",
    "sts",
    "signin",
    "sso",
    "organizations",
    "account",
    "cloudfront",
    "route53",
    "route53domains",
    "globalaccelerator",
    "waf",
    "shield",
    "support",
    "billingconsole",
    "ce",
    "budgets",
    "health",
    "trustedadvisor",
    "artifact",
];
