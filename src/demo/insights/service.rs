//! StartQuery, GetQueryResults and StopQuery. A query's id says what it asks, so nothing has to be remembered of it.

use super::eval::Row;
use super::{Found, Malformed, Query};
use crate::lines;
use crate::seed;
use crate::services::Reply;
use crate::told::Told;
use crate::wire::{Failure, Input, Node, node};
use crate::world::{What, World};
use quarterdeck_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Bytes scanned in a second.
const SPEED: u64 = 1_000_000_000;
/// Log groups of one query.
const GROUPS: usize = 50;

/// What a query asks: its id, written out.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    groups: Vec<String>,
    query: String,
    from: i64,
    until: i64,
    limit: usize,
    at: i64,
}

/// StartQuery.
pub(crate) fn start(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let invalid = |message: &str| Failure::new("InvalidParameterException", message);
    let mut groups: Vec<String> = input.texts("logGroupNames").into_iter().map(str::to_owned).collect();
    groups.extend(input.text("logGroupName").map(str::to_owned));
    groups.extend(input.texts("logGroupIdentifiers").into_iter().map(|id| {
        let name = id.split_once(":log-group:").map_or(id, |(_, name)| name);
        name.trim_end_matches(":*").to_owned()
    }));
    if groups.is_empty() || groups.len() > GROUPS {
        return Err(invalid("Between 1 and 50 log groups must be specified."));
    }
    let known = lines::groups(world);
    if let Some(missing) = groups.iter().find(|g| !known.contains(g)) {
        return Err(Failure::new(
            "ResourceNotFoundException",
            format!(
                "Log group '{missing}' does not exist for account ID '{}' (Service: AWSLogs; Status Code: 400)",
                world.account.header.id
            ),
        ));
    }
    let (Some(from), Some(until)) = (input.int("startTime"), input.int("endTime")) else {
        return Err(invalid("startTime and endTime are required."));
    };
    if from > until {
        return Err(invalid("End time should not be less than start time."));
    }
    let limit = input.int("limit").unwrap_or(10_000);
    if !(1..=10_000).contains(&limit) {
        return Err(invalid("1 validation error detected: Value at 'limit' must be between 1 and 10000"));
    }
    let query = input.text("queryString").unwrap_or_default().to_owned();
    Query::parse(&query).map_err(|e| malformed(&e))?;
    let limit = usize::try_from(limit).unwrap_or(10_000);
    let asked = Asked { groups, query, from, until, limit, at: world.now.millis() };
    let id = serde_json::to_vec(&asked).map_err(|e| invalid(&e.to_string()))?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(node! { "queryId" => id }.into())
}

/// GetQueryResults: what was found in the part of the period that was scanned by now.
pub(crate) fn results(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.text("queryId").unwrap_or_default();
    let asked = read(id).ok_or_else(unknown)?;
    let query = Query::parse(&asked.query).map_err(|e| malformed(&e))?;
    let ended = stopped(world, id);
    let records = records(world, &asked);
    let bytes: u64 = records.iter().map(|r| r.bytes).sum();
    let scanned = scanned(&asked, ended.unwrap_or(world.now), bytes);
    let status = match (scanned < bytes, ended) {
        (false, _) => "Complete",
        (true, Some(_)) => "Cancelled",
        (true, None) => "Running",
    };
    let mut so_far = 0;
    let part: Vec<Scanned> = records
        .into_iter()
        .take_while(|r| {
            so_far += r.bytes;
            so_far <= scanned
        })
        .collect();
    let bytes_so_far: u64 = part.iter().map(|r| r.bytes).sum();
    let each = part.iter().map(|r| r.stands_for).max().unwrap_or(1);
    let count = part.len() as u64 * u64::from(each);
    let Found { rows, matched } = query.run(part.into_iter().map(|r| r.row).collect(), asked.limit);
    let rows = rows.into_iter().map(|row| {
        Node::list(row.into_iter().map(|(field, value)| node! { "field" => field, "value" => value }))
    });
    Ok(node! {
        "queryLanguage" => "CWLI",
        "results" => Node::list(rows),
        "statistics" => node! {
            "recordsMatched" => matched as f64 * f64::from(each),
            "recordsScanned" => count as f64,
            "bytesScanned" => bytes_so_far as f64,
            "logGroupsScanned" => asked.groups.len() as f64,
        },
        "status" => status,
    }
    .into())
}

/// StopQuery.
pub(crate) fn stop(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let id = input.text("queryId").unwrap_or_default();
    let asked = read(id).ok_or_else(unknown)?;
    let bytes = records(world, &asked).iter().map(|r| r.bytes).sum();
    if scanned(&asked, world.now, bytes) >= bytes || stopped(world, id).is_some() {
        return Err(Failure::new("InvalidParameterException", "The specified query is not running."));
    }
    let told = Told::new("logs.amazonaws.com", "StopQuery", json!({ "queryId": id }));
    Ok(Reply { body: node! { "success" => true }, action: Some(What::Other(told)) })
}

/// When the query was stopped.
fn stopped(world: &World<'_>, id: &str) -> Option<Timestamp> {
    let is = |told: &Told| told.name == "StopQuery" && told.request.get("queryId").is_some_and(|q| q == id);
    world.actions.iter().find(|a| a.what.other().is_some_and(is)).map(|a| a.at)
}

/// Bytes scanned by `now`, of `bytes`. What takes less than a second has ended at once.
fn scanned(asked: &Asked, now: Timestamp, bytes: u64) -> u64 {
    let needed = Duration::from_secs(bytes / SPEED);
    let passed = now.since(Timestamp::from_millis(asked.at));
    if passed >= needed { bytes } else { (passed.as_secs_f64() * SPEED as f64) as u64 }
}

/// One event, and what it stands for.
struct Scanned {
    row: Row,
    bytes: u64,
    stands_for: u32,
}

fn records(world: &World<'_>, asked: &Asked) -> Vec<Scanned> {
    let from = Timestamp::from_millis(asked.from * 1_000);
    // The end is part of the period: a whole second of it.
    let until = Timestamp::from_millis((asked.until + 1) * 1_000);
    let mut all = Vec::new();
    for group in &asked.groups {
        let log = format!("{}:{group}", world.account.header.id);
        let stands_for = lines::stands_for(world, group);
        for line in lines::lines(world, group, from, until) {
            let pointer = seed::hex(&line.stream, line.at.millis().unsigned_abs(), 32);
            let bytes = lines::bytes(&line) * u64::from(stands_for);
            let row = Row::event(line.at, &log, &line.stream, &line.message, pointer);
            all.push(Scanned { row, bytes, stands_for });
        }
    }
    all.sort_by_key(|s| s.row.at);
    all
}

fn read(id: &str) -> Option<Asked> {
    let digits: Option<Vec<u8>> = (0..id.len())
        .step_by(2)
        .map(|at| id.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    serde_json::from_slice(&digits?).ok()
}

fn unknown() -> Failure {
    Failure::new("ResourceNotFoundException", "The specified query does not exist.")
}

/// As Insights says that it cannot read a query.
fn malformed(of: &Malformed) -> Failure {
    let location = json!({ "startCharOffset": of.start, "endCharOffset": of.end });
    Failure::new("MalformedQueryException", of.message.clone())
        .with(json!({ "queryCompileError": { "location": location, "message": of.message } }))
}
