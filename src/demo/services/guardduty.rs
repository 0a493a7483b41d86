//! GuardDuty.

use super::{Reply, Service, unknown};
use crate::account::security::{Detector, Finding};
use crate::page::page;
use crate::seed;
use crate::wire::rest::Route;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use serde_json::Value;

/// Its operations by method and path.
pub(crate) const ROUTES: &[Route] = &[
    ("GET /detector", "ListDetectors"),
    ("GET /detector/{detectorId}", "GetDetector"),
    ("POST /detector/{detectorId}/findings", "ListFindings"),
    ("POST /detector/{detectorId}/findings/get", "GetFindings"),
];

/// Findings listed or read at once.
const BATCH: i64 = 50;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "ListDetectors" => {
            let ids: Vec<&String> = detectors(world).map(|d| &d.id).collect();
            let page = page(ids, input.text("nextToken"), size(input)?, "BadRequestException")?;
            Ok(node! { "detectorIds" => page.items, "nextToken" => page.next }.into())
        }
        "GetDetector" => {
            let detector = detector(world, input)?;
            Ok(node! {
                "createdAt" => world.start.minus(detector.created.0).rfc3339(),
                "updatedAt" => world.start.minus(detector.created.0).rfc3339(),
                "findingPublishingFrequency" => "SIX_HOURS",
                "serviceRole" => format!("arn:aws:iam::{}:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty", world.account.header.id),
                "status" => if detector.enabled { "ENABLED" } else { "DISABLED" },
                "tags" => node! {},
            }
            .into())
        }
        "ListFindings" => list(world, input),
        "GetFindings" => get(world, input),
        other => Err(unknown(Service::GuardDuty, other)),
    }
}

fn bad(message: impl Into<String>) -> Failure {
    Failure::new("BadRequestException", message)
}

fn size(input: &Input) -> Result<usize, Failure> {
    let size = input.int("maxResults").unwrap_or(BATCH);
    if !(1..=BATCH).contains(&size) {
        return Err(bad("The request is rejected because the parameter maxResults is out of range."));
    }
    Ok(usize::try_from(size).unwrap_or(50))
}

fn detectors<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Detector> {
    let region = world.region;
    world.account.holds.security.detector.iter().filter(move |d| d.region == region)
}

fn detector<'a>(world: &World<'a>, input: &Input) -> Result<&'a Detector, Failure> {
    let id = input.need("detectorId", "BadRequestException")?;
    detectors(world).find(|d| d.id == id).ok_or_else(|| {
        bad("The request is rejected because the input detectorId is not owned by the current account.")
    })
}

/// The region's findings with their ids.
fn findings<'a>(world: &World<'a>) -> Vec<(String, &'a Finding)> {
    let here = world.account.holds.security.finding.iter().filter(|f| f.region == world.region);
    (0..).zip(here).map(|(n, f)| (seed::hex(&f.kind, n, 32), f)).collect()
}

fn list(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    detector(world, input)?;
    let criteria = input.inner("findingCriteria").inner("criterion");
    let mut found = Vec::new();
    for (id, finding) in findings(world) {
        if fits(world, finding, &criteria)? {
            found.push((id, finding));
        }
    }
    let sort = input.inner("sortCriteria");
    if sort.text("attributeName") == Some("severity") {
        found.sort_by(|(_, a), (_, b)| a.severity.total_cmp(&b.severity));
        if sort.text("orderBy") == Some("DESC") {
            found.reverse();
        }
    }
    let ids: Vec<String> = found.into_iter().map(|(id, _)| id).collect();
    let page = page(ids, input.text("nextToken"), size(input)?, "BadRequestException")?;
    Ok(node! { "findingIds" => page.items, "nextToken" => page.next.unwrap_or_default() }.into())
}

/// Whether a finding passes every criterion.
fn fits(world: &World<'_>, finding: &Finding, criteria: &Input) -> Result<bool, Failure> {
    for (attribute, condition) in criteria.0.as_object().into_iter().flatten() {
        let condition = Input(condition.clone());
        let number = match attribute.as_str() {
            "service.archived" => {
                let wanted = [condition.texts("eq"), condition.texts("equals")].concat();
                if !wanted.contains(&if finding.archived { "true" } else { "false" }) {
                    return Ok(false);
                }
                continue;
            }
            "severity" => finding.severity,
            "updatedAt" => seen(world, finding).1.millis() as f64,
            other => {
                return Err(bad(format!("The request is rejected because {other} is not an attribute.")));
            }
        };
        let bound =
            |short: &str, long: &str| condition.int(long).or_else(|| condition.int(short)).map(|n| n as f64);
        let low = bound("gte", "greaterThanOrEqual").is_none_or(|n| number >= n);
        let high = bound("lte", "lessThanOrEqual").is_none_or(|n| number <= n);
        if !low || !high {
            return Ok(false);
        }
    }
    Ok(true)
}

fn get(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let detector = detector(world, input)?;
    let ids = input.texts("findingIds");
    if ids.len() > 50 {
        return Err(bad("The request is rejected because the parameter findingIds has more than 50 items."));
    }
    let all = findings(world);
    let found = ids.iter().filter_map(|id| all.iter().find(|(f, _)| f == id));
    let found = found.map(|(id, f)| described(world, detector, id, f));
    Ok(node! { "findings" => Node::list(found) }.into())
}

/// When it was first and last seen, and how often.
fn seen(world: &World<'_>, finding: &Finding) -> (Timestamp, Timestamp, u32) {
    let (first, last) = (world.start.minus(finding.first.0), world.start.minus(finding.last.0));
    let until = world.course(&finding.during).last();
    let (Some(every), Some(until)) = (finding.every, until) else { return (first, last, finding.count) };
    let more = u32::try_from(until.since(world.start).as_millis() / every.0.as_millis().max(1)).unwrap_or(0);
    let last = if more == 0 { last } else { world.start.plus(every.0 * more) };
    (first, last, finding.count + more)
}

fn described(world: &World<'_>, detector: &Detector, id: &str, finding: &Finding) -> Node {
    let account = &world.account.header.id;
    let (first, last, count) = seen(world, finding);
    let of = |value: &toml::Value| serde_json::to_value(value).map_or(Node::Absent, |v| tree(&v));
    let info = if finding.sample { "{\"sample\":true}" } else { "{}" };
    node! {
        "accountId" => account,
        "arn" => world.arn("guardduty", &format!("detector/{}/finding/{id}", detector.id)),
        "createdAt" => first.rfc3339(),
        "updatedAt" => last.rfc3339(),
        "description" => &finding.title,
        "id" => id,
        "partition" => "aws",
        "region" => world.region,
        "resource" => of(&finding.resource),
        "schemaVersion" => "2.0",
        "service" => node! {
            "action" => finding.action.as_ref().map(of),
            "additionalInfo" => node! { "type" => "default", "value" => info },
            "archived" => finding.archived,
            "count" => count,
            "detectorId" => &detector.id,
            "eventFirstSeen" => first.rfc3339(),
            "eventLastSeen" => last.rfc3339(),
            "resourceRole" => "TARGET",
            "serviceName" => "guardduty",
        },
        "severity" => finding.severity,
        "title" => &finding.title,
        "type" => &finding.kind,
    }
}

/// What the account's file says, as it says it.
fn tree(value: &Value) -> Node {
    match value {
        Value::Null => Node::Absent,
        Value::Bool(v) => (*v).into(),
        Value::Number(n) => n.as_i64().map_or_else(|| n.as_f64().unwrap_or_default().into(), Node::Int),
        Value::String(text) => text.into(),
        Value::Array(items) => Node::list(items.iter().map(tree)),
        Value::Object(map) => Node::Map(map.iter().map(|(k, v)| (k.clone().into(), tree(v))).collect()),
    }
}
