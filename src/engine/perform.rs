//! The only place that spawns: carries out effects and feeds back what came of them.

use super::store::Writer;
use super::trial;
use futures::{FutureExt as _, StreamExt as _};
use quarterdeck_aws::clients::{Aws, Beside, Farewell, ProgressSink};
use quarterdeck_aws::registry::{self, Failed};
use quarterdeck_aws::stop::{self, Switch};
use quarterdeck_core::Timestamp;
use quarterdeck_core::approval::{Authorized, Challenge, Spent};
use quarterdeck_core::eval::Progress;
use quarterdeck_core::event::Live;
use quarterdeck_core::id::{CallId, TurnId};
use quarterdeck_core::message::{ModelError, ModelErrorKind, ModelEvent, Request};
use quarterdeck_core::session::{Effect, Input, ReadCall, Trial, Wake, Written};
use quarterdeck_core::tokens;
use quarterdeck_core::tool::{Fault, FaultKind, WriteCall};
use quarterdeck_model::Provider;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long what ends with the console may take: calls that are dropped, and their last requests.
const ENDING: Duration = Duration::from_secs(2);
/// Between two messages about an evaluation.
const NEWS: Duration = Duration::from_millis(100);
/// Progress messages that may wait; more are dropped, the next one replaces them.
const PROGRESS: usize = 256;

/// What runs, and what it takes to run it.
pub(super) struct Performer {
    pub(super) store: Writer,
    /// Progress of running calls.
    pub(super) progress: mpsc::Receiver<Live>,
    progress_sink: mpsc::Sender<Live>,
    aws: Aws,
    provider: Arc<dyn Provider>,
    inputs: mpsc::Sender<Input>,
    /// Writes that may be asked to stop.
    writes: HashMap<CallId, Switch>,
    /// Last requests of calls that were dropped.
    pub(super) farewells: mpsc::Receiver<Farewell>,
    calls: HashMap<CallId, JoinHandle<()>>,
    /// Cancelled, but perhaps not dropped yet.
    ending: Vec<JoinHandle<()>>,
    models: HashMap<TurnId, CancellationToken>,
    /// Ends the evaluation of determinism.
    evaluation: CancellationToken,
    wakes: BTreeSet<(Timestamp, Wake)>,
}

impl Performer {
    pub(super) fn new(
        store: Writer,
        aws: Aws,
        provider: Arc<dyn Provider>,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        let (progress_sink, progress) = mpsc::channel(PROGRESS);
        let farewells = aws.farewells().unwrap_or_else(|| mpsc::channel(1).1);
        Self {
            store,
            progress,
            progress_sink,
            aws,
            provider,
            inputs,
            farewells,
            calls: HashMap::new(),
            writes: HashMap::new(),
            ending: Vec::new(),
            models: HashMap::new(),
            evaluation: CancellationToken::new(),
            wakes: BTreeSet::new(),
        }
    }

    /// Carries out one effect. Those that concern fronts are the loop's.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Append(entry, stored) => self.store.push(entry, stored, None),
            Effect::AskModel(request) => self.ask_model(request),
            Effect::CountTokens(request) => self.count_tokens(request),
            Effect::Read(call) => self.read(call),
            Effect::Plan(id, call) => self.plan(id, call),
            Effect::Replan(authorized) => self.replan(authorized),
            Effect::Commit { intent: (entry, stored), spent } => {
                let (durable, written_down) = oneshot::channel();
                self.store.push(entry, stored, Some(durable));
                self.write(spent, written_down);
            }
            Effect::CancelModel(turn) => {
                if let Some(token) = self.models.remove(&turn) {
                    token.cancel();
                }
            }
            Effect::CancelCall(call) => {
                if let Some(task) = self.calls.remove(&call) {
                    task.abort();
                    self.ending.retain(|task| !task.is_finished());
                    self.ending.push(task);
                }
            }
            Effect::AskToStop(call) => {
                if let Some(write) = self.writes.get(&call) {
                    write.stop();
                }
            }
            Effect::Evaluate(trial) => self.evaluate(*trial),
            Effect::CancelEvaluation => self.evaluation.cancel(),
            Effect::WakeAt(wake, at) => {
                self.wakes.insert((at, wake));
            }
            Effect::Ask(..)
            | Effect::AskSpending(..)
            | Effect::Show(_)
            | Effect::Tell(..)
            | Effect::Finish => {}
        }
    }

    /// Hands what was appended to the store.
    pub(super) fn flush(&mut self) {
        self.store.flush();
        if self.calls.len() > 64 {
            self.calls.retain(|_, task| !task.is_finished());
        }
        if !self.writes.is_empty() {
            self.writes.retain(|_, write| write.is_heard());
        }
    }

    /// The next timer.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Timers that are due, taken.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Wake> {
        let mut due = Vec::new();
        while self.next_wake().is_some_and(|at| at <= now) {
            due.extend(self.wakes.pop_first().map(|(_, wake)| wake));
        }
        due
    }

    /// Stops everything and makes what was appended durable.
    pub(super) async fn close(mut self) {
        self.evaluation.cancel();
        for token in self.models.values() {
            token.cancel();
        }
        for task in self.calls.values() {
            task.abort();
        }
        self.store.close().await;
        let last = async {
            futures::future::join_all(self.calls.into_values().chain(self.ending)).await;
            let mut farewells = Vec::new();
            while let Ok(farewell) = self.farewells.try_recv() {
                farewells.push(farewell);
            }
            futures::future::join_all(farewells).await;
        };
        // What is not said by then is not waited for.
        let _ = tokio::time::timeout(ENDING, last).await;
    }

    /// Sends a dropped call's last request; nobody waits for it.
    pub(super) fn say(farewell: Farewell) {
        tokio::spawn(farewell);
    }

    fn ask_model(&mut self, request: Request) {
        let (turn, iteration) = (request.turn, request.iteration);
        let token = self.token(turn);
        let (provider, inputs) = (self.provider.clone(), self.inputs.clone());
        tokio::spawn(async move {
            let work = AssertUnwindSafe(stream(provider, request, token, &inputs)).catch_unwind();
            if work.await.is_err() {
                let error = ModelError {
                    kind: ModelErrorKind::Unavailable,
                    message: "the model client failed inside; please report it".into(),
                };
                let _ = inputs.send(Input::Model(turn, iteration, Err(error))).await;
            }
        });
    }

    /// The provider is all that an evaluation is given.
    fn evaluate(&mut self, trial: Trial) {
        self.evaluation = CancellationToken::new();
        let (provider, inputs, cancel) =
            (self.provider.clone(), self.inputs.clone(), self.evaluation.clone());
        tokio::spawn(async move {
            let (latest, news) = watch::channel(None);
            let tell = move |progress| {
                latest.send_replace(Some(progress));
            };
            let report = tokio::select! {
                report = trial::evaluate(provider, trial, cancel, tell) => report,
                never = retell(news, &inputs) => match never {},
            };
            let over = Progress { report: Arc::new(report), running: 0, over: true };
            let _ = inputs.send(Input::Evaluated(over)).await;
        });
    }

    /// What cannot be counted is estimated.
    fn count_tokens(&mut self, request: Request) {
        let (turn, iteration) = (request.turn, request.iteration);
        let token = self.token(turn);
        let (provider, inputs) = (self.provider.clone(), self.inputs.clone());
        tokio::spawn(async move {
            let estimate = tokens::estimate(&request);
            let counted = AssertUnwindSafe(provider.count_tokens(request)).catch_unwind();
            let counted = tokio::select! {
                biased;
                () = token.cancelled() => return,
                counted = counted => counted,
            };
            let tokens = counted.ok().and_then(Result::ok).unwrap_or(estimate);
            let _ = inputs.send(Input::Counted(turn, iteration, tokens)).await;
        });
    }

    /// What stops the turn's request; the one before is over.
    fn token(&mut self, turn: TurnId) -> CancellationToken {
        let token = CancellationToken::new();
        if let Some(old) = self.models.insert(turn, token.clone()) {
            old.cancel();
        }
        token
    }

    fn read(&mut self, call: ReadCall) {
        let (aws, sink) = (self.aws.clone(), self.sink(call.call));
        let id = call.call;
        self.run(id, async move {
            let result =
                guarded(registry::read_allowed(&aws, &call.tool, &call.args, call.allowed, sink)).await;
            Input::Read(id, result)
        });
    }

    fn plan(&mut self, id: CallId, call: WriteCall) {
        let (aws, sink) = (self.aws.clone(), self.sink(id));
        self.run(id, async move {
            let plan = guarded(registry::plan(&aws, &call.tool, &call.args, sink)).await;
            with_challenge(plan, |plan, challenge| Input::Planned(id, plan, challenge))
        });
    }

    fn replan(&mut self, authorized: Authorized) {
        let id = authorized.call();
        let (aws, sink) = (self.aws.clone(), self.sink(id));
        self.run(id, async move {
            let approved = authorized.proposal();
            let plan = guarded(registry::plan(&aws, &approved.tool, &approved.args, sink)).await;
            with_challenge(plan, |plan, challenge| Input::Replanned(authorized, plan, challenge))
        });
    }

    /// A write is not in `calls`: nothing may abort it once it was approved and planned again. One that can stop by
    /// itself, a transfer, is asked to.
    fn write(&mut self, spent: Spent, written_down: oneshot::Receiver<Result<(), String>>) {
        let (aws, inputs, id) = (self.aws.clone(), self.inputs.clone(), spent.call());
        let (switch, stop) = stop::pair();
        self.writes.insert(id, switch);
        let beside = Beside { progress: self.sink(id), stop };
        tokio::spawn(async move {
            let written = match written_down.await {
                Ok(Ok(())) => {
                    match AssertUnwindSafe(registry::write(&aws, spent, beside)).catch_unwind().await {
                        Ok(Ok((projection, stats))) => Written::Done(projection, stats),
                        Ok(Err(Failed { fault, lost: false })) => Written::NotDone(fault),
                        Ok(Err(Failed { fault, lost: true })) => Written::Unknown(fault),
                        Err(_) => Written::Unknown(internal()),
                    }
                }
                Ok(Err(why)) => Written::NotDurable(why),
                Err(_) => Written::NotDurable("the journal has ended".into()),
            };
            let _ = inputs.send(Input::Written(id, written)).await;
        });
    }

    fn run(&mut self, id: CallId, work: impl Future<Output = Input> + Send + 'static) {
        let inputs = self.inputs.clone();
        let task = tokio::spawn(async move {
            let input = work.await;
            // The engine has ended: nobody is interested any more.
            let _ = inputs.send(input).await;
        });
        self.calls.insert(id, task);
    }

    fn sink(&self, call: CallId) -> ProgressSink {
        let progress = self.progress_sink.clone();
        Arc::new(move |p| {
            // A full channel drops this one; the next one says more.
            let _ = progress.try_send(Live::Progress(call, p));
        })
    }
}

/// Tells the latest news of an evaluation, not too often.
async fn retell(
    mut news: watch::Receiver<Option<Progress>>,
    inputs: &mpsc::Sender<Input>,
) -> std::convert::Infallible {
    while news.changed().await.is_ok() {
        let progress = news.borrow_and_update().clone();
        if let Some(progress) = progress {
            let _ = inputs.send(Input::Evaluated(progress)).await;
        }
        tokio::time::sleep(NEWS).await;
    }
    std::future::pending().await
}

async fn stream(
    provider: Arc<dyn Provider>,
    request: Request,
    token: CancellationToken,
    inputs: &mpsc::Sender<Input>,
) {
    let (turn, iteration) = (request.turn, request.iteration);
    let mut events = provider.stream(request, token.clone());
    let mut ended = false;
    loop {
        let event = tokio::select! {
            biased;
            () = token.cancelled() => return,
            event = events.next() => event,
        };
        let Some(event) = event else { break };
        ended = matches!(event, Err(_) | Ok(ModelEvent::Done(_)));
        if inputs.send(Input::Model(turn, iteration, event)).await.is_err() || ended {
            break;
        }
    }
    if !ended {
        let error = ModelError {
            kind: ModelErrorKind::Truncated,
            message: "the model's stream ended before its end".into(),
        };
        let _ = inputs.send(Input::Model(turn, iteration, Err(error))).await;
    }
}

/// A panic inside a tool is a fault of that call, never of the console.
async fn guarded<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(internal()))
}

fn internal() -> Fault {
    Fault::new(FaultKind::Unavailable, "the tool failed inside")
        .hint("please report it with the exported session")
}

/// Adds fresh randomness. Without any there is no dialog: the plan becomes a fault.
fn with_challenge<T>(
    plan: Result<T, Fault>,
    input: impl FnOnce(Result<T, Fault>, Challenge) -> Input,
) -> Input {
    let mut bytes = [0u8; 4];
    let letters = Challenge::ALPHABET.as_bytes();
    let plan = match getrandom::fill(&mut bytes) {
        Ok(()) => plan,
        Err(error) => {
            Err(Fault::new(FaultKind::Unavailable, format!("no randomness for the approval code: {error}")))
        }
    };
    let code = bytes
        .iter()
        .filter_map(|b| letters.get(usize::from(*b) % letters.len()))
        .map(|b| char::from(*b))
        .collect();
    input(plan, Challenge { code })
}
