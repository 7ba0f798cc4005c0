//! How tables are created on each engine, and how a schema is brought up to date.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, RuntimeErr,
    sqlx::{self, mysql::MySqlDatabaseError},
};
use sea_orm_migration::prelude::*;

use crate::Db;

/// How the rows of a table lie, where an engine leaves the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the order of the key; they change while they live. (SQLite would keep a second tree besides, and PostgreSQL no
    /// room for the next version of a row on its page.)
    Clustered,
    /// In the order of the key; once written they hardly change until they are gone.
    Book,
    /// In any order: rows that are too long for the tree of the keys.
    Heap,
}

/// Creates a table as its engine needs it. On MySQL also one that is half of an interrupted migration, where a repeated
/// one must go on.
pub async fn create(manager: &SchemaManager<'_>, layout: Layout, mut table: TableCreateStatement) -> Result<(), DbErr> {
    let (engine, connection) = (manager.get_database_backend(), manager.get_connection());
    match engine {
        DbBackend::Sqlite if layout != Layout::Heap => {
            table.extra("WITHOUT ROWID");
        }
        DbBackend::Postgres => {
            if layout == Layout::Clustered {
                // A row is updated a few times: where the next version is on another page, every index is written.
                table.extra("WITH (fillfactor = 50)");
            }
            let long_values = uncompressed(&table);
            manager.create_table(table).await?;
            if let Some(sql) = long_values {
                connection.execute_unprepared(&sql).await?;
            }
            return Ok(());
        }
        DbBackend::MySql => {
            // Texts are equal when their bytes are, as everywhere else.
            table.if_not_exists().character_set("utf8mb4").collate("utf8mb4_bin");
            // What is written for `timestamp` counts seconds until 2038, and `text` and `blob` end at 64 KiB.
            let mut sql = engine.build(&table).sql;
            for (short, long) in [("timestamp", "datetime(6)"), ("text", "longtext"), ("blob", "longblob")] {
                sql = sql.replace(&format!("` {short}"), &format!("` {long}"));
            }
            return connection.execute_unprepared(&sql).await.map(drop);
        }
        _ => {}
    }
    manager.create_table(table).await
}

/// Long values stay as they are: events are packed already, and what else is long is rewritten all the time.
fn uncompressed(table: &TableCreateStatement) -> Option<String> {
    let Some(TableRef::Table(name, _)) = table.get_table_name() else { return None };
    let long = |column: &&ColumnDef| matches!(column.get_column_type(), Some(ColumnType::Text | ColumnType::Blob));
    let set = |column: &ColumnDef| format!(r#"ALTER COLUMN "{}" SET STORAGE EXTERNAL"#, column.get_column_name());
    let columns: Vec<_> = table.get_columns().iter().filter(long).map(set).collect();
    (!columns.is_empty()).then(|| format!(r#"ALTER TABLE "{}" {}"#, name.1, columns.join(", ")))
}

/// Fills the pages of a table with new rows only up to `percent`, so that the next versions of its rows find a place on the
/// same page. For rows that are updated several times; where the next version is on another page, every index is written. Only
/// PostgreSQL writes new versions: the other engines update rows in place.
pub async fn set_fillfactor(manager: &SchemaManager<'_>, table: impl IntoIden, percent: u8) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = format!(r#"ALTER TABLE "{}" SET (fillfactor = {percent})"#, table.into_iden());
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// Adds a column to a table. On MySQL it may be there, as after an interrupted migration.
pub async fn add_column(
    manager: &SchemaManager<'_>,
    table: impl IntoTableRef + Iden + Copy,
    column: &ColumnDef,
) -> Result<(), DbErr> {
    let column = column.clone();
    if manager.has_column(table.to_string(), column.get_column_name()).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}

/// Creates an index of a table. On MySQL it may be there, like the table.
pub async fn index(manager: &SchemaManager<'_>, index: IndexCreateStatement) -> Result<(), DbErr> {
    const DUPLICATE_NAME: u16 = 1061;
    match manager.create_index(index).await {
        Err(DbErr::Exec(RuntimeErr::SqlxError(error)))
            if error
                .as_database_error()
                .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
                .is_some_and(|error| error.number() == DUPLICATE_NAME) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Why the schema is not what this program needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// This program would not understand what the newer one writes.
    #[error("the database is newer than this program, which does not know {}", .0.join(", "))]
    Newer(Vec<String>),
    #[error("the database lacks {}: run `uzon migrate`", .0.join(", "))]
    Older(Vec<String>),
    #[error("the schema cannot be brought up to date")]
    Db(#[from] DbErr),
}

/// Brings the schema up to date: runs those of `M` that this database has not seen. Several processes may do this at the
/// same time.
pub async fn migrate<M: MigratorTrait>(db: &Db) -> Result<(), SchemaError> {
    if missing::<M>(db).await?.is_empty() {
        return Ok(());
    }
    let lock = SchemaLock::acquire(db).await?;
    if !missing::<M>(db).await?.is_empty() {
        M::up(db.writer(), None).await?;
    }
    Ok(lock.release().await?)
}

/// Whether the schema is what this program needs, without changing it.
pub async fn check<M: MigratorTrait>(db: &Db) -> Result<(), SchemaError> {
    let missing = missing::<M>(db).await?;
    if missing.is_empty() { Ok(()) } else { Err(SchemaError::Older(missing)) }
}

/// The names of those of `M` that this database has not seen.
async fn missing<M: MigratorTrait>(db: &Db) -> Result<Vec<String>, SchemaError> {
    let manager = SchemaManager::new(db.writer());
    let mut seen = vec![];
    if manager.has_table(M::migration_table_name().to_string()).await? {
        seen = M::get_migration_models(db.writer()).await?.into_iter().map(|it| it.version).collect();
    }
    let known: Vec<String> = M::migrations().iter().map(|it| it.name().to_owned()).collect();
    let unknown: Vec<String> = seen.iter().filter(|it| !known.contains(it)).cloned().collect();
    if !unknown.is_empty() {
        return Err(SchemaError::Newer(unknown));
    }
    Ok(known.into_iter().filter(|it| !seen.contains(it)).collect())
}

/// The right to change the schema, for one process at a time. A connection of its own holds the lock and releases it when it ends.
enum SchemaLock {
    /// By its file: one process has the database.
    Sqlite,
    Postgres(sqlx::pool::PoolConnection<sqlx::Postgres>),
    MySql(sqlx::pool::PoolConnection<sqlx::MySql>),
}

impl SchemaLock {
    async fn acquire(db: &Db) -> Result<Self, DbErr> {
        let failed = |error: sqlx::Error| DbErr::Migration(format!("another process is changing the schema: {error}"));
        match db.writer().get_database_backend() {
            DbBackend::Postgres => {
                let mut connection = db.writer().get_postgres_connection_pool().acquire().await.map_err(failed)?;
                connection.close_on_drop();
                let lock = "SET lock_timeout = '60s'; SELECT pg_advisory_lock(6023000000000)";
                sqlx::raw_sql(lock).execute(&mut *connection).await.map_err(failed)?;
                Ok(Self::Postgres(connection))
            }
            DbBackend::MySql => {
                let mut connection = db.writer().get_mysql_connection_pool().acquire().await.map_err(failed)?;
                connection.close_on_drop();
                let lock = "DO GET_LOCK(CONCAT('uzon ', MD5(DATABASE())), 60)";
                sqlx::raw_sql(lock).execute(&mut *connection).await.map_err(failed)?;
                Ok(Self::MySql(connection))
            }
            _ => Ok(Self::Sqlite),
        }
    }

    async fn release(self) -> Result<(), DbErr> {
        let ended = match self {
            Self::Sqlite => Ok(()),
            Self::Postgres(connection) => connection.close().await,
            Self::MySql(connection) => connection.close().await,
        };
        ended.map_err(|error| DbErr::Migration(error.to_string()))
    }
}
