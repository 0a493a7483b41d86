//! Markdown that is still being written: what can no longer change is laid out once.
//!
//! Each batch of a streamed answer lays out its last block only, so that a key waits no longer at the end of a long
//! answer than at its beginning.

use super::line::Laid;
use super::markdown::{self, Open};
use crate::fronts::screen::theme::Theme;

/// A text laid out so far, for one width.
#[derive(Debug, Default)]
pub struct Growing {
    columns: usize,
    /// Bytes of the text that are laid out for good.
    settled: usize,
    /// How many lines those are.
    final_lines: usize,
    /// The list that goes on after them.
    open: Open,
    /// Bytes of the whole text.
    length: usize,
    lines: Vec<Laid>,
}

impl Growing {
    /// All lines of `source`, which is the text of the last call with more at its end, or another one.
    pub fn lay_out(&mut self, source: &str, columns: usize, theme: &Theme) -> &[Laid] {
        if self.columns != columns || source.len() < self.length || !source.is_char_boundary(self.settled) {
            *self = Self { columns, ..Self::default() };
        }
        if source.len() > self.length {
            self.length = source.len();
            self.lines.truncate(self.final_lines);
            let rest = source.get(self.settled..).unwrap_or_default();
            let page = markdown::lay_out_open(rest, self.columns, theme, self.open);
            self.lines.extend(page.lines);
            self.settled += page.settled;
            self.final_lines += page.final_lines;
            self.open = page.open;
        }
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;

    /// However a text arrives, it looks at its end as if it had come at once.
    #[test]
    fn what_grows_looks_like_what_came_at_once() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let plain = |lines: &[Laid]| lines.iter().map(|l| l.line.to_string()).collect::<Vec<_>>();
        for source in [
            "# Cause\nThe *deploy* of **11:52** [#4].\n\n- one\n- two words that wrap\n  1. inner\n  2. more\n- three\n\nend",
            "1. first\n1. second\n\n   more of it\n1. third\n\nA table:\n\n| a | b |\n|---|---|\n| 1 | 22 |\n| 333 | 4 |\n\n> said\n> so\n\nend",
            "text\n```\nlet x;\n\n- no list\n```\nafter\n\n---\n\nsetext\n======\n\n7. seven\n8. eight [#1, #2]\nlazy\n\n  * other\n  * list é ü\n",
            "- [x] done\n- [ ] open\n\n\n- far\n    - deep\n      - deeper\n- back\n<b>html</b>\n\n<div>\nblock\n</div>\n\nlast",
        ] {
            let whole = plain(&markdown::lay_out(source, 24, &theme));
            for step in [1, 2, 3, 7] {
                let mut growing = Growing::default();
                let ends: Vec<usize> =
                    source.char_indices().map(|(at, _)| at).skip(1).step_by(step).collect();
                for end in ends {
                    let _ = growing.lay_out(source.split_at(end).0, 24, &theme);
                }
                assert_eq!(plain(growing.lay_out(source, 24, &theme)), whole, "{step} at a time: {source}");
            }
            assert_eq!(plain(Growing::default().lay_out(source, 24, &theme)), whole);
        }
    }

    #[test]
    fn a_long_answer_is_laid_out_from_its_last_block_on() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let mut source = String::new();
        let mut growing = Growing::default();
        for n in 0..200 {
            source.push_str(&format!("- point {n} says something [#{n}]\n"));
            if n % 10 == 9 {
                source.push_str("\nA paragraph.\n\n");
            }
            let _ = growing.lay_out(&source, 40, &theme);
            assert!(source.len() - growing.settled < 100, "{n}: {} of {}", growing.settled, source.len());
        }
        let narrow = growing.lay_out(&source, 20, &theme).len();
        assert_eq!(narrow, markdown::lay_out(&source, 20, &theme).len(), "another width begins anew");
        assert_eq!(growing.lay_out("new", 20, &theme).len(), 1, "another text begins anew");
    }
}
