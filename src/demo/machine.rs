//! An EC2 instance over time: its states after what the operator did.

use crate::account::Instance;
use crate::seed;
use crate::world::{What, World};
use quarterdeck_core::Timestamp;
use std::time::Duration;

const STOPPING: Duration = Duration::from_secs(12);
const PENDING: Duration = Duration::from_secs(8);
const INITIALIZING: Duration = Duration::from_secs(40);
/// An Auto Scaling group notices a stopped member after this long, terminates it and starts another.
const REPLACED: Duration = Duration::from_secs(45);
const TERMINATING: Duration = Duration::from_secs(15);

/// An instance as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Machine<'a> {
    pub instance: &'a Instance,
    /// Its id: the instance's own, or the replacement's.
    pub id: String,
    pub state: State,
    pub private_ip: String,
    pub public_ip: Option<String>,
    pub launched: Timestamp,
    /// `Client.UserInitiatedShutdown: ...` after a stop.
    pub reason: Option<(String, String)>,
    /// Checks are not done yet.
    pub initializing: bool,
}

/// EC2's instance states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl State {
    /// As EC2 names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// EC2's number for it.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }
}

/// Every instance of the region, replacements included.
pub(crate) fn machines<'a>(world: &World<'a>) -> Vec<Machine<'a>> {
    let here = world.account.holds.instance.iter().filter(|i| i.region == world.region);
    here.flat_map(|instance| lives(world, instance)).collect()
}

/// The instance, and those its group put in its place.
fn lives<'a>(world: &World<'a>, instance: &'a Instance) -> Vec<Machine<'a>> {
    let mut all = Vec::new();
    let mut next = Some(before(world, instance));
    while let Some(born) = next.take() {
        let (machine, successor) = live(world, born);
        all.push(machine);
        next = successor;
    }
    all
}

/// The instance as it was when the drill started.
fn before<'a>(world: &World<'a>, instance: &'a Instance) -> Machine<'a> {
    let stopped = instance.state == "stopped";
    let reason = instance.state_reason.as_ref();
    Machine {
        instance,
        id: instance.id.clone(),
        state: if stopped { State::Stopped } else { State::Running },
        private_ip: instance.private_ip.clone(),
        public_ip: instance.public_ip.clone().filter(|_| !stopped || instance.elastic),
        launched: world.start.minus(instance.launched.0),
        reason: reason.map(|r| (r.split(':').next().unwrap_or_default().to_owned(), r.clone())),
        initializing: false,
    }
}

/// What became of a machine after it was stopped and started, and who took its place.
fn live<'a>(world: &World<'a>, born: Machine<'a>) -> (Machine<'a>, Option<Machine<'a>>) {
    let mut machine = born;
    let instance = machine.instance;
    for (n, at, stop) in orders(world, &machine.id) {
        let age = world.now.since(at);
        if !stop {
            machine.state = if age < PENDING { State::Pending } else { State::Running };
            machine.launched = at;
            machine.initializing = age < PENDING + INITIALIZING;
            machine.reason = None;
            if instance.public_ip.is_some() && !instance.elastic {
                machine.public_ip = Some(format!("203.0.113.{}", 20 + seed::mix(&instance.id, n) % 200));
            }
            continue;
        }
        machine.state = if age < STOPPING { State::Stopping } else { State::Stopped };
        machine.initializing = false;
        machine.public_ip = machine.public_ip.filter(|_| instance.elastic || age < STOPPING);
        let message = "Client.UserInitiatedShutdown: User initiated shutdown";
        machine.reason = Some(("Client.UserInitiatedShutdown".to_owned(), message.to_owned()));
        if instance.asg.is_some() && age >= REPLACED {
            let gone = age >= REPLACED + TERMINATING;
            machine.state = if gone { State::Terminated } else { State::ShuttingDown };
            let successor = replacement(world, &machine, at.plus(REPLACED));
            return (machine, Some(successor));
        }
    }
    (machine, None)
}

fn replacement<'a>(world: &World<'_>, old: &Machine<'a>, launched: Timestamp) -> Machine<'a> {
    let age = world.now.since(launched);
    let net = old.private_ip.rsplit_once('.').map_or("10.0.0", |(net, _)| net);
    Machine {
        instance: old.instance,
        id: format!("i-0{}", seed::hex(&old.id, 0, 16)),
        state: if age < PENDING { State::Pending } else { State::Running },
        private_ip: format!("{net}.{}", 200 + seed::mix(&old.id, 0) % 50),
        public_ip: None,
        launched,
        reason: None,
        initializing: age < PENDING + INITIALIZING,
    }
}

/// Stops (`true`) and starts of `id`, oldest first, numbered.
fn orders(world: &World<'_>, id: &str) -> Vec<(u64, Timestamp, bool)> {
    let mine = |ids: &[String]| ids.iter().any(|i| i == id);
    let here = (0..).zip(world.actions).filter(|(_, a)| a.region == world.region && a.at <= world.now);
    here.filter_map(|(n, a)| match &a.what {
        What::Stop { ids } if mine(ids) => Some((n, a.at, true)),
        What::Start { ids } if mine(ids) => Some((n, a.at, false)),
        What::Stop { .. }
        | What::Start { .. }
        | What::UpdateService { .. }
        | What::RevokeRules { .. }
        | What::AddRules { .. }
        | What::S3(_)
        | What::Other(_) => None,
    })
    .collect()
}
