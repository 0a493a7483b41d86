//! Log groups and the lines in them.

use crate::account::{LogSource, Service};
use crate::fleet::{Fleet, Task};
use crate::seed;
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

/// How far back there are lines: nothing is older.
pub(crate) const RETENTION: Duration = Duration::from_secs(3 * 86_400);

/// One log event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub at: Timestamp,
    pub stream: String,
    pub message: String,
}

/// A service's log group.
pub(crate) fn group_of(service: &Service) -> String {
    format!("/ecs/{}/{}", service.cluster, service.name)
}

/// A task's log stream.
pub(crate) fn stream_of(service: &Service, task: &str) -> String {
    format!("ecs/{}/{task}", service.name)
}

/// The names of the region's log groups, in order.
pub(crate) fn groups(world: &World<'_>) -> Vec<String> {
    let sources =
        world.account.holds.log.iter().filter(|l| l.region == world.region).map(|l| l.group.clone());
    let mut all: Vec<String> = world.services().map(group_of).chain(sources).collect();
    all.sort();
    all.dedup();
    all
}

/// How many lines like it each of the group's stands for.
pub(crate) fn stands_for(world: &World<'_>, group: &str) -> u32 {
    let sources = world.account.holds.log.iter().filter(|l| l.region == world.region && l.group == group);
    sources.filter_map(|l| l.stands_for).max().unwrap_or(1)
}

/// Bytes a line is billed by.
pub(crate) fn bytes(line: &Line) -> u64 {
    line.message.len() as u64
}

/// The lines of `group` from `from` up to, not including, `until`, oldest first.
pub(crate) fn lines(world: &World<'_>, group: &str, from: Timestamp, until: Timestamp) -> Vec<Line> {
    let from = from.max(world.start.minus(RETENTION));
    let until = until.min(world.now.plus(Duration::from_millis(1)));
    let mut all = Vec::new();
    for service in world.services().filter(|s| group_of(s) == group) {
        let fleet = world.fleet(service);
        chatter(&fleet, from, until, &mut all);
        for task in fleet.tasks.iter().filter(|t| t.death.is_some()) {
            last_words(service, task, &mut all);
        }
    }
    for source in world.account.holds.log.iter().filter(|l| l.region == world.region && l.group == group) {
        source_lines(world, source, from, until, &mut all);
    }
    all.retain(|l| from <= l.at && l.at < until);
    all.sort_by(|a, b| (a.at, &a.stream).cmp(&(b.at, &b.stream)));
    all
}

/// What running tasks log.
fn chatter(fleet: &Fleet<'_>, from: Timestamp, until: Timestamp, out: &mut Vec<Line>) {
    let service = fleet.service;
    let key = service.key();
    for (n, at) in slots(&key, from, until, service.line_every.0) {
        let running: Vec<&Task<'_>> = fleet.tasks.iter().filter(|t| t.counts_as_running(at)).collect();
        let (Some(task), Some(line)) = (seed::pick(&running, &key, n), seed::pick(&service.lines, "line", n))
        else {
            continue;
        };
        out.push(Line { at, stream: stream_of(service, &task.id), message: fill(line, &key, n) });
    }
}

/// What a task logs before it dies.
fn last_words(service: &Service, task: &Task<'_>, out: &mut Vec<Line>) {
    let (Some(death), Some(started)) = (task.death, task.started) else { return };
    for (i, line) in (0u32..).zip(&death.lines) {
        let at = started.plus(Duration::from_millis(170) * i);
        let message = fill(line, &task.id, u64::from(i));
        out.push(Line { at, stream: stream_of(service, &task.id), message });
    }
}

fn source_lines(
    world: &World<'_>,
    source: &LogSource,
    from: Timestamp,
    until: Timestamp,
    out: &mut Vec<Line>,
) {
    let down = source.when_down.as_deref().and_then(|key| world.fleet_of(key));
    let course = world.course(&source.during);
    for (n, at) in slots(&source.stream, from, until, source.every.0) {
        let chance = down.as_ref().map_or(1.0, |f| 1.0 - f.capacity_at(at)) * course.level(at);
        let silent = seed::fraction(&source.stream, n) >= chance;
        if let (false, Some(line)) = (silent, seed::pick(&source.lines, "line", n)) {
            out.push(Line { at, stream: source.stream.clone(), message: fill(line, &source.stream, n) });
        }
    }
}

/// One moment in every slot of `every`, counted from the epoch, so that the same window holds the same lines.
fn slots(
    name: &str,
    from: Timestamp,
    until: Timestamp,
    every: Duration,
) -> impl Iterator<Item = (u64, Timestamp)> {
    let step = i64::try_from(every.as_millis()).unwrap_or(1).max(1);
    let (first, last) = (from.millis().div_euclid(step), until.millis().div_euclid(step));
    let name = name.to_owned();
    (first..=last).filter_map(move |slot| {
        let n = u64::try_from(slot).ok()?;
        let shift = (seed::fraction(&name, n) * step as f64) as i64;
        Some((n, Timestamp::from_millis(slot * step + shift)))
    })
}

/// `{ms}`, `{id}`, `{n}` and `{ip}` filled in.
fn fill(line: &str, name: &str, n: u64) -> String {
    line.replace("{ms}", &(8 + seed::mix(name, n) % 140).to_string())
        .replace("{id}", &seed::hex(name, n, 12))
        .replace("{n}", &(10_000 + seed::mix(name, n ^ 7) % 89_999).to_string())
        .replace("{ip}", &format!("198.51.100.{}", seed::mix(name, n ^ 3) % 254 + 1))
}
