//! The database layer on PostgreSQL: `compose/with postgres -- cargo test -p store --test postgres`. Without a server it fails.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod database;
#[path = "rows/pipeline.rs"]
mod pipeline;
#[path = "rows/suite.rs"]
mod rows;
#[path = "rows/server.rs"]
mod server;
#[path = "rows/tls.rs"]
mod tls;

const ENGINE: database::Engine = database::Engine::Postgres;
