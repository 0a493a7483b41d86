//! The file: where it is, its schema, what can be wrong with it.

use quarterdeck_core::Timestamp;
use quarterdeck_core::journal::Entry;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The schema this console writes. A newer one is refused.
const SCHEMA: i64 = 1;

const CREATE: &str = "
CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    started INTEGER NOT NULL,          -- ms since the epoch, UTC
    demo    INTEGER NOT NULL,          -- 1: the embedded account
    title   TEXT NOT NULL DEFAULT ''   -- the first question, else `:` and the first tool that was called
) STRICT;
CREATE TABLE entries (
    session TEXT NOT NULL REFERENCES sessions(id),
    seq     INTEGER NOT NULL,
    body    TEXT NOT NULL,             -- the entry as it is hashed
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;
";

/// What can be wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer console.
    #[error(
        "{path} was written by a newer quarterdeck (schema {found}, this one knows {SCHEMA}): update, or set QUARTERDECK_STATE to another folder"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// The folder or file cannot be used.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite says no.
    #[error("journal {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// An entry cannot be read back.
    #[error("journal of session {session}: entry {seq} is damaged: {why}")]
    Damaged {
        /// The session.
        session: String,
        /// The entry.
        seq: u64,
        /// Why.
        why: String,
    },
    /// No such session.
    #[error("{0}")]
    NoSession(String),
    /// Another console has the session open.
    #[error("session {0} is open in another console")]
    Locked(String),
}

/// One saved session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// The first question, else `:` and the first tool that was called. Untrusted.
    pub title: String,
    /// Whether it looked at the embedded account.
    pub demo: bool,
}

/// What a session can be called after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title<'a> {
    /// Its first question.
    Question(&'a str),
    /// The first tool that was called.
    Call(&'a str),
}

/// An open journal file.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    sql: Connection,
    /// Held for as long as the session is open here.
    lock: Option<File>,
    /// What was found and mended while opening, for the operator.
    pub remark: Option<String>,
}

/// `$QUARTERDECK_STATE`, else `$XDG_STATE_HOME/quarterdeck`, else `~/.local/state/quarterdeck`.
#[must_use]
pub fn default_folder(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("QUARTERDECK_STATE")
        .or_else(|| set("XDG_STATE_HOME").map(|p| p.join("quarterdeck")))
        .or_else(|| set("HOME").map(|p| p.join(".local/state/quarterdeck")))
        .unwrap_or_else(|| PathBuf::from(".quarterdeck"))
}

impl Database {
    /// Opens or creates `journal.db` in `folder` (0700, the file 0600). A file that is not a database is set
    /// aside under another name, never deleted.
    ///
    /// # Errors
    /// A newer schema, a folder that cannot be written, a disk that is full.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        private_folder(folder)?;
        // One console at a time: going over to WAL does not wait for another that does the same.
        let opening = folder.join("opening.lock");
        let _held = private_file(&opening).and_then(|f| {
            f.lock().map(|()| f).map_err(|source| StoreError::Folder { path: opening, source })
        })?;
        let path = folder.join("journal.db");
        private_file(&path)?;
        match Self::connect(&path) {
            Err(StoreError::Sqlite { source, .. }) if is_corrupt(&source) => {
                let aside = set_aside(&path)?;
                private_file(&path)?;
                let mut database = Self::connect(&path)?;
                database.remark = Some(format!(
                    "the journal was damaged ({source}); it was set aside as {} and a new one begun",
                    aside.display()
                ));
                Ok(database)
            }
            other => other,
        }
    }

    /// Whether `folder` can hold the journal; one that is there is opened, never set aside.
    ///
    /// # Errors
    /// It cannot be written, or the journal in it cannot be used.
    pub fn check(folder: &Path) -> Result<(), StoreError> {
        private_folder(folder)?;
        let trial = folder.join(format!("doctor-{}.tmp", std::process::id()));
        let tried = private_file(&trial).and_then(|mut file| {
            file.write_all(b"quarterdeck")
                .map_err(|source| StoreError::Folder { path: trial.clone(), source })
        });
        // Whatever was left of a trial that failed.
        let _ = fs::remove_file(&trial);
        tried?;
        let path = folder.join("journal.db");
        if path.exists() { Self::connect(&path).map(drop) } else { Ok(()) }
    }

    fn connect(path: &Path) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Sqlite { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut sql = Connection::open_with_flags(path, flags).map_err(fail)?;
        sql.busy_timeout(Duration::from_secs(5)).map_err(fail)?;
        sql.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
        sql.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
        sql.pragma_update(None, "foreign_keys", "ON").map_err(fail)?;
        // Two consoles may start at once: the schema is created under a write lock.
        let tx = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(fail)?;
        let found: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(fail)?;
        if found > SCHEMA {
            return Err(StoreError::Newer { path: path.to_owned(), found });
        }
        if found == 0 {
            tx.execute_batch(CREATE).map_err(fail)?;
            tx.pragma_update(None, "user_version", SCHEMA).map_err(fail)?;
        }
        tx.commit().map_err(fail)?;
        Ok(Self { path: path.to_owned(), sql, lock: None, remark: None })
    }

    fn sqlite(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { path: self.path.clone(), source }
    }

    /// Begins a session and takes its lock.
    ///
    /// # Errors
    /// The disk refuses, or another console has the session.
    pub fn begin(&mut self, session: &str, started: Timestamp, demo: bool) -> Result<(), StoreError> {
        self.take_lock(session)?;
        self.sql
            .execute(
                "INSERT INTO sessions (id, started, demo) VALUES (?1, ?2, ?3)",
                params![session, started.millis(), demo],
            )
            .map_err(|e| self.sqlite(e))?;
        Ok(())
    }

    /// Takes the lock of a session, so that two consoles never append to the same one.
    ///
    /// # Errors
    /// Another console has it.
    pub fn take_lock(&mut self, session: &str) -> Result<(), StoreError> {
        let path = self.path.with_file_name(format!("session-{session}.lock"));
        let file = private_file(&path)?;
        match file.try_lock() {
            Ok(()) => {
                self.lock = Some(file);
                Ok(())
            }
            Err(fs::TryLockError::WouldBlock) => Err(StoreError::Locked(session.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(StoreError::Folder { path, source }),
        }
    }

    /// Appends entries in one transaction: all of them are durable when this returns, or none.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append<'a>(
        &mut self,
        session: &str,
        entries: impl IntoIterator<Item = (u64, &'a str)>,
        title: Option<Title<'_>>,
    ) -> Result<(), StoreError> {
        let result = (|| {
            let tx = self.sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut insert =
                    tx.prepare_cached("INSERT INTO entries (session, seq, body) VALUES (?1, ?2, ?3)")?;
                for (seq, body) in entries {
                    insert.execute(params![session, i64::try_from(seq).unwrap_or(i64::MAX), body])?;
                }
                if let Some(Title::Question(title)) = title {
                    // A question says more than the calls that came before it.
                    tx.execute(
                        "UPDATE sessions SET title = ?2 WHERE id = ?1 AND (title = '' OR title LIKE ':%')",
                        params![session, title],
                    )?;
                }
                if let Some(Title::Call(tool)) = title {
                    let title = format!(":{tool}");
                    tx.execute(
                        "UPDATE sessions SET title = ?2 WHERE id = ?1 AND title = ''",
                        params![session, title],
                    )?;
                }
            }
            tx.commit()
        })();
        result.map_err(|e| self.sqlite(e))
    }

    /// Saved sessions in which something was asked or called, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sessions(&self, demo: bool) -> Result<Vec<SessionRow>, StoreError> {
        let query = || {
            let mut rows = self.sql.prepare(
                "SELECT id, started, title, demo FROM sessions WHERE demo = ?1
                 AND title <> '' ORDER BY started DESC, rowid DESC",
            )?;
            let rows = rows.query_map(params![demo], |r| {
                Ok(SessionRow {
                    id: r.get(0)?,
                    started: Timestamp::from_millis(r.get(1)?),
                    title: r.get(2)?,
                    demo: r.get(3)?,
                })
            })?;
            rows.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        query().map_err(|e| self.sqlite(e))
    }

    /// Every entry of a session, and the hash its next entry links to.
    ///
    /// # Errors
    /// There is no such session, or an entry is damaged.
    pub fn load(&self, session: &str) -> Result<(Vec<Entry>, String), StoreError> {
        let known: Option<i64> = self
            .sql
            .query_row("SELECT 1 FROM sessions WHERE id = ?1", params![session], |r| r.get(0))
            .optional()
            .map_err(|e| self.sqlite(e))?;
        if known.is_none() {
            return Err(StoreError::NoSession(format!("there is no session {session}")));
        }
        let bodies: Vec<String> = (|| {
            let mut rows = self.sql.prepare("SELECT body FROM entries WHERE session = ?1 ORDER BY seq")?;
            let rows = rows.query_map(params![session], |r| r.get(0))?;
            rows.collect::<Result<_, rusqlite::Error>>()
        })()
        .map_err(|e| self.sqlite(e))?;
        let mut last = quarterdeck_core::journal::GENESIS.to_owned();
        let mut entries = Vec::with_capacity(bodies.len());
        for (seq, body) in (0u64..).zip(&bodies) {
            let damaged = |why: String| StoreError::Damaged { session: session.to_owned(), seq, why };
            let entry: Entry = serde_json::from_str(body).map_err(|e| damaged(e.to_string()))?;
            if entry.seq.0 != seq || entry.prev_hash != last {
                return Err(damaged("it does not continue the chain".into()));
            }
            last = quarterdeck_core::journal::hash(body);
            entries.push(entry);
        }
        Ok((entries, last))
    }
}

fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let mut n = 1;
    let aside = loop {
        let candidate = path.with_file_name(format!("journal.damaged-{n}.db"));
        if !candidate.exists() {
            break candidate;
        }
        n += 1;
    };
    fs::rename(path, &aside).map_err(|source| StoreError::Folder { path: path.to_owned(), source })?;
    for tail in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        let mut to = aside.as_os_str().to_owned();
        to.push(tail);
        // They exist only after a crash.
        let _ = fs::rename(name, to);
    }
    Ok(aside)
}

fn private_folder(folder: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Folder { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(fail)?;
    }
    Ok(())
}

fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(|source| StoreError::Folder { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::journal::{Chain, Fact};

    fn note(chain: &mut Chain, text: &str) -> (u64, String) {
        let (entry, stored) =
            chain.link(Fact::Noted { text: text.into() }, Timestamp::from_millis(1)).unwrap();
        (entry.seq.0, stored)
    }

    #[test]
    fn what_was_appended_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let mut chain = Chain::default();
        let rows = [note(&mut chain, "one"), note(&mut chain, "two")];
        let mut db = Database::open(dir.path()).unwrap();
        db.begin("s1", Timestamp::from_millis(5), false).unwrap();
        db.append("s1", rows.iter().map(|(s, b)| (*s, b.as_str())), Some(Title::Question("why?"))).unwrap();
        drop(db);
        let db = Database::open(dir.path()).unwrap();
        let (entries, last) = db.load("s1").unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(last, quarterdeck_core::journal::hash(&rows[1].1));
        assert_eq!(db.sessions(false).unwrap()[0].title, "why?");
        assert!(db.sessions(true).unwrap().is_empty());
    }

    #[test]
    fn a_session_is_called_after_its_question_and_listed_once_it_has_something() {
        let dir = tempfile::tempdir().unwrap();
        let mut chain = Chain::default();
        let mut rows = ["a", "b", "c", "d"].map(|text| note(&mut chain, text)).into_iter();
        let mut db = Database::open(dir.path()).unwrap();
        db.begin("s1", Timestamp::from_millis(5), false).unwrap();
        let titles =
            |db: &Database| db.sessions(false).unwrap().into_iter().map(|r| r.title).collect::<Vec<_>>();
        for (title, shown) in [
            (None, None),
            (Some(Title::Call("list_ec2_instances")), Some(":list_ec2_instances")),
            (Some(Title::Question("why?")), Some("why?")),
            (Some(Title::Question("and now?")), Some("why?")),
        ] {
            let (seq, body) = rows.next().unwrap();
            db.append("s1", [(seq, body.as_str())], title).unwrap();
            assert_eq!(titles(&db), shown.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_edited_entry_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut chain = Chain::default();
        let rows = [note(&mut chain, "one"), note(&mut chain, "two")];
        let mut db = Database::open(dir.path()).unwrap();
        db.begin("s1", Timestamp::from_millis(5), false).unwrap();
        db.append("s1", rows.iter().map(|(s, b)| (*s, b.as_str())), None).unwrap();
        db.sql.execute("UPDATE entries SET body = replace(body, 'one', 'won') WHERE seq = 0", []).unwrap();
        assert!(matches!(db.load("s1"), Err(StoreError::Damaged { seq: 1, .. })));
    }

    #[test]
    fn one_console_per_session() {
        let dir = tempfile::tempdir().unwrap();
        let mut a = Database::open(dir.path()).unwrap();
        a.begin("s1", Timestamp::from_millis(5), false).unwrap();
        let mut b = Database::open(dir.path()).unwrap();
        assert!(matches!(b.take_lock("s1"), Err(StoreError::Locked(_))));
        drop(a);
        b.take_lock("s1").unwrap();
    }

    #[test]
    fn a_newer_schema_is_refused_and_a_damaged_file_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(dir.path()).unwrap();
        db.sql.pragma_update(None, "user_version", SCHEMA + 1).unwrap();
        drop(db);
        assert!(matches!(Database::open(dir.path()), Err(StoreError::Newer { .. })));
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("journal.db"), "this is not a database, it is a letter".repeat(99))
            .unwrap();
        let db = Database::open(other.path()).unwrap();
        assert!(db.remark.unwrap().contains("set aside"));
        assert!(other.path().join("journal.damaged-1.db").exists());
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_file_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        drop(Database::open(&folder).unwrap());
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("journal.db")), 0o600);
    }

    #[test]
    fn many_consoles_may_open_it_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|all| {
            let opened: Vec<_> =
                (0..12).map(|_| all.spawn(|| Database::open(dir.path()).map(drop))).collect();
            for one in opened {
                one.join().unwrap().unwrap();
            }
        });
    }
}
