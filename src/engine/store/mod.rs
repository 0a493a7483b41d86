//! The journal on disk: SQLite, WAL, synchronous=FULL, on a thread of its own.
//!
//! The engine never waits for the disk: it hands over batches and is told what became durable. Only an
//! intent to change the account is waited for, by the task that would send it.

mod database;
mod writer;

pub use database::{Database, SessionRow, StoreError, Title, default_folder};
pub use writer::{Durable, Report, Writer};
