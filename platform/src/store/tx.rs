//! The one transaction of a batch, on whichever engine.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, Insert, QueryTrait, Select, Statement};

use super::{StoreError, sqlite};
use crate::Table;

/// The one transaction of a batch. Dropped without a commit, it has not happened.
#[derive(Debug)]
pub struct Tx(pub(crate) Engine);

#[derive(Debug)]
pub(crate) enum Engine {
    Server(DatabaseTransaction),
    Sqlite(sqlite::Transaction),
}

impl Tx {
    /// Makes it durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Engine::Server(tx) => Ok(tx.commit().await?),
            Engine::Sqlite(tx) => tx.commit().await,
        }
    }

    /// Undoes it; so does dropping, a moment later.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.0 {
            Engine::Server(tx) => Ok(tx.rollback().await?),
            Engine::Sqlite(_) => Ok(()),
        }
    }

    /// The rows that this query finds.
    pub async fn all<E: Table>(&self, query: Select<E>) -> Result<Vec<E::Model>, StoreError> {
        match &self.0 {
            Engine::Server(tx) => Ok(query.all(tx).await?),
            Engine::Sqlite(tx) => tx.with(|connection| {
                let Statement { sql, values, .. } = query.build(DbBackend::Sqlite);
                connection.select::<E>(&sql, values.as_ref().map_or(&[], |values| &values.0))
            }),
        }
    }

    /// Changes rows, and says how many.
    pub async fn execute(&self, query: impl QueryTrait) -> Result<u64, StoreError> {
        self.execute_raw(query.build(self.backend())).await
    }

    pub(crate) async fn execute_raw(&self, statement: Statement) -> Result<u64, StoreError> {
        match &self.0 {
            Engine::Server(tx) => Ok(tx.execute_raw(statement).await?.rows_affected()),
            Engine::Sqlite(tx) => tx.with(|connection| {
                connection.execute(&statement.sql, statement.values.as_ref().map_or(&[], |values| &values.0))
            }),
        }
    }

    /// Adds a row, and says which number the database has given it.
    pub(crate) async fn insert_numbered<E>(&self, row: E::ActiveModel) -> Result<i64, StoreError>
    where
        E: EntityTrait<
                Model: sea_orm::IntoActiveModel<E::ActiveModel>,
                PrimaryKey: sea_orm::PrimaryKeyTrait<ValueType = i64>,
            >,
    {
        let insert: Insert<E::ActiveModel> = E::insert(row);
        match &self.0 {
            Engine::Server(tx) => Ok(insert.exec(tx).await?.last_insert_id),
            Engine::Sqlite(tx) => {
                self.execute(insert).await?;
                tx.with(|connection| Ok(connection.last_number()))
            }
        }
    }

    pub(crate) fn backend(&self) -> DbBackend {
        match &self.0 {
            Engine::Server(tx) => tx.get_database_backend(),
            Engine::Sqlite(_) => DbBackend::Sqlite,
        }
    }
}
