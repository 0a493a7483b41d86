//! Entries, live deltas, notices and the clock.

use crate::event::{Event, Live, Progress};
use crate::id::{CallId, StepNo, TurnId};
use crate::journal::{Fact, TurnEnd};
use crate::message::{Block, ModelError, ModelErrorKind, Stop, Usage};
use crate::scope::{Identity, Mode, Scope};
use crate::screen::fixture::Rig;
use crate::screen::{ChatItem, Extent, Hit, HitTarget, Mark, Mouse, MouseKind, Msg, Shown};
use crate::settings::Settings;
use crate::tool::Risk;
use serde_json::json;
use std::time::Duration;

#[test]
fn the_ledger_follows_the_entries() {
    let mut rig = Rig::with_calls(2);
    let ledger = &rig.screen.ledger;
    assert_eq!((ledger.turns, ledger.meter.session().tokens, ledger.running), (1, 15, None));
    let answer = StepNo(4);
    assert_eq!(
        ledger.chat,
        [
            ChatItem::Question { text: "why?".into(), step: StepNo(1) },
            ChatItem::Answer { text: "because [#2]".into(), step: answer, partial: false },
        ]
    );
    rig.append(Fact::ModeChanged { mode: Mode::Track });
    let settings = Settings { provider: "offline".into(), model: "rules".into(), ..Settings::default() };
    rig.append(Fact::SettingsChanged { settings });
    assert_eq!(rig.screen.ledger.mode, Mode::Track);
    assert_eq!(rig.screen.ledger.settings.model, "rules");
}

#[test]
fn an_entry_counts_once() {
    let mut rig = Rig::new();
    let entry = rig.append(Fact::Question { turn: TurnId(1), text: "why?".into() });
    rig.msg(Msg::Event(Event::Appended(entry)));
    assert_eq!((rig.screen.ledger.entries.len(), rig.screen.ledger.turns), (1, 1));
    assert_eq!(rig.screen.ledger.chat.len(), 1);
}

#[test]
fn a_turn_that_does_not_answer_says_why() {
    for (end, part) in [
        (TurnEnd::Cancelled, Some("cancelled")),
        (TurnEnd::Iterations(20), Some("20 iterations")),
        (TurnEnd::Loop("list_ecs_services".into()), Some("list_ecs_services")),
        (TurnEnd::Stopped("output limit".into()), Some("output limit")),
        (TurnEnd::Crashed, Some("middle")),
        (TurnEnd::Answered, None),
    ] {
        let mut rig = Rig::new();
        rig.question(1, "why?");
        rig.end(1, end);
        let line = match rig.screen.ledger.chat.last().unwrap() {
            ChatItem::Line { text, bad: true, .. } => Some(text.as_str()),
            ChatItem::Line { .. }
            | ChatItem::Question { .. }
            | ChatItem::Answer { .. }
            | ChatItem::Thinking { .. } => None,
        };
        assert_eq!(line.is_some(), part.is_some());
        assert!(line.unwrap_or_default().contains(part.unwrap_or_default()), "{line:?}");
        assert_eq!(rig.screen.ledger.running, None);
    }
}

#[test]
fn a_model_that_failed_keeps_what_it_said() {
    let mut rig = Rig::new();
    rig.question(1, "why?");
    rig.append(Fact::ModelFailed {
        turn: TurnId(1),
        iteration: 1,
        partial: vec![Block::Text { text: "I think".into() }],
        error: ModelError { kind: ModelErrorKind::Overloaded, message: "busy".into() },
    });
    rig.end(1, TurnEnd::ModelFailed);
    let chat = &rig.screen.ledger.chat;
    assert!(matches!(&chat[1], ChatItem::Answer { text, partial: true, .. } if text == "I think"));
    assert!(matches!(&chat[2], ChatItem::Line { text, bad: true, .. } if text == "busy"));
    assert_eq!(chat.len(), 3, "said once");
}

#[test]
fn live_text_is_replaced_by_its_entry() {
    let mut rig = Rig::new();
    let text = |rig: &mut Rig, turn, more: &str| {
        rig.msg(Msg::Event(Event::Live(Live::Text(TurnId(turn), more.into()))));
        rig.screen.live.text.clone().map(|(_, text)| text)
    };
    assert_eq!(text(&mut rig, 1, "early"), None, "no such turn");
    rig.question(1, "why?");
    assert_eq!(text(&mut rig, 1, "be").as_deref(), Some("be"));
    assert_eq!(text(&mut rig, 1, "cause").as_deref(), Some("because"));
    assert_eq!(text(&mut rig, 2, "other").as_deref(), Some("because"));
    rig.msg(Msg::Event(Event::Live(Live::Composing(TurnId(1), "list_ecs_services".into()))));
    assert_eq!(rig.screen.live.doing.as_deref(), Some("composing list_ecs_services"));
    rig.answer(1, "because");
    assert_eq!((&rig.screen.live.text, &rig.screen.live.doing), (&None, &None));
    rig.end(1, TurnEnd::Answered);
    assert_eq!(text(&mut rig, 1, "late"), None, "the turn is over");
}

#[test]
fn thinking_streams_beside_the_answer_and_is_kept_before_it() {
    let mut rig = Rig::new();
    let think = |rig: &mut Rig, more: &str| {
        rig.msg(Msg::Event(Event::Live(Live::Reasoning(TurnId(1), more.into()))));
        rig.screen.live.thinking.as_ref().map(|t| t.text.clone())
    };
    assert_eq!(think(&mut rig, "early"), None, "no such turn");
    rig.question(1, "why?");
    assert_eq!(think(&mut rig, "The dep").as_deref(), Some("The dep"));
    rig.wait(3_100);
    assert_eq!(think(&mut rig, "loy.").as_deref(), Some("The deploy."));
    rig.msg(Msg::Event(Event::Live(Live::Text(TurnId(1), "It".into()))));
    rig.wait(2_000);
    let reasoning = |raw| Block::Reasoning { provider: "p".into(), model: "m".into(), raw };
    let responded = |blocks| Fact::ModelResponded {
        turn: TurnId(1),
        iteration: 1,
        blocks,
        stop: Stop::EndTurn,
        usage: Usage::default(),
    };
    let thinking = json!({"type": "thinking", "thinking": "The deploy.", "signature": "s"});
    rig.append(responded(vec![reasoning(thinking), Block::Text { text: "It was the deploy.".into() }]));
    assert_eq!(rig.screen.live.thinking, None);
    let step = StepNo(2);
    let text = |text: &str| text.to_owned();
    assert_eq!(
        rig.screen.ledger.chat[1..],
        [
            ChatItem::Thinking { text: text("The deploy."), encrypted: false, step, ms: Some(3_100) },
            ChatItem::Answer { text: text("It was the deploy."), step, partial: false },
        ]
    );
    // What was not seen live has no duration; what only its vendor can read says so.
    let sealed = json!({"type": "redacted_thinking", "data": "ZGF0YQ=="});
    rig.append(responded(vec![reasoning(sealed)]));
    assert!(matches!(
        rig.screen.ledger.chat.last(),
        Some(ChatItem::Thinking { text, encrypted: true, ms: None, .. }) if text.is_empty()
    ));
}

#[test]
fn thinking_opens_and_folds() {
    let mut rig = Rig::new();
    rig.question(1, "why?");
    for turn in 1..=2 {
        let raw = json!({"thinking": "hm"});
        let blocks = vec![Block::Reasoning { provider: "p".into(), model: "m".into(), raw }];
        let (iteration, stop, usage) = (turn, Stop::ToolUse, Usage::default());
        rig.append(Fact::ModelResponded { turn: TurnId(1), iteration, blocks, stop, usage });
    }
    let (first, second) = (StepNo(2), StepNo(3));
    let open = |rig: &Rig| [first, second].map(|s| rig.screen.chat.folds.is_open(s));
    assert_eq!(open(&rig), [false, false], "folded until it is opened");
    let shown = Shown {
        chat: Extent { total: 40, fits: 10 },
        links: vec![Mark::Thinking(first), Mark::Link(StepNo(1)), Mark::Thinking(second)],
        link_lines: vec![2, 10, 35],
        targets: vec![HitTarget { area: (0, 5, 20, 1), hit: Hit::Thinking(first) }],
        ..Shown::default()
    };
    rig.msg(Msg::Drawn(shown));
    // With nothing selected Enter is about the newest; with something, about that.
    rig.keys("<Esc>1<Enter>");
    assert_eq!(open(&rig), [false, true]);
    rig.keys("[[[<Enter>");
    assert_eq!(open(&rig), [true, true]);
    assert_eq!(rig.screen.chat.anchor, Some(2), "its line is in view");
    rig.keys("<Enter>");
    assert_eq!(open(&rig), [false, true]);
    rig.msg(Msg::Mouse(Mouse { at: (3, 5), kind: MouseKind::Click }));
    assert_eq!(open(&rig), [true, true]);
    // All of it, and what is still to come; on the timeline the same keys are about steps.
    rig.keys("E");
    assert_eq!(open(&rig), [false, false]);
    rig.keys("e");
    assert_eq!(open(&rig), [true, true]);
    assert!(rig.screen.chat.folds.is_open(StepNo(99)) && rig.screen.timeline.expanded.is_empty());
    rig.keys("2E1<Enter>");
    assert_eq!(open(&rig), [false, true], "the first is still selected");
    rig.keys("2e");
    assert!(!rig.screen.timeline.expanded.is_empty());
}

#[test]
fn progress_belongs_to_calls_that_run() {
    let mut rig = Rig::new();
    let progress = |rig: &mut Rig| {
        let progress = Progress { done: 1, total: Some(3), unit: "regions", ..Progress::default() };
        rig.msg(Msg::Event(Event::Live(Live::Progress(CallId(1), progress))));
        rig.screen.live.progress.len()
    };
    assert_eq!(progress(&mut rig), 0);
    rig.called(1, "list_ecs_services", Risk::Read);
    assert_eq!(progress(&mut rig), 1);
    rig.finished(1, None);
    assert_eq!(rig.screen.live.progress.len(), 0);
    assert_eq!(progress(&mut rig), 0);
}

#[test]
fn notices_go_by_themselves() {
    let mut rig = Rig::new();
    for n in 0..8 {
        rig.msg(Msg::Event(Event::Notice(format!("notice {n}"))));
    }
    assert_eq!(rig.screen.notices.len(), 5);
    rig.msg(Msg::Event(Event::StoreFailed("disk full".into())));
    for n in 0..8 {
        rig.msg(Msg::Event(Event::Notice(format!("later {n}"))));
    }
    assert_eq!(rig.screen.notices.iter().filter(|n| n.sticky).count(), 1);
    let end = rig.screen.wake(rig.now).unwrap();
    assert_eq!(end, rig.now.plus(Duration::from_secs(6)));
    rig.wait(6_000);
    rig.msg(Msg::Tick);
    assert_eq!(rig.screen.notices.len(), 1, "the sticky one stays");
    assert_eq!(rig.screen.store_failed.as_deref(), Some("disk full"));
    // The same sentence again is shown once, for its full time.
    for _ in 0..3 {
        rig.msg(Msg::Event(Event::Notice("again".into())));
    }
    assert_eq!(rig.screen.notices.len(), 2);
}

#[test]
fn an_idle_console_sleeps() {
    let mut rig = Rig::new();
    assert_eq!(rig.screen.wake(rig.now), None);
    rig.keys("typing<Esc>jk");
    rig.wait(6_000);
    rig.msg(Msg::Tick);
    assert_eq!(rig.screen.wake(rig.now), None);
    rig.question(1, "why?");
    assert_eq!(rig.screen.wake(rig.now), Some(rig.now.plus(Duration::from_millis(100))));
    rig.end(1, TurnEnd::Answered);
    assert_eq!(rig.screen.wake(rig.now), None);
    rig.called(1, "list_ecs_services", Risk::Read);
    assert_eq!(rig.screen.wake(rig.now), Some(rig.now.plus(Duration::from_millis(100))));
    rig.finished(1, None);
    let expires = Some(rig.now.plus(Duration::from_millis(150_500)));
    let identity = Some(Identity { expires, ..Identity::default() });
    rig.append(Fact::ScopeChanged { scope: Scope { identity, ..Scope::default() } });
    assert_eq!(
        rig.screen.wake(rig.now),
        Some(rig.now.plus(Duration::from_millis(30_500))),
        "2 min 30.5 s left"
    );
    rig.wait(200_000);
    assert_eq!(rig.screen.wake(rig.now), None, "they have ended");
}

#[test]
fn the_dialog_wakes_when_it_can_be_approved() {
    let mut rig = Rig::new();
    rig.ask(1, crate::approval::fixture::calm(), "BDEF");
    rig.draw();
    rig.wait(300);
    assert_eq!(rig.screen.wake(rig.now), Some(rig.now.plus(Duration::from_millis(400))));
    rig.wait(400);
    assert_eq!(rig.screen.wake(rig.now), Some(rig.now.plus(Duration::from_secs(1))), "the plan's age");
}

#[test]
fn the_engine_ends() {
    let mut rig = Rig::new();
    rig.msg(Msg::Event(Event::Closed));
    assert!(rig.screen.quit);
}
