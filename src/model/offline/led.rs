//! Why a step was taken, or was not: the runbook's condition in words, and the steps it looked at.

use super::expression::decided_by;
use super::runbook::Step;
use super::select::{Scope, path};
use super::template::prose;
use serde_json::{Value, json};

/// What led to a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Led {
    /// The condition in the runbook's words: what was looked for.
    pub(super) rule: Option<String>,
    /// Numbers of the steps whose results the condition looked at.
    pub(super) from: Vec<u64>,
    /// Those of them that have no result.
    pub(super) failed: Vec<u64>,
    /// Whether it looked at the question.
    pub(super) asked: bool,
    /// What `for_each` found; `None` for a step without it.
    pub(super) found: Option<usize>,
    /// How many of these were followed.
    pub(super) followed: usize,
}

impl Led {
    /// Of `step`, where `found` items were found and `followed` are followed.
    pub(super) fn of(step: &Step, scope: &Scope, found: Option<usize>, followed: usize) -> Self {
        let conditions = step.when.iter().chain(&step.for_each);
        let names = conditions.flat_map(|condition| decided_by(condition, scope));
        let mut led = Self {
            rule: step.rule.as_deref().map(|rule| prose(rule, scope)),
            found,
            followed,
            ..Self::default()
        };
        for name in names {
            if name == "question" {
                led.asked = true;
            }
            for result in scope.list(&format!("{name}.results")) {
                let Some(no) = path(&result, "step").and_then(Value::as_u64) else { continue };
                led.from.push(no);
                if path(&result, "ok") == Some(&json!(false)) {
                    led.failed.push(no);
                }
            }
        }
        for list in [&mut led.from, &mut led.failed] {
            list.sort_unstable();
            list.dedup();
        }
        led
    }

    /// `Because [#2] reports services short of tasks (2)`; `None` for a step that every question leads to.
    pub(super) fn because(&self) -> Option<String> {
        let how_many = self.found.map_or_else(String::new, |n| format!(" ({n})"));
        let asked = if self.asked { "the question" } else { "" };
        let steps = links(&self.from);
        let who: Vec<&str> = [asked, &steps].into_iter().filter(|w| !w.is_empty()).collect();
        match (who.as_slice(), &self.rule) {
            ([], None) => None,
            ([], Some(rule)) => Some(format!("Because of {rule}{how_many}")),
            ([who], Some(rule)) => Some(format!("Because {who} {} {rule}{how_many}", self.reports())),
            (both, Some(rule)) => Some(format!("Because of {}: {rule}{how_many}", both.join(" and "))),
            (who, None) => Some(format!("Because of {}{how_many}", who.join(" and "))),
        }
    }

    fn reports(&self) -> &'static str {
        match (self.asked, self.from.len()) {
            (true, _) => "gives",
            (false, 1) => "reports",
            (false, _) => "report",
        }
    }

    /// How many items were left out because a runbook follows only so many.
    pub(super) fn left_out(&self) -> usize {
        self.found.unwrap_or(0).saturating_sub(self.followed)
    }
}

/// `[#2] and [#4]`
pub(super) fn links(steps: &[u64]) -> String {
    steps.iter().map(|no| format!("[#{no}]")).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::Led;

    #[test]
    fn because_in_words() {
        let led = |rule: Option<&str>, from: &[u64], asked, found| Led {
            rule: rule.map(str::to_owned),
            from: from.to_vec(),
            asked,
            found,
            ..Led::default()
        };
        for (led, want) in [
            (
                led(Some("services short of tasks"), &[2], false, Some(3)),
                Some("Because [#2] reports services short of tasks (3)"),
            ),
            (
                led(Some("refusals"), &[2, 4], false, Some(1)),
                Some("Because [#2] and [#4] report refusals (1)"),
            ),
            (led(Some("a database"), &[], true, None), Some("Because the question gives a database")),
            (led(Some("a database"), &[1], true, None), Some("Because of the question and [#1]: a database")),
            (led(None, &[1], false, Some(2)), Some("Because of [#1] (2)")),
            (led(None, &[], false, None), None),
        ] {
            assert_eq!(led.because().as_deref(), want);
        }
    }
}
