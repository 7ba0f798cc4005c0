//! A database whose schema is not this program's.

use saga::migrations::Migrator;
use sea_orm_migration::prelude::*;
use store::{
    Db,
    schema::{self, SchemaError, set_fillfactor},
};

use crate::database::{Database, Engine};

async fn migrate(db: &Db) -> Result<(), SchemaError> {
    schema::migrate::<Migrator>(db).await
}

async fn check(db: &Db) -> Result<(), SchemaError> {
    schema::check::<Migrator>(db).await
}

async fn prepared() -> (Database, Db) {
    let database = Database::new();
    let db = database.open().await;
    migrate(&db).await.unwrap();
    (database, db)
}

#[tokio::test]
async fn what_is_up_to_date_is_left_alone() {
    let (_database, db) = prepared().await;
    check(&db).await.unwrap();
    migrate(&db).await.unwrap();
    check(&db).await.unwrap();
}

#[tokio::test]
async fn a_newer_one_is_refused() {
    let (database, db) = prepared().await;
    database.run("INSERT INTO platform_migrations (version, applied_at) VALUES ('m9999_later', 1)").await;
    for refused in [check(&db).await, migrate(&db).await] {
        match refused {
            Err(SchemaError::Newer(unknown)) => assert_eq!(unknown, ["m9999_later"]),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_older_one_is_refused_where_it_is_not_to_be_changed() {
    let (database, db) = prepared().await;
    database.run("DELETE FROM platform_migrations WHERE version = 'm0001_platform'").await;
    match check(&db).await {
        Err(SchemaError::Older(lacking)) => assert_eq!(lacking, ["m0001_platform"]),
        other => panic!("{other:?}"),
    }
    let empty = Database::new();
    let db = empty.open().await;
    assert!(check(&db).await.is_err());
    let tables = check(&db).await;
    assert!(matches!(tables, Err(SchemaError::Older(_))), "and nothing is created: {tables:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_bring_it_up_to_date_at_the_same_time() {
    let database = Database::new();
    if database.url().starts_with("sqlite:") {
        return; // the file is one process's
    }
    let all = (0..4).map(|_| async {
        let db = database.open().await;
        migrate(&db).await.unwrap();
        check(&db).await.unwrap();
    });
    futures_util::future::join_all(all).await;
}

struct Fillfactor;

impl MigrationName for Fillfactor {
    fn name(&self) -> &'static str {
        "m0001_fillfactor"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Fillfactor {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        set_fillfactor(manager, "outbox", 40).await
    }
}

struct ServiceMigrator;

impl MigratorTrait for ServiceMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Fillfactor)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}

#[tokio::test]
async fn the_fillfactor_is_set_where_the_engine_has_one() {
    let database = Database::new();
    let db = database.open().await;
    migrate(&db).await.unwrap();
    schema::migrate::<ServiceMigrator>(&db).await.unwrap();
    if crate::ENGINE == Engine::Postgres {
        let left = database
            .count("SELECT count(*) FROM pg_class WHERE relname = 'outbox' AND 'fillfactor=40' = ANY(reloptions)");
        assert_eq!(left, 1);
    }
}
