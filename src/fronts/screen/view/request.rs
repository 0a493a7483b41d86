//! The Request tab: what was asked, by whom, when.

use super::detail::{Body, entries, field};
use super::{fold, format, summary};
use crate::fronts::screen::theme::Theme;
use quarterdeck_core::Timestamp;
use quarterdeck_core::journal::{Actor, Entry, Fact, Step};
use quarterdeck_core::message::Usage;
use quarterdeck_core::screen::Screen;
use quarterdeck_core::tokens::{Fit, Tokens, short};
use quarterdeck_core::tool::Cell;
use ratatui::text::Line;

/// The body for `step`.
#[must_use]
pub fn body(screen: &Screen, step: &Step, columns: usize, theme: &Theme) -> Body {
    let mut head = field("began", &moment(step.began, screen.now), columns, theme);
    if let Some(ended) = step.ended {
        head.extend(field("ended", &moment(ended, screen.now), columns, theme));
    }
    if let Some(turn) = step.turn {
        head.extend(field("turn", &turn.to_string(), columns, theme));
    }
    let answered = entries(screen, step).into_iter().find_map(|entry| match &entry.fact {
        Fact::ModelResponded { usage, .. } => Some(*usage),
        _ => None,
    });
    for entry in entries(screen, step) {
        head.extend(lines(screen, entry, answered, columns, theme));
    }
    Body { head, ..Body::default() }
}

fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", at.rfc3339(), format::ago(at, now))
}

/// What a request took, as the provider counted it.
fn used(usage: Usage) -> String {
    let n = |tokens: u64| format::grouped(i64::try_from(tokens).unwrap_or(i64::MAX));
    let cached = match usage.cache_read + usage.cache_write {
        0 => String::new(),
        _ => format!(" ({} from the cache, {} written to it)", n(usage.cache_read), n(usage.cache_write)),
    };
    format!("{} in{cached}, {} out", n(usage.total() - usage.output), n(usage.output))
}

/// What a request that has no count yet takes.
fn expected(fit: Option<Fit>, bytes: u64) -> String {
    match fit.map(|fit| fit.tokens) {
        Some(Tokens::Exact(n)) => {
            format!("{} in, as counted before", format::grouped(i64::try_from(n).unwrap_or(i64::MAX)))
        }
        Some(Tokens::Estimate(n)) => format!("about {} in", format::short(n)),
        None => format!("about {} in the transcript", format::short(bytes / 4)),
    }
}

fn lines(
    screen: &Screen,
    entry: &Entry,
    answered: Option<Usage>,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let mut put = |label: &str, value: &str| out.extend(field(label, value, columns, theme));
    match &entry.fact {
        Fact::ModelRequested { iteration, provider, model, prompt_hash, bytes, fit, .. } => {
            put("iteration", &iteration.to_string());
            put("provider", provider);
            put("model", model);
            put("transcript", &format!("{} B", format::grouped(i64::try_from(*bytes).unwrap_or(i64::MAX))));
            match answered {
                Some(usage) if usage.total() > 0 => {
                    put("tokens", &used(usage));
                    if let Some(dollars) = screen.models.lookup(provider, model).cost(usage) {
                        put("cost", &format!("${dollars:.4}"));
                    }
                }
                Some(_) if fit.is_none() => {}
                Some(_) | None => put("tokens", &expected(*fit, *bytes)),
            }
            if let Some(fit) = fit {
                let window = screen.models.lookup(provider, model).window;
                let room = format!("{} of a window of {}", short(fit.room), short(window));
                put("room", &room);
            }
            put("prompt", prompt_hash.get(..16).unwrap_or(prompt_hash));
        }
        Fact::ToolCalled { by, tool, risk, args, .. } => {
            put("tool", tool);
            put("risk", risk.map_or("there is no such tool", quarterdeck_core::tool::Risk::label));
            put("asked by", summary::actor(by));
            if let Actor::Model { iteration, id, .. } = by {
                put("iteration", &iteration.to_string());
                put("model's id", id);
            }
            out.push(Line::styled("arguments", theme.dim));
            fold::json(args, columns, theme, &mut out);
        }
        Fact::ToolFinished {
            outcome: quarterdeck_core::journal::Outcome::Ok { projection, stats, .. },
            ..
        } => {
            put("requests", &format!("{} ({} retried)", stats.requests, stats.retries));
            put("as of", &projection.as_of.rfc3339());
            out.extend(times(projection, columns, theme));
        }
        Fact::Evaluated { report } => {
            put("question", &report.question);
            put("provider", &report.provider);
            put("model", &report.model);
            put("effort", report.effort.as_deref().unwrap_or("the model's default"));
            put("runs", &report.runs.asked.to_string());
            put("prompt", report.prompt_hash.get(..16).unwrap_or(&report.prompt_hash));
        }
        Fact::ApprovalAsked { approval, digest, .. } => {
            put("approval", &approval.to_string());
            put("digest", digest.as_str());
        }
        Fact::ToolFinished { .. }
        | Fact::SessionStarted { .. }
        | Fact::SessionResumed { .. }
        | Fact::ScopeChanged { .. }
        | Fact::SettingsChanged { .. }
        | Fact::ModeChanged { .. }
        | Fact::Question { .. }
        | Fact::ModelResponded { .. }
        | Fact::ModelFailed { .. }
        | Fact::Approved { .. }
        | Fact::Refused { .. }
        | Fact::RefusalWithdrawn { .. }
        | Fact::WriteIntended { .. }
        | Fact::WriteConcluded { .. }
        | Fact::Verified { .. }
        | Fact::TurnEnded { .. }
        | Fact::Noted { .. }
        | Fact::Compacted { .. }
        | Fact::Shortened { .. } => put("fact", &summary::entry(entry)),
    }
    out
}

/// Times the table shows relative, absolute: for the first rows.
fn times(p: &quarterdeck_core::tool::Projection, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    const ROWS: usize = 100;
    let mut out = Vec::new();
    for row in p.rows.iter().take(ROWS) {
        let name = row.cells.first().map(Cell::plain).unwrap_or_default();
        for (column, cell) in p.columns.iter().zip(&row.cells) {
            if let Cell::Time(at) = cell {
                let value = format!("{}  {}", at.rfc3339(), super::line::clip(&name, 40));
                out.extend(field(&super::line::clip(&column.name, 12), &value, columns, theme));
            }
        }
    }
    out
}
