//! The database layer and the rooms on MariaDB:
//! `compose/with mariadb -- cargo test -p platform --test mariadb`. Without a server they fail.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

#[path = "room/backlog.rs"]
mod backlog;
#[path = "room/commands.rs"]
mod commands;
mod database;
#[path = "room/drills.rs"]
mod drills;
#[path = "room/effect_batches.rs"]
mod effect_batches;
#[path = "room/effects.rs"]
mod effects;
#[path = "room/inbox.rs"]
mod inbox;
#[path = "room/instances.rs"]
mod instances;
#[path = "room/ledger.rs"]
mod ledger;
#[path = "room/parking.rs"]
mod parking;
#[path = "room/relay.rs"]
mod relay;
#[path = "room/reminders.rs"]
mod reminders;
#[path = "rows/suite.rs"]
mod rows;
#[path = "rows/schema.rs"]
mod schema;
#[path = "rows/server.rs"]
mod server;
#[path = "room/sick.rs"]
mod sick;
#[path = "room/stage.rs"]
mod stage;

const ENGINE: database::Engine = database::Engine::MariaDb;
