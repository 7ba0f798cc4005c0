//! Statements for SQLite: one row after another through the same prepared statement, which is a function call there.

use sea_orm::{
    ColumnTrait, Iterable, PrimaryKeyToColumn, QueryFilter, QueryTrait,
    sea_query::{Condition, IntoValueTuple, Value},
};

use super::Transaction;
use crate::{
    Key, StoreError, Table, Tx,
    bulk::{How, columns, row, sql, words, written},
};

/// The rows with these keys, in key order.
pub(crate) fn select<E: Table>(tx: &Tx, file: &Transaction, keys: &[Key<E>]) -> Result<Vec<E::Model>, StoreError> {
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let Some(sample) = keys.first() else { return Ok(vec![]) };
    let text =
        sql::<E>(tx, How::Select { lock: false }, 1, || words(tx, &E::find().filter(is::<E>(sample)).into_query()));
    file.with(|connection| connection.select_for_each::<E>(&text, keys.iter().map(|key| values::<E>(key))))
}

pub(crate) fn delete<E: Table>(tx: &Tx, file: &Transaction, keys: &[Key<E>]) -> Result<u64, StoreError> {
    let Some(sample) = keys.first() else { return Ok(0) };
    let text = sql::<E>(tx, How::Delete, 1, || words(tx, &E::delete_many().filter(is::<E>(sample)).into_query()));
    file.with(|connection| connection.execute_for_each(&text, keys.iter().map(|key| values::<E>(key))))
}

pub(crate) fn write<E: Table>(tx: &Tx, file: &Transaction, models: Vec<E::Model>, how: How) -> Result<(), StoreError> {
    let Some(sample) = models.first() else { return Ok(()) };
    let text = sql::<E>(tx, how, 1, || words(tx, &written::<E>(how, sample, 1)));
    let columns: Vec<_> = columns::<E>(how).collect();
    let rows = models.into_iter().map(|model| row::<E>(model, &columns).collect());
    file.with(|connection| connection.execute_for_each(&text, rows)).map(drop)
}

fn values<E: Table>(key: &Key<E>) -> Vec<Value> {
    key.clone().into_value_tuple().into_iter().collect()
}

/// The key is this one.
fn is<E: Table>(key: &Key<E>) -> Condition {
    let columns = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let equal = columns.zip(key.clone().into_value_tuple()).map(|(column, value)| column.eq(value));
    equal.fold(Condition::all(), Condition::add)
}
