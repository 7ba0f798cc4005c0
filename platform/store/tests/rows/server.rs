//! What only servers do: they are away, refuse somebody, break off, and let several write at the same time.

use std::net::TcpListener;

use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use store::{Db, OpenError, StoreError, Tx};

use crate::{
    ENGINE,
    database::{Database, Engine, admin_url, with_database},
};

async fn refused(url: &str) -> OpenError {
    let error = Db::open(url, 1).await.map(drop).unwrap_err();
    let password = url.split([':', '@']).nth(2).unwrap();
    assert!(!error.to_string().contains(password), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn with_user(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{user}:{password}@{}", rest.split_once('@').unwrap().1)
}

#[tokio::test]
async fn nobody_is_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = admin_url();
    let place = url.split_once('@').unwrap().1;
    let url = url.replace(place, &format!("127.0.0.1:{port}/somewhere"));
    let error = refused(&url).await;
    assert!(error.message.starts_with("there is no server: "), "{error}");
    assert!(error.to_string().contains(&format!(":***@127.0.0.1:{port}/somewhere")), "{error}");
}

/// Somebody is there, and never says a word.
#[tokio::test]
async fn nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = admin_url();
    let url = url.replace(url.split_once('@').unwrap().1, &format!("{}/somewhere", silent.local_addr().unwrap()));
    let error = refused(&url).await;
    assert!(error.message.starts_with("there is no answer within "), "{error}");
}

#[tokio::test]
async fn the_password_is_wrong() {
    let user = admin_url().split_once("://").unwrap().1.split_once(':').unwrap().0.to_owned();
    let error = refused(&with_user(&admin_url(), &user, "wrong-password")).await;
    assert!(error.message.starts_with("user or password are refused"), "{error}");
}

#[tokio::test]
async fn there_is_no_such_database() {
    let error = refused(&with_database(&admin_url(), "not_there")).await;
    assert!(error.is_missing && error.message.starts_with("there is no such database"), "{error}");
}

#[tokio::test]
async fn the_user_may_not() {
    let database = Database::new();
    let user = format!("u{:016x}", rand::random::<u64>());
    let outside = sea_orm::Database::connect(database.url()).await.unwrap();
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    let (create, drop_user) = match ENGINE {
        Engine::Postgres => (
            format!("CREATE ROLE {user} LOGIN PASSWORD 'stranger-here'; REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
            format!("DROP ROLE {user}"),
        ),
        _ => (format!("CREATE USER {user}@'%' IDENTIFIED BY 'stranger-here'"), format!("DROP USER {user}@'%'")),
    };
    outside.execute_unprepared(&create).await.unwrap();
    let stranger = with_user(database.url(), &user, "stranger-here");
    let error = refused(&stranger).await;
    assert!(error.message.starts_with("the user may not use this database"), "{error}");
    if ENGINE == Engine::Postgres {
        let error = Db::create(&with_database(&stranger, "not_there")).await.unwrap_err();
        assert!(error.message.starts_with("it cannot be created: "), "{error}");
    }
    outside.execute_unprepared(&drop_user).await.unwrap();
}

#[tokio::test]
async fn creating_what_is_there_changes_nothing() {
    let database = Database::new();
    database.run("CREATE TABLE kept (n INTEGER)").await;
    assert!(!Db::create(database.url()).await.unwrap());
    assert_eq!(database.count("SELECT count(*) FROM kept"), 0);
}

mod number {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "numbers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub n: i32,
        pub name: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Does this in a transaction.
async fn run(tx: &Tx, sql: &str) -> Result<(), StoreError> {
    tx.execute_raw(Statement::from_string(tx.backend(), sql)).await.map(drop)
}

async fn numbers(database: &Database) {
    database.run("CREATE TABLE numbers (n INTEGER NOT NULL PRIMARY KEY, name VARCHAR(10))").await;
    database.run("INSERT INTO numbers VALUES (1, 'one'), (2, 'two')").await;
}

/// In a deadlock, one of two has to try again.
#[tokio::test]
async fn a_deadlock_is_no_fault_of_the_data() {
    let database = Database::new();
    numbers(&database).await;
    let db = database.open().await;
    let lock = |n: i32| format!("SELECT n FROM numbers WHERE n = {n} FOR UPDATE");
    let (one, other) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    run(&one, &lock(1)).await.unwrap();
    run(&other, &lock(2)).await.unwrap();
    let (second, first) = (lock(2), lock(1));
    let one = async { (run(&one, &second).await, one.rollback().await).0 };
    let other = async { (run(&other, &first).await, other.rollback().await).0 };
    let (one, other) = tokio::join!(one, other);
    let error = one.err().or(other.err()).expect("one of them");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_lock_that_is_not_given_is_no_fault_of_the_data() {
    let database = Database::new();
    numbers(&database).await;
    let db = database.open().await;
    let lock = "SELECT n FROM numbers WHERE n = 1 FOR UPDATE";
    let (one, other) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    run(&one, lock).await.unwrap();
    let impatient = match ENGINE {
        Engine::Postgres => "SET LOCAL lock_timeout = '50ms'",
        _ => "SET SESSION innodb_lock_wait_timeout = 1",
    };
    run(&other, impatient).await.unwrap();
    let error = run(&other, lock).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

/// And the next transaction is well again, on another connection.
#[tokio::test]
async fn a_connection_that_breaks_is_no_fault_of_the_data() {
    let database = Database::new();
    numbers(&database).await;
    let db = database.open().await;
    let outside = sea_orm::Database::connect(admin_url()).await.unwrap();
    let tx = db.begin().await.unwrap();
    let (me, kill) = match ENGINE {
        Engine::Postgres => ("pg_backend_pid()", "SELECT pg_terminate_backend(ID)"),
        _ => ("connection_id()", "KILL ID"),
    };
    run(&tx, &format!("UPDATE numbers SET n = {me} WHERE n = 2")).await.unwrap();
    let me = tx.all(number::Entity::find()).await.unwrap().into_iter().map(|row| row.n).max().unwrap();
    outside.execute_unprepared(&kill.replace("ID", &me.to_string())).await.unwrap();
    let error = run(&tx, "INSERT INTO numbers VALUES (3, 'three')").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    drop(tx);
    let tx = db.begin().await.unwrap();
    run(&tx, "INSERT INTO numbers VALUES (4, 'four')").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_bad_data() {
    let database = Database::new();
    numbers(&database).await;
    let db = database.open().await;
    for values in ["(5, 'longer than ten')", "(99999999999, 'x')"] {
        let tx = db.begin().await.unwrap();
        let error = run(&tx, &format!("INSERT INTO numbers VALUES {values}")).await.unwrap_err();
        assert!(matches!(error, StoreError::Data(_)), "{error:?}");
        tx.rollback().await.unwrap();
    }
}

/// Not even the part that went well, however late it shows what did not. (Statements that PostgreSQL has seen fail end the
/// transaction; one that never reached it must, too.)
#[tokio::test]
async fn what_was_refused_in_part_is_not_committed() {
    if ENGINE != Engine::Postgres {
        return; // on the others each statement says for itself whether it went well
    }
    let database = Database::new();
    numbers(&database).await;
    let db = database.open().await;
    for (wrong, sent) in
        [("INSERT INTO numbers VALUES (6, $1)", false), ("INSERT INTO numbers VALUES (1, 'again')", true)]
    {
        let tx = db.begin().await.unwrap();
        run(&tx, "INSERT INTO numbers VALUES (5, 'five')").await.unwrap();
        let error = run(&tx, wrong).await.unwrap_err();
        assert_eq!(matches!(error, StoreError::Conflict(_)), sent, "{error:?}");
        assert!(tx.commit().await.is_err(), "{wrong}");
        assert_eq!(database.count("SELECT count(*) FROM numbers"), 2, "{wrong}");
    }
}
