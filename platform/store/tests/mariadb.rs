//! The database layer on MariaDB: `compose/with mariadb -- cargo test -p store --test mariadb`. Without a server it fails.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod database;
#[path = "rows/suite.rs"]
mod rows;
#[path = "rows/server.rs"]
mod server;

const ENGINE: database::Engine = database::Engine::MariaDb;
