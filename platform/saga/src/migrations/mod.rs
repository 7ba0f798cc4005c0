//! The schema of the runtime's own tables, in every service's database.

mod m0001_platform;
mod m0002_leases;
mod m0003_effect_batches;
mod m0004_effect_owners;

use sea_orm_migration::prelude::*;

use store::schema::{Layout, add_column, create, index};

/// The migrations of the runtime's tables. Their history is apart from that of the service's tables, so that neither takes the
/// other's migrations for unknown ones.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_platform::Migration),
            Box::new(m0002_leases::Migration),
            Box::new(m0003_effect_batches::Migration),
            Box::new(m0004_effect_owners::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "platform_migrations".into_iden()
    }
}
