//! The database layer on SQLite. (`postgres.rs`, `mariadb.rs`: on those.)

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod database;
#[path = "rows/sqlite.rs"]
mod sqlite;
#[path = "rows/suite.rs"]
mod suite;

const ENGINE: database::Engine = database::Engine::Sqlite;
