//! What the engine and the clock bring: entries, live deltas, approvals, notices; when to wake up next.

use super::{Dialog, Msg, Notice, PlainYes, Screen, Shown};
use crate::Timestamp;
use crate::approval::Gate;
use crate::command::Command;
use crate::event::{Event, Expense, Live};
use crate::journal::{Entry, Fact};
use std::sync::Arc;
use std::time::Duration;

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);
/// Notices shown at once.
const NOTICES: usize = 5;
/// Between two frames of a spinner.
const SPIN: Duration = Duration::from_millis(100);
/// Ages and minutes left are shown in minutes.
const MINUTE: Duration = Duration::from_secs(60);
/// The second Ctrl-C must come within this to quit.
pub(super) const TWICE: Duration = Duration::from_secs(2);

impl Screen {
    /// Takes in one message; returns what the engine is asked to do.
    #[must_use]
    pub fn update(&mut self, msg: Msg, now: Timestamp) -> Vec<Command> {
        self.now = now;
        self.expire(now);
        match msg {
            Msg::Key(press) => return self.pressed(press, now),
            Msg::Paste(text) => self.pasted(&text, now),
            Msg::Mouse(mouse) => self.moused(mouse, now),
            Msg::Resize(columns, rows) => {
                self.size = (columns, rows);
                // Lines wrap anew: the anchor means nothing any more.
                self.chat.anchor = None;
            }
            Msg::Event(event) => return self.happened(event, now),
            Msg::Drawn(shown) => self.drawn(shown, now),
            Msg::Tick => {}
            Msg::Copied(sentence) => self.say(sentence),
            Msg::Saved(saved) => self.saved(saved),
            Msg::Suspend => return self.refuse(None, false).into_iter().collect(),
        }
        Vec::new()
    }

    /// When something changes by itself next: a spinner, a notice's end, the moment an approval becomes
    /// possible, the minutes credentials are good for. `None` when nothing does.
    #[must_use]
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        let works = self.ledger.running.is_some() || !self.ledger.open_calls.is_empty();
        let spin = works.then(|| now.plus(SPIN));
        let notices = self.notices.iter().filter(|n| !n.sticky).map(|n| n.at.plus(NOTICE));
        let quit = self.quit_armed.map(|at| at.plus(TWICE));
        let dialog = self.dialog.as_ref().and_then(|d| d.wake(now));
        let expires = self.ledger.scope.identity.as_ref().and_then(|i| i.expires).filter(|end| *end > now);
        // The next moment at which the minutes left change.
        let minute = expires.map(|end| {
            let left = end.since(now).as_millis() % MINUTE.as_millis();
            now.plus(Duration::from_millis(u64::try_from(left).unwrap_or(0).max(1)))
        });
        spin.into_iter()
            .chain(notices)
            .chain(quit)
            .chain(dialog)
            .chain(minute)
            .map(|at| if at > now { at } else { now.plus(Duration::from_millis(1)) })
            .min()
    }

    /// Shows a sentence for a while.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice(text.into(), false);
    }

    fn notice(&mut self, text: String, sticky: bool) {
        self.notices.retain(|n| n.text != text);
        if self.notices.len() >= NOTICES {
            let oldest = self.notices.iter().position(|n| !n.sticky).unwrap_or(0);
            self.notices.remove(oldest);
        }
        self.notices.push_back(Notice { text, at: self.now, sticky });
    }

    fn expire(&mut self, now: Timestamp) {
        self.notices.retain(|n| n.sticky || now < n.at.plus(NOTICE));
        if self.quit_armed.is_some_and(|at| now >= at.plus(TWICE)) {
            self.quit_armed = None;
        }
    }

    fn happened(&mut self, event: Event, now: Timestamp) -> Vec<Command> {
        match event {
            Event::Appended(entry) => self.appended(&entry),
            Event::Live(Live::Evaluating(progress)) => self.evaluated(progress),
            Event::Live(live) => self.live.apply(live, &self.ledger, now),
            Event::Ask(gate) => return self.asked(gate, now),
            Event::Spend(spending) => {
                self.help = None;
                self.ask(&spending.says, PlainYes::Spend(spending.what));
            }
            Event::Notice(text) => self.say(text),
            Event::StoreFailed(why) => {
                self.notice(format!("the journal cannot be written, changes are refused: {why}"), true);
                self.store_failed = Some(why);
                self.pending = None;
            }
            Event::Closed => self.quit = true,
        }
        Vec::new()
    }

    fn appended(&mut self, entry: &Arc<Entry>) {
        let known = self.ledger.entries.len();
        let step = self.ledger.apply(entry, &self.models, self.live.thought_for());
        if self.ledger.entries.len() == known {
            return;
        }
        self.live.conclude(&entry.fact);
        self.settled(&entry.fact);
        if let Fact::Question { text, .. } = &entry.fact {
            self.composer.remember(text.clone());
            (self.chat.up, self.chat.anchor) = (0, None);
        }
        if matches!(entry.fact, Fact::TurnEnded { .. }) {
            self.chat.rest = self.chat.up == 0;
        }
        if self.ledger.running.is_none() {
            self.esc_armed = false;
        }
        if let Fact::Refused { call, .. } | Fact::ToolFinished { call, .. } = &entry.fact
            && self.dialog.as_ref().and_then(|d| d.gate.as_ref()).is_some_and(|gate| gate.call() == *call)
        {
            // The engine settled it otherwise (the turn was cancelled, another console): nothing is left to ask.
            self.dialog = None;
        }
        let settled = match &entry.fact {
            Fact::ToolFinished { call, .. } => Some(Expense::Read(*call)),
            Fact::TurnEnded { turn, .. } => Some(Expense::Turn(*turn)),
            _ => None,
        };
        if let Some(what) = settled
            && self.question.as_ref().is_some_and(|q| q.yes == PlainYes::Spend(what))
        {
            self.question = None;
        }
        if let Fact::Evaluated { report } = &entry.fact {
            self.evaluation_over(report);
        }
        if let Some(no) = step {
            self.step_changed(no);
        }
    }

    fn asked(&mut self, gate: Gate, now: Timestamp) -> Vec<Command> {
        if self.dialog.is_some() {
            // One dialog at a time: the engine queues. Should it not, the newer one is refused, never swapped in
            // under the operator's fingers.
            return vec![Command::Refuse(gate.refuse(None, false))];
        }
        self.help = None;
        self.dialog = Some(Dialog::new(gate, now));
        self.say("a change needs your decision");
        Vec::new()
    }

    fn drawn(&mut self, shown: Shown, now: Timestamp) {
        if let Some(dialog) = &mut self.dialog {
            dialog.drawn(&shown, now);
        }
        self.detail.top = self.detail.top.min(shown.detail.last_top());
        if std::mem::take(&mut self.chat.rest)
            && let Some(line) = shown.question_line.filter(|line| *line < shown.chat.last_top())
        {
            self.chat.anchor = Some(line);
        }
        self.chat.up = shown.chat.last_top() - self.chat.first_line(shown.chat);
        if self.chat.up == 0 {
            self.chat.anchor = None;
        } else {
            self.chat.anchor = Some(self.chat.first_line(shown.chat));
        }
        self.chat.link = self.chat.link.filter(|i| *i < shown.links.len());
        self.help = self.help.map(|top| top.min(shown.help.last_top()));
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.drawn(&shown);
        }
        let resized = self.shown.timeline.fits != shown.timeline.fits;
        self.shown = shown;
        if resized {
            self.keep_in_view();
        }
    }
}
