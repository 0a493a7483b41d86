//! Verification: what is read after a change, and what the model is told.

use super::*;

/// The model's change was carried out; its verification reads.
fn changed() -> Rig {
    let mut rig = Rig::new();
    rig.ask("stop it");
    rig.calls([stop("a", "i-1")]);
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.written();
    rig
}

fn verdicts(rig: &Rig) -> Vec<Option<bool>> {
    rig.facts()
        .into_iter()
        .filter_map(|f| match f {
            Fact::Verified { reached, .. } => Some(*reached),
            _ => None,
        })
        .collect()
}

#[test]
fn the_model_is_told_with_the_verdict() {
    let mut rig = changed();
    assert_eq!(rig.requests.len(), 1, "held back");
    assert_eq!(rig.reads[0].tool, "list_ec2_instances");
    rig.read("stopping");
    assert_eq!(rig.wake(), Wake::Verify(CallId(1)));
    assert_eq!(rig.requests.len(), 1);
    rig.read("stopped");
    assert_eq!(verdicts(&rig), [Some(true)]);
    assert_eq!(rig.requests.len(), 2);
    let told = rig.results();
    assert!(told[0].contains("stopping") && told[0].contains("\"reached\""), "{told:?}");
    rig.check();
}

#[test]
fn the_model_does_not_wait_for_ever() {
    let mut rig = changed();
    while rig.requests.len() == 1 {
        if !rig.reads.is_empty() {
            rig.read("stopping");
        }
        rig.wake();
    }
    rig.say([text("It is stopping.")], Stop::EndTurn);
    assert!(!rig.session.idle(), "the verification goes on after the turn");
    while verdicts(&rig).is_empty() {
        if !rig.reads.is_empty() {
            rig.read("stopping");
        }
        if !rig.session.idle() {
            rig.wake();
        }
    }
    assert_eq!(verdicts(&rig), [None]);
    assert!(rig.session.idle());
    rig.ask("and now?");
    assert!(rig.results().iter().any(|t| t.contains("not seen within 60 s")), "{:?}", rig.results());
    rig.check();
}

#[test]
fn failed_and_unreadable() {
    let mut rig = changed();
    rig.read("terminated");
    assert_eq!(verdicts(&rig), [Some(false)]);
    rig.check();
    let mut rig = changed();
    rig.read_fails(Fault::new(FaultKind::Throttled, "slow"));
    assert!(verdicts(&rig).is_empty(), "read again");
    rig.wake();
    rig.read_fails(Fault::new(FaultKind::Denied, "no"));
    assert_eq!(verdicts(&rig), [None]);
    assert_eq!(rig.requests.len(), 2);
    rig.check();
}

#[test]
fn a_lost_answer_is_settled_by_reading() {
    for (read, verdict, status) in
        [("stopped", Some(true), StepStatus::Completed), ("terminated", Some(false), StepStatus::Error)]
    {
        let mut rig = Rig::new();
        rig.ask("stop it");
        rig.calls([stop("a", "i-1")]);
        rig.planned();
        rig.approve();
        rig.replanned();
        let call = rig.commits.remove(0).call();
        rig.feed(Input::Written(call, Written::Unknown(Fault::new(FaultKind::Timeout, "no answer"))));
        assert_eq!(rig.status(call), StepStatus::Unknown);
        rig.read(read);
        assert_eq!(verdicts(&rig), [verdict]);
        assert_eq!(rig.status(call), status);
        let told = rig.results();
        assert!(told[0].contains("may or may not") && told[0].contains("Verification"), "{told:?}");
        assert!(rig.commits.is_empty(), "never repeated");
        rig.check();
    }
}

#[test]
fn not_done_is_not_verified() {
    let mut rig = Rig::new();
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    let call = rig.commits.remove(0).call();
    rig.feed(Input::Written(call, Written::NotDone(Fault::new(FaultKind::Denied, "no"))));
    assert!(rig.reads.is_empty());
    assert!(rig.session.idle());
    rig.command(Command::Undo(call));
    assert!(rig.told[0].1.contains("not made"));
    rig.check();
}

#[test]
fn cancel_ends_the_turn_then_the_verification() {
    let mut rig = changed();
    rig.command(Command::Cancel);
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    assert_eq!(rig.reads.len(), 1, "the verification goes on");
    assert!(rig.cancelled.is_empty());
    rig.command(Command::Cancel);
    assert_eq!(rig.cancelled.len(), 1);
    assert_eq!(verdicts(&rig), [None]);
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn another_account_is_not_read() {
    let mut rig = changed();
    rig.read("stopping");
    let identity = crate::scope::Identity { account: "111122223333".into(), ..Default::default() };
    rig.feed(Input::Scope(Scope { identity: Some(identity), ..Scope::default() }));
    assert!(rig.reads.is_empty());
    assert_eq!(verdicts(&rig), [None]);
    rig.check();
}
