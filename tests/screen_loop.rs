//! The screen's real loop, with an input stream, an engine's channel and paused time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "common/stage.rs"]
#[allow(dead_code)]
mod stage;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use quarterdeck::fronts::screen::theme::{Depth, Theme};
use quarterdeck::fronts::screen::{Desk, Ended, Host, Run, Signal, run};
use quarterdeck_core::command::Command;
use quarterdeck_core::event::Event;
use quarterdeck_core::screen::Screen;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn push(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

impl Host for Log {
    fn suspend(&mut self) -> io::Result<()> {
        self.push("suspend");
        Ok(())
    }
    fn resume(&mut self) -> io::Result<()> {
        self.push("resume");
        Ok(())
    }
    fn clipboard(&mut self, what: &str, text: &str) -> String {
        self.push(format!("copy {what}: {text}"));
        format!("copied {what}")
    }
    fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.push(format!("mouse {on}"));
        Ok(())
    }
}

struct Ends {
    keys: UnboundedSender<io::Result<Input>>,
    signals: UnboundedSender<Signal>,
    events: mpsc::Sender<Event>,
    log: Log,
}

impl Ends {
    fn key(&self, code: KeyCode, modifiers: KeyModifiers) {
        self.keys.unbounded_send(Ok(Input::Key(KeyEvent::new(code, modifiers)))).unwrap();
    }
    /// Stays connected for as long as nothing else ends the loop.
    async fn stay(&self) {
        sleep(Duration::from_secs(1)).await;
    }
    fn signal(&self, signal: Signal) {
        self.signals.unbounded_send(signal).unwrap();
    }
    async fn event(&self, event: Event) {
        self.events.send(event).await.unwrap();
    }
    fn fails(&self) {
        self.keys.unbounded_send(Err(io::Error::other("gone"))).unwrap();
    }
    fn typed(&self, text: &str) {
        for c in text.chars() {
            self.key(KeyCode::Char(c), KeyModifiers::NONE);
        }
    }
}

/// Runs the loop beside `script`; returns why it ended, how often it drew, and what was on the screen last.
async fn play<F: Future<Output = ()>>(script: impl FnOnce(Ends) -> F) -> (Ended, usize, String) {
    let (keys, input) = unbounded();
    let (signal, signals) = unbounded();
    let (events, from_engine) = mpsc::channel(2_048);
    let log = Log::default();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let begun = Instant::now();
    let clock = move || stage::NOON.plus(begun.elapsed());
    let mut screen = Screen::new(stage::catalogue(), (80, 24), stage::NOON);
    let theme = Theme::named("dark", Depth::True, false).unwrap();
    let commands = log.clone();
    let ends = Ends { keys, signals: signal, events, log: log.clone() };
    let screen_loop = run(Run {
        terminal: &mut terminal,
        screen: &mut screen,
        theme: &theme,
        input,
        signals,
        events: from_engine,
        command: move |command: Command| commands.push(format!("{command:?}")),
        clock,
        host: log,
        desk: Desk::new(None, Depth::True, false),
    });
    let (ended, ()) = tokio::join!(screen_loop, script(ends));
    let text = stage::text(terminal.backend().buffer());
    let drawn = terminal.get_frame().count();
    (ended, drawn, text)
}

#[tokio::test(start_paused = true)]
async fn a_question_goes_to_the_engine_and_quitting_ends() {
    let (ended, _, _) = play(|ends| async move {
        ends.typed("why?");
        ends.key(KeyCode::Enter, KeyModifiers::NONE);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ends.log.take(), ["Ask(\"why?\")"]);
        ends.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        sleep(Duration::from_millis(100)).await;
        ends.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ends.log.take(), ["Quit"]);
    })
    .await;
    assert_eq!(ended, Ended::Quit);
}

#[tokio::test(start_paused = true)]
async fn an_idle_console_draws_once_and_sleeps() {
    let (ended, drawn, text) = play(|ends| async move {
        sleep(Duration::from_secs(3_600)).await;
        drop(ends);
    })
    .await;
    assert_eq!((ended, drawn), (Ended::Hangup, 1));
    assert!(text.contains("ask, or : for a command"));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_events_is_drawn_at_most_every_frame_and_a_key_at_once() {
    let (_, drawn, text) = play(|ends| async move {
        for i in 0..1_000 {
            ends.event(Event::Notice(format!("n{}", i % 3))).await;
            sleep(Duration::from_millis(1)).await;
            if i == 500 {
                ends.typed("x");
            }
        }
        sleep(Duration::from_millis(50)).await;
        ends.signal(Signal::End(15));
    })
    .await;
    assert!((50..=70).contains(&drawn), "{drawn}");
    assert!(text.contains("› x"));
}

#[tokio::test(start_paused = true)]
async fn every_way_out() {
    let (ended, ..) = play(|ends| async move {
        ends.signal(Signal::End(1));
        ends.stay().await;
    })
    .await;
    assert_eq!(ended, Ended::Signal(1));
    let (ended, ..) = play(|ends| async move {
        ends.signal(Signal::Hangup);
        ends.stay().await;
    })
    .await;
    assert_eq!(ended, Ended::Hangup);
    let (ended, ..) = play(|ends| async move {
        ends.fails();
        ends.stay().await;
    })
    .await;
    assert_eq!(ended, Ended::Hangup);
    let (ended, ..) = play(|ends| async move {
        let Ends { keys, signals, events, .. } = ends;
        drop(events);
        sleep(Duration::from_secs(1)).await;
        drop((keys, signals));
    })
    .await;
    assert_eq!(ended, Ended::EngineGone);
}

#[tokio::test(start_paused = true)]
async fn suspending_gives_the_terminal_back_and_draws_anew() {
    let (_, drawn, _) = play(|ends| async move {
        sleep(Duration::from_millis(1)).await;
        ends.key(KeyCode::Char('z'), KeyModifiers::CONTROL);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ends.log.take(), ["suspend"]);
        ends.signal(Signal::Continue);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ends.log.take(), ["resume"]);
        ends.signal(Signal::End(15));
    })
    .await;
    assert_eq!(drawn, 3);
}

#[tokio::test(start_paused = true)]
async fn notices_go_away_by_themselves() {
    let (_, _, text) = play(|ends| async move {
        ends.event(Event::Notice("hello there".into())).await;
        sleep(Duration::from_secs(10)).await;
        ends.signal(Signal::End(15));
    })
    .await;
    assert!(!text.contains("hello there"));
}

#[tokio::test(start_paused = true)]
async fn the_last_frame_shows_a_long_answer_from_its_question_on() {
    use quarterdeck_core::id::TurnId;
    use quarterdeck_core::journal::{Chain, Fact, TurnEnd};
    use quarterdeck_core::message::{Block, Stop, Usage};
    let turn = TurnId(1);
    let text = (1..60).map(|n| format!("finding {n}")).collect::<Vec<_>>().join("\n\n");
    let facts = [
        Fact::Question { turn, text: "why is it so?".into() },
        Fact::ModelResponded {
            turn,
            iteration: 1,
            blocks: vec![Block::Text { text }],
            stop: Stop::EndTurn,
            usage: Usage::default(),
        },
        Fact::TurnEnded { turn, reason: TurnEnd::Answered },
    ];
    let (_, _, screen) = play(|ends| async move {
        let mut chain = Chain::default();
        for fact in facts {
            let (entry, _) = chain.link(fact, stage::NOON).unwrap();
            ends.event(Event::Appended(std::sync::Arc::new(entry))).await;
        }
        ends.stay().await;
        ends.fails();
        ends.stay().await;
    })
    .await;
    assert!(screen.contains("› why is it so?") && screen.contains("finding 1 "), "{screen}");
}
