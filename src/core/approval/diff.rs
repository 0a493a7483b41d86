//! What differs between an approved plan and a fresh one, in sentences.

use super::digest::{canonical, verdict};
use super::{Impact, Proposal, Target};
use crate::text;
use std::collections::{BTreeMap, BTreeSet};

/// Columns a quoted value may take.
const QUOTE: usize = 120;

/// One sentence per difference in what a digest covers; never empty. Values are made visible and cut.
pub(super) fn sentences(old: &Proposal, new: &Proposal) -> Vec<String> {
    let mut out = Vec::new();
    plain(&mut out, "the tool", &old.tool, &new.tool);
    plain(&mut out, "the account", &old.identity.account, &new.identity.account);
    plain(&mut out, "the caller", &old.identity.arn, &new.identity.arn);
    plain(&mut out, "the region", &old.region, &new.region);
    let (was, is) = (json(&old.args), json(&new.args));
    if was != is {
        out.push(format!("the arguments are now {}, were {}", quote(&is), quote(&was)));
    }
    targets(&mut out, old, new);
    warnings(&mut out, old, new);
    plain(&mut out, "the dry run", verdict(&old.dry_run), verdict(&new.dry_run));
    actions(&mut out, old, new);
    impact(&mut out, old, new);
    if out.is_empty() {
        out.push("the plan differs from the one that was approved".to_owned());
    }
    out
}

fn plain(out: &mut Vec<String>, what: &str, old: &str, new: &str) {
    if old != new {
        out.push(format!("{what} is now {}, was {}", quote(new), quote(old)));
    }
}

fn targets(out: &mut Vec<String>, old: &Proposal, new: &Proposal) {
    let before: BTreeMap<&str, &Target> = old.targets.iter().map(|t| (t.arn.as_str(), t)).collect();
    let after: BTreeSet<&str> = new.targets.iter().map(|t| t.arn.as_str()).collect();
    let known = out.len();
    for target in &new.targets {
        match before.get(target.arn.as_str()) {
            Some(was) => of_target(out, was, target),
            None => out.push(format!("a new target: {} in state {}", called(target), quote(&target.state))),
        }
    }
    for target in old.targets.iter().filter(|t| !after.contains(t.arn.as_str())) {
        out.push(format!("no longer a target: {}", called(target)));
    }
    let order = |p: &Proposal| p.targets.iter().map(|t| t.arn.clone()).collect::<Vec<_>>();
    if out.len() == known && order(old) != order(new) {
        out.push("the targets are in a different order".to_owned());
    }
}

fn of_target(out: &mut Vec<String>, old: &Target, new: &Target) {
    let name = called(new);
    plain(out, &format!("state of {name}"), &old.state, &new.state);
    plain(out, &format!("id of {name}"), &old.id, &new.id);
    optional(out, &format!("name of {name}"), old.name.as_deref(), new.name.as_deref());
    for key in old.tags.keys().chain(new.tags.keys()).collect::<BTreeSet<_>>() {
        let what = format!("tag {} of {name}", quote(key));
        optional(out, &what, old.tags.get(key).map(String::as_str), new.tags.get(key).map(String::as_str));
    }
    if old.changes == new.changes {
        return;
    }
    let described = |t: &Target| -> BTreeMap<String, String> {
        t.changes.iter().map(|c| (c.field.clone(), format!("{} -> {}", c.before, c.after))).collect()
    };
    let (was, is) = (described(old), described(new));
    for field in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        let what = format!("{} of {name}", quote(field));
        optional(out, &what, was.get(field).map(String::as_str), is.get(field).map(String::as_str));
    }
}

fn optional(out: &mut Vec<String>, what: &str, old: Option<&str>, new: Option<&str>) {
    match (old, new) {
        (Some(old), Some(new)) => plain(out, what, old, new),
        (None, Some(new)) => out.push(format!("{what} is now {}, was not set", quote(new))),
        (Some(old), None) => out.push(format!("{what} is no longer set, was {}", quote(old))),
        (None, None) => {}
    }
}

fn warnings(out: &mut Vec<String>, old: &Proposal, new: &Proposal) {
    let codes = |p: &Proposal| p.warnings.iter().map(|w| w.code.clone()).collect::<BTreeSet<_>>();
    let (was, is) = (codes(old), codes(new));
    for warning in new.warnings.iter().filter(|w| !was.contains(&w.code)) {
        out.push(format!("a new warning: {}", quote(&warning.text)));
    }
    for warning in old.warnings.iter().filter(|w| !is.contains(&w.code)) {
        out.push(format!("a warning is gone: {}", quote(&warning.text)));
    }
}

fn actions(out: &mut Vec<String>, old: &Proposal, new: &Proposal) {
    for action in new.actions.iter().filter(|a| !old.actions.contains(a)) {
        out.push(format!("it now needs {}", quote(action)));
    }
    for action in old.actions.iter().filter(|a| !new.actions.contains(a)) {
        out.push(format!("it no longer needs {}", quote(action)));
    }
}

/// Reasons for high impact that came or went, where nothing above has said it already.
fn impact(out: &mut Vec<String>, old: &Proposal, new: &Proposal) {
    let list = |p: &Proposal| match Impact::of(p) {
        Impact::Normal => Vec::new(),
        Impact::High(reasons) => reasons,
    };
    let (was, is) = (list(old), list(new));
    if was.is_empty() != is.is_empty() || out.is_empty() {
        for reason in is.iter().filter(|r| !was.contains(r)) {
            out.push(format!("now of high impact: {}", quote(reason)));
        }
        for reason in was.iter().filter(|r| !is.contains(r)) {
            out.push(format!("no longer a reason for high impact: {}", quote(reason)));
        }
    }
}

fn json(value: &serde_json::Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    text
}

fn called(target: &Target) -> String {
    match target.name.as_deref() {
        Some(name) if !name.is_empty() => format!("{} ({})", quote(name), quote(&target.id)),
        Some(_) | None => quote(&target.id),
    }
}

fn quote(untrusted: &str) -> String {
    let shown = text::visible(untrusted);
    if shown.is_empty() { "empty".to_owned() } else { text::truncate(&shown, QUOTE).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Edit, calm, target};
    use super::*;
    use crate::approval::{Change, DryRun, Reversible, Warning, WarningLevel};
    use serde_json::json;

    fn warning(text: &str) -> Warning {
        Warning { code: "c".into(), level: WarningLevel::Caution, text: text.into(), evidence: None }
    }

    #[test]
    fn each_difference_is_a_sentence() {
        let cases: [(Edit, &str); 14] = [
            (|p| p.targets[0].state = "stopped".into(), "state of web-i-1 (i-1) is now stopped, was running"),
            (|p| p.targets[0].name = None, "name of i-1 is no longer set, was web-i-1"),
            (
                |p| {
                    p.targets[0].tags.insert("env".into(), "test".into());
                },
                "tag env of web-i-1 (i-1) is now test, was dev",
            ),
            (
                |p| {
                    p.targets[0].tags.insert("x".into(), String::new());
                },
                "tag x of web-i-1 (i-1) is now empty, was not set",
            ),
            (
                |p| p.targets[0].changes[0].before = "pending".into(),
                "state of web-i-1 (i-1) is now pending -> stopped, was running -> stopped",
            ),
            (
                |p| {
                    let change = Change { field: "size".into(), before: "1".into(), after: "2".into() };
                    p.targets[0].changes.push(change);
                },
                "size of web-i-1 (i-1) is now 1 -> 2, was not set",
            ),
            (|p| p.warnings.push(warning("the group replaces it")), "a new warning: the group replaces it"),
            (|p| p.region = "us-east-1".into(), "the region is now us-east-1, was eu-west-1"),
            (|p| p.dry_run = DryRun::Denied("x".into()), "the dry run is now denied, was permitted"),
            (|p| p.actions.push("ec2:X".into()), "it now needs ec2:X"),
            (
                |p| p.args = json!({"ids": ["i-2"]}),
                r#"the arguments are now {"ids":["i-2"]}, were {"hibernate":false,"ids":["i-1"]}"#,
            ),
            (
                |p| p.reversible = Reversible::No("gone".into()),
                "now of high impact: it cannot be undone: gone",
            ),
            (
                |p| p.identity.account = "111122223333".into(),
                "the account is now 111122223333, was 123456789012",
            ),
            (
                |p| p.targets[0].state = "a\u{202e}b".into(),
                "state of web-i-1 (i-1) is now a⟨U+202E⟩b, was running",
            ),
        ];
        for (change, sentence) in cases {
            let mut p = calm();
            change(&mut p);
            assert_eq!(sentences(&calm(), &p), [sentence]);
        }
    }

    #[test]
    fn targets_come_go_and_move() {
        let mut two = calm();
        two.targets.push(target("i-2"));
        let mut moved = two.clone();
        moved.targets.reverse();
        assert!(
            sentences(&calm(), &two).contains(&"a new target: web-i-2 (i-2) in state running".to_owned())
        );
        assert!(sentences(&two, &calm()).contains(&"no longer a target: web-i-2 (i-2)".to_owned()));
        assert_eq!(sentences(&two, &moved), ["the targets are in a different order"]);
    }

    #[test]
    fn there_is_always_a_sentence_and_never_a_long_one() {
        assert_eq!(sentences(&calm(), &calm()), ["the plan differs from the one that was approved"]);
        let mut p = calm();
        p.targets[0].state = "x".repeat(5_000);
        assert!(sentences(&calm(), &p)[0].len() < 250);
    }
}
