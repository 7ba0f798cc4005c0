//! Many rows in one statement, for any entity on any engine.
//!
//! A statement is written once per table; after that only values are bound. PostgreSQL takes an array for each column, SQLite one row
//! after another, MySQL and MariaDB a parameter for each value: see `engines`.

use std::{
    any::TypeId,
    collections::HashMap,
    mem::{Discriminant, discriminant},
    sync::{Arc, LazyLock, RwLock},
};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbBackend, IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn,
    PrimaryKeyTrait, StatementBuilder,
    sea_query::{Expr, InsertStatement, OnConflict, Value},
};

use crate::{
    Key, StoreError, Table, Tx,
    engines::{mysql, postgres, sqlite},
    tx::Engine,
};

/// The rows with these keys, in key order; locked, where the engine locks rows.
pub async fn select<E: Table>(tx: &Tx, keys: &[Key<E>], lock: bool) -> Result<Vec<E::Model>, StoreError> {
    match &tx.engine {
        Engine::Sqlite(file) => sqlite::bulk::select::<E>(tx, file, keys),
        Engine::Postgres(server) => postgres::bulk::select::<E>(server, keys, lock).await,
        Engine::MySql(server) => mysql::bulk::select::<E>(tx, server, keys, lock).await,
    }
}

/// Removes the rows with these keys, and returns how many there were.
pub async fn delete<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<u64, StoreError> {
    match &tx.engine {
        Engine::Sqlite(file) => sqlite::bulk::delete::<E>(tx, file, keys),
        Engine::Postgres(server) => postgres::bulk::delete::<E>(server, keys).await,
        Engine::MySql(_) => mysql::bulk::delete::<E>(tx, keys).await,
    }
}

/// Removes the rows with these keys, if they are there.
pub async fn remove<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<(), StoreError> {
    match &tx.engine {
        Engine::Postgres(server) => postgres::bulk::remove::<E>(server, keys).await,
        Engine::Sqlite(_) | Engine::MySql(_) => delete::<E>(tx, keys).await.map(drop),
    }
}

/// Inserts these rows. One that is already there is a `Conflict`.
pub async fn insert<E: Table>(tx: &Tx, models: Vec<E::Model>) -> Result<(), StoreError> {
    write::<E>(tx, models, How::Insert).await
}

/// Overwrites these rows, which must exist and be locked: then an upsert is an update that needs no join, and its plan is the same
/// whatever the table's size (`UPDATE … FROM (VALUES …)` reads the whole table when it is small).
pub async fn update<E: Table>(tx: &Tx, models: Vec<E::Model>) -> Result<(), StoreError> {
    write::<E>(tx, models, How::Overwrite).await
}

async fn write<E: Table>(tx: &Tx, models: Vec<E::Model>, how: How) -> Result<(), StoreError> {
    match &tx.engine {
        Engine::Sqlite(file) => sqlite::bulk::write::<E>(tx, file, models, how),
        Engine::Postgres(server) => postgres::bulk::write::<E>(server, models, how).await,
        Engine::MySql(_) => mysql::bulk::write::<E>(tx, models, how).await,
    }
}

/// A model's values, moved from it to the database, not copied.
pub(crate) fn row<E: Table>(model: E::Model, columns: &[E::Column]) -> impl Iterator<Item = Value> {
    let mut model = model.into_active_model();
    columns.iter().map(move |column| model.take(*column).into_value().expect("a model has every column"))
}

/// The `INSERT` of `rows` rows like `sample`.
pub(crate) fn written<E: Table>(how: How, sample: &E::Model, rows: usize) -> InsertStatement {
    let mut insert = InsertStatement::new();
    insert.into_table(E::default().table_ref()).columns(columns::<E>(how));
    for _ in 0..rows {
        insert.values_panic(columns::<E>(how).map(|column| column.save_as(Expr::val(sample.get(column)))));
    }
    if how == How::Overwrite {
        let others = E::Column::iter().filter(|column| E::PrimaryKey::from_column(*column).is_none());
        insert.on_conflict(OnConflict::columns(E::PrimaryKey::iter()).update_columns(others).to_owned());
    }
    insert
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum How {
    Select { lock: bool },
    Delete,
    Insert,
    Overwrite,
}

/// The SQL of the statement for this number of rows. Written once for each kind.
pub(crate) fn sql<E: Table>(tx: &Tx, how: How, rows: usize, write: impl FnOnce() -> String) -> Arc<str> {
    type Written = HashMap<(TypeId, Discriminant<DbBackend>, How, usize), Arc<str>>;
    static WRITTEN: LazyLock<RwLock<Written>> = LazyLock::new(Default::default);

    let key = (TypeId::of::<E>(), discriminant(&tx.backend()), how, rows);
    let known = WRITTEN.read().expect("never poisoned").get(&key).cloned();
    known.unwrap_or_else(|| {
        let sql: Arc<str> = write().into();
        WRITTEN.write().expect("never poisoned").insert(key, sql.clone());
        sql
    })
}

pub(crate) fn words(tx: &Tx, statement: &impl StatementBuilder) -> String {
    tx.backend().build(statement).sql
}

/// All columns; but a key that the database hands out is left to it.
pub(crate) fn columns<E: Table>(how: How) -> impl Iterator<Item = E::Column> {
    let handed_out = E::PrimaryKey::auto_increment() && how == How::Insert;
    E::Column::iter().filter(move |column| !(handed_out && E::PrimaryKey::from_column(*column).is_some()))
}
