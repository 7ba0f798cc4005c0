//! Many rows in one statement, for any entity on any engine.
//!
//! A statement is written once per table, and from then on only values are bound: writing it anew each time costs the client
//! as much as all else it does with a row. PostgreSQL takes an array for each column (`arrays`), SQLite row after row
//! (`each`). On MySQL and MariaDB every value is a parameter; there the numbers of rows are powers of two, and a batch of 300
//! goes as 256 + 32 + 8 + 4: were it one statement for every size, the database would prepare them over and over.

mod arrays;
mod each;

use std::{
    any::TypeId,
    collections::HashMap,
    mem::{Discriminant, discriminant},
    sync::{Arc, LazyLock, RwLock},
};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbBackend, FromQueryResult, IntoActiveModel, Iterable, ModelTrait,
    PrimaryKeyToColumn, PrimaryKeyTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement, StatementBuilder,
    sea_query::{Expr, ExprTrait, InsertStatement, IntoValueTuple, OnConflict, Value, Values},
};

use crate::{Key, StoreError, Table, Tx, store::Engine};

/// Rows in the largest statement that has a parameter for each value. Tables of up to 120 columns stay below MySQL's limit
/// of 65,535.
const MOST_ROWS: usize = 512;

/// Keys in the largest statement. MariaDB turns a list of 1,000 values or more into a subquery, and then locks rows as it
/// comes by them and not in key order.
fn most_keys<E: Table>() -> usize {
    1 << (999 / E::PrimaryKey::iter().count()).ilog2()
}

/// The rows with these keys, in key order; locked, where the engine locks rows.
pub async fn select<E: Table>(tx: &Tx, keys: &[Key<E>], lock: bool) -> Result<Vec<E::Model>, StoreError> {
    let server = match &tx.engine {
        Engine::Sqlite(file) => return each::select::<E>(tx, file, keys),
        Engine::Postgres(server) => return arrays::select::<E>(server, keys, lock).await,
        Engine::MySql(server) => server,
    };
    let mut found = Vec::new();
    for keys in keys.chunks(most_keys::<E>()) {
        let sql = sql::<E>(tx, How::Select { lock }, keys.len().next_power_of_two(), || {
            let mut query = E::find().filter(among::<E>(keys));
            for column in E::PrimaryKey::iter() {
                query = query.order_by_asc(column.into_column());
            }
            words(tx, &if lock { query.lock_exclusive().into_query() } else { query.into_query() })
        });
        let select = statement(tx, &sql, filled_up::<E>(keys));
        let rows = E::Model::find_by_statement(select).all(server).await?;
        if found.is_empty() {
            found = rows;
        } else {
            found.extend(rows);
        }
    }
    Ok(found)
}

/// Removes the rows with these keys, and says how many there were.
pub async fn delete<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<u64, StoreError> {
    match &tx.engine {
        Engine::Sqlite(file) => return each::delete::<E>(tx, file, keys),
        Engine::Postgres(server) => return arrays::delete::<E>(server, keys).await,
        Engine::MySql(_) => {}
    }
    let mut gone = 0;
    for keys in keys.chunks(most_keys::<E>()) {
        let sql = sql::<E>(tx, How::Delete, keys.len().next_power_of_two(), || {
            words(tx, &E::delete_many().filter(among::<E>(keys)).into_query())
        });
        gone += tx.execute_raw(statement(tx, &sql, filled_up::<E>(keys))).await?;
    }
    Ok(gone)
}

/// Removes the rows with these keys, if they are there.
pub async fn remove<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<(), StoreError> {
    match &tx.engine {
        Engine::Postgres(server) => arrays::remove::<E>(server, keys, How::Delete).await,
        Engine::Sqlite(_) | Engine::MySql(_) => delete::<E>(tx, keys).await.map(drop),
    }
}

/// Removes the rows with these keys, which differ. One that is not there is a `Conflict`.
pub async fn remove_each<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<(), StoreError> {
    if let Engine::Postgres(server) = &tx.engine {
        return arrays::remove::<E>(server, keys, How::DeleteEach).await;
    }
    match delete::<E>(tx, keys).await? {
        gone if gone == keys.len() as u64 => Ok(()),
        _ => Err(StoreError::Conflict("a row that was to be removed is gone".to_owned())),
    }
}

/// Adds these rows. One that is already there is a `Conflict`.
pub async fn insert<E: Table>(tx: &Tx, models: Vec<E::Model>) -> Result<(), StoreError> {
    write::<E>(tx, models, How::Insert).await
}

/// Overwrites these rows, which must exist and be locked: then an upsert is an update, and one that needs no join, so its
/// plan is the same whatever the table's size (`UPDATE … FROM (VALUES …)` reads the whole table when it is small).
pub async fn update<E: Table>(tx: &Tx, models: Vec<E::Model>) -> Result<(), StoreError> {
    write::<E>(tx, models, How::Overwrite).await
}

async fn write<E: Table>(tx: &Tx, models: Vec<E::Model>, how: How) -> Result<(), StoreError> {
    match &tx.engine {
        Engine::Sqlite(file) => return each::write::<E>(tx, file, models, how),
        Engine::Postgres(server) => return arrays::write::<E>(server, models, how).await,
        Engine::MySql(_) => {}
    }
    let columns: Vec<_> = columns::<E>(how).collect();
    let mut models = models.into_iter();
    while let Some(sample) = models.as_slice().first() {
        let rows = rows_of(models.len());
        let sql = sql::<E>(tx, how, rows, || words(tx, &written::<E>(how, sample, rows)));
        let mut values = Vec::with_capacity(rows * columns.len());
        for model in models.by_ref().take(rows) {
            values.extend(row::<E>(model, &columns));
        }
        tx.execute_raw(statement(tx, &sql, values)).await?;
    }
    Ok(())
}

/// A model's values, moved from it to the database, not copied.
fn row<E: Table>(model: E::Model, columns: &[E::Column]) -> impl Iterator<Item = Value> {
    let mut model = model.into_active_model();
    columns.iter().map(move |column| model.take(*column).into_value().expect("a model has every column"))
}

/// How many of them the next statement takes.
fn rows_of(models: usize) -> usize {
    1 << Ord::min(models, MOST_ROWS).ilog2()
}

fn written<E: Table>(how: How, sample: &E::Model, rows: usize) -> InsertStatement {
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
enum How {
    Select {
        lock: bool,
    },
    Delete,
    /// And nothing else than all of them.
    DeleteEach,
    Insert,
    Overwrite,
}

/// The words of the statement for so many rows. Only the first of its kind is written.
fn sql<E: Table>(tx: &Tx, how: How, rows: usize, write: impl FnOnce() -> String) -> Arc<str> {
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

fn words(tx: &Tx, statement: &impl StatementBuilder) -> String {
    tx.backend().build(statement).sql
}

fn statement(tx: &Tx, sql: &str, values: Vec<Value>) -> Statement {
    Statement { sql: sql.to_owned(), values: Some(Values(values)), db_backend: tx.backend() }
}

/// All columns; but a key that the database hands out is left to it.
fn columns<E: Table>(how: How) -> impl Iterator<Item = E::Column> {
    let handed_out = E::PrimaryKey::auto_increment() && how == How::Insert;
    E::Column::iter().filter(move |column| !(handed_out && E::PrimaryKey::from_column(*column).is_some()))
}

/// The values of these keys, whose number is filled up to a power of two with the last one again.
fn filled_up<E: Table>(keys: &[Key<E>]) -> Vec<Value> {
    let columns = E::PrimaryKey::iter().count();
    let wanted = keys.len().next_power_of_two() * columns;
    let mut values = Vec::with_capacity(wanted);
    for key in keys {
        values.extend(key.clone().into_value_tuple());
    }
    let last = values.len() - columns;
    while values.len() < wanted {
        values.extend_from_within(last..last + columns);
    }
    values
}

/// The key is one of these.
fn among<E: Table>(keys: &[Key<E>]) -> Expr {
    let columns = || E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let padding = std::iter::repeat_n(&keys[keys.len() - 1], keys.len().next_power_of_two() - keys.len());
    let keys = keys.iter().chain(padding).cloned().map(IntoValueTuple::into_value_tuple);
    if let (Some(only), None) = (columns().next(), columns().nth(1)) {
        return only.is_in(keys.flatten());
    }
    let key = Expr::tuple(columns().map(|column| Expr::col(column.as_column_ref())));
    key.in_tuples(keys) // read as ranges of the key, as it should be
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_batch_goes_in_powers_of_two() {
        let split = |mut n: usize| {
            std::iter::from_fn(|| (n > 0).then(|| super::rows_of(n)).inspect(|now| n -= now)).collect::<Vec<_>>()
        };
        assert_eq!(split(300), [256, 32, 8, 4]);
        assert_eq!(split(1200), [512, 512, 128, 32, 16]);
    }
}
