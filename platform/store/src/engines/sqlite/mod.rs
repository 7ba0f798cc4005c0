//! Writing to SQLite: one connection, used on the thread that decides. A statement is a function call, not a message to another
//! thread, so a batch's rows go one by one through the same prepared statement. Only the commit, which waits for the disk,
//! is made where waiting disturbs nobody.

pub(crate) mod bulk;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{
    CachedStatement, Connection as Raw, OpenFlags,
    ffi::{SQLITE_CONSTRAINT, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_MISMATCH, SQLITE_TOOBIG},
    types::{ToSqlOutput, ValueRef},
};
use sea_orm::{
    DbErr,
    sea_query::{ColumnType, Value},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    StoreError, Table,
    model::{Columns, unknown},
};

/// Prepared statements kept: a few dozen tables, each read, written and deleted from.
const STATEMENTS: usize = 256;
/// How long a transaction waits for the one before.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection that writes. Cheap to clone; all clones are the same connection.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// `None`: closed.
    connection: Arc<Mutex<Option<Connection>>>,
    /// Whose turn it is: transactions come one after another.
    turn: Arc<Semaphore>,
}

impl Writer {
    /// Opens a database that exists, and is in WAL mode.
    pub fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Raw::open_with_flags(path, flags)?;
        connection.busy_timeout(WAIT_TIMEOUT)?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = memory",
        )?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let connection = Arc::new(Mutex::new(Some(Connection(connection))));
        Ok(Self { connection, turn: Arc::new(Semaphore::new(1)) })
    }

    /// Takes the write lock at once: a transaction that begins by reading and then finds another writer ahead fails with
    /// BUSY without waiting.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let turn = tokio::time::timeout(WAIT_TIMEOUT, self.turn.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| unavailable("another transaction takes too long"))?.map_err(|_| closed())?;
        let tx = Transaction { connection: self.connection.clone(), open: true, _turn: turn };
        tx.with(|connection| connection.execute("BEGIN IMMEDIATE", &[]))?;
        Ok(tx)
    }

    /// Closes the connection, after the transaction that is open.
    pub async fn close(self) -> Result<(), StoreError> {
        let turn = self.turn.acquire().await;
        self.turn.close();
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
        match connection {
            Some(Connection(connection)) => connection.close().map_err(|(_, error)| error.into()),
            None => Ok(()),
        }
    }
}

/// A transaction that may write.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: Arc<Mutex<Option<Connection>>>,
    /// Neither committed nor rolled back.
    open: bool,
    _turn: OwnedSemaphorePermit,
}

impl Transaction {
    /// Does this in it.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(connection.as_ref().ok_or_else(closed)?)
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        tokio::task::spawn_blocking(|| self.commit_here()).await.map_err(|_| closed())?
    }

    fn commit_here(mut self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute("COMMIT", &[]))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            // One that could not begin has nothing to roll back.
            let _ = self.with(|connection| connection.execute("ROLLBACK", &[]));
        }
    }
}

/// What statements are made with.
#[derive(Debug)]
pub(crate) struct Connection(Raw);

impl Connection {
    /// Runs a statement, and returns how many rows it has changed.
    pub fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()? as u64)
    }

    /// Runs a statement once for each row of values, and returns how many rows that has changed.
    pub fn execute_for_each(&self, sql: &str, rows: impl Iterator<Item = Vec<Value>>) -> Result<u64, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut changed = 0;
        for values in rows {
            bind(&mut statement, &values)?;
            changed += statement.raw_execute()? as u64;
        }
        Ok(changed)
    }

    /// The rows of a query that selects all columns of `E`, in their order, made once for each row of values.
    pub fn select_for_each<E: Table>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<Vec<E::Model>, StoreError> {
        let (columns, mut found) = (Columns::<E>::all(), vec![]);
        let mut statement = self.0.prepare_cached(sql)?;
        for values in rows {
            bind(&mut statement, &values)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                found.push(columns.model(|place, kind| read(kind, row.get_ref(place).map_err(|it| it.to_string())?))?);
            }
        }
        Ok(found)
    }

    /// The number that the last row without one was given.
    pub fn last_number(&self) -> i64 {
        self.0.last_insert_rowid()
    }
}

/// A value as a column of this type holds it, as SQLx reads and writes them: ids as 16 bytes, times as RFC 3339.
fn read(kind: &ColumnType, stored: ValueRef<'_>) -> Result<Value, String> {
    let text = || stored.as_str_or_null().map_err(|error| error.to_string());
    let number = || stored.as_i64_or_null().map_err(|error| error.to_string());
    let bytes = || stored.as_blob_or_null().map_err(|error| error.to_string());
    let small = |error: std::num::TryFromIntError| error.to_string();
    Ok(match kind {
        ColumnType::Uuid => {
            let id = bytes()?.map(sea_orm::prelude::Uuid::from_slice).transpose();
            Value::Uuid(id.map_err(|error| error.to_string())?)
        }
        ColumnType::String(_) | ColumnType::Text | ColumnType::Char(_) => Value::String(text()?.map(str::to_owned)),
        ColumnType::BigInteger => Value::BigInt(number()?),
        ColumnType::Integer => Value::Int(number()?.map(i32::try_from).transpose().map_err(small)?),
        ColumnType::SmallInteger => Value::SmallInt(number()?.map(i16::try_from).transpose().map_err(small)?),
        ColumnType::Boolean => Value::Bool(number()?.map(|number| number != 0)),
        ColumnType::TimestampWithTimeZone => {
            let time = text()?.map(DateTime::parse_from_rfc3339).transpose().map_err(|error| error.to_string())?;
            Value::ChronoDateTimeUtc(time.map(|time| time.with_timezone(&Utc)))
        }
        ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => {
            Value::Bytes(bytes()?.map(<[u8]>::to_vec))
        }
        other => return Err(unknown(other)),
    })
}

/// Binds these values, in their order.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> Result<(), StoreError> {
    for (index, value) in values.iter().enumerate() {
        let time;
        let value = match value {
            Value::Bool(value) => value.map_or(ValueRef::Null, |value| ValueRef::Integer(value.into())),
            Value::SmallInt(value) => value.map_or(ValueRef::Null, |value| ValueRef::Integer(value.into())),
            Value::Int(value) => value.map_or(ValueRef::Null, |value| ValueRef::Integer(value.into())),
            Value::BigInt(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Value::BigUnsigned(value) => match value.map(i64::try_from).transpose() {
                Ok(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
                Err(error) => return Err(StoreError::Data(DbErr::Type(error.to_string()))),
            },
            Value::String(value) => value.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Value::Bytes(value) => value.as_ref().map_or(ValueRef::Null, |bytes| ValueRef::Blob(bytes)),
            Value::Uuid(value) => value.as_ref().map_or(ValueRef::Null, |id| ValueRef::Blob(id.as_bytes())),
            Value::ChronoDateTimeUtc(value) => {
                time = value.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, false));
                time.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
            }
            other => return Err(StoreError::Data(DbErr::Type(format!("{other:?} is not written here")))),
        };
        statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(value))?;
    }
    Ok(())
}

fn closed() -> StoreError {
    unavailable("the database is closed")
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(DbErr::Custom(why.to_owned()))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        let error_text = || DbErr::Custom(error.to_string());
        match code {
            Some(SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => Self::Conflict(error.to_string()),
            Some(code) if [SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH].contains(&(code & 0xff)) => {
                Self::Data(error_text())
            }
            Some(_) => Self::Unavailable(error_text()),
            // A statement that this schema does not know is no delivery's fault.
            None if matches!(error, rusqlite::Error::SqlInputError { .. }) => Self::Unavailable(error_text()),
            // A value that is not what its column should have.
            None => Self::Data(error_text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is committed is on the disk: no test that kills a process would notice if it were not.
    #[tokio::test]
    async fn commits_wait_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        let db = crate::Db::open(&url, 3).await.unwrap();
        let tx = db.begin().await.unwrap();
        let crate::tx::Engine::Sqlite(tx) = &tx.engine else { panic!("it is a file") };
        let said =
            |pragma| tx.with(|Connection(it)| Ok(it.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))?));
        assert_eq!((said("synchronous").unwrap(), said("foreign_keys").unwrap()), (2, 1));
        let mode =
            tx.with(|Connection(it)| Ok(it.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?));
        assert_eq!(mode.unwrap(), "wal");
    }
}
