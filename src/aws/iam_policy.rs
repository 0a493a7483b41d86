//! The least privilege the tools need, as IAM policies made from the tools' own lists of operations.
//!
//! The read policy is all that the console and its read tools need: enough for `--read-only`. The write policy is what
//! the other tools need on top, their dry runs included, so that no reader can change anything.

use crate::identity::OWN_OPERATIONS;
use quarterdeck_core::tool::{Catalogue, Op, Risk, Tool};
use serde::Serialize;
use std::collections::BTreeSet;

/// Characters a managed policy may have, white space not counted.
pub const SIZE: usize = 6_144;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What reading needs.
    Read,
    /// What changes need on top.
    Write,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: String,
    effect: &'static str,
    action: Vec<String>,
    resource: &'static str,
}

impl Policy {
    /// As a file: indented, with a line's end.
    #[must_use]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).map_or_else(|_| String::new(), |text| format!("{text}\n"))
    }

    /// Characters as IAM counts them.
    #[must_use]
    pub fn size(&self) -> usize {
        serde_json::to_string(self)
            .map_or(usize::MAX, |text| text.chars().filter(|c| !c.is_whitespace()).count())
    }
}

/// The policies of `kind`: one, or more where one would be too large.
#[must_use]
pub fn policies(catalogue: &Catalogue, kind: Kind) -> Vec<Policy> {
    let prefix = match kind {
        Kind::Read => "Read",
        Kind::Write => "Write",
    };
    packed(&actions(catalogue, kind), prefix)
}

/// The actions of `kind`, sorted.
fn actions(catalogue: &Catalogue, kind: Kind) -> BTreeSet<&'static str> {
    let of = |ops: &'static [Op]| ops.iter().flat_map(|op| op.iam).copied();
    let reads = |tool: &Tool| tool.risk == Risk::Read;
    let read: BTreeSet<&str> = catalogue
        .iter()
        .filter(|t| reads(t))
        .flat_map(|t| of(t.spec.reads))
        .chain(of(OWN_OPERATIONS))
        .collect();
    match kind {
        Kind::Read => read,
        Kind::Write => {
            let others = catalogue.iter().filter(|t| !reads(t));
            let all: BTreeSet<&str> =
                others.flat_map(|t| of(t.spec.reads).chain(of(t.spec.writes))).collect();
            all.difference(&read).copied().collect()
        }
    }
}

/// One statement a service, as many policies as it takes.
fn packed(actions: &BTreeSet<&str>, prefix: &str) -> Vec<Policy> {
    let mut all: Vec<Policy> = Vec::new();
    for action in actions {
        if let Some(last) = all.last_mut() {
            let before = last.clone();
            last.add(action, prefix);
            if last.size() <= SIZE {
                continue;
            }
            *last = before;
        }
        let mut next = Policy { version: "2012-10-17", statement: Vec::new() };
        next.add(action, prefix);
        all.push(next);
    }
    all
}

impl Policy {
    fn add(&mut self, action: &str, prefix: &str) {
        let sid = format!("{prefix}{}", camel(action.split(':').next().unwrap_or_default()));
        match self.statement.last_mut().filter(|s| s.sid == sid) {
            Some(statement) => statement.action.push(action.to_owned()),
            None => self.statement.push(Statement {
                sid,
                effect: "Allow",
                action: vec![action.to_owned()],
                resource: "*",
            }),
        }
    }
}

/// `application-autoscaling` as `ApplicationAutoscaling`: a Sid takes letters and digits only.
fn camel(service: &str) -> String {
    let words = service.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::catalogue;

    #[test]
    fn readers_cannot_write_and_nothing_is_left_out() {
        let (read, write) = (actions(&catalogue(), Kind::Read), actions(&catalogue(), Kind::Write));
        assert!(read.is_disjoint(&write));
        for tool in catalogue().iter() {
            for op in tool.spec.writes {
                for action in op.iam {
                    assert!(!read.contains(action), "{}: {action} is in the read policy", tool.spec.name);
                }
            }
            let known =
                |action: &&str| read.contains(action) || tool.risk != Risk::Read && write.contains(action);
            assert!(tool.spec.reads.iter().chain(tool.spec.writes).flat_map(|op| op.iam).all(known));
        }
        for action in
            ["sts:GetCallerIdentity", "iam:ListAccountAliases", "ec2:DescribeRegions", "ce:GetCostForecast"]
        {
            assert!(read.contains(action), "{action}");
        }
        assert!(write.contains("ec2:StopInstances") && write.contains("ecs:UpdateService"), "{write:?}");
    }

    #[test]
    fn documents_are_what_iam_takes() {
        for kind in [Kind::Read, Kind::Write] {
            let all = policies(&catalogue(), kind);
            assert_eq!(all.len(), 1, "one policy is enough");
            let policy = &all[0];
            assert!(policy.size() <= SIZE);
            let json: serde_json::Value = serde_json::from_str(&policy.pretty()).unwrap();
            assert_eq!(json["Version"], "2012-10-17");
            let statements = json["Statement"].as_array().unwrap();
            let sids: BTreeSet<&str> = statements.iter().map(|s| s["Sid"].as_str().unwrap()).collect();
            assert_eq!(sids.len(), statements.len(), "each Sid once");
            assert!(sids.iter().all(|s| s.chars().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
            let listed: Vec<&str> = statements
                .iter()
                .flat_map(|s| s["Action"].as_array().unwrap())
                .map(|a| a.as_str().unwrap())
                .collect();
            assert_eq!(
                listed,
                actions(&catalogue(), kind).into_iter().collect::<Vec<_>>(),
                "sorted, each once"
            );
        }
    }

    #[test]
    fn what_is_too_large_for_one_policy_is_split() {
        let names: Vec<String> =
            (0..600).map(|n| format!("service-{}:DescribeThing{n:04}", n / 100)).collect();
        let all: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let split = packed(&all, "Read");
        assert!(split.len() > 2 && split.iter().all(|p| p.size() <= SIZE), "{}", split.len());
        let listed: Vec<&String> = split.iter().flat_map(|p| &p.statement).flat_map(|s| &s.action).collect();
        assert_eq!(listed.len(), 600);
        assert!(split.iter().take(split.len() - 1).all(|p| p.size() > SIZE - 100), "each is filled");
        assert_eq!(split[0].statement[0].sid, "ReadService0");
        assert_eq!(packed(&BTreeSet::new(), "Read"), []);
    }
}
