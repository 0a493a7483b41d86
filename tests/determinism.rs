//! Evaluating determinism: the same question again and again, in sessions that can do nothing but ask the model.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod common;

use common::console::{Begin, Console, StillClock};
use futures::StreamExt as _;
use quarterdeck::engine::trial;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::Timestamp;
use quarterdeck_core::command::Command;
use quarterdeck_core::eval::{Counts, Failure, Report, What};
use quarterdeck_core::event::{Event, Live};
use quarterdeck_core::journal::{Fact, StepStatus};
use quarterdeck_core::message::{
    Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop, Turn, Usage, UserPart,
};
use quarterdeck_core::models::Models;
use quarterdeck_core::press::Key;
use quarterdeck_core::scope::{Mode, Scope};
use quarterdeck_core::session::{Setup, Trial};
use quarterdeck_core::settings::Settings;
use quarterdeck_model::{EventStream, Provider, offline};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

/// What a scripted model does with one request.
enum Act {
    Calls(Vec<(&'static str, Value)>),
    Answers(String),
    Fails(ModelErrorKind, &'static str),
    Hangs,
    Panics,
}

/// The n-th request (from 0), its round, itself.
type Script = Box<dyn Fn(usize, &Request) -> Act + Send + Sync>;

/// A model that does what a script says, and remembers what it was asked.
struct Scripted {
    script: Script,
    asked: Mutex<Vec<Request>>,
    open: Arc<AtomicUsize>,
    most: AtomicUsize,
    pause: Duration,
}

/// Counts down when a stream is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scripted {
    fn new(script: impl Fn(usize, &Request) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Self::slow(Duration::ZERO, script)
    }

    fn slow(pause: Duration, script: impl Fn(usize, &Request) -> Act + Send + Sync + 'static) -> Arc<Self> {
        let (asked, open, most) = (Mutex::default(), Arc::default(), AtomicUsize::new(0));
        Arc::new(Self { script: Box::new(script), asked, open, most, pause })
    }

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

fn blocks(act: &Act) -> (Vec<Block>, Stop) {
    match act {
        Act::Calls(calls) => {
            let call = |(n, (name, args)): (usize, &(&str, Value))| Block::ToolCall {
                id: format!("c{n}"),
                name: (*name).to_owned(),
                input: Input::Json(args.clone()),
            };
            (calls.iter().enumerate().map(call).collect(), Stop::ToolUse)
        }
        Act::Answers(text) => (vec![Block::Text { text: text.clone() }], Stop::EndTurn),
        Act::Fails(..) | Act::Hangs | Act::Panics => (Vec::new(), Stop::EndTurn),
    }
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn encode(&self, _: &Request) -> Result<Value, ModelError> {
        Ok(Value::Null)
    }

    fn stream(&self, request: Request, _: CancellationToken) -> EventStream {
        let n = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.clone());
            asked.len() - 1
        };
        let now = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        let act = (self.script)(n, &request);
        let pause = self.pause;
        let events = futures::stream::once(async move {
            let _open = open;
            tokio::time::sleep(pause).await;
            match &act {
                Act::Hangs => std::future::pending::<()>().await,
                Act::Panics => panic!("as scripted"),
                Act::Fails(kind, message) => {
                    return vec![Err(ModelError { kind: *kind, message: (*message).to_owned() })];
                }
                Act::Calls(_) | Act::Answers(_) => {}
            }
            let (blocks, stop) = blocks(&act);
            let usage = Usage { input: 100, output: 10, ..Usage::default() };
            let said = blocks.into_iter().map(ModelEvent::BlockDone);
            said.chain([ModelEvent::Usage(usage), ModelEvent::Done(stop)]).map(Ok).collect::<Vec<_>>()
        });
        events.flat_map(futures::stream::iter).boxed()
    }
}

fn setup() -> Setup {
    Setup {
        session: "s".into(),
        version: "0".into(),
        operator: "sam".into(),
        catalogue: Arc::new(registry::catalogue()),
        scope: Scope { regions: vec!["eu-west-1".into()], ..Scope::default() },
        // What a trial is made of tracks, whatever its session does.
        mode: Mode::Execute,
        settings: Settings { provider: "scripted".into(), model: "m".into(), ..Settings::default() },
        models: Arc::new(Models::embedded().clone()),
        system: "You help.".into(),
        redact_key: [7; 16],
    }
}

fn ask(runs: u32, concurrency: u32) -> Trial {
    Trial::new(
        setup(),
        "why is checkout failing?",
        runs,
        concurrency,
        Timestamp::from_millis(1_795_176_063_000),
    )
}

async fn evaluate(provider: &Arc<Scripted>, trial: Trial) -> Report {
    let provider: Arc<dyn Provider> = provider.clone();
    trial::evaluate(provider, trial, CancellationToken::new(), |_| ()).await
}

fn agreement(report: &Report) -> Vec<(Option<f64>, u32)> {
    report.levels.iter().map(|l| (l.agreement, l.distinct)).collect()
}

/// The tools that were called in the last answer of the transcript.
fn called(request: &Request) -> Vec<String> {
    let answer = request.turns.iter().rev().find_map(|turn| match turn {
        Turn::Assistant { blocks } => Some(blocks.clone()),
        Turn::User { .. } => None,
    });
    let name = |block| match block {
        Block::ToolCall { name, .. } => Some(name),
        Block::Text { .. } | Block::Reasoning { .. } => None,
    };
    answer.unwrap_or_default().into_iter().filter_map(name).collect()
}

#[tokio::test]
async fn runs_that_differ_are_told_apart_level_by_level() {
    // Of each four: two look at alarms and services in either order, one spells a default out, one looks at less.
    let provider = Scripted::new(|n, request| match (request.iteration, n / 2 % 4) {
        (1, 0) => Act::Calls(vec![("get_active_alarms", json!({})), ("list_ecs_services", json!({}))]),
        (1, 1) => Act::Calls(vec![("list_ecs_services", json!({})), ("get_active_alarms", json!({}))]),
        (1, 2) => Act::Calls(vec![
            ("get_active_alarms", json!({"state": "ALARM"})),
            ("list_ecs_services", json!({"only_unhealthy": true})),
        ]),
        (1, _) => Act::Calls(vec![("get_active_alarms", json!({}))]),
        (_, n) => Act::Answers(format!("Look at {} first [#{n}].", called(request).len())),
    });
    let report = evaluate(&provider, ask(12, 1)).await;
    assert_eq!(report.runs, Counts { asked: 12, completed: 12, failed: 0, cancelled: 0 });
    assert_eq!(
        agreement(&report),
        [(Some(0.75), 2), (Some(0.5), 3), (Some(0.5), 3), (Some(0.75), 2)],
        "tools, calls, plan, answer: {report:?}"
    );
    let What::Calls(rounds) = &report.levels[1].variants[0].what else { panic!("{report:?}") };
    assert_eq!(rounds[0][0].args["state"], "ALARM", "canonical: the default is filled in");
    assert_eq!(report.levels[1].variants[0].runs, [1, 2, 5, 6, 9, 10]);
    assert_eq!((report.usage.total(), report.cost_usd), (12 * 2 * 110, None));
    assert_eq!(
        (report.provider.as_str(), report.model.as_str(), report.mode),
        ("scripted", "m", Mode::Track)
    );
}

#[tokio::test]
async fn every_run_is_sent_the_same() {
    let provider = Scripted::new(|_, request| match request.iteration {
        1 => Act::Calls(vec![
            ("stop_instances", json!({"ids": ["i-0123456789abcdef0"]})),
            ("nonsense", json!({})),
        ]),
        _ => Act::Answers("x".into()),
    });
    evaluate(&provider, ask(5, 5)).await;
    let asked = provider.asked();
    for iteration in [1, 2] {
        let same: Vec<&Request> = asked.iter().filter(|r| r.iteration == iteration).collect();
        assert_eq!(same.len(), 5);
        assert!(same.iter().all(|r| *r == same[0]), "iteration {iteration}");
    }
    let last = asked.iter().find(|r| r.iteration == 2).unwrap();
    let Turn::User { parts } = last.turns.last().unwrap() else { panic!("{last:?}") };
    let results: Vec<(&str, bool)> = parts
        .iter()
        .filter_map(|p| match p {
            UserPart::ToolResult { content, is_error, .. } => Some((content.as_str(), *is_error)),
            UserPart::Text { .. } => None,
        })
        .collect();
    assert!(results[0].0.contains("recorded, not executed") && !results[0].1, "{results:?}");
    assert!(
        results[1].0.contains("no tool named") && results[1].1,
        "as when calls are executed: {results:?}"
    );
}

#[tokio::test]
async fn as_many_are_under_way_as_may_be() {
    for most in [1, 3, 8] {
        let provider = Scripted::slow(Duration::from_millis(5), |_, _| Act::Answers("x".into()));
        let report = evaluate(&provider, ask(20, most)).await;
        assert_eq!(report.runs.completed, 20);
        assert_eq!(provider.most.load(Ordering::SeqCst), most as usize);
        assert_eq!(provider.open(), 0);
    }
}

#[tokio::test]
async fn a_run_that_fails_says_why_and_stops_no_other() {
    let provider = Scripted::new(|n, _| match n {
        1 => Act::Fails(ModelErrorKind::Overloaded, "overloaded: try again later"),
        3 => Act::Panics,
        _ => Act::Answers("x".into()),
    });
    let report = evaluate(&provider, ask(6, 1)).await;
    assert_eq!(report.runs, Counts { asked: 6, completed: 4, failed: 2, cancelled: 0 });
    assert_eq!(report.failures[0], Failure { run: 2, why: "overloaded: try again later".into() });
    assert!(report.failures[1].why.contains("please report it"));
    assert_eq!(report.levels[3].agreement, Some(1.0), "failed runs do not count");
}

#[tokio::test]
async fn runs_that_end_without_an_answer_are_behaviour_and_count() {
    let provider = Scripted::new(|_, _| Act::Calls(vec![("get_active_alarms", json!({}))]));
    let report = evaluate(&provider, ask(2, 2)).await;
    assert_eq!(report.runs.completed, 2);
    let What::Ended(why) = &report.levels[3].variants[0].what else { panic!("{report:?}") };
    assert!(why.contains("loop") && why.contains("get_active_alarms"), "{why}");
}

#[tokio::test]
async fn without_credentials_the_rest_is_not_begun() {
    let provider = Scripted::new(|_, _| Act::Fails(ModelErrorKind::Credentials, "no key: set SCRIPTED_KEY"));
    let report = evaluate(&provider, ask(50, 2)).await;
    assert!(provider.asked().len() <= 3, "{}", provider.asked().len());
    let why = report.stopped.as_deref().unwrap();
    assert!(why.contains("stopped after 2 runs") && why.contains("set SCRIPTED_KEY"), "{why}");
    assert_eq!(report.runs.failed + report.runs.cancelled, 50);
    assert_eq!(report.levels[0].agreement, None);
    // One that is refused among others that are not is an accident.
    let provider = Scripted::new(|n, _| match n {
        0 | 2 => Act::Fails(ModelErrorKind::Credentials, "no key"),
        _ => Act::Answers("x".into()),
    });
    let report = evaluate(&provider, ask(5, 1)).await;
    assert_eq!((report.runs.completed, report.stopped), (3, None));
}

#[tokio::test]
async fn cancelling_keeps_what_is_complete_and_drops_the_rest_at_once() {
    let provider = Scripted::new(|n, _| if n < 3 { Act::Answers("x".into()) } else { Act::Hangs });
    let cancel = CancellationToken::new();
    let (ending, cancelled) = (cancel.clone(), Arc::new(Mutex::new(None)));
    let at = Arc::clone(&cancelled);
    let mut news = Vec::new();
    let work = trial::evaluate(provider.clone(), ask(10, 2), cancel, |progress| {
        if progress.report.runs.completed == 3 {
            let (ending, at) = (ending.clone(), Arc::clone(&at));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                at.lock().unwrap().get_or_insert_with(Instant::now);
                ending.cancel();
            });
        }
        news.push((progress.report.runs, progress.running));
    });
    let report = tokio::time::timeout(Duration::from_secs(20), work).await.expect("it ends");
    let took = cancelled.lock().unwrap().unwrap().elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(report.runs, Counts { asked: 10, completed: 3, failed: 0, cancelled: 7 });
    assert_eq!(report.levels[3].agreement, Some(1.0));
    assert_eq!(provider.asked().len(), 5, "two were under way, five not begun");
    assert_eq!(provider.open(), 0, "what hung was dropped");
    assert!(news.iter().take(3).all(|(_, running)| *running == 2), "{news:?}");
}

/// An account that answers anything as STS would, and counts how often it is asked.
async fn account() -> (Aws, Arc<AtomicUsize>) {
    const BODY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/OnCall/sam</Arn><UserId>x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 16 * 1024]).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    BODY.len()
                );
                let _ = socket.write_all(format!("{head}{BODY}").as_bytes()).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    let aws = Aws::new(quarterdeck_aws::Settings {
        regions: vec!["eu-west-1".to_owned()],
        endpoint: Some(format!("http://{address}")),
        credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
        ..quarterdeck_aws::Settings::default()
    });
    (aws, asked)
}

async fn begin(provider: Arc<dyn Provider>, mode: Mode) -> (Begin, Arc<AtomicUsize>) {
    let (aws, asked) = account().await;
    let clock = StillClock::new();
    (Begin { aws, provider, model: "m".into(), mode, can_ask: true, clock }, asked)
}

/// Asks for a read and a write in every round of every run.
fn greedy() -> Arc<Scripted> {
    Scripted::new(|n, request| match request.iteration {
        1 | 2 => Act::Calls(vec![
            ("stop_instances", json!({"ids": [format!("i-0123456789abcde{:02x}", n % 5)]})),
            ("list_ec2_instances", json!({"state": "running"})),
            ("download_s3_object", json!({"bucket": "b", "key": "k"})),
        ]),
        _ => Act::Answers("Then I would stop it.".into()),
    })
}

#[tokio::test]
async fn nothing_executes_whatever_the_model_asks_for() {
    let provider = greedy();
    let (begin, requests) = begin(provider.clone(), Mode::Track).await;
    let mut console = Console::begin(begin).await;
    console.knows(Mode::Track).await;
    let before = requests.load(Ordering::SeqCst);
    assert!(before > 0, "the account that must not be asked can be asked");
    console.typed(":eval 4 stop the build runner").await;
    console.key(Key::Enter).await;
    console.until("the end", |c| c.screen.evaluation.as_ref().is_some_and(|e| e.progress.over)).await;
    let drawn = console.draw().await;
    assert!(drawn.contains("4 of 4 runs") && drawn.contains("stop the build runner"), "{drawn}");
    assert_eq!(provider.asked().len(), 12);
    assert!(provider.asked()[0].tools.iter().any(|t| t.name == "stop_instances"), "writes are offered");
    let report = console.facts().find_map(|f| match f {
        Fact::Evaluated { report } => Some(Arc::clone(report)),
        _ => None,
    });
    assert_eq!(report.unwrap().runs.completed, 4);
    let told =
        |f: &Fact| matches!(f, Fact::ToolCalled { .. } | Fact::ApprovalAsked { .. } | Fact::Question { .. });
    assert_eq!(console.count(told), 0, "the runs are not this session's: {}", console.story());
    console.key(Key::Esc).await;
    assert!(console.screen.evaluation.is_none());
    let step = console.screen.ledger.timeline.steps().last().unwrap();
    assert_eq!((step.title.as_str(), step.status), ("determinism evaluated", StepStatus::Completed));
    console.end().await;
    assert_eq!(requests.load(Ordering::SeqCst), before, "the account was not asked");
}

#[tokio::test]
async fn where_calls_are_executed_nothing_is_evaluated() {
    for mode in [Mode::Execute, Mode::ReadOnly] {
        let provider = greedy();
        let (begin, _) = begin(provider.clone(), mode).await;
        let mut console = Console::begin(begin).await;
        console.knows(mode).await;
        console.typed(":eval 4 why?").await;
        console.key(Key::Enter).await;
        let drawn = console.draw().await;
        assert!(drawn.contains("tracking mode only, so that nothing runs"), "{drawn}");
        // Nor when the screen is gone round.
        let question = "why?".to_owned();
        console.send(Command::Evaluate { question, runs: 2, concurrency: 2 }).await;
        console.until("the refusal", |c| c.screen.notices.iter().any(|n| n.text.contains("tracking"))).await;
        assert!(console.screen.evaluation.is_none() && provider.asked().is_empty());
        console.end().await;
    }
}

#[tokio::test]
async fn esc_keeps_partial_results_in_the_journal() {
    let provider = Scripted::new(|n, _| if n < 2 { Act::Answers("x".into()) } else { Act::Hangs });
    let (begin, _) = begin(provider.clone(), Mode::Track).await;
    let mut console = Console::begin(begin).await;
    console.knows(Mode::Track).await;
    console.typed(":eval 6 why?").await;
    console.key(Key::Enter).await;
    let two =
        |c: &Console| c.screen.evaluation.as_ref().is_some_and(|e| e.progress.report.runs.completed == 2);
    console.until("two runs", two).await;
    assert!(console.screen.evaluates());
    let pressed = Instant::now();
    console.key(Key::Esc).await;
    console.until("the end", |c| c.count(|f| matches!(f, Fact::Evaluated { .. })) == 1).await;
    assert!(pressed.elapsed() < Duration::from_secs(2), "{:?}", pressed.elapsed());
    let open = console.screen.evaluation.as_ref().unwrap();
    assert_eq!(open.progress.report.runs, Counts { asked: 6, completed: 2, failed: 0, cancelled: 4 });
    assert_eq!(provider.open(), 0);
    console.ask_after_evaluation().await;
    console.end().await;
}

impl Console {
    /// The screen knows the mode: here nothing says it before the journal does.
    async fn knows(&mut self, mode: Mode) {
        let settled = |f: &Fact| matches!(f, Fact::SettingsChanged { .. });
        self.until("the mode", |c| c.screen.ledger.mode == mode && c.count(settled) > 0).await;
    }

    /// The session goes on as before.
    async fn ask_after_evaluation(&mut self) {
        self.key(Key::Esc).await;
        self.ask("and now?").await;
        self.key(Key::Esc).await;
        self.key(Key::Esc).await;
        self.turn_over().await;
    }
}

#[tokio::test]
async fn news_does_not_flood() {
    let (begin, _) = begin(Arc::new(offline::Offline::embedded()), Mode::Track).await;
    let mut running = begin.engine().await;
    let question = "why is checkout failing?".to_owned();
    let began = Instant::now();
    running.front.commands.send(Command::Evaluate { question, runs: 100, concurrency: 8 }).await.unwrap();
    let mut news = 0_u128;
    let report = loop {
        match tokio::time::timeout(Duration::from_secs(60), running.front.events.recv()).await.unwrap() {
            Some(Event::Live(Live::Evaluating(_))) => news += 1,
            Some(Event::Appended(entry)) => {
                if let Fact::Evaluated { report } = &entry.fact {
                    break Arc::clone(report);
                }
            }
            Some(_) => {}
            None => panic!("the engine ended"),
        }
    };
    let most = began.elapsed().as_millis() / 100 + 2;
    assert!((1..=most).contains(&news), "{news} messages in {:?}", began.elapsed());
    assert_eq!(report.runs.completed, 100);
    assert!(agreement(&report).iter().all(|a| *a == (Some(1.0), 1)), "runbooks are deterministic");
    running.front.commands.send(Command::Quit).await.unwrap();
    drop(running.front);
    running.engine.ended().await;
}
