//! CloudTrail.

use super::{Reply, Service, unknown};
use crate::page::page;
use crate::trail::{Record, records};
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;

const PAGE: i64 = 50;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "LookupEvents" => lookup(world, input),
        other => Err(unknown(Service::CloudTrail, other)),
    }
}

fn lookup(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let from = input.time("StartTime").unwrap_or(Timestamp::from_millis(0));
    let until = input.time("EndTime").unwrap_or(world.now);
    if from > until {
        return Err(Failure::new("InvalidTimeRangeException", "The start time must be before the end time."));
    }
    let size = input.int("MaxResults").unwrap_or(PAGE);
    if !(1..=PAGE).contains(&size) {
        return Err(Failure::new("InvalidMaxResultsException", "The max results must be between 1 and 50."));
    }
    let attributes = input.list("LookupAttributes");
    if attributes.len() > 1 {
        return Err(Failure::new(
            "InvalidLookupAttributesException",
            "Only one lookup attribute can be specified.",
        ));
    }
    let mut found = records(world, from, until);
    if let Some(attribute) = attributes.first() {
        let key = attribute.need("AttributeKey", "InvalidLookupAttributesException")?;
        let value = attribute.need("AttributeValue", "InvalidLookupAttributesException")?;
        if !KEYS.contains(&key) {
            return Err(Failure::new(
                "InvalidLookupAttributesException",
                format!("{key} is not a lookup attribute."),
            ));
        }
        found.retain(|r| matches(r, key, value));
    }
    let page = page(
        found,
        input.text("NextToken"),
        usize::try_from(size).unwrap_or(50),
        "InvalidNextTokenException",
    )?;
    Ok(node! { "Events" => page.items.iter().map(event).collect::<Vec<_>>(), "NextToken" => page.next }
        .into())
}

const KEYS: [&str; 8] = [
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
];

fn matches(record: &Record, key: &str, value: &str) -> bool {
    match key {
        "EventId" => record.id == value,
        "EventName" => record.name == value,
        "ReadOnly" => record.read_only.to_string() == value,
        "Username" => record.user == value,
        "ResourceType" => record.resources.iter().any(|(kind, _)| kind == value),
        "ResourceName" => record.resources.iter().any(|(_, name)| name == value),
        "EventSource" => record.source == value,
        _ => record.access_key == value,
    }
}

fn event(record: &Record) -> Node {
    let resources = record.resources.iter().map(|(kind, name)| {
        node! { "ResourceType" => kind, "ResourceName" => name }
    });
    node! {
        "EventId" => &record.id,
        "EventName" => &record.name,
        "ReadOnly" => record.read_only.to_string(),
        "AccessKeyId" => &record.access_key,
        "EventTime" => Timestamp::from_millis(record.at.millis() / 1000 * 1000),
        "EventSource" => &record.source,
        "Username" => &record.user,
        "Resources" => Node::list(resources),
        "CloudTrailEvent" => record.detail.to_string(),
    }
}
