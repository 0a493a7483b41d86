//! A drill: what happened, the cause it hides, and what puts it right.

use crate::account::{Account, Contents};
use crate::condition::Condition;
use crate::span::{Moment, Span};
use quarterdeck_core::text::nearest;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const BASE: &str = include_str!("../../assets/drills/account.toml");
const DRILLS: [(&str, &str); 5] = [
    ("checkout-outage", include_str!("../../assets/drills/checkout-outage.toml")),
    ("database-connections", include_str!("../../assets/drills/database-connections.toml")),
    ("lambda-throttled", include_str!("../../assets/drills/lambda-throttled.toml")),
    ("leaked-key", include_str!("../../assets/drills/leaked-key.toml")),
    ("cost-anomaly", include_str!("../../assets/drills/cost-anomaly.toml")),
];

/// A story of the embedded account. See `assets/drills`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    name: String,
    summary: String,
    cause: String,
    ask: Vec<String>,
    evidence: Vec<String>,
    fix: Fix,
    #[serde(default)]
    wrong: Vec<Fix>,
    #[serde(default)]
    pub(crate) condition: Vec<Condition>,
    #[serde(default)]
    pub(crate) deploy: Vec<Deploy>,
    #[serde(default)]
    pub(crate) overrides: Contents,
}

/// What puts a drill right, or what somebody in a hurry would try in vain.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// In words.
    pub says: String,
    /// Calls of the console's tools, in order.
    #[serde(default, rename = "tool")]
    pub tools: Vec<ToolCall>,
    /// Commands to type, where no tool of the console changes such a thing.
    #[serde(default, rename = "command")]
    pub commands: Vec<String>,
}

/// A call of a tool that changes something.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// A deployment somebody made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deploy {
    pub at: Moment,
    pub cluster: String,
    pub service: String,
    pub revision: u32,
    /// The image's tag.
    pub tag: Option<String>,
    /// What the revision changes in the service's environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The revision's secrets; absent: as before.
    pub secrets: Option<BTreeMap<String, String>>,
    pub role: String,
    pub session: String,
    pub ip: String,
    pub agent: String,
    /// Why its tasks do not live.
    pub broken: Option<Broken>,
}

/// How the tasks of a broken revision die.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broken {
    /// From the deployment to the first death.
    pub first: Span,
    /// From one death to the next.
    pub every: Span,
    /// From a task's creation to its death.
    pub life: Span,
    /// The deaths, in turn.
    pub failure: Vec<Death>,
}

/// One way to die.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Death {
    pub stop_code: String,
    pub reason: String,
    /// Absent when the container never started.
    pub exit_code: Option<i32>,
    /// What it logs first; one line of the file is one event.
    #[serde(default)]
    pub lines: Vec<String>,
}

/// Why a drill cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// There is no such drill.
    #[error("there is no drill {name:?}{}; drills: {}", nearest.as_ref().map(|n| format!(", did you mean {n:?}?")).unwrap_or_default(), all.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// Every drill's name.
        all: Vec<String>,
    },
    /// A file does not say what a drill says; the message has the line.
    #[error("{file}: {message}")]
    Invalid {
        /// Which file.
        file: String,
        /// What is wrong, and where.
        message: String,
    },
}

impl Drill {
    /// Every embedded drill's name. Reads none of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DRILLS.iter().map(|(name, _)| *name)
    }

    /// Every embedded drill's name with a one-line description.
    #[must_use]
    pub fn list() -> Vec<(&'static str, String)> {
        DRILLS
            .iter()
            .map(|(name, text)| (*name, Self::parse(text).map_or_else(|e| e.to_string(), |d| d.summary)))
            .collect()
    }

    /// The embedded drill `name`.
    ///
    /// # Errors
    /// There is none of that name: names the nearest and lists all.
    pub fn named(name: &str) -> Result<Self, DrillError> {
        match DRILLS.iter().find(|(n, _)| *n == name) {
            Some((_, text)) => Self::parse(text),
            None => Err(DrillError::Unknown {
                name: name.to_owned(),
                nearest: nearest(name, Self::names(), 1).first().map(|n| (*n).to_owned()),
                all: Self::names().map(str::to_owned).collect(),
            }),
        }
    }

    /// Reads a drill.
    ///
    /// # Errors
    /// The text is not TOML, has unknown or missing keys (with the line), or names a service the account lacks.
    pub fn parse(text: &str) -> Result<Self, DrillError> {
        let drill: Self = toml::from_str(text).map_err(|e| invalid("drill", e.to_string()))?;
        drill.account()?;
        Ok(drill)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for a list of drills. Gives nothing away.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The cause it hides.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What somebody would ask who is woken by it.
    #[must_use]
    pub fn questions(&self) -> &[String] {
        &self.ask
    }

    /// What an answer that has found the cause names.
    #[must_use]
    pub fn evidence(&self) -> &[String] {
        &self.evidence
    }

    /// What puts it right.
    #[must_use]
    pub fn fix(&self) -> &Fix {
        &self.fix
    }

    /// What does not.
    #[must_use]
    pub fn wrong(&self) -> &[Fix] {
        &self.wrong
    }

    /// The account it plays in.
    pub(crate) fn account(&self) -> Result<Account, DrillError> {
        let base: Contents = toml::from_str(BASE).map_err(|e| invalid("account.toml", e.to_string()))?;
        let account = Account::assemble(base, &self.overrides)
            .ok_or_else(|| invalid("account.toml", "there is no [account]".to_owned()))?;
        let named = self
            .deploy
            .iter()
            .map(|d| format!("{}/{}", d.cluster, d.service))
            .chain(account.holds.alarm.iter().filter_map(|a| a.follows.as_ref()).map(|f| f.service.clone()))
            .chain(account.holds.metric.iter().filter_map(|m| m.follows.clone()))
            .chain(account.holds.log.iter().filter_map(|l| l.when_down.clone()))
            .chain(self.condition.iter().filter_map(|c| c.runs.as_ref()).map(|r| r.service.clone()));
        for key in named {
            if !account.holds.service.iter().any(|s| s.key() == key) {
                return Err(invalid(&self.name, format!("there is no service {key}")));
            }
        }
        if let Some(unknown) =
            account.holds.conditions().find(|n| !self.condition.iter().any(|c| c.name == **n))
        {
            return Err(invalid(&self.name, format!("there is no condition {unknown:?}")));
        }
        Ok(account)
    }
}

fn invalid(file: &str, message: String) -> DrillError {
    DrillError::Invalid { file: file.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_drill_names_the_drills_there_are() {
        let error = Drill::named("checkout-outrage").unwrap_err().to_string();
        assert!(error.contains("\"checkout-outrage\"") && error.contains("checkout-outage"), "{error}");
    }

    #[test]
    fn every_embedded_drill_is_whole() {
        for (name, summary) in Drill::list() {
            let drill = Drill::named(name).unwrap();
            assert_eq!(drill.name(), name);
            assert!(!summary.is_empty() && !summary.contains('\n'));
            assert!(
                drill.cause().len() > 20 && !drill.questions().is_empty() && !drill.evidence().is_empty()
            );
            for fix in drill.wrong().iter().chain([drill.fix()]) {
                assert!(fix.says.len() > 10 && !(fix.tools.is_empty() && fix.commands.is_empty()), "{name}");
            }
        }
    }

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let text = include_str!("../../assets/drills/checkout-outage.toml");
        let line = text.lines().position(|l| l.starts_with("revision")).unwrap() + 1;
        let error = Drill::parse(&text.replacen("revision = ", "revisoin = ", 1)).unwrap_err().to_string();
        assert!(error.contains("revisoin") && error.contains(&format!("line {line}")), "{error}");
    }

    #[test]
    fn a_drill_cannot_name_a_service_the_account_lacks() {
        let text = include_str!("../../assets/drills/checkout-outage.toml");
        let error =
            Drill::parse(&text.replace("service = \"checkout-api\"", "service = \"checkout\"")).unwrap_err();
        assert!(error.to_string().contains("shop/checkout"), "{error}");
    }
}
