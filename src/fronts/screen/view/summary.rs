//! One line for an entry, for progress, for arguments.

use super::format;
use quarterdeck_core::event::Progress;
use quarterdeck_core::journal::{Actor, Entry, Fact, Outcome, RefusedBy, TurnEnd, WriteEffect};
use serde_json::Value;
use std::fmt::Write as _;

/// How far a call is: `regions 3/17, 120 rows`, `12.0 MiB of 1.5 GiB`. Made of numbers and our own words.
#[must_use]
pub fn progress(p: &Progress) -> String {
    if p.unit == "bytes" {
        let size = |n: u64| format::bytes(n as f64);
        return match p.total {
            Some(total) => format!("{} of {}", size(p.done), size(total)),
            None => size(p.done),
        };
    }
    let mut out = match p.total {
        Some(total) => format!("{} {}/{total}", p.unit, p.done),
        None => format!("{} {}", p.unit, p.done),
    };
    if p.rows > 0 {
        let _ = write!(out, ", {} rows", p.rows);
    }
    out
}

/// Arguments as `cluster=main only_unhealthy=true`; nulls and empty ones are left out. Untrusted.
#[must_use]
pub fn arguments(args: &Value) -> String {
    let Value::Object(map) = args else {
        return if args.is_null() { String::new() } else { args.to_string() };
    };
    let shown = map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| match v {
        Value::String(s) => format!("{k}={s}"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{k}={v}")
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// One line of what an entry says. Untrusted.
#[must_use]
pub fn entry(entry: &Entry) -> String {
    let said = fact(&entry.fact);
    format!("{}  {said}", entry.at.clock())
}

/// One line of what a fact says. Untrusted.
#[must_use]
pub fn fact(fact: &Fact) -> String {
    match fact {
        Fact::SessionStarted { session, version, operator } => {
            format!("session {session} began: quarterdeck {version}, {operator}")
        }
        Fact::SessionResumed { version } => format!("session resumed: quarterdeck {version}"),
        Fact::ScopeChanged { scope } => format!("scope: {}", scope.regions.join(", ")),
        Fact::SettingsChanged { settings } => format!("model: {settings}"),
        Fact::ModeChanged { mode } => format!("mode: {}", mode.label()),
        Fact::Question { text, .. } => text.lines().next().unwrap_or_default().to_owned(),
        Fact::ModelRequested { provider, model, bytes, .. } => {
            format!("asked {provider} {model}: {} B of transcript", format::short(*bytes))
        }
        Fact::ModelResponded { usage, stop, .. } => {
            format!("answered: {} tokens in, {} out, {stop:?}", usage.total() - usage.output, usage.output)
        }
        Fact::ModelFailed { error, .. } => format!("failed: {error}"),
        Fact::ToolCalled { by, tool, args, .. } => format!("{} called {tool} {}", actor(by), arguments(args)),
        Fact::ToolFinished { outcome, .. } => outcome_line(outcome),
        Fact::ApprovalAsked { proposal, .. } => format!("asked: {}", proposal.title),
        Fact::Approved { operator, typed_code, .. } => {
            format!("approved by {operator}{}", if *typed_code { ", code typed" } else { "" })
        }
        Fact::Refused { by, note, .. } => match note {
            Some(note) => format!("refused: {} ({note})", refused_by(*by)),
            None => format!("refused: {}", refused_by(*by)),
        },
        Fact::RefusalWithdrawn { .. } => "the refusal was taken back".to_owned(),
        Fact::WriteIntended { .. } => "intent written down; the change goes out".to_owned(),
        Fact::WriteConcluded { effect, .. } => write_effect(*effect).to_owned(),
        Fact::Verified { summary, reached, .. } => match reached {
            Some(true) => format!("verified: {summary}"),
            Some(false) => format!("verification failed: {summary}"),
            None => format!("not verified: {summary}"),
        },
        Fact::TurnEnded { reason, .. } => turn_end(reason),
        Fact::Noted { text } => text.clone(),
        Fact::Evaluated { report } => format!("determinism: {}", report.headline()),
        Fact::Compacted { turns, tokens_before, tokens_after, .. } => {
            let turns = if *turns == 1 { "1 older turn".to_owned() } else { format!("{turns} older turns") };
            format!("{turns} summarized: {}", room(*tokens_before, *tokens_after))
        }
        Fact::Shortened { calls, bare, tokens_before, tokens_after, .. } => {
            let how = if *bare { "left out" } else { "down to their summaries" };
            let results = if calls.len() == 1 { "result" } else { "results" };
            format!("{} older {results} {how}: {}", calls.len(), room(*tokens_before, *tokens_after))
        }
    }
}

fn room(before: u64, after: u64) -> String {
    format!(
        "the next request takes about {} tokens instead of {}",
        format::short(after),
        format::short(before)
    )
}

/// Who asked for a call.
#[must_use]
pub fn actor(by: &Actor) -> &'static str {
    match by {
        Actor::Model { .. } => "the model",
        Actor::Human => "you",
        Actor::Verification { .. } => "the verification",
    }
}

/// How a call ended. Untrusted.
#[must_use]
pub fn outcome_line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok { projection, reused, stats } => {
            let again = if reused.is_some() { " (reused)" } else { "" };
            format!("{}{again} · {} requests", projection.summary, stats.requests)
        }
        Outcome::Failed { fault } => fault.to_string(),
        Outcome::Recorded => "recorded, not run (TRACK)".to_owned(),
    }
}

/// Who or what refused.
#[must_use]
pub const fn refused_by(by: RefusedBy) -> &'static str {
    match by {
        RefusedBy::Operator => "by the operator",
        RefusedBy::FrontGone => "the screen that asked went away",
        RefusedBy::NobodyToAsk => "nobody can be asked here",
        RefusedBy::EarlierRefusal => "covered by an earlier refusal in this turn",
        RefusedBy::Expired => "the approval came too late",
        RefusedBy::Mode => "the session's mode has no changes",
        RefusedBy::Cancelled => "the turn was cancelled",
        RefusedBy::NotDurable => "the intent could not be written down",
    }
}

/// Whether the account was changed.
#[must_use]
pub const fn write_effect(effect: WriteEffect) -> &'static str {
    match effect {
        WriteEffect::Done => "done: AWS accepted the change",
        WriteEffect::NotDone => "not done: nothing was changed",
        WriteEffect::Unknown => "outcome unknown: the answer was lost; check the account",
    }
}

/// Why a turn ended. Untrusted.
#[must_use]
pub fn turn_end(reason: &TurnEnd) -> String {
    match reason {
        TurnEnd::Answered => "answered".to_owned(),
        TurnEnd::Cancelled => "cancelled".to_owned(),
        TurnEnd::Iterations(n) => format!("stopped after {n} iterations, the limit"),
        TurnEnd::Loop(what) => format!("stopped: {what} gave the same result three times"),
        TurnEnd::ModelFailed => "the model failed".to_owned(),
        TurnEnd::Stopped(why) | TurnEnd::Ceiling(why) => format!("stopped: {why}"),
        TurnEnd::Crashed => "the console ended in the middle".to_owned(),
    }
}
