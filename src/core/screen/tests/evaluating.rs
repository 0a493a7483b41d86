//! The evaluation of determinism on the screen.

use super::super::fixture::Rig;
use super::super::{Extent, Msg, Shown};
use crate::command::Command;
use crate::eval::{Called, Progress, Report, Run, RunEnd, Subject};
use crate::event::{Event, Live};
use crate::journal::Fact;
use crate::keymap::Place;
use crate::scope::Mode;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// `done` of ten runs; every third calls another tool.
fn report(done: u32) -> Arc<Report> {
    let subject = Subject {
        question: "why?".into(),
        provider: "anthropic".into(),
        model: "claude-x".into(),
        effort: None,
        prompt_hash: "p".into(),
        asked: 10,
    };
    let run = |no: u32| Run {
        rounds: vec![vec![Called {
            tool: if no.is_multiple_of(3) { "b" } else { "a" }.into(),
            args: json!({}),
            valid: true,
        }]],
        answer: format!("answer {no}"),
        end: RunEnd::Answered,
        ..Run::cancelled(no)
    };
    Arc::new(Report::of(&subject, &(1..=done).map(run).collect::<Vec<_>>(), None, Duration::from_secs(3)))
}

fn news(rig: &mut Rig, done: u32) {
    let progress = Progress { report: report(done), running: 2, over: false };
    rig.msg(Msg::Event(Event::Live(Live::Evaluating(progress))));
}

fn tracking() -> Rig {
    let mut rig = Rig::new();
    rig.append(Fact::ModeChanged { mode: Mode::Track });
    rig
}

fn wants(commands: &[Command]) -> Option<(&str, u32)> {
    match commands {
        [Command::Evaluate { question, runs, concurrency: 2 }] => Some((question, *runs)),
        _ => None,
    }
}

#[test]
fn a_number_and_a_question_are_taken_in_any_combination() {
    let mut rig = tracking();
    assert!(rig.keys(":eval<Enter>").is_empty());
    let error = rig.screen.palette.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("nothing was asked yet"), "{error}");
    rig.keys("<Esc>");
    rig.question(1, "why is checkout failing?");
    rig.end(1, crate::journal::TurnEnd::Answered);
    for (line, question, runs) in [
        (":eval<Enter>", "why is checkout failing?", 10),
        (":eval 3<Enter>", "why is checkout failing?", 3),
        (":eval who did it?<Enter>", "who did it?", 10),
        (":eval 25 who did it?<Enter>", "who did it?", 25),
    ] {
        let commands = rig.keys(line);
        assert_eq!(wants(&commands), Some((question, runs)), "{line}");
    }
    for line in [":eval 0<Enter>", ":eval 101 why?<Enter>"] {
        assert!(rig.keys(line).is_empty());
        let error = rig.screen.palette.as_ref().unwrap().error.clone().unwrap();
        assert!(error.contains("1 to 100"), "{error}");
        rig.keys("<Esc>");
    }
}

#[test]
fn where_calls_are_executed_the_palette_says_why_not() {
    for (mode, says) in [(Mode::Execute, ":track first"), (Mode::ReadOnly, "--track")] {
        let mut rig = Rig::new();
        rig.append(Fact::ModeChanged { mode });
        rig.keys(":eval");
        let offered = rig.screen.palette.as_ref().unwrap().matches[0].clone();
        assert_eq!(offered.name, "eval");
        assert!(offered.doc.contains(says), "{}", offered.doc);
        assert!(rig.keys(" 5 why?<Enter>").is_empty());
        let palette = rig.screen.palette.as_ref().unwrap();
        assert!(palette.error.as_ref().unwrap().contains(says), "{:?}", palette.error);
        assert_eq!(palette.text, "eval 5 why?", "the line is kept");
    }
    let mut rig = tracking();
    rig.question(1, "why?");
    assert!(rig.keys("<Esc>:eval<Enter>").is_empty());
    let error = rig.screen.palette.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("while nothing else runs"), "{error}");
}

#[test]
fn esc_cancels_while_it_runs_and_closes_afterwards() {
    let mut rig = tracking();
    rig.keys("half a question");
    news(&mut rig, 0);
    assert_eq!(rig.screen.place(), Place::Evaluation);
    news(&mut rig, 4);
    assert!(matches!(rig.keys("<Esc>")[..], [Command::Cancel]));
    assert!(rig.screen.evaluation.is_some(), "what is complete stays");
    assert!(matches!(rig.keys("<Ctrl-c>")[..], [Command::Cancel]));
    rig.append(Fact::Evaluated { report: report(5) });
    let open = rig.screen.evaluation.as_ref().unwrap();
    assert_eq!((open.progress.over, open.progress.report.runs.completed), (true, 5));
    assert!(rig.keys("<Esc>").is_empty());
    assert_eq!(rig.screen.place(), Place::Composer);
    assert_eq!(rig.screen.composer.text, "half a question");
    let line = rig.screen.ledger.chat.last().unwrap();
    assert!(format!("{line:?}").contains("determinism of"), "{line:?}");
    assert_eq!(rig.screen.ledger.timeline.steps().last().unwrap().title, "determinism evaluated");
}

#[test]
fn a_session_read_back_opens_nothing() {
    let mut rig = tracking();
    rig.append(Fact::Evaluated { report: report(5) });
    assert!(rig.screen.evaluation.is_none());
}

#[test]
fn keys_do_nothing_behind_it_and_pasted_text_neither() {
    let mut rig = tracking();
    news(&mut rig, 2);
    assert!(rig.keys(":tTiru1z/").is_empty());
    rig.msg(Msg::Paste("rm".into()));
    assert!(rig.screen.palette.is_none() && rig.screen.prompt.is_none() && rig.screen.composer.is_empty());
    assert!(rig.keys("?").is_empty() && rig.screen.help.is_some());
    rig.keys("<Esc>");
    assert!(rig.screen.evaluation.is_some());
}

fn drawn(rig: &mut Rig, fits: usize) {
    let open = rig.screen.evaluation.as_ref().unwrap();
    let all: Vec<_> = super::super::Evaluation::variants(&open.progress.report).collect();
    let mut line = 1;
    let variants: Vec<(usize, usize)> = all
        .iter()
        .map(|v| {
            let height = if open.open.contains(v) { 6 } else { 1 };
            line += height;
            (line - height, height)
        })
        .collect();
    let shown = Shown { evaluation: Extent { total: line, fits }, variants, ..Shown::default() };
    rig.msg(Msg::Drawn(shown));
}

#[test]
fn the_selection_walks_over_all_variants_and_stays_in_sight() {
    let mut rig = tracking();
    news(&mut rig, 9);
    drawn(&mut rig, 5);
    let count = 2 + 2 + 2 + 9;
    for n in 1..count {
        rig.keys("j");
        drawn(&mut rig, 5);
        let open = rig.screen.evaluation.as_ref().unwrap();
        assert_eq!(open.selected, n);
        assert!((open.top..open.top + 5).contains(&(n + 1)), "{n} at {}", open.top);
    }
    rig.keys("jj");
    assert_eq!(rig.screen.evaluation.as_ref().unwrap().selected, count - 1);
    rig.keys("<Enter>");
    drawn(&mut rig, 5);
    let open = rig.screen.evaluation.as_ref().unwrap();
    assert_eq!(open.top, count, "what was expanded is shown from its beginning");
    rig.keys("g");
    drawn(&mut rig, 5);
    assert_eq!(rig.screen.evaluation.as_ref().unwrap().top, 0);
    rig.keys("e");
    assert_eq!(rig.screen.evaluation.as_ref().unwrap().open.len(), count);
    rig.keys("<PgDn>");
    drawn(&mut rig, 5);
    assert!(rig.screen.evaluation.as_ref().unwrap().top > 0);
    rig.keys("E");
    assert!(rig.screen.evaluation.as_ref().unwrap().open.is_empty());
}

#[test]
fn it_is_copied_as_markdown_and_as_json() {
    let mut rig = tracking();
    news(&mut rig, 9);
    rig.keys("y");
    let copy = rig.screen.take_copy().unwrap();
    assert!(copy.text.starts_with("### Determinism of: why?"), "{}", copy.text);
    rig.keys("Y");
    let copy = rig.screen.take_copy().unwrap();
    let json: serde_json::Value = serde_json::from_str(&copy.text).unwrap();
    assert_eq!(json["runs"]["completed"], 9);
}
