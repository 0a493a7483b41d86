//! What the screen looks like, at 80x24, 120x40 and 200x60.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::needless_pass_by_value,
    missing_docs
)]

#[path = "common/stage.rs"]
#[allow(dead_code)]
mod stage;

use quarterdeck_core::approval::Readiness;
use quarterdeck_core::command::Command;
use quarterdeck_core::eval::{Called, Progress, Report, Run, RunEnd};
use quarterdeck_core::event::{Event, Live};
use quarterdeck_core::id::TurnId;
use quarterdeck_core::message::{Block, ModelError, ModelErrorKind, ModelEvent, Usage};
use quarterdeck_core::press::Key;
use quarterdeck_core::scope::Mode;
use quarterdeck_core::screen::{Mouse, MouseKind, Msg};
use quarterdeck_core::session::Input;
use quarterdeck_core::settings::{Ceiling, Origin, Settings};
use serde_json::json;
use stage::{Stage, calm, grave, services};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A question, a round of three calls, an answer with evidence.
fn finished(columns: u16, rows: u16) -> Stage {
    let mut s = Stage::new(columns, rows);
    s.ask("why is checkout failing?").wait(1_240);
    s.says(
        "I look at the services, the changes and the logs.",
        &[
            ("list_ecs_services", json!({"cluster": "main"})),
            ("get_recent_changes", json!({"since": "2h"})),
            ("get_cloudwatch_logs", json!({"group": "/ecs/checkout"})),
        ],
    );
    s.wait(412).read(0, Ok(services()));
    s.wait(300).read(
        1,
        Err(quarterdeck_core::tool::Fault::new(quarterdeck_core::tool::FaultKind::Denied, "not authorized")
            .action("cloudtrail:LookupEvents")
            .hint("ask for the role OnCallAudit")),
    );
    s.wait(200).read(2, Ok(services()));
    s.wait(2_100).says(
        "## Cause\ncheckout-api lost **6 of 8** tasks after the 11:52 deploy [#4]; they exit 1 on a missing secret [#6].\n\n\
         | service | desired | running |\n|---|---|---|\n| checkout-api | 8 | 2 |\n\n\
         1. Roll back to `checkout-api:41`.\n2. Restore the secret `checkout/db`.\n",
        &[],
    );
    s
}

fn dialog(columns: u16, rows: u16, proposal: quarterdeck_core::approval::Proposal) -> Stage {
    let mut s = Stage::new(columns, rows);
    s.ask("stop the idle runner").wait(900);
    s.says(
        "It has been idle for three days, so it can be stopped.",
        &[("stop_ec2_instances", json!({"ids": []}))],
    );
    s.wait(300).planned(0, proposal);
    s.wait(5_000);
    s
}

fn streaming(columns: u16, rows: u16) -> Stage {
    let mut s = Stage::new(columns, rows);
    s.ask("why is checkout failing?").wait(1_240);
    s.says("", &[("list_ecs_services", json!({})), ("get_recent_changes", json!({}))]);
    s.wait(400).read(0, Ok(services()));
    s.wait(1_800).progress(1, 3, 17);
    s.tell(Msg::Event(Event::Live(Live::Text(TurnId(1), "checkout-api lost **6 of 8** tasks after".into()))));
    s
}

fn at_every_size(name: &str, make: impl Fn(u16, u16) -> Stage) {
    for (columns, rows) in SIZES {
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), make(columns, rows).text());
    }
}

#[test]
fn idle() {
    at_every_size("idle", Stage::new);
}

#[test]
fn streams() {
    at_every_size("streaming", streaming);
}

const THOUGHT: &str = "The alarm began at 11:54, two minutes after the deploy of checkout-api.\n\nThat is a lead, not a cause: what the stopped tasks say must be read before I name it. The secret's name has changed between the two revisions.";

/// A model that thinks, calls, thinks again and answers; then one that only its vendor can read.
fn thought(columns: u16, rows: u16) -> Stage {
    let mut s = Stage::new(columns, rows);
    s.ask("why is checkout failing?").wait(900);
    thinks(&mut s, "Services first, and what changed.", 400);
    s.says("", &[("list_ecs_services", json!({}))]);
    s.wait(400).read(0, Ok(services()));
    thinks(&mut s, THOUGHT, 3_100);
    s.says("checkout-api exits on a missing secret [#5].", &[]);
    s.wait(60_000).ask("and since when?").wait(500);
    let raw = json!({"type": "redacted_thinking", "data": "ZGF0YQ=="});
    s.model(ModelEvent::BlockDone(reasoning(raw)));
    s.says("Since 11:54 [#5].", &[]);
    s
}

fn reasoning(raw: serde_json::Value) -> Block {
    Block::Reasoning { provider: "anthropic".into(), model: "claude-x".into(), raw }
}

/// Thinking that streams in for so many milliseconds, and its block.
fn thinks(s: &mut Stage, text: &str, ms: u64) {
    let (first, rest) = text.split_at(text.len() / 2);
    s.model(ModelEvent::ReasoningDelta(first.into())).wait(ms).model(ModelEvent::ReasoningDelta(rest.into()));
    s.model(ModelEvent::BlockDone(reasoning(
        json!({"type": "thinking", "thinking": text, "signature": "s"}),
    )));
}

/// To the chat, on the thinking before the answer.
fn at_thinking(s: &mut Stage) {
    s.draw();
    s.key(Key::Tab).draw();
    s.typed("[[").draw();
    s.typed("[").draw();
}

#[test]
fn thinking_is_folded_apart_from_the_answer() {
    at_every_size("thinking", thought);
}

#[test]
fn thinking_opens_in_place() {
    at_every_size("thinking_open", |c, r| {
        let mut s = thought(c, r);
        at_thinking(&mut s);
        s.key(Key::Enter).draw();
        s
    });
}

#[test]
fn thinking_streams_in() {
    at_every_size("thinking_streaming", |c, r| {
        let mut s = Stage::new(c, r);
        s.ask("why is checkout failing?").wait(900);
        s.model(ModelEvent::ReasoningDelta(THOUGHT.into())).wait(2_100);
        s.model(ModelEvent::ReasoningDelta("\nSo I read".into()));
        s.model(ModelEvent::ReasoningDelta(" the logs ".into()));
        s
    });
}

#[test]
fn thinking_is_apart_in_the_detail_too() {
    let mut s = thought(200, 60);
    at_thinking(&mut s);
    s.typed("2");
    for _ in 0..4 {
        s.typed("k");
    }
    insta::assert_snapshot!("thinking_detail_200x60", s.text());
}

#[test]
fn thinking_opens_and_folds_where_it_stands() {
    for (columns, rows) in SIZES {
        let mut s = thought(columns, rows);
        at_thinking(&mut s);
        let folded = s.text();
        assert!(folded.contains("▸ thinking · ") && folded.contains(" · 3.1 s"), "{folded}");
        assert!(!folded.contains("a lead, not a cause"), "{folded}");
        let line = |text: &str, what: &str| text.lines().position(|l| l.contains(what)).unwrap();
        let at = line(&folded, " · 3.1 s");
        s.key(Key::Enter).draw();
        let open = s.text();
        assert!(open.contains("▾ thinking · ") && open.contains("a lead, not a"), "{open}");
        assert_eq!(line(&open, " · 3.1 s"), at, "its line stays where it is\n{open}");
        // A click on its line folds it again; the one above stays as it was.
        let y = u16::try_from(at).unwrap();
        s.tell(Msg::Mouse(Mouse { at: (3, y), kind: MouseKind::Click })).draw();
        let again = s.text();
        assert!(!again.contains("a lead, not a"), "{again}");
        s.typed("e").draw();
        assert!(s.text().contains("a lead, not a") || rows == 24, "{}", s.text());
        s.typed("E").draw();
        assert!(!s.text().contains("a lead, not a"), "{}", s.text());
    }
}

#[test]
fn a_finished_turn() {
    at_every_size("finished", |c, r| {
        let mut s = finished(c, r);
        s.key(Key::Tab).key(Key::Tab);
        for _ in 0..4 {
            s.key(Key::Char('k'));
        }
        s
    });
}

/// A small model: the second question makes room.
fn crowded(columns: u16, rows: u16) -> Stage {
    let mut s = finished(columns, rows);
    let settings = Settings { model: "claude-s".into(), ..s.screen.ledger.settings.clone() };
    s.send(Command::Set(settings));
    s.wait(9_000).ask("and the database?").wait(1_500);
    s
}

/// The next request would go over what the turn may take.
fn over_ceiling(columns: u16, rows: u16) -> Stage {
    let mut s = Stage::new(columns, rows);
    let ceiling = Ceiling { tokens: Some(4_000), dollars: Some(0.02) };
    let settings = Settings { ceiling, ..s.screen.ledger.settings.clone() };
    s.send(Command::Set(settings));
    s.ask("why is checkout failing?").wait(1_240);
    s.says("I look at the services.", &[("list_ecs_services", json!({"cluster": "main"}))]);
    s.wait(412).read(0, Ok(services()));
    s
}

#[test]
fn room_is_made_and_said() {
    at_every_size("crowded", crowded);
    // The step in full: what became of what, and the summary as the model is sent it.
    let mut s = crowded(120, 40);
    s.key(Key::Tab).key(Key::Tab);
    s.key(Key::Down);
    insta::assert_snapshot!("summary_120x40", s.text());
    let mut s = finished(120, 40);
    s.key(Key::Tab).key(Key::Tab).key(Key::Home);
    for _ in 1..8 {
        s.key(Key::Down);
    }
    s.key(Key::Tab).key(Key::Char('t'));
    insta::assert_snapshot!("request_120x40", s.text());
}

#[test]
fn a_ceiling_is_a_question() {
    at_every_size("ceiling", over_ceiling);
}

#[test]
fn an_approval() {
    at_every_size("approval", |c, r| dialog(c, r, calm()));
}

#[test]
fn a_high_impact_approval() {
    at_every_size("approval_high", |c, r| dialog(c, r, grave()));
}

#[test]
fn an_error_says_what_to_do() {
    at_every_size("error", |c, r| {
        let mut s = finished(c, r);
        s.key(Key::Tab).key(Key::Tab);
        for _ in 0..3 {
            s.key(Key::Char('k'));
        }
        s.key(Key::Tab);
        s
    });
}

#[test]
fn too_small_says_so() {
    insta::assert_snapshot!("too_small_39x9", Stage::new(39, 9).text());
    insta::assert_snapshot!("too_small_dialog_59x15", dialog(59, 15, grave()).text());
    insta::assert_snapshot!("smallest_dialog_60x15", dialog(60, 15, grave()).text());
}

#[test]
fn one_pane_has_tabs() {
    let mut s = finished(60, 20);
    s.key(Key::Tab);
    insta::assert_snapshot!("one_pane_60x20", s.text());
}

/// A tracking session in which ten runs were asked for and `done` of them have ended: two kinds of first rounds, one failure.
fn evaluating(columns: u16, rows: u16, done: u32) -> Stage {
    let mut s = Stage::new(columns, rows);
    s.step(Input::Command(stage::FRONT, Command::SetMode(Mode::Track)));
    s.typed(":eval 10 why is checkout failing?").key(Key::Enter);
    let subject = s.trial.as_ref().unwrap().subject();
    let call = |tool: &str, args| Called { tool: tool.into(), args, valid: true };
    let run = |no: u32| {
        let services = json!({"cluster": null, "only_unhealthy": no.is_multiple_of(3)});
        let mut first = vec![call("get_active_alarms", json!({"state": "ALARM"}))];
        if no != 5 {
            first.push(call("list_ecs_services", services));
        }
        let overloaded = ModelError {
            kind: ModelErrorKind::Overloaded,
            message: "the model is overloaded: try again later, or lower --concurrency".into(),
        };
        Run {
            rounds: vec![
                first,
                vec![call("get_cloudwatch_logs", json!({"log_group": "/ecs/checkout", "since": "1h"}))],
            ],
            answer: format!("I would look at the alarms first, then at run {no}.\n\n1. Then the logs."),
            end: if no == 8 { RunEnd::Failed(overloaded) } else { RunEnd::Answered },
            usage: Usage { input: 1_200, output: 310, ..Usage::default() },
            dollars: Some(0.031),
            ..Run::cancelled(no)
        }
    };
    let runs: Vec<Run> = (1..=done).map(run).collect();
    let report = Report::of(&subject, &runs, None, std::time::Duration::from_millis(14_200));
    let over = done == 10;
    s.wait(14_000);
    s.step(Input::Evaluated(Progress { report: report.into(), running: if over { 0 } else { 2 }, over }));
    s
}

#[test]
fn an_evaluation_under_way() {
    at_every_size("evaluation_running", |c, r| evaluating(c, r, 7));
}

#[test]
fn an_evaluation_that_is_over() {
    at_every_size("evaluation_over", |c, r| {
        let mut s = evaluating(c, r, 10);
        for _ in 0..3 {
            s.key(Key::Char('j')).draw();
        }
        s.key(Key::Enter);
        s
    });
    // And what stays of it: a step, its figures in the detail.
    let mut s = evaluating(120, 40, 10);
    s.key(Key::Esc).key(Key::Tab).key(Key::Tab).key(Key::Char('G'));
    insta::assert_snapshot!("evaluation_step_120x40", s.text());
}

#[test]
fn no_evaluation_where_calls_are_executed() {
    at_every_size("evaluation_refused", |c, r| {
        let mut s = Stage::new(c, r);
        s.typed(":eval 10 why is checkout failing?").key(Key::Enter);
        assert!(s.trial.is_none());
        s
    });
}

#[test]
fn palette_help_and_question() {
    let mut s = Stage::new(80, 24);
    s.typed(":ser");
    insta::assert_snapshot!("palette_80x24", s.text());
    let mut s = Stage::new(80, 24);
    s.typed("?");
    insta::assert_snapshot!("help_80x24", s.text());
}

fn readiness(s: &Stage) -> Readiness {
    s.screen.dialog.as_ref().unwrap().gate.as_ref().unwrap().ready(s.now)
}

#[test]
fn a_calm_change_is_approved_by_a_alone_and_only_after_it_was_drawn() {
    let mut s = dialog(80, 24, calm());
    s.key(Key::Char('A'));
    assert!(s.screen.dialog.is_some(), "not drawn yet");
    s.draw();
    s.wait(650);
    assert!(s.text().contains("A approves in 0.1 s"));
    s.wait(50);
    assert!(s.text().contains(" A  approves exactly this, once"));
    s.key(Key::Char('A'));
    assert!(s.screen.dialog.is_none());
}

#[test]
fn targets_out_of_sight_hold_the_approval_back() {
    let mut proposal = grave();
    proposal.targets =
        (1..=8).map(|i| stage::target(&format!("i-{i:017}"), &format!("web-{i}"), "prod")).collect();
    let mut s = dialog(60, 15, proposal);
    let text = s.text();
    let Readiness::Unseen(left) = readiness(&s) else { panic!("{:?}", readiness(&s)) };
    assert!(left >= 5 && text.contains(&format!("{left} targets not seen yet")), "{text}");
    for _ in 0..40 {
        s.key(Key::Char('j')).draw();
        s.wait(10);
    }
    s.wait(700);
    assert_eq!(readiness(&s), Readiness::Code);
    assert!(s.text().contains("[____] [_]"));
    s.typed("KT");
    assert!(s.text().contains("[KT__] [_]"));
    s.typed("RW8");
    assert!(s.text().contains("approves exactly this"));
    assert_eq!(readiness(&s), Readiness::Armed);
}

#[test]
fn a_small_window_can_only_refuse() {
    let mut s = dialog(59, 15, calm());
    s.draw();
    s.wait(2_000);
    assert_eq!(readiness(&s), Readiness::NoRoom);
    s.key(Key::Char('A'));
    assert!(s.screen.dialog.is_some());
    s.key(Key::Esc);
    assert!(s.screen.dialog.is_none());
}

#[test]
fn what_help_or_setting_aside_covers_is_not_seen() {
    for keys in ["?", "v"] {
        let mut s = dialog(80, 24, calm());
        s.draw();
        s.wait(800).typed(keys);
        s.draw();
        let (_, shown) = s.frame();
        assert_eq!(shown.dialog, None, "{keys}");
    }
    let mut s = dialog(80, 24, calm());
    s.typed("v");
    assert!(s.text().lines().last().unwrap().starts_with(" A CHANGE WAITS: Stop 1 instance"));
}

/// Names that try everything: they reach the cells made visible, or not at all.
#[test]
fn untrusted_text_never_reaches_the_terminal_raw() {
    let evil = "a\u{1b}[2Jb\u{202e}c\u{200b}d\u{9b}e\rf\u{feff}g\u{e0041}h";
    let huge = format!("{evil}{}", "x".repeat(2_000_000));
    let mut services = services();
    services.summary = huge.clone();
    services.notes.push(evil.into());
    services.counts.of.push((evil.into(), 3));
    for row in &mut services.rows {
        row.cells[0] = huge.clone().into();
        row.cells[4] = evil.into();
    }
    let mut proposal = grave();
    proposal.title = evil.into();
    proposal.targets[0].name = Some(huge);
    proposal.targets[0].tags.insert(evil.into(), evil.into());
    proposal.warnings[0].text = evil.into();
    proposal.command = evil.into();
    let mut s = Stage::new(120, 40);
    s.ask(evil).wait(10);
    s.model(ModelEvent::ReasoningDelta(evil.into()));
    clean(&mut s);
    thinks(&mut s, &format!("{evil}\n{evil}"), 1_000);
    s.says(
        &format!("# {evil}\n{evil} `{evil}` &#x202e; &#27;[0m\n\n| {evil} |\n|---|\n| {evil} |"),
        &[
            ("list_ecs_services", json!({"cluster": evil})),
            (evil, json!({evil: evil})),
            ("stop_ec2_instances", json!({"ids": [evil]})),
        ],
    );
    s.tell(Msg::Event(Event::Notice(evil.into())));
    s.typed(":").tell(Msg::Paste(evil.into()));
    clean(&mut s);
    s.key(Key::Esc);
    s.key(Key::Tab).typed("e");
    clean(&mut s);
    s.typed("i");
    s.read(0, Ok(services));
    clean(&mut s);
    for tab in ["t", "t"] {
        s.key(Key::Tab).typed(tab);
        clean(&mut s);
    }
    s.planned(1, proposal);
    clean(&mut s);
}

fn clean(s: &mut Stage) {
    let buffer = s.draw();
    for cell in buffer.content() {
        let bad = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        };
        assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
    }
}

#[test]
fn no_size_panics() {
    let widths = [0, 1, 2, 3, 7, 19, 20, 21, 39, 40, 59, 60, 71, 79, 80, 119, 120, 200, 317, 500];
    let heights = [0, 1, 3, 9, 10, 14, 15, 24, 61, 200];
    let states: [fn(&mut Stage); 5] = [
        |_| {},
        |s| {
            s.typed(":");
        },
        |s| {
            s.typed("?");
        },
        |s| {
            s.key(Key::Tab).key(Key::Tab).key(Key::Enter).key(Key::Tab);
        },
        |s| {
            s.tell(Msg::Paste("one\ntwo\nthree 日本語 ".repeat(20)));
        },
    ];
    for state in states {
        let mut stages =
            [finished(100, 30), dialog(100, 30, grave()), streaming(100, 30), evaluating(100, 30, 10)];
        for s in &mut stages {
            state(s);
            for width in widths {
                for height in heights {
                    s.size = (width, height);
                    s.tell(Msg::Resize(width, height));
                    s.draw();
                }
            }
        }
    }
}

#[test]
fn demo_and_mode_are_never_dropped() {
    let mut scope = stage::scope();
    scope.demo = Some("checkout-outage".into());
    for width in 40..=200 {
        let text = Stage::with(width, 12, scope.clone()).text();
        let header = text.lines().next().unwrap();
        assert!(header.contains(" DEMO ") && header.ends_with(" EXECUTE"), "{width}: {header}");
        assert!(header.contains("1234"), "{width}: {header}");
    }
}

/// The modal's colours by role: what must stand out does.
#[test]
fn the_modal_stands_out() {
    let mut s = dialog(80, 24, grave());
    let buffer = s.draw();
    let at = |text: &str| {
        let (y, row) = stage::text(&buffer)
            .lines()
            .enumerate()
            .find(|(_, l)| l.contains(text))
            .map(|(y, l)| (y, l.to_owned()))
            .unwrap();
        let x = row.split(text).next().unwrap().chars().count();
        let style = buffer[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())].style();
        (style.fg, style.bg)
    };
    let of = |s: ratatui::style::Style| (s.fg, s.bg.or(Some(ratatui::style::Color::Reset)));
    assert_eq!(at("CRITICAL"), of(s.theme.critical));
    assert_eq!(at("HIGH IMPACT"), of(s.theme.critical));
    assert_eq!(at("CAUTION"), of(s.theme.caution));
    assert_eq!(at("acme-prod-eu 1234…9012   "), of(s.theme.production));
    assert_eq!(at("EXECUTE"), of(s.theme.execute));
}

/// The settings of a console that was started with a flag and a file, one of them changed.
fn settings(columns: u16, rows: u16) -> Stage {
    let mut s = finished(columns, rows);
    s.screen.given.settings = s.screen.ledger.settings.clone();
    (s.screen.theme, s.screen.given.theme) = ("dark".into(), "dark".into());
    s.screen.given.themes = vec!["dark", "light"];
    s.screen.given.insights_budget_gb = 10;
    s.screen.given.origins = [
        ("model", Origin::Flag("--model")),
        ("provider", Origin::Environment("QUARTERDECK_PROVIDER")),
        ("turn_dollars", Origin::File),
    ]
    .into();
    s.key(Key::Esc).typed(",").draw();
    s.typed("jjj").key(Key::Right).draw();
    s
}

#[test]
fn settings_that_are_not_saved() {
    at_every_size("settings", settings);
}

#[test]
fn settings_to_choose_from() {
    at_every_size("settings_choices", |columns, rows| {
        let mut s = settings(columns, rows);
        s.key(Key::Up).key(Key::Up).key(Key::Enter).typed("claude").draw();
        s
    });
}

#[test]
fn settings_with_a_mistake() {
    at_every_size("settings_error", |columns, rows| {
        let mut s = settings(columns, rows);
        s.key(Key::Enter).typed("9").key(Key::Enter).draw();
        s
    });
}

/// Where there is hardly room, what is left out is said to be left out.
#[test]
fn settings_in_the_smallest_window() {
    let mut s = settings(40, 10);
    s.typed("G").draw();
    s.typed("g").draw();
    insta::assert_snapshot!("settings_40x10", s.text());
}

/// A change that waits for a decision is in front; the settings come back as they were left.
#[test]
fn a_gate_covers_the_settings() {
    let mut s = Stage::new(120, 40);
    s.ask("stop the idle runner").wait(900);
    s.says("", &[("stop_ec2_instances", json!({"ids": []}))]);
    s.key(Key::Esc).wait(10);
    s.typed(",jjj").key(Key::Enter).draw();
    s.wait(300).planned(0, calm());
    let shown = s.text();
    assert!(shown.contains("APPROVE THIS CHANGE?") && !shown.contains("answer tokens"), "{shown}");
    s.wait(5_000).key(Key::Char('x')).draw();
    for _ in 0..3 {
        if s.screen.dialog.is_some() {
            s.key(Key::Esc).draw();
        }
    }
    assert!(s.screen.panel.as_ref().unwrap().edit.is_some());
}
