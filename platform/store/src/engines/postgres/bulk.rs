//! Statements for PostgreSQL: an array for each column. There is one per table, whatever the number of rows; were every value
//! a parameter, planning would be a fifth of the server's work.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, RwLock},
};

use sea_orm::{
    ColumnTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    sea_query::{ColumnType, IntoValueTuple, Value},
};
use tokio_postgres::types::Type;

use super::{
    Parameter, Transaction,
    values::{array, array_type},
};
use crate::{
    Key, StoreError, Table,
    bulk::{How, columns, row},
};

/// A statement of a table, and what its parameters are.
struct Written {
    sql: String,
    /// Of the columns that the parameters are for.
    kinds: Vec<ColumnType>,
    types: Vec<Type>,
}

/// The rows with these keys, in key order; locked, if that is asked for.
pub(crate) async fn select<E: Table>(
    tx: &Transaction,
    keys: &[Key<E>],
    lock: bool,
) -> Result<Vec<E::Model>, StoreError> {
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let written = written::<E>(How::Select { lock });
    tx.select::<E>(&written.sql, &written.types, of_keys::<E>(&written, keys)).await
}

/// Removes the rows with these keys, and returns how many there were.
pub(crate) async fn delete<E: Table>(tx: &Transaction, keys: &[Key<E>]) -> Result<u64, StoreError> {
    if keys.is_empty() {
        return Ok(0);
    }
    let written = written::<E>(How::Delete);
    tx.execute(&written.sql, &written.types, of_keys::<E>(&written, keys)).await
}

/// Removes the rows with these keys, without waiting for the answer.
pub(crate) async fn remove<E: Table>(tx: &Transaction, keys: &[Key<E>]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let written = written::<E>(How::Delete);
    tx.write(&written.sql, &written.types, of_keys::<E>(&written, keys)).await
}

pub(crate) async fn write<E: Table>(tx: &Transaction, models: Vec<E::Model>, how: How) -> Result<(), StoreError> {
    if models.is_empty() {
        return Ok(());
    }
    let (written, names) = (written::<E>(how), columns::<E>(how).collect::<Vec<_>>());
    let mut columns = vec![Vec::with_capacity(models.len()); names.len()];
    for model in models {
        for (value, column) in row::<E>(model, &names).zip(&mut columns) {
            column.push(value);
        }
    }
    tx.write(&written.sql, &written.types, arrays(&written, columns)).await
}

/// An array for each column of the key.
fn of_keys<'k, E: Table>(written: &Written, keys: impl IntoIterator<Item = &'k Key<E>>) -> Vec<Parameter> {
    let mut columns = vec![vec![]; written.kinds.len()];
    for key in keys {
        for (column, value) in columns.iter_mut().zip(key.clone().into_value_tuple()) {
            column.push(value);
        }
    }
    arrays(written, columns)
}

fn arrays(written: &Written, columns: Vec<Vec<Value>>) -> Vec<Parameter> {
    written.kinds.iter().zip(columns).map(|(kind, values)| array(kind, values)).collect()
}

/// Only the first of its kind is written.
fn written<E: Table>(how: How) -> Arc<Written> {
    type Statements = HashMap<(TypeId, How), Arc<Written>>;
    static KNOWN: LazyLock<RwLock<Statements>> = LazyLock::new(Default::default);

    let key = (TypeId::of::<E>(), how);
    let known = KNOWN.read().expect("never poisoned").get(&key).cloned();
    known.unwrap_or_else(|| {
        let written = Arc::new(write_statement::<E>(how));
        KNOWN.write().expect("never poisoned").insert(key, written.clone());
        written
    })
}

fn write_statement<E: Table>(how: How) -> Written {
    let quoted = |column: E::Column| format!("\"{}\"", column.as_str());
    let list = |columns: &[E::Column]| columns.iter().copied().map(quoted).collect::<Vec<_>>().join(", ");
    let parameters = |number: usize| (1..=number).map(|it| format!("${it}")).collect::<Vec<_>>().join(", ");
    let table = format!("\"{}\"", E::default().table_name());
    let keys: Vec<_> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let among = match &*keys {
        [only] => format!("{} = ANY($1)", quoted(*only)),
        several => format!("({}) IN (SELECT * FROM unnest({}))", list(several), parameters(several.len())),
    };
    let all: Vec<_> = columns::<E>(how).collect();
    let insert = || format!("INSERT INTO {table} ({}) SELECT * FROM unnest({})", list(&all), parameters(all.len()));
    let (sql, given) = match how {
        How::Select { lock } => {
            let (from, lock) = (format!("SELECT {} FROM {table}", list(&all)), if lock { " FOR UPDATE" } else { "" });
            let sql = if let [key] = &*keys {
                format!("{from} WHERE {among} ORDER BY {}{lock}", quoted(*key))
            } else {
                // Key by key, in their order: a join would have to be sorted, and costs half as much again.
                let (names, equal): (Vec<_>, Vec<_>) = (keys.iter().enumerate())
                    .map(|(at, key)| (format!("k{at}"), format!("{} = k.k{at}", quoted(*key))))
                    .unzip();
                let one = format!("{from} WHERE {} OFFSET 0{lock}", equal.join(" AND "));
                let (given, names) = (parameters(keys.len()), names.join(", "));
                format!("SELECT it.* FROM unnest({given}) AS k ({names}) CROSS JOIN LATERAL ({one}) AS it")
            };
            (sql, &keys)
        }
        How::Delete => (format!("DELETE FROM {table} WHERE {among}"), &keys),
        How::Insert => (insert(), &all),
        How::Overwrite => {
            let others = all.iter().filter(|column| !keys.iter().any(|key| key.as_str() == column.as_str()));
            let set: Vec<_> = others.map(|column| format!("{0} = excluded.{0}", quoted(*column))).collect();
            (format!("{} ON CONFLICT ({}) DO UPDATE SET {}", insert(), list(&keys), set.join(", ")), &all)
        }
    };
    let kinds: Vec<_> = given.iter().map(|column| column.def().get_column_type().clone()).collect();
    Written { sql, types: kinds.iter().map(array_type).collect(), kinds }
}
