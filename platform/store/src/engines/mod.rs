//! What differs between the engines: connections, transactions, and how many rows go in one statement.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;
