//! The schema. Names are stored: never rename, never reorder; add.

mod m0001_shipments;
mod m0002_seen;

use sea_orm_migration::prelude::*;

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_shipments::Migration), Box::new(m0002_seen::Migration)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}
