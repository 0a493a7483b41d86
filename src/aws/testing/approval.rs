//! An approved plan in tests: a session asks, a person reads and types, the same plan is made again.

use super::NOW;
use crate::clients::{Aws, Beside};
use crate::registry::{self, Failed};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Challenge, Decision, Gate, Proposal, Readiness, Seen, Spent};
use quarterdeck_core::command::Command;
use quarterdeck_core::id::FrontId;
use quarterdeck_core::models::Models;
use quarterdeck_core::press::{Key, Press};
use quarterdeck_core::scope::{Mode, Scope};
use quarterdeck_core::session::{Effect, FrontCaps, Input, Session, Setup};
use quarterdeck_core::settings::Settings;
use quarterdeck_core::tool::{Fault, Projection};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const FRONT: FrontId = FrontId(1);

fn challenge() -> Challenge {
    Challenge { code: "BDEF".into() }
}

/// Plans, has it approved, and uses the approval up.
pub async fn spent(aws: &Aws, tool: &str, args: &Value) -> Result<Spent, Fault> {
    let plan = registry::plan(aws, tool, args, Arc::new(|_| ())).await?;
    Ok(approve(tool, args, plan))
}

/// Plans, has it approved and carries it out.
pub async fn carried_out(aws: &Aws, tool: &str, args: &Value, beside: Beside) -> Result<Projection, Failed> {
    let proof = spent(aws, tool, args).await.map_err(|fault| Failed { fault, lost: false })?;
    registry::write(aws, proof, beside).await.map(|(projection, _)| projection)
}

/// The proof that `plan` was approved.
pub fn approve(tool: &str, args: &Value, plan: Proposal) -> Spent {
    let setup = Setup {
        session: "s1".into(),
        version: "0".into(),
        operator: "sam".into(),
        catalogue: Arc::new(registry::catalogue()),
        scope: Scope::default(),
        mode: Mode::Execute,
        settings: Settings {
            provider: "none".into(),
            model: "none".into(),
            iterations: 1,
            max_tokens: 1,
            ..Settings::default()
        },
        models: Arc::new(Models::embedded().clone()),
        system: "".into(),
        redact_key: [7; 16],
    };
    let (mut session, _) = Session::new(setup, NOW);
    let mut now = NOW;
    let _ = session.step(Input::FrontJoined(FRONT, FrontCaps { can_ask: true }), now);
    let call = Command::Call { tool: tool.into(), args: args.clone(), fresh: true };
    let planning = session.step(Input::Command(FRONT, call), now);
    let id = planning.iter().find_map(|e| if let Effect::Plan(id, _) = e { Some(*id) } else { None });
    let asked = session.step(Input::Planned(id.expect("it is planned"), Ok(plan.clone()), challenge()), now);
    let gate = asked.into_iter().find_map(|e| if let Effect::Ask(_, gate) = e { Some(gate) } else { None });
    let mut gate = gate.expect("a person is asked");
    let seen = Seen { targets: (0..gate.proposal().targets.len()).collect(), room: true };
    let proof = loop {
        gate.drawn(&seen, now);
        let keys = match gate.ready(now) {
            Readiness::Waiting(ms) => {
                now = now.plus(Duration::from_millis(ms));
                continue;
            }
            Readiness::Code => format!("{}{}", gate.code().expect("a code"), gate.proposal().targets.len()),
            Readiness::Armed => "A".to_owned(),
            Readiness::NoRoom | Readiness::Unseen(_) => unreachable!("everything was drawn"),
        };
        match typed(gate, &keys, now) {
            Decision::Waiting(again) => gate = again,
            Decision::Approved(proof) => break proof,
            Decision::Refused(_) => unreachable!("nobody refuses"),
        }
    };
    let replans = session.step(Input::Command(FRONT, Command::Approve(proof)), now);
    let proof =
        replans.into_iter().find_map(|e| if let Effect::Replan(proof) = e { Some(proof) } else { None });
    let again = Input::Replanned(proof.expect("it is planned again"), Ok(plan), challenge());
    let commits = session.step(again, now);
    let spent = commits
        .into_iter()
        .find_map(|e| if let Effect::Commit { spent, .. } = e { Some(spent) } else { None });
    spent.expect("it is carried out")
}

fn typed(mut gate: Gate, keys: &str, now: Timestamp) -> Decision {
    let mut keys = keys.chars().peekable();
    while let Some(c) = keys.next() {
        match gate.key(Press::new(Key::Char(c), false, false), now) {
            Decision::Waiting(next) if keys.peek().is_some() => gate = next,
            decision => return decision,
        }
    }
    Decision::Waiting(gate)
}
