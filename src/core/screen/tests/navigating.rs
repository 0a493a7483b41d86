//! Panes, timeline, chat and detail: keys and what they lead to.

use crate::command::Command;
use crate::id::{CallId, StepNo};
use crate::journal::{Fact, RefusedBy, StepKind, TurnEnd};
use crate::keymap::Place;
use crate::screen::fixture::Rig;
use crate::screen::{DetailTab, Extent, Focus, Hit, HitTarget, Mark, Mouse, MouseKind, Msg, Shown};
use crate::tool::{FaultKind, Risk};

/// What the selection is on: `#3`, with `+` when it follows, and the steps shown.
fn timeline(rig: &Rig) -> String {
    let pane = &rig.screen.timeline;
    let selected = pane.selected.map_or("-".to_owned(), |no| format!("#{no}"));
    format!("{selected}{} of {}", if pane.follow { "+" } else { "" }, pane.visible.len())
}

#[test]
fn selecting() {
    // Steps: 1 question, 2 to 7 calls (4 denied), 8 the answer.
    for (keys, after) in [
        ("", "#8+ of 8"),
        ("k", "#7 of 8"),
        ("kk", "#6 of 8"),
        ("g", "#1 of 8"),
        ("gk", "#1 of 8"),
        ("gj<Down>", "#3 of 8"),
        ("G", "#8+ of 8"),
        ("gG", "#8+ of 8"),
        ("g<PgDn>", "#5 of 8"),
        ("g<PgDn><PgUp>", "#1 of 8"),
        ("g<Ctrl-d><Ctrl-d>", "#5 of 8"),
        ("g<Ctrl-d><Ctrl-u>", "#1 of 8"),
        ("jj", "#8 of 8"),
        ("kf", "#8+ of 8"),
        ("f", "#8 of 8"),
        ("x", "#4+ of 1"),
        ("xx", "#8+ of 8"),
        ("c", "#7+ of 6"),
        ("gc", "#2 of 6"),
        ("cx", "#4+ of 1"),
        ("cx<Esc>", "#8+ of 8"),
        ("/logs", "#7+ of 3"),
        ("/LOGS<Enter>g", "#3 of 3"),
        ("/logs<Enter>gnn", "#7 of 3"),
        ("/logs<Enter>gnnN", "#5 of 3"),
        ("/logs<Esc>", "#8+ of 8"),
        ("/logs<Enter><Esc>", "#8+ of 8"),
        ("/nothing", "-+ of 0"),
        ("/nothing<Enter>jkgG", "-+ of 0"),
    ] {
        let mut rig = Rig::with_calls(6);
        rig.draw();
        rig.keys("<Esc>");
        assert_eq!(rig.screen.focus, Focus::Timeline);
        assert!(rig.keys(keys).is_empty());
        assert_eq!(timeline(&rig), after, "{keys}");
    }
}

#[test]
fn the_selection_stays_in_view() {
    let mut rig = Rig::with_calls(20);
    rig.draw();
    rig.keys("<Esc>g");
    assert_eq!(rig.screen.timeline.top, 0);
    rig.keys("jjjjj");
    assert_eq!(rig.screen.timeline.top, 1);
    // Expanded steps take a row more for each of their entries; two above push the selection down.
    rig.keys("g<Enter>j<Enter>jjj");
    assert_eq!(timeline(&rig), "#5 of 22");
    assert_eq!(rig.screen.timeline.top, 4 + 1 + 2 + 1 - 5);
    rig.keys("E");
    assert!(rig.screen.timeline.expanded.is_empty());
    rig.keys("e");
    assert_eq!(rig.screen.timeline.expanded.len(), 22);
}

#[test]
fn what_is_new_is_followed_until_one_moves() {
    let mut rig = Rig::with_calls(2);
    rig.called(10, "list_ecs_services", Risk::Read);
    assert_eq!(timeline(&rig), "#5+ of 5");
    rig.append(Fact::Noted { text: "by the way".into() });
    assert_eq!(timeline(&rig), "#5+ of 6");
    rig.keys("<Esc>kk");
    rig.called(11, "list_ecs_services", Risk::Read);
    assert_eq!(timeline(&rig), "#3 of 7");
    rig.keys("G");
    assert_eq!(timeline(&rig), "#7+ of 7");
    // A filter holds for what comes.
    rig.keys("x");
    rig.finished(11, None);
    assert_eq!(timeline(&rig), "-+ of 0");
    rig.finished(10, Some(FaultKind::Timeout));
    assert_eq!(timeline(&rig), "#5+ of 1");
}

#[test]
fn panes() {
    for (keys, focus, zoom) in [
        ("<Esc>", Focus::Timeline, false),
        ("<Esc>1", Focus::Chat, false),
        ("<Esc>3", Focus::Detail, false),
        ("<Esc>3z", Focus::Detail, true),
        ("<Esc>3zz", Focus::Detail, false),
        ("<Esc>3z<Esc>", Focus::Detail, false),
        ("<Esc><Tab>", Focus::Detail, false),
        ("<Esc><Tab><Tab>", Focus::Composer, false),
        ("<Esc><Shift-Tab>", Focus::Chat, false),
        ("<Tab>", Focus::Chat, false),
        ("<Esc>i", Focus::Composer, false),
    ] {
        let mut rig = Rig::with_calls(3);
        rig.keys(keys);
        assert_eq!((rig.screen.focus, rig.screen.zoom), (focus, zoom), "{keys}");
    }
}

#[test]
fn the_chat_scrolls_and_stays_where_one_reads() {
    let mut rig = Rig::with_calls(3);
    rig.draw();
    let chat = |total| Shown { chat: Extent { total, fits: 10 }, ..Shown::default() };
    rig.keys("<Esc>1kkk");
    assert_eq!((rig.screen.chat.up, rig.screen.chat.anchor), (3, Some(37)));
    // Five more lines stream in below.
    rig.msg(Msg::Drawn(chat(55)));
    assert_eq!(rig.screen.chat.first_line(Extent { total: 55, fits: 10 }), 37);
    assert_eq!(rig.screen.chat.up, 8);
    rig.keys("G");
    assert_eq!((rig.screen.chat.up, rig.screen.chat.anchor), (0, None));
    rig.msg(Msg::Drawn(chat(70)));
    assert_eq!(rig.screen.chat.first_line(Extent { total: 70, fits: 10 }), 60);
    rig.keys("g");
    assert_eq!(rig.screen.chat.up, 60);
    rig.msg(Msg::Drawn(chat(5)));
    assert_eq!(rig.screen.chat.up, 0, "there is nothing to scroll");
}

#[test]
fn evidence_links() {
    let mut rig = Rig::with_calls(3);
    let shown = Shown {
        chat: Extent { total: 100, fits: 10 },
        links: [2, 4, 99].map(|no| Mark::Link(StepNo(no))).to_vec(),
        link_lines: vec![3, 50, 95],
        ..Shown::default()
    };
    rig.msg(Msg::Drawn(shown.clone()));
    rig.keys("<Esc>1<Enter>");
    assert!(rig.screen.notices.back().unwrap().text.contains("select an evidence link"));
    rig.keys("[[");
    assert_eq!(rig.screen.chat.link, Some(1));
    assert_eq!(rig.screen.chat.first_line(shown.chat), 50, "it is scrolled to");
    rig.keys("<Enter>");
    assert_eq!(timeline(&rig), "#4 of 5");
    assert_eq!(rig.screen.focus, Focus::Timeline);
    // A filter that hides the step gives way.
    rig.keys("/zzz<Enter>1][[<Enter>");
    assert_eq!(timeline(&rig), "#2 of 5");
    rig.keys("1]<Enter>");
    assert!(rig.screen.notices.back().unwrap().text.contains("no step #99"));
}

#[test]
fn the_detail() {
    let mut rig = Rig::with_calls(3);
    rig.draw();
    rig.keys("<Esc>3jjj");
    assert_eq!(rig.screen.detail.top, 3);
    rig.keys("G");
    assert_eq!(rig.screen.detail.top, 20);
    rig.keys("lllh");
    assert_eq!(rig.screen.detail.left, 16);
    rig.keys("tt");
    assert_eq!((rig.screen.detail.tab, rig.screen.detail.top), (DetailTab::Raw, 0));
    rig.keys("t");
    assert_eq!(rig.screen.detail.tab, DetailTab::Result);
    rig.keys("/web<Enter>");
    assert_eq!(rig.screen.detail.search, "web");
    let shown =
        Shown { detail: Extent { total: 30, fits: 10 }, detail_matches: vec![4, 9, 28], ..Shown::default() };
    rig.msg(Msg::Drawn(shown));
    for (key, top) in [("n", 4), ("n", 9), ("n", 20), ("N", 9), ("N", 4), ("N", 20)] {
        rig.keys(key);
        assert_eq!(rig.screen.detail.top, top, "{key}");
    }
    rig.keys("<Esc>");
    assert_eq!(rig.screen.detail.search, "");
    // Another step is shown from its beginning.
    rig.keys("2k");
    assert_eq!((rig.screen.detail.top, rig.screen.detail.left), (0, 0));
}

#[test]
fn calls_again_undone_withdrawn() {
    let mut rig = Rig::with_calls(1);
    rig.called(5, "stop_instances", Risk::Write);
    rig.append(Fact::Refused { call: CallId(5), approval: None, by: RefusedBy::Operator, note: None });
    rig.finished(5, Some(FaultKind::Refused));
    rig.keys("<Esc>");
    let call = rig.screen.ledger.timeline.of_call(CallId(5)).unwrap().no;
    rig.keys(&format!(":#{call}<Enter>"));
    assert!(matches!(rig.keys("R").as_slice(), [Command::Withdraw(CallId(5))]));
    assert!(matches!(rig.keys("u").as_slice(), [Command::Undo(CallId(5))]));
    assert!(rig.keys("r").is_empty(), "a change is not run again");
    rig.keys(":#2<Enter>");
    assert_eq!(rig.screen.selected().unwrap().kind, StepKind::ToolCall);
    assert!(matches!(rig.keys("r").as_slice(), [Command::Again(CallId(1))]));
    assert!(rig.keys("uR").is_empty(), "a read cannot be undone");
    rig.keys("g");
    assert!(rig.keys("ruR").is_empty(), "a question is no call");
}

#[test]
fn copying() {
    let mut rig = Rig::with_calls(1);
    rig.keys("<Esc>gjy");
    let copy = rig.screen.take_copy().unwrap();
    assert!(copy.what.contains("step #2") && copy.text.contains("2 of 14 below desired"), "{copy:?}");
    assert!(rig.screen.take_copy().is_none());
    rig.keys("Y");
    assert_eq!(rig.screen.take_copy().unwrap().text, "quarterdeck tool list_ecs_services --only-unhealthy");
    rig.keys("gY");
    let json = rig.screen.take_copy().unwrap().text;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()[0]["text"], "why?");
    rig.msg(Msg::Copied("copied step #2".into()));
    assert_eq!(rig.screen.notices.back().unwrap().text, "copied step #2");
}

#[test]
fn esc_closes_the_innermost_thing_then_cancels_twice() {
    let mut rig = Rig::with_calls(3);
    rig.question(2, "and now?");
    rig.keys("<Esc>");
    assert!(rig.screen.esc_armed, "leaving the composer while a turn runs");
    rig.keys("zx?");
    for (what, left) in [("help", 3), ("filter", 2), ("zoom", 1)] {
        let s = &rig.screen;
        let open =
            usize::from(s.help.is_some()) + usize::from(s.zoom) + usize::from(!s.timeline.filter.is_empty());
        assert_eq!(open, left, "{what}");
        assert!(rig.keys("<Esc>").is_empty());
        assert!(!rig.screen.esc_armed, "{what}");
    }
    assert!(rig.keys("<Esc>").is_empty());
    assert_eq!(rig.screen.notices.back().unwrap().text, "Esc again cancels");
    assert!(rig.keys("j<Esc>").is_empty(), "another key between disarms");
    assert!(matches!(rig.keys("<Esc>").as_slice(), [Command::Cancel]));
    rig.end(2, crate::journal::TurnEnd::Cancelled);
    assert!(rig.keys("<Esc><Esc><Esc>").is_empty(), "idle: nothing to cancel");
}

#[test]
fn ctrl_c_cancels_at_once_and_quits_twice() {
    let mut rig = Rig::new();
    rig.question(1, "why?");
    assert!(matches!(rig.keys("some text<Ctrl-c>").as_slice(), [Command::Cancel]));
    rig.end(1, crate::journal::TurnEnd::Cancelled);
    assert!(rig.keys("<Ctrl-c>").is_empty());
    rig.wait(2_000);
    assert!(rig.keys("<Ctrl-c>").is_empty(), "too late: the first one is forgotten");
    assert!(rig.keys("x<Ctrl-c>").is_empty(), "another key between");
    assert!(matches!(rig.keys("<Ctrl-c>").as_slice(), [Command::Quit]));
    assert!(rig.screen.quit);
}

#[test]
fn ctrl_c_works_wherever_one_is() {
    for open in ["", "<Esc>", ":", "?", "<Esc>/", "<Ctrl-r>", "<Esc>:execute<Enter>"] {
        let mut rig = Rig::new();
        rig.append(Fact::ModeChanged { mode: crate::scope::Mode::Track });
        rig.question(1, "why?");
        rig.keys(open);
        assert!(matches!(rig.keys("<Ctrl-c>").as_slice(), [Command::Cancel]), "{open}");
    }
}

#[test]
fn mode_questions() {
    let mut rig = Rig::new();
    assert!(matches!(rig.keys(":track<Enter>").as_slice(), [Command::SetMode(crate::scope::Mode::Track)]));
    rig.append(Fact::ModeChanged { mode: crate::scope::Mode::Track });
    assert!(rig.keys(":execute<Enter>").is_empty());
    assert_eq!(rig.screen.place(), Place::Question);
    assert!(rig.keys("yA <Esc>").is_empty());
    assert!(rig.screen.question.is_none());
    rig.keys("<Esc>T");
    assert!(matches!(rig.keys("<Enter>").as_slice(), [Command::SetMode(crate::scope::Mode::Execute)]));
    rig.append(Fact::ModeChanged { mode: crate::scope::Mode::ReadOnly });
    assert!(rig.keys("T:track<Enter>").is_empty());
    assert!(rig.screen.question.is_none());
}

#[test]
fn quitting_while_a_turn_runs_asks() {
    let mut rig = Rig::new();
    assert!(matches!(rig.keys(":quit<Enter>").as_slice(), [Command::Quit]));
    let mut rig = Rig::new();
    rig.question(1, "why?");
    assert!(rig.keys(":quit<Enter>").is_empty());
    assert!(rig.keys("n").is_empty() && !rig.screen.quit);
    rig.keys(":quit<Enter>");
    assert!(matches!(rig.keys("<Enter>").as_slice(), [Command::Quit]));
    assert!(rig.screen.quit);
}

#[test]
fn the_mouse() {
    let mut rig = Rig::with_calls(6);
    let hit = |area, hit| HitTarget { area, hit };
    let shown = Shown {
        chat: Extent { total: 100, fits: 10 },
        timeline: Extent { total: 9, fits: 9 },
        detail: Extent { total: 100, fits: 10 },
        targets: vec![
            hit((0, 1, 40, 30), Hit::Pane(Focus::Chat)),
            hit((40, 1, 40, 30), Hit::Pane(Focus::Timeline)),
            hit((80, 1, 40, 30), Hit::Pane(Focus::Detail)),
            hit((0, 35, 120, 1), Hit::Pane(Focus::Composer)),
            hit((40, 4, 40, 1), Hit::Step(StepNo(3))),
            hit((5, 7, 4, 1), Hit::Link(StepNo(4))),
            hit((90, 1, 5, 1), Hit::Tab(DetailTab::Raw)),
        ],
        ..Shown::default()
    };
    rig.msg(Msg::Drawn(shown));
    let mouse = |rig: &mut Rig, at, kind| assert!(rig.msg(Msg::Mouse(Mouse { at, kind })).is_empty());
    mouse(&mut rig, (50, 4), MouseKind::Click);
    assert_eq!((rig.screen.focus, timeline(&rig).as_str()), (Focus::Timeline, "#3 of 8"));
    mouse(&mut rig, (6, 7), MouseKind::Click);
    assert_eq!((rig.screen.focus, timeline(&rig).as_str()), (Focus::Timeline, "#4 of 8"));
    mouse(&mut rig, (91, 1), MouseKind::Click);
    assert_eq!((rig.screen.focus, rig.screen.detail.tab), (Focus::Detail, DetailTab::Raw));
    mouse(&mut rig, (3, 35), MouseKind::Click);
    assert_eq!(rig.screen.focus, Focus::Composer);
    // The wheel turns what is under it and leaves the focus where it is.
    mouse(&mut rig, (90, 9), MouseKind::Down);
    assert_eq!((rig.screen.detail.top, rig.screen.focus), (3, Focus::Composer));
    mouse(&mut rig, (1, 9), MouseKind::Up);
    assert_eq!(rig.screen.chat.up, 3);
    mouse(&mut rig, (45, 9), MouseKind::Down);
    assert_eq!(timeline(&rig), "#7 of 8");
    mouse(&mut rig, (500, 500), MouseKind::Click);
    assert_eq!(rig.screen.focus, Focus::Composer);
}

#[test]
fn suspend_and_redraw() {
    let mut rig = Rig::new();
    rig.keys("ab<Ctrl-l><Ctrl-z>");
    assert!(rig.screen.redraw && rig.screen.suspend);
    assert_eq!(rig.screen.composer.text, "ab");
    assert!(rig.msg(Msg::Suspend).is_empty());
}

#[test]
fn a_long_answer_is_shown_from_its_question_on() {
    let drawn = |total: usize, question: usize| {
        Msg::Drawn(Shown {
            chat: Extent { total, fits: 10 },
            question_line: Some(question),
            ..Shown::default()
        })
    };
    let mut rig = Rig::new();
    rig.question(1, "why?");
    rig.answer(1, "a long story");
    rig.end(1, TurnEnd::Answered);
    rig.msg(drawn(60, 20));
    assert_eq!((rig.screen.chat.anchor, rig.screen.chat.up), (Some(20), 30));
    rig.msg(drawn(61, 20));
    assert_eq!(rig.screen.chat.anchor, Some(20), "it stays there");
    rig.question(2, "and now?");
    assert_eq!((rig.screen.chat.anchor, rig.screen.chat.up), (None, 0), "a new question is followed");
    rig.answer(2, "short");
    rig.end(2, TurnEnd::Answered);
    rig.msg(drawn(66, 62));
    assert_eq!(rig.screen.chat.up, 0, "what fits is shown to its end");
}

#[test]
fn a_question_of_money_takes_no_key_that_was_on_its_way_before_it() {
    let mut rig = Rig::new();
    let call = crate::id::CallId(4);
    let what = crate::event::Expense::Read(call);
    let spending = || crate::event::Spending { what, says: "it would scan about 38 GB".into() };
    let spend = |commands: &[Command]| match commands {
        [Command::Spend { what: w, yes }] if *w == what => Some(*yes),
        _ => None,
    };
    rig.msg(Msg::Event(crate::event::Event::Spend(spending())));
    assert_eq!(rig.screen.place(), Place::Question);
    assert!(rig.screen.question.as_ref().is_some_and(|q| q.text.contains("38 GB")));
    assert!(rig.keys("<Enter>").is_empty() && rig.screen.question.is_some(), "typed ahead");
    rig.wait(690);
    assert!(rig.keys("x<Enter>").is_empty(), "every key restarts the wait");
    rig.wait(700);
    assert_eq!(spend(&rig.keys("<Enter>")), Some(true));
    assert!(rig.screen.question.is_none());

    rig.msg(Msg::Event(crate::event::Event::Spend(spending())));
    assert_eq!(spend(&rig.keys("<Esc>")), Some(false), "no is always taken at once");

    // The engine settled it otherwise: nothing is left to ask.
    rig.msg(Msg::Event(crate::event::Event::Spend(spending())));
    let fault = crate::tool::Fault::new(crate::tool::FaultKind::Cancelled, "cancelled");
    rig.append(Fact::ToolFinished { call, outcome: crate::journal::Outcome::Failed { fault } });
    assert!(rig.screen.question.is_none());
}
