//! Reads: a person's, the bound, reuse, again.

use super::*;

fn reused(rig: &Rig, call: u64) -> Option<CallId> {
    match rig.outcome(CallId(call)) {
        Some(Outcome::Ok { reused, .. }) => reused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_persons_call_runs_beside_a_turn_and_the_model_learns_of_it() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.run("list_ec2_instances", json!({"name": "web"}));
    rig.read("two instances");
    assert_eq!(rig.requests.len(), 1);
    rig.calls([call("a", "get_cloudwatch_logs", json!({}))]);
    rig.read("logs");
    let told = rig.results();
    assert!(told[0].contains("logs"), "results first: {told:?}");
    assert!(
        told[1].starts_with("The operator ran list_ec2_instances(") && told[1].contains("two instances"),
        "{told:?}"
    );
    assert!(told[1].contains("[#4]"), "{told:?}");
    rig.check();
}

#[test]
fn a_persons_wrong_arguments_are_a_failed_step() {
    let mut rig = Rig::new();
    rig.run("list_ec2_instances", json!({"odd": 1}));
    rig.run("no_such_tool", json!({}));
    assert_eq!(rig.status(CallId(1)), StepStatus::Error);
    assert_eq!(rig.fault(CallId(2)).kind, FaultKind::Missing);
    rig.check();
}

#[test]
fn identical_reads_within_half_a_minute_share_a_result() {
    let mut rig = Rig::new();
    rig.run("list_ec2_instances", json!({"ids": ["i-1"]}));
    rig.read("r");
    rig.ask("q");
    // Defaults are filled in before comparing.
    rig.calls([call("a", "list_ec2_instances", json!({"name": null, "ids": ["i-1"]}))]);
    assert!(rig.reads.is_empty());
    assert_eq!(reused(&rig, 2), Some(CallId(1)));
    assert!(rig.results()[0].contains("same as [#2]"), "{:?}", rig.results());
    // A reuse does not prolong itself: the result is as old as it is.
    rig.now = rig.now.plus(Duration::from_secs(30));
    rig.run("list_ec2_instances", json!({"ids": ["i-1"]}));
    assert_eq!(reused(&rig, 3), Some(CallId(1)));
    rig.now = rig.now.plus(Duration::from_millis(1));
    rig.run("list_ec2_instances", json!({"ids": ["i-1"]}));
    assert_eq!(rig.reads.len(), 1);
    rig.check();
}

#[test]
fn fresh_other_partial_and_failed_reads_are_read() {
    let mut rig = Rig::new();
    rig.run("list_ec2_instances", json!({}));
    rig.read("r");
    rig.command(Command::Call { tool: "list_ec2_instances".into(), args: json!({}), fresh: true });
    rig.run("list_ec2_instances", json!({"state": "stopped"}));
    rig.command(Command::Again(CallId(1)));
    assert_eq!(rig.reads.len(), 3);
    rig.reads.clear();

    let mut rig = Rig::new();
    rig.run("get_cloudwatch_logs", json!({}));
    let read = rig.reads.remove(0);
    let fault = Fault::new(FaultKind::Throttled, "slow down");
    let mut partial = result("half");
    partial.errors.push(crate::tool::Partial {
        account: None,
        place: "us-east-1".into(),
        fault: fault.clone(),
    });
    rig.feed(Input::Read(read.call, Ok((partial, CallStats::default()))));
    assert_eq!(rig.status(CallId(1)), StepStatus::Partial);
    rig.run("get_cloudwatch_logs", json!({}));
    rig.read_fails(fault);
    rig.run("get_cloudwatch_logs", json!({}));
    assert_eq!(rig.reads.len(), 1);
}

#[test]
fn another_scope_ends_reuse_even_of_reads_that_were_running() {
    let mut rig = Rig::new();
    let elsewhere = Scope { regions: vec!["us-east-1".into()], ..Scope::default() };
    rig.run("list_ec2_instances", json!({}));
    rig.feed(Input::Scope(elsewhere.clone()));
    rig.read("of the old scope");
    rig.run("list_ec2_instances", json!({}));
    assert_eq!(rig.reads.len(), 1);
    rig.read("of the new scope");
    rig.feed(Input::Scope(elsewhere));
    assert_eq!(rig.story().iter().filter(|f| *f == "scope_changed").count(), 2, "no change, no fact");
    rig.run("list_ec2_instances", json!({}));
    assert!(rig.reads.is_empty());
}

#[test]
fn sixteen_reads_at_a_time_whoever_asks() {
    let mut rig = Rig::new();
    for n in 0..20 {
        rig.run("list_ec2_instances", json!({"name": n.to_string()}));
    }
    assert_eq!(rig.reads.len(), 16);
    rig.read("r");
    assert_eq!(rig.reads.len(), 16, "one left, one took its place");
    rig.command(Command::Cancel);
    assert_eq!(rig.cancelled.len(), 16, "what ran is stopped, what waited never ran");
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn again_is_for_reads() {
    let mut rig = Rig::new();
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.command(Command::Again(CallId(1)));
    rig.command(Command::Again(CallId(9)));
    assert_eq!(rig.told.len(), 2);
    assert_eq!(rig.plans.len(), 1);
    assert!(rig.reads.is_empty());
}

#[test]
fn denied_says_what_is_missing() {
    let mut rig = Rig::new();
    rig.run("list_ec2_instances", json!({}));
    rig.read_fails(Fault::new(FaultKind::Denied, "no").action("ec2:DescribeInstances"));
    let step = rig.session.timeline().of_call(CallId(1)).unwrap();
    assert_eq!(step.status, StepStatus::Denied);
    assert_eq!(step.remark, "denied: needs ec2:DescribeInstances");
}
