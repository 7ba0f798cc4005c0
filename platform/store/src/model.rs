//! From the columns of a row to a model, for connections that are not SeaORM's.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, IdenStatic, Iterable, TryIntoModel,
    sea_query::{ColumnType, Value},
};

use crate::{StoreError, Table};

/// The columns of `E`, in the order in which SeaORM selects them, and what each holds.
pub(crate) struct Columns<E: Table>(Vec<(E::Column, ColumnType)>);

impl<E: Table> Columns<E> {
    pub fn all() -> Self {
        Self(E::Column::iter().map(|column| (column, column.def().get_column_type().clone())).collect())
    }

    /// A model of what is read of each column: its place in the row, its type.
    pub fn model(&self, read: impl Fn(usize, &ColumnType) -> Result<Value, String>) -> Result<E::Model, StoreError> {
        let mut model = <E::ActiveModel as ActiveModelTrait>::default();
        for (place, (column, kind)) in self.0.iter().enumerate() {
            let value = read(place, kind).map_err(|why| {
                StoreError::Data(DbErr::Type(format!("{}.{}: {why}", E::default().table_name(), column.as_str())))
            })?;
            model.try_set(*column, value).map_err(StoreError::Data)?;
        }
        model.try_into_model().map_err(StoreError::Data)
    }
}

/// Of a type that no table here has.
pub(crate) fn unknown(kind: &ColumnType) -> String {
    format!("columns of type {kind:?} are not known here")
}
