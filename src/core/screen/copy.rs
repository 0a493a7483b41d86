//! What is put on the clipboard.

use super::{Copy, Screen};
use crate::journal::{Entry, Step, step_command, step_markdown};

impl Screen {
    /// The selected step as Markdown.
    pub(super) fn copy_step(&mut self) {
        let Some(no) = self.timeline.selected else { return self.say("no step is selected") };
        let text = step_markdown(&self.ledger.timeline, &self.ledger.entries, no);
        self.put(format!("step #{no} as Markdown"), &text);
    }

    /// The selected step as a command line when it is a call or an approval, else its entries as JSON.
    pub(super) fn copy_call(&mut self) {
        let Some(step) = self.selected() else { return self.say("no step is selected") };
        let no = step.no;
        if let Some(command) = step_command(&self.ledger.timeline, &self.ledger.entries, no) {
            self.put(format!("step #{no} as a command"), &command);
        } else {
            let entries: Vec<&Entry> = self.entries_of(step).collect();
            let json = serde_json::to_string_pretty(&entries).unwrap_or_default();
            self.put(format!("step #{no} as JSON"), &json);
        }
    }

    /// The entries a step is made of.
    pub fn entries_of<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Entry> {
        let at = |seq: &crate::id::Seq| self.ledger.entries.get(usize::try_from(seq.0).ok()?);
        step.entries.iter().filter_map(at).map(AsRef::as_ref)
    }

    pub(super) fn put(&mut self, what: String, text: &str) {
        self.copy = Some(Copy { what, text: crate::text::visible_lines(text).into_owned() });
    }
}
