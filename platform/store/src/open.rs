//! Connections: how each engine is opened, and why it cannot be.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr,
    sqlx::{
        self, AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection,
        mysql::{MySqlConnectOptions, MySqlDatabaseError},
        postgres::{PgConnectOptions, PgDatabaseError},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::engines::{postgres, sqlite};

/// Prepared statements a connection keeps: a few dozen tables, in up to ten sizes, read and written.
const STATEMENTS: usize = 500;
/// The longest wait for the first connection, and later for a free one: an error is better than a longer wait.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The database can't be opened as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("database {url}: {message}")]
pub struct OpenError {
    /// Without its password.
    pub url: String,
    pub message: String,
    /// The server answers, and has no such database.
    pub is_missing: bool,
}

/// The engine that an address names.
pub(crate) fn engine(url: &str) -> DbBackend {
    match url.split(':').next() {
        Some("postgres" | "postgresql") => DbBackend::Postgres,
        Some("mysql" | "mariadb") => DbBackend::MySql,
        _ => DbBackend::Sqlite,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// A pool with at most this number of connections, the first of which is open.
pub(crate) async fn connect(url: &str, connections: u32, access: Access) -> Result<DatabaseConnection, OpenError> {
    probe(url).await?;
    let url = url.replacen("mariadb://", "mysql://", 1);
    let mut options = ConnectOptions::new(&url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .sqlx_logging(false)
        // What is broken shows at its first use, as it would a moment after the test.
        .test_before_acquire(false);
    match engine(&url) {
        DbBackend::Postgres => {
            options.map_sqlx_postgres_opts(|postgres| {
                postgres.statement_cache_capacity(STATEMENTS).application_name("uzon").options(SESSION)
            });
        }
        DbBackend::MySql => {
            options.map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(STATEMENTS)).map_sqlx_mysql_pool_opts(
                |pool| pool.after_connect(|connection, _| Box::pin(async { mysql_session(connection).await })),
            );
        }
        _ => file(&mut options, access),
    }
    Database::connect(options).await.map_err(|error| failed(&url, reason(&error)))
}

fn file(options: &mut ConnectOptions, access: Access) {
    let read_only = access == Access::Read;
    // One writes, and others may have to wait for it.
    options.acquire_timeout(Duration::from_secs(10)).map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(!read_only)
            .read_only(read_only)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(1024) // a batch's rows in one go, not hand over hand
            .pragma("cache_size", if read_only { "-1024" } else { "-8192" })
            .pragma("wal_autocheckpoint", "4000")
            .pragma("temp_store", "memory")
    });
}

/// Opens the connection that transactions on a file are made with, after `connect`.
pub(crate) fn sqlite_writer(url: &str) -> Result<sqlite::Writer, OpenError> {
    let options: SqliteConnectOptions = url.parse().map_err(|error: sqlx::Error| failed(url, says(&error)))?;
    sqlite::Writer::open(options.get_filename()).map_err(|error| failed(url, error.to_string()))
}

/// The connections that transactions on PostgreSQL are made with, after `connect`.
pub(crate) async fn postgres_writer(url: &str, connections: usize) -> Result<postgres::Writer, OpenError> {
    // Few statements, each with one way to go: planning them anew for each batch was a good part of a small one's cost.
    let session: Vec<_> = SESSION.into_iter().chain([("plan_cache_mode", "force_generic_plan")]).collect();
    postgres::Writer::open(url, connections, &session).await.map_err(|why| failed(url, why))
}

/// Of every session on PostgreSQL.
const SESSION: [(&str, &str); 5] = [
    // What a statement sees is what was committed before it began: the relay counts on that.
    ("default_transaction_isolation", "read committed"),
    ("jit", "off"), // compiling costs more than these statements take
    // A plan made while a table was empty reads all of it, and is kept when it has grown: half of the server's time.
    // Every statement has an index to go by; where one has none, the whole table is still read.
    ("enable_seqscan", "off"),
    ("lock_timeout", "10s"),
    // A process that was stopped in the middle must not keep its locks.
    ("idle_in_transaction_session_timeout", "20s"),
];

async fn mysql_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    // READ COMMITTED: no gaps are locked. The rest as on PostgreSQL; what MySQL does not know stands in a comment for it.
    connection
        .execute(
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 10; \
             SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'); \
             /*M! SET SESSION idle_transaction_timeout = 20 */",
        )
        .await
        .map(drop)
}

/// One connection, only to see what is wrong: a pool would try until its time-out, and not report the reason.
async fn probe(url: &str) -> Result<(), OpenError> {
    let opened = async {
        match engine(url) {
            DbBackend::Postgres => PgConnection::connect(url).await?.close().await,
            DbBackend::MySql => MySqlConnection::connect(url).await?.close().await,
            _ => Ok(()),
        }
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, opened).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let (message, is_missing) = refusal(&error);
            Err(OpenError { is_missing, ..failed(url, message) })
        }
        Err(_) => Err(failed(url, format!("there is no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
    }
}

/// The error of a first connection in words, and whether only the database is missing.
fn refusal(error: &sqlx::Error) -> (String, bool) {
    const WHO: &str = "user or password are refused";
    const MISSING: &str = "there is no such database";
    const MAY_NOT: &str = "the user may not use this database";
    let known = match error {
        sqlx::Error::Io(error) => return (format!("there is no server: {error}"), false),
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                match error.code() {
                    "28P01" | "28000" => Some(WHO),
                    "3D000" => Some(MISSING),
                    "42501" => Some(MAY_NOT),
                    _ => None,
                }
            } else if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                match error.number() {
                    1045 | 1698 => Some(WHO),
                    1049 => Some(MISSING),
                    1044 => Some(MAY_NOT),
                    _ => None,
                }
            } else {
                None
            }
        }
        _ => None,
    };
    match known {
        Some(known) => (format!("{known} ({})", says(error)), known == MISSING),
        None => (says(error), false),
    }
}

/// Creates the database that `url` names, if it is not there; its user must be allowed to. `true`: it was not there.
pub(crate) async fn create(url: &str) -> Result<bool, OpenError> {
    let engine = engine(url);
    if engine == DbBackend::Sqlite {
        return Ok(false); // opening creates it
    }
    match probe(url).await {
        Err(error) if error.is_missing => {}
        other => return other.map(|()| false),
    }
    let created = async {
        if engine == DbBackend::Postgres {
            let options: PgConnectOptions = url.parse()?;
            let name = options.get_database().unwrap_or_default().replace('"', "\"\"");
            let mut server = PgConnection::connect_with(&options.database("postgres")).await?;
            let create = format!("CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0");
            server.execute(AssertSqlSafe(create)).await?;
            return server.close().await;
        }
        let options: MySqlConnectOptions = url.replacen("mariadb://", "mysql://", 1).parse()?;
        let name = options.get_database().unwrap_or_default().replace('`', "``");
        let mut server = MySqlConnection::connect_with(&options.database("")).await?;
        let create = format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        server.execute(AssertSqlSafe(create)).await?;
        server.close().await
    };
    created.await.map(|()| true).map_err(|error| failed(url, format!("it cannot be created: {}", says(&error))))
}

fn failed(url: &str, message: String) -> OpenError {
    OpenError { url: without_password(url), message, is_missing: false }
}

/// Up to the last `@`: rather too much than a part of a password with unescaped signs in it.
fn without_password(url: &str) -> String {
    let hidden = url.split_once("://").and_then(|(scheme, rest)| {
        let (who, place) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://{}:***@{place}", who.split_once(':')?.0))
    });
    hidden.unwrap_or_else(|| url.to_owned())
}

/// The message of the engine itself, without the layers around it.
fn reason(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => says(error),
        other => other.to_string(),
    }
}

fn says(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
