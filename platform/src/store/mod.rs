//! The database of a service: connections, the transaction of a batch, and what its errors mean. What differs between
//! SQLite, PostgreSQL and MySQL/MariaDB is here, in `bulk` and in `migrations`, and nowhere else.

mod error;
mod open;
pub(crate) mod sqlite;
mod tx;

use sea_orm::{DatabaseConnection, DbBackend, TransactionTrait};

pub use error::StoreError;
pub use open::OpenError;
use open::{Access, connect, engine, open_writer};
pub(crate) use tx::Engine;
pub use tx::Tx;

/// A service's own database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    /// Where transactions are made instead, in a file.
    file: Option<sqlite::Writer>,
}

impl Db {
    /// Opens the database at `url`: `sqlite:<path>` (created when there is none), `postgres://…`, `mysql://…`. `readers`:
    /// connections for queries; one more is for writing, or, on a server, for either.
    pub async fn open(url: &str, readers: u32) -> Result<Self, OpenError> {
        Self::open_with(url, None, readers).await
    }

    /// The same with a replica for queries, which may be a little behind.
    pub async fn open_with(url: &str, read_url: Option<&str>, readers: u32) -> Result<Self, OpenError> {
        let readers = readers.max(1);
        let exclusive = engine(url) == DbBackend::Sqlite;
        let writer = connect(url, if exclusive { 1 } else { readers + 1 }, Access::Write).await?;
        let reader = match read_url {
            Some(replica) => connect(replica, readers, Access::Read).await?,
            None if exclusive => connect(url, readers, Access::Read).await?,
            None => writer.clone(),
        };
        let file = if exclusive { Some(open_writer(url)?) } else { None };
        Ok(Self { writer, reader, file })
    }

    /// Creates the database that `url` names where it is not there yet; its user must be allowed to. `true`: it was not.
    pub async fn create(url: &str) -> Result<bool, OpenError> {
        open::create(url).await
    }

    /// For queries. On an engine with replicas these may be a little behind.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For migrations, and for queries that must not be behind.
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Nobody else can have this database open: leases of an earlier process are void.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// Begins a transaction that will write.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx(match &self.file {
            Some(file) => Engine::Sqlite(file.begin().await?),
            None => Engine::Server(self.writer.begin().await?),
        }))
    }

    /// Closes all connections; the last one tidies up.
    pub async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        if let Some(file) = self.file {
            file.close().await?;
        }
        Ok(self.writer.close().await?)
    }
}
