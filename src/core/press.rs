//! One key press, independent of any terminal library.

use std::fmt;

/// A key without its modifiers. Letters carry their case: Shift-a is `Char('A')`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A printable character, shift already applied.
    Char(char),
    /// Enter or Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Forward delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Anything else (function keys, media keys).
    Other,
}

/// A real key press. [`Press::new`] is called where the terminal is read and in tests, nowhere else: a
/// press is what approves a change, so nobody may make one up (`tidy` checks it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Press {
    key: Key,
    ctrl: bool,
    alt: bool,
}

impl Press {
    /// A press as the terminal reported it.
    #[must_use]
    pub const fn new(key: Key, ctrl: bool, alt: bool) -> Self {
        Self { key, ctrl, alt }
    }

    /// The key without modifiers.
    #[must_use]
    pub const fn key(self) -> Key {
        self.key
    }

    /// Whether Ctrl was held.
    #[must_use]
    pub const fn ctrl(self) -> bool {
        self.ctrl
    }

    /// Whether Alt was held.
    #[must_use]
    pub const fn alt(self) -> bool {
        self.alt
    }

    /// The key, when neither Ctrl nor Alt was held.
    #[must_use]
    pub const fn plain(self) -> Option<Key> {
        if self.ctrl || self.alt { None } else { Some(self.key) }
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match self.key {
            Key::Char(' ') => f.write_str("Space"),
            Key::Char(c) => write!(f, "{c}"),
            Key::BackTab => f.write_str("Shift-Tab"),
            Key::PageUp => f.write_str("PgUp"),
            Key::PageDown => f.write_str("PgDn"),
            Key::Enter
            | Key::Esc
            | Key::Tab
            | Key::Backspace
            | Key::Delete
            | Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::Other => write!(f, "{:?}", self.key),
        }
    }
}
