//! Without the screen: one question, or one tool, on stdout. Nobody can be asked here, so nothing is ever
//! approved: a proposal is printed and the exit code says so.

use crate::cli::Common;
use crate::connect::Deck;
use crate::engine::Front;
use quarterdeck_core::command::Command;
use quarterdeck_core::eval::{Run, What};
use quarterdeck_core::event::{Event, Live};
use quarterdeck_core::id::CallId;
use quarterdeck_core::journal::{Actor, Entry, Fact, Outcome, Timeline, TurnEnd, step_markdown};
use quarterdeck_core::message::Block;
use quarterdeck_core::scope::Mode;
use quarterdeck_core::session::FrontCaps;
use quarterdeck_core::text::{json_visible, visible_lines};
use quarterdeck_core::tool::{Catalogue, Risk, from_flags};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

mod determinism;
pub mod doctor;
mod exit;
pub mod runbook;
mod table;
mod tools;

pub use determinism::determinism;
pub use exit::{Exit, exit_of};
pub use tools::tools;

use exit::Tally;

/// What `ask` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The answer.
    Answer,
    /// The whole turn as Markdown.
    Markdown,
    /// One JSON object per entry.
    Json,
}

/// Asks one question and prints the answer.
///
/// # Errors
/// Settings, journal or stdout do not work.
pub async fn ask(
    deck: &Deck,
    question: String,
    format: Format,
    resume: Option<&str>,
) -> anyhow::Result<Exit> {
    let mut engine = deck.start(resume)?;
    if deck.settings.provider == "offline" {
        deck.remarks.iter().for_each(|remark| progress(remark));
    }
    // What AWS says of missing credentials is said by each tool again, with the same words.
    let identified = deck.identify(&engine.inputs()).await;
    if let Err(missing) = &identified {
        progress(&missing.0);
    }
    let mut front = engine.connect(FrontCaps { can_ask: false }).await;
    front.commands.send(Command::Ask(question)).await?;
    let mut tally = Tally::default();
    let mut turn = Turn::default();
    let mut cancelled = false;
    loop {
        let event = tokio::select! {
            event = front.events.recv() => event,
            _ = tokio::signal::ctrl_c(), if !cancelled => {
                cancelled = true;
                front.commands.send(Command::Cancel).await?;
                continue;
            }
        };
        match event {
            Some(Event::Appended(entry)) => {
                turn.take(&entry);
                if turn.begun {
                    tally.take(&entry.fact);
                }
                if format == Format::Json {
                    // As it is stored, so that the chain can be checked on what was printed.
                    json_line(&serde_json::to_string(&*entry)?)?;
                }
                say(&turn.timeline, &entry);
                if turn.begun && matches!(entry.fact, Fact::TurnEnded { .. }) {
                    break;
                }
            }
            Some(Event::Live(Live::Retrying(_, text))) => progress(&text),
            Some(Event::Live(
                Live::Text(..)
                | Live::Reasoning(..)
                | Live::Composing(..)
                | Live::Progress(..)
                | Live::Evaluating(_)
                | Live::Counting(_),
            )) => {}
            Some(Event::Notice(text)) => progress(&text),
            Some(Event::StoreFailed(why)) => progress(&format!("the journal cannot be written: {why}")),
            // Not reached: a front that cannot ask is never asked. Dropping a gate approves nothing.
            Some(Event::Ask(_) | Event::Spend(_)) => {}
            Some(Event::Closed) | None => break,
        }
    }
    match format {
        Format::Answer => {
            line(&visible_lines(&turn.answer))?;
            if let Some(plan) = turn.recorded(deck).filter(|_| deck.mode == Mode::Track) {
                line(&visible_lines(&plan))?;
            }
        }
        Format::Markdown => line(&turn.markdown())?,
        Format::Json => {}
    }
    if let Some(why) = turn.why_not_answered(tally.answered.as_ref()) {
        progress(&why);
    }
    end(front, engine).await;
    Ok(tally.of_turn())
}

/// Runs one tool and prints its result.
///
/// # Errors
/// Settings, journal or stdout do not work.
pub async fn tool(deck: &Deck, name: &str, flags: &ToolFlags) -> anyhow::Result<Exit> {
    let spec = match deck.catalogue.get(name) {
        Ok(tool) => tool,
        Err(fault) => {
            progress(&fault.to_string());
            return Ok(Exit::Usage);
        }
    };
    if flags.help {
        line(&tools::help(spec))?;
        return Ok(Exit::Answered);
    }
    let valid = from_flags(&spec.schema, &flags.fields)
        .map_err(|e| e.to_string())
        .and_then(|args| (spec.validate)(&args).map(|_| args).map_err(|f| f.to_string()));
    let args = match valid {
        Ok(args) => args,
        Err(why) => {
            progress(&format!("{why}\n`quarterdeck tool {name} --help` lists the fields"));
            return Ok(Exit::Usage);
        }
    };
    let mut engine = deck.start(None)?;
    if spec.risk != Risk::Read
        && let Err(missing) = deck.identify(&engine.inputs()).await
    {
        progress(&missing.0);
        return Ok(Exit::Credentials);
    }
    let mut front = engine.connect(FrontCaps { can_ask: false }).await;
    front.commands.send(Command::Call { tool: name.to_owned(), args, fresh: true }).await?;
    let mut tally = Tally::default();
    let mut call: Option<CallId> = None;
    while let Some(event) = front.events.recv().await {
        let entry = match event {
            Event::Appended(entry) => entry,
            Event::Notice(text) => {
                progress(&text);
                continue;
            }
            Event::StoreFailed(why) => {
                progress(&format!("the journal cannot be written: {why}"));
                continue;
            }
            Event::Closed => break,
            Event::Live(_) | Event::Ask(_) | Event::Spend(_) => continue,
        };
        tally.take(&entry.fact);
        match &entry.fact {
            Fact::ToolCalled { call: id, by: Actor::Human, .. } => call = Some(*id),
            Fact::ApprovalAsked { proposal, .. } => flags.print_proposal(proposal)?,
            Fact::ToolFinished { call: id, outcome } if call == Some(*id) => {
                flags.print(outcome)?;
                break;
            }
            _ => {}
        }
    }
    end(front, engine).await;
    Ok(tally.of_call())
}

/// The flags of `tool NAME`: the tool's own fields, and ours.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ToolFlags {
    fields: Vec<String>,
    json: bool,
    help: bool,
}

impl ToolFlags {
    /// Takes `--json`, `--table` and `--help` out of the flags; flags of the console itself that stand behind the
    /// tool's name, and are not fields of the tool, go to `common`.
    #[must_use]
    pub fn split(flags: &[String], tool: &str, catalogue: &Catalogue, common: &mut Common) -> Self {
        let schema = catalogue.get(tool).map(|t| t.schema.clone()).unwrap_or_default();
        let has = |field: &str| schema.pointer(&format!("/properties/{field}")).is_some();
        let mut out = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            let (name, inline) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag.as_str(), None),
            };
            match name {
                "--json" => out.json = true,
                "--table" => out.json = false,
                "--help" | "-h" => out.help = true,
                "--demo" => common.demo = Some(inline.unwrap_or_else(|| "checkout-outage".into())),
                "--read-only" => common.read_only = true,
                "--profile" if !has("profile") => common.profile = inline.or_else(|| flags.next().cloned()),
                "--region" if !has("region") => {
                    common.regions.extend(inline.or_else(|| flags.next().cloned()));
                }
                _ => out.fields.push(flag.clone()),
            }
        }
        out
    }

    fn print(&self, outcome: &Outcome) -> anyhow::Result<()> {
        match outcome {
            Outcome::Ok { projection, .. } if self.json => json_line(&projection.to_json().to_string()),
            Outcome::Ok { projection, .. } => line(&table::render(projection)),
            Outcome::Failed { fault } if self.json => {
                json_line(&serde_json::json!({ "error": fault }).to_string())
            }
            Outcome::Failed { fault } => {
                progress(&fault.to_string());
                Ok(())
            }
            Outcome::Recorded => line("recorded, not executed"),
        }
    }

    fn print_proposal(&self, proposal: &quarterdeck_core::approval::Proposal) -> anyhow::Result<()> {
        if self.json {
            return json_line(&serde_json::json!({ "proposal": proposal }).to_string());
        }
        line(&visible_lines(&quarterdeck_core::journal::proposal_markdown(proposal)))?;
        progress(
            "nothing was changed: a change needs a person at the console (quarterdeck, then the same tool)",
        );
        Ok(())
    }
}

/// One turn as it goes by.
#[derive(Default)]
struct Turn {
    begun: bool,
    timeline: Timeline,
    entries: Vec<Arc<Entry>>,
    first_step: usize,
    answer: String,
}

impl Turn {
    fn take(&mut self, entry: &Arc<Entry>) {
        if matches!(entry.fact, Fact::Question { .. }) {
            self.begun = true;
            self.first_step = self.timeline.steps().len();
            self.answer.clear();
        }
        self.timeline.apply(entry);
        self.entries.push(entry.clone());
        if let Fact::ModelResponded { blocks, .. } | Fact::ModelFailed { partial: blocks, .. } = &entry.fact {
            self.answer = texts(blocks);
        }
    }

    fn markdown(&self) -> String {
        let steps = self.timeline.steps().iter().skip(self.first_step);
        steps.map(|s| step_markdown(&self.timeline, &self.entries, s.no)).collect::<Vec<_>>().join("\n\n")
    }

    /// What tracking mode wrote down, when it did.
    fn recorded(&self, deck: &Deck) -> Option<String> {
        let asked = self.entries.iter().rposition(|e| matches!(e.fact, Fact::Question { .. }))?;
        let run = Run::of(1, self.entries.get(asked..)?, &deck.models, Duration::ZERO);
        let calls = What::Calls(run.rounds).lines();
        Some(format!("\nRecorded calls:\n\n- {}", calls.join("\n- ")))
    }

    fn why_not_answered(&self, end: Option<&TurnEnd>) -> Option<String> {
        match end {
            Some(TurnEnd::Answered) => None,
            Some(TurnEnd::Cancelled) => Some("cancelled".into()),
            Some(TurnEnd::Iterations(n)) => Some(format!("stopped after {n} iterations (--iterations)")),
            Some(TurnEnd::Loop(why) | TurnEnd::Stopped(why) | TurnEnd::Ceiling(why)) => Some(why.clone()),
            Some(TurnEnd::ModelFailed) => self.entries.iter().rev().find_map(|e| match &e.fact {
                Fact::ModelFailed { error, .. } => Some(error.message.clone()),
                _ => None,
            }),
            Some(TurnEnd::Crashed) | None => Some("the console ended in the middle".into()),
        }
    }
}

fn texts(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|b| match b {
        Block::Text { text } => Some(text.as_str()),
        Block::Reasoning { .. } | Block::ToolCall { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// A line of progress for each step that begins or ends.
fn say(timeline: &Timeline, entry: &Entry) {
    let ended =
        matches!(entry.fact, Fact::ToolFinished { .. } | Fact::Verified { .. } | Fact::Refused { .. });
    if !ended {
        return;
    }
    let step = timeline.steps().iter().rev().find(|s| s.entries.contains(&entry.seq));
    if let Some(step) = step {
        progress(&format!("#{} {}: {}", step.no, step.title, step.remark));
    }
}

async fn end(front: Front, engine: crate::engine::Engine) {
    // The engine ends by itself when its last front is gone; Quit says it sooner.
    let _ = front.commands.send(Command::Quit).await;
    drop(front);
    engine.ended().await;
}

/// Prints to stdout. A reader that has seen enough (`| head`) is not an error.
///
/// # Errors
/// stdout cannot be written.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}") {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints JSON: what is hidden in its strings is written `\uXXXX`.
fn json_line(json: &str) -> anyhow::Result<()> {
    line(&json_visible(json))
}

/// Progress and errors go to stderr, made visible.
pub fn progress(text: &str) {
    // Nothing can be told when stderr is closed.
    let _ = writeln!(io::stderr().lock(), "{}", visible_lines(text));
}
