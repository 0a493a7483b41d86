//! How long a full redraw takes at 200x60, with a short and a long journal behind it. Prints median and p99.
//!
//! `cargo bench --bench frame`
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../tests/common/stage.rs"]
#[allow(dead_code)]
mod stage;

use quarterdeck::fronts::screen::view::view;
use quarterdeck_core::press::Key;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;
use std::time::{Duration, Instant};

const FRAMES: usize = 2_000;

/// A session of at least `steps` steps: turns of two rounds with three calls, and an answer each.
fn session(steps: usize) -> stage::Stage {
    let mut s = stage::Stage::new(200, 60);
    while s.screen.ledger.timeline.steps().len() < steps {
        s.calls.clear();
        s.ask("why is checkout failing?").wait(200);
        let args = json!({"cluster": s.screen.ledger.turns});
        s.says("", &[("list_ecs_services", args.clone()), ("get_recent_changes", args.clone())]);
        for i in 0..s.calls.len() {
            s.wait(40).read(i, Ok(stage::services()));
        }
        s.wait(300).says(
            "checkout-api lost **6 of 8** tasks after the deploy [#4].\n\n1. Roll back.\n2. Look again.",
            &[],
        );
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
