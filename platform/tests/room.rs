//! What a room promises, on SQLite and the embedded log. (`postgres.rs`, `mariadb.rs`: on those.)

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
#[path = "room/ledger.rs"]
mod ledger;
#[path = "room/parking.rs"]
mod parking;
#[path = "room/relay.rs"]
mod relay;
#[path = "room/reminders.rs"]
mod reminders;
#[path = "room/sick.rs"]
mod sick;
#[path = "room/stage.rs"]
mod stage;

const ENGINE: database::Engine = database::Engine::Sqlite;
