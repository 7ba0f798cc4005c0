//! The database of a service.

use sea_orm::{DatabaseConnection, DbBackend, TransactionTrait};

use crate::{
    OpenError, StoreError, Tx,
    engines::{postgres, sqlite},
    open::{self, Access, connect, engine},
    tx::Engine,
};

/// A service's own database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    transactions: Transactions,
}

/// Where transactions are made.
#[derive(Debug, Clone)]
enum Transactions {
    Sqlite(sqlite::Writer),
    Postgres(postgres::Writer),
    /// On SeaORM's connections.
    MySql(DatabaseConnection),
}

impl Db {
    /// Opens the database at `url`: `sqlite:<path>` (created when there is none), `postgres://…`, `mysql://…`, with at most
    /// so many connections to a server (three at least: one for transactions, two for queries).
    pub async fn open(url: &str, connections: u32) -> Result<Self, OpenError> {
        Self::open_with(url, None, connections).await
    }

    /// The same with a replica for queries, which may be a little behind.
    pub async fn open_with(url: &str, read_url: Option<&str>, connections: u32) -> Result<Self, OpenError> {
        let connections = connections.max(3);
        let (writing, reading) = match engine(url) {
            DbBackend::Sqlite => (1, connections - 1),
            DbBackend::Postgres => (connections / 2, connections - connections / 2),
            _ => (0, connections),
        };
        let exclusive = engine(url) == DbBackend::Sqlite;
        let writer = connect(url, if exclusive { 1 } else { reading }, Access::Write).await?;
        let reader = match read_url {
            Some(replica) => connect(replica, reading, Access::Read).await?,
            None if exclusive => connect(url, reading, Access::Read).await?,
            None => writer.clone(),
        };
        let transactions = match engine(url) {
            DbBackend::Sqlite => Transactions::Sqlite(open::sqlite_writer(url)?),
            DbBackend::Postgres => Transactions::Postgres(open::postgres_writer(url, writing as usize).await?),
            _ => Transactions::MySql(writer.clone()),
        };
        Ok(Self { writer, reader, transactions })
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
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Nobody else can have this database open: leases of an earlier process are void.
    pub fn is_exclusive(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// Begins a transaction that will write.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(match &self.transactions {
            Transactions::Sqlite(file) => Engine::Sqlite(file.begin().await?),
            Transactions::Postgres(server) => Engine::Postgres(server.begin().await?),
            Transactions::MySql(server) => Engine::MySql(server.begin().await?),
        }))
    }

    /// Closes all connections; the last one tidies up.
    pub async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        match self.transactions {
            Transactions::Sqlite(file) => file.close().await?,
            Transactions::Postgres(server) => server.close(),
            Transactions::MySql(_) => {}
        }
        Ok(self.writer.close().await?)
    }
}
