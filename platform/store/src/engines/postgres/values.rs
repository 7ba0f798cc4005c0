//! SeaORM's values as PostgreSQL's.

use chrono::{DateTime, Utc};
use sea_orm::{
    DbErr,
    prelude::Uuid,
    sea_query::{ColumnType, Value},
};
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql, Type},
};

use super::Parameter;
use crate::{StoreError, model::unknown};

/// The type of an array of such a column's values.
pub(crate) fn array_type(kind: &ColumnType) -> Type {
    match kind {
        ColumnType::Uuid => Type::UUID_ARRAY,
        ColumnType::String(_) | ColumnType::Text | ColumnType::Char(_) => Type::TEXT_ARRAY,
        ColumnType::BigInteger => Type::INT8_ARRAY,
        ColumnType::Integer => Type::INT4_ARRAY,
        ColumnType::SmallInteger => Type::INT2_ARRAY,
        ColumnType::Boolean => Type::BOOL_ARRAY,
        ColumnType::TimestampWithTimeZone => Type::TIMESTAMPTZ_ARRAY,
        ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => Type::BYTEA_ARRAY,
        other => panic!("{}", unknown(other)),
    }
}

/// An array of a column's values, all of the column's type.
pub(crate) fn array(kind: &ColumnType, values: Vec<Value>) -> Parameter {
    fn of<T: ToSql + Send + Sync + 'static>(values: Vec<Value>, take: impl Fn(Value) -> Result<T, Value>) -> Parameter {
        let wrong = |value| panic!("{value:?} is not of its column's type");
        Box::new(values.into_iter().map(|value| take(value).unwrap_or_else(wrong)).collect::<Vec<T>>())
    }
    macro_rules! of {
        ($variant:ident) => {
            of(values, |value| if let Value::$variant(it) = value { Ok(it) } else { Err(value) })
        };
    }
    match kind {
        ColumnType::Uuid => of!(Uuid),
        ColumnType::String(_) | ColumnType::Text | ColumnType::Char(_) => of!(String),
        ColumnType::BigInteger => of!(BigInt),
        ColumnType::Integer => of!(Int),
        ColumnType::SmallInteger => of!(SmallInt),
        ColumnType::Boolean => of!(Bool),
        ColumnType::TimestampWithTimeZone => of!(ChronoDateTimeUtc),
        ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => of!(Bytes),
        other => panic!("{}", unknown(other)),
    }
}

/// A single value.
pub(super) fn parameter(value: Value) -> Result<Parameter, StoreError> {
    Ok(match value {
        Value::Bool(it) => Box::new(it),
        Value::SmallInt(it) => Box::new(it),
        Value::Int(it) => Box::new(it),
        Value::BigInt(it) => Box::new(it),
        // How many rows a query wants.
        Value::BigUnsigned(it) => Box::new(
            it.map(i64::try_from).transpose().map_err(|error| StoreError::Data(DbErr::Type(error.to_string())))?,
        ),
        Value::String(it) => Box::new(it),
        Value::Bytes(it) => Box::new(it),
        Value::Uuid(it) => Box::new(it),
        Value::ChronoDateTimeUtc(it) => Box::new(it),
        other => return Err(StoreError::Data(DbErr::Type(format!("{other:?} is not written here")))),
    })
}

/// The value of a column of this type, in its place.
pub(super) fn read(row: &Row, place: usize, kind: &ColumnType) -> Result<Value, String> {
    fn get<'a, T: FromSql<'a>>(row: &'a Row, place: usize) -> Result<Option<T>, String> {
        row.try_get(place).map_err(|error| error.to_string())
    }
    Ok(match kind {
        ColumnType::Uuid => Value::Uuid(get::<Uuid>(row, place)?),
        ColumnType::String(_) | ColumnType::Text | ColumnType::Char(_) => Value::String(get(row, place)?),
        ColumnType::BigInteger => Value::BigInt(get(row, place)?),
        ColumnType::Integer => Value::Int(get(row, place)?),
        ColumnType::SmallInteger => Value::SmallInt(get(row, place)?),
        ColumnType::Boolean => Value::Bool(get(row, place)?),
        ColumnType::TimestampWithTimeZone => Value::ChronoDateTimeUtc(get::<DateTime<Utc>>(row, place)?),
        ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => Value::Bytes(get(row, place)?),
        other => return Err(unknown(other)),
    })
}
