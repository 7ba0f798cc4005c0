//! The schema. Names are stored: never rename, never reorder; add.

mod m0001_orders;
mod m0002_fillfactor;
mod m0003_seen;

use sea_orm_migration::prelude::*;

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_orders::Migration), Box::new(m0002_fillfactor::Migration), Box::new(m0003_seen::Migration)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}
