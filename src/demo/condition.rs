//! Conditions: what is the case from a moment of the story on, until the operator does something about it.
//!
//! A drill declares each once, under a name; whatever it moves (metrics, log lines, CloudTrail events, alarms, findings,
//! the use of a key) names it in `during`. Nothing else ties a drill's parts together, and no drill has code of its own.

use crate::fleet::Fleet;
use crate::span::{Moment, Span};
use crate::world::{Action, World};
use quarterdeck_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that is the case for a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub name: String,
    /// Since when.
    pub from: Moment,
    /// What the operator does that ends it: any one of these.
    #[serde(default)]
    pub until: Vec<Deed>,
    /// What brings it back.
    #[serde(default)]
    pub again: Vec<Deed>,
    /// Only while tasks of this revision run, and as far as they do.
    pub runs: Option<Runs>,
    /// How long it takes to be felt in full, and to wear off.
    pub rises: Option<Span>,
    pub falls: Option<Span>,
}

/// A service's revision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runs {
    /// `cluster/service`.
    pub service: String,
    pub revision: u32,
}

/// A change of the operator's: an operation whose request holds these members, wherever in it they stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deed {
    pub operation: String,
    /// Members with exactly these values.
    #[serde(default)]
    pub with: BTreeMap<String, toml::Value>,
    /// Numbers that are at least these.
    #[serde(default)]
    pub at_least: BTreeMap<String, f64>,
}

/// The conditions during any of which something is the case: one name, or several. None: always.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Names")]
pub(crate) struct During(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl From<Names> for During {
    fn from(names: Names) -> Self {
        match names {
            Names::One(name) => Self(vec![name]),
            Names::Several(names) => Self(names),
        }
    }
}

impl During {
    /// Whether it names none.
    pub(crate) fn is_always(&self) -> bool {
        self.0.is_empty()
    }
}

/// How the conditions that something depends on have gone, up to now.
#[derive(Clone, Debug)]
pub(crate) struct Course<'a> {
    always: bool,
    parts: Vec<Part<'a>>,
    now: Timestamp,
}

#[derive(Clone, Debug)]
struct Part<'a> {
    condition: &'a Condition,
    fleet: Option<Fleet<'a>>,
    /// When it began and ended, in turn.
    turns: Vec<(Timestamp, bool)>,
}

impl<'a> Course<'a> {
    /// The course of what `during` names.
    pub(crate) fn of(world: &World<'a>, during: &During) -> Self {
        let named = |c: &&'a Condition| during.0.contains(&c.name);
        let parts = world.drill.condition.iter().filter(named).map(|c| Part::of(world, c)).collect();
        Self { always: during.is_always(), parts, now: world.now }
    }

    /// Whether it is the case at `t`.
    pub(crate) fn holds(&self, t: Timestamp) -> bool {
        self.always || self.parts.iter().any(|p| p.holds(t))
    }

    /// How far it is felt at `t`: 0 not at all, 1 in full.
    pub(crate) fn level(&self, t: Timestamp) -> f64 {
        if self.always { 1.0 } else { self.parts.iter().map(|p| p.level(t)).fold(0.0, f64::max) }
    }

    /// Since when it has been the case at some time or other. `None`: not yet, or always.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        let begun = self.parts.iter().filter_map(|p| p.turns.first()).map(|(at, _)| *at);
        begun.filter(|at| *at <= self.now).min()
    }

    /// When it was last the case: now while it is, `None` when it never was.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        if self.holds(self.now) {
            return Some(self.now);
        }
        self.parts.iter().filter_map(Part::ended).filter(|at| *at <= self.now).max()
    }
}

impl<'a> Part<'a> {
    fn of(world: &World<'a>, condition: &'a Condition) -> Self {
        let from = condition.from.at(world.start);
        let mut turns = vec![(from, true)];
        for action in world.actions.iter().filter(|a| from <= a.at && a.at <= world.now) {
            let on = turns.last().is_some_and(|(_, on)| *on);
            let done = |deeds: &[Deed]| deeds.iter().any(|d| d.is(action));
            if on && done(&condition.until) {
                turns.push((action.at, false));
            } else if !on && !done(&condition.until) && done(&condition.again) {
                turns.push((action.at, true));
            }
        }
        let fleet = condition.runs.as_ref().and_then(|r| world.anywhere(&r.service));
        Self { condition, fleet, turns }
    }

    /// Whether its own story says so, whatever runs.
    fn on(&self, t: Timestamp) -> bool {
        self.turns.iter().rev().find(|(at, _)| *at <= t).is_some_and(|(_, on)| *on)
    }

    fn holds(&self, t: Timestamp) -> bool {
        self.on(t) && self.share(t) > 0.0
    }

    /// The share of a good day's tasks that are of the revision.
    fn share(&self, t: Timestamp) -> f64 {
        match (&self.fleet, &self.condition.runs) {
            (Some(fleet), Some(runs)) => fleet.share_at(runs.revision, t),
            (None, _) | (_, None) => 1.0,
        }
    }

    fn level(&self, t: Timestamp) -> f64 {
        let mut level = 0.0;
        for (n, (at, on)) in self.turns.iter().enumerate() {
            let until = self.turns.get(n + 1).map_or(t, |(next, _)| (*next).min(t));
            if *at > t {
                break;
            }
            let over = if *on { self.condition.rises } else { self.condition.falls };
            let step = over.map_or(1.0, |span| until.since(*at).as_secs_f64() / span.0.as_secs_f64());
            level = if *on { f64::min(level + step, 1.0) } else { f64::max(level - step, 0.0) };
        }
        level * self.share(t)
    }

    /// When it ended; `None` while it is the case.
    fn ended(&self) -> Option<Timestamp> {
        let story = self.turns.last().filter(|(_, on)| !on).map(|(at, _)| *at);
        story.or_else(|| self.fleet.as_ref()?.changes().last().copied())
    }
}

impl Deed {
    /// Whether `action` is one.
    pub(crate) fn is(&self, action: &Action) -> bool {
        let told = action.what.told();
        told.name == self.operation
            && self.with.iter().all(|(key, wanted)| has(&told.request, key, &|v| same(v, wanted)))
            && self.at_least.iter().all(|(key, least)| {
                has(&told.request, key, &|v| v.as_f64().is_some_and(|found| found >= *least))
            })
    }
}

/// Whether a member `key` somewhere in `value` passes.
fn has(value: &Value, key: &str, passes: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(k, v)| {
            k == key && (passes(v) || v.as_array().is_some_and(|all| all.iter().any(passes)))
                || has(v, key, passes)
        }),
        Value::Array(items) => items.iter().any(|v| has(v, key, passes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn same(found: &Value, wanted: &toml::Value) -> bool {
    serde_json::to_value(wanted).is_ok_and(|wanted| wanted == *found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::Told;
    use crate::world::What;
    use serde_json::json;

    fn action(at: i64, name: &str, request: Value) -> Action {
        Action {
            at: Timestamp::from_millis(at),
            region: "us-east-1".to_owned(),
            what: What::Other(Told::new("x.amazonaws.com", name, request)),
        }
    }

    #[test]
    fn a_deed_is_an_operation_with_these_members_wherever_they_stand() {
        let deed = |text: &str| toml::from_str::<Deed>(text).unwrap();
        for (text, operation, request, want) in [
            ("operation = 'A'", "A", json!({}), true),
            ("operation = 'A'", "B", json!({}), false),
            (
                "operation = 'A'\nwith = { id = 'x' }",
                "A",
                json!({ "set": { "items": [{ "id": "y" }, { "id": "x" }] } }),
                true,
            ),
            ("operation = 'A'\nwith = { id = 'x' }", "A", json!({ "id": ["y", "x"] }), true),
            ("operation = 'A'\nwith = { id = 'x', n = 1 }", "A", json!({ "id": "x", "n": 2 }), false),
            ("operation = 'A'\nwith = { n = 0 }", "A", json!({ "n": 0 }), true),
            ("operation = 'A'\nat_least = { n = 5.0 }", "A", json!({ "n": 5 }), true),
            ("operation = 'A'\nat_least = { n = 5.0 }", "A", json!({ "n": 4 }), false),
            ("operation = 'A'\nat_least = { n = 5.0 }", "A", json!({}), false),
        ] {
            assert_eq!(deed(text).is(&action(0, operation, request.clone())), want, "{text} {request}");
        }
    }

    #[test]
    fn a_condition_ends_comes_back_and_wears_off() {
        let text = "name = 'c'\nfrom = '-10m'\nuntil = [{ operation = 'Off' }]\nagain = [{ operation = 'On' }]\nrises = '2m'\nfalls = '1m'";
        let condition: Condition = toml::from_str(text).unwrap();
        let minute = |n: i64| Timestamp::from_millis(n * 60_000);
        let turns = vec![(minute(-10), true), (minute(0), false), (minute(5), true)];
        let part = Part { condition: &condition, fleet: None, turns };
        for (at, holds, level) in [
            (-11, false, 0.0),
            (-10, true, 0.0),
            (-9, true, 0.5),
            (-8, true, 1.0),
            (-1, true, 1.0),
            (0, false, 1.0),
            (1, false, 0.0),
            (4, false, 0.0),
            (6, true, 0.5),
            (9, true, 1.0),
        ] {
            assert_eq!((part.holds(minute(at)), part.level(minute(at))), (holds, level), "minute {at}");
        }
    }
}
