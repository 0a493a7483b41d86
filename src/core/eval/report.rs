//! How alike the runs are.

use super::run::{Called, Run, RunEnd};
use crate::message::Usage;
use crate::scope::Mode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Characters of an answer that a report keeps; what is compared is the whole answer.
const ANSWER: usize = 4_000;
/// Characters of one call's arguments that a report keeps; what is compared is all of them.
const ARGS: usize = 2_000;

/// What is asked, of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The question, redacted.
    pub question: String,
    /// The provider's name.
    pub provider: String,
    /// The model's id.
    pub model: String,
    /// How hard it is to think, in the provider's own word.
    pub effort: Option<String>,
    /// SHA-256 of the system prompt, hex.
    pub prompt_hash: String,
    /// Runs asked for.
    pub asked: u32,
}

/// What an evaluation found. Its JSON is a contract: fields are added, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The question, redacted.
    pub question: String,
    /// The provider's name.
    pub provider: String,
    /// The model's id.
    pub model: String,
    /// How hard it was to think; null for the model's default.
    #[serde(default)]
    pub effort: Option<String>,
    /// SHA-256 of the system prompt, hex.
    pub prompt_hash: String,
    /// Always `track`.
    pub mode: Mode,
    /// How many runs there were.
    pub runs: Counts,
    /// Why it ended before all runs were made; null when it did not.
    #[serde(default)]
    pub stopped: Option<String>,
    /// From the loosest to the strictest.
    pub levels: Vec<Level>,
    /// Runs that failed, and why.
    pub failures: Vec<Failure>,
    /// Tokens of all requests that were answered.
    pub usage: Usage,
    /// Their price in US dollars; null when a price is not known.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// From the first run's beginning, in milliseconds.
    pub duration_ms: u64,
}

/// How many runs there were. In the end `asked = completed + failed + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Asked for.
    pub asked: u32,
    /// Ended by themselves; only these count for the agreement.
    pub completed: u32,
    /// The model could not be asked to the end.
    pub failed: u32,
    /// Cancelled, or not begun.
    pub cancelled: u32,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighed {
    /// The names of the first round's tools, as a multiset.
    FirstRoundTools,
    /// The first round's calls with their arguments, as a multiset.
    FirstRoundCalls,
    /// All calls with their arguments: a sequence of multisets, one per round.
    Plan,
    /// The final text, normalized.
    Answer,
}

/// The runs weighed on one level.
///
/// The agreement is the *modal share*: the runs of the most frequent variant divided by the completed runs. With n
/// completed runs it lies between 1/n (all different) and 1 (all the same); ties do not matter, as variants that are
/// equally frequent have the same share. It is absent when no run was completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// What is compared.
    pub level: Weighed,
    /// The modal share, 0 to 1, to four decimals.
    pub agreement: Option<f64>,
    /// How many variants there are.
    pub distinct: u32,
    /// The most frequent first; of equally frequent ones, that of the earliest run.
    pub variants: Vec<Variant>,
}

/// Runs that did the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// How many.
    pub count: u32,
    /// Of the completed runs, 0 to 1, to four decimals.
    pub share: f64,
    /// Which, in order, from 1.
    pub runs: Vec<u32>,
    /// What they did.
    #[serde(flatten)]
    pub what: What,
}

/// What runs did. Untrusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// These tools.
    Tools(Vec<String>),
    /// These calls, round by round.
    Calls(Vec<Vec<Called>>),
    /// This answer, as the earliest of the runs gave it; cut to 4,000 characters.
    Answer(String),
    /// No answer, for this reason.
    Ended(String),
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which, from 1.
    pub run: u32,
    /// One sentence. Untrusted.
    pub why: String,
}

/// How far an evaluation is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is found so far.
    pub report: Arc<Report>,
    /// Runs under way.
    pub running: u32,
    /// Nothing comes after this.
    pub over: bool,
}

impl Weighed {
    /// Every level, from the loosest to the strictest.
    pub const ALL: [Self; 4] = [Self::FirstRoundTools, Self::FirstRoundCalls, Self::Plan, Self::Answer];

    /// What a run did, as it is compared, and as it is told.
    fn of(self, run: &Run) -> (String, What) {
        let first = run.rounds.first().map_or(&[][..], Vec::as_slice);
        match self {
            Self::FirstRoundTools => {
                let tools: Vec<String> = first.iter().map(|call| call.tool.clone()).collect();
                (tools.join("\n"), What::Tools(tools))
            }
            Self::FirstRoundCalls => (key(&[first]), What::Calls(vec![shortened(first)])),
            Self::Plan => {
                let rounds: Vec<&[Called]> = run.rounds.iter().map(Vec::as_slice).collect();
                let shown = rounds.iter().map(|round| shortened(round)).collect();
                (key(&rounds), What::Calls(shown))
            }
            Self::Answer => match &run.end {
                RunEnd::Stopped(why) => (format!("stopped\n{why}"), What::Ended(why.clone())),
                RunEnd::Answered | RunEnd::Failed(_) | RunEnd::Cancelled => {
                    (format!("answered\n{}", normalized(&run.answer)), What::Answer(cut(&run.answer, ANSWER)))
                }
            },
        }
    }
}

impl Report {
    /// What `runs` come to, in whatever order they are. `took` is the time from the beginning.
    #[must_use]
    pub fn of(subject: &Subject, runs: &[Run], stopped: Option<String>, took: Duration) -> Self {
        let mut runs: Vec<&Run> = runs.iter().collect();
        runs.sort_by_key(|run| run.no);
        let complete: Vec<&Run> = runs.iter().copied().filter(|run| run.is_complete()).collect();
        let failures: Vec<Failure> = runs
            .iter()
            .filter_map(|run| match &run.end {
                RunEnd::Failed(error) => Some(Failure { run: run.no, why: error.message.clone() }),
                RunEnd::Answered | RunEnd::Stopped(_) | RunEnd::Cancelled => None,
            })
            .collect();
        let cost = runs.iter().map(|run| run.dollars).sum::<Option<f64>>();
        let cost = cost.map(|dollars| rounded(dollars, 1e6));
        Self {
            question: subject.question.clone(),
            provider: subject.provider.clone(),
            model: subject.model.clone(),
            effort: subject.effort.clone(),
            prompt_hash: subject.prompt_hash.clone(),
            mode: Mode::Track,
            runs: Counts {
                asked: subject.asked,
                completed: count(complete.len()),
                failed: count(failures.len()),
                cancelled: count(runs.iter().filter(|run| run.end == RunEnd::Cancelled).count()),
            },
            stopped,
            levels: Weighed::ALL.into_iter().map(|level| weigh(level, &complete)).collect(),
            failures,
            usage: runs.iter().fold(Usage::default(), |sum, run| sum.plus(run.usage)),
            cost_usd: cost,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn weigh(level: Weighed, runs: &[&Run]) -> Level {
    let mut variants: BTreeMap<String, Variant> = BTreeMap::new();
    for run in runs {
        let (key, what) = level.of(run);
        let new = Variant { count: 0, share: 0.0, runs: Vec::new(), what };
        let variant = variants.entry(key).or_insert(new);
        variant.count += 1;
        variant.runs.push(run.no);
    }
    let mut variants: Vec<Variant> = variants.into_values().collect();
    for variant in &mut variants {
        variant.share = rounded(f64::from(variant.count) / f64::from(count(runs.len())), 1e4);
    }
    variants.sort_by_key(|v| (std::cmp::Reverse(v.count), v.runs.first().copied()));
    Level { level, agreement: variants.first().map(|v| v.share), distinct: count(variants.len()), variants }
}

/// So that JSON gives back what it was given.
fn rounded(x: f64, parts: f64) -> f64 {
    (x * parts).round() / parts
}

/// Rounds as they are compared. JSON strings hold no line feed, so nothing can pretend to be another call.
fn key(rounds: &[&[Called]]) -> String {
    let call = |c: &Called| format!("{} {} {}", Value::from(c.tool.as_str()), c.args, c.valid);
    let round = |calls: &&[Called]| calls.iter().map(call).collect::<Vec<_>>().join("\n");
    rounds.iter().map(round).collect::<Vec<_>>().join("\n\n")
}

/// Lower case, white space as one blank, step numbers (`#12`) as `#`.
fn normalized(answer: &str) -> String {
    let words = answer.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        let number = out.ends_with('#') && c.is_ascii_digit();
        if !number {
            out.push(c);
        }
    }
    out
}

fn shortened(round: &[Called]) -> Vec<Called> {
    let short = |call: &Called| {
        let args = call.args.to_string();
        let args = if args.len() > ARGS { Value::String(cut(&args, ARGS)) } else { call.args.clone() };
        Called { args, ..call.clone() }
    };
    round.iter().map(short).collect()
}

fn cut(text: &str, most: usize) -> String {
    let mut out: String = text.chars().take(most).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
