//! The timeline: the journal as steps people can cite.

use super::remark;
use super::step::{Step, StepKind, StepStatus};
use super::{Actor, Entry, Fact, Outcome, RefusedBy, TurnEnd, WriteEffect};
use crate::Timestamp;
use crate::approval::Proposal;
use crate::id::{ApprovalId, CallId, Seq, StepNo, TurnId};
use std::collections::HashMap;
use std::sync::Arc;

/// All steps, kept up to date entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    steps: Vec<Step>,
    calls: HashMap<CallId, StepNo>,
    approvals: HashMap<ApprovalId, StepNo>,
    /// The model request that runs.
    request: Option<(TurnId, u32, StepNo)>,
    /// The note that says how the session began, as long as nothing else came after it.
    opening: Option<StepNo>,
}

impl Timeline {
    /// Takes in the next entry. Returns the number of the step it began or changed, if any. Constant time.
    pub fn apply(&mut self, entry: &Arc<Entry>) -> Option<StepNo> {
        let (at, seq) = (entry.at, entry.seq);
        match &entry.fact {
            Fact::SessionStarted { version, operator, .. } => {
                let no = self.note(entry, "session started", format!("{version} · {operator}"));
                self.opening = Some(no);
                Some(no)
            }
            Fact::SessionResumed { version } => {
                let no = self.note(entry, "session resumed", version.clone());
                self.opening = Some(no);
                Some(no)
            }
            Fact::ScopeChanged { scope } => Some(self.setting(entry, "scope", remark::scope(scope))),
            Fact::SettingsChanged { settings } => Some(self.setting(entry, "model", settings.to_string())),
            Fact::ModeChanged { mode } => Some(self.setting(entry, "mode", mode.label().to_owned())),
            Fact::Question { turn, text } => {
                Some(self.begin(entry, StepKind::Question, remark::first_line(text), |s| {
                    s.turn = Some(*turn);
                    s.status = StepStatus::Completed;
                    s.ended = Some(at);
                }))
            }
            Fact::ModelRequested { turn, iteration, model, .. } => {
                let no = self.begin(entry, StepKind::ModelRequest, "model request", |s| {
                    s.turn = Some(*turn);
                    s.iteration = Some(*iteration);
                    s.remark.clone_from(model);
                });
                self.request = Some((*turn, *iteration, no));
                Some(no)
            }
            Fact::ModelResponded { turn, iteration, blocks, usage, .. } => {
                self.end_request(*turn, *iteration, seq, at, StepStatus::Completed, remark::usage(*usage));
                Some(self.begin(entry, StepKind::ModelResponse, "model response", |s| {
                    s.turn = Some(*turn);
                    s.iteration = Some(*iteration);
                    s.status = StepStatus::Completed;
                    s.ended = Some(at);
                    s.remark = remark::response(blocks);
                }))
            }
            Fact::ModelFailed { turn, iteration, error, .. } => {
                let status = remark::model_failure(error.kind);
                self.end_request(*turn, *iteration, seq, at, status, remark::first_line(&error.message))
            }
            Fact::ToolCalled { call, by, tool, .. } => {
                let turn = self.turn_of(by);
                let no = self.begin(entry, StepKind::ToolCall, remark::first_line(tool), |s| {
                    s.call = Some(*call);
                    (s.turn, s.iteration) = turn;
                });
                self.calls.insert(*call, no);
                Some(no)
            }
            Fact::ToolFinished { call, outcome } => self.finish(*call, seq, at, outcome),
            Fact::ApprovalAsked { call, approval, proposal, changed, .. } => {
                Some(self.ask(entry, *call, *approval, proposal, changed))
            }
            Fact::Approved { approval, operator, typed_code, .. } => {
                let code = if *typed_code { ", code typed" } else { "" };
                self.answer(
                    *approval,
                    seq,
                    at,
                    StepStatus::Completed,
                    format!("approved by {operator}{code}"),
                )
            }
            Fact::Refused { call, approval, by, note } => {
                let status = match by {
                    RefusedBy::Cancelled => StepStatus::Cancelled,
                    RefusedBy::Operator
                    | RefusedBy::FrontGone
                    | RefusedBy::NobodyToAsk
                    | RefusedBy::EarlierRefusal
                    | RefusedBy::Expired
                    | RefusedBy::Mode
                    | RefusedBy::NotDurable => StepStatus::Denied,
                };
                match approval
                    .and_then(|a| self.answer(a, seq, at, status, remark::refused(*by, note.as_deref())))
                {
                    Some(no) => Some(no),
                    None => self.add(*call, seq, |_| {}),
                }
            }
            Fact::RefusalWithdrawn { call } => self.add(*call, seq, |s| {
                s.remark.push_str(" (refusal taken back)");
            }),
            Fact::WriteIntended { call, .. } => self.add(*call, seq, |_| {}),
            Fact::WriteConcluded { call, effect } => self.add(*call, seq, |s| match effect {
                WriteEffect::Unknown => {
                    s.status = StepStatus::Unknown;
                    "outcome unknown".clone_into(&mut s.remark);
                }
                WriteEffect::Done | WriteEffect::NotDone => {}
            }),
            Fact::Verified { call, summary, reached } => Some(self.verified(entry, *call, summary, *reached)),
            Fact::TurnEnded { turn, reason } => self.turn_ended(entry, *turn, reason),
            Fact::Noted { text } => Some(self.note(entry, remark::first_line(text), String::new())),
            Fact::Evaluated { report } => {
                let no = self.note(entry, "determinism evaluated", report.headline());
                if let Some(step) = self.get_mut(no) {
                    step.status = remark::evaluation(report.runs);
                }
                Some(no)
            }
            Fact::Compacted { tokens_before, tokens_after, .. } => {
                let room = remark::room(*tokens_before, *tokens_after);
                Some(self.note(entry, "older turns summarized", room))
            }
            Fact::Shortened { turn, calls, tokens_before, tokens_after, .. } => {
                let room = remark::room(*tokens_before, *tokens_after);
                let no = self.note(entry, remark::shortened(calls.len()), room);
                if let Some(step) = self.get_mut(no) {
                    step.turn = Some(*turn);
                }
                Some(no)
            }
        }
    }

    /// All steps, oldest first; `steps()[n - 1]` is step `#n`.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step `#no`.
    #[must_use]
    pub fn get(&self, no: StepNo) -> Option<&Step> {
        self.steps.get(usize::try_from(no.0).ok()?.checked_sub(1)?)
    }

    /// The tool-call step of a call.
    #[must_use]
    pub fn of_call(&self, call: CallId) -> Option<&Step> {
        self.get(*self.calls.get(&call)?)
    }

    /// The approval step of an asking.
    #[must_use]
    pub fn of_approval(&self, approval: ApprovalId) -> Option<&Step> {
        self.get(*self.approvals.get(&approval)?)
    }

    fn get_mut(&mut self, no: StepNo) -> Option<&mut Step> {
        self.steps.get_mut(usize::try_from(no.0).ok()?.checked_sub(1)?)
    }

    /// Begins a step, in progress until something says otherwise.
    fn begin(
        &mut self,
        entry: &Entry,
        kind: StepKind,
        title: impl Into<String>,
        set: impl FnOnce(&mut Step),
    ) -> StepNo {
        let no = StepNo(u32::try_from(self.steps.len()).unwrap_or(u32::MAX).saturating_add(1));
        let mut step = Step {
            no,
            kind,
            status: StepStatus::InProgress,
            title: title.into(),
            remark: String::new(),
            began: entry.at,
            ended: None,
            turn: None,
            iteration: None,
            call: None,
            entries: vec![entry.seq],
        };
        set(&mut step);
        self.steps.push(step);
        self.opening = None;
        no
    }

    fn note(&mut self, entry: &Entry, title: impl Into<String>, remark: String) -> StepNo {
        self.begin(entry, StepKind::Note, title, |s| {
            s.status = StepStatus::Completed;
            s.ended = Some(entry.at);
            s.remark = remark;
        })
    }

    /// A setting: part of the opening note when it follows it directly, else a note of its own.
    fn setting(&mut self, entry: &Entry, title: &str, remark: String) -> StepNo {
        if let Some(no) = self.opening {
            if let Some(step) = self.get_mut(no) {
                step.entries.push(entry.seq);
                step.remark.push_str(" · ");
                step.remark.push_str(&remark);
            }
            return no;
        }
        self.note(entry, title, remark)
    }

    /// Adds an entry to a call's step.
    fn add(&mut self, call: CallId, seq: Seq, set: impl FnOnce(&mut Step)) -> Option<StepNo> {
        let no = *self.calls.get(&call)?;
        let step = self.get_mut(no)?;
        step.entries.push(seq);
        set(step);
        Some(no)
    }

    fn turn_of(&self, by: &Actor) -> (Option<TurnId>, Option<u32>) {
        match by {
            Actor::Model { turn, iteration, .. } => (Some(*turn), Some(*iteration)),
            Actor::Human => (None, None),
            Actor::Verification { of } => (self.of_call(*of).and_then(|s| s.turn), None),
        }
    }

    fn end_request(
        &mut self,
        turn: TurnId,
        iteration: u32,
        seq: Seq,
        at: Timestamp,
        status: StepStatus,
        remark: String,
    ) -> Option<StepNo> {
        let (_, _, no) = self.request.take_if(|(t, i, _)| (*t, *i) == (turn, iteration))?;
        let step = self.get_mut(no)?;
        step.entries.push(seq);
        step.status = status;
        step.ended = Some(at);
        step.remark = remark;
        Some(no)
    }

    fn finish(&mut self, call: CallId, seq: Seq, at: Timestamp, outcome: &Outcome) -> Option<StepNo> {
        let reused = match outcome {
            Outcome::Ok { reused: Some(from), .. } => self.of_call(*from).map(|s| s.no),
            Outcome::Ok { reused: None, .. } | Outcome::Failed { .. } | Outcome::Recorded => None,
        };
        self.add(call, seq, |s| {
            if s.status != StepStatus::Unknown {
                s.status = remark::status(outcome);
                s.remark = remark::outcome(outcome, reused);
            }
            s.ended = Some(at);
        })
    }

    fn ask(
        &mut self,
        entry: &Entry,
        call: CallId,
        approval: ApprovalId,
        proposal: &Proposal,
        changed: &[String],
    ) -> StepNo {
        let (turn, iteration) = self.of_call(call).map_or((None, None), |s| (s.turn, s.iteration));
        let no = self.begin(entry, StepKind::Approval, remark::first_line(&proposal.title), |s| {
            s.call = Some(call);
            (s.turn, s.iteration) = (turn, iteration);
            s.remark = if changed.is_empty() { "waiting".into() } else { "changed: asked again".into() };
        });
        self.approvals.insert(approval, no);
        no
    }

    fn answer(
        &mut self,
        approval: ApprovalId,
        seq: Seq,
        at: Timestamp,
        status: StepStatus,
        remark: String,
    ) -> Option<StepNo> {
        let no = *self.approvals.get(&approval)?;
        let step = self.get_mut(no)?;
        step.entries.push(seq);
        step.status = status;
        step.ended = Some(at);
        step.remark = remark;
        Some(no)
    }

    fn verified(&mut self, entry: &Entry, call: CallId, summary: &str, reached: Option<bool>) -> StepNo {
        let status = match reached {
            Some(true) => StepStatus::Completed,
            Some(false) => StepStatus::Error,
            None => StepStatus::Unknown,
        };
        let (title, turn) = self.of_call(call).map_or_else(
            || ("verified".to_owned(), None),
            |s| (format!("verified {} #{}", s.title, s.no), s.turn),
        );
        // A lost answer is settled by what was read back.
        if let (Some(no), Some(done)) = (self.calls.get(&call).copied(), reached)
            && let Some(step) = self.get_mut(no)
            && step.status == StepStatus::Unknown
        {
            step.status = status;
            step.remark = if done {
                "the answer was lost; read back: done"
            } else {
                "the answer was lost; read back: not done"
            }
            .to_owned();
        }
        let no = self.note(entry, title, remark::first_line(summary));
        if let Some(step) = self.get_mut(no) {
            step.status = status;
            step.call = Some(call);
            step.turn = turn;
        }
        no
    }

    fn turn_ended(&mut self, entry: &Entry, turn: TurnId, reason: &TurnEnd) -> Option<StepNo> {
        let (status, title, remark) = remark::turn_end(reason)?;
        let no = self.note(entry, title, remark);
        if let Some(step) = self.get_mut(no) {
            step.status = status;
            step.turn = Some(turn);
        }
        Some(no)
    }
}
