//! Statements for PostgreSQL: an array for each column. There is one per table, whatever the number of rows; were every value
//! a parameter, planning would be a fifth of the server's work.

use sea_orm::{
    ColumnTrait, IdenStatic, IntoSimpleExpr, Iterable, PrimaryKeyToColumn,
    sea_query::{Asterisk, Expr, ExprTrait, Func, IntoValueTuple, Query, Value, extension::postgres::PgFunc},
};

use super::{How, columns, key, row};
use crate::{Key, Table};

/// The key is one of those in the arrays.
pub(super) fn among<E: Table>(keys: &[Key<E>]) -> Expr {
    let mut arrays = of_keys::<E>(keys);
    let mut columns = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    if let (Some(only), None) = (columns.next(), columns.next()) {
        return only.into_simple_expr().eq(PgFunc::any(Expr::val(arrays.remove(0))));
    }
    let rows = Func::cust("unnest").args(arrays.into_iter().map(Expr::val));
    key::<E>().in_subquery(Query::select().column(Asterisk).from_function(rows, "keys").to_owned())
}

/// An array for each column of the key.
pub(super) fn of_keys<E: Table>(keys: &[Key<E>]) -> Vec<Value> {
    let mut columns = vec![Vec::with_capacity(keys.len()); E::PrimaryKey::iter().count()];
    for key in keys {
        for (column, value) in columns.iter_mut().zip(key.clone().into_value_tuple()) {
            column.push(value);
        }
    }
    columns.into_iter().map(array).collect()
}

/// An array for each column, and then one for each that may be empty, which tells where it is: SQLx has no arrays with nothing
/// in some places.
pub(super) fn of_models<E: Table>(how: How, models: Vec<E::Model>) -> Vec<Value> {
    let names: Vec<_> = columns::<E>(how).collect();
    let nullable: Vec<_> = names.iter().map(|column| column.def().is_null()).collect();
    let mut columns = vec![Vec::with_capacity(models.len()); names.len()];
    let mut nulls = vec![Vec::with_capacity(models.len()); nullable.iter().filter(|it| **it).count()];
    for model in models {
        let mut nulls = nulls.iter_mut();
        for ((value, column), nullable) in row::<E>(model, &names).zip(&mut columns).zip(&nullable) {
            let missing = *nullable && !value.is_some();
            if *nullable {
                nulls.next().expect("one for each").push(Value::from(missing));
            }
            column.push(if missing { value.dummy_value() } else { value });
        }
    }
    columns.into_iter().chain(nulls).map(array).collect()
}

fn array(values: Vec<Value>) -> Value {
    Value::Array(values[0].array_type(), Some(Box::new(values)))
}

/// Writes the rows that `of_models` has made arrays of.
pub(super) fn written<E: Table>(how: How) -> String {
    let quoted = |column: E::Column| format!("\"{}\"", column.as_str());
    let list = |names: &[String]| names.join(", ");
    let names: Vec<_> = columns::<E>(how).map(quoted).collect();
    let (mut taken, mut given) = (names.clone(), names.clone());
    for (column, taken) in columns::<E>(how).zip(&mut taken).filter(|(column, _)| column.def().is_null()) {
        let is_null = format!("\"{} is null\"", column.as_str());
        *taken = format!("CASE WHEN {is_null} THEN NULL ELSE {taken} END");
        given.push(is_null);
    }
    let parameters: Vec<_> = (1..=given.len()).map(|number| format!("${number}")).collect();
    let insert = format!(
        "INSERT INTO \"{}\" ({}) SELECT {} FROM unnest({}) AS \"new\" ({})",
        E::default().table_name(),
        list(&names),
        list(&taken),
        list(&parameters),
        list(&given)
    );
    if how != How::Overwrite {
        return insert;
    }
    let keys: Vec<_> = E::PrimaryKey::iter().map(|key| quoted(key.into_column())).collect();
    let others = names.iter().filter(|name| !keys.contains(name));
    let set: Vec<_> = others.map(|name| format!("{name} = excluded.{name}")).collect();
    format!("{insert} ON CONFLICT ({}) DO UPDATE SET {}", list(&keys), list(&set))
}
