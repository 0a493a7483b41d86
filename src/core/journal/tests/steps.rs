//! The timeline.

use super::*;

fn step(book: &Book, no: u32) -> (StepKind, StepStatus, String, String) {
    let step = book.timeline.get(StepNo(no)).unwrap();
    (step.kind, step.status, step.title.clone(), step.remark.clone())
}

#[test]
fn a_turn_as_steps() {
    let mut book = Book::of([
        question("why is checkout failing?\nplease"),
        requested(1),
        responded(1, vec![wants("a", "x", json!({})), wants("b", "y", json!({}))]),
        called(1, 1, "list_ecs_services"),
        called(2, 1, "get_cost_by_service"),
        finished(1, "2 of 14 services below desired"),
        failed(2, Fault::new(FaultKind::Denied, "no").action("ce:GetCostAndUsage")),
        requested(2),
        responded(2, vec![text("checkout-api lost 6 of 8 tasks [#4].")]),
    ]);
    assert_eq!(book.add(Fact::TurnEnded { turn: TURN, reason: TurnEnd::Answered }), None);
    use StepKind::{ModelRequest, ModelResponse, Question, ToolCall};
    use StepStatus::{Completed, Denied};
    let s = |t: &str| t.to_owned();
    assert_eq!(step(&book, 1), (Question, Completed, s("why is checkout failing?"), s("")));
    assert_eq!(step(&book, 2), (ModelRequest, Completed, s("model request"), s("2.1k tok")));
    assert_eq!(step(&book, 3), (ModelResponse, Completed, s("model response"), s("2 calls")));
    assert_eq!(
        step(&book, 4),
        (ToolCall, Completed, s("list_ecs_services"), s("2 of 14 services below desired"))
    );
    assert_eq!(
        step(&book, 5),
        (ToolCall, Denied, s("get_cost_by_service"), s("denied: needs ce:GetCostAndUsage"))
    );
    assert_eq!(step(&book, 7).3, "checkout-api lost 6 of 8 tasks [#4].");
    assert_eq!(book.timeline.steps().len(), 7);
    let call = book.timeline.of_call(CallId(2)).unwrap();
    assert_eq!((call.turn, call.iteration), (Some(TURN), Some(1)));
    assert_eq!(call.entries, [Seq(4), Seq(6)]);
    assert_eq!(call.ended, Some(book.entries[6].at));
}

#[test]
fn how_a_call_ends_is_how_it_stands() {
    let partial = |fault| {
        let mut p = Projection::new("half", Timestamp::from_millis(0));
        p.errors.push(crate::tool::Partial { account: None, place: "us-east-1".into(), fault });
        p
    };
    let fault = |kind| Fault::new(kind, "why");
    for (fact, status) in [
        (finished(1, "ok"), StepStatus::Completed),
        (ok(1, partial(fault(FaultKind::Denied))), StepStatus::Partial),
        (failed(1, fault(FaultKind::Denied)), StepStatus::Denied),
        (failed(1, fault(FaultKind::Refused)), StepStatus::Denied),
        (failed(1, fault(FaultKind::Guard)), StepStatus::Denied),
        (failed(1, fault(FaultKind::Cancelled)), StepStatus::Cancelled),
        (failed(1, fault(FaultKind::Throttled)), StepStatus::Error),
        (failed(1, fault(FaultKind::Timeout)), StepStatus::Error),
        (Fact::ToolFinished { call: CallId(1), outcome: Outcome::Recorded }, StepStatus::Recorded),
    ] {
        let mut book = Book::of([ran(1, "t")]);
        assert_eq!(step(&book, 1).1, StepStatus::InProgress);
        assert_eq!(book.add(fact), Some(StepNo(1)));
        assert_eq!(step(&book, 1).1, status);
    }
}

#[test]
fn an_approval_is_its_own_step_and_the_change_belongs_to_the_call() {
    let mut book = Book::of([ran(1, "stop_instances"), asked(1, 9)]);
    assert_eq!(step(&book, 2).0, StepKind::Approval);
    assert_eq!(step(&book, 2).1, StepStatus::InProgress);
    assert_eq!(step(&book, 2).2, "Stop 1 instance in eu-west-1");
    let approved = Fact::Approved {
        call: CallId(1),
        approval: ApprovalId(9),
        digest: Digest::of(&fixture::calm()),
        operator: "sam".into(),
        typed_code: true,
    };
    assert_eq!(book.add(approved), Some(StepNo(2)));
    assert_eq!(step(&book, 2).3, "approved by sam, code typed");
    assert_eq!(book.add(intended(1, 9)), Some(StepNo(1)));
    let unknown = Fact::WriteConcluded { call: CallId(1), effect: WriteEffect::Unknown };
    assert_eq!(book.add(unknown), Some(StepNo(1)));
    book.add(failed(1, Fault::new(FaultKind::Timeout, "no answer")));
    assert_eq!(step(&book, 1).1, StepStatus::Unknown, "the lost answer outweighs the fault");
    book.add(Fact::Verified { call: CallId(1), summary: "stopped".into(), reached: Some(true) });
    assert_eq!(step(&book, 1).1, StepStatus::Completed);
    assert_eq!(
        step(&book, 3),
        (StepKind::Note, StepStatus::Completed, "verified stop_instances #1".into(), "stopped".into())
    );
}

#[test]
fn who_refused_is_told() {
    for (by, status, told) in [
        (RefusedBy::Operator, StepStatus::Denied, "refused by the operator: not now"),
        (RefusedBy::Cancelled, StepStatus::Cancelled, "cancelled: not now"),
        (RefusedBy::NobodyToAsk, StepStatus::Denied, "refused: nobody can be asked here: not now"),
    ] {
        let mut book = Book::of([ran(1, "stop_instances"), asked(1, 9)]);
        let note = Some("not now".to_owned());
        book.add(Fact::Refused { call: CallId(1), approval: Some(ApprovalId(9)), by, note });
        assert_eq!((step(&book, 2).1, step(&book, 2).3.as_str()), (status, told));
    }
}

#[test]
fn settings_at_the_beginning_are_one_step_and_later_their_own() {
    let mode = |mode| Fact::ModeChanged { mode };
    let mut book = Book::of([
        Fact::SessionStarted { session: "s".into(), version: "0.1.0".into(), operator: "sam".into() },
        Fact::ScopeChanged { scope: crate::scope::Scope::default() },
        mode(crate::scope::Mode::Track),
    ]);
    assert_eq!(book.timeline.steps().len(), 1);
    assert_eq!(book.timeline.steps()[0].entries.len(), 3);
    book.add(question("q"));
    assert_eq!(book.add(mode(crate::scope::Mode::Execute)), Some(StepNo(3)));
}

#[test]
fn a_turn_that_did_not_answer_says_why() {
    for (reason, told) in [
        (TurnEnd::Cancelled, "turn cancelled"),
        (TurnEnd::Iterations(20), "the limit of 20 iterations"),
        (TurnEnd::Loop("list was called".into()), "list was called"),
        (TurnEnd::Stopped("cut off".into()), "cut off"),
    ] {
        let book = Book::of([question("q"), Fact::TurnEnded { turn: TURN, reason }]);
        let (kind, _, title, remark) = step(&book, 2);
        assert_eq!(kind, StepKind::Note);
        assert!(format!("{title} {remark}").contains(told), "{title} {remark}");
    }
}

#[test]
fn a_failed_request_ends_its_step() {
    for (kind, status) in
        [(ModelErrorKind::Cancelled, StepStatus::Cancelled), (ModelErrorKind::Overloaded, StepStatus::Error)]
    {
        let error = ModelError { kind, message: "busy\nvery".into() };
        let failed = Fact::ModelFailed { turn: TURN, iteration: 1, partial: vec![], error };
        let book = Book::of([question("q"), requested(1), failed]);
        assert_eq!(step(&book, 2), (StepKind::ModelRequest, status, "model request".into(), "busy".into()));
    }
}
