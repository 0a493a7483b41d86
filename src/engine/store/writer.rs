//! The store thread: takes batches, writes each in one transaction, reports what is durable.

use super::{Database, StoreError, Title};
use quarterdeck_core::journal::{Entry, Fact};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Answered when the entry is on disk, or with why it is not.
pub type Durable = oneshot::Sender<Result<(), String>>;

/// Batches that may wait for the disk.
const BATCHES: usize = 64;

/// One entry on its way to the disk.
struct Record {
    entry: Arc<Entry>,
    stored: String,
    waiter: Option<Durable>,
}

/// What the store tells the engine.
#[derive(Debug)]
pub enum Report {
    /// Every entry up to and including this sequence number is durable.
    Durable(u64),
    /// The disk refused; nothing is durable any more from here on.
    Failed(String),
    /// Something the operator should know, such as a damaged file set aside.
    Remark(String),
}

/// The engine's side of the store.
pub struct Writer {
    batches: mpsc::Sender<Vec<Record>>,
    pending: Vec<Record>,
    /// Reports, in order.
    pub reports: mpsc::Receiver<Report>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `open` runs on it, so that opening the file delays nothing.
    pub fn start(
        session: String,
        open: impl FnOnce() -> Result<Database, StoreError> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (batches, jobs) = mpsc::channel(BATCHES);
        let (reporter, reports) = mpsc::channel(BATCHES * 4);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || run(&session, open, jobs, &reporter))?;
        Ok(Self { batches, pending: Vec::new(), reports, thread: Some(thread) })
    }

    /// Takes an entry; it goes out with the next [`Writer::flush`].
    pub fn push(&mut self, entry: Arc<Entry>, stored: String, waiter: Option<Durable>) {
        self.pending.push(Record { entry, stored, waiter });
    }

    /// Hands over what was pushed, as one transaction. When the store is behind, it goes with a later flush.
    pub fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        match self.batches.try_reserve() {
            Ok(place) => place.send(std::mem::take(&mut self.pending)),
            Err(mpsc::error::TrySendError::Full(())) => {}
            Err(mpsc::error::TrySendError::Closed(())) => {
                for record in self.pending.drain(..) {
                    answer(record.waiter, Err("the journal's thread has ended".to_owned()));
                }
            }
        }
    }

    /// Whether something waits for room.
    #[must_use]
    pub fn behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what is left and waits for the thread.
    pub async fn close(mut self) {
        if !self.pending.is_empty() {
            let _ = self.batches.send(std::mem::take(&mut self.pending)).await;
        }
        let Self { batches, mut reports, thread, .. } = self;
        drop(batches);
        while reports.recv().await.is_some() {}
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn answer(waiter: Option<Durable>, result: Result<(), String>) {
    if let Some(waiter) = waiter {
        // Nobody waits any more when the engine has ended.
        let _ = waiter.send(result);
    }
}

fn run(
    session: &str,
    open: impl FnOnce() -> Result<Database, StoreError>,
    mut jobs: mpsc::Receiver<Vec<Record>>,
    reports: &mpsc::Sender<Report>,
) {
    let mut failed = None;
    let mut database = match open() {
        Ok(mut database) => {
            if let Some(remark) = database.remark.take() {
                let _ = reports.blocking_send(Report::Remark(remark));
            }
            Some(database)
        }
        Err(error) => {
            failed = Some(error.to_string());
            let _ = reports.blocking_send(Report::Failed(error.to_string()));
            None
        }
    };
    while let Some(mut batch) = jobs.blocking_recv() {
        // What piled up meanwhile shares one fsync.
        while batch.len() < 1024 {
            match jobs.try_recv() {
                Ok(more) => batch.extend(more),
                Err(_) => break,
            }
        }
        let result = match (&mut database, &failed) {
            (Some(database), None) => write(database, session, &batch).map_err(|e| e.to_string()),
            (_, Some(why)) => Err(why.clone()),
            (None, None) => Err("the journal is not open".to_owned()),
        };
        if let Err(why) = &result
            && failed.is_none()
        {
            failed = Some(why.clone());
            let _ = reports.blocking_send(Report::Failed(why.clone()));
        }
        let last = batch.last().map(|r| r.entry.seq.0);
        for record in batch {
            answer(record.waiter, result.clone());
        }
        if let (Ok(()), Some(last)) = (&result, last) {
            let _ = reports.blocking_send(Report::Durable(last));
        }
    }
}

fn write(database: &mut Database, session: &str, batch: &[Record]) -> Result<(), StoreError> {
    let question = batch.iter().find_map(|r| match &r.entry.fact {
        Fact::Question { text, .. } => text.lines().next().map(Title::Question),
        _ => None,
    });
    let call = || {
        batch.iter().find_map(|r| match &r.entry.fact {
            Fact::ToolCalled { tool, .. } => Some(Title::Call(tool)),
            _ => None,
        })
    };
    let title = question.or_else(call);
    database.append(session, batch.iter().map(|r| (r.entry.seq.0, r.stored.as_str())), title)
}
