//! Turns of the conversation that are final, and what of them may still be shortened.

use super::render;
use super::timeline::Timeline;
use crate::id::{CallId, TurnId};
use crate::message::{Block, Turn, UserPart};
use crate::tokens::Size;
use std::sync::Arc;

/// One turn.
#[derive(Clone, Debug)]
pub(super) struct Said {
    turn: Arc<Turn>,
    /// Reasoning apart.
    size: Size,
    /// Reasoning, which only its own model is sent.
    thoughts: Vec<Thought>,
    /// The questions asked in it, and the part each begins at.
    asked: Vec<(TurnId, usize)>,
    /// In part order, the call of each result that may be shortened.
    calls: Vec<Option<CallId>>,
}

#[derive(Clone, Debug)]
struct Thought {
    provider: String,
    model: String,
    size: Size,
}

impl Said {
    /// Results of `calls`, then words. `asked` says at which part a question's words begin.
    pub(super) fn user(
        parts: Vec<UserPart>,
        calls: Vec<Option<CallId>>,
        asked: Vec<(TurnId, usize)>,
    ) -> Self {
        let turn = Turn::User { parts };
        Self { size: Size::turn(&turn), turn: Arc::new(turn), thoughts: Vec::new(), asked, calls }
    }

    /// An answer.
    pub(super) fn assistant(blocks: Vec<Block>) -> Self {
        let mut said = Self {
            turn: Arc::new(Turn::Assistant { blocks: Vec::new() }),
            size: Size::default(),
            thoughts: Vec::new(),
            asked: Vec::new(),
            calls: Vec::new(),
        };
        said.goes_on(blocks);
        said
    }

    /// Whether it is an answer.
    pub(super) fn is_answer(&self) -> bool {
        matches!(*self.turn, Turn::Assistant { .. })
    }

    /// The rest of an answer that paused.
    pub(super) fn goes_on(&mut self, more: Vec<Block>) {
        let Turn::Assistant { blocks } = Arc::make_mut(&mut self.turn) else { return };
        for block in &more {
            let size = Size::block(block);
            match block {
                Block::Reasoning { provider, model, .. } => {
                    self.thoughts.push(Thought { provider: provider.clone(), model: model.clone(), size });
                }
                Block::Text { .. } | Block::ToolCall { .. } => self.size = self.size.plus(size),
            }
        }
        blocks.extend(more);
    }

    /// The turn as this model is sent it.
    pub(super) fn for_model(&self, provider: &str, model: &str) -> Arc<Turn> {
        match self.turn.as_ref() {
            Turn::Assistant { blocks } if !self.thoughts.iter().all(|t| t.is_of(provider, model)) => {
                let blocks = blocks.iter().filter(|b| is_for(b, provider, model)).cloned().collect();
                Arc::new(Turn::Assistant { blocks })
            }
            Turn::Assistant { .. } | Turn::User { .. } => Arc::clone(&self.turn),
        }
    }

    /// How much this model is sent.
    pub(super) fn size(&self, provider: &str, model: &str) -> Size {
        let own = self.thoughts.iter().filter(|t| t.is_of(provider, model));
        own.fold(self.size, |sum, thought| sum.plus(thought.size))
    }

    /// The questions asked in it.
    pub(super) fn asked(&self) -> impl Iterator<Item = TurnId> {
        self.asked.iter().map(|(turn, _)| *turn)
    }

    /// The part at which the first question of `from` or of a later turn begins.
    pub(super) fn begins(&self, from: TurnId) -> Option<usize> {
        self.asked.iter().find(|(turn, _)| *turn >= from).map(|(_, part)| *part)
    }

    /// Puts `head` in the place of everything before the part `at`, which begins a question.
    pub(super) fn begin_at(&mut self, at: usize, head: Vec<UserPart>) {
        let Turn::User { parts } = Arc::make_mut(&mut self.turn) else { return };
        let kept = parts.split_off(at.min(parts.len()));
        let moved = head.len();
        *parts = head.into_iter().chain(kept).collect();
        self.asked.retain_mut(|(_, part)| {
            let stays = *part >= at;
            *part = part.saturating_sub(at) + moved;
            stays
        });
        // Results stand before all words.
        self.calls.clear();
        self.size = Size::turn(&self.turn);
    }

    /// The calls whose result would be shorter as `render::shortened` puts it, and the tokens that saves.
    pub(super) fn shortenable(&self, timeline: &Timeline, bare: bool) -> impl Iterator<Item = (CallId, u64)> {
        let parts = match self.turn.as_ref() {
            Turn::User { parts } => parts.as_slice(),
            Turn::Assistant { .. } => &[],
        };
        parts.iter().zip(&self.calls).filter_map(move |(part, call)| {
            let (UserPart::ToolResult { content, .. }, Some(call)) = (part, *call) else { return None };
            let short = render::shortened(timeline.of_call(call), bare);
            let (now, then) = (Size::json(content).tokens, Size::json(&short).tokens);
            (then < now).then(|| (call, now - then))
        })
    }

    /// Puts a short form in the place of the results of `calls`.
    pub(super) fn shorten(&mut self, calls: &[CallId], timeline: &Timeline, bare: bool) {
        if !self.calls.iter().flatten().any(|call| calls.contains(call)) {
            return;
        }
        let Turn::User { parts } = Arc::make_mut(&mut self.turn) else { return };
        for (part, call) in parts.iter_mut().zip(&self.calls) {
            if let (UserPart::ToolResult { content, .. }, Some(call)) = (part, call)
                && calls.contains(call)
            {
                *content = render::shortened(timeline.of_call(*call), bare);
            }
        }
        self.size = Size::turn(&self.turn);
    }
}

impl Thought {
    fn is_of(&self, provider: &str, model: &str) -> bool {
        self.provider == provider && self.model == model
    }
}

fn is_for(block: &Block, provider: &str, model: &str) -> bool {
    match block {
        Block::Reasoning { provider: p, model: m, .. } => p == provider && m == model,
        Block::Text { .. } | Block::ToolCall { .. } => true,
    }
}
