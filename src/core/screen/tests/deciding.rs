//! The dialog: what keys, pastes, the mouse and the engine do to it.

use crate::approval::{Proposal, Seen};
use crate::approval::fixture::{calm, target};
use crate::command::Command;
use crate::id::{ApprovalId, CallId};
use crate::journal::{Fact, RefusedBy};
use crate::keymap::Place;
use crate::screen::fixture::Rig;
use crate::screen::{Extent, Focus, Mouse, MouseKind, Msg, Shown};
use crate::tool::Risk;

/// A dialog that was drawn and left alone long enough.
fn armed(proposal: Proposal) -> Rig {
    let mut rig = Rig::with_calls(3);
    rig.called(90, "stop_instances", Risk::Write);
    rig.keys("half a quest");
    assert!(rig.ask(1, proposal, "BDEF").is_empty());
    rig.draw();
    rig.wait(800);
    rig
}

fn refusal(commands: &[Command]) -> (Option<&str>, bool) {
    match commands {
        [Command::Refuse(refusal)] => (refusal.note.as_deref(), refusal.rest),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn only_a_capital_a_approves() {
    for keys in
        ["<Enter>", "y", "a", "<Space>", "<Tab>", "j", "G", "e", "c", "<Ctrl-a>", "<Alt-A>", "v", "n", "?"]
    {
        let mut rig = armed(calm());
        assert!(rig.keys(keys).is_empty(), "{keys}");
        assert!(rig.screen.dialog.is_some(), "{keys}");
        assert!(rig.keys("A").is_empty(), "{keys}, and A too soon after it");
        assert!(rig.screen.dialog.is_some());
    }
    let mut rig = armed(calm());
    assert!(matches!(rig.keys("A").as_slice(), [Command::Approve(_)]));
    assert!(rig.screen.dialog.is_none());
    assert_eq!(rig.screen.composer.text, "half a quest", "what was typed is still there");
}

#[test]
fn esc_and_ctrl_c_refuse_and_do_nothing_else() {
    for keys in [
        "<Esc>",
        "<Ctrl-c>",
        "v<Esc>",
        "v<Ctrl-c>",
        "?<Esc>",
        "?<Ctrl-c>",
        "n<Esc>",
        "n<Ctrl-c>",
        "nwhy<Esc>",
    ] {
        let mut rig = armed(calm());
        rig.question(2, "running");
        assert_eq!(refusal(&rig.keys(keys)), (None, false), "{keys}");
        assert!(rig.screen.dialog.is_none() && !rig.screen.esc_armed && rig.screen.quit_armed.is_none());
        assert!(rig.screen.help.is_none());
        assert!(rig.screen.ledger.running.is_some());
    }
}

#[test]
fn refusing_with_a_note_or_all_the_rest() {
    assert_eq!(refusal(&armed(calm()).keys("nnot X noww<Backspace><Enter>")), (Some("not X now"), false));
    assert_eq!(refusal(&armed(calm()).keys("n  <Enter>")), (None, false));
    assert_eq!(refusal(&armed(calm()).keys("X")), (None, true));
    assert_eq!(refusal(&armed(calm()).keys("<Ctrl-x>")), (None, true));
    let mut rig = armed(calm());
    rig.keys("n");
    rig.msg(Msg::Paste("pasted\nA".into()));
    assert_eq!(refusal(&rig.keys("<Enter>")), (Some("pasted A"), false));
    // An A in a note is a letter.
    let mut rig = armed(calm());
    rig.keys("n");
    rig.wait(5_000);
    assert!(rig.keys("A").is_empty());
    assert_eq!(rig.screen.dialog.as_ref().unwrap().note.as_deref(), Some("A"));
}

#[test]
fn the_letters_of_a_code_mean_nothing_else() {
    let mut high = calm();
    high.targets.push(target("i-2"));
    let mut rig = armed(high.clone());
    assert!(rig.keys("X").is_empty(), "a wrong letter of a code does not refuse the rest");
    assert!(rig.screen.dialog.is_some());
    assert_eq!(refusal(&rig.keys("<Ctrl-x>")), (None, true));
    let mut rig = armed(high);
    assert!(rig.keys("A").is_empty(), "not without the code");
    rig.wait(800);
    let gate = rig.screen.dialog.as_ref().unwrap().gate.as_ref().unwrap();
    let code = gate.code().unwrap().to_owned();
    let commands = rig.keys(&format!("{code}2A"));
    assert!(matches!(commands.as_slice(), [Command::Approve(_)]), "{commands:?}");
}

#[test]
fn nothing_else_reaches_the_gate() {
    let mut rig = armed(calm());
    assert!(rig.msg(Msg::Paste("A".into())).is_empty());
    assert!(rig.screen.dialog.is_some());
    assert!(rig.keys("A").is_empty(), "the paste restarted the wait");
    rig.draw();
    rig.wait(800);
    rig.msg(Msg::Mouse(Mouse { at: (1, 1), kind: MouseKind::Click }));
    assert!(rig.keys("A").is_empty(), "so does a click");
    rig.draw();
    rig.wait(800);
    assert!(rig.msg(Msg::Tick).is_empty());
    assert!(matches!(rig.keys("A").as_slice(), [Command::Approve(_)]));
}

#[test]
fn set_aside_it_cannot_be_approved() {
    let mut rig = armed(calm());
    rig.keys("v");
    let call = rig.screen.ledger.timeline.of_call(CallId(90)).unwrap().no;
    assert_eq!((rig.screen.timeline.selected, rig.screen.focus), (Some(call), Focus::Timeline));
    rig.draw();
    rig.wait(800);
    assert!(rig.keys("A").is_empty());
    rig.keys("kk3jz");
    assert_ne!(rig.screen.timeline.selected, Some(call));
    assert_eq!((rig.screen.detail.top, rig.screen.zoom), (1, true));
    // Nothing but looking.
    for key in [":", "i", "/", "r", "u", "R", "T", "?"] {
        assert!(rig.keys(key).is_empty());
        assert_eq!(rig.screen.focus, Focus::Detail, "{key}");
        assert!(
            rig.screen.palette.is_none() && rig.screen.prompt.is_none() && rig.screen.help.is_none(),
            "{key}"
        );
    }
    rig.wait(800);
    rig.keys("v");
    assert!(!rig.screen.dialog.as_ref().unwrap().aside);
    assert!(rig.keys("A").is_empty(), "it was not drawn again");
    rig.wait(800);
    assert!(rig.keys("A").is_empty(), "still not drawn");
    rig.draw();
    rig.wait(800);
    assert!(matches!(rig.keys("A").as_slice(), [Command::Approve(_)]));
}

#[test]
fn moving_through_it() {
    let mut rig = armed(calm());
    let shown =
        Shown { dialog_body: Extent { total: 40, fits: 12 }, target_lines: vec![2], ..Shown::default() };
    rig.msg(Msg::Drawn(shown));
    let top = |rig: &Rig| rig.screen.dialog.as_ref().unwrap().top;
    for (keys, at) in [
        ("j", 1),
        ("<Down>", 2),
        ("k", 1),
        ("<PgDn>", 12),
        ("<PgUp>", 1),
        ("G", 28),
        ("j", 28),
        ("g", 0),
        ("<Tab>", 2),
    ] {
        assert!(rig.keys(keys).is_empty());
        assert_eq!(top(&rig), at, "{keys}");
    }
    rig.msg(Msg::Mouse(Mouse { at: (1, 1), kind: MouseKind::Down }));
    assert_eq!(top(&rig), 5);
    rig.keys("ec");
    assert!(rig.screen.dialog.as_ref().unwrap().evidence);
    assert_eq!(rig.screen.take_copy().unwrap().text, calm().command);
    rig.keys("?");
    assert_eq!(
        (rig.screen.help, rig.screen.help_for, rig.screen.place()),
        (Some(0), Place::Dialog, Place::Help)
    );
    rig.keys("q");
    assert!(rig.screen.dialog.is_some() && rig.screen.help.is_none());
}

#[test]
fn suspending_refuses() {
    let mut rig = armed(calm());
    assert_eq!(refusal(&rig.msg(Msg::Suspend)), (None, false));
    for keys in ["<Ctrl-z>", "v<Ctrl-z>", "n<Ctrl-z>", "?<Ctrl-z>"] {
        let mut rig = armed(calm());
        assert_eq!(refusal(&rig.keys(keys)), (None, false), "{keys}");
        assert!(rig.screen.suspend && rig.screen.dialog.is_none());
    }
}

#[test]
fn a_second_asking_is_refused_not_swapped_in() {
    let mut rig = armed(calm());
    let commands = rig.ask(2, calm(), "BDEF");
    assert!(matches!(commands.as_slice(), [Command::Refuse(r)] if r.approval == ApprovalId(2)));
    assert!(matches!(rig.keys("A").as_slice(), [Command::Approve(_)]));
}

#[test]
fn what_the_engine_settles_closes_it() {
    let mut rig = armed(calm());
    let fact =
        |call| Fact::Refused { call: CallId(call), approval: None, by: RefusedBy::Cancelled, note: None };
    rig.append(fact(1));
    assert!(rig.screen.dialog.is_some(), "another call's");
    rig.append(fact(90));
    assert!(rig.screen.dialog.is_none());
}

#[test]
fn keys_typed_before_it_came_do_nothing() {
    let mut rig = Rig::new();
    rig.keys(":");
    rig.ask(1, calm(), "BDEF");
    assert!(rig.keys("A<Enter>A").is_empty());
    assert!(rig.screen.dialog.is_some());
    assert_eq!(refusal(&rig.keys("<Esc>")), (None, false));
    assert!(rig.screen.palette.is_some(), "what was open is open again");
}

#[test]
fn a_target_longer_than_the_dialog_is_seen_once_each_of_its_lines_was() {
    let mut rig = Rig::with_calls(3);
    rig.called(90, "stop_instances", Risk::Write);
    assert!(rig.ask(1, calm(), "BDEF").is_empty());
    let draw = |rig: &mut Rig| {
        let shown = Shown {
            dialog: Some(Seen { targets: Vec::new(), room: true }),
            dialog_body: Extent { total: 30, fits: 12 },
            target_lines: vec![0],
            target_ends: vec![30],
            ..Shown::default()
        };
        rig.msg(Msg::Drawn(shown));
        rig.wait(800);
    };
    draw(&mut rig);
    for keys in ["A", "G", "A"] {
        assert!(rig.keys(keys).is_empty(), "the end was seen, its middle was not");
        draw(&mut rig);
    }
    assert!(rig.keys("<PgUp>").is_empty());
    draw(&mut rig);
    assert!(matches!(rig.keys("A").as_slice(), [Command::Approve(_)]));
}
