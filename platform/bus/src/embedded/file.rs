//! The log's file: its lock, its tables and its read connections.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Mutex,
};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{batch::Batch, topics::Topics};
use crate::{BusError, TopicSpec};

/// SQLite's `application_id` of a log file ("Uzlg").
const APPLICATION: i32 = 0x557a_6c67;
/// Version of the tables. A change of the tables increments it.
const SCHEMA: i32 = 1;
/// Approximate size of one read.
const CHUNK_BYTES: usize = 2 << 20;
const CHUNK_KEPT: i64 = 1000;

/// `batches`: a record's sequence number is `first` plus its index in the blob. The newest row is never
/// pruned, so that no number is assigned twice. `kept`: the last pruned record of each key of the compacted topics.
const TABLES: &str = "
    CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL, records BLOB NOT NULL);
    CREATE TABLE kept (sequence INTEGER PRIMARY KEY, topic TEXT NOT NULL, key BLOB NOT NULL, record BLOB NOT NULL,
        UNIQUE (topic, key));
    CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        compacted INTEGER NOT NULL);
    CREATE TABLE positions (\"group\" TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (\"group\", topic, partition)) WITHOUT ROWID;";

/// An exclusive lock on the log, held until this value is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Locks the log with a side file. SQLite's own locks last only for a transaction: without this lock two
/// processes could open the log and assign the same sequence numbers.
pub fn lock(path: &Path) -> Result<Lock, BusError> {
    let mut side = path.as_os_str().to_owned();
    side.push(".lock");
    let file = private().truncate(false).open(&side).map_err(|error| setup(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(setup(
            path,
            &"another process has it open, and the embedded log is for one process: use Kafka for more",
        )),
        Err(TryLockError::Error(error)) => Err(setup(path, &error)),
    }
}

/// Opens the writer's connection. Creates the file and the tables if they are missing.
pub fn open(path: &Path, fsync: bool) -> Result<Connection, BusError> {
    let fail = |error: rusqlite::Error| setup(path, &error);
    // Records hold personal data: only the owner may read the file. SQLite gives its side files the same permissions.
    private().truncate(false).open(path).map_err(|error| setup(path, &error))?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fail)?;
    if connection.is_readonly("main").map_err(fail)? {
        return Err(setup(path, &"it is read-only"));
    }
    // Rows are large: with pages of 4 KiB, appends take up to twice as long. This setting affects new files only.
    connection.pragma_update(None, "page_size", 16 << 10).map_err(fail)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", if fsync { "FULL" } else { "OFF" }).map_err(fail)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000 /* pages: 64 MiB */).map_err(fail)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(fail)?;
    create_tables(&mut connection, path)?;
    Ok(connection)
}

fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), BusError> {
    let fail = |error: rusqlite::Error| setup(path, &error);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let number = |pragma: &str| tx.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, schema) = (number("application_id").map_err(fail)?, number("user_version").map_err(fail)?);
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(fail)?;
    match (application, schema, tables) {
        (APPLICATION, SCHEMA, _) => {}
        (0, 0, 0) => {
            tx.execute_batch(TABLES).map_err(fail)?;
            tx.pragma_update(None, "application_id", APPLICATION).map_err(fail)?;
            tx.pragma_update(None, "user_version", SCHEMA).map_err(fail)?;
        }
        (APPLICATION, newer, _) => {
            return Err(setup(path, &format!("it has format {newer}, this version knows {SCHEMA}")));
        }
        _ => return Err(setup(path, &"it is a database of something else")),
    }
    tx.commit().map_err(fail)
}

fn connect(path: &Path, how: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -512)?; // KiB; repeated reads are served by the ring
    Ok(connection)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn setup(path: &Path, why: &dyn std::fmt::Display) -> BusError {
    BusError::Setup(format!("the event log {} can't be opened: {why}", path.display()))
}

/// The stored state, read when the log opens.
pub struct Contents {
    pub topics: Vec<TopicSpec>,
    /// Group, topic, partition, next.
    pub positions: Vec<(String, String, i32, i64)>,
    /// The next sequence number.
    pub head: i64,
}

pub fn contents(connection: &Connection, path: &Path) -> Result<Contents, BusError> {
    let read = || -> rusqlite::Result<Contents> {
        let topics = connection
            .prepare("SELECT name, partitions, compacted FROM topics ORDER BY id")?
            .query_map((), |row| {
                let name: String = row.get(0)?;
                Ok(TopicSpec { name: name.into(), partitions: row.get(1)?, compacted: row.get(2)?, retention: None })
            })?
            .collect::<Result<_, _>>()?;
        let positions = connection
            .prepare("SELECT \"group\", topic, partition, next FROM positions")?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?;
        let head = "SELECT coalesce((SELECT first + count FROM batches ORDER BY first DESC LIMIT 1), 0)";
        Ok(Contents { topics, positions, head: connection.query_row(head, (), |row| row.get(0))? })
    };
    read().map_err(|error| setup(path, &error))
}

/// A pool of read connections. Calls block: do not use them in the runtime's threads.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    const IDLE: usize = 2;

    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default() }
    }

    /// Reads batches from this sequence number on. Returns at least one; if nothing is found, an empty batch that
    /// ends at `upto`.
    pub fn read(&self, from: i64, upto: i64, topics: &Topics) -> Result<Vec<Batch>, BusError> {
        let unavailable = |error: rusqlite::Error| BusError::Unavailable(format!("the log can't be read: {error}"));
        let idle = self.idle.lock().expect("nobody panics here").pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unavailable)?,
        };
        // Both queries use one snapshot. Otherwise pruning could move a record from `batches` to `kept` after
        // `kept` was read, and the record would be missed.
        let tx = connection.transaction().map_err(unavailable)?;
        let mut rows = kept(&tx, from).map_err(unavailable)?;
        if rows.is_empty() {
            rows = batches(&tx, from).map_err(unavailable)?;
        }
        tx.commit().map_err(unavailable)?;
        self.give_back(connection);

        let mut batches = Vec::with_capacity(rows.len() + 1);
        for (first, end, blob) in rows {
            batches.push(Batch { end, ..Batch::decode(blob, first, topics)? });
        }
        if batches.is_empty() {
            batches.push(Batch { records: Vec::new(), end: upto });
        }
        Ok(batches)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().expect("nobody panics here");
        if idle.len() < Self::IDLE {
            idle.push(connection);
        }
    }

    /// Closes the idle connections, so that the writer's connection is the last one: SQLite then
    /// checkpoints the journal and removes it.
    pub fn close(&self) {
        self.idle.lock().expect("nobody panics here").clear();
    }
}

/// `first`, end, records.
type Row = (i64, i64, Bytes);

fn kept(tx: &Transaction, from: i64) -> rusqlite::Result<Vec<Row>> {
    let mut statement =
        tx.prepare_cached("SELECT sequence, record FROM kept WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2")?;
    let rows = statement.query_map((from, CHUNK_KEPT), |row| {
        let sequence: i64 = row.get(0)?;
        Ok((sequence, sequence + 1, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
    })?;
    rows.collect()
}

fn batches(tx: &Transaction, from: i64) -> rusqlite::Result<Vec<Row>> {
    let mut statement = tx.prepare_cached(
        "SELECT first, first + count, records FROM batches
         WHERE first >= coalesce((SELECT max(first) FROM batches WHERE first <= ?1), ?1) ORDER BY first",
    )?;
    let mut rows = statement.query([from])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (first, end) = (row.get(0)?, row.get(1)?);
        if end > from {
            let blob = Bytes::from(row.get::<_, Vec<u8>>(2)?);
            bytes += blob.len();
            found.push((first, end, blob));
        }
        if bytes >= CHUNK_BYTES {
            break;
        }
    }
    Ok(found)
}
