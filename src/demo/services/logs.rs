//! CloudWatch Logs.

use super::{Reply, Service, unknown};
use crate::insights;
use crate::lines::{self, Line, RETENTION};
use crate::page::{page, parse, token_for};
use crate::seed;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// A page never reaches over more than this, so quiet periods answer empty pages with a token, as AWS does.
const REACH: Duration = Duration::from_secs(1800);

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    match operation {
        "DescribeLogGroups" => groups(world, input),
        "FilterLogEvents" => filter(world, input),
        "StartQuery" => insights::start(world, input),
        "GetQueryResults" => insights::results(world, input),
        "StopQuery" => insights::stop(world, input),
        other => Err(unknown(Service::Logs, other)),
    }
}

fn groups(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (prefix, pattern) = (input.text("logGroupNamePrefix"), input.text("logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let mut names = lines::groups(world);
    names.retain(|n| prefix.is_none_or(|p| n.starts_with(p)));
    names.retain(|n| pattern.is_none_or(|p| n.to_lowercase().contains(&p.to_lowercase())));
    let size = usize::try_from(input.int("limit").unwrap_or(50)).unwrap_or(0);
    if !(1..=50).contains(&size) {
        return Err(invalid("1 validation error detected: Value at 'limit' must be between 1 and 50"));
    }
    let page = page(names, input.text("nextToken"), size, "InvalidParameterException")?;
    let groups = page.items.iter().map(|name| {
        let arn = world.arn("logs", &format!("log-group:{name}"));
        node! {
            "logGroupName" => name,
            "creationTime" => world.start.minus(RETENTION * 60).millis(),
            "retentionInDays" => 3,
            "metricFilterCount" => 0,
            "arn" => format!("{arn}:*"),
            "storedBytes" => i64::try_from(seed::mix(name, 0) % 9_000_000_000).unwrap_or(0),
            "logGroupClass" => "STANDARD",
            "logGroupArn" => arn,
        }
    });
    Ok(node! { "logGroups" => Node::list(groups), "nextToken" => page.next }.into())
}

fn filter(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let identifier = input.text("logGroupName").or_else(|| input.text("logGroupIdentifier"));
    let group =
        identifier.ok_or_else(|| invalid("Either logGroupName or logGroupIdentifier is required."))?;
    let group = group.rsplit_once(":log-group:").map_or(group, |(_, name)| name).trim_end_matches(":*");
    if !lines::groups(world).iter().any(|g| g == group) {
        return Err(Failure::new("ResourceNotFoundException", "The specified log group does not exist."));
    }
    let limit = usize::try_from(input.int("limit").unwrap_or(10_000)).unwrap_or(0);
    if !(1..=10_000).contains(&limit) {
        return Err(invalid("1 validation error detected: Value at 'limit' must be between 1 and 10000"));
    }
    let terms = Terms::parse(input.text("filterPattern").unwrap_or_default())?;
    let oldest = world.start.minus(RETENTION);
    let start = input.int("startTime").map_or(oldest, Timestamp::from_millis).max(oldest);
    // The end is the API's own: exclusive.
    let end = input
        .int("endTime")
        .map_or(world.now, Timestamp::from_millis)
        .min(world.now.plus(Duration::from_millis(1)));
    let (cursor, seen) = match input.text("nextToken") {
        None => (start, 0),
        Some(token) => resume(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?,
    };
    let until = cursor.plus(REACH).min(end);
    let streams = input.texts("logStreamNames");
    let prefix = input.text("logStreamNamePrefix");
    let found: Vec<Line> = lines::lines(world, group, cursor, until)
        .into_iter()
        .filter(|l| streams.is_empty() || streams.contains(&l.stream.as_str()))
        .filter(|l| prefix.is_none_or(|p| l.stream.starts_with(p)))
        .filter(|l| terms.match_line(&l.message))
        .collect();
    let rest = found.len() > seen + limit;
    let next = match (rest, until < end) {
        (true, _) => Some(suspend(cursor, seen + limit)),
        (false, true) => Some(suspend(until, 0)),
        (false, false) => None,
    };
    let events = found.iter().skip(seen).take(limit).map(|l| {
        node! {
            "logStreamName" => &l.stream,
            "timestamp" => l.at.millis(),
            "message" => &l.message,
            "ingestionTime" => l.at.millis() + 840,
            "eventId" => seed::digits(&l.stream, l.at.millis().unsigned_abs()),
        }
    });
    Ok(node! { "events" => Node::list(events), "searchedLogStreams" => Node::List(Vec::new()), "nextToken" => next }
        .into())
}

fn suspend(at: Timestamp, seen: usize) -> String {
    format!("{}-{}", token_for(usize::try_from(at.millis()).unwrap_or(0)), token_for(seen))
}

fn resume(token: &str) -> Option<(Timestamp, usize)> {
    let (at, seen) = token.split_once('-')?;
    Some((Timestamp::from_millis(i64::try_from(parse(at)?).ok()?), parse(seen)?))
}

fn invalid(message: &str) -> Failure {
    Failure::new("InvalidParameterException", message)
}

/// A filter pattern of terms: all of the plain ones, none of the `-` ones, at least one of the `?` ones.
#[derive(Debug, Default)]
struct Terms {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Terms {
    /// Reads a pattern. Patterns for JSON, columns and regular expressions are not offered here.
    fn parse(pattern: &str) -> Result<Self, Failure> {
        let mut terms = Self::default();
        let mut rest = pattern.trim();
        while !rest.is_empty() {
            if rest.starts_with(['{', '[', '%']) {
                return Err(invalid(
                    "Invalid filter pattern: the embedded account takes terms, \"phrases\", ?any and -none",
                ));
            }
            let (list, after) = match (rest.strip_prefix('?'), rest.strip_prefix('-')) {
                (Some(after), _) => (&mut terms.any, after),
                (None, Some(after)) => (&mut terms.none, after),
                (None, None) => (&mut terms.all, rest),
            };
            let (term, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| invalid("Invalid filter pattern"))?,
                None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            list.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(terms)
    }

    fn match_line(&self, line: &str) -> bool {
        let has = |t: &String| line.contains(t.as_str());
        self.all.iter().all(has)
            && !self.none.iter().any(has)
            && (self.any.is_empty() || self.any.iter().any(has))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_patterns() {
        for (pattern, line, want) in [
            ("", "anything", true),
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR timeout", "ERROR: timeout", true),
            ("ERROR timeout", "ERROR: refused", false),
            ("\"not found\"", "secret not found", true),
            ("\"not found\"", "found not", false),
            ("?FATAL ?ERROR", "FATAL startup", true),
            ("?FATAL ?ERROR", "INFO ok", false),
            ("ERROR -health", "ERROR /health", false),
            ("-\"GET /health\"", "GET /cart", true),
        ] {
            assert_eq!(Terms::parse(pattern).unwrap().match_line(line), want, "{pattern} on {line}");
        }
        for bad in ["{ $.level = 1 }", "\"open", "[a, b]"] {
            assert_eq!(Terms::parse(bad).unwrap_err().code, "InvalidParameterException");
        }
    }
}
