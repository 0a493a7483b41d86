//! The command palette: every command and every tool, found by a few letters.

/// The open palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// What was typed after `:`.
    pub text: String,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// Matches, best first.
    pub matches: Vec<Match>,
    /// The selected match.
    pub selected: usize,
    /// What is wrong with the line, when Enter was pressed on it.
    pub error: Option<String>,
}

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// What is inserted: `track`, `list_ec2_instances`.
    pub name: String,
    /// One line of what it does.
    pub doc: String,
    /// The key that does the same, when there is one.
    pub key: Option<String>,
}
