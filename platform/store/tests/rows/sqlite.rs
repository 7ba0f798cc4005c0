//! What only SQLite does: it is busy, and what is opened for reading cannot be written.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Statement};
use store::StoreError;

use crate::database::Database;

#[tokio::test]
async fn a_busy_or_read_only_database_is_not_available() {
    let database = Database::new();
    let db = database.open().await;
    database.run("CREATE TABLE entries (text TEXT)").await;
    let write = "INSERT INTO entries (text) VALUES ('a')";
    let tx = db.begin().await.unwrap();
    let mut impatient = ConnectOptions::new(database.url());
    impatient.map_sqlx_sqlite_opts(|options| options.busy_timeout(Duration::ZERO));
    let other = sea_orm::Database::connect(impatient).await.unwrap();
    let error: StoreError = other.execute_unprepared(write).await.unwrap_err().into();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    tx.rollback().await.unwrap();
    let error: StoreError = db.reader().execute_unprepared(write).await.unwrap_err().into();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

/// A schema that is not what this program expects: no delivery is to be set aside for it.
#[tokio::test]
async fn a_statement_the_schema_does_not_know_is_no_fault_of_the_data() {
    let database = Database::new();
    let db = database.open().await;
    let tx = db.begin().await.unwrap();
    let unknown = Statement::from_string(tx.backend(), "INSERT INTO nowhere (text) VALUES ('a')");
    let error = tx.execute_raw(unknown).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}
