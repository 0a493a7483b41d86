//! The only place that touches the terminal's modes, and the only one that makes a [`Press`].

use super::clipboard::{MOST, osc52};
use super::run::Host;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, KeyCode, KeyEvent,
    KeyEventKind, KeyModifiers,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use futures::Stream;
use futures::stream::poll_fn;
use quarterdeck_core::press::{Key, Press};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::SIGTSTP;
use std::io::{self, BufWriter, Stdout, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::task::{Context, Poll};
use std::thread::ThreadId;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// Whether the terminal is in our modes now.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// The thread the screen runs on. A panic elsewhere is the fault of one call: the screen goes on, and nothing may be
/// printed over it.
static SCREEN: Mutex<Option<ThreadId>> = Mutex::new(None);

/// The terminal in our modes. Dropping it restores the terminal, as does a panic on the thread that entered.
#[derive(Debug)]
pub struct Tty {
    title: String,
    mouse: bool,
    tmux: bool,
}

impl Tty {
    /// Raw mode, alternate screen, mouse, paste mode, title; and the terminal to draw on.
    ///
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn enter(
        title: &str,
        mouse: bool,
    ) -> io::Result<(Self, Terminal<CrosstermBackend<BufWriter<Stdout>>>)> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let screen = *SCREEN.lock().unwrap_or_else(PoisonError::into_inner);
                if screen == Some(std::thread::current().id()) {
                    restore();
                }
                if !ENTERED.load(Ordering::SeqCst) {
                    before(panic);
                }
            }));
        });
        *SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        let title = quarterdeck_core::text::visible(title).into_owned();
        let tty = Self { title, mouse, tmux: std::env::var_os("TMUX").is_some() };
        tty.modes()?;
        let out = BufWriter::with_capacity(64 * 1024, io::stdout());
        Ok((tty, Terminal::new(CrosstermBackend::new(out))?))
    }

    fn modes(&self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste, SetTitle(&self.title))?;
        if self.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        out.flush()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. Errors are of no use here: it may be gone.
fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            DisableMouseCapture,
            DisableBracketedPaste,
            SetTitle(""),
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

impl Host for Tty {
    fn suspend(&mut self) -> io::Result<()> {
        restore();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.modes()
    }

    fn resume(&mut self) -> io::Result<()> {
        self.modes()
    }

    fn clipboard(&mut self, what: &str, text: &str) -> String {
        let Some(sequence) = osc52(text, self.tmux) else {
            return format!(
                "{what} is longer than {} KB: too long for the terminal's clipboard",
                MOST / 1_000
            );
        };
        let mut out = io::stdout();
        match out.write_all(sequence.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) if self.tmux => format!("copied {what} (OSC 52, through tmux)"),
            Ok(()) => format!("copied {what} (OSC 52)"),
            Err(error) => format!("could not copy {what}: {error}"),
        }
    }

    fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }
}

/// A key event as a press; `None` for a release. A key held down arrives as repeats: they are presses too, and
/// the gate's wait is what keeps them from approving.
#[must_use]
pub fn press(event: KeyEvent) -> Option<Press> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |m: KeyModifiers| event.modifiers.contains(m);
    let ctrl = has(KeyModifiers::CONTROL);
    let shift = has(KeyModifiers::SHIFT);
    let foreign = KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META;
    let key = match event.code {
        _ if event.modifiers.intersects(foreign) => Key::Other,
        KeyCode::Char(c) if ctrl => Key::Char(c.to_ascii_lowercase()),
        KeyCode::Char(c) if shift => Key::Char(c.to_ascii_uppercase()),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab if shift => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(_)
        | KeyCode::Insert
        | KeyCode::Null
        | KeyCode::CapsLock
        | KeyCode::ScrollLock
        | KeyCode::NumLock
        | KeyCode::PrintScreen
        | KeyCode::Pause
        | KeyCode::Menu
        | KeyCode::KeypadBegin
        | KeyCode::Media(_)
        | KeyCode::Modifier(_) => Key::Other,
    };
    Some(Press::new(key, ctrl, has(KeyModifiers::ALT)))
}

/// What the system tells a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End: the number of the signal.
    End(i32),
    /// The terminal is gone.
    Hangup,
    /// Suspend.
    Suspend,
    /// Running again after a stop.
    Continue,
    /// The window has another size.
    Resize,
}

/// TERM, HUP, QUIT, INT, TSTP, CONT, WINCH, and the terminal hanging up.
///
/// # Errors
/// A signal cannot be listened to.
pub fn signals() -> io::Result<impl Stream<Item = Signal> + Unpin> {
    let end = |kind: SignalKind| Signal::End(kind.as_raw_value());
    let mut listeners: Vec<(Listener, Signal)> = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit(), SignalKind::interrupt()] {
        listeners.push((signal(kind)?, end(kind)));
    }
    listeners.push((signal(SignalKind::from_raw(SIGTSTP))?, Signal::Suspend));
    listeners.push((signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?, Signal::Continue));
    listeners.push((signal(SignalKind::window_change())?, Signal::Resize));
    let mut line = hangup_watch();
    Ok(poll_fn(move |cx| {
        for (listener, signal) in &mut listeners {
            if let Poll::Ready(Some(())) = listener.poll_recv(cx) {
                return Poll::Ready(Some(*signal));
            }
        }
        if line.as_ref().is_some_and(|fd| hung_up(fd, cx)) {
            line = None;
            return Poll::Ready(Some(Signal::Hangup));
        }
        Poll::Pending
    }))
}

/// Standard input, watched for its other end going away. Not every hang-up comes with a signal.
#[expect(deprecated, reason = "the other constructor is unsafe; an OwnedFd stays open as long as the watch")]
fn hangup_watch() -> Option<AsyncFd<OwnedFd>> {
    let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
    AsyncFd::with_interest(input, Interest::READABLE).ok()
}

fn hung_up(fd: &AsyncFd<OwnedFd>, cx: &mut Context<'_>) -> bool {
    while let Poll::Ready(Ok(mut guard)) = fd.poll_read_ready(cx) {
        if guard.ready().is_read_closed() {
            return true;
        }
        guard.clear_ready();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_presses() {
        let none = KeyModifiers::NONE;
        for (code, modifiers, shown) in [
            (KeyCode::Char('a'), none, "a"),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('a'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('j'), KeyModifiers::CONTROL, "Ctrl-j"),
            (KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT, "Ctrl-c"),
            (KeyCode::Char('b'), KeyModifiers::ALT, "Alt-b"),
            (KeyCode::Enter, KeyModifiers::ALT, "Alt-Enter"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "Shift-Tab"),
            (KeyCode::Tab, KeyModifiers::SHIFT, "Shift-Tab"),
            (KeyCode::Tab, none, "Tab"),
            (KeyCode::Char('A'), KeyModifiers::SUPER, "Other"),
            (KeyCode::F(1), none, "Other"),
        ] {
            let event = KeyEvent::new(code, modifiers);
            assert_eq!(press(event).unwrap().to_string(), shown, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn releases_are_no_presses_and_repeats_are() {
        let event = |kind| KeyEvent { kind, ..KeyEvent::new(KeyCode::Char('A'), KeyModifiers::NONE) };
        assert!(press(event(KeyEventKind::Release)).is_none());
        assert!(press(event(KeyEventKind::Repeat)).is_some());
    }
}
