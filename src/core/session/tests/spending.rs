//! Reads over what they may cost: a plain question on the screen, refused where nobody can be asked.

use super::*;

fn dear() -> Fault {
    Fault::new(FaultKind::Refused, "it would scan about 38 GB, about $0.19; without asking it may scan 10 GB")
        .hint("a shorter period")
        .allowance(38_000_000_000)
}

#[test]
fn a_yes_runs_the_read_again_with_what_was_allowed() {
    let mut rig = Rig::new();
    rig.run("get_cloudwatch_logs", json!({}));
    assert_eq!(rig.reads[0].allowed, None);
    rig.read_fails(dear());
    let (front, asked) = rig.prices.remove(0);
    assert_eq!((front, asked.what), (SCREEN, Expense::Read(CallId(1))));
    assert!(asked.says.contains("38 GB"), "{asked:?}");
    assert!(rig.reads.is_empty() && rig.outcome(CallId(1)).is_none(), "nothing runs before the answer");
    rig.command(Command::Spend { what: Expense::Read(CallId(1)), yes: true });
    assert_eq!(rig.reads[0].allowed, Some(38_000_000_000));
    rig.read("rows");
    assert!(matches!(rig.outcome(CallId(1)), Some(Outcome::Ok { .. })));
    let noted = rig.facts().into_iter().any(
        |f| matches!(f, Fact::Noted { text } if text.contains("sam allowed get_cloudwatch_logs") && text.contains("$0.19")),
    );
    assert!(noted, "who allowed what is in the journal: {:?}", rig.story());
    assert!(rig.session.idle());
    // A second answer finds nothing open.
    rig.command(Command::Spend { what: Expense::Read(CallId(1)), yes: true });
    assert!(rig.reads.is_empty() && rig.told.len() == 1);
    rig.check();
}

#[test]
fn a_no_is_a_refusal_and_covers_the_rest_of_the_turn() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([call("a", "get_cloudwatch_logs", json!({}))]);
    rig.read_fails(dear());
    rig.command(Command::Spend { what: Expense::Read(CallId(1)), yes: false });
    let fault = rig.fault(CallId(1));
    assert_eq!((fault.kind, fault.allowance), (FaultKind::Refused, None));
    assert!(fault.message.starts_with("the operator said no"), "{fault}");
    assert_eq!(rig.status(CallId(1)), StepStatus::Denied);
    assert!(rig.results()[0].contains("the operator said no"), "{:?}", rig.results());
    rig.calls([call("b", "get_cloudwatch_logs", json!({"name": "again"}))]);
    rig.read_fails(dear());
    assert_eq!(rig.prices.len(), 1, "not asked again");
    assert!(rig.fault(CallId(2)).message.contains("earlier no"));
    // A person's own call is another matter.
    rig.run("get_cloudwatch_logs", json!({"name": "mine"}));
    rig.read_fails(dear());
    assert_eq!(rig.prices.len(), 2);
    rig.check();
}

#[test]
fn where_nobody_can_be_asked_it_stays_refused() {
    let mut rig = Rig::new();
    let run = Command::Call { tool: "get_cloudwatch_logs".into(), args: json!({}), fresh: true };
    rig.feed(Input::Command(HEADLESS, run));
    rig.read_fails(dear());
    assert!(rig.prices.is_empty());
    assert_eq!(rig.fault(CallId(1)), dear());
    rig.check();
}

#[test]
fn one_question_or_dialog_at_a_time_and_cancelling_ends_them() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([
        call("a", "get_cloudwatch_logs", json!({"name": "a"})),
        call("b", "get_cloudwatch_logs", json!({"name": "b"})),
        stop("c", "i-1"),
    ]);
    rig.read_fails(dear());
    rig.read_fails(dear());
    rig.planned();
    assert_eq!((rig.prices.len(), rig.asks.len()), (1, 0));
    rig.command(Command::Spend { what: Expense::Read(CallId(1)), yes: true });
    assert_eq!((rig.prices.len(), rig.asks.len()), (2, 0), "the next question, not yet the dialog");
    rig.command(Command::Spend { what: Expense::Read(CallId(2)), yes: false });
    assert_eq!((rig.prices.len(), rig.asks.len()), (2, 1));
    rig.refuse(None, false);
    rig.read("rows of a");
    assert!(rig.results().iter().any(|r| r.contains("rows of a")));
    rig.calls([call("d", "get_cloudwatch_logs", json!({"name": "d"}))]);
    rig.command(Command::Cancel);
    assert!(rig.session.idle());
    rig.check();

    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([call("a", "get_cloudwatch_logs", json!({}))]);
    rig.read_fails(dear());
    rig.command(Command::Cancel);
    assert_eq!(rig.fault(CallId(1)).kind, FaultKind::Cancelled);
    assert!(rig.session.idle());
    rig.command(Command::Spend { what: Expense::Read(CallId(1)), yes: true });
    assert!(rig.reads.is_empty(), "an answer that comes too late runs nothing");
    rig.check();
}

#[test]
fn a_screen_that_goes_away_answers_no() {
    let mut rig = Rig::new();
    rig.run("get_cloudwatch_logs", json!({}));
    rig.read_fails(dear());
    rig.feed(Input::FrontGone(SCREEN));
    assert_eq!(rig.fault(CallId(1)).kind, FaultKind::Cancelled);
    assert!(rig.session.idle());
    rig.check();
}
