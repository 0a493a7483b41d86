//! The engine task: owns the session, feeds it inputs, performs its effects, tells the fronts.
//!
//! One loop. Inputs come from fronts, models, tools, timers and the store; each goes through
//! `Session::step`, whose effects go to [`perform`]. Nothing in the loop waits for the disk, a model or AWS.

pub mod clock;
mod fronts;
mod perform;
pub mod store;
pub mod trial;

pub use clock::Clock;
pub use fronts::Front;

use fronts::Fronts;
use perform::Performer;
use quarterdeck_aws::clients::Aws;
use quarterdeck_core::Timestamp;
use quarterdeck_core::event::Event;
use quarterdeck_core::id::FrontId;
use quarterdeck_core::session::{Effect, FrontCaps, Input, Session};
use quarterdeck_model::Provider;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use store::{Report, Writer};
use tokio::sync::mpsc;

/// Inputs that may wait.
const INPUTS: usize = 1024;
/// Inputs taken before the fronts are told, so that a flood cannot starve the screen.
const BURST: usize = 256;
/// How long a write in flight may take to conclude after the console was told to end.
const LAST_WRITE: Duration = Duration::from_secs(10);

/// What an engine is made of.
pub struct Parts {
    /// The session and what it wants done first.
    pub session: (Session, Vec<Effect>),
    /// Where its journal goes.
    pub store: Writer,
    /// Entries that are durable already (a resumed session).
    pub durable: u64,
    /// The account.
    pub aws: Aws,
    /// The model.
    pub provider: Arc<dyn Provider>,
    /// The time.
    pub clock: Clock,
}

/// A running engine.
pub struct Engine {
    inputs: mpsc::Sender<Input>,
    joins: mpsc::Sender<fronts::Join>,
    task: tokio::task::JoinHandle<()>,
    next_front: u32,
}

impl Engine {
    /// Starts the task.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let (inputs, queue) = mpsc::channel(INPUTS);
        let (joins, joined) = mpsc::channel(4);
        let task = tokio::spawn(Loop::new(parts, inputs.clone(), queue, joined).run());
        Self { inputs, joins, task, next_front: 0 }
    }

    /// Connects a front. It is sent the journal from its beginning, then what happens.
    pub async fn connect(&mut self, caps: FrontCaps) -> Front {
        let id = FrontId(self.next_front);
        self.next_front += 1;
        fronts::connect(id, caps, &self.inputs, &self.joins).await
    }

    /// Runs something beside the loop, such as asking who we are.
    pub fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(work);
    }

    /// A sender for what happens outside.
    #[must_use]
    pub fn inputs(&self) -> mpsc::Sender<Input> {
        self.inputs.clone()
    }

    /// Waits until the engine has ended: after `Command::Quit`, or when every front is gone.
    pub async fn ended(self) {
        drop(self.inputs);
        drop(self.joins);
        let _ = self.task.await;
    }
}

struct Loop {
    session: Session,
    first: Vec<Effect>,
    performer: Performer,
    fronts: Fronts,
    queue: mpsc::Receiver<Input>,
    joined: mpsc::Receiver<fronts::Join>,
    clock: Clock,
    /// When to stop waiting for a write in flight.
    closing: Option<Timestamp>,
    finished: bool,
    /// What the store said so far, for fronts that join later.
    remarks: Vec<String>,
    store_failed: Option<String>,
}

impl Loop {
    fn new(
        parts: Parts,
        inputs: mpsc::Sender<Input>,
        queue: mpsc::Receiver<Input>,
        joined: mpsc::Receiver<fronts::Join>,
    ) -> Self {
        let (session, first) = parts.session;
        let clock = parts.clock;
        let performer = Performer::new(parts.store, parts.aws, parts.provider, inputs);
        let fronts = Fronts::new(parts.durable);
        Self {
            session,
            first,
            performer,
            fronts,
            queue,
            joined,
            clock,
            closing: None,
            finished: false,
            remarks: Vec::new(),
            store_failed: None,
        }
    }

    async fn run(mut self) {
        let first = std::mem::take(&mut self.first);
        self.perform(first);
        let mut had_front = false;
        while !self.finished {
            self.performer.flush();
            self.fronts.flush(self.session.entries());
            if self.closing.is_some_and(|at| (self.clock)() >= at) {
                break;
            }
            let wait = self.next_wait();
            tokio::select! {
                biased;
                Some(join) = self.joined.recv() => {
                    had_front = true;
                    let (id, caps) = self.fronts.add(join);
                    self.greet(id);
                    self.step(Input::FrontJoined(id, caps));
                }
                input = self.queue.recv() => match input {
                    Some(input) => self.burst(input),
                    None => break,
                },
                Some(report) = self.performer.store.reports.recv() => self.report(report),
                Some(farewell) = self.performer.farewells.recv() => Performer::say(farewell),
                Some(live) = self.performer.progress.recv() => self.fronts.live(self.session.entries().len(), &live),
                () = sleep(wait) => self.wake(),
            }
            while let Ok(live) = self.performer.progress.try_recv() {
                self.fronts.live(self.session.entries().len(), &live);
            }
            if had_front && self.fronts.is_empty() && self.closing.is_none() {
                self.close();
            }
        }
        self.end().await;
    }

    /// Tells a front what it missed and no entry says.
    fn greet(&mut self, id: FrontId) {
        for remark in &self.remarks {
            self.fronts.tell(id, remark.clone());
        }
        if let Some(why) = &self.store_failed {
            self.fronts.send(id, Event::StoreFailed(why.clone()));
        }
    }

    /// Takes what waits, up to a bound, before anybody is told: many deltas become one message.
    fn burst(&mut self, first: Input) {
        self.step(first);
        for _ in 1..BURST {
            match self.queue.try_recv() {
                Ok(input) => self.step(input),
                Err(_) => break,
            }
        }
    }

    fn step(&mut self, input: Input) {
        if let Input::FrontGone(id) = input {
            self.fronts.remove(id);
        }
        let quits = matches!(&input, Input::Command(_, quarterdeck_core::command::Command::Quit));
        let effects = self.session.step(input, (self.clock)());
        self.perform(effects);
        if quits && self.closing.is_none() {
            self.closing = Some((self.clock)().plus(LAST_WRITE));
        }
    }

    fn close(&mut self) {
        self.step(Input::Command(FrontId(u32::MAX), quarterdeck_core::command::Command::Quit));
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(front, gate) => self.fronts.ask(front, gate),
                Effect::AskSpending(front, spending) => self.fronts.send(front, Event::Spend(spending)),
                Effect::Show(live) => self.fronts.live(self.session.entries().len(), &live),
                Effect::Tell(front, text) => self.fronts.tell(front, text),
                Effect::Finish => self.finished = true,
                other => self.performer.perform(other),
            }
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Durable(seq) => self.fronts.durable(seq + 1),
            Report::Remark(text) => {
                self.fronts.broadcast(|| Event::Notice(text.clone()));
                self.remarks.push(text);
            }
            Report::Failed(why) => {
                // Nothing will be durable any more: show entries as they are, refuse every change.
                self.fronts.durable(u64::MAX);
                self.step(Input::StoreFailed(why.clone()));
                self.fronts.broadcast(|| Event::StoreFailed(why.clone()));
                self.store_failed = Some(why);
            }
        }
    }

    fn wake(&mut self) {
        let now = (self.clock)();
        for wake in self.performer.due(now) {
            self.step(Input::Woke(wake));
        }
    }

    /// Until the next timer, a retry for a front or store that is behind, or for ever.
    fn next_wait(&self) -> Option<Duration> {
        let now = (self.clock)();
        let timer = self.performer.next_wake().into_iter().chain(self.closing).min();
        let timer = timer.map(|at| at.since(now));
        let retry =
            (self.fronts.behind() || self.performer.store.behind()).then_some(Duration::from_millis(5));
        timer.into_iter().chain(retry).min()
    }

    async fn end(mut self) {
        self.performer.flush();
        let Self { performer, mut fronts, session, .. } = self;
        performer.close().await;
        fronts.durable(u64::MAX);
        fronts.close(session.entries());
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
