//! A database whose schema is not this program's.

use platform::{
    Db, Service, StartError,
    migrations::{SchemaError, leave_room},
};
use sea_orm_migration::prelude::*;

use crate::database::{Database, Engine};

fn service() -> Service {
    Service::named("ledger", "ledger-service")
}

async fn prepared() -> (Database, Db) {
    let database = Database::new();
    let db = database.open().await;
    service().migrate(&db).await.unwrap();
    (database, db)
}

#[tokio::test]
async fn what_is_up_to_date_is_left_alone() {
    let (_database, db) = prepared().await;
    service().check(&db).await.unwrap();
    service().migrate(&db).await.unwrap();
    service().check(&db).await.unwrap();
}

#[tokio::test]
async fn a_newer_one_is_refused() {
    let (database, db) = prepared().await;
    database.run("INSERT INTO platform_migrations (version, applied_at) VALUES ('m9999_later', 1)").await;
    for refused in [service().check(&db).await, service().migrate(&db).await] {
        match refused {
            Err(StartError::Schema { cause: SchemaError::Newer(unknown), .. }) => assert_eq!(unknown, ["m9999_later"]),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_older_one_is_refused_where_it_is_not_to_be_changed() {
    let (database, db) = prepared().await;
    database.run("DELETE FROM platform_migrations WHERE version = 'm0001_platform'").await;
    match service().check(&db).await {
        Err(StartError::Schema { cause: SchemaError::Older(lacking), .. }) => assert_eq!(lacking, ["m0001_platform"]),
        other => panic!("{other:?}"),
    }
    let empty = Database::new();
    let db = empty.open().await;
    assert!(service().check(&db).await.is_err());
    let tables = service().check(&db).await;
    assert!(matches!(tables, Err(StartError::Schema { .. })), "and nothing is created: {tables:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_bring_it_up_to_date_at_the_same_time() {
    let database = Database::new();
    if database.url().starts_with("sqlite:") {
        return; // the file is one process's
    }
    let all = (0..4).map(|_| async {
        let db = database.open().await;
        service().migrate(&db).await.unwrap();
        service().check(&db).await.unwrap();
    });
    futures_util::future::join_all(all).await;
}

struct Room;

impl MigrationName for Room {
    fn name(&self) -> &'static str {
        "m0001_room"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Room {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        leave_room(manager, "outbox", 40).await
    }
}

struct Roomy;

impl MigratorTrait for Roomy {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Room)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}

#[tokio::test]
async fn pages_leave_room_where_the_engine_knows_of_that() {
    let database = Database::new();
    service().migrations::<Roomy>().migrate(&database.open().await).await.unwrap();
    if crate::ENGINE == Engine::Postgres {
        let left = database
            .count("SELECT count(*) FROM pg_class WHERE relname = 'outbox' AND 'fillfactor=40' = ANY(reloptions)");
        assert_eq!(left, 1);
    }
}
