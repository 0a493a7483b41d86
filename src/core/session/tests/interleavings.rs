//! Whatever happens in whatever order: the promises hold.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One thing that may happen; numbers choose among what is possible then.
#[derive(Clone, Debug)]
enum Move {
    Ask(u8),
    Delta,
    Answer,
    Fail,
    Calls(Vec<u8>),
    Human(u8),
    Read(u8),
    ReadFails(u8),
    Planned(u8),
    PlanFails(u8),
    Approve,
    Refuse(bool),
    Replanned(u8),
    Written(u8),
    Cancel,
    Gone,
    Joined,
    Again(u8),
    Undo(u8),
    Withdraw(u8),
    Mode(u8),
    Scope(u8),
    Wake(u8),
    Late,
    StoreFailed(u8),
    Killed,
    /// Determinism is to be evaluated.
    Evaluate,
    /// News of an evaluation; odd: the last.
    Evaluated(u8),
    /// Plan, approve, plan again: a change is on its way.
    Through,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => any::<u8>().prop_map(Move::Ask),
        2 => Just(Move::Delta),
        3 => Just(Move::Answer),
        1 => Just(Move::Fail),
        10 => prop::collection::vec(any::<u8>(), 1..6).prop_map(Move::Calls),
        4 => any::<u8>().prop_map(Move::Human),
        10 => any::<u8>().prop_map(Move::Read),
        2 => any::<u8>().prop_map(Move::ReadFails),
        10 => any::<u8>().prop_map(Move::Planned),
        1 => any::<u8>().prop_map(Move::PlanFails),
        10 => Just(Move::Approve),
        3 => any::<bool>().prop_map(Move::Refuse),
        10 => any::<u8>().prop_map(Move::Replanned),
        8 => any::<u8>().prop_map(Move::Written),
        2 => Just(Move::Cancel),
        1 => Just(Move::Gone),
        2 => Just(Move::Joined),
        1 => any::<u8>().prop_map(Move::Again),
        2 => any::<u8>().prop_map(Move::Undo),
        2 => any::<u8>().prop_map(Move::Withdraw),
        1 => any::<u8>().prop_map(Move::Mode),
        1 => any::<u8>().prop_map(Move::Scope),
        4 => any::<u8>().prop_map(Move::Wake),
        1 => Just(Move::Late),
        1 => any::<u8>().prop_map(Move::StoreFailed),
        12 => Just(Move::Through),
        1 => Just(Move::Killed),
        2 => Just(Move::Evaluate),
        2 => any::<u8>().prop_map(Move::Evaluated),
    ];
    prop::collection::vec(one, 1..80)
}

fn wanted(n: u8) -> Block {
    let id = ["", "same", "x"][usize::from(n % 3)];
    match n % 7 {
        0 | 1 => call(id, "list_ec2_instances", json!({"name": (n / 7 % 3).to_string()})),
        2 => call(id, "get_cloudwatch_logs", json!({})),
        3 | 4 => stop(id, ["i-1", "i-2", "i-3"][usize::from(n / 7 % 3)]),
        5 => call(id, "nonsense tool", json!([n])),
        _ => Block::ToolCall {
            id: id.into(),
            name: "stop_instances".into(),
            input: message::Input::Garbage("{".into()),
        },
    }
}

fn pick<T>(from: &mut Vec<T>, n: u8) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(usize::from(n) % from.len()))
}

fn play(rig: &mut Rig, what: &Move) {
    rig.now = rig.now.plus(Duration::from_millis(400));
    match what {
        Move::Ask(n) => {
            let front = if *n % 8 > 0 { SCREEN } else { HEADLESS };
            rig.feed(Input::Command(front, Command::Ask("why?".into())));
        }
        Move::Delta if !rig.requests.is_empty() => rig.model(ModelEvent::TextDelta("Because ".into())),
        Move::Answer if !rig.requests.is_empty() => rig.say([text("Because.")], Stop::EndTurn),
        Move::Fail => {
            if let Some(request) = rig.requests.last() {
                let error = ModelError { kind: ModelErrorKind::Overloaded, message: "busy".into() };
                rig.feed(Input::Model(request.turn, request.iteration, Err(error)));
            }
        }
        Move::Calls(calls) if !rig.requests.is_empty() => rig.calls(calls.iter().map(|n| wanted(*n))),
        Move::Delta | Move::Answer | Move::Calls(_) => {}
        Move::Human(n) => {
            if let Block::ToolCall { name, input: message::Input::Json(args), .. } = wanted(*n) {
                rig.run(&name, args);
            }
        }
        Move::Read(n) => {
            if let Some(read) = pick(&mut rig.reads, *n) {
                let summary = ["stopped", "stopping", "terminated", "other"][usize::from(*n % 4)];
                rig.feed(Input::Read(read.call, Ok((result(summary), CallStats::default()))));
            }
        }
        Move::ReadFails(n) => {
            if let Some(read) = pick(&mut rig.reads, *n) {
                rig.feed(Input::Read(read.call, Err(Fault::new(FaultKind::Denied, "no"))));
            }
        }
        Move::Planned(n) if !rig.plans.is_empty() => {
            let at = usize::from(*n) % rig.plans.len();
            rig.plans.swap(0, at);
            rig.planned();
        }
        Move::Planned(_) => {}
        Move::PlanFails(n) => {
            if let Some((call, _)) = pick(&mut rig.plans, *n) {
                rig.feed(Input::Planned(call, Err(Fault::new(FaultKind::Missing, "gone")), challenge()));
            }
        }
        Move::Approve if !rig.asks.is_empty() => {
            rig.approve();
        }
        Move::Refuse(rest) if !rig.asks.is_empty() => rig.refuse(Some("no"), *rest),
        Move::Approve | Move::Refuse(_) => {}
        Move::Replanned(n) => {
            if let Some(proof) = pick(&mut rig.replans, *n) {
                let mut fresh = proof.proposal().clone();
                if n % 4 == 0 {
                    fresh.targets[0].state = format!("state {n}");
                }
                rig.feed(Input::Replanned(proof, Ok(fresh), challenge()));
            }
        }
        Move::Written(n) => {
            if let Some(spent) = pick(&mut rig.commits, *n) {
                let lost = Fault::new(FaultKind::Timeout, "no answer");
                let written = match n % 5 {
                    0 => Written::NotDone(lost),
                    1 => Written::Unknown(lost),
                    2 if n % 2 == 0 => Written::NotDurable("disk full".into()),
                    _ => Written::Done(result("stopping"), CallStats::default()),
                };
                rig.feed(Input::Written(spent.call(), written));
            }
        }
        Move::Cancel => rig.command(Command::Cancel),
        Move::Gone => rig.feed(Input::FrontGone(SCREEN)),
        Move::Joined => rig.feed(Input::FrontJoined(SCREEN, FrontCaps { can_ask: true })),
        Move::Again(n) => rig.command(Command::Again(CallId(u64::from(*n % 16)))),
        Move::Undo(n) => rig.command(Command::Undo(CallId(u64::from(*n % 16)))),
        Move::Withdraw(n) => rig.command(Command::Withdraw(CallId(u64::from(*n % 16)))),
        Move::Mode(n) => {
            let mode = if n % 4 == 0 {
                [Mode::Track, Mode::ReadOnly][usize::from(*n / 4 % 2)]
            } else {
                Mode::Execute
            };
            rig.command(Command::SetMode(mode));
        }
        Move::Scope(n) => {
            let account = ["123456789012", "123456789012", "111122223333"][usize::from(*n % 3)].to_owned();
            let identity = crate::scope::Identity { account, ..Default::default() };
            rig.feed(Input::Scope(Scope { identity: Some(identity), ..Scope::default() }));
        }
        Move::Wake(n) => {
            if let Some((wake, at)) = pick(&mut rig.wakes, *n) {
                rig.now = rig.now.max(at);
                rig.feed(Input::Woke(wake));
            }
        }
        Move::Late => {
            for call in 0..8 {
                rig.feed(Input::Planned(CallId(call + 100), Ok(plan(&["i-1"])), challenge()));
                rig.feed(Input::Written(CallId(call), Written::NotDone(Fault::new(FaultKind::Denied, "no"))));
            }
        }
        Move::StoreFailed(n) => {
            if n % 8 == 0 {
                rig.feed(Input::StoreFailed("disk full".into()));
            }
        }
        Move::Through => {
            while !rig.plans.is_empty() {
                rig.planned();
            }
            if !rig.asks.is_empty() {
                rig.approve();
            }
            if !rig.replans.is_empty() {
                rig.replanned();
            }
        }
        Move::Evaluate => {
            rig.command(Command::Evaluate { question: "why?".into(), runs: 3, concurrency: 2 });
        }
        Move::Evaluated(n) => super::evaluating::news(rig, n % 2 == 1),
        // Handled by the caller: the rig is taken apart.
        Move::Killed => {}
    }
}

/// Each intent follows an approval of the same digest, and no approval pays for two.
fn no_change_without_approval(rig: &Rig) {
    let mut approved = BTreeMap::new();
    let mut open = None;
    for fact in rig.facts() {
        match fact {
            Fact::Approved { approval, digest, call, .. } => {
                assert!(approved.insert(*approval, (digest.clone(), *call)).is_none(), "approved once");
            }
            Fact::WriteIntended { approval, digest, call } => {
                let proof = approved.remove(approval).expect("approved, and not spent before");
                assert_eq!(proof, (digest.clone(), *call));
                assert_eq!(open, None, "one change at a time");
                open = Some(*call);
            }
            Fact::WriteConcluded { call, .. } => {
                assert_eq!(open.take(), Some(*call), "one conclusion per intent");
            }
            _ => {}
        }
    }
}

/// Cancel, cancel again, let what is on its way conclude: then nothing runs.
fn cancel_reaches_idle(rig: &mut Rig) {
    rig.command(Command::Cancel);
    assert!(rig.session.turn.is_none());
    rig.command(Command::Cancel);
    for spent in std::mem::take(&mut rig.commits) {
        rig.feed(Input::Written(spent.call(), Written::Done(result("stopping"), CallStats::default())));
    }
    super::evaluating::news(rig, true);
    rig.command(Command::Cancel);
    assert!(rig.session.idle(), "{:?} {:?}", rig.session.calls, rig.session.verifying);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold(moves in moves()) {
        let mut rig = Rig::new();
        for what in &moves {
            if matches!(what, Move::Killed) {
                rig = rig.killed(setup());
            } else {
                play(&mut rig, what);
            }
            rig.check();
            no_change_without_approval(&rig);
            super::evaluating::nothing_runs_beside(&rig);
        }
        cancel_reaches_idle(&mut rig);
        rig.check();
        no_change_without_approval(&rig);
        rig.ask("is everything in order?");
        rig.check();
        rig.command(Command::Quit);
        prop_assert_eq!(rig.finishes, 1);
        rig.check();
    }
}
