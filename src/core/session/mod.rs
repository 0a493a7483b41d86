//! The engine's mind: [`Session::step`].
//!
//! Pure: time comes in as `now`, randomness as a challenge, answers as [`Input`]; what is to be done goes out as
//! [`Effect`]. Whatever happens is appended to the journal first; everything else here is what waits or runs.

mod calls;
mod cancel;
mod ceiling;
mod effect;
mod evaluate;
mod input;
mod loops;
mod record;
mod refusals;
mod resume;
mod reuse;
mod revisit;
mod setup;
mod spending;
mod turn;
mod verify;
mod window;
mod writes;

pub use effect::{Effect, ReadCall};
pub use evaluate::Trial;
pub use input::{FrontCaps, Input, Wake, Written};
pub use setup::Setup;

use crate::Timestamp;
use crate::command::Command;
use crate::event::Expense;
use crate::id::{CallId, FrontId};
use crate::journal::{Chain, Entry, Fact, Meter, Timeline, Transcript};
use crate::message::ToolDef;
use crate::models::Models;
use crate::scope::{Mode, Scope};
use crate::settings::Settings;
use crate::text::Redactor;
use crate::tokens::Size;
use crate::tool::Catalogue;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The session: its journal, the turn that runs, what waits.
#[derive(Debug)]
pub struct Session {
    // The journal and its projections.
    chain: Chain,
    entries: Vec<Arc<Entry>>,
    timeline: Timeline,
    transcript: Transcript,
    meter: Meter,
    redactor: Redactor,
    // Settings.
    operator: String,
    catalogue: Arc<Catalogue>,
    tools: Arc<[ToolDef]>,
    scope: Scope,
    mode: Mode,
    settings: Settings,
    models: Arc<Models>,
    system: Arc<str>,
    prompt_hash: String,
    /// Tokens of system prompt and tools, estimated.
    head: u64,
    /// The provider and model that cannot say how many tokens a request takes.
    uncounted: Option<(String, String)>,
    // What runs and waits.
    next: setup::Next,
    fronts: BTreeMap<FrontId, FrontCaps>,
    turn: Option<turn::Turn>,
    calls: BTreeMap<CallId, calls::Call>,
    reading: BTreeSet<CallId>,
    waiting: VecDeque<CallId>,
    /// The write that has the dialog or is being carried out.
    active: Option<CallId>,
    verifying: BTreeMap<CallId, verify::Verification>,
    /// Determinism is being evaluated, for this front.
    evaluation: Option<FrontId>,
    recent: reuse::Recent,
    store_failed: bool,
    quitting: bool,
    finished: bool,
    out: Vec<Effect>,
}

impl Session {
    /// Takes in one input; returns what is to be done, in order.
    #[must_use]
    pub fn step(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        match input {
            Input::FrontJoined(front, caps) => {
                self.fronts.insert(front, caps);
            }
            Input::FrontGone(front) => self.front_gone(front, now),
            Input::Command(front, command) => self.command(front, command, now),
            Input::Scope(scope) => self.set_scope(scope, now),
            Input::Model(turn, iteration, event) => self.model(turn, iteration, event, now),
            Input::Read(call, result) => self.read(call, result, now),
            Input::Planned(call, plan, challenge) => self.planned(call, plan, challenge, now),
            Input::Replanned(proof, plan, challenge) => self.replanned(proof, plan, challenge, now),
            Input::Written(call, written) => self.written(call, written, now),
            Input::Notice(text) => {
                let fronts: Vec<FrontId> = self.fronts.keys().copied().collect();
                fronts.into_iter().for_each(|front| self.tell(front, text.as_str()));
            }
            Input::Woke(wake) => self.woke(wake, now),
            Input::StoreFailed(why) => self.store_failed(&why, now),
            Input::Evaluated(progress) => self.evaluated(progress, now),
            Input::Counted(turn, iteration, tokens) => self.counted(turn, iteration, tokens),
        }
        self.settle(now);
        std::mem::take(&mut self.out)
    }

    /// The journal as steps.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Every entry, by sequence number.
    #[must_use]
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The tools.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Account, regions, identity.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Model, effort and limits.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What models can do and cost.
    #[must_use]
    pub fn models(&self) -> &Arc<Models> {
        &self.models
    }

    /// What is carried out.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The conversation as a model would be sent it now.
    #[must_use]
    pub fn transcript(&self) -> crate::message::Turns {
        self.transcript.turns(&self.settings.provider, &self.settings.model)
    }

    /// Whether nothing runs and nothing waits: no turn, no call, no dialog, no verification, no evaluation.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.turn.is_none() && self.calls.is_empty() && self.verifying.is_empty() && self.evaluation.is_none()
    }

    fn command(&mut self, front: FrontId, command: Command, now: Timestamp) {
        if self.quitting {
            return;
        }
        if begins(&command) && self.evaluating(front) {
            return;
        }
        match command {
            Command::Ask(text) => self.ask(front, &text, now),
            Command::Call { tool, args, fresh } => self.human(front, &tool, args, fresh, now),
            Command::Again(call) => self.again(front, call, now),
            Command::Undo(call) => self.undo(front, call, now),
            Command::Withdraw(call) => self.withdraw(front, call, now),
            Command::Approve(proof) => self.approve(front, proof, now),
            Command::Refuse(refusal) => self.refuse(&refusal, now),
            Command::Spend { what: Expense::Read(call), yes } => self.spend(front, call, yes, now),
            Command::Spend { what: Expense::Turn(turn), yes } => self.go_on(front, turn, yes, now),
            Command::Cancel => self.cancel(now),
            Command::SetMode(mode) => self.set_mode(mode, now),
            Command::Set(settings) => self.set(settings, now),
            Command::Quit => self.quit(now),
            Command::Evaluate { question, runs, concurrency } => {
                self.evaluate(front, &question, runs, concurrency, now);
            }
        }
    }

    fn woke(&mut self, wake: Wake, now: Timestamp) {
        match wake {
            Wake::Verify(call) => self.verify_again(call, now),
            Wake::Approval(approval) => self.approval_expired(approval, now),
            Wake::Hold(call) => self.release(call),
            Wake::Count(turn, iteration) => self.count_late(turn, iteration),
        }
    }

    /// Starts what can start: the next dialog, reads that waited for a place, the turn's next round, the end.
    fn settle(&mut self, now: Timestamp) {
        self.next_dialog(now);
        self.pump();
        self.advance(now);
        if self.quitting && !self.finished && self.calls.is_empty() && self.evaluation.is_none() {
            self.finished = true;
            self.out.push(Effect::Finish);
        }
    }

    fn set_scope(&mut self, scope: Scope, now: Timestamp) {
        if scope != self.scope {
            self.scope = scope.clone();
            self.recent.invalidate();
            self.append(Fact::ScopeChanged { scope }, now);
            self.verify_in(now);
        }
    }

    fn set_mode(&mut self, mode: Mode, now: Timestamp) {
        if mode == self.mode {
            return;
        }
        self.mode = mode;
        self.tools = setup::tools(&self.catalogue, mode);
        self.head = Size::head(&self.system, &self.tools).tokens;
        self.append(Fact::ModeChanged { mode }, now);
        self.refuse_for_mode(now);
        self.record_waiting(now);
    }

    /// From the next round on; a round that runs is the old model's to the end.
    fn set(&mut self, settings: Settings, now: Timestamp) {
        let settings = settings.clamped();
        if settings != self.settings {
            self.settings = settings.clone();
            self.append(Fact::SettingsChanged { settings }, now);
        }
    }

    fn tell(&mut self, front: FrontId, text: impl Into<String>) {
        self.out.push(Effect::Tell(front, text.into()));
    }
}

/// Whether a command begins something that may not run beside an evaluation.
const fn begins(command: &Command) -> bool {
    match command {
        Command::Ask(_)
        | Command::Call { .. }
        | Command::Again(_)
        | Command::Undo(_)
        | Command::Withdraw(_)
        | Command::SetMode(_)
        | Command::Evaluate { .. } => true,
        Command::Approve(_)
        | Command::Refuse(_)
        | Command::Spend { .. }
        | Command::Cancel
        | Command::Set(_)
        | Command::Quit => false,
    }
}

#[cfg(test)]
mod tests;
