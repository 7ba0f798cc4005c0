//! The one transaction of a batch, on whichever engine.

use std::sync::{Arc, OnceLock};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, Insert, IntoActiveModel, PrimaryKeyTrait, QueryTrait,
    Select, Statement, sea_query::Value,
};

use crate::{
    StoreError, Table,
    engines::{postgres, sqlite},
};

/// The one transaction of a batch. Dropped without a commit, it has not happened.
///
/// The error of a write may be returned later: by the next query, or by the commit.
#[derive(Debug)]
pub struct Tx {
    pub(crate) engine: Engine,
}

#[derive(Debug)]
pub(crate) enum Engine {
    Sqlite(sqlite::Transaction),
    Postgres(postgres::Transaction),
    MySql(DatabaseTransaction),
}

/// The number that the database has given a row. Available when the transaction is committed.
#[derive(Debug, Clone, Default)]
pub struct Number(Arc<OnceLock<i64>>);

impl Number {
    pub fn get(&self) -> i64 {
        *self.0.get().expect("asked for after the commit")
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(Arc::new(number.into()))
    }
}

impl Tx {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite(tx) => tx.commit().await,
            Engine::Postgres(tx) => tx.commit().await,
            Engine::MySql(tx) => Ok(tx.commit().await?),
        }
    }

    /// Undoes it; so does dropping, a moment later.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::MySql(tx) => Ok(tx.rollback().await?),
            Engine::Sqlite(_) | Engine::Postgres(_) => Ok(()),
        }
    }

    /// The rows that this query finds.
    pub async fn all<E: Table>(&self, query: Select<E>) -> Result<Vec<E::Model>, StoreError> {
        match &self.engine {
            Engine::MySql(tx) => Ok(query.all(tx).await?),
            Engine::Sqlite(tx) => {
                let (sql, values) = parts(query.build(DbBackend::Sqlite));
                tx.with(|connection| connection.select_for_each::<E>(&sql, std::iter::once(values)))
            }
            Engine::Postgres(tx) => {
                let (sql, values) = parts(query.build(DbBackend::Postgres));
                tx.select::<E>(&sql, &[], postgres::Transaction::parameters(values)?).await
            }
        }
    }

    /// Changes rows, and returns how many.
    pub async fn execute(&self, query: impl QueryTrait) -> Result<u64, StoreError> {
        self.execute_raw(query.build(self.backend())).await
    }

    /// Changes rows.
    pub async fn write(&self, query: impl QueryTrait) -> Result<(), StoreError> {
        if let Engine::Postgres(tx) = &self.engine {
            let (sql, values) = parts(query.build(DbBackend::Postgres));
            return tx.write(&sql, &[], postgres::Transaction::parameters(values)?).await;
        }
        self.execute(query).await.map(drop)
    }

    /// Runs raw SQL, and returns how many rows it has changed. For tests: SQL differs between engines.
    #[doc(hidden)]
    pub async fn execute_raw(&self, statement: Statement) -> Result<u64, StoreError> {
        match &self.engine {
            Engine::MySql(tx) => Ok(tx.execute_raw(statement).await?.rows_affected()),
            Engine::Sqlite(tx) => {
                let (sql, values) = parts(statement);
                tx.with(|connection| connection.execute(&sql, &values))
            }
            Engine::Postgres(tx) => {
                let (sql, values) = parts(statement);
                tx.execute(&sql, &[], postgres::Transaction::parameters(values)?).await
            }
        }
    }

    /// Adds a row that the database gives a number.
    pub async fn insert_numbered<E>(&self, row: E::ActiveModel) -> Result<Number, StoreError>
    where
        E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>, PrimaryKey: PrimaryKeyTrait<ValueType = i64>>,
    {
        let mut insert: Insert<E::ActiveModel> = E::insert(row);
        match &self.engine {
            Engine::MySql(tx) => Ok(insert.exec(tx).await?.last_insert_id.into()),
            Engine::Sqlite(tx) => {
                self.execute(insert).await?;
                tx.with(|connection| Ok(connection.last_number().into()))
            }
            Engine::Postgres(tx) => {
                use sea_orm::{Iterable as _, PrimaryKeyToColumn as _};
                insert.query().returning_col(E::PrimaryKey::iter().next().expect("a number").into_column());
                let (sql, values) = parts(insert.build(DbBackend::Postgres));
                Ok(Number(tx.write_numbered(&sql, postgres::Transaction::parameters(values)?).await?))
            }
        }
    }

    #[doc(hidden)]
    pub fn backend(&self) -> DbBackend {
        match &self.engine {
            Engine::Sqlite(_) => DbBackend::Sqlite,
            Engine::Postgres(_) => DbBackend::Postgres,
            Engine::MySql(_) => DbBackend::MySql,
        }
    }
}

fn parts(statement: Statement) -> (String, Vec<Value>) {
    (statement.sql, statement.values.map(|values| values.0).unwrap_or_default())
}
