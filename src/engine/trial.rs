//! Evaluates determinism: asks a question again and again, each time in a session of its own that tracks.
//!
//! What runs here has a provider and nothing else: no account, no store, no front. Of what a session wants done it can
//! ask the model, and have a request counted; anything that would touch the account ends that run with an error.

use futures::{FutureExt as _, StreamExt as _, stream};
use quarterdeck_core::command::Command;
use quarterdeck_core::eval::{Progress, Report, Run, RunEnd, Subject};
use quarterdeck_core::id::FrontId;
use quarterdeck_core::message::{ModelError, ModelErrorKind, ModelEvent, Request};
use quarterdeck_core::session::{Effect, FrontCaps, Input, Session, Trial};
use quarterdeck_core::tokens;
use quarterdeck_model::Provider;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The front each session believes to have.
const FRONT: FrontId = FrontId(0);
/// How long counting a request may take.
const COUNTING: Duration = Duration::from_secs(5);
/// Runs that must have failed for want of credentials, and none otherwise, before the others are not begun.
const WITHOUT_CREDENTIALS: usize = 2;

/// Makes the trial's runs; tells how far it is when one has ended. After `cancel`, what is complete is the result, at once.
pub async fn evaluate(
    provider: Arc<dyn Provider>,
    trial: Trial,
    cancel: CancellationToken,
    mut tell: impl FnMut(Progress),
) -> Report {
    let began = Instant::now();
    let (asked, most) = (trial.runs(), trial.concurrency());
    let (subject, trial) = (trial.subject(), Arc::new(trial));
    let ending = cancel.child_token();
    let mut runs: Vec<Run> = Vec::new();
    let mut stopped = None;
    let mut work = stream::iter(1..=asked)
        .map(|no| guarded(Arc::clone(&provider), Arc::clone(&trial), no, ending.clone()))
        .buffer_unordered(usize::try_from(most).unwrap_or(1));
    while let Some(run) = work.next().await {
        runs.push(run);
        if stopped.is_none() && !cancel.is_cancelled() {
            stopped = hopeless(&runs, asked);
        }
        if stopped.is_some() {
            ending.cancel();
        }
        let left = asked.saturating_sub(u32::try_from(runs.len()).unwrap_or(asked));
        let report = report(&subject, &runs, stopped.clone(), began);
        tell(Progress { report: Arc::new(report), running: left.min(most), over: false });
    }
    report(&subject, &runs, stopped, began)
}

fn report(subject: &Subject, runs: &[Run], stopped: Option<String>, began: Instant) -> Report {
    Report::of(subject, runs, stopped, began.elapsed())
}

/// Why the other runs need not be begun: the first ones all failed because nobody may ask this model.
fn hopeless(runs: &[Run], asked: u32) -> Option<String> {
    let enough = runs.len() >= WITHOUT_CREDENTIALS.min(usize::try_from(asked).unwrap_or(1));
    let all = enough && runs.iter().all(Run::lacks_credentials);
    let why = runs.first().and_then(|run| match &run.end {
        RunEnd::Failed(error) => Some(error.message.clone()),
        RunEnd::Answered | RunEnd::Stopped(_) | RunEnd::Cancelled => None,
    })?;
    (all && runs.len() < usize::try_from(asked).unwrap_or(usize::MAX))
        .then(|| format!("stopped after {} runs, which all failed: {why}", runs.len()))
}

/// A panic inside a provider is that run's failure.
async fn guarded(provider: Arc<dyn Provider>, trial: Arc<Trial>, no: u32, cancel: CancellationToken) -> Run {
    let run = AssertUnwindSafe(one(&*provider, &trial, no, &cancel)).catch_unwind().await;
    run.unwrap_or_else(|_| failed(no, "the model client failed inside; please report it"))
}

fn failed(no: u32, why: &str) -> Run {
    let error = ModelError { kind: ModelErrorKind::Unavailable, message: why.to_owned() };
    Run { end: RunEnd::Failed(error), ..Run::cancelled(no) }
}

/// One run, from its question to the end of its turn.
async fn one(provider: &dyn Provider, trial: &Trial, no: u32, cancel: &CancellationToken) -> Run {
    if cancel.is_cancelled() {
        return Run::cancelled(no);
    }
    let began = Instant::now();
    let mut tracked = Tracked::begin(trial);
    let mut then = tracked.ask(trial.question());
    loop {
        match then {
            Then::Ask(request) => then = tracked.answer(provider, *request, cancel).await,
            Then::Count(request) => then = tracked.count(provider, *request, cancel).await,
            Then::Touch(what) => return failed(no, &format!("{what}; nothing was run")),
            Then::Nothing | Then::Drop => break,
        }
    }
    Run::of(no, tracked.session.entries(), &trial.setup().models, began.elapsed())
}

/// A session that can do nothing but ask a model.
struct Tracked<'a> {
    session: Session,
    trial: &'a Trial,
    first: Vec<Effect>,
}

/// What a session wants next.
enum Then {
    /// To go on.
    Nothing,
    /// To ask the model.
    Ask(Box<Request>),
    /// To have the next request counted.
    Count(Box<Request>),
    /// To drop the answer that streams.
    Drop,
    /// What it may not: a tracking session never wants this.
    Touch(&'static str),
}

impl<'a> Tracked<'a> {
    fn begin(trial: &'a Trial) -> Self {
        let (session, first) = Session::new(trial.setup().clone(), trial.at());
        let mut tracked = Self { session, trial, first };
        let joined = Input::FrontJoined(FRONT, FrontCaps { can_ask: false });
        tracked.first.extend(tracked.session.step(joined, trial.at()));
        tracked
    }

    fn ask(&mut self, question: &str) -> Then {
        let first = std::mem::take(&mut self.first);
        match wanted(first) {
            Then::Nothing => self.feed(Input::Command(FRONT, Command::Ask(question.to_owned()))),
            other @ (Then::Ask(_) | Then::Count(_) | Then::Drop | Then::Touch(_)) => other,
        }
    }

    fn feed(&mut self, input: Input) -> Then {
        wanted(self.session.step(input, self.trial.at()))
    }

    /// Has a request counted; what cannot be counted in time is estimated.
    async fn count(&mut self, provider: &dyn Provider, request: Request, cancel: &CancellationToken) -> Then {
        let (turn, iteration) = (request.turn, request.iteration);
        let estimate = tokens::estimate(&request);
        let counted = tokio::select! {
            biased;
            () = cancel.cancelled() => return self.feed(Input::Command(FRONT, Command::Cancel)),
            counted = tokio::time::timeout(COUNTING, provider.count_tokens(request)) => counted,
        };
        let tokens = counted.ok().and_then(Result::ok).unwrap_or(estimate);
        self.feed(Input::Counted(turn, iteration, tokens))
    }

    /// Asks the model and takes in its answer; returns what is wanted after it.
    async fn answer(
        &mut self,
        provider: &dyn Provider,
        request: Request,
        cancel: &CancellationToken,
    ) -> Then {
        let (turn, iteration) = (request.turn, request.iteration);
        let mut events = provider.stream(request, cancel.child_token());
        loop {
            let event = tokio::select! {
                biased;
                () = cancel.cancelled() => return self.feed(Input::Command(FRONT, Command::Cancel)),
                event = events.next() => event.unwrap_or_else(|| Err(truncated())),
            };
            let over = matches!(event, Err(_) | Ok(ModelEvent::Done(_)));
            let then = self.feed(Input::Model(turn, iteration, event));
            match then {
                Then::Nothing if !over => {}
                then => return then,
            }
        }
    }
}

fn truncated() -> ModelError {
    let message = "the model's stream ended before its end".to_owned();
    ModelError { kind: ModelErrorKind::Truncated, message }
}

/// What of these effects is to be done: asking the model, and nothing else.
fn wanted(effects: Vec<Effect>) -> Then {
    let mut then = Then::Nothing;
    for effect in effects {
        match effect {
            Effect::AskModel(request) => then = Then::Ask(Box::new(request)),
            Effect::CountTokens(request) => then = Then::Count(Box::new(request)),
            Effect::CancelModel(_) => then = Then::Drop,
            Effect::Append(..)
            | Effect::Show(_)
            | Effect::Tell(..)
            | Effect::WakeAt(..)
            | Effect::CancelCall(_)
            | Effect::AskToStop(_)
            | Effect::CancelEvaluation
            | Effect::Finish => {}
            Effect::Read(_) => return Then::Touch("a tracking session wanted to read"),
            Effect::Plan(..) | Effect::Replan(_) | Effect::Ask(..) | Effect::Commit { .. } => {
                return Then::Touch("a tracking session wanted to change something");
            }
            Effect::AskSpending(..) => return Then::Touch("a tracking session wanted to spend money"),
            Effect::Evaluate(_) => return Then::Touch("a tracking session wanted to evaluate"),
        }
    }
    then
}
