//! Changes: the gate, the order, refusals, undo.

use super::*;
use crate::journal::RefusedBy;

fn refusals(rig: &Rig) -> Vec<RefusedBy> {
    rig.facts()
        .into_iter()
        .filter_map(|f| match f {
            Fact::Refused { by, .. } => Some(*by),
            _ => None,
        })
        .collect()
}

/// A turn in which the model wants to stop these instances.
fn wanting(instances: &[&str]) -> Rig {
    let mut rig = Rig::new();
    rig.ask("stop them");
    let blocks = instances.iter().map(|i| stop("", i));
    rig.calls(std::iter::once(text("They are idle.")).chain(blocks));
    rig
}

#[test]
fn plan_ask_approve_plan_again_commit() {
    let mut rig = wanting(&["i-1"]);
    assert_eq!(rig.plans[0].1.args, json!({"ids": ["i-1"], "name": null}), "canonical");
    rig.planned();
    assert_eq!(rig.asks.len(), 1);
    assert_eq!(rig.asks[0].0, SCREEN);
    assert_eq!(rig.asks[0].1.reason(), Some("They are idle."));
    rig.approve();
    assert!(rig.commits.is_empty(), "planned again first");
    rig.replanned();
    assert_eq!(rig.commits.len(), 1);
    rig.written();
    let story = rig.story().join(" ");
    assert!(
        story.contains(
            "tool_called approval_asked approved write_intended write_concluded tool_finished tool_called"
        ),
        "{story}"
    );
    assert_eq!(rig.status(CallId(1)), StepStatus::Completed);
    rig.check();
}

#[test]
fn a_plan_that_fails_is_a_failed_call() {
    let mut rig = wanting(&["i-1"]);
    let (call, _) = rig.plans.remove(0);
    rig.feed(Input::Planned(
        call,
        Err(Fault::new(FaultKind::Conflict, "it is stopped already")),
        challenge(),
    ));
    assert!(rig.asks.is_empty());
    assert!(rig.results()[0].contains("stopped already"));
    rig.check();
}

#[test]
fn what_changed_meanwhile_is_asked_again() {
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    let first = rig.asks[0].1.approval();
    rig.approve();
    let proof = rig.replans.remove(0);
    let mut fresh = plan(&["i-1"]);
    fresh.targets[0].state = "stopping".into();
    rig.feed(Input::Replanned(proof, Ok(fresh), challenge()));
    assert!(rig.commits.is_empty());
    let (_, gate) = &rig.asks[0];
    assert_ne!(gate.approval(), first);
    assert!(!gate.changed().is_empty());
    rig.approve();
    rig.replanned();
    assert_eq!(rig.commits.len(), 1);
    rig.check();
}

#[test]
fn an_approval_expires() {
    // The plan comes back too late.
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    rig.approve();
    rig.now = rig.now.plus(Authorized::LIFETIME).plus(Duration::from_millis(1));
    rig.replanned();
    assert_eq!(refusals(&rig), [RefusedBy::Expired]);
    // The plan never comes back.
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    let call = rig.approve();
    assert!(matches!(rig.wake(), Wake::Approval(_)));
    assert_eq!(refusals(&rig), [RefusedBy::Expired]);
    assert_eq!(rig.cancelled, [call]);
    rig.replanned();
    assert!(rig.commits.is_empty(), "too late");
    rig.check();
}

#[test]
fn an_approval_counts_once_and_only_for_the_open_dialog() {
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    let (_, gate) = rig.asks.remove(0);
    let proof = rig.press(gate);
    rig.command(Command::Cancel);
    rig.command(Command::Approve(proof));
    assert!(rig.replans.is_empty());
    assert!(rig.told[0].1.contains("no longer open"));
    rig.check();
}

#[test]
fn a_plan_error_after_the_approval_is_a_failed_call() {
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    let call = rig.approve();
    let proof = rig.replans.remove(0);
    rig.feed(Input::Replanned(proof, Err(Fault::new(FaultKind::Missing, "gone")), challenge()));
    assert_eq!(rig.fault(call).kind, FaultKind::Missing);
    assert!(rig.commits.is_empty());
    rig.check();
}

#[test]
fn one_dialog_at_a_time_in_call_order() {
    let mut rig = wanting(&["i-1", "i-2", "i-3"]);
    // The plans come back in another order.
    let last = rig.plans.remove(2);
    rig.plans.insert(0, last);
    rig.planned();
    assert!(rig.asks.is_empty(), "the first call's plan is not there yet");
    rig.planned();
    assert_eq!(rig.asks.len(), 1);
    assert_eq!(rig.asks[0].1.call(), CallId(1));
    rig.planned();
    rig.approve();
    rig.replanned();
    assert!(rig.asks.is_empty(), "not before the change is concluded");
    rig.written();
    assert_eq!(rig.asks.len(), 1);
    assert_eq!(rig.asks[0].1.call(), CallId(2));
    rig.check();
}

#[test]
fn nobody_to_ask_is_a_refusal_with_the_command() {
    let mut rig = Rig::new();
    let ask = Command::Ask("stop it".into());
    rig.feed(Input::Command(HEADLESS, ask));
    rig.calls([stop("a", "i-1")]);
    let call = rig.planned();
    assert!(rig.asks.is_empty());
    assert_eq!(refusals(&rig), [RefusedBy::NobodyToAsk]);
    let fault = rig.fault(call);
    assert!(fault.message.contains("Stop i-1"), "{fault}");
    assert!(fault.hint.unwrap().contains("aws ec2 stop-instances"));
    assert_eq!(rig.status(call), StepStatus::Denied);
    rig.check();
}

#[test]
fn a_refusal_covers_the_same_targets_for_the_turn() {
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    rig.refuse(Some("not now"), false);
    assert!(rig.results()[0].contains("the operator refused: not now"));
    // The same arguments: not even planned.
    rig.calls([stop("", "i-1")]);
    assert!(rig.plans.is_empty());
    // Other arguments, the same target.
    rig.calls([call("", "stop_instances", json!({"ids": ["i-1"], "state": "x"}))]);
    rig.planned();
    assert!(rig.asks.is_empty());
    assert_eq!(refusals(&rig), [RefusedBy::Operator, RefusedBy::EarlierRefusal, RefusedBy::EarlierRefusal]);
    // A refused target with another beside it.
    rig.calls([call("", "stop_instances", json!({"ids": ["i-2", "i-1"]}))]);
    rig.planned();
    assert!(rig.asks.is_empty());
    // Another target is another question; refused too, nothing of this turn is asked any more.
    rig.calls([stop("", "i-3")]);
    rig.planned();
    rig.refuse(None, false);
    rig.calls([stop("", "i-4")]);
    assert!(rig.plans.is_empty() && rig.asks.is_empty());
    // A new turn starts anew.
    rig.say([text("ok")], Stop::EndTurn);
    rig.ask("again");
    rig.calls([stop("", "i-1")]);
    rig.planned();
    assert_eq!(rig.asks.len(), 1);
    rig.check();
}

#[test]
fn the_rest_is_refused_with_it() {
    let mut rig = wanting(&["i-1", "i-2", "i-3"]);
    rig.planned();
    rig.planned();
    rig.refuse(None, true);
    assert_eq!(refusals(&rig), [RefusedBy::Operator; 3]);
    assert_eq!(rig.requests.len(), 2);
    rig.planned();
    assert!(rig.asks.is_empty(), "a late plan is dropped");
    rig.check();
}

#[test]
fn a_refusal_covers_what_waits_in_the_queue() {
    let mut rig = wanting(&["i-1", "i-2"]);
    rig.plans[1].1.args = json!({"ids": ["i-1"]});
    rig.planned();
    rig.planned();
    rig.refuse(None, false);
    assert!(rig.asks.is_empty());
    assert_eq!(refusals(&rig), [RefusedBy::Operator, RefusedBy::EarlierRefusal]);
    rig.check();
}

#[test]
fn a_refusal_taken_back_is_planned_and_asked_anew() {
    let mut rig = wanting(&["i-1"]);
    let call = rig.planned();
    rig.refuse(None, false);
    rig.command(Command::Withdraw(call));
    rig.command(Command::Withdraw(call));
    assert_eq!(rig.told.len(), 1, "once");
    assert_eq!(rig.plans.len(), 1);
    rig.planned();
    assert_eq!(rig.asks[0].1.call(), CallId(2), "as a call of the operator's own");
    rig.approve();
    rig.replanned();
    rig.written();
    assert_eq!(rig.status(CallId(2)), StepStatus::Completed);
    rig.calls([stop("", "i-1")]);
    assert_eq!(rig.plans.len(), 1, "the refusal no longer covers");
    rig.command(Command::Withdraw(CallId(2)));
    assert_eq!(rig.told.len(), 2, "that one was not refused");
    rig.check();
}

#[test]
fn undo_goes_through_the_gate() {
    let mut rig = Rig::new();
    rig.command(Command::Undo(CallId(1)));
    assert!(rig.told[0].1.contains("nothing to undo"));
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.command(Command::Undo(CallId(1)));
    assert_eq!(rig.told.len(), 2, "not made yet");
    rig.approve();
    rig.replanned();
    rig.written();
    rig.read("stopped");
    rig.command(Command::Undo(CallId(1)));
    assert_eq!(rig.plans[0].1.tool, "start_instances");
    rig.planned();
    assert_eq!(rig.asks.len(), 1);
    rig.check();
}

#[test]
fn nothing_is_changed_without_a_journal() {
    // Before: refused outright. Reads go on.
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    rig.feed(Input::StoreFailed("disk full".into()));
    assert_eq!(refusals(&rig), [RefusedBy::NotDurable]);
    rig.calls([stop("", "i-2"), call("", "list_ec2_instances", json!({}))]);
    assert_eq!(refusals(&rig), [RefusedBy::NotDurable; 2]);
    assert_eq!(rig.reads.len(), 1);
    rig.check();
    // At the last moment: the intent could not be written.
    let mut rig = wanting(&["i-1"]);
    rig.planned();
    rig.approve();
    rig.replanned();
    let call = rig.commits.remove(0).call();
    rig.feed(Input::Written(call, Written::NotDurable("disk full".into())));
    assert_eq!(refusals(&rig), [RefusedBy::NotDurable]);
    assert!(rig.fault(call).message.contains("nothing was sent"));
    assert!(rig.reads.is_empty(), "there is nothing to verify");
    rig.check();
}

#[test]
fn a_mode_refuses_what_was_not_sent() {
    for (mode, human, refused) in
        [(Mode::ReadOnly, true, true), (Mode::Track, true, false), (Mode::Track, false, true)]
    {
        let mut rig = if human { Rig::new() } else { wanting(&["i-1"]) };
        if human {
            rig.run("stop_instances", json!({"ids": ["i-1"]}));
        }
        rig.planned();
        rig.command(Command::SetMode(mode));
        assert_eq!(refusals(&rig), if refused { vec![RefusedBy::Mode] } else { vec![] }, "{mode:?} {human}");
        rig.check();
    }
}

#[test]
fn a_change_ends_reuse() {
    let mut rig = Rig::new();
    rig.run("list_ec2_instances", json!({}));
    rig.read("before");
    rig.run("get_cloudwatch_logs", json!({}));
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    // Begun before the change, answered during it.
    rig.read("before, late");
    rig.run("list_ec2_instances", json!({"state": "x"}));
    rig.read("during");
    rig.written();
    rig.reads.clear();
    for args in [json!({}), json!({"state": "x"})] {
        rig.run("list_ec2_instances", args);
    }
    rig.run("get_cloudwatch_logs", json!({}));
    assert_eq!(rig.reads.len(), 3, "all are read again");
}
