//! One region's detector and its findings.

use super::finding::Severity;
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_guardduty::Client;
use aws_sdk_guardduty::types::{Condition, DetectorStatus, Finding, FindingCriteria, OrderBy, SortCriteria};
use futures::StreamExt;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};

/// Findings GetFindings takes at once, and ListFindings lists at once.
const BATCH: usize = 50;
/// Batches read at the same time.
const AT_ONCE: usize = 4;

/// Whether GuardDuty watches a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// It runs.
    Yes,
    /// It was switched off; what it found before is kept.
    Suspended,
    /// There is no detector at all.
    Never,
    /// It could not be read.
    NotKnown,
}

/// What one region answered.
#[derive(Debug)]
pub struct Region {
    /// Whether it is watched.
    pub watching: Watching,
    /// The most severe first.
    pub findings: Vec<Finding>,
    /// Whether there are more than the ceiling.
    pub more: bool,
    /// What is missing, and why.
    pub errors: Vec<(String, Fault)>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// At least this severe.
    pub severity: Option<Severity>,
    /// Updated since then.
    pub since: Option<Timestamp>,
}

/// Source: GuardDuty ListDetectors, GetDetector, ListFindings, GetFindings.
///
/// # Errors
/// Whether there is a detector cannot be read, or nothing of what it found.
pub async fn region(client: Client, asked: Asked, patience: Patience) -> Result<Region, Fault> {
    let mut region =
        Region { watching: Watching::Never, findings: Vec::new(), more: false, errors: Vec::new() };
    // AWS allows one detector in a region.
    let listed =
        patience.page(client.list_detectors().max_results(50).send()).await.map_err(|e| e.fault())?;
    let Some(detector) = listed.detector_ids().first() else { return Ok(region) };
    let (state, ids) = futures::join!(
        patience.page(client.get_detector().detector_id(detector).send()),
        ids(&client, detector, asked, patience),
    );
    region.watching = match state {
        Ok(state) => match state.status() {
            Some(DetectorStatus::Enabled) => Watching::Yes,
            Some(DetectorStatus::Disabled) => Watching::Suspended,
            Some(_) | None => Watching::NotKnown,
        },
        Err(e) => {
            region.errors.push(("GetDetector (whether it runs)".to_owned(), e.fault()));
            Watching::NotKnown
        }
    };
    let ids = match ids {
        Ok(ids) => ids,
        // That it does not run is worth telling even where its findings are not to be had.
        Err(fault) if region.watching == Watching::Suspended => {
            region.errors.push(("ListFindings".to_owned(), fault));
            return Ok(region);
        }
        Err(fault) => return Err(fault),
    };
    region.more = ids.more;
    region
        .errors
        .extend(ids.lost.map(|fault| (format!("findings after the first {}", ids.all.len()), fault)));
    let batches: Vec<Vec<String>> = ids.all.chunks(BATCH).map(<[String]>::to_vec).collect();
    let read = batches.into_iter().map(|batch| async {
        let n = batch.len();
        let ask = client.get_findings().detector_id(detector).set_finding_ids(Some(batch)).send();
        (n, patience.page(ask).await.map_err(|e| e.fault()))
    });
    let answers: Vec<_> = futures::stream::iter(read).buffered(AT_ONCE).collect().await;
    for (n, answer) in answers {
        match answer {
            Ok(answer) => region.findings.extend(answer.findings.unwrap_or_default()),
            Err(fault) if region.findings.is_empty() && n == ids.all.len() => return Err(fault),
            Err(fault) => region.errors.push((format!("{n} of the findings"), fault)),
        }
    }
    Ok(region)
}

/// Finding ids, the most severe first.
#[derive(Default)]
struct Ids {
    all: Vec<String>,
    more: bool,
    lost: Option<Fault>,
}

async fn ids(client: &Client, detector: &str, asked: Asked, patience: Patience) -> Result<Ids, Fault> {
    let mut ids = Ids::default();
    let mut token = None;
    loop {
        if patience.is_over() && !ids.all.is_empty() {
            ids.lost = Some(Fault::new(FaultKind::Timeout, "there was no time left to list the rest"));
            return Ok(ids);
        }
        let page = client
            .list_findings()
            .detector_id(detector)
            .finding_criteria(criteria(asked))
            .sort_criteria(SortCriteria::builder().attribute_name("severity").order_by(OrderBy::Desc).build())
            .max_results(i32::try_from(BATCH).unwrap_or(50))
            .set_next_token(token)
            .send();
        let page = match patience.page(page).await {
            Ok(page) => page,
            Err(e) if ids.all.is_empty() => return Err(e.fault()),
            Err(e) => {
                ids.lost = Some(e.fault());
                return Ok(ids);
            }
        };
        ids.all.extend(page.finding_ids.unwrap_or_default());
        token = page.next_token.filter(|t| !t.is_empty());
        if ids.all.len() >= CEILING && (token.is_some() || ids.all.len() > CEILING) {
            ids.all.truncate(CEILING);
            ids.more = true;
            return Ok(ids);
        }
        if token.is_none() {
            return Ok(ids);
        }
    }
}

/// Not archived, and what was asked for. Times are milliseconds since 1970.
fn criteria(asked: Asked) -> FindingCriteria {
    let mut criteria = FindingCriteria::builder()
        .criterion("service.archived", Condition::builder().equals("false").build());
    if let Some(severity) = asked.severity {
        let from = Condition::builder().greater_than_or_equal(severity.number()).build();
        criteria = criteria.criterion("severity", from);
    }
    if let Some(since) = asked.since {
        let from = Condition::builder().greater_than_or_equal(since.millis()).build();
        criteria = criteria.criterion("updatedAt", from);
    }
    criteria.build()
}
