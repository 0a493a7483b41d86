//! An ECS service over time: its deployments and tasks, folded from the story and the operator's actions.
//!
//! A sound revision comes up within 20 s and is rolled out after 25. The tasks of a broken revision die as the
//! story says, again and again, while the scheduler keeps the minimum of the older ones alive. Desired count and
//! forced deployments do not mend a broken revision.

use crate::account::Service;
use crate::seed;
use crate::steps::{broken, steps};
use crate::story::{Broken, Death};
use crate::world::World;
use quarterdeck_core::Timestamp;
use std::time::Duration;

const START_AFTER: Duration = Duration::from_secs(4);
const START_OVER: Duration = Duration::from_secs(16);
const DRAIN_OVER: Duration = Duration::from_secs(8);
const ROLLED_OUT_AFTER: Duration = Duration::from_secs(25);
const REPLACE_OVER: Duration = Duration::from_secs(60);
const PENDING: Duration = Duration::from_secs(3);
/// ECS forgets stopped tasks after about an hour.
const KEPT: Duration = Duration::from_secs(3600);

/// A service's deployments, oldest first, and tasks, as they are now and are planned to be.
#[derive(Clone, Debug)]
pub(crate) struct Fleet<'a> {
    pub service: &'a Service,
    pub deployments: Vec<Deployment<'a>>,
    pub tasks: Vec<Task<'a>>,
    pub now: Timestamp,
    created: u64,
}

/// One deployment.
#[derive(Clone, Debug)]
pub(crate) struct Deployment<'a> {
    /// 19 digits.
    pub number: String,
    pub revision: u32,
    pub created: Timestamp,
    pub desired: u32,
    pub broken: Option<&'a Broken>,
    /// When its rollout is (or was) complete, unless something changes before.
    pub completed: Option<Timestamp>,
    /// When a later one took its place.
    pub superseded: Option<Timestamp>,
    crashing: Vec<(Timestamp, Option<Timestamp>)>,
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Task<'a> {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Index into the fleet's deployments.
    pub deployment: usize,
    pub created: Timestamp,
    /// `None`: dies before it runs.
    pub started: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    /// Why it dies; `None`: the scheduler stops it.
    pub death: Option<&'a Death>,
}

/// What `rolloutState` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl<'a> Fleet<'a> {
    /// Plays the story and the actions up to now.
    pub(crate) fn play(world: World<'a>, service: &'a Service) -> Self {
        let born = world.start.minus(service.deployed.0);
        let first = Deployment {
            number: seed::digits(&service.key(), 0),
            revision: service.revision,
            created: born,
            desired: service.desired,
            broken: None,
            completed: Some(born.plus(ROLLED_OUT_AFTER)),
            superseded: None,
            crashing: Vec::new(),
        };
        let mut fleet =
            Self { service, deployments: vec![first], tasks: Vec::new(), now: world.now, created: 0 };
        fleet.launch(0, service.desired, born);
        for step in steps(world, service) {
            let primary = fleet.primary();
            let revision = step.revision.unwrap_or(primary.map_or(service.revision, |d| d.revision));
            let desired = step.desired.unwrap_or(primary.map_or(service.desired, |d| d.desired));
            let fresh = step.force || primary.is_some_and(|d| d.revision != revision);
            fleet.cancel_plans(step.at);
            if fresh {
                fleet.deploy(step.at, revision, desired, broken(world, service, revision));
            } else {
                fleet.scale(step.at, desired);
            }
        }
        fleet.crash();
        fleet
    }

    /// The deployment that is wanted.
    pub(crate) fn primary(&self) -> Option<&Deployment<'a>> {
        self.deployments.last()
    }

    /// Desired count.
    pub(crate) fn desired(&self) -> u32 {
        self.primary().map_or(0, |d| d.desired)
    }

    /// Tasks that run at `t`; those that only come up to die do not count.
    pub(crate) fn running_at(&self, t: Timestamp) -> u32 {
        count(self.tasks.iter().filter(|task| task.death.is_none() && task.runs_at(t)))
    }

    /// Tasks of deployment `index` that run now.
    pub(crate) fn running_of(&self, index: usize) -> u32 {
        let now = self.now;
        count(self.tasks.iter().filter(|t| t.deployment == index && t.death.is_none() && t.runs_at(now)))
    }

    /// Tasks of deployment `index` on their way up now.
    pub(crate) fn pending_of(&self, index: usize) -> u32 {
        let now = self.now;
        count(
            self.tasks
                .iter()
                .filter(|t| t.deployment == index && t.lives_at(now) && !t.counts_as_running(now)),
        )
    }

    /// Running tasks over those of a good day, at most 1.
    pub(crate) fn capacity_at(&self, t: Timestamp) -> f64 {
        (f64::from(self.running_at(t)) / f64::from(self.service.desired.max(1))).min(1.0)
    }

    /// Running tasks of `revision` over those of a good day, at most 1.
    pub(crate) fn share_at(&self, revision: u32, t: Timestamp) -> f64 {
        let of =
            |task: &&Task<'_>| self.deployments.get(task.deployment).is_some_and(|d| d.revision == revision);
        let running = count(self.tasks.iter().filter(of).filter(|task| task.counts_as_running(t)));
        (f64::from(running) / f64::from(self.service.desired.max(1))).min(1.0)
    }

    /// When the number of running tasks changed, ascending, up to now.
    pub(crate) fn changes(&self) -> Vec<Timestamp> {
        let mut all: Vec<Timestamp> = self
            .tasks
            .iter()
            .filter(|t| t.death.is_none())
            .flat_map(|t| [t.started, t.stopped])
            .flatten()
            .filter(|t| *t <= self.now)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Tasks there are now and those that stopped within the hour ECS remembers.
    pub(crate) fn known_tasks(&self) -> impl Iterator<Item = &Task<'a>> {
        let (now, horizon) = (self.now, self.now.minus(KEPT));
        self.tasks.iter().filter(move |t| t.created <= now && t.stopped.is_none_or(|s| s > horizon))
    }

    /// Deaths of deployment `index` up to now.
    pub(crate) fn failed_of(&self, index: usize) -> u32 {
        let Some(deployment) = self.deployments.get(index) else { return 0 };
        u32::try_from(deployment.deaths(self.now)).unwrap_or(u32::MAX)
    }

    /// How the rollout of deployment `index` stands.
    pub(crate) fn rollout(&self, index: usize) -> Rollout {
        let Some(deployment) = self.deployments.get(index) else { return Rollout::Completed };
        match (deployment.broken, deployment.completed) {
            (None, Some(done)) if done <= self.now => Rollout::Completed,
            (Some(_), _) if self.service.circuit_breaker && self.failed_of(index) >= self.breaker() => {
                Rollout::Failed
            }
            (None | Some(_), _) => Rollout::InProgress,
        }
    }

    /// Failures after which a circuit breaker trips.
    fn breaker(&self) -> u32 {
        self.desired().div_ceil(2).clamp(3, 200)
    }

    fn deploy(&mut self, at: Timestamp, revision: u32, desired: u32, broken: Option<&'a Broken>) {
        let index = self.deployments.len();
        if let Some(old) = self.deployments.last_mut() {
            old.superseded = Some(at);
            old.close(at);
        }
        self.deployments.push(Deployment {
            number: seed::digits(&self.service.key(), index as u64),
            revision,
            created: at,
            desired,
            broken,
            completed: broken.is_none().then(|| at.plus(ROLLED_OUT_AFTER)),
            superseded: None,
            crashing: Vec::new(),
        });
        if broken.is_some() {
            let kept = desired.saturating_mul(self.service.minimum_healthy).div_ceil(100);
            self.stop_all_but(kept, at.plus(START_AFTER), REPLACE_OVER, |_| true);
            self.open(at);
        } else {
            self.drain(at, |_| true);
            self.launch(index, desired, at);
        }
    }

    fn scale(&mut self, at: Timestamp, desired: u32) {
        let index = self.deployments.len().saturating_sub(1);
        let Some(primary) = self.deployments.last_mut() else { return };
        primary.desired = desired;
        if primary.broken.is_some() {
            primary.close(at);
            self.stop_all_but(desired, at.plus(START_AFTER), DRAIN_OVER, |_| true);
            self.open(at);
            return;
        }
        if primary.completed.is_none_or(|done| done > at) {
            primary.completed = Some(at.plus(ROLLED_OUT_AFTER));
        }
        self.drain(at, |t| t.deployment != index);
        self.stop_all_but(desired, at.plus(START_AFTER), DRAIN_OVER, |t| t.deployment == index);
        let there = count(self.tasks.iter().filter(|t| t.deployment == index && t.stopped.is_none()));
        self.launch(index, desired.saturating_sub(there), at);
    }

    /// What was planned for after `at` does not happen.
    fn cancel_plans(&mut self, at: Timestamp) {
        self.tasks.retain(|t| t.created <= at);
        for task in &mut self.tasks {
            task.stopped = task.stopped.filter(|s| *s <= at);
        }
    }

    fn launch(&mut self, deployment: usize, n: u32, at: Timestamp) {
        for i in 0..n {
            let started = at.plus(START_AFTER + START_OVER * i / n.saturating_sub(1).max(1));
            let id = seed::hex(&format!("task {}", self.service.key()), self.created, 32);
            self.created += 1;
            self.tasks.push(Task {
                id,
                deployment,
                created: started.minus(PENDING),
                started: Some(started),
                stopped: None,
                death: None,
            });
        }
    }

    /// Older tasks go once new ones are up; where no more than desired may run, they go to make room.
    fn drain(&mut self, at: Timestamp, which: impl Fn(&Task<'_>) -> bool) {
        let (after, over) = if self.service.maximum > 100 { (16, 8) } else { (2, 14) };
        self.stop_all_but(0, at.plus(Duration::from_secs(after)), Duration::from_secs(over), which);
    }

    /// Stops the newest of those `which` chooses, one after the other, until `kept` are left.
    fn stop_all_but(
        &mut self,
        kept: u32,
        from: Timestamp,
        over: Duration,
        which: impl Fn(&Task<'_>) -> bool,
    ) {
        let mut alive: Vec<&mut Task<'a>> =
            self.tasks.iter_mut().filter(|t| t.stopped.is_none() && which(t)).collect();
        let excess = u32::try_from(alive.len()).unwrap_or(u32::MAX).saturating_sub(kept);
        for (i, task) in (1..=excess).zip(alive.iter_mut().rev()) {
            task.stopped = Some(from.plus(over * i / excess));
        }
    }

    /// The primary's tasks begin to die, until the circuit breaker trips.
    fn open(&mut self, at: Timestamp) {
        let (breaker, trips) = (self.breaker(), self.service.circuit_breaker);
        let Some(primary) = self.deployments.last_mut() else { return };
        let Some(broken) = primary.broken.filter(|_| primary.desired > 0) else { return };
        let tripped = trips.then(|| at.plus(broken.first.0 + broken.every.0 * breaker.saturating_sub(1)));
        primary.crashing.push((at, tripped));
    }

    /// Adds the tasks that die, as far as ECS still remembers them.
    fn crash(&mut self) {
        let (now, horizon) = (self.now, self.now.minus(KEPT));
        let mut dying = Vec::new();
        for (index, deployment) in self.deployments.iter().enumerate() {
            let Some(broken) = deployment.broken else { continue };
            for (window, (from, until)) in deployment.crashing.iter().enumerate() {
                let from_k =
                    horizon.since(from.plus(broken.first.0)).as_millis() / broken.every.0.as_millis().max(1);
                let mut k = u64::try_from(from_k).unwrap_or(0);
                while let Some((created, stopped)) = crash_at(broken, *from, k) {
                    if created > now || until.is_some_and(|u| created >= u) {
                        break;
                    }
                    let death =
                        broken.failure.get(usize::try_from(k).unwrap_or(0) % broken.failure.len().max(1));
                    let started = death.filter(|d| d.exit_code.is_some()).map(|_| created.plus(PENDING));
                    let id = seed::hex(&format!("crash {} {window}", deployment.number), k, 32);
                    dying.push(Task {
                        id,
                        deployment: index,
                        created,
                        started,
                        stopped: Some(stopped),
                        death,
                    });
                    k += 1;
                }
            }
        }
        self.tasks.append(&mut dying);
    }
}

impl Deployment<'_> {
    /// As ECS names it.
    pub(crate) fn id(&self) -> String {
        format!("ecs-svc/{}", self.number)
    }

    fn close(&mut self, at: Timestamp) {
        if let Some((_, until)) = self.crashing.last_mut() {
            *until = Some(until.map_or(at, |u| u.min(at)));
        }
    }

    fn deaths(&self, now: Timestamp) -> u64 {
        let Some(broken) = self.broken else { return 0 };
        let every = broken.every.0.as_millis().max(1);
        let in_window = |(from, until): &(Timestamp, Option<Timestamp>)| {
            let first = from.plus(broken.first.0);
            let end = until.map_or(now, |u| u.plus(broken.life.0).min(now));
            if end < first { 0 } else { u64::try_from(end.since(first).as_millis() / every).unwrap_or(0) + 1 }
        };
        self.crashing.iter().map(in_window).sum()
    }
}

impl Task<'_> {
    /// Created and not stopped.
    pub(crate) fn lives_at(&self, t: Timestamp) -> bool {
        self.created <= t && self.stopped.is_none_or(|s| t < s)
    }

    /// Started and not stopped.
    pub(crate) fn runs_at(&self, t: Timestamp) -> bool {
        self.started.is_some_and(|s| s <= t) && self.lives_at(t)
    }

    /// A task that comes up only to die is counted as pending all its short life.
    pub(crate) fn counts_as_running(&self, t: Timestamp) -> bool {
        self.death.is_none() && self.runs_at(t)
    }
}

/// When the k-th task of a broken deployment is created and dies.
fn crash_at(broken: &Broken, from: Timestamp, k: u64) -> Option<(Timestamp, Timestamp)> {
    let stopped = from.plus(broken.first.0 + broken.every.0.checked_mul(u32::try_from(k).ok()?)?);
    Some((stopped.minus(broken.life.0), stopped))
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
