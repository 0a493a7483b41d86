//! The screen's loop: take in what waits, draw once, sleep until something happens.
//!
//! Input is polled first, so that Esc beats a flood. There is no tick: what changes by itself says when.

use super::desk::Desk;
use super::terminal::{Signal, press};
use super::theme::Theme;
use super::view::{Cache, view};
use crossterm::event::{Event as Input, MouseButton, MouseEvent, MouseEventKind};
use futures::future::{BoxFuture, FutureExt as _, pending};
use futures::{Stream, StreamExt as _};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::Readiness;
use quarterdeck_core::command::Command;
use quarterdeck_core::event::Event;
use quarterdeck_core::screen::{Mouse, MouseKind, Msg, Saved, Screen, Shown};
use ratatui::Terminal;
use ratatui::backend::Backend;
use std::future::poll_fn;
use std::io;
use std::mem::{Discriminant, discriminant};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Between two drawings while only the engine has news. A key draws at once.
const FRAME: Duration = Duration::from_millis(16);
/// Inputs and events taken in before the next drawing.
const BATCH: usize = 512;

/// How long quitting waits for settings that are being written.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// Why the loop ended. Everything but `Quit` leaves the engine to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The operator quit; the engine was told.
    Quit,
    /// A signal asked to end; its number.
    Signal(i32),
    /// The terminal is gone.
    Hangup,
    /// The engine has ended.
    EngineGone,
}

/// What the loop asks of the terminal beside drawing.
pub trait Host {
    /// Gives the terminal back, stops the process, and takes the terminal again when it is continued.
    ///
    /// # Errors
    /// The terminal's modes cannot be set.
    fn suspend(&mut self) -> io::Result<()>;

    /// Takes the terminal again after a stop from outside.
    ///
    /// # Errors
    /// The terminal's modes cannot be set.
    fn resume(&mut self) -> io::Result<()>;

    /// Puts `text` on the clipboard; returns a sentence that says what became of `what`.
    fn clipboard(&mut self, what: &str, text: &str) -> String;

    /// Mouse reporting on or off.
    ///
    /// # Errors
    /// The terminal is gone.
    fn mouse(&mut self, on: bool) -> io::Result<()>;
}

/// Everything the loop works with.
#[derive(Debug)]
pub struct Run<'a, B: Backend, I, S, C, T, H> {
    /// Where it draws.
    pub terminal: &'a mut Terminal<B>,
    /// The screen's mind.
    pub screen: &'a mut Screen,
    /// What everything looks like.
    pub theme: &'a Theme,
    /// Keys, mouse, paste, resize.
    pub input: I,
    /// Signals.
    pub signals: S,
    /// What the engine says.
    pub events: Receiver<Event>,
    /// Takes what the engine is asked to do; must not block.
    pub command: C,
    /// The time.
    pub clock: T,
    /// The terminal's modes and clipboard.
    pub host: H,
    /// The user's file, and other themes.
    pub desk: Desk,
}

/// What a drawing is made with.
struct Look {
    name: String,
    theme: Theme,
    cache: Cache,
}

/// Runs the screen until it ends.
pub async fn run<B, I, S, C, T, H>(mut run: Run<'_, B, I, S, C, T, H>) -> Ended
where
    B: Backend,
    I: Stream<Item = io::Result<Input>> + Unpin,
    S: Stream<Item = Signal> + Unpin,
    C: FnMut(Command),
    T: Fn() -> Timestamp,
    H: Host,
{
    let mut look = Look { name: run.screen.theme.clone(), theme: run.theme.clone(), cache: Cache::default() };
    let mut saving: Option<BoxFuture<'static, Saved>> = None;
    let mut mouse = run.screen.mouse;
    let Some(mut wake) = run.draw(&mut look) else { return Ended::Hangup };
    let mut drawn = Instant::now();
    // News of the engine that is not drawn yet.
    let mut stale = false;
    loop {
        let now = (run.clock)();
        let due = drawn + FRAME;
        let nap = wake.map_or(Duration::MAX, |at| at.since(now));
        let mut at_once = true;
        tokio::select! {
            biased;
            input = run.input.next() => match input {
                Some(Ok(input)) => run.input(input),
                Some(Err(_)) | None => return Ended::Hangup,
            },
            signal = run.signals.next() => match signal {
                Some(Signal::End(number)) => return Ended::Signal(number),
                Some(Signal::Hangup) | None => return Ended::Hangup,
                Some(Signal::Suspend) => run.screen.suspend = true,
                // Drawing takes the size as it is.
                Some(Signal::Resize) => {}
                Some(Signal::Continue) => {
                    if run.host.resume().is_err() {
                        return Ended::Hangup;
                    }
                    run.screen.redraw = true;
                }
            },
            event = run.events.recv() => match event {
                Some(event) => {
                    run.tell(Msg::Event(event));
                    at_once = false;
                }
                None => return Ended::EngineGone,
            },
            saved = saving.as_mut().map_or_else(|| pending().boxed(), |saving| saving.boxed()) => {
                saving = None;
                run.tell(Msg::Saved(saved));
            }
            () = sleep_until(due), if stale => {}
            () = sleep(nap), if wake.is_some() && !stale => run.tell(Msg::Tick),
        }
        at_once |= run.drain().await;
        if run.screen.suspend && !run.suspend() {
            return Ended::Hangup;
        }
        if let Some(copy) = run.screen.take_copy() {
            let said = run.host.clipboard(&copy.what, &copy.text);
            run.tell(Msg::Copied(said));
        }
        if run.screen.mouse != mouse {
            mouse = run.screen.mouse;
            if run.host.mouse(mouse).is_err() {
                return Ended::Hangup;
            }
        }
        if saving.is_none() {
            saving = run.screen.take_save().map(|save| run.desk.clone().save(save).boxed());
        }
        if run.screen.quit {
            if let Some(saving) = saving {
                // Whoever saved and quit wants it saved.
                let _ = timeout(LAST_SAVE, saving).await;
            }
            return Ended::Quit;
        }
        run.dress(&mut look);
        if at_once || Instant::now() >= due {
            match run.draw(&mut look) {
                Some(next) => wake = next,
                None => return Ended::Hangup,
            }
            drawn = Instant::now();
            stale = false;
        } else {
            stale = true;
        }
    }
}

impl<B, I, S, C, T, H> Run<'_, B, I, S, C, T, H>
where
    B: Backend,
    I: Stream<Item = io::Result<Input>> + Unpin,
    C: FnMut(Command),
    T: Fn() -> Timestamp,
    H: Host,
{
    fn tell(&mut self, msg: Msg) {
        for command in self.screen.update(msg, (self.clock)()) {
            (self.command)(command);
        }
    }

    fn input(&mut self, input: Input) {
        let msg = match input {
            Input::Key(key) => press(key).map(Msg::Key),
            Input::Paste(text) => Some(Msg::Paste(text)),
            Input::Mouse(mouse) => mouse_msg(mouse),
            Input::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
            Input::FocusGained | Input::FocusLost => None,
        };
        if let Some(msg) = msg {
            self.tell(msg);
        }
    }

    /// Takes in what waits already, input first. Whether any of it was input.
    async fn drain(&mut self) -> bool {
        let mut any = false;
        for _ in 0..BATCH {
            if self.screen.quit || self.screen.suspend {
                return true;
            }
            // Polled with this task's own waker: the stream keeps only one.
            match poll_fn(|cx| Poll::Ready(self.input.poll_next_unpin(cx))).await {
                Poll::Ready(Some(Ok(input))) => {
                    any = true;
                    self.input(input);
                    continue;
                }
                Poll::Ready(Some(Err(_)) | None) | Poll::Pending => {}
            }
            match self.events.try_recv() {
                Ok(event) => self.tell(Msg::Event(event)),
                Err(_) => break,
            }
        }
        any
    }

    /// Refuses what is open, stops, and comes back. `false`: the terminal is gone.
    fn suspend(&mut self) -> bool {
        self.tell(Msg::Suspend);
        self.screen.suspend = false;
        if self.host.suspend().is_err() {
            return false;
        }
        if let Ok(size) = self.terminal.size() {
            self.tell(Msg::Resize(size.width, size.height));
        }
        self.screen.redraw = true;
        true
    }

    /// Takes up another theme; what was laid out in the one before is laid out anew.
    fn dress(&self, look: &mut Look) {
        if self.screen.theme == look.name {
            return;
        }
        look.name.clone_from(&self.screen.theme);
        if let Some(theme) = self.desk.theme(&look.name) {
            (look.theme, look.cache) = (theme, Cache::default());
        }
    }

    /// Draws and tells the screen what it showed; returns when to wake up. `None`: the terminal is gone.
    fn draw(&mut self, look: &mut Look) -> Option<Option<Timestamp>> {
        let size = self.terminal.size().ok()?;
        // The event source loses a resize that comes together with a key.
        if self.screen.size != (size.width, size.height) {
            self.tell(Msg::Resize(size.width, size.height));
        }
        if std::mem::take(&mut self.screen.redraw) {
            // Not `Terminal::clear`: it asks the terminal where the cursor is and waits for an answer.
            self.terminal.resize(size.into()).ok()?;
        }
        let mut next = None;
        // A drawing can change what is to be drawn: a dialog seen for the first time, a pane that now has fewer rows.
        for _ in 0..2 {
            let mut shown = Shown::default();
            self.terminal
                .draw(|frame| shown = view(self.screen, &look.theme, &mut look.cache, frame))
                .ok()?;
            next = shown.wake;
            let before = self.layout();
            self.tell(Msg::Drawn(shown));
            if before == self.layout() {
                break;
            }
        }
        let now = (self.clock)();
        Some(next.into_iter().chain(self.screen.wake(now)).min())
    }

    /// What a drawing may change: how far a dialog is, and where the panes begin.
    fn layout(&self) -> (Option<Discriminant<Readiness>>, [usize; 6]) {
        let screen = &self.screen;
        let gate = screen.dialog.as_ref().and_then(|d| d.gate.as_ref());
        let tops = [
            screen.chat.anchor.map_or(0, |line| line + 1),
            screen.timeline.top,
            screen.detail.top,
            screen.help.unwrap_or_default(),
            screen.dialog.as_ref().map_or(0, |d| d.top),
            screen.evaluation.as_ref().map_or(0, |e| e.top),
        ];
        (gate.map(|g| discriminant(&g.ready(screen.now))), tops)
    }
}

fn mouse_msg(mouse: MouseEvent) -> Option<Msg> {
    let kind = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
        MouseEventKind::ScrollUp => MouseKind::Up,
        MouseEventKind::ScrollDown => MouseKind::Down,
        MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return None,
    };
    Some(Msg::Mouse(Mouse { at: (mouse.column, mouse.row), kind }))
}
