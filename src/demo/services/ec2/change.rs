//! StopInstances and StartInstances.

use super::describe::state;
use super::ids;
use crate::machine::{Machine, State, machines};
use crate::services::Reply;
use crate::wire::{Failure, Input, Node, node};
use crate::world::{What, World};

/// StopInstances.
pub(crate) fn stop(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (chosen, there) = chosen(world, input)?;
    if input.flag("Hibernate") {
        return Err(Failure::new(
            "UnsupportedHibernationConfiguration",
            "Hibernation is not enabled for one or more of the instances.",
        ));
    }
    for machine in chosen.iter().filter_map(|id| there.iter().find(|m| m.id == *id)) {
        if machine.instance.stop_protection {
            return Err(Failure::new(
                "OperationNotPermitted",
                format!(
                    "The instance '{}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.",
                    machine.id
                ),
            ));
        }
        if machine.instance.spot {
            return Err(Failure::new(
                "UnsupportedOperation",
                format!(
                    "You can't stop the Spot Instance '{}' because it is associated with a one-time Spot Instance request.",
                    machine.id
                ),
            ));
        }
        match machine.state {
            State::Pending | State::Running | State::Stopping | State::Stopped => {}
            State::ShuttingDown | State::Terminated => return Err(wrong_state(machine, "stopped")),
        }
    }
    let moving = |s: State| matches!(s, State::Pending | State::Running);
    Ok(reply(&chosen, &there, moving, State::Stopping, |ids| What::Stop { ids }))
}

/// StartInstances.
pub(crate) fn start(world: &World<'_>, input: &Input) -> Result<Reply, Failure> {
    let (chosen, there) = chosen(world, input)?;
    for machine in chosen.iter().filter_map(|id| there.iter().find(|m| m.id == *id)) {
        match machine.state {
            State::Pending | State::Running | State::Stopped => {}
            State::Stopping | State::ShuttingDown | State::Terminated => {
                return Err(wrong_state(machine, "started"));
            }
        }
    }
    Ok(reply(&chosen, &there, |s| s == State::Stopped, State::Pending, |ids| What::Start { ids }))
}

fn chosen<'a>(world: &World<'a>, input: &Input) -> Result<(Vec<String>, Vec<Machine<'a>>), Failure> {
    let ids = ids(world, input)?;
    if ids.is_empty() {
        return Err(Failure::new("MissingParameter", "The request must contain the parameter InstanceId"));
    }
    if input.flag("DryRun") {
        return Err(Failure::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
            .status(412));
    }
    Ok((ids.into_iter().map(str::to_owned).collect(), machines(world)))
}

fn wrong_state(machine: &Machine<'_>, verb: &str) -> Failure {
    let id = &machine.id;
    Failure::new(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state from which it can be {verb}."),
    )
}

/// Those in a state that `moves` go to `next`; the others stay and are answered as they are.
fn reply(
    ids: &[String],
    there: &[Machine<'_>],
    moves: impl Fn(State) -> bool,
    next: State,
    what: impl FnOnce(Vec<String>) -> What,
) -> Reply {
    let machines: Vec<&Machine<'_>> =
        ids.iter().filter_map(|id| there.iter().find(|m| m.id == *id)).collect();
    let moved: Vec<String> = machines.iter().filter(|m| moves(m.state)).map(|m| m.id.clone()).collect();
    let items = machines.iter().map(|m| {
        let current = if moves(m.state) { next } else { m.state };
        node! { "instanceId" => &m.id, "currentState" => state(current), "previousState" => state(m.state) }
    });
    let body = node! { "instancesSet" => Node::list(items) };
    Reply { body, action: (!moved.is_empty()).then(|| what(moved)) }
}
