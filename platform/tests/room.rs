//! What a room promises, on a database and a log in a temporary folder.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

#[path = "room/inbox.rs"]
mod inbox;
#[path = "room/ledger.rs"]
mod ledger;
#[path = "room/stage.rs"]
mod stage;
