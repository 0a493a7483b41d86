//! Models that think aloud in `<thinking>` and answer in `<reply>`: the two are told apart, live and in the journal.
//!
//! Only where a text begins: an answer that merely mentions such a tag is left as it is.

use crate::provider::EventStream;
use futures::{StreamExt as _, future, stream};
use quarterdeck_core::message::{Block, ModelEvent};
use serde_json::json;

/// What the thinking of such a model is filed under: nobody's, so that it is never sent back.
pub const TAGGED: &str = "tagged";

const THINKING: (&str, &str) = ("<thinking>", "</thinking>");
const REPLY: (&str, &str) = ("<reply>", "</reply>");

/// `events` with thinking and reply told apart.
pub(crate) fn apart(events: EventStream, model: &str) -> EventStream {
    let model = model.to_owned();
    events
        .scan(Splitter::default(), move |splitter, item| {
            let out = match item {
                Ok(event) => splitter.event(event, &model).into_iter().map(Ok).collect(),
                // What was held back may be the last that is seen of it.
                Err(error) => {
                    splitter.finish().map(live).into_iter().map(Ok).chain([Err(error)]).collect::<Vec<_>>()
                }
            };
            future::ready(Some(stream::iter(out)))
        })
        .flatten()
        .boxed()
}

/// Where in a text we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Nothing but space so far.
    #[default]
    Start,
    /// Inside `<thinking>`.
    Thinking,
    /// After it, nothing but space so far.
    Between,
    /// Inside `<reply>`.
    Reply,
    /// Plain text to the end.
    Plain,
}

/// A piece of text, told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Thinking(String),
}

#[derive(Debug, Default)]
struct Splitter {
    at: At,
    /// What may become a tag.
    held: String,
}

impl Splitter {
    fn event(&mut self, event: ModelEvent, model: &str) -> Vec<ModelEvent> {
        match event {
            ModelEvent::TextDelta(more) => self.push(&more).into_iter().map(live).collect(),
            ModelEvent::BlockDone(Block::Text { text }) => {
                *self = Self::default();
                let mut whole = Self::default();
                let mut pieces = whole.push(&text);
                pieces.extend(whole.finish());
                blocks(pieces, model)
            }
            ModelEvent::Started
            | ModelEvent::ReasoningDelta(_)
            | ModelEvent::ToolCallStart { .. }
            | ModelEvent::ToolInputDelta(_)
            | ModelEvent::BlockDone(Block::Reasoning { .. } | Block::ToolCall { .. })
            | ModelEvent::Usage(_)
            | ModelEvent::Done(_)
            | ModelEvent::Retrying { .. } => vec![event],
        }
    }

    fn push(&mut self, more: &str) -> Vec<Piece> {
        self.held.push_str(more);
        let mut out = Vec::new();
        while self.step(&mut out) {}
        out
    }

    /// One move; `false` when more text is needed.
    fn step(&mut self, out: &mut Vec<Piece>) -> bool {
        match self.at {
            At::Start | At::Between => self.opening(out),
            At::Thinking => self.until(THINKING.1, At::Between, Piece::Thinking, out),
            At::Reply => self.until(REPLY.1, At::Plain, Piece::Text, out),
            At::Plain => {
                let text = std::mem::take(&mut self.held);
                out.extend((!text.is_empty()).then_some(Piece::Text(text)));
                false
            }
        }
    }

    fn opening(&mut self, out: &mut Vec<Piece>) -> bool {
        let begun = self.held.trim_start();
        let tags = [(THINKING.0, At::Thinking), (REPLY.0, At::Reply)];
        for (tag, next) in tags.into_iter().filter(|(_, next)| self.at == At::Start || *next == At::Reply) {
            if let Some(rest) = begun.strip_prefix(tag) {
                self.held = rest.trim_start_matches('\n').to_owned();
                self.at = next;
                return true;
            }
            if tag.starts_with(begun) {
                return false;
            }
        }
        if self.at == At::Between {
            self.held = begun.to_owned();
        }
        self.at = At::Plain;
        self.step(out)
    }

    /// Gives out what stands before `tag`, keeping back what may be its beginning.
    fn until(&mut self, tag: &str, next: At, piece: fn(String) -> Piece, out: &mut Vec<Piece>) -> bool {
        let (end, found) = match self.held.find(tag) {
            Some(at) => (at, true),
            None => {
                let beginning = (1..tag.len())
                    .rev()
                    .find(|n| tag.get(..*n).is_some_and(|head| self.held.ends_with(head)))
                    .unwrap_or(0);
                (self.held.len() - beginning, false)
            }
        };
        let rest = self.held.split_off(end);
        let text = std::mem::replace(&mut self.held, rest);
        out.extend((!text.is_empty()).then(|| piece(text)));
        if found {
            self.held = self.held.split_off(tag.len());
            self.at = next;
        }
        found
    }

    /// What is left when the text has ended.
    fn finish(&mut self) -> Option<Piece> {
        let text = std::mem::take(&mut self.held);
        if text.trim().is_empty() {
            return None;
        }
        Some(match self.at {
            At::Thinking => Piece::Thinking(text),
            At::Start | At::Between | At::Reply | At::Plain => Piece::Text(text),
        })
    }
}

fn live(piece: Piece) -> ModelEvent {
    match piece {
        Piece::Text(text) => ModelEvent::TextDelta(text),
        Piece::Thinking(text) => ModelEvent::ReasoningDelta(text),
    }
}

fn blocks(pieces: Vec<Piece>, model: &str) -> Vec<ModelEvent> {
    let (mut thinking, mut reply) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => reply.push_str(&text),
            Piece::Thinking(text) => thinking.push_str(&text),
        }
    }
    let mut out = Vec::new();
    if !thinking.trim().is_empty() {
        let raw = json!({ "thinking": thinking.trim() });
        let block = Block::Reasoning { provider: TAGGED.to_owned(), model: model.to_owned(), raw };
        out.push(ModelEvent::BlockDone(block));
    }
    if thinking.is_empty() || !reply.trim().is_empty() {
        out.push(ModelEvent::BlockDone(Block::Text { text: reply }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::message::{ModelError, ModelErrorKind};

    /// Thinking and reply, live and as blocks, of a text cut into pieces of `n` bytes at most.
    fn told(text: &str, n: usize) -> [(String, String); 2] {
        let mut splitter = Splitter::default();
        let mut live = (String::new(), String::new());
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(n.min(rest.len())));
            rest = after;
            for event in splitter.event(ModelEvent::TextDelta(piece.to_owned()), "m") {
                match event {
                    ModelEvent::TextDelta(text) => live.1.push_str(&text),
                    ModelEvent::ReasoningDelta(text) => live.0.push_str(&text),
                    other => panic!("{other:?}"),
                }
            }
        }
        let mut done = (String::new(), String::new());
        for event in splitter.event(ModelEvent::BlockDone(Block::Text { text: text.to_owned() }), "m") {
            match event {
                ModelEvent::BlockDone(Block::Text { text }) => done.1 = text,
                ModelEvent::BlockDone(Block::Reasoning { provider, raw, .. }) => {
                    assert_eq!(provider, TAGGED);
                    done.0 = raw["thinking"].as_str().unwrap().to_owned();
                }
                other => panic!("{other:?}"),
            }
        }
        [live, done]
    }

    #[test]
    fn tags_at_the_beginning_are_told_apart_however_they_are_cut() {
        for (text, thinking, reply) in [
            ("plain", "", "plain"),
            ("a < b and <reply> is a tag", "", "a < b and <reply> is a tag"),
            ("<thinking>hm ü</thinking>\n\n<reply>So.</reply>", "hm ü", "So."),
            ("\n <thinking>\nhm</thinking>So <b>it</b> is.", "hm", "So <b>it</b> is."),
            ("<reply>So</reply>", "", "So"),
            ("<thinking>a < b </ think</thinking>\nx", "a < b </ think", "x"),
            ("<thinking>only", "only", ""),
            ("<thinkin", "", "<thinkin"),
            ("<thinking>a</thinking><thinking>b", "a", "<thinking>b"),
        ] {
            for n in 1..text.len() + 1 {
                let [live, done] = told(text, n);
                assert_eq!((done.0.as_str(), done.1.as_str()), (thinking, reply), "{text:?}");
                assert_eq!(live.0.trim(), thinking, "{text:?} in pieces of {n}");
                // What may still become a tag is shown with the block.
                assert!(reply.starts_with(live.1.trim_end()), "{text:?} in pieces of {n}: {live:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_was_held_back_is_not_lost_when_the_answer_breaks_off() {
        let cut = ModelError { kind: ModelErrorKind::Truncated, message: "cut".into() };
        for (text, want) in [
            ("<thinki", vec![ModelEvent::TextDelta("<thinki".into())]),
            (
                "<thinking>hm </thin",
                vec![ModelEvent::ReasoningDelta("hm ".into()), ModelEvent::ReasoningDelta("</thin".into())],
            ),
            ("So.", vec![ModelEvent::TextDelta("So.".into())]),
        ] {
            let items = [Ok(ModelEvent::TextDelta(text.into())), Err(cut.clone())];
            let told: Vec<_> = apart(stream::iter(items).boxed(), "m").collect().await;
            let want: Vec<_> = want.into_iter().map(Ok).chain([Err(cut.clone())]).collect();
            assert_eq!(told, want, "{text}");
        }
    }
}
