//! What the screen looks like, at 80x24, 120x40 and 200x60.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "common/stage.rs"]
#[allow(dead_code)]
mod stage;

use quarterdeck_core::event::{Event, Live};
use quarterdeck_core::id::TurnId;
use quarterdeck_core::press::Key;
use quarterdeck_core::screen::Msg;
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

#[test]
fn a_finished_turn() {
    at_every_size("finished", |c, r| {
        let mut s = finished(c, r);
        s.key(Key::Tab).key(Key::Tab);
        for _ in 0..3 {
            s.key(Key::Char('k'));
        }
        s
    });
}

#[test]
fn an_approval() {
    at_every_size("approval", |c, r| dialog(c, r, calm()));
}

#[test]
fn a_high_impact_approval() {
    at_every_size("approval_high", |c, r| dialog(c, r, grave()));
}
