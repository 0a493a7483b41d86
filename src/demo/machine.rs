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

fn lives<'a>(world: &World<'a>, instance: &'a Instance) -> Vec<Machine<'a>> {
    let stopped = instance.state == "stopped";
    let mut machine = Machine {
        instance,
        id: instance.id.clone(),
        state: if stopped { State::Stopped } else { State::Running },
        private_ip: instance.private_ip.clone(),
        public_ip: instance.public_ip.clone().filter(|_| !stopped || instance.elastic),
        launched: world.start.minus(instance.launched.0),
        reason: instance
            .state_reason
            .as_ref()
            .map(|r| (r.split(':').next().unwrap_or_default().to_owned(), r.clone())),
        initializing: false,
    };
    let mut all = Vec::new();
    let mut n = 0;
    for (at, stop) in orders(world, instance) {
        n += 1;
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
        machine.reason = Some((
            "Client.UserInitiatedShutdown".to_owned(),
            "Client.UserInitiatedShutdown: User initiated shutdown".to_owned(),
        ));
        if instance.asg.is_some() && age >= REPLACED {
            let gone = age >= REPLACED + TERMINATING;
            machine.state = if gone { State::Terminated } else { State::ShuttingDown };
            all.push(machine.clone());
            machine = replacement(world, instance, at.plus(REPLACED), n);
            break;
        }
    }
    all.push(machine);
    all
}

fn replacement<'a>(world: &World<'_>, instance: &'a Instance, launched: Timestamp, n: u64) -> Machine<'a> {
    let age = world.now.since(launched);
    let net = instance.private_ip.rsplit_once('.').map_or("10.0.0", |(net, _)| net);
    Machine {
        instance,
        id: format!("i-0{}", seed::hex(&instance.id, n, 16)),
        state: if age < PENDING { State::Pending } else { State::Running },
        private_ip: format!("{net}.{}", 200 + seed::mix(&instance.id, n) % 50),
        public_ip: None,
        launched,
        reason: None,
        initializing: age < PENDING + INITIALIZING,
    }
}

/// Stops (`true`) and starts of this instance, oldest first.
fn orders(world: &World<'_>, instance: &Instance) -> Vec<(Timestamp, bool)> {
    let mine = |ids: &[String]| ids.contains(&instance.id);
    let here = world.actions.iter().filter(|a| a.region == instance.region && a.at <= world.now);
    here.filter_map(|a| match &a.what {
        What::Stop { ids } if mine(ids) => Some((a.at, true)),
        What::Start { ids } if mine(ids) => Some((a.at, false)),
        What::Stop { .. } | What::Start { .. } | What::UpdateService { .. } => None,
    })
    .collect()
}
