//! Anything, in any order, at any size: nothing panics, and what `Rig::check` says holds after every message.

use crate::approval::fixture::{calm, target};
use crate::command::Command;
use crate::event::{Event, Live};
use crate::id::{StepNo, TurnId};
use crate::journal::{Fact, TurnEnd};
use crate::press::{Key, Press};
use crate::screen::fixture::{Rig, presses};
use crate::screen::{
    DetailTab, Extent, Focus, Hit, HitTarget, Layout, Mark, Mouse, MouseKind, Msg, Saved, Shown,
};
use crate::settings::Settings;
use crate::tool::{FaultKind, Risk};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

#[derive(Clone, Debug)]
enum Happening {
    Key(Press),
    Script(&'static str),
    Paste(String),
    Resize(u16, u16),
    Wheel(u16, u16, bool),
    Click(u16, u16),
    Drawn(usize, usize, bool),
    Question,
    Live(String),
    Called(bool),
    Finished(u64, bool),
    Ended,
    Ask(bool),
    Wait(u64),
    Suspend,
    Saved(bool),
    Settled(u32),
}

fn key() -> impl Strategy<Value = Press> {
    let key = prop_oneof![
        4 => prop_oneof![Just('A'), Just('X'), Just('B'), Just(':'), Just('/'), Just('e'), Just('v'), Just('n'), Just('x'), Just('g'), Just('\u{301}'), Just('日'), Just('👩'), Just('\u{200d}')].prop_map(Key::Char),
        2 => proptest::char::range(' ', '~').prop_map(Key::Char),
        1 => any::<char>().prop_map(Key::Char),
        4 => proptest::sample::select(vec![
            Key::Enter, Key::Esc, Key::Tab, Key::BackTab, Key::Backspace, Key::Delete, Key::Up, Key::Down, Key::Left,
            Key::Right, Key::Home, Key::End, Key::PageUp, Key::PageDown, Key::Other,
        ]),
    ];
    (key, proptest::bool::weighted(0.15), proptest::bool::weighted(0.1))
        .prop_map(|(k, c, a)| Press::new(k, c, a))
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => key().prop_map(Happening::Key),
        2 => proptest::sample::select(vec!["<Esc>", ":ecs ", ":#3<Enter>", "<Esc>/logs", "<Ctrl-r>w", "<Esc>e", "?", "A", "<Esc>,", "<Esc>,jjj<Enter>", "<Esc>,j<Enter>cl", "<Esc>,G<Right>", ":model op", ":save-settings<Enter>"]).prop_map(Happening::Script),
        1 => any::<String>().prop_map(Happening::Paste),
        1 => (0_u16..500, 0_u16..200).prop_map(|(c, r)| Happening::Resize(c, r)),
        1 => (0_u16..200, 0_u16..60, any::<bool>()).prop_map(|(c, r, up)| Happening::Wheel(c, r, up)),
        1 => (0_u16..200, 0_u16..60).prop_map(|(c, r)| Happening::Click(c, r)),
        2 => (0_usize..60, 0_usize..30, any::<bool>()).prop_map(|(t, f, room)| Happening::Drawn(t, f, room)),
        1 => Just(Happening::Question),
        1 => any::<String>().prop_map(Happening::Live),
        2 => any::<bool>().prop_map(Happening::Called),
        1 => (1_u64..20, any::<bool>()).prop_map(|(call, ok)| Happening::Finished(call, ok)),
        1 => Just(Happening::Ended),
        1 => any::<bool>().prop_map(Happening::Ask),
        1 => (0_u64..3_000).prop_map(Happening::Wait),
        1 => Just(Happening::Suspend),
        1 => any::<bool>().prop_map(Happening::Saved),
        1 => (1_u32..50).prop_map(Happening::Settled),
    ]
}

fn drawn(total: usize, fits: usize, room: bool, dialog: bool) -> Shown {
    let extent = Extent { total, fits };
    let targets = [
        ((0, 0, 100, 30), Hit::Pane(Focus::Timeline)),
        ((100, 0, 100, 30), Hit::Pane(Focus::Detail)),
        ((0, 30, 200, 20), Hit::Pane(Focus::Composer)),
        ((0, 50, u16::MAX, u16::MAX), Hit::Pane(Focus::Chat)),
        ((3, 3, 40, 1), Hit::Step(StepNo(2))),
        ((3, 4, 40, 1), Hit::Link(StepNo(77))),
        ((3, 5, 40, 1), Hit::Tab(DetailTab::Request)),
        ((3, 6, 40, 1), Hit::Thinking(StepNo(2))),
        ((3, 7, 40, 1), Hit::Setting(1)),
        ((3, 8, 40, 1), Hit::Setting(99)),
    ];
    Shown {
        dialog: dialog.then(|| crate::approval::Seen { targets: vec![0, 1, 9], room }),
        targets: targets.map(|(area, hit)| HitTarget { area, hit }).to_vec(),
        chat: extent,
        timeline: extent,
        detail: extent,
        help: extent,
        dialog_body: extent,
        target_lines: vec![0, fits],
        target_ends: vec![fits, fits + 1],
        evaluation: extent,
        variants: (0..4).map(|n| (n * fits, 1 + fits / 2)).collect(),
        links: vec![Mark::Link(StepNo(1)), Mark::Thinking(StepNo(2)), Mark::Link(StepNo(3))],
        link_lines: vec![0, total / 2, total],
        question_line: Some(total / 3),
        chat_matches: vec![total / 3],
        detail_matches: vec![total / 2, total],
        wake: None,
    }
}

/// Does it; returns what was asked of the engine.
fn happen(rig: &mut Rig, what: Happening, next: &mut u64) -> Vec<Command> {
    match what {
        Happening::Key(press) => return rig.msg(Msg::Key(press)),
        Happening::Script(keys) => {
            for press in presses(keys) {
                let out = rig.msg(Msg::Key(press));
                if !out.is_empty() {
                    return out;
                }
            }
        }
        Happening::Paste(text) => return rig.msg(Msg::Paste(text)),
        Happening::Resize(columns, rows) => {
            let out = rig.msg(Msg::Resize(columns, rows));
            assert_eq!(rig.screen.layout() == Layout::TooSmall, columns < 40 || rows < 10);
            return out;
        }
        Happening::Wheel(column, row, up) => {
            let kind = if up { MouseKind::Up } else { MouseKind::Down };
            return rig.msg(Msg::Mouse(Mouse { at: (column, row), kind }));
        }
        Happening::Click(column, row) => {
            return rig.msg(Msg::Mouse(Mouse { at: (column, row), kind: MouseKind::Click }));
        }
        Happening::Drawn(total, fits, room) => {
            let dialog = rig.screen.dialog.as_ref().is_some_and(|d| !d.aside);
            return rig.msg(Msg::Drawn(drawn(total, fits, room, dialog)));
        }
        Happening::Question => {
            *next += 1;
            rig.question(*next, "what else?");
        }
        Happening::Live(text) => return rig.msg(Msg::Event(Event::Live(Live::Text(TurnId(*next), text)))),
        Happening::Called(write) => {
            *next += 1;
            let (tool, risk) =
                if write { ("stop_instances", Risk::Write) } else { ("get_cloudwatch_logs", Risk::Read) };
            rig.called(*next, tool, risk);
        }
        Happening::Finished(call, ok) => rig.finished(call, (!ok).then_some(FaultKind::Denied)),
        Happening::Ended => rig.end(*next, TurnEnd::Answered),
        Happening::Ask(high) => {
            *next += 1;
            let mut proposal = calm();
            if high {
                proposal.targets.push(target("i-2"));
            }
            let open = rig.screen.dialog.is_some();
            let out = rig.ask(*next, proposal, "BDEF");
            assert_eq!(out.len(), usize::from(open), "the newer of two is refused");
            return out;
        }
        Happening::Wait(ms) => rig.wait(ms),
        Happening::Saved(ok) => {
            if let Some(save) = rig.screen.take_save() {
                let written = if ok { Ok("f".to_owned()) } else { Err("not saved: full".to_owned()) };
                return rig.msg(Msg::Saved(Saved { save, written }));
            }
        }
        Happening::Settled(iterations) => {
            let settings = Settings { iterations, ..rig.screen.in_force().clone() };
            rig.append(Fact::SettingsChanged { settings });
        }
        Happening::Suspend => {
            let open = rig.screen.dialog.is_some();
            let out = rig.msg(Msg::Suspend);
            assert_eq!(out.len(), usize::from(open));
            assert!(rig.screen.dialog.is_none());
            return out;
        }
    }
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_in_any_order(happenings in proptest::collection::vec(happening(), 0..120)) {
        let mut rig = Rig::with_calls(5);
        let mut next = 100;
        for what in happenings {
            rig.wait(7);
            let pressed_a = matches!(&what, Happening::Key(p) if p.plain() == Some(Key::Char('A')))
                || matches!(&what, Happening::Script("A"));
            let was_open = rig.screen.dialog.is_some();
            let what_shown = format!("{what:?}");
            for command in happen(&mut rig, what, &mut next) {
                if matches!(command, Command::Approve(_)) {
                    assert!(pressed_a && was_open, "{what_shown} approved");
                }
            }
        }
        // Whatever is open: enough Esc leads to a pane of an idle screen, and Ctrl-C cancels or arms.
        for _ in 0..12 {
            rig.keys("<Esc>");
        }
        assert!(rig.screen.dialog.is_none() && rig.screen.palette.is_none() && rig.screen.prompt.is_none());
        assert!(rig.screen.help.is_none() && rig.screen.question.is_none() && rig.screen.panel.is_none());
        assert!(rig.screen.timeline.filter.is_empty() && !rig.screen.zoom);
        assert_ne!(rig.screen.focus, Focus::Composer);
    }
}
