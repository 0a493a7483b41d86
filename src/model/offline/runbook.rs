//! A runbook: when it applies, which calls it makes, how its answer reads. `config/runbooks/triage.toml` explains every field.

use super::select::check;
use super::template::check_template;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const EMBEDDED: [(&str, &str); 22] = [
    ("stop-start.toml", include_str!("../../../config/runbooks/stop-start.toml")),
    ("roll-back.toml", include_str!("../../../config/runbooks/roll-back.toml")),
    ("disable-key.toml", include_str!("../../../config/runbooks/disable-key.toml")),
    ("revoke-rule.toml", include_str!("../../../config/runbooks/revoke-rule.toml")),
    ("attack.toml", include_str!("../../../config/runbooks/attack.toml")),
    ("costs.toml", include_str!("../../../config/runbooks/costs.toml")),
    ("create-bucket.toml", include_str!("../../../config/runbooks/create-bucket.toml")),
    ("logs.toml", include_str!("../../../config/runbooks/logs.toml")),
    ("changes.toml", include_str!("../../../config/runbooks/changes.toml")),
    ("alarms.toml", include_str!("../../../config/runbooks/alarms.toml")),
    ("services.toml", include_str!("../../../config/runbooks/services.toml")),
    ("instances.toml", include_str!("../../../config/runbooks/instances.toml")),
    ("databases.toml", include_str!("../../../config/runbooks/databases.toml")),
    ("functions.toml", include_str!("../../../config/runbooks/functions.toml")),
    ("targets.toml", include_str!("../../../config/runbooks/targets.toml")),
    ("scaling.toml", include_str!("../../../config/runbooks/scaling.toml")),
    ("kubernetes.toml", include_str!("../../../config/runbooks/kubernetes.toml")),
    ("keys.toml", include_str!("../../../config/runbooks/keys.toml")),
    ("users.toml", include_str!("../../../config/runbooks/users.toml")),
    ("buckets.toml", include_str!("../../../config/runbooks/buckets.toml")),
    ("open-ports.toml", include_str!("../../../config/runbooks/open-ports.toml")),
    ("triage.toml", include_str!("../../../config/runbooks/triage.toml")),
];

/// Tools a runbook may call for any question. Every other tool may change something, so a runbook that calls one must
/// take its action and target from the question. (What keeps the account safe is the approval, not this list.)
const READS: [&str; 23] = [
    "audit_iam_users",
    "audit_s3_buckets",
    "audit_security_groups",
    "check_iam_key_age",
    "get_active_alarms",
    "get_cloudwatch_logs",
    "get_cost_anomalies",
    "get_cost_by_service",
    "get_ecs_stopped_tasks",
    "get_metrics",
    "get_recent_changes",
    "get_target_health",
    "list_auto_scaling_groups",
    "list_ec2_instances",
    "list_ecs_services",
    "list_eks_clusters",
    "list_guardduty_findings",
    "list_lambda_functions",
    "list_rds_instances",
    "list_s3_buckets",
    "list_s3_objects",
    "query_logs_insights",
    "search_s3_objects",
];

/// A runbook file that cannot be used: where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", line.map(|n| format!(", line {n}")).unwrap_or_default())]
pub struct RunbookError {
    /// The file's name.
    pub file: String,
    /// From 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what is known.
    pub message: String,
}

/// A checklist for one kind of question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// Its name, unique.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Questions it answers; shown to someone whose question nothing matches.
    pub examples: Vec<String>,
    /// Which questions it is for.
    pub ask: Ask,
    /// Its calls. Steps of the same round run together.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
    /// Its answer.
    #[serde(rename = "answer")]
    pub sections: Vec<Section>,
    /// What it never looks at.
    #[serde(default)]
    pub not_looked_at: Vec<String>,
}

/// Which questions a runbook is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// Regular expressions, any case; named groups become `question.NAME`. The first that matches counts.
    pub patterns: Vec<Pattern>,
    /// Groups without which the runbook does not apply; with them, it is preferred to all others.
    pub required: Vec<String>,
    /// Groups that hold several names (`a, b and c`); they become lists.
    pub lists: Vec<String>,
    /// What the words of a group stand for: `question.GROUP_means` is the list, empty for words that are not in it.
    pub meanings: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Three points each.
    pub phrases: Vec<String>,
    /// One point each.
    pub words: Vec<String>,
}

/// A regular expression that ignores case, compiled when its file is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(pub(super) Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        Regex::new(&format!("(?i){pattern}"))
            .map(Self)
            .map_err(|error| format!("not a regular expression: {}", one_line(&error.to_string())))
    }
}

/// One call, or one per item of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The name expressions use for its results.
    pub id: String,
    /// From 1. A round begins when the one before has its results.
    pub round: u32,
    /// The tool.
    pub tool: String,
    /// Its arguments; strings may hold `{JMESPath}`.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// Only when this holds.
    pub when: Option<String>,
    /// Once for each item of this list, as `item`.
    pub for_each: Option<String>,
    /// Of items that agree on these fields, only the first.
    #[serde(default)]
    pub distinct: Vec<String>,
    /// At most so many items.
    pub take: Option<usize>,
    /// Items that mention this come first.
    pub prefer: Option<String>,
    /// Of the result's rows, keep those whose column equals this (any case); a template that is empty keeps all.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// The argument to ask again with, once, when the tool says that there is no such name and one other is meant.
    pub nearest: Option<String>,
    /// The rule that led to it, for the answer.
    pub because: String,
    /// Said before the call.
    pub say: Option<String>,
}

/// A part of the answer. Left out when it has no lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its heading; none when empty.
    #[serde(default)]
    pub title: String,
    /// Said when none of the lines says anything.
    pub otherwise: Option<String>,
    /// Its lines.
    #[serde(rename = "line")]
    pub lines: Vec<Line>,
}

/// A line of the answer, or one per item of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Only when this holds.
    pub when: Option<String>,
    /// Once for each item of this list, as `item`.
    pub for_each: Option<String>,
    /// Of items that agree on these fields, only the first.
    #[serde(default)]
    pub distinct: Vec<String>,
    /// At most so many items.
    pub take: Option<usize>,
    /// Items that mention this come first.
    pub prefer: Option<String>,
    /// Only when a row of another list mentions this item; the latest such row is `found`.
    pub find: Option<Find>,
    /// The text.
    pub text: String,
}

/// A row of another list that mentions the item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The list.
    pub r#in: String,
    /// The name to look for, an expression.
    pub mentions: String,
}

impl Runbook {
    /// Parses and checks one file.
    ///
    /// # Errors
    /// The file, the line, what is wrong and what is known.
    pub fn parse(file: &str, text: &str) -> Result<Self, RunbookError> {
        let line_at = |offset: usize| text.get(..offset).map(|before| before.matches('\n').count() + 1);
        let runbook: Self = toml::from_str(text).map_err(|error| RunbookError {
            file: file.to_owned(),
            line: error.span().and_then(|span| line_at(span.start)),
            message: error.message().to_owned(),
        })?;
        runbook.check().map_err(|(near, message)| RunbookError {
            file: file.to_owned(),
            line: text.find(&near).filter(|_| !near.is_empty()).and_then(line_at),
            message,
        })?;
        Ok(runbook)
    }

    /// Whether a step calls something that may change the account or the disk.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|s| !READS.contains(&s.tool.as_str()))
    }

    /// The last round.
    pub(super) fn rounds(&self) -> u32 {
        self.steps.iter().map(|s| s.round).max().unwrap_or(0)
    }

    /// What is wrong and a text near it.
    fn check(&self) -> Result<(), (String, String)> {
        let near = |near: &str, message: String| (near.to_owned(), message);
        for Pattern(pattern) in &self.ask.patterns {
            let groups: Vec<&str> = pattern.capture_names().flatten().collect();
            if let Some(missing) = self.ask.required.iter().find(|r| !groups.contains(&r.as_str())) {
                let message =
                    format!("a pattern has no group (?P<{missing}>…), which is required; it has {groups:?}");
                return Err(near("[ask]", message));
            }
        }
        let groups = |p: &Pattern| p.0.capture_names().flatten().map(str::to_owned).collect::<Vec<_>>();
        let groups: Vec<String> = self.ask.patterns.iter().flat_map(groups).collect();
        if let Some(unknown) = self.ask.meanings.keys().find(|group| !groups.contains(group)) {
            return Err(near("[ask.meanings", format!("no pattern has a group (?P<{unknown}>…)")));
        }
        if self.changes() && (self.ask.required.len() < 2 || !self.ask.required.iter().any(|r| r == "action"))
        {
            let message = "it calls a tool that may change something, so [ask] required must hold \"action\" and the group \
                           that names the target"
                .to_owned();
            return Err(near("[ask]", message));
        }
        for (n, step) in self.steps.iter().enumerate() {
            let quoted = format!("{:?}", step.id);
            if self.steps.iter().take(n).any(|s| s.id == step.id)
                || ["question", "session", "item", "found"].contains(&&*step.id)
            {
                return Err(near(&quoted, format!("the id {:?} is taken: choose another", step.id)));
            }
            if step.round == 0 || (step.round > 1 && !self.steps.iter().any(|s| s.round == step.round - 1)) {
                return Err(near(&quoted, format!("round {}: rounds count from 1 without gaps", step.round)));
            }
            if let Some(unknown) = step.nearest.as_ref().filter(|n| !step.args.contains_key(*n)) {
                return Err(near(&quoted, format!("nearest = {unknown:?} is none of its args")));
            }
            let expressions = step.when.iter().chain(&step.for_each).chain(&step.prefer);
            check_all(expressions, check)?;
            let texts = step.args.values().flat_map(strings).chain(step.keep.values());
            check_all(texts.chain(&step.say).chain([&step.because]), check_template)?;
        }
        for section in &self.sections {
            check_all(&section.otherwise, check_template)?;
            for line in &section.lines {
                let find = line.find.iter().flat_map(|f| [&f.r#in, &f.mentions]);
                check_all(line.when.iter().chain(&line.for_each).chain(&line.prefer).chain(find), check)?;
                check_all([&line.text], check_template)?;
            }
        }
        Ok(())
    }
}

/// The embedded runbooks, parsed on first use; a test parses every one.
pub(super) fn embedded() -> &'static [Runbook] {
    static PARSED: LazyLock<Vec<Runbook>> = LazyLock::new(|| {
        EMBEDDED.iter().filter_map(|(file, text)| Runbook::parse(file, text).ok()).collect()
    });
    &PARSED
}

fn check_all<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<(), (String, String)> {
    texts.into_iter().try_for_each(|text| check(text).map_err(|message| (text.clone(), message)))
}

/// Every string in a value.
fn strings(value: &Value) -> Vec<&String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(map) => map.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{EMBEDDED, READS, Runbook};

    const MINIMAL: &str = r#"
name = "n"
about = "a"
examples = ["e"]
[ask]
words = ["w"]
[[step]]
id = "s"
round = 1
tool = "list_ec2_instances"
because = "b"
[[answer]]
[[answer.line]]
text = "t"
"#;

    fn error(from: &str, to: &str) -> String {
        assert!(MINIMAL.contains(from), "{from}");
        Runbook::parse("x.toml", &MINIMAL.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn embedded_runbooks_parse_and_have_unique_names() {
        let mut names: Vec<String> = EMBEDDED
            .iter()
            .map(|(file, text)| Runbook::parse(file, text).unwrap_or_else(|e| panic!("{e}")).name)
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), EMBEDDED.len());
        assert!(READS.is_sorted());
    }

    #[test]
    fn mistakes_are_told_with_file_and_line() {
        assert!(Runbook::parse("x.toml", MINIMAL).is_ok());
        for (from, to, line, words) in [
            ("words =", "wordz =", 6, "wordz"),
            ("round = 1", "round = 2", 8, "without gaps"),
            ("id = \"s\"", "id = \"item\"", 8, "taken"),
            ("because = \"b\"", "because = \"{a\"", 11, "without"),
            ("because = \"b\"", "because = \"b\"\nfor_each = \"a[?\"", 12, "JMESPath"),
            ("because = \"b\"", "because = \"b\"\nnearest = \"x\"", 8, "none of its args"),
            ("words = [\"w\"]", "words = []\n[ask.meanings.x]\na = ['b']", 7, "no pattern has a group"),
            ("words = [\"w\"]", "patterns = ['(']", 6, "regular expression"),
            ("words = [\"w\"]", "patterns = ['x']\nrequired = [\"y\"]", 5, "required"),
        ] {
            let said = error(from, to);
            assert!(
                said.starts_with(&format!("x.toml, line {line}: ")) && said.contains(words),
                "{to}: {said}"
            );
        }
    }

    #[test]
    fn a_change_needs_action_and_target_in_the_question() {
        for tool in ["stop_instances", "some_new_tool", "server__delete"] {
            assert!(error("list_ec2_instances", tool).contains("action"), "{tool}");
        }
    }
}
