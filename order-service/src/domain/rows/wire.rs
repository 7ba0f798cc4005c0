use std::{fmt::Display, ops::Deref, str::FromStr};

use sea_orm::{
    ColIdx, DbErr, QueryResult, TryGetError, TryGetable,
    sea_query::{ArrayType, ColumnType, Nullable, StringLen, Value, ValueType, ValueTypeErr},
};

/// A column of a published type (status, reason, currency), stored under the published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire<T>(pub T);

impl<T> Deref for Wire<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Display> Display for Wire<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Display> From<Wire<T>> for Value {
    fn from(Wire(value): Wire<T>) -> Self {
        value.to_string().into()
    }
}

impl<T: FromStr<Err: Display>> TryGetable for Wire<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        let text = String::try_get_by(row, column)?;
        text.parse().map(Self).map_err(|error: T::Err| TryGetError::DbErr(DbErr::Type(error.to_string())))
    }
}

impl<T: FromStr> ValueType for Wire<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let text = <String as ValueType>::try_from(value)?;
        text.parse().map(Self).map_err(|_| ValueTypeErr)
    }
    fn type_name() -> String {
        "Wire".into()
    }
    fn array_type() -> ArrayType {
        ArrayType::String
    }
    fn column_type() -> ColumnType {
        ColumnType::String(StringLen::None)
    }
}

impl<T> Nullable for Wire<T> {
    fn null() -> Value {
        Value::String(None)
    }
}
