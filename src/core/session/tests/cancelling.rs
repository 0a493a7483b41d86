//! Stopping: cancel, fronts that go, the end.

use super::*;
use crate::journal::RefusedBy;

#[test]
fn cancel_while_the_model_answers() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.model(ModelEvent::TextDelta("Half a".into()));
    rig.command(Command::Cancel);
    assert_eq!(rig.cancelled_models, [TurnId(1)]);
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    assert!(rig.session.idle());
    rig.model(ModelEvent::Done(Stop::EndTurn));
    rig.ask("go on");
    assert!(
        rig.requests[1]
            .turns
            .iter()
            .any(|t| matches!(t, message::Turn::Assistant { blocks } if *blocks == [text("Half a")]))
    );
    rig.check();
}

#[test]
fn cancel_while_calls_run() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([
        call("a", "list_ec2_instances", json!({})),
        call("b", "get_cloudwatch_logs", json!({})),
        stop("c", "i-1"),
        stop("d", "i-2"),
    ]);
    rig.read("done in time");
    rig.planned();
    rig.command(Command::Cancel);
    assert!(rig.session.idle());
    assert_eq!(rig.status(CallId(1)), StepStatus::Completed);
    for id in 2..5 {
        assert_eq!(rig.fault(CallId(id)).kind, FaultKind::Cancelled);
        assert_eq!(rig.status(CallId(id)), StepStatus::Cancelled);
    }
    assert_eq!(rig.cancelled, [CallId(2), CallId(4)], "what ran is stopped");
    // All of it comes late.
    rig.read("late");
    rig.planned();
    let (_, gate) = rig.asks.remove(0);
    let proof = rig.press(gate);
    rig.command(Command::Approve(proof));
    assert!(rig.replans.is_empty());
    rig.ask("next");
    rig.check();
}

#[test]
fn a_change_on_its_way_is_never_cancelled() {
    let mut rig = Rig::new();
    rig.ask("stop it");
    rig.calls([stop("a", "i-1")]);
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.command(Command::Cancel);
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    assert!(rig.cancelled.is_empty());
    assert_eq!(rig.asked_to_stop, [CallId(1)], "a transfer may stop by itself");
    assert!(!rig.session.idle(), "its outcome is waited for");
    rig.command(Command::Cancel);
    rig.ask("what became of it?");
    assert!(rig.results().iter().any(|t| t.contains("its effect is unknown")), "{:?}", rig.results());
    rig.written();
    assert_eq!(rig.status(CallId(1)), StepStatus::Completed);
    rig.calls([call("b", "get_cloudwatch_logs", json!({}))]);
    rig.reads.swap(0, 1);
    rig.read("logs");
    assert!(rig.results().iter().any(|t| t.contains("came later")), "{:?}", rig.results());
    rig.check();
}

#[test]
fn a_front_that_goes_takes_its_turn_and_its_dialogs() {
    let mut rig = Rig::new();
    rig.ask("stop it");
    rig.calls([stop("a", "i-1")]);
    rig.planned();
    rig.feed(Input::Command(
        HEADLESS,
        Command::Call { tool: "list_ec2_instances".into(), args: json!({}), fresh: false },
    ));
    rig.run("stop_instances", json!({"ids": ["i-2"]}));
    rig.feed(Input::FrontGone(SCREEN));
    let by: Vec<RefusedBy> = rig
        .facts()
        .into_iter()
        .filter_map(|f| match f {
            Fact::Refused { by, .. } => Some(*by),
            _ => None,
        })
        .collect();
    assert_eq!(by, [RefusedBy::FrontGone; 2]);
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    assert_eq!(rig.reads.len(), 1, "another front's read goes on");
    rig.read("r");
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn approved_and_then_gone_is_not_carried_out() {
    let mut rig = Rig::new();
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.feed(Input::FrontGone(SCREEN));
    rig.replanned();
    assert!(rig.commits.is_empty());
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn the_end_waits_only_for_a_change_on_its_way() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.run("list_ec2_instances", json!({}));
    rig.run("stop_instances", json!({"ids": ["i-2"]}));
    rig.command(Command::Quit);
    assert_eq!(rig.finishes, 1);
    rig.ask("too late");
    rig.command(Command::Quit);
    assert_eq!((rig.finishes, rig.requests.len()), (1, 1));
    rig.check();

    let mut rig = Rig::new();
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.command(Command::Quit);
    assert_eq!(rig.finishes, 0);
    rig.written();
    assert_eq!(rig.finishes, 1);
    assert!(rig.reads.is_empty(), "nothing new is begun");
    assert!(rig.session.idle());
    rig.check();
}
