use super::*;
use crate::id::{CallId, TurnId};
use crate::journal::{Actor, Chain, Entry, Fact, Outcome, TurnEnd};
use crate::message::{Block, ModelError, ModelErrorKind, Stop, Usage};
use crate::models::Models;
use crate::scope::Mode;
use crate::tool::{Fault, FaultKind};
use crate::{Timestamp, eval};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn call(tool: &str, args: Value) -> Called {
    Called { tool: tool.into(), args, valid: true }
}

/// A run of these rounds of tools, each with its own arguments, and this answer.
fn run(no: u32, rounds: &[&[&str]], answer: &str) -> Run {
    let calls = |round: &&[&str]| round.iter().map(|tool| call(tool, json!({}))).collect();
    Run {
        rounds: rounds.iter().map(calls).collect(),
        answer: answer.into(),
        end: RunEnd::Answered,
        ..Run::cancelled(no)
    }
}

fn subject(asked: u32) -> Subject {
    Subject {
        question: "why?".into(),
        provider: "anthropic".into(),
        model: "claude-x".into(),
        effort: None,
        prompt_hash: "p".into(),
        asked,
    }
}

fn report(runs: &[Run]) -> Report {
    Report::of(&subject(u32::try_from(runs.len()).unwrap()), runs, None, Duration::from_millis(1_500))
}

fn failed(no: u32) -> Run {
    let error = ModelError { kind: ModelErrorKind::Overloaded, message: "overloaded, try later".into() };
    Run { end: RunEnd::Failed(error), ..Run::cancelled(no) }
}

fn shares(report: &Report) -> Vec<(Option<f64>, u32)> {
    report.levels.iter().map(|l| (l.agreement, l.distinct)).collect()
}

#[test]
fn levels_tell_apart_what_differs() {
    let mut other_args = run(3, &[&["a", "b"], &["c"]], "x");
    other_args.rounds[0][0].args = json!({"n": 1});
    let runs = [
        run(1, &[&["a", "b"], &["c"]], "The *cause* is\n\n the deploy [#4]."),
        run(2, &[&["a", "b"], &["c"]], "the *Cause* is the  deploy [#17]."),
        other_args,
        run(4, &[&["a", "b"], &["d"]], "the *cause* is the rollout [#4]."),
    ];
    assert_eq!(
        shares(&report(&runs)),
        [(Some(1.0), 1), (Some(0.75), 2), (Some(0.5), 3), (Some(0.5), 3)],
        "tools, calls, plan, answer"
    );
}

#[test]
fn how_often_a_call_is_made_counts_and_its_validity_too() {
    let mut invalid = run(3, &[&["a"]], "");
    invalid.rounds[0][0].valid = false;
    let runs = [run(1, &[&["a"]], ""), run(2, &[&["a", "a"]], ""), invalid];
    let found = shares(&report(&runs));
    assert_eq!(found[0].1, 2, "a multiset, not a set");
    assert_eq!(found[1].1, 3);
}

#[test]
fn the_same_calls_in_other_rounds_are_another_plan() {
    let runs = [run(1, &[&["a"], &["b"]], ""), run(2, &[&["a", "b"]], ""), run(3, &[], "")];
    let plan = &report(&runs).levels[2];
    assert_eq!((plan.agreement, plan.distinct), (Some(0.3333), 3));
    assert_eq!(plan.variants[2].what, What::Calls(Vec::new()));
    assert_eq!(plan.variants[2].what.headline(), "no calls");
}

#[test]
fn no_name_can_pretend_to_be_two_calls() {
    let forged = Run { rounds: vec![vec![call("a\" {} true\n\"b", json!({}))]], ..run(1, &[], "") };
    let plain = run(2, &[&["a", "b"]], "");
    assert_eq!(report(&[forged, plain]).levels[2].distinct, 2);
}

#[test]
fn of_variants_that_tie_the_earliest_run_comes_first() {
    let runs = [run(2, &[&["b"]], ""), run(4, &[&["a"]], ""), run(1, &[&["b"]], ""), run(3, &[&["a"]], "")];
    let level = &report(&runs).levels[0];
    let found: Vec<_> = level.variants.iter().map(|v| (v.count, v.share, v.runs.clone())).collect();
    assert_eq!(found, [(2, 0.5, vec![1, 2]), (2, 0.5, vec![3, 4])]);
    assert_eq!((level.agreement, level.distinct), (Some(0.5), 2));
}

#[test]
fn one_run_agrees_with_itself_and_none_with_nobody() {
    assert!(shares(&report(&[run(1, &[&["a"]], "x")])).iter().all(|s| *s == (Some(1.0), 1)));
    let none = report(&[failed(1), Run::cancelled(2)]);
    assert!(shares(&none).iter().all(|s| *s == (None, 0)), "{none:?}");
    assert_eq!(none.headline(), "0 of 2 runs, 1 failed, 1 cancelled");
}

#[test]
fn what_failed_or_was_cancelled_counts_apart() {
    let stopped =
        Run { end: RunEnd::Stopped("the limit of 20 iterations".into()), ..run(5, &[&["a"]], "half") };
    let runs = [run(1, &[&["a"]], "x"), failed(2), Run::cancelled(3), run(4, &[&["a"]], "x"), stopped];
    let report = report(&runs);
    assert_eq!(report.runs, Counts { asked: 5, completed: 3, failed: 1, cancelled: 1 });
    assert_eq!(report.failures, [Failure { run: 2, why: "overloaded, try later".into() }]);
    let answer = &report.levels[3];
    assert_eq!(answer.agreement, Some(0.6667));
    assert_eq!(answer.variants[1].what, What::Ended("the limit of 20 iterations".into()));
}

#[test]
fn long_answers_and_arguments_are_compared_whole_and_kept_short() {
    let long = "long ".repeat(2_000);
    let mut runs = [run(1, &[&["a"]], &format!("{long}x")), run(2, &[&["a"]], &format!("{long}y"))];
    for (run, end) in runs.iter_mut().zip(["1", "2"]) {
        run.rounds[0][0].args = json!({"text": format!("{}{end}", "z".repeat(5_000))});
    }
    let report = report(&runs);
    assert_eq!(report.levels.iter().map(|l| l.distinct).collect::<Vec<_>>(), [1, 2, 2, 2]);
    assert!(serde_json::to_string(&report).unwrap().len() < 20_000);
}

#[test]
fn usage_and_cost_are_summed_and_an_unknown_price_is_no_price() {
    let spent = |no, dollars| Run {
        usage: Usage { input: 10, output: 5, ..Usage::default() },
        dollars,
        ..run(no, &[], "x")
    };
    let known = report(&[spent(1, Some(0.25)), spent(2, Some(0.5))]);
    assert_eq!((known.usage.total(), known.cost_usd), (30, Some(0.75)));
    assert_eq!(report(&[spent(1, Some(0.25)), spent(2, None)]).cost_usd, None);
}

#[test]
fn the_json_is_what_is_promised() {
    let mut report = report(&[run(1, &[&["a", "b"], &["c"]], "x"), failed(2)]);
    report.effort = Some("high".into());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["runs"], json!({"asked": 2, "completed": 1, "failed": 1, "cancelled": 0}));
    assert_eq!((&json["mode"], &json["effort"]), (&json!("track"), &json!("high")));
    let levels = json["levels"].as_array().unwrap();
    let names: Vec<&str> = levels.iter().map(|l| l["level"].as_str().unwrap()).collect();
    assert_eq!(names, ["first_round_tools", "first_round_calls", "plan", "answer"]);
    assert_eq!(levels[0]["variants"], json!([{"count": 1, "share": 1.0, "runs": [1], "tools": ["a", "b"]}]));
    let plan = &levels[2]["variants"][0]["calls"];
    assert_eq!(plan[1], json!([{"tool": "c", "args": {}, "valid": true}]));
    assert_eq!(levels[3]["variants"][0]["answer"], "x");
    assert_eq!(json["failures"], json!([{"run": 2, "why": "overloaded, try later"}]));
    for field in ["question", "provider", "model", "prompt_hash", "usage", "cost_usd", "duration_ms"] {
        assert!(json.get(field).is_some(), "{field}");
    }
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn a_run_is_read_from_its_journal() {
    let models = Models::embedded();
    let by = |iteration| Actor::Model { turn: TurnId(1), iteration, id: "x".into() };
    let called = |n, iteration, tool: &str, args: Value| Fact::ToolCalled {
        call: CallId(n),
        by: by(iteration),
        tool: tool.into(),
        risk: None,
        args,
    };
    let asked = |iteration| Fact::ModelRequested {
        turn: TurnId(1),
        iteration,
        provider: "anthropic".into(),
        model: "claude-sonnet-5-5".into(),
        prompt_hash: String::new(),
        bytes: 0,
        fit: None,
    };
    let usage = Usage { input: 1_000_000, output: 0, cache_read: 0, cache_write: 0 };
    let said = |iteration, text: &str| Fact::ModelResponded {
        turn: TurnId(1),
        iteration,
        blocks: vec![Block::Text { text: text.into() }],
        stop: Stop::EndTurn,
        usage,
    };
    let fault = Fault::new(FaultKind::Invalid, "no");
    let facts = [
        Fact::Question { turn: TurnId(1), text: "why?".into() },
        asked(1),
        said(1, "Looking."),
        called(1, 1, "b", json!({"x": 1})),
        called(2, 1, "a", json!({})),
        Fact::ToolFinished { call: CallId(1), outcome: Outcome::Failed { fault } },
        Fact::ToolFinished { call: CallId(2), outcome: Outcome::Recorded },
        asked(2),
        said(2, "The plan."),
        Fact::TurnEnded { turn: TurnId(1), reason: TurnEnd::Answered },
    ];
    let mut chain = Chain::default();
    let link = |fact| Arc::new(chain.link(fact, Timestamp::from_millis(1)).unwrap().0);
    let entries: Vec<Arc<Entry>> = facts.into_iter().map(link).collect();
    let run = Run::of(7, &entries, models, Duration::from_secs(2));
    let wrong = Called { valid: false, ..call("b", json!({"x": 1})) };
    assert_eq!(run.rounds, [vec![call("a", json!({})), wrong]], "sorted, and what was refused is marked");
    assert_eq!((run.no, run.answer.as_str(), &run.end), (7, "The plan.", &RunEnd::Answered));
    assert_eq!(run.usage.input, 2_000_000);
    let price = models.lookup("anthropic", "claude-sonnet-5-5").cost(usage).unwrap();
    assert!((run.dollars.unwrap() - 2.0 * price).abs() < 1e-9);
    assert_eq!(Run::of(1, &entries[..8], models, Duration::ZERO).end, RunEnd::Cancelled, "no end, no answer");
}

#[test]
fn percentages_never_round_to_all_or_nothing() {
    for (share, said) in [(1.0, "100 %"), (0.999, "99 %"), (0.5, "50 %"), (0.001, "1 %"), (0.0, "0 %")] {
        assert_eq!(percent(share), said);
    }
    for (runs, said) in
        [(&[3][..], "run 3"), (&[1, 2][..], "runs 1 2"), (&[1, 2, 3, 4, 6, 9, 10, 11][..], "runs 1-4 6 9-11")]
    {
        assert_eq!(run_list(runs), said);
    }
}

#[test]
fn a_report_in_markdown_holds_everything_and_nothing_hidden() {
    let mut odd = run(2, &[&["a\u{1b}[2J"]], "# no heading\n```\nx\u{202e}");
    odd.rounds[0][0].args = json!({"name": "x"});
    let markdown = report(&[run(1, &[&["a", "b"], &["c"]], "An answer."), odd, failed(3)]).markdown();
    for said in [
        "2 of 3 runs, 1 failed",
        "| whole plan | 50 % | 2 |",
        "1. a",
        "2. c",
        "An answer.",
        "run 3: overloaded",
    ] {
        assert!(markdown.contains(said), "{said}: {markdown}");
    }
    assert!(!markdown.contains(['\u{1b}', '\u{202e}']));
    assert!(!markdown.lines().any(|l| l.starts_with("# no") || l.starts_with("```")), "{markdown}");
}

#[test]
fn only_an_idle_tracking_session_is_open_for_it() {
    assert_eq!(closed(Mode::Track, false), None);
    for (mode, busy) in
        [(Mode::Track, true), (Mode::Execute, false), (Mode::Execute, true), (Mode::ReadOnly, false)]
    {
        assert!(closed(mode, busy).is_some_and(|why| !why.is_empty()));
    }
    assert!(
        eval::RUNS.contains(&eval::STANDARD_RUNS) && eval::CONCURRENCY.contains(&eval::STANDARD_CONCURRENCY)
    );
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let one = (prop::collection::vec(prop::collection::vec(0..3_usize, 0..3), 0..3), 0..3_usize, 0..8_u8);
    prop::collection::vec(one, 1..20).prop_map(|runs| {
        let names = ["a", "b", "c"];
        let run = |(no, (rounds, answer, end)): (u32, (Vec<Vec<usize>>, usize, u8))| {
            let rounds: Vec<Vec<&str>> = rounds
                .into_iter()
                .map(|mut round| {
                    round.sort_unstable();
                    round.into_iter().map(|n| names[n]).collect()
                })
                .collect();
            let rounds: Vec<&[&str]> = rounds.iter().map(Vec::as_slice).collect();
            match end {
                0 => failed(no),
                1 => Run::cancelled(no),
                2 => Run { end: RunEnd::Stopped("a limit".into()), ..run(no, &rounds, "") },
                _ => run(no, &rounds, names[answer]),
            }
        };
        (1..).zip(runs).map(run).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_figures_add_up_whatever_the_runs(runs in runs(), by in any::<prop::sample::Index>()) {
        let found = report(&runs);
        let n = f64::from(found.runs.completed);
        prop_assert_eq!(found.runs.asked, found.runs.completed + found.runs.failed + found.runs.cancelled);
        for level in &found.levels {
            prop_assert_eq!(level.agreement.is_none(), found.runs.completed == 0);
            if let Some(share) = level.agreement {
                prop_assert!((1.0 / n - 5e-5..=1.0).contains(&share), "{}", share);
            }
            prop_assert_eq!(level.variants.iter().map(|v| v.count).sum::<u32>(), found.runs.completed);
            prop_assert!(level.variants.is_sorted_by_key(|v| std::cmp::Reverse(v.count)));
            let mut members: Vec<u32> = level.variants.iter().flat_map(|v| v.runs.clone()).collect();
            members.sort_unstable();
            let complete: Vec<u32> = runs.iter().filter(|r| r.is_complete()).map(|r| r.no).collect();
            prop_assert_eq!(members, complete, "each complete run is in one variant");
        }
        // Each level tells apart at least what the looser one does.
        let distinct: Vec<u32> = found.levels.iter().map(|l| l.distinct).collect();
        prop_assert!(distinct[0] <= distinct[1] && distinct[1] <= distinct[2], "{:?}", distinct);
        let mut turned = runs.clone();
        turned.rotate_left(by.index(runs.len()));
        turned.reverse();
        prop_assert_eq!(&report(&turned), &found, "the order in which runs end does not matter");
        let text = serde_json::to_string(&found).unwrap();
        prop_assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), found);
    }
}
