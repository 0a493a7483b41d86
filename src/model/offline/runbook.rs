//! A runbook: when it applies, which calls it makes, how its answer reads. `config/runbooks/triage.toml` explains every field.

use super::{check, shape};
use quarterdeck_core::tool::{Catalogue, Risk};
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

/// A mistake in a runbook file: where, what is wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct RunbookError {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
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
    /// Whether it is the operator's own.
    #[serde(skip)]
    pub own: bool,
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
    /// Why it helps, for the answer.
    pub because: String,
    /// What `when` and `for_each` look for, in words, for the answer: `services short of tasks`.
    pub rule: Option<String>,
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
    /// Parses and checks one file, but for what its tools take.
    ///
    /// # Errors
    /// Every mistake that can be seen at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<RunbookError>> {
        Self::checked(file, text, &|tool| READS.contains(&tool), &|_| Vec::new())
    }

    /// Parses and checks one of the operator's own files: its tools must be in `tools`, and take its arguments.
    ///
    /// # Errors
    /// Every mistake that can be seen at once.
    pub fn own(file: &str, text: &str, tools: &Catalogue) -> Result<Self, Vec<RunbookError>> {
        // A tool that there is not is a mistake of its own.
        let reads = |tool: &str| tools.get(tool).map_or(true, |tool| tool.risk == Risk::Read);
        let mut runbook = Self::checked(file, text, &reads, &|book| check::calls(book, tools))?;
        runbook.own = true;
        Ok(runbook)
    }

    fn checked(
        file: &str,
        text: &str,
        reads: &dyn Fn(&str) -> bool,
        more: &dyn Fn(&Self) -> Vec<check::Mistake>,
    ) -> Result<Self, Vec<RunbookError>> {
        let at = |(line, message)| RunbookError { file: file.to_owned(), line, message };
        let places = shape::check(text).map_err(|wrong| wrong.into_iter().map(at).collect::<Vec<_>>())?;
        let runbook: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| places.line_of(span.start));
            vec![at((line, error.message().to_owned()))]
        })?;
        let mut mistakes = check::mistakes(&runbook, reads);
        mistakes.extend(more(&runbook));
        if mistakes.is_empty() {
            return Ok(runbook);
        }
        let mut told: Vec<RunbookError> =
            mistakes.into_iter().map(|(path, message)| at((places.of(&path), message))).collect();
        told.sort_by_key(|m| m.line);
        Err(told)
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
}

/// Whether any question may lead to this tool.
pub(super) fn is_read(tool: &str) -> bool {
    READS.contains(&tool)
}

/// The runbooks that come with the console: file and text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    EMBEDDED.into_iter()
}

/// The embedded runbooks, parsed on first use; a test parses every one.
pub(super) fn embedded() -> &'static [Runbook] {
    static PARSED: LazyLock<Vec<Runbook>> = LazyLock::new(|| {
        EMBEDDED.iter().filter_map(|(file, text)| Runbook::parse(file, text).ok()).collect()
    });
    &PARSED
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
examples = ["a w"]
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
        let wrong = Runbook::parse("x.toml", &MINIMAL.replacen(from, to, 1)).unwrap_err();
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn embedded_runbooks_parse_and_have_unique_names() {
        let mut names: Vec<String> = EMBEDDED
            .iter()
            .map(|(file, text)| Runbook::parse(file, text).unwrap_or_else(|e| panic!("{e:#?}")).name)
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), EMBEDDED.len());
        assert_eq!(super::embedded().len(), EMBEDDED.len());
        assert!(READS.is_sorted());
    }

    #[test]
    fn every_embedded_step_after_the_first_round_has_its_rule_in_words() {
        for runbook in super::embedded() {
            for step in runbook.steps.iter().filter(|s| s.round > 1) {
                assert!(step.rule.is_some(), "{} {}", runbook.name, step.id);
            }
        }
    }

    #[test]
    fn mistakes_are_told_with_file_and_line() {
        assert!(Runbook::parse("x.toml", MINIMAL).is_ok(), "{:?}", Runbook::parse("x.toml", MINIMAL));
        let because = "because = \"b\"";
        for (from, to, line, words) in [
            ("words =", "wordz =", 6, "no key `wordz` here: did you mean `words`?"),
            ("round = 1", "round = 2", 9, "rounds count from 1 without gaps"),
            ("round = 1", "round = \"1\"", 9, "`round` is a whole number: write round = 1"),
            ("round = 1", "round = 0", 9, "from 1"),
            ("id = \"s\"", "id = \"item\"", 8, "taken"),
            ("id = \"s\"", "id = \"a-b\"", 8, "letters, digits and _"),
            (because, "because = \"{a\"", 11, "without"),
            (because, "because = \" \"", 11, "`because` is empty"),
            (because, "", 7, "`because` is missing: write because ="),
            (because, "because = \"b\"\nfor_each = \"a[?\"", 12, "JMESPath"),
            (
                because,
                "because = \"b\"\nfor_each = \"s.rows\"",
                12,
                "`s` is a step of round 1: it can be used from round 2 on",
            ),
            (because, "because = \"b\"\nfor_each = \"qestion.x\"", 12, "did you mean `question`?"),
            (because, "because = \"b\"\nfor_each = \"`[1]`\"", 12, "for_each looks at nothing"),
            (
                because,
                "because = \"b\"\nwhen = \"contain(question.text, 'a')\"",
                12,
                "did you mean contains()?",
            ),
            (because, "because = \"b\"\nnearest = \"x\"", 12, "none of its args"),
            (because, "because = \"b\"\ntake = 0", 12, "take"),
            (
                because,
                "because = \"b\"\nargs = { name = \"{item}\" }",
                12,
                "`item` is only there with for_each",
            ),
            ("text = \"t\"", "text = \"{x.rows}\"", 14, "did you mean"),
            ("text = \"t\"", "", 13, "`text` is missing"),
            ("words = [\"w\"]", "words = [\"w\"]\n[ask.meanings.x]\na = ['b']", 7, "no pattern has a group"),
            ("words = [\"w\"]", "patterns = ['(']", 6, "regular expression"),
            ("words = [\"w\"]", "patterns = ['w']\nrequired = [\"y\"]", 7, "a pattern has no group (?P<y>"),
            ("words = [\"w\"]", "words = []", 5, "nothing matches it"),
            ("words = [\"w\"]", "words = [\" \"]", 6, "`words` holds an empty text"),
            ("words = [\"w\"]", "words = \"w\"", 6, "write words = ["),
            (
                "examples = [\"a w\"]",
                "examples = [\"a w\", \"other\"]",
                4,
                "the example \"other\" is not matched by [ask]",
            ),
            ("name = \"n\"", "name = \"N n\"", 2, "small letters"),
            ("name = \"n\"", "name = \"n\"\nname = \"m\"", 3, "duplicate"),
            ("name = \"n\"", "name = ", 2, ""),
        ] {
            let said = error(from, to);
            assert!(said.contains(&format!("x.toml:{line}: ")) && said.contains(words), "{to}: {said}");
            assert_eq!(said.lines().count(), 1, "{to}: {said}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = MINIMAL.replace("about = \"a\"", "abuot = \"a\"").replace("tool =", "tol =");
        let wrong = Runbook::parse("x.toml", &text).unwrap_err();
        let lines: Vec<usize> = wrong.iter().map(|m| m.line).collect();
        assert_eq!(lines, [1, 3, 7, 10], "{wrong:#?}");
        let text = MINIMAL
            .replace("name = \"n\"", "name = \"N\"")
            .replace("\"t\"", "\"{a[?}\"")
            .replace("round = 1", "round = 3");
        let wrong = Runbook::parse("x.toml", &text).unwrap_err();
        assert_eq!(wrong.iter().map(|m| m.line).collect::<Vec<_>>(), [2, 9, 14], "{wrong:#?}");
        let text = format!("{MINIMAL}#{}", "x".repeat(70_000));
        assert!(Runbook::parse("x.toml", &text).unwrap_err()[0].message.contains("64 KiB"));
        let steps = "\n[[step]]\nid = \"s%\"\nround = 1\ntool = \"list_ec2_instances\"\nbecause = \"b\"\n";
        let many: String = (0..25).map(|n| steps.replace('%', &n.to_string())).collect();
        let wrong = Runbook::parse("x.toml", &format!("{MINIMAL}{many}")).unwrap_err();
        assert!(wrong[0].message.contains("at most 24 steps"), "{wrong:?}");
    }

    #[test]
    fn a_change_needs_action_and_target_in_the_question() {
        for tool in ["stop_instances", "some_new_tool", "server__delete"] {
            assert!(error("list_ec2_instances", tool).contains("action"), "{tool}");
        }
    }
}
