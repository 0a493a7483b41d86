//! What the agent loop itself costs, and how far a sweep's reads overlap.
//!
//! `cargo bench --bench loop`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "../tests/common/console.rs"]
#[allow(dead_code)]
mod console;
#[path = "../tests/common/stage.rs"]
#[allow(dead_code)]
mod stage;

use console::{Begin, Console, StillClock};
use futures::StreamExt as _;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::registry;
use quarterdeck_core::command::Command;
use quarterdeck_core::id::FrontId;
use quarterdeck_core::journal::{CallStats, Fact, Outcome};
use quarterdeck_core::message::{self, Block, ModelError, ModelEvent, Request, Stop};
use quarterdeck_core::models::Models;
use quarterdeck_core::scope::{Mode, Scope};
use quarterdeck_core::session::{Effect, FrontCaps, Input, Session, Setup};
use quarterdeck_core::settings::Settings;
use quarterdeck_demo::{Demo, Fault, Trouble};
use quarterdeck_model::anthropic::{self, Anthropic};
use quarterdeck_model::bedrock::Bedrock;
use quarterdeck_model::chat::Chat;
use quarterdeck_model::responses::Responses;
use quarterdeck_model::{EventStream, Load, Provider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const FRONT: FrontId = FrontId(1);
const ROUNDS: u32 = 10;
const AWAY: Duration = Duration::from_millis(80);

fn main() {
    println!("{:<58} {:>12} {:>12}", "what", "measured", "budget");
    overhead();
    sweep();
}

fn line(what: &str, measured: &str, budget: &str) {
    println!("{what:<58} {measured:>12} {budget:>12}");
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// A model that answers at once, tools that answer at once: what is left is the session.
fn overhead() {
    let setup = Setup {
        session: "s1".into(),
        version: "0".into(),
        operator: "sam".into(),
        catalogue: Arc::new(registry::catalogue()),
        scope: Scope::default(),
        mode: Mode::Execute,
        settings: Settings {
            provider: "scripted".into(),
            model: "scripted".into(),
            iterations: 50,
            max_tokens: 4_000,
            ..Settings::default()
        },
        // A window that never fills: the whole history is sent in every round.
        models: Arc::new(
            Models::parse(
                "[providers.scripted]\napi = \"messages\"\nwindow = 1_000_000_000\nmax_output = 8_000\n",
            )
            .unwrap(),
        ),
        system: quarterdeck_model::system_prompt().into(),
        redact_key: [7; 16],
    };
    let mut now = stage::NOON;
    let (mut session, _) = Session::new(setup, now);
    let _ = session.step(Input::FrontJoined(FRONT, FrontCaps { can_ask: true }), now);
    let mut times = Vec::new();
    let mut at_thousand = None;
    let mut turn = 0;
    while times.len() < 400 {
        turn += 1;
        let mut effects = session.step(Input::Command(FRONT, Command::Ask(format!("question {turn}"))), now);
        for round in 1..=ROUNDS {
            let request =
                effects.drain(..).find_map(|e| if let Effect::AskModel(r) = e { Some(r) } else { None });
            let request = request.unwrap();
            now = now.plus(Duration::from_secs(1));
            let at_length = session.timeline().steps().len() >= 1_000;
            if at_length && at_thousand.is_none() {
                at_thousand = Some(request.clone());
            }
            // The projections are the tools' work, not the loop's.
            let mut results: Vec<_> = (0..3).map(|_| stage::services()).collect();
            let begun = Instant::now();
            let (id, iteration) = (request.turn, request.iteration);
            for event in answer(turn, round) {
                effects.extend(session.step(Input::Model(id, iteration, Ok(event)), now));
            }
            let reads: Vec<_> = effects
                .drain(..)
                .filter_map(|e| if let Effect::Read(r) = e { Some(r.call) } else { None })
                .collect();
            for call in reads {
                let stats = CallStats { requests: 1, retries: 0 };
                let result = Ok((results.pop().unwrap(), stats));
                effects.extend(session.step(Input::Read(call, result), now));
            }
            if at_length && round < ROUNDS {
                times.push(begun.elapsed());
            }
        }
    }
    times.sort();
    let steps = session.timeline().steps().len();
    line(
        &format!("a round beyond model and tools, 1000 to {steps} steps: median"),
        &ms(times[times.len() / 2]),
        "2.00 ms",
    );
    line("  p99", &ms(times[times.len() * 99 / 100]), "");
    encoding(&at_thousand.unwrap());
}

/// What each API's body costs, from the request to its bytes.
fn encoding(request: &Request) {
    let models = Arc::new(Models::embedded().clone());
    let load: Load = Arc::new(|| Box::pin(async { Err("nothing is sent".to_owned()) }));
    let providers: [Arc<dyn Provider>; 4] = [
        Arc::new(Anthropic::new(anthropic::Settings::from_env(Arc::clone(&models), |_| None))),
        Arc::new(Bedrock::new("bedrock", Arc::clone(&models), None, load)),
        Arc::new(Responses::new("openai", "http://127.0.0.1", None, Arc::clone(&models))),
        Arc::new(Chat::new("openai-compatible", "http://127.0.0.1", None, models)),
    ];
    for provider in providers {
        let mut bytes = 0;
        let mut times: Vec<Duration> = (0..100)
            .map(|_| {
                let begun = Instant::now();
                bytes = provider.encode(request).unwrap().to_string().len();
                begun.elapsed()
            })
            .collect();
        times.sort();
        let what = format!("  encoding it for {}, {} KB: median", provider.name(), bytes / 1_000);
        line(&what, &ms(times[times.len() / 2]), "");
    }
}

/// Three reads with arguments of their own; the last round answers.
fn answer(turn: u32, round: u32) -> Vec<ModelEvent> {
    let mut events = vec![ModelEvent::BlockDone(Block::Text { text: "I look at the next services.".into() })];
    if round < ROUNDS {
        events.extend((0..3).map(|n| {
            let args = json!({ "cluster": format!("c-{turn}-{round}-{n}") });
            call(format!("toolu_{turn}_{round}_{n}"), "list_ecs_services", args)
        }));
    }
    events.push(ModelEvent::Done(if round < ROUNDS { Stop::ToolUse } else { Stop::EndTurn }));
    events
}

fn call(id: String, name: &str, input: Value) -> ModelEvent {
    ModelEvent::BlockDone(Block::ToolCall { id, name: name.into(), input: message::Input::Json(input) })
}

/// Answers the rounds of a script at once.
struct Script(Vec<Vec<(&'static str, Value)>>);

impl Provider for Script {
    fn name(&self) -> &str {
        "scripted"
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(json!({ "turns": request.turns }))
    }

    fn stream(&self, request: Request, _: CancellationToken) -> EventStream {
        let round = request.iteration;
        let calls = self.0.get(usize::try_from(round).unwrap() - 1).cloned().unwrap_or_default();
        let stop = if calls.is_empty() { Stop::EndTurn } else { Stop::ToolUse };
        let mut events = vec![ModelEvent::BlockDone(Block::Text { text: "I look.".into() })];
        events.extend(
            calls
                .into_iter()
                .enumerate()
                .map(|(n, (name, args))| call(format!("toolu_{round}_{n}"), name, args)),
        );
        events.push(ModelEvent::Done(stop));
        futures::stream::iter(events.into_iter().map(Ok)).boxed()
    }
}

/// Ten tools in two rounds, as somebody on call would ask for them: where it hurts, then why.
fn script() -> Vec<Vec<(&'static str, Value)>> {
    vec![
        vec![
            ("get_active_alarms", json!({ "regions": ["all"] })),
            ("list_ecs_services", json!({ "only_unhealthy": true })),
            ("list_ec2_instances", json!({ "regions": ["all"] })),
            ("get_target_health", json!({ "only_unhealthy": true })),
            ("list_rds_instances", json!({})),
        ],
        vec![
            ("get_ecs_stopped_tasks", json!({})),
            ("get_recent_changes", json!({ "since": "30m" })),
            ("list_lambda_functions", json!({})),
            ("audit_security_groups", json!({})),
            ("check_iam_key_age", json!({})),
        ],
    ]
}

struct Swept {
    wall: Duration,
    requests: u32,
    results: usize,
}

/// Plays a script against the embedded account, every request 80 ms away.
async fn play(rounds: Vec<Vec<(&'static str, Value)>>) -> Swept {
    let clock = StillClock::new();
    let demo = Demo::start("checkout-outage", clock.shared()).unwrap();
    let (key, secret) = demo.credentials();
    let aws = Aws::new(quarterdeck_aws::Settings {
        regions: vec![demo.region().to_owned()],
        http: Some(demo.http_client()),
        credentials: Some((key.to_owned(), secret.to_owned())),
        clock: clock.shared(),
        ..quarterdeck_aws::Settings::default()
    });
    // AWS keeps a credential report for four hours; making one takes it seconds, whoever asks.
    registry::read(&aws, "check_iam_key_age", &json!({}), Arc::new(|_| ())).await.unwrap();
    let provider = Arc::new(Script(rounds));
    let begin = Begin { aws, provider, model: "scripted".into(), mode: Mode::Execute, can_ask: false, clock };
    let mut console = Console::begin(begin).await;
    demo.faults().inject(Fault::new(Trouble::Delay(AWAY)));
    let begun = Instant::now();
    console.send(Command::Ask("what is wrong?".into())).await;
    console.turn_over().await;
    let wall = begun.elapsed();
    let mut swept = Swept { wall, requests: 0, results: 0 };
    for fact in console.facts() {
        let Fact::ToolFinished { outcome, .. } = fact else { continue };
        let Outcome::Ok { stats, .. } = outcome else { panic!("{}", console.story()) };
        swept.requests += stats.requests;
        swept.results += 1;
    }
    console.end().await;
    swept
}

#[tokio::main]
async fn sweep() {
    let rounds = script();
    let whole = play(rounds.clone()).await;
    assert_eq!(whole.results, rounds.iter().map(Vec::len).sum::<usize>());
    // The critical path: in each round, the tool that takes longest when it is alone.
    let mut critical = Duration::ZERO;
    for round in &rounds {
        let mut longest = Duration::ZERO;
        for call in round {
            longest = longest.max(play(vec![vec![call.clone()]]).await.wall);
        }
        critical += longest;
    }
    let serial = AWAY * whole.requests;
    line(
        &format!("sweep: {} tools in 2 rounds, {} requests 80 ms away", whole.results, whole.requests),
        &ms(whole.wall),
        "",
    );
    let ratio = whole.wall.as_secs_f64() / critical.as_secs_f64();
    line(&format!("  over the critical path of {}", ms(critical)), &format!("{ratio:.2} x"), "1.25 x");
    let faster = serial.as_secs_f64() / whole.wall.as_secs_f64();
    line(&format!("  faster than one request at a time, {}", ms(serial)), &format!("{faster:.1} x"), "6.0 x");
}
