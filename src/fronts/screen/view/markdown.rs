//! Markdown as a model writes it, into wrapped lines with evidence links.

use super::line::{Laid, Run, wrap};
use crate::fronts::screen::theme::Theme;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset};
use quarterdeck_core::id::StepNo;
use quarterdeck_core::text;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// Lays out `source` (untrusted) in `columns`.
#[must_use]
pub fn lay_out(source: &str, columns: usize, theme: &Theme) -> Vec<Laid> {
    lay_out_open(source, columns, theme, Open::default()).lines
}

/// The top-level list a text begins in: its next number, or none for bullets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open(Option<Option<u64>>);

/// A text of which more may come.
pub(super) struct Unfinished {
    /// All of it.
    pub(super) lines: Vec<Laid>,
    /// Bytes that what comes cannot change any more: everything before the last block, or the last item of a list.
    pub(super) settled: usize,
    /// The lines of these.
    pub(super) final_lines: usize,
    /// The list that goes on after these.
    pub(super) open: Open,
}

/// Lays out a text that goes on in the list `open`, and says how much of it is final.
pub(super) fn lay_out_open(source: &str, columns: usize, theme: &Theme, open: Open) -> Unfinished {
    let mut page = Page::new(columns.max(1), theme);
    page.goes_on = open.0.flatten();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // A line that is not complete may still turn into something else, such as a row of the table before it.
    let complete = source.rfind('\n').unwrap_or(0);
    let (mut depth, mut settled, mut final_lines, mut last) = (0_usize, 0, 0, open);
    for (event, place) in TextMergeWithOffset::new(Parser::new_ext(source, options).into_offset_iter()) {
        let item = depth == 1 && page.lists.len() == 1 && matches!(event, Event::Start(Tag::Item));
        let block = depth == 0 && matches!(event, Event::Start(_) | Event::Rule);
        if (settled + 1..complete).contains(&place.start) && (block || item) {
            (settled, final_lines) = (place.start, page.out.len());
            last = Open(item.then(|| page.lists.last().copied().flatten()));
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        page.take(event);
    }
    page.flush();
    while page.out.len() > final_lines && page.out.last().is_some_and(|l| l.line.width() == 0) {
        page.out.pop();
    }
    Unfinished { lines: page.out, settled, final_lines, open: last }
}

struct Page<'t> {
    columns: usize,
    theme: &'t Theme,
    out: Vec<Laid>,
    runs: Vec<Run>,
    styles: Vec<Style>,
    /// Numbers of the open lists; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The number with which the first list goes on, whatever its source says.
    goes_on: Option<u64>,
    marker: Option<String>,
    quotes: usize,
    code: bool,
    table: Option<Grid>,
}

/// A table: rows of cells, the first row is its head.
#[derive(Default)]
struct Grid {
    rows: Vec<Vec<Vec<Run>>>,
}

impl<'t> Page<'t> {
    fn new(columns: usize, theme: &'t Theme) -> Self {
        Self {
            columns,
            theme,
            out: Vec::new(),
            runs: Vec::new(),
            styles: vec![theme.text],
            lists: Vec::new(),
            goes_on: None,
            marker: None,
            quotes: 0,
            code: false,
            table: None,
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn push_style(&mut self, patch: Style) {
        self.styles.push(self.style().patch(patch));
    }

    fn pop_style(&mut self) {
        if self.styles.len() > 1 {
            self.styles.pop();
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(t) if self.code => self.code_block(&t),
            Event::Text(t) => self.words(&t),
            Event::Code(t) => {
                let style = self.style().patch(self.theme.code);
                self.runs.push(Run::new(&t, style));
            }
            Event::InlineHtml(t) | Event::Html(t) | Event::InlineMath(t) | Event::DisplayMath(t) => {
                self.words(&t);
            }
            Event::FootnoteReference(t) => self.words(&format!("[^{t}]")),
            Event::SoftBreak => self.runs.push(Run::new(" ", self.style())),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.flush();
                let rule = self.theme.glyph("─", "-").repeat(self.columns);
                self.out.push(Line::styled(rule, self.theme.border).into());
                self.gap();
            }
            Event::TaskListMarker(done) => {
                self.runs.push(Run::new(if done { "[x] " } else { "[ ] " }, self.style()));
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.flush();
                self.push_style(self.theme.heading);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes += 1;
                self.push_style(self.theme.dim);
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = true;
            }
            Tag::List(first) => {
                self.flush();
                let number = self.goes_on.take();
                self.lists.push(if first.is_some() { number.or(*first) } else { *first });
            }
            Tag::Item => {
                self.flush();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(n)) => {
                        let marker = format!("{n}. ");
                        *n += 1;
                        marker
                    }
                    Some(None) | None => format!("{} ", self.theme.glyph("•", "-")),
                });
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Grid::default());
            }
            Tag::TableHead => {
                self.push_style(self.theme.heading);
                self.row();
            }
            Tag::TableRow => self.row(),
            Tag::Emphasis => self.push_style(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.push_style(Style::new().add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.push_style(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Paragraph
            | Tag::TableCell
            | Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.pop_style();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
                self.pop_style();
                self.gap();
            }
            TagEnd::CodeBlock => {
                self.code = false;
                self.gap();
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::Item => {
                self.flush();
                self.marker = None;
            }
            TagEnd::Table => {
                if let Some(grid) = self.table.take() {
                    self.grid(&grid);
                }
                self.gap();
            }
            TagEnd::TableHead => self.pop_style(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.runs);
                if let Some(row) = self.table.as_mut().and_then(|g| g.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.pop_style(),
            TagEnd::TableRow
            | TagEnd::Link
            | TagEnd::Image
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn row(&mut self) {
        if let Some(grid) = &mut self.table {
            grid.rows.push(Vec::new());
        }
    }

    /// Text with its evidence links: `[#4]` and `[#4, #7]`.
    fn words(&mut self, mut rest: &str) {
        let style = self.style();
        while let Some((before, steps, after)) = next_link(rest) {
            if !before.is_empty() {
                self.runs.push(Run::new(before, style));
            }
            for step in steps {
                self.runs.push(Run::link(step, style.patch(self.theme.link)));
            }
            rest = after;
        }
        if !rest.is_empty() {
            self.runs.push(Run::new(rest, style));
        }
    }

    fn code_block(&mut self, source: &str) {
        let bar = Span::styled(format!("{} ", self.theme.glyph("▏", "|")), self.theme.border);
        for line in source.lines() {
            self.out.extend(wrap(&[Run::new(line, self.theme.code)], self.columns, &bar, &bar));
        }
    }

    /// Ends the paragraph that is being collected.
    fn flush(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let runs = std::mem::take(&mut self.runs);
        let quote = self.theme.glyph("▏ ", "| ").repeat(self.quotes);
        let nested = "  ".repeat(self.lists.len().saturating_sub(1));
        let lead = format!("{quote}{nested}");
        let (first, rest) = match self.marker.take() {
            Some(marker) => {
                let blanks = " ".repeat(text::width(&marker));
                (format!("{lead}{marker}"), format!("{lead}{blanks}"))
            }
            None if !self.lists.is_empty() => (format!("{lead}  "), format!("{lead}  ")),
            None => (lead.clone(), lead),
        };
        let (first, rest) = (Span::styled(first, self.theme.dim), Span::styled(rest, self.theme.dim));
        self.out.extend(wrap(&runs, self.columns, &first, &rest));
    }

    fn gap(&mut self) {
        if self.out.last().is_some_and(|l| l.line.width() > 0) {
            self.out.push(Laid::default());
        }
    }

    /// Columns as wide as their widest cell; when that is too wide, the widest give way and wrap.
    fn grid(&mut self, grid: &Grid) {
        let n = grid.rows.iter().map(Vec::len).max().unwrap_or(0);
        if n == 0 {
            return;
        }
        let none = Span::default();
        let natural = |c: usize| {
            grid.rows
                .iter()
                .filter_map(|r| r.get(c))
                .map(|runs| {
                    wrap(runs, usize::from(u16::MAX), &none, &none).iter().map(|l| l.line.width()).max()
                })
                .max()
                .flatten()
                .unwrap_or(1)
                .max(1)
        };
        let mut widths: Vec<usize> = (0..n).map(natural).collect();
        let room = self.columns.saturating_sub(2 * (n - 1)).max(n);
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max() else { break };
            *widest -= 1;
        }
        for (i, row) in grid.rows.iter().enumerate() {
            self.grid_row(row, &widths);
            if i == 0 {
                let dash = self.theme.glyph("─", "-");
                let rule: Vec<String> = widths.iter().map(|w| dash.repeat(*w)).collect();
                self.out.push(Line::styled(rule.join("  "), self.theme.border).into());
            }
        }
    }

    fn grid_row(&mut self, row: &[Vec<Run>], widths: &[usize]) {
        let none = Span::default();
        let empty = Vec::new();
        let cells: Vec<Vec<Laid>> = widths
            .iter()
            .enumerate()
            .map(|(c, w)| wrap(row.get(c).unwrap_or(&empty), *w, &none, &none))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for y in 0..height {
            let mut laid = Laid::default();
            let mut column = 0;
            for (cell, width) in cells.iter().zip(widths) {
                let mut used = 0;
                if let Some(part) = cell.get(y) {
                    used = part.line.width();
                    laid.links
                        .extend(part.links.iter().map(|(x, w, s)| (x + super::line::cell(column), *w, *s)));
                    laid.line.spans.extend(part.line.spans.iter().cloned());
                }
                laid.line.spans.push(Span::raw(" ".repeat(width.saturating_sub(used) + 2)));
                column += width + 2;
            }
            laid.line.spans.pop();
            self.out.push(laid);
        }
    }
}

/// The first evidence link: what stands before it, the steps it names, what follows.
fn next_link(source: &str) -> Option<(&str, Vec<StepNo>, &str)> {
    for (at, _) in source.match_indices("[#") {
        let (before, from) = source.split_at_checked(at)?;
        let Some((inside, after)) = from.get(1..).and_then(|s| s.split_once(']')) else { continue };
        let steps: Option<Vec<StepNo>> =
            inside.split(',').map(|part| part.trim().strip_prefix('#')?.parse().ok().map(StepNo)).collect();
        if let Some(steps) = steps {
            return Some((before, steps, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::screen::theme::Depth;

    fn plain(source: &str, columns: usize) -> Vec<String> {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        lay_out(source, columns, &theme).iter().map(|l| l.line.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn paragraphs_lists_and_code() {
        let source = "# Cause\nThe *deploy* of **11:52**.\n\n- one\n- two words that wrap\n  1. inner\n\n```\nlet x;\n```\nend";
        assert_eq!(
            plain(source, 14),
            [
                "Cause",
                "The deploy of",
                "11:52.",
                "",
                "• one",
                "• two words",
                "  that wrap",
                "  1. inner",
                "",
                "▏ let x;",
                "",
                "end"
            ]
        );
    }

    #[test]
    fn tables_are_aligned_and_wrap_when_narrow() {
        let source = "| service | run |\n|---|---|\n| checkout-api | 2 |\n| cart | 4 |";
        assert_eq!(
            plain(source, 40),
            ["service       run", "────────────  ───", "checkout-api  2", "cart          4"]
        );
        assert!(plain(source, 10).iter().all(|l| text::width(l) <= 10));
    }

    #[test]
    fn evidence_links_are_found() {
        let theme = Theme::named("dark", Depth::True, false).unwrap();
        let laid = lay_out("Lost 6 tasks [#4]; see [#7, #9] and [#x].", 60, &theme);
        assert_eq!(laid[0].line.to_string(), "Lost 6 tasks [#4]; see [#7][#9] and [#x].");
        let steps: Vec<u32> = laid[0].links.iter().map(|(_, _, s)| s.0).collect();
        assert_eq!(steps, [4, 7, 9]);
        assert_eq!(laid[0].links[0], (13, 4, StepNo(4)));
    }

    #[test]
    fn entities_cannot_smuggle_what_text_may_not_hold() {
        let shown = plain("a&#x202E;b &#x1b;[2J", 60).concat();
        assert!(!shown.contains('\u{202e}') && !shown.contains('\u{1b}'), "{shown:?}");
    }
}
