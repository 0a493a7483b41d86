//! A rig that plays the engine: feeds inputs, keeps what the session wants done.

mod cancelling;
mod ceiling;
mod evaluating;
mod interleavings;
mod reading;
mod recalling;
mod resuming;
mod spending;
mod turns;
mod verifying;
mod window;
mod writing;

use super::*;
use crate::approval::{Authorized, Challenge, Decision, Gate, Proposal, Seen, Spent, fixture};
use crate::event::{Expense, Live, Spending};
use crate::id::TurnId;
use crate::journal::{CallStats, GENESIS, Outcome, StepStatus, TurnEnd, hash};
use crate::message::{self, Block, ModelError, ModelErrorKind, ModelEvent, Request, Stop, UserPart};
use crate::models::Models;
use crate::press::{Key, Press};
use crate::settings::Settings;
use crate::tool::{
    ColumnKind, Fault, FaultKind, Projection, RegionRule, Risk, Row, Spec, Tool, Verdict, Watch, WriteCall,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The front that can ask.
pub(super) const SCREEN: FrontId = FrontId(1);
/// The front that cannot.
pub(super) const HEADLESS: FrontId = FrontId(2);

const fn spec(name: &'static str) -> Spec {
    Spec {
        name,
        description: "A tool of the tests.",
        reads: &[],
        writes: &[],
        region: RegionRule::Regional,
        billed: false,
        limit: Duration::from_secs(30),
    }
}

static LIST: Spec = spec("list_ec2_instances");
static LOGS: Spec = spec("get_cloudwatch_logs");
static STOP: Spec = spec("stop_instances");
static START: Spec = spec("start_instances");

/// Takes objects with the fields `ids`, `name`, `state` and fills in `name`.
fn validate(args: &Value) -> Result<Value, Fault> {
    let Some(map) = args.as_object() else {
        return Err(Fault::new(FaultKind::Invalid, "not an object").hint("send {\"ids\": [...]}"));
    };
    if let Some(odd) = map.keys().find(|k| !["ids", "name", "state"].contains(&k.as_str())) {
        return Err(
            Fault::new(FaultKind::Invalid, format!("unknown field {odd}")).hint("fields: ids, name, state")
        );
    }
    let mut map = map.clone();
    map.entry("name").or_insert(json!(null));
    Ok(Value::Object(map))
}

fn watch(plan: &Proposal) -> Watch {
    Watch {
        tool: "list_ec2_instances",
        args: json!({"ids": plan.args["ids"]}),
        every: Duration::from_secs(5),
        at_most: Duration::from_secs(60),
        judge: |_, read| match read.summary.as_str() {
            "stopped" => Verdict::Done,
            "terminated" => Verdict::Failed,
            _ => Verdict::NotYet,
        },
    }
}

fn tool(spec: &'static Spec, risk: Risk) -> Tool {
    let write = risk == Risk::Write;
    Tool {
        spec,
        risk,
        schema: json!({"type": "object", "properties": {"ids": {}, "name": {}, "state": {}}}),
        validate,
        verify: write.then_some(watch as fn(&Proposal) -> Watch),
        inverse: write.then_some(|plan: &Proposal, _: &Projection| {
            Some(WriteCall { tool: "start_instances".into(), args: json!({"ids": plan.args["ids"]}) })
        }),
        only_undoes: |_| false,
    }
}

pub(super) fn setup() -> Setup {
    Setup {
        session: "s1".into(),
        version: "0.1.0".into(),
        operator: "sam".into(),
        catalogue: Arc::new(Catalogue::new([
            tool(&LIST, Risk::Read),
            tool(&LOGS, Risk::Read),
            tool(&STOP, Risk::Write),
            tool(&START, Risk::Write),
        ])),
        scope: Scope { regions: vec!["eu-west-1".into()], ..Scope::default() },
        mode: Mode::Execute,
        settings: Settings {
            provider: "anthropic".into(),
            model: "claude".into(),
            iterations: 20,
            max_tokens: 4096,
            ..Settings::default()
        },
        models: Arc::new(Models::embedded().clone()),
        system: "You help.".into(),
        redact_key: [7; 16],
    }
}

/// A result with these instance states.
pub(super) fn result(summary: &str) -> Projection {
    Projection::new(summary, Timestamp::from_millis(1))
        .columns(&[("id", ColumnKind::Id), ("state", ColumnKind::State)])
        .rows(vec![Row { urgency: 0, cells: vec!["i-1".into(), "running".into()] }])
}

/// A plan that stops these instances.
pub(super) fn plan(ids: &[&str]) -> Proposal {
    Proposal {
        args: json!({"ids": ids, "name": null}),
        title: format!("Stop {}", ids.join(", ")),
        targets: ids.iter().map(|id| fixture::target(id)).collect(),
        ..fixture::calm()
    }
}

pub(super) fn text(text: &str) -> Block {
    Block::Text { text: text.into() }
}

pub(super) fn call(id: &str, name: &str, args: Value) -> Block {
    Block::ToolCall { id: id.into(), name: name.into(), input: message::Input::Json(args) }
}

pub(super) fn stop(id: &str, instance: &str) -> Block {
    call(id, "stop_instances", json!({"ids": [instance]}))
}

/// The session, the time, and what it wants done and has not been given.
pub(super) struct Rig {
    pub(super) session: Session,
    pub(super) now: Timestamp,
    pub(super) stored: Vec<String>,
    pub(super) requests: Vec<Request>,
    pub(super) reads: Vec<ReadCall>,
    pub(super) plans: Vec<(CallId, WriteCall)>,
    pub(super) asks: Vec<(FrontId, Gate)>,
    pub(super) prices: Vec<(FrontId, Spending)>,
    pub(super) replans: Vec<Authorized>,
    pub(super) commits: Vec<Spent>,
    pub(super) wakes: Vec<(Wake, Timestamp)>,
    pub(super) cancelled: Vec<CallId>,
    pub(super) asked_to_stop: Vec<CallId>,
    pub(super) cancelled_models: Vec<TurnId>,
    pub(super) told: Vec<(FrontId, String)>,
    pub(super) shown: String,
    pub(super) finishes: usize,
    pub(super) trials: Vec<Trial>,
    pub(super) trials_cancelled: usize,
    pub(super) counts: Vec<Request>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(setup())
    }

    pub(super) fn with(setup: Setup) -> Self {
        let now = Timestamp::from_millis(1_795_143_845_000);
        let (session, effects) = Session::new(setup, now);
        let mut rig = Self::around(session, effects, now);
        rig.join();
        rig
    }

    /// The same journal, opened again after the console was killed.
    pub(super) fn killed(self, setup: Setup) -> Self {
        let entries: Vec<Arc<Entry>> = self
            .stored
            .iter()
            .map(|line| Arc::new(serde_json::from_str(line).expect("a stored entry can be read")))
            .collect();
        let last = self.stored.last().map_or_else(|| GENESIS.to_owned(), |line| hash(line));
        let (session, effects) = Session::resume(setup, entries, last, self.now);
        let mut rig = Self::around(session, effects, self.now);
        let mut stored = self.stored;
        stored.append(&mut rig.stored);
        rig.stored = stored;
        rig.join();
        rig
    }

    fn around(session: Session, effects: Vec<Effect>, now: Timestamp) -> Self {
        let mut rig = Self {
            session,
            now,
            stored: Vec::new(),
            requests: Vec::new(),
            reads: Vec::new(),
            plans: Vec::new(),
            asks: Vec::new(),
            prices: Vec::new(),
            replans: Vec::new(),
            commits: Vec::new(),
            wakes: Vec::new(),
            cancelled: Vec::new(),
            asked_to_stop: Vec::new(),
            cancelled_models: Vec::new(),
            told: Vec::new(),
            shown: String::new(),
            finishes: 0,
            trials: Vec::new(),
            trials_cancelled: 0,
            counts: Vec::new(),
        };
        rig.take(effects);
        rig
    }

    fn join(&mut self) {
        self.feed(Input::FrontJoined(SCREEN, FrontCaps { can_ask: true }));
        self.feed(Input::FrontJoined(HEADLESS, FrontCaps { can_ask: false }));
    }

    pub(super) fn feed(&mut self, input: Input) {
        let effects = self.session.step(input, self.now);
        self.take(effects);
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(_, stored) => self.stored.push(stored),
                Effect::AskModel(request) => self.requests.push(request),
                Effect::Read(read) => self.reads.push(read),
                Effect::Plan(call, write) => self.plans.push((call, write)),
                Effect::Replan(proof) => self.replans.push(proof),
                Effect::Ask(front, gate) => self.asks.push((front, gate)),
                Effect::AskSpending(front, spending) => self.prices.push((front, spending)),
                Effect::Commit { intent: (_, stored), spent } => {
                    self.stored.push(stored);
                    self.commits.push(spent);
                }
                Effect::CancelModel(turn) => self.cancelled_models.push(turn),
                Effect::CancelCall(call) => self.cancelled.push(call),
                Effect::AskToStop(call) => self.asked_to_stop.push(call),
                Effect::WakeAt(wake, at) => self.wakes.push((wake, at)),
                Effect::Show(Live::Text(_, text)) => self.shown.push_str(&text),
                Effect::Show(_) => {}
                Effect::Tell(front, text) => self.told.push((front, text)),
                Effect::Finish => self.finishes += 1,
                Effect::Evaluate(trial) => self.trials.push(*trial),
                Effect::CancelEvaluation => self.trials_cancelled += 1,
                Effect::CountTokens(request) => self.counts.push(request),
            }
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        self.feed(Input::Command(SCREEN, command));
    }

    pub(super) fn ask(&mut self, question: &str) {
        self.command(Command::Ask(question.into()));
    }

    pub(super) fn run(&mut self, tool: &str, args: Value) {
        self.command(Command::Call { tool: tool.into(), args, fresh: false });
    }

    pub(super) fn model(&mut self, event: ModelEvent) {
        let request = self.requests.last().expect("the model was asked");
        let input = Input::Model(request.turn, request.iteration, Ok(event));
        self.feed(input);
    }

    /// The model answers with these blocks.
    pub(super) fn say(&mut self, blocks: impl IntoIterator<Item = Block>, stop: Stop) {
        for block in blocks {
            self.model(ModelEvent::BlockDone(block));
        }
        self.model(ModelEvent::Done(stop));
    }

    pub(super) fn calls(&mut self, blocks: impl IntoIterator<Item = Block>) {
        self.say(blocks, Stop::ToolUse);
    }

    /// The oldest read that runs is answered.
    pub(super) fn read(&mut self, summary: &str) -> CallId {
        let read = self.reads.remove(0);
        self.feed(Input::Read(read.call, Ok((result(summary), CallStats::default()))));
        read.call
    }

    pub(super) fn read_fails(&mut self, fault: Fault) {
        let read = self.reads.remove(0);
        self.feed(Input::Read(read.call, Err(fault)));
    }

    /// The oldest plan comes back as asked for.
    pub(super) fn planned(&mut self) -> CallId {
        let (call, write) = self.plans.remove(0);
        let ids: Vec<String> = write.args["ids"]
            .as_array()
            .map(|ids| ids.iter().map(|id| id.as_str().unwrap_or("?").to_owned()).collect())
            .unwrap_or_default();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let proposal = Proposal { tool: write.tool, ..plan(&ids) };
        self.feed(Input::Planned(call, Ok(proposal), challenge()));
        call
    }

    /// A person reads the open dialog and presses `A`.
    pub(super) fn approve(&mut self) -> CallId {
        let (front, gate) = self.asks.remove(0);
        let call = gate.call();
        let proof = self.press(gate);
        self.feed(Input::Command(front, Command::Approve(proof)));
        call
    }

    pub(super) fn press(&mut self, mut gate: Gate) -> Authorized {
        let targets = (0..gate.proposal().targets.len()).collect();
        gate.drawn(&Seen { targets, room: true }, self.now);
        self.now = self.now.plus(Duration::from_millis(1000));
        let typed = gate.code().map(|code| format!("{code}{}", gate.proposal().targets.len()));
        for key in typed.unwrap_or_default().chars() {
            gate = match gate.key(Press::new(Key::Char(key), false, false), self.now) {
                Decision::Waiting(gate) => gate,
                Decision::Refused(_) | Decision::Approved(_) => panic!("the code decides nothing"),
            };
        }
        self.now = self.now.plus(Duration::from_millis(1000));
        match gate.key(Press::new(Key::Char('A'), false, false), self.now) {
            Decision::Approved(proof) => proof,
            Decision::Waiting(gate) => panic!("not armed: {:?}", gate.ready(self.now)),
            Decision::Refused(_) => panic!("A refused"),
        }
    }

    pub(super) fn refuse(&mut self, note: Option<&str>, rest: bool) {
        let (front, gate) = self.asks.remove(0);
        self.feed(Input::Command(front, Command::Refuse(gate.refuse(note.map(str::to_owned), rest))));
    }

    /// The approved change is planned again without a difference.
    pub(super) fn replanned(&mut self) {
        let proof = self.replans.remove(0);
        let fresh = proof.proposal().clone();
        self.feed(Input::Replanned(proof, Ok(fresh), challenge()));
    }

    pub(super) fn written(&mut self) -> CallId {
        let call = self.commits.remove(0).call();
        self.feed(Input::Written(call, Written::Done(result("stopping"), CallStats::default())));
        call
    }

    /// The time of the oldest timer comes.
    pub(super) fn wake(&mut self) -> Wake {
        let (index, _) = self.wakes.iter().enumerate().min_by_key(|(_, (_, at))| *at).expect("a timer");
        let (wake, at) = self.wakes.remove(index);
        self.now = self.now.max(at);
        self.feed(Input::Woke(wake));
        wake
    }

    pub(super) fn facts(&self) -> Vec<&Fact> {
        self.session.entries().iter().map(|e| &e.fact).collect()
    }

    /// The facts' names, in order.
    pub(super) fn story(&self) -> Vec<String> {
        let name = |fact: &&Fact| serde_json::to_value(fact).unwrap()["fact"].as_str().unwrap().to_owned();
        self.facts().iter().map(name).collect()
    }

    pub(super) fn outcome(&self, call: CallId) -> Option<Outcome> {
        self.facts().into_iter().find_map(|fact| match fact {
            Fact::ToolFinished { call: c, outcome } if *c == call => Some(outcome.clone()),
            _ => None,
        })
    }

    pub(super) fn fault(&self, call: CallId) -> Fault {
        match self.outcome(call) {
            Some(Outcome::Failed { fault }) => fault,
            other => panic!("{call} did not fail: {other:?}"),
        }
    }

    pub(super) fn end(&self) -> Option<TurnEnd> {
        self.facts().into_iter().rev().find_map(|fact| match fact {
            Fact::TurnEnded { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    /// The tool results the model was sent last, as text.
    pub(super) fn results(&self) -> Vec<String> {
        let turns = &self.requests.last().expect("the model was asked").turns;
        match turns.last() {
            Some(message::Turn::User { parts }) => parts
                .iter()
                .map(|p| match p {
                    UserPart::ToolResult { content, .. } => content.clone(),
                    UserPart::Text { text } => text.clone(),
                })
                .collect(),
            other => panic!("no user turn: {other:?}"),
        }
    }

    pub(super) fn status(&self, call: CallId) -> StepStatus {
        self.session.timeline().of_call(call).expect("a step").status
    }

    /// What must hold after whatever happened.
    pub(super) fn check(&self) {
        crate::journal::check::turns(&self.session.transcript());
        // Called after every step, so each request is the last one once.
        if let Some(request) = self.requests.last() {
            crate::journal::check::turns(&request.turns);
        }
        assert_eq!(crate::journal::Chain::verify(self.stored.iter().map(String::as_str)), Ok(()), "chain");
        let facts = self.facts();
        let count = |call: CallId, finished: bool| {
            facts
                .iter()
                .filter(|f| match f {
                    Fact::ToolCalled { call: c, .. } => !finished && *c == call,
                    Fact::ToolFinished { call: c, .. } => finished && *c == call,
                    _ => false,
                })
                .count()
        };
        for n in 1..self.session.next.call {
            assert_eq!(count(CallId(n), false), 1, "call {n} was begun once");
            let finished = count(CallId(n), true);
            let open = self.session.calls.contains_key(&CallId(n));
            assert_eq!(finished, usize::from(!open), "call {n} has one result");
        }
        if self.session.idle() {
            let running: Vec<_> = self
                .session
                .timeline()
                .steps()
                .iter()
                .filter(|s| s.status == StepStatus::InProgress)
                .collect();
            assert!(running.is_empty(), "idle, but these run: {running:?}");
        }
    }
}

pub(super) fn challenge() -> Challenge {
    Challenge { code: "BDEF".into() }
}
