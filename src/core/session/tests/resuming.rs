//! Opening a session again.

use super::*;

#[test]
fn a_finished_session_goes_on_where_it_ended() {
    let mut rig = Rig::new();
    rig.ask("one");
    rig.say([text("first")], Stop::EndTurn);
    let steps = rig.session.timeline().steps().to_vec();
    let mut rig = rig.killed(setup());
    assert_eq!(rig.story().last().unwrap(), "session_resumed", "nothing was open, nothing else is different");
    assert_eq!(rig.session.timeline().steps()[..steps.len()], steps, "the same steps, the same numbers");
    rig.ask("two");
    assert_eq!(rig.requests[0].turns.len(), 3, "the conversation is remembered");
    assert_eq!(rig.requests[0].turn, TurnId(2));
    rig.check();
}

#[test]
fn what_is_set_otherwise_is_written_down() {
    let rig = Rig::new().killed(Setup {
        mode: Mode::ReadOnly,
        settings: Settings { model: "other".into(), ..setup().settings },
        ..setup()
    });
    assert_eq!(rig.story()[3..], ["session_resumed", "settings_changed", "mode_changed"]);
    rig.check();
}

#[test]
fn a_crash_closes_what_was_open() {
    let mut rig = Rig::new();
    rig.ask("q");
    let mut rig = rig.killed(setup());
    assert_eq!(rig.end(), Some(TurnEnd::Crashed));
    assert!(rig.session.idle());
    rig.check();

    rig.ask("again");
    rig.calls([call("a", "list_ec2_instances", json!({})), stop("b", "i-1")]);
    rig.planned();
    let mut rig = rig.killed(setup());
    assert_eq!(rig.fault(CallId(1)).kind, FaultKind::Cancelled);
    assert_eq!(rig.fault(CallId(2)).kind, FaultKind::Refused);
    assert!(rig.reads.is_empty() && rig.plans.is_empty() && rig.commits.is_empty());
    assert!(rig.session.idle());
    rig.ask("and now?");
    rig.check();
}

#[test]
fn an_intent_without_an_outcome_is_read_back_and_never_repeated() {
    let mut rig = Rig::new();
    rig.ask("stop it");
    rig.calls([stop("a", "i-1")]);
    rig.planned();
    rig.approve();
    rig.replanned();
    assert_eq!(rig.story().last().unwrap(), "write_intended");
    // Whose account it is must be known before anything is read back.
    let mut rig = rig.killed(setup());
    assert_eq!(rig.status(CallId(1)), StepStatus::Unknown);
    assert!(rig.reads.is_empty());
    rig.feed(Input::Scope(Scope { identity: Some(plan(&["i-1"]).identity), ..setup().scope }));
    assert_eq!(rig.reads.len(), 1);
    rig.read("stopped");
    assert!(rig.facts().iter().any(|f| matches!(f, Fact::Verified { reached: Some(true), .. })));
    assert_eq!(rig.status(CallId(1)), StepStatus::Completed);
    assert!(rig.plans.is_empty() && rig.commits.is_empty() && rig.asks.is_empty());
    assert!(rig.session.idle());
    rig.ask("what happened?");
    let told = rig.results().join("\n");
    assert!(told.contains("Verification") && told.contains("reached"), "{told}");
    rig.check();
}

#[test]
fn a_crash_during_the_verification_verifies_again() {
    let mut rig = Rig::new();
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.written();
    let scope = Scope { identity: Some(plan(&["i-1"]).identity), ..setup().scope };
    let mut rig = rig.killed(Setup { scope, ..setup() });
    assert_eq!(rig.status(CallId(1)), StepStatus::Completed);
    assert_eq!(rig.reads.len(), 1);
    rig.read("stopped");
    assert!(rig.session.idle());
    rig.check();
    // Twice is once: a session that ended well has nothing to do.
    let rig = rig.killed(setup());
    assert!(rig.reads.is_empty() && rig.session.idle());
}

#[test]
fn every_prefix_of_a_journal_can_be_opened() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([call("a", "list_ec2_instances", json!({})), stop("b", "i-1"), stop("c", "i-2")]);
    rig.read("r");
    rig.planned();
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.written();
    rig.read("stopped");
    rig.refuse(Some("no"), false);
    rig.say([text("done")], Stop::EndTurn);
    let (whole, now) = (rig.stored.clone(), rig.now);
    for n in 0..=whole.len() {
        let mut cut = Rig::new();
        cut.now = now;
        cut.stored = whole[..n].to_vec();
        let mut cut = cut.killed(setup());
        let verifying = cut.session.verifying.len();
        assert!(cut.session.turn.is_none() && cut.session.calls.is_empty(), "{n}");
        assert!(verifying <= 1, "{n}");
        cut.ask("go on");
        cut.check();
    }
}
