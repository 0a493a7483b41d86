//! What the loop asks of the console around the terminal: another theme, and settings to be written down.

use super::theme::{Depth, Theme};
use crate::config::save::save;
use quarterdeck_core::screen::{Save, Saved};
use std::path::PathBuf;

/// Where settings are kept, and what the terminal can show.
#[derive(Clone, Debug)]
pub struct Desk {
    file: Option<PathBuf>,
    depth: Depth,
    ascii: bool,
}

impl Desk {
    /// `file` is the user's own; `None` where there is no place for one.
    #[must_use]
    pub const fn new(file: Option<PathBuf>, depth: Depth, ascii: bool) -> Self {
        Self { file, depth, ascii }
    }

    /// The theme of this name, fitted to the terminal.
    #[must_use]
    pub fn theme(&self, name: &str) -> Option<Theme> {
        Theme::named(name, self.depth, self.ascii).ok()
    }

    /// Writes settings into the user's file, off the thread that draws.
    pub async fn save(self, save_this: Save) -> Saved {
        let Some(file) = self.file else {
            let why = "not saved: there is no home folder; set QUARTERDECK_CONFIG to a file".to_owned();
            return Saved { save: save_this, written: Err(why) };
        };
        let changes = save_this.changes.clone();
        let written = tokio::task::spawn_blocking(move || save(&file, &changes)).await;
        let written = match written {
            Ok(Ok(path)) => Ok(path.display().to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(format!("not saved: {error}")),
        };
        Saved { save: save_this, written }
    }
}
