//! Untrusted text into lines: made visible, cut to columns, wrapped with its styles.

use quarterdeck_core::id::StepNo;
use quarterdeck_core::text;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// `untrusted`, made visible and cut to `columns`. Looks only at as much of it as could be shown.
#[must_use]
pub fn clip(untrusted: &str, columns: usize) -> String {
    if columns == 0 {
        return String::new();
    }
    let most = columns.saturating_mul(8).saturating_add(64);
    let Some(head) = untrusted.get(..untrusted.floor_char_boundary(most)) else { return String::new() };
    let shown = text::visible(head);
    let cut = text::truncate(&shown, columns);
    if head.len() < untrusted.len() && cut == shown {
        let mut short = text::truncate(&shown, columns.saturating_sub(1)).into_owned();
        if !short.ends_with('…') {
            short.push('…');
        }
        return short;
    }
    cut.into_owned()
}

/// As [`clip`], then filled with blanks to exactly `columns`.
#[must_use]
pub fn left(untrusted: &str, columns: usize) -> String {
    let mut cut = clip(untrusted, columns);
    let blanks = columns.saturating_sub(text::width(&cut));
    cut.extend(std::iter::repeat_n(' ', blanks));
    cut
}

/// As [`clip`], aligned to the right of exactly `columns`.
#[must_use]
pub fn right(untrusted: &str, columns: usize) -> String {
    let cut = clip(untrusted, columns);
    let mut out = " ".repeat(columns.saturating_sub(text::width(&cut)));
    out.push_str(&cut);
    out
}

/// A stretch of text in one style. The text must be visible already; [`Run::new`] sees to it.
#[derive(Clone, Debug)]
pub struct Run {
    text: String,
    style: Style,
    link: Option<StepNo>,
}

impl Run {
    /// Untrusted text, made visible; line feeds become blanks.
    #[must_use]
    pub fn new(untrusted: &str, style: Style) -> Self {
        let lines = text::visible_lines(untrusted);
        let text = if lines.contains('\n') { lines.replace('\n', " ") } else { lines.into_owned() };
        Self { text, style, link: None }
    }

    /// An evidence link.
    #[must_use]
    pub fn link(step: StepNo, style: Style) -> Self {
        Self { text: format!("[#{step}]"), style, link: Some(step) }
    }
}

/// A laid-out line and where its evidence links are.
#[derive(Clone, Debug, Default)]
pub struct Laid {
    /// The line.
    pub line: Line<'static>,
    /// Column, width and step of each link.
    pub links: Vec<(u16, u16, StepNo)>,
    /// The whole line opens and folds the thinking of this response.
    pub fold: Option<StepNo>,
}

impl From<Line<'static>> for Laid {
    fn from(line: Line<'static>) -> Self {
        Self { line, ..Self::default() }
    }
}

struct Glyph<'a> {
    symbol: &'a str,
    width: usize,
    run: usize,
}

/// Wraps `runs` at words to `columns`. The first line begins with `first`, the others with `rest`, which are
/// equally wide. A word wider than a line is broken.
#[must_use]
pub fn wrap(runs: &[Run], columns: usize, first: &Span<'static>, rest: &Span<'static>) -> Vec<Laid> {
    let indent = text::width(&first.content);
    let room = columns.saturating_sub(indent).max(1);
    let spans: Vec<Span<'_>> = runs.iter().map(|r| Span::styled(r.text.as_str(), r.style)).collect();
    let glyphs: Vec<Glyph<'_>> = spans
        .iter()
        .enumerate()
        .flat_map(|(run, span)| {
            span.styled_graphemes(Style::new()).map(move |g| Glyph {
                symbol: g.symbol,
                width: text::width(g.symbol),
                run,
            })
        })
        .collect();
    let mut out = Vec::new();
    let mut start = 0;
    while start < glyphs.len() {
        let end = line_end(&glyphs, start, room);
        let prefix = if out.is_empty() { first } else { rest };
        let shown = glyphs.get(start..end).unwrap_or_default();
        out.push(assemble(shown, runs, prefix, indent));
        start = end;
        while glyphs.get(start).is_some_and(|g| g.symbol == " ") {
            start += 1;
        }
    }
    if out.is_empty() {
        out.push(Line::from(first.clone()).into());
    }
    out
}

/// Where the line that begins at `start` ends: after the last word that fits, or in the middle of a word that
/// fits on no line.
fn line_end(glyphs: &[Glyph<'_>], start: usize, room: usize) -> usize {
    let mut used = 0;
    let mut blank = None;
    for (i, glyph) in glyphs.iter().enumerate().skip(start) {
        if glyph.symbol == " " {
            blank = Some(i);
        }
        if used + glyph.width > room && i > start {
            return match blank {
                Some(b) if b > start => b,
                Some(_) | None => i,
            };
        }
        used += glyph.width;
    }
    glyphs.len()
}

fn assemble(glyphs: &[Glyph<'_>], runs: &[Run], prefix: &Span<'static>, indent: usize) -> Laid {
    let mut laid = Laid::default();
    if !prefix.content.is_empty() {
        laid.line.spans.push(prefix.clone());
    }
    let mut column = indent;
    let mut rest = glyphs;
    while let Some(head) = rest.first() {
        let Some(run) = runs.get(head.run) else { break };
        let n = rest.iter().take_while(|g| g.run == head.run).count();
        let (mine, after) = rest.split_at(n);
        let width: usize = mine.iter().map(|g| g.width).sum();
        let content: String = mine.iter().map(|g| g.symbol).collect();
        if let Some(step) = run.link {
            laid.links.push((cell(column), cell(width), step));
        }
        laid.line.spans.push(Span::styled(content, run.style));
        column += width;
        rest = after;
    }
    laid
}

/// A length as screen cells.
#[must_use]
pub fn cell(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Untrusted text of several lines, wrapped, in one style.
#[must_use]
pub fn paragraph(untrusted: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    let none = Span::default();
    untrusted
        .lines()
        .flat_map(|l| wrap(&[Run::new(l, style)], columns, &none, &none))
        .map(|laid| laid.line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[Laid]) -> Vec<String> {
        lines.iter().map(|l| l.line.to_string()).collect()
    }

    #[test]
    fn wraps_at_words_and_breaks_only_what_fits_nowhere() {
        let none = Span::default();
        let run = |t: &str| [Run::new(t, Style::new())];
        assert_eq!(plain(&wrap(&run("one two three"), 7, &none, &none)), ["one two", "three"]);
        assert_eq!(plain(&wrap(&run("abcdefghij"), 4, &none, &none)), ["abcd", "efgh", "ij"]);
        assert_eq!(plain(&wrap(&run("日本語 テスト"), 4, &none, &none)), ["日本", "語", "テス", "ト"]);
        assert_eq!(plain(&wrap(&run(""), 4, &none, &none)), [""]);
        assert_eq!(plain(&wrap(&run("wide 語"), 0, &none, &none)).concat(), "wide語");
    }

    #[test]
    fn prefixes_indent_and_links_are_placed() {
        let runs = [
            Run::new("see ", Style::new()),
            Run::link(StepNo(12), Style::new()),
            Run::new(" now", Style::new()),
        ];
        let laid = wrap(&runs, 10, &Span::raw("- "), &Span::raw("  "));
        assert_eq!(plain(&laid), ["- see", "  [#12]", "  now"]);
        assert_eq!(laid[1].links, [(2, 5, StepNo(12))]);
    }

    #[test]
    fn a_huge_name_costs_no_more_than_what_is_shown() {
        let huge = "x".repeat(2_000_000);
        assert_eq!(text::width(&clip(&huge, 10)), 10);
        assert!(clip(&huge, 10).ends_with('…'));
        assert_eq!(clip("short", 10), "short");
        assert_eq!(clip("short", 0), "");
        assert_eq!(left("ab", 4), "ab  ");
        assert_eq!(right("ab", 4), "  ab");
    }
}
