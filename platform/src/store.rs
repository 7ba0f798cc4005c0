//! The database of a service: connections, the transaction of a batch, and what its errors mean.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqlErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::{
        self,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

/// The one transaction of a batch.
pub type Tx = DatabaseTransaction;

/// Why a transaction failed, by what is to be done about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has inserted a row this batch did not see: roll back, load again, decide again.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The database is ill or busy: roll back and try again for ever.
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    /// This data cannot be written: find the delivery that is to blame.
    #[error("data refused by the database")]
    Data(#[source] DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(message)) => Self::Conflict(message),
            Some(_) => Self::Data(error),
            None if refused_data(&error) => Self::Data(error),
            None => Self::Unavailable(error),
        }
    }
}

/// Whatever is not known to be the data's fault counts as the database's: better to wait than to set good events aside.
fn refused_data(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return !matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
    };
    match &**error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // PostgreSQL: data exception, integrity constraint. SQLite: CONSTRAINT (19), TOOBIG (18), MISMATCH (20).
            code.starts_with("22")
                || code.starts_with("23")
                || code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20) && code < 10_000)
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// A service's own database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

/// The database can't be opened as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("database {url}: {message}")]
pub struct OpenError {
    /// Without its password.
    pub url: String,
    pub message: String,
}

impl Db {
    /// Opens the database at `url` (`sqlite:<path>`), creating it when there is none.
    pub async fn open(url: &str, readers: u32) -> Result<Self, OpenError> {
        let failed = |error: DbErr| OpenError { url: url.to_owned(), message: reason(&error) };
        let options = |connections: u32, read_only: bool| {
            let mut options = ConnectOptions::new(url);
            options
                .max_connections(connections)
                .min_connections(1)
                .acquire_timeout(Duration::from_secs(10))
                .sqlx_logging(false)
                .test_before_acquire(false)
                .map_sqlx_sqlite_opts(move |sqlite| {
                    sqlite
                        .create_if_missing(!read_only)
                        .read_only(read_only)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(Duration::from_secs(10))
                        .foreign_keys(true)
                        .statement_cache_capacity(500)
                        .row_buffer_size(1024) // a batch's rows in one go, not hand over hand
                        .pragma("cache_size", if read_only { "-1024" } else { "-8192" })
                        .pragma("wal_autocheckpoint", "4000")
                        .pragma("temp_store", "memory")
                });
            options
        };
        let writer = Database::connect(options(1, false)).await.map_err(failed)?;
        let reader = Database::connect(options(readers.max(1), true)).await.map_err(failed)?;
        Ok(Self { writer, reader })
    }

    /// For queries. On an engine with replicas these may be a little behind.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For migrations.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Nobody else can have this database open: leases of an earlier process are void.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// Begins a transaction that will write. On SQLite it takes the write lock at once: a transaction that begins by
    /// reading and then finds another writer ahead fails with BUSY without waiting.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Closes all connections; the last one tidies up.
    pub async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        Ok(self.writer.close().await?)
    }
}

/// What the engine itself says, without the layers around it.
fn reason(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => error.to_string(),
        other => other.to_string(),
    }
}
