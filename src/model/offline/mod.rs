//! Answers without a model: the question picks a runbook, its steps are tool calls, its answer is built from results.
//!
//! Stateless: which round is next follows from the transcript alone, so a session can be resumed or replayed.

mod answer;
mod check;
mod expression;
mod led;
mod matcher;
mod meant;
mod plan;
mod runbook;
mod select;
mod shape;
mod summary;
mod template;
mod transcript;

pub use runbook::{Runbook, RunbookError, shipped};
pub use summary::{outline, summary};

use crate::provider::{EventStream, Provider, cancelled};
use futures::{FutureExt as _, StreamExt as _};
use matcher::Match;
use plan::Next;
use quarterdeck_core::message::{Block, Input, ModelError, ModelEvent, Request, Stop, Usage};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use transcript::Transcript;

/// The provider's name.
pub const NAME: &str = "offline";

/// The provider. The embedded runbooks are parsed with the first question.
#[derive(Clone, Debug)]
pub struct Offline {
    own: Arc<[Runbook]>,
}

impl Offline {
    /// With the embedded runbooks.
    #[must_use]
    pub fn embedded() -> Self {
        Self::with_runbooks(Vec::new())
    }

    /// With these runbooks, the operator's own, before the embedded ones; one of the same name replaces the embedded one.
    #[must_use]
    pub fn with_runbooks(own: Vec<Runbook>) -> Self {
        Self { own: own.into() }
    }

    /// The name of the runbook that would answer a question.
    #[must_use]
    pub fn chosen(&self, question: &str) -> Option<&str> {
        matcher::best(self.runbooks(), question).map(|found| found.runbook.name.as_str())
    }

    fn runbooks(&self) -> impl Iterator<Item = &Runbook> {
        let replaced = |name: &str| self.own.iter().any(|own| own.name == name);
        self.own.iter().chain(runbook::embedded().iter().filter(move |r| !replaced(&r.name)))
    }

    /// The whole answer to a request. Pure.
    fn answer(&self, request: &Request) -> (Vec<Block>, Stop) {
        let transcript = Transcript::of(&request.turns);
        let declined = matcher::declined(&transcript.question);
        let best = matcher::best(self.runbooks(), &transcript.question);
        // A runbook that carries out exactly this order knows better.
        let best = best.filter(|found| declined.is_none() || found.runbook.changes());
        let Some(Match { runbook, question, chosen_by }) = best else {
            return (vec![text(answer::cannot(declined, self.runbooks()))], Stop::EndTurn);
        };
        match plan::next(runbook, &question, &transcript, &request.tools) {
            Next::Calls { say, calls } => {
                let turns = request.turns.len();
                let calls = calls.into_iter().enumerate().map(|(n, call)| Block::ToolCall {
                    id: format!("runbook_{turns}_{n}"),
                    name: call.tool,
                    input: Input::Json(call.args),
                });
                (text_if(say).into_iter().chain(calls).collect(), Stop::ToolUse)
            }
            Next::Answer(state) => {
                (vec![text(answer::render(runbook, &chosen_by, &state, &request.tools))], Stop::EndTurn)
            }
            Next::Recorded(state, round) => (vec![text(answer::plan(runbook, &state, round))], Stop::EndTurn),
        }
    }
}

impl Provider for Offline {
    fn name(&self) -> &str {
        NAME
    }

    /// What the runbooks look at: there is no wire.
    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(json!({ "model": request.model, "turns": request.turns }))
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let offline = self.clone();
        let events = async move {
            let (blocks, stop) = offline.answer(&request);
            futures::stream::iter(events(blocks, stop))
        };
        let events = events.into_stream().flatten().boxed();
        futures::stream::unfold(Some((events, cancel)), |open| async move {
            let (mut events, cancel) = open?;
            // Other tasks get their turn between two pieces: a long answer never holds a thread.
            tokio::task::yield_now().await;
            if cancel.is_cancelled() {
                return Some((Err(cancelled()), None));
            }
            Some((Ok(events.next().await?), Some((events, cancel))))
        })
        .boxed()
    }
}

fn text(text: String) -> Block {
    Block::Text { text }
}

fn text_if(said: String) -> Option<Block> {
    (!said.is_empty()).then(|| text(said))
}

/// The events a model would have streamed.
fn events(blocks: Vec<Block>, stop: Stop) -> Vec<ModelEvent> {
    let mut events = vec![ModelEvent::Started];
    for block in blocks {
        match &block {
            Block::Text { text } => events.extend(pieces(text).map(ModelEvent::TextDelta)),
            Block::ToolCall { name, .. } => events.push(ModelEvent::ToolCallStart { name: name.clone() }),
            Block::Reasoning { .. } => {}
        }
        events.push(ModelEvent::BlockDone(block));
    }
    events.push(ModelEvent::Usage(Usage::default()));
    events.push(ModelEvent::Done(stop));
    events
}

/// A text in pieces of a few words.
fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    const PIECE: usize = 40;
    let mut words = text.split_inclusive(' ').peekable();
    std::iter::from_fn(move || {
        let mut piece = words.next()?.to_owned();
        while piece.len() < PIECE
            && let Some(word) = words.next()
        {
            piece.push_str(word);
        }
        Some(piece)
    })
}

#[cfg(test)]
mod tests;
