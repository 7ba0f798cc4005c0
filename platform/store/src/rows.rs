//! The rows of one table that a batch may touch: read once, decided over in memory, written once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Debug,
};

use sea_orm::{EntityTrait, IntoActiveModel, ModelTrait, PrimaryKeyTrait, TryIntoModel, sea_query::FromValueTuple};

use crate::{StoreError, Tx, bulk};

/// A table's primary key as a Rust value; a tuple when it spans several columns.
pub type Key<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// What `Rows` needs of an entity. Nothing to implement: every entity whose model can be compared and whose key has an
/// order is a table.
pub trait Table:
    EntityTrait<
        Model: PartialEq + Sync + IntoActiveModel<Self::ActiveModel>,
        ActiveModel: TryIntoModel<Self::Model>,
        PrimaryKey: PrimaryKeyTrait<ValueType: Ord + Clone + Sync>,
    >
{
}
impl<E> Table for E where
    E: EntityTrait<
            Model: PartialEq + Sync + IntoActiveModel<E::ActiveModel>,
            ActiveModel: TryIntoModel<E::Model>,
            PrimaryKey: PrimaryKeyTrait<ValueType: Ord + Clone + Sync>,
        >
{
}

/// The rows of `E` that a batch may touch, in key order.
#[derive(Debug, Clone)]
pub struct Rows<E: Table> {
    rows: BTreeMap<Key<E>, Row<E::Model>>,
    /// Nothing is missing: a key that is not here does not exist.
    whole: bool,
}

#[derive(Debug, Clone)]
enum Row<M> {
    /// Asked for; the database has none.
    Absent,
    /// As the database has it.
    Stored(M),
    /// Taken for writing: as the database has it, and as it is to be.
    Taken { stored: M, model: M },
    /// The database is to have it.
    New(M),
}

/// A whole table without rows, for tests of decisions.
impl<E: Table> Default for Rows<E> {
    fn default() -> Self {
        Self::whole([])
    }
}

impl<E: Table> Rows<E> {
    /// Reads these rows and keeps them for this transaction: nobody else can lock or change them until it ends. Always
    /// in key order, so two batches never wait for each other in a circle.
    pub async fn lock(
        tx: &Tx,
        keys: impl IntoIterator<Item = Key<E>, IntoIter: Send> + Send,
    ) -> Result<Self, StoreError> {
        Self::load(tx, keys.into_iter().collect(), true).await
    }

    /// Reads these rows. They may change meanwhile: for looking things up only.
    pub async fn read(
        tx: &Tx,
        keys: impl IntoIterator<Item = Key<E>, IntoIter: Send> + Send,
    ) -> Result<Self, StoreError> {
        Self::load(tx, keys.into_iter().collect(), false).await
    }

    /// A whole table in memory, for tests of decisions.
    pub fn whole(models: impl IntoIterator<Item = E::Model>) -> Self {
        let stored = |model| (key_of::<E>(&model), Row::Stored(model));
        Self { rows: models.into_iter().map(stored).collect(), whole: true }
    }

    async fn load(tx: &Tx, mut keys: Vec<Key<E>>, lock: bool) -> Result<Self, StoreError> {
        keys.sort_unstable(); // here, for rows are long to move about
        keys.dedup();
        let found = bulk::select::<E>(tx, &keys, lock).await?;
        let mut rows: BTreeMap<_, _> = keys.into_iter().map(|key| (key, Row::Absent)).collect();
        rows.extend(found.into_iter().map(|model| (key_of::<E>(&model), Row::Stored(model))));
        Ok(Self { rows, whole: false })
    }

    /// The row, if there is one. Panics when this key was never asked for: that is no row to be missed, it is a `load`
    /// that has forgotten one.
    pub fn get(&self, key: &Key<E>) -> Option<&E::Model> {
        self.assert_asked(key);
        match self.rows.get(key)? {
            Row::Absent => None,
            Row::Stored(model) | Row::Taken { model, .. } | Row::New(model) => Some(model),
        }
    }

    /// The row, to be changed. Panics like `get`.
    pub fn get_mut(&mut self, key: &Key<E>) -> Option<&mut E::Model> {
        self.assert_asked(key);
        self.rows.get_mut(key)?.take()
    }

    /// The row, to be changed, if this key was asked for and has one.
    pub fn loaded_mut(&mut self, key: &Key<E>) -> Option<&mut E::Model> {
        self.rows.get_mut(key)?.take()
    }

    /// A new row. Panics when there is one already: decide first, insert after.
    pub fn insert(&mut self, model: E::Model) -> &mut E::Model {
        let row = match self.rows.entry(key_of::<E>(&model)) {
            Entry::Vacant(vacant) => vacant.insert(Row::New(model)),
            Entry::Occupied(entry) if matches!(entry.get(), Row::Absent) => {
                let row = entry.into_mut();
                *row = Row::New(model);
                row
            }
            Entry::Occupied(_) => panic!("{} already has this row", E::default().table_name()),
        };
        row.take().expect("just inserted")
    }

    /// All rows there are, in key order.
    pub fn iter(&self) -> impl Iterator<Item = &E::Model> {
        self.rows.keys().filter_map(|key| self.get(key))
    }

    /// Writes what is new and what has changed; nothing for rows that are as they were. A new row that somebody else
    /// has inserted meanwhile is a `Conflict`, never an overwrite.
    pub async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        let (mut new, mut changed) = (vec![], vec![]);
        for row in self.rows.into_values() {
            match row {
                Row::New(model) => new.push(model),
                Row::Taken { stored, model } if stored != model => changed.push(model),
                Row::Absent | Row::Stored(_) | Row::Taken { .. } => {}
            }
        }
        bulk::insert::<E>(tx, new).await?;
        bulk::update::<E>(tx, changed).await
    }

    fn assert_asked(&self, key: &Key<E>) {
        assert!(self.whole || self.rows.contains_key(key), "{} {key:?} was not loaded", E::default().table_name());
    }
}

impl<M: Clone> Row<M> {
    fn take(&mut self) -> Option<&mut M> {
        if matches!(self, Row::Stored(_))
            && let Row::Stored(stored) = std::mem::replace(self, Row::Absent)
        {
            *self = Row::Taken { model: stored.clone(), stored };
        }
        match self {
            Row::Absent | Row::Stored(_) => None,
            Row::Taken { model, .. } | Row::New(model) => Some(model),
        }
    }
}

fn key_of<E: Table>(model: &E::Model) -> Key<E> {
    Key::<E>::from_value_tuple(model.get_primary_key_value())
}
