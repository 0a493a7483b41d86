//! Evaluating determinism: when it may begin, what it holds back, how it ends.

use super::*;
use crate::eval::{Progress, Report, Run, RunEnd};

/// News from the driver: one run is complete, perhaps the last.
pub(super) fn news(rig: &mut Rig, over: bool) {
    let Some(trial) = rig.trials.last() else { return };
    let run = Run { end: RunEnd::Answered, answer: "a".into(), ..Run::cancelled(1) };
    let report = Arc::new(Report::of(&trial.subject(), &[run], None, Duration::from_secs(1)));
    rig.feed(Input::Evaluated(Progress { report, running: 1, over }));
}

/// While determinism is evaluated, no turn and no call is open.
pub(super) fn nothing_runs_beside(rig: &Rig) {
    if rig.session.evaluation.is_some() {
        assert!(rig.session.turn.is_none() && rig.session.calls.is_empty());
        assert!(rig.session.verifying.is_empty() && rig.session.mode == Mode::Track);
    }
}

fn tracking() -> Rig {
    Rig::with(Setup { mode: Mode::Track, ..setup() })
}

fn evaluate(rig: &mut Rig) {
    rig.command(Command::Evaluate { question: "why?".into(), runs: 5, concurrency: 2 });
}

fn reports(rig: &Rig) -> Vec<&Report> {
    let report = |f: &&'_ Fact| matches!(f, Fact::Evaluated { .. });
    let facts = rig.session.entries().iter().map(|e| &e.fact).filter(report);
    facts.filter_map(|f| if let Fact::Evaluated { report } = f { Some(&**report) } else { None }).collect()
}

#[test]
fn only_tracking_evaluates_and_the_others_say_what_to_do() {
    for (mode, says) in [(Mode::Execute, ":track first"), (Mode::ReadOnly, "begin one with --track")] {
        let mut rig = Rig::with(Setup { mode, ..setup() });
        evaluate(&mut rig);
        assert!(rig.trials.is_empty() && rig.session.idle(), "{mode:?}");
        let (_, told) = rig.told.last().unwrap();
        assert!(told.contains("tracking mode only, so that nothing runs") && told.contains(says), "{told}");
    }
    let mut rig = tracking();
    evaluate(&mut rig);
    let trial = rig.trials.pop().unwrap();
    assert_eq!((trial.question(), trial.runs(), trial.concurrency()), ("why?", 5, 2));
    assert_eq!(trial.setup().mode, Mode::Track);
    assert_eq!(trial.setup().settings, *rig.session.settings());
    assert_eq!((trial.setup().scope.clone(), trial.at()), (rig.session.scope().clone(), rig.now));
}

#[test]
fn nothing_is_evaluated_while_something_runs() {
    let mut rig = tracking();
    rig.ask("q");
    evaluate(&mut rig);
    assert!(rig.trials.is_empty());
    assert!(rig.told.last().unwrap().1.contains("while nothing else runs"));
    rig.say([text("a")], Stop::EndTurn);
    // A call of one's own runs in tracking mode too.
    rig.run("list_ec2_instances", json!({}));
    evaluate(&mut rig);
    assert!(rig.trials.is_empty());
    rig.read("two");
    evaluate(&mut rig);
    assert_eq!(rig.trials.len(), 1);
    evaluate(&mut rig);
    assert_eq!(rig.trials.len(), 1, "one at a time");
}

#[test]
fn nothing_begins_beside_an_evaluation() {
    let mut rig = tracking();
    evaluate(&mut rig);
    let told = rig.told.len();
    rig.ask("q");
    rig.run("list_ec2_instances", json!({}));
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.command(Command::SetMode(Mode::Execute));
    rig.command(Command::Again(CallId(1)));
    assert_eq!(rig.told.len(), told + 5);
    assert!(rig.requests.is_empty() && rig.reads.is_empty() && rig.plans.is_empty());
    assert_eq!(rig.session.mode(), Mode::Track);
    news(&mut rig, false);
    assert!(reports(&rig).is_empty(), "news is shown, not written down");
    news(&mut rig, true);
    assert_eq!(reports(&rig).len(), 1);
    rig.ask("q");
    assert_eq!(rig.requests.len(), 1);
    rig.check();
}

#[test]
fn a_cancelled_evaluation_keeps_what_is_complete() {
    for end in [0, 1, 2] {
        let mut rig = tracking();
        evaluate(&mut rig);
        match end {
            0 => rig.command(Command::Cancel),
            1 => rig.feed(Input::FrontGone(SCREEN)),
            _ => rig.command(Command::Quit),
        }
        assert_eq!((rig.trials_cancelled, rig.finishes), (1, 0), "the console waits for what is complete");
        assert!(reports(&rig).is_empty());
        news(&mut rig, true);
        assert_eq!((reports(&rig).len(), rig.finishes), (1, usize::from(end == 2)));
        news(&mut rig, true);
        assert_eq!(reports(&rig).len(), 1, "late news is dropped");
        rig.check();
    }
}

#[test]
fn the_result_is_a_step_that_survives_and_no_model_is_told() {
    let mut rig = tracking();
    evaluate(&mut rig);
    news(&mut rig, true);
    let step = rig.session.timeline().steps().last().unwrap().clone();
    assert_eq!((step.title.as_str(), step.status), ("determinism evaluated", StepStatus::Completed));
    assert!(step.remark.contains("answer 100 %; 1 of 5 runs"), "{}", step.remark);
    let report = reports(&rig)[0].clone();
    let mut rig = rig.killed(Setup { mode: Mode::Track, ..setup() });
    assert_eq!(reports(&rig), [&report]);
    rig.ask("q");
    assert!(!format!("{:?}", rig.requests).contains("determinism"));
    rig.check();
}

#[test]
fn a_secret_in_the_question_is_masked_alike_everywhere() {
    let secret = "AKIAIOSFODNN7ABCDEFG";
    let mut rig = tracking();
    rig.command(Command::Evaluate { question: format!("who uses {secret}?"), runs: 1, concurrency: 1 });
    assert!(!rig.trials[0].question().contains(secret));
    news(&mut rig, true);
    assert!(!rig.stored.concat().contains(secret));
}

#[test]
fn a_blank_question_is_not_asked() {
    let mut rig = tracking();
    rig.command(Command::Evaluate { question: " ".into(), runs: 1, concurrency: 1 });
    assert!(rig.trials.is_empty());
    assert!(rig.told.last().unwrap().1.contains("no question"));
}

#[test]
fn tracking_writes_down_the_reads_that_had_no_place_yet() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls((0..20).map(|n| call("", "list_ec2_instances", json!({"name": n.to_string()}))));
    let began = rig.reads.len();
    assert!(began < 20);
    rig.command(Command::SetMode(Mode::Track));
    for call in began..20 {
        assert_eq!(rig.outcome(CallId(call as u64 + 1)), Some(Outcome::Recorded));
    }
    while !rig.reads.is_empty() {
        rig.read("one");
    }
    assert_eq!(rig.requests.len(), 2, "and the turn goes on");
    rig.check();
}

#[test]
fn a_model_is_told_that_its_call_was_recorded_and_how_to_finish() {
    let mut rig = tracking();
    rig.ask("stop i-1");
    rig.calls([stop("a", "i-1"), call("b", "list_ec2_instances", json!({}))]);
    let told = rig.results();
    assert!(
        told.iter().take(2).all(|t| t.contains("recorded, not executed") && t.contains("plan")),
        "{told:?}"
    );
    rig.say([text("I would stop i-1.")], Stop::EndTurn);
    assert_eq!(rig.end(), Some(TurnEnd::Answered));
    let args = rig.facts().into_iter().find_map(|f| match f {
        Fact::ToolCalled { args, .. } => Some(args.clone()),
        _ => None,
    });
    assert_eq!(args, Some(json!({"ids": ["i-1"], "name": null})), "canonical: defaults filled in");
    assert!(rig.plans.is_empty() && rig.asks.is_empty() && rig.commits.is_empty());
    rig.check();
}
