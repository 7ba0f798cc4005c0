//! Queries outside of decisions.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use events::OrderStatus;
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::domain::{
    Details,
    rows::{
        Order, OrderSummary, Product, details,
        order::{Column, Entity},
        product,
    },
};

/// The orders that a list contains.
#[derive(Debug, Default, Clone, Copy)]
pub struct ListFilter {
    pub status: Option<OrderStatus>,
    pub customer: Option<Uuid>,
    /// Placed at or after this time.
    pub from: Option<DateTime<Utc>>,
    /// Placed before this time.
    pub to: Option<DateTime<Utc>>,
    /// The last order of the previous page.
    pub after: Option<Uuid>,
}

pub async fn order(db: &DatabaseConnection, id: Uuid) -> Result<Option<Order>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The items, the customer and the payment method of an order.
pub async fn details(db: &DatabaseConnection, id: Uuid) -> Result<Option<Details>, DbErr> {
    let row = details::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| row.details.0))
}

pub async fn summary(db: &DatabaseConnection, id: Uuid) -> Result<Option<OrderSummary>, DbErr> {
    Entity::find_by_id(id).into_partial_model().one(db).await
}

/// Newest first.
pub async fn list(db: &DatabaseConnection, filter: &ListFilter, limit: u64) -> Result<Vec<OrderSummary>, DbErr> {
    let mut query = Entity::find().order_by_desc(Column::Id).limit(limit);
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    if let Some(customer) = filter.customer {
        query = query.filter(Column::CustomerId.eq(customer));
    }
    // An id starts with its creation time, which is up to `ID_AGE` before `created_at`. The condition on the id bounds the
    // index scan; the condition on `created_at` is exact.
    if let Some(from) = filter.from {
        query = query.filter(Column::CreatedAt.gte(from)).filter(Column::Id.gte(first_id(from - ID_AGE)));
    }
    if let Some(to) = filter.to {
        query = query.filter(Column::CreatedAt.lt(to)).filter(Column::Id.lt(first_id(to + ID_AGE)));
    }
    if let Some(after) = filter.after {
        query = query.filter(Column::Id.lt(after));
    }
    query.into_partial_model().all(db).await
}

/// More than the time between the creation of an order's id and its decision.
const ID_AGE: TimeDelta = TimeDelta::minutes(5);

/// The smallest id of this time.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

pub async fn products(db: &DatabaseConnection, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Product>, DbErr> {
    let found = product::Entity::find().filter(product::Column::Id.is_in(ids)).all(db).await?;
    Ok(found.into_iter().map(|product| (product.id, product)).collect())
}
