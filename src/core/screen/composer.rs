//! The line one types in: readline keys, several lines, history.

/// A text being edited.
#[derive(Debug, Default)]
pub struct Composer {
    /// The text.
    pub text: String,
    /// Byte offset of the cursor, always on a grapheme boundary.
    pub cursor: usize,
    /// Earlier questions, oldest first.
    pub history: Vec<String>,
    /// An ongoing history search (Ctrl-R): the words searched for.
    pub search: Option<String>,
}
