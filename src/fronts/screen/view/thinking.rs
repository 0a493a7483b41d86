//! A model's thinking, apart from what it says: one dim line, and what it thought below it when that is open.
//!
//! ```text
//! ▸ thinking · 12 lines · 3.1 s
//!
//! ▾ thinking · 2 lines · 0.9 s
//!   The deploy was at 11:52, and the errors begin at 11:54.
//!   So the deploy is the first thing to look at.
//! ```

use super::format;
use super::line::{Laid, Run, clip, paragraph, wrap};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::id::{StepNo, TurnId};
use quarterdeck_core::screen::LiveThinking;
use quarterdeck_core::thought::Thought;
use ratatui::text::{Line, Span};
use serde_json::Value;
use std::time::Duration;

/// Lines of it that are shown while it streams in.
const TAIL: usize = 3;
const INDENT: &str = "  ";

/// The thinking before a response.
#[must_use]
pub fn lay_out(
    (text, encrypted): (&str, bool),
    (step, ms): (StepNo, Option<u64>),
    open: bool,
    columns: usize,
    theme: &Theme,
) -> Vec<Laid> {
    let body = body(text, columns, theme);
    let took = ms.map(Duration::from_millis);
    let mut out = vec![head(body.len(), took, encrypted, open, columns, theme)];
    if !text.is_empty()
        && let Some(head) = out.first_mut()
    {
        head.fold = Some(step);
    }
    if open {
        out.extend(body);
    }
    out
}

/// What of a block of reasoning can be read, as a part of the detail.
#[must_use]
pub fn detail(raw: &Value, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let thought = Thought::of(raw);
    let mut out = vec![Line::styled("thinking", theme.title)];
    if thought.text.is_empty() {
        let why = if thought.encrypted { "reasoning is encrypted" } else { "nothing of it can be read" };
        out.extend(paragraph(why, columns, theme.dim));
    }
    out.extend(body(&thought.text, columns, theme).into_iter().map(|laid| laid.line));
    out
}

fn head(
    lines: usize,
    took: Option<Duration>,
    encrypted: bool,
    open: bool,
    columns: usize,
    theme: &Theme,
) -> Laid {
    let mark = match (lines, open) {
        (0, _) => theme.glyph("· ", "- "),
        (_, true) => theme.glyph("▾ ", "v "),
        (_, false) => theme.glyph("▸ ", "> "),
    };
    let mut words = format!("{mark}thinking");
    match lines {
        0 => {}
        1 => words.push_str(" · 1 line"),
        n => words.push_str(&format!(" · {n} lines")),
    }
    if let Some(took) = took.filter(|took| !took.is_zero()) {
        words.push_str(&format!(" · {}", format::span(took)));
    }
    match (encrypted, lines) {
        (false, _) => {}
        (true, 0) => words.push_str(" · reasoning is encrypted"),
        (true, _) => words.push_str(" · a part is encrypted"),
    }
    Line::styled(clip(&words, columns), theme.dim).into()
}

fn body(text: &str, columns: usize, theme: &Theme) -> Vec<Laid> {
    let indent = Span::raw(INDENT);
    text.lines().flat_map(|line| wrap(&[Run::new(line, theme.dim)], columns, &indent, &indent)).collect()
}

/// What of streaming thinking is laid out already: its whole lines stay as they are.
#[derive(Debug, Default)]
pub struct LiveCache {
    turn: Option<TurnId>,
    columns: usize,
    /// Bytes of the text that are laid out in `lines`.
    done: usize,
    lines: Vec<Laid>,
}

impl LiveCache {
    /// The line above it and, while nothing is said yet or all thinking is open, its last lines.
    pub fn lay_out(
        &mut self,
        thinking: &LiveThinking,
        answering: bool,
        open: bool,
        columns: usize,
        theme: &Theme,
    ) -> Vec<Laid> {
        if self.turn != Some(thinking.turn) || self.columns != columns || thinking.text.len() < self.done {
            *self = Self { turn: Some(thinking.turn), columns, ..Self::default() };
        }
        let rest = thinking.text.get(self.done..).unwrap_or_default();
        let whole = rest.rfind('\n').map_or(0, |at| at + 1);
        let (more, begun) = rest.split_at_checked(whole).unwrap_or(("", rest));
        self.lines.extend(body(more, columns, theme));
        self.done += more.len();
        let last = body(begun, columns, theme);
        let total = self.lines.len() + last.len();
        let took = thinking.last.since(thinking.began);
        let mut out = vec![head(total, Some(took), false, open || !answering, columns, theme)];
        let shown = match (open, answering) {
            (true, _) => total,
            (false, true) => 0,
            (false, false) => TAIL,
        };
        out.extend(self.lines.iter().chain(&last).skip(total.saturating_sub(shown)).cloned());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::{Depth, Theme};
    use quarterdeck_core::Timestamp;

    fn theme() -> Theme {
        Theme::named("dark", Depth::True, false).unwrap()
    }

    fn told(lines: &[Laid]) -> Vec<String> {
        lines.iter().map(|l| l.line.to_string()).collect()
    }

    #[test]
    fn one_line_folded_all_of_it_open() {
        let theme = theme();
        let text = "First the deploy.\n\nThen what it broke, at length.";
        let laid = |open, ms| lay_out((text, false), (StepNo(3), ms), open, 20, &theme);
        let folded = lay_out((text, false), (StepNo(3), Some(3_100)), false, 40, &theme);
        assert_eq!(told(&folded), ["▸ thinking · 3 lines · 3.1 s"]);
        assert_eq!(laid(false, None)[0].fold, Some(StepNo(3)));
        assert_eq!(
            told(&laid(true, None)),
            ["▾ thinking · 4 lines", "  First the deploy.", "  ", "  Then what it", "  broke, at length."]
        );
        let sealed = lay_out(("", true), (StepNo(3), None), true, 60, &theme);
        assert_eq!(told(&sealed), ["· thinking · reasoning is encrypted"]);
        assert_eq!(sealed[0].fold, None, "there is nothing to open");
        let evil = lay_out(("a\u{1b}[2Jb", true), (StepNo(3), None), true, 60, &theme);
        assert_eq!(told(&evil), ["▾ thinking · 1 line · a part is encrypted", "  a⟨U+001B⟩[2Jb"]);
    }

    #[test]
    fn what_streams_in_is_laid_out_as_if_it_had_come_at_once() {
        let theme = theme();
        let text = "One line that is long enough to wrap.\nTwo\n\nThree, which goes on and on for a while";
        let at = Timestamp::from_millis(0);
        let mut cache = LiveCache::default();
        for end in 1..=text.len() {
            let part = text.get(..end).unwrap().to_owned();
            let live = LiveThinking { turn: TurnId(1), text: part.clone(), began: at, last: at };
            let mut fresh = LiveCache::default();
            for (answering, open) in [(false, false), (false, true), (true, false)] {
                let told_now = told(&cache.lay_out(&live, answering, open, 20, &theme));
                assert_eq!(told_now, told(&fresh.lay_out(&live, answering, open, 20, &theme)), "{part:?}");
            }
            let all = told(&cache.lay_out(&live, false, true, 20, &theme));
            let whole = lay_out((&part, false), (StepNo(1), None), true, 20, &theme);
            assert_eq!(all[1..], told(&whole)[1..], "{part:?}");
            let tail = told(&cache.lay_out(&live, false, false, 20, &theme));
            assert_eq!(tail[1..], all[1..][all.len() - 1 - tail[1..].len()..], "{part:?}");
            assert_eq!(cache.lay_out(&live, true, false, 20, &theme).len(), 1);
        }
    }
}
