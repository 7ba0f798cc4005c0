//! What the runtime promises, on MariaDB:
//! `compose/with mariadb -- cargo test -p saga --test mariadb`. Without a server it fails.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

#[path = "runtime/backlog.rs"]
mod backlog;
#[path = "runtime/commands.rs"]
mod commands;
#[path = "../../store/tests/database/mod.rs"]
mod database;
#[path = "runtime/effect_batches.rs"]
mod effect_batches;
#[path = "runtime/effects.rs"]
mod effects;
#[cfg(fault_injection)]
#[path = "runtime/fault_injection.rs"]
mod fault_injection;
#[path = "runtime/inbox.rs"]
mod inbox;
#[path = "runtime/instances.rs"]
mod instances;
#[path = "runtime/ledger.rs"]
mod ledger;
#[path = "runtime/names.rs"]
mod names;
#[path = "runtime/parking.rs"]
mod parking;
#[path = "runtime/relay.rs"]
mod relay;
#[path = "runtime/reminders.rs"]
mod reminders;
#[path = "runtime/schema.rs"]
mod schema;
#[path = "runtime/stage.rs"]
mod stage;
#[path = "runtime/unavailable.rs"]
mod unavailable;

const ENGINE: database::Engine = database::Engine::MariaDb;
