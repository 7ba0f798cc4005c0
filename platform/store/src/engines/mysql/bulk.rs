//! Statements for MySQL and MariaDB: every value is a parameter. The numbers of rows are powers of two, so a batch of 300 goes as
//! 256 + 32 + 8 + 4: with a statement for every size, the server would prepare them over and over.

use sea_orm::{
    ColumnTrait, DatabaseTransaction, FromQueryResult, Iterable, PrimaryKeyToColumn, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Statement,
    sea_query::{Expr, ExprTrait, IntoValueTuple, Value, Values},
};

use crate::{
    Key, StoreError, Table, Tx,
    bulk::{How, columns, row, sql, words, written},
};

/// Rows in the largest statement that has a parameter for each value. Tables of up to 120 columns stay below MySQL's limit
/// of 65,535.
const MOST_ROWS: usize = 512;

/// Keys in the largest statement. MariaDB turns a list of 1,000 values or more into a subquery, and then locks rows as it
/// comes by them and not in key order.
fn most_keys<E: Table>() -> usize {
    1 << (999 / E::PrimaryKey::iter().count()).ilog2()
}

/// The rows with these keys, in key order.
pub(crate) async fn select<E: Table>(
    tx: &Tx,
    server: &DatabaseTransaction,
    keys: &[Key<E>],
    lock: bool,
) -> Result<Vec<E::Model>, StoreError> {
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

/// Removes the rows with these keys, and returns how many there were.
pub(crate) async fn delete<E: Table>(tx: &Tx, keys: &[Key<E>]) -> Result<u64, StoreError> {
    let mut gone = 0;
    for keys in keys.chunks(most_keys::<E>()) {
        let sql = sql::<E>(tx, How::Delete, keys.len().next_power_of_two(), || {
            words(tx, &E::delete_many().filter(among::<E>(keys)).into_query())
        });
        gone += tx.execute_raw(statement(tx, &sql, filled_up::<E>(keys))).await?;
    }
    Ok(gone)
}

pub(crate) async fn write<E: Table>(tx: &Tx, models: Vec<E::Model>, how: How) -> Result<(), StoreError> {
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

/// How many of them the next statement takes.
fn rows_of(models: usize) -> usize {
    1 << Ord::min(models, MOST_ROWS).ilog2()
}

fn statement(tx: &Tx, sql: &str, values: Vec<Value>) -> Statement {
    Statement { sql: sql.to_owned(), values: Some(Values(values)), db_backend: tx.backend() }
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
