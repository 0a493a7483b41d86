//! Cost Explorer. It answers in us-east-1 only, in UTC days, and knows 14 months.

use super::{Reply, Service, unknown};
use crate::account::costs::{Anomaly, CostLine, Monitor};
use crate::page::page;
use crate::seed;
use crate::span::Moment;
use crate::wire::{Failure, Input, Node, node};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;
/// The only region that answers.
const HOME: &str = "us-east-1";
/// Groups of a page, over all its days.
const PAGE: usize = 200;
/// Days that are kept.
const KEPT: i64 = 14 * 31;

/// Carries out `operation`.
pub(crate) fn answer(world: &World<'_>, operation: &str, input: &Input) -> Result<Reply, Failure> {
    if world.region != HOME {
        return Err(Failure::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    match operation {
        "GetCostAndUsage" => usage(world, input),
        "GetCostForecast" => forecast(world, input),
        "GetAnomalies" => anomalies(world, input),
        "GetAnomalyMonitors" => monitors(world, input),
        other => Err(unknown(Service::Costs, other)),
    }
}

/// Days since the epoch, from `from` until before `until`.
#[derive(Clone, Copy)]
struct Days {
    from: i64,
    until: i64,
}

fn period(input: &Input) -> Result<Days, Failure> {
    let given = input.inner("TimePeriod");
    let day = |key: &str| {
        let text = given.need(key, "ValidationException")?;
        Timestamp::parse(&format!("{text}T00:00:00Z"))
            .map(day_of)
            .map_err(|_| invalid(format!("{key} date is invalid. date format should be yyyy-MM-dd")))
    };
    let days = Days { from: day("Start")?, until: day("End")? };
    if days.from >= days.until {
        return Err(invalid("Start date should be before end date"));
    }
    Ok(days)
}

fn usage(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let days = period(input)?;
    let today = day_of(world.now);
    if days.until > first_of_month(today, 1) {
        return Err(invalid("end date past the beginning of next month"));
    }
    if days.from < today - KEPT {
        return Err(invalid("You haven't enabled historical data beyond 14 months"));
    }
    let metric = input.texts("Metrics").first().map(|m| (*m).to_owned());
    let metric = metric.ok_or_else(|| invalid("Metrics can not be empty"))?;
    let groups = input.list("GroupBy");
    let filter = input.inner("Filter");
    let mut all: Vec<(Days, Option<(String, f64)>)> = Vec::new();
    for bucket in buckets(days, input.text("Granularity"))? {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for line in world.account.holds.costs.line.iter().filter(|l| counts(l, &filter)) {
            let key = match groups.first() {
                Some(group) => key(world, line, group)?,
                None => String::new(),
            };
            let amount: f64 = (bucket.from..bucket.until).map(|day| amount(world, line, day)).sum();
            *sums.entry(key).or_default() += amount;
        }
        sums.retain(|_, amount| *amount != 0.0);
        // A day without costs is answered as well.
        match groups.is_empty() || sums.is_empty() {
            true => all.push((bucket, None)),
            false => all.extend(sums.into_iter().map(|sum| (bucket, Some(sum)))),
        }
        if groups.is_empty() {
            let total = world.account.holds.costs.line.iter().filter(|l| counts(l, &filter));
            let total =
                total.map(|l| (bucket.from..bucket.until).map(|d| amount(world, l, d)).sum::<f64>()).sum();
            if let Some(last) = all.last_mut() {
                last.1 = Some((String::new(), total));
            }
        }
    }
    let page = page(all, input.text("NextPageToken"), PAGE, "ValidationException")?;
    let mut results: Vec<(Days, Vec<(String, f64)>)> = Vec::new();
    for (bucket, group) in page.items {
        match results.last_mut().filter(|(last, _)| last.from == bucket.from) {
            Some((_, groups)) => groups.extend(group),
            None => results.push((bucket, group.into_iter().collect())),
        }
    }
    let money = |amount: f64| node! { "Amount" => format!("{amount:.10}"), "Unit" => "USD" };
    let results = results.into_iter().map(|(bucket, sums)| {
        let total = sums
            .first()
            .filter(|_| groups.is_empty())
            .map(|(_, amount)| node! { metric.clone() => money(*amount) });
        let groups = sums.iter().filter(|_| !groups.is_empty()).map(|(key, amount)| {
            node! { "Keys" => vec![key.clone()], "Metrics" => node! { metric.clone() => money(*amount) } }
        });
        node! {
            "TimePeriod" => node! { "Start" => date(bucket.from), "End" => date(bucket.until) },
            "Total" => total.unwrap_or(Node::Map(Vec::new())),
            "Groups" => Node::list(groups.collect::<Vec<_>>()),
            "Estimated" => bucket.until > first_of_month(today, 0),
        }
    });
    let names = world
        .account
        .holds
        .costs
        .line
        .iter()
        .filter_map(|l| l.account.as_ref())
        .collect::<std::collections::BTreeSet<_>>();
    let names =
        names.into_iter().filter(|_| groups.first().is_some_and(|g| g.text("Key") == Some("LINKED_ACCOUNT")));
    let names =
        names.map(|id| node! { "Value" => id, "Attributes" => node! { "description" => "harbor-staging" } });
    Ok(node! {
        "NextPageToken" => page.next,
        "ResultsByTime" => Node::list(results.collect::<Vec<_>>()),
        "DimensionValueAttributes" => Node::list(names),
    }
    .into())
}

fn forecast(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let days = period(input)?;
    if days.from < day_of(world.now) {
        return Err(invalid("Start date should be on or after today"));
    }
    let filter = input.inner("Filter");
    let of = |day: i64| -> f64 {
        let lines = world.account.holds.costs.line.iter().filter(|l| counts(l, &filter));
        lines.filter(|l| ends(world, l).is_none_or(|end| end > day)).map(|l| l.daily).sum()
    };
    let total: f64 = (days.from..days.until).map(of).sum();
    let results = (days.from..days.until).map(|day| {
        node! {
            "TimePeriod" => node! { "Start" => date(day), "End" => date(day + 1) },
            "MeanValue" => format!("{:.10}", of(day)),
        }
    });
    Ok(node! {
        "Total" => node! { "Amount" => format!("{total:.10}"), "Unit" => "USD" },
        "ForecastResultsByTime" => Node::list(results.collect::<Vec<_>>()),
    }
    .into())
}

fn anomalies(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let interval = input.inner("DateInterval");
    let start = interval.need("StartDate", "ValidationException")?;
    let end = interval.text("EndDate").unwrap_or("9999-12-31");
    let found = world.account.holds.costs.anomaly.iter().filter(|a| {
        let last = day(world, a.end);
        (start..=end).contains(&last.as_str())
    });
    let size = size(input)?;
    let page = page(found.collect(), input.text("NextPageToken"), size, "InvalidNextTokenException")?;
    let items = page.items.into_iter().map(|a| anomaly(world, a));
    Ok(node! { "Anomalies" => Node::list(items), "NextPageToken" => page.next }.into())
}

fn anomaly(world: &World<'_>, a: &Anomaly) -> Node {
    let causes = a.cause.iter().map(|c| {
        node! {
            "Service" => &c.service,
            "Region" => &c.region,
            "LinkedAccount" => &world.account.header.id,
            "LinkedAccountName" => &world.account.header.alias,
            "UsageType" => &c.usage_type,
            "Impact" => node! { "Contribution" => c.contribution },
        }
    });
    node! {
        "AnomalyId" => &a.id,
        "AnomalyStartDate" => day(world, a.start),
        "AnomalyEndDate" => day(world, a.end),
        "DimensionValue" => &a.service,
        "RootCauses" => Node::list(causes),
        "AnomalyScore" => node! { "MaxScore" => 0.93, "CurrentScore" => 0.61 },
        "Impact" => node! {
            "MaxImpact" => a.impact,
            "TotalImpact" => a.impact,
            "TotalActualSpend" => a.expected + a.impact,
            "TotalExpectedSpend" => a.expected,
            "TotalImpactPercentage" => (a.impact / a.expected * 10_000.0).round() / 100.0,
        },
        "MonitorArn" => monitor_arn(world, &a.monitor),
    }
}

fn monitors(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let all: Vec<&Monitor> = world.account.holds.costs.monitor.iter().collect();
    let page = page(all, input.text("NextPageToken"), size(input)?, "InvalidNextTokenException")?;
    let items = page.items.into_iter().map(|m| {
        node! {
            "MonitorArn" => monitor_arn(world, &m.id),
            "MonitorName" => &m.name,
            "CreationDate" => m.created.at(world.start).rfc3339(),
            "LastEvaluatedDate" => m.evaluated.at(world.start).rfc3339(),
            "MonitorType" => "DIMENSIONAL",
            "MonitorDimension" => "SERVICE",
            "DimensionalValueCount" => 24,
        }
    });
    Ok(node! { "AnomalyMonitors" => Node::list(items), "NextPageToken" => page.next }.into())
}

fn size(input: &Input) -> Result<usize, Failure> {
    let size = input.int("MaxResults").unwrap_or(100);
    usize::try_from(size)
        .ok()
        .filter(|n| (1..=100).contains(n))
        .ok_or_else(|| invalid("MaxResults is invalid"))
}

fn monitor_arn(world: &World<'_>, id: &str) -> String {
    format!("arn:aws:ce::{}:anomalymonitor/{id}", world.account.header.id)
}

/// What a line costs on a day: of today so far only.
fn amount(world: &World<'_>, line: &CostLine, day: i64) -> f64 {
    let today = day_of(world.now);
    let begins = line.from.map(|at| day_of(at.at(world.start)));
    if day > today || begins.is_some_and(|from| day < from) || ends(world, line).is_some_and(|end| day >= end)
    {
        return 0.0;
    }
    let stray = seed::fraction(&line.usage_type, day.unsigned_abs()) * 2.0 - 1.0;
    let part = if day == today { world.now.millis().rem_euclid(DAY) as f64 / DAY as f64 } else { 1.0 };
    line.daily * (1.0 + line.wobble * stray) * part * hours(world, line, day)
}

/// The part of a day's hours in which the line's conditions held.
fn hours(world: &World<'_>, line: &CostLine, day: i64) -> f64 {
    if line.during.is_always() {
        return 1.0;
    }
    let course = world.course(&line.during);
    let hour = |h: i64| Timestamp::from_millis(day * DAY + h * DAY / 24);
    let gone: Vec<Timestamp> = (0..24).map(hour).filter(|at| *at <= world.now).collect();
    let held = gone.iter().filter(|at| course.holds(**at)).count();
    held as f64 / gone.len().max(1) as f64
}

fn ends(world: &World<'_>, line: &CostLine) -> Option<i64> {
    line.until.map(|at| day_of(at.at(world.start)))
}

/// Whether a line passes the filter: a dimension's values, or `Not`, or `And` of those.
fn counts(line: &CostLine, filter: &Input) -> bool {
    if filter.has("Not") {
        return !counts(line, &filter.inner("Not"));
    }
    if filter.has("And") {
        return filter.list("And").iter().all(|part| counts(line, part));
    }
    let dimension = filter.inner("Dimensions");
    let value = match dimension.text("Key") {
        Some("RECORD_TYPE") => &line.record,
        Some("SERVICE") => &line.service,
        Some("REGION") => &line.region,
        Some("USAGE_TYPE") => &line.usage_type,
        Some(_) | None => return true,
    };
    dimension.texts("Values").contains(&value.as_str())
}

fn key(world: &World<'_>, line: &CostLine, group: &Input) -> Result<String, Failure> {
    let name = group.need("Key", "ValidationException")?;
    Ok(match (group.text("Type"), name) {
        (Some("TAG"), "team") => format!("team${}", line.team),
        (Some("TAG"), other) => format!("{other}$"),
        (_, "SERVICE") => line.service.clone(),
        (_, "LINKED_ACCOUNT") => line.account.clone().unwrap_or_else(|| world.account.header.id.clone()),
        (_, "REGION") => line.region.clone(),
        (_, "USAGE_TYPE") => line.usage_type.clone(),
        (_, other) => return Err(invalid(format!("{other} is not a valid dimension"))),
    })
}

/// Days one by one, or months cut at both ends.
fn buckets(days: Days, granularity: Option<&str>) -> Result<Vec<Days>, Failure> {
    match granularity {
        Some("DAILY") => Ok((days.from..days.until).map(|day| Days { from: day, until: day + 1 }).collect()),
        Some("MONTHLY") => {
            let (mut out, mut from) = (Vec::new(), days.from);
            while from < days.until {
                let until = first_of_month(from, 1).min(days.until);
                out.push(Days { from, until });
                from = until;
            }
            Ok(out)
        }
        Some(_) | None => Err(invalid("Granularity is invalid")),
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY)
}

fn date(day: i64) -> String {
    Timestamp::from_millis(day * DAY).rfc3339().chars().take(10).collect()
}

fn day(world: &World<'_>, at: Moment) -> String {
    date(day_of(at.at(world.start)))
}

/// The first day of the month of `day`, or of one of the next.
fn first_of_month(day: i64, months: u32) -> i64 {
    let of_month = |day: i64| date(day).get(8..).and_then(|d| d.parse::<i64>().ok()).unwrap_or(1);
    let mut first = day - of_month(day) + 1;
    for _ in 0..months {
        let next = first + 31;
        first = next - of_month(next) + 1;
    }
    first
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("ValidationException", message)
}
