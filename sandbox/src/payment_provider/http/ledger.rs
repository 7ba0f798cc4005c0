//! What the provider has done.

use axum::extract::State;
use events::{Money, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Page, PageQuery, Paged, Problem};

use super::AppState;
use crate::payment_provider::{Operation, Status, entry};

/// Money that has moved, as the provider sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentProviderEntry)]
pub(super) struct EntryView {
    reference: Option<Uuid>,
    idempotency_key: String,
    order_id: Uuid,
    operation: Operation,
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    #[schema(example = "EUR")]
    currency: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Everything the provider has charged and paid back, by idempotency key.
#[utoipa::path(get, path = "/sandbox/payment-provider/ledger", tag = "Sandbox",
    params(PageQuery), responses((status = 200, body = Page<EntryView>)))]
pub(super) async fn ledger(
    _: Caller,
    State(AppState { app, .. }): State<AppState>,
    Paged { page, .. }: Paged,
) -> Result<Page<EntryView>, Problem> {
    let mut query = entry::Entity::find()
        .filter(entry::Column::Status.eq(Status::Done))
        .order_by_asc(entry::Column::Key)
        .limit(page.fetch());
    if let Some(last) = page.after::<String>()? {
        query = query.filter(entry::Column::Key.gt(last));
    }
    let rows = query.all(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(rows, &page, |row| row.key.clone()).map(|row| EntryView {
        reference: row.reference,
        idempotency_key: row.key,
        order_id: row.order_id,
        operation: row.operation,
        amount: Money::from_minor(row.amount_minor),
        currency: row.currency,
        at: row.at.into(),
    }))
}
