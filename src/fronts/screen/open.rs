//! Opens the console: the first frame first, everything slow after it, the terminal restored whatever happens.

use super::{Depth, Desk, Ended, Run, Theme, Tty, run, signals};
use crate::connect::Deck;
use crate::fronts::headless::Exit;
use anyhow::{Context as _, bail};
use quarterdeck_core::command::Command;
use quarterdeck_core::screen::{Given, Msg, Screen};
use quarterdeck_core::session::FrontCaps;
use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, error::TrySendError};

/// Runs the console until the operator quits, a signal comes, or the terminal goes away.
///
/// # Errors
/// There is no terminal, or the session to resume cannot be opened.
pub fn open(deck: Deck, resume: Option<&str>) -> anyhow::Result<Exit> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!("the console needs a terminal; without one use `quarterdeck ask` or `quarterdeck tool`");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(session(deck, resume));
    // A task that never ends must not keep the process.
    runtime.shutdown_background();
    ended
}

async fn session(deck: Deck, resume: Option<&str>) -> anyhow::Result<Exit> {
    let env = |name| std::env::var(name).ok();
    let (colours, depth, term) = (env("NO_COLOR"), env("COLORTERM"), env("TERM"));
    let depth = Depth::of(colours.as_deref(), depth.as_deref(), term.as_deref());
    let theme = Theme::named(&deck.config.theme, depth, deck.config.ascii)?;
    let mut engine = deck.start(resume)?;
    let crate::engine::Front { commands, events, .. } = engine.connect(FrontCaps { can_ask: true }).await;
    let signals = signals().context("signals")?;
    let (tty, mut terminal) = Tty::enter("quarterdeck", deck.config.mouse).context("terminal")?;
    let size = terminal.size().context("terminal")?;
    let now = (deck.clock)();
    let mut screen =
        Screen::new(deck.catalogue.clone(), (size.width, size.height), now).with_keymap(deck.keymap.clone());
    furnish(&mut screen, &deck);
    let desk = Desk::new(deck.settings_file(), depth, deck.config.ascii);
    let deck = Arc::new(deck);
    let inputs = engine.inputs();
    engine.beside({
        let deck = deck.clone();
        async move { deck.watch_identity(&inputs).await }
    });
    let clock = deck.clock.clone();
    let ended = run(Run {
        terminal: &mut terminal,
        screen: &mut screen,
        theme: &theme,
        input: crossterm::event::EventStream::new(),
        signals,
        events,
        command: outbox(commands.clone()),
        clock: move || clock(),
        host: tty,
        desk,
    })
    .await;
    // The terminal is back (`host` is gone); what is left is the journal, and a change that is still under way.
    let _ = commands.send(Command::Quit).await;
    drop(commands);
    engine.ended().await;
    match ended {
        Ended::Quit => Ok(Exit::Answered),
        Ended::Signal(number) => Ok(Exit::Signal(u8::try_from(number).unwrap_or(0))),
        Ended::Hangup => Ok(Exit::Signal(1)),
        Ended::EngineGone => bail!("the engine ended by itself; the session is saved: quarterdeck --resume"),
    }
}

/// What is known before the journal arrives, so that the first frame already says which account it looks at.
fn furnish(screen: &mut Screen, deck: &Deck) {
    screen.ledger.scope = deck.scope.clone();
    screen.ledger.settings = deck.settings.clone();
    screen.models = Arc::clone(&deck.models);
    screen.ledger.mode = deck.mode;
    screen.mouse = deck.config.mouse;
    screen.theme.clone_from(&deck.config.theme);
    screen.given = Given {
        settings: deck.settings.clone(),
        theme: deck.config.theme.clone(),
        themes: Theme::EMBEDDED.iter().map(|(name, _)| *name).collect(),
        origins: deck.origins.clone(),
        insights_budget_gb: deck.config.insights_budget_gb,
        lacking: deck.lacking(),
        ..Given::default()
    };
    for remark in &deck.remarks {
        // A remark asks the engine for nothing.
        let _ =
            screen.update(Msg::Event(quarterdeck_core::event::Event::Notice(remark.clone())), (deck.clock)());
    }
}

/// Sends commands in order without waiting; what does not fit goes with the next one.
fn outbox(commands: Sender<Command>) -> impl FnMut(Command) {
    let mut waiting: VecDeque<Command> = VecDeque::new();
    move |command| {
        waiting.push_back(command);
        while let Some(next) = waiting.pop_front() {
            match commands.try_send(next) {
                Ok(()) => {}
                Err(TrySendError::Full(back)) => {
                    waiting.push_front(back);
                    break;
                }
                // The engine has ended; the loop sees its channel closed.
                Err(TrySendError::Closed(_)) => break,
            }
        }
    }
}
