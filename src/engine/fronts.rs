//! The fronts as the engine sees them: bounded channels that never slow it down.
//!
//! A front that is behind is not waited for. Entries are re-read from the journal by sequence number, text
//! deltas are joined, an approval is held and sent before anything else.

use quarterdeck_core::approval::Gate;
use quarterdeck_core::command::Command;
use quarterdeck_core::event::{Event, Live};
use quarterdeck_core::id::FrontId;
use quarterdeck_core::journal::Entry;
use quarterdeck_core::session::{FrontCaps, Input};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Events that may wait for a front.
const EVENTS: usize = 512;
/// Commands that may wait for the engine.
const COMMANDS: usize = 64;
/// Live messages kept for a front that is behind; the oldest progress is dropped first.
const LIVES: usize = 256;

/// A front's end of its two channels.
pub struct Front {
    /// Its id.
    pub id: FrontId,
    /// To the engine.
    pub commands: mpsc::Sender<Command>,
    /// From the engine.
    pub events: mpsc::Receiver<Event>,
}

/// A front that wants in.
pub(super) struct Join {
    id: FrontId,
    caps: FrontCaps,
    events: mpsc::Sender<Event>,
}

/// Connects a front: what it commands becomes input until its channel closes.
pub(super) async fn connect(
    id: FrontId,
    caps: FrontCaps,
    inputs: &mpsc::Sender<Input>,
    joins: &mpsc::Sender<Join>,
) -> Front {
    let (events, from_engine) = mpsc::channel(EVENTS);
    let (commands, mut from_front) = mpsc::channel(COMMANDS);
    // When the engine has ended, both channels are closed and the front sees it.
    let _ = joins.send(Join { id, caps, events }).await;
    let inputs = inputs.clone();
    tokio::spawn(async move {
        while let Some(command) = from_front.recv().await {
            if inputs.send(Input::Command(id, command)).await.is_err() {
                return;
            }
        }
        let _ = inputs.send(Input::FrontGone(id)).await;
    });
    Front { id, commands, events: from_engine }
}

/// Everybody who watches.
pub(super) struct Fronts {
    all: BTreeMap<FrontId, Outbox>,
    /// Entries below this are durable and may be shown.
    durable: u64,
}

struct Outbox {
    events: mpsc::Sender<Event>,
    next: usize,
    asks: VecDeque<Gate>,
    /// Live messages, each with the length of the journal when it was queued: it is shown after the entries before
    /// it, and before those after it, so that nothing streams on behind the entry that concludes it.
    lives: VecDeque<(usize, Live)>,
    others: VecDeque<Event>,
    full: bool,
}

impl Fronts {
    pub(super) fn new(durable: u64) -> Self {
        Self { all: BTreeMap::new(), durable }
    }

    pub(super) fn add(&mut self, join: Join) -> (FrontId, FrontCaps) {
        let outbox = Outbox {
            events: join.events,
            next: 0,
            asks: VecDeque::new(),
            lives: VecDeque::new(),
            others: VecDeque::new(),
            full: false,
        };
        self.all.insert(join.id, outbox);
        (join.id, join.caps)
    }

    pub(super) fn remove(&mut self, id: FrontId) {
        self.all.remove(&id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Entries below `next` are on disk.
    pub(super) fn durable(&mut self, next: u64) {
        self.durable = self.durable.max(next);
    }

    /// Holds an approval for a front. A front that is gone drops it: `FrontGone` refuses it.
    pub(super) fn ask(&mut self, id: FrontId, gate: Gate) {
        if let Some(outbox) = self.all.get_mut(&id) {
            outbox.asks.push_back(gate);
        }
    }

    pub(super) fn tell(&mut self, id: FrontId, text: String) {
        self.send(id, Event::Notice(text));
    }

    /// Holds an event for one front.
    pub(super) fn send(&mut self, id: FrontId, event: Event) {
        if let Some(outbox) = self.all.get_mut(&id) {
            outbox.others.push_back(event);
        }
    }

    pub(super) fn broadcast(&mut self, event: impl Fn() -> Event) {
        for outbox in self.all.values_mut() {
            outbox.others.push_back(event());
        }
    }

    /// Something live that happened when the journal had `entries`.
    pub(super) fn live(&mut self, entries: usize, live: &Live) {
        for outbox in self.all.values_mut() {
            outbox.live(entries, live);
        }
    }

    /// Whether some front could not take what there is for it.
    pub(super) fn behind(&self) -> bool {
        self.all.values().any(|o| o.full)
    }

    /// Sends what there is, as far as each front has room.
    pub(super) fn flush(&mut self, entries: &[Arc<Entry>]) {
        let durable = usize::try_from(self.durable).unwrap_or(usize::MAX).min(entries.len());
        let shown = entries.get(..durable).unwrap_or(entries);
        for outbox in self.all.values_mut() {
            outbox.flush(shown);
        }
    }

    /// Sends what still fits and says good-bye.
    pub(super) fn close(&mut self, entries: &[Arc<Entry>]) {
        self.flush(entries);
        for outbox in self.all.values() {
            let _ = outbox.events.try_send(Event::Closed);
        }
    }
}

impl Outbox {
    fn live(&mut self, at: usize, live: &Live) {
        match (self.lives.back_mut(), live) {
            (Some((t, Live::Text(turn, text))), Live::Text(of, more)) if turn == of && *t == at => {
                text.push_str(more);
            }
            (Some((t, Live::Reasoning(turn, text))), Live::Reasoning(of, more)) if turn == of && *t == at => {
                text.push_str(more);
            }
            (Some((_, Live::Progress(call, progress))), Live::Progress(of, newer)) if call == of => {
                *progress = newer.clone();
            }
            (Some((_, Live::Evaluating(progress))), Live::Evaluating(newer)) => *progress = newer.clone(),
            (_, _) => {
                if self.lives.len() >= LIVES {
                    // Text must stay whole; progress is replaced by the next one anyway.
                    if let Some(old) = self.lives.iter().position(|(_, l)| matches!(l, Live::Progress(..))) {
                        self.lives.remove(old);
                    }
                }
                self.lives.push_back((at, live.clone()));
            }
        }
    }

    fn flush(&mut self, entries: &[Arc<Entry>]) {
        self.full = false;
        loop {
            let place = match self.events.try_reserve() {
                Ok(place) => place,
                Err(TrySendError::Full(())) => {
                    self.full = true;
                    return;
                }
                Err(TrySendError::Closed(())) => return,
            };
            if let Some(gate) = self.asks.pop_front() {
                place.send(Event::Ask(gate));
            } else if let Some(event) = self.others.pop_front() {
                place.send(event);
            } else if let Some((_, live)) = self.lives.pop_front_if(|(at, _)| *at <= self.next) {
                place.send(Event::Live(live));
            } else if let Some(entry) = entries.get(self.next) {
                place.send(Event::Appended(entry.clone()));
                self.next += 1;
            } else {
                return;
            }
        }
    }
}
