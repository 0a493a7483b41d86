//! What an approval is over.

use super::{DryRun, Proposal, impact};
use crate::journal::hex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// Hex SHA-256 over the canonical JSON of everything a proposal promises.
///
/// Covered: tool, arguments, account, region, the caller's ARN; each target's ARN, name, tags, lifecycle state and
/// changes; warning codes, impact, the dry run's verdict, the IAM actions. Not covered is what moves by itself or
/// only explains: context, times, undo values, credential expiry, key tails, texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `proposal`.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Self {
        let mut text = String::new();
        canonical(&promised(proposal), &mut text);
        Self(hex(&Sha256::digest(text.as_bytes())))
    }

    /// All 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of a proposal that must be the same when it is carried out.
fn promised(p: &Proposal) -> Value {
    let targets: Vec<Value> = p
        .targets
        .iter()
        .map(|t| {
            json!({
                "arn": t.arn, "id": t.id, "name": t.name, "tags": t.tags, "state": t.state, "changes": t.changes,
            })
        })
        .collect();
    let warnings: BTreeSet<&str> = p.warnings.iter().map(|w| w.code.as_str()).collect();
    let impact: BTreeSet<&str> = impact::reasons(p).into_iter().map(|(code, _)| code).collect();
    let actions: BTreeSet<&str> = p.actions.iter().map(String::as_str).collect();
    json!({
        "tool": p.tool,
        "args": p.args,
        "account": p.identity.account,
        "identity": p.identity.arn,
        "region": p.region,
        "targets": targets,
        "warnings": warnings,
        "impact": impact,
        "dry_run": verdict(&p.dry_run),
        "actions": actions,
    })
}

/// The dry run's answer without its words: they hold request ids.
pub(super) const fn verdict(dry_run: &DryRun) -> &'static str {
    match dry_run {
        DryRun::NotOffered => "not offered",
        DryRun::Permitted => "permitted",
        DryRun::Denied(_) => "denied",
        DryRun::Unknown(_) => "unknown",
    }
}

/// JSON with sorted keys and without spaces, whatever order the map keeps.
pub(super) fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in fields.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical(item, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Edit, calm, target};
    use super::*;
    use crate::Timestamp;
    use crate::approval::{Change, Reversible, Warning, WarningLevel};

    fn warning(code: &str) -> Warning {
        Warning { code: code.into(), level: WarningLevel::Info, text: "t".into(), evidence: None }
    }

    #[test]
    fn every_promised_field_counts() {
        let changes: [(&str, Edit); 20] = [
            ("tool", |p| p.tool = "start_instances".into()),
            ("args", |p| p.args = json!({"ids": ["i-1"], "hibernate": true})),
            ("account", |p| p.identity.account = "111122223333".into()),
            ("identity", |p| p.identity.arn.push('x')),
            ("region", |p| p.region = "us-east-1".into()),
            ("a target more", |p| p.targets.push(target("i-2"))),
            ("a target less", |p| p.targets.clear()),
            ("arn", |p| p.targets[0].arn.push('x')),
            ("id", |p| p.targets[0].id.push('x')),
            ("name", |p| p.targets[0].name = Some("other".into())),
            ("no name", |p| p.targets[0].name = None),
            ("tags", |p| {
                p.targets[0].tags.insert("owner".into(), "me".into());
            }),
            ("state", |p| p.targets[0].state = "stopped".into()),
            ("changes", |p| p.targets[0].changes[0].after = "terminated".into()),
            ("a change more", |p| {
                let change = Change { field: "x".into(), before: "1".into(), after: "2".into() };
                p.targets[0].changes.push(change);
            }),
            ("warning", |p| p.warnings.push(warning("asg_replaces"))),
            ("impact by reversibility", |p| p.reversible = Reversible::No("gone".into())),
            ("impact by a fact not known", |p| p.unknown.push("targets: denied".into())),
            ("dry run", |p| p.dry_run = DryRun::Denied("no".into())),
            ("actions", |p| p.actions.push("ec2:TerminateInstances".into())),
        ];
        let base = Digest::of(&calm());
        for (what, change) in changes {
            let mut p = calm();
            change(&mut p);
            assert_ne!(Digest::of(&p), base, "{what}");
        }
    }

    #[test]
    fn what_moves_by_itself_does_not() {
        let changes: [(&str, Edit); 10] = [
            ("title", |p| p.title.push('x')),
            ("command", |p| p.command.push('x')),
            ("context", |p| p.targets[0].context.clear()),
            ("as of", |p| p.as_of = Timestamp::from_millis(9)),
            ("undo", |p| p.undo = json!(1)),
            ("expiry", |p| p.identity.expires = Some(Timestamp::from_millis(9))),
            ("key tail", |p| p.identity.key_tail = None),
            ("why it is reversible", |p| p.reversible = Reversible::Yes("other words".into())),
            ("order of arguments", |p| {
                p.args = serde_json::from_str(r#"{"hibernate":false,"ids":["i-1"]}"#).unwrap();
            }),
            ("role", |p| p.identity.role.push('x')),
        ];
        let base = Digest::of(&calm());
        for (what, change) in changes {
            let mut p = calm();
            change(&mut p);
            assert_eq!(Digest::of(&p), base, "{what}");
        }
        let (mut a, mut b) = (calm(), calm());
        a.warnings = vec![warning("a"), warning("b")];
        b.warnings = vec![warning("b"), Warning { text: "other".into(), ..warning("a") }];
        a.dry_run = DryRun::Denied("request 1".into());
        b.dry_run = DryRun::Denied("request 2".into());
        assert_eq!(Digest::of(&a), Digest::of(&b));
    }

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let mut text = String::new();
        canonical(&json!({"b": [{"z": 1, "a": "\u{1}"}], "a": null}), &mut text);
        assert_eq!(text, "{\"a\":null,\"b\":[{\"a\":\"\\u0001\",\"z\":1}]}");
        let digest = Digest::of(&calm());
        assert_eq!((digest.as_str().len(), digest.short().len()), (64, 12));
    }
}
