//! The engines' error codes, sorted by what is to be done about them.

use sea_orm::{
    DbErr, RuntimeErr, SqlErr,
    sqlx::{self, mysql::MySqlDatabaseError, postgres::PgDatabaseError},
};

/// Why a transaction failed, by what is to be done about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has inserted a row that this batch did not see: roll back, load again, decide again.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The database is unavailable or busy: roll back and try again.
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    /// This data cannot be written: find the input at fault.
    #[error("data refused by the database")]
    Data(#[source] DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(message)) => Self::Conflict(message),
            Some(_) => Self::Data(error),
            None if refused_data(&error) => Self::Data(error),
            None => Self::Unavailable(error),
        }
    }
}

/// Whatever is not known to be the data's fault counts as the database's: better to wait than to set good events aside.
/// (So do deadlocks, serialization failures and lock time-outs: the next attempt succeeds.)
fn refused_data(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return !matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
    };
    match &**error {
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                postgres(error.code())
            } else if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                mysql(error.number())
            } else {
                error.code().is_some_and(|code| sqlite(&code))
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// Data exception, integrity constraint, program limit exceeded (a key too long for its index).
pub(crate) fn postgres(state: &str) -> bool {
    ["22", "23", "54"].iter().any(|class| state.starts_with(class))
}

fn mysql(number: u16) -> bool {
    const REFUSED: [u16; 18] = [
        1048, 1364, // NULL, or nothing, in a column that must have something
        1264, 1690, // out of range
        1265, 1366, 1292, 1411, // no value of the column's type
        1406, 1118, 1153, // too long for the column, for a row, for a packet
        3819, 4025, // CHECK: MySQL, MariaDB
        1216, 1217, 1451, 1452, // foreign keys
        3140, // no JSON
    ];
    REFUSED.contains(&number)
}

/// CONSTRAINT (19), TOOBIG (18), MISMATCH (20), with whatever the extended code adds.
fn sqlite(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20))
}
