//! The settings, over the panes. What can be chosen takes the place of the other fields.
//!
//! ```text
//! ┌ settings ─────────────────────────────────────────────────────────────┐
//! │  provider       anthropic                                    default   │
//! │ *model          claude-opus-5-5  Claude Opus 5.5, window 1M  session   │
//! │                                                                        │
//! │ A model of the provider. An id that is not listed works too.           │
//! │ Enter change  Left Right step  s save  Esc close                       │
//! └────────────────────────────────────────────────────────────────────────┘
//! ```

use super::line::{cell, clip, left, paragraph, right};
use super::{boxed, hints, hit};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::keymap::Action;
use quarterdeck_core::screen::{Edit, Field, Hit, Panel, Screen, Shown};
use quarterdeck_core::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Widest it gets.
const WIDTH: u16 = 110;
/// Columns of a label and the blank behind it.
const LABEL: usize = 15;
/// Below this width nothing is said of that.
const ROOM: usize = 60;

/// Draws them over `whole`, below the header; returns where the cursor is while a value is typed.
pub fn draw(
    screen: &Screen,
    panel: &Panel,
    theme: &Theme,
    whole: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) -> Option<Position> {
    let width = whole.width.min(WIDTH);
    let room = whole.height.saturating_sub(2);
    let columns = usize::from(width).saturating_sub(4);
    if room < 5 || columns < 30 {
        return None;
    }
    let choices = panel.edit.as_ref().map_or(0, |edit| edit.choices.len());
    let listed = if choices > 0 { choices + 1 } else { Field::ALL.len() };
    let mut foot = foot(panel, columns, theme);
    let most = usize::from(room.saturating_sub(3) / 2).max(1);
    if foot.len() > most {
        foot.truncate(most);
        // What is left out is said to be: the last line makes room for it.
        if let Some(last) = foot.last_mut() {
            let text = format!("{last} {}", "x".repeat(columns));
            let style = last.spans.first().map(|span| span.style).unwrap_or_default();
            *last = Line::styled(
                clip(&text, text::width(&last.to_string()).saturating_add(1).min(columns)),
                style,
            );
        }
    }
    let wanted = cell(listed + foot.len()).saturating_add(4);
    let height = wanted.min(room);
    let area =
        Rect { x: whole.x + (whole.width - width) / 2, y: whole.y + 1 + (room - height) / 2, width, height };
    let unsaved = !screen.unsaved().is_empty();
    let title = if unsaved { " settings: * in force, not saved " } else { " settings " };
    boxed(area, title, theme.focus, theme, buf);
    let inner = Rect { x: area.x + 2, y: area.y + 1, width: width - 4, height: height - 2 };
    buf.set_line(inner.x, inner.bottom() - 1, &keys(screen, panel, columns, theme), inner.width);
    let foot_at = inner.bottom().saturating_sub(1 + cell(foot.len()));
    for (line, y) in foot.iter().zip(foot_at..) {
        buf.set_line(inner.x, y, line, inner.width);
    }
    let list = Rect { height: foot_at.saturating_sub(inner.y), ..inner };
    match &panel.edit {
        Some(edit) if choices > 0 => choose(screen, panel.selected, edit, theme, list, buf, shown),
        Some(_) | None => fields(screen, panel, theme, list, buf, shown),
    }
}

/// What became of the last change, what is wrong with a value, or what the field is.
fn foot(panel: &Panel, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let error = panel.edit.as_ref().and_then(|edit| edit.error.as_ref());
    match (error, panel.said.as_slice()) {
        (Some(error), _) => paragraph(error, columns, theme.bad),
        (None, []) => paragraph(panel.selected.doc(), columns, theme.dim),
        (None, said) => said.iter().flat_map(|text| paragraph(text, columns, theme.warn)).collect(),
    }
}

fn keys(screen: &Screen, panel: &Panel, columns: usize, theme: &Theme) -> Line<'static> {
    let key = |action| hints::key(&screen.keymap, action);
    let (save, less, more) = (key(Action::SaveSettings), key(Action::Less), key(Action::More));
    let change = key(Action::Change);
    let step = format!("{less} {more}");
    let of: &[(&str, &'static str)] = match &panel.edit {
        Some(edit) if !edit.choices.is_empty() => {
            &[("Enter", "takes it"), ("Up Down", "choose"), ("Esc", "leaves it as it was")]
        }
        Some(_) => &[("Enter", "takes it"), ("Esc", "leaves it as it was")],
        None => &[(&change, "change"), (&step, "step"), (&save, "save"), ("Esc", "close"), ("?", "keys")],
    };
    hints::line(of, columns, theme)
}

fn fields(
    screen: &Screen,
    panel: &Panel,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) -> Option<Position> {
    let fits = usize::from(area.height);
    let selected = panel.selected.at();
    let top = (selected + 1).saturating_sub(fits);
    let mut cursor = None;
    for ((at, field), y) in Field::ALL.iter().enumerate().skip(top).take(fits).zip(area.y..) {
        let row = Rect { y, height: 1, ..area };
        let edit = panel.edit.as_ref().filter(|_| at == selected);
        let place = one(screen, *field, edit, theme, row, buf);
        shown.targets.push(hit(row, Hit::Setting(at)));
        if at == selected {
            cursor = place;
            if edit.is_none() {
                buf.set_style(row, theme.select);
            }
        }
    }
    cursor
}

/// `*model          claude-opus-5-5  Claude Opus 5.5, window 1M, $4 in $20 out    this session`
fn one(
    screen: &Screen,
    field: Field,
    edit: Option<&Edit>,
    theme: &Theme,
    row: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let columns = usize::from(row.width);
    let unsaved = screen.unsaved().iter().any(|(key, _)| field.key() == Some(*key));
    let origin = if columns >= ROOM { origins(screen) } else { 0 };
    let room = columns.saturating_sub(LABEL + 1 + origin);
    let mark = if unsaved { "*" } else { " " };
    let mut spans = vec![Span::styled(mark, theme.warn), Span::styled(left(field.label(), LABEL), theme.dim)];
    let mut cursor = None;
    if let Some(edit) = edit {
        let before = edit.text.get(..edit.cursor).unwrap_or(&edit.text);
        let at = text::width(&text::visible(before)).min(room.saturating_sub(1));
        cursor = Some(Position { x: row.x + cell(LABEL + 1 + at), y: row.y });
        spans.push(Span::styled(left(&edit.text, room), theme.key));
    } else {
        let (value, note) = screen.value(field);
        let value = clip(&value, room);
        let left_over = room.saturating_sub(text::width(&value) + 2);
        spans.push(Span::styled(value, theme.text));
        spans.push(Span::raw("  "));
        spans.push(Span::styled(left(&note, left_over), theme.dim));
        if origin > 0 {
            spans.push(Span::styled(right(&screen.origin(field), origin), theme.dim));
        }
    }
    buf.set_line(row.x, row.y, &Line::from(spans), row.width);
    cursor
}

/// Columns of where the values came from, with a blank before.
fn origins(screen: &Screen) -> usize {
    Field::ALL.iter().map(|field| text::width(&screen.origin(*field)) + 2).max().unwrap_or(0)
}

/// The field that is changed, and below it what can be chosen.
fn choose(
    screen: &Screen,
    field: Field,
    edit: &Edit,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
    shown: &mut Shown,
) -> Option<Position> {
    let cursor = one(screen, field, Some(edit), theme, Rect { height: 1, ..area }, buf);
    if edit.text.is_empty() {
        let room = usize::from(area.width).saturating_sub(LABEL + 1);
        buf.set_stringn(area.x + cell(LABEL + 1), area.y, "type a few letters", room, theme.dim);
    }
    let fits = usize::from(area.height.saturating_sub(1));
    let top = (edit.chosen + 1).saturating_sub(fits);
    let columns = usize::from(area.width);
    let widest = edit.choices.iter().map(|choice| text::width(&choice.value)).max().unwrap_or(0);
    let name = widest.clamp(8, columns / 2);
    for ((at, choice), y) in edit.choices.iter().enumerate().skip(top).take(fits).zip(area.y + 1..) {
        let row = Rect { y, height: 1, ..area };
        let line = Line::from(vec![
            Span::raw(" "),
            Span::styled(left(&choice.value, name), theme.text),
            Span::raw("  "),
            Span::styled(clip(&choice.doc, columns.saturating_sub(name + 3)), theme.dim),
        ]);
        buf.set_line(row.x, y, &line, row.width);
        if at == edit.chosen {
            buf.set_style(row, theme.select);
        }
        shown.targets.push(hit(row, Hit::Setting(at)));
    }
    cursor
}
