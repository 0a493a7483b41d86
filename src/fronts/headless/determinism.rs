//! `quarterdeck eval determinism`: progress on stderr, the report on stdout.

use super::{Exit, json_line, line, progress};
use crate::connect::Deck;
use crate::engine::trial;
use crate::fronts::screen::view::format;
use quarterdeck_core::eval::{Level, Progress, Report, percent, run_list};
use quarterdeck_core::session::Trial;
use quarterdeck_core::text::{self, visible_lines};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a terminal has at least.
const COLUMNS: usize = 80;

/// Evaluates and prints the report. Ctrl-C ends it with what is complete.
///
/// # Errors
/// stdout cannot be written.
pub async fn determinism(deck: &Deck, trial: Trial, json: bool) -> anyhow::Result<Exit> {
    let cancel = CancellationToken::new();
    let ending = cancel.clone();
    let mut told = Told { in_place: io::stderr().is_terminal(), width: 0 };
    told.say(&format!(
        "asking {} times in tracking mode, {} at a time; nothing is executed",
        trial.runs(),
        trial.runs().min(trial.concurrency())
    ));
    let report = {
        let work = trial::evaluate(deck.provider(), trial, cancel, |progress| told.news(&progress));
        tokio::pin!(work);
        tokio::select! {
            report = &mut work => report,
            _ = tokio::signal::ctrl_c() => {
                ending.cancel();
                work.await
            }
        }
    };
    told.end();
    if json {
        json_line(&serde_json::to_string(&report)?)?;
    } else {
        line(&visible_lines(&table(&report)))?;
    }
    Ok(exit(&report, ending.is_cancelled()))
}

fn exit(report: &Report, cancelled: bool) -> Exit {
    let runs = report.runs;
    match (runs.completed, runs.failed) {
        _ if cancelled => Exit::Cancelled,
        (0, _) if report.stopped.is_some() => Exit::Credentials,
        (0, _) => Exit::Failed,
        (_, 0) => Exit::Answered,
        (_, _) => Exit::Partial,
    }
}

/// What is told while it runs: one line that changes where there is a terminal, else a line each.
struct Told {
    in_place: bool,
    width: usize,
}

impl Told {
    fn news(&mut self, news: &Progress) {
        let mut said = news.report.counted();
        if news.running > 0 {
            let _ = write!(said, ", {} running", news.running);
        }
        let _ = write!(said, "; {}", spent(&news.report));
        self.say(&said);
    }

    fn say(&mut self, text: &str) {
        if !self.in_place {
            return progress(text);
        }
        let shown = text::truncate(text, COLUMNS - 1).into_owned();
        let blanks = self.width.saturating_sub(text::width(&shown));
        self.width = text::width(&shown);
        // Nothing can be told when stderr is closed.
        let _ = write!(io::stderr().lock(), "\r{shown}{}", " ".repeat(blanks));
    }

    fn end(&self) {
        if self.in_place {
            let _ = write!(io::stderr().lock(), "\r{}\r", " ".repeat(self.width));
        }
    }
}

/// Tokens, money and time.
fn spent(report: &Report) -> String {
    let mut parts = Vec::new();
    if report.usage.total() > 0 {
        parts.push(format!("{} tokens", format::short(report.usage.total())));
        parts.extend(report.cost_usd.map(|dollars| format!("${dollars:.2}")));
    }
    parts.push(format::span(Duration::from_millis(report.duration_ms)));
    parts.join(", ")
}

/// The report in 80 columns. Untrusted.
fn table(report: &Report) -> String {
    let mut out = String::new();
    let prompt = report.prompt_hash.get(..12).unwrap_or(&report.prompt_hash);
    for (name, value) in [
        ("question", report.question.as_str()),
        ("model", &report.asked_of()),
        ("prompt", prompt),
        ("runs", &format!("{}; {}", report.counted(), spent(report))),
        ("mode", "tracking: calls were recorded, nothing was executed"),
    ] {
        wrapped(&mut out, &format!("{name:<9} "), value);
    }
    if let Some(why) = &report.stopped {
        wrapped(&mut out, "", why);
    }
    if report.runs.completed > 0 {
        let _ = writeln!(out, "\n{:<20} {:>9} {:>11} {:>9}", "", "agreement", "runs", "variants");
        report.levels.iter().for_each(|level| summed_up(&mut out, level, report.runs.completed));
        out.push_str("\nAgreement: the share of completed runs that did what most runs did.\n");
    }
    for level in report.levels.iter().filter(|level| !level.variants.is_empty()) {
        variants(&mut out, level);
    }
    if !report.failures.is_empty() {
        out.push_str("\nfailed\n");
    }
    for failure in &report.failures {
        wrapped(&mut out, &format!("  run {:<4} ", failure.run), &failure.why);
    }
    out.trim_end().to_owned()
}

fn summed_up(out: &mut String, level: &Level, completed: u32) {
    let count = level.variants.first().map_or(0, |v| v.count);
    let share = level.agreement.map_or_else(|| "-".to_owned(), percent);
    let runs = format!("{count} of {completed}");
    let _ = writeln!(out, "{:<20} {share:>9} {runs:>11} {:>9}", level.level.title(), level.distinct);
}

fn variants(out: &mut String, level: &Level) {
    let _ = writeln!(out);
    wrapped(out, "", &format!("{}: {}", level.level.title(), level.level.measures()));
    for variant in &level.variants {
        let head = format!("{:>4}  {:>5}  ", variant.count, percent(variant.share));
        wrapped(out, &head, &run_list(&variant.runs));
        for text in variant.what.lines() {
            wrapped(out, "        ", &text);
        }
    }
}

/// `text` behind `lead`, its further lines under itself.
fn wrapped(out: &mut String, lead: &str, text: &str) {
    let text = visible_lines(text);
    let indent = text::width(lead);
    for (i, part) in text::wrap(&text, COLUMNS - indent).into_iter().enumerate() {
        let before = if i == 0 { lead.to_owned() } else { " ".repeat(indent) };
        let _ = writeln!(out, "{}", format!("{before}{part}").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::eval::{Run, RunEnd, Subject};
    use quarterdeck_core::message::{ModelError, ModelErrorKind};

    fn report(ends: &[RunEnd], stopped: Option<String>) -> Report {
        let subject = Subject {
            question: "why is checkout failing? ".repeat(10),
            provider: "anthropic".into(),
            model: "claude-x".into(),
            effort: Some("high".into()),
            prompt_hash: "ab".repeat(32),
            asked: 4,
        };
        let runs: Vec<Run> = ends
            .iter()
            .zip(1..)
            .map(|(end, no)| Run {
                end: end.clone(),
                answer: "a long answer ".repeat(20),
                ..Run::cancelled(no)
            })
            .collect();
        Report::of(&subject, &runs, stopped, Duration::from_millis(14_230))
    }

    fn fails() -> RunEnd {
        let message = "no key: ".to_owned() + &"set ANTHROPIC_API_KEY ".repeat(8);
        RunEnd::Failed(ModelError { kind: ModelErrorKind::Credentials, message })
    }

    #[test]
    fn the_exit_code_says_how_much_there_is() {
        use RunEnd::{Answered, Cancelled};
        for (ends, stopped, cancelled, want) in [
            (vec![Answered, Answered], None, false, Exit::Answered),
            (vec![RunEnd::Stopped("x".into()), Answered], None, false, Exit::Answered),
            (vec![Answered, fails()], None, false, Exit::Partial),
            (vec![fails(), fails()], None, false, Exit::Failed),
            (vec![fails(), fails(), Cancelled], Some("no key".to_owned()), false, Exit::Credentials),
            (vec![Answered, Cancelled], None, true, Exit::Cancelled),
            (vec![Cancelled, Cancelled], None, true, Exit::Cancelled),
        ] {
            assert_eq!(exit(&report(&ends, stopped), cancelled), want, "{ends:?}");
        }
    }

    #[test]
    fn the_table_fits_eighty_columns_whatever_is_in_it() {
        let table = table(&report(&[RunEnd::Answered, fails(), RunEnd::Stopped("x".repeat(200))], None));
        assert!(table.lines().all(|l| text::width(l) <= COLUMNS && l == l.trim_end()), "{table}");
        for said in ["why is checkout", "effort high", "2 of 4 runs, 1 failed", "14.2 s", "50 %", "run 2"] {
            assert!(table.contains(said), "{said}: {table}");
        }
    }
}
