//! A database of a test's own, on the engine that the test target names (`crate::ENGINE`), and what a test does to it from
//! outside. A server's address comes from the environment; without it these tests fail.

#![allow(dead_code, reason = "each target needs another part of it")]

use std::{future::Future, sync::LazyLock, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Sea, DatabaseConnection, DbBackend, EntityTrait, QueryResult,
    Statement, TryGetableMany,
};
use store::Db;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::ENGINE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
}

pub struct Database {
    url: String,
    /// Of SQLite.
    _folder: Option<TempDir>,
    /// Of a server, and the database's name there.
    server: Option<(DatabaseConnection, String)>,
    outside: DatabaseConnection,
}

/// Everything from outside happens there, whatever the test's own runtime is busy with.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| RUNTIME.block_on(future)).join().unwrap())
}

/// The URL of a user that may create databases; as `compose/with` sets it.
pub fn admin_url() -> String {
    let name = if ENGINE == Engine::Postgres { "UZON_TEST_POSTGRES" } else { "UZON_TEST_MARIADB" };
    #[expect(clippy::disallowed_methods, reason = "where the server is")]
    let url = std::env::var(name);
    url.unwrap_or_else(|_| panic!("{name} is not set: run this with compose/with postgres mariadb -- …"))
}

/// Another database, another user or another port of a server's URL: `scheme://user:password@host:port/database`.
pub fn with_database(url: &str, database: &str) -> String {
    format!("{}/{database}", url.rsplit_once('/').unwrap().0)
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .min_connections(0)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(Duration::from_secs(10)).create_if_missing(true));
    Sea::connect(options).await.unwrap()
}

impl Database {
    pub fn new() -> Self {
        wait(async {
            if ENGINE == Engine::Sqlite {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
                let outside = connect(&url).await;
                return Self { url, _folder: Some(folder), server: None, outside };
            }
            let admin = admin_url();
            let name = format!("test_{:032x}", rand::random::<u128>());
            let url = with_database(&admin, &name);
            assert!(Db::create(&url).await.unwrap(), "it is new");
            let server = Some((connect(&admin).await, name));
            Self { outside: connect(&url).await, url, _folder: None, server }
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn open(&self) -> Db {
        Db::open(&self.url, 5).await.unwrap()
    }

    /// Does this, without waiting on the test's own thread: whoever has a lock must be able to go on.
    pub async fn run(&self, sql: &str) {
        let (outside, sql) = (self.outside.clone(), sql.to_owned());
        RUNTIME.spawn(async move { outside.execute_unprepared(&sql).await.unwrap() }).await.unwrap();
    }

    /// The rows of this query.
    pub fn ask<T: TryGetableMany + Send>(&self, sql: &str) -> Vec<T> {
        let statement = Statement::from_string(self.outside.get_database_backend(), sql);
        let rows: Vec<QueryResult> = wait(self.outside.query_all_raw(statement)).unwrap();
        rows.iter().map(|row| T::try_get_many_by_index(row).unwrap()).collect()
    }

    /// A number: engines differ in the sizes of what they count.
    pub fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.outside.get_database_backend(), sql);
        let row = wait(self.outside.query_one_raw(statement)).unwrap().unwrap();
        row.try_get_by_index(0).unwrap_or_else(|_| row.try_get_by_index::<i32>(0).unwrap().into())
    }

    /// All rows of a table.
    pub fn all<E: EntityTrait>(&self) -> Vec<E::Model>
    where
        E::Model: Send,
    {
        wait(E::find().all(&self.outside)).unwrap()
    }

    /// From now on writing such a row (`NEW`) breaks a constraint. `when`: `INSERT` or `UPDATE`.
    pub async fn refuse(&self, name: &str, when: &str, table: &str, row: &str) {
        let sql = match ENGINE {
            Engine::Sqlite => format!(
                "CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {row} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            ),
            Engine::Postgres => format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '23514'; END $$;
                 CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION {name}()"
            ),
            Engine::MariaDb => format!(
                "CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW
                 IF {row} THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = 'refused'; END IF"
            ),
        };
        self.run(&sql).await;
    }

    pub async fn allow(&self, name: &str) {
        let sql = match ENGINE {
            Engine::Postgres => format!("DROP FUNCTION IF EXISTS {name} CASCADE"),
            _ => format!("DROP TRIGGER IF EXISTS {name}"),
        };
        self.run(&sql).await;
    }
}

/// An id in SQL.
pub fn literal(id: Uuid) -> String {
    match ENGINE {
        Engine::Postgres => format!("'{id}'"),
        _ => format!("x'{}'", id.simple()),
    }
}

/// As SQL: there is this text in the column's bytes.
pub fn contains(column: &str, text: &str) -> String {
    match ENGINE {
        Engine::Sqlite => format!("instr({column}, CAST('{text}' AS BLOB)) > 0"),
        Engine::Postgres => format!("position('{text}'::bytea IN {column}) > 0"),
        Engine::MariaDb => format!("locate('{text}', {column}) > 0"),
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.server.take() else { return };
        // Not waited for: connections of this test end with its runtime, which is still to come. What is not dropped goes
        // with the server.
        RUNTIME.spawn(async move {
            if server.get_database_backend() == DbBackend::Postgres {
                drop(server.execute_unprepared(&format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await);
                return;
            }
            let connected = format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'");
            let connected = server.query_all_raw(Statement::from_string(DbBackend::MySql, connected)).await;
            for row in connected.unwrap_or_default() {
                if let Ok(id) = row.try_get_by_index::<i64>(0) {
                    drop(server.execute_unprepared(&format!("KILL {id}")).await);
                }
            }
            drop(server.execute_unprepared(&format!("DROP DATABASE `{name}`")).await);
        });
    }
}
