//! What is put on the clipboard.

use super::{Copy, Screen};
use crate::journal::{Entry, Fact, Step, step_markdown};
use crate::text::quote;
use serde_json::Value;
use std::fmt::Write as _;

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
        if let Some(command) = self.command_of(step) {
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

    fn command_of(&self, step: &Step) -> Option<String> {
        let proposed = self.entries_of(step).find_map(|entry| {
            if let Fact::ApprovalAsked { proposal, .. } = &entry.fact {
                Some(proposal.command.clone())
            } else {
                None
            }
        });
        proposed.or_else(|| {
            self.entries_of(step).find_map(|entry| {
                if let Fact::ToolCalled { tool, args, .. } = &entry.fact {
                    Some(command_line(tool, args))
                } else {
                    None
                }
            })
        })
    }

    fn put(&mut self, what: String, text: &str) {
        self.copy = Some(Copy { what, text: crate::text::visible_lines(text).into_owned() });
    }
}

/// `quarterdeck tool NAME --field value ...`, quoted for a shell.
fn command_line(tool: &str, args: &Value) -> String {
    let mut line = format!("quarterdeck tool {}", quote(tool));
    for (name, value) in args.as_object().into_iter().flatten() {
        let flag = name.replace('_', "-");
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => {
                let _ = write!(line, " --{flag}");
            }
            Value::String(text) => {
                let _ = write!(line, " --{flag} {}", quote(text));
            }
            Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                let _ = write!(line, " --{flag} {}", quote(&value.to_string()));
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_a_command_one_can_paste() {
        for (args, line) in [
            (json!({}), "quarterdeck tool t"),
            (
                json!({"only_unhealthy": true, "cluster": null, "x": false}),
                "quarterdeck tool t --only-unhealthy",
            ),
            (json!({"name": "it's $(x)"}), r"quarterdeck tool t --name 'it'\''s $(x)'"),
            (
                json!({"ids": ["i-1", "i-2"], "limit": 5}),
                r#"quarterdeck tool t --ids '["i-1","i-2"]' --limit 5"#,
            ),
        ] {
            assert_eq!(command_line("t", &args), line);
        }
    }
}
