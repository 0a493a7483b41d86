//! The Result tab: what a step found or did.

use super::detail::{Body, entries, field};
use super::line::{Run, clip, paragraph, wrap};
use super::{chart, evaluation, format, hints, markdown, proposal, status, summary, table, thinking};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::journal::{Fact, Outcome, Step, WriteEffect};
use quarterdeck_core::keymap::Action;
use quarterdeck_core::message::{Block, Input, Stop};
use quarterdeck_core::screen::Screen;
use quarterdeck_core::tool::{Fault, Projection};
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// The body for `step`.
#[must_use]
pub fn body(screen: &Screen, step: &Step, columns: usize, theme: &Theme) -> Body {
    let mut body = Body::default();
    for entry in entries(screen, step) {
        part(screen, &entry.fact, columns, theme, &mut body);
    }
    if step.ended.is_none() {
        running(screen, step, columns, theme, &mut body);
    }
    if body.head.is_empty() && body.table.is_none() {
        body.head = paragraph(&step.remark, columns, theme.text);
        body.head.push(Line::styled(status::word(step.status), status::style(step.status, theme)));
    }
    body
}

fn part(screen: &Screen, fact: &Fact, columns: usize, theme: &Theme, body: &mut Body) {
    let head = &mut body.head;
    match fact {
        Fact::Question { text, .. } | Fact::Noted { text } => {
            head.extend(paragraph(text, columns, theme.text));
        }
        Fact::ModelResponded { blocks, stop, usage, .. } => {
            blocks_into(blocks, columns, theme, head);
            let tokens = format!(
                "{} in ({} from the cache), {} out",
                format::short(usage.total() - usage.output),
                format::short(usage.cache_read),
                format::short(usage.output)
            );
            head.extend(field("tokens", &tokens, columns, theme));
            head.extend(field("stopped", stop_word(stop), columns, theme));
        }
        Fact::ModelFailed { partial, error, .. } => {
            blocks_into(partial, columns, theme, head);
            head.extend(paragraph(&error.message, columns, theme.bad));
        }
        Fact::ToolFinished { outcome, .. } => match outcome {
            Outcome::Ok { projection, reused, .. } => {
                if let Some(call) = reused {
                    let of = screen.ledger.timeline.of_call(*call).map(|s| format!("#{}", s.no));
                    let text =
                        format!("the result of {} was reused", of.as_deref().unwrap_or("an earlier call"));
                    head.push(Line::styled(text, theme.dim));
                }
                projected(projection, screen, columns, theme, body);
            }
            Outcome::Failed { fault } => fault_into(fault, columns, theme, head),
            Outcome::Recorded => {
                head.push(Line::styled("Recorded and not run: the session is in TRACK.", theme.warn));
            }
        },
        Fact::ApprovalAsked { proposal, reason, changed, .. } => {
            head.extend(proposal::facts(proposal, changed, screen.now, columns, true, theme).lines);
            if let Some(reason) = reason {
                head.push(Line::default());
                head.extend(proposal::said(reason, columns, usize::MAX, theme));
            }
        }
        Fact::Evaluated { report } => head.extend(evaluation::lines(report, columns, theme)),
        Fact::Approved { .. }
        | Fact::Refused { .. }
        | Fact::RefusalWithdrawn { .. }
        | Fact::WriteIntended { .. }
        | Fact::Verified { .. } => head.extend(fact_line(fact, columns, theme)),
        Fact::WriteConcluded { effect, .. } => {
            let style = match effect {
                WriteEffect::Done => theme.good,
                WriteEffect::NotDone => theme.warn,
                WriteEffect::Unknown => theme.bad,
            };
            head.extend(paragraph(summary::write_effect(*effect), columns, style));
        }
        Fact::SessionStarted { .. }
        | Fact::SessionResumed { .. }
        | Fact::ScopeChanged { .. }
        | Fact::SettingsChanged { .. }
        | Fact::ModeChanged { .. }
        | Fact::TurnEnded { .. }
        | Fact::Shortened { .. } => head.extend(fact_line(fact, columns, theme)),
        Fact::Compacted { text, .. } => {
            head.extend(fact_line(fact, columns, theme));
            head.push(Line::default());
            head.extend(paragraph(text, columns, theme.text));
        }
        Fact::ModelRequested { .. } | Fact::ToolCalled { .. } => {}
    }
}

fn fact_line(fact: &Fact, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    paragraph(&summary::fact(fact), columns, theme.text)
}

const fn stop_word(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "finished",
        Stop::ToolUse => "wants its calls run",
        Stop::MaxTokens => "the output limit",
        Stop::StopSequence => "a stop sequence",
        Stop::PauseTurn => "paused, to be continued",
        Stop::Refusal => "declined",
        Stop::ContextExceeded => "the conversation no longer fits",
        Stop::Other(_) => "for a reason this version does not know",
    }
}

fn blocks_into(blocks: &[Block], columns: usize, theme: &Theme, out: &mut Vec<Line<'static>>) {
    for block in blocks {
        match block {
            Block::Text { text } => {
                out.extend(markdown::lay_out(text, columns, theme).into_iter().map(|l| l.line));
                out.push(Line::default());
            }
            Block::Reasoning { raw, .. } => {
                out.extend(thinking::detail(raw, columns, theme));
                out.push(Line::default());
            }
            Block::ToolCall { name, input, .. } => {
                let args = match input {
                    Input::Json(value) => summary::arguments(value),
                    Input::Garbage(text) => format!("not JSON: {text}"),
                };
                let runs = [Run::new(name, theme.text), Run::new(" ", theme.dim), Run::new(&args, theme.dim)];
                let mark = Span::styled(theme.glyph("→ ", "> "), theme.dim);
                out.extend(wrap(&runs, columns, &mark, &Span::raw("  ")).into_iter().map(|l| l.line));
            }
        }
    }
    if !out.is_empty() && out.last().is_some_and(|l| l.width() > 0) {
        out.push(Line::default());
    }
}

fn fault_into(fault: &Fault, columns: usize, theme: &Theme, out: &mut Vec<Line<'static>>) {
    let runs = [
        Run::new(fault.kind.label(), theme.bad),
        Run::new(": ", theme.bad),
        Run::new(&fault.message, theme.text),
    ];
    out.extend(wrap(&runs, columns, &Span::default(), &Span::default()).into_iter().map(|l| l.line));
    if let Some(action) = &fault.action {
        out.extend(field("needs", action, columns, theme));
    }
    if let Some(hint) = &fault.hint {
        out.extend(field("what to do", hint, columns, theme));
    }
}

/// Summary, what is missing, counts and charts; the table; why it is cut and what was searched.
fn projected(p: &Arc<Projection>, screen: &Screen, columns: usize, theme: &Theme, body: &mut Body) {
    body.head.extend(paragraph(&p.summary, columns, theme.heading));
    for missing in &p.errors {
        let place = missing.account.as_ref().map_or_else(String::new, |a| format!("{a} ")) + &missing.place;
        let runs = [
            Run::new("missing: ", theme.warn),
            Run::new(&place, theme.text),
            Run::new(": ", theme.dim),
            Run::new(&missing.fault.to_string(), theme.dim),
        ];
        let lines = wrap(&runs, columns, &Span::default(), &Span::raw(""));
        body.head.extend(lines.into_iter().map(|l| l.line));
    }
    if p.counts.of.len() > 1 {
        body.head.push(counts(p, columns, theme));
    }
    for series in &p.series {
        body.head.push(Line::default());
        body.head.extend(chart::lines(series, columns, theme));
    }
    if !p.rows.is_empty() && !p.columns.is_empty() {
        body.head.push(Line::default());
        body.table = Some((Arc::clone(p), table::measure(p, columns, screen.now)));
    }
    let tail = &mut body.tail;
    tail.push(Line::default());
    let hidden = body.table.as_ref().map_or(0, |(_, widths)| widths.hidden(0));
    if hidden > 0 {
        let keys = &screen.keymap;
        let (left, right) = (hints::key(keys, Action::ScrollLeft), hints::key(keys, Action::ScrollRight));
        let zoom = hints::key(keys, Action::Zoom);
        let said = format!("{hidden} more columns: {right} and {left} move, {zoom} zooms");
        tail.extend(paragraph(&said, columns, theme.dim));
    }
    if p.total > p.rows.len() {
        tail.push(Line::styled(format!("{} of {} rows", p.rows.len(), p.total), theme.warn));
    }
    if let Some(why) = &p.truncated {
        tail.extend(paragraph(&format!("cut: {why}"), columns, theme.warn));
    }
    for note in &p.notes {
        tail.extend(paragraph(note, columns, theme.dim));
    }
    tail.push(Line::styled(
        format!("as of {} ({})", p.as_of.clock(), format::ago(p.as_of, screen.now)),
        theme.dim,
    ));
}

fn counts(p: &Projection, columns: usize, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{}: ", clip(&p.counts.by, 20)), theme.dim)];
    let mut room = columns.saturating_sub(quarterdeck_core::text::width(&p.counts.by).min(20) + 2);
    for (i, (value, n)) in p.counts.of.iter().enumerate() {
        let text = format!("{n} {}", clip(if value.is_empty() { "(none)" } else { value }, 24));
        let width = text.chars().count() + 2;
        if width > room {
            spans.push(Span::styled(format!("and {} more", p.counts.of.len() - i), theme.dim));
            break;
        }
        room -= width;
        spans.push(Span::styled(text, table::state(value, theme)));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn running(screen: &Screen, step: &Step, columns: usize, theme: &Theme, body: &mut Body) {
    let Some(progress) = step.call.and_then(|c| screen.live.progress.get(&c)) else {
        if body.head.is_empty() {
            body.head.push(Line::styled("running", theme.busy));
        }
        return;
    };
    body.head.push(Line::styled(summary::progress(progress), theme.busy));
    if let Some(partial) = &progress.partial {
        projected(partial, screen, columns, theme, body);
    }
}
