//! The model's window, through the whole console: real tools against the embedded account, a model of 32k tokens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "common/console.rs"]
#[allow(dead_code)]
mod console;
#[path = "common/stage.rs"]
#[allow(dead_code)]
mod stage;

use console::{Begin, Console, StillClock};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use quarterdeck_aws::Settings as Where;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::command::Command;
use quarterdeck_core::journal::{Fact, TurnEnd};
use quarterdeck_core::message::{Block, Input, ModelError, ModelErrorKind, ModelEvent, Request, Stop};
use quarterdeck_core::scope::Mode;
use quarterdeck_core::settings::{Ceiling, Settings};
use quarterdeck_core::tokens::{Tokens, estimate};
use quarterdeck_demo::Demo;
use quarterdeck_model::{EventStream, Provider};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How it counts tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    As(u64),
    Fails,
    Hangs,
}

/// A model that calls tools for some rounds, then answers; it remembers what it was sent.
struct Model {
    rounds: u32,
    counts: Counts,
    sent: Arc<Mutex<Vec<Request>>>,
}

const TOOLS: [&str; 8] = [
    "get_active_alarms",
    "list_ecs_services",
    "list_ec2_instances",
    "get_target_health",
    "list_rds_instances",
    "list_lambda_functions",
    "audit_security_groups",
    "list_s3_buckets",
];

impl Provider for Model {
    fn name(&self) -> &str {
        "openai-compatible"
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(json!({ "turns": request.turns }))
    }

    fn count_tokens(&self, _: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let counts = self.counts;
        Box::pin(async move {
            match counts {
                Counts::As(n) => Ok(Tokens::Exact(n)),
                Counts::Fails => {
                    Err(ModelError { kind: ModelErrorKind::Unavailable, message: "no such path".to_owned() })
                }
                Counts::Hangs => std::future::pending().await,
            }
        })
    }

    fn stream(&self, request: Request, _: CancellationToken) -> EventStream {
        let (turn, round) = (request.turn, request.iteration);
        self.sent.lock().unwrap().push(request);
        let mut events = vec![ModelEvent::BlockDone(Block::Text { text: "I look.".into() })];
        if round <= self.rounds {
            events.extend(TOOLS.iter().map(|name| {
                let id = format!("t_{turn}_{round}_{name}");
                let name = (*name).to_owned();
                ModelEvent::BlockDone(Block::ToolCall { id, name, input: Input::Json(json!({})) })
            }));
        }
        events.push(ModelEvent::Done(if round <= self.rounds { Stop::ToolUse } else { Stop::EndTurn }));
        futures::stream::iter(events.into_iter().map(Ok)).boxed()
    }
}

struct Deck {
    console: Console,
    sent: Arc<Mutex<Vec<Request>>>,
    _demo: Demo,
}

async fn deck(rounds: u32, counts: Counts, can_ask: bool) -> Deck {
    let clock = StillClock::new();
    let demo = Demo::start("checkout-outage", clock.shared()).unwrap();
    let (key, secret) = demo.credentials();
    let aws = Aws::new(Where {
        regions: vec![demo.region().to_owned()],
        http: Some(demo.http_client()),
        credentials: Some((key.to_owned(), secret.to_owned())),
        clock: clock.shared(),
        ..Where::default()
    });
    let sent: Arc<Mutex<Vec<Request>>> = Arc::default();
    let provider = Arc::new(Model { rounds, counts, sent: Arc::clone(&sent) });
    let begin = Begin { aws, provider, model: "qwen3".into(), mode: Mode::Execute, can_ask, clock };
    Deck { console: Console::begin(begin).await, sent, _demo: demo }
}

fn end(console: &Console) -> Option<TurnEnd> {
    console
        .facts()
        .filter_map(|f| if let Fact::TurnEnded { reason, .. } = f { Some(reason.clone()) } else { None })
        .last()
}

/// A question that nearly fills the window.
fn long_question() -> String {
    "why is checkout failing? ".repeat(1_500)
}

#[tokio::test]
async fn real_tools_fit_a_small_window_turn_after_turn() {
    let mut deck = deck(2, Counts::Fails, true).await;
    for n in 1..=6 {
        deck.console.wait(60_000);
        deck.console.send(Command::Ask(format!("what is wrong now ({n})?"))).await;
        let over = |c: &Console| c.count(|f| matches!(f, Fact::TurnEnded { .. })) == n;
        deck.console.until("the end of the turn", over).await;
        assert_eq!(end(&deck.console), Some(TurnEnd::Answered), "{}", deck.console.story());
    }
    let sent = deck.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 18);
    for request in &sent {
        let takes = estimate(request).count() + u64::from(request.max_tokens);
        assert!(takes <= 32_768, "{} {}: {takes}", request.turn, request.iteration);
    }
    assert!(deck.console.count(|f| matches!(f, Fact::Compacted { .. })) > 0, "{}", deck.console.story());
    let drawn = deck.console.draw().await;
    assert!(drawn.contains("summarized"), "{drawn}");
    deck.console.end().await;
}

#[tokio::test]
async fn a_count_decides_and_a_failed_one_is_replaced_by_the_estimate() {
    for counts in [Counts::As(20_000), Counts::Fails] {
        let mut deck = deck(0, counts, true).await;
        deck.console.send(Command::Ask(long_question())).await;
        deck.console.turn_over().await;
        assert_eq!(end(&deck.console), Some(TurnEnd::Answered), "{}", deck.console.story());
        let fit = deck
            .console
            .facts()
            .find_map(|f| if let Fact::ModelRequested { fit, .. } = f { *fit } else { None });
        let tokens = fit.unwrap().tokens;
        match counts {
            Counts::As(n) => assert_eq!(tokens, Tokens::Exact(n)),
            Counts::Fails | Counts::Hangs => {
                assert!(matches!(tokens, Tokens::Estimate(n) if n > 20_000), "{tokens:?}");
            }
        }
        deck.console.end().await;
    }
}

#[tokio::test]
async fn a_turn_that_waits_for_its_count_can_be_cancelled() {
    let mut deck = deck(0, Counts::Hangs, true).await;
    deck.console.send(Command::Ask(long_question())).await;
    deck.console.until("counting", |c| c.screen.live.doing.as_deref() == Some("counting tokens")).await;
    assert!(deck.console.draw().await.contains("counting tokens"));
    let struck = Instant::now();
    deck.console.send(Command::Cancel).await;
    deck.console.turn_over().await;
    assert!(struck.elapsed() < Duration::from_millis(200), "{:?}", struck.elapsed());
    assert_eq!(end(&deck.console), Some(TurnEnd::Cancelled));
    assert!(deck.sent.lock().unwrap().is_empty());
    deck.console.end().await;
}

#[tokio::test]
async fn a_ceiling_ends_a_turn_where_nobody_can_be_asked() {
    let mut deck = deck(3, Counts::Fails, false).await;
    let settings = Settings {
        provider: "openai-compatible".into(),
        model: "qwen3".into(),
        max_tokens: 4_000,
        ceiling: Ceiling { tokens: Some(5_000), dollars: None },
        ..Settings::default()
    };
    deck.console.send(Command::Set(settings)).await;
    deck.console.send(Command::Ask("what is wrong?".into())).await;
    deck.console.turn_over().await;
    let Some(TurnEnd::Ceiling(why)) = end(&deck.console) else { panic!("{}", deck.console.story()) };
    assert!(why.contains("of 5k") && why.contains("raise turn_tokens"), "{why}");
    assert!(deck.sent.lock().unwrap().is_empty());
    deck.console.end().await;
}
