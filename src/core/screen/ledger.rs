//! What the journal says, kept up to date entry by entry. Each entry costs the same however many came before.

use super::{ChatItem, Ledger, LiveState, LiveThinking};
use crate::Timestamp;
use crate::event::Live;
use crate::id::StepNo;
use crate::journal::{Entry, Fact, RefusedBy, TurnEnd, WriteEffect};
use crate::message::{Block, ModelErrorKind};
use crate::models::Models;
use crate::thought::Thought;
use std::sync::Arc;

impl Ledger {
    /// Takes in the next entry; one that is already there, or came too early, changes nothing. Returns the step
    /// it began or changed. `ms` is how long a model was seen to think before it.
    pub(super) fn apply(&mut self, entry: &Arc<Entry>, models: &Models, ms: Option<u64>) -> Option<StepNo> {
        if usize::try_from(entry.seq.0).ok() != Some(self.entries.len()) {
            return None;
        }
        self.entries.push(Arc::clone(entry));
        let step = self.timeline.apply(entry);
        self.meter.apply(entry, models);
        self.note(entry);
        self.chat.extend(chat_items(&entry.fact, step.unwrap_or(StepNo(0)), ms));
        step
    }

    fn note(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::ScopeChanged { scope } => self.scope = scope.clone(),
            Fact::SettingsChanged { settings } => self.settings = settings.clone(),
            Fact::ModeChanged { mode } => self.mode = *mode,
            Fact::Question { turn, .. } => {
                self.turns += 1;
                self.running = Some((*turn, 0, entry.at));
            }
            Fact::ModelRequested { turn, iteration, .. } => {
                if let Some((running, k, _)) = &mut self.running
                    && running == turn
                {
                    *k = *iteration;
                }
            }
            Fact::ToolCalled { call, .. } => {
                self.open_calls.insert(*call);
            }
            Fact::ToolFinished { call, .. } => {
                self.open_calls.remove(call);
            }
            Fact::TurnEnded { turn, .. } => {
                if self.running.is_some_and(|(running, _, _)| running == *turn) {
                    self.running = None;
                }
            }
            Fact::SessionResumed { .. } => {
                self.running = None;
                self.open_calls.clear();
            }
            Fact::SessionStarted { .. }
            | Fact::ModelResponded { .. }
            | Fact::ModelFailed { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::Approved { .. }
            | Fact::Refused { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::WriteIntended { .. }
            | Fact::WriteConcluded { .. }
            | Fact::Verified { .. }
            | Fact::Noted { .. }
            | Fact::Compacted { .. }
            | Fact::Shortened { .. }
            | Fact::Evaluated { .. } => {}
        }
    }
}

impl LiveState {
    /// Takes in something live of the running turn or of a call that runs.
    pub(super) fn apply(&mut self, live: Live, ledger: &Ledger, now: Timestamp) {
        let runs = |turn| ledger.running.is_some_and(|(running, _, _)| running == turn);
        match live {
            Live::Text(turn, more) if runs(turn) => {
                self.doing = None;
                match &mut self.text {
                    Some((of, text)) if *of == turn => text.push_str(&more),
                    _ => self.text = Some((turn, more)),
                }
            }
            Live::Reasoning(turn, more) if runs(turn) => {
                self.doing = Some("thinking".to_owned());
                match &mut self.thinking {
                    Some(thinking) if thinking.turn == turn => {
                        thinking.text.push_str(&more);
                        thinking.last = now;
                    }
                    _ => self.thinking = Some(LiveThinking { turn, text: more, began: now, last: now }),
                }
            }
            Live::Composing(turn, tool) if runs(turn) => self.doing = Some(format!("composing {tool}")),
            Live::Retrying(turn, why) if runs(turn) => self.doing = Some(why),
            Live::Counting(turn) if runs(turn) => self.doing = Some("counting tokens".to_owned()),
            Live::Progress(call, progress) if ledger.open_calls.contains(&call) => {
                self.progress.insert(call, progress);
            }
            // Late: what it belongs to is over, and its entry is what counts.
            Live::Text(..)
            | Live::Reasoning(..)
            | Live::Composing(..)
            | Live::Retrying(..)
            | Live::Progress(..)
            // The evaluation's pane takes these.
            | Live::Evaluating(_)
            | Live::Counting(_) => {}
        }
    }

    /// How long the model has been seen to think, in milliseconds; `None` when that was no time.
    pub(super) fn thought_for(&self) -> Option<u64> {
        let thinking = self.thinking.as_ref()?;
        let ms = u64::try_from(thinking.last.since(thinking.began).as_millis()).ok()?;
        (ms > 0).then_some(ms)
    }

    /// Drops what this entry concludes.
    pub(super) fn conclude(&mut self, fact: &Fact) {
        match fact {
            Fact::ModelRequested { .. }
            | Fact::ModelResponded { .. }
            | Fact::ModelFailed { .. }
            | Fact::TurnEnded { .. }
            | Fact::SessionResumed { .. }
            | Fact::Question { .. } => {
                self.text = None;
                self.thinking = None;
                self.doing = None;
            }
            Fact::ToolFinished { call, .. } => {
                self.progress.remove(call);
            }
            Fact::SessionStarted { .. }
            | Fact::ScopeChanged { .. }
            | Fact::SettingsChanged { .. }
            | Fact::ModeChanged { .. }
            | Fact::ToolCalled { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::Approved { .. }
            | Fact::Refused { .. }
            | Fact::RefusalWithdrawn { .. }
            | Fact::WriteIntended { .. }
            | Fact::WriteConcluded { .. }
            | Fact::Verified { .. }
            | Fact::Noted { .. }
            | Fact::Evaluated { .. }
            | Fact::Compacted { .. }
            | Fact::Shortened { .. } => {}
        }
    }
}

/// What an entry adds to the chat: what a model thought, what it said or the entry says, and why a model failed.
fn chat_items(fact: &Fact, step: StepNo, ms: Option<u64>) -> impl Iterator<Item = ChatItem> {
    let blocks: &[Block] =
        if let Fact::ModelResponded { blocks, .. } | Fact::ModelFailed { partial: blocks, .. } = fact {
            blocks
        } else {
            &[]
        };
    let thinking = Thought::of_blocks(blocks).map(|Thought { text, encrypted }| ChatItem::Thinking {
        text,
        encrypted,
        step,
        ms,
    });
    let failed = if let Fact::ModelFailed { error, .. } = fact
        && error.kind != ModelErrorKind::Cancelled
    {
        Some(ChatItem::Line { text: error.message.clone(), step, bad: true })
    } else {
        None
    };
    thinking.into_iter().chain(chat_item(fact, step)).chain(failed)
}

fn chat_item(fact: &Fact, step: StepNo) -> Option<ChatItem> {
    let line = |text: String, bad: bool| Some(ChatItem::Line { text, step, bad });
    match fact {
        Fact::Question { text, .. } => Some(ChatItem::Question { text: text.clone(), step }),
        Fact::ModelResponded { blocks, .. } => answer(blocks, step, false),
        Fact::ModelFailed { partial, .. } => answer(partial, step, true),
        Fact::Refused { by, note, .. } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            line(format!("{}{note}", refused(*by)), true)
        }
        Fact::RefusalWithdrawn { .. } => line("refusal taken back; planned afresh".to_owned(), false),
        Fact::WriteConcluded { effect: WriteEffect::Unknown, .. } => {
            line("outcome unknown: the answer was lost; it is not repeated by itself".to_owned(), true)
        }
        Fact::Verified { summary, reached, .. } => line(summary.clone(), *reached != Some(true)),
        Fact::TurnEnded { reason, .. } => ended(reason).and_then(|text| line(text, true)),
        Fact::Evaluated { report } => {
            let text = format!("determinism of \"{}\": {}", report.question, report.headline());
            line(text, report.runs.completed == 0)
        }
        Fact::Compacted { .. } => line(
            "older steps were summarized to make room; they are all still on the timeline".to_owned(),
            false,
        ),
        Fact::SessionStarted { .. }
        | Fact::SessionResumed { .. }
        | Fact::ScopeChanged { .. }
        | Fact::SettingsChanged { .. }
        | Fact::ModeChanged { .. }
        | Fact::ModelRequested { .. }
        | Fact::ToolCalled { .. }
        | Fact::ToolFinished { .. }
        | Fact::ApprovalAsked { .. }
        | Fact::Approved { .. }
        | Fact::WriteIntended { .. }
        | Fact::WriteConcluded { effect: WriteEffect::Done | WriteEffect::NotDone, .. }
        | Fact::Noted { .. }
        | Fact::Shortened { .. } => None,
    }
}

/// The text blocks as one Markdown text.
fn answer(blocks: &[Block], step: StepNo, partial: bool) -> Option<ChatItem> {
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Text { text } => Some(text.trim()),
            Block::Reasoning { .. } | Block::ToolCall { .. } => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    (!texts.is_empty()).then(|| ChatItem::Answer { text: texts.join("\n\n"), step, partial })
}

fn refused(by: RefusedBy) -> &'static str {
    match by {
        RefusedBy::Operator => "refused",
        RefusedBy::FrontGone => "refused: the console that was asked went away",
        RefusedBy::NobodyToAsk => "refused: nobody can be asked here",
        RefusedBy::EarlierRefusal => "refused: an earlier refusal of this turn covers it",
        RefusedBy::Expired => "refused: the approval came too late",
        RefusedBy::Mode => "refused: the mode does not allow changes",
        RefusedBy::Cancelled => "refused: the turn was cancelled",
        RefusedBy::NotDurable => "refused: it could not be written to the journal first",
    }
}

/// Why a turn ended, when it did not end with an answer.
fn ended(reason: &TurnEnd) -> Option<String> {
    match reason {
        // A model's failure has its own line.
        TurnEnd::Answered | TurnEnd::ModelFailed => None,
        TurnEnd::Cancelled => Some("cancelled".to_owned()),
        TurnEnd::Iterations(n) => Some(format!("stopped at the limit of {n} iterations; ask on to continue")),
        TurnEnd::Loop(why) => Some(format!("stopped, going in circles: {why}")),
        TurnEnd::Stopped(why) | TurnEnd::Ceiling(why) => Some(format!("stopped: {why}")),
        TurnEnd::Crashed => Some("the console ended in the middle of this turn".to_owned()),
    }
}
