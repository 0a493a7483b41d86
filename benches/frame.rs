//! How long a full redraw takes at 200x60, with a short and a long journal behind it. Prints median and p99.
//!
//! `cargo bench --bench frame`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "../tests/common/stage.rs"]
#[allow(dead_code)]
mod stage;

use quarterdeck::fronts::screen::view::view;
use quarterdeck_core::event::Event;
use quarterdeck_core::id::{CallId, TurnId};
use quarterdeck_core::journal::{Actor, CallStats, Chain, Fact, Outcome, TurnEnd};
use quarterdeck_core::message::{Block, Stop, Usage};
use quarterdeck_core::press::Key;
use quarterdeck_core::screen::Msg;
use quarterdeck_core::tool::Risk;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FRAMES: usize = 2_000;

/// A screen with at least `steps` steps behind it: turns of a question, a round of three calls, and an answer.
fn session(steps: usize) -> stage::Stage {
    let mut s = stage::Stage::new(200, 60);
    let mut chain = Chain::resume(s.screen.ledger.entries.len() as u64, String::new());
    let mut call = 0;
    for turn in (1..).map(TurnId) {
        if s.screen.ledger.timeline.steps().len() >= steps {
            break;
        }
        let mut facts = vec![Fact::Question { turn, text: "why is checkout failing?".into() }];
        for i in 1..=3 {
            call += 1;
            let by = Actor::Model { turn, iteration: 1, id: format!("toolu_{i}") };
            let (call, tool) = (CallId(call), "list_ecs_services".to_owned());
            facts.push(Fact::ToolCalled {
                call,
                by,
                tool,
                risk: Some(Risk::Read),
                args: json!({"cluster": i}),
            });
            let outcome = Outcome::Ok {
                projection: Arc::new(stage::services()),
                reused: None,
                stats: CallStats::default(),
            };
            facts.push(Fact::ToolFinished { call, outcome });
        }
        let text =
            "checkout-api lost **6 of 8** tasks after the deploy [#4].\n\n1. Roll back.\n2. Look again."
                .into();
        let (blocks, usage) =
            (vec![Block::Text { text }], Usage { input: 900, output: 90, ..Usage::default() });
        facts.push(Fact::ModelResponded { turn, iteration: 1, blocks, stop: Stop::EndTurn, usage });
        facts.push(Fact::TurnEnded { turn, reason: TurnEnd::Answered });
        for fact in facts {
            let (entry, _) = chain.link(fact, s.wait(40).now).unwrap();
            s.tell(Msg::Event(Event::Appended(Arc::new(entry))));
        }
    }
    s
}

fn main() {
    for steps in [10_000, 100_000] {
        let begun = Instant::now();
        let mut s = session(steps);
        let built = begun.elapsed();
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
        let begun = Instant::now();
        s.draw();
        let first = begun.elapsed();
        // The timeline scrolls, so that every drawing has other rows to lay out.
        s.key(Key::Tab).key(Key::Tab);
        let mut times: Vec<Duration> = Vec::with_capacity(FRAMES);
        for i in 0..FRAMES {
            s.wait(7).key(Key::Char(if i % 200 < 100 { 'k' } else { 'j' }));
            terminal.clear().unwrap();
            let begun = Instant::now();
            terminal
                .draw(|frame| {
                    view(&s.screen, &s.theme, &mut s.cache, frame);
                })
                .unwrap();
            times.push(begun.elapsed());
        }
        times.sort();
        let (median, p99) = (times[FRAMES / 2], times[FRAMES * 99 / 100]);
        println!(
            "frame 200x60, {steps:>6} steps: median {median:?}, p99 {p99:?} (first {first:?}, built in {built:?})"
        );
    }
}
