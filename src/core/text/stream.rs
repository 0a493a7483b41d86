//! Redaction of text that comes in pieces: a secret cut in two is still one secret.

use super::Redactor;
use super::redact::find;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Bytes held back at most; longer unbroken values are masked whole.
const HELD: usize = 4096;
/// Bytes looked ahead before an overlong line is cut between two of its tokens.
const AHEAD: usize = 1024;
/// A large chunk is taken in portions of this many bytes.
const PORTION: usize = 2048;

/// The beginning of something whose secret is still to come, at the end of a text: a name and its separator, a
/// scheme, a flag, an access key id, a cookie, the name of a name-and-value pair.
static BEGUN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:--[A-Za-z][A-Za-z0-9\-]*(?:[ \t]+["'])?|(?i:bearer|basic|token|digest|negotiate|aws4-hmac-sha256)"#,
        r#"|[A-Za-z0-9_][A-Za-z0-9_.\-]*\\*["']?[ \t]*(?::=|=>|[:=])[ \t]*\\*["']?"#,
        r#"|(?i:cookie)["']?[ \t]*:[^\r\n"']*["']?[^\r\n"']*|(?:AKIA|ASIA)[A-Z0-9]{16}["',:;|= \t]*"#,
        r#"|(?i:name|key)\\*["']?[ \t]*(?::=|=>|[:=])[ \t]*\\*["']?[A-Za-z0-9_.\-]*\\*["']?[^\n]{0,16})[ \t]*$"#,
    ))
    .ok()
});
static PEM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"-----BEGIN(?: [A-Z0-9 ]*-{0,5})?").ok());
static PEM_END: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").ok());

/// Redacts a text as it arrives. What comes out, joined, is what [`Redactor::redact`] makes of the whole, but for
/// single values longer than 4 KiB, which are masked by their beginning. At most about 4 KiB are held back, and
/// of ordinary prose only the last words.
#[derive(Debug)]
pub struct RedactStream {
    redactor: Redactor,
    held: String,
    dropping: Dropping,
}

/// The rest of a value whose mask is already out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropping {
    Nothing,
    /// Up to the end of a private key.
    Key,
    /// Up to the end of an unbroken value.
    Value,
}

impl RedactStream {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, held: String::new(), dropping: Dropping::Nothing }
    }

    /// Takes in the next piece; returns what is safe to show by now.
    #[must_use]
    pub fn push(&mut self, chunk: &str) -> String {
        let mut out = String::new();
        let mut rest = chunk;
        while !rest.is_empty() {
            let (portion, after) = rest.split_at(rest.floor_char_boundary(PORTION.min(rest.len())));
            rest = after;
            self.held.push_str(portion);
            self.drop_rest();
            self.release(settled(&self.held), &mut out);
            while self.held.len() > HELD {
                self.force(&mut out);
            }
        }
        out
    }

    /// Ends the text; returns what was still held back.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.drop_rest();
        match self.dropping {
            Dropping::Nothing => self.redactor.redact(&self.held).into_owned(),
            Dropping::Key | Dropping::Value => String::new(),
        }
    }

    fn release(&mut self, end: usize, out: &mut String) {
        if let Some(ready) = self.held.get(..end) {
            out.push_str(&self.redactor.redact(ready));
            self.held.drain(..end);
        }
    }

    /// Too much is held: cuts between two tokens of the line, or masks what has no end.
    fn force(&mut self, out: &mut String) {
        let key = open_key(&self.held, &mut Vec::new());
        if key != Some(0) {
            let limit = key.unwrap_or(self.held.len()).min(self.held.len().saturating_sub(AHEAD));
            let end = between_tokens(&self.held, limit);
            if end > 0 {
                return self.release(end, out);
            }
        }
        self.dropping = if key.is_some() { Dropping::Key } else { Dropping::Value };
        out.push_str(&self.redactor.mask(&self.held));
        self.held.clear();
    }

    fn drop_rest(&mut self) {
        let end = match self.dropping {
            Dropping::Nothing => return,
            Dropping::Key => self.held.find("PRIVATE KEY-----").map(|at| at + "PRIVATE KEY-----".len()),
            Dropping::Value => self.held.find(ends_value),
        };
        match end {
            Some(end) => {
                self.held.drain(..end);
                self.dropping = Dropping::Nothing;
            }
            None if self.dropping == Dropping::Key => {
                // The end's words may be cut in two as well.
                let keep = self.held.floor_char_boundary(self.held.len().saturating_sub(32));
                self.held.drain(..keep);
            }
            None => self.held.clear(),
        }
    }
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || "\"'`,;&|<>()[]{}".contains(c)
}

/// How much of `text` can no longer change by what follows: whole lines, and of the last line everything but its
/// last two words and what they may belong to.
fn settled(text: &str) -> usize {
    let mut keys = Vec::new();
    let limit = open_key(text, &mut keys).unwrap_or(text.len());
    let text = text.get(..limit).unwrap_or_default();
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let mut end = limit;
    if limit > line {
        for _ in 0..2 {
            end = word_start(text, end).max(line);
        }
    }
    let end = unbegun(text, line, end);
    match keys.into_iter().find(|key| key.start < end && end < key.end) {
        Some(key) => settled(text.get(..key.start).unwrap_or_default()),
        None => end,
    }
}

/// Moves `end` back before whatever has begun in the line and is not over at `end`.
fn unbegun(text: &str, line: usize, mut end: usize) -> usize {
    while end > line {
        let Some(part) = text.get(line..end) else { return line };
        if continues(text, end) {
            end = word_start(text, end).max(line);
            continue;
        }
        let begun = BEGUN.as_ref().and_then(|begun| begun.find(part)).map(|m| m.start());
        let open = find(part).into_iter().filter(|f| f.end == part.len()).map(|f| f.from).min();
        match begun.into_iter().chain(open).min() {
            Some(start) => end = word_start(text, line + start + 1).max(line),
            None => return end,
        }
    }
    end
}

/// Whether what follows belongs to the name before it: ` = value`.
fn continues(text: &str, end: usize) -> bool {
    text.get(end..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with([':', '=']))
}

/// The start of the last word before `end`.
fn word_start(text: &str, end: usize) -> usize {
    let before = text.get(..end).unwrap_or_default().trim_end();
    before.char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8())
}

/// Where a private key begins that has not ended. Those that have are put into `ended`.
fn open_key(text: &str, ended: &mut Vec<Range<usize>>) -> Option<usize> {
    let (begin, end) = (PEM.as_ref()?, PEM_END.as_ref()?);
    let mut at = 0;
    while let Some(found) = begin.find_at(text, at) {
        at = found.end();
        let label = found.as_str().strip_prefix("-----BEGIN").unwrap_or_default();
        match label.strip_suffix("-----") {
            Some(label) if label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK") => {
                match end.find_at(text, at) {
                    Some(end) => {
                        at = end.end();
                        ended.push(found.start()..at);
                    }
                    None => return Some(found.start()),
                }
            }
            None if at == text.len() => return Some(found.start()),
            Some(_) | None => {}
        }
    }
    None
}

/// The last place up to `limit` that is between two tokens and inside no secret.
fn between_tokens(text: &str, limit: usize) -> usize {
    let found = find(text);
    let part = text.get(..text.floor_char_boundary(limit)).unwrap_or_default();
    let is_free = |at: usize| found.iter().all(|f| at <= f.from || at >= f.end);
    part.char_indices()
        .rev()
        .filter(|(_, c)| ends_value(*c))
        .map(|(at, c)| at + c.len_utf8())
        .find(|at| {
            is_free(*at) && !text.get(..*at).is_some_and(|t| BEGUN.as_ref().is_some_and(|b| b.is_match(t)))
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::redact::tests::{redactor, samples, secretive};
    use super::*;
    use proptest::prelude::*;

    fn streamed(chunks: &[&str]) -> String {
        let mut stream = redactor().stream();
        let mut out: String = chunks.iter().map(|c| stream.push(c)).collect();
        out.push_str(&stream.finish());
        out
    }

    fn bytewise(text: &str) -> String {
        let chars: Vec<String> = text.chars().map(String::from).collect();
        streamed(&chars.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn every_secret_cut_anywhere() {
        assert!(BEGUN.is_some() && PEM.is_some());
        for (text, secret) in samples() {
            let text = format!("It said so: {text} and then\nmore {text}\n");
            let whole = redactor().redact(&text).into_owned();
            assert_eq!(bytewise(&text), whole);
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (a, b) = text.split_at(at);
                assert_eq!(streamed(&[a, b]), whole, "{secret} cut at {at} of {text}");
            }
        }
    }

    #[test]
    fn prose_lags_by_a_few_words_only() {
        let mut stream = redactor().stream();
        let mut shown = String::new();
        for word in "the service checkout fell over because its database refused new connections".split(' ') {
            shown.push_str(&stream.push(&format!("{word} ")));
        }
        assert!(shown.starts_with("the service checkout fell over because its database refused"), "{shown}");
        assert_eq!(stream.push("end.\n").lines().count(), 1);
    }

    #[test]
    fn what_is_held_is_bounded() {
        for unit in ["x", "password=\"x ", "a=b,", "{\"k\":\"v\"},", "-----BEGIN PRIVATE KEY-----\nMIIE", "é"]
        {
            let text = unit.repeat(40_000 / unit.len());
            let mut stream = redactor().stream();
            for chunk in text.as_bytes().chunks(1000) {
                let _ = stream.push(&String::from_utf8_lossy(chunk));
                assert!(stream.held.len() <= HELD, "{unit}: {}", stream.held.len());
            }
        }
    }

    #[test]
    fn overlong_secrets_do_not_leak() {
        let long = "MIIEabcd".repeat(2_000);
        for text in [
            format!("-----BEGIN PRIVATE KEY-----{long}-----END PRIVATE KEY----- after"),
            format!("password={long} after"),
            format!("password=\"{long}\" after"),
            format!("password={long}, after"),
        ] {
            let out = streamed(
                &text.as_bytes().chunks(700).map(|c| std::str::from_utf8(c).unwrap()).collect::<Vec<_>>(),
            );
            assert!(!out.contains("MIIE") && out.ends_with(" after"), "{out}");
        }
    }

    #[test]
    fn long_lines_without_spaces_are_as_the_whole() {
        let text: String =
            (0..900).map(|n| format!("{{\"n\":{n},\"password\":\"p{n}\",\"id\":\"i-{n}\"}},")).collect();
        let chunks: Vec<&str> = text.as_bytes().chunks(97).map(|c| std::str::from_utf8(c).unwrap()).collect();
        assert_eq!(streamed(&chunks), redactor().redact(&text));
    }

    proptest! {
        #[test]
        fn cut_anywhere_it_is_as_the_whole(text in secretive(), cuts in prop::collection::vec(0..200usize, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| text.floor_char_boundary(c.min(text.len()))).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(text.get(from..cut).unwrap());
                from = cut;
            }
            chunks.push(text.get(from..).unwrap());
            prop_assert_eq!(streamed(&chunks), redactor().redact(&text).into_owned());
        }
    }
}
