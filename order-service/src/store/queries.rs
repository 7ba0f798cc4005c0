//! What is read outside of decisions.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use events::OrderStatus;
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    Order, OrderSummary, Product, details,
    order::{Column, Entity},
    product,
};
use crate::domain::Details;

/// Which orders a list shows.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wanted {
    pub status: Option<OrderStatus>,
    pub customer: Option<Uuid>,
    /// Placed at or after this.
    pub from: Option<DateTime<Utc>>,
    /// Placed before this.
    pub to: Option<DateTime<Utc>>,
    /// Those before this one in the list are known.
    pub after: Option<Uuid>,
}

pub async fn order(db: &DatabaseConnection, id: Uuid) -> Result<Option<Order>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// What was ordered.
pub async fn details(db: &DatabaseConnection, id: Uuid) -> Result<Option<Details>, DbErr> {
    let row = details::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| row.details.0))
}

pub async fn summary(db: &DatabaseConnection, id: Uuid) -> Result<Option<OrderSummary>, DbErr> {
    Entity::find_by_id(id).into_partial_model().one(db).await
}

/// Newest first.
pub async fn list(db: &DatabaseConnection, wanted: &Wanted, limit: u64) -> Result<Vec<OrderSummary>, DbErr> {
    let mut query = Entity::find().order_by_desc(Column::Id).limit(limit);
    if let Some(status) = wanted.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    if let Some(customer) = wanted.customer {
        query = query.filter(Column::CustomerId.eq(customer));
    }
    // Ids begin with the time they were made at, a moment before the order is taken: they find the place in the index,
    // with room to spare, and the time itself decides.
    if let Some(from) = wanted.from {
        query = query.filter(Column::CreatedAt.gte(from)).filter(Column::Id.gte(first_id(from - ROOM)));
    }
    if let Some(to) = wanted.to {
        query = query.filter(Column::CreatedAt.lt(to)).filter(Column::Id.lt(first_id(to + ROOM)));
    }
    if let Some(after) = wanted.after {
        query = query.filter(Column::Id.lt(after));
    }
    query.into_partial_model().all(db).await
}

/// More than any request waits for its decision.
const ROOM: TimeDelta = TimeDelta::minutes(5);

/// The smallest id of that moment.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

pub async fn products(db: &DatabaseConnection, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Product>, DbErr> {
    let found = product::Entity::find().filter(product::Column::Id.is_in(ids)).all(db).await?;
    Ok(found.into_iter().map(|product| (product.id, product)).collect())
}
