//! What a turn may take: asked before it goes over, once more after each yes.

use super::window::models;
use super::*;
use crate::message::Usage;
use crate::settings::Ceiling;

fn limited(ceiling: Ceiling) -> Rig {
    let settings = Settings { ceiling, ..setup().settings };
    Rig::with(Setup { models: models(1_000_000), settings, ..setup() })
}

fn tokens(most: u64) -> Rig {
    limited(Ceiling { tokens: Some(most), dollars: None })
}

/// The model calls a tool and has taken so many tokens; the tool answers.
fn round(rig: &mut Rig, input: u64) {
    rig.model(ModelEvent::Usage(Usage { input, output: 100, ..Usage::default() }));
    let n = rig.requests.len();
    rig.calls([call(&format!("c{n}"), "list_ec2_instances", json!({"name": format!("web-{n}")}))]);
    while !rig.reads.is_empty() {
        rig.read("one");
    }
}

fn answer(rig: &mut Rig, yes: bool) {
    let (front, spending) = rig.prices.remove(0);
    rig.feed(Input::Command(front, Command::Spend { what: spending.what, yes }));
}

#[test]
fn asked_before_it_is_gone_over_and_again_after_each_yes() {
    let mut rig = tokens(50_000);
    rig.ask("q");
    round(&mut rig, 20_000);
    assert!(rig.prices.is_empty() && rig.requests.len() == 2, "40k is below");
    round(&mut rig, 20_000);
    assert_eq!((rig.prices.len(), rig.requests.len()), (1, 2), "a third would be 60k");
    let (front, asked) = rig.prices[0].clone();
    assert_eq!((front, asked.what), (SCREEN, Expense::Turn(TurnId(1))));
    assert!(
        asked
            .says
            .starts_with("This turn has taken 40.2k tokens ($0.08) of 50k; the next request takes about 20."),
        "{}",
        asked.says
    );
    assert!(asked.says.ends_with("Go on?"), "{}", asked.says);
    answer(&mut rig, true);
    assert_eq!(rig.requests.len(), 3);
    let noted = rig
        .facts()
        .into_iter()
        .any(|f| matches!(f, Fact::Noted { text } if text.starts_with("sam let the turn take 100k tokens.")));
    assert!(noted, "{:?}", rig.story());
    round(&mut rig, 20_000);
    assert!(rig.prices.is_empty(), "80k is below the raised ceiling");
    round(&mut rig, 30_000);
    assert_eq!(rig.prices.len(), 1, "and then it asks again");
    answer(&mut rig, false);
    let Some(TurnEnd::Ceiling(why)) = rig.end() else { panic!("{:?}", rig.end()) };
    assert!(why.contains("of 100k") && why.contains("The operator said no"), "{why}");
    assert!(rig.session.idle());
    assert!(matches!(rig.outcome(CallId(1)), Some(Outcome::Ok { .. })), "what was found is kept");
    // The next turn has its own.
    rig.ask("again");
    assert!(rig.prices.is_empty() && rig.requests.last().unwrap().turn == TurnId(2));
    rig.check();
}

#[test]
fn money_counts_where_the_price_is_known() {
    let mut rig = limited(Ceiling { tokens: None, dollars: Some(0.10) });
    rig.ask("q");
    round(&mut rig, 20_000);
    round(&mut rig, 20_000);
    assert_eq!(rig.prices.len(), 1);
    let says = &rig.prices[0].1.says;
    assert!(says.contains("and $0.08 of $0.10") && says.contains("($0.04)"), "{says}");
    let setup = setup();
    let settings = Settings {
        model: "unknown".into(),
        ceiling: Ceiling { tokens: None, dollars: Some(0.10) },
        ..setup.settings.clone()
    };
    let mut rig = Rig::with(Setup { settings, ..setup });
    rig.ask("q");
    for _ in 0..4 {
        round(&mut rig, 20_000);
    }
    assert!(rig.prices.is_empty(), "what it costs is not known");
}

#[test]
fn where_nobody_can_be_asked_the_turn_ends() {
    let mut rig = tokens(30_000);
    rig.feed(Input::Command(HEADLESS, Command::Ask("q".into())));
    round(&mut rig, 20_000);
    assert!(rig.prices.is_empty());
    let Some(TurnEnd::Ceiling(why)) = rig.end() else { panic!("{:?}", rig.end()) };
    assert!(why.contains("Nobody can be asked here"), "{why}");
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn cancel_and_a_front_that_goes_end_it() {
    let mut rig = tokens(30_000);
    rig.ask("q");
    round(&mut rig, 20_000);
    rig.command(Command::Cancel);
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    assert!(rig.session.idle());
    answer(&mut rig, true);
    assert_eq!((rig.requests.len(), rig.told.len()), (1, 1), "an answer that comes too late goes nowhere");

    let mut rig = tokens(30_000);
    rig.ask("q");
    round(&mut rig, 20_000);
    rig.feed(Input::FrontGone(SCREEN));
    assert_eq!(rig.end(), Some(TurnEnd::Cancelled));
    rig.check();
}

#[test]
fn one_question_or_dialog_at_a_time() {
    // A dialog that is open keeps the question waiting.
    let mut rig = tokens(30_000);
    rig.ask("q");
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    rig.planned();
    assert_eq!(rig.asks.len(), 1);
    round(&mut rig, 20_000);
    assert!(rig.prices.is_empty(), "not beside the dialog");
    rig.refuse(None, false);
    assert_eq!(rig.prices.len(), 1);
    // And the question keeps a dialog waiting; a yes to it approves nothing.
    rig.run("stop_instances", json!({"ids": ["i-2"]}));
    rig.planned();
    assert!(rig.asks.is_empty(), "not beside the question");
    answer(&mut rig, true);
    assert_eq!((rig.asks.len(), rig.requests.len()), (1, 2));
    assert!(!rig.facts().iter().any(|f| matches!(f, Fact::Approved { .. })));
    rig.check();
}
