//! What can only undo is taken from the journal, whoever asks for it and whatever they say.

use super::*;

/// `stop_instances` is undone by itself, with a proof that only a plan has.
fn undoing() -> Setup {
    let mut stop = tool(&STOP, Risk::Write);
    stop.inverse = Some(|plan, _| {
        let args = json!({"ids": plan.args["ids"], "name": "proof", "state": "back"});
        Some(WriteCall { tool: "stop_instances".into(), args })
    });
    stop.only_undoes = |args| args["state"] == "back";
    Setup { catalogue: Arc::new(Catalogue::new([tool(&LIST, Risk::Read), stop])), ..setup() }
}

/// A session in which a person stopped these instances.
fn stopped(instance: &str) -> Rig {
    let mut rig = Rig::with(undoing());
    rig.run("stop_instances", json!({"ids": [instance]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    rig.written();
    rig.read("stopped");
    rig
}

fn back(instance: &str) -> Value {
    json!({"ids": [instance], "state": "back"})
}

/// The fault of the last call, when it failed.
fn refused(rig: &Rig) -> Option<Fault> {
    let last = CallId(rig.session.next.call - 1);
    match rig.outcome(last) {
        Some(Outcome::Failed { fault }) => Some(fault),
        Some(Outcome::Ok { .. } | Outcome::Recorded) | None => None,
    }
}

#[test]
fn an_undo_is_what_the_journal_says() {
    let mut rig = stopped("i-1");
    rig.run("stop_instances", back("i-1"));
    let proved = json!({"ids": ["i-1"], "name": "proof", "state": "back"});
    assert_eq!(rig.plans[0].1.args, proved, "the session knows what was done");
    rig.planned();
    assert_eq!(rig.asks.len(), 1, "and asks all the same");
    rig.check();

    let mut rig = stopped("i-1");
    rig.ask("bring it back");
    rig.calls([call("t1", "stop_instances", back("i-1"))]);
    assert_eq!(rig.plans[0].1.args, proved, "a model's call as well");

    let mut rig = stopped("i-1");
    rig.command(Command::Undo(CallId(1)));
    assert_eq!(rig.plans[0].1.args, proved, "and the undo itself");
}

#[test]
fn nobody_can_make_one_up() {
    let mut forged = back("i-1");
    forged["name"] = json!("another proof");
    for args in [back("i-2"), forged] {
        let mut rig = stopped("i-1");
        rig.run("stop_instances", args.clone());
        assert!(rig.plans.is_empty(), "{args}");
        let fault = refused(&rig).unwrap();
        assert!(fault.kind == FaultKind::Missing && fault.hint.is_some(), "{fault}");
        rig.check();
    }
}

#[test]
fn what_was_not_made_cannot_be_undone() {
    // Never asked for.
    let mut rig = Rig::with(undoing());
    rig.run("stop_instances", back("i-1"));
    assert_eq!(refused(&rig).unwrap().kind, FaultKind::Missing);
    // Planned and refused.
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.refuse(None, false);
    rig.run("stop_instances", back("i-1"));
    assert_eq!(refused(&rig).unwrap().kind, FaultKind::Missing);
    // Approved, and AWS said no.
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    rig.approve();
    rig.replanned();
    let failed = rig.commits.remove(0).call();
    rig.feed(Input::Written(failed, Written::NotDone(Fault::new(FaultKind::Denied, "no"))));
    rig.run("stop_instances", back("i-1"));
    assert_eq!(refused(&rig).unwrap().kind, FaultKind::Missing);
    assert!(rig.plans.is_empty());
    rig.check();
}

#[test]
fn it_survives_a_restart() {
    let rig = stopped("i-1");
    let mut rig = rig.killed(undoing());
    rig.run("stop_instances", back("i-1"));
    assert_eq!(rig.plans[0].1.args["name"], "proof");
    rig.check();
}
