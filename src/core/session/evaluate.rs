//! Evaluating determinism: only in tracking mode, only while nothing else runs.

use super::{Effect, Session, Setup};
use crate::Timestamp;
use crate::eval::{self, Progress, Report, Subject};
use crate::event::Live;
use crate::id::FrontId;
use crate::journal::Fact;
use crate::scope::Mode;
use crate::text::Redactor;
use std::sync::Arc;
use std::time::Duration;

/// A question to be asked again and again, each time in a new session that tracks.
#[derive(Clone, Debug)]
pub struct Trial {
    setup: Setup,
    question: String,
    runs: u32,
    concurrency: u32,
    at: Timestamp,
}

impl Trial {
    /// `setup` is that of each session, but for its mode: it tracks, so that nothing is executed. Every session is told the
    /// time `at`: what the model is sent is the same each time.
    #[must_use]
    pub fn new(setup: Setup, question: &str, runs: u32, concurrency: u32, at: Timestamp) -> Self {
        let question = Redactor::new(setup.redact_key).redact(question).into_owned();
        Self {
            setup: Setup { mode: Mode::Track, ..setup },
            question,
            runs: runs.clamp(*eval::RUNS.start(), *eval::RUNS.end()),
            concurrency: concurrency.clamp(*eval::CONCURRENCY.start(), *eval::CONCURRENCY.end()),
            at,
        }
    }

    /// How each session begins.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What is asked, redacted.
    #[must_use]
    pub fn question(&self) -> &str {
        &self.question
    }

    /// How often.
    #[must_use]
    pub const fn runs(&self) -> u32 {
        self.runs
    }

    /// How many at a time.
    #[must_use]
    pub const fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// The time every session is told.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What the report is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let settings = &self.setup.settings;
        Subject {
            question: self.question.clone(),
            provider: settings.provider.clone(),
            model: settings.model.clone(),
            effort: settings.effort.clone(),
            prompt_hash: crate::journal::hash(&self.setup.system),
            asked: self.runs,
        }
    }
}

impl Session {
    /// Begins an evaluation, or says why not.
    pub(super) fn evaluate(
        &mut self,
        front: FrontId,
        question: &str,
        runs: u32,
        concurrency: u32,
        now: Timestamp,
    ) {
        if let Some(why) = eval::closed(self.mode, !self.idle()) {
            return self.tell(front, why);
        }
        if question.trim().is_empty() {
            return self.tell(front, "there is no question to evaluate: type one after :eval");
        }
        let setup = Setup {
            session: "evaluation".to_owned(),
            version: String::new(),
            operator: self.operator.clone(),
            catalogue: Arc::clone(&self.catalogue),
            scope: self.scope.clone(),
            mode: self.mode,
            settings: self.settings.clone(),
            models: Arc::clone(&self.models),
            system: Arc::clone(&self.system),
            // The same secret has the same mask in every run.
            redact_key: self.redactor.key(),
        };
        let trial = Trial::new(setup, question.trim(), runs, concurrency, now);
        let report = Report::of(&trial.subject(), &[], None, Duration::ZERO);
        let running = trial.runs().min(trial.concurrency());
        self.evaluation = Some(front);
        self.out.push(Effect::Show(Live::Evaluating(Progress {
            report: Arc::new(report),
            running,
            over: false,
        })));
        self.out.push(Effect::Evaluate(Box::new(trial)));
    }

    /// News of the evaluation.
    pub(super) fn evaluated(&mut self, progress: Progress, now: Timestamp) {
        if self.evaluation.is_none() {
            return;
        }
        if progress.over {
            self.evaluation = None;
            return self.append(Fact::Evaluated { report: progress.report }, now);
        }
        self.out.push(Effect::Show(Live::Evaluating(progress)));
    }

    /// Ends the evaluation early: what is complete comes back as its result.
    pub(super) fn cancel_evaluation(&mut self) {
        if self.evaluation.is_some() {
            self.out.push(Effect::CancelEvaluation);
        }
    }

    /// Says that nothing else is begun while an evaluation runs. `true` when one does.
    pub(super) fn evaluating(&mut self, front: FrontId) -> bool {
        let runs = self.evaluation.is_some();
        if runs {
            self.tell(front, "determinism is being evaluated: Esc or Ctrl-C ends it with what is complete");
        }
        runs
    }
}
