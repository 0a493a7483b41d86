//! Every drill from question to recovery: the real engine and screen in one process, time under the test's hand.
//!
//! What a drill's file says is what is checked: its questions find what it names as evidence, its fix puts it right, and
//! what it calls wrong does not.

use crate::common::calls::column;
use crate::common::console::{Begin, Console, StillClock};
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, Outcome, Timeline, Transcript};
use quarterdeck_core::message::{Block, Turn, UserPart};
use quarterdeck_core::scope::Mode;
use quarterdeck_core::tool::{FaultKind, Risk};
use quarterdeck_demo::{Demo, Drill, Fix};
use quarterdeck_model::offline::{Offline, Runbook};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const MINUTE: u64 = 60_000;

/// A drill's account behind the SDK, by `clock`.
pub fn account(drill: Drill, clock: &StillClock) -> (Demo, Aws) {
    let demo = Demo::play(drill, clock.shared()).unwrap();
    let (key, secret) = demo.credentials();
    let aws = Aws::new(Settings {
        regions: vec![demo.region().to_owned()],
        http: Some(demo.http_client()),
        credentials: Some((key.to_owned(), secret.to_owned())),
        clock: clock.shared(),
        ..Settings::default()
    });
    (demo, aws)
}

/// A drill that is played at a console without a model.
struct Stage {
    demo: Demo,
    aws: Aws,
    console: Console,
}

impl Stage {
    async fn of(name: &str) -> Self {
        Self::in_mode(name, Mode::Execute).await
    }

    async fn in_mode(name: &str, mode: Mode) -> Self {
        let clock = StillClock::new();
        let (demo, aws) = account(Drill::named(name).unwrap(), &clock);
        let provider = Arc::new(Offline::embedded());
        let model = "runbooks".into();
        let begin = Begin { aws: aws.clone(), provider, model, mode, can_ask: true, clock };
        Self { demo, aws, console: Console::begin(begin).await }
    }

    async fn ask(&mut self, question: &str) -> String {
        self.console.ask(question).await;
        self.console.turn_over().await;
        let said = |f: &Fact| match f {
            Fact::ModelResponded { blocks, .. } => Some(blocks.clone()),
            _ => None,
        };
        let blocks = self.console.facts().filter_map(said).last().unwrap();
        let Some(Block::Text { text }) = blocks.last() else { panic!("{blocks:?}") };
        text.clone()
    }

    /// What each step told the model, by its number.
    fn steps(&self) -> BTreeMap<u64, String> {
        let (mut timeline, mut transcript) = (Timeline::default(), Transcript::default());
        for entry in &self.console.screen.ledger.entries {
            timeline.apply(entry);
            transcript.apply(entry, &timeline);
        }
        let turns = transcript.turns("offline", "runbooks");
        let parts = turns.iter().flat_map(|turn| match turn {
            Turn::User { parts } => parts.clone(),
            Turn::Assistant { .. } => Vec::new(),
        });
        let told = |part| match part {
            UserPart::ToolResult { content, .. } => {
                let no = content.strip_prefix("[#")?.split_once(']')?.0.parse().ok()?;
                Some((no, content))
            }
            UserPart::Text { .. } => None,
        };
        parts.filter_map(told).collect()
    }

    /// A person's own calls, each approved. Whether all were carried out.
    async fn carry_out(&mut self, fix: &Fix) -> bool {
        let mut done = true;
        for tool in &fix.tools {
            let over = |f: &Fact| matches!(f, Fact::WriteConcluded { .. });
            let failed = |f: &Fact| matches!(f, Fact::ToolFinished { outcome: Outcome::Failed { .. }, .. });
            let (before, faults) = (self.console.count(over), self.console.count(failed));
            let args = Value::Object(tool.arguments.clone());
            self.console.send(Command::Call { tool: tool.name.clone(), args, fresh: true }).await;
            self.console
                .until("a dialog or a fault", |c| c.gate().is_some() || c.count(failed) > faults)
                .await;
            if self.console.gate().is_none() {
                done = false;
                continue;
            }
            self.console.approve().await;
            self.console.until("the outcome", |c| c.count(over) > before).await;
        }
        done
    }

    /// The alarms that fire, and since when.
    async fn alarms(&self) -> BTreeMap<String, String> {
        let alarms =
            registry::read(&self.aws, "get_active_alarms", &json!({}), Arc::new(|_| ())).await.unwrap().0;
        column(&alarms, "name").into_iter().zip(column(&alarms, "since")).collect()
    }
}

/// Text as a result and an answer both have it: on one line, without quotes that were changed on the way.
fn plain(text: &str) -> String {
    text.replace("\\n", " ")
        .replace("\\t", " ")
        .replace(['`', '\\', '"', '\''], "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The numbers of the steps a line cites.
fn cited(line: &str) -> Vec<u64> {
    line.split("[#").skip(1).filter_map(|rest| rest.split_once(']')?.0.parse().ok()).collect()
}

/// What a line puts in backticks.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Everything the answer tells with a link stands in the steps it links to.
fn check_citations(answer: &str, steps: &BTreeMap<u64, String>) {
    let (mut links, catalogue) = (0, registry::catalogue());
    for line in answer.lines().filter(|l| l.contains("[#")) {
        let numbers = cited(line);
        let told: String = numbers
            .iter()
            .map(|n| plain(steps.get(n).unwrap_or_else(|| panic!("no step {n}: {line}"))))
            .collect();
        links += numbers.len();
        for quote in quoted(line).into_iter().filter(|q| catalogue.get(q).is_err()) {
            let fact = plain(quote.trim_end_matches('…'));
            assert!(told.contains(&fact), "{fact:?} is not in the steps of\n{line}\n{told}");
        }
        for word in line.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';')) {
            let word = word.trim_matches(['`', ':', '.', '%', '$', '"', '\'', '…']);
            let number = word.len() > 1
                && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '-' | 'T' | 'Z'));
            assert!(!number || told.contains(word), "{word:?} is not in the steps of\n{line}\n{told}");
        }
    }
    assert!(links > 3, "the answer is linked to its steps: {answer}");
}

async fn found_by_asking(name: &str) {
    let mut stage = Stage::of(name).await;
    let drill = stage.demo.drill().clone();
    for question in drill.questions() {
        let answer = stage.ask(question).await;
        for fact in drill.evidence() {
            assert!(answer.contains(fact), "{question} does not find {fact:?}:\n\n{answer}");
        }
        for heading in ["What to do", "How this was found", "Not looked at"] {
            assert!(answer.contains(heading), "{heading}: {answer}");
        }
        for command in &drill.fix().commands {
            assert!(answer.contains(command.as_str()), "{question} does not print {command:?}:\n\n{answer}");
        }
        let (runbook, rules) = leads_to(name, question);
        assert!(answer.contains(&format!("follows the runbook `{runbook}`")), "{question}: {answer}");
        for rule in rules {
            let led = answer.lines().find(|l| l.starts_with("- Because ") && l.contains(rule));
            let led = led.unwrap_or_else(|| panic!("{question}: no step was led to by {rule:?}\n{answer}"));
            assert!(!cited(led).is_empty(), "{led}");
        }
        check_citations(&answer, &stage.steps());
        // Long enough that nothing is told twice from the same reading.
        stage.console.wait(MINUTE);
    }
    assert_eq!(stage.console.intents(), 0, "a question never changes anything");
    let writes: BTreeSet<String> =
        stage.demo.calls().into_iter().filter(|c| c.mutating).map(|c| c.operation).collect();
    assert!(writes.is_empty(), "{writes:?}");
    stage.console.end().await;
}

/// The runbook that finds a drill's cause for a question, and the rules that lead to it.
fn leads_to(drill: &str, question: &str) -> (&'static str, &'static [&'static str]) {
    match (drill, question) {
        ("checkout-outage", "why is checkout failing?" | "is something wrong?") => {
            ("triage", &["services short of tasks", "stopped tasks that have a log group"])
        }
        ("database-connections", "why is checkout slow?" | "is something wrong?") => {
            ("triage", &["a hint at a database", "databases that need attention"])
        }
        ("lambda-throttled", "why are orders not processed?" | "is something wrong?") => {
            ("triage", &["a hint at a queue or a function", "functions that fail or are throttled"])
        }
        ("leaked-key", "are we being attacked?" | "is somebody using a leaked key?") => {
            ("attack", &["groups that were opened within a day", "users who were refused a change"])
        }
        ("leaked-key", "is something wrong?") => {
            ("triage", &["callers who were refused", "an alarm of refused calls"])
        }
        ("cost-anomaly", "why is the bill so high?" | "is something unusual in the costs?") => {
            ("costs", &["anomalies of EC2 in a region"])
        }
        (drill, question) => panic!("no runbook is named for {question:?} of {drill}"),
    }
}

/// What an answer tells the operator to say, when it would change something.
fn orders(answer: &str) -> Vec<String> {
    let verbs = ["roll back ", "stop instance", "disable the key", "revoke rule"];
    let said = answer
        .split("say `")
        .skip(1)
        .filter_map(|rest| rest.split_once('`'))
        .map(|(said, _)| said.to_owned());
    said.filter(|said| verbs.iter().any(|v| said.starts_with(v))).collect()
}

/// Whoever says what the answer tells them to say, and approves it, has put the drill right.
async fn put_right_by_saying_so(name: &str) {
    let mut stage = Stage::of(name).await;
    let drill = stage.demo.drill().clone();
    let answer = stage.ask(&drill.questions()[0]).await;
    let orders = orders(&answer);
    assert_eq!(orders.is_empty(), drill.fix().tools.is_empty(), "{answer}");
    for order in &orders {
        let intents = stage.console.intents();
        stage.console.ask(order).await;
        stage.console.dialog().await;
        assert_eq!(stage.console.intents(), intents, "{order}: nothing before the approval");
        stage.console.approve().await;
        let over = |c: &Console| c.count(|f| matches!(f, Fact::WriteConcluded { .. })) > intents;
        stage.console.until("the outcome", over).await;
        // The verification follows what was changed.
        for _ in 0..40 {
            stage.console.wait(MINUTE / 4);
            stage.console.linger(50).await;
        }
        stage.console.turn_over().await;
    }
    if !orders.is_empty() {
        assert_eq!(stage.demo.holding(), [""; 0], "{orders:?}");
    }
    stage.console.end().await;
}

async fn right_and_wrong(name: &str) {
    let drill = Drill::named(name).unwrap();
    for wrong in drill.wrong() {
        let mut stage = Stage::of(name).await;
        let (holding, alarms) = (stage.demo.holding(), stage.alarms().await);
        stage.carry_out(wrong).await;
        stage.console.wait(15 * MINUTE);
        let still = stage.demo.holding();
        assert!(!still.is_empty() && still.iter().all(|h| holding.contains(h)), "{}: {still:?}", wrong.says);
        let fires = stage.alarms().await;
        assert!(alarms.keys().all(|a| fires.contains_key(a)), "{}: {alarms:?} {fires:?}", wrong.says);
        stage.console.end().await;
    }
    if drill.fix().tools.is_empty() {
        return;
    }
    let mut stage = Stage::of(name).await;
    assert!(stage.carry_out(drill.fix()).await, "{}", stage.console.story());
    stage.console.wait(15 * MINUTE);
    assert_eq!(stage.demo.holding(), [""; 0]);
    let before = stage.demo.started().minus(std::time::Duration::from_millis(120 * MINUTE)).rfc3339();
    let fires = stage.alarms().await;
    assert!(fires.values().all(|since| *since < before), "{fires:?}");
    stage.console.end().await;
}

macro_rules! drills {
    ($($name:ident: $file:literal),* $(,)?) => {
        const TESTED: &[&str] = &[$($file),*];
        $(mod $name {
            #[tokio::test]
            async fn is_found_by_asking() {
                super::found_by_asking($file).await;
            }

            #[tokio::test]
            async fn is_put_right_by_what_the_answer_says() {
                super::put_right_by_saying_so($file).await;
            }

            #[tokio::test]
            async fn is_put_right_by_its_fix_and_by_no_other() {
                super::right_and_wrong($file).await;
            }
        })*
    };
}

drills! {
    checkout_outage: "checkout-outage",
    database_connections: "database-connections",
    lambda_throttled: "lambda-throttled",
    leaked_key: "leaked-key",
    cost_anomaly: "cost-anomaly",
}

/// In tracking mode nothing is read: the answer is the plan.
#[tokio::test]
async fn tracked_questions_end_with_a_plan() {
    for drill in TESTED {
        let mut stage = Stage::in_mode(drill, Mode::Track).await;
        let before = stage.demo.calls().len();
        let question = stage.demo.drill().questions()[0].clone();
        let answer = stage.ask(&question).await;
        assert_eq!(stage.demo.calls().len(), before, "nothing is sent");
        assert_eq!(
            stage.console.count(|f| matches!(f, Fact::ModelRequested { .. })),
            2,
            "one round, one answer"
        );
        let recorded =
            stage.console.count(|f| matches!(f, Fact::ToolFinished { outcome: Outcome::Recorded, .. }));
        let plan = answer.lines().filter(|l| l.starts_with("- `")).count();
        assert!(recorded > 0 && plan == recorded, "{answer}");
        for words in
            ["Recorded, not executed", "What would come next", "- Round 2, ", "No model is behind this plan"]
        {
            assert!(answer.contains(words), "{words}: {answer}");
        }
        for fact in stage.demo.drill().evidence() {
            assert!(!answer.contains(fact), "{fact} cannot be known: {answer}");
        }
        stage.console.end().await;
    }
}

/// The list of tools that any question may lead to is the registry's.
#[test]
fn what_runbooks_take_for_a_read_is_one() {
    for tool in registry::catalogue().iter() {
        let name = tool.spec.name;
        let runbook = format!(
            "name = \"n\"\nabout = \"a\"\nexamples = [\"a w\"]\n[ask]\nwords = [\"w\"]\n[[step]]\nid = \"s\"\nround = 1\n\
             tool = \"{name}\"\nbecause = \"b\"\n[[answer]]\n[[answer.line]]\ntext = \"t\"\n"
        );
        assert_eq!(Runbook::parse("x", &runbook).is_ok(), tool.risk == Risk::Read, "{name}");
    }
}

#[test]
fn no_drill_is_left_out() {
    let all: Vec<&str> = Drill::names().collect();
    assert_eq!(all, TESTED);
}

#[tokio::test]
async fn a_log_group_whose_name_is_nearly_right_is_found() {
    let mut stage = Stage::of("database-connections").await;
    let answer = stage.ask("logs of checkout-api").await;
    for words in
        ["There is no log group `/ecs/checkout-api`", "`/ecs/shop/checkout-api`", "no database connection"]
    {
        assert!(answer.contains(words), "{words}: {answer}");
    }
    check_citations(&answer, &stage.steps());
    stage.console.end().await;
}

/// What a runbook sends is what its tools take: otherwise a person would be told that the console is wrong.
#[tokio::test]
async fn no_runbook_sends_what_a_tool_does_not_take() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/runbooks");
    let mut questions = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let runbook = Runbook::parse(&path.display().to_string(), &text).unwrap();
        if !runbook.changes() {
            questions.extend(runbook.examples);
        }
    }
    questions.sort();
    assert!(questions.len() > 20);
    let mut stage = Stage::of("checkout-outage").await;
    for question in &questions {
        let answer = stage.ask(question).await;
        assert!(answer.contains("follows the runbook"), "{question}: {answer}");
        stage.console.wait(MINUTE);
    }
    let wrong: Vec<String> = stage
        .console
        .facts()
        .filter_map(|f| match f {
            Fact::ToolFinished { outcome: Outcome::Failed { fault }, .. }
                if fault.kind == FaultKind::Invalid =>
            {
                Some(fault.to_string())
            }
            _ => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    stage.console.end().await;
}
