//! Models that think aloud in `<thinking>` (or `<think>`) and answer in `<reply>`: the two are told apart, live and in
//! the journal.
//!
//! Only where a text begins: an answer that merely mentions such a tag, in code or in words, is left as it is. Thinking
//! that is never closed may be the answer itself: it is left as it is too. Nothing but the tags is ever taken out.

use crate::provider::EventStream;
use futures::{StreamExt as _, future, stream};
use quarterdeck_core::message::{Block, ModelEvent};
use quarterdeck_core::thought::{NOBODYS, Thought};

/// What the thinking of such a model is filed under: nobody's, so that it is never sent back.
pub const TAGGED: &str = NOBODYS;

/// Opening and closing.
type Tag = (&'static str, &'static str);

const THINKING: [Tag; 2] = [("<thinking>", "</thinking>"), ("<think>", "</think>")];
const REPLY: Tag = ("<reply>", "</reply>");

/// `events` with thinking and reply told apart.
pub(crate) fn apart(events: EventStream, model: &str) -> EventStream {
    let model = model.to_owned();
    events
        .scan(Splitter::default(), move |splitter, item| {
            let out = match item {
                Ok(event) => splitter.event(event, &model).into_iter().map(Ok).collect(),
                // What was held back is part of the answer that was cut off.
                Err(error) => splitter.rest().map(Ok).into_iter().chain([Err(error)]).collect::<Vec<_>>(),
            };
            future::ready(Some(stream::iter(out)))
        })
        .flatten()
        .boxed()
}

/// A whole text: what was thought, and what is said.
fn told_apart(text: &str) -> (String, String) {
    let mut rest = text.trim_start();
    let mut thoughts: Vec<&str> = Vec::new();
    while let Some((tag, after)) = THINKING.iter().find_map(|t| Some((*t, rest.strip_prefix(t.0)?))) {
        let end = closed(after, tag).or_else(|| {
            // Whoever begins to reply has thought.
            let at = after.find(REPLY.0)?;
            Some((at, at))
        });
        let Some((end, next)) = end else { break };
        thoughts.push(after.get(..end).unwrap_or_default().trim());
        rest = after.get(next..).unwrap_or_default().trim_start();
    }
    let said = match rest.strip_prefix(REPLY.0) {
        Some(reply) => without_end(reply.trim_start_matches('\n')),
        None if thoughts.is_empty() => text.to_owned(),
        None => rest.to_owned(),
    };
    thoughts.retain(|t| !t.is_empty());
    (thoughts.join("\n\n"), said)
}

/// Where what was opened before `text` ends, and where what follows begins; what opens within closes within.
fn closed(text: &str, (open, close): Tag) -> Option<(usize, usize)> {
    let mut depth = 0_u32;
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let end = rest.find(close)?;
        match rest.find(open).filter(|begin| *begin < end) {
            Some(begin) => {
                depth += 1;
                at += begin + open.len();
            }
            None if depth == 0 => return Some((at + end, at + end + close.len())),
            None => {
                depth -= 1;
                at += end + close.len();
            }
        }
    }
}

/// A reply without the tag that ends it: the first that is not code.
fn without_end(reply: &str) -> String {
    let end = reply.match_indices(REPLY.1).find(|(at, _)| reply.get(..*at).is_some_and(|b| !in_code(b)));
    match end.and_then(|(at, tag)| Some((reply.get(..at)?, reply.get(at + tag.len()..)?))) {
        Some((said, more)) => format!("{said}{more}"),
        None => reply.to_owned(),
    }
}

/// Whether what comes after this Markdown is code: a fence or a backtick is open.
fn in_code(before: &str) -> bool {
    let fence = |line: &&str| line.trim_start().starts_with("```");
    let fences = before.lines().filter(fence).count();
    let last = before.rsplit('\n').next().unwrap_or_default();
    fences % 2 == 1 || (!fence(&last) && last.matches('`').count() % 2 == 1)
}

/// Where in a text we are, while it streams in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Nothing but space so far.
    #[default]
    Start,
    /// Thinking; so many tags of its kind are open within.
    Thinking(Tag, u32),
    /// After thinking, nothing but space so far.
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

/// For the screen only: the block says at its end what was what.
#[derive(Debug, Default)]
struct Splitter {
    at: At,
    /// What may become a tag.
    held: String,
    /// The reply so far, to know what in it is code.
    reply: String,
}

impl Splitter {
    fn event(&mut self, event: ModelEvent, model: &str) -> Vec<ModelEvent> {
        match event {
            ModelEvent::TextDelta(more) => self.push(&more).into_iter().map(live).collect(),
            ModelEvent::BlockDone(Block::Text { text }) => {
                let before = std::mem::take(self);
                blocks(&text, matches!(before.at, At::Thinking(..)), model)
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

    /// What is held back when no more comes.
    fn rest(&mut self) -> Option<ModelEvent> {
        let text = std::mem::take(&mut self.held);
        let piece = match self.at {
            At::Thinking(..) => Piece::Thinking(text.clone()),
            At::Start | At::Between | At::Reply | At::Plain => Piece::Text(text.clone()),
        };
        (!text.trim().is_empty()).then(|| live(piece))
    }

    /// One move; `false` when more text is needed.
    fn step(&mut self, out: &mut Vec<Piece>) -> bool {
        match self.at {
            At::Start | At::Between => self.opening(),
            At::Thinking(tag, depth) => self.thinking(tag, depth, out),
            At::Reply => self.replying(out),
            At::Plain => {
                let text = std::mem::take(&mut self.held);
                out.extend((!text.is_empty()).then_some(Piece::Text(text)));
                false
            }
        }
    }

    fn opening(&mut self) -> bool {
        let begun = self.held.trim_start();
        let thinking = THINKING.iter().map(|tag| (tag.0, At::Thinking(*tag, 0)));
        for (open, next) in thinking.chain([(REPLY.0, At::Reply)]) {
            if let Some(rest) = begun.strip_prefix(open) {
                self.held = rest.trim_start_matches('\n').to_owned();
                self.at = next;
                return true;
            }
            if open.starts_with(begun) {
                return false;
            }
        }
        if self.at == At::Between {
            self.held = begun.to_owned();
        }
        self.at = At::Plain;
        true
    }

    fn thinking(&mut self, tag: Tag, depth: u32, out: &mut Vec<Piece>) -> bool {
        let Some((before, found)) = self.until(&[tag.0, tag.1]) else { return false };
        let within = found == Some(tag.0) || (found == Some(tag.1) && depth > 0);
        let text = if within { format!("{before}{}", found.unwrap_or_default()) } else { before };
        out.extend((!text.is_empty()).then_some(Piece::Thinking(text)));
        self.at = match found {
            None => return false,
            Some(open) if open == tag.0 => At::Thinking(tag, depth + 1),
            Some(_) if depth > 0 => At::Thinking(tag, depth - 1),
            Some(_) => At::Between,
        };
        true
    }

    fn replying(&mut self, out: &mut Vec<Piece>) -> bool {
        let Some((mut text, found)) = self.until(&[REPLY.1]) else { return false };
        self.reply.push_str(&text);
        if found.is_some() {
            if in_code(&self.reply) {
                self.reply.push_str(REPLY.1);
                text.push_str(REPLY.1);
            } else {
                self.at = At::Plain;
            }
        }
        out.extend((!text.is_empty()).then_some(Piece::Text(text)));
        found.is_some()
    }

    /// Takes what stands before the first of `tags`, and that tag; keeps back what may be the beginning of one. `None`
    /// when there is nothing.
    fn until(&mut self, tags: &[&'static str]) -> Option<(String, Option<&'static str>)> {
        if self.held.is_empty() {
            return None;
        }
        let first = tags.iter().filter_map(|tag| Some((self.held.find(tag)?, *tag))).min();
        let end = first.map_or_else(
            || {
                let begins = |n: &usize| {
                    let tail = self.held.get(self.held.len() - n..);
                    tail.is_some_and(|tail| tags.iter().any(|tag| tag.starts_with(tail)))
                };
                let longest = tags.iter().map(|tag| tag.len() - 1).max().unwrap_or(0).min(self.held.len());
                self.held.len() - (1..=longest).rev().find(begins).unwrap_or(0)
            },
            |(at, _)| at,
        );
        let mut rest = self.held.split_off(end);
        let tag = first.map(|(_, tag)| tag);
        let after = rest.split_off(tag.map_or(0, str::len));
        let before = std::mem::replace(&mut self.held, after);
        Some((before, tag))
    }
}

fn live(piece: Piece) -> ModelEvent {
    match piece {
        Piece::Text(text) => ModelEvent::TextDelta(text),
        Piece::Thinking(text) => ModelEvent::ReasoningDelta(text),
    }
}

/// The blocks of a whole text. `thought` when its end streamed in as thinking: if that was none, an empty thought says so.
fn blocks(text: &str, thought: bool, model: &str) -> Vec<ModelEvent> {
    let (thinking, said) = told_apart(text);
    let mut out = Vec::new();
    if thought || !thinking.is_empty() {
        out.push(ModelEvent::BlockDone(Thought::unsigned(&thinking, model)));
    }
    if thinking.is_empty() || !said.trim().is_empty() {
        out.push(ModelEvent::BlockDone(Block::Text { text: said }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use quarterdeck_core::message::{ModelError, ModelErrorKind};

    /// Thinking and reply as they stream in, cut into pieces of `n` bytes at most, and as the blocks have them.
    fn told(text: &str, n: usize) -> [(String, String); 2] {
        let mut splitter = Splitter::default();
        let mut live = (String::new(), String::new());
        let mut take = |event: ModelEvent| match event {
            ModelEvent::TextDelta(text) => live.1.push_str(&text),
            ModelEvent::ReasoningDelta(text) => live.0.push_str(&text),
            other => panic!("{other:?}"),
        };
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(n.min(rest.len())));
            rest = after;
            splitter.event(ModelEvent::TextDelta(piece.to_owned()), "m").into_iter().for_each(&mut take);
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
        assert_eq!(splitter.at, At::Start, "the next block begins anew");
        [live, done]
    }

    #[test]
    fn tags_at_the_beginning_are_told_apart_however_they_are_cut() {
        for (text, thinking, reply) in [
            ("plain", "", "plain"),
            ("  plain, indented", "", "  plain, indented"),
            ("a < b and <reply> is a tag", "", "a < b and <reply> is a tag"),
            ("<thinking>hm ü</thinking>\n\n<reply>So.</reply>", "hm ü", "So."),
            ("\n <thinking>\nhm</thinking>So <b>it</b> is.", "hm", "So <b>it</b> is."),
            ("<think>\nhm\n</think>\n\nSo.", "hm", "So."),
            ("<reply>So</reply>", "", "So"),
            ("<reply>So</reply>\nand more", "", "So\nand more"),
            ("<reply>So", "", "So"),
            ("<thinking>a < b </ think</thinking>\nx", "a < b </ think", "x"),
            ("<thinking></thinking>x", "", "x"),
            // Several, and one within another.
            ("<thinking>a</thinking>\n<thinking>b</thinking>c", "a\n\nb", "c"),
            ("<thinking>a<thinking>b</thinking>c</thinking>d", "a<thinking>b</thinking>c", "d"),
            ("<thinking>a <think> b</thinking>c", "a <think> b", "c"),
            // Never opened, never closed.
            ("a</thinking>b", "", "a</thinking>b"),
            ("</thinking>b", "", "</thinking>b"),
            ("<thinkin", "", "<thinkin"),
            ("<thinking>a</thinking>", "a", ""),
            ("<thinking>a <reply>b</reply>", "a", "b"),
            // Code of the answer stays as it is.
            ("<reply>write `</reply>` at the end</reply>", "", "write `</reply>` at the end"),
            ("<reply>\n```\n</reply>\n```\nSo.</reply>", "", "```\n</reply>\n```\nSo."),
            ("`<thinking>` is a tag</thinking>", "", "`<thinking>` is a tag</thinking>"),
            ("```\n<thinking>a</thinking>\n```", "", "```\n<thinking>a</thinking>\n```"),
            (
                "<thinking>a</thinking>```\n<thinking>b</thinking>\n```",
                "a",
                "```\n<thinking>b</thinking>\n```",
            ),
        ] {
            for n in 1..text.len() + 1 {
                let [live, done] = told(text, n);
                assert_eq!((done.0.as_str(), done.1.as_str()), (thinking, reply), "{text:?}");
                let closed = !text.contains("<reply>b");
                if closed {
                    let flat = |t: &str| t.split_whitespace().collect::<String>();
                    assert_eq!(flat(&live.0), flat(thinking), "{text:?} in pieces of {n}");
                    // What may still become a tag is shown with the block.
                    assert!(
                        reply.trim_start().starts_with(live.1.trim()),
                        "{text:?} in pieces of {n}: {live:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn thinking_that_is_never_closed_swallows_no_answer() {
        for text in [
            "<thinking>The deploy broke it.",
            "<think>So:\n\n- roll back",
            "<thinking>a<thinking>b</thinking>c",
        ] {
            for n in 1..text.len() + 1 {
                let [_, done] = told(text, n);
                assert_eq!(done, (String::new(), text.to_owned()), "{text:?} in pieces of {n}");
            }
        }
        let [_, done] = told("<thinking>a</thinking><thinking>b", 3);
        assert_eq!(done, ("a".to_owned(), "<thinking>b".to_owned()));
    }

    #[test]
    fn an_answer_that_is_cut_off_keeps_what_was_held_back() {
        let error = ModelError { kind: ModelErrorKind::Truncated, message: "cut".into() };
        for (text, last) in [
            ("So it </rep", None),
            ("<reply>So</rep", Some(ModelEvent::TextDelta("</rep".into()))),
            ("<thinking>a</thin", Some(ModelEvent::ReasoningDelta("</thin".into()))),
            ("<thin", Some(ModelEvent::TextDelta("<thin".into()))),
        ] {
            let events = [Ok(ModelEvent::TextDelta(text.into())), Err(error.clone())];
            let out: Vec<_> = apart(stream::iter(events).boxed(), "m").collect().now_or_never().unwrap();
            assert_eq!(out.last(), Some(&Err(error.clone())), "{text}");
            let before = out.get(out.len() - 2).and_then(|e| e.as_ref().ok());
            assert!(last.is_none() || before == last.as_ref(), "{text}: {out:?}");
        }
    }

    /// Without tags and space.
    fn bare(text: &str) -> String {
        let mut out: String = text.split_whitespace().collect();
        for tag in ["<thinking>", "</thinking>", "<think>", "</think>", "<reply>", "</reply>"] {
            out = out.replace(tag, "");
        }
        out
    }

    /// Every text of up to five of these: thinking and reply together are the text, only tags and space are taken out.
    #[test]
    fn nothing_is_lost_whatever_comes() {
        const PARTS: [&str; 8] =
            ["<thinking>", "</thinking>", "<think>", "<reply>", "</reply>", "`", "```\n", "ü b"];
        for length in 1..=5 {
            for nth in 0..PARTS.len().pow(length) {
                let part = |place: u32| PARTS[nth / PARTS.len().pow(place) % PARTS.len()];
                let text: String = (0..length).map(part).collect();
                let [live, done] = told(&text, 1);
                assert_eq!(bare(&format!("{} {}", done.0, done.1)), bare(&text), "{text:?}");
                let [other, same] = told(&text, 7);
                assert_eq!((bare(&other.0), same), (bare(&live.0), done), "{text:?}");
            }
        }
    }
}
